//! What differs between the guests' system-call interfaces: registers, flags of `open`, layouts of structures.
//!
//! AArch64 and RISC-V share the kernel's generic numbers and layouts; x86-64 has its own, older ones. AArch64's flags of
//! `open` are those of 32-bit Arm. The host may be any of the three, so that everything that is not the same on all of
//! them is converted here, field by field.

use translator::guest::{Guest, aarch64, riscv64, x86_64};
use translator::ir::Slot;

/// The registers of a system call.
#[derive(Debug)]
pub struct CallRegisters {
    /// Number of the call.
    pub number: Slot,
    /// Arguments.
    pub arguments: [Slot; 6],
    /// Result.
    pub result: Slot,
    /// Stack pointer.
    pub stack: Slot,
    /// Length of the system call instruction in bytes.
    pub instruction_length: u64,
}

const fn riscv(number: u8) -> Slot {
    match riscv64::x(number) {
        Some(slot) => slot,
        None => panic!("x0 has no slot"),
    }
}

static X86_64: CallRegisters = CallRegisters {
    number: x86_64::RAX,
    arguments: [x86_64::RDI, x86_64::RSI, x86_64::RDX, x86_64::R10, x86_64::R8, x86_64::R9],
    result: x86_64::RAX,
    stack: x86_64::RSP,
    instruction_length: 2,
};

static AARCH64: CallRegisters = CallRegisters {
    number: aarch64::X8,
    arguments: [aarch64::X0, aarch64::X1, aarch64::X2, aarch64::X3, aarch64::X4, aarch64::X5],
    result: aarch64::X0,
    stack: aarch64::SP,
    instruction_length: 4,
};

static RISCV64: CallRegisters = CallRegisters {
    number: riscv(17),
    arguments: [riscv(10), riscv(11), riscv(12), riscv(13), riscv(14), riscv(15)],
    result: riscv(10),
    stack: riscv(2),
    instruction_length: 4,
};

/// The registers of a guest's system calls.
pub fn call_registers(guest: Guest) -> &'static CallRegisters {
    match guest {
        Guest::X86_64 => &X86_64,
        Guest::Aarch64 => &AARCH64,
        Guest::Riscv64 => &RISCV64,
    }
}

/// The machine's name as `uname` says it.
pub const fn machine(guest: Guest) -> &'static str {
    guest.name()
}

/// The flags of `open` that have no common number: O_DIRECT, O_LARGEFILE, O_DIRECTORY, O_NOFOLLOW.
type OpenBits = [u32; 4];

const GENERIC_OPEN: OpenBits = [0o40000, 0o100000, 0o200000, 0o400000];
const ARM_OPEN: OpenBits = [0o200000, 0o400000, 0o40000, 0o100000];
const HOST_OPEN: OpenBits = if cfg!(target_arch = "aarch64") { ARM_OPEN } else { GENERIC_OPEN };

const fn open_bits(guest: Guest) -> OpenBits {
    match guest {
        Guest::Aarch64 => ARM_OPEN,
        Guest::X86_64 | Guest::Riscv64 => GENERIC_OPEN,
    }
}

fn exchange(flags: u32, from: OpenBits, to: OpenBits) -> u32 {
    let common = flags & !(from[0] | from[1] | from[2] | from[3]);
    from.into_iter().zip(to).filter(|(from, _)| flags & from != 0).fold(common, |flags, (_, to)| flags | to)
}

/// Flags of `open`, `pipe2` and `F_SETFL` in the host's numbers.
pub fn open_flags_to_host(guest: Guest, flags: u32) -> u32 {
    exchange(flags, open_bits(guest), HOST_OPEN)
}

/// Flags of `open` (from `F_GETFL`) in the guest's numbers.
pub fn open_flags_to_guest(guest: Guest, flags: u32) -> u32 {
    exchange(flags, HOST_OPEN, open_bits(guest))
}

/// Bytes of a structure, written field after field.
#[derive(Debug, Default)]
pub struct Fields(pub Vec<u8>);

impl Fields {
    /// Appends a 32-bit field.
    pub fn u32(&mut self, value: u32) -> &mut Fields {
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Appends a 64-bit field.
    pub fn u64(&mut self, value: u64) -> &mut Fields {
        self.0.extend(value.to_le_bytes());
        self
    }
}

/// The 64-bit word number `index` of a structure; missing bytes are zero.
pub fn word(bytes: &[u8], index: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes.get(index * 8 + i).copied().unwrap_or(0)))
}

/// The 32-bit word number `index` of a structure; missing bytes are zero.
pub fn half(bytes: &[u8], index: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes.get(index * 4 + i).copied().unwrap_or(0)))
}

/// Two words as a structure: `timespec`, `timeval`, `rlimit`.
pub fn pair(first: u64, second: u64) -> [u8; 16] {
    std::array::from_fn(|i| if i < 8 { first.to_le_bytes()[i] } else { second.to_le_bytes()[i - 8] })
}

/// A device number as `stat` shows it.
pub const fn device(major: u32, minor: u32) -> u64 {
    (minor & 0xff | major << 8) as u64 | ((minor & !0xff) as u64) << 12
}

/// The guest's `struct stat`.
pub fn stat(guest: Guest, status: &libc::statx) -> Vec<u8> {
    let mut fields = Fields::default();
    fields.u64(device(status.stx_dev_major, status.stx_dev_minor)).u64(status.stx_ino);
    let rdev = device(status.stx_rdev_major, status.stx_rdev_minor);
    let mode = u32::from(status.stx_mode);
    match guest {
        Guest::X86_64 => {
            fields.u64(status.stx_nlink.into()).u32(mode).u32(status.stx_uid).u32(status.stx_gid).u32(0);
            fields.u64(rdev).u64(status.stx_size).u64(status.stx_blksize.into()).u64(status.stx_blocks);
        }
        Guest::Aarch64 | Guest::Riscv64 => {
            fields.u32(mode).u32(status.stx_nlink).u32(status.stx_uid).u32(status.stx_gid);
            fields
                .u64(rdev)
                .u64(0)
                .u64(status.stx_size)
                .u32(status.stx_blksize)
                .u32(0)
                .u64(status.stx_blocks);
        }
    }
    for time in [&status.stx_atime, &status.stx_mtime, &status.stx_ctime] {
        fields.u64(time.tv_sec as u64).u64(time.tv_nsec.into());
    }
    match guest {
        Guest::X86_64 => fields.u64(0).u64(0).u64(0),
        Guest::Aarch64 | Guest::Riscv64 => fields.u64(0),
    };
    fields.0
}

/// Size of a guest's `struct epoll_event`: packed on x86-64 only.
pub const fn epoll_event_size(guest: Guest) -> u64 {
    match guest {
        Guest::X86_64 => 12,
        Guest::Aarch64 | Guest::Riscv64 => 16,
    }
}

/// A guest's `struct epoll_event`.
pub fn epoll_event(guest: Guest, events: u32, data: u64) -> Vec<u8> {
    let mut fields = Fields::default();
    fields.u32(events);
    if guest != Guest::X86_64 {
        fields.u32(0);
    }
    fields.u64(data);
    fields.0
}

/// Events and data of a guest's `struct epoll_event`.
pub fn parse_epoll_event(guest: Guest, bytes: &[u8]) -> (u32, u64) {
    let at = if guest == Guest::X86_64 { 4 } else { 8 };
    (half(bytes, 0), word(bytes.get(at..).unwrap_or_default(), 0))
}

/// A signal's action as the kernel's `struct sigaction` has it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SignalAction {
    /// Address of the handler, 0 for the default, 1 to ignore.
    pub handler: u64,
    /// SA_ flags, the same numbers everywhere.
    pub flags: u64,
    /// Where the handler returns to (not on RISC-V).
    pub restorer: u64,
    /// Signals blocked in the handler.
    pub mask: u64,
}

/// Size of a guest's `struct sigaction`.
pub const fn signal_action_size(guest: Guest) -> u64 {
    match guest {
        Guest::X86_64 | Guest::Aarch64 => 32,
        Guest::Riscv64 => 24,
    }
}

impl SignalAction {
    /// Reads a guest's structure.
    pub fn parse(guest: Guest, bytes: &[u8]) -> SignalAction {
        let (handler, flags) = (word(bytes, 0), word(bytes, 1));
        match guest {
            Guest::X86_64 | Guest::Aarch64 => {
                SignalAction { handler, flags, restorer: word(bytes, 2), mask: word(bytes, 3) }
            }
            Guest::Riscv64 => SignalAction { handler, flags, restorer: 0, mask: word(bytes, 2) },
        }
    }

    /// The guest's structure.
    pub fn bytes(&self, guest: Guest) -> Vec<u8> {
        let mut fields = Fields::default();
        fields.u64(self.handler).u64(self.flags);
        if guest != Guest::Riscv64 {
            fields.u64(self.restorer);
        }
        fields.u64(self.mask);
        fields.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_flags_convert_both_ways() {
        for guest in Guest::ALL {
            let bits = open_bits(guest);
            for flags in [0, 1, bits[0], bits[1] | 0o102, bits[2] | bits[3], bits[2] | 0o20000000] {
                let host = open_flags_to_host(guest, flags);
                assert_eq!(open_flags_to_guest(guest, host), flags, "{guest}");
            }
            assert_eq!(open_flags_to_host(guest, bits[2]), libc::O_DIRECTORY as u32);
            assert_eq!(open_flags_to_host(guest, bits[3]), libc::O_NOFOLLOW as u32);
            assert_eq!(open_flags_to_host(guest, bits[0]), libc::O_DIRECT as u32);
        }
    }

    #[test]
    fn structures_have_the_size_of_the_kernels() {
        let status = crate::kernel::statx(libc::AT_FDCWD, c"/", 0, libc::STATX_BASIC_STATS).unwrap();
        assert_eq!(stat(Guest::X86_64, &status).len(), 144);
        assert_eq!(stat(Guest::Aarch64, &status).len(), 128);
        assert_eq!(stat(Guest::Riscv64, &status).len(), 128);
        for guest in Guest::ALL {
            assert_eq!(SignalAction::default().bytes(guest).len() as u64, signal_action_size(guest));
            assert_eq!(epoll_event(guest, 1, 2).len() as u64, epoll_event_size(guest));
            assert_eq!(parse_epoll_event(guest, &epoll_event(guest, 1, 2)), (1, 2));
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn stat_is_the_hosts_structure_on_the_hosts_guest() {
        use std::os::unix::fs::MetadataExt;
        let status =
            crate::kernel::statx(libc::AT_FDCWD, c"/proc/self/exe", 0, libc::STATX_BASIC_STATS).unwrap();
        let bytes = stat(Guest::X86_64, &status);
        let metadata = std::fs::metadata("/proc/self/exe").unwrap();
        let expected = [metadata.dev(), metadata.ino(), metadata.nlink()];
        assert_eq!([word(&bytes, 0), word(&bytes, 1), word(&bytes, 2)], expected);
        assert_eq!(half(&bytes, 6), metadata.mode());
        assert_eq!([word(&bytes, 6), word(&bytes, 8)], [metadata.size(), metadata.blocks()]);
        assert_eq!(word(&bytes, 11), metadata.mtime() as u64);
    }
}
