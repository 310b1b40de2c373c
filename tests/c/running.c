/*
 * Misuse while something runs: two threads on one vCPU, calls from callbacks that must not be made there, objects freed
 * under way; and bad jumps and accesses of guest code, which are ends of a run and never errors.
 */
#include <pthread.h>
#include <stdio.h>
#include "xlat.h"

#define CODE UINT64_C(0x10000)
#define DATA UINT64_C(0x20000)

static unsigned failures, checks;

#define EXPECT(wanted, call) expect((wanted), (call), #call, __LINE__)

static void expect(uint64_t wanted, uint64_t got, const char *what, int line)
{
    checks++;
    if (wanted == got)
        return;
    failures++;
    printf("line %d: %s: %#llx, expected %#llx\n", line, what, (unsigned long long)got, (unsigned long long)wanted);
}

static void start(uint32_t guest, uint32_t mode, const void *code, size_t length, xlat_vm **vm, xlat_vcpu **vcpu)
{
    xlat_engine *engine;
    xlat_vm_options options;

    XLAT_INIT(options);
    options.guest = guest;
    options.memory_mode = mode;
    EXPECT(XLAT_OK, (uint64_t)xlat_engine_new(NULL, &engine));
    EXPECT(XLAT_OK, (uint64_t)xlat_vm_new(engine, &options, vm));
    EXPECT(XLAT_OK, (uint64_t)xlat_engine_free(engine));
    EXPECT(XLAT_OK, (uint64_t)xlat_vm_map(*vm, CODE, 0x1000, XLAT_PROT_READ | XLAT_PROT_EXEC));
    EXPECT(XLAT_OK, (uint64_t)xlat_vm_map(*vm, DATA, 0x1000, XLAT_PROT_READ | XLAT_PROT_WRITE));
    EXPECT(XLAT_OK, (uint64_t)xlat_vm_write(*vm, CODE, code, length, NULL));
    EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_new(*vm, vcpu));
    EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_set_pc(*vcpu, CODE));
}

static void *run_until_interrupted(void *vcpu)
{
    xlat_exit end;

    XLAT_INIT(end);
    EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_run((xlat_vcpu *)vcpu, NULL, &end));
    EXPECT(XLAT_EXIT_INTERRUPTED, end.reason);
    return NULL;
}

/* A second user of a running vCPU is told so, whatever it wants; the run goes on. */
static void two_threads_on_one_vcpu(void)
{
    /* loop: addi t0, t0, 1; sd t0, 0(a0); j loop */
    static const uint32_t code[] = {0x00128293, 0x00553023, 0xff9ff06f};
    xlat_vm *vm;
    xlat_vcpu *vcpu;
    xlat_exit end;
    pthread_t thread;
    uint64_t value = 0, before;

    start(XLAT_GUEST_RISCV64, XLAT_MEMORY_PAGED, code, sizeof code, &vm, &vcpu);
    EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_write_register(vcpu, XLAT_RISCV64_A0, DATA));
    EXPECT(0, (uint64_t)pthread_create(&thread, NULL, run_until_interrupted, vcpu));
    while (value < 100000)
        EXPECT(XLAT_OK, (uint64_t)xlat_vm_read(vm, DATA, &value, sizeof value, NULL));
    XLAT_INIT(end);
    EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_vcpu_run(vcpu, NULL, &end));
    EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_vcpu_read_register(vcpu, XLAT_RISCV64_A0, &before));
    EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_vcpu_write_register(vcpu, XLAT_RISCV64_A0, 0));
    EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_vcpu_set_pc(vcpu, 0));
    EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_vcpu_free(vcpu));
    /* The machine may go: the vCPU keeps its memory. */
    EXPECT(XLAT_OK, (uint64_t)xlat_vm_free(vm));
    EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_interrupt(vcpu));
    pthread_join(thread, NULL);
    EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_read_register(vcpu, XLAT_RISCV64_A0, &before));
    EXPECT(DATA, before);
    EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_free(vcpu));
    EXPECT(XLAT_ERROR_HANDLE, (uint64_t)xlat_vcpu_interrupt(vcpu));
}

/* What guest code does wrong ends the run and says where. */
static void bad_jumps_and_accesses(uint32_t mode)
{
    static const uint8_t riscv64_jump[] = {0x67, 0x00, 0x05, 0x00}; /* jr a0 */
    static const uint8_t riscv64_load[] = {0x03, 0x35, 0x05, 0x00}; /* ld a0, 0(a0) */
    static const uint8_t riscv64_store[] = {0x23, 0x30, 0x05, 0x00}; /* sd zero, 0(a0) */
    static const uint8_t aarch64_jump[] = {0x00, 0x00, 0x1f, 0xd6}; /* br x0 */
    static const uint8_t aarch64_load[] = {0x00, 0x00, 0x40, 0xf9}; /* ldr x0, [x0] */
    static const uint8_t aarch64_store[] = {0x1f, 0x00, 0x00, 0xf9}; /* str xzr, [x0] */
    static const uint8_t x86_64_jump[] = {0xff, 0xe0}; /* jmp rax */
    static const uint8_t x86_64_load[] = {0x48, 0x8b, 0x00}; /* mov rax, [rax] */
    static const uint8_t x86_64_store[] = {0x48, 0x89, 0x00}; /* mov [rax], rax */
    static const struct {
        uint32_t guest, id;
        const uint8_t *jump, *load, *store;
        size_t jump_length, load_length, store_length;
        uint64_t misaligned;
    } guests[] = {
        {XLAT_GUEST_RISCV64, XLAT_RISCV64_A0, riscv64_jump, riscv64_load, riscv64_store, 4, 4, 4, 0},
        {XLAT_GUEST_AARCH64, XLAT_AARCH64_X0, aarch64_jump, aarch64_load, aarch64_store, 4, 4, 4, CODE + 2},
        {XLAT_GUEST_X86_64, XLAT_X86_64_RAX, x86_64_jump, x86_64_load, x86_64_store, 2, 3, 3, 0},
    };
    size_t i, j;

    for (i = 0; i < sizeof guests / sizeof guests[0]; i++) {
        /* Where the register points, what is done there, and what must come of it. */
        const struct {
            const uint8_t *code;
            size_t length;
            uint64_t target, pc, fault;
            uint32_t access, kind;
        } cases[] = {
            {guests[i].jump, guests[i].jump_length, 0x40000, 0x40000, 0x40000, XLAT_ACCESS_FETCH, XLAT_FAULT_UNMAPPED},
            {guests[i].jump, guests[i].jump_length, 0, 0, 0, XLAT_ACCESS_FETCH, XLAT_FAULT_UNMAPPED},
            {guests[i].jump, guests[i].jump_length, DATA, DATA, DATA, XLAT_ACCESS_FETCH, XLAT_FAULT_PERMISSION},
            {guests[i].load, guests[i].load_length, 0x40000, CODE, 0x40000, XLAT_ACCESS_READ, XLAT_FAULT_UNMAPPED},
            {guests[i].load, guests[i].load_length, DATA + 0xffc, CODE, DATA + 0x1000, XLAT_ACCESS_READ,
             XLAT_FAULT_UNMAPPED},
            {guests[i].store, guests[i].store_length, CODE, CODE, CODE, XLAT_ACCESS_WRITE, XLAT_FAULT_PERMISSION},
            {guests[i].store, guests[i].store_length, DATA + 0xffc, CODE, DATA + 0x1000, XLAT_ACCESS_WRITE,
             XLAT_FAULT_UNMAPPED},
            {guests[i].jump, guests[i].jump_length, guests[i].misaligned, guests[i].misaligned, guests[i].misaligned, 0,
             XLAT_FAULT_MISALIGNED},
        };
        for (j = 0; j < sizeof cases / sizeof cases[0]; j++) {
            xlat_vm *vm;
            xlat_vcpu *vcpu;
            xlat_exit end;
            char kept[16];

            if (cases[j].kind == XLAT_FAULT_MISALIGNED && cases[j].target == 0)
                continue; /* This guest knows no misaligned instruction. */
            start(guests[i].guest, mode, cases[j].code, cases[j].length, &vm, &vcpu);
            EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_write_register(vcpu, guests[i].id, cases[j].target));
            XLAT_INIT(end);
            EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_run(vcpu, NULL, &end));
            EXPECT(XLAT_EXIT_FAULT, end.reason);
            EXPECT(cases[j].kind, end.fault_kind);
            EXPECT(cases[j].fault, end.fault_address);
            EXPECT(cases[j].pc, end.pc);
            if (cases[j].access != 0)
                EXPECT(cases[j].access, end.fault_access);
            /* A store that faults half way has written nothing. */
            EXPECT(XLAT_OK, (uint64_t)xlat_vm_read(vm, DATA + 0xff0, kept, 16, NULL));
            EXPECT(0, (uint64_t)memcmp(kept, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", sizeof kept));
            EXPECT(XLAT_OK, (uint64_t)xlat_vcpu_free(vcpu));
            EXPECT(XLAT_OK, (uint64_t)xlat_vm_free(vm));
        }
    }
}

struct seen {
    xlat_process *process;
    unsigned calls, released;
    uint32_t answer;
};

static uint32_t on_syscall(const xlat_syscall *call, uint64_t *result, void *user)
{
    struct seen *seen = (struct seen *)user;
    uint32_t id = XLAT_RISCV64_A0;
    xlat_value value;
    xlat_exit end;
    xlat_vm *vm;

    if (seen->calls++ == 0) {
        XLAT_INIT(end);
        EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_process_run(seen->process, NULL, &end));
        EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_process_vm(seen->process, &vm));
        EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_process_read_registers(seen->process, &id, &value, 1));
        EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_process_on_syscall(seen->process, NULL, NULL, NULL));
        EXPECT(XLAT_ERROR_BUSY, (uint64_t)xlat_process_free(seen->process));
    }
    /* Nothing is written to standard output. */
    *result = call->arguments[2];
    return call->number == 64 ? seen->answer : XLAT_SYSCALL_CONTINUE;
}

static void on_release(void *user)
{
    ((struct seen *)user)->released++;
}

static void callbacks(const char *path)
{
    struct seen seen = {NULL, 0, 0, XLAT_SYSCALL_ANSWERED};
    xlat_engine *engine;
    xlat_process_options options;
    xlat_exit end;
    xlat_run_options limits;

    XLAT_INIT(options);
    XLAT_INIT(end);
    options.path = path;
    EXPECT(XLAT_OK, (uint64_t)xlat_engine_new(NULL, &engine));
    EXPECT(XLAT_OK, (uint64_t)xlat_process_new(engine, &options, &seen.process));
    EXPECT(XLAT_OK, (uint64_t)xlat_process_on_syscall(seen.process, on_syscall, on_release, &seen));
    EXPECT(XLAT_OK, (uint64_t)xlat_process_run(seen.process, NULL, &end));
    EXPECT(XLAT_EXIT_EXITED, end.reason);
    /* A process that has ended stays ended. */
    EXPECT(XLAT_OK, (uint64_t)xlat_process_run(seen.process, NULL, &end));
    EXPECT(XLAT_EXIT_EXITED, end.reason);
    EXPECT(0, seen.released);
    EXPECT(XLAT_OK, (uint64_t)xlat_process_free(seen.process));
    EXPECT(1, seen.released);

    /* A callback that returns nonsense is an error of the run; afterwards the process runs on. */
    seen.calls = 0;
    seen.answer = 77;
    EXPECT(XLAT_OK, (uint64_t)xlat_process_new(engine, &options, &seen.process));
    EXPECT(XLAT_OK, (uint64_t)xlat_process_on_syscall(seen.process, on_syscall, on_release, &seen));
    EXPECT(XLAT_ERROR_ARGUMENT, (uint64_t)xlat_process_run(seen.process, NULL, &end));
    seen.answer = XLAT_SYSCALL_STOP;
    EXPECT(XLAT_OK, (uint64_t)xlat_process_run(seen.process, NULL, &end));
    EXPECT(XLAT_EXIT_INTERRUPTED, end.reason);
    seen.answer = XLAT_SYSCALL_ANSWERED;
    XLAT_INIT(limits);
    limits.flags = XLAT_RUN_BUDGET;
    limits.budget = 1;
    EXPECT(XLAT_OK, (uint64_t)xlat_process_run(seen.process, &limits, &end));
    EXPECT(XLAT_EXIT_BUDGET, end.reason);
    EXPECT(1, end.retired);
    EXPECT(XLAT_OK, (uint64_t)xlat_process_on_syscall(seen.process, NULL, NULL, NULL));
    EXPECT(2, seen.released);
    EXPECT(XLAT_OK, (uint64_t)xlat_process_free(seen.process));
    EXPECT(XLAT_OK, (uint64_t)xlat_engine_free(engine));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: running tests/quickstart/hello-riscv64\n");
        return 2;
    }
    two_threads_on_one_vcpu();
    bad_jumps_and_accesses(XLAT_MEMORY_PAGED);
    bad_jumps_and_accesses(XLAT_MEMORY_DIRECT);
    callbacks(argv[1]);
    printf("%s: %u failures\n", checks > 300 ? "running" : "too few checks", failures);
    return failures != 0;
}
