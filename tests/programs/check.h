/* What the test programs share: checks that count, a random number generator, buffers that end at a page without access.
 *
 * A program checks what it can by itself (CHECK) and prints the rest; scripts/programs-check compares the output with
 * that of the native build. Nothing printed may depend on the guest: no addresses, no sizes of long or long double
 * layouts, no NaN signs. The programs are built with -fno-builtin, so that every call of a libc function is one. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned check_count, check_failures;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        check_count++;                                                                                                 \
        if (!(condition) && check_failures++ < 20)                                                                     \
            printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                                             \
    } while (0)

/* Prints the totals; the value is for main to return. */
__attribute__((unused)) static int check_finish(void)
{
    printf("%u checks, %u failed\n", check_count, check_failures);
    return check_failures != 0;
}

/* Marsaglia's xorshift64*, from a fixed seed. */
__attribute__((unused)) static uint64_t check_random(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Returns `size` bytes (at most 64 KiB) that end where a page without any access begins, so that a function that reads
 * or writes too far dies. */
__attribute__((unused)) static unsigned char *check_guarded(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
    unsigned char *base = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + whole, page, PROT_NONE) != 0) {
        perror("check_guarded");
        exit(99);
    }
    return base + whole - size;
}

#endif
