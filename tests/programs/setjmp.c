/* setjmp and longjmp, nested and from depth, with callee-saved registers alive, and ucontext switches. */
#include <setjmp.h>
#include <ucontext.h>

#include "check.h"

static jmp_buf outer, inner;

__attribute__((noinline)) static int descend(int depth, int value)
{
    volatile char frame[100];
    frame[depth % 100] = (char)depth;
    if (depth == 0)
        longjmp(inner, value);
    return depth < 0 ? 0 : descend(depth - 1, value) + frame[depth % 100];
}

__attribute__((noinline)) static int protect(int value)
{
    int result = setjmp(inner);
    if (result == 0)
        return descend(50, value);
    if (result == 7)
        longjmp(outer, result);
    return result * 2;
}

static ucontext_t main_context, contexts[3];
static int trace[64], traced;

static void worker(int id)
{
    double own = id * 1.5;
    for (int i = 0; i < 5; i++) {
        trace[traced++] = id * 10 + i;
        own = own * 2 + 1;
        swapcontext(&contexts[id], &contexts[(id + 1) % 3]);
    }
    CHECK(own == id * 48.0 + 31);
    trace[traced++] = 100 + id;
}

__attribute__((noinline)) static void switch_contexts(void)
{
    static char stacks[3][65536];
    for (int i = 0; i < 3; i++) {
        getcontext(&contexts[i]);
        contexts[i].uc_stack.ss_sp = stacks[i];
        contexts[i].uc_stack.ss_size = sizeof stacks[i];
        contexts[i].uc_link = i == 2 ? &main_context : &contexts[i + 1];
        makecontext(&contexts[i], (void (*)(void))worker, 1, i);
    }
    swapcontext(&main_context, &contexts[0]);
    for (int i = 0; i < traced; i++)
        printf("%d ", trace[i]);
    putchar('\n');
}

int main(void)
{
    /* Enough values that some stay in callee-saved registers over the calls. */
    volatile int source = 3;
    int a = source, b = source * 5, c = source * 7, d = source * 11, e = source * 13;
    double x = source * 0.5, y = source * 0.25, z = source * 0.125;
    for (int value = 1; value < 7; value++)
        CHECK(protect(value) == value * 2);
    CHECK(a + b + c + d + e == 111 && x + y + z == 2.625);
    volatile int rounds = 0;
    int result = setjmp(outer);
    if (result == 0) {
        protect(7);
        CHECK(!"protect(7) does not return");
    } else if (result == 7 && ++rounds < 3) {
        protect(7);
    }
    CHECK(rounds == 3);
    jmp_buf zero;
    volatile int visits = 0;
    int got = setjmp(zero);
    if (visits++ == 0)
        longjmp(zero, 0);
    CHECK(got == 1);
    sigjmp_buf with_mask;
    got = sigsetjmp(with_mask, 1);
    if (got == 0)
        siglongjmp(with_mask, 5);
    CHECK(got == 5);

    switch_contexts();
    return check_finish();
}
