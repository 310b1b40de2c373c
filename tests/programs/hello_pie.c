/* A static position-independent program: relocates itself, at an address of the loader's choice. */
#include "check.h"

static const char *const words[] = {"a", "static", "position-independent", "program"};
static const char *const *const pointer = words;
extern const char program_start[] __asm__("__ehdr_start");

int main(void)
{
    for (int i = 0; i < 4; i++)
        printf("%s%s", pointer[i], i == 3 ? "\n" : " ");
    CHECK(memcmp(program_start, "\177ELF", 4) == 0 && (uintptr_t)program_start % 4096 == 0);
    CHECK(program_start[16] == 3);
    int (*volatile print)(const char *) = puts;
    print("called through a pointer");
    return check_finish();
}
