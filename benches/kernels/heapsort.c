/* Heapsort of 64-bit signed integers: data-dependent index arithmetic. */
#include "kernel.h"

enum { COUNT = 30000 };
static int64_t items[COUNT];

static void sift_down(int64_t *heap, size_t root, size_t count)
{
    int64_t item = heap[root];
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            break;
        if (child + 1 < count && heap[child] < heap[child + 1])
            child++;
        if (item >= heap[child])
            break;
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = item;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 140), checksum = 0, seed = 5;
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < COUNT; i++)
            items[i] = (int64_t)kernel_random(&seed);
        for (size_t i = COUNT / 2; i-- > 0;)
            sift_down(items, i, COUNT);
        for (size_t i = COUNT - 1; i > 0; i--) {
            int64_t largest = items[0];
            items[0] = items[i];
            items[i] = largest;
            sift_down(items, 0, i);
        }
        for (size_t i = 1; i < COUNT; i++)
            if (items[i - 1] > items[i])
                return 1;
        checksum = kernel_mix(checksum, (uint64_t)items[COUNT / 2]);
    }
    return kernel_finish("heapsort", checksum);
}
