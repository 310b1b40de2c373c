//! Random x86-64 programs on the processor and on the interpreter.

pub mod differential;
pub mod generate;
pub mod undefined;
