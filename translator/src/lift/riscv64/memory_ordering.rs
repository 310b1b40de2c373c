//! Fences.

use super::Frontend;
use crate::ir::{Builder, EnvCall, FenceSet, Terminator};
use crate::lift::Context;
use decoders::riscv64::Insn;

/// `fence pred, succ`: order the accesses before it against those behind it; `fence.tso`; `pause`, whose sets are not
/// both there, is nothing. (Memory Ordering Instructions)
pub fn fence(b: &mut Builder, i: &Insn) {
    const TSO: i32 = 0x833;
    if i.imm == TSO {
        b.fence(FenceSet::Read, FenceSet::ReadWrite);
        b.fence(FenceSet::Write, FenceSet::Write);
    } else if let (Some(before), Some(after)) = (set(i.imm >> 4), set(i.imm)) {
        b.fence(before, after);
    }
}

/// `fence.i`: see all stores to code that this hart has made or has waited for. (Zifencei)
pub fn fence_i(b: &mut Builder, c: &Context<'_, Frontend>) {
    let all = b.i64(0);
    b.env(all, all, EnvCall::InvalidateCode);
    b.terminate(Terminator::Resync { next: c.next });
}

/// The low four bits: device input, device output, reads, writes. A device is memory here.
fn set(bits: i32) -> Option<FenceSet> {
    match (bits & 0b1010 != 0, bits & 0b0101 != 0) {
        (false, false) => None,
        (true, false) => Some(FenceSet::Read),
        (false, true) => Some(FenceSet::Write),
        (true, true) => Some(FenceSet::ReadWrite),
    }
}
