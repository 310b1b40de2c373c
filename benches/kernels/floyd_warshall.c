/* All shortest paths of a graph: minimum of sums over 32-bit integers; at -O3 vectorised. */
#include "kernel.h"

enum { NODES = 100, FAR = 1 << 28 };
static uint32_t distance[NODES][NODES];

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 400), checksum = 0, seed = 47;
    for (uint64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < NODES; i++)
            for (int j = 0; j < NODES; j++) {
                uint64_t random = kernel_random(&seed) >> 32;
                distance[i][j] = i == j ? 0 : random % 8 ? FAR : (uint32_t)(random >> 8) % 1000;
            }
        for (int k = 0; k < NODES; k++)
            for (int i = 0; i < NODES; i++)
                for (int j = 0; j < NODES; j++) {
                    uint32_t through = distance[i][k] + distance[k][j];
                    if (through < distance[i][j])
                        distance[i][j] = through;
                }
        uint64_t sum = 0;
        for (int i = 0; i < NODES; i++)
            for (int j = 0; j < NODES; j++)
                sum = sum * 5 + distance[i][j];
        checksum = kernel_mix(checksum, sum);
    }
    return kernel_finish("floyd_warshall", checksum);
}
