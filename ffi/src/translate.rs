//! Translations as text: what one address becomes.

use crate::error::Failure;
use crate::guard::{Sized32, array, copy_text, guard, read_struct};
use crate::handle;
use crate::numbers::*;
use crate::version::guest;
use crate::vm::xlat_vm;
use std::ffi::c_char;
use std::fmt::Write;
use translator::codegen::{CompileOptions, Compiler, HostIsa, Options, UnitKey};
use translator::guest::Guest;
use translator::ir::Block;
use translator::lift::{Bytes, Fetch, LiftOptions, lift_block};
use translator::memory::Memory;
use translator::region::{Region, RegionOptions};
use translator::{listing, opt};

/// Largest region that is shown.
const MOST_INSTRUCTIONS: u32 = 4096;

/// What to translate, and what to show of it. Zero fields mean the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_translate_options {
    /// `sizeof(xlat_translate_options)`.
    pub struct_size: u32,
    /// `XLAT_TEXT_*`; the guest's instructions by default.
    pub text: u32,
    /// `XLAT_HOST_*`: whose code `XLAT_TEXT_HOST` shows; this host's by default.
    pub host: u32,
    /// Most guest instructions; 200 by default.
    pub max_instructions: u32,
}

// SAFETY: repr(C), 4 * 4 bytes without padding, integers only.
unsafe impl Sized32 for xlat_translate_options {
    const NAME: &'static str = "xlat_translate_options";
    const FIRST: usize = 16;
}

/// The translation of what begins at `address` in a machine's memory (the blocks that are reached by
/// direct jumps), as text. `options` may be NULL; `buf`,
/// `len` and `needed` as for `xlat_last_error`. `XLAT_ERROR_NOT_MAPPED` if nothing can be fetched there.
///
/// # Safety
/// `options` is NULL or points to `struct_size` bytes; `buf` has room for `len` bytes; `needed` is NULL or points to a
/// `size_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_translate(
    vm: *const xlat_vm,
    address: u64,
    options: *const xlat_translate_options,
    buf: *mut c_char,
    len: usize,
    needed: *mut usize,
) -> xlat_status {
    guard(|| {
        let vm = handle::acquire(vm)?;
        // SAFETY: the caller's contract.
        let options = unsafe { read_struct(options) }?;
        let text = translation(vm.guest(), &MachineCode(vm.memory()), address, &options)?;
        // SAFETY: the caller's contract.
        unsafe { copy_text(&text, buf, len, needed) }
    })
}

/// The translation of `length` bytes of machine code that stand at guest address `address`, as text. Needs no
/// machine. `options` may be NULL; `buf`, `len` and `needed` as for `xlat_last_error`.
///
/// # Safety
/// `bytes` points to `length` bytes; the others as for `xlat_vm_translate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_translate(
    guest_number: u32,
    bytes: *const u8,
    length: usize,
    address: u64,
    options: *const xlat_translate_options,
    buf: *mut c_char,
    len: usize,
    needed: *mut usize,
) -> xlat_status {
    guard(|| {
        let guest = guest(guest_number)?;
        // SAFETY: the caller's contract.
        let bytes = unsafe { array(bytes, length, "bytes") }?;
        // SAFETY: the caller's contract.
        let options = unsafe { read_struct(options) }?;
        let text = translation(guest, &Bytes { start: address, bytes }, address, &options)?;
        // SAFETY: the caller's contract.
        unsafe { copy_text(&text, buf, len, needed) }
    })
}

/// Code in a machine's memory.
struct MachineCode<'a>(&'a Memory);

impl Fetch for MachineCode<'_> {
    fn fetch(&self, addr: u64, buf: &mut [u8]) -> usize {
        self.0.fetch(addr, buf)
    }
}

fn translation(
    guest: Guest,
    code: &dyn Fetch,
    address: u64,
    options: &xlat_translate_options,
) -> Result<String, Failure> {
    let isa = match options.host {
        0 => HostIsa::native(),
        XLAT_HOST_X86_64 => HostIsa::X86_64,
        XLAT_HOST_AARCH64 => HostIsa::Aarch64,
        XLAT_HOST_RISCV64 => HostIsa::Riscv64,
        other => return Err(Failure::argument(format!("{other} is no host (XLAT_HOST_*)"))),
    };
    let mut limits = RegionOptions::default();
    if options.max_instructions != 0 {
        limits.max_instructions = options.max_instructions.min(MOST_INSTRUCTIONS);
    }
    let lift = LiftOptions {
        max_instructions: limits.max_instructions.min(LiftOptions::default().max_instructions),
        ..LiftOptions::default()
    };
    let lift = |pc| lift_block(guest, code, pc, &lift);
    let mut region = Region::grow(address, &limits, lift, |_| 0).map_err(|fault| {
        let text = format!("no instruction can be fetched at {:#x}", fault.addr);
        Failure::new(XLAT_ERROR_NOT_MAPPED, text)
    })?;
    match options.text {
        0 | XLAT_TEXT_GUEST => Ok(each_block(&region, |block| guest_text(guest, code, block))),
        XLAT_TEXT_IR => Ok(each_block(&region, Block::to_string)),
        XLAT_TEXT_OPTIMIZED => {
            region.blocks.iter_mut().for_each(opt::optimize);
            Ok(each_block(&region, Block::to_string))
        }
        XLAT_TEXT_HOST => {
            region.blocks.iter_mut().for_each(opt::optimize);
            host_text(guest, isa, &region)
        }
        other => Err(Failure::argument(format!("{other} is no text of a translation (XLAT_TEXT_*)"))),
    }
}

/// The texts of the blocks, an empty line between two.
fn each_block(region: &Region, text: impl Fn(&Block) -> String) -> String {
    let texts: Vec<String> = region.blocks.iter().map(|block| text(block).trim_end().to_owned()).collect();
    texts.join("\n\n") + "\n"
}

/// One line an instruction: address, bytes, text.
fn guest_text(guest: Guest, code: &dyn Fetch, block: &Block) -> String {
    let mut text = String::new();
    let mut pc = block.start;
    while pc < block.end {
        let mut bytes = [0; 15];
        let available = code.fetch(pc, &mut bytes);
        if available == 0 {
            break;
        }
        pc += line(&mut text, guest, &bytes[..available], pc);
    }
    text
}

/// Host code as compiled for a direct-mode machine without a budget, from offset 0 on.
fn host_text(guest: Guest, isa: HostIsa, region: &Region) -> Result<String, Failure> {
    let key = UnitKey::plain(guest);
    let unit = Compiler::new(isa, &Options::default())
        .and_then(|compiler| compiler.compile(region, &key, &CompileOptions::default()))
        .map_err(|error| Failure::new(XLAT_ERROR_UNSUPPORTED, error.to_string()))?;
    // The decoders know user-mode instructions, whoever runs them.
    let language = match isa {
        HostIsa::X86_64 => Guest::X86_64,
        HostIsa::Aarch64 => Guest::Aarch64,
        HostIsa::Riscv64 => Guest::Riscv64,
    };
    let (mut text, mut offset) = (String::new(), 0);
    while let Some(rest) = unit.code.get(offset..).filter(|rest| !rest.is_empty()) {
        offset += line(&mut text, language, rest, offset as u64) as usize;
    }
    Ok(text)
}

/// Adds the line of the first instruction of `bytes`; its length (that of an instruction word where it is none).
fn line(text: &mut String, guest: Guest, bytes: &[u8], pc: u64) -> u64 {
    let unknown = guest.instruction_alignment().max(1).min(bytes.len() as u64);
    let (length, words) = match listing::instruction(guest, bytes, pc) {
        Ok((length, words)) => (length as u64, words),
        Err(error) => (unknown, format!("({error})")),
    };
    let hex: String = bytes[..length as usize].iter().map(|byte| format!("{byte:02x} ")).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{pc:#x}  {hex:<24} {words}");
    length
}
