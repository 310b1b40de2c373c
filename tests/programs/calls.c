/* Calling conventions and control flow: many arguments, structs by value, variable arguments, switches, alloca. */
#include <alloca.h>
#include <stdarg.h>

#include "check.h"

struct small { int8_t a; int16_t b; };
struct pair { uint64_t a, b; };
struct floats { float x, y, z; };
struct mixed { double d; int32_t i; float f; };
struct large { uint64_t words[9]; };
union overlay { double d; uint64_t bits; uint8_t bytes[8]; };

__attribute__((noinline)) static double many(int8_t a, uint16_t b, int32_t c, uint64_t d, float e, double f, int64_t g, uint8_t h, double i, int32_t j, int64_t k, float l, double m, double n, double o, double p, double q, double r, uint32_t s, int16_t t)
{
    return a + 2.0 * b + 3.0 * c + 4.0 * (double)d + 5 * e + 6 * f + 7.0 * (double)g + 8.0 * h + 9 * i + 10.0 * j + 11.0 * (double)k + 12 * l + 13 * m + 14 * n + 15 * o + 16 * p + 17 * q + 18 * r + 19.0 * s + 20.0 * t;
}

__attribute__((noinline)) static struct small make_small(struct small s) { return (struct small){(int8_t)-s.a, (int16_t)(s.b * 2)}; }
__attribute__((noinline)) static struct pair make_pair(struct pair p, int x) { return (struct pair){p.b + (uint64_t)x, p.a}; }
__attribute__((noinline)) static struct floats make_floats(struct floats f) { return (struct floats){f.y, f.z, f.x + f.y}; }
__attribute__((noinline)) static struct mixed make_mixed(struct mixed m, float f) { return (struct mixed){m.d * 2, m.i + 1, m.f - f}; }
__attribute__((noinline)) static struct large make_large(struct large l, int at) { l.words[at] += 100; return l; }

__attribute__((noinline)) static double variable(const char *kinds, ...)
{
    va_list arguments, copy;
    double sum = 0;
    va_start(arguments, kinds);
    va_copy(copy, arguments);
    for (const char *kind = kinds; *kind; kind++)
        switch (*kind) {
        case 'i': sum += va_arg(arguments, int); break;
        case 'l': sum += (double)va_arg(arguments, int64_t); break;
        case 'd': sum += va_arg(arguments, double); break;
        case 'L': sum += (double)va_arg(arguments, long double); break;
        case 's': sum += (double)strlen(va_arg(arguments, char *)); break;
        case 'p': sum += (double)va_arg(arguments, struct pair).b; break;
        case 'm': sum += va_arg(arguments, struct mixed).d; break;
        case 'b': sum += (double)va_arg(arguments, struct large).words[8]; break;
        }
    sum += *kinds == 'i' ? va_arg(copy, int) : 0;
    va_end(copy);
    va_end(arguments);
    return sum;
}

__attribute__((noinline)) static int dense(int x)
{
    switch (x) {
    case 0: return 17;
    case 1: return 3;
    case 2: x += 5; /* fall through */
    case 3: return x * 2;
    case 4: return -x;
    case 5: return x ^ 0x55;
    case 6: case 7: return 99;
    case 8: return x << 4;
    case 9: return 1000 / x;
    case 10: return 0;
    default: return -1;
    }
}

__attribute__((noinline)) static int sparse(int64_t x)
{
    switch (x) {
    case -5000000000: return 1;
    case -1: return 2;
    case 77: return 3;
    case 1000 ... 1999: return 4;
    case 123456: return 5;
    case 0x7fffffffffff: return 6;
    default: return 0;
    }
}

static int even(unsigned n);
__attribute__((noinline)) static int odd(unsigned n) { return n == 0 ? 0 : even(n - 1); }
__attribute__((noinline)) static int even(unsigned n) { return n == 0 ? 1 : odd(n - 1); }

__attribute__((noinline)) static uint64_t dynamic(unsigned size)
{
    unsigned char *block = alloca(size), array[size + 1];
    memset(block, (int)size, size);
    memcpy(array, block, size);
    array[size] = 1;
    uint64_t sum = 0;
    for (unsigned i = 0; i <= size; i++)
        sum += array[i];
    return size < 2000 ? sum + dynamic(size * 2) : sum;
}

static uint64_t twice(uint64_t (*function)(uint64_t), uint64_t x) { return function(function(x)); }
static uint64_t increment(uint64_t x) { return x + 1; }
static uint64_t square(uint64_t x) { return x * x; }

__attribute__((constructor)) static void before_main(void) { puts("constructor"); }
__attribute__((destructor)) static void after_main(void) { puts("destructor"); }

int main(void)
{
    printf("%a\n", many(-1, 2, -3, 4, 5.5f, 6.5, -7, 8, 9.5, -10, 11, 12.5f, 13.5, 14.5, 15.5, 16.5, 17.5, 18.5, 19, -20));
    struct small s = make_small((struct small){5, -300});
    CHECK(s.a == -5 && s.b == -600);
    struct pair p = make_pair((struct pair){1, 2}, 40);
    CHECK(p.a == 42 && p.b == 1);
    struct floats f = make_floats((struct floats){1.5f, 2.5f, 3.5f});
    CHECK(f.x == 2.5f && f.y == 3.5f && f.z == 4.0f);
    struct mixed m = make_mixed((struct mixed){1.25, -8, 3.0f}, 0.5f);
    CHECK(m.d == 2.5 && m.i == -7 && m.f == 2.5f);
    struct large l = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};
    struct large changed = make_large(l, 4);
    CHECK(changed.words[4] == 105 && changed.words[8] == 9 && l.words[4] == 5);
    CHECK(variable("iiiiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 56);
    CHECK(variable("dddddddddd", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.5) == 55.5);
    CHECK(variable("lsLdpimbLd", INT64_C(1) << 40, "four", 0.5L, 0.25, p, 3, m, l, 2.0L, 8.0) == 1099511627776.0 + 4 + 0.5 + 0.25 + 1 + 3 + 2.5 + 9 + 2 + 8);
    for (int i = -2; i < 13; i++)
        printf("%d ", dense(i));
    static const int64_t cases[] = {-5000000000, -1, 77, 999, 1000, 1999, 2000, 123456, 0x7fffffffffff, 0};
    for (int i = 0; i < 10; i++)
        printf("%d ", sparse(cases[i]));
    putchar('\n');
    CHECK(even(1000) == 1 && odd(1001) == 1 && odd(500) == 0);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", dynamic(3), twice(increment, 5), twice(square, 3));
    union overlay o = {.d = -2.5};
    CHECK(o.bits == UINT64_C(0xc004000000000000) && o.bytes[7] == 0xc0 && o.bytes[0] == 0);
    return check_finish();
}
