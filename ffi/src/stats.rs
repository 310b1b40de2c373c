//! Counters of machines.

use crate::guard::{Sized32, copy_text, guard, write_struct};
use crate::handle;
use crate::numbers::*;
use crate::vm::xlat_vm;
use serde_json::json;
use std::ffi::c_char;

/// Counters of a machine since it was made.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_stats {
    /// `sizeof(xlat_stats)`, to be set before the call.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Blocks lifted for the interpreter.
    pub blocks_lifted: u64,
    /// Instructions that the interpreter retired.
    pub interpreted: u64,
    /// Regions compiled.
    pub units_compiled: u64,
    /// Guest instructions in compiled regions.
    pub compiled_instructions: u64,
    /// Bytes of host code in compiled regions.
    pub code_bytes: u64,
    /// Time spent compiling, in nanoseconds.
    pub compile_nanos: u64,
    /// Entries from the dispatcher into host code.
    pub entries: u64,
    /// Links made between units.
    pub links: u64,
    /// Units dropped because their code was written or unmapped.
    pub units_invalidated: u64,
    /// Times that code was invalidated.
    pub invalidations: u64,
    /// Units made of stencils.
    pub units_assembled: u64,
    /// Guest instructions in units made of stencils.
    pub assembled_instructions: u64,
    /// Bytes of host code in units made of stencils.
    pub assembled_bytes: u64,
    /// Time spent making units of stencils, in nanoseconds.
    pub assemble_nanos: u64,
    /// First level, the jump caches: indirect jumps that missed. Hits are not counted.
    pub jump_misses: u64,
    /// Units that were entered into a jump cache.
    pub jump_promotions: u64,
    /// Units that were pushed out of a jump cache by others.
    pub jump_evictions: u64,
    /// Second level, the live units: look-ups that found one.
    pub cache_hits: u64,
    /// Look-ups that found none.
    pub cache_misses: u64,
    /// Units that came from the disk cache.
    pub cache_promotions: u64,
    /// Units that went to make room, and that the disk cache has.
    pub cache_demotions: u64,
    /// Units that went to make room.
    pub cache_evictions: u64,
    /// Bytes of their code.
    pub cache_evicted_bytes: u64,
    /// Live units.
    pub cache_units: u64,
    /// Bytes of their code.
    pub cache_bytes: u64,
    /// Minor collections.
    pub collections_minor: u64,
    /// Major collections.
    pub collections_major: u64,
    /// Time that minor collections took, in nanoseconds.
    pub minor_nanos: u64,
    /// Time that major collections took, in nanoseconds.
    pub major_nanos: u64,
    /// What the longest collection took, in nanoseconds.
    pub collection_nanos_most: u64,
    /// Bytes of host code in compiled regions that come before their cold blocks.
    pub code_hot_bytes: u64,
    /// Bytes of guest code that regions were compiled from; what is in several of them counts for each.
    pub code_guest_bytes: u64,
    /// Bytes of host code in units made of stencils that come before their cold parts.
    pub assembled_hot_bytes: u64,
    /// Bytes of guest code that units of stencils were made from.
    pub assembled_guest_bytes: u64,
}

// SAFETY: repr(C), 2 * 4 + 30 * 8 bytes without padding, integers only.
unsafe impl Sized32 for xlat_stats {
    const NAME: &'static str = "xlat_stats";
    const FIRST: usize = 88;
}

/// Counters of a machine as of now.
///
/// # Safety
/// `stats` points to as many bytes as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_stats(vm: *const xlat_vm, stats: *mut xlat_stats) -> xlat_status {
    guard(|| {
        let now = handle::acquire(vm)?.stats();
        let out = xlat_stats {
            struct_size: 0,
            reserved: 0,
            blocks_lifted: now.blocks_lifted,
            interpreted: now.interpreted,
            units_compiled: now.units_compiled,
            compiled_instructions: now.compiled_instructions,
            code_bytes: now.code_bytes,
            compile_nanos: now.compile_nanos,
            entries: now.entries,
            links: now.links,
            units_invalidated: now.units_invalidated,
            invalidations: now.invalidations,
            units_assembled: now.units_assembled,
            assembled_instructions: now.assembled_instructions,
            assembled_bytes: now.assembled_bytes,
            assemble_nanos: now.assemble_nanos,
            jump_misses: now.jump_misses,
            jump_promotions: now.jump_promotions,
            jump_evictions: now.jump_evictions,
            cache_hits: now.cache_hits,
            cache_misses: now.cache_misses,
            cache_promotions: now.cache_promotions,
            cache_demotions: now.cache_demotions,
            cache_evictions: now.cache_evictions,
            cache_evicted_bytes: now.cache_evicted_bytes,
            cache_units: now.cache_units,
            cache_bytes: now.cache_bytes,
            collections_minor: now.collections_minor,
            collections_major: now.collections_major,
            minor_nanos: now.minor_nanos,
            major_nanos: now.major_nanos,
            collection_nanos_most: now.collection_nanos_most,
            code_hot_bytes: now.code_hot_bytes,
            code_guest_bytes: now.code_guest_bytes,
            assembled_hot_bytes: now.assembled_hot_bytes,
            assembled_guest_bytes: now.assembled_guest_bytes,
        };
        // SAFETY: the caller's contract.
        unsafe { write_struct(stats, out) }
    })
}

/// Counters of a machine as of now, as a JSON object with the names of `xlat_stats`. `buf`, `len` and `needed` as for
/// `xlat_last_error`.
///
/// # Safety
/// `buf` has room for `len` bytes; `needed` is NULL or points to a `size_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_stats_json(
    vm: *const xlat_vm,
    buf: *mut c_char,
    len: usize,
    needed: *mut usize,
) -> xlat_status {
    guard(|| {
        let now = handle::acquire(vm)?.stats();
        let text = json!({
            "blocks_lifted": now.blocks_lifted,
            "interpreted": now.interpreted,
            "units_compiled": now.units_compiled,
            "compiled_instructions": now.compiled_instructions,
            "code_bytes": now.code_bytes,
            "compile_nanos": now.compile_nanos,
            "entries": now.entries,
            "links": now.links,
            "units_invalidated": now.units_invalidated,
            "invalidations": now.invalidations,
            "units_assembled": now.units_assembled,
            "assembled_instructions": now.assembled_instructions,
            "assembled_bytes": now.assembled_bytes,
            "assemble_nanos": now.assemble_nanos,
            "jump_misses": now.jump_misses,
            "jump_promotions": now.jump_promotions,
            "jump_evictions": now.jump_evictions,
            "cache_hits": now.cache_hits,
            "cache_misses": now.cache_misses,
            "cache_promotions": now.cache_promotions,
            "cache_demotions": now.cache_demotions,
            "cache_evictions": now.cache_evictions,
            "cache_evicted_bytes": now.cache_evicted_bytes,
            "cache_units": now.cache_units,
            "cache_bytes": now.cache_bytes,
            "collections_minor": now.collections_minor,
            "collections_major": now.collections_major,
            "minor_nanos": now.minor_nanos,
            "major_nanos": now.major_nanos,
            "collection_nanos_most": now.collection_nanos_most,
            "code_hot_bytes": now.code_hot_bytes,
            "code_guest_bytes": now.code_guest_bytes,
            "assembled_hot_bytes": now.assembled_hot_bytes,
            "assembled_guest_bytes": now.assembled_guest_bytes,
        });
        // SAFETY: the caller's contract.
        unsafe { copy_text(&text.to_string(), buf, len, needed) }
    })
}
