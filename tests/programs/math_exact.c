/* Functions of math.h whose results are exact by definition, on special and random values, printed bit by bit. */
#include <fenv.h>
#include <float.h>
#include <math.h>

#include "check.h"

static const double specials[] = {
    0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.5, -2.5, 0.49999999999999994, 0.75, 3.0, -7.25, 1e-310, -1e-310,
    0x1p-1074, -0x1p-1074, DBL_MIN, DBL_MAX, -DBL_MAX, 4503599627370495.5, 4503599627370496.5, -4503599627370497.0,
    9007199254740993.0, 1e18, -1e18, 1e300, INFINITY, -INFINITY, NAN, 100.125, 6755399441055744.0, 2147483647.5, -2147483648.5};
enum { SPECIALS = sizeof specials / sizeof *specials };

/* The sign of a NaN result differs between guests. */
static void show(double x)
{
    if (isnan(x))
        printf(" nan");
    else
        printf(" %a", x);
}

static void show_float(float x)
{
    show((double)x);
}

static uint64_t hash = 1;

static void mix(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    hash = (hash ^ (isnan(x) ? 0x7ff8u : bits)) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 32;
}

static void unary(double x, void (*show)(double), void (*show_float)(float))
{
    float f = (float)x;
    show(floor(x)), show(ceil(x)), show(trunc(x)), show(round(x)), show(rint(x)), show(nearbyint(x)), show(roundeven(x));
    show(fabs(x)), show(sqrt(x)), show(logb(x)), show(cbrt(x) * 0);
    show_float(floorf(f)), show_float(ceilf(f)), show_float(truncf(f)), show_float(roundf(f)), show_float(rintf(f));
    show_float(sqrtf(f)), show_float(fabsf(f)), show_float(logbf(f));
    int exponent = 0;
    show(frexp(x, &exponent));
    show(isfinite(x) ? exponent : 0);
    double whole;
    show(modf(x, &whole)), show(whole);
    show(ldexp(x, 3)), show(ldexp(x, -1070)), show(scalbn(x, 2000)), show_float(ldexpf(f, -130));
    show(nextafter(x, 2.0)), show(nextafter(x, -INFINITY)), show_float(nextafterf(f, 0.0f));
    show(isnan(x) * 1 + isinf(x) * 2 + isnormal(x) * 4 + (fpclassify(x) == FP_SUBNORMAL) * 8 + (signbit(x) && !isnan(x)) * 16);
    if (fabs(x) < 9e18)
        show((double)llround(x)), show((double)llrint(x)), show((double)lround(x)), show((double)lrintf(f));
    if (x != 0 && isfinite(x))
        show(ilogb(x));
    /* The values for zero and infinity are the guest's own. */
    if (f != 0 && isfinite(f))
        show(ilogbf(f));
}

static void binary(double x, double y, void (*show)(double), void (*show_float)(float))
{
    float f = (float)x, g = (float)y;
    show(fmod(x, y)), show(remainder(x, y)), show(fdim(x, y)), show(copysign(x, isnan(y) ? 1.0 : y));
    show(nextafter(x, y)), show(fma(x, y, 1.0)), show(fma(x, -y, x * y));
    show_float(fmodf(f, g)), show_float(remainderf(f, g)), show_float(fmaf(f, g, -1.0f)), show_float(fdimf(f, g));
    /* The sign of the result for two zeros is left open. */
    show(fmax(x, y) + 0.0), show(fmin(x, y) + 0.0), show_float(fmaxf(f, g) + 0.0f), show_float(fminf(f, g) + 0.0f);
    int quotient = 0;
    show(remquo(x, y, &quotient));
    show(isfinite(x) && isfinite(y) && y != 0 ? quotient & 7 : 0);
    show(isgreater(x, y) + 2 * isless(x, y) + 4 * isunordered(x, y) + 8 * islessgreater(x, y) + 16 * isgreaterequal(x, y) + 32 * islessequal(x, y));
    show((x < y) + 2 * (x > y) + 4 * (x == y) + 8 * (x != y) + 16 * (f < g) + 32 * (f >= g) + 64 * (f == g));
    show(x + y), show(x - y), show(x * y), show(x / y), show_float(f + g), show_float(f * g), show_float(f / g), show_float(f - g);
}

static void mix_float(float x)
{
    mix((double)x);
}

int main(void)
{
    for (int i = 0; i < SPECIALS; i++) {
        printf("%d:", i);
        unary(specials[i], show, show_float);
        putchar('\n');
    }
    for (int i = 0; i < SPECIALS; i++)
        for (int j = 0; j < SPECIALS; j++) {
            if ((i * SPECIALS + j) % 9 == 0) {
                printf("%d,%d:", i, j);
                binary(specials[i], specials[j], show, show_float);
                putchar('\n');
            }
            binary(specials[i], specials[j], mix, mix_float);
        }
    printf("all pairs %016" PRIx64 "\n", hash);
    for (int i = 0; i < 5000; i++) {
        uint64_t a = check_random(), b = check_random();
        double x, y;
        if (i & 1) {
            /* Near in magnitude, so that sums and remainders are not trivial. */
            a = (a & UINT64_C(0x807fffffffffffff)) | UINT64_C(0x3f80000000000000);
            b = (b & UINT64_C(0x807fffffffffffff)) | UINT64_C(0x3f80000000000000);
        }
        memcpy(&x, &a, sizeof x);
        memcpy(&y, &b, sizeof y);
        unary(x, mix, mix_float);
        binary(x, y, mix, mix_float);
    }
    printf("random %016" PRIx64 "\n", hash);
    return check_finish();
}
