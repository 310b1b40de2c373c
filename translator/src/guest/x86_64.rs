//! State slots of x86-64. Flags are kept as the value that decided them, so that setting flags costs nothing: ZF, SF, OF,
//! PF and AF are computed when they are read.

pub mod cpuid;

use super::register_file;

register_file! {
    /// `rax`.
    RAX = "rax": I64,
    /// `rcx`.
    RCX = "rcx": I64,
    /// `rdx`.
    RDX = "rdx": I64,
    /// `rbx`.
    RBX = "rbx": I64,
    /// `rsp`.
    RSP = "rsp": I64,
    /// `rbp`.
    RBP = "rbp": I64,
    /// `rsi`.
    RSI = "rsi": I64,
    /// `rdi`.
    RDI = "rdi": I64,
    /// `r8`.
    R8 = "r8": I64,
    /// `r9`.
    R9 = "r9": I64,
    /// `r10`.
    R10 = "r10": I64,
    /// `r11`.
    R11 = "r11": I64,
    /// `r12`.
    R12 = "r12": I64,
    /// `r13`.
    R13 = "r13": I64,
    /// `r14`.
    R14 = "r14": I64,
    /// `r15`.
    R15 = "r15": I64,
    /// CF.
    CF = "cf": I1,
    /// ZF is set if this is zero.
    ZF = "zf": I64,
    /// SF is bit 63 of this.
    SF = "sf": I64,
    /// OF is bit 63 of this.
    OF = "of": I64,
    /// PF is set if the low byte of this has an even number of one bits.
    PF = "pf": I8,
    /// AF is bit 4 of this.
    AF = "af": I8,
    /// DF.
    DF = "df": I1,
    /// Other bits of RFLAGS that user code can change (NT, AC, ID), at their places.
    RFLAGS_REST = "rflags_rest": I64,
    /// Base of fs.
    FS_BASE = "fs_base": I64,
    /// Base of gs.
    GS_BASE = "gs_base": I64,
    /// MXCSR without its six flag bits; `fp_env` follows it.
    MXCSR = "mxcsr": I32,
    /// Vector register xmm0.
    XMM0 = "xmm0": V128,
    /// Vector register xmm1.
    XMM1 = "xmm1": V128,
    /// Vector register xmm2.
    XMM2 = "xmm2": V128,
    /// Vector register xmm3.
    XMM3 = "xmm3": V128,
    /// Vector register xmm4.
    XMM4 = "xmm4": V128,
    /// Vector register xmm5.
    XMM5 = "xmm5": V128,
    /// Vector register xmm6.
    XMM6 = "xmm6": V128,
    /// Vector register xmm7.
    XMM7 = "xmm7": V128,
    /// Vector register xmm8.
    XMM8 = "xmm8": V128,
    /// Vector register xmm9.
    XMM9 = "xmm9": V128,
    /// Vector register xmm10.
    XMM10 = "xmm10": V128,
    /// Vector register xmm11.
    XMM11 = "xmm11": V128,
    /// Vector register xmm12.
    XMM12 = "xmm12": V128,
    /// Vector register xmm13.
    XMM13 = "xmm13": V128,
    /// Vector register xmm14.
    XMM14 = "xmm14": V128,
    /// Vector register xmm15.
    XMM15 = "xmm15": V128,
    /// x87 control word.
    FCW = "fcw": I16,
    /// x87 status word, without TOP.
    FSW = "fsw": I16,
    /// x87 stack top, 0 to 7. The registers are kept by their place in the stack, `ST0` the top, so that code need not
    /// know it; it is only counted along.
    FTOP = "ftop": I8,
    /// x87 tag bits by place in the stack: `st(i)` is in use if bit i is set.
    FTAG = "ftag": I8,
    /// Address of the last x87 instruction that is none of control.
    FIP = "fip": I64,
    /// x87 `st(0)`: 80 bits in the low end.
    ST0 = "st0": I128,
    /// x87 `st(1)`: 80 bits in the low end.
    ST1 = "st1": I128,
    /// x87 `st(2)`: 80 bits in the low end.
    ST2 = "st2": I128,
    /// x87 `st(3)`: 80 bits in the low end.
    ST3 = "st3": I128,
    /// x87 `st(4)`: 80 bits in the low end.
    ST4 = "st4": I128,
    /// x87 `st(5)`: 80 bits in the low end.
    ST5 = "st5": I128,
    /// x87 `st(6)`: 80 bits in the low end.
    ST6 = "st6": I128,
    /// x87 `st(7)`: 80 bits in the low end.
    ST7 = "st7": I128,
}

/// Slot of general register `number`, in encoding order (rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15).
pub const fn gpr(number: u8) -> crate::ir::Slot {
    assert!(number < 16);
    crate::ir::Slot(RAX.0 + number as u16)
}

/// Slot of vector register `number`.
pub const fn xmm(number: u8) -> crate::ir::Slot {
    assert!(number < 16);
    crate::ir::Slot(XMM0.0 + number as u16)
}

/// Slot of x87 register `st(number)`.
pub const fn st(number: u8) -> crate::ir::Slot {
    assert!(number < 8);
    crate::ir::Slot(ST0.0 + number as u16)
}

/// An x87 control word as it reads on a processor, whatever its reserved bits were written with.
pub const fn control_word(control: u16) -> u16 {
    control & 0x1f3f | 0x40
}

/// An x87 status word with summary and busy as its flags and the masks of the control word make them.
pub const fn summarized(status: u16, control: u16) -> u16 {
    let pending = status & !control & 0x3f != 0;
    status & 0x7f7f | if pending { 0x8080 } else { 0 }
}

/// Bits of RFLAGS that user code can change and that stand in [`RFLAGS_REST`]: NT, AC, ID.
pub const REST_MASK: u64 = 1 << 14 | 1 << 18 | 1 << 21;

/// Place in RFLAGS of a flag that has a slot.
pub const fn flag_bit(slot: crate::ir::Slot) -> u32 {
    match slot {
        CF => 0,
        PF => 2,
        AF => 4,
        ZF => 6,
        SF => 7,
        DF => 10,
        OF => 11,
        _ => panic!("not a flag"),
    }
}

/// RFLAGS as user code reads it, from the slots that `get` reads.
pub fn rflags(get: impl Fn(crate::ir::Slot) -> u128) -> u64 {
    let is = |holds: bool, slot| u64::from(holds) << flag_bit(slot);
    (get(RFLAGS_REST) as u64 & REST_MASK)
        | 1 << 9
        | 1 << 1
        | is(get(CF) & 1 != 0, CF)
        | is(get(DF) & 1 != 0, DF)
        | is(get(ZF) == 0, ZF)
        | is(get(SF) >> 63 & 1 != 0, SF)
        | is(get(OF) >> 63 & 1 != 0, OF)
        | is((get(PF) as u8).count_ones().is_multiple_of(2), PF)
        | is(get(AF) >> 4 & 1 != 0, AF)
}

/// Takes RFLAGS apart into the slots that `set` writes.
pub fn set_rflags(rflags: u64, mut set: impl FnMut(crate::ir::Slot, u128)) {
    let bit = |slot| u128::from(rflags >> flag_bit(slot) & 1);
    set(RFLAGS_REST, u128::from(rflags & REST_MASK));
    set(CF, bit(CF));
    set(DF, bit(DF));
    set(ZF, bit(ZF) ^ 1);
    set(SF, bit(SF) << 63);
    set(OF, bit(OF) << 63);
    set(PF, bit(PF) ^ 1);
    set(AF, bit(AF) << 4);
}
