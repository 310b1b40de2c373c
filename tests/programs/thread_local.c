/* Thread-local variables of the only thread: initial values, alignment, addresses, and large ones. */
#include <errno.h>

#include "check.h"

static __thread int initialised = 42;
static __thread long zeroed;
static __thread char text[300] = "thread-local text";
__thread double shared = 2.5;
static __thread _Alignas(64) unsigned char aligned[64] = {1, 2, 3};
static _Thread_local struct {
    int a;
    double b;
    int *self;
} record = {7, 0.125, NULL};

__attribute__((noinline)) static int *address(void)
{
    return &initialised;
}

__attribute__((noinline)) static long count(void)
{
    static __thread long calls;
    return ++calls;
}

int main(void)
{
    CHECK(initialised == 42 && zeroed == 0 && strcmp(text, "thread-local text") == 0 && shared == 2.5);
    CHECK((uintptr_t)aligned % 64 == 0 && aligned[2] == 3 && aligned[63] == 0);
    CHECK(record.a == 7 && record.b == 0.125);
    *address() = 43;
    CHECK(initialised == 43);
    record.self = &record.a;
    *record.self = 8;
    CHECK(record.a == 8);
    for (int i = 1; i < 100; i++)
        CHECK(count() == i);
    for (int i = 0; i < 300; i++)
        text[i] = (char)(i % 50 + 'A');
    zeroed = -5;
    shared *= 3;
    CHECK(zeroed + (long)shared == 2 && text[299] == 'A' + 49 && text[0] == 'A');
    errno = 77;
    CHECK(errno == 77 && __errno_location() == &errno);
    return check_finish();
}
