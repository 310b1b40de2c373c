// Executes single AArch64 instructions: reads cases from standard input, runs each, writes the states behind them to
// standard output. Runs on a real CPU or under qemu-aarch64.
//
// A case and its result have one layout (struct state). The instruction is a word of the case; in the result that
// word is the signal that the instruction raised, or 0. x28 is not under test: the harness uses it to get in and out.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct state {
    uint32_t word, fpcr, fpsr, nzcv;
    uint64_t x[31], sp;
    uint64_t v[32][2];
    uint8_t memory[4096];
};

// What the assembly below works on, at an address that it can make without a register to spare.
struct shared {
    struct state state;
    uint64_t slot, host_sp;
};

#define SHARED ((struct shared *)0x3000000000)
#define MEMORY ((uint8_t *)0x2000000000)
#define BATCH 256

// enter(): saves the host's registers, loads the state, jumps to the slot. leave: the reverse.
void enter(void);
extern char leave[];
__asm__(
    ".text\n  .globl enter, leave\n"
    "enter:\n"
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n"
    "  stp x25, x26, [sp, #48]\n  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  movz x28, #0x30, lsl #32\n"
    "  mov x0, sp\n  str x0, [x28, #4888]\n"
    "  ldr x0, [x28, #264]\n  mov sp, x0\n"
    "  ldp w0, w1, [x28, #4]\n  msr fpcr, x0\n  msr fpsr, x1\n"
    "  ldr w0, [x28, #12]\n  msr nzcv, x0\n"
    "  add x1, x28, #272\n"
    "  ldp q0, q1, [x1]\n  ldp q2, q3, [x1, #32]\n  ldp q4, q5, [x1, #64]\n  ldp q6, q7, [x1, #96]\n"
    "  ldp q8, q9, [x1, #128]\n  ldp q10, q11, [x1, #160]\n  ldp q12, q13, [x1, #192]\n  ldp q14, q15, [x1, #224]\n"
    "  ldp q16, q17, [x1, #256]\n  ldp q18, q19, [x1, #288]\n  ldp q20, q21, [x1, #320]\n  ldp q22, q23, [x1, #352]\n"
    "  ldp q24, q25, [x1, #384]\n  ldp q26, q27, [x1, #416]\n  ldp q28, q29, [x1, #448]\n  ldp q30, q31, [x1, #480]\n"
    "  ldp x0, x1, [x28, #16]\n  ldp x2, x3, [x28, #32]\n  ldp x4, x5, [x28, #48]\n  ldp x6, x7, [x28, #64]\n"
    "  ldp x8, x9, [x28, #80]\n  ldp x10, x11, [x28, #96]\n  ldp x12, x13, [x28, #112]\n"
    "  ldp x14, x15, [x28, #128]\n  ldp x16, x17, [x28, #144]\n  ldp x18, x19, [x28, #160]\n"
    "  ldp x20, x21, [x28, #176]\n  ldp x22, x23, [x28, #192]\n  ldp x24, x25, [x28, #208]\n"
    "  ldp x26, x27, [x28, #224]\n  ldp x29, x30, [x28, #248]\n"
    "  ldr x28, [x28, #4880]\n"
    "  br x28\n"
    "leave:\n"
    "  movz x28, #0x30, lsl #32\n"
    "  stp x0, x1, [x28, #16]\n  stp x2, x3, [x28, #32]\n  stp x4, x5, [x28, #48]\n  stp x6, x7, [x28, #64]\n"
    "  stp x8, x9, [x28, #80]\n  stp x10, x11, [x28, #96]\n  stp x12, x13, [x28, #112]\n"
    "  stp x14, x15, [x28, #128]\n  stp x16, x17, [x28, #144]\n  stp x18, x19, [x28, #160]\n"
    "  stp x20, x21, [x28, #176]\n  stp x22, x23, [x28, #192]\n  stp x24, x25, [x28, #208]\n"
    "  stp x26, x27, [x28, #224]\n  stp x29, x30, [x28, #248]\n"
    "  mov x0, sp\n  str x0, [x28, #264]\n"
    "  mrs x0, nzcv\n  str w0, [x28, #12]\n"
    "  mrs x0, fpcr\n  mrs x1, fpsr\n  stp w0, w1, [x28, #4]\n"
    "  msr fpcr, xzr\n"
    "  add x1, x28, #272\n"
    "  stp q0, q1, [x1]\n  stp q2, q3, [x1, #32]\n  stp q4, q5, [x1, #64]\n  stp q6, q7, [x1, #96]\n"
    "  stp q8, q9, [x1, #128]\n  stp q10, q11, [x1, #160]\n  stp q12, q13, [x1, #192]\n  stp q14, q15, [x1, #224]\n"
    "  stp q16, q17, [x1, #256]\n  stp q18, q19, [x1, #288]\n  stp q20, q21, [x1, #320]\n  stp q22, q23, [x1, #352]\n"
    "  stp q24, q25, [x1, #384]\n  stp q26, q27, [x1, #416]\n  stp q28, q29, [x1, #448]\n  stp q30, q31, [x1, #480]\n"
    "  ldr x0, [x28, #4888]\n  mov sp, x0\n"
    "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n"
    "  ldp x25, x26, [sp, #48]\n  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n"
    "  ret\n");

_Static_assert(sizeof(struct state) == 4880, "the assembly knows the layout");

static sigjmp_buf stopped;

static void on_signal(int signal) { siglongjmp(stopped, signal); }

static void *map(void *where, size_t size, int protection) {
    void *at = mmap(where, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | (where ? MAP_FIXED : 0), -1, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return at;
}

int main(void) {
    // A slot: the instruction; ldr x28, leave; br x28; the address of leave.
    struct slot {
        uint32_t word, load, branch, padding;
        uint64_t leave, more;
    } *slots = map(0, BATCH * sizeof(struct slot), PROT_READ | PROT_WRITE | PROT_EXEC);
    map(SHARED, 8192, PROT_READ | PROT_WRITE);
    map(MEMORY, 4096, PROT_READ | PROT_WRITE);

    static uint8_t stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, 0);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
    const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);

    static struct state cases[BATCH];
    size_t count;
    while ((count = fread(cases, sizeof *cases, BATCH, stdin)) > 0) {
        for (size_t i = 0; i < count; i++)
            slots[i] = (struct slot){cases[i].word, 0x5800007c, 0xd61f0380, 0, (uint64_t)leave, 0};
        __builtin___clear_cache((char *)slots, (char *)(slots + count));
        for (volatile size_t i = 0; i < count; i++) {
            SHARED->state = cases[i];
            SHARED->slot = (uint64_t)&slots[i];
            memcpy(MEMORY, cases[i].memory, sizeof cases[i].memory);
            int signal = sigsetjmp(stopped, 1);
            if (signal == 0) {
                enter();
                cases[i] = SHARED->state;
            } else {
                __asm__ volatile("msr fpcr, xzr");
            }
            cases[i].word = signal;
            memcpy(cases[i].memory, MEMORY, sizeof cases[i].memory);
        }
        if (fwrite(cases, sizeof *cases, count, stdout) != count) return 1;
    }
    return 0;
}
