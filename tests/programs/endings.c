/* The ways in which a program ends; the first argument chooses one. */
#include <assert.h>
#include <signal.h>
#include <sys/resource.h>

#include "check.h"

static void goodbye(void)
{
    puts("atexit handler");
}

static int grow(int depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : grow(depth + 1) + frame[0];
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    int value = argc > 2 ? atoi(argv[2]) : 0;
    /* A death by signal shall not leave a core file. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    printf("ending by %s\n", way);
    atexit(goodbye);
    if (strcmp(way, "return") == 0)
        return value;
    if (strcmp(way, "exit") == 0)
        exit(value);
    if (strcmp(way, "_exit") == 0) {
        fflush(stdout);
        _exit(value);
    }
    if (strcmp(way, "quick_exit") == 0) {
        fflush(stdout);
        quick_exit(value);
    }
    fflush(stdout);
    if (strcmp(way, "abort") == 0)
        abort();
    if (strcmp(way, "assert") == 0)
        assert(value > 100);
    if (strcmp(way, "raise") == 0)
        raise(value);
    if (strcmp(way, "kill") == 0)
        kill(getpid(), value);
    if (strcmp(way, "read") == 0)
        printf("%d\n", *(volatile int *)(uintptr_t)value);
    if (strcmp(way, "write") == 0)
        *(volatile int *)(uintptr_t)main = 1;
    if (strcmp(way, "jump") == 0)
        ((void (*)(void))(uintptr_t)value)();
    if (strcmp(way, "data") == 0) {
        /* Writable memory is not executable, even where it holds a return instruction. */
#if defined __x86_64__
        static unsigned char code[4] = {0xc3};
#elif defined __aarch64__
        static uint32_t code[1] = {0xd65f03c0};
#elif defined __riscv
        static uint16_t code[2] = {0x8082};
#endif
        ((void (*)(void))(uintptr_t)code)();
    }
    if (strcmp(way, "stack") == 0) {
        /* Without a limit the stack would take all memory before it overflows. */
        setrlimit(RLIMIT_STACK, &(struct rlimit){8 << 20, 8 << 20});
        return grow(0);
    }
    if (strcmp(way, "free") == 0) {
        char *block = malloc(100);
        char *volatile again = block;
        free(block);
        free(again);
    }
    if (strcmp(way, "illegal") == 0) {
#if defined __x86_64__
        __asm__ volatile("ud2");
#elif defined __aarch64__
        __asm__ volatile(".inst 0x00000000");
#elif defined __riscv
        __asm__ volatile("unimp");
#endif
    }
    puts("still here");
    return 98;
}
