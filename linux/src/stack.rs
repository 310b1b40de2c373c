//! The stack that the kernel prepares for a new program: argument and environment strings, the auxiliary vector, argv,
//! envp and argc, in the layout of the System V ABIs (the same for the three guests).
//!
//! Nothing is mapped here: [`build`] makes the bytes that end at the top of the stack.

use crate::elf::PAGE;
use translator::guest::Guest;

/// Keys of the auxiliary vector.
pub mod at {
    #![allow(missing_docs, reason = "the names are the kernel's")]
    pub const NULL: u64 = 0;
    pub const PHDR: u64 = 3;
    pub const PHENT: u64 = 4;
    pub const PHNUM: u64 = 5;
    pub const PAGESZ: u64 = 6;
    pub const BASE: u64 = 7;
    pub const FLAGS: u64 = 8;
    pub const ENTRY: u64 = 9;
    pub const UID: u64 = 11;
    pub const EUID: u64 = 12;
    pub const GID: u64 = 13;
    pub const EGID: u64 = 14;
    pub const PLATFORM: u64 = 15;
    pub const HWCAP: u64 = 16;
    pub const CLKTCK: u64 = 17;
    pub const SECURE: u64 = 23;
    pub const RANDOM: u64 = 25;
    pub const HWCAP2: u64 = 26;
    pub const EXECFN: u64 = 31;
    pub const MINSIGSTKSZ: u64 = 51;
}

/// What goes onto the stack.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The guest, which decides the platform's name and the processor features.
    pub guest: Guest,
    /// argv.
    pub arguments: &'a [Vec<u8>],
    /// envp, `NAME=VALUE`.
    pub environment: &'a [Vec<u8>],
    /// Path of the program as it was given to exec.
    pub path: &'a [u8],
    /// Address of the program headers; 0 if they are not in memory.
    pub program_headers: u64,
    /// Number of program headers.
    pub program_header_count: u16,
    /// Entry point.
    pub entry: u64,
    /// User, effective user, group, effective group.
    pub ids: [u32; 4],
    /// 16 random bytes, from which libc makes its stack guard.
    pub random: [u8; 16],
}

/// The finished stack.
#[derive(Debug)]
pub struct Stack {
    /// The stack pointer: the address of argc, aligned to 16.
    pub pointer: u64,
    /// The bytes from `pointer` to the top.
    pub bytes: Vec<u8>,
}

/// Processor features (HWCAP, HWCAP2) as the guest's kernel reports them: exactly what the frontends translate.
pub const fn hardware_capabilities(guest: Guest) -> (u64, u64) {
    match guest {
        // cpuid(1).edx, which is what the kernel puts there: FPU, TSC, CX8, CMOV, CLFSH, MMX, FXSR, SSE, SSE2.
        Guest::X86_64 => (1 | 1 << 4 | 1 << 8 | 1 << 15 | 1 << 19 | 1 << 23 | 1 << 24 | 1 << 25 | 1 << 26, 0),
        Guest::Aarch64 => (translator::lift::aarch64::HWCAP, translator::lift::aarch64::HWCAP2),
        // One bit for each letter: I, M, A, F, D, C.
        Guest::Riscv64 => (
            1 << (b'I' - b'A')
                | 1 << (b'M' - b'A')
                | 1
                | 1 << (b'F' - b'A')
                | 1 << (b'D' - b'A')
                | 1 << (b'C' - b'A'),
            0,
        ),
    }
}

/// AT_PLATFORM; the RISC-V kernel has none.
const fn platform(guest: Guest) -> Option<&'static [u8]> {
    match guest {
        Guest::X86_64 => Some(b"x86_64"),
        Guest::Aarch64 => Some(b"aarch64"),
        Guest::Riscv64 => None,
    }
}

/// Smallest signal stack: the size of the guest's signal frame, rounded up.
const fn minimum_signal_stack(guest: Guest) -> u64 {
    match guest {
        Guest::X86_64 => 2048,
        Guest::Aarch64 => 5120,
        Guest::Riscv64 => 2048,
    }
}

/// Lays out the stack that ends at `top` (aligned to 16). `None` if it needs more than `limit` bytes, for which exec
/// fails with `E2BIG`.
pub fn build(contents: &Contents<'_>, top: u64, limit: u64) -> Option<Stack> {
    // Strings first, from the top downwards; their addresses are then known for the vectors below.
    let mut strings = Strings { bytes: Vec::new(), top };
    // The kernel keeps the last eight bytes zero.
    strings.push(&[0; 8]);
    let path = strings.push_string(contents.path);
    let mut environment: Vec<u64> =
        contents.environment.iter().rev().map(|s| strings.push_string(s)).collect();
    environment.reverse();
    let mut arguments: Vec<u64> = contents.arguments.iter().rev().map(|s| strings.push_string(s)).collect();
    arguments.reverse();
    let platform = platform(contents.guest).map(|name| strings.push_string(name));
    strings.align(16);
    let random = strings.push(&contents.random);

    let (hwcap, hwcap2) = hardware_capabilities(contents.guest);
    let mut auxiliary = vec![
        (at::MINSIGSTKSZ, minimum_signal_stack(contents.guest)),
        (at::HWCAP, hwcap),
        (at::PAGESZ, PAGE),
        (at::CLKTCK, 100),
        (at::PHDR, contents.program_headers),
        (at::PHENT, 56),
        (at::PHNUM, contents.program_header_count.into()),
        (at::BASE, 0),
        (at::FLAGS, 0),
        (at::ENTRY, contents.entry),
        (at::UID, contents.ids[0].into()),
        (at::EUID, contents.ids[1].into()),
        (at::GID, contents.ids[2].into()),
        (at::EGID, contents.ids[3].into()),
        (at::SECURE, 0),
        (at::RANDOM, random),
        (at::HWCAP2, hwcap2),
        (at::EXECFN, path),
    ];
    auxiliary.extend(platform.map(|addr| (at::PLATFORM, addr)));
    auxiliary.push((at::NULL, 0));

    let mut words = vec![arguments.len() as u64];
    words.extend(&arguments);
    words.push(0);
    words.extend(&environment);
    words.push(0);
    words.extend(auxiliary.iter().flat_map(|(key, value)| [*key, *value]));

    let used = strings.bytes.len() as u64 + words.len() as u64 * 8;
    if used.checked_add(16)? > limit {
        return None;
    }
    let pointer = (top - used) & !15;
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize((top - pointer) as usize - strings.bytes.len(), 0);
    bytes.extend(strings.bytes.iter().rev());
    Some(Stack { pointer, bytes })
}

/// Bytes that grow downwards; kept in reverse order.
struct Strings {
    bytes: Vec<u8>,
    top: u64,
}

impl Strings {
    fn addr(&self) -> u64 {
        self.top - self.bytes.len() as u64
    }

    fn push(&mut self, bytes: &[u8]) -> u64 {
        self.bytes.extend(bytes.iter().rev());
        self.addr()
    }

    fn push_string(&mut self, string: &[u8]) -> u64 {
        self.bytes.push(0);
        self.push(string)
    }

    fn align(&mut self, to: u64) {
        while !self.addr().is_multiple_of(to) {
            self.bytes.push(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: u64 = 0x7fff_0000;

    fn contents<'a>(arguments: &'a [Vec<u8>], environment: &'a [Vec<u8>]) -> Contents<'a> {
        Contents {
            guest: Guest::X86_64,
            arguments,
            environment,
            path: b"/bin/program",
            program_headers: 0x400040,
            program_header_count: 7,
            entry: 0x401000,
            ids: [1, 2, 3, 4],
            random: [7; 16],
        }
    }

    fn word(stack: &Stack, addr: u64) -> u64 {
        let at = (addr - stack.pointer) as usize;
        u64::from_le_bytes(stack.bytes[at..at + 8].try_into().unwrap())
    }

    fn string(stack: &Stack, addr: u64) -> &[u8] {
        let bytes = &stack.bytes[(addr - stack.pointer) as usize..];
        &bytes[..bytes.iter().position(|byte| *byte == 0).unwrap()]
    }

    #[test]
    fn vectors_point_to_the_strings() {
        let arguments = [b"program".to_vec(), b"one".to_vec(), b"".to_vec()];
        let environment = [b"A=1".to_vec(), b"B=".to_vec()];
        let stack = build(&contents(&arguments, &environment), TOP, 1 << 20).unwrap();
        assert_eq!(stack.pointer % 16, 0);
        assert_eq!(stack.pointer + stack.bytes.len() as u64, TOP);
        let mut at = stack.pointer;
        let mut next = || {
            at += 8;
            word(&stack, at - 8)
        };
        assert_eq!(next(), 3);
        for argument in &arguments {
            assert_eq!(string(&stack, next()), argument);
        }
        assert_eq!(next(), 0);
        for variable in &environment {
            assert_eq!(string(&stack, next()), variable);
        }
        assert_eq!(next(), 0);
        let mut vector = std::collections::HashMap::new();
        loop {
            let (key, value) = (next(), next());
            if key == at::NULL {
                break;
            }
            assert_eq!(vector.insert(key, value), None);
        }
        assert_eq!(vector[&at::ENTRY], 0x401000);
        assert_eq!(vector[&at::PHNUM], 7);
        assert_eq!(string(&stack, vector[&at::EXECFN]), b"/bin/program");
        assert_eq!(string(&stack, vector[&at::PLATFORM]), b"x86_64");
        assert_eq!(word(&stack, vector[&at::RANDOM]), u64::from_le_bytes([7; 8]));
        assert_eq!(stack.bytes[stack.bytes.len() - 8..], [0; 8]);
    }

    #[test]
    fn riscv_programs_have_no_platform() {
        let stack = build(&Contents { guest: Guest::Riscv64, ..contents(&[], &[]) }, TOP, 1 << 20).unwrap();
        assert_eq!(word(&stack, stack.pointer), 0);
        let keys = stack.bytes.chunks_exact(16).map(|pair| u64::from_le_bytes(pair[8..].try_into().unwrap()));
        assert!(!keys.skip(1).any(|key| key == at::PLATFORM));
    }

    #[test]
    fn arguments_beyond_the_limit_are_refused() {
        let arguments = [vec![b'x'; 5000]];
        assert!(build(&contents(&arguments, &[]), TOP, 4096).is_none());
    }
}
