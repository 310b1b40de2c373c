/* The sieve of Eratosthenes over bytes: strided stores, then a counting scan. */
#include "kernel.h"

enum { LIMIT = 200000 };
static uint8_t composite[LIMIT];

static uint64_t sieve(uint32_t limit)
{
    memset(composite, 0, limit);
    for (uint32_t i = 2; i * i < limit; i++)
        if (!composite[i])
            for (uint32_t multiple = i * i; multiple < limit; multiple += i)
                composite[multiple] = 1;
    uint64_t count = 0, last = 0;
    for (uint32_t i = 2; i < limit; i++)
        if (!composite[i]) {
            count++;
            last = i;
        }
    return count << 32 | last;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 900), checksum = 0;
    for (uint64_t round = 0; round < rounds; round++)
        checksum = kernel_mix(checksum, sieve(LIMIT - (uint32_t)(round % 1000)));
    return kernel_finish("sieve", checksum);
}
