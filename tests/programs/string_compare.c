/* Functions of string.h that compare, with the difference at every place, up to the end of accessible memory. */
#include <ctype.h>
#include <strings.h>

#include "check.h"

enum { SIZE = 1024, LONGEST = 150 };

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

int main(void)
{
    unsigned char *a_end = check_guarded(SIZE) + SIZE, *b_end = check_guarded(SIZE) + SIZE;
    for (size_t length = 1; length < LONGEST; length++) {
        for (size_t gap = 0; gap < 20; gap++) {
            char *a = (char *)a_end - length - 1, *b = (char *)b_end - gap - length - 1;
            memset(a, 'm', length);
            memset(b, 'm', length);
            a[length] = b[length] = '\0';
            CHECK(strcmp(a, b) == 0 && memcmp(a, b, length + 1) == 0 && bcmp(a, b, length) == 0);
            CHECK(strncmp(a, b, length + 5) == 0 && strcasecmp(a, b) == 0 && strcoll(a, b) == 0);
            size_t at = (size_t)(check_random() % length);
            for (int kind = 0; kind < 4; kind++) {
                b[at] = (char)(kind == 0 ? 'z' : kind == 1 ? 'a' : kind == 2 ? 0xe9 : 'M');
                int order = sign('m' - (int)(unsigned char)b[at]);
                CHECK(sign(strcmp(a, b)) == order && sign(strcmp(b, a)) == -order);
                CHECK(sign(memcmp(a, b, length)) == order && sign(memcmp(b, a, length)) == -order);
                CHECK(sign(strncmp(a, b, length)) == order);
                CHECK(strncmp(a, b, at) == 0 && memcmp(a, b, at) == 0);
                CHECK(sign(strcasecmp(a, b)) == (kind == 3 ? 0 : order));
                CHECK(sign(strncasecmp(a, b, at + 1)) == (kind == 3 ? 0 : order));
                CHECK(bcmp(a, b, length) != 0);
            }
            b[at] = '\0';
            CHECK(strcmp(a, b) > 0 && strcmp(b, a) < 0 && strncmp(a, b, at + 1) > 0);
            CHECK(strncmp(a, b, at) == 0);
        }
    }
    /* memcmp compares unsigned bytes, over 8-byte boundaries, by the first difference. */
    for (unsigned i = 0; i < 64; i++) {
        unsigned char x[64] = {0}, y[64] = {0};
        x[i] = 0x80;
        y[i] = 0x7f;
        for (unsigned j = i + 1; j < 64; j++)
            y[j] = 0xff;
        CHECK(memcmp(x, y, 64) > 0 && memcmp(y, x, 64) < 0 && memcmp(x, y, i) == 0);
    }
    static const char *const versions[] = {"a1", "a01", "a10", "a9", "a1.5", "a1.10", "000", "00", "01", "010", "09", "0", "1"};
    for (unsigned i = 0; i < 13; i++) {
        for (unsigned j = 0; j < 13; j++)
            putchar("<=>"[sign(strverscmp(versions[i], versions[j])) + 1]);
        putchar('\n');
    }
    for (int c = -1; c < 256; c++) {
        const int classes[] = {isalpha(c), isdigit(c), isspace(c), isupper(c), ispunct(c), iscntrl(c), isxdigit(c), isgraph(c)};
        unsigned bits = 0;
        for (unsigned i = 0; i < 8; i++)
            bits |= (classes[i] != 0 ? 1u : 0u) << i;
        printf("%x%s", bits, c % 32 == 31 ? "\n" : " ");
        CHECK(c < 0 || (tolower(toupper(c)) == tolower(c) && toascii(c) == (c & 127)));
    }
    char transformed[20];
    CHECK(strxfrm(transformed, "plain", sizeof transformed) == 5 && strcmp(transformed, "plain") == 0);
    return check_finish();
}
