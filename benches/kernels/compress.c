/* A small LZ77 compressor with a hash table of positions, and its decompressor: bytes, branches, short copies. */
#include "kernel.h"

enum { SIZE = 32768, HASHES = 4096, MIN_MATCH = 4, MAX_MATCH = 259 };
static uint8_t input[SIZE], packed[SIZE * 2], unpacked[SIZE];
static uint16_t recent[HASHES];

static size_t pack(const uint8_t *in, size_t length, uint8_t *out)
{
    uint8_t *start = out;
    memset(recent, 0, sizeof recent);
    for (size_t i = 0; i < length;) {
        size_t match = 0, at = 0;
        if (i + MIN_MATCH <= length) {
            uint32_t word;
            memcpy(&word, in + i, sizeof word);
            uint32_t hash = word * 2654435761u >> 20;
            at = recent[hash];
            recent[hash] = (uint16_t)i;
            if (at < i)
                while (match < MAX_MATCH && i + match < length && in[at + match] == in[i + match])
                    match++;
        }
        if (match >= MIN_MATCH) {
            size_t distance = i - at;
            *out++ = 1;
            *out++ = (uint8_t)(match - MIN_MATCH);
            *out++ = (uint8_t)distance;
            *out++ = (uint8_t)(distance >> 8);
            i += match;
        } else {
            *out++ = 0;
            *out++ = in[i++];
        }
    }
    return (size_t)(out - start);
}

static size_t unpack(const uint8_t *in, size_t length, uint8_t *out)
{
    uint8_t *start = out;
    for (const uint8_t *end = in + length; in < end;) {
        if (*in == 0) {
            *out++ = in[1];
            in += 2;
        } else {
            const uint8_t *source = out - (in[2] | (size_t)in[3] << 8);
            for (size_t match = in[1] + (size_t)MIN_MATCH; match; match--)
                *out++ = *source++;
            in += 4;
        }
    }
    return (size_t)(out - start);
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 3500), checksum = 0, seed = 61;
    for (size_t i = 0; i < SIZE;) {
        uint64_t random = kernel_random(&seed) >> 20;
        if (random % 3 && i > 300) {
            size_t back = 1 + random / 3 % 290, count = 4 + (random >> 32) % 30;
            for (; count && i < SIZE; count--, i++)
                input[i] = input[i - back];
        } else {
            input[i++] = (uint8_t)(random >> 16);
        }
    }
    for (uint64_t round = 0; round < rounds; round++) {
        size_t size = pack(input, SIZE, packed);
        if (unpack(packed, size, unpacked) != SIZE || memcmp(input, unpacked, SIZE) != 0)
            return 1;
        checksum = kernel_mix(checksum, size + packed[round % size]);
        input[(round * 101) % SIZE] ^= (uint8_t)(round + 1);
    }
    return kernel_finish("compress", checksum);
}
