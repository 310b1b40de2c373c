/* Recursion: calls, returns and little else. */
#include "kernel.h"

__attribute__((noinline)) static uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 1200), checksum = 0;
    for (uint64_t round = 0; round < rounds; round++)
        checksum = kernel_mix(checksum, fib(24 + (uint32_t)(round & 3)));
    return kernel_finish("fib", checksum);
}
