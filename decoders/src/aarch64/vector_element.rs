//! Advanced SIMD, vector by indexed element.

use super::condition::*;
use super::table::section;

section! {
    /// The second operand is one lane; scalar forms are the same instruction with bit 28 set.
    VectorElement {
        "Advanced SIMD vector x indexed element" {
            Mla = "MLA (by element)" [Base "0 q 1 01111 zz l mmmmm 0000 h 0 nnnnn ddddd" if lanes_16_32]
            Mls = "MLS (by element)" [Base "0 q 1 01111 zz l mmmmm 0100 h 0 nnnnn ddddd" if lanes_16_32]
            Mul = "MUL (by element)" [Base "0 q 0 01111 zz l mmmmm 1000 h 0 nnnnn ddddd" if lanes_16_32]
            Smlal = "SMLAL, SMLAL2 (by element)" [Base "0 q 0 01111 zz l mmmmm 0010 h 0 nnnnn ddddd" if lanes_16_32]
            Umlal = "UMLAL, UMLAL2 (by element)" [Base "0 q 1 01111 zz l mmmmm 0010 h 0 nnnnn ddddd" if lanes_16_32]
            Smlsl = "SMLSL, SMLSL2 (by element)" [Base "0 q 0 01111 zz l mmmmm 0110 h 0 nnnnn ddddd" if lanes_16_32]
            Umlsl = "UMLSL, UMLSL2 (by element)" [Base "0 q 1 01111 zz l mmmmm 0110 h 0 nnnnn ddddd" if lanes_16_32]
            Smull = "SMULL, SMULL2 (by element)" [Base "0 q 0 01111 zz l mmmmm 1010 h 0 nnnnn ddddd" if lanes_16_32]
            Umull = "UMULL, UMULL2 (by element)" [Base "0 q 1 01111 zz l mmmmm 1010 h 0 nnnnn ddddd" if lanes_16_32]
            Sqdmlal = "SQDMLAL, SQDMLAL2 (by element)" [
                Base "0 q 0 01111 zz l mmmmm 0011 h 0 nnnnn ddddd" if lanes_16_32,
                Base "01 0 11111 zz l mmmmm 0011 h 0 nnnnn ddddd" if lanes_16_32,
            ]
            Sqdmlsl = "SQDMLSL, SQDMLSL2 (by element)" [
                Base "0 q 0 01111 zz l mmmmm 0111 h 0 nnnnn ddddd" if lanes_16_32,
                Base "01 0 11111 zz l mmmmm 0111 h 0 nnnnn ddddd" if lanes_16_32,
            ]
            Sqdmull = "SQDMULL, SQDMULL2 (by element)" [
                Base "0 q 0 01111 zz l mmmmm 1011 h 0 nnnnn ddddd" if lanes_16_32,
                Base "01 0 11111 zz l mmmmm 1011 h 0 nnnnn ddddd" if lanes_16_32,
            ]
            Sqdmulh = "SQDMULH (by element)" [
                Base "0 q 0 01111 zz l mmmmm 1100 h 0 nnnnn ddddd" if lanes_16_32,
                Base "01 0 11111 zz l mmmmm 1100 h 0 nnnnn ddddd" if lanes_16_32,
            ]
            Sqrdmulh = "SQRDMULH (by element)" [
                Base "0 q 0 01111 zz l mmmmm 1101 h 0 nnnnn ddddd" if lanes_16_32,
                Base "01 0 11111 zz l mmmmm 1101 h 0 nnnnn ddddd" if lanes_16_32,
            ]
            Sqrdmlah = "SQRDMLAH (by element)" [
                Rdm "0 q 1 01111 zz l mmmmm 1101 h 0 nnnnn ddddd" if lanes_16_32,
                Rdm "01 1 11111 zz l mmmmm 1101 h 0 nnnnn ddddd" if lanes_16_32,
            ]
            Sqrdmlsh = "SQRDMLSH (by element)" [
                Rdm "0 q 1 01111 zz l mmmmm 1111 h 0 nnnnn ddddd" if lanes_16_32,
                Rdm "01 1 11111 zz l mmmmm 1111 h 0 nnnnn ddddd" if lanes_16_32,
            ]
            Fmla = "FMLA (by element)" [
                Base "0 q 0 01111 1y l mmmmm 0001 h 0 nnnnn ddddd" if float_vector_element,
                Base "01 0 11111 1y l mmmmm 0001 h 0 nnnnn ddddd" if float_element,
                Fp16 "0 q 0 01111 00 l mmmmm 0001 h 0 nnnnn ddddd",
                Fp16 "01 0 11111 00 l mmmmm 0001 h 0 nnnnn ddddd",
            ]
            Fmls = "FMLS (by element)" [
                Base "0 q 0 01111 1y l mmmmm 0101 h 0 nnnnn ddddd" if float_vector_element,
                Base "01 0 11111 1y l mmmmm 0101 h 0 nnnnn ddddd" if float_element,
                Fp16 "0 q 0 01111 00 l mmmmm 0101 h 0 nnnnn ddddd",
                Fp16 "01 0 11111 00 l mmmmm 0101 h 0 nnnnn ddddd",
            ]
            Fmul = "FMUL (by element)" [
                Base "0 q 0 01111 1y l mmmmm 1001 h 0 nnnnn ddddd" if float_vector_element,
                Base "01 0 11111 1y l mmmmm 1001 h 0 nnnnn ddddd" if float_element,
                Fp16 "0 q 0 01111 00 l mmmmm 1001 h 0 nnnnn ddddd",
                Fp16 "01 0 11111 00 l mmmmm 1001 h 0 nnnnn ddddd",
            ]
            Fmulx = "FMULX (by element)" [
                Base "0 q 1 01111 1y l mmmmm 1001 h 0 nnnnn ddddd" if float_vector_element,
                Base "01 1 11111 1y l mmmmm 1001 h 0 nnnnn ddddd" if float_element,
                Fp16 "0 q 1 01111 00 l mmmmm 1001 h 0 nnnnn ddddd",
                Fp16 "01 1 11111 00 l mmmmm 1001 h 0 nnnnn ddddd",
            ]
            Fmlal = "FMLAL (by element)" [Fhm "0 q 0 01111 10 l mmmmm 0000 h 0 nnnnn ddddd"]
            Fmlsl = "FMLSL (by element)" [Fhm "0 q 0 01111 10 l mmmmm 0100 h 0 nnnnn ddddd"]
            Fmlal2 = "FMLAL2 (by element)" [Fhm "0 q 1 01111 10 l mmmmm 1000 h 0 nnnnn ddddd"]
            Fmlsl2 = "FMLSL2 (by element)" [Fhm "0 q 1 01111 10 l mmmmm 1100 h 0 nnnnn ddddd"]
            Fcmla = "FCMLA (by element)" [
                Fp16Fcma "0 q 1 01111 01 l mmmmm 0rr1 h 0 nnnnn ddddd" if complex_element_16,
                Fcma "0 1 1 01111 10 0 mmmmm 0rr1 h 0 nnnnn ddddd",
            ]
            Sdot = "SDOT (by element)" [DotProd "0 q 0 01111 10 l mmmmm 1110 h 0 nnnnn ddddd"]
            Udot = "UDOT (by element)" [DotProd "0 q 1 01111 10 l mmmmm 1110 h 0 nnnnn ddddd"]
            Sudot = "SUDOT (by element)" [I8mm "0 q 0 01111 00 l mmmmm 1111 h 0 nnnnn ddddd"]
            Usdot = "USDOT (by element)" [I8mm "0 q 0 01111 10 l mmmmm 1111 h 0 nnnnn ddddd"]
            Bfdot = "BFDOT (by element)" [Bf16 "0 q 0 01111 01 l mmmmm 1111 h 0 nnnnn ddddd"]
            Bfmlal = "BFMLALB, BFMLALT (by element)" [Bf16 "0 q 0 01111 11 l mmmmm 1111 h 0 nnnnn ddddd"]
        }
    }
}
