/* The transcendental functions: exact special cases, identities, and eleven digits, which every libc build agrees on. */
#include <complex.h>
#include <errno.h>
#include <math.h>

#include "check.h"

#define SHOW(function, x) printf(#function "(%g) = %.11e %.5e\n", x, function(x), (double)function##f((float)x))

int main(void)
{
    static const double values[] = {0.1, 0.5, 0.7, 1.0, 1.3, 2.0, 3.0, 10.0, 25.5, 40.0};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        volatile double x = values[i];
        SHOW(exp, x), SHOW(exp2, x), SHOW(expm1, x), SHOW(log, x), SHOW(log2, x), SHOW(log10, x), SHOW(log1p, x);
        SHOW(sin, x), SHOW(cos, x), SHOW(tan, x), SHOW(atan, x), SHOW(sinh, x), SHOW(cosh, x), SHOW(tanh, x);
        SHOW(asinh, x), SHOW(cbrt, x), SHOW(erf, x), SHOW(erfc, x), SHOW(tgamma, x), SHOW(lgamma, x);
        if (x <= 1)
            SHOW(asin, x), SHOW(acos, x);
        if (x < 1)
            SHOW(atanh, x);
        if (x >= 1)
            SHOW(acosh, x);
        printf("j0 %.10e y1 %.10e exp10 %.11e\n", j0(x), y1(x), exp10(x));
        for (unsigned j = 0; j < sizeof values / sizeof *values; j++) {
            volatile double y = values[j];
            printf("%.11e %.11e %.11e %.5e ", pow(x, y), atan2(x, y), hypot(x, y), (double)powf((float)x, (float)y / 8));
        }
        putchar('\n');
    }
    volatile double zero = 0.0, one = 1.0, two = 2.0, infinity = INFINITY, nan_value = NAN;
    CHECK(exp(zero) == 1 && log(one) == 0 && exp(-infinity) == 0 && exp(infinity) == infinity && exp(1000 * one) == infinity);
    CHECK(sin(zero) == 0 && signbit(sin(-zero)) && cos(zero) == 1 && tan(-zero) == 0 && atan(infinity) == M_PI_2);
    CHECK(pow(zero, zero) == 1 && pow(nan_value, zero) == 1 && pow(one, nan_value) == 1 && pow(-two, 3 * one) == -8);
    CHECK(pow(two, 10 * one) == 1024 && pow(two, -1074 * one) == 0x1p-1074 && pow(-zero, -one) == -infinity);
    CHECK(pow(-one, infinity) == 1 && isnan(pow(-two, 0.5 * one)) && pow(two, 0.5 * one) == sqrt(two));
    CHECK(isnan(log(-one)) && log(zero) == -infinity && isnan(sin(infinity)) && isnan(acos(two)) && isnan(fmod(one, zero)));
    CHECK(atan2(zero, -one) == M_PI && atan2(-zero, -one) == -M_PI && atan2(infinity, infinity) == M_PI_4);
    CHECK(hypot(3 * one, 4 * one) == 5 && hypot(infinity, nan_value) == infinity && hypot(1e300 * one, 1e300 * one) < infinity);
    CHECK(exp2(10 * one) == 1024 && log2(8 * one) == 3 && log10(100 * one) == 2);
    CHECK(fabs(cbrt(27 * one) - 3) < 1e-15 && fabs(cbrt(-8 * one) + 2) < 1e-15);
    CHECK(tgamma(5 * one) == 24 && lgamma(one) == 0 && erf(zero) == 0 && erf(infinity) == 1 && tanh(100 * one) == 1);
    errno = 0;
    CHECK(log(-one) != 0 && errno == EDOM);
    errno = 0;
    CHECK(exp(10000 * one) == infinity && errno == ERANGE);
    for (int i = 0; i < 3000; i++) {
        volatile double x = (double)(int64_t)check_random() / 0x1p60;
        double s = sin(x), c = cos(x), s2, c2;
        sincos(x, &s2, &c2);
        CHECK(s == s2 && c == c2 && fabs(s * s + c * c - 1) < 1e-15);
        CHECK(fabs(exp(x) * exp(-x) - 1) < 1e-15 && fabs(log(exp(x)) - x) < 1e-14);
        CHECK(fabs(tan(x) - s / c) <= fabs(s / c) * 1e-15 * (1 + fabs(1 / c)));
        CHECK(fabs(sinh(x) * sinh(x) + 1 - cosh(x) * cosh(x)) <= cosh(x) * cosh(x) * 1e-14);
        CHECK(fabs(pow(fabs(x), 1.5) - fabs(x) * sqrt(fabs(x))) <= pow(fabs(x), 1.5) * 1e-15);
        /* Large arguments need an exact reduction. */
        volatile double large = x * 1e15;
        CHECK(fabs(sin(large) * sin(large) + cos(large) * cos(large) - 1) < 1e-15);
        CHECK(fabsf(sinf((float)x) - (float)s) < 2e-6f && fabsf(expf((float)x) - (float)exp(x)) <= (float)exp(x) * 2e-6f);
    }
    printf("%.11e %.11e %.11e\n", sin(1e22), cos(1e300), tan(123456789.0));
    double complex z = 3.0 + 4.0 * I, product = z * (1.5 - 2.0 * I), quotient = (5.0 + 10.0 * I) / z;
    printf("%g %g, %g %g, %g %g\n", cabs(z), creal(conj(z)), creal(product), cimag(product), creal(quotient), cimag(quotient));
    double complex root = csqrt(-4.0), power = cexp(I * M_PI), logarithm = clog(z);
    printf("%g %g, %g %g, %.10g %.10g\n", creal(root), cimag(root), creal(power), fabs(cimag(power)) < 1e-15 ? 0.0 : 1.0, creal(logarithm), cimag(logarithm));
    float complex small = 1.0f + 2.0f * I;
    small = small * small / (0.5f - 0.25f * I);
    printf("%g %g\n", (double)crealf(small), (double)cimagf(small));
    return check_finish();
}
