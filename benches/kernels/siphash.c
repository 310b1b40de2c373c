/* Hashing: FNV-1a byte by byte and SipHash-2-4 over the same messages. */
#include "kernel.h"

enum { SIZE = 4096 };
static uint8_t message[SIZE];

static uint64_t fnv1a(const uint8_t *data, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static inline uint64_t rotate_left(uint64_t x, unsigned count)
{
    return x << count | x >> (64 - count);
}

#define SIPROUND                                                                                                       \
    do {                                                                                                               \
        v0 += v1, v2 += v3;                                                                                            \
        v1 = rotate_left(v1, 13) ^ v0, v3 = rotate_left(v3, 16) ^ v2;                                                  \
        v0 = rotate_left(v0, 32);                                                                                      \
        v2 += v1, v0 += v3;                                                                                            \
        v1 = rotate_left(v1, 17) ^ v2, v3 = rotate_left(v3, 21) ^ v0;                                                  \
        v2 = rotate_left(v2, 32);                                                                                      \
    } while (0)

static uint64_t siphash(uint64_t k0, uint64_t k1, const uint8_t *data, size_t length)
{
    uint64_t v0 = k0 ^ UINT64_C(0x736f6d6570736575), v1 = k1 ^ UINT64_C(0x646f72616e646f6d);
    uint64_t v2 = k0 ^ UINT64_C(0x6c7967656e657261), v3 = k1 ^ UINT64_C(0x7465646279746573);
    uint64_t last = (uint64_t)length << 56, word;
    for (; length >= 8; data += 8, length -= 8) {
        memcpy(&word, data, 8);
        v3 ^= word;
        SIPROUND;
        SIPROUND;
        v0 ^= word;
    }
    for (size_t i = 0; i < length; i++)
        last |= (uint64_t)data[i] << (8 * i);
    v3 ^= last;
    SIPROUND;
    SIPROUND;
    v0 ^= last;
    v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        SIPROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 140000), checksum = 1, seed = 7;
    for (size_t i = 0; i < SIZE; i++)
        message[i] = (uint8_t)kernel_random(&seed);
    for (uint64_t round = 0; round < rounds; round++) {
        size_t length = SIZE - (size_t)(round % 61);
        uint64_t hash = siphash(round, checksum, message, length);
        message[hash % SIZE] ^= (uint8_t)(hash >> 32);
        checksum = kernel_mix(checksum, hash ^ fnv1a(message + (round & 7), length / 4));
    }
    return kernel_finish("siphash", checksum);
}
