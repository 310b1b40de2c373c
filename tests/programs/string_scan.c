/* Functions of string.h that look for a byte: every length and alignment, up to the end of accessible memory. */
#include "check.h"

enum { SIZE = 4096, LONGEST = 300 };

int main(void)
{
    unsigned char *end = check_guarded(SIZE) + SIZE;
    for (size_t length = 0; length < LONGEST; length++) {
        /* The string ends at the last accessible byte, or up to 33 bytes before it. */
        for (size_t gap = 0; gap < 34; gap++) {
            char *s = (char *)end - gap - length - 1;
            memset(s, 'a' + (int)(length % 20), length);
            s[length] = '\0';
            if (gap)
                s[length + 1] = 'z';
            CHECK(strlen(s) == length);
            CHECK(strnlen(s, length + gap + 1) == length);
            CHECK(strnlen(s, length / 2) == length / 2);
            CHECK(strchr(s, 'z') == NULL);
            CHECK(strrchr(s, 'z') == NULL);
            CHECK(strchr(s, '\0') == s + length);
            CHECK(strrchr(s, '\0') == s + length);
            CHECK(strchrnul(s, 'z') == s + length);
            CHECK(memchr(s, 'z', length + 1) == NULL);
            CHECK(memrchr(s, 'z', length + 1) == NULL);
            CHECK(rawmemchr(s, '\0') == s + length);
            if (length) {
                size_t at = (size_t)(check_random() % length);
                s[at] = 'z';
                CHECK(strchr(s, 'z') == s + at);
                CHECK(strrchr(s, 'z') == s + at);
                CHECK(strchrnul(s, 'z') == s + at);
                CHECK(memchr(s, 'z', length) == s + at);
                CHECK(memrchr(s, 'z', length) == s + at);
                CHECK(rawmemchr(s, 'z') == s + at);
                CHECK(memchr(s, 'z', at) == NULL);
                CHECK(index(s, 'z') == s + at && rindex(s, 'z') == s + at);
                s[0] = s[length - 1] = 'z';
                CHECK(strchr(s, 'z') == s);
                CHECK(strrchr(s, 'z') == s + length - 1);
                CHECK(memrchr(s, 'z', length) == s + length - 1);
            }
        }
    }
    /* Bytes above 127, and a character argument whose high bits must be ignored. */
    for (int byte = 1; byte < 256; byte++) {
        char *s = (char *)end - 100;
        memset(s, byte ^ 0x80 ? byte ^ 0x80 : 1, 99);
        s[99] = '\0';
        s[60] = (char)byte;
        CHECK(strchr(s, byte) == s + 60 || (byte ^ 0x80) == 0);
        CHECK(strchr(s, byte | 0x5500) == strchr(s, byte));
        CHECK(memchr(s, byte | 0x100, 99) == strchr(s, byte));
    }
    CHECK(memchr(end - 5, end[-3], SIZE_MAX) != NULL);
    return check_finish();
}
