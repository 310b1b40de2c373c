/* The Levenshtein distance of two texts: a recurrence of minima over a row. */
#include "kernel.h"

enum { LENGTH = 1000 };
static uint8_t first[LENGTH], second[LENGTH];
static uint32_t row[LENGTH + 1];

static inline uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t distance(uint32_t length)
{
    for (uint32_t j = 0; j <= length; j++)
        row[j] = j;
    for (uint32_t i = 1; i <= length; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= length; j++) {
            uint32_t replace = diagonal + (first[i - 1] != second[j - 1]);
            diagonal = row[j];
            row[j] = smaller(replace, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[length];
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 200), checksum = 0, seed = 71;
    for (uint32_t i = 0; i < LENGTH; i++) {
        first[i] = (uint8_t)(kernel_random(&seed) >> 61);
        second[i] = (uint8_t)(kernel_random(&seed) >> 61);
    }
    for (uint64_t round = 0; round < rounds; round++) {
        second[round * 13 % LENGTH] ^= 1;
        checksum = kernel_mix(checksum, distance(LENGTH - (uint32_t)(round % 7)));
    }
    return kernel_finish("edit_distance", checksum);
}
