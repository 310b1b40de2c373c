//! The helper that fills the TLB of paged mode, called from compiled code.
#![allow(unsafe_code, reason = "called from host code with raw pointers")]

use super::state::{TLB_ENTRIES, VcpuState};
use crate::ir::Access;
use crate::memory::{Memory, PAGE_SIZE};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Fills the entry for an access of `what >> 8` bytes at `addr`, a store if bit 0 of `what` is set; `scratch[0]` says
/// whether compiled code may do it (see [`Helpers`](crate::codegen::Helpers)). A panic counts as no.
pub(super) extern "C" fn fill_tlb(state: &mut VcpuState, addr: u64, what: u64) {
    let (size, write) = (what >> 8, what & 1 != 0);
    // SAFETY: `vcpu` points to the memory of the vm that the running vCPU keeps alive.
    let memory = unsafe { &*state.vcpu.cast::<Memory>() };
    let in_page = addr % PAGE_SIZE + size <= PAGE_SIZE;
    let access = if write { Access::Write } else { Access::Read };
    let entry = catch_unwind(AssertUnwindSafe(|| {
        in_page.then(|| memory.tlb_entry(addr, access).ok().flatten()).flatten()
    }));
    state.scratch[0] = match entry {
        Ok(Some(entry)) => {
            let table = if write { state.write_tlb } else { state.read_tlb };
            let index = (addr / PAGE_SIZE) as usize % TLB_ENTRIES;
            // SAFETY: the tables have TLB_ENTRIES entries and belong to the running vCPU.
            unsafe { table.add(index).write(entry) };
            1 << 64 | u128::from(entry.addend)
        }
        _ => 0,
    };
}
