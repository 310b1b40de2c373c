/* A finite impulse response filter in single precision, with conversions to and from 16-bit samples. */
#include "kernel.h"

enum { SAMPLES = 4096, TAPS = 32 };
static int16_t samples[SAMPLES + TAPS];
static float input[SAMPLES + TAPS], output[SAMPLES], taps[TAPS];

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 16000), checksum = 0, seed = 31;
    for (int i = 0; i < SAMPLES + TAPS; i++)
        samples[i] = (int16_t)(kernel_random(&seed) >> 50);
    for (int i = 0; i < TAPS; i++)
        taps[i] = (float)(i < TAPS / 2 ? i + 1 : TAPS - i) / 290.0f;
    for (uint64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < SAMPLES + TAPS; i++)
            input[i] = (float)samples[i] * (1.0f / 32768.0f);
        for (int i = 0; i < SAMPLES; i++) {
            float sum = 0.0f;
            for (int k = 0; k < TAPS; k++)
                sum += taps[k] * input[i + k];
            output[i] = sum;
        }
        double energy = 0.0;
        for (int i = 0; i < SAMPLES; i++) {
            samples[i] = (int16_t)(output[i] * 24000.0f + (float)(i & 15));
            energy += (double)output[i] * (double)output[i];
        }
        samples[round % SAMPLES] = (int16_t)(kernel_random(&seed) >> 50);
        checksum = kernel_mix_double(checksum, energy);
    }
    return kernel_finish("fir_f32", checksum);
}
