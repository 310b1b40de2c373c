/* Text to numbers and back: strtol and strtod families with their errors, and random round trips. */
#include <errno.h>
#include <math.h>

#include "check.h"

static void integers(const char *text, int base)
{
    char *end;
    errno = 0;
    long l = strtol(text, &end, base);
    printf("'%s' base %d: %ld +%d %s", text, base, l, (int)(end - text), strerrorname_np(errno));
    errno = 0;
    unsigned long u = strtoul(text, &end, base);
    printf(" / %lu +%d %s\n", u, (int)(end - text), strerrorname_np(errno));
}

static void floats(const char *text)
{
    char *end;
    errno = 0;
    double d = strtod(text, &end);
    printf("'%s': %a +%d %s", text, d, (int)(end - text), strerrorname_np(errno));
    errno = 0;
    float f = strtof(text, &end);
    printf(" / %a %s\n", f, strerrorname_np(errno));
}

int main(void)
{
    static const char *const integer_texts[] = {
        "0", "  42", "-42", "+7", "0x1F", "0xg", "0779", "99999999999999999999", "-99999999999999999999",
        "9223372036854775807", "-9223372036854775808", "18446744073709551615", "", "-", "z", "0b101", "12abc", "\t\n 5 5"};
    for (unsigned i = 0; i < sizeof integer_texts / sizeof *integer_texts; i++) {
        integers(integer_texts[i], 0);
        integers(integer_texts[i], 10);
        integers(integer_texts[i], 16);
        integers(integer_texts[i], 36);
    }
    static const char *const float_texts[] = {
        "0", "-0", "1", "0.1", "1e10", "-1.5e-10", "123456789.123456789", "1e308", "1.8e308", "-2e308", "4.9e-324",
        "2e-324", "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623158e308", "9007199254740993",
        "9007199254740992.9999999999999999999999999", "0x1.8p3", "0x.8", "0x1p-1074", "0x1.fffffffffffff8p0", "inf", "-Infinity",
        "1e", "1e+", ".5", ".", "5.", "3.4028235677973366e38", "1e-46", "7e-46", "1.1754944e-38", "0x1.fffffep127",
        "100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000e-80",
        "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000001e70", "1.1x", "  6.25"};
    for (unsigned i = 0; i < sizeof float_texts / sizeof *float_texts; i++)
        floats(float_texts[i]);
    CHECK(isnan(strtod("nan", NULL)) && isnan(strtod("NAN(12)", NULL)) && isnan(strtof("-nan", NULL)));

    /* Seventeen digits identify a double, nine a float. */
    char text[64];
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = check_random();
        double d;
        float f;
        memcpy(&d, &bits, sizeof d);
        memcpy(&f, (char *)&bits + 2, sizeof f);
        if (isfinite(d)) {
            snprintf(text, sizeof text, "%.17g", d);
            CHECK(strtod(text, NULL) == d);
            snprintf(text, sizeof text, "%a", d);
            CHECK(strtod(text, NULL) == d);
        }
        if (isfinite(f)) {
            snprintf(text, sizeof text, "%.9g", (double)f);
            CHECK(strtof(text, NULL) == f);
        }
        snprintf(text, sizeof text, "%" PRId64, (int64_t)bits);
        CHECK(strtoll(text, NULL, 10) == (int64_t)bits);
        snprintf(text, sizeof text, "%" PRIo64, bits);
        CHECK(strtoull(text, NULL, 8) == bits);
        CHECK(atol(text) >= 0 || bits >> 63);
    }
    printf("%d %ld %lld %a\n", atoi(" 12x"), atol("-99"), atoll("123456789012"), atof("2.5e3"));
    div_t d = div(-17, 5);
    ldiv_t l = ldiv(-17L, -5L);
    lldiv_t ll = lldiv(1234567890123456789LL, 1000003LL);
    imaxdiv_t m = imaxdiv(INTMAX_MIN, 10);
    printf("%d %d, %ld %ld, %lld %lld, %jd %jd\n", d.quot, d.rem, l.quot, l.rem, ll.quot, ll.rem, m.quot, m.rem);
    printf("%d %ld %lld\n", abs(-5), labs(-6L), llabs(-7LL));
    char ecvt_text[64];
    int decimal, negative;
    CHECK(ecvt_r(-1234.5678, 6, &decimal, &negative, ecvt_text, sizeof ecvt_text) == 0);
    printf("%s %d %d %s\n", ecvt_text, decimal, negative, gcvt(0.00001234, 3, text));
    printf("%ld %s\n", a64l("zzz./"), l64a(123456789L));
    return check_finish();
}
