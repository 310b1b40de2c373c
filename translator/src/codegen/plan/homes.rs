//! Which slots are stored in loops that have more values than the host has registers.
//!
//! A loop's head passes a value for each slot that is dirty there, even if the loop only ever writes it: a fault of an access in
//! the next round, before the slot is written again, has to find what the last round wrote. For want of a register such
//! a value is stored to the stack, loaded, and stored again where the head expects it. So where registers are short these
//! slots go *home*: the loop's blocks store them behind the last write, once no restart group is open, and the head
//! knows nothing of them. Not flags: those are mostly made of values that are there anyway, and only where they are needed.

use super::{Event, Plan, bit};
use crate::ir::{Slot, SlotSet, Type};

/// Values that a loop's head may have in registers on each host: the others are the code generator's own (state, window, frame,
/// stack) and those that a round takes for what it computes. Of integers that is most of them: a round has addresses to make, and
/// old values wait in it for the end of a restart group. (With ten, RV64 kernels took 2 % longer.)
const INTEGERS: usize = 5;
const VECTORS: usize = 12;

impl Plan<'_> {
    /// Finds such loops, of those without another one inside; whether there are any.
    pub(super) fn find_homes(&mut self) -> bool {
        let heads: Vec<usize> = (0..self.loops.len()).filter(|&head| self.is_innermost(head)).collect();
        let crowded = |&head: &usize| {
            let (integers, vectors) = self.by_class(self.live_in[head]);
            integers.iter().count() > INTEGERS || vectors.iter().count() > VECTORS
        };
        let heads: Vec<usize> = heads.into_iter().filter(crowded).collect();
        if heads.is_empty() {
            return false;
        }
        let read = self.read_first();
        let mut found = false;
        for head in heads {
            let Some((body, written)) = &self.loops[head] else { continue };
            let (integers, vectors) = self.by_class(self.live_in[head]);
            let mut homes = SlotSet::NONE;
            for (live, most) in [(integers, INTEGERS), (vectors, VECTORS)] {
                let excess = live.iter().count().saturating_sub(most);
                let candidates = live & self.parameters[head] & *written & !read[head] & !self.flags;
                homes |= candidates.iter().take(excess).collect();
            }
            for (block, _) in body.iter().enumerate().filter(|(_, inside)| **inside) {
                self.homes[block] = homes;
            }
            found |= !homes.is_empty();
        }
        found
    }

    fn is_innermost(&self, head: usize) -> bool {
        let Some((body, _)) = &self.loops[head] else { return false };
        (0..body.len()).all(|block| block == head || !body[block] || self.loops[block].is_none())
    }

    /// The slots whose values are integers, and the others.
    fn by_class(&self, slots: SlotSet) -> (SlotSet, SlotSet) {
        let file = self.key.guest.register_file();
        let is_integer = |slot: &Slot| {
            matches!(file.slot(*slot).ty, Type::I1 | Type::I8 | Type::I16 | Type::I32 | Type::I64)
        };
        let integers: SlotSet = slots.iter().filter(is_integer).collect();
        (integers, slots & !integers)
    }

    /// For each block, the slots that are read before they are written on some way from there; stores at exits are no reads.
    fn read_first(&self) -> Vec<SlotSet> {
        let count = self.region.blocks.len();
        let mut exposed = vec![(SlotSet::NONE, SlotSet::NONE); count];
        for (index, (read, written)) in exposed.iter_mut().enumerate() {
            self.events(index, |event| match event {
                Event::Use(slot) => *read |= bit(slot) & !*written,
                Event::Define(slot) => *written |= bit(slot),
                Event::Leave | Event::WriteBack => {}
            });
        }
        let mut first: Vec<SlotSet> = exposed.iter().map(|(read, _)| *read).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for &index in self.order.iter().rev() {
                let behind = SlotSet::union(self.inside(index).map(|target| first[target]));
                let now = exposed[index].0 | behind & !exposed[index].1;
                changed |= now != first[index];
                first[index] = now;
            }
        }
        first
    }
}
