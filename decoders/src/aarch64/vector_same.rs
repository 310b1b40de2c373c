//! Advanced SIMD, three vectors of the same arrangement.

use super::condition::*;
use super::table::section;

section! {
    /// Three vectors of the same arrangement; scalar forms are the same instruction with bit 28 set.
    VectorSame {
        "Advanced SIMD three same" {
            Shadd = "SHADD" [Base "0 q 0 01110 zz 1 mmmmm 00000 1 nnnnn ddddd" if not_64]
            Uhadd = "UHADD" [Base "0 q 1 01110 zz 1 mmmmm 00000 1 nnnnn ddddd" if not_64]
            Sqadd = "SQADD" [
                Base "0 q 0 01110 zz 1 mmmmm 00001 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 zz 1 mmmmm 00001 1 nnnnn ddddd",
            ]
            Uqadd = "UQADD" [
                Base "0 q 1 01110 zz 1 mmmmm 00001 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 zz 1 mmmmm 00001 1 nnnnn ddddd",
            ]
            Srhadd = "SRHADD" [Base "0 q 0 01110 zz 1 mmmmm 00010 1 nnnnn ddddd" if not_64]
            Urhadd = "URHADD" [Base "0 q 1 01110 zz 1 mmmmm 00010 1 nnnnn ddddd" if not_64]
            Shsub = "SHSUB" [Base "0 q 0 01110 zz 1 mmmmm 00100 1 nnnnn ddddd" if not_64]
            Uhsub = "UHSUB" [Base "0 q 1 01110 zz 1 mmmmm 00100 1 nnnnn ddddd" if not_64]
            Sqsub = "SQSUB" [
                Base "0 q 0 01110 zz 1 mmmmm 00101 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 zz 1 mmmmm 00101 1 nnnnn ddddd",
            ]
            Uqsub = "UQSUB" [
                Base "0 q 1 01110 zz 1 mmmmm 00101 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 zz 1 mmmmm 00101 1 nnnnn ddddd",
            ]
            CmgtRegister = "CMGT (register)" [
                Base "0 q 0 01110 zz 1 mmmmm 00110 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 1 mmmmm 00110 1 nnnnn ddddd",
            ]
            Cmhi = "CMHI" [
                Base "0 q 1 01110 zz 1 mmmmm 00110 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 11 1 mmmmm 00110 1 nnnnn ddddd",
            ]
            CmgeRegister = "CMGE (register)" [
                Base "0 q 0 01110 zz 1 mmmmm 00111 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 1 mmmmm 00111 1 nnnnn ddddd",
            ]
            Cmhs = "CMHS" [
                Base "0 q 1 01110 zz 1 mmmmm 00111 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 11 1 mmmmm 00111 1 nnnnn ddddd",
            ]
            Sshl = "SSHL" [
                Base "0 q 0 01110 zz 1 mmmmm 01000 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 1 mmmmm 01000 1 nnnnn ddddd",
            ]
            Ushl = "USHL" [
                Base "0 q 1 01110 zz 1 mmmmm 01000 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 11 1 mmmmm 01000 1 nnnnn ddddd",
            ]
            SqshlRegister = "SQSHL (register)" [
                Base "0 q 0 01110 zz 1 mmmmm 01001 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 zz 1 mmmmm 01001 1 nnnnn ddddd",
            ]
            UqshlRegister = "UQSHL (register)" [
                Base "0 q 1 01110 zz 1 mmmmm 01001 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 zz 1 mmmmm 01001 1 nnnnn ddddd",
            ]
            Srshl = "SRSHL" [
                Base "0 q 0 01110 zz 1 mmmmm 01010 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 1 mmmmm 01010 1 nnnnn ddddd",
            ]
            Urshl = "URSHL" [
                Base "0 q 1 01110 zz 1 mmmmm 01010 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 11 1 mmmmm 01010 1 nnnnn ddddd",
            ]
            Sqrshl = "SQRSHL" [
                Base "0 q 0 01110 zz 1 mmmmm 01011 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 zz 1 mmmmm 01011 1 nnnnn ddddd",
            ]
            Uqrshl = "UQRSHL" [
                Base "0 q 1 01110 zz 1 mmmmm 01011 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 zz 1 mmmmm 01011 1 nnnnn ddddd",
            ]
            Smax = "SMAX" [Base "0 q 0 01110 zz 1 mmmmm 01100 1 nnnnn ddddd" if not_64]
            Umax = "UMAX" [Base "0 q 1 01110 zz 1 mmmmm 01100 1 nnnnn ddddd" if not_64]
            Smin = "SMIN" [Base "0 q 0 01110 zz 1 mmmmm 01101 1 nnnnn ddddd" if not_64]
            Umin = "UMIN" [Base "0 q 1 01110 zz 1 mmmmm 01101 1 nnnnn ddddd" if not_64]
            Sabd = "SABD" [Base "0 q 0 01110 zz 1 mmmmm 01110 1 nnnnn ddddd" if not_64]
            Uabd = "UABD" [Base "0 q 1 01110 zz 1 mmmmm 01110 1 nnnnn ddddd" if not_64]
            Saba = "SABA" [Base "0 q 0 01110 zz 1 mmmmm 01111 1 nnnnn ddddd" if not_64]
            Uaba = "UABA" [Base "0 q 1 01110 zz 1 mmmmm 01111 1 nnnnn ddddd" if not_64]
            AddVector = "ADD (vector)" [
                Base "0 q 0 01110 zz 1 mmmmm 10000 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 1 mmmmm 10000 1 nnnnn ddddd",
            ]
            SubVector = "SUB (vector)" [
                Base "0 q 1 01110 zz 1 mmmmm 10000 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 11 1 mmmmm 10000 1 nnnnn ddddd",
            ]
            Cmtst = "CMTST" [
                Base "0 q 0 01110 zz 1 mmmmm 10001 1 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 1 mmmmm 10001 1 nnnnn ddddd",
            ]
            CmeqRegister = "CMEQ (register)" [
                Base "0 q 1 01110 zz 1 mmmmm 10001 1 nnnnn ddddd" if not_1d,
                Base "01 1 11110 11 1 mmmmm 10001 1 nnnnn ddddd",
            ]
            MlaVector = "MLA (vector)" [Base "0 q 0 01110 zz 1 mmmmm 10010 1 nnnnn ddddd" if not_64]
            MlsVector = "MLS (vector)" [Base "0 q 1 01110 zz 1 mmmmm 10010 1 nnnnn ddddd" if not_64]
            MulVector = "MUL (vector)" [Base "0 q 0 01110 zz 1 mmmmm 10011 1 nnnnn ddddd" if not_64]
            Pmul = "PMUL" [Base "0 q 1 01110 00 1 mmmmm 10011 1 nnnnn ddddd"]
            Smaxp = "SMAXP" [Base "0 q 0 01110 zz 1 mmmmm 10100 1 nnnnn ddddd" if not_64]
            Umaxp = "UMAXP" [Base "0 q 1 01110 zz 1 mmmmm 10100 1 nnnnn ddddd" if not_64]
            Sminp = "SMINP" [Base "0 q 0 01110 zz 1 mmmmm 10101 1 nnnnn ddddd" if not_64]
            Uminp = "UMINP" [Base "0 q 1 01110 zz 1 mmmmm 10101 1 nnnnn ddddd" if not_64]
            SqdmulhVector = "SQDMULH (vector)" [
                Base "0 q 0 01110 zz 1 mmmmm 10110 1 nnnnn ddddd" if lanes_16_32,
                Base "01 0 11110 zz 1 mmmmm 10110 1 nnnnn ddddd" if lanes_16_32,
            ]
            SqrdmulhVector = "SQRDMULH (vector)" [
                Base "0 q 1 01110 zz 1 mmmmm 10110 1 nnnnn ddddd" if lanes_16_32,
                Base "01 1 11110 zz 1 mmmmm 10110 1 nnnnn ddddd" if lanes_16_32,
            ]
            AddpVector = "ADDP (vector)" [Base "0 q 0 01110 zz 1 mmmmm 10111 1 nnnnn ddddd" if not_1d]
        }
        "Advanced SIMD three same, logical" {
            AndVector = "AND (vector)" [Base "0 q 0 01110 00 1 mmmmm 00011 1 nnnnn ddddd"]
            BicVector = "BIC (vector, register)" [Base "0 q 0 01110 01 1 mmmmm 00011 1 nnnnn ddddd"]
            OrrVector = "ORR (vector)" [Base "0 q 0 01110 10 1 mmmmm 00011 1 nnnnn ddddd"]
            OrnVector = "ORN (vector)" [Base "0 q 0 01110 11 1 mmmmm 00011 1 nnnnn ddddd"]
            EorVector = "EOR (vector)" [Base "0 q 1 01110 00 1 mmmmm 00011 1 nnnnn ddddd"]
            Bsl = "BSL" [Base "0 q 1 01110 01 1 mmmmm 00011 1 nnnnn ddddd"]
            Bit = "BIT" [Base "0 q 1 01110 10 1 mmmmm 00011 1 nnnnn ddddd"]
            Bif = "BIF" [Base "0 q 1 01110 11 1 mmmmm 00011 1 nnnnn ddddd"]
        }
        "Advanced SIMD three same, floating-point" {
            FmaxnmVector = "FMAXNM (vector)" [
                Base "0 q 0 01110 0y 1 mmmmm 11000 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 010 mmmmm 00 000 1 nnnnn ddddd",
            ]
            FminnmVector = "FMINNM (vector)" [
                Base "0 q 0 01110 1y 1 mmmmm 11000 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 110 mmmmm 00 000 1 nnnnn ddddd",
            ]
            FmlaVector = "FMLA (vector)" [
                Base "0 q 0 01110 0y 1 mmmmm 11001 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 010 mmmmm 00 001 1 nnnnn ddddd",
            ]
            FmlsVector = "FMLS (vector)" [
                Base "0 q 0 01110 1y 1 mmmmm 11001 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 110 mmmmm 00 001 1 nnnnn ddddd",
            ]
            FaddVector = "FADD (vector)" [
                Base "0 q 0 01110 0y 1 mmmmm 11010 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 010 mmmmm 00 010 1 nnnnn ddddd",
            ]
            FsubVector = "FSUB (vector)" [
                Base "0 q 0 01110 1y 1 mmmmm 11010 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 110 mmmmm 00 010 1 nnnnn ddddd",
            ]
            Fmulx = "FMULX" [
                Base "0 q 0 01110 0y 1 mmmmm 11011 1 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 0y 1 mmmmm 11011 1 nnnnn ddddd",
                Fp16 "0 q 0 01110 010 mmmmm 00 011 1 nnnnn ddddd",
                Fp16 "01 0 11110 010 mmmmm 00 011 1 nnnnn ddddd",
            ]
            FcmeqRegister = "FCMEQ (register)" [
                Base "0 q 0 01110 0y 1 mmmmm 11100 1 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 0y 1 mmmmm 11100 1 nnnnn ddddd",
                Fp16 "0 q 0 01110 010 mmmmm 00 100 1 nnnnn ddddd",
                Fp16 "01 0 11110 010 mmmmm 00 100 1 nnnnn ddddd",
            ]
            FmaxVector = "FMAX (vector)" [
                Base "0 q 0 01110 0y 1 mmmmm 11110 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 010 mmmmm 00 110 1 nnnnn ddddd",
            ]
            FminVector = "FMIN (vector)" [
                Base "0 q 0 01110 1y 1 mmmmm 11110 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 110 mmmmm 00 110 1 nnnnn ddddd",
            ]
            Frecps = "FRECPS" [
                Base "0 q 0 01110 0y 1 mmmmm 11111 1 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 0y 1 mmmmm 11111 1 nnnnn ddddd",
                Fp16 "0 q 0 01110 010 mmmmm 00 111 1 nnnnn ddddd",
                Fp16 "01 0 11110 010 mmmmm 00 111 1 nnnnn ddddd",
            ]
            Frsqrts = "FRSQRTS" [
                Base "0 q 0 01110 1y 1 mmmmm 11111 1 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 1y 1 mmmmm 11111 1 nnnnn ddddd",
                Fp16 "0 q 0 01110 110 mmmmm 00 111 1 nnnnn ddddd",
                Fp16 "01 0 11110 110 mmmmm 00 111 1 nnnnn ddddd",
            ]
            FmaxnmpVector = "FMAXNMP (vector)" [
                Base "0 q 1 01110 0y 1 mmmmm 11000 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 010 mmmmm 00 000 1 nnnnn ddddd",
            ]
            FminnmpVector = "FMINNMP (vector)" [
                Base "0 q 1 01110 1y 1 mmmmm 11000 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 110 mmmmm 00 000 1 nnnnn ddddd",
            ]
            FaddpVector = "FADDP (vector)" [
                Base "0 q 1 01110 0y 1 mmmmm 11010 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 010 mmmmm 00 010 1 nnnnn ddddd",
            ]
            Fabd = "FABD" [
                Base "0 q 1 01110 1y 1 mmmmm 11010 1 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 1y 1 mmmmm 11010 1 nnnnn ddddd",
                Fp16 "0 q 1 01110 110 mmmmm 00 010 1 nnnnn ddddd",
                Fp16 "01 1 11110 110 mmmmm 00 010 1 nnnnn ddddd",
            ]
            FmulVector = "FMUL (vector)" [
                Base "0 q 1 01110 0y 1 mmmmm 11011 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 010 mmmmm 00 011 1 nnnnn ddddd",
            ]
            FcmgeRegister = "FCMGE (register)" [
                Base "0 q 1 01110 0y 1 mmmmm 11100 1 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 0y 1 mmmmm 11100 1 nnnnn ddddd",
                Fp16 "0 q 1 01110 010 mmmmm 00 100 1 nnnnn ddddd",
                Fp16 "01 1 11110 010 mmmmm 00 100 1 nnnnn ddddd",
            ]
            FcmgtRegister = "FCMGT (register)" [
                Base "0 q 1 01110 1y 1 mmmmm 11100 1 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 1y 1 mmmmm 11100 1 nnnnn ddddd",
                Fp16 "0 q 1 01110 110 mmmmm 00 100 1 nnnnn ddddd",
                Fp16 "01 1 11110 110 mmmmm 00 100 1 nnnnn ddddd",
            ]
            Facge = "FACGE" [
                Base "0 q 1 01110 0y 1 mmmmm 11101 1 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 0y 1 mmmmm 11101 1 nnnnn ddddd",
                Fp16 "0 q 1 01110 010 mmmmm 00 101 1 nnnnn ddddd",
                Fp16 "01 1 11110 010 mmmmm 00 101 1 nnnnn ddddd",
            ]
            Facgt = "FACGT" [
                Base "0 q 1 01110 1y 1 mmmmm 11101 1 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 1y 1 mmmmm 11101 1 nnnnn ddddd",
                Fp16 "0 q 1 01110 110 mmmmm 00 101 1 nnnnn ddddd",
                Fp16 "01 1 11110 110 mmmmm 00 101 1 nnnnn ddddd",
            ]
            FmaxpVector = "FMAXP (vector)" [
                Base "0 q 1 01110 0y 1 mmmmm 11110 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 010 mmmmm 00 110 1 nnnnn ddddd",
            ]
            FminpVector = "FMINP (vector)" [
                Base "0 q 1 01110 1y 1 mmmmm 11110 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 110 mmmmm 00 110 1 nnnnn ddddd",
            ]
            FdivVector = "FDIV (vector)" [
                Base "0 q 1 01110 0y 1 mmmmm 11111 1 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 010 mmmmm 00 111 1 nnnnn ddddd",
            ]
        }
        "Advanced SIMD three same, widening floating-point" {
            FmlalVector = "FMLAL (vector)" [Fhm "0 q 0 01110 00 1 mmmmm 11101 1 nnnnn ddddd"]
            FmlslVector = "FMLSL (vector)" [Fhm "0 q 0 01110 10 1 mmmmm 11101 1 nnnnn ddddd"]
            Fmlal2Vector = "FMLAL2 (vector)" [Fhm "0 q 1 01110 00 1 mmmmm 11001 1 nnnnn ddddd"]
            Fmlsl2Vector = "FMLSL2 (vector)" [Fhm "0 q 1 01110 10 1 mmmmm 11001 1 nnnnn ddddd"]
        }
        "Advanced SIMD three-register extension" {
            SqrdmlahVector = "SQRDMLAH (vector)" [
                Rdm "0 q 1 01110 zz 0 mmmmm 1 0000 1 nnnnn ddddd" if lanes_16_32,
                Rdm "01 1 11110 zz 0 mmmmm 1 0000 1 nnnnn ddddd" if lanes_16_32,
            ]
            SqrdmlshVector = "SQRDMLSH (vector)" [
                Rdm "0 q 1 01110 zz 0 mmmmm 1 0001 1 nnnnn ddddd" if lanes_16_32,
                Rdm "01 1 11110 zz 0 mmmmm 1 0001 1 nnnnn ddddd" if lanes_16_32,
            ]
            SdotVector = "SDOT (vector)" [DotProd "0 q 0 01110 10 0 mmmmm 1 0010 1 nnnnn ddddd"]
            UdotVector = "UDOT (vector)" [DotProd "0 q 1 01110 10 0 mmmmm 1 0010 1 nnnnn ddddd"]
            UsdotVector = "USDOT (vector)" [I8mm "0 q 0 01110 10 0 mmmmm 1 0011 1 nnnnn ddddd"]
            FcmlaVector = "FCMLA" [
                Fcma "0 q 1 01110 zz 0 mmmmm 1 10rr 1 nnnnn ddddd" if complex,
                Fp16Fcma "0 q 1 01110 01 0 mmmmm 1 10rr 1 nnnnn ddddd",
            ]
            Fcadd = "FCADD" [
                Fcma "0 q 1 01110 zz 0 mmmmm 1 11r0 1 nnnnn ddddd" if complex,
                Fp16Fcma "0 q 1 01110 01 0 mmmmm 1 11r0 1 nnnnn ddddd",
            ]
            BfdotVector = "BFDOT (vector)" [Bf16 "0 q 1 01110 01 0 mmmmm 1 1111 1 nnnnn ddddd"]
            BfmlalVector = "BFMLALB, BFMLALT (vector)" [Bf16 "0 q 1 01110 11 0 mmmmm 1 1111 1 nnnnn ddddd"]
            Bfmmla = "BFMMLA" [Bf16 "0 1 1 01110 01 0 mmmmm 1 1101 1 nnnnn ddddd"]
            Smmla = "SMMLA" [I8mm "0 1 0 01110 10 0 mmmmm 1 0100 1 nnnnn ddddd"]
            Ummla = "UMMLA" [I8mm "0 1 1 01110 10 0 mmmmm 1 0100 1 nnnnn ddddd"]
            Usmmla = "USMMLA" [I8mm "0 1 0 01110 10 0 mmmmm 1 0101 1 nnnnn ddddd"]
        }
    }
}
