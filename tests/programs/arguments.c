/* What a program finds on its stack: arguments, environment, auxiliary vector. */
#include <elf.h>
#include <errno.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

#include "check.h"

extern char **environ;

int main(int argc, char **argv, char **envp)
{
    printf("%d arguments\n", argc);
    for (int i = 1; i < argc; i++)
        printf("%d: '%s'\n", i, argv[i]);
    CHECK(argv[argc] == NULL && envp == environ && envp == argv + argc + 1);
    CHECK((uintptr_t)argv % 8 == 0 && (uintptr_t)(argv - 1) % 16 == 0);
    const char *slash = strrchr(argv[0], '/');
    printf("%s, %s\n", slash ? slash + 1 : argv[0], program_invocation_short_name);
    /* scripts/programs-check sets these. */
    const char *set = getenv("XLAT_TEST_VARIABLE"), *empty = getenv("XLAT_TEST_EMPTY");
    printf("'%s' '%s'\n", set ? set : "(not set)", empty ? empty : "(not set)");
    CHECK(getenv("XLAT_TEST_ABSENT") == NULL);
    CHECK(getauxval(AT_PAGESZ) == (unsigned long)sysconf(_SC_PAGESIZE));
    CHECK(getauxval(AT_PHDR) != 0 && getauxval(AT_PHENT) == sizeof(Elf64_Phdr) && getauxval(AT_PHNUM) >= 4);
    CHECK(getauxval(AT_ENTRY) != 0 && getauxval(AT_CLKTCK) == 100);
    CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid() && getauxval(AT_GID) == getgid());
    CHECK(getauxval(AT_SECURE) == 0);
    const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
    unsigned bits = 0;
    for (int i = 0; random && i < 16; i++)
        bits |= random[i];
    CHECK(bits > 15);
    const char *name = (const char *)getauxval(AT_EXECFN);
    CHECK(name && strstr(name, "arguments"));
    const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
    int loads = 0;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        loads += headers[i].p_type == PT_LOAD;
    CHECK(loads >= 2);
    struct utsname names;
    CHECK(uname(&names) == 0 && strcmp(names.sysname, "Linux") == 0);
#if defined __x86_64__
    CHECK(strcmp(names.machine, "x86_64") == 0);
#elif defined __aarch64__
    CHECK(strcmp(names.machine, "aarch64") == 0);
#elif defined __riscv
    CHECK(strcmp(names.machine, "riscv64") == 0);
#endif
    return check_finish();
}
