//! Advanced SIMD, three vectors of different arrangements: widening and narrowing arithmetic.

use super::condition::*;
use super::table::section;

section! {
    /// Operands and result have different lane sizes; scalar forms are the same instruction with bit 28 set.
    VectorDifferent {
        "Advanced SIMD three different" {
            Saddl = "SADDL, SADDL2" [Base "0 q 0 01110 zz 1 mmmmm 0000 00 nnnnn ddddd" if not_64]
            Uaddl = "UADDL, UADDL2" [Base "0 q 1 01110 zz 1 mmmmm 0000 00 nnnnn ddddd" if not_64]
            Saddw = "SADDW, SADDW2" [Base "0 q 0 01110 zz 1 mmmmm 0001 00 nnnnn ddddd" if not_64]
            Uaddw = "UADDW, UADDW2" [Base "0 q 1 01110 zz 1 mmmmm 0001 00 nnnnn ddddd" if not_64]
            Ssubl = "SSUBL, SSUBL2" [Base "0 q 0 01110 zz 1 mmmmm 0010 00 nnnnn ddddd" if not_64]
            Usubl = "USUBL, USUBL2" [Base "0 q 1 01110 zz 1 mmmmm 0010 00 nnnnn ddddd" if not_64]
            Ssubw = "SSUBW, SSUBW2" [Base "0 q 0 01110 zz 1 mmmmm 0011 00 nnnnn ddddd" if not_64]
            Usubw = "USUBW, USUBW2" [Base "0 q 1 01110 zz 1 mmmmm 0011 00 nnnnn ddddd" if not_64]
            Addhn = "ADDHN, ADDHN2" [Base "0 q 0 01110 zz 1 mmmmm 0100 00 nnnnn ddddd" if not_64]
            Raddhn = "RADDHN, RADDHN2" [Base "0 q 1 01110 zz 1 mmmmm 0100 00 nnnnn ddddd" if not_64]
            Sabal = "SABAL, SABAL2" [Base "0 q 0 01110 zz 1 mmmmm 0101 00 nnnnn ddddd" if not_64]
            Uabal = "UABAL, UABAL2" [Base "0 q 1 01110 zz 1 mmmmm 0101 00 nnnnn ddddd" if not_64]
            Subhn = "SUBHN, SUBHN2" [Base "0 q 0 01110 zz 1 mmmmm 0110 00 nnnnn ddddd" if not_64]
            Rsubhn = "RSUBHN, RSUBHN2" [Base "0 q 1 01110 zz 1 mmmmm 0110 00 nnnnn ddddd" if not_64]
            Sabdl = "SABDL, SABDL2" [Base "0 q 0 01110 zz 1 mmmmm 0111 00 nnnnn ddddd" if not_64]
            Uabdl = "UABDL, UABDL2" [Base "0 q 1 01110 zz 1 mmmmm 0111 00 nnnnn ddddd" if not_64]
            SmlalVector = "SMLAL, SMLAL2 (vector)" [Base "0 q 0 01110 zz 1 mmmmm 1000 00 nnnnn ddddd" if not_64]
            UmlalVector = "UMLAL, UMLAL2 (vector)" [Base "0 q 1 01110 zz 1 mmmmm 1000 00 nnnnn ddddd" if not_64]
            SmlslVector = "SMLSL, SMLSL2 (vector)" [Base "0 q 0 01110 zz 1 mmmmm 1010 00 nnnnn ddddd" if not_64]
            UmlslVector = "UMLSL, UMLSL2 (vector)" [Base "0 q 1 01110 zz 1 mmmmm 1010 00 nnnnn ddddd" if not_64]
            SmullVector = "SMULL, SMULL2 (vector)" [Base "0 q 0 01110 zz 1 mmmmm 1100 00 nnnnn ddddd" if not_64]
            UmullVector = "UMULL, UMULL2 (vector)" [Base "0 q 1 01110 zz 1 mmmmm 1100 00 nnnnn ddddd" if not_64]
            SqdmlalVector = "SQDMLAL, SQDMLAL2 (vector)" [
                Base "0 q 0 01110 zz 1 mmmmm 1001 00 nnnnn ddddd" if lanes_16_32,
                Base "01 0 11110 zz 1 mmmmm 1001 00 nnnnn ddddd" if lanes_16_32,
            ]
            SqdmlslVector = "SQDMLSL, SQDMLSL2 (vector)" [
                Base "0 q 0 01110 zz 1 mmmmm 1011 00 nnnnn ddddd" if lanes_16_32,
                Base "01 0 11110 zz 1 mmmmm 1011 00 nnnnn ddddd" if lanes_16_32,
            ]
            SqdmullVector = "SQDMULL, SQDMULL2 (vector)" [
                Base "0 q 0 01110 zz 1 mmmmm 1101 00 nnnnn ddddd" if lanes_16_32,
                Base "01 0 11110 zz 1 mmmmm 1101 00 nnnnn ddddd" if lanes_16_32,
            ]
            Pmull = "PMULL, PMULL2" [
                Base "0 q 0 01110 00 1 mmmmm 1110 00 nnnnn ddddd",
                Aes "0 q 0 01110 11 1 mmmmm 1110 00 nnnnn ddddd",
            ]
        }
    }
}
