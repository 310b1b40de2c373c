//! ELF files: what a program's file must be so that xlat can run it, and what the loader and the listings need from it.
//!
//! Everything here works on bytes; nothing is mapped. [`Image::parse`] accepts a file only if every later step can rely
//! on it: segments lie within the file and within the address space, do not overlap, and the entry point is code.

use object::elf;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSymbol, ReadRef, SymbolKind};
use translator::guest::Guest;

type Header = elf::FileHeader64<LittleEndian>;

/// Size of a page of every guest.
pub const PAGE: u64 = 4096;

/// What an ELF file begins with.
pub const MAGIC: [u8; 4] = elf::ELFMAG;

/// Why a file is not a program that xlat runs. The text completes "cannot run PATH:".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ElfError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Starts with `#!`.
    #[error("a script, not an ELF program")]
    Script,
    /// Another magic number.
    #[error("not an ELF file")]
    NotElf,
    /// The file ends within a structure.
    #[error("the ELF file is truncated: {what} ends at byte {end}, the file at byte {size}")]
    Truncated {
        /// The structure.
        what: String,
        /// Where it should end.
        end: u64,
        /// Where the file ends.
        size: u64,
    },
    /// ELFCLASS32.
    #[error("a 32-bit ELF file; xlat runs 64-bit programs")]
    Class32,
    /// ELFDATA2MSB.
    #[error("a big-endian ELF file; xlat runs little-endian programs")]
    BigEndian,
    /// A machine that is not a guest.
    #[error("an ELF file for {0}; xlat runs x86_64, aarch64 and riscv64 programs")]
    Machine(String),
    /// Not a program: an object file, a core file.
    #[error("{0}, not a program")]
    Kind(&'static str),
    /// Needs a dynamic linker or shared libraries.
    #[error("dynamically linked ({0}); xlat runs static and static-PIE programs")]
    Dynamic(String),
    /// A field contradicts the format or another field.
    #[error("a corrupt ELF file: {0}")]
    Corrupt(String),
    /// A well-formed file that this version cannot run.
    #[error("{0}")]
    Unsupported(String),
}

/// One `PT_LOAD` segment, addresses not yet biased.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// First address.
    pub addr: u64,
    /// Bytes in memory, more than zero.
    pub size: u64,
    /// Where its bytes start in the file.
    pub file_offset: u64,
    /// How many bytes the file gives; the rest is zero.
    pub file_size: u64,
    /// May be read.
    pub read: bool,
    /// May be written.
    pub write: bool,
    /// May be executed.
    pub execute: bool,
}

impl Segment {
    /// The address behind the last byte.
    pub const fn end(&self) -> u64 {
        self.addr + self.size
    }
}

/// A program file that can be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// The guest it is for.
    pub guest: Guest,
    /// Whether it may be loaded at any address (static-PIE); else its addresses are final.
    pub relocatable: bool,
    /// Entry point, not yet biased.
    pub entry: u64,
    /// The segments, in ascending order of addresses, never empty.
    pub segments: Vec<Segment>,
    /// Address of the program headers in memory, not yet biased, if a segment holds them.
    pub program_headers: Option<u64>,
    /// Number of program headers.
    pub program_header_count: u16,
    /// Whether the program asks for an executable stack.
    pub executable_stack: bool,
    /// Largest alignment that a segment asks for, at least [`PAGE`].
    pub align: u64,
}

impl Image {
    /// Reads the headers of a program file, not its segments, and checks them.
    ///
    /// # Errors
    /// Says what is wrong with a file that xlat cannot run.
    pub fn parse<'a>(data: impl ReadRef<'a>) -> Result<Image, ElfError> {
        let unreadable = |()| ElfError::Corrupt("it cannot be read".into());
        let size = data.len().map_err(unreadable)?;
        let bytes_at = |offset, length| data.read_bytes_at(offset, length).map_err(unreadable);
        check_ident(bytes_at(0, size.min(size_of::<Header>() as u64))?, size)?;
        let header = Header::parse(data).map_err(|error| ElfError::Corrupt(error.to_string()))?;
        let endian = LittleEndian;
        let guest = guest_of(header)?;
        let relocatable = match header.e_type(endian) {
            elf::ET_EXEC => false,
            elf::ET_DYN => true,
            elf::ET_REL => return Err(ElfError::Kind("an object file (.o)")),
            elf::ET_CORE => return Err(ElfError::Kind("a core file")),
            other => return Err(ElfError::Corrupt(format!("unknown file type {}", other.0))),
        };
        if header.e_version(endian) != 1 {
            return Err(ElfError::Corrupt(format!("unknown ELF version {}", header.e_version(endian))));
        }
        let count = header.e_phnum(endian);
        if count == 0 {
            return Err(ElfError::Corrupt("no program headers".into()));
        }
        if count == 0xffff {
            return Err(ElfError::Unsupported("an ELF file with more than 65534 program headers".into()));
        }
        let entry_size = header.e_phentsize(endian);
        if usize::from(entry_size) != size_of::<elf::ProgramHeader64<LittleEndian>>() {
            return Err(ElfError::Corrupt(format!("program headers of {entry_size} bytes instead of 56")));
        }
        let table = header.e_phoff(endian);
        let table_size = u64::from(count) * u64::from(entry_size);
        check_within(size, table, table_size, || "the program header table".into())?;
        let headers =
            header.program_headers(endian, data).map_err(|error| ElfError::Corrupt(error.to_string()))?;

        let mut image = Image {
            guest,
            relocatable,
            entry: header.e_entry(endian),
            segments: Vec::new(),
            program_headers: None,
            program_header_count: count,
            executable_stack: false,
            align: PAGE,
        };
        for (index, program_header) in headers.iter().enumerate() {
            let (offset, length) = program_header.file_range(endian);
            match program_header.p_type(endian) {
                elf::PT_LOAD => image.add_segment(index, program_header, size)?,
                elf::PT_INTERP => {
                    check_within(size, offset, length, || "the interpreter's name".into())?;
                    let name = bytes_at(offset, length)?;
                    let name =
                        String::from_utf8_lossy(name.split(|byte| *byte == 0).next().unwrap_or_default());
                    return Err(ElfError::Dynamic(format!("interpreter {name}")));
                }
                elf::PT_DYNAMIC => {
                    check_within(size, offset, length, || "the dynamic section".into())?;
                    check_dynamic(bytes_at(offset, length)?)?;
                }
                elf::PT_GNU_STACK => {
                    image.executable_stack = program_header.p_flags(endian).0 & elf::PF_X.0 != 0;
                }
                _ => {}
            }
        }
        image.check_segments()?;
        image.program_headers = image
            .segments
            .iter()
            .find(|s| s.file_offset <= table && table + table_size <= s.file_offset + s.file_size)
            .map(|s| s.addr + (table - s.file_offset));
        Ok(image)
    }

    /// Lowest address, rounded down to a page.
    pub fn start(&self) -> u64 {
        self.segments[0].addr & !(PAGE - 1)
    }

    /// Highest address, rounded up to a page; does not overflow.
    pub fn end(&self) -> u64 {
        self.segments[self.segments.len() - 1].end().next_multiple_of(PAGE)
    }

    fn add_segment(
        &mut self,
        index: usize,
        header: &elf::ProgramHeader64<LittleEndian>,
        file: u64,
    ) -> Result<(), ElfError> {
        let endian = LittleEndian;
        let (file_offset, file_size) = header.file_range(endian);
        let (addr, size) = (header.p_vaddr(endian), header.p_memsz(endian));
        let align = header.p_align(endian);
        let flags = header.p_flags(endian).0;
        check_within(file, file_offset, file_size, || format!("segment {index}"))?;
        if size < file_size {
            return Err(ElfError::Corrupt(format!(
                "segment {index} has {file_size} bytes in the file and only {size} in memory"
            )));
        }
        if align > 1 && !align.is_power_of_two() {
            return Err(ElfError::Corrupt(format!(
                "segment {index} is aligned to {align}, which is no power of two"
            )));
        }
        if addr % PAGE != file_offset % PAGE {
            return Err(ElfError::Corrupt(format!(
                "segment {index} lies at {addr:#x} in memory and {file_offset:#x} in the file, which differ within a page"
            )));
        }
        // The end rounded up to a page must be an address too.
        if addr.checked_add(size).and_then(|end| end.checked_next_multiple_of(PAGE)).is_none() {
            return Err(ElfError::Corrupt(format!(
                "segment {index} of {size:#x} bytes at {addr:#x} does not fit the address space"
            )));
        }
        self.align = self.align.max(align);
        if size > 0 {
            self.segments.push(Segment {
                addr,
                size,
                file_offset,
                file_size,
                read: flags & elf::PF_R.0 != 0,
                write: flags & elf::PF_W.0 != 0,
                execute: flags & elf::PF_X.0 != 0,
            });
        }
        Ok(())
    }

    fn check_segments(&mut self) -> Result<(), ElfError> {
        self.segments.sort_by_key(|segment| segment.addr);
        if self.segments.is_empty() {
            return Err(ElfError::Corrupt("nothing to load (no PT_LOAD segment)".into()));
        }
        for pair in self.segments.windows(2) {
            if pair[0].end() > pair[1].addr {
                return Err(ElfError::Corrupt(format!(
                    "segments overlap at {:#x} ({:#x}..{:#x} and {:#x}..{:#x})",
                    pair[1].addr,
                    pair[0].addr,
                    pair[0].end(),
                    pair[1].addr,
                    pair[1].end()
                )));
            }
        }
        let entry = self.entry;
        if self.relocatable && entry == 0 {
            return Err(ElfError::Kind("a shared library"));
        }
        if !self.segments.iter().any(|s| s.execute && s.addr <= entry && entry < s.end()) {
            return Err(ElfError::Corrupt(format!(
                "the entry point {entry:#x} is not in an executable segment"
            )));
        }
        if !entry.is_multiple_of(self.guest.instruction_alignment()) {
            return Err(ElfError::Corrupt(format!("the entry point {entry:#x} is misaligned")));
        }
        Ok(())
    }
}

/// A symbol of a program file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Its address, not biased.
    pub addr: u64,
    /// Its size in bytes; 0 if unknown.
    pub size: u64,
}

/// The functions and labels of a file in ascending order of addresses; empty for a stripped file.
pub fn symbols(data: &[u8]) -> Vec<Symbol> {
    let Ok(file) = object::read::elf::ElfFile64::<LittleEndian>::parse(data) else { return Vec::new() };
    let mut symbols: Vec<Symbol> = file
        .symbols()
        .filter(|symbol| symbol.is_definition() || symbol.kind() == SymbolKind::Label)
        .filter(|symbol| matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Label | SymbolKind::Unknown))
        .filter_map(|symbol| {
            // RISC-V and AArch64 mark code and data with symbols such as `$x`; they name nothing.
            let name = symbol.name().ok().filter(|name| !name.is_empty() && !name.starts_with('$'))?;
            Some(Symbol { name: name.to_owned(), addr: symbol.address(), size: symbol.size() })
        })
        .collect();
    symbols.sort_by(|a, b| (a.addr, &a.name).cmp(&(b.addr, &b.name)));
    symbols
}

/// The magic number, class and byte order, of a file of `size` bytes that begins with these: what must be known before the
/// header can be read as a 64-bit one.
fn check_ident(data: &[u8], size: u64) -> Result<(), ElfError> {
    if data.is_empty() {
        return Err(ElfError::Empty);
    }
    if data.starts_with(b"#!") {
        return Err(ElfError::Script);
    }
    if !data.starts_with(&elf::ELFMAG) {
        // A prefix of the magic number is a truncated ELF file as likely as anything else; both texts are true.
        return Err(ElfError::NotElf);
    }
    let truncated = |end| ElfError::Truncated { what: "the ELF header".into(), end, size };
    match data.get(4).copied() {
        None => return Err(truncated(64)),
        Some(1) => return Err(ElfError::Class32),
        Some(2) => {}
        Some(class) => return Err(ElfError::Corrupt(format!("unknown ELF class {class}"))),
    }
    match data.get(5).copied() {
        None => return Err(truncated(64)),
        Some(1) => {}
        Some(2) => return Err(ElfError::BigEndian),
        Some(order) => return Err(ElfError::Corrupt(format!("unknown byte order {order}"))),
    }
    match data.get(6).copied() {
        None => return Err(truncated(64)),
        Some(1) => {}
        Some(version) => return Err(ElfError::Corrupt(format!("unknown ELF version {version}"))),
    }
    if data.len() < size_of::<Header>() {
        return Err(truncated(64));
    }
    Ok(())
}

fn guest_of(header: &Header) -> Result<Guest, ElfError> {
    let endian = LittleEndian;
    let name = match header.e_machine(endian) {
        elf::EM_X86_64 => return Ok(Guest::X86_64),
        elf::EM_AARCH64 => return Ok(Guest::Aarch64),
        elf::EM_RISCV => {
            // Only RV64E programs differ in what they may assume of the machine.
            const EF_RISCV_RVE: u32 = 8;
            if header.e_flags(endian).0 & EF_RISCV_RVE != 0 {
                return Err(ElfError::Unsupported(
                    "a program for RV64E (16 registers); xlat runs RV64I programs".into(),
                ));
            }
            return Ok(Guest::Riscv64);
        }
        elf::EM_386 => "i386",
        elf::EM_ARM => "32-bit Arm",
        elf::EM_PPC64 => "PowerPC 64",
        elf::EM_S390 => "S/390",
        elf::EM_MIPS => "MIPS",
        elf::EM_LOONGARCH => "LoongArch",
        elf::EM_SPARCV9 => "SPARC V9",
        elf::EM_NONE => "no machine",
        other => return Err(ElfError::Machine(format!("machine {}", other.0))),
    };
    Err(ElfError::Machine(name.into()))
}

/// A static-PIE program has a dynamic section for its own relocations; one that needs libraries is not static.
fn check_dynamic(section: &[u8]) -> Result<(), ElfError> {
    const DT_NULL: u64 = 0;
    const DT_NEEDED: u64 = 1;
    for entry in section.chunks_exact(16) {
        match u64::from_le_bytes(std::array::from_fn(|i| entry[i])) {
            DT_NULL => break,
            DT_NEEDED => return Err(ElfError::Dynamic("it needs shared libraries".into())),
            _ => {}
        }
    }
    Ok(())
}

fn check_within(size: u64, start: u64, length: u64, what: impl Fn() -> String) -> Result<(), ElfError> {
    match start.checked_add(length) {
        Some(end) if end <= size => Ok(()),
        Some(end) => Err(ElfError::Truncated { what: what(), end, size }),
        None => Err(ElfError::Corrupt(format!("{} at {start:#x} has {length:#x} bytes", what()))),
    }
}
