//! Random x86-64 programs, and on an x86-64 host the processor and the interpreter that run them.

pub mod choices;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod differential;
pub mod generate;
pub mod undefined;

/// Guest address of the code page.
pub const CODE: u64 = 0x2000_0000;
/// Size of the code page.
pub const CODE_SIZE: u64 = 4096;
/// Guest address of the data page; nothing is mapped on either side of it.
pub const DATA: u64 = 0x2010_0000;
/// Size of the data.
pub const DATA_SIZE: u64 = 4096;
