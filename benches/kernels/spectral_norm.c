/* The spectral norm of an infinite matrix: divisions and integer-to-double conversions in a double loop. */
#include <math.h>

#include "kernel.h"

enum { SIZE = 100 };

static double element(uint32_t i, uint32_t j)
{
    return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1);
}

static void multiply(const double *in, double *out, int transposed)
{
    for (uint32_t i = 0; i < SIZE; i++) {
        double sum = 0.0;
        for (uint32_t j = 0; j < SIZE; j++)
            sum += (transposed ? element(j, i) : element(i, j)) * in[j];
        out[i] = sum;
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 7000), checksum = 0;
    double u[SIZE], v[SIZE], middle[SIZE];
    for (int i = 0; i < SIZE; i++)
        u[i] = 1.0;
    for (uint64_t round = 0; round < rounds; round++) {
        multiply(u, middle, 0);
        multiply(middle, v, 1);
        multiply(v, middle, 0);
        multiply(middle, u, 1);
        double uv = 0.0, vv = 0.0;
        for (int i = 0; i < SIZE; i++) {
            uv += u[i] * v[i];
            vv += v[i] * v[i];
        }
        checksum = kernel_mix_double(checksum, sqrt(uv / vv));
        for (int i = 0; i < SIZE; i++)
            u[i] = u[i] / v[0] + (double)(round & 7);
    }
    return kernel_finish("spectral_norm", checksum);
}
