/* The quick-start program: greets from its guest, shows its arguments, computes something, and ends.
 *
 * It is freestanding: its own entry point, raw system calls, no libc, so that the committed ELF files hold nothing but
 * this source. scripts/quickstart-programs rebuilds them. */
#include <stddef.h>
#include <stdint.h>

#ifndef GUEST
#if defined __x86_64__
#define GUEST "x86_64"
#elif defined __aarch64__
#define GUEST "aarch64"
#elif defined __riscv && __riscv_xlen == 64
#define GUEST "riscv64"
#endif
#endif

/* The entry point hands the initial stack pointer, which points to argc, to `start`. */
#if defined __x86_64__
enum { SYS_write = 1, SYS_exit = 60 };
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n call start\n hlt");

static long system_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
enum { SYS_write = 64, SYS_exit = 93 };
__asm__(".globl _start\n_start:\n mov x29, #0\n mov x30, #0\n mov x0, sp\n bl start\n udf #0");

static long system_call(long number, long a, long b, long c)
{
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#else
enum { SYS_write = 64, SYS_exit = 93 };
__asm__(".globl _start\n_start:\n mv a0, sp\n call start\n unimp");

static long system_call(long number, long a, long b, long c)
{
    register long a7 __asm__("a7") = number, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}
#endif

/* A line is collected here and written with one system call. */
static char line[512];
static size_t used;

static void put(const char *text)
{
    while (*text && used < sizeof line)
        line[used++] = *text++;
}

static void put_number(uint64_t value, unsigned base, unsigned digits)
{
    char text[24];
    unsigned at = sizeof text;
    text[--at] = '\0';
    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value || sizeof text - 1 - at < digits);
    put(text + at);
}

static void end_line(void)
{
    put("\n");
    system_call(SYS_write, 1, (long)line, (long)used);
    used = 0;
}

__attribute__((noinline)) static int is_prime(uint32_t n)
{
    for (uint32_t divisor = 2; divisor * divisor <= n; divisor++)
        if (n % divisor == 0)
            return 0;
    return n >= 2;
}

/* FNV-1a over the bytes of the first `count` squares. */
__attribute__((noinline)) static uint64_t checksum(uint32_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < count; i++)
        for (uint64_t square = i * i; square; square >>= 8)
            hash = (hash ^ (square & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

/* The square root of two by Newton's method, in millionths. */
__attribute__((noinline)) static uint64_t root_of_two(void)
{
    double x = 1.0;
    for (int i = 0; i < 8; i++)
        x = (x + 2.0 / x) * 0.5;
    return (uint64_t)(x * 1e6);
}

__attribute__((noreturn, used)) void start(const long *stack)
{
    long count = stack[0];
    char **arguments = (char **)(stack + 1);

    put("hello from " GUEST);
    end_line();
    put("arguments:");
    for (long i = 1; i < count; i++) {
        put(" ");
        put(arguments[i]);
    }
    end_line();
    put("primes:");
    for (uint32_t n = 0, found = 0; found < 16; n++)
        if (is_prime(n)) {
            put(" ");
            put_number(n, 10, 1);
            found++;
        }
    end_line();
    put("square root of 2: 1.");
    put_number(root_of_two() % 1000000, 10, 6);
    end_line();
    put("checksum: ");
    put_number(checksum(1000000), 16, 16);
    end_line();
    for (;;)
        system_call(SYS_exit, 0, 0, 0);
}
