/* AArch64's scalar floating-point instructions in half, single and double precision, on operands from stdin. */
#include "protocol.h"

/* Operands go to v0, v1, v2 and x0; the result is read from x0. */
#define OPERATION(id, instruction)                                                                                \
    static reply run_##id(const request *r) {                                                                     \
        reply y;                                                                                                  \
        __asm__ volatile("msr fpcr, %[control]\n"                                                                 \
                         "msr fpsr, xzr\n"                                                                        \
                         "fmov d0, %[a]\n"                                                                        \
                         "fmov d1, %[b]\n"                                                                        \
                         "fmov d2, %[c]\n"                                                                        \
                         "mov x0, %[a]\n" instruction "\n"                                                        \
                         "mov %[result], x0\n"                                                                    \
                         "mrs %[flags], fpsr\n"                                                                   \
                         "msr fpcr, xzr\n"                                                                        \
                         : [result] "=&r"(y.result), [flags] "=&r"(y.flags)                                       \
                         : [control] "r"((uint64_t)r->control), [a] "r"(r->a), [b] "r"(r->b), [c] "r"(r->c)       \
                         : "x0", "x1", "v0", "v1", "v2", "cc");                                                   \
        return y;                                                                                                 \
    }

#define FROM_V "\nfmov x0, d0"

#define ROUNDED(X, F, W, sign)                                                                                    \
    X(fcvtn##sign##_##W##F, "fcvtn" #sign " " #W "0, " #F "0")                                                    \
    X(fcvta##sign##_##W##F, "fcvta" #sign " " #W "0, " #F "0")                                                    \
    X(fcvtm##sign##_##W##F, "fcvtm" #sign " " #W "0, " #F "0")                                                    \
    X(fcvtp##sign##_##W##F, "fcvtp" #sign " " #W "0, " #F "0")                                                    \
    X(fcvtz##sign##_##W##F, "fcvtz" #sign " " #W "0, " #F "0")                                                    \
    X(fcvtz##sign##_##W##F##_1, "fcvtz" #sign " " #W "0, " #F "0, #1")                                            \
    X(fcvtz##sign##_##W##F##_7, "fcvtz" #sign " " #W "0, " #F "0, #7")                                            \
    X(fcvtz##sign##_##W##F##_32, "fcvtz" #sign " " #W "0, " #F "0, #32")                                          \
    X(sign##cvtf_##F##W, #sign "cvtf " #F "0, " #W "0" FROM_V)                                                    \
    X(sign##cvtf_##F##W##_1, #sign "cvtf " #F "0, " #W "0, #1" FROM_V)                                            \
    X(sign##cvtf_##F##W##_7, #sign "cvtf " #F "0, " #W "0, #7" FROM_V)                                            \
    X(sign##cvtf_##F##W##_32, #sign "cvtf " #F "0, " #W "0, #32" FROM_V)

#define FORMAT(X, F)                                                                                              \
    X(fadd_##F, "fadd " #F "0, " #F "0, " #F "1" FROM_V)                                                          \
    X(fsub_##F, "fsub " #F "0, " #F "0, " #F "1" FROM_V)                                                          \
    X(fmul_##F, "fmul " #F "0, " #F "0, " #F "1" FROM_V)                                                          \
    X(fdiv_##F, "fdiv " #F "0, " #F "0, " #F "1" FROM_V)                                                          \
    X(fsqrt_##F, "fsqrt " #F "0, " #F "0" FROM_V)                                                                 \
    X(fmadd_##F, "fmadd " #F "0, " #F "0, " #F "1, " #F "2" FROM_V)                                               \
    X(fmin_##F, "fmin " #F "0, " #F "0, " #F "1" FROM_V)                                                          \
    X(fmax_##F, "fmax " #F "0, " #F "0, " #F "1" FROM_V)                                                          \
    X(fminnm_##F, "fminnm " #F "0, " #F "0, " #F "1" FROM_V)                                                      \
    X(fmaxnm_##F, "fmaxnm " #F "0, " #F "0, " #F "1" FROM_V)                                                      \
    X(fmulx_##F, "fmulx " #F "0, " #F "0, " #F "1" FROM_V)                                                        \
    X(frecps_##F, "frecps " #F "0, " #F "0, " #F "1" FROM_V)                                                      \
    X(frsqrts_##F, "frsqrts " #F "0, " #F "0, " #F "1" FROM_V)                                                    \
    X(frecpe_##F, "frecpe " #F "0, " #F "0" FROM_V)                                                               \
    X(frsqrte_##F, "frsqrte " #F "0, " #F "0" FROM_V)                                                             \
    X(frecpx_##F, "frecpx " #F "0, " #F "0" FROM_V)                                                               \
    X(fcmp_##F, "fcmp " #F "0, " #F "1\nmrs x0, nzcv")                                                            \
    X(fcmpe_##F, "fcmpe " #F "0, " #F "1\nmrs x0, nzcv")                                                          \
    X(frintn_##F, "frintn " #F "0, " #F "0" FROM_V)                                                               \
    X(frintp_##F, "frintp " #F "0, " #F "0" FROM_V)                                                               \
    X(frintm_##F, "frintm " #F "0, " #F "0" FROM_V)                                                               \
    X(frintz_##F, "frintz " #F "0, " #F "0" FROM_V)                                                               \
    X(frinta_##F, "frinta " #F "0, " #F "0" FROM_V)                                                               \
    X(frinti_##F, "frinti " #F "0, " #F "0" FROM_V)                                                               \
    X(frintx_##F, "frintx " #F "0, " #F "0" FROM_V)                                                               \
    ROUNDED(X, F, w, s)                                                                                        \
    ROUNDED(X, F, w, u)                                                                                        \
    ROUNDED(X, F, x, s)                                                                                        \
    ROUNDED(X, F, x, u)

#define ALL(X)                                                                                                    \
    FORMAT(X, h)                                                                                                  \
    FORMAT(X, s)                                                                                                  \
    FORMAT(X, d)                                                                                                  \
    X(fcvt_sd, "fcvt s0, d0" FROM_V)                                                                              \
    X(fcvt_hd, "fcvt h0, d0" FROM_V)                                                                              \
    X(fcvt_hs, "fcvt h0, s0" FROM_V)                                                                              \
    X(fcvt_ds, "fcvt d0, s0" FROM_V)                                                                              \
    X(fcvt_dh, "fcvt d0, h0" FROM_V)                                                                              \
    X(fcvt_sh, "fcvt s0, h0" FROM_V)                                                                              \
    X(fcvtxn, "fcvtxn s0, d0" FROM_V)                                                                             \
    X(bfcvt, "bfcvt h0, s0" FROM_V)                                                                               \
    X(urecpe, "urecpe v0.2s, v0.2s\nfmov w0, s0")                                                                 \
    X(ursqrte, "ursqrte v0.2s, v0.2s\nfmov w0, s0")                                                               \
    X(fjcvtzs, "fjcvtzs w0, d0\nmrs x1, nzcv\norr x0, x0, x1, lsl #2")

ALL(OPERATION)

#define ENTRY(id, instruction) {#id, run_##id},
static const operation operations[] = {ALL(ENTRY)};

int main(int arguments, char **argument) {
    (void)argument;
    return serve(operations, sizeof operations / sizeof operations[0], arguments);
}
