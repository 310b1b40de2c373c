/* String functions, libc's and own ones: split a text into words, find, compare, reverse, join. */
#include "kernel.h"

enum { SIZE = 32768 };
static char text[SIZE + 1], work[SIZE + 1], joined[2 * SIZE + 2];

static size_t own_strlen(const char *s)
{
    const char *end = s;
    while (*end)
        end++;
    return (size_t)(end - s);
}

static void reverse(char *s, size_t length)
{
    for (size_t i = 0; i < length / 2; i++) {
        char swap = s[i];
        s[i] = s[length - 1 - i];
        s[length - 1 - i] = swap;
    }
}

static uint64_t count_letters(const char *s)
{
    uint64_t count = 0;
    for (; *s; s++)
        count += (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
    return count;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 2300), checksum = 0, seed = 17;
    for (size_t i = 0; i < SIZE; i++) {
        uint64_t random = kernel_random(&seed) >> 32;
        text[i] = random % 7 == 0 ? ' ' : (char)('a' + random % 26);
    }
    for (uint64_t round = 0; round < rounds; round++) {
        memcpy(work, text, SIZE + 1);
        work[round % SIZE] = '.';
        char *out = joined;
        uint64_t longest = 0, same = 0;
        const char *previous = "";
        for (char *word = work; word;) {
            char *next = strchr(word, ' ');
            if (next)
                *next++ = '\0';
            size_t length = strlen(word);
            if (length > longest)
                longest = length;
            same += strcmp(word, previous) > 0;
            memcpy(out, word, length);
            reverse(out, length);
            out += length;
            *out++ = '-';
            previous = word;
            word = next;
        }
        *out = '\0';
        const char *found = strstr(joined, "xyz");
        const char *stop = memchr(joined, '.', (size_t)(out - joined));
        checksum = kernel_mix(checksum, own_strlen(joined) + strlen(joined));
        checksum = kernel_mix(checksum, longest << 32 | same);
        checksum = kernel_mix(checksum, count_letters(joined));
        checksum = kernel_mix(checksum, found ? (uint64_t)(found - joined) : 0);
        checksum = kernel_mix(checksum, stop ? (uint64_t)(stop - joined) : 0);
    }
    return kernel_finish("strings", checksum);
}
