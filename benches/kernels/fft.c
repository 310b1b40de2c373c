/* A radix-2 fast Fourier transform and its inverse in doubles; roots of unity come from square roots only. */
#include <math.h>

#include "kernel.h"

enum { LOG_SIZE = 11, SIZE = 1 << LOG_SIZE };
static double real[SIZE], imaginary[SIZE], cosine[SIZE / 2], sine[SIZE / 2];

/* Fills the table of roots by halving angles: cos(x/2) = sqrt((1 + cos x) / 2), then angle addition. */
static void make_roots(void)
{
    cosine[0] = 1.0;
    sine[0] = 0.0;
    double c = -1.0;
    for (int span = SIZE / 4; span >= 1; span /= 2) {
        double s;
        c = sqrt((1.0 + c) * 0.5);
        s = sqrt(1.0 - c * c);
        for (int i = 0; i < SIZE / 2; i += 2 * span) {
            cosine[i + span] = cosine[i] * c - sine[i] * s;
            sine[i + span] = sine[i] * c + cosine[i] * s;
        }
    }
}

static void transform(double direction)
{
    for (unsigned i = 0, j = 0; i < SIZE; i++) {
        if (i < j) {
            double swap = real[i];
            real[i] = real[j];
            real[j] = swap;
            swap = imaginary[i];
            imaginary[i] = imaginary[j];
            imaginary[j] = swap;
        }
        unsigned bit = SIZE / 2;
        for (; bit && j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
    for (int half = 1, stride = SIZE / 2; half < SIZE; half *= 2, stride /= 2)
        for (int block = 0; block < SIZE; block += 2 * half)
            for (int k = 0; k < half; k++) {
                double c = cosine[k * stride], s = direction * sine[k * stride];
                int a = block + k, b = a + half;
                double r = real[b] * c - imaginary[b] * s, i = real[b] * s + imaginary[b] * c;
                real[b] = real[a] - r;
                imaginary[b] = imaginary[a] - i;
                real[a] += r;
                imaginary[a] += i;
            }
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 8500), checksum = 0, seed = 67;
    make_roots();
    for (int i = 0; i < SIZE; i++)
        real[i] = (double)(kernel_random(&seed) >> 40) / 16777216.0 - 0.5;
    for (uint64_t round = 0; round < rounds; round++) {
        transform(1.0);
        checksum = kernel_mix_double(checksum, real[1 + round % 1000]);
        transform(-1.0);
        for (int i = 0; i < SIZE; i++) {
            real[i] /= SIZE;
            imaginary[i] /= SIZE;
        }
        checksum = kernel_mix_double(checksum, real[round % SIZE]);
        real[round % SIZE] += 0.25;
    }
    return kernel_finish("fft", checksum);
}
