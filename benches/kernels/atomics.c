/* C11 atomics without contention: counters, exchange, compare-and-swap loops, a spin lock, a stack, a seqlock. */
#include <stdatomic.h>

#include "kernel.h"

enum { NODES = 64 };
static _Atomic uint64_t counter, maximum, bits;
static _Atomic uint32_t counter32, lock, sequence;
static _Atomic uint32_t next[NODES], top;
static _Atomic uint64_t protected_pair[2];

static void push(uint32_t node)
{
    uint32_t old = atomic_load_explicit(&top, memory_order_relaxed);
    do
        atomic_store_explicit(&next[node], old, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&top, &old, node, memory_order_release, memory_order_relaxed));
}

static uint32_t pop(void)
{
    uint32_t old = atomic_load_explicit(&top, memory_order_acquire);
    while (old != 0 && !atomic_compare_exchange_weak_explicit(
                           &top, &old, atomic_load_explicit(&next[old], memory_order_relaxed), memory_order_acquire,
                           memory_order_acquire))
        ;
    return old;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 1000), checksum = 0, seed = 41;
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < 20000; i++) {
            uint64_t random = kernel_random(&seed), mix;
            mix = atomic_fetch_add(&counter, random);
            mix ^= atomic_fetch_sub_explicit(&counter32, (uint32_t)random, memory_order_relaxed);
            mix ^= atomic_fetch_or_explicit(&bits, random & 0xff, memory_order_acq_rel);
            mix ^= atomic_fetch_xor_explicit(&bits, random >> 32, memory_order_release);
            mix ^= atomic_fetch_and_explicit(&bits, ~(random >> 16), memory_order_acquire);

            uint64_t seen = atomic_load(&maximum);
            while (seen < (random >> 8) && !atomic_compare_exchange_strong(&maximum, &seen, random >> 8))
                ;
            if (i % 1000 == 0)
                mix ^= atomic_exchange(&maximum, 0);

            while (atomic_exchange_explicit(&lock, 1, memory_order_acquire) != 0)
                ;
            atomic_fetch_add_explicit(&sequence, 1, memory_order_relaxed);
            atomic_thread_fence(memory_order_release);
            atomic_store_explicit(&protected_pair[0], random, memory_order_relaxed);
            atomic_store_explicit(&protected_pair[1], ~random, memory_order_relaxed);
            atomic_fetch_add_explicit(&sequence, 1, memory_order_release);
            atomic_store_explicit(&lock, 0, memory_order_release);

            uint32_t before, after;
            uint64_t first, second;
            do {
                before = atomic_load_explicit(&sequence, memory_order_acquire);
                first = atomic_load_explicit(&protected_pair[0], memory_order_relaxed);
                second = atomic_load_explicit(&protected_pair[1], memory_order_relaxed);
                atomic_thread_fence(memory_order_acquire);
                after = atomic_load_explicit(&sequence, memory_order_relaxed);
            } while (before != after || before & 1);
            if (first != ~second)
                return 1;

            if (i < NODES - 1)
                push(i + 1);
            else if (i >= 20000 - NODES)
                mix ^= pop();
            checksum = kernel_mix(checksum, mix);
        }
        atomic_thread_fence(memory_order_seq_cst);
    }
    return kernel_finish("atomics", checksum);
}
