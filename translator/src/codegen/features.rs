//! What the host can do beyond the baseline of its kind, by Cranelift's names.
#![allow(unsafe_code, reason = "the kernel is asked for a RISC-V machine's extensions")]

use super::HostIsa;

/// Which features of a host code may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HostFeatures {
    /// Those of this machine if the host is the native one, else the common ones.
    #[default]
    Native,
    /// What most machines of the kind have (x86-64-v3, Armv8.1 atomics, RISC-V's vectors), whatever this one has: such code is for
    /// looking at and comparing.
    Common,
}

/// Names of the features that code for `isa` may use.
pub(super) fn of(isa: HostIsa, features: HostFeatures) -> &'static [&'static str] {
    if isa == HostIsa::native() && features == HostFeatures::Native {
        return native();
    }
    match isa {
        HostIsa::X86_64 => X86_64_V3,
        HostIsa::Aarch64 => &["has_lse"],
        HostIsa::Riscv64 => &["has_v", "has_zvl128b"],
    }
}

const X86_64_V3: &[&str] = &[
    "has_sse3",
    "has_ssse3",
    "has_cmpxchg16b",
    "has_sse41",
    "has_sse42",
    "has_popcnt",
    "has_avx",
    "has_avx2",
    "has_fma",
    "has_bmi1",
    "has_bmi2",
    "has_lzcnt",
];

#[cfg(target_arch = "x86_64")]
fn native() -> &'static [&'static str] {
    use std::sync::OnceLock;
    static FOUND: OnceLock<Vec<&'static str>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let here = [
            is_x86_feature_detected!("sse3"),
            is_x86_feature_detected!("ssse3"),
            is_x86_feature_detected!("cmpxchg16b"),
            is_x86_feature_detected!("sse4.1"),
            is_x86_feature_detected!("sse4.2"),
            is_x86_feature_detected!("popcnt"),
            is_x86_feature_detected!("avx"),
            is_x86_feature_detected!("avx2"),
            is_x86_feature_detected!("fma"),
            is_x86_feature_detected!("bmi1"),
            is_x86_feature_detected!("bmi2"),
            is_x86_feature_detected!("lzcnt"),
        ];
        X86_64_V3.iter().zip(here).filter_map(|(&name, here)| here.then_some(name)).collect()
    })
}

#[cfg(target_arch = "aarch64")]
fn native() -> &'static [&'static str] {
    if std::arch::is_aarch64_feature_detected!("lse") { &["has_lse"] } else { &[] }
}

#[cfg(target_arch = "riscv64")]
fn native() -> &'static [&'static str] {
    use std::sync::OnceLock;
    static FOUND: OnceLock<Vec<&'static str>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut names = Vec::new();
        let extensions = riscv_extensions();
        for (bit, name) in
            [(3, "has_zba"), (4, "has_zbb"), (5, "has_zbs"), (32, "has_zfa"), (35, "has_zicond")]
        {
            if extensions >> bit & 1 != 0 {
                names.push(name);
            }
        }
        if extensions >> 2 & 1 != 0 {
            names.extend(["has_v", "has_zvl128b"]);
        }
        names
    })
}

/// The bits of RISCV_HWPROBE_KEY_IMA_EXT_0 (Linux, Documentation/arch/riscv/hwprobe.rst). Kernels before 6.4 do not know
/// the call; what they run on is taken for RV64GC.
#[cfg(target_arch = "riscv64")]
fn riscv_extensions() -> u64 {
    #[repr(C)]
    struct Pair {
        key: i64,
        value: u64,
    }
    const RISCV_HWPROBE: libc::c_long = 258;
    const IMA_EXT_0: i64 = 4;
    let mut pair = Pair { key: IMA_EXT_0, value: 0 };
    // SAFETY: one pair to write to, no set of processors: what all of them have.
    let status = unsafe { libc::syscall(RISCV_HWPROBE, &raw mut pair, 1_usize, 0_usize, 0_usize, 0_usize) };
    // The kernel sets the key to -1 where it does not know it.
    if status == 0 && pair.key == IMA_EXT_0 { pair.value } else { 0 }
}
