/* Functions of string.h that copy and fill, compared byte by byte with plain loops, guard bytes included. */
#include "check.h"

enum { SIZE = 2048, LONGEST = 260 };

static unsigned char expected[SIZE], pattern[SIZE];

static void fill(unsigned char *buffer)
{
    for (size_t i = 0; i < SIZE; i++)
        buffer[i] = (unsigned char)(i * 7 + (i >> 8) * 13 + 1) | 1;
}

int main(void)
{
    unsigned char *to = check_guarded(SIZE), *from = check_guarded(SIZE);
    fill(pattern);
    for (size_t length = 0; length < LONGEST; length++) {
        for (size_t shift = 0; shift < 18; shift++) {
            size_t a = shift, b = (shift * 5 + length) % 17, tail = SIZE - length - shift;
            fill(from);
            fill(to);
            memcpy(expected, pattern, SIZE);
            for (size_t i = 0; i < length; i++)
                expected[a + i] = pattern[b + i];
            CHECK(memcpy(to + a, from + b, length) == to + a);
            CHECK(memcmp(to, expected, SIZE) == 0);

            memcpy(expected, pattern, SIZE);
            for (size_t i = 0; i < length; i++)
                expected[tail + i] = (unsigned char)length;
            fill(to);
            CHECK(memset(to + tail, (int)(length | 0xf00), length) == to + tail);
            CHECK(memcmp(to, expected, SIZE) == 0);

            /* Overlap in both directions, at distances below, at and above a vector. */
            for (int down = 0; down < 2; down++) {
                size_t source = 400, target = down ? 400 - shift : 400 + shift;
                fill(to);
                memcpy(expected, pattern, SIZE);
                for (size_t i = 0; i < length; i++)
                    expected[target + i] = pattern[source + i];
                CHECK(memmove(to + target, to + source, length) == to + target);
                CHECK(memcmp(to, expected, SIZE) == 0);
            }

            char *s = (char *)from + SIZE - shift - length - 1, *d = (char *)to + SIZE - length - 1;
            fill(from);
            s[length] = '\0';
            fill(to);
            CHECK(strcpy(d, s) == d && memcmp(d, s, length + 1) == 0);
            fill(to);
            CHECK(stpcpy(d, s) == d + length && memcmp(d, s, length + 1) == 0);
            fill(to);
            CHECK(strncpy(d, s, length) == d && memcmp(d, s, length) == 0 && d[length] != '\0');
            fill(to);
            CHECK(strncpy(d - 40, s, length + 40) == d - 40 && memcmp(d - 40, s, length) == 0);
            for (size_t i = 0; i < 40; i++)
                CHECK(d[length - 40 + i] == '\0');
            fill(to);
            CHECK(mempcpy(d, s, length + 1) == d + length + 1 && memcmp(d, s, length + 1) == 0);
            fill(to);
            CHECK(stpncpy(d, s, length + 1) == d + length);
            d -= 12;
            memcpy(d, "twelve bytes", 13);
            CHECK(strcat(d, s) == d && strlen(d) == length + 12 && strcmp(d + 12, s) == 0);
            d[12] = '\0';
            CHECK(strncat(d, s, length / 2) == d && strlen(d) == length / 2 + 12);
            CHECK(memccpy(d, s, '\0', length + 1) == d + length + 1);
            CHECK(memccpy(d, s, '\0', length) == NULL);
        }
    }
    /* Sizes that take libc's paths for large blocks. */
    size_t large = 5 * 1024 * 1024;
    unsigned char *x = malloc(large), *y = malloc(large);
    for (size_t i = 0; i < large; i += 1)
        x[i] = (unsigned char)(i * 31 + (i >> 12));
    memcpy(y, x, large);
    CHECK(memcmp(x, y, large) == 0);
    memmove(x + 13, x, large - 13);
    CHECK(memcmp(x + 13, y, large - 13) == 0);
    memmove(x, x + 13, large - 13);
    CHECK(memcmp(x, y, large - 13) == 0);
    memset(x + 3, 0xa5, large - 5);
    size_t count = 0;
    for (size_t i = 0; i < large; i++)
        count += x[i] == 0xa5;
    printf("%zu bytes are 0xa5\n", count);
    explicit_bzero(y, large);
    CHECK(y[0] == 0 && memcmp(y, y + 1, large - 1) == 0);
    bzero(x, 100);
    CHECK(x[99] == 0 && x[100] == 0xa5);
    free(x);
    free(y);
    unsigned char ends[6] = {1, 2, 3, 4, 5, 6}, swapped[6];
    swab(ends, swapped, 6);
    CHECK(memcmp(swapped, "\2\1\4\3\6\5", 6) == 0);
    CHECK(strcmp(memfrob(memfrob(strdup("secret"), 6), 6), "secret") == 0);
    return check_finish();
}
