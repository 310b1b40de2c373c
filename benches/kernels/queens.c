/* The n-queens problem with bit masks: recursion, bit tricks, branches. */
#include "kernel.h"

static uint64_t solutions(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    if (columns == all)
        return 1;
    uint64_t count = 0;
    for (uint32_t open = all & ~(columns | left | right); open;) {
        uint32_t queen = open & -open;
        open ^= queen;
        count += solutions(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    return count;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 1100), checksum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t size = 8 + (uint32_t)(round & 3);
        checksum = kernel_mix(checksum, solutions((1u << size) - 1, 0, 0, 0));
    }
    return kernel_finish("queens", checksum);
}
