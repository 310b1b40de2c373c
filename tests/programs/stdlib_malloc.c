/* malloc, calloc, realloc, aligned allocation: a random mix with contents checked, then blocks that libc maps. */
#include <errno.h>
#include <malloc.h>

#include "check.h"

enum { BLOCKS = 500 };
static struct {
    unsigned char *start;
    size_t size;
    unsigned char fill;
} blocks[BLOCKS];

static int intact(const unsigned char *start, size_t size, unsigned char fill)
{
    for (size_t i = 0; i < size; i++)
        if (start[i] != (unsigned char)(fill + i))
            return 0;
    return 1;
}

int main(void)
{
    for (int round = 0; round < 20000; round++) {
        unsigned i = (unsigned)(check_random() % BLOCKS);
        uint64_t random = check_random() >> 8;
        size_t size = random % 50 == 0 ? random / 50 % 100000 : random % 7 ? random / 7 % 300 : random / 7 % 5000;
        unsigned char *start = blocks[i].start;
        CHECK(intact(start, blocks[i].size, blocks[i].fill));
        if (start && round % 3 == 0) {
            size_t kept = size < blocks[i].size ? size : blocks[i].size;
            start = realloc(start, size + 1);
            CHECK(start && intact(start, kept, blocks[i].fill));
        } else {
            free(start);
            switch (random % 4) {
            case 0:
                start = calloc(size / 8 + 1, 8);
                for (size_t j = 0; j < size / 8 * 8; j++)
                    if (start[j])
                        CHECK(!"calloc clears");
                break;
            case 1: {
                size_t alignment = (size_t)16 << (random >> 20) % 8;
                start = aligned_alloc(alignment, size + 1);
                CHECK((uintptr_t)start % alignment == 0);
                break;
            }
            default:
                start = malloc(size + 1);
            }
        }
        CHECK(start && (uintptr_t)start % 16 == 0 && malloc_usable_size(start) >= size + 1);
        blocks[i].start = start;
        blocks[i].size = size;
        blocks[i].fill = (unsigned char)random;
        for (size_t j = 0; j < size; j++)
            start[j] = (unsigned char)(blocks[i].fill + j);
    }
    for (int i = 0; i < BLOCKS; i++) {
        CHECK(intact(blocks[i].start, blocks[i].size, blocks[i].fill));
        free(blocks[i].start);
    }
    /* Large blocks are mapped; growing them moves the mapping. */
    size_t size = 64 << 20;
    unsigned char *large = malloc(size);
    CHECK(large);
    for (size_t i = 0; i < size; i += 4096)
        large[i] = (unsigned char)(i >> 12);
    large = realloc(large, 3 * size);
    CHECK(large && large[4096 * 77] == 77 && large[size - 4096] == (unsigned char)((size - 4096) >> 12));
    large[3 * size - 1] = 1;
    large = realloc(large, 5000);
    CHECK(large && large[4096] == 1);
    free(large);
    malloc_trim(0);

    errno = 0;
    volatile size_t huge = SIZE_MAX / 2;
    CHECK(malloc(huge) == NULL && errno == ENOMEM);
    CHECK(calloc(huge, 4) == NULL && reallocarray(NULL, huge, 16) == NULL);
    void *aligned = NULL;
    CHECK(posix_memalign(&aligned, 3, 10) == EINVAL && posix_memalign(&aligned, 4096, 10) == 0);
    CHECK((uintptr_t)aligned % 4096 == 0);
    free(aligned);
    free(NULL);
    void *empty = malloc(0);
    CHECK(empty != NULL);
    free(empty);
    return check_finish();
}
