//! State slots of AArch64. N and Z are kept as the value that decided them, so that setting flags costs nothing.

use super::register_file;

register_file! {
    /// General register x0.
    X0 = "x0": I64,
    /// General register x1.
    X1 = "x1": I64,
    /// General register x2.
    X2 = "x2": I64,
    /// General register x3.
    X3 = "x3": I64,
    /// General register x4.
    X4 = "x4": I64,
    /// General register x5.
    X5 = "x5": I64,
    /// General register x6.
    X6 = "x6": I64,
    /// General register x7.
    X7 = "x7": I64,
    /// General register x8.
    X8 = "x8": I64,
    /// General register x9.
    X9 = "x9": I64,
    /// General register x10.
    X10 = "x10": I64,
    /// General register x11.
    X11 = "x11": I64,
    /// General register x12.
    X12 = "x12": I64,
    /// General register x13.
    X13 = "x13": I64,
    /// General register x14.
    X14 = "x14": I64,
    /// General register x15.
    X15 = "x15": I64,
    /// General register x16.
    X16 = "x16": I64,
    /// General register x17.
    X17 = "x17": I64,
    /// General register x18.
    X18 = "x18": I64,
    /// General register x19.
    X19 = "x19": I64,
    /// General register x20.
    X20 = "x20": I64,
    /// General register x21.
    X21 = "x21": I64,
    /// General register x22.
    X22 = "x22": I64,
    /// General register x23.
    X23 = "x23": I64,
    /// General register x24.
    X24 = "x24": I64,
    /// General register x25.
    X25 = "x25": I64,
    /// General register x26.
    X26 = "x26": I64,
    /// General register x27.
    X27 = "x27": I64,
    /// General register x28.
    X28 = "x28": I64,
    /// General register x29.
    X29 = "x29": I64,
    /// General register x30.
    X30 = "x30": I64,
    /// Stack pointer.
    SP = "sp": I64,
    /// N is bit 63 of this.
    N = "n": I64,
    /// Z is set if this is zero.
    Z = "z": I64,
    /// Carry.
    C = "c": I1,
    /// Overflow.
    V = "v": I1,
    /// TPIDR_EL0, the thread pointer.
    TPIDR = "tpidr": I64,
    /// FPSR.QC, cumulative saturation.
    QC = "qc": I1,
    /// FPCR as written (bits that xlat implements); `fp_env` follows it.
    FPCR = "fpcr": I32,
    /// Vector register v0.
    V0 = "v0": V128,
    /// Vector register v1.
    V1 = "v1": V128,
    /// Vector register v2.
    V2 = "v2": V128,
    /// Vector register v3.
    V3 = "v3": V128,
    /// Vector register v4.
    V4 = "v4": V128,
    /// Vector register v5.
    V5 = "v5": V128,
    /// Vector register v6.
    V6 = "v6": V128,
    /// Vector register v7.
    V7 = "v7": V128,
    /// Vector register v8.
    V8 = "v8": V128,
    /// Vector register v9.
    V9 = "v9": V128,
    /// Vector register v10.
    V10 = "v10": V128,
    /// Vector register v11.
    V11 = "v11": V128,
    /// Vector register v12.
    V12 = "v12": V128,
    /// Vector register v13.
    V13 = "v13": V128,
    /// Vector register v14.
    V14 = "v14": V128,
    /// Vector register v15.
    V15 = "v15": V128,
    /// Vector register v16.
    V16 = "v16": V128,
    /// Vector register v17.
    V17 = "v17": V128,
    /// Vector register v18.
    V18 = "v18": V128,
    /// Vector register v19.
    V19 = "v19": V128,
    /// Vector register v20.
    V20 = "v20": V128,
    /// Vector register v21.
    V21 = "v21": V128,
    /// Vector register v22.
    V22 = "v22": V128,
    /// Vector register v23.
    V23 = "v23": V128,
    /// Vector register v24.
    V24 = "v24": V128,
    /// Vector register v25.
    V25 = "v25": V128,
    /// Vector register v26.
    V26 = "v26": V128,
    /// Vector register v27.
    V27 = "v27": V128,
    /// Vector register v28.
    V28 = "v28": V128,
    /// Vector register v29.
    V29 = "v29": V128,
    /// Vector register v30.
    V30 = "v30": V128,
    /// Vector register v31.
    V31 = "v31": V128,
}

/// Slot of general register `number` (0 to 30).
pub const fn x(number: u8) -> crate::ir::Slot {
    assert!(number < 31);
    crate::ir::Slot(X0.0 + number as u16)
}

/// Slot of vector register `number`.
pub const fn v(number: u8) -> crate::ir::Slot {
    assert!(number < 32);
    crate::ir::Slot(V0.0 + number as u16)
}
