/* What all kernels share: the scale argument, a random number generator, the checksum line.
 *
 * Every kernel is one C file and one process. Its only argument is the amount of work in percent of the default,
 * which takes 0.3-0.6 s natively at -O2; its only output is `NAME CHECKSUM`, equal on every guest and at every
 * optimisation level. For that: unsigned arithmetic, fixed-width types, no `char` arithmetic (its sign differs
 * between guests), no libm function but sqrt and fabs, and compilation with -ffp-contract=off. */
#ifndef KERNEL_H
#define KERNEL_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rounds to run: `rounds_at_100` scaled by the percentage in argv[1] (100 if absent), at least one. */
static uint64_t kernel_rounds(int argc, char **argv, uint64_t rounds_at_100)
{
    uint64_t percent = 100;
    if (argc > 1) {
        char *end;
        percent = strtoull(argv[1], &end, 10);
        if (argc > 2 || end == argv[1] || *end != '\0') {
            fprintf(stderr, "usage: %s [PERCENT]\n", argv[0]);
            exit(2);
        }
    }
    uint64_t rounds = rounds_at_100 * percent / 100;
    return rounds ? rounds : 1;
}

static int kernel_finish(const char *name, uint64_t checksum)
{
    printf("%s %016" PRIx64 "\n", name, checksum);
    return 0;
}

/* One step of Marsaglia's xorshift64*; `*state` must not be zero. */
static inline uint64_t kernel_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t kernel_mix(uint64_t checksum, uint64_t value)
{
    checksum ^= value;
    checksum *= UINT64_C(0x9e3779b97f4a7c15);
    return checksum ^ (checksum >> 29);
}

/* Mixes the bits of a double, so that a difference in the last place shows. The value must not be a NaN, whose
 * bits differ between guests. */
static inline uint64_t kernel_mix_double(uint64_t checksum, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return kernel_mix(checksum, bits);
}

#endif
