/* The judge of whole programs: executes what it is sent and answers with the state in which it ended.
 *
 * Reads `struct record`s from standard input and writes each back as it is afterwards. A record's code is put at CODE, in
 * a page filled with breakpoints, its data at DATA, a writable page with a read-only one behind it and nothing around;
 * then a signal handler returns into it, and the next signal's context is the answer. One source for all guests: built by
 * the tests with the guest's compiler, run natively or on qemu-user. */
#define _GNU_SOURCE
#ifdef __x86_64__
#include <asm/prctl.h>
#include <sys/personality.h>
#endif
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define DATA 0x10000000ul
#define CODE 0x20000000ul
#define PAGE 4096ul
#define CODE_BYTES 512ul

struct record {
    uint64_t pc;
    uint64_t x[32];   /* general registers as the manual numbers them; AArch64: x[31] is sp; x86-64: from x[16] on bases of fs and
                       * gs, x87 control, status, tags */
    uint64_t flags;   /* rflags, nzcv */
    uint64_t control; /* fcsr, mxcsr, fpcr */
    uint64_t status;  /* fpsr */
    uint64_t signal;
    uint64_t address;
    uint64_t reserved;
    uint64_t v[32][2]; /* x86-64: from v[16] on the x87's registers, the top first */
    uint8_t code[CODE_BYTES];
    uint8_t data[PAGE];
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

#if defined __riscv

#define BREAKPOINT_BYTES 2
static const uint8_t breakpoint[] = {0x02, 0x90};

static void load(const struct record *r, ucontext_t *u) {
    mcontext_t *m = &u->uc_mcontext;
    memcpy(m->__gregs, r->x, sizeof r->x);
    m->__gregs[0] = r->pc;
    for (int i = 0; i < 32; i++)
        m->__fpregs.__d.__f[i] = r->v[i][0];
    m->__fpregs.__d.__fcsr = r->control;
    /* A reservation of the program before would be one of this program's; a store-conditional ends it. */
    uint32_t word;
    __asm__ volatile("sc.w zero, zero, (%0)" ::"r"(&word) : "memory");
}

static void store(struct record *r, const ucontext_t *u) {
    const mcontext_t *m = &u->uc_mcontext;
    memcpy(r->x, m->__gregs, sizeof r->x);
    r->pc = m->__gregs[0];
    r->x[0] = 0;
    for (int i = 0; i < 32; i++)
        r->v[i][0] = m->__fpregs.__d.__f[i];
    r->control = m->__fpregs.__d.__fcsr;
}

/* The handler is entered with the tested code's gp and tp, which libc needs: they are put back first, and only
 * addresses relative to the pc may be used before that (build with -Wl,--no-relax). */
static uint64_t own_gp, own_tp;
#define SAVE_OWN() __asm__ volatile("mv %0, gp\n mv %1, tp" : "=r"(own_gp), "=r"(own_tp))
#define RESTORE_OWN() __asm__ volatile("mv gp, %0\n mv tp, %1" ::"r"(own_gp), "r"(own_tp) : "memory")
#define BREAK() __asm__ volatile("ebreak" ::: "memory")

#elif defined __aarch64__

#define BREAKPOINT_BYTES 4
static const uint8_t breakpoint[] = {0x00, 0x00, 0x20, 0xd4};

static struct fpsimd_context *vectors(const ucontext_t *u) {
    struct _aarch64_ctx *head = (struct _aarch64_ctx *)u->uc_mcontext.__reserved;
    while (head->magic != FPSIMD_MAGIC)
        head = (struct _aarch64_ctx *)((char *)head + head->size);
    return (struct fpsimd_context *)head;
}

static void load(const struct record *r, ucontext_t *u) {
    mcontext_t *m = &u->uc_mcontext;
    memcpy(m->regs, r->x, sizeof m->regs);
    m->sp = r->x[31];
    m->pc = r->pc;
    m->pstate = r->flags;
    struct fpsimd_context *f = vectors(u);
    memcpy(f->vregs, r->v, sizeof r->v);
    f->fpcr = r->control;
    f->fpsr = r->status;
}

static void store(struct record *r, const ucontext_t *u) {
    const mcontext_t *m = &u->uc_mcontext;
    memcpy(r->x, m->regs, sizeof m->regs);
    r->x[31] = m->sp;
    r->pc = m->pc;
    r->flags = m->pstate & 0xf0000000;
    const struct fpsimd_context *f = vectors(u);
    memcpy(r->v, f->vregs, sizeof r->v);
    r->control = f->fpcr;
    r->status = f->fpsr;
}

/* The tested code may have written the thread pointer and the float environment. */
static uint64_t own_tp;
#define SAVE_OWN() __asm__ volatile("mrs %0, tpidr_el0" : "=r"(own_tp))
#define RESTORE_OWN() __asm__ volatile("msr tpidr_el0, %0\n msr fpcr, xzr" ::"r"(own_tp) : "memory")
#define BREAK() __asm__ volatile("brk 0" ::: "memory")

#elif defined __x86_64__

#define BREAKPOINT_BYTES 1
static const uint8_t breakpoint[] = {0xcc};

/* As the manual numbers them: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15. */
static const int numbers[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void load(const struct record *r, ucontext_t *u) {
    mcontext_t *m = &u->uc_mcontext;
    for (int i = 0; i < 16; i++)
        m->gregs[numbers[i]] = r->x[i];
    m->gregs[REG_RIP] = r->pc;
    m->gregs[REG_EFL] = r->flags;
    struct _libc_fpstate *f = m->fpregs;
    memset(f, 0, 24);
    f->cwd = r->x[18];
    f->swd = r->x[19];
    f->ftw = r->x[20];
    f->mxcsr = r->control;
    memcpy(f->_st, r->v + 16, sizeof f->_st);
    memcpy(f->_xmm, r->v, 256);
}

static void store(struct record *r, const ucontext_t *u) {
    const mcontext_t *m = &u->uc_mcontext;
    for (int i = 0; i < 16; i++)
        r->x[i] = m->gregs[numbers[i]];
    r->pc = m->gregs[REG_RIP];
    r->flags = m->gregs[REG_EFL] & ~0x10000ul; /* RF is the exception's own */
    r->control = m->fpregs->mxcsr;
    r->x[18] = m->fpregs->cwd;
    r->x[19] = m->fpregs->swd;
    r->x[20] = m->fpregs->ftw & 0xff;
    memcpy(r->v, m->fpregs->_xmm, 256);
    for (int i = 0; i < 8; i++) {
        memset(r->v[16 + i], 0, 16);
        memcpy(r->v[16 + i], m->fpregs->_st + i, 10);
    }
    /* A breakpoint's context is behind it. */
    if (r->signal == SIGTRAP)
        r->pc -= 1;
    /* The kernel has no address for a general protection exception. */
    if (r->signal == SIGSEGV && m->gregs[REG_TRAPNO] == 13)
        r->reserved = 1;
}

/* The bases of fs and gs are not in the frame: the tested code's are set last, and libc's thread pointer is put back
 * first, without a call. */
static uint64_t own_fs, seen_fs, seen_gs;

static inline void base(long code, uint64_t value) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(158L), "D"(code), "S"(value) : "rcx", "r11", "memory");
}

#define SAVE_OWN() base(ARCH_GET_FS, (uint64_t)&own_fs)
#define RESTORE_OWN() (base(ARCH_GET_FS, (uint64_t)&seen_fs), base(ARCH_GET_GS, (uint64_t)&seen_gs), base(ARCH_SET_FS, own_fs))
#define STORE_BASES(r) ((r)->x[16] = seen_fs, (r)->x[17] = seen_gs)
#define LOAD_BASES(r) (base(ARCH_SET_FS, (r)->x[16]), base(ARCH_SET_GS, (r)->x[17]))
#define BREAK() __asm__ volatile("int3" ::: "memory")

#endif

#ifndef STORE_BASES
#define STORE_BASES(r)
#define LOAD_BASES(r)
#endif

static struct record record;

/* Lets a program run for so many seconds; 0 ends the watch. Processor time, because this process may also wait for its next
 * record, and for its turn on a busy machine: a signal while it does would be taken for the program's. */
static void watch(int seconds) {
    struct itimerval timer = {.it_value.tv_sec = seconds};
    setitimer(ITIMER_VIRTUAL, &timer, 0);
}

static void on_signal(int number, siginfo_t *info, void *context) {
    RESTORE_OWN();
    watch(0);
    static int started;
    if (started) {
        record.signal = number;
        record.address = (uint64_t)info->si_addr;
        record.reserved = 0;
        store(&record, context);
        STORE_BASES(&record);
        memcpy(record.data, (void *)DATA, PAGE);
        transfer(1, &record, sizeof record, put);
    }
    started = 1;
    transfer(0, &record, sizeof record, read);
    memcpy((void *)CODE, record.code, CODE_BYTES);
    __builtin___clear_cache((char *)CODE, (char *)CODE + CODE_BYTES);
    memcpy((void *)DATA, record.data, PAGE);
    load(&record, context);
    /* A program that runs for ever is an answer too. */
    watch(10);
    LOAD_BASES(&record);
}

int main(int count, char **arguments) {
    (void)count;
#ifdef __x86_64__
    /* The heap of a static program is at a random place, also at those that tests find unmapped, unless asked not to be. */
    int personality_now = personality(0xffffffff);
    if (!(personality_now & ADDR_NO_RANDOMIZE) && personality(personality_now | ADDR_NO_RANDOMIZE) != -1)
        execv("/proc/self/exe", arguments);
#else
    (void)arguments;
#endif
    static char stack[262144];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    mmap((void *)DATA, PAGE, PROT_READ | PROT_WRITE, fixed, -1, 0);
    mmap((void *)(DATA + PAGE), PAGE, PROT_READ, fixed, -1, 0);
    mmap((void *)CODE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, fixed, -1, 0);
    for (unsigned at = 0; at < PAGE; at++)
        ((uint8_t *)CODE)[at] = breakpoint[at % BREAKPOINT_BYTES];
    sigaltstack(&alternate, 0);
    int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGVTALRM};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, 0);
    SAVE_OWN();
    BREAK();
    return 1;
}
