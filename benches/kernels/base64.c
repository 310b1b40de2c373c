/* Base64 encoding and decoding: bit fields of bytes, table lookups, byte loads and stores. */
#include "kernel.h"

enum { SIZE = 30000 };
static const uint8_t alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static uint8_t values[256], plain[SIZE], encoded[SIZE / 3 * 4 + 8], decoded[SIZE + 3];

static size_t encode(const uint8_t *in, size_t length, uint8_t *out)
{
    uint8_t *start = out;
    for (; length >= 3; in += 3, length -= 3) {
        uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = alphabet[group >> 6 & 63];
        *out++ = alphabet[group & 63];
    }
    if (length) {
        uint32_t group = (uint32_t)in[0] << 16 | (length == 2 ? (uint32_t)in[1] << 8 : 0);
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = length == 2 ? alphabet[group >> 6 & 63] : '=';
        *out++ = '=';
    }
    return (size_t)(out - start);
}

static size_t decode(const uint8_t *in, size_t length, uint8_t *out)
{
    uint8_t *start = out;
    for (; length >= 4; in += 4, length -= 4) {
        uint32_t group = (uint32_t)values[in[0]] << 18 | (uint32_t)values[in[1]] << 12 |
                         (uint32_t)values[in[2]] << 6 | values[in[3]];
        *out++ = (uint8_t)(group >> 16);
        if (in[2] != '=')
            *out++ = (uint8_t)(group >> 8);
        if (in[3] != '=')
            *out++ = (uint8_t)group;
    }
    return (size_t)(out - start);
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 11000), checksum = 0, seed = 43;
    for (uint32_t i = 0; i < 64; i++)
        values[alphabet[i]] = (uint8_t)i;
    for (uint32_t i = 0; i < SIZE; i++)
        plain[i] = (uint8_t)kernel_random(&seed);
    for (uint64_t round = 0; round < rounds; round++) {
        size_t length = SIZE - round % 5;
        size_t text = encode(plain, length, encoded);
        if (decode(encoded, text, decoded) != length || memcmp(plain, decoded, length) != 0)
            return 1;
        checksum = kernel_mix(checksum, encoded[round % text] + text);
        plain[round % SIZE] ^= encoded[(round * 7) % text];
    }
    return kernel_finish("base64", checksum);
}
