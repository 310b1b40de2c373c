/* The quick-start program as a static position-independent one, without a libc; its text is the same on every guest. */
#define GUEST "any guest"
#include "../quickstart/hello.c"
