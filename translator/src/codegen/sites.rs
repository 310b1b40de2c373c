//! From finished host code to fault sites, and the proof that cold edges are exact.
//!
//! A fault in an access is led to the cold block of the branch before it. That block expects its values where they
//! were at the branch, so nothing between the branch and the access may change a register that the cold block reads
//! before writing. Here that is checked on the instructions themselves.

use super::HostIsa;
use super::emit::{Emitted, GUEST_ACCESS, access_location, cold_location};
use super::unit::{FaultSite, SiteAction};
use cranelift_codegen::CompiledCode;
use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, OpAccess, Register,
};
use rustc_hash::FxHashMap;

/// What the check found.
pub(super) enum Verdict {
    /// Every access has its exact action.
    Exact(Vec<FaultSite>),
    /// Some cold block would see changed registers.
    Inexact,
    /// The code is not what `emit` asked for.
    Broken(String),
}

/// Finds the sites of a compiled function.
pub(super) fn match_up(
    isa: HostIsa,
    compiled: &CompiledCode,
    code: &[u8],
    emitted: &Emitted,
    write_back: bool,
) -> Verdict {
    let accesses: Vec<u32> = compiled
        .buffer
        .traps()
        .iter()
        .filter(|trap| trap.code == GUEST_ACCESS)
        .map(|trap| trap.offset)
        .collect();
    let locations = compiled.buffer.get_srclocs_sorted();
    // A trap belongs to the location range that holds it.
    let site_at = |offset: u32| {
        let behind = locations.partition_point(|range| range.start <= offset);
        let range = locations[..behind].last().filter(|range| offset < range.end)?;
        let bits = range.loc.bits();
        let site = (bits / 2) as usize;
        (site < emitted.sites.len() && access_location(bits / 2) == range.loc).then_some(site)
    };
    let mut sites = Vec::with_capacity(accesses.len());
    for &offset in &accesses {
        let Some(site) = site_at(offset) else {
            return Verdict::Broken(format!("the access at {offset:#x} has no site"));
        };
        sites.push((offset, site));
    }
    if write_back {
        let leave = |(offset, site): (u32, usize)| FaultSite {
            offset,
            action: SiteAction::Leave { pc: emitted.sites[site] },
        };
        return Verdict::Exact(sites.into_iter().map(leave).collect());
    }
    if sites.is_empty() {
        return Verdict::Exact(Vec::new());
    }
    if isa != HostIsa::X86_64 {
        return Verdict::Inexact;
    }
    let mut cold_starts = FxHashMap::default();
    for range in locations {
        let site = range.loc.bits() / 2;
        if range.loc == cold_location(site) {
            let start = cold_starts.entry(site as usize).or_insert(range.start);
            *start = range.start.min(*start);
        }
    }
    let listing = Listing::new(code);
    let mut checker = Checker { listing: &listing, factory: InstructionInfoFactory::new() };
    let mut found = Vec::with_capacity(sites.len());
    for (offset, site) in sites {
        let cold = cold_starts.get(&site).and_then(|&start| checker.cold_block(offset, start));
        let Some(cold) = cold else { return Verdict::Inexact };
        found.push(FaultSite { offset, action: SiteAction::Cold { offset: cold } });
    }
    Verdict::Exact(found)
}

/// The function's instructions in order, by offset.
struct Listing {
    instructions: Vec<Instruction>,
}

impl Listing {
    /// Decodes from the start to the end; constants behind the code decode to nonsense that nothing jumps to.
    fn new(code: &[u8]) -> Listing {
        let decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
        Listing { instructions: decoder.into_iter().collect() }
    }

    fn index(&self, offset: u32) -> Option<usize> {
        self.instructions.binary_search_by_key(&u64::from(offset), Instruction::ip).ok()
    }
}

struct Checker<'a> {
    listing: &'a Listing,
    factory: InstructionInfoFactory,
}

/// Registers as a set: 16 general, 16 vector.
type Registers = u32;

impl Checker<'_> {
    /// Where the branch in front of the access at `offset` leads, if that is the cold block whose own instructions
    /// start at `start`, and nothing on the way to the access changes what that block reads.
    fn cold_block(&mut self, offset: u32, start: u32) -> Option<u32> {
        let access = self.listing.index(offset)?;
        let mut branch = access;
        loop {
            branch = branch.checked_sub(1)?;
            let instruction = &self.listing.instructions[branch];
            match instruction.flow_control() {
                FlowControl::Next => {}
                FlowControl::ConditionalBranch => break,
                _ => return None,
            }
            // Farther away than any sequence that one access expands to: not worth a longer search.
            if access - branch > 16 {
                return None;
            }
        }
        let target = self.listing.instructions[branch].near_branch_target() as u32;
        let mut changed = 0;
        for index in branch + 1..access {
            changed |= self.effects(index).1;
        }
        let needed = self.reads_of_cold_block(target, start)?;
        (needed & changed == 0).then_some(target)
    }

    /// Registers that the code from `target` on reads before it writes them, until it returns. It must pass `start`
    /// in a straight line.
    fn reads_of_cold_block(&mut self, target: u32, start: u32) -> Option<Registers> {
        let (mut read, mut written): (Registers, Registers) = (0, 0);
        let mut index = self.listing.index(target)?;
        let mut passed = false;
        // Cold blocks store at most all slots and jump to the common end.
        for _ in 0..1024 {
            let instruction = *self.listing.instructions.get(index)?;
            passed |= instruction.ip() == u64::from(start);
            if matches!(instruction.code(), Code::INVALID) {
                return None;
            }
            let (reads, writes) = self.effects(index);
            read |= reads & !written;
            written |= writes;
            index = match instruction.flow_control() {
                FlowControl::Next => index + 1,
                FlowControl::UnconditionalBranch if passed => {
                    self.listing.index(instruction.near_branch_target() as u32)?
                }
                // The callee-saved registers that the epilogue pops are its own, from the stack.
                FlowControl::Return if passed => return Some(read),
                _ => return None,
            };
        }
        None
    }

    /// Registers that an instruction reads, and those it writes or may write.
    fn effects(&mut self, index: usize) -> (Registers, Registers) {
        let info = self.factory.info(&self.listing.instructions[index]);
        let (mut read, mut written) = (0, 0);
        for used in info.used_registers() {
            let set = register_set(used.register());
            match used.access() {
                OpAccess::Read | OpAccess::CondRead => read |= set,
                OpAccess::Write | OpAccess::CondWrite => written |= set,
                OpAccess::ReadWrite | OpAccess::ReadCondWrite => {
                    read |= set;
                    written |= set;
                }
                OpAccess::None | OpAccess::NoMemAccess => {}
            }
        }
        (read, written)
    }
}

fn register_set(register: Register) -> Registers {
    let full = register.full_register();
    if full.is_gpr64() {
        1 << (full as u32 - Register::RAX as u32)
    } else if full.is_vector_register() {
        // Sixteen vector registers without AVX-512, which Cranelift does not allocate.
        1 << (16 + (full.number() & 15))
    } else {
        0
    }
}
