//! What is known of a region before code is made for it: the order of its blocks, where slots are dirty, live and
//! merged, which blocks dominate, and how far a budget must last.
//!
//! A slot is *dirty* where its value may be newer than its place in the state. On the way into a loop the slots that the
//! loop does not write are stored once, so that they are clean in all of it. `homes` finds others that had better be, too.

mod homes;

use super::MemoryMode;
use super::stencil::Holes;
use super::unit::UnitKey;
use crate::guest::Guest;
use crate::ir::{Block, Op, Slot, SlotSet, Terminator};
use crate::region::{self, Edge, Region, only_interpreted};

/// The set of one slot, if it is kept in a value.
pub(super) fn bit(slot: Slot) -> SlotSet {
    if in_memory(slot) { SlotSet::NONE } else { SlotSet::of(slot) }
}

/// Slots that are never kept in a value: helpers read and write them.
pub(super) fn in_memory(slot: Slot) -> bool {
    slot == Slot::FP_FLAGS || slot == Slot::FP_ENV
}

/// Where the value of a slot at the start of a block comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// Not known yet; stays so where the slot is not needed.
    Unknown,
    /// What it was when the unit was entered: in the state, until something else is stored there.
    Entry,
    /// The value at the end of this block.
    Made(usize),
    /// A parameter of this block.
    Parameter(usize),
}

/// What is known of a region.
pub(super) struct Plan<'a> {
    pub region: &'a Region,
    pub key: &'a UnitKey,
    /// Dirty slots are stored before each access.
    pub write_back: bool,
    /// Set for stencils: all slots stay in memory, and what differs between instructions of a shape is a hole.
    pub holes: Option<&'a Holes>,
    /// Reverse postorder: every block behind those that dominate it.
    pub order: Vec<usize>,
    /// Slots that may be dirty at the start of each block.
    pub dirty_in: Vec<SlotSet>,
    /// Slots that may be dirty at the end of each block.
    dirty_out: Vec<SlotSet>,
    /// Slots whose value is needed at the start of each block.
    pub live_in: Vec<SlotSet>,
    /// Slots that each block stores where it has written them, so that they are clean between the blocks of their loop.
    pub homes: Vec<SlotSet>,
    /// Slots that are parameters of each block.
    pub parameters: Vec<SlotSet>,
    /// Among the parameters, those that are singles in a NaN box whichever way the block is reached: the single is
    /// passed.
    pub boxed: Vec<SlotSet>,
    /// Slots whose value at the entry is loaded before the first block.
    pub loaded_first: SlotSet,
    /// Slots whose value at the entry is loaded in each block.
    pub loaded: Vec<SlotSet>,
    origins: Vec<Vec<Origin>>,
    /// The closest dominator of each block; the entry's is itself.
    pub dominators: Vec<usize>,
    /// Place of each block in `order`.
    place: Vec<usize>,
    /// Slots that are condition flags.
    flags: SlotSet,
    /// In some blocks, an access whose check is a poll as well: it always compares with the window's limit, which is zero
    /// while there is something to poll for.
    polling: Vec<Option<usize>>,
    /// Edges that go back in loops where no such access comes on every way.
    silent: Vec<(usize, usize)>,
    /// Guest instructions from the start of each block to the next check of the budget, the longest way.
    pub longest: Vec<u32>,
    /// For loop heads, the blocks of the loop and the slots written there.
    loops: Vec<Option<(Vec<bool>, SlotSet)>>,
    predecessors: Vec<Vec<usize>>,
}

/// How one op of a block concerns the sets of slots.
enum Event {
    Use(Slot),
    Define(Slot),
    /// May leave to the interpreter.
    Leave,
    /// All dirty slots are stored.
    WriteBack,
}

impl<'a> Plan<'a> {
    pub fn new(region: &'a Region, key: &'a UnitKey, write_back: bool) -> Plan<'a> {
        let mut plan = Plan::unknown(region, key, write_back);
        plan.find_order();
        plan.find_dominators();
        plan.find_loops();
        plan.find_silent();
        plan.find_values();
        if plan.find_homes() {
            plan.find_values();
        }
        plan.find_boxed();
        plan.find_loads();
        for block in 0..region.blocks.len() {
            plan.longest_from(block);
        }
        plan
    }

    /// The plan of a stencil: one block without loops, nothing kept in values.
    pub fn stencil(region: &'a Region, key: &'a UnitKey, holes: &'a Holes) -> Plan<'a> {
        let order = vec![0];
        Plan { holes: Some(holes), order, longest: vec![holes.longest], ..Plan::unknown(region, key, true) }
    }

    fn unknown(region: &'a Region, key: &'a UnitKey, write_back: bool) -> Plan<'a> {
        let count = region.blocks.len();
        Plan {
            region,
            key,
            write_back,
            holes: None,
            order: Vec::with_capacity(count),
            dirty_in: vec![SlotSet::NONE; count],
            dirty_out: vec![SlotSet::NONE; count],
            live_in: vec![SlotSet::NONE; count],
            homes: vec![SlotSet::NONE; count],
            parameters: vec![SlotSet::NONE; count],
            boxed: vec![SlotSet::NONE; count],
            loaded_first: SlotSet::NONE,
            loaded: vec![SlotSet::NONE; count],
            origins: Vec::new(),
            dominators: vec![0; count],
            place: vec![0; count],
            polling: vec![None; count],
            silent: Vec::new(),
            flags: SlotSet::ALL.iter().filter(|&slot| key.guest.is_flag(slot)).collect(),
            longest: vec![0; count],
            loops: vec![None; count],
            predecessors: vec![Vec::new(); count],
        }
    }

    /// Blocks of the region that follow a block.
    fn inside(&self, block: usize) -> impl Iterator<Item = usize> + use<'a> {
        region::inside(&self.region.edges[block])
    }

    /// Slots that the blocks behind a block need.
    pub fn live_out(&self, block: usize) -> SlotSet {
        SlotSet::union(self.inside(block).map(|target| self.live_in[target]))
    }

    /// Where a slot's value at the start of a block comes from.
    pub fn origin(&self, block: usize, slot: Slot) -> Origin {
        self.origins[block][slot.index()]
    }

    /// Slots to store on the edge from `block` to `target`: `target` heads a loop that `block` is not in, and they are clean
    /// between the loop's blocks.
    pub fn flushed(&self, block: usize, target: usize) -> SlotSet {
        match &self.loops[target] {
            Some((body, written)) if !body[block] => self.dirty_out[block] & (!*written | self.homes[target]),
            _ => SlotSet::NONE,
        }
    }

    /// Whether an edge inside the region goes back: every cycle has one that does, to a loop's head.
    fn goes_back(&self, block: usize, target: usize) -> bool {
        self.place[block] >= self.place[target]
    }

    /// Whether an edge leads out of a loop.
    pub fn leaves_loop(&self, block: usize, target: usize) -> bool {
        self.loops.iter().flatten().any(|(body, _)| body[block] && !body[target])
    }

    /// The block before a block, if it is the only one and in a loop that the block is behind.
    pub fn loop_before(&self, block: usize) -> Option<usize> {
        match self.predecessors[block][..] {
            [before] if self.leaves_loop(before, block) => Some(before),
            _ => None,
        }
    }

    /// Whether this access, an op of a block, must compare its address with the window's limit, whatever is known of it.
    pub fn is_polling(&self, block: usize, op: usize) -> bool {
        self.polling[block] == Some(op)
    }

    /// Whether a block begins with a poll. A loop whose accesses poll needs none. Loops that write flags poll on the edges
    /// that go back instead: a poll at the head would need the flags of every way there at hand, where most loops set them
    /// before anybody looks.
    pub fn polls_at_head(&self, block: usize) -> bool {
        self.loops[block].as_ref().is_some_and(|(_, written)| (*written & self.flags).is_empty())
            && self.silent.iter().any(|edge| edge.1 == block)
    }

    /// Whether there is a poll on an edge.
    pub fn polls_on_edge(&self, block: usize, target: usize) -> bool {
        self.silent.contains(&(block, target)) && !self.polls_at_head(target)
    }

    fn find_order(&mut self) {
        let count = self.region.blocks.len();
        let mut seen = vec![false; count];
        let mut path = vec![(0usize, 0usize)];
        seen[0] = true;
        while let Some((block, next)) = path.last_mut() {
            let block = *block;
            match self.region.edges[block].get(*next) {
                Some(&Edge::Inside(target)) => {
                    *next += 1;
                    if !std::mem::replace(&mut seen[target], true) {
                        path.push((target, 0));
                    }
                }
                Some(Edge::Outside(_) | Edge::Next | Edge::Again) => *next += 1,
                None => {
                    self.order.push(block);
                    path.pop();
                }
            }
        }
        self.order.reverse();
        debug_assert_eq!(self.order.len(), count, "every block is reachable");
        for (at, &block) in self.order.iter().enumerate() {
            self.place[block] = at;
        }
        for block in 0..count {
            for target in self.inside(block) {
                self.predecessors[target].push(block);
            }
        }
    }

    /// Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm".
    fn find_dominators(&mut self) {
        let place = &self.place;
        let mut found: Vec<Option<usize>> = vec![None; self.order.len()];
        found[0] = Some(0);
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &self.order[1..] {
                let mut dominator: Option<usize> = None;
                for &from in &self.predecessors[block] {
                    if found[from].is_none() {
                        continue;
                    }
                    dominator = Some(match dominator {
                        None => from,
                        Some(mut other) => {
                            let mut one = from;
                            while one != other {
                                while place[one] > place[other] {
                                    one = found[one].expect("was visited");
                                }
                                while place[other] > place[one] {
                                    other = found[other].expect("was visited");
                                }
                            }
                            one
                        }
                    });
                }
                changed |= found[block] != dominator;
                found[block] = dominator;
            }
        }
        self.dominators = found.into_iter().map(|dominator| dominator.unwrap_or(0)).collect();
    }

    /// A loop is its head and what reaches the head again without passing it.
    fn find_loops(&mut self) {
        let count = self.region.blocks.len();
        let written: Vec<SlotSet> = (0..count).map(|block| self.defined(block)).collect();
        for head in (0..count).filter(|&head| self.region.loop_heads[head]) {
            let mut body = vec![false; count];
            body[head] = true;
            let back = self.predecessors[head].iter().copied().filter(|&from| self.goes_back(from, head));
            let mut queue: Vec<usize> = back.collect();
            while let Some(block) = queue.pop() {
                if !std::mem::replace(&mut body[block], true) {
                    queue.extend_from_slice(&self.predecessors[block]);
                }
            }
            let set = SlotSet::union((0..count).filter(|&block| body[block]).map(|block| written[block]));
            self.loops[head] = Some((body, set));
        }
    }

    /// Finds accesses that poll, so that every loop has one on all its ways; and the edges that go back where none can be
    /// found, on which there is a poll of its own.
    fn find_silent(&mut self) {
        let checks_itself = self.region.checks.iter().any(Option::is_some);
        // Budgets and comparisons of code are counted at polls.
        let checked = self.key.memory == MemoryMode::Direct && !self.key.budget && !checks_itself;
        let blocks = self.region.blocks.iter();
        let accesses: Vec<Option<usize>> =
            blocks.map(|block| first_access(block).filter(|_| checked)).collect();
        // Inner loops first: what polls there does so for the loops around, too.
        for &head in self.order.iter().rev() {
            let from = self.predecessors[head].iter().copied();
            let back: Vec<usize> = from.filter(|&from| self.goes_back(from, head)).collect();
            // No round gets past the head; nor past what it dominates and what dominates where control goes back.
            let always = |&block: &usize| {
                block == head
                    || self.dominates(head, block) && back.iter().all(|&from| self.dominates(block, from))
            };
            let on_all_ways: Vec<usize> = self.order.iter().copied().filter(always).collect();
            if back.is_empty() || on_all_ways.iter().any(|&block| self.polling[block].is_some()) {
                continue;
            }
            if let Some(&block) = on_all_ways.iter().find(|&&block| accesses[block].is_some()) {
                self.polling[block] = accesses[block];
                continue;
            }
            for from in back {
                self.polling[from] = accesses[from];
                if accesses[from].is_none() {
                    self.silent.push((from, head));
                }
            }
        }
    }

    fn dominates(&self, block: usize, mut other: usize) -> bool {
        while self.place[other] > self.place[block] {
            other = self.dominators[other];
        }
        other == block
    }

    /// Finds where slots are dirty, live and merged.
    fn find_values(&mut self) {
        self.find_dirty();
        self.find_live();
        self.find_origins();
    }

    fn find_dirty(&mut self) {
        self.dirty_in.fill(SlotSet::NONE);
        let mut queue: Vec<usize> = self.order.iter().rev().copied().collect();
        while let Some(block) = queue.pop() {
            let mut dirty = self.dirty_in[block];
            self.events(block, |event| match event {
                Event::Define(slot) => dirty |= bit(slot),
                Event::WriteBack => dirty = SlotSet::NONE,
                Event::Use(_) | Event::Leave => {}
            });
            dirty &= !self.homes[block];
            self.dirty_out[block] = dirty;
            for target in self.inside(block) {
                let dirty = dirty & !self.flushed(block, target);
                if !(dirty & !self.dirty_in[target]).is_empty() {
                    self.dirty_in[target] |= dirty;
                    queue.push(target);
                }
            }
        }
    }

    /// Backward: which slots are read before they are written. Stores of dirty slots at exits are reads.
    fn find_live(&mut self) {
        let count = self.region.blocks.len();
        let mut exposed = vec![SlotSet::NONE; count];
        let mut written = vec![SlotSet::NONE; count];
        for index in 0..count {
            let (mut used, mut made, mut dirty) = (SlotSet::NONE, SlotSet::NONE, self.dirty_in[index]);
            if self.polls_at_head(index) {
                used |= dirty;
            }
            self.events(index, |event| match event {
                Event::Use(slot) => used |= bit(slot) & !made,
                Event::Define(slot) => {
                    made |= bit(slot);
                    dirty |= bit(slot);
                }
                Event::Leave => used |= dirty & !made,
                Event::WriteBack => {
                    used |= dirty & !made;
                    dirty = SlotSet::NONE;
                }
            });
            used |= dirty & self.homes[index] & !made;
            dirty &= !self.homes[index];
            let edges = &self.region.edges[index];
            let direct = matches!(
                self.region.blocks[index].terminator,
                Terminator::Jump { .. } | Terminator::Branch { .. }
            );
            if !direct || edges.is_empty() || edges.iter().any(|edge| matches!(edge, Edge::Outside(_))) {
                used |= dirty & !made;
            }
            for target in self.inside(index) {
                used |= self.flushed(index, target) & !made;
                if self.polls_on_edge(index, target) {
                    used |= dirty & !made;
                }
            }
            (exposed[index], written[index]) = (used, made);
        }
        self.live_in.clone_from(&exposed);
        let mut changed = true;
        while changed {
            changed = false;
            for &index in self.order.iter().rev() {
                let out = self.live_out(index);
                let now = exposed[index] | out & !written[index];
                changed |= now != self.live_in[index];
                self.live_in[index] = now;
            }
        }
    }

    /// Where the values of live slots come from: optimistically one place, until two disagree.
    fn find_origins(&mut self) {
        let count = self.region.blocks.len();
        let slots = self.key.guest.register_file().slots.len();
        let written: Vec<SlotSet> = (0..count).map(|block| self.defined(block)).collect();
        self.origins = vec![vec![Origin::Unknown; slots]; count];
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &self.order {
                for slot in self.live_in[block].iter() {
                    let mut origin = if block == 0 { Origin::Entry } else { Origin::Unknown };
                    for &from in &self.predecessors[block] {
                        let incoming = match written[from].contains(slot) {
                            true => Origin::Made(from),
                            false => self.origins[from][slot.index()],
                        };
                        origin = match (origin, incoming) {
                            (Origin::Unknown, other) | (other, Origin::Unknown) => other,
                            (one, other) if one == other => one,
                            _ => Origin::Parameter(block),
                        };
                    }
                    let known = &mut self.origins[block][slot.index()];
                    // Once a parameter, always one: so this ends.
                    if *known != origin && *known != Origin::Parameter(block) {
                        *known = origin;
                        changed = true;
                    }
                }
            }
        }
        for block in 0..count {
            self.parameters[block] = self.live_in[block]
                .iter()
                .filter(|slot| self.origins[block][slot.index()] == Origin::Parameter(block))
                .collect();
        }
    }

    /// Optimistically all that are written anywhere, until some way says otherwise.
    fn find_boxed(&mut self) {
        let count = self.region.blocks.len();
        let mut written: Vec<(SlotSet, SlotSet)> = vec![(SlotSet::NONE, SlotSet::NONE); count];
        for (block, (all, boxed)) in self.region.blocks.iter().zip(&mut written) {
            for op in &block.ops {
                if let Op::Set { slot, value } = *op {
                    *all |= bit(slot);
                    *boxed &= !bit(slot);
                    if matches!(block.ops[value.index()], Op::FBox { .. }) {
                        *boxed |= bit(slot);
                    }
                }
            }
        }
        let ever = SlotSet::union(written.iter().map(|&(_, boxed)| boxed));
        if ever.is_empty() {
            return;
        }
        let mut at_start = vec![ever; count];
        at_start[0] = SlotSet::NONE;
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &self.order[1..] {
                let incoming = |&from: &usize| at_start[from] & !written[from].0 | written[from].1;
                let now = self.predecessors[block].iter().map(incoming).fold(ever, |set, from| set & from);
                changed |= now != at_start[block];
                at_start[block] = now;
            }
        }
        let boxed = at_start.iter().zip(&self.parameters).map(|(&boxed, &parameters)| boxed & parameters);
        self.boxed = boxed.collect();
    }

    /// Where to load what slots hold at the entry: at the first use on each way, so that a way through the region loads
    /// only what it needs and nothing waits in a register (or for want of one, in a stack slot) before that; but outside
    /// of loops.
    fn find_loads(&mut self) {
        let depth = |block: usize| self.loops.iter().flatten().filter(|(body, _)| body[block]).count();
        let depths: Vec<usize> = (0..self.region.blocks.len()).map(depth).collect();
        // What block 0 has as a parameter is passed by the prologue, too.
        self.loaded_first = self.parameters[0];
        for at in 0..self.order.len() {
            let block = self.order[at];
            let mut needed = self.needed_from_entry(block) & !self.loaded_first;
            // The closest block in the fewest loops.
            let (mut dominator, mut best) = (block, block);
            loop {
                needed &= !self.loaded[dominator];
                if depths[dominator] < depths[best] {
                    best = dominator;
                }
                if dominator == 0 {
                    break;
                }
                dominator = self.dominators[dominator];
            }
            let loaded = if depths[best] == 0 { &mut self.loaded[best] } else { &mut self.loaded_first };
            *loaded |= needed;
        }
    }

    /// Slots whose value at the entry is read in a block, or passed on by it as a parameter.
    fn needed_from_entry(&self, block: usize) -> SlotSet {
        let (mut needed, mut made) = (SlotSet::NONE, SlotSet::NONE);
        self.events(block, |event| match event {
            Event::Use(slot) => needed |= bit(slot) & !made,
            Event::Define(slot) => made |= bit(slot),
            // A slot with its old value is not dirty.
            Event::Leave | Event::WriteBack => {}
        });
        needed |= SlotSet::union(self.inside(block).map(|target| self.parameters[target])) & !made;
        needed.iter().filter(|&slot| self.origin(block, slot) == Origin::Entry).collect()
    }

    fn longest_from(&mut self, block: usize) -> u32 {
        // Every cycle has an edge that goes back, so this ends; zero means not computed yet, as a block has an instruction.
        if self.longest[block] == 0 {
            let polls = |target: usize| self.goes_back(block, target) || self.polls_at_head(target);
            let targets: Vec<usize> = self.inside(block).filter(|&target| !polls(target)).collect();
            let behind = targets.into_iter().map(|target| self.longest_from(target)).max().unwrap_or(0);
            self.longest[block] = self.region.blocks[block].instructions + behind;
        }
        self.longest[block]
    }

    /// Slots that a block has written where control reaches its end.
    fn defined(&self, block: usize) -> SlotSet {
        let mut set = SlotSet::NONE;
        self.events(block, |event| {
            if let Event::Define(slot) = event {
                set |= bit(slot);
            }
        });
        set
    }

    /// The events of a block, `set`s at the end of their instruction.
    fn events(&self, index: usize, mut event: impl FnMut(Event)) {
        let block = &self.region.blocks[index];
        let mut pending: Vec<Slot> = Vec::new();
        let mut check = self.region.checks[index].is_some();
        for op in &block.ops {
            match *op {
                Op::Instruction { .. } => {
                    pending.drain(..).for_each(|slot| event(Event::Define(slot)));
                    if std::mem::take(&mut check) {
                        event(if self.write_back { Event::WriteBack } else { Event::Leave });
                        // The check itself leaves too, behind its accesses.
                        event(Event::Leave);
                    }
                }
                Op::Get { slot } if !pending.contains(&slot) => event(Event::Use(slot)),
                Op::Set { slot, .. } => pending.push(slot),
                _ if only_interpreted(block, op) => {
                    event(Event::Leave);
                    return;
                }
                _ if is_access(op) && self.write_back => event(Event::WriteBack),
                _ if op.effect().may_exit() => event(Event::Leave),
                _ => {}
            }
            check |= self.is_checked_behind(index, op);
        }
        pending.drain(..).for_each(|slot| event(Event::Define(slot)));
    }

    /// Whether the instruction behind this op must not begin before the rest of the block has been compared with memory:
    /// an x86-64 store is seen by the next instruction.
    pub fn is_checked_behind(&self, index: usize, op: &Op) -> bool {
        self.region.checks[index].is_some()
            && self.key.guest == Guest::X86_64
            && op.effect().may_change_memory()
    }
}

/// The first op of a block that may leave for its access, if it is a load or a store.
fn first_access(block: &Block) -> Option<usize> {
    let at = block.ops.iter().position(|op| is_access(op) || only_interpreted(block, op))?;
    matches!(block.ops[at], Op::Load { .. } | Op::Store { .. }).then_some(at)
}

/// Whether the op touches guest memory.
pub(super) fn is_access(op: &Op) -> bool {
    matches!(
        op,
        Op::Load { .. }
            | Op::Store { .. }
            | Op::Cas { .. }
            | Op::Rmw { .. }
            | Op::LoadExclusive { .. }
            | Op::StoreExclusive { .. }
    )
}

/// Whether code for the op is a straight line that changes nothing but values and slots: an access behind it may go
/// back to before it.
pub(super) fn is_repeatable(block: &Block, op: &Op) -> bool {
    match *op {
        Op::Set { slot, .. } => !in_memory(slot),
        Op::Probe { .. } => !only_interpreted(block, op),
        Op::Instruction { .. }
        | Op::Const { .. }
        | Op::Address { .. }
        | Op::VConst { .. }
        | Op::Get { .. }
        | Op::Add { .. }
        | Op::Sub { .. }
        | Op::Mul { .. }
        | Op::UMulHigh { .. }
        | Op::SMulHigh { .. }
        | Op::Carry { .. }
        | Op::Overflow { .. }
        | Op::And { .. }
        | Op::Or { .. }
        | Op::Xor { .. }
        | Op::AndNot { .. }
        | Op::Shl { .. }
        | Op::LShr { .. }
        | Op::AShr { .. }
        | Op::RotL { .. }
        | Op::RotR { .. }
        | Op::Bswap { .. }
        | Op::ICmp { .. }
        | Op::Select { .. }
        | Op::Zext { .. }
        | Op::Sext { .. }
        | Op::Trunc { .. }
        | Op::Bitcast { .. }
        | Op::Concat { .. }
        | Op::Low { .. }
        | Op::High { .. } => true,
        _ => false,
    }
}
