//! Self-checking units: blocks of pages whose stores are not noticed compare the bytes that they were made from with
//! memory, before their first instruction and, for x86-64 guests, behind their own stores.
//!
//! A block that finds other bytes leaves with [`ExitKind::Changed`] at the instruction that comes next, in exact state.
//! The loads are sites like other accesses: one that faults (a file that has become shorter) leaves to the interpreter.

use super::MemoryMode;
use super::access::Place;
use super::emit::Emitter;
use crate::ir::Access;
use crate::run::state::{ExitKind, VcpuState};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, SourceLoc, types};
use std::mem::offset_of;
use std::ops::Range;

/// Bytes that are compared for each branch: few enough that the loads stand close behind their check.
const GROUP: usize = 64;

const PAGE: usize = 4096;

impl Emitter<'_, '_> {
    /// Leaves if memory, from the present instruction to the end of the block, no longer holds what the block was made
    /// from.
    pub fn check_code(&mut self) {
        let Some(bytes) = self.check else { return };
        let done = self.pc.wrapping_sub(self.block.start) as usize;
        let mut rest = bytes.get(done..).unwrap_or_default();
        let mut addr = self.pc;
        while !rest.is_empty() {
            let in_page = PAGE - addr as usize % PAGE;
            let (group, behind) = rest.split_at(rest.len().min(GROUP).min(in_page));
            let differs = self.differs(addr, group);
            self.leave_here_if(differs, ExitKind::Changed);
            addr = addr.wrapping_add(group.len() as u64);
            rest = behind;
        }
    }

    /// At a loop head or the entry: leaves once in a while, so that it can be looked whether stores are noticed again.
    pub fn count_check(&mut self) {
        let left = self.load_state(types::I32, offset_of!(VcpuState, checks_left));
        let left = self.b.ins().iadd_imm_s(left, -1);
        self.store_state(left, offset_of!(VcpuState, checks_left));
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, left, 0);
        self.leave_if(none, ExitKind::Recheck, 0);
    }

    /// Whether memory at `addr`, within one page, differs from `bytes`.
    fn differs(&mut self, addr: u64, bytes: &[u8]) -> ir::Value {
        self.b.ins().sequence_point();
        let place = match self.plan.key.memory {
            MemoryMode::Direct => {
                let addr = self.b.ins().iconst(types::I64, addr as i64);
                self.place_in_window(addr, 0, addr)
            }
            MemoryMode::Paged => {
                let addr = self.b.ins().iconst(types::I64, addr as i64);
                self.place_through_tlb(addr, 1, Access::Read)
            }
        };
        let vectors = self.features.vectors && bytes.len() >= 16;
        let width = if vectors { 16 } else { 1 << bytes.len().min(8).ilog2() };
        let mut all = None;
        for part in parts(bytes.len(), width) {
            let at = part.start as i32;
            let difference = if vectors {
                self.vector_difference(&place, at, &bytes[part])
            } else {
                self.integer_difference(&place, at, &bytes[part])
            };
            all = Some(match all {
                None => difference,
                Some(all) => self.b.ins().bor(all, difference),
            });
        }
        self.b.set_srcloc(SourceLoc::default());
        let all = all.expect("at least one part");
        if vectors { self.b.ins().vany_true(all) } else { self.b.ins().icmp_imm_s(IntCC::NotEqual, all, 0) }
    }

    fn vector_difference(&mut self, place: &Place, at: i32, bytes: &[u8]) -> ir::Value {
        let now = self.b.ins().load(types::I8X16, place.flags, place.host, place.displacement + at);
        // Or the load is sunk into the instruction that uses it, where it may stand behind another branch.
        self.b.ins().sequence_point();
        let expected = self.vector_constant(u128::from_le_bytes(bytes.try_into().expect("16 bytes")));
        self.b.ins().bxor(now, expected)
    }

    fn integer_difference(&mut self, place: &Place, at: i32, bytes: &[u8]) -> ir::Value {
        let ty = ir::Type::int(8 * bytes.len() as u16).expect("a power of two up to eight");
        let now = self.b.ins().load(ty, place.flags, place.host, place.displacement + at);
        self.b.ins().sequence_point();
        let value = bytes.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        let expected = self.b.ins().iconst(ty, value as i64);
        self.b.ins().bxor(now, expected)
    }
}

/// Ranges of `width` bytes that together are `0..len`; the last overlaps the one before it where it must.
fn parts(len: usize, width: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len.div_ceil(width)).map(move |part| {
        let start = (part * width).min(len - width);
        start..start + width
    })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_cover_everything_and_stay_inside() {
        for len in 1..200usize {
            let width = if len >= 16 { 16 } else { 1 << len.min(8).ilog2() };
            let mut covered = vec![false; len];
            for part in parts(len, width) {
                assert_eq!(part.len(), width);
                covered[part].fill(true);
            }
            assert!(covered.iter().all(|&covered| covered), "{len}");
        }
    }
}
