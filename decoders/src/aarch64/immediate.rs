//! Data processing, immediate.

use super::condition::*;
use super::table::section;

section! {
    /// Instructions with an immediate operand.
    Immediate {
        "PC-rel. addressing" {
            Adr = "ADR, ADRP" [Base "p ii 10000 iiiiiiiiiiiiiiiiiii ddddd"]
        }
        "Add/subtract (immediate)" {
            AddSub = "ADD, ADDS, SUB, SUBS (immediate)" [Base "f o s 100010 h iiiiiiiiiiii nnnnn ddddd"]
        }
        "Logical (immediate)" {
            Logical = "AND, ORR, EOR, ANDS (immediate)" [Base "f oo 100100 N rrrrrr ssssss nnnnn ddddd" if bit_mask]
        }
        "Move wide (immediate)" {
            MoveWide = "MOVN, MOVZ, MOVK" [Base "f oo 100101 hh iiiiiiiiiiiiiiii ddddd" if move_wide]
        }
        "Bitfield" {
            Bitfield = "SBFM, BFM, UBFM" [Base "f oo 100110 N rrrrrr ssssss nnnnn ddddd" if bitfield]
        }
        "Extract" {
            Extract = "EXTR" [Base "f 00 100111 N 0 mmmmm ssssss nnnnn ddddd" if extract]
        }
    }
}
