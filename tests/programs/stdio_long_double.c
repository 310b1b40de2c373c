/* long double: 80 bits on x86-64, 128 bits on the others. Only values and digits that all formats share are printed. */
#include <float.h>
#include <math.h>

#include "check.h"

static volatile long double zero = 0.0L, one = 1.0L, three = 3.0L, tenth = 0.1L;

int main(void)
{
    printf("%Lf %.3Lf %Le %Lg %.0Lf\n", 1.5L, 0.125L, 1234567.0L, 1e10L, 2.5L);
    printf("%.15Lg %.15Lg %.15Lg\n", one / three, tenth, tenth * three - 0.25L);
    printf("%Lf %Lf %Lg %Lg\n", one / zero, -one / zero, zero, -zero);
    printf("%.18Lg %.17Le\n", 123456789012345678.0L, 9007199254740993.0L);
    CHECK(one / three * three == one);
    CHECK((double)(one / three) == 1.0 / 3.0 && (float)(one / three) == 1.0f / 3.0f);
    CHECK(LDBL_MANT_DIG >= 64 && one + LDBL_EPSILON > one && one + LDBL_EPSILON / 2 == one);

    /* Integers of 64 bits fit exactly, and come back. */
    for (int i = 0; i < 3000; i++) {
        uint64_t bits = check_random() >> (i & 63);
        volatile long double value = bits, negative = -(long double)(int64_t)(bits >> 1);
        CHECK((uint64_t)value == bits && (int64_t)negative == -(int64_t)(bits >> 1));
        CHECK(value * 0.5L + value * 0.5L == value);
        CHECK((value < negative) == 0 && (value >= zero) && !(value != value));
        CHECK((int32_t)(value / 4294967296.0L) == (int32_t)(bits / 4294967296.0));
        char text[64];
        snprintf(text, sizeof text, "%.0Lf", value);
        CHECK(strtoull(text, NULL, 10) == bits && strtold(text, NULL) == value);
    }
    /* Exact arithmetic on doubles: products and sums of 26-bit numbers need no rounding anywhere. */
    for (int i = 0; i < 3000; i++) {
        double a = (double)(int32_t)(check_random() >> 38), b = (double)(int32_t)(check_random() >> 38);
        volatile long double x = a, y = b;
        CHECK((double)(x * y) == a * b && (double)(x + y) == a + b && (double)(x - y) == a - b);
        CHECK(b == 0 || (double)(x / y * y) == a || fabsl(x / y * y - x) < 1e-9L);
        CHECK((x < y) == (a < b) && (x <= y) == (a <= b) && (x == y) == (a == b) && (x > y) == (a > b));
        CHECK((double)sqrtl(x * x) == fabs(a) && fabsl(-x) == fabsl(x) && floorl(x + 0.5L) == x && ceill(x - 0.5L) == x);
        CHECK(truncl(x + (x < 0 ? -0.25L : 0.25L)) == x && rintl(x + 0.25L) == x && copysignl(x, -1.0L) <= 0);
        CHECK((double)fmodl(x, y + 0.5L) == fmod(a, b + 0.5));
        int exponent;
        long double fraction = frexpl(x, &exponent);
        CHECK(ldexpl(fraction, exponent) == x && scalbnl(x, 3) == x * 8);
        long double whole;
        CHECK(modfl(x + 0.5L, &whole) == 0.5L && whole == x);
    }
    long double nan_value = zero / zero;
    CHECK(isnan(nan_value) && !(nan_value == nan_value) && !(nan_value < one) && nan_value != one);
    CHECK(isinf(one / zero) && signbit(-zero) && !signbit(zero) && fpclassify(LDBL_MIN) == FP_NORMAL);
    CHECK(LDBL_MAX > DBL_MAX && (double)LDBL_MAX == INFINITY && LDBL_MIN < DBL_MIN && (double)LDBL_MIN == 0.0);
    CHECK(strtold("1e4000", NULL) > DBL_MAX && strtold("1e-4000", NULL) > 0 && strtold("1e5000", NULL) == INFINITY);
    printf("%.12Lg %.12Lg %.12Lg %.12Lg\n", expl(one), logl(three), sinl(one), powl(three, tenth));
    printf("%.12Lg %.12Lg %.12Lg %.12Lg\n", atan2l(one, three), tanhl(tenth), cbrtl(three), hypotl(three, one));
    printf("%lld %ld %.1Lf\n", llroundl(2.5L), lrintl(3.5L), roundl(-2.5L));
    CHECK(nextafterl(one, three) == one + LDBL_EPSILON && fmal(three, three, one) == 10.0L);
    return check_finish();
}
