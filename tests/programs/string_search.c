/* strstr, memmem, strspn and their family against plain searches; tokenizers; duplicates; messages. */
#include <errno.h>

#include "check.h"

static const char *plain_search(const char *text, size_t length, const char *needle, size_t needle_length)
{
    for (size_t i = 0; i + needle_length <= length; i++) {
        size_t j = 0;
        while (j < needle_length && text[i + j] == needle[j])
            j++;
        if (j == needle_length)
            return text + i;
    }
    return NULL;
}

int main(void)
{
    enum { SIZE = 3000 };
    char *text = (char *)check_guarded(SIZE);
    for (int round = 0; round < 3000; round++) {
        size_t length = (size_t)(check_random() % (round % 10 ? 100 : SIZE - 1));
        char *s = text + SIZE - 1 - length, needle[400];
        unsigned letters = round % 3 ? 2 : 3;
        for (size_t i = 0; i < length; i++)
            s[i] = (char)('a' + check_random() % letters);
        s[length] = '\0';
        size_t needle_length = (size_t)(check_random() % (round % 7 ? 6 : 350));
        if (round % 2 && needle_length < length) {
            memcpy(needle, s + (size_t)(check_random() % (length - needle_length)), needle_length);
            if (round % 4 == 1 && needle_length)
                needle[needle_length - 1] ^= 3;
        } else {
            for (size_t i = 0; i < needle_length; i++)
                needle[i] = (char)('a' + check_random() % letters);
        }
        needle[needle_length] = '\0';
        const char *found = plain_search(s, length, needle, needle_length);
        CHECK(strstr(s, needle) == found);
        CHECK(strcasestr(s, needle) == found);
        CHECK(memmem(s, length, needle, needle_length) == found);
        const char *set = round % 2 ? "ab" : "b";
        size_t span = 0, complement = 0;
        while (s[span] && strchr(set, s[span]))
            span++;
        while (s[complement] && !strchr(set, s[complement]))
            complement++;
        CHECK(strspn(s, set) == span);
        CHECK(strcspn(s, set) == complement);
        CHECK(strpbrk(s, set) == (s[complement] ? s + complement : NULL));
    }
    /* Sets of one, two and many bytes, those above 127 too. */
    unsigned char all[256];
    for (int i = 0; i < 255; i++)
        all[i] = (unsigned char)(i + 1);
    all[255] = '\0';
    for (int i = 1; i < 256; i++) {
        char one[2] = {(char)i, 0}, two[3] = {(char)i, (char)(i > 100 ? i - 1 : i + 1), 0};
        CHECK(strcspn((char *)all, one) == (size_t)i - 1);
        CHECK(strcspn((char *)all, two) == (size_t)(i > 100 ? i - 2 : i - 1));
        CHECK(strspn((char *)all, (char *)all) == 255);
        CHECK(strspn((char *)all + i - 1, one) == 1);
    }
    char words[] = "  one,two;;three  four,", copy[] = "a::b:", *state, *rest = copy, *word;
    for (word = strtok_r(words, " ,;", &state); word; word = strtok_r(NULL, " ,;", &state))
        printf("[%s]", word);
    while ((word = strsep(&rest, ":")) != NULL)
        printf("(%s)", word);
    char again[] = "x y z";
    for (word = strtok(again, " "); word; word = strtok(NULL, " "))
        printf("<%s>", word);
    putchar('\n');
    char *whole = strdup("duplicate me"), *part = strndup("duplicate me", 9);
    printf("%s|%s|%s\n", whole, part, basename("/usr/lib/name.so"));
    free(whole);
    free(part);
    for (int error = 0; error < 20; error++)
        printf("%d %s\n", error, strerror(error));
    printf("%s, %s, %s\n", strerror(9999), strsignal(11), strerrorname_np(ENOSYS));
    errno = ENOENT;
    printf("%m\n");
    return check_finish();
}
