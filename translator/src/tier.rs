//! Tiers: what a region covers, when one is compiled, and the threads that compile regions meanwhile.
//!
//! | tier | what | made of |
//! | --- | --- | --- |
//! | 0 | the interpreter | blocks, as they are lifted |
//! | 1 | stencils | a trace: blocks that follow each other when no branch is taken |
//! | 2 | regions | a control-flow graph with its loops |
//!
//! All state is in its slots between units of any tier, so the change from one to the other is a jump.

mod budget;
mod estimate;
mod hotness;
mod regression;
mod workers;

pub use estimate::Compiled;
pub use hotness::{Counters, Hot, Hotness, Promotion, Verdict};
pub use workers::Workers;

use crate::cache::UnitName;
use crate::guest::Guest;
use crate::lift::{Fetch, FetchFault, LiftOptions, lift_block};
use crate::opt;
use crate::region::{Region, RegionOptions};
use std::ops::Range;

/// The region at `name`, of blocks that `executed` says are worth it. `is_checked` says of which ranges compiled code will have to
/// compare the bytes with memory; see [`Region::set_checks`].
///
/// # Errors
/// Nothing can be fetched at its address.
pub fn region(
    code: &dyn Fetch,
    name: &UnitName,
    max_instructions: u32,
    executed: impl Fn(u64) -> bool,
    is_checked: impl Fn(&Range<u64>) -> bool,
) -> Result<Region, FetchFault> {
    let lift = LiftOptions { env: name.key.env, ..LiftOptions::default() };
    let aligned = name.pc.is_multiple_of(name.key.guest.instruction_alignment());
    let grow = RegionOptions { max_instructions, ..RegionOptions::default() };
    let lift = |pc| {
        if !aligned || (pc != name.pc && (code.is_boundary(pc) || !executed(pc))) {
            return Err(FetchFault { addr: pc });
        }
        let mut block = lift_block(name.key.guest, code, pc, &lift)?;
        // x86-64 code sees its own stores at once.
        if name.key.guest == Guest::X86_64 && is_checked(&(block.start..block.end)) {
            opt::optimize_checked(&mut block);
        } else {
            opt::optimize(&mut block);
        }
        Ok(block)
    };
    let mut region = Region::grow(name.pc, &grow, lift, |_| 0)?;
    region.set_unlikely(|pc| !executed(pc));
    Ok(region)
}
