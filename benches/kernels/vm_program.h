/* The bytecode machine of vm_switch and vm_threaded: a register machine with eight 64-bit registers and a memory of
 * 256 words, and the program that both kernels run: the lengths of Collatz sequences go into a histogram, over which a
 * checksum is made. */
#ifndef VM_PROGRAM_H
#define VM_PROGRAM_H

#include <stdint.h>

enum opcode {
    HALT,
    CONST,       /* a = immediate */
    ADD_CONST,   /* a = b + immediate */
    MUL_CONST,   /* a = b * immediate */
    AND_CONST,   /* a = b & immediate */
    SHIFT_RIGHT, /* a = b >> immediate */
    ADD,         /* a = b + c */
    XOR,         /* a = b ^ c */
    LOAD,        /* a = memory[b] */
    STORE,       /* memory[b] = a */
    JUMP,        /* to instruction number immediate */
    JUMP_ZERO,   /* if b == 0 */
    JUMP_LESS    /* if b < c */
};

struct instruction {
    uint8_t op, a, b, c;
    int32_t immediate;
};

enum { R0, R1, R2, R3, R4, R5, R6, R7, REGISTERS, MEMORY_WORDS = 256 };

/* r7 comes in as the seed; the result is left in r6. */
static const struct instruction program[] = {
    /*  0 */ {CONST, R0, 0, 0, 0},         /* i = 0 */
    /*  1 */ {CONST, R5, 0, 0, 1500},      /* limit */
    /*  2 */ {CONST, R3, 0, 0, 2},         /* two */
    /*  3 */ {ADD, R1, R0, R7, 0},         /* outer: n = i + seed */
    /*  4 */ {CONST, R2, 0, 0, 0},         /* steps = 0 */
    /*  5 */ {JUMP_LESS, 0, R1, R3, 13},   /* step: if n < 2 goto done */
    /*  6 */ {ADD_CONST, R2, R2, 0, 1},    /* steps++ */
    /*  7 */ {AND_CONST, R4, R1, 0, 1},    /* if n is odd */
    /*  8 */ {JUMP_ZERO, 0, R4, 0, 11},    /* */
    /*  9 */ {MUL_CONST, R1, R1, 0, 3},    /*   n = 3 * n + 1 */
    /* 10 */ {ADD_CONST, R1, R1, 0, 1},    /* */
    /* 11 */ {SHIFT_RIGHT, R1, R1, 0, 1},  /* n /= 2, which every odd n allows too */
    /* 12 */ {JUMP, 0, 0, 0, 5},           /* goto step */
    /* 13 */ {AND_CONST, R2, R2, 0, 255},  /* done: memory[steps & 255]++ */
    /* 14 */ {LOAD, R4, R2, 0, 0},         /* */
    /* 15 */ {ADD_CONST, R4, R4, 0, 1},    /* */
    /* 16 */ {STORE, R4, R2, 0, 0},        /* */
    /* 17 */ {ADD_CONST, R0, R0, 0, 1},    /* i++ */
    /* 18 */ {JUMP_LESS, 0, R0, R5, 3},    /* if i < limit goto outer */
    /* 19 */ {CONST, R6, 0, 0, 0},         /* sum = 0 */
    /* 20 */ {CONST, R0, 0, 0, 0},         /* i = 0 */
    /* 21 */ {CONST, R5, 0, 0, 256},       /* limit */
    /* 22 */ {LOAD, R4, R0, 0, 0},         /* word: sum = sum * 31 ^ memory[i] */
    /* 23 */ {MUL_CONST, R6, R6, 0, 31},   /* */
    /* 24 */ {XOR, R6, R6, R4, 0},         /* */
    /* 25 */ {ADD_CONST, R0, R0, 0, 1},    /* i++ */
    /* 26 */ {JUMP_LESS, 0, R0, R5, 22},   /* if i < limit goto word */
    /* 27 */ {HALT, 0, 0, 0, 0},
};

#endif
