/*
 * A small emulator: an RV64 machine with read-only code, some memory and a console. The guest reaches the console through
 * system calls, which end the run; the emulator serves them and runs on.
 */
#include "check.h"

#define CODE 0x10000u
#define MEMORY 0x20000u

/* The machine's system calls, by a7. */
enum { CALL_HALT = 0, CALL_PUT_BYTE = 1, CALL_PUT_TEXT = 2 };

static const unsigned char code[] = {
    0x37, 0x04, 0x02, 0x00, /*       lui s0, 0x20 */
    0x03, 0x45, 0x04, 0x00, /* loop: lbu a0, 0(s0) */
    0x63, 0x0a, 0x05, 0x00, /*       beqz a0, done */
    0x93, 0x08, 0x10, 0x00, /*       li a7, 1 */
    0x73, 0x00, 0x00, 0x00, /*       ecall: put a byte */
    0x13, 0x04, 0x14, 0x00, /*       addi s0, s0, 1 */
    0x6f, 0xf0, 0xdf, 0xfe, /*       j loop */
    0x37, 0x05, 0x02, 0x00, /* done: lui a0, 0x20 */
    0x13, 0x05, 0x05, 0x04, /*       addi a0, a0, 64 */
    0x93, 0x05, 0x40, 0x01, /*       li a1, 20 */
    0x93, 0x08, 0x20, 0x00, /*       li a7, 2 */
    0x73, 0x00, 0x00, 0x00, /*       ecall: put a text */
    0x13, 0x05, 0x30, 0x00, /*       li a0, 3 */
    0x93, 0x08, 0x00, 0x00, /*       li a7, 0 */
    0x73, 0x00, 0x00, 0x00, /*       ecall: halt with status 3 */
};

/* Prints guest memory; whether all of it is there. */
static int put_text(const xlat_vm *vm, uint64_t address, uint64_t length)
{
    char buffer[16];
    while (length != 0) {
        size_t part = length < sizeof buffer ? (size_t)length : sizeof buffer;
        size_t done;
        xlat_status status = xlat_vm_read(vm, address, buffer, part, &done);
        fwrite(buffer, 1, done, stdout);
        if (status != XLAT_OK)
            return 0;
        address += part;
        length -= part;
    }
    return 1;
}

int main(void)
{
    static const uint32_t ids[] = {XLAT_RISCV64_A0, XLAT_RISCV64_A1, XLAT_RISCV64_A7};
    static const char first[] = "hello, console\n";
    static const char second[] = "twenty bytes at once";
    xlat_engine *engine;
    xlat_vm *vm;
    xlat_vcpu *vcpu;
    xlat_vm_options options;
    xlat_exit end;
    xlat_value values[3];
    unsigned calls = 0;

    CHECK(xlat_engine_new(NULL, &engine));
    XLAT_INIT(options);
    options.guest = XLAT_GUEST_RISCV64;
    CHECK(xlat_vm_new(engine, &options, &vm));
    CHECK(xlat_vm_map(vm, CODE, 0x1000, XLAT_PROT_READ | XLAT_PROT_EXEC));
    CHECK(xlat_vm_map(vm, MEMORY, 0x10000, XLAT_PROT_READ | XLAT_PROT_WRITE));
    CHECK(xlat_vm_write(vm, CODE, code, sizeof code, NULL));
    CHECK(xlat_vm_write(vm, MEMORY, first, sizeof first, NULL));
    CHECK(xlat_vm_write(vm, MEMORY + 64, second, sizeof second, NULL));
    CHECK(xlat_vcpu_new(vm, &vcpu));
    CHECK(xlat_vcpu_set_pc(vcpu, CODE));

    XLAT_INIT(end);
    for (;;) {
        CHECK(xlat_vcpu_run(vcpu, NULL, &end));
        if (end.reason != XLAT_EXIT_SYSCALL) {
            printf("the guest stopped: reason %u\n", (unsigned)end.reason);
            break;
        }
        calls++;
        CHECK(xlat_vcpu_read_registers(vcpu, ids, values, 3));
        if (values[2].low == CALL_PUT_BYTE) {
            putchar((int)(values[0].low & 0xff));
        } else if (values[2].low == CALL_PUT_TEXT) {
            /* The guest sees whether it worked. */
            int done = put_text(vm, values[0].low, values[1].low);
            putchar('\n');
            CHECK(xlat_vcpu_write_register(vcpu, XLAT_RISCV64_A0, done ? 0 : UINT64_MAX));
        } else {
            printf("halted with status %u after %u calls\n", (unsigned)values[0].low, calls);
            break;
        }
    }
    CHECK(xlat_vcpu_free(vcpu));
    CHECK(xlat_vm_free(vm));
    CHECK(xlat_engine_free(engine));
    return 0;
}
