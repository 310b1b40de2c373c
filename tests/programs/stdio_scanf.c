/* scanf: conversions, widths, sets, assignment suppression, failures half way. */
#include "check.h"

int main(void)
{
    int i, j, k, count;
    unsigned u;
    long l;
    char word[32], set[32], c;
    float f;
    double d;
    long double ld;
    signed char tiny;
    short small;
    CHECK(sscanf("12 -7 0x1f 017", "%d %d %i %i", &i, &j, &k, &count) == 4 && i == 12 && j == -7 && k == 31 && count == 15);
    CHECK(sscanf("deadbeef 777", "%x %o", &u, &i) == 2 && u == 0xdeadbeef && i == 511);
    CHECK(sscanf("3.5 -2e3 0x1.8p1", "%f %lf %Lf", &f, &d, &ld) == 3 && f == 3.5f && d == -2000 && ld == 3);
    CHECK(sscanf("inf nan(1)", "%lf %f", &d, &f) == 2 && d > 1e308 && f != f);
    CHECK(sscanf("hello world", "%3s%n %s", word, &count, set) == 2 && strcmp(word, "hel") == 0 && count == 3);
    CHECK(sscanf("abc123-", "%[a-z]%[^-]%c", word, set, &c) == 3 && strcmp(word, "abc") == 0 && strcmp(set, "123") == 0 && c == '-');
    CHECK(sscanf("key = value", " %15[^= ] = %15s", word, set) == 2 && strcmp(set, "value") == 0);
    CHECK(sscanf("1,2,x", "%d,%d,%d", &i, &j, &k) == 2);
    CHECK(sscanf("", "%d", &i) == EOF && sscanf("x", "%d", &i) == 0);
    CHECK(sscanf("300 70000", "%hhd %hd", &tiny, &small) == 2 && tiny == 44 && small == 4464);
    CHECK(sscanf("12345678901234", "%ld", &l) == 1 && l == 12345678901234L);
    CHECK(sscanf("10 20 30", "%*d %d %*d%n", &i, &count) == 1 && i == 20 && count == 8);
    CHECK(sscanf("12345", "%2d%3d", &i, &j) == 2 && i == 12 && j == 345);
    CHECK(sscanf("100%", "%d%%%n", &i, &count) == 1 && count == 4);
    char *allocated;
    CHECK(sscanf("a_rather_long_word rest", "%ms", &allocated) == 1 && strcmp(allocated, "a_rather_long_word") == 0);
    free(allocated);
    void *pointer;
    CHECK(sscanf("0x1234", "%p", &pointer) == 1 && pointer == (void *)0x1234);
    for (int round = 0; round < 3000; round++) {
        char text[200];
        double value = (double)(int64_t)check_random() / 3.0, back;
        int64_t integer = (int64_t)check_random(), integer_back;
        snprintf(text, sizeof text, "%.17g;%" PRIx64 ";%e", value, integer, value);
        CHECK(sscanf(text, "%lf;%" SCNx64 ";%f", &back, (uint64_t *)&integer_back, &f) == 3);
        CHECK(back == value && integer_back == integer && f == f);
    }
    return check_finish();
}
