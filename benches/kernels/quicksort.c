/* Quicksort with insertion sort of short ranges, and libc's qsort with a comparison callback. */
#include "kernel.h"

enum { COUNT = 20000 };
static uint32_t items[COUNT], copy[COUNT];

static void quicksort(uint32_t *first, uint32_t *last)
{
    while (last - first > 16) {
        uint32_t a = first[0], b = first[(last - first) / 2], c = last[-1];
        uint32_t pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        uint32_t *left = first, *right = last - 1;
        while (left <= right) {
            while (*left < pivot)
                left++;
            while (*right > pivot)
                right--;
            if (left <= right) {
                uint32_t swap = *left;
                *left++ = *right;
                *right-- = swap;
            }
        }
        quicksort(first, right + 1);
        first = left;
    }
    for (uint32_t *i = first + 1; i < last; i++) {
        uint32_t item = *i, *hole = i;
        for (; hole > first && hole[-1] > item; hole--)
            *hole = hole[-1];
        *hole = item;
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 140), checksum = 0, seed = 3;
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < COUNT; i++)
            copy[i] = items[i] = (uint32_t)(kernel_random(&seed) >> 40);
        quicksort(items, items + COUNT);
        qsort(copy, COUNT, sizeof copy[0], compare);
        if (memcmp(items, copy, sizeof items) != 0)
            return 1;
        checksum = kernel_mix(checksum, items[COUNT / 2] + ((uint64_t)items[COUNT / 3] << 32));
    }
    return kernel_finish("quicksort", checksum);
}
