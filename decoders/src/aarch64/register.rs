//! Data processing, register.

use super::condition::*;
use super::table::section;

section! {
    /// Instructions on integer registers.
    Register {
        "Logical (shifted register)" {
            Logical = "AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS (shifted register)" [
                Base "f oo 01010 hh N mmmmm iiiiii nnnnn ddddd" if shift_fits,
            ]
        }
        "Add/subtract (shifted register)" {
            AddSubShifted = "ADD, ADDS, SUB, SUBS (shifted register)" [
                Base "f o s 01011 hh 0 mmmmm iiiiii nnnnn ddddd" if add_shift,
            ]
        }
        "Add/subtract (extended register)" {
            AddSubExtended = "ADD, ADDS, SUB, SUBS (extended register)" [
                Base "f o s 01011 00 1 mmmmm eee iii nnnnn ddddd" if extend_shift,
            ]
        }
        "Add/subtract (with carry)" {
            AddSubCarry = "ADC, ADCS, SBC, SBCS" [Base "f o s 11010000 mmmmm 000000 nnnnn ddddd"]
        }
        "Rotate right into flags" {
            Rmif = "RMIF" [FlagM "1 0 1 11010000 iiiiii 00001 nnnnn 0 mmmm"]
        }
        "Evaluate into flags" {
            Setf = "SETF8, SETF16" [FlagM "0 0 1 11010000 000000 z 0010 nnnnn 0 1101"]
        }
        "Conditional compare (register)" {
            CompareRegister = "CCMN, CCMP (register)" [Base "f o 1 11010010 mmmmm cccc 0 0 nnnnn 0 vvvv"]
        }
        "Conditional compare (immediate)" {
            CompareImmediate = "CCMN, CCMP (immediate)" [Base "f o 1 11010010 iiiii cccc 1 0 nnnnn 0 vvvv"]
        }
        "Conditional select" {
            Select = "CSEL, CSINC, CSINV, CSNEG" [Base "f o 0 11010100 mmmmm cccc 0 o nnnnn ddddd"]
        }
        "Data-processing (1 source)" {
            Rbit = "RBIT" [Base "f 1 0 11010110 00000 000000 nnnnn ddddd"]
            Rev16 = "REV16" [Base "f 1 0 11010110 00000 000001 nnnnn ddddd"]
            Rev32 = "REV (32-bit), REV32" [Base "f 1 0 11010110 00000 000010 nnnnn ddddd"]
            Rev64 = "REV (64-bit)" [Base "1 1 0 11010110 00000 000011 nnnnn ddddd"]
            Clz = "CLZ" [Base "f 1 0 11010110 00000 000100 nnnnn ddddd"]
            Cls = "CLS" [Base "f 1 0 11010110 00000 000101 nnnnn ddddd"]
            Pac = "PACIA, PACIB, PACDA, PACDB, AUTIA, AUTIB, AUTDA, AUTDB" [
                PAuth "1 1 0 11010110 00001 000 ooo nnnnn ddddd",
            ]
            PacZero = "PACIZA, PACIZB, PACDZA, PACDZB, AUTIZA, AUTIZB, AUTDZA, AUTDZB" [
                PAuth "1 1 0 11010110 00001 001 ooo 11111 ddddd",
            ]
            Xpac = "XPACI, XPACD" [PAuth "1 1 0 11010110 00001 01000 o 11111 ddddd"]
        }
        "Data-processing (2 source)" {
            Udiv = "UDIV" [Base "f 0 0 11010110 mmmmm 000010 nnnnn ddddd"]
            Sdiv = "SDIV" [Base "f 0 0 11010110 mmmmm 000011 nnnnn ddddd"]
            ShiftVariable = "LSLV, LSRV, ASRV, RORV" [Base "f 0 0 11010110 mmmmm 0010 hh nnnnn ddddd"]
            Pacga = "PACGA" [PAuth "1 0 0 11010110 mmmmm 001100 nnnnn ddddd"]
            Crc32 = "CRC32B, CRC32H, CRC32W, CRC32X, CRC32CB, CRC32CH, CRC32CW, CRC32CX" [
                Crc32 "f 0 0 11010110 mmmmm 010 c zz nnnnn ddddd" if crc,
            ]
        }
        "Data-processing (3 source)" {
            MultiplyAdd = "MADD, MSUB" [Base "f 00 11011 000 mmmmm o aaaaa nnnnn ddddd"]
            MultiplyAddLong = "SMADDL, SMSUBL, UMADDL, UMSUBL" [Base "1 00 11011 u01 mmmmm o aaaaa nnnnn ddddd"]
            MultiplyHigh = "SMULH, UMULH" [Base "1 00 11011 u10 mmmmm 0 aaaaa nnnnn ddddd"]
        }
    }
}
