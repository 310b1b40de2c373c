//! Advanced SIMD, shifts by immediate.

use super::condition::*;
use super::table::section;

section! {
    /// Shifts and fixed-point conversions; scalar forms are the same instruction with bit 28 set.
    VectorShift {
        "Advanced SIMD shift by immediate" {
            Sshr = "SSHR" [
                Base "0 q 0 011110 hhhh bbb 00000 1 nnnnn ddddd" if shift_vector,
                Base "01 0 111110 hhhh bbb 00000 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Ushr = "USHR" [
                Base "0 q 1 011110 hhhh bbb 00000 1 nnnnn ddddd" if shift_vector,
                Base "01 1 111110 hhhh bbb 00000 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Ssra = "SSRA" [
                Base "0 q 0 011110 hhhh bbb 00010 1 nnnnn ddddd" if shift_vector,
                Base "01 0 111110 hhhh bbb 00010 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Usra = "USRA" [
                Base "0 q 1 011110 hhhh bbb 00010 1 nnnnn ddddd" if shift_vector,
                Base "01 1 111110 hhhh bbb 00010 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Srshr = "SRSHR" [
                Base "0 q 0 011110 hhhh bbb 00100 1 nnnnn ddddd" if shift_vector,
                Base "01 0 111110 hhhh bbb 00100 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Urshr = "URSHR" [
                Base "0 q 1 011110 hhhh bbb 00100 1 nnnnn ddddd" if shift_vector,
                Base "01 1 111110 hhhh bbb 00100 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Srsra = "SRSRA" [
                Base "0 q 0 011110 hhhh bbb 00110 1 nnnnn ddddd" if shift_vector,
                Base "01 0 111110 hhhh bbb 00110 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Ursra = "URSRA" [
                Base "0 q 1 011110 hhhh bbb 00110 1 nnnnn ddddd" if shift_vector,
                Base "01 1 111110 hhhh bbb 00110 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Sri = "SRI" [
                Base "0 q 1 011110 hhhh bbb 01000 1 nnnnn ddddd" if shift_vector,
                Base "01 1 111110 hhhh bbb 01000 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Shl = "SHL" [
                Base "0 q 0 011110 hhhh bbb 01010 1 nnnnn ddddd" if shift_vector,
                Base "01 0 111110 hhhh bbb 01010 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Sli = "SLI" [
                Base "0 q 1 011110 hhhh bbb 01010 1 nnnnn ddddd" if shift_vector,
                Base "01 1 111110 hhhh bbb 01010 1 nnnnn ddddd" if shift_scalar_64,
            ]
            Sqshlu = "SQSHLU" [
                Base "0 q 1 011110 hhhh bbb 01100 1 nnnnn ddddd" if shift_vector,
                Base "01 1 111110 hhhh bbb 01100 1 nnnnn ddddd" if shift_scalar,
            ]
            SqshlImmediate = "SQSHL (immediate)" [
                Base "0 q 0 011110 hhhh bbb 01110 1 nnnnn ddddd" if shift_vector,
                Base "01 0 111110 hhhh bbb 01110 1 nnnnn ddddd" if shift_scalar,
            ]
            UqshlImmediate = "UQSHL (immediate)" [
                Base "0 q 1 011110 hhhh bbb 01110 1 nnnnn ddddd" if shift_vector,
                Base "01 1 111110 hhhh bbb 01110 1 nnnnn ddddd" if shift_scalar,
            ]
            Shrn = "SHRN, SHRN2" [Base "0 q 0 011110 hhhh bbb 10000 1 nnnnn ddddd" if shift_narrow]
            Rshrn = "RSHRN, RSHRN2" [Base "0 q 0 011110 hhhh bbb 10001 1 nnnnn ddddd" if shift_narrow]
            Sqshrun = "SQSHRUN, SQSHRUN2" [
                Base "0 q 1 011110 hhhh bbb 10000 1 nnnnn ddddd" if shift_narrow,
                Base "01 1 111110 hhhh bbb 10000 1 nnnnn ddddd" if shift_narrow,
            ]
            Sqrshrun = "SQRSHRUN, SQRSHRUN2" [
                Base "0 q 1 011110 hhhh bbb 10001 1 nnnnn ddddd" if shift_narrow,
                Base "01 1 111110 hhhh bbb 10001 1 nnnnn ddddd" if shift_narrow,
            ]
            Sqshrn = "SQSHRN, SQSHRN2" [
                Base "0 q 0 011110 hhhh bbb 10010 1 nnnnn ddddd" if shift_narrow,
                Base "01 0 111110 hhhh bbb 10010 1 nnnnn ddddd" if shift_narrow,
            ]
            Uqshrn = "UQSHRN, UQSHRN2" [
                Base "0 q 1 011110 hhhh bbb 10010 1 nnnnn ddddd" if shift_narrow,
                Base "01 1 111110 hhhh bbb 10010 1 nnnnn ddddd" if shift_narrow,
            ]
            Sqrshrn = "SQRSHRN, SQRSHRN2" [
                Base "0 q 0 011110 hhhh bbb 10011 1 nnnnn ddddd" if shift_narrow,
                Base "01 0 111110 hhhh bbb 10011 1 nnnnn ddddd" if shift_narrow,
            ]
            Uqrshrn = "UQRSHRN, UQRSHRN2" [
                Base "0 q 1 011110 hhhh bbb 10011 1 nnnnn ddddd" if shift_narrow,
                Base "01 1 111110 hhhh bbb 10011 1 nnnnn ddddd" if shift_narrow,
            ]
            Sshll = "SSHLL, SSHLL2" [Base "0 q 0 011110 hhhh bbb 10100 1 nnnnn ddddd" if shift_narrow]
            Ushll = "USHLL, USHLL2" [Base "0 q 1 011110 hhhh bbb 10100 1 nnnnn ddddd" if shift_narrow]
            ScvtfFixed = "SCVTF (vector, fixed-point)" [
                Base "0 q 0 011110 hhhh bbb 11100 1 nnnnn ddddd" if fixed_vector,
                Base "01 0 111110 hhhh bbb 11100 1 nnnnn ddddd" if fixed_scalar,
                Fp16 "0 q 0 011110 001b bbb 11100 1 nnnnn ddddd",
                Fp16 "01 0 111110 001b bbb 11100 1 nnnnn ddddd",
            ]
            UcvtfFixed = "UCVTF (vector, fixed-point)" [
                Base "0 q 1 011110 hhhh bbb 11100 1 nnnnn ddddd" if fixed_vector,
                Base "01 1 111110 hhhh bbb 11100 1 nnnnn ddddd" if fixed_scalar,
                Fp16 "0 q 1 011110 001b bbb 11100 1 nnnnn ddddd",
                Fp16 "01 1 111110 001b bbb 11100 1 nnnnn ddddd",
            ]
            FcvtzsFixed = "FCVTZS (vector, fixed-point)" [
                Base "0 q 0 011110 hhhh bbb 11111 1 nnnnn ddddd" if fixed_vector,
                Base "01 0 111110 hhhh bbb 11111 1 nnnnn ddddd" if fixed_scalar,
                Fp16 "0 q 0 011110 001b bbb 11111 1 nnnnn ddddd",
                Fp16 "01 0 111110 001b bbb 11111 1 nnnnn ddddd",
            ]
            FcvtzuFixed = "FCVTZU (vector, fixed-point)" [
                Base "0 q 1 011110 hhhh bbb 11111 1 nnnnn ddddd" if fixed_vector,
                Base "01 1 111110 hhhh bbb 11111 1 nnnnn ddddd" if fixed_scalar,
                Fp16 "0 q 1 011110 001b bbb 11111 1 nnnnn ddddd",
                Fp16 "01 1 111110 001b bbb 11111 1 nnnnn ddddd",
            ]
        }
    }
}
