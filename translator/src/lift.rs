//! Guest machine code to IR blocks.
//!
//! The loop here fetches, decodes and marks instructions; `lift/<guest>` gives each its meaning. Lifting never fails:
//! what cannot be decoded or is not supported becomes a block end with that reason. Only the absence of code at the
//! first address is reported, as a fault.

pub mod aarch64;
mod aes;
pub mod riscv64;
pub mod x86_64;

use crate::guest::{FpEnv, Guest};
use crate::ir::{Block, Builder, Trap};
use decoders::DecodeError;

/// Where code bytes come from.
pub trait Fetch {
    /// Copies executable bytes starting at `addr` into `buf` and returns how many there are before the end of `buf` or
    /// the first byte that may not be fetched.
    fn fetch(&self, addr: u64, buf: &mut [u8]) -> usize;

    /// Whether a block must end before the instruction at this address (a stop address).
    fn is_boundary(&self, _addr: u64) -> bool {
        false
    }
}

/// Code bytes that stand alone, at a guest address: for tests and listings.
pub struct Bytes<'a> {
    /// Guest address of the first byte.
    pub start: u64,
    /// The code.
    pub bytes: &'a [u8],
}

impl Fetch for Bytes<'_> {
    fn fetch(&self, addr: u64, buf: &mut [u8]) -> usize {
        let Some(rest) =
            addr.checked_sub(self.start).and_then(|at| self.bytes.get(usize::try_from(at).ok()?..))
        else {
            return 0;
        };
        let len = rest.len().min(buf.len());
        buf[..len].copy_from_slice(&rest[..len]);
        len
    }
}

/// How to lift; all of it is part of the unit key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiftOptions {
    /// The float environment that the code will run in.
    pub env: FpEnv,
    /// Longest block, in guest instructions.
    pub max_instructions: u32,
}

impl Default for LiftOptions {
    fn default() -> LiftOptions {
        LiftOptions { env: FpEnv::default(), max_instructions: 64 }
    }
}

/// No instruction can be fetched at the block's start: the address of the first byte that is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchFault {
    /// Guest address.
    pub addr: u64,
}

/// Pages end blocks, so that a block covers one page (or two, if its last instruction crosses into the next).
const PAGE: u64 = 4096;

/// The longest instruction of any guest, in bytes.
const MAX_LENGTH: usize = 15;

/// Lifts the block at `pc`.
///
/// # Errors
/// Not one instruction can be fetched there.
pub fn lift_block(
    guest: Guest,
    code: &dyn Fetch,
    pc: u64,
    options: &LiftOptions,
) -> Result<Block, FetchFault> {
    let mut block = Block::with_room(guest, 64);
    lift_block_into(&mut block, code, pc, options)?;
    Ok(block)
}

/// Lifts the block at `pc` in place of another one of the same guest, whose room it takes: for callers that lift many blocks
/// and keep copies, which are exactly as large as they have to be.
///
/// # Errors
/// As [`lift_block`]; the other block is lost nevertheless.
pub fn lift_block_into(
    block: &mut Block,
    code: &dyn Fetch,
    pc: u64,
    options: &LiftOptions,
) -> Result<(), FetchFault> {
    let guest = block.guest;
    let room = std::mem::replace(block, Block::with_room(guest, 0));
    let mut lifter = BlockLifter { builder: Builder::in_place_of(room, pc), options, code, pc };
    lifter.lift(guest)?;
    *block = lifter.builder.finish(lifter.pc);
    Ok(())
}

/// What a frontend's instruction function is given besides the builder.
pub struct Context<'a, F> {
    /// Address of the instruction.
    pub pc: u64,
    /// Address of the instruction behind it.
    pub next: u64,
    /// Options of the block.
    pub options: &'a LiftOptions,
    /// What the frontend remembers within the block (the last flag-setting operation).
    pub frontend: &'a mut F,
}

struct BlockLifter<'a> {
    builder: Builder,
    options: &'a LiftOptions,
    code: &'a dyn Fetch,
    pc: u64,
}

impl BlockLifter<'_> {
    fn lift(&mut self, guest: Guest) -> Result<(), FetchFault> {
        match guest {
            Guest::X86_64 => self.run(
                decoders::x86_64::decode,
                |insn| insn.len() as u8,
                x86_64::Frontend::default(),
                x86_64::lift,
            ),
            Guest::Aarch64 => {
                self.run(decoders::aarch64::decode, |_| 4, aarch64::Frontend::default(), aarch64::lift)
            }
            Guest::Riscv64 => self.run(
                decoders::riscv64::decode,
                |insn| insn.len,
                riscv64::Frontend::default(),
                riscv64::lift,
            ),
        }
    }

    fn run<I, F: Default>(
        &mut self,
        decode: impl Fn(&[u8], u64) -> Result<I, DecodeError>,
        length: impl Fn(&I) -> u8,
        mut frontend: F,
        lift: impl Fn(&mut Builder, &I, &mut Context<'_, F>),
    ) -> Result<(), FetchFault> {
        let first_page = self.pc / PAGE;
        loop {
            let mut bytes = [0; MAX_LENGTH];
            let available = self.code.fetch(self.pc, &mut bytes);
            let first = self.builder.instructions() == 0;
            let insn = if available == 0 {
                Err(DecodeError::NeedMore)
            } else {
                decode(&bytes[..available], self.pc)
            };
            match insn {
                Ok(insn) => {
                    let len = length(&insn);
                    let next = self.pc.wrapping_add(len.into());
                    self.builder.instruction(self.pc, len);
                    let mut context =
                        Context { pc: self.pc, next, options: self.options, frontend: &mut frontend };
                    lift(&mut self.builder, &insn, &mut context);
                    self.pc = next;
                }
                Err(DecodeError::NeedMore) if first => {
                    return Err(FetchFault { addr: self.pc.wrapping_add(available as u64) });
                }
                // The fault belongs to the next block, where it is the first instruction.
                Err(DecodeError::NeedMore) => self.builder.jump(self.pc),
                Err(DecodeError::Illegal) => {
                    self.builder.instruction(self.pc, 0);
                    self.builder.trap(Trap::Illegal);
                    // The bytes that were looked at decide this block too.
                    self.pc = self.pc.wrapping_add(available as u64);
                }
            }
            if self.builder.is_terminated() {
                return Ok(());
            }
            if self.builder.instructions() >= self.options.max_instructions
                || self.pc / PAGE != first_page
                || self.code.is_boundary(self.pc)
            {
                self.builder.jump(self.pc);
                return Ok(());
            }
        }
    }
}
