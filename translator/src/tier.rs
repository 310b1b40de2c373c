//! Tiers: what a unit of stencils covers, and the threads that compile regions meanwhile.
//!
//! | tier | what | made of |
//! | --- | --- | --- |
//! | 0 | the interpreter | blocks, as they are lifted |
//! | 1 | stencils | a trace: blocks that follow each other when no branch is taken |
//! | 2 | regions | a control-flow graph with its loops |
//!
//! All state is in its slots between units of any tier, so the change from one to the other is a jump.

mod workers;

pub use workers::Workers;

use crate::cache::UnitName;
use crate::ir::{Block, Terminator};
use crate::lift::{Fetch, FetchFault, LiftOptions, lift_block};
use crate::opt;
use crate::region::{Region, RegionOptions, always_leaves};

/// Longest trace, in guest instructions; the block that crosses the limit still belongs to it.
const TRACE_INSTRUCTIONS: u32 = 48;

/// The blocks of a unit of stencils at `name`: from its address on along the ways that are not taken, up to a place that
/// `is_unit` says has a unit of its own. No instruction uses a value of another.
///
/// # Errors
/// Nothing can be fetched at the first address.
pub fn trace(
    code: &dyn Fetch,
    name: &UnitName,
    is_unit: impl Fn(u64) -> bool,
) -> Result<Vec<Block>, FetchFault> {
    let options = LiftOptions { env: name.key.env, separate: true, ..LiftOptions::default() };
    let alignment = name.key.guest.instruction_alignment();
    let mut blocks: Vec<Block> = Vec::with_capacity(4);
    let mut instructions = 0;
    let mut pc = name.pc;
    if !pc.is_multiple_of(alignment) {
        return Err(FetchFault { addr: pc });
    }
    loop {
        let mut block = match lift_block(name.key.guest, code, pc, &options) {
            Ok(block) => block,
            Err(fault) if blocks.is_empty() => return Err(fault),
            Err(_) => return Ok(blocks),
        };
        opt::optimize_separate(&mut block);
        instructions += block.instructions;
        let next = match block.terminator {
            Terminator::Jump { target } if target == block.end => target,
            Terminator::Branch { fallthrough, .. } => fallthrough,
            _ => 0,
        };
        let ends = next == 0 || always_leaves(&block);
        blocks.push(block);
        if ends
            || instructions >= TRACE_INSTRUCTIONS
            || !next.is_multiple_of(alignment)
            || code.is_boundary(next)
            || blocks.iter().any(|block| block.start == next)
            || is_unit(next)
        {
            return Ok(blocks);
        }
        pc = next;
    }
}

/// The region at `name`, of blocks that `executed` says are worth it.
///
/// # Errors
/// Nothing can be fetched at its address.
pub fn region(
    code: &dyn Fetch,
    name: &UnitName,
    max_instructions: u32,
    executed: impl Fn(u64) -> bool,
) -> Result<Region, FetchFault> {
    let lift = LiftOptions { env: name.key.env, ..LiftOptions::default() };
    let aligned = name.pc.is_multiple_of(name.key.guest.instruction_alignment());
    let grow = RegionOptions { max_instructions, ..RegionOptions::default() };
    let lift = |pc| {
        if !aligned || (pc != name.pc && (code.is_boundary(pc) || !executed(pc))) {
            return Err(FetchFault { addr: pc });
        }
        let mut block = lift_block(name.key.guest, code, pc, &lift)?;
        opt::optimize(&mut block);
        Ok(block)
    };
    Region::grow(name.pc, &grow, lift, |_| 0)
}
