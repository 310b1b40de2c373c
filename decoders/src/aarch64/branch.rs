//! Branches, exception generation and system instructions.

use super::table::section;

section! {
    /// Branches, exception generating and system instructions.
    Branch {
        "Conditional branch (immediate)" {
            BranchConditional = "B.cond" [Base "01010100 iiiiiiiiiiiiiiiiiii 0 cccc"]
        }
        "Unconditional branch (immediate)" {
            BranchImmediate = "B, BL" [Base "l 00101 iiiiiiiiiiiiiiiiiiiiiiiiii"]
        }
        "Compare and branch (immediate)" {
            CompareBranch = "CBZ, CBNZ" [Base "f 011010 o iiiiiiiiiiiiiiiiiii ttttt"]
        }
        "Test and branch (immediate)" {
            TestBranch = "TBZ, TBNZ" [Base "b 011011 o bbbbb iiiiiiiiiiiiii ttttt"]
        }
        "Unconditional branch (register)" {
            Br = "BR" [Base "1101011 0000 11111 000000 nnnnn 00000"]
            Blr = "BLR" [Base "1101011 0001 11111 000000 nnnnn 00000"]
            Ret = "RET" [Base "1101011 0010 11111 000000 nnnnn 00000"]
            Eret = "ERET" [Base "1101011 0100 11111 000000 11111 00000"]
            Drps = "DRPS" [Base "1101011 0101 11111 000000 11111 00000"]
            BrAuthenticated = "BRAA, BRAB, BRAAZ, BRABZ" [
                PAuth "1101011 0000 11111 00001 m nnnnn 11111",
                PAuth "1101011 1000 11111 00001 m nnnnn ddddd",
            ]
            BlrAuthenticated = "BLRAA, BLRAB, BLRAAZ, BLRABZ" [
                PAuth "1101011 0001 11111 00001 m nnnnn 11111",
                PAuth "1101011 1001 11111 00001 m nnnnn ddddd",
            ]
            RetAuthenticated = "RETAA, RETAB" [PAuth "1101011 0010 11111 00001 m 11111 11111"]
            EretAuthenticated = "ERETAA, ERETAB" [PAuth "1101011 0100 11111 00001 m 11111 11111"]
        }
        "Exception generation" {
            Svc = "SVC" [Base "11010100 000 iiiiiiiiiiiiiiii 000 01"]
            Hvc = "HVC" [Base "11010100 000 iiiiiiiiiiiiiiii 000 10"]
            Smc = "SMC" [Base "11010100 000 iiiiiiiiiiiiiiii 000 11"]
            Brk = "BRK" [Base "11010100 001 iiiiiiiiiiiiiiii 000 00"]
            Hlt = "HLT" [Base "11010100 010 iiiiiiiiiiiiiiii 000 00"]
            Dcps = "DCPS1, DCPS2, DCPS3" [Base "11010100 101 iiiiiiiiiiiiiiii 000 ll" if |word| word & 3 != 0]
        }
        "Reserved" {
            Udf = "UDF" [Base "0000000000000000 iiiiiiiiiiiiiiii"]
        }
        "Hints" {
            Hint = "HINT (NOP, YIELD, WFE, WFI, SEV, SEVL, ESB, PSB, TSB, CSDB, BTI, PACIASP, ...)" [
                Base "1101010100 0 00 011 0010 mmmm ooo 11111",
            ]
        }
        "Barriers" {
            Clrex = "CLREX" [Base "1101010100 0 00 011 0011 mmmm 010 11111"]
            Dsb = "DSB" [Base "1101010100 0 00 011 0011 mmmm 100 11111"]
            Dmb = "DMB" [Base "1101010100 0 00 011 0011 mmmm 101 11111"]
            Isb = "ISB" [Base "1101010100 0 00 011 0011 mmmm 110 11111"]
            Sb = "SB" [Sb "1101010100 0 00 011 0011 mmmm 111 11111"]
        }
        "PSTATE" {
            Cfinv = "CFINV" [FlagM "1101010100 0 00 000 0100 mmmm 000 11111"]
            Xaflag = "XAFLAG" [FlagM2 "1101010100 0 00 000 0100 mmmm 001 11111"]
            Axflag = "AXFLAG" [FlagM2 "1101010100 0 00 000 0100 mmmm 010 11111"]
            MsrImmediate = "MSR (immediate)" [Base "1101010100 0 00 ppp 0100 mmmm ppp 11111"]
        }
        "System instructions" {
            Sys = "SYS (AT, DC, IC, TLBI, ...)" [Base "1101010100 0 01 ooo nnnn mmmm ooo ttttt"]
            Sysl = "SYSL" [Base "1101010100 1 01 ooo nnnn mmmm ooo ttttt"]
        }
        "System register move" {
            Msr = "MSR (register)" [Base "1101010100 0 1 o ooo nnnn mmmm ooo ttttt"]
            Mrs = "MRS" [Base "1101010100 1 1 o ooo nnnn mmmm ooo ttttt"]
        }
    }
}
