/*
 * Two vCPUs of one machine on two threads: both add to one counter in guest memory with an atomic instruction; then one
 * runs an endless loop until this thread interrupts it.
 */
#include <pthread.h>
#include "check.h"

#define CODE 0x10000u
#define SPIN (CODE + 20)
#define DATA 0x20000u
#define ROUNDS 100000

static const unsigned char code[] = {
    0x93, 0x02, 0x10, 0x00, /* loop: li t0, 1 */
    0x2f, 0x30, 0x55, 0x00, /*       amoadd.d zero, t0, (a0) */
    0x93, 0x85, 0xf5, 0xff, /*       addi a1, a1, -1 */
    0xe3, 0x9a, 0x05, 0xfe, /*       bnez a1, loop */
    0x73, 0x00, 0x00, 0x00, /*       ecall */
    0x6f, 0x00, 0x00, 0x00, /* spin: j spin */
};

/* Runs a vCPU from where it is to the end of the run; the reason. */
static void *run(void *argument)
{
    xlat_vcpu *vcpu = (xlat_vcpu *)argument;
    xlat_exit end;
    XLAT_INIT(end);
    CHECK(xlat_vcpu_run(vcpu, NULL, &end));
    return (void *)(uintptr_t)end.reason;
}

int main(void)
{
    xlat_engine *engine;
    xlat_vm *vm;
    xlat_vcpu *vcpus[2];
    xlat_vm_options options;
    pthread_t threads[2];
    void *reason;
    uint64_t counter = 0;
    int i;

    CHECK(xlat_engine_new(NULL, &engine));
    XLAT_INIT(options);
    options.guest = XLAT_GUEST_RISCV64;
    CHECK(xlat_vm_new(engine, &options, &vm));
    CHECK(xlat_vm_map(vm, CODE, 0x1000, XLAT_PROT_READ | XLAT_PROT_EXEC));
    CHECK(xlat_vm_map(vm, DATA, 0x1000, XLAT_PROT_READ | XLAT_PROT_WRITE));
    CHECK(xlat_vm_write(vm, CODE, code, sizeof code, NULL));
    for (i = 0; i < 2; i++) {
        CHECK(xlat_vcpu_new(vm, &vcpus[i]));
        CHECK(xlat_vcpu_set_pc(vcpus[i], CODE));
        CHECK(xlat_vcpu_write_register(vcpus[i], XLAT_RISCV64_A0, DATA));
        CHECK(xlat_vcpu_write_register(vcpus[i], XLAT_RISCV64_A1, ROUNDS));
    }
    for (i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, run, vcpus[i]);
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK(xlat_vm_read(vm, DATA, &counter, sizeof counter, NULL));
    printf("two vCPUs counted to %u\n", (unsigned)counter);

    CHECK(xlat_vcpu_set_pc(vcpus[0], SPIN));
    pthread_create(&threads[0], NULL, run, vcpus[0]);
    /* It does not matter whether the run has begun: an interrupt is kept until a run reports it. */
    CHECK(xlat_vcpu_interrupt(vcpus[0]));
    pthread_join(threads[0], &reason);
    printf("the endless loop ended: %s\n", (uintptr_t)reason == XLAT_EXIT_INTERRUPTED ? "interrupted" : "?");

    for (i = 0; i < 2; i++)
        CHECK(xlat_vcpu_free(vcpus[i]));
    CHECK(xlat_vm_free(vm));
    CHECK(xlat_engine_free(engine));
    return 0;
}
