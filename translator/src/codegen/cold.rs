//! Which part of a unit is hardly ever executed.
//!
//! Cranelift places cold blocks behind all others and does not say where they begin. So their instructions get source
//! locations, which come back with the code.

use super::groups::is_cold_location;
use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::{self, SourceLoc};

/// Source location of what is in cold blocks and has no other.
fn cold() -> SourceLoc {
    SourceLoc::new(u32::MAX - 1)
}

/// Marks what is in cold blocks.
pub(super) fn mark(func: &mut ir::Function) {
    let layout = &func.layout;
    let blocks = layout.blocks().filter(|&block| layout.is_cold(block));
    let instructions: Vec<ir::Inst> = blocks.flat_map(|block| layout.block_insts(block)).collect();
    for inst in instructions {
        if func.srcloc(inst).is_default() {
            func.set_srcloc(inst, cold());
        }
    }
}

/// Bytes before the first cold block of a function that was marked.
pub(super) fn hot_bytes(compiled: &CompiledCode) -> u32 {
    let locations = compiled.buffer.get_srclocs_sorted();
    let first = locations.iter().find(|range| range.loc == cold() || is_cold_location(range.loc));
    first.map_or(compiled.buffer.total_size(), |range| range.start)
}
