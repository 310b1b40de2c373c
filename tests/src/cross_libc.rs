//! The C libraries of the cross compilers: real code of each guest.

use object::{Object, ObjectSection};
use std::process::Command;

/// The `.text` of the libc that `compiler` (say, `riscv64-linux-gnu-gcc`) links with.
///
/// Panics, with what to do, if it is not installed.
pub fn code(compiler: &str) -> Vec<u8> {
    let found = Command::new(compiler).arg("-print-file-name=libc.so.6").output();
    let found = found.unwrap_or_else(|error| panic!("{compiler}: {error}; run scripts/setup"));
    let path = String::from_utf8(found.stdout).expect("a path");
    let path = path.trim();
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}; run scripts/setup"));
    let file = object::File::parse(&*file).expect("libc is an object file");
    file.section_by_name(".text").expect("libc has code").data().expect("in the file").to_vec()
}
