/*
 * Every way to call the library wrongly that it promises to notice: each gives the error it should, and nothing is lost.
 * Not an example to follow; it is run by scripts/test-c beside the examples.
 */
#include <stddef.h>
#include <stdio.h>
#include "xlat.h"

static unsigned failures, checks;

#define EXPECT(status, call) expect((status), (call), #call, __LINE__)

static void expect(xlat_status wanted, xlat_status got, const char *call, int line)
{
    char text[512] = "";
    checks++;
    if (got == wanted) {
        /* A failure has a text. */
        if (wanted == XLAT_OK)
            return;
        if (xlat_last_error(text, sizeof text, NULL) == XLAT_OK && text[0] != '\0')
            return;
    }
    failures++;
    xlat_last_error(text, sizeof text, NULL);
    printf("line %d: %s: %d (%s), expected %d\n", line, call, (int)got, text, (int)wanted);
}

/* No handle was ever here. */
static void null_handles(void)
{
    xlat_engine *engine = NULL;
    xlat_vm *vm = NULL;
    xlat_vcpu *vcpu = NULL;
    xlat_process *process = NULL;
    xlat_vm_options vm_options;
    xlat_process_options process_options;
    xlat_exit end;
    xlat_stats stats;
    xlat_value value;
    uint64_t number;
    uint32_t id = 0;
    size_t needed;
    char byte = 0;

    XLAT_INIT(vm_options);
    XLAT_INIT(process_options);
    XLAT_INIT(end);
    XLAT_INIT(stats);
    vm_options.guest = XLAT_GUEST_RISCV64;
    process_options.path = "program";

    EXPECT(XLAT_ERROR_NULL, xlat_engine_new(NULL, NULL));
    EXPECT(XLAT_OK, xlat_engine_free(NULL));
    EXPECT(XLAT_OK, xlat_vm_free(NULL));
    EXPECT(XLAT_OK, xlat_vcpu_free(NULL));
    EXPECT(XLAT_OK, xlat_process_free(NULL));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_new(engine, &vm_options, &vm));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_guest(vm, &id));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_map(vm, 0, 4096, 3));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_map_host(vm, 0, &byte, 4096, 3));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_protect(vm, 0, 4096, 3));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_unmap(vm, 0, 4096));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_read(vm, 0, &byte, 1, NULL));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_write(vm, 0, &byte, 1, NULL));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_invalidate(vm, 0, 0));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_add_stop(vm, 0));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_remove_stop(vm, 0));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_stats(vm, &stats));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_stats_json(vm, &byte, 1, &needed));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_translate(vm, 0, NULL, &byte, 1, &needed));
    EXPECT(XLAT_ERROR_NULL, xlat_vcpu_new(vm, &vcpu));
    EXPECT(XLAT_ERROR_NULL, xlat_vcpu_run(vcpu, NULL, &end));
    EXPECT(XLAT_ERROR_NULL, xlat_vcpu_pc(vcpu, &number));
    EXPECT(XLAT_ERROR_NULL, xlat_vcpu_set_pc(vcpu, 0));
    EXPECT(XLAT_ERROR_NULL, xlat_vcpu_read_register(vcpu, 0, &number));
    EXPECT(XLAT_ERROR_NULL, xlat_vcpu_write_register(vcpu, 0, 0));
    EXPECT(XLAT_ERROR_NULL, xlat_vcpu_read_registers(vcpu, &id, &value, 1));
    EXPECT(XLAT_ERROR_NULL, xlat_vcpu_write_registers(vcpu, &id, &value, 1));
    if (xlat_vcpu_interrupt(NULL) != XLAT_ERROR_NULL || xlat_process_interrupt(NULL) != XLAT_ERROR_NULL)
        failures++;
    EXPECT(XLAT_ERROR_NULL, xlat_process_new(engine, &process_options, &process));
    EXPECT(XLAT_ERROR_NULL, xlat_process_vm(process, &vm));
    EXPECT(XLAT_ERROR_NULL, xlat_process_run(process, NULL, &end));
    EXPECT(XLAT_ERROR_NULL, xlat_process_on_syscall(process, NULL, NULL, NULL));
    EXPECT(XLAT_ERROR_NULL, xlat_process_read_registers(process, &id, &value, 1));
    EXPECT(XLAT_ERROR_NULL, xlat_features(NULL, 0, NULL));
    EXPECT(XLAT_ERROR_NULL, xlat_translate(XLAT_GUEST_RISCV64, NULL, 4, 0, NULL, NULL, 0, &needed));
}

/* Handles that are freed, of another kind, or no handles. */
static void stale_handles(void)
{
    xlat_engine *engine;
    xlat_vm *vm, *second;
    xlat_vcpu *vcpu;
    xlat_vm_options options;
    xlat_exit end;
    uint64_t local = 0, pc;

    XLAT_INIT(options);
    XLAT_INIT(end);
    options.guest = XLAT_GUEST_AARCH64;
    EXPECT(XLAT_OK, xlat_engine_new(NULL, &engine));
    EXPECT(XLAT_ERROR_UNSUPPORTED, xlat_engine_remove_listener(engine, 5));
    EXPECT(XLAT_OK, xlat_vm_new(engine, &options, &vm));
    EXPECT(XLAT_OK, xlat_vcpu_new(vm, &vcpu));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vm_map((const xlat_vm *)(void *)vcpu, 0x1000, 0x1000, 3));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vcpu_run((xlat_vcpu *)(void *)vm, NULL, &end));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vcpu_free((xlat_vcpu *)(void *)engine));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vcpu_pc((const xlat_vcpu *)(void *)&local, &pc));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vcpu_pc((const xlat_vcpu *)(uintptr_t)1, &pc));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vcpu_pc((const xlat_vcpu *)UINTPTR_MAX, &pc));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vm_free((xlat_vm *)(void *)&local));
    /* A vCPU keeps what it needs. */
    EXPECT(XLAT_OK, xlat_engine_free(engine));
    EXPECT(XLAT_ERROR_HANDLE, xlat_engine_free(engine));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vm_new(engine, &options, &second));
    EXPECT(XLAT_OK, xlat_vm_free(vm));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vm_free(vm));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vm_map(vm, 0x1000, 0x1000, 3));
    EXPECT(XLAT_OK, xlat_vcpu_run(vcpu, NULL, &end));
    if (end.reason != XLAT_EXIT_FAULT)
        failures++;
    EXPECT(XLAT_OK, xlat_vcpu_free(vcpu));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vcpu_free(vcpu));
    EXPECT(XLAT_ERROR_HANDLE, xlat_vcpu_run(vcpu, NULL, &end));
    if (xlat_vcpu_interrupt(vcpu) != XLAT_ERROR_HANDLE)
        failures++;
}

/* Structs of other versions, and values that mean nothing. */
static void structs(void)
{
    struct {
        xlat_vm_options options;
        uint64_t later;
    } longer;
    xlat_engine *engine;
    xlat_vm *vm;
    xlat_vcpu *vcpu;
    xlat_engine_options engine_options;
    xlat_vm_options options;
    xlat_run_options limits;
    xlat_register_info info;
    xlat_exit end;
    size_t count;

    XLAT_INIT(engine_options);
    engine_options.struct_size = 0;
    EXPECT(XLAT_ERROR_STRUCT_SIZE, xlat_engine_new(&engine_options, &engine));
    engine_options.struct_size = (uint32_t)offsetof(xlat_engine_options, monitor) - 1; /* less than the first version had */
    EXPECT(XLAT_ERROR_STRUCT_SIZE, xlat_engine_new(&engine_options, &engine));
    engine_options.struct_size = UINT32_MAX;
    EXPECT(XLAT_ERROR_STRUCT_SIZE, xlat_engine_new(&engine_options, &engine));
    XLAT_INIT(engine_options);
    engine_options.execution = 77;
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_engine_new(&engine_options, &engine));
    XLAT_INIT(engine_options);
    engine_options.monitor = 0x100;
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_engine_new(&engine_options, &engine));
    engine_options.monitor = XLAT_MONITOR_SAMPLE;
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_engine_new(&engine_options, &engine));
    engine_options.monitor = XLAT_MONITOR_RECORD;
    EXPECT(XLAT_OK, xlat_engine_new(&engine_options, &engine));
    EXPECT(XLAT_ERROR_NULL, xlat_engine_add_listener(engine, NULL, NULL, NULL, NULL));
    EXPECT(XLAT_ERROR_NOT_FOUND, xlat_engine_remove_listener(engine, 5));
    EXPECT(XLAT_OK, xlat_engine_free(engine));
    EXPECT(XLAT_OK, xlat_engine_new(NULL, &engine));

    XLAT_INIT(options);
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_vm_new(engine, &options, &vm));
    EXPECT(XLAT_ERROR_NULL, xlat_vm_new(engine, NULL, &vm));
    options.guest = XLAT_GUEST_RISCV64;
    EXPECT(XLAT_ERROR_NULL, xlat_vm_new(engine, &options, NULL));
    options.memory_mode = 3;
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_vm_new(engine, &options, &vm));
    options.memory_mode = XLAT_MEMORY_DIRECT;
    options.window = 12345;
    EXPECT(XLAT_ERROR_ALIGNMENT, xlat_vm_new(engine, &options, &vm));

    memset(&longer, 0, sizeof longer);
    longer.options.struct_size = (uint32_t)sizeof longer;
    longer.options.guest = XLAT_GUEST_RISCV64;
    longer.later = 1;
    EXPECT(XLAT_ERROR_STRUCT_SIZE, xlat_vm_new(engine, &longer.options, &vm));
    longer.later = 0;
    EXPECT(XLAT_OK, xlat_vm_new(engine, &longer.options, &vm));
    EXPECT(XLAT_OK, xlat_vcpu_new(vm, &vcpu));

    XLAT_INIT(end);
    XLAT_INIT(limits);
    EXPECT(XLAT_ERROR_NULL, xlat_vcpu_run(vcpu, NULL, NULL));
    limits.budget = 1;
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_vcpu_run(vcpu, &limits, &end));
    limits.flags = 1u << 31;
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_vcpu_run(vcpu, &limits, &end));
    limits.flags = XLAT_RUN_BUDGET;
    limits.budget = 0;
    EXPECT(XLAT_OK, xlat_vcpu_run(vcpu, &limits, &end));
    if (end.reason != XLAT_EXIT_BUDGET || end.counted != 1 || end.retired != 0)
        failures++;
    memset(&end, 0, sizeof end);
    EXPECT(XLAT_ERROR_STRUCT_SIZE, xlat_vcpu_run(vcpu, NULL, &end));

    EXPECT(XLAT_ERROR_ARGUMENT, xlat_register_count(4, &count));
    EXPECT(XLAT_ERROR_NULL, xlat_register_count(XLAT_GUEST_X86_64, NULL));
    EXPECT(XLAT_OK, xlat_register_count(XLAT_GUEST_X86_64, &count));
    XLAT_INIT(info);
    EXPECT(XLAT_ERROR_NOT_FOUND, xlat_register_at(XLAT_GUEST_X86_64, count, &info));
    EXPECT(XLAT_ERROR_NOT_FOUND, xlat_register_by_name(XLAT_GUEST_X86_64, "x10", &info));
    EXPECT(XLAT_ERROR_NULL, xlat_register_by_name(XLAT_GUEST_X86_64, NULL, &info));
    EXPECT(XLAT_OK, xlat_register_by_name(XLAT_GUEST_X86_64, "rip", &info));
    if (info.id != XLAT_X86_64_RIP || info.bytes != 8)
        failures++;

    EXPECT(XLAT_OK, xlat_vcpu_free(vcpu));
    EXPECT(XLAT_OK, xlat_vm_free(vm));
    EXPECT(XLAT_OK, xlat_engine_free(engine));
}

/* Mappings that overlap, are empty, huge or misaligned; the rest of the machine is not changed by them. */
static void memory(uint32_t mode)
{
    static const char text[] = "kept";
    xlat_engine *engine;
    xlat_vm *vm;
    xlat_vm_options options;
    char buffer[64];
    size_t done;

    XLAT_INIT(options);
    options.guest = XLAT_GUEST_X86_64;
    options.memory_mode = mode;
    EXPECT(XLAT_OK, xlat_engine_new(NULL, &engine));
    EXPECT(XLAT_OK, xlat_vm_new(engine, &options, &vm));
    EXPECT(XLAT_OK, xlat_vm_map(vm, 0x10000, 0x2000, XLAT_PROT_READ | XLAT_PROT_WRITE));
    EXPECT(XLAT_OK, xlat_vm_write(vm, 0x10ffe, text, sizeof text, &done));
    if (done != sizeof text)
        failures++;

    EXPECT(XLAT_ERROR_OVERLAP, xlat_vm_map(vm, 0x11000, 0x1000, XLAT_PROT_READ));
    EXPECT(XLAT_ERROR_OVERLAP, xlat_vm_map(vm, 0xf000, 0x10000, XLAT_PROT_READ));
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_vm_map(vm, 0x20000, 0, XLAT_PROT_READ));
    EXPECT(XLAT_ERROR_ALIGNMENT, xlat_vm_map(vm, 0x20001, 0x1000, XLAT_PROT_READ));
    EXPECT(XLAT_ERROR_ALIGNMENT, xlat_vm_map(vm, 0x20000, 0x1001, XLAT_PROT_READ));
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_vm_map(vm, 0x20000, 0x1000, 8));
    EXPECT(XLAT_ERROR_RANGE, xlat_vm_map(vm, UINT64_MAX - 0xfff, 0x2000, XLAT_PROT_READ));
    if (xlat_vm_map(vm, 0x1000000, UINT64_MAX - 0xfffffff, XLAT_PROT_READ) == XLAT_OK)
        failures++;
    EXPECT(XLAT_ERROR_NULL, xlat_vm_map_host(vm, 0x20000, NULL, 0x1000, XLAT_PROT_READ));
    EXPECT(XLAT_ERROR_ALIGNMENT, xlat_vm_map_host(vm, 0x20000, buffer + 1, 0x1000, XLAT_PROT_READ));
    EXPECT(XLAT_ERROR_NOT_MAPPED, xlat_vm_protect(vm, 0x11000, 0x2000, XLAT_PROT_READ));
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_vm_protect(vm, 0x10000, 0, XLAT_PROT_READ));
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_vm_unmap(vm, 0x10000, 0));
    EXPECT(XLAT_OK, xlat_vm_unmap(vm, 0x30000, 0x1000));
    EXPECT(XLAT_ERROR_NOT_FOUND, xlat_vm_remove_stop(vm, 0x10000));

    EXPECT(XLAT_ERROR_NOT_MAPPED, xlat_vm_read(vm, 0x11ff0, buffer, 64, &done));
    if (done != 16)
        failures++;
    EXPECT(XLAT_ERROR_NOT_MAPPED, xlat_vm_write(vm, 0x11ff0, buffer, 64, &done));
    if (done != 16)
        failures++;
    EXPECT(XLAT_ERROR_NULL, xlat_vm_read(vm, 0x10000, NULL, 1, &done));
    EXPECT(XLAT_ERROR_ARGUMENT, xlat_vm_read(vm, 0x10000, buffer, SIZE_MAX, &done));
    EXPECT(XLAT_OK, xlat_vm_read(vm, 0x10000, NULL, 0, &done));
    EXPECT(XLAT_ERROR_NOT_MAPPED, xlat_vm_read(vm, UINT64_MAX, buffer, 2, &done));
    EXPECT(XLAT_OK, xlat_vm_invalidate(vm, UINT64_MAX, UINT64_MAX));

    EXPECT(XLAT_OK, xlat_vm_read(vm, 0x10ffe, buffer, sizeof text, &done));
    if (strcmp(buffer, text) != 0)
        failures++;
    EXPECT(XLAT_OK, xlat_vm_free(vm));
    EXPECT(XLAT_OK, xlat_engine_free(engine));
}

/* Files that are no programs. */
static void programs(void)
{
    static const char *const paths[] = {"/dev/null/nothing", "/", "/dev/null", __FILE__};
    xlat_engine *engine;
    xlat_process *process;
    xlat_process_options options;
    size_t i;

    EXPECT(XLAT_OK, xlat_engine_new(NULL, &engine));
    XLAT_INIT(options);
    EXPECT(XLAT_ERROR_NULL, xlat_process_new(engine, &options, &process));
    for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        options.path = paths[i];
        EXPECT(i < 3 ? XLAT_ERROR_FILE : XLAT_ERROR_FORMAT, xlat_process_new(engine, &options, &process));
    }
    options.argc = 1;
    EXPECT(XLAT_ERROR_NULL, xlat_process_new(engine, &options, &process));
    EXPECT(XLAT_OK, xlat_engine_free(engine));
}

/* Texts into buffers of every size. */
static void texts(void)
{
    static const uint8_t code[] = {0x13, 0x85, 0xb5, 0xff}; /* addi a0, a1, -5 */
    xlat_translate_options options;
    char buffer[4096];
    size_t needed = 0, size;

    EXPECT(XLAT_OK, xlat_features(NULL, 0, &needed));
    for (size = 1; size <= needed; size++) {
        memset(buffer, 'x', sizeof buffer);
        EXPECT(size < needed ? XLAT_ERROR_BUFFER : XLAT_OK, xlat_features(buffer, size, NULL));
        if (strlen(buffer) != size - 1 || buffer[size] != 'x')
            failures++;
    }
    XLAT_INIT(options);
    EXPECT(XLAT_OK, xlat_translate(XLAT_GUEST_RISCV64, code, 4, 0x1000, &options, buffer, sizeof buffer, &needed));
    if (strstr(buffer, "addi a0, a1, -5") == NULL)
        failures++;
    options.text = XLAT_TEXT_IR;
    EXPECT(XLAT_OK, xlat_translate(XLAT_GUEST_RISCV64, code, 4, 0x1000, &options, buffer, sizeof buffer, &needed));
    options.text = 99;
    EXPECT(XLAT_ERROR_ARGUMENT,
           xlat_translate(XLAT_GUEST_RISCV64, code, 4, 0x1000, &options, buffer, sizeof buffer, &needed));
    options.text = XLAT_TEXT_HOST;
    options.host = 99;
    EXPECT(XLAT_ERROR_ARGUMENT,
           xlat_translate(XLAT_GUEST_RISCV64, code, 4, 0x1000, &options, buffer, sizeof buffer, &needed));
    EXPECT(XLAT_ERROR_NOT_MAPPED,
           xlat_translate(XLAT_GUEST_RISCV64, code, 0, 0x1000, NULL, buffer, sizeof buffer, &needed));
    if (xlat_status_text(12345) == NULL || xlat_status_text(-1) == NULL)
        failures++;
}

int main(void)
{
    null_handles();
    stale_handles();
    structs();
    memory(XLAT_MEMORY_PAGED);
    memory(XLAT_MEMORY_DIRECT);
    programs();
    texts();
    if (strcmp(xlat_version(), XLAT_VERSION) != 0)
        failures++;
    printf("%s: %u failures\n", checks > 200 ? "misuse" : "too few checks", failures);
    return failures != 0;
}
