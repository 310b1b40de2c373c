/*
 * What the host cannot give is an error, and what was there before goes on: each system call for memory is refused once
 * while a machine is made and runs, windows and arenas are too large, and code memory is too small for what runs.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "xlat.h"

#ifdef __cplusplus
#define NOTHROW noexcept
#else
#define NOTHROW
#endif

#define CODE UINT64_C(0x10000)

static unsigned failures;

static void expect(int holds, const char *what, xlat_status status)
{
    char text[512] = "";

    if (holds)
        return;
    failures++;
    xlat_last_error(text, sizeof text, NULL);
    printf("%s: %d (%s)\n", what, (int)status, text);
}

/* loop: addi a0, a0, 1; bne a0, a1, loop; ecall */
static const uint32_t code[] = {0x00150513, 0xfeb51ee3, 0x00000073};

/* Makes a machine and runs a loop on it: XLAT_OK, or what the first call that fails returns. */
static xlat_status use(const xlat_engine *engine, uint32_t mode)
{
    xlat_vm_options options;
    xlat_vm *vm = NULL;
    xlat_vcpu *vcpu = NULL;
    xlat_exit end;
    uint64_t count = 0;
    xlat_status status;

    XLAT_INIT(options);
    XLAT_INIT(end);
    options.guest = XLAT_GUEST_RISCV64;
    options.memory_mode = mode;
    status = xlat_vm_new(engine, &options, &vm);
    if (status == XLAT_OK)
        status = xlat_vm_map(vm, CODE, 0x1000, XLAT_PROT_READ | XLAT_PROT_EXEC);
    if (status == XLAT_OK)
        status = xlat_vm_write(vm, CODE, code, sizeof code, NULL);
    if (status == XLAT_OK)
        status = xlat_vcpu_new(vm, &vcpu);
    if (status == XLAT_OK)
        status = xlat_vcpu_set_pc(vcpu, CODE);
    if (status == XLAT_OK)
        status = xlat_vcpu_write_register(vcpu, XLAT_RISCV64_A1, 100000);
    if (status == XLAT_OK) {
        status = xlat_vcpu_run(vcpu, NULL, &end);
        xlat_vcpu_read_register(vcpu, XLAT_RISCV64_A0, &count);
        expect(status == XLAT_OK && end.reason == XLAT_EXIT_SYSCALL && count == 100000, "a run", status);
    }
    xlat_vcpu_free(vcpu);
    xlat_vm_free(vm);
    return status;
}

static int refused(xlat_status status)
{
    return status == XLAT_ERROR_HOST || status == XLAT_ERROR_NO_SPACE;
}

/* The next calls of these kinds that are let through; then one is refused. */
enum kind { MMAP, MPROTECT, MEMFD_CREATE, FTRUNCATE, KINDS };
static long pass[KINDS];

static int refuse(enum kind kind)
{
    if (pass[kind]-- != 0)
        return 0;
    errno = ENOMEM;
    return 1;
}

/* These stand before libc's for the library too. */
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) NOTHROW
{
    if (refuse(MMAP))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

int mprotect(void *address, size_t length, int protection) NOTHROW
{
    return refuse(MPROTECT) ? -1 : (int)syscall(SYS_mprotect, address, length, protection);
}

int memfd_create(const char *name, unsigned flags) NOTHROW
{
    return refuse(MEMFD_CREATE) ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}

int ftruncate(int fd, off_t length) NOTHROW
{
    return refuse(FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int main(void)
{
    static const uint64_t arenas[] = {1, 4096, 8192, 65536, UINT64_C(1) << 46, UINT64_C(1) << 62, UINT64_MAX};
    static const uint64_t windows[] = {UINT64_C(1) << 48, UINT64_C(1) << 62, ~UINT64_C(0xfff)};
    xlat_engine *engine;
    xlat_engine_options engine_options;
    xlat_vm_options options;
    xlat_vm *vm;
    unsigned bad = 0;
    uint32_t mode;
    size_t i;
    int kind;

    for (kind = 0; kind < KINDS; kind++)
        pass[kind] = -1;

    expect(xlat_engine_new(NULL, &engine) == XLAT_OK, "an engine", XLAT_OK);
    for (i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        xlat_status status;
        XLAT_INIT(options);
        options.guest = XLAT_GUEST_RISCV64;
        options.memory_mode = XLAT_MEMORY_DIRECT;
        options.window = windows[i];
        status = xlat_vm_new(engine, &options, &vm);
        expect(status != XLAT_OK, "a window that is too large", status);
        expect(status != XLAT_ERROR_INTERNAL, "a window that is too large", status);
    }
    /* Each call that the library makes of the host fails once. */
    for (kind = 0; kind < KINDS; kind++) {
        for (mode = XLAT_MEMORY_DIRECT; mode <= XLAT_MEMORY_PAGED; mode++) {
            long step;
            for (step = 0; step < 1000; step++) {
                xlat_status status;
                pass[kind] = step;
                status = use(engine, mode);
                /* Not yet refused: there are no more calls. */
                if (pass[kind] >= 0)
                    break;
                bad += status != XLAT_OK;
                expect(status == XLAT_OK || refused(status), "a refusal by the host", status);
            }
            pass[kind] = -1;
            expect(step < 1000, "no end of calls", XLAT_OK);
        }
    }
    if (bad == 0) {
        failures++;
        printf("nothing was refused\n");
    }
    expect(use(engine, XLAT_MEMORY_PAGED) == XLAT_OK, "a machine after refusals", XLAT_OK);
    expect(xlat_engine_free(engine) == XLAT_OK, "freeing", XLAT_OK);

    for (i = 0; i < sizeof arenas / sizeof arenas[0]; i++) {
        xlat_status status;
        XLAT_INIT(engine_options);
        engine_options.arena_bytes = arenas[i];
        engine_options.threshold = 1;
        status = xlat_engine_new(&engine_options, &engine);
        if (status == XLAT_OK) {
            status = use(engine, XLAT_MEMORY_PAGED);
            xlat_engine_free(engine);
        }
        expect(arenas[i] < 1 << 20 ? status == XLAT_OK : refused(status) || status == XLAT_ERROR_ARGUMENT,
               "an engine with an odd arena", status);
    }
    printf("exhaustion: %u failures\n", failures);
    return failures != 0;
}
