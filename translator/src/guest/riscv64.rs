//! State slots of RV64. `x0` has none. `fcsr` is `fp_flags` (its low five bits are `fflags`) and `fp_env` (its low
//! three bits are `frm`).

use super::register_file;

register_file! {
    /// Integer register x1.
    X1 = "x1": I64,
    /// Integer register x2.
    X2 = "x2": I64,
    /// Integer register x3.
    X3 = "x3": I64,
    /// Integer register x4.
    X4 = "x4": I64,
    /// Integer register x5.
    X5 = "x5": I64,
    /// Integer register x6.
    X6 = "x6": I64,
    /// Integer register x7.
    X7 = "x7": I64,
    /// Integer register x8.
    X8 = "x8": I64,
    /// Integer register x9.
    X9 = "x9": I64,
    /// Integer register x10.
    X10 = "x10": I64,
    /// Integer register x11.
    X11 = "x11": I64,
    /// Integer register x12.
    X12 = "x12": I64,
    /// Integer register x13.
    X13 = "x13": I64,
    /// Integer register x14.
    X14 = "x14": I64,
    /// Integer register x15.
    X15 = "x15": I64,
    /// Integer register x16.
    X16 = "x16": I64,
    /// Integer register x17.
    X17 = "x17": I64,
    /// Integer register x18.
    X18 = "x18": I64,
    /// Integer register x19.
    X19 = "x19": I64,
    /// Integer register x20.
    X20 = "x20": I64,
    /// Integer register x21.
    X21 = "x21": I64,
    /// Integer register x22.
    X22 = "x22": I64,
    /// Integer register x23.
    X23 = "x23": I64,
    /// Integer register x24.
    X24 = "x24": I64,
    /// Integer register x25.
    X25 = "x25": I64,
    /// Integer register x26.
    X26 = "x26": I64,
    /// Integer register x27.
    X27 = "x27": I64,
    /// Integer register x28.
    X28 = "x28": I64,
    /// Integer register x29.
    X29 = "x29": I64,
    /// Integer register x30.
    X30 = "x30": I64,
    /// Integer register x31.
    X31 = "x31": I64,
    /// Float register f0; single precision NaN-boxed.
    F0 = "f0": F64,
    /// Float register f1; single precision NaN-boxed.
    F1 = "f1": F64,
    /// Float register f2; single precision NaN-boxed.
    F2 = "f2": F64,
    /// Float register f3; single precision NaN-boxed.
    F3 = "f3": F64,
    /// Float register f4; single precision NaN-boxed.
    F4 = "f4": F64,
    /// Float register f5; single precision NaN-boxed.
    F5 = "f5": F64,
    /// Float register f6; single precision NaN-boxed.
    F6 = "f6": F64,
    /// Float register f7; single precision NaN-boxed.
    F7 = "f7": F64,
    /// Float register f8; single precision NaN-boxed.
    F8 = "f8": F64,
    /// Float register f9; single precision NaN-boxed.
    F9 = "f9": F64,
    /// Float register f10; single precision NaN-boxed.
    F10 = "f10": F64,
    /// Float register f11; single precision NaN-boxed.
    F11 = "f11": F64,
    /// Float register f12; single precision NaN-boxed.
    F12 = "f12": F64,
    /// Float register f13; single precision NaN-boxed.
    F13 = "f13": F64,
    /// Float register f14; single precision NaN-boxed.
    F14 = "f14": F64,
    /// Float register f15; single precision NaN-boxed.
    F15 = "f15": F64,
    /// Float register f16; single precision NaN-boxed.
    F16 = "f16": F64,
    /// Float register f17; single precision NaN-boxed.
    F17 = "f17": F64,
    /// Float register f18; single precision NaN-boxed.
    F18 = "f18": F64,
    /// Float register f19; single precision NaN-boxed.
    F19 = "f19": F64,
    /// Float register f20; single precision NaN-boxed.
    F20 = "f20": F64,
    /// Float register f21; single precision NaN-boxed.
    F21 = "f21": F64,
    /// Float register f22; single precision NaN-boxed.
    F22 = "f22": F64,
    /// Float register f23; single precision NaN-boxed.
    F23 = "f23": F64,
    /// Float register f24; single precision NaN-boxed.
    F24 = "f24": F64,
    /// Float register f25; single precision NaN-boxed.
    F25 = "f25": F64,
    /// Float register f26; single precision NaN-boxed.
    F26 = "f26": F64,
    /// Float register f27; single precision NaN-boxed.
    F27 = "f27": F64,
    /// Float register f28; single precision NaN-boxed.
    F28 = "f28": F64,
    /// Float register f29; single precision NaN-boxed.
    F29 = "f29": F64,
    /// Float register f30; single precision NaN-boxed.
    F30 = "f30": F64,
    /// Float register f31; single precision NaN-boxed.
    F31 = "f31": F64,
}

/// Slot of integer register `number`; `None` for `x0`.
pub const fn x(number: u8) -> Option<crate::ir::Slot> {
    if number == 0 { None } else { Some(crate::ir::Slot(X1.0 + number as u16 - 1)) }
}

/// Slot of float register `number`.
pub const fn f(number: u8) -> crate::ir::Slot {
    crate::ir::Slot(F0.0 + number as u16)
}
