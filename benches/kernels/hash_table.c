/* An open-addressing hash table with linear probing: dependent loads with unpredictable branches. */
#include "kernel.h"

enum { SLOTS = 1 << 16, KEYS = 40000 };
static uint64_t keys[SLOTS], values[SLOTS];

static inline uint32_t slot_of(uint64_t key)
{
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
}

static void insert(uint64_t key, uint64_t value)
{
    uint32_t slot = slot_of(key);
    while (keys[slot] != 0 && keys[slot] != key)
        slot = (slot + 1) & (SLOTS - 1);
    keys[slot] = key;
    values[slot] += value;
}

static uint64_t lookup(uint64_t key)
{
    for (uint32_t slot = slot_of(key); keys[slot] != 0; slot = (slot + 1) & (SLOTS - 1))
        if (keys[slot] == key)
            return values[slot];
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 300), checksum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        memset(keys, 0, sizeof keys);
        memset(values, 0, sizeof values);
        uint64_t seed = round + 1;
        for (uint32_t i = 0; i < KEYS; i++)
            insert(kernel_random(&seed) | 1, i);
        uint64_t sum = 0;
        seed = round + 1;
        for (uint32_t i = 0; i < KEYS; i++)
            sum += lookup(kernel_random(&seed) | 1) ^ lookup(i | UINT64_C(1) << 40);
        checksum = kernel_mix(checksum, sum);
    }
    return kernel_finish("hash_table", checksum);
}
