/* Larger pieces of libc at work on text: regular expressions, file name patterns. */
#include <fnmatch.h>
#include <regex.h>

#include "check.h"

int main(void)
{
    static const char *const patterns[] = {
        "^[a-z]+$", "([0-9]+)-([0-9]+)", "a(b|c)*d", "(x+)+y", "[[:upper:]][[:lower:]]*", "^$", "colou?r", "(.)(.)\\2\\1", "\\bword\\b",
        "[^,]*,([^,]*),", "a{2,4}b", "(a|ab)(c|bcd)(d*)", "[", "a**", "(unbalanced"};
    static const char *const texts[] = {"hello", "tel 123-456", "abcbcbd", "xxxxxxxxxxy", "Some Name", "", "the colour red", "abba", "a word here",
                                        "one,two,three", "caaab", "abcd", "xyzzy aaaab 7-8"};
    for (unsigned p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        regex_t compiled;
        regmatch_t matches[4];
        char message[100];
        int error = regcomp(&compiled, patterns[p], REG_EXTENDED);
        if (error) {
            regerror(error, &compiled, message, sizeof message);
            printf("%s: %s\n", patterns[p], message);
            continue;
        }
        printf("%s (%zu):", patterns[p], compiled.re_nsub);
        for (unsigned t = 0; t < sizeof texts / sizeof *texts; t++)
            if (regexec(&compiled, texts[t], 4, matches, 0) == 0) {
                printf(" %u", t);
                for (int m = 0; m < 4 && matches[m].rm_so >= 0; m++)
                    printf("[%d,%d]", (int)matches[m].rm_so, (int)matches[m].rm_eo);
            }
        putchar('\n');
        regfree(&compiled);
    }
    regex_t insensitive;
    CHECK(regcomp(&insensitive, "HELLO", REG_ICASE | REG_NOSUB) == 0 && regexec(&insensitive, "say Hello", 0, NULL, 0) == 0);
    regfree(&insensitive);
    static const char *const names[] = {"main.c", "main.cpp", ".hidden", "dir/file.c", "a[b]", "README"};
    static const char *const globs[] = {"*", "*.c", "*.c*", "[a-m]*", "[!a-m]*", "?????c", "*/*.c", "a\\[b\\]", "R*E"};
    for (unsigned g = 0; g < sizeof globs / sizeof *globs; g++) {
        printf("%s:", globs[g]);
        for (unsigned n = 0; n < sizeof names / sizeof *names; n++)
            printf(" %d%d", fnmatch(globs[g], names[n], 0) == 0, fnmatch(globs[g], names[n], FNM_PERIOD | FNM_PATHNAME) == 0);
        putchar('\n');
    }
    return check_finish();
}
