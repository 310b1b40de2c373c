//! Names of the control and status registers that user programs can reach.

/// Accrued floating-point exceptions.
pub const FFLAGS: u16 = 0x001;
/// Dynamic rounding mode.
pub const FRM: u16 = 0x002;
/// Both of them: `frm` in bits 7-5, `fflags` in bits 4-0.
pub const FCSR: u16 = 0x003;
/// Cycle counter.
pub const CYCLE: u16 = 0xc00;
/// Wall-clock timer.
pub const TIME: u16 = 0xc01;
/// Instructions-retired counter.
pub const INSTRET: u16 = 0xc02;

/// The registers above with their names.
pub const NAMED: [(u16, &str); 6] = [
    (FFLAGS, "fflags"),
    (FRM, "frm"),
    (FCSR, "fcsr"),
    (CYCLE, "cycle"),
    (TIME, "time"),
    (INSTRET, "instret"),
];

/// The name of a register, if it is one of [`NAMED`].
pub fn name(number: u16) -> Option<&'static str> {
    NAMED.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
}
