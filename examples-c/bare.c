/*
 * Bare machine code on each guest: a loop that adds 1 to 100, run to its system call, then step by step with a budget, then
 * into a fault.
 */
#include "check.h"

#define CODE 0x10000u

struct guest {
    const char *name;
    uint32_t number;
    uint32_t sum, count; /* registers */
    const unsigned char *code;
    size_t size;
};

/* loop: sum += count; count -= 1; if (count != 0) goto loop; system call */
static const unsigned char x86_64[] = {
    0x48, 0x01, 0xf8, /* add rax, rdi */
    0x48, 0xff, 0xcf, /* dec rdi */
    0x75, 0xf8,       /* jne loop */
    0x0f, 0x05,       /* syscall */
};
static const unsigned char aarch64[] = {
    0x00, 0x00, 0x01, 0x8b, /* add x0, x0, x1 */
    0x21, 0x04, 0x00, 0xf1, /* subs x1, x1, #1 */
    0xc1, 0xff, 0xff, 0x54, /* b.ne loop */
    0x01, 0x00, 0x00, 0xd4, /* svc #0 */
};
static const unsigned char riscv64[] = {
    0x33, 0x05, 0xb5, 0x00, /* add a0, a0, a1 */
    0x93, 0x85, 0xf5, 0xff, /* addi a1, a1, -1 */
    0xe3, 0x9c, 0x05, 0xfe, /* bnez a1, loop */
    0x73, 0x00, 0x00, 0x00, /* ecall */
};

static void run(const xlat_engine *engine, const struct guest *guest)
{
    xlat_vm_options options;
    xlat_run_options limits;
    xlat_exit end;
    xlat_vm *vm;
    xlat_vcpu *vcpu;
    uint64_t sum, pc;

    XLAT_INIT(options);
    XLAT_INIT(limits);
    XLAT_INIT(end);
    options.guest = guest->number;
    CHECK(xlat_vm_new(engine, &options, &vm));
    CHECK(xlat_vm_map(vm, CODE, 0x1000, XLAT_PROT_READ | XLAT_PROT_EXEC));
    CHECK(xlat_vm_write(vm, CODE, guest->code, guest->size, NULL));
    CHECK(xlat_vcpu_new(vm, &vcpu));

    CHECK(xlat_vcpu_set_pc(vcpu, CODE));
    CHECK(xlat_vcpu_write_register(vcpu, guest->count, 100));
    CHECK(xlat_vcpu_run(vcpu, NULL, &end));
    CHECK(xlat_vcpu_read_register(vcpu, guest->sum, &sum));
    printf("%s: sum %u, system call: %s\n", guest->name, (unsigned)sum,
           end.reason == XLAT_EXIT_SYSCALL && end.pc == CODE + guest->size ? "yes" : "no");

    /* The first ten instructions only. */
    CHECK(xlat_vcpu_set_pc(vcpu, CODE));
    CHECK(xlat_vcpu_write_register(vcpu, guest->sum, 0));
    CHECK(xlat_vcpu_write_register(vcpu, guest->count, 100));
    limits.flags = XLAT_RUN_BUDGET;
    limits.budget = 10;
    CHECK(xlat_vcpu_run(vcpu, &limits, &end));
    CHECK(xlat_vcpu_read_register(vcpu, guest->sum, &sum));
    CHECK(xlat_vcpu_pc(vcpu, &pc));
    printf("  after %u instructions: sum %u, budget spent: %s\n", (unsigned)end.retired, (unsigned)sum,
           end.reason == XLAT_EXIT_BUDGET && end.pc == pc ? "yes" : "no");

    /* Nothing is mapped there. */
    CHECK(xlat_vcpu_set_pc(vcpu, 0x40000000));
    CHECK(xlat_vcpu_run(vcpu, NULL, &end));
    printf("  jump to nowhere: fault at 0x%lx, fetch: %s, unmapped: %s\n", (unsigned long)end.fault_address,
           end.fault_access == XLAT_ACCESS_FETCH ? "yes" : "no",
           end.reason == XLAT_EXIT_FAULT && end.fault_kind == XLAT_FAULT_UNMAPPED ? "yes" : "no");

    CHECK(xlat_vcpu_free(vcpu));
    CHECK(xlat_vm_free(vm));
}

int main(void)
{
    static const struct guest guests[] = {
        {"x86_64", XLAT_GUEST_X86_64, XLAT_X86_64_RAX, XLAT_X86_64_RDI, x86_64, sizeof x86_64},
        {"aarch64", XLAT_GUEST_AARCH64, XLAT_AARCH64_X0, XLAT_AARCH64_X1, aarch64, sizeof aarch64},
        {"riscv64", XLAT_GUEST_RISCV64, XLAT_RISCV64_A0, XLAT_RISCV64_A1, riscv64, sizeof riscv64},
    };
    xlat_engine *engine;
    size_t i;

    CHECK(xlat_engine_new(NULL, &engine));
    for (i = 0; i < sizeof guests / sizeof guests[0]; i++)
        run(engine, &guests[i]);
    CHECK(xlat_engine_free(engine));
    return 0;
}
