/* Reads standard input to its end and counts lines, words and bytes; then writes to both outputs, buffered and not. */
#include <ctype.h>
#include <sys/uio.h>

#include "check.h"

int main(void)
{
    size_t lines = 0, words = 0, bytes = 0;
    uint32_t hash = 2166136261u;
    int inside = 0;
    for (int c; (c = getchar()) != EOF; bytes++) {
        hash = (hash ^ (uint32_t)c) * 16777619u;
        lines += c == '\n';
        words += !inside && !isspace(c);
        inside = !isspace(c);
    }
    CHECK(feof(stdin) && !ferror(stdin));
    printf("%zu lines, %zu words, %zu bytes, hash %08" PRIx32 "\n", lines, words, bytes, hash);
    fputs("to standard error\n", stderr);
    fflush(stdout);
    struct iovec parts[3] = {{"three ", 6}, {"parts ", 6}, {"in one call\n", 12}};
    CHECK(writev(STDOUT_FILENO, parts, 3) == 24);
    CHECK(write(STDOUT_FILENO, "direct\n", 7) == 7);
    /* More than a pipe holds. */
    for (int i = 0; i < 4000; i++)
        printf("%d: some output that fills a pipe\n", i);
    return check_finish();
}
