/* SHA-256 (FIPS 180-4) of a changing buffer: rotations, many live registers. */
#include "kernel.h"

static uint32_t round_constants[64], initial_state[8];

/* The constants are the first 32 bits of the fractional parts of cube and square roots of the first primes, found
 * here by integer search: floor(root * 2^32) is the largest x with x^n <= p * 2^(32 n). */
static int root_at_most(uint64_t x, uint32_t prime, int degree)
{
    /* Compares x^degree with prime * 2^(32 degree) in 32-bit limbs. */
    uint32_t limbs[8] = {1};
    for (int step = 0; step < degree; step++) {
        uint32_t result[8] = {0}, factor[2] = {(uint32_t)x, (uint32_t)(x >> 32)};
        for (int i = 0; i < 2; i++) {
            uint64_t carry = 0;
            for (int j = 0; i + j < 8; j++) {
                carry += (uint64_t)limbs[j] * factor[i] + result[i + j];
                result[i + j] = (uint32_t)carry;
                carry >>= 32;
            }
        }
        memcpy(limbs, result, sizeof limbs);
    }
    for (int i = 7; i > degree; i--)
        if (limbs[i])
            return 0;
    return limbs[degree] < prime;
}

static uint32_t root_fraction(uint32_t prime, int degree)
{
    uint64_t x = 0;
    for (int bit = 37; bit >= 0; bit--)
        if (root_at_most(x | UINT64_C(1) << bit, prime, degree))
            x |= UINT64_C(1) << bit;
    return (uint32_t)x;
}

static void make_constants(void)
{
    uint32_t count = 0;
    for (uint32_t candidate = 2; count < 64; candidate++) {
        uint32_t divisor = 2;
        while (divisor * divisor <= candidate && candidate % divisor)
            divisor++;
        if (divisor * divisor <= candidate)
            continue;
        if (count < 8)
            initial_state[count] = root_fraction(candidate, 2);
        round_constants[count++] = root_fraction(candidate, 3);
    }
}

static inline uint32_t rotate_right(uint32_t x, unsigned count)
{
    return x >> count | x << (32 - count);
}

static void compress(uint32_t state[8], const uint8_t block[64])
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(s, state, sizeof s);
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
        uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha256(const uint8_t *data, size_t length, uint32_t state[8])
{
    memcpy(state, initial_state, sizeof initial_state);
    size_t rest = length;
    for (; rest >= 64; data += 64, rest -= 64)
        compress(state, data);
    uint8_t block[128] = {0};
    memcpy(block, data, rest);
    block[rest] = 0x80;
    size_t blocks = rest < 56 ? 64 : 128;
    for (int i = 0; i < 8; i++)
        block[blocks - 1 - (size_t)i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
    compress(state, block);
    if (blocks == 128)
        compress(state, block + 64);
}

int main(int argc, char **argv)
{
    static uint8_t data[8192];
    uint64_t rounds = kernel_rounds(argc, argv, 10000), checksum = 0;
    uint32_t state[8];
    make_constants();
    sha256((const uint8_t *)"abc", 3, state);
    if (state[0] != 0xba7816bfu || state[7] != 0xf20015adu)
        return 1;
    for (uint64_t round = 0; round < rounds; round++) {
        sha256(data, sizeof data - (size_t)(round % 130), state);
        for (int i = 0; i < 8; i++)
            data[(round * 8 + (uint64_t)i) % sizeof data] ^= (uint8_t)state[i];
        checksum = kernel_mix(checksum, (uint64_t)state[0] << 32 | state[7]);
    }
    return kernel_finish("sha256", checksum);
}
