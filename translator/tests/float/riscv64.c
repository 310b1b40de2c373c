/* Every floating-point instruction of RV64 F, D and Zfh that rounds, compares or converts, on operands from stdin. */
#include "protocol.h"

/* Operands go to ft0, ft1, ft2 by `in`, and to t0 as an integer; the result is read from t0. */
#define OPERATION(id, in, instruction, out)                                                                       \
    static reply run_##id(const request *r) {                                                                     \
        reply y;                                                                                                  \
        __asm__ volatile("csrw fcsr, %[control]\n" in " ft0, %[a]\n" in " ft1, %[b]\n" in " ft2, %[c]\n"          \
                         "mv t0, %[a]\n" instruction "\n" out "\n"                                                \
                         "mv %[result], t0\n"                                                                     \
                         "csrr %[flags], fflags\n"                                                                \
                         : [result] "=&r"(y.result), [flags] "=&r"(y.flags)                                       \
                         : [control] "r"((uint64_t)r->control), [a] "r"(r->a), [b] "r"(r->b), [c] "r"(r->c)       \
                         : "t0", "ft0", "ft1", "ft2");                                                            \
        return y;                                                                                                 \
    }

#define H "fmv.h.x"
#define S "fmv.w.x"
#define D "fmv.d.x"
#define TO_H "fmv.x.h t0, ft0"
#define TO_S "fmv.x.w t0, ft0"
#define TO_D "fmv.x.d t0, ft0"

#define ARITHMETIC(X, F, IN, OUT)                                                                                 \
    X(fadd_##F, IN, "fadd." #F " ft0, ft0, ft1", OUT)                                                             \
    X(fsub_##F, IN, "fsub." #F " ft0, ft0, ft1", OUT)                                                             \
    X(fmul_##F, IN, "fmul." #F " ft0, ft0, ft1", OUT)                                                             \
    X(fdiv_##F, IN, "fdiv." #F " ft0, ft0, ft1", OUT)                                                             \
    X(fsqrt_##F, IN, "fsqrt." #F " ft0, ft0", OUT)                                                                \
    X(fmadd_##F, IN, "fmadd." #F " ft0, ft0, ft1, ft2", OUT)                                                      \
    X(fmin_##F, IN, "fmin." #F " ft0, ft0, ft1", OUT)                                                             \
    X(fmax_##F, IN, "fmax." #F " ft0, ft0, ft1", OUT)                                                             \
    X(feq_##F, IN, "feq." #F " t0, ft0, ft1", "")                                                                 \
    X(flt_##F, IN, "flt." #F " t0, ft0, ft1", "")                                                                 \
    X(fle_##F, IN, "fle." #F " t0, ft0, ft1", "")                                                                 \
    X(fclass_##F, IN, "fclass." #F " t0, ft0", "")                                                                \
    X(fcvt_w_##F, IN, "fcvt.w." #F " t0, ft0", "")                                                                \
    X(fcvt_wu_##F, IN, "fcvt.wu." #F " t0, ft0", "")                                                              \
    X(fcvt_l_##F, IN, "fcvt.l." #F " t0, ft0", "")                                                                \
    X(fcvt_lu_##F, IN, "fcvt.lu." #F " t0, ft0", "")                                                              \
    X(fcvt_##F##_w, IN, "fcvt." #F ".w ft0, t0", OUT)                                                             \
    X(fcvt_##F##_wu, IN, "fcvt." #F ".wu ft0, t0", OUT)                                                           \
    X(fcvt_##F##_l, IN, "fcvt." #F ".l ft0, t0", OUT)                                                             \
    X(fcvt_##F##_lu, IN, "fcvt." #F ".lu ft0, t0", OUT)

#define ALL(X)                                                                                                    \
    ARITHMETIC(X, h, H, TO_H)                                                                                     \
    ARITHMETIC(X, s, S, TO_S)                                                                                     \
    ARITHMETIC(X, d, D, TO_D)                                                                                     \
    X(fcvt_s_d, D, "fcvt.s.d ft0, ft0", TO_S)                                                                     \
    X(fcvt_d_s, S, "fcvt.d.s ft0, ft0", TO_D)                                                                     \
    X(fcvt_h_s, S, "fcvt.h.s ft0, ft0", TO_H)                                                                     \
    X(fcvt_s_h, H, "fcvt.s.h ft0, ft0", TO_S)                                                                     \
    X(fcvt_h_d, D, "fcvt.h.d ft0, ft0", TO_H)                                                                     \
    X(fcvt_d_h, H, "fcvt.d.h ft0, ft0", TO_D)

ALL(OPERATION)

#define ENTRY(id, in, instruction, out) {#id, run_##id},
static const operation operations[] = {ALL(ENTRY)};

int main(int arguments, char **argument) {
    (void)argument;
    return serve(operations, sizeof operations / sizeof operations[0], arguments);
}
