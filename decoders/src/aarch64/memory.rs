//! Loads and stores.

use super::condition::*;
use super::table::section;

section! {
    /// Loads, stores, prefetches and atomic memory operations.
    Memory {
        "Load/store exclusive register" {
            StoreExclusive = "STXR, STLXR (B, H)" [Base "zz 001000 0 0 0 sssss o uuuuu nnnnn ttttt"]
            LoadExclusive = "LDXR, LDAXR (B, H)" [Base "zz 001000 0 1 0 sssss o uuuuu nnnnn ttttt"]
        }
        "Load/store exclusive pair" {
            StoreExclusivePair = "STXP, STLXP" [Base "1 z 001000 0 0 1 sssss o uuuuu nnnnn ttttt"]
            LoadExclusivePair = "LDXP, LDAXP" [Base "1 z 001000 0 1 1 sssss o uuuuu nnnnn ttttt"]
        }
        "Load/store ordered" {
            StoreRelease = "STLR (B, H)" [Base "zz 001000 1 0 0 sssss 1 uuuuu nnnnn ttttt"]
            StoreLoRelease = "STLLR (B, H)" [Lor "zz 001000 1 0 0 sssss 0 uuuuu nnnnn ttttt"]
            LoadAcquire = "LDAR (B, H)" [Base "zz 001000 1 1 0 sssss 1 uuuuu nnnnn ttttt"]
            LoadLoAcquire = "LDLAR (B, H)" [Lor "zz 001000 1 1 0 sssss 0 uuuuu nnnnn ttttt"]
        }
        "Compare and swap" {
            Cas = "CAS, CASA, CASAL, CASL (B, H)" [Lse "zz 001000 1 l 1 sssss o 11111 nnnnn ttttt"]
            Casp = "CASP, CASPA, CASPAL, CASPL" [Lse "0 z 001000 0 l 1 sssss o 11111 nnnnn ttttt" if even_pairs]
        }
        "LDAPR/STLR (unscaled immediate)" {
            StoreReleaseUnscaled = "STLUR (B, H)" [Rcpc2 "zz 011001 00 0 iiiiiiiii 00 nnnnn ttttt"]
            LoadAcquireUnscaled = "LDAPUR (B, H, SB, SH, SW)" [
                Rcpc2 "zz 011001 oo 0 iiiiiiiii 00 nnnnn ttttt" if integer_transfer,
            ]
        }
        "Load register (literal)" {
            LoadLiteral = "LDR, LDRSW (literal)" [
                Base "0 o 011 0 00 iiiiiiiiiiiiiiiiiii ttttt",
                Base "10 011 0 00 iiiiiiiiiiiiiiiiiii ttttt",
            ]
            PrefetchLiteral = "PRFM (literal)" [Base "11 011 0 00 iiiiiiiiiiiiiiiiiii ttttt"]
            LoadLiteralVector = "LDR (literal, SIMD&FP)" [
                Base "oo 011 1 00 iiiiiiiiiiiiiiiiiii ttttt" if vector_pair,
            ]
        }
        "Load/store no-allocate pair (offset)" {
            PairNoAllocate = "STNP, LDNP" [Base "oo 101 0 000 l iiiiiii uuuuu nnnnn ttttt" if plain_pair]
            PairNoAllocateVector = "STNP, LDNP (SIMD&FP)" [
                Base "oo 101 1 000 l iiiiiii uuuuu nnnnn ttttt" if vector_pair,
            ]
        }
        "Load/store register pair (post-indexed)" {
            PairPost = "STP, LDP, LDPSW (post-indexed)" [Base "oo 101 0 001 l iiiiiii uuuuu nnnnn ttttt" if integer_pair]
            PairPostVector = "STP, LDP (SIMD&FP, post-indexed)" [
                Base "oo 101 1 001 l iiiiiii uuuuu nnnnn ttttt" if vector_pair,
            ]
        }
        "Load/store register pair (offset)" {
            PairOffset = "STP, LDP, LDPSW (offset)" [Base "oo 101 0 010 l iiiiiii uuuuu nnnnn ttttt" if integer_pair]
            PairOffsetVector = "STP, LDP (SIMD&FP, offset)" [
                Base "oo 101 1 010 l iiiiiii uuuuu nnnnn ttttt" if vector_pair,
            ]
        }
        "Load/store register pair (pre-indexed)" {
            PairPre = "STP, LDP, LDPSW (pre-indexed)" [Base "oo 101 0 011 l iiiiiii uuuuu nnnnn ttttt" if integer_pair]
            PairPreVector = "STP, LDP (SIMD&FP, pre-indexed)" [
                Base "oo 101 1 011 l iiiiiii uuuuu nnnnn ttttt" if vector_pair,
            ]
        }
        "Load/store register (unscaled immediate)" {
            PrefetchUnscaled = "PRFUM" [Base "11 111 0 00 10 0 iiiiiiiii 00 nnnnn ttttt"]
            Unscaled = "STUR, LDUR (B, H, SB, SH, SW)" [
                Base "zz 111 0 00 oo 0 iiiiiiiii 00 nnnnn ttttt" if integer_transfer,
            ]
            UnscaledVector = "STUR, LDUR (SIMD&FP)" [
                Base "zz 111 1 00 oo 0 iiiiiiiii 00 nnnnn ttttt" if vector_transfer,
            ]
        }
        "Load/store register (immediate post-indexed)" {
            Post = "STR, LDR (B, H, SB, SH, SW; post-indexed)" [
                Base "zz 111 0 00 oo 0 iiiiiiiii 01 nnnnn ttttt" if integer_transfer,
            ]
            PostVector = "STR, LDR (SIMD&FP, post-indexed)" [
                Base "zz 111 1 00 oo 0 iiiiiiiii 01 nnnnn ttttt" if vector_transfer,
            ]
        }
        "Load/store register (unprivileged)" {
            Unprivileged = "STTR, LDTR (B, H, SB, SH, SW)" [
                Base "zz 111 0 00 oo 0 iiiiiiiii 10 nnnnn ttttt" if integer_transfer,
            ]
        }
        "Load/store register (immediate pre-indexed)" {
            Pre = "STR, LDR (B, H, SB, SH, SW; pre-indexed)" [
                Base "zz 111 0 00 oo 0 iiiiiiiii 11 nnnnn ttttt" if integer_transfer,
            ]
            PreVector = "STR, LDR (SIMD&FP, pre-indexed)" [
                Base "zz 111 1 00 oo 0 iiiiiiiii 11 nnnnn ttttt" if vector_transfer,
            ]
        }
        "Atomic memory operations" {
            Atomic = "LDADD, LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN (A, AL, L; B, H)" [
                Lse "zz 111 0 00 a r 1 sssss 0 ooo 00 nnnnn ttttt",
            ]
            Swp = "SWP (A, AL, L; B, H)" [Lse "zz 111 0 00 a r 1 sssss 1 000 00 nnnnn ttttt"]
            LoadAcquirePc = "LDAPR (B, H)" [Rcpc "zz 111 0 00 1 0 1 11111 1 100 00 nnnnn ttttt"]
        }
        "Load/store register (pac)" {
            LoadAuthenticated = "LDRAA, LDRAB" [PAuth "11 111 0 00 m s 1 iiiiiiiii w 1 nnnnn ttttt"]
        }
        "Load/store register (register offset)" {
            PrefetchRegister = "PRFM (register)" [Base "11 111 0 00 10 1 mmmmm eee s 10 nnnnn ttttt" if prefetch_offset]
            RegisterOffset = "STR, LDR (B, H, SB, SH, SW; register)" [
                Base "zz 111 0 00 oo 1 mmmmm eee s 10 nnnnn ttttt" if integer_offset,
            ]
            RegisterOffsetVector = "STR, LDR (SIMD&FP, register)" [
                Base "zz 111 1 00 oo 1 mmmmm eee s 10 nnnnn ttttt" if vector_offset,
            ]
        }
        "Load/store register (unsigned immediate)" {
            PrefetchUnsigned = "PRFM (immediate)" [Base "11 111 0 01 10 iiiiiiiiiiii nnnnn ttttt"]
            Unsigned = "STR, LDR (B, H, SB, SH, SW; unsigned offset)" [
                Base "zz 111 0 01 oo iiiiiiiiiiii nnnnn ttttt" if integer_transfer,
            ]
            UnsignedVector = "STR, LDR (SIMD&FP, unsigned offset)" [
                Base "zz 111 1 01 oo iiiiiiiiiiii nnnnn ttttt" if vector_transfer,
            ]
        }
        "Advanced SIMD load/store multiple structures" {
            Multiple = "LD1, LD2, LD3, LD4, ST1, ST2, ST3, ST4 (multiple structures)" [
                Base "0 q 0011000 l 000000 oooo zz nnnnn ttttt" if multiple_structures,
            ]
            MultiplePost = "LD1, LD2, LD3, LD4, ST1, ST2, ST3, ST4 (multiple structures, post-indexed)" [
                Base "0 q 0011001 l 0 mmmmm oooo zz nnnnn ttttt" if multiple_structures,
            ]
        }
        "Advanced SIMD load/store single structure" {
            Single = "LD1, LD2, LD3, LD4, ST1, ST2, ST3, ST4 (single structure)" [
                Base "0 q 0011010 l r 00000 ooo s zz nnnnn ttttt" if single_structure,
            ]
            SinglePost = "LD1, LD2, LD3, LD4, ST1, ST2, ST3, ST4 (single structure, post-indexed)" [
                Base "0 q 0011011 l r mmmmm ooo s zz nnnnn ttttt" if single_structure,
            ]
            Replicate = "LD1R, LD2R, LD3R, LD4R" [Base "0 q 0011010 1 r 00000 11o 0 zz nnnnn ttttt"]
            ReplicatePost = "LD1R, LD2R, LD3R, LD4R (post-indexed)" [
                Base "0 q 0011011 1 r mmmmm 11o 0 zz nnnnn ttttt",
            ]
        }
    }
}
