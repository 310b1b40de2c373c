/* The compiler's vector types: 16-byte vectors of all lane types become SSE2, NEON or plain code, with the same results. */
#include <math.h>

#include "check.h"

static uint64_t hash = 1;

static void mix(const void *bytes)
{
    uint64_t words[2];
    memcpy(words, bytes, sizeof words);
    for (int i = 0; i < 2; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
}

#define MIX(expression)                                                                                                \
    ({                                                                                                                 \
        __typeof__(expression) value_ = (expression);                                                                  \
        mix(&value_);                                                                                                  \
    })

/* Lane by lane; C, unlike C++, has no conditional operator for vectors. */
#define SELECT(mask, a, b)                                                                                             \
    ({                                                                                                                 \
        __typeof__(mask) mask_ = (mask);                                                                               \
        (__typeof__(a))((mask_ & (__typeof__(mask))(a)) | (~mask_ & (__typeof__(mask))(b)));                           \
    })

#define INTEGER_LANES(name, S, U, lanes, bits)                                                                         \
    typedef S name##_s __attribute__((vector_size(16)));                                                               \
    typedef U name##_u __attribute__((vector_size(16)));                                                               \
    __attribute__((noinline)) static void name(name##_s a, name##_s b)                                                 \
    {                                                                                                                  \
        name##_u x = (name##_u)a, y = (name##_u)b, count = y & (U)(bits - 1);                                          \
        MIX(x + y), MIX(x - y), MIX(x * y), MIX(a & b), MIX(a | b), MIX(a ^ b), MIX(~a), MIX(-x);                      \
        MIX(a == b), MIX(a < b), MIX(a >= b), MIX(x > y), MIX(x <= y), MIX(a != b);                                    \
        MIX(x << 3), MIX(x >> 5), MIX(a >> 2), MIX(x << count), MIX(x >> count), MIX(a >> count);                      \
        MIX(SELECT(a < b, a, b)), MIX(SELECT(x > y, x, y)), MIX((a ^ (a >> (bits - 1))) - (a >> (bits - 1)));                      \
        MIX(x + (U)7), MIX(x * (U)3), MIX((name##_s){0} - a), MIX(x / (y | 1)), MIX(x % (y | 1));                      \
        name##_u reversed, interleaved;                                                                                \
        S total = 0;                                                                                                   \
        for (int i = 0; i < lanes; i++) {                                                                              \
            reversed[i] = x[lanes - 1 - i];                                                                            \
            interleaved[i] = i & 1 ? y[i / 2] : x[i / 2];                                                              \
            total = (S)((U)total + x[i]);                                                                              \
        }                                                                                                              \
        MIX(reversed), MIX(interleaved), MIX(__builtin_shuffle(x, y, count)), MIX((name##_u){0} + (U)total);           \
        x[y[0] % lanes] = (U)42;                                                                                       \
        MIX(x);                                                                                                        \
    }
INTEGER_LANES(bytes, int8_t, uint8_t, 16, 8)
INTEGER_LANES(halves, int16_t, uint16_t, 8, 16)
INTEGER_LANES(words, int32_t, uint32_t, 4, 32)
INTEGER_LANES(doublewords, int64_t, uint64_t, 2, 64)

typedef float floats __attribute__((vector_size(16)));
typedef double doubles __attribute__((vector_size(16)));

__attribute__((noinline)) static void singles(floats a, floats b)
{
    MIX(a + b), MIX(a - b), MIX(a * b), MIX(a / b), MIX(-a), MIX(a < b), MIX(a == b), MIX(a >= b);
    MIX(SELECT(a < b, a, b)), MIX(__builtin_convertvector(a, words_s)), MIX(__builtin_convertvector((words_s)a, floats));
    floats roots;
    for (int i = 0; i < 4; i++)
        roots[i] = sqrtf(fabsf(a[i]));
    MIX(roots), MIX(__builtin_shuffle(a, (words_s){3, 0, 2, 1})), MIX(a * 2.5f + b);
}

__attribute__((noinline)) static void pairs(doubles a, doubles b)
{
    MIX(a + b), MIX(a - b), MIX(a * b), MIX(a / b), MIX(-a), MIX(a < b), MIX(a == b), MIX(SELECT(a > b, a, b));
    MIX(__builtin_convertvector((doublewords_s)a, doubles)), MIX(__builtin_convertvector(a, doublewords_s));
    doubles roots = {sqrt(fabs(a[0])), sqrt(fabs(a[1]))};
    MIX(roots), MIX(__builtin_shuffle(a, b, (doublewords_s){1, 2})), MIX(a * 0.1 - b);
}

/* Loops that -O3 vectorises: widening, narrowing, saturating, reducing, strided. */
enum { COUNT = 203 };
static int8_t b8[COUNT];
static uint8_t u8[COUNT], out8[COUNT];
static int16_t h16[COUNT], out16[COUNT];
static int32_t w32[COUNT], out32[COUNT];
static int64_t d64[COUNT], out64[COUNT];
static float f32[COUNT], outf[COUNT];
static double f64[COUNT], outd[COUNT];

__attribute__((noinline)) static void loops(int n)
{
    int32_t sum = 0, dot = 0, largest = INT32_MIN;
    int64_t wide = 0;
    uint32_t differences = 0;
    for (int i = 0; i < n; i++)
        out16[i] = (int16_t)(b8[i] * 3 + u8[i]);
    for (int i = 0; i < n; i++)
        out8[i] = (uint8_t)(h16[i] < 0 ? 0 : h16[i] > 255 ? 255 : h16[i]);
    for (int i = 0; i < n; i++)
        sum = (int32_t)((uint32_t)sum + (uint32_t)w32[i]);
    for (int i = 0; i < n; i++)
        dot += h16[i] / 16 * out16[i];
    for (int i = 0; i < n; i++)
        largest = w32[i] > largest ? w32[i] : largest;
    for (int i = 0; i < n; i++)
        wide += (int64_t)w32[i] * h16[i];
    for (int i = 0; i < n; i++)
        differences += (uint32_t)abs(u8[i] - out8[i]);
    for (int i = 0; i < n; i++)
        out32[i] = (int32_t)((uint32_t)w32[n - 1 - i] >> 7 ^ (uint32_t)w32[i] << 3);
    for (int i = 0; i < n; i++)
        out64[i] = d64[i] > 0 ? d64[i] ^ w32[i] : ~d64[i];
    for (int i = 0; i < n; i++)
        outf[i] = (float)h16[i] * 0.25f + f32[i];
    for (int i = 0; i < n; i++)
        outd[i] = (double)f32[i] * f64[i] + (double)w32[i];
    for (int i = 0; i + 1 < n / 2; i++)
        out32[i] = (int32_t)((uint32_t)w32[2 * i] - (uint32_t)w32[2 * i + 1]);
    for (int i = 0; i < n; i++)
        f32[i] = (float)f64[i], w32[i] = (int32_t)(f64[i] * 100.0);
    int64_t results[2] = {sum + (int64_t)dot * 3 + largest, wide + differences};
    mix(results);
    const unsigned char *all[] = {out8, (void *)out16, (void *)out32, (void *)out64, (void *)outf, (void *)outd, (void *)f32, (void *)w32};
    const size_t sizes[] = {1, 2, 4, 8, 4, 8, 4, 4};
    for (int i = 0; i < 8; i++)
        for (size_t j = 0; j + 16 <= COUNT * sizes[i]; j += 16)
            mix(all[i] + j);
}

int main(void)
{
    for (int round = 0; round < 3000; round++) {
        uint64_t random[4] = {check_random(), check_random(), check_random(), check_random()};
        if (round % 4 == 1)
            random[2] = random[0], random[3] = random[1] ^ 0x100;
        if (round % 8 == 2)
            random[0] = UINT64_C(0x80007fff0001ffff), random[2] = UINT64_C(0x8080ff7f00010001);
#define LANES(name)                                                                                                    \
    do {                                                                                                               \
        name##_s a, b;                                                                                                 \
        memcpy(&a, random, 16);                                                                                        \
        memcpy(&b, random + 2, 16);                                                                                    \
        name(a, b);                                                                                                    \
    } while (0)
        LANES(bytes);
        LANES(halves);
        LANES(words);
        LANES(doublewords);
        floats f, g;
        doubles d, e;
        for (int i = 0; i < 4; i++) {
            f[i] = (float)(int32_t)(random[i] >> 32) / 4096.0f;
            g[i] = (float)(int32_t)random[i] / 65536.0f + 0.5f;
        }
        for (int i = 0; i < 2; i++) {
            d[i] = (double)(int64_t)random[i] / 4096.0;
            e[i] = (double)(int64_t)random[i + 2] / 3.0e9 + 0.5;
        }
        if (round % 16 == 3)
            g = f;
        singles(f, g);
        pairs(d, e);
        if (round % 10 == 0) {
            for (int i = 0; i < COUNT; i++) {
                uint64_t bits = check_random();
                b8[i] = (int8_t)bits, u8[i] = (uint8_t)(bits >> 8), h16[i] = (int16_t)(bits >> 16), w32[i] = (int32_t)(bits >> 32);
                d64[i] = (int64_t)(bits * 3), f32[i] = (float)(int16_t)(bits >> 5) / 64.0f, f64[i] = (double)(int32_t)bits / 1024.0;
            }
            loops(COUNT - round % 37);
        }
        if (round % 300 == 0)
            printf("%d %016" PRIx64 "\n", round, hash);
    }
    printf("%016" PRIx64 "\n", hash);
    return check_finish();
}
