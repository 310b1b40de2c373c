/* Conway's game of life on a byte grid that wraps around: byte loads with neighbours. */
#include "kernel.h"

enum { WIDTH = 128, HEIGHT = 96 };
static uint8_t grids[2][HEIGHT][WIDTH];

static void step(const uint8_t from[HEIGHT][WIDTH], uint8_t to[HEIGHT][WIDTH])
{
    for (int y = 0; y < HEIGHT; y++) {
        const uint8_t *above = from[(y + HEIGHT - 1) % HEIGHT], *row = from[y], *below = from[(y + 1) % HEIGHT];
        for (int x = 0; x < WIDTH; x++) {
            int west = (x + WIDTH - 1) % WIDTH, east = (x + 1) % WIDTH;
            int neighbours = above[west] + above[x] + above[east] + row[west] + row[east] + below[west] + below[x] +
                             below[east];
            to[y][x] = neighbours == 3 || (neighbours == 2 && row[x]);
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 14000), checksum = 0, seed = 53;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            grids[0][y][x] = kernel_random(&seed) >> 62 == 0;
    for (uint64_t round = 0; round < rounds; round++) {
        step(grids[round & 1], grids[~round & 1]);
        /* A glider now and then keeps the board alive. */
        if (round % 64 == 0) {
            int y = (int)(kernel_random(&seed) >> 32) & 63, x = (int)(kernel_random(&seed) >> 32) & 63;
            uint8_t(*grid)[WIDTH] = grids[~round & 1];
            grid[y][x + 1] = grid[y + 1][x + 2] = grid[y + 2][x] = grid[y + 2][x + 1] = grid[y + 2][x + 2] = 1;
        }
    }
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            checksum = kernel_mix(checksum, grids[rounds & 1][y][x]);
    return kernel_finish("life", checksum);
}
