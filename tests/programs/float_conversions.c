/* Conversions between integers, float and double of every width and sign, and single precision arithmetic. */
#include <float.h>
#include <math.h>

#include "check.h"

static uint64_t hash = 1;

static void mix(uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 32;
}

static void mix_double(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    mix(isnan(x) ? 1 : bits);
}

static void mix_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    mix(isnan(x) ? 1 : bits);
}

__attribute__((noinline)) static void from_integers(uint64_t x)
{
    mix_double((double)x), mix_double((double)(int64_t)x), mix_double((double)(uint32_t)x), mix_double((double)(int32_t)x);
    mix_float((float)x), mix_float((float)(int64_t)x), mix_float((float)(uint32_t)x), mix_float((float)(int32_t)x);
    mix_float((float)(int16_t)x), mix_double((double)(int8_t)x), mix_float((float)(uint8_t)x), mix_double((double)(uint16_t)x);
}

/* Out of range the result is left open by C: only values that fit are converted. */
__attribute__((noinline)) static void to_integers(double x)
{
    float f = (float)x;
    if (x > -0x1p63 && x < 0x1p63)
        mix((uint64_t)(int64_t)x);
    if (x > -1 && x < 0x1p64)
        mix((uint64_t)x);
    if (x > -0x1p31 && x < 0x1p31)
        mix((uint64_t)(int32_t)x);
    if (x > -1 && x < 0x1p32)
        mix((uint32_t)x);
    if (x > -129 && x < 128)
        mix((uint64_t)(int8_t)x);
    if (f > -0x1p63f && f < 0x1p63f)
        mix((uint64_t)(int64_t)f);
    if (f > -1 && f < 0x1p64f)
        mix((uint64_t)f);
    if (f > -0x1p31f && f < 0x1p31f)
        mix((uint64_t)(int32_t)f);
    if (f > -1 && f < 0x1p32f)
        mix((uint32_t)f);
    mix_float(f);
    mix_double((double)f);
}

__attribute__((noinline)) static void single(float a, float b, float c)
{
    mix_float(a + b), mix_float(a - b), mix_float(a * b), mix_float(a / b), mix_float(-a), mix_float(fabsf(a)), mix_float(sqrtf(fabsf(a)));
    mix_float(a * b + c), mix_float((a + b) * (b - c)), mix_float(a < b ? a : b), mix_float(a >= c ? c : b);
    mix((uint64_t)((a < b) | (a <= b) << 1 | (a == b) << 2 | (a != b) << 3 | (a > b) << 4 | (a >= b) << 5));
    mix_double((double)a * (double)b), mix_float((float)((double)a + (double)c));
}

int main(void)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = check_random(), shifted = bits >> (i & 63);
        from_integers(shifted);
        from_integers(-shifted);
        /* Values around the halfway cases of rounding to double and float. */
        from_integers((UINT64_C(1) << 63 | UINT64_C(0x400)) + (uint64_t)(i % 5 - 2));
        from_integers((shifted | UINT64_C(0x80)) & ~UINT64_C(0x7e));
        double x;
        memcpy(&x, &bits, sizeof x);
        to_integers(x);
        to_integers((double)(int64_t)bits / (double)(UINT64_C(1) << (i & 63)));
        to_integers((double)(int64_t)bits * 0x1p-40);
        uint32_t words[3] = {(uint32_t)bits, (uint32_t)(bits >> 32), (uint32_t)(bits >> 16)};
        if (i & 1)
            for (int j = 0; j < 3; j++)
                words[j] = (words[j] & 0x81ffffffu) | 0x3e000000u;
        float f[3];
        memcpy(f, words, sizeof f);
        single(f[0], f[1], f[2]);
        /* Results below the smallest normal number. */
        words[0] &= 0x81ffffff;
        memcpy(f, words, sizeof f);
        single(f[0], f[1], f[0]);
        if (i % 1000 == 0)
            printf("%d %016" PRIx64 "\n", i, hash);
    }
    volatile double edges[] = {0.0, -0.0, 0.99999999999999989, -0.99999999999999989, 2147483647.0, -2147483648.0, 4294967295.0,
                               9223372036854774784.0, -9223372036854775808.0, 18446744073709549568.0, 127.9, -128.9, 0.5, 1.5, -2.5};
    for (unsigned i = 0; i < sizeof edges / sizeof *edges; i++)
        to_integers(edges[i]);
    printf("%016" PRIx64 "\n", hash);
    return check_finish();
}
