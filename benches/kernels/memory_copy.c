/* memcpy, memmove, memset and memcmp of libc over many sizes and alignments. */
#include "kernel.h"

enum { SIZE = 1 << 16 };
static uint8_t from[SIZE + 64], to[SIZE + 64];

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 2600), checksum = 0, seed = 59;
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)kernel_random(&seed);
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t size = 1; size <= SIZE; size = size * 5 / 4 + 1) {
            size_t source = kernel_random(&seed) >> 58, target = kernel_random(&seed) >> 58;
            for (size_t done = 0; done < SIZE * 2; done += size + 512) {
                memcpy(to + target, from + source, size);
                memmove(to + source, to + target, size);
            }
            memset(to + target, (int)size, size / 2);
            checksum = kernel_mix(checksum, (uint64_t)(memcmp(to + source, from + source, size) != 0));
            checksum = kernel_mix(checksum, to[source + size / 2] + ((uint64_t)to[target + size - 1] << 8));
        }
        from[round % SIZE] ^= (uint8_t)checksum;
    }
    return kernel_finish("memory_copy", checksum);
}
