/*
 * Runs a Linux program of any guest: elf PROGRAM ARGUMENTS... Counts its system calls, and answers getpid itself.
 */
#include "check.h"

struct calls {
    uint64_t getpid; /* its number on this guest */
    unsigned seen;
};

static uint32_t on_syscall(const xlat_syscall *call, uint64_t *result, void *user)
{
    struct calls *calls = (struct calls *)user;
    calls->seen++;
    if (call->number != calls->getpid)
        return XLAT_SYSCALL_CONTINUE;
    *result = 1;
    return XLAT_SYSCALL_ANSWERED;
}

static void released(void *user)
{
    printf("released after %s\n", ((struct calls *)user)->seen != 0 ? "system calls" : "nothing");
}

int main(int argc, char **argv)
{
    static const char *const environment[] = {"LANG=C"};
    xlat_engine *engine;
    xlat_process *process;
    xlat_vm *vm;
    xlat_process_options options;
    xlat_exit end;
    xlat_stats stats;
    struct calls calls = {0, 0};
    uint32_t guest;

    if (argc < 2) {
        fprintf(stderr, "usage: elf PROGRAM ARGUMENTS...\n");
        return 2;
    }
    CHECK(xlat_engine_new(NULL, &engine));
    XLAT_INIT(options);
    options.path = argv[1];
    options.argv = (const char *const *)(argv + 1);
    options.argc = (size_t)argc - 1;
    options.envp = environment;
    options.envc = 1;
    CHECK(xlat_process_new(engine, &options, &process));
    CHECK(xlat_process_vm(process, &vm));
    CHECK(xlat_vm_guest(vm, &guest));
    calls.getpid = guest == XLAT_GUEST_X86_64 ? 39 : 172;
    CHECK(xlat_process_on_syscall(process, on_syscall, released, &calls));

    XLAT_INIT(end);
    CHECK(xlat_process_run(process, NULL, &end));
    if (end.reason == XLAT_EXIT_EXITED)
        printf("exited with status %u\n", (unsigned)end.status);
    else
        printf("ended: reason %u, status %u\n", (unsigned)end.reason, (unsigned)end.status);
    XLAT_INIT(stats);
    CHECK(xlat_vm_stats(vm, &stats));
    printf("executed something: %s\n", stats.interpreted != 0 || stats.entries != 0 ? "yes" : "no");

    CHECK(xlat_vm_free(vm));
    CHECK(xlat_process_free(process));
    CHECK(xlat_engine_free(engine));
    return 0;
}
