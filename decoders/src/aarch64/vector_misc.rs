//! Advanced SIMD, one source vector: two-register miscellaneous, across lanes, scalar pairwise.

use super::condition::*;
use super::table::section;

section! {
    /// One source vector; scalar forms are the same instruction with bit 28 set.
    VectorMisc {
        "Advanced SIMD two-register miscellaneous" {
            Rev64 = "REV64" [Base "0 q 0 01110 zz 10000 00000 10 nnnnn ddddd" if not_64]
            Rev16 = "REV16 (vector)" [Base "0 q 0 01110 00 10000 00001 10 nnnnn ddddd"]
            Rev32 = "REV32 (vector)" [Base "0 q 1 01110 zz 10000 00000 10 nnnnn ddddd" if lanes_8_16]
            Saddlp = "SADDLP" [Base "0 q 0 01110 zz 10000 00010 10 nnnnn ddddd" if not_64]
            Uaddlp = "UADDLP" [Base "0 q 1 01110 zz 10000 00010 10 nnnnn ddddd" if not_64]
            Suqadd = "SUQADD" [
                Base "0 q 0 01110 zz 10000 00011 10 nnnnn ddddd" if not_1d,
                Base "01 0 11110 zz 10000 00011 10 nnnnn ddddd",
            ]
            Usqadd = "USQADD" [
                Base "0 q 1 01110 zz 10000 00011 10 nnnnn ddddd" if not_1d,
                Base "01 1 11110 zz 10000 00011 10 nnnnn ddddd",
            ]
            Cls = "CLS (vector)" [Base "0 q 0 01110 zz 10000 00100 10 nnnnn ddddd" if not_64]
            Clz = "CLZ (vector)" [Base "0 q 1 01110 zz 10000 00100 10 nnnnn ddddd" if not_64]
            Cnt = "CNT" [Base "0 q 0 01110 00 10000 00101 10 nnnnn ddddd"]
            Not = "NOT" [Base "0 q 1 01110 00 10000 00101 10 nnnnn ddddd"]
            Rbit = "RBIT (vector)" [Base "0 q 1 01110 01 10000 00101 10 nnnnn ddddd"]
            Sadalp = "SADALP" [Base "0 q 0 01110 zz 10000 00110 10 nnnnn ddddd" if not_64]
            Uadalp = "UADALP" [Base "0 q 1 01110 zz 10000 00110 10 nnnnn ddddd" if not_64]
            Sqabs = "SQABS" [
                Base "0 q 0 01110 zz 10000 00111 10 nnnnn ddddd" if not_1d,
                Base "01 0 11110 zz 10000 00111 10 nnnnn ddddd",
            ]
            Sqneg = "SQNEG" [
                Base "0 q 1 01110 zz 10000 00111 10 nnnnn ddddd" if not_1d,
                Base "01 1 11110 zz 10000 00111 10 nnnnn ddddd",
            ]
            CmgtZero = "CMGT (zero)" [
                Base "0 q 0 01110 zz 10000 01000 10 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 10000 01000 10 nnnnn ddddd",
            ]
            CmgeZero = "CMGE (zero)" [
                Base "0 q 1 01110 zz 10000 01000 10 nnnnn ddddd" if not_1d,
                Base "01 1 11110 11 10000 01000 10 nnnnn ddddd",
            ]
            CmeqZero = "CMEQ (zero)" [
                Base "0 q 0 01110 zz 10000 01001 10 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 10000 01001 10 nnnnn ddddd",
            ]
            CmleZero = "CMLE (zero)" [
                Base "0 q 1 01110 zz 10000 01001 10 nnnnn ddddd" if not_1d,
                Base "01 1 11110 11 10000 01001 10 nnnnn ddddd",
            ]
            CmltZero = "CMLT (zero)" [
                Base "0 q 0 01110 zz 10000 01010 10 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 10000 01010 10 nnnnn ddddd",
            ]
            Abs = "ABS" [
                Base "0 q 0 01110 zz 10000 01011 10 nnnnn ddddd" if not_1d,
                Base "01 0 11110 11 10000 01011 10 nnnnn ddddd",
            ]
            Neg = "NEG (vector)" [
                Base "0 q 1 01110 zz 10000 01011 10 nnnnn ddddd" if not_1d,
                Base "01 1 11110 11 10000 01011 10 nnnnn ddddd",
            ]
            Xtn = "XTN, XTN2" [Base "0 q 0 01110 zz 10000 10010 10 nnnnn ddddd" if not_64]
            Sqxtun = "SQXTUN, SQXTUN2" [
                Base "0 q 1 01110 zz 10000 10010 10 nnnnn ddddd" if not_64,
                Base "01 1 11110 zz 10000 10010 10 nnnnn ddddd" if not_64,
            ]
            Shll = "SHLL, SHLL2" [Base "0 q 1 01110 zz 10000 10011 10 nnnnn ddddd" if not_64]
            Sqxtn = "SQXTN, SQXTN2" [
                Base "0 q 0 01110 zz 10000 10100 10 nnnnn ddddd" if not_64,
                Base "01 0 11110 zz 10000 10100 10 nnnnn ddddd" if not_64,
            ]
            Uqxtn = "UQXTN, UQXTN2" [
                Base "0 q 1 01110 zz 10000 10100 10 nnnnn ddddd" if not_64,
                Base "01 1 11110 zz 10000 10100 10 nnnnn ddddd" if not_64,
            ]
        }
        "Advanced SIMD two-register miscellaneous, floating-point" {
            Fcvtn = "FCVTN, FCVTN2" [Base "0 q 0 01110 0y 10000 10110 10 nnnnn ddddd"]
            Fcvtl = "FCVTL, FCVTL2" [Base "0 q 0 01110 0y 10000 10111 10 nnnnn ddddd"]
            Fcvtxn = "FCVTXN, FCVTXN2" [
                Base "0 q 1 01110 01 10000 10110 10 nnnnn ddddd",
                Base "01 1 11110 01 10000 10110 10 nnnnn ddddd",
            ]
            Bfcvtn = "BFCVTN, BFCVTN2" [Bf16 "0 q 0 01110 10 10000 10110 10 nnnnn ddddd"]
            Frintn = "FRINTN (vector)" [
                Base "0 q 0 01110 0y 10000 11000 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 0 1111 00 11000 10 nnnnn ddddd",
            ]
            Frintm = "FRINTM (vector)" [
                Base "0 q 0 01110 0y 10000 11001 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 0 1111 00 11001 10 nnnnn ddddd",
            ]
            Frintp = "FRINTP (vector)" [
                Base "0 q 0 01110 1y 10000 11000 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 1 1111 00 11000 10 nnnnn ddddd",
            ]
            Frintz = "FRINTZ (vector)" [
                Base "0 q 0 01110 1y 10000 11001 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 1 1111 00 11001 10 nnnnn ddddd",
            ]
            Frinta = "FRINTA (vector)" [
                Base "0 q 1 01110 0y 10000 11000 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 0 1111 00 11000 10 nnnnn ddddd",
            ]
            Frintx = "FRINTX (vector)" [
                Base "0 q 1 01110 0y 10000 11001 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 0 1111 00 11001 10 nnnnn ddddd",
            ]
            Frinti = "FRINTI (vector)" [
                Base "0 q 1 01110 1y 10000 11001 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 1 1111 00 11001 10 nnnnn ddddd",
            ]
            Frint32z = "FRINT32Z (vector)" [FrintTs "0 q 0 01110 0y 10000 11110 10 nnnnn ddddd" if float_lanes]
            Frint64z = "FRINT64Z (vector)" [FrintTs "0 q 0 01110 0y 10000 11111 10 nnnnn ddddd" if float_lanes]
            Frint32x = "FRINT32X (vector)" [FrintTs "0 q 1 01110 0y 10000 11110 10 nnnnn ddddd" if float_lanes]
            Frint64x = "FRINT64X (vector)" [FrintTs "0 q 1 01110 0y 10000 11111 10 nnnnn ddddd" if float_lanes]
            Fcvtns = "FCVTNS (vector)" [
                Base "0 q 0 01110 0y 10000 11010 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 0y 10000 11010 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 0 1111 00 11010 10 nnnnn ddddd",
                Fp16 "01 0 11110 0 1111 00 11010 10 nnnnn ddddd",
            ]
            Fcvtnu = "FCVTNU (vector)" [
                Base "0 q 1 01110 0y 10000 11010 10 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 0y 10000 11010 10 nnnnn ddddd",
                Fp16 "0 q 1 01110 0 1111 00 11010 10 nnnnn ddddd",
                Fp16 "01 1 11110 0 1111 00 11010 10 nnnnn ddddd",
            ]
            Fcvtms = "FCVTMS (vector)" [
                Base "0 q 0 01110 0y 10000 11011 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 0y 10000 11011 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 0 1111 00 11011 10 nnnnn ddddd",
                Fp16 "01 0 11110 0 1111 00 11011 10 nnnnn ddddd",
            ]
            Fcvtmu = "FCVTMU (vector)" [
                Base "0 q 1 01110 0y 10000 11011 10 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 0y 10000 11011 10 nnnnn ddddd",
                Fp16 "0 q 1 01110 0 1111 00 11011 10 nnnnn ddddd",
                Fp16 "01 1 11110 0 1111 00 11011 10 nnnnn ddddd",
            ]
            Fcvtas = "FCVTAS (vector)" [
                Base "0 q 0 01110 0y 10000 11100 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 0y 10000 11100 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 0 1111 00 11100 10 nnnnn ddddd",
                Fp16 "01 0 11110 0 1111 00 11100 10 nnnnn ddddd",
            ]
            Fcvtau = "FCVTAU (vector)" [
                Base "0 q 1 01110 0y 10000 11100 10 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 0y 10000 11100 10 nnnnn ddddd",
                Fp16 "0 q 1 01110 0 1111 00 11100 10 nnnnn ddddd",
                Fp16 "01 1 11110 0 1111 00 11100 10 nnnnn ddddd",
            ]
            Fcvtps = "FCVTPS (vector)" [
                Base "0 q 0 01110 1y 10000 11010 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 1y 10000 11010 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 1 1111 00 11010 10 nnnnn ddddd",
                Fp16 "01 0 11110 1 1111 00 11010 10 nnnnn ddddd",
            ]
            Fcvtpu = "FCVTPU (vector)" [
                Base "0 q 1 01110 1y 10000 11010 10 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 1y 10000 11010 10 nnnnn ddddd",
                Fp16 "0 q 1 01110 1 1111 00 11010 10 nnnnn ddddd",
                Fp16 "01 1 11110 1 1111 00 11010 10 nnnnn ddddd",
            ]
            Fcvtzs = "FCVTZS (vector, integer)" [
                Base "0 q 0 01110 1y 10000 11011 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 1y 10000 11011 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 1 1111 00 11011 10 nnnnn ddddd",
                Fp16 "01 0 11110 1 1111 00 11011 10 nnnnn ddddd",
            ]
            Fcvtzu = "FCVTZU (vector, integer)" [
                Base "0 q 1 01110 1y 10000 11011 10 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 1y 10000 11011 10 nnnnn ddddd",
                Fp16 "0 q 1 01110 1 1111 00 11011 10 nnnnn ddddd",
                Fp16 "01 1 11110 1 1111 00 11011 10 nnnnn ddddd",
            ]
            Scvtf = "SCVTF (vector, integer)" [
                Base "0 q 0 01110 0y 10000 11101 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 0y 10000 11101 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 0 1111 00 11101 10 nnnnn ddddd",
                Fp16 "01 0 11110 0 1111 00 11101 10 nnnnn ddddd",
            ]
            Ucvtf = "UCVTF (vector, integer)" [
                Base "0 q 1 01110 0y 10000 11101 10 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 0y 10000 11101 10 nnnnn ddddd",
                Fp16 "0 q 1 01110 0 1111 00 11101 10 nnnnn ddddd",
                Fp16 "01 1 11110 0 1111 00 11101 10 nnnnn ddddd",
            ]
            FcmgtZero = "FCMGT (zero)" [
                Base "0 q 0 01110 1y 10000 01100 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 1y 10000 01100 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 1 1111 00 01100 10 nnnnn ddddd",
                Fp16 "01 0 11110 1 1111 00 01100 10 nnnnn ddddd",
            ]
            FcmeqZero = "FCMEQ (zero)" [
                Base "0 q 0 01110 1y 10000 01101 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 1y 10000 01101 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 1 1111 00 01101 10 nnnnn ddddd",
                Fp16 "01 0 11110 1 1111 00 01101 10 nnnnn ddddd",
            ]
            FcmltZero = "FCMLT (zero)" [
                Base "0 q 0 01110 1y 10000 01110 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 1y 10000 01110 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 1 1111 00 01110 10 nnnnn ddddd",
                Fp16 "01 0 11110 1 1111 00 01110 10 nnnnn ddddd",
            ]
            FcmgeZero = "FCMGE (zero)" [
                Base "0 q 1 01110 1y 10000 01100 10 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 1y 10000 01100 10 nnnnn ddddd",
                Fp16 "0 q 1 01110 1 1111 00 01100 10 nnnnn ddddd",
                Fp16 "01 1 11110 1 1111 00 01100 10 nnnnn ddddd",
            ]
            FcmleZero = "FCMLE (zero)" [
                Base "0 q 1 01110 1y 10000 01101 10 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 1y 10000 01101 10 nnnnn ddddd",
                Fp16 "0 q 1 01110 1 1111 00 01101 10 nnnnn ddddd",
                Fp16 "01 1 11110 1 1111 00 01101 10 nnnnn ddddd",
            ]
            Fabs = "FABS (vector)" [
                Base "0 q 0 01110 1y 10000 01111 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 0 01110 1 1111 00 01111 10 nnnnn ddddd",
            ]
            Fneg = "FNEG (vector)" [
                Base "0 q 1 01110 1y 10000 01111 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 1 1111 00 01111 10 nnnnn ddddd",
            ]
            Fsqrt = "FSQRT (vector)" [
                Base "0 q 1 01110 1y 10000 11111 10 nnnnn ddddd" if float_lanes,
                Fp16 "0 q 1 01110 1 1111 00 11111 10 nnnnn ddddd",
            ]
            Frecpe = "FRECPE" [
                Base "0 q 0 01110 1y 10000 11101 10 nnnnn ddddd" if float_lanes,
                Base "01 0 11110 1y 10000 11101 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 1 1111 00 11101 10 nnnnn ddddd",
                Fp16 "01 0 11110 1 1111 00 11101 10 nnnnn ddddd",
            ]
            Frsqrte = "FRSQRTE" [
                Base "0 q 1 01110 1y 10000 11101 10 nnnnn ddddd" if float_lanes,
                Base "01 1 11110 1y 10000 11101 10 nnnnn ddddd",
                Fp16 "0 q 1 01110 1 1111 00 11101 10 nnnnn ddddd",
                Fp16 "01 1 11110 1 1111 00 11101 10 nnnnn ddddd",
            ]
            Frecpx = "FRECPX" [
                Base "01 0 11110 1y 10000 11111 10 nnnnn ddddd",
                Fp16 "01 0 11110 1 1111 00 11111 10 nnnnn ddddd",
            ]
            Urecpe = "URECPE" [Base "0 q 0 01110 10 10000 11100 10 nnnnn ddddd"]
            Ursqrte = "URSQRTE" [Base "0 q 1 01110 10 10000 11100 10 nnnnn ddddd"]
        }
        "Advanced SIMD across lanes" {
            Saddlv = "SADDLV" [Base "0 q 0 01110 zz 11000 00011 10 nnnnn ddddd" if across]
            Uaddlv = "UADDLV" [Base "0 q 1 01110 zz 11000 00011 10 nnnnn ddddd" if across]
            Smaxv = "SMAXV" [Base "0 q 0 01110 zz 11000 01010 10 nnnnn ddddd" if across]
            Umaxv = "UMAXV" [Base "0 q 1 01110 zz 11000 01010 10 nnnnn ddddd" if across]
            Sminv = "SMINV" [Base "0 q 0 01110 zz 11000 11010 10 nnnnn ddddd" if across]
            Uminv = "UMINV" [Base "0 q 1 01110 zz 11000 11010 10 nnnnn ddddd" if across]
            Addv = "ADDV" [Base "0 q 0 01110 zz 11000 11011 10 nnnnn ddddd" if across]
            Fmaxnmv = "FMAXNMV" [
                Base "0 1 1 01110 00 11000 01100 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 00 11000 01100 10 nnnnn ddddd",
            ]
            Fminnmv = "FMINNMV" [
                Base "0 1 1 01110 10 11000 01100 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 10 11000 01100 10 nnnnn ddddd",
            ]
            Fmaxv = "FMAXV" [
                Base "0 1 1 01110 00 11000 01111 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 00 11000 01111 10 nnnnn ddddd",
            ]
            Fminv = "FMINV" [
                Base "0 1 1 01110 10 11000 01111 10 nnnnn ddddd",
                Fp16 "0 q 0 01110 10 11000 01111 10 nnnnn ddddd",
            ]
        }
        "Advanced SIMD scalar pairwise" {
            AddpScalar = "ADDP (scalar)" [Base "01 0 11110 11 11000 11011 10 nnnnn ddddd"]
            FaddpScalar = "FADDP (scalar)" [
                Base "01 1 11110 0y 11000 01101 10 nnnnn ddddd",
                Fp16 "01 0 11110 00 11000 01101 10 nnnnn ddddd",
            ]
            FmaxnmpScalar = "FMAXNMP (scalar)" [
                Base "01 1 11110 0y 11000 01100 10 nnnnn ddddd",
                Fp16 "01 0 11110 00 11000 01100 10 nnnnn ddddd",
            ]
            FminnmpScalar = "FMINNMP (scalar)" [
                Base "01 1 11110 1y 11000 01100 10 nnnnn ddddd",
                Fp16 "01 0 11110 10 11000 01100 10 nnnnn ddddd",
            ]
            FmaxpScalar = "FMAXP (scalar)" [
                Base "01 1 11110 0y 11000 01111 10 nnnnn ddddd",
                Fp16 "01 0 11110 00 11000 01111 10 nnnnn ddddd",
            ]
            FminpScalar = "FMINP (scalar)" [
                Base "01 1 11110 1y 11000 01111 10 nnnnn ddddd",
                Fp16 "01 0 11110 10 11000 01111 10 nnnnn ddddd",
            ]
        }
    }
}
