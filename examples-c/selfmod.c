/*
 * Self-modifying code: each guest replaces an instruction that it is about to run ("return 1" becomes "return 42"), as its
 * manual demands it; then the host program replaces it again. Everybody always runs what memory holds.
 */
#include "check.h"

#define CODE 0x10000u
#define ROUNDS 1000

struct guest {
    const char *name;
    uint32_t number;
    uint32_t result, address, word; /* registers */
    const unsigned char *code;
    size_t size;
    size_t target;                  /* offset of the instruction that changes */
    const unsigned char *by_host;   /* what the host program writes there: return 7 */
    size_t by_host_size;
    uint32_t by_guest;              /* what the guest writes there */
};

static const unsigned char x86_64[] = {
    0xc6, 0x05, 0x03, 0x00, 0x00, 0x00, 0x2a, /*         mov byte ptr [rip + target + 1], 42 */
    0xeb, 0x00,                               /*         jmp target */
    0xb8, 0x01, 0x00, 0x00, 0x00,             /* target: mov eax, 1 */
    0x0f, 0x05,                               /*         syscall */
};
static const unsigned char aarch64[] = {
    0x22, 0x00, 0x00, 0xb9, /*         str w2, [x1] */
    0x21, 0x7b, 0x0b, 0xd5, /*         dc cvau, x1 */
    0x9f, 0x3b, 0x03, 0xd5, /*         dsb ish */
    0x21, 0x75, 0x0b, 0xd5, /*         ic ivau, x1 */
    0x9f, 0x3b, 0x03, 0xd5, /*         dsb ish */
    0xdf, 0x3f, 0x03, 0xd5, /*         isb */
    0x20, 0x00, 0x80, 0x52, /* target: mov w0, #1 */
    0x01, 0x00, 0x00, 0xd4, /*         svc #0 */
};
static const unsigned char riscv64[] = {
    0x23, 0xa0, 0xc5, 0x00, /*         sw a2, 0(a1) */
    0x0f, 0x10, 0x00, 0x00, /*         fence.i */
    0x13, 0x05, 0x10, 0x00, /* target: li a0, 1 */
    0x73, 0x00, 0x00, 0x00, /*         ecall */
};
static const unsigned char x86_64_by_host[] = {0xb8, 0x07, 0x00, 0x00, 0x00}; /* mov eax, 7 */
static const unsigned char aarch64_by_host[] = {0xe0, 0x00, 0x80, 0x52};      /* mov w0, #7 */
static const unsigned char riscv64_by_host[] = {0x13, 0x05, 0x70, 0x00};      /* li a0, 7 */

/* Runs from an address to the system call; the result. */
static uint64_t call(xlat_vcpu *vcpu, const struct guest *guest, uint64_t address)
{
    xlat_exit end;
    uint64_t result;
    CHECK(xlat_vcpu_set_pc(vcpu, address));
    CHECK(xlat_vcpu_write_register(vcpu, guest->address, CODE + guest->target));
    CHECK(xlat_vcpu_write_register(vcpu, guest->word, guest->by_guest));
    XLAT_INIT(end);
    CHECK(xlat_vcpu_run(vcpu, NULL, &end));
    if (end.reason != XLAT_EXIT_SYSCALL) {
        printf("%s stopped at 0x%lx: reason %u\n", guest->name, (unsigned long)end.pc, (unsigned)end.reason);
        exit(1);
    }
    CHECK(xlat_vcpu_read_register(vcpu, guest->result, &result));
    return result;
}

static void run(const xlat_engine *engine, const struct guest *guest)
{
    xlat_vm_options options;
    xlat_vm *vm;
    xlat_vcpu *vcpu;
    uint64_t by_guest = 0, by_host = 0;
    int round;

    XLAT_INIT(options);
    options.guest = guest->number;
    CHECK(xlat_vm_new(engine, &options, &vm));
    CHECK(xlat_vm_map(vm, CODE, 0x1000, XLAT_PROT_READ | XLAT_PROT_WRITE | XLAT_PROT_EXEC));
    CHECK(xlat_vm_write(vm, CODE, guest->code, guest->size, NULL));
    CHECK(xlat_vcpu_new(vm, &vcpu));

    for (round = 0; round < ROUNDS; round++) {
        by_guest += call(vcpu, guest, CODE) == 42;
        CHECK(xlat_vm_write(vm, CODE + guest->target, guest->by_host, guest->by_host_size, NULL));
        by_host += call(vcpu, guest, CODE + guest->target) == 7;
    }
    printf("%s: the guest's patch was seen %u times, the host's %u times\n", guest->name, (unsigned)by_guest,
           (unsigned)by_host);

    CHECK(xlat_vcpu_free(vcpu));
    CHECK(xlat_vm_free(vm));
}

int main(void)
{
    static const struct guest guests[] = {
        {"x86_64", XLAT_GUEST_X86_64, XLAT_X86_64_RAX, XLAT_X86_64_RSI, XLAT_X86_64_RDX, x86_64, sizeof x86_64, 9,
         x86_64_by_host, sizeof x86_64_by_host, 0},
        {"aarch64", XLAT_GUEST_AARCH64, XLAT_AARCH64_X0, XLAT_AARCH64_X1, XLAT_AARCH64_X2, aarch64, sizeof aarch64,
         24, aarch64_by_host, sizeof aarch64_by_host, 0x52800540 /* mov w0, #42 */},
        {"riscv64", XLAT_GUEST_RISCV64, XLAT_RISCV64_A0, XLAT_RISCV64_A1, XLAT_RISCV64_A2, riscv64, sizeof riscv64,
         8, riscv64_by_host, sizeof riscv64_by_host, 0x02a00513 /* li a0, 42 */},
    };
    xlat_engine *engine;
    size_t i;

    CHECK(xlat_engine_new(NULL, &engine));
    for (i = 0; i < sizeof guests / sizeof guests[0]; i++)
        run(engine, &guests[i]);
    CHECK(xlat_engine_free(engine));
    return 0;
}
