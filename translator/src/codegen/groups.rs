//! Restart groups: how guest accesses are checked, and how their faults find exact state.
//!
//! Guest accesses come in *restart groups*: loads, and stores, up to an access that cannot be repeated and after which the state
//! is another one, or the last access before code that is no straight line. Whatever access of a group faults, the state is
//! that at the group's start, which the group's one *cold block* stores. The interpreter goes on
//!
//! * at the group's first instruction, if only loads have been done since: they may be done again, as nothing that happened
//!   since was seen by anybody;
//! * behind the group's last store, where a store does not end the group because no slot has changed since its start.
//!
//! A branch at the last access keeps the values of that state alive. `sites` proves on the finished code, for each access, where
//! these values are when the access faults; where it cannot, the region is compiled again with *write-back* for that access:
//! dirty slots are stored before it, and a fault needs no registers at all.
//!
//! An access checks its address against the window unless a check of the same base stands before it, or of one from which
//! it is so few bytes away that both are in the window and its guards. Inside a group a failed check is a trapping
//! instruction, which the fault handler takes like the fault of the access. The last load of a group is checked by the
//! branch behind it: what it reads outside of the window, nobody sees. In most loops one
//! access always checks: that is the loop's poll as well, see [`Plan::is_polling`](super::plan::Plan::is_polling).

use super::emit::Emitter;
use super::plan::{is_access, is_repeatable};
use crate::ir::{Op, Slot, SlotSet, Value as IrValue};
use crate::memory::GUARD_SIZE;
use crate::region::{displaced, only_interpreted};
use crate::run::state::{ExitKind, VcpuState};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, SourceLoc, types};
use std::mem::offset_of;

/// An access.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// Its guest instruction.
    pub pc: u64,
    /// Its restart group; `None` if the dirty slots were stored before it.
    pub group: Option<u32>,
    /// Where the interpreter goes on if it faults.
    pub restart: u64,
}

/// Accesses whose faults find their state in one place.
pub(super) struct Group {
    index: u32,
    /// Instructions of the block that are done at its start.
    retired: u32,
    /// The slots that were dirty there.
    state: Vec<(Slot, ir::Value)>,
    dirty: SlotSet,
    /// Where the interpreter goes on; behind a store, at the instruction of the next access.
    restart: Option<u64>,
    accesses: u32,
}

/// A group whose last access is being made.
pub(super) struct Closing {
    group: Group,
    /// The last access.
    site: u32,
    base: ir::Value,
    /// Whether its base is known to be in the window.
    inside: bool,
}

/// An address in the window, or at most so many bytes away from one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked {
    address: ir::Value,
    distance: u64,
}

/// How the last access of a group keeps the values of the cold block alive, or what else keeps state exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Close {
    /// A check that branches to the cold block, right before the access.
    Before,
    /// The same behind the access: values cannot have moved between it and the access for the access's sake.
    Behind,
    /// No group: dirty slots are stored before the access.
    WriteBack,
}

/// Accesses of a group at most: the values at its start live as long as it.
const MAX_ACCESSES: u32 = 8;

/// How far from a checked address others count as checked: with the displacement of the access and its size that stays
/// inside the guards.
const NEAR: u64 = 16 << 10;

/// Indices below this may be added to a checked address, too.
const SMALL_BITS: u32 = 13;

const _: () = assert!(NEAR + (1 << SMALL_BITS) + FOLDED + 16 <= GUARD_SIZE);

/// Displacements below this go into the access instead of the address that is checked.
const FOLDED: u64 = 32 << 10;

/// Whether a displacement goes into the access.
pub(super) fn folds(displacement: i64) -> bool {
    displacement.unsigned_abs() < FOLDED
}

/// A group ends when so many slots have newer values than at its start.
const MAX_CHANGED: usize = 4;

/// Source location of the check and the access of a site.
pub(super) fn access_location(site: u32) -> SourceLoc {
    SourceLoc::new(2 * site)
}

/// Source location of the cold block of a restart group.
pub(super) fn cold_location(group: u32) -> SourceLoc {
    SourceLoc::new(2 * group + 1)
}

/// Whether this is the source location of a cold block.
pub(super) fn is_cold_location(location: SourceLoc) -> bool {
    location.bits() % 2 == 1 && !location.is_default()
}

/// Trap code of guest accesses.
pub(super) const GUEST_ACCESS: ir::TrapCode = ir::TrapCode::unwrap_user(1);

/// Trap code of checks that fail.
pub(super) const OUTSIDE_WINDOW: ir::TrapCode = ir::TrapCode::unwrap_user(2);

impl Emitter<'_, '_> {
    /// Checks that `base` lies in the window, and sees to it that a fault of the access behind finds exact state. The
    /// site of the access, which must be the next instruction that may trap; [`Self::close_group`] comes behind it.
    pub fn checked_site(&mut self, base: ir::Value) -> u32 {
        let site = self.sites.len() as u32;
        let known = self.is_checked(base);
        let inside = known && !self.plan.is_polling(self.index, self.at);
        if !known {
            self.checked.push(Checked { address: base, distance: 0 });
        }
        let op = &self.block.ops[self.at];
        let close = self.close(site, op, inside);
        if close == Close::WriteBack {
            self.sites.push(Site { pc: self.pc, group: None, restart: self.pc });
            self.store_dirty(self.started - 1);
            self.dirty = SlotSet::NONE;
            if !inside {
                let outside = self.outside_window(base);
                self.interpret_if(outside);
            }
            return site;
        }
        let mut group = match self.group.take() {
            Some(group) => group,
            None => self.begin_group(),
        };
        group.accesses += 1;
        let restart = *group.restart.get_or_insert(self.pc);
        self.sites.push(Site { pc: self.pc, group: Some(group.index), restart });
        let last = self.is_last(&group);
        if last && close == Close::Before {
            let outside = self.outside_unless(inside, base);
            self.cold_branch(site, &group, outside);
            return site;
        }
        let behind = last && matches!(op, Op::Load { .. });
        if !inside && !behind {
            self.b.set_srcloc(access_location(site));
            let outside = self.outside_window(base);
            self.b.ins().trapnz(outside, OUTSIDE_WINDOW);
        }
        if last {
            self.closing = Some(Closing { group, site, base, inside });
        } else {
            if matches!(op, Op::Store { .. }) {
                group.restart = None;
            }
            self.group = Some(group);
        }
        site
    }

    /// Ends the group of the access that was just made, if that is its last.
    pub fn close_group(&mut self) {
        if let Some(Closing { group, site, base, inside }) = self.closing.take() {
            let outside = self.outside_unless(inside, base);
            self.cold_branch(site, &group, outside);
        }
        self.b.set_srcloc(SourceLoc::default());
    }

    /// How an access would close its group.
    fn close(&self, site: u32, op: &Op, inside: bool) -> Close {
        if self.plan.write_back {
            return Close::WriteBack;
        }
        match (op, self.unproven.get(&site).copied().unwrap_or(0)) {
            (Op::Load { .. }, 0) => Close::Behind,
            (Op::Store { .. }, 0) if inside => Close::Behind,
            (Op::Store { .. }, 1) if !inside => Close::Behind,
            (_, 0) => Close::Before,
            _ => Close::WriteBack,
        }
    }

    /// Whether `base` is outside of the window. Of one that is known to be near it only the branch is needed, to keep values
    /// alive: that condition must never hold, cost little, and be nothing that Cranelift knows.
    fn outside_unless(&mut self, inside: bool, base: ir::Value) -> ir::Value {
        if inside { self.b.ins().icmp_imm_s(IntCC::Equal, base, -1) } else { self.outside_window(base) }
    }

    fn outside_window(&mut self, base: ir::Value) -> ir::Value {
        let limit = self.load_state(types::I64, offset_of!(VcpuState, memory_limit));
        self.b.ins().icmp(IntCC::UnsignedGreaterThan, base, limit)
    }

    fn begin_group(&mut self) -> Group {
        debug_assert!(self.chain.is_empty(), "what a fault stores is settled");
        let index = self.groups;
        self.groups += 1;
        let dirty = self.dirty;
        let state = dirty.iter().map(|slot| (slot, self.slot_value(slot))).collect();
        let restart = Some(self.pc);
        Group { index, retired: self.started - 1, state, dirty, restart, accesses: 0 }
    }

    /// Whether the access at hand is the last of its group.
    fn is_last(&self, group: &Group) -> bool {
        let ops = &self.block.ops;
        let repeats = matches!(ops[self.at], Op::Load { .. });
        if group.accesses >= MAX_ACCESSES || !repeats && !self.state_stays(group) {
            return true;
        }
        let changed = |&&(slot, value): &&(Slot, ir::Value)| self.current[slot.index()] != Some(value);
        if group.state.iter().filter(changed).count() >= MAX_CHANGED {
            return true;
        }
        // The next access, if only a straight line leads to it.
        let next = ops[self.at + 1..].iter().find(|op| is_access(op) || !is_repeatable(self.block, op));
        !next.is_some_and(|op| {
            let close = self.close(self.sites.len() as u32, op, false);
            is_access(op) && !only_interpreted(self.block, op) && close != Close::WriteBack
        })
    }

    /// Whether behind the store at hand, at the instruction of the next access, the state is still that at the group's
    /// start.
    fn state_stays(&self, group: &Group) -> bool {
        let ops = &self.block.ops;
        let plain = matches!(ops[self.at], Op::Store { .. })
            && !self.plan.is_checked_behind(self.index, &ops[self.at])
            // The cold block would store how much of the budget was left at the group's start.
            && !self.plan.key.budget;
        let same = |&(slot, value): &(Slot, ir::Value)| self.current[slot.index()] == Some(value);
        if !plain || !self.pending.is_empty() || self.dirty != group.dirty || !group.state.iter().all(same) {
            return false;
        }
        let (mut begun, mut set) = (false, false);
        for op in &ops[self.at + 1..] {
            match op {
                Op::Instruction { .. } if set => return false,
                Op::Instruction { .. } => begun = true,
                Op::Set { .. } => set = true,
                // What the instruction of the access sets before it is held back.
                _ if is_access(op) => return begun,
                _ => {}
            }
        }
        false
    }

    /// What to check for an access at `base`: of a sum with a small index (that of a table, say) the other operand, which
    /// is the same for every index, and so checked once.
    pub fn bounded_base(&self, base: IrValue) -> IrValue {
        if self.plan.holes.is_some() || self.is_checked(self.value(base)) {
            return base;
        }
        match self.block.ops[base.index()] {
            Op::Add { a, b } if self.block.significant_bits(b) <= SMALL_BITS => a,
            Op::Add { a, b } if self.block.significant_bits(a) <= SMALL_BITS => b,
            _ => base,
        }
    }

    fn is_checked(&self, address: ir::Value) -> bool {
        self.checked.iter().any(|checked| checked.address == address)
    }

    /// Notes a sum of a checked address and a small constant.
    pub fn derive_checked(&mut self, at: usize) {
        if self.plan.holes.is_some() || !matches!(self.block.ops[at], Op::Add { .. } | Op::Sub { .. }) {
            return;
        }
        let sum = IrValue(at as u32);
        let (base, displacement) = displaced(self.block, sum);
        if base == sum || displacement.unsigned_abs() > NEAR {
            return;
        }
        let (base, address) = (self.value(base), self.value(sum));
        if let Some(from) = self.checked.iter().find(|checked| checked.address == base) {
            let distance = from.distance + displacement.unsigned_abs();
            if distance <= NEAR {
                self.checked.push(Checked { address, distance });
            }
        }
    }

    /// Branches to the cold block of `group` if `cond` is not zero.
    fn cold_branch(&mut self, site: u32, group: &Group, cond: ir::Value) {
        let (cold, go_on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.set_srcloc(access_location(site));
        self.b.ins().brif(cond, cold, &[], go_on, &[]);
        self.b.seal_block(go_on);
        self.b.seal_block(cold);
        self.b.switch_to_block(cold);
        self.b.set_srcloc(cold_location(group.index));
        self.save_late(&group.state);
        self.store_budget(group.retired);
        let restart = group.restart.expect("the last access has set it");
        self.leave(restart, ExitKind::Interpret as u64);
        self.b.set_srcloc(SourceLoc::default());
        self.b.switch_to_block(go_on);
    }
}
