/* printf of integers, strings and floating point numbers: flags, widths, precisions, rounding. */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>

#include "check.h"

__attribute__((format(printf, 2, 3))) static void expect(const char *expected, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check_count++;
    if (strcmp(text, expected) != 0 || length != (int)strlen(expected)) {
        check_failures++;
        printf("format '%s': got '%s' (%d), expected '%s'\n", format, text, length, expected);
    }
}

int main(void)
{
    char *volatile null = NULL;
    expect("42 -42 +42  42 0042 2a 0X2A 52 052", "%d %i %+d % d %04d %x %#X %o %#o", 42, -42, 42, 42, 42, 42, 42, 42, 42);
    expect("[   42][42   ][00042][  042]", "[%5d][%-5d][%05d][%5.3d]", 42, 42, 42, 42);
    expect("-1 255 65535 -128 18446744073709551615", "%hhd %hhu %hu %hhd %zu", 255, 255, 65535, 128, SIZE_MAX);
    expect("-9223372036854775808 7fffffffffffffff", "%lld %llx", (long long)INT64_MIN, (unsigned long long)INT64_MAX);
    expect("1,x,abc,ab,   ab,(null)", "%c,%c,%s,%.2s,%5.2s,%s", '1', 'x', "abc", "abc", "abc", null);
    expect("100% done", "%d%% %s", 100, "done");
    expect("b a 5", "%2$s %1$s %3$d", "a", "b", 5);
    expect("[    x][x    ]", "[%*s][%-*s]", 5, "x", 5, "x");
    expect("0x1234 (nil)", "%p %p", (void *)0x1234, NULL);
    expect("-7 12 9", "%jd %td %zd", (intmax_t)-7, (ptrdiff_t)12, (ssize_t)9);
    int written = 0;
    expect("12345", "%s%n", "12345", &written);
    CHECK(written == 5);

    expect("3.141593 3.14 3 3. -0.000000", "%f %.2f %.0f %#.0f %f", M_PI, M_PI, M_PI, M_PI, -0.0);
    expect("3.141593e+00 3.14E+00 0.000000e+00", "%e %.2E %e", M_PI, M_PI, 0.0);
    expect("3.14159 1e+20 1e-05 0.0001 100000 1e+06 1.00000", "%g %g %g %g %g %g %#g", M_PI, 1e20, 1e-5, 1e-4, 1e5, 1e6, 1.0);
    expect("0x1p+0 0x1.8p+1 -0x1.999999999999ap-4 0x0p+0 0x1.92p+1", "%a %a %a %a %.2a", 1.0, 3.0, -0.1, 0.0, M_PI);
    expect("inf -inf INF nan      inf", "%f %e %G %g %8f", INFINITY, -INFINITY, INFINITY, NAN, INFINITY);
    expect("0.5 1.5 2.5 0 2 2 4", "%g %g %g %.0f %.0f %.0f %.0f", 0.5, 1.5, 2.5, 0.5, 1.5, 2.5, 3.5);
    expect("0.1000000000000000055511151231257827021181583404541015625", "%.55f", 0.1);
    expect("4.9406564584124654e-324 2.2250738585072014e-308 1.7976931348623157e+308", "%.16e %.16e %.16e", 0x1p-1074, DBL_MIN, DBL_MAX);
    expect("[  3.14][3.14  ][003.14][+3.14]", "[%6.2f][%-6.2f][%06.2f][%+.2f]", M_PI, M_PI, M_PI, M_PI);
    expect("123456789012345680 1.23456789012346e+17", "%.0f %.15g", 123456789012345678.0, 123456789012345678.0);

    /* Everything below is compared with the native run: the exact digits of random doubles in many formats. */
    static const char *const formats[] = {"%.0f", "%.1f", "%.3f", "%e", "%.0e", "%.15e", "%g", "%.3g", "%.17g", "%#.12g", "%a", "%.5a", "%+.6f", "%020.4f"};
    for (int i = 0; i < 1400; i++) {
        uint64_t bits = check_random();
        /* Exponents near zero half of the time. */
        if (i % 2)
            bits = (bits & UINT64_C(0x801fffffffffffff)) | UINT64_C(0x3c00000000000000) | (bits >> 11 & UINT64_C(0x07e0000000000000)) >> 1;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isnan(value))
            value = (double)i;
        char text[400];
        int length = snprintf(text, sizeof text, formats[i % 14], value);
        printf("%d %s\n", length, text);
    }
    /* Ties and near-ties of decimal rounding. */
    for (int i = 0; i < 64; i++)
        printf("%.2f %.1e %.3g ", (double)i / 8 + 0.125, i * 1.5 + 0.25, i * 0.0625);
    putchar('\n');
    char small[8];
    CHECK(snprintf(small, sizeof small, "%s", "longer than eight") == 17 && strcmp(small, "longer ") == 0);
    CHECK(snprintf(NULL, 0, "%d", 12345) == 5);
    char *allocated;
    CHECK(asprintf(&allocated, "%*d|%-10s|%5.1f", 6, 7, "left", 2.25) == 23);
    puts(allocated);
    free(allocated);
    return check_finish();
}
