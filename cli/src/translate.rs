//! `xlat translate`: the way of a piece of guest code through the translator, for people.
//!
//! IR before and after the passes stands side by side below each guest instruction; host code follows as a whole, because
//! the compiler moves instructions of different guest instructions into one another.

use crate::complain;
use clap::Args;
use linux::elf::{self, Image, Symbol};
use linux::process::read_program;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use translator::codegen::{self, CompileOptions, Compiler, HostIsa, UnitKey};
use translator::guest::Guest;
use translator::ir::{Block, Op};
use translator::lift::{Fetch, FetchFault, LiftOptions, lift_block};
use translator::listing;
use translator::opt;
use translator::region::{Region, RegionOptions};

/// What `xlat translate --help` says at its end.
const AFTER_HELP: &str = "\
Shows the region that begins there (the blocks that direct jumps reach): each guest instruction, below it its intermediate
representation as lifted and after the passes, and at the end the host code. Nothing is executed.

Example:
  xlat translate tests/quickstart/hello-riscv64 --at checksum --host aarch64";

/// Options of `xlat translate`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// A static ELF program for x86_64, aarch64 or riscv64
    program: PathBuf,
    /// Where to start: a symbol of the program, or an address such as 0x10078
    #[arg(long, value_name = "SYMBOL|ADDRESS")]
    at: String,
    /// Machine to make code for: x86_64, aarch64 or riscv64
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
    let image = Image::parse(&data[..]).map_err(|error| format!("cannot translate {path}: {error}"))?;
    let symbols = elf::symbols(&data);
    let addr = address(&arguments.at, &symbols).ok_or_else(|| {
        format!("{path} has no symbol {}, and that is no address (such as 0x10078) either", arguments.at)
    })?;
    let code = Code { image: &image, data: &data };
    let region = grow(image.guest, &code, addr)
        .map_err(|FetchFault { addr }| format!("{path} has no code at {addr:#x}"))?;

    let mut optimized = region.clone();
    optimized.blocks.iter_mut().for_each(opt::optimize);

    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "guest code ({}), {} instructions; its IR as lifted | after the passes",
        image.guest,
        region.instructions()
    );
    for (before, after) in region.blocks.iter().zip(&optimized.blocks) {
        let _ = writeln!(text, "\n{}", place(before.start, &symbols));
        show_block(&mut text, image.guest, &code, before, after);
    }
    show_host(&mut text, image.guest, &optimized, arguments.host).map_err(|error| error.to_string())?;
    Ok(text)
}

/// The host code of the region, compiled as `xlat run` compiles a program's first instructions.
fn show_host(text: &mut String, guest: Guest, region: &Region, host: HostIsa) -> Result<(), codegen::Error> {
    let compiler = Compiler::new(host, &codegen::Options::default())?;
    let key = UnitKey::plain(guest);
    let unit = compiler.compile(region, &key, &CompileOptions::default())?;
    let _ = writeln!(text, "\nhost code ({host}), {} bytes", unit.code.len());
    // Host code is listed by the decoders of the guests, which know most of what the compiler emits.
    let language = match host {
        HostIsa::X86_64 => Guest::X86_64,
        HostIsa::Aarch64 => Guest::Aarch64,
        HostIsa::Riscv64 => Guest::Riscv64,
    };
    let mut at = 0;
    while at < unit.code.len() {
        show_line(text, language, &unit.code[at..unit.code.len().min(at + 15)], at as u64, &mut at);
    }
    Ok(())
}

/// One instruction at `pc`: address, bytes, text. Moves `at` behind it.
fn show_line(text: &mut String, language: Guest, bytes: &[u8], pc: u64, at: &mut usize) {
    let (length, words) = match listing::instruction(language, bytes, pc) {
        Ok(instruction) => instruction,
        Err(error) => (language.instruction_alignment() as usize, format!("({error})")),
    };
    let length = length.min(bytes.len());
    let mut hex = String::new();
    for byte in &bytes[..length] {
        let _ = write!(hex, "{byte:02x} ");
    }
    let _ = writeln!(text, "  {pc:#x}  {hex:<30} {words}");
    *at += length.max(1);
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

/// Each guest instruction with its IR below it, as lifted on the left and after the passes on the right.
fn show_block(text: &mut String, guest: Guest, code: &Code<'_>, before: &Block, after: &Block) {
    let (before, after) = (by_instruction(before), by_instruction(after));
    let width = before.values().flatten().map(String::len).max().unwrap_or(0);
    for (&pc, lifted) in &before {
        let mut bytes = [0; 15];
        let available = code.fetch(pc, &mut bytes);
        show_line(text, guest, &bytes[..available], pc, &mut 0);
        let kept = after.get(&pc).map_or(&[][..], Vec::as_slice);
        for row in 0..lifted.len().max(kept.len()) {
            let cell = |lines: &[String]| lines.get(row).cloned().unwrap_or_default();
            let line = format!("      {:<width$} | {}", cell(lifted), cell(kept));
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
}

/// The lines of a block's IR under the address of the guest instruction that they belong to.
fn by_instruction(block: &Block) -> BTreeMap<u64, Vec<String>> {
    let mut lines: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut pc = block.start;
    let ops = block.ops.iter().map(Some).chain([None]);
    for (op, line) in ops.zip(block.lines()) {
        if let Some(Op::Instruction { pc: next, .. }) = op {
            pc = *next;
            lines.entry(pc).or_default();
        } else {
            lines.entry(pc).or_default().push(line);
        }
    }
    lines
}
