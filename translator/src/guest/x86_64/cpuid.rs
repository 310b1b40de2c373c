//! What `cpuid` answers: the features whose instructions are lifted, and nothing else. (Intel SDM volume 2A, CPUID)

/// The four result registers of one leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Leaf {
    /// EAX.
    pub eax: u32,
    /// EBX.
    pub ebx: u32,
    /// ECX.
    pub ecx: u32,
    /// EDX.
    pub edx: u32,
}

const MAX_BASIC: u32 = 7;
const MAX_EXTENDED: u32 = 0x8000_0008;

/// EDX of leaf 1: FPU, TSC, CX8, CMOV, CLFSH, MMX, FXSR, SSE, SSE2.
const FEATURES_EDX: u32 = 1 | 1 << 4 | 1 << 8 | 1 << 15 | 1 << 19 | 1 << 23 | 1 << 24 | 1 << 25 | 1 << 26;
/// ECX of leaf 1: SSE3, PCLMULQDQ, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, MOVBE, POPCNT, AES.
const FEATURES_ECX: u32 = 1 | 1 << 1 | 1 << 9 | 1 << 13 | 1 << 19 | 1 << 20 | 1 << 22 | 1 << 23 | 1 << 25;
/// EBX of leaf 7: BMI1, FDP_EXCPTN_ONLY, BMI2, no FCS and FDS.
const STRUCTURED_EBX: u32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 13;
/// EDX of leaf 0x80000001: SYSCALL, NX, RDTSCP, long mode.
const EXTENDED_EDX: u32 = 1 << 11 | 1 << 20 | 1 << 27 | 1 << 29;
/// ECX of leaf 0x80000001: LAHF and SAHF in 64-bit mode, LZCNT, PREFETCHW.
const EXTENDED_ECX: u32 = 1 | 1 << 5 | 1 << 8;

fn text(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}

/// The answer for `leaf` and `subleaf`.
pub fn cpuid(leaf: u32, subleaf: u32) -> Leaf {
    const BRAND: &[u8; 48] = b"xlat virtual x86-64 processor\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    const VENDOR: &[u8; 12] = b"XlatXlatXlat";
    match leaf {
        0 => Leaf {
            eax: MAX_BASIC,
            ebx: text(&VENDOR[0..4]),
            edx: text(&VENDOR[4..8]),
            ecx: text(&VENDOR[8..12]),
        },
        // Family 6; cache lines of 64 bytes, one logical processor.
        1 => Leaf { eax: 0x0000_0600, ebx: 8 << 8 | 1 << 16, ecx: FEATURES_ECX, edx: FEATURES_EDX },
        7 if subleaf == 0 => Leaf { ebx: STRUCTURED_EBX, ..Leaf::default() },
        0x8000_0000 => Leaf { eax: MAX_EXTENDED, ..Leaf::default() },
        0x8000_0001 => Leaf { ecx: EXTENDED_ECX, edx: EXTENDED_EDX, ..Leaf::default() },
        0x8000_0002..=0x8000_0004 => {
            let at = (leaf - 0x8000_0002) as usize * 16;
            let word = |i: usize| text(&BRAND[at + 4 * i..at + 4 * i + 4]);
            Leaf { eax: word(0), ebx: word(1), ecx: word(2), edx: word(3) }
        }
        // 48 bits of physical and of linear address.
        0x8000_0008 => Leaf { eax: 48 << 8 | 48, ..Leaf::default() },
        _ => Leaf::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendor_reads_in_register_order() {
        let leaf = cpuid(0, 0);
        let bytes: Vec<u8> =
            [leaf.ebx, leaf.edx, leaf.ecx].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(bytes, b"XlatXlatXlat");
    }
}
