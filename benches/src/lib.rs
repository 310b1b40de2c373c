//! What the benches share: real guest code.

#![forbid(unsafe_code)]

use linux::elf::{self, Image};
use std::path::Path;
use translator::guest::Guest;
use translator::lift::Fetch;

/// A guest program as its file, for lifting.
pub struct Program {
    image: Image,
    data: Vec<u8>,
}

impl Program {
    /// A statically linked program that `scripts/build-programs` has made.
    ///
    /// # Panics
    /// It has not.
    pub fn built(guest: Guest, name: &str) -> Program {
        let path = format!("{}/../target/programs/{guest}/O2/{name}", env!("CARGO_MANIFEST_DIR"));
        let data = std::fs::read(Path::new(&path))
            .unwrap_or_else(|error| panic!("{path}: {error}; run scripts/build-programs"));
        let image = Image::parse(&data[..]).unwrap_or_else(|error| panic!("{path}: {error}"));
        Program { image, data }
    }

    /// The address of a function.
    ///
    /// # Panics
    /// There is no such function.
    pub fn symbol(&self, name: &str) -> u64 {
        let symbols = elf::symbols(&self.data);
        symbols.iter().find(|symbol| symbol.name == name).unwrap_or_else(|| panic!("no symbol {name}")).addr
    }

    /// The executable part that holds an address, from there on, as far as the file has it.
    fn code(&self, addr: u64) -> &[u8] {
        let within = |s: &&elf::Segment| s.execute && s.addr <= addr && addr < s.addr + s.file_size;
        self.image.segments.iter().find(within).map_or(&[], |segment| {
            let start = segment.file_offset as usize;
            &self.data[start..start + segment.file_size as usize][(addr - segment.addr) as usize..]
        })
    }

    /// Its code from the entry point on.
    pub fn text(&self) -> &[u8] {
        self.code(self.image.entry)
    }
}

impl Fetch for Program {
    fn fetch(&self, addr: u64, buf: &mut [u8]) -> usize {
        let code = self.code(addr);
        let count = code.len().min(buf.len());
        buf[..count].copy_from_slice(&code[..count]);
        count
    }
}
