/* The judge of RV64 instructions: executes what it is sent and answers with the state afterwards.
 *
 * Reads `struct input` records from standard input. Each is executed by returning from a signal handler into it, and
 * ends with the signal that it raises (the code pages are filled with c.ebreak), whose context is the `struct output`.
 * Memory: DATA is a writable page, behind it a read-only one, behind that nothing. Built by the tests with the cross
 * compiler, run on qemu-user. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define DATA 0x10000000ul
#define CODE 0x20000000ul
#define PAGE 4096ul
#define WINDOW 256ul /* the last bytes of the writable page travel with the records */
#define CODE_BYTES 256ul
#define CODE_PAGES 3 /* qemu looks a few bytes past a breakpoint: branches end far from the last page's end */

struct input {
    uint64_t x[32]; /* x[0] is the pc */
    uint64_t f[32];
    uint64_t fcsr;
    uint8_t code[CODE_BYTES];
    uint8_t window[WINDOW];
};

struct output {
    uint64_t x[32];
    uint64_t f[32];
    uint64_t fcsr;
    uint64_t signal;
    uint64_t address;
    uint8_t window[WINDOW];
};

static void transfer(int fd, void *buffer, size_t size, ssize_t (*move)(int, void *, size_t)) {
    for (size_t done = 0; done < size;) {
        ssize_t moved = move(fd, (char *)buffer + done, size - done);
        if (moved <= 0)
            _exit(0);
        done += moved;
    }
}

static ssize_t put(int fd, void *buffer, size_t size) {
    return write(fd, buffer, size);
}

static void next(mcontext_t *context) {
    static struct input in;
    transfer(0, &in, sizeof in, read);
    memcpy((void *)CODE, in.code, CODE_BYTES);
    __builtin___clear_cache((char *)CODE, (char *)CODE + CODE_BYTES);
    memcpy((void *)(DATA + PAGE - WINDOW), in.window, WINDOW);
    memcpy(context->__gregs, in.x, sizeof in.x);
    memcpy(context->__fpregs.__d.__f, in.f, sizeof in.f);
    context->__fpregs.__d.__fcsr = in.fcsr;
}

/* The handler is entered with the tested code's gp and tp, which libc needs: they are put back first, and only
 * addresses relative to the pc may be used before that (build with -Wl,--no-relax). */
static uint64_t own_gp, own_tp;

static void on_signal(int number, siginfo_t *info, void *p) {
    __asm__ volatile("mv gp, %0\n mv tp, %1" ::"r"(own_gp), "r"(own_tp) : "memory");
    static int started;
    mcontext_t *context = &((ucontext_t *)p)->uc_mcontext;
    if (started) {
        static struct output out;
        memcpy(out.x, context->__gregs, sizeof out.x);
        memcpy(out.f, context->__fpregs.__d.__f, sizeof out.f);
        out.fcsr = context->__fpregs.__d.__fcsr;
        out.signal = number;
        out.address = (uint64_t)info->si_addr;
        memcpy(out.window, (void *)(DATA + PAGE - WINDOW), WINDOW);
        transfer(1, &out, sizeof out, put);
    }
    started = 1;
    next(context);
}

int main(void) {
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    mmap((void *)DATA, PAGE, PROT_READ | PROT_WRITE, fixed, -1, 0);
    mmap((void *)(DATA + PAGE), PAGE, PROT_READ, fixed, -1, 0);
    mmap((void *)CODE, CODE_PAGES * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, fixed, -1, 0);
    for (uint16_t *half = (uint16_t *)CODE; half < (uint16_t *)(CODE + CODE_PAGES * PAGE); half++)
        *half = 0x9002;
    sigaltstack(&alternate, 0);
    int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, 0);
    __asm__ volatile("mv %0, gp\n mv %1, tp" : "=r"(own_gp), "=r"(own_tp));
    __asm__ volatile("ebreak" ::: "memory");
    return 1;
}
