/* CRC-32 by a byte table: one load chain through a small table. */
#include "kernel.h"

enum { SIZE = 65536 };
static uint32_t table[256];
static uint8_t data[SIZE];

static uint32_t crc32(uint32_t crc, const uint8_t *bytes, size_t length)
{
    crc = ~crc;
    while (length--)
        crc = table[(crc ^ *bytes++) & 0xff] ^ crc >> 8;
    return ~crc;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 2500), seed = 11;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        table[i] = crc;
    }
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)kernel_random(&seed);
    uint32_t crc = 0;
    for (uint64_t round = 0; round < rounds; round++)
        crc = crc32(crc, data, SIZE);
    /* The published check value of this CRC keeps the kernel honest. */
    if (crc32(0, (const uint8_t *)"123456789", 9) != 0xcbf43926u)
        return 1;
    return kernel_finish("crc32", crc);
}
