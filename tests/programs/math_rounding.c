/* The floating-point environment: four rounding modes for arithmetic and conversions, and the exception flags. */
#include <fenv.h>
#include <float.h>
#include <math.h>

#include "check.h"

static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
static const char *const names[] = {"nearest", "down", "up", "zero"};

/* The flags by name: their bits differ between guests. */
static void flags(const char *operation)
{
    printf(" %s%s%s%s%s%s", operation, fetestexcept(FE_INVALID) ? "+invalid" : "", fetestexcept(FE_DIVBYZERO) ? "+divide" : "",
           fetestexcept(FE_OVERFLOW) ? "+overflow" : "", fetestexcept(FE_UNDERFLOW) ? "+underflow" : "",
           fetestexcept(FE_INEXACT) ? "+inexact" : "");
    feclearexcept(FE_ALL_EXCEPT);
}

#define FLAGS(expression)                                                                                              \
    do {                                                                                                               \
        feclearexcept(FE_ALL_EXCEPT);                                                                                  \
        sink = (expression);                                                                                           \
        flags(#expression);                                                                                            \
    } while (0)

/* Negative operands are variables of their own: the compiler moves a sign out of an operation, which is right in
 * round-to-nearest only. */
static volatile double minus_one = -1.0, minus_huge = -DBL_MAX, minus_tiny = -DBL_MIN, minus_tenth = -0.1, minus_half = -0.5, minus_two = -2.0;
static volatile float minus_float_one = -1.0f;
static volatile int64_t minus_integer = -INT64_C(0x7fffffffffffff01);
static volatile double sink, zero = 0.0, one = 1.0, three = 3.0, tenth = 0.1, huge = DBL_MAX, tiny = DBL_MIN, infinity = INFINITY,
                             quiet = NAN, half = 0.5, two = 2.0, large = 1e20;
static volatile float float_sink, float_one = 1.0f, float_three = 3.0f, float_huge = FLT_MAX, float_tiny = FLT_MIN;
static volatile int64_t integer = INT64_C(0x7fffffffffffff01), integer_sink;
static volatile uint64_t natural = UINT64_C(0xffffffffffffff01);
static volatile int32_t word = 123456789;

int main(void)
{
    for (int i = 0; i < 4; i++) {
        CHECK(fesetround(modes[i]) == 0 && fegetround() == modes[i]);
        printf("%s:", names[i]);
        printf(" %a %a %a", one / three, minus_one / three, tenth + tenth * two);
        printf(" %a %a %a", tenth * tenth, sqrt(two), one - tenth);
        printf(" %a %a", (double)(float_one / float_three), (double)(minus_float_one / float_three));
        printf(" %a %a %a %a", huge * two, minus_huge * two, tiny * tiny, minus_tiny * tiny);
        printf(" %a %a", (double)(float)tenth, (double)(float)minus_tenth);
        printf(" %a %a %a %a", (double)integer, (double)minus_integer, (double)natural, (double)(float)word);
        printf(" %a %a %a %a", rint(half), rint(minus_half), rint(two + half), nearbyint(minus_two - half));
        printf(" %lld %lld %ld", llrint(two + half), llrint(minus_half), lrint(three - tenth));
        printf(" %a %a", fma(tenth, tenth, minus_one), (double)fmaf((float)tenth, (float)tenth, minus_float_one));
        printf(" %a %a", one - one, (double)(float_one - float_one));
        printf(" %d %d\n", (int)(two + half), (int)(minus_two - half));
        printf("%.2f %.3g %a\n", tenth * three, one / three, strtod("0.1", NULL));
    }
    CHECK(fesetround(FE_TONEAREST) == 0);
    FLAGS(one + one);
    FLAGS(one / three);
    FLAGS(one / zero);
    FLAGS(zero / zero);
    FLAGS(huge * huge);
    FLAGS(tiny * tiny);
    FLAGS(tiny / two);
    FLAGS(infinity - infinity);
    FLAGS(infinity * zero);
    FLAGS(sqrt(minus_one));
    FLAGS(sqrt(two));
    FLAGS(quiet + one);
    FLAGS(quiet < one);
    FLAGS(quiet == one);
    FLAGS(isless(quiet, one));
    FLAGS(fma(huge, two, -infinity));
    FLAGS(fma(infinity, zero, one));
    FLAGS(rint(half));
    FLAGS(nearbyint(half));
    FLAGS((double)(float)tenth);
    FLAGS((double)(float)huge);
    FLAGS((double)(float)tiny);
    FLAGS((double)integer);
    FLAGS((double)word);
    FLAGS((double)(int)half);
    FLAGS((double)(int)two);
    FLAGS((double)llrint(half));
    FLAGS((double)(float_huge * float_huge));
    FLAGS((double)(float_tiny * float_tiny));
    FLAGS((double)(float_one / float_three));
    feclearexcept(FE_ALL_EXCEPT);
    integer_sink = (int64_t)large;
    flags("(int64_t)1e20");
    integer_sink = (int32_t)quiet;
    flags("(int32_t)nan");
    putchar('\n');

    fenv_t environment;
    CHECK(feraiseexcept(FE_OVERFLOW | FE_INEXACT) == 0 && fetestexcept(FE_OVERFLOW) == FE_OVERFLOW);
    CHECK(fegetenv(&environment) == 0 && fesetround(FE_UPWARD) == 0 && feclearexcept(FE_ALL_EXCEPT) == 0);
    CHECK(fesetenv(&environment) == 0 && fegetround() == FE_TONEAREST && fetestexcept(FE_OVERFLOW));
    CHECK(feholdexcept(&environment) == 0 && fetestexcept(FE_ALL_EXCEPT) == 0);
    sink = one / zero;
    CHECK(feupdateenv(&environment) == 0 && fetestexcept(FE_DIVBYZERO) && fetestexcept(FE_OVERFLOW));
    CHECK(fesetenv(FE_DFL_ENV) == 0 && fetestexcept(FE_ALL_EXCEPT) == 0);
    fexcept_t saved;
    feraiseexcept(FE_INVALID);
    CHECK(fegetexceptflag(&saved, FE_ALL_EXCEPT) == 0 && feclearexcept(FE_INVALID) == 0);
    CHECK(fesetexceptflag(&saved, FE_INVALID) == 0 && fetestexcept(FE_INVALID));

    /* Flags stay while other code runs, and loops keep them. */
    feclearexcept(FE_ALL_EXCEPT);
    double sum = 0;
    for (int i = 0; i < 1000; i++)
        sum += half;
    CHECK(sum == 500 && fetestexcept(FE_ALL_EXCEPT) == 0);
    for (int i = 0; i < 1000; i++)
        sum += tenth;
    CHECK(fetestexcept(FE_ALL_EXCEPT) == FE_INEXACT);
    printf("%a\n", sum);
    return check_finish();
}
