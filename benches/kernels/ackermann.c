/* Deep recursion: the stack grows by thousands of frames and shrinks again. */
#include "kernel.h"

__attribute__((noinline)) static uint32_t ackermann(uint32_t m, uint32_t n)
{
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 400), checksum = 0;
    for (uint64_t round = 0; round < rounds; round++)
        checksum = kernel_mix(checksum, ackermann(3, 5 + (uint32_t)(round & 3)));
    return kernel_finish("ackermann", checksum);
}
