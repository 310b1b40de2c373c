/* Matrix multiplication in doubles; at -O3 the inner loop is vectorised. */
#include "kernel.h"

enum { SIZE = 120 };
static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

static void multiply(void)
{
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++)
            c[i][j] = 0.0;
        for (int k = 0; k < SIZE; k++) {
            double factor = a[i][k];
            for (int j = 0; j < SIZE; j++)
                c[i][j] += factor * b[k][j];
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 1300), checksum = 0, seed = 29;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            a[i][j] = (double)(kernel_random(&seed) >> 40) / 16777216.0;
            b[i][j] = (double)(kernel_random(&seed) >> 40) / 16777216.0 - 0.5;
        }
    for (uint64_t round = 0; round < rounds; round++) {
        multiply();
        double trace = 0.0;
        for (int i = 0; i < SIZE; i++)
            trace += c[i][i];
        checksum = kernel_mix_double(checksum, trace);
        for (int i = 0; i < SIZE; i++)
            a[i][round % SIZE] = c[i][(round + 7) % SIZE] / 64.0;
    }
    return kernel_finish("matmul", checksum);
}
