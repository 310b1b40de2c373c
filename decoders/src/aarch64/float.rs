//! Scalar floating point.

use super::condition::*;
use super::table::section;

section! {
    /// Scalar floating-point instructions. `y` is 0 for single and 1 for double precision.
    Float {
        "Conversion between floating-point and fixed-point" {
            FixedToFloat = "SCVTF, UCVTF (scalar, fixed-point)" [
                Base "f 0011110 0y 0 00 01u ssssss nnnnn ddddd" if fraction_fits,
                Fp16 "f 0011110 11 0 00 01u ssssss nnnnn ddddd" if fraction_fits,
            ]
            FloatToFixed = "FCVTZS, FCVTZU (scalar, fixed-point)" [
                Base "f 0011110 0y 0 11 00u ssssss nnnnn ddddd" if fraction_fits,
                Fp16 "f 0011110 11 0 11 00u ssssss nnnnn ddddd" if fraction_fits,
            ]
        }
        "Conversion between floating-point and integer" {
            FloatToInteger = "FCVTNS, FCVTNU, FCVTPS, FCVTPU, FCVTMS, FCVTMU, FCVTZS, FCVTZU, FCVTAS, FCVTAU (scalar)" [
                Base "f 0011110 0y 1 rr 00u 000000 nnnnn ddddd",
                Base "f 0011110 0y 1 00 10u 000000 nnnnn ddddd",
                Fp16 "f 0011110 11 1 rr 00u 000000 nnnnn ddddd",
                Fp16 "f 0011110 11 1 00 10u 000000 nnnnn ddddd",
            ]
            IntegerToFloat = "SCVTF, UCVTF (scalar, integer)" [
                Base "f 0011110 0y 1 00 01u 000000 nnnnn ddddd",
                Fp16 "f 0011110 11 1 00 01u 000000 nnnnn ddddd",
            ]
            FmovGeneral = "FMOV (general)" [
                Base "0 0011110 00 1 00 11o 000000 nnnnn ddddd",
                Base "1 0011110 01 1 00 11o 000000 nnnnn ddddd",
                Fp16 "f 0011110 11 1 00 11o 000000 nnnnn ddddd",
            ]
            FmovTop = "FMOV (general, top half of 128 bits)" [Base "1 0011110 10 1 01 11o 000000 nnnnn ddddd"]
            Fjcvtzs = "FJCVTZS" [JsCvt "0 0011110 01 1 11 110 000000 nnnnn ddddd"]
        }
        "Floating-point data-processing (1 source)" {
            Fmov = "FMOV (register)" [
                Base "00011110 0y 1 000000 10000 nnnnn ddddd",
                Fp16 "00011110 11 1 000000 10000 nnnnn ddddd",
            ]
            Fabs = "FABS (scalar)" [
                Base "00011110 0y 1 000001 10000 nnnnn ddddd",
                Fp16 "00011110 11 1 000001 10000 nnnnn ddddd",
            ]
            Fneg = "FNEG (scalar)" [
                Base "00011110 0y 1 000010 10000 nnnnn ddddd",
                Fp16 "00011110 11 1 000010 10000 nnnnn ddddd",
            ]
            Fsqrt = "FSQRT (scalar)" [
                Base "00011110 0y 1 000011 10000 nnnnn ddddd",
                Fp16 "00011110 11 1 000011 10000 nnnnn ddddd",
            ]
            Fcvt = "FCVT" [Base "00011110 tt 1 0001 oo 10000 nnnnn ddddd" if other_precision]
            Bfcvt = "BFCVT" [Bf16 "00011110 01 1 000110 10000 nnnnn ddddd"]
            Frint = "FRINTN, FRINTP, FRINTM, FRINTZ, FRINTA, FRINTX, FRINTI (scalar)" [
                Base "00011110 0y 1 001 ooo 10000 nnnnn ddddd" if rounding,
                Fp16 "00011110 11 1 001 ooo 10000 nnnnn ddddd" if rounding,
            ]
            FrintInteger = "FRINT32Z, FRINT32X, FRINT64Z, FRINT64X (scalar)" [
                FrintTs "00011110 0y 1 0100 oo 10000 nnnnn ddddd",
            ]
        }
        "Floating-point compare" {
            Fcmp = "FCMP, FCMPE" [
                Base "00011110 0y 1 mmmmm 00 1000 nnnnn oo 000",
                Fp16 "00011110 11 1 mmmmm 00 1000 nnnnn oo 000",
            ]
        }
        "Floating-point immediate" {
            FmovImmediate = "FMOV (scalar, immediate)" [
                Base "00011110 0y 1 iiiiiiii 100 00000 ddddd",
                Fp16 "00011110 11 1 iiiiiiii 100 00000 ddddd",
            ]
        }
        "Floating-point conditional compare" {
            Fccmp = "FCCMP, FCCMPE" [
                Base "00011110 0y 1 mmmmm cccc 01 nnnnn o vvvv",
                Fp16 "00011110 11 1 mmmmm cccc 01 nnnnn o vvvv",
            ]
        }
        "Floating-point data-processing (2 source)" {
            Fmul = "FMUL (scalar)" [
                Base "00011110 0y 1 mmmmm 0000 10 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm 0000 10 nnnnn ddddd",
            ]
            Fdiv = "FDIV (scalar)" [
                Base "00011110 0y 1 mmmmm 0001 10 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm 0001 10 nnnnn ddddd",
            ]
            Fadd = "FADD (scalar)" [
                Base "00011110 0y 1 mmmmm 0010 10 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm 0010 10 nnnnn ddddd",
            ]
            Fsub = "FSUB (scalar)" [
                Base "00011110 0y 1 mmmmm 0011 10 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm 0011 10 nnnnn ddddd",
            ]
            Fmax = "FMAX (scalar)" [
                Base "00011110 0y 1 mmmmm 0100 10 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm 0100 10 nnnnn ddddd",
            ]
            Fmin = "FMIN (scalar)" [
                Base "00011110 0y 1 mmmmm 0101 10 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm 0101 10 nnnnn ddddd",
            ]
            Fmaxnm = "FMAXNM (scalar)" [
                Base "00011110 0y 1 mmmmm 0110 10 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm 0110 10 nnnnn ddddd",
            ]
            Fminnm = "FMINNM (scalar)" [
                Base "00011110 0y 1 mmmmm 0111 10 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm 0111 10 nnnnn ddddd",
            ]
            Fnmul = "FNMUL (scalar)" [
                Base "00011110 0y 1 mmmmm 1000 10 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm 1000 10 nnnnn ddddd",
            ]
        }
        "Floating-point conditional select" {
            Fcsel = "FCSEL" [
                Base "00011110 0y 1 mmmmm cccc 11 nnnnn ddddd",
                Fp16 "00011110 11 1 mmmmm cccc 11 nnnnn ddddd",
            ]
        }
        "Floating-point data-processing (3 source)" {
            MultiplyAdd = "FMADD, FMSUB, FNMADD, FNMSUB" [
                Base "00011111 0y o mmmmm o aaaaa nnnnn ddddd",
                Fp16 "00011111 11 o mmmmm o aaaaa nnnnn ddddd",
            ]
        }
    }
}
