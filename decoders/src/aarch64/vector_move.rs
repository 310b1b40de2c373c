//! Advanced SIMD, moves of lanes: copy, modified immediate, permute, extract, table lookup.

use super::condition::*;
use super::table::section;

section! {
    /// Moves of lanes.
    VectorMove {
        "Advanced SIMD copy" {
            DupElement = "DUP (element)" [
                Base "0 q 0 01110000 iiiii 0 0000 1 nnnnn ddddd" if dup,
                Base "01 0 11110000 iiiii 0 0000 1 nnnnn ddddd" if lane,
            ]
            DupGeneral = "DUP (general)" [Base "0 q 0 01110000 iiiii 0 0001 1 nnnnn ddddd" if dup]
            InsGeneral = "INS (general)" [Base "0 1 0 01110000 iiiii 0 0011 1 nnnnn ddddd" if lane]
            Smov = "SMOV" [Base "0 q 0 01110000 iiiii 0 0101 1 nnnnn ddddd" if smov]
            Umov = "UMOV" [Base "0 q 0 01110000 iiiii 0 0111 1 nnnnn ddddd" if umov]
            InsElement = "INS (element)" [Base "0 1 1 01110000 iiiii 0 jjjj 1 nnnnn ddddd" if lane]
        }
        "Advanced SIMD modified immediate" {
            ModifiedImmediate = "MOVI, MVNI, ORR, BIC (vector, immediate), FMOV (vector, immediate)" [
                Base "0 q o 0111100000 abc cccc 0 1 defgh ddddd" if modified_immediate,
            ]
            FmovHalfImmediate = "FMOV (vector, immediate, half-precision)" [
                Fp16 "0 q 0 0111100000 abc 1111 1 1 defgh ddddd",
            ]
        }
        "Advanced SIMD permute" {
            Uzp1 = "UZP1" [Base "0 q 0 01110 zz 0 mmmmm 0 001 10 nnnnn ddddd" if not_1d]
            Trn1 = "TRN1" [Base "0 q 0 01110 zz 0 mmmmm 0 010 10 nnnnn ddddd" if not_1d]
            Zip1 = "ZIP1" [Base "0 q 0 01110 zz 0 mmmmm 0 011 10 nnnnn ddddd" if not_1d]
            Uzp2 = "UZP2" [Base "0 q 0 01110 zz 0 mmmmm 0 101 10 nnnnn ddddd" if not_1d]
            Trn2 = "TRN2" [Base "0 q 0 01110 zz 0 mmmmm 0 110 10 nnnnn ddddd" if not_1d]
            Zip2 = "ZIP2" [Base "0 q 0 01110 zz 0 mmmmm 0 111 10 nnnnn ddddd" if not_1d]
        }
        "Advanced SIMD extract" {
            Ext = "EXT" [Base "0 q 10 1110 000 mmmmm 0 iiii 0 nnnnn ddddd" if ext]
        }
        "Advanced SIMD table lookup" {
            Tbl = "TBL" [Base "0 q 00 1110 000 mmmmm 0 ll 0 00 nnnnn ddddd"]
            Tbx = "TBX" [Base "0 q 00 1110 000 mmmmm 0 ll 1 00 nnnnn ddddd"]
        }
    }
}
