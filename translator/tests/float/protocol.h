/* How the reference helpers talk: with an argument they print the names of their operations, one a line; without
   one they answer batches of requests on stdin with as many replies on stdout. */
#include <stdint.h>
#include <stdio.h>

typedef struct {
    uint32_t operation; /* its line in the list */
    uint32_t control;   /* the guest's control register (fcsr, FPCR) */
    uint64_t a, b, c;
} request;

typedef struct {
    uint64_t result;
    uint64_t flags; /* as the guest's status register has them */
} reply;

enum { BATCH = 4096 };

typedef reply function(const request *);

typedef struct {
    const char *name;
    function *run;
} operation;

static int serve(const operation *operations, uint32_t count, int arguments) {
    static request in[BATCH];
    static reply out[BATCH];
    if (arguments > 1) {
        for (uint32_t i = 0; i < count; i++)
            puts(operations[i].name);
        return 0;
    }
    for (;;) {
        size_t n = fread(in, sizeof in[0], BATCH, stdin);
        if (n == 0)
            return ferror(stdin) != 0;
        for (size_t i = 0; i < n; i++) {
            if (in[i].operation >= count)
                return 2;
            out[i] = operations[in[i].operation].run(&in[i]);
        }
        if (fwrite(out, sizeof out[0], n, stdout) != n || fflush(stdout) != 0)
            return 3;
    }
}
