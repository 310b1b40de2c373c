//! Guest machine code to instructions: one module per guest. No IR, no unsafe code, no I/O.
//!
//! Every guest has the same two functions:
//!
//! * `decode(bytes, pc) -> Result<Insn, DecodeError>` looks at the first instruction of `bytes`, which stand at the
//!   guest address `pc`. It never panics, and it never looks further than the instruction is long: at the end of a
//!   page it says [`DecodeError::NeedMore`] only if the bytes given do not settle what is there.
//! * `text(&insn, pc) -> String` writes it as an assembler would read it.
//!
//! What a guest's manual reserves is [`DecodeError::Illegal`]: a translator raises the guest's illegal-instruction
//! exception there, as the real processor does.
#![forbid(unsafe_code)]

pub mod aarch64;
pub mod riscv64;
pub mod x86_64;

/// Why there is no instruction at the start of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeError {
    /// The bytes end before the instruction does; the next page decides.
    NeedMore,
    /// The encoding is reserved, or belongs to an extension that is not supported.
    Illegal,
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DecodeError::NeedMore => "the instruction continues behind the bytes given",
            DecodeError::Illegal => "not an instruction",
        })
    }
}

impl std::error::Error for DecodeError {}
