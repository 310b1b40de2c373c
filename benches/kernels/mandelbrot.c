/* The Mandelbrot set in doubles: a short loop of multiplications with an unpredictable end. */
#include "kernel.h"

enum { WIDTH = 160, HEIGHT = 120, LIMIT = 100 };

static uint32_t iterations(double cr, double ci)
{
    double zr = 0.0, zi = 0.0;
    uint32_t count = 0;
    while (count < LIMIT) {
        double rr = zr * zr, ii = zi * zi;
        if (rr + ii > 4.0)
            break;
        zi = 2.0 * zr * zi + ci;
        zr = rr - ii + cr;
        count++;
    }
    return count;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 90), checksum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        double zoom = 1.0 + (double)round / 16.0;
        uint64_t sum = 0;
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                sum = sum * 3 + iterations(-0.7 + (x - WIDTH / 2) * 0.02 / zoom, (y - HEIGHT / 2) * 0.02 / zoom);
        checksum = kernel_mix(checksum, sum);
    }
    return kernel_finish("mandelbrot", checksum);
}
