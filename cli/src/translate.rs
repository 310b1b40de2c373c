//! `xlat translate`: the way of a piece of guest code through the translator, for people.

use crate::complain;
use clap::Args;
use linux::elf::{self, Image, Symbol};
use linux::process::read_program;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use translator::codegen::HostIsa;
use translator::guest::Guest;
use translator::ir::Block;
use translator::lift::{Fetch, FetchFault, LiftOptions, lift_block};
use translator::listing;
use translator::opt;
use translator::region::{Region, RegionOptions};

/// Options of `xlat translate`.
#[derive(Args)]
pub struct Arguments {
    /// A static ELF program for x86_64, aarch64 or riscv64
    program: PathBuf,
    /// Where to start: a symbol of the program, or an address such as 0x10078
    #[arg(long, value_name = "SYMBOL|ADDRESS")]
    at: String,
    /// Machine to make code for
    #[arg(long, value_name = "HOST", default_value_t = HostIsa::native(), value_parser = parse_host)]
    host: HostIsa,
}

fn parse_host(name: &str) -> Result<HostIsa, String> {
    HostIsa::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = HostIsa::ALL.iter().map(|isa| isa.name()).collect();
        format!("known hosts: {}", known.join(", "))
    })
}

/// The executable bytes of a program's file.
struct Code<'a> {
    image: &'a Image,
    data: &'a [u8],
}

impl Fetch for Code<'_> {
    fn fetch(&self, addr: u64, buf: &mut [u8]) -> usize {
        let segments = self.image.segments.iter();
        let Some(segment) = segments.filter(|s| s.execute).find(|s| s.addr <= addr && addr < s.end()) else {
            return 0;
        };
        let at = addr - segment.addr;
        let count = (segment.size - at).min(buf.len() as u64);
        for (offset, byte) in buf[..count as usize].iter_mut().enumerate() {
            let in_file = at + offset as u64;
            // Beyond the file's part a segment is zero.
            *byte = if in_file < segment.file_size {
                self.data[(segment.file_offset + in_file) as usize]
            } else {
                0
            };
        }
        count as usize
    }
}

/// Prints the translation of the region at the address.
pub fn translate(arguments: &Arguments) -> ExitCode {
    match listing(arguments) {
        Ok(text) => {
            // Nobody reading to the end is no failure.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn listing(arguments: &Arguments) -> Result<String, String> {
    let path = arguments.program.display();
    let data = read_program(&arguments.program).map_err(|error| format!("cannot read {path}: {error}"))?;
    let image = Image::parse(&data).map_err(|error| format!("cannot translate {path}: {error}"))?;
    let symbols = elf::symbols(&data);
    let addr = address(&arguments.at, &symbols).ok_or_else(|| {
        format!("{path} has no symbol {}, and that is no address (such as 0x10078) either", arguments.at)
    })?;
    let code = Code { image: &image, data: &data };
    let region = grow(image.guest, &code, addr)
        .map_err(|FetchFault { addr }| format!("{path} has no code at {addr:#x}"))?;

    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "guest code ({}), {} instructions", image.guest, region.instructions());
    for block in &region.blocks {
        let _ = writeln!(text, "\n{}", place(block.start, &symbols));
        show_guest(&mut text, image.guest, &code, block);
    }
    let _ = writeln!(text, "\nIR as lifted");
    show_ir(&mut text, &region, &symbols);
    let mut optimized = region;
    optimized.blocks.iter_mut().for_each(opt::optimize);
    let _ = writeln!(text, "\nIR after the passes");
    show_ir(&mut text, &optimized, &symbols);
    Ok(text)
}

fn grow(guest: Guest, code: &Code<'_>, addr: u64) -> Result<Region, FetchFault> {
    let lift = |pc| lift_block(guest, code, pc, &LiftOptions::default());
    Region::grow(addr, &RegionOptions::default(), lift, |_| 0)
}

/// The address that `--at` names.
fn address(at: &str, symbols: &[Symbol]) -> Option<u64> {
    if let Some(symbol) = symbols.iter().find(|symbol| symbol.name == at) {
        return Some(symbol.addr);
    }
    match at.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => at.parse().ok(),
    }
}

/// `0x10078 <main+8>:`
fn place(addr: u64, symbols: &[Symbol]) -> String {
    let before = symbols.partition_point(|symbol| symbol.addr <= addr);
    let symbol =
        symbols[..before].last().filter(|symbol| symbol.size == 0 || addr < symbol.addr + symbol.size);
    match symbol {
        Some(symbol) if symbol.addr == addr => format!("{addr:#x} <{}>:", symbol.name),
        Some(symbol) => format!("{addr:#x} <{}+{:#x}>:", symbol.name, addr - symbol.addr),
        None => format!("{addr:#x}:"),
    }
}

fn show_guest(text: &mut String, guest: Guest, code: &Code<'_>, block: &Block) {
    let mut pc = block.start;
    while pc < block.end {
        let mut bytes = [0; 15];
        let available = code.fetch(pc, &mut bytes);
        let (length, words) = match listing::instruction(guest, &bytes[..available], pc) {
            Ok(instruction) => instruction,
            Err(error) => (1, format!("({error})")),
        };
        let mut hex = String::new();
        for byte in &bytes[..length.min(available)] {
            let _ = write!(hex, "{byte:02x} ");
        }
        let _ = writeln!(text, "  {pc:#x}  {hex:<24} {words}");
        pc += length as u64;
    }
}

fn show_ir(text: &mut String, region: &Region, symbols: &[Symbol]) {
    for block in &region.blocks {
        let _ = writeln!(text, "\n{}", place(block.start, symbols));
        for line in block.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
}
