/* Integer arithmetic of all widths, with 128-bit products and quotients, overflow, shifts, bit fields and counting. */
#include <limits.h>
#include <stdbool.h>

#include "check.h"

typedef __int128 i128;
typedef unsigned __int128 u128;

static uint64_t hash = 1;

static void mix(uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 32;
}

static void mix128(u128 value)
{
    mix((uint64_t)value);
    mix((uint64_t)(value >> 64));
}

/* One function for each width, so that the compiler sees plain operands of that type. */
#define WIDTH(name, S, U, bits)                                                                                        \
    __attribute__((noinline)) static void name(S a, S b)                                                               \
    {                                                                                                                  \
        U x = (U)a, y = (U)b;                                                                                          \
        S r;                                                                                                           \
        mix((uint64_t)(U)(x + y)), mix((uint64_t)(U)(x - y)), mix((uint64_t)(U)((u128)x * y));                         \
        mix((uint64_t)(x & y)), mix((uint64_t)(x | y)), mix((uint64_t)(x ^ y)), mix((uint64_t)(U)~x), mix((uint64_t)(U)-x);    \
        if (y) {                                                                                                       \
            mix((uint64_t)(x / y)), mix((uint64_t)(x % y));                                                            \
            if (b != -1)                                                                                               \
                mix((uint64_t)(U)(a / b)), mix((uint64_t)(U)(a % b));                                                  \
        }                                                                                                              \
        unsigned s = (unsigned)(y & (bits - 1));                                                                       \
        mix((uint64_t)(U)(x << s)), mix((uint64_t)(x >> s)), mix((uint64_t)(U)(a >> s));                               \
        mix((uint64_t)(U)(x << s | x >> ((bits - s) & (bits - 1)))), mix((uint64_t)(U)(x >> s | x << ((bits - s) & (bits - 1)))); \
        mix((uint64_t)((a < b) | (x < y) << 1 | (a <= b) << 2 | (x > y) << 3 | (a == b) << 4 | (a >= 0) << 5));         \
        mix((uint64_t)__builtin_add_overflow(a, b, &r)), mix((uint64_t)(U)r);                                          \
        mix((uint64_t)__builtin_sub_overflow(a, b, &r)), mix((uint64_t)(U)r);                                          \
        mix((uint64_t)__builtin_mul_overflow(a, b, &r)), mix((uint64_t)(U)r);                                          \
        mix((uint64_t)(U)(a < b ? a : b)), mix((uint64_t)(U)(x > y ? x : y)), mix((uint64_t)(U)(a < 0 ? -x : x));      \
        mix((uint64_t)(int64_t)a), mix((uint64_t)x), mix((uint64_t)(int32_t)a), mix((uint64_t)(int16_t)a), mix((uint64_t)(int8_t)a); \
    }
WIDTH(width8, int8_t, uint8_t, 8)
WIDTH(width16, int16_t, uint16_t, 16)
WIDTH(width32, int32_t, uint32_t, 32)
WIDTH(width64, int64_t, uint64_t, 64)

__attribute__((noinline)) static void width128(i128 a, i128 b)
{
    u128 x = (u128)a, y = (u128)b;
    mix128(x + y), mix128(x - y), mix128(x * y), mix128(-x), mix128(~x & y), mix128(x ^ y);
    if (y) {
        mix128(x / y), mix128(x % y), mix128(x / (uint64_t)(y | 1)), mix128(x % (uint32_t)(y | 1));
        if (b != -1)
            mix128((u128)(a / b)), mix128((u128)(a % b));
    }
    unsigned s = (unsigned)y & 127;
    mix128(x << s), mix128(x >> s), mix128((u128)(a >> s));
    mix((a < b) | (x < y) << 1 | (a == b) << 2 | (x >= y) << 3);
    i128 r;
    mix(__builtin_add_overflow(a, b, &r)), mix128((u128)r);
    mix(__builtin_sub_overflow(a, b, &r)), mix128((u128)r);
    double d = (double)a;
    mix((uint64_t)(i128)(d / 0x1p70));
}

__attribute__((noinline)) static void counting(uint64_t x)
{
    mix((uint64_t)__builtin_popcountll(x)), mix((uint64_t)__builtin_parityll(x)), mix((uint64_t)__builtin_ffsll((int64_t)x));
    if (x)
        mix((uint64_t)__builtin_clzll(x)), mix((uint64_t)__builtin_ctzll(x));
    if ((uint32_t)x)
        mix((uint64_t)__builtin_clz((uint32_t)x)), mix((uint64_t)__builtin_ctz((uint32_t)x)), mix((uint64_t)__builtin_clrsb((int)x));
    mix(__builtin_bswap64(x)), mix(__builtin_bswap32((uint32_t)x)), mix(__builtin_bswap16((uint16_t)x));
    uint64_t reversed = 0;
    for (int i = 0; i < 64; i++)
        reversed |= (x >> i & 1) << (63 - i);
    mix(reversed);
    /* Divisions by constants become multiplications. */
    mix(x / 3), mix(x % 10), mix(x / 1000000007), mix((uint64_t)((int64_t)x / 7)), mix((uint64_t)((int64_t)x % -12));
    mix((uint32_t)x / 10u), mix((uint64_t)((int32_t)x / 100)), mix((uint64_t)((int64_t)x / 4096)), mix((uint64_t)((int32_t)x % 8));
    mix((uint16_t)x / 9), mix((uint64_t)((int8_t)x / 5));
    mix(x * 5), mix(x * 9 + 3), mix((x << 3) - x), mix(x & UINT64_C(0x00ff00ff00ff00ff)), mix(x + UINT64_C(0x123456789abcdef));
}

static struct fields {
    unsigned a : 3;
    signed b : 7;
    unsigned c : 13;
    uint64_t d : 41;
    signed e : 1;
    bool f : 1;
    uint64_t g : 64;
    signed h : 17;
} fields;

__attribute__((noinline)) static void bit_fields(uint64_t x)
{
    fields.a = x & 7;
    fields.b = (int)(x >> 3) << 25 >> 25;
    fields.c = (unsigned)(x >> 10) & 0x1fff;
    fields.d += x & UINT64_C(0x1ffffffffff);
    fields.e = -(int)(x >> 63);
    fields.f = x >> 20 & 3;
    fields.g ^= x;
    fields.h = (int)(x >> 40) << 15 >> 15;
    mix(fields.a), mix((uint64_t)fields.b), mix(fields.c), mix(fields.d), mix((uint64_t)fields.e), mix(fields.f), mix(fields.g);
    mix((uint64_t)fields.h);
}

int main(void)
{
    static const uint64_t edges[] = {0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
        0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xfffffffffffffffe, 0xffffffffffffffff, 0xffffffff80000000};
    enum { EDGES = sizeof edges / sizeof *edges };
    for (int i = 0; i < EDGES * EDGES + 20000; i++) {
        uint64_t a = i < EDGES * EDGES ? edges[i / EDGES] : check_random() >> (i & 63);
        uint64_t b = i < EDGES * EDGES ? edges[i % EDGES] : check_random() >> (i >> 6 & 63);
        if (i & 1 && i > EDGES * EDGES)
            a = -a;
        width8((int8_t)a, (int8_t)b);
        width16((int16_t)a, (int16_t)b);
        width32((int32_t)a, (int32_t)b);
        width64((int64_t)a, (int64_t)b);
        width128((i128)((u128)a << 64 | b * 3), (i128)((u128)(b ^ a) << (i & 63) | a));
        width128((i128)(int64_t)a, (i128)(int64_t)b);
        counting(a);
        bit_fields(a ^ b << 1);
        if (i % 997 == 0)
            printf("%d %016" PRIx64 "\n", i, hash);
    }
    printf("%016" PRIx64 "\n", hash);
    return check_finish();
}
