//! From finished host code to fault sites, and the proof that they are exact.
//!
//! A fault of an access goes on in the cold block of its restart group (see `emit`). That block expects its values where
//! they are at the branch to it, which stands right before or behind the group's last access. For every access, where these values are
//! at the access is found here on the instructions themselves: between it and the branch there must be a straight line,
//! on which a register or stack slot that the cold block reads is either left alone or moved as a whole. Moved ones are
//! listed with the site, and the fault handler moves them on.

use super::HostIsa;
use super::emit::Emitted;
use super::groups::{GUEST_ACCESS, OUTSIDE_WINDOW, access_location, cold_location};
use super::unit::{FaultSite, Move, Place, SiteAction};
use cranelift_codegen::CompiledCode;
use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register,
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What the check found.
pub(super) enum Verdict {
    /// Every access has its exact action; the moves that they refer to.
    Exact(Vec<FaultSite>, Vec<Move>),
    /// For these accesses no exact action was found.
    Unproven(Vec<u32>),
    /// The code is not what `emit` asked for.
    Broken(String),
}

/// Moves of one site at most: the fault handler keeps their values on its stack.
pub const MAX_MOVES: usize = 32;

/// How many instructions from an access its branch is looked for.
const NEAR: usize = 24;

/// A trap of the code that belongs to a site.
struct Trap {
    offset: u32,
    site: u32,
    /// The trapping instruction of a check, not the access.
    outside: bool,
}

/// Finds the sites of a compiled function.
pub(super) fn match_up(isa: HostIsa, compiled: &CompiledCode, code: &[u8], emitted: &Emitted) -> Verdict {
    let locations = compiled.buffer.get_srclocs_sorted();
    // A trap belongs to the location range that holds it.
    let site_at = |offset: u32| {
        let behind = locations.partition_point(|range| range.start <= offset);
        let range = locations[..behind].last().filter(|range| offset < range.end)?;
        let site = range.loc.bits() / 2;
        ((site as usize) < emitted.sites.len() && access_location(site) == range.loc).then_some(site)
    };
    let mut traps = Vec::new();
    for trap in compiled.buffer.traps() {
        if trap.code == GUEST_ACCESS || trap.code == OUTSIDE_WINDOW {
            let offset = trap.offset;
            let Some(site) = site_at(offset) else {
                return Verdict::Broken(format!("the access at {offset:#x} has no site"));
            };
            traps.push(Trap { offset, site, outside: trap.code == OUTSIDE_WINDOW });
        }
    }
    let mut found = Vec::with_capacity(traps.len());
    let mut groups: BTreeMap<u32, Vec<Trap>> = BTreeMap::new();
    for trap in traps {
        let site = &emitted.sites[trap.site as usize];
        match site.group {
            None => {
                let action = SiteAction::Leave { pc: site.pc };
                found.push(FaultSite { offset: trap.offset, action, restart: None });
            }
            Some(group) => groups.entry(group).or_default().push(trap),
        }
    }
    if groups.is_empty() {
        return Verdict::Exact(found, Vec::new());
    }
    if isa != HostIsa::X86_64 {
        return Verdict::Unproven(groups.into_values().flatten().map(|trap| trap.site).collect());
    }
    let mut cold_starts: FxHashMap<u32, u32> = FxHashMap::default();
    for range in locations {
        let group = range.loc.bits() / 2;
        if range.loc == cold_location(group) {
            let start = cold_starts.entry(group).or_insert(range.start);
            *start = range.start.min(*start);
        }
    }
    let mut last_sites: FxHashMap<u32, u32> = FxHashMap::default();
    for (site, of) in emitted.sites.iter().enumerate() {
        if let Some(group) = of.group {
            last_sites.insert(group, site as u32);
        }
    }
    let mut prover = Prover::new(code);
    let mut moves = Vec::new();
    let mut unproven = Vec::new();
    for (group, traps) in groups {
        let last = last_sites[&group];
        let edge = cold_starts.get(&group).and_then(|&start| prover.cold_edge(&traps, last, start));
        for trap in &traps {
            let places = edge.as_ref().and_then(|edge| prover.places(edge, trap, last));
            let (Some(edge), Some(places)) = (&edge, places) else {
                unproven.push(trap.site);
                continue;
            };
            let action = if places.is_empty() {
                SiteAction::Cold { offset: edge.target }
            } else {
                let (first, count) = (moves.len() as u32, places.len() as u32);
                moves.extend(places);
                SiteAction::Moved { offset: edge.target, first, count }
            };
            // The cold block says where its own branch goes on: at the restart of the last access.
            let restart = emitted.sites[trap.site as usize].restart;
            let restart = (restart != emitted.sites[last as usize].restart).then_some(restart);
            found.push(FaultSite { offset: trap.offset, action, restart });
        }
    }
    found.sort_unstable_by_key(|site| site.offset);
    if unproven.is_empty() { Verdict::Exact(found, moves) } else { Verdict::Unproven(unproven) }
}

/// The branch to a cold block.
struct Edge {
    /// Index of the branch.
    branch: usize,
    /// Offset of where it leads.
    target: u32,
    /// What the code there reads.
    needed: Vec<Place>,
}

/// What an instruction reads and writes.
struct Effects {
    read: Registers,
    written: Registers,
    /// Stack reads and writes: offset from the stack pointer, bytes.
    stack_read: Vec<(i32, u32)>,
    stack_written: Vec<(i32, u32)>,
}

/// Registers as a set: 16 general, 16 vector.
type Registers = u32;

const STACK_POINTER: Registers = 1 << 4;

struct Prover {
    instructions: Vec<Instruction>,
    effects: Vec<Option<Rc<Effects>>>,
    /// Where jumps come from, by the offset that they lead to: the first and the last.
    sources: FxHashMap<u32, (usize, usize)>,
    factory: InstructionInfoFactory,
}

impl Prover {
    /// Decodes from the start to the end; constants behind the code decode to nonsense that nothing jumps to.
    fn new(code: &[u8]) -> Prover {
        let decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
        let instructions: Vec<Instruction> = decoder.into_iter().collect();
        let mut sources: FxHashMap<u32, (usize, usize)> = FxHashMap::default();
        for (index, instruction) in instructions.iter().enumerate() {
            if matches!(
                instruction.flow_control(),
                FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
            ) {
                let from = sources.entry(instruction.near_branch_target() as u32).or_insert((index, index));
                from.1 = index;
            }
        }
        let effects = instructions.iter().map(|_| None).collect();
        Prover { instructions, effects, sources, factory: InstructionInfoFactory::new() }
    }

    fn index(&self, offset: u32) -> Option<usize> {
        self.instructions.binary_search_by_key(&u64::from(offset), Instruction::ip).ok()
    }

    fn offset(&self, index: usize) -> u32 {
        self.instructions[index].ip() as u32
    }

    /// The branch to the cold block whose own instructions start at `start`, at the access of site `last`.
    fn cold_edge(&mut self, traps: &[Trap], last: u32, start: u32) -> Option<Edge> {
        let offsets =
            || traps.iter().filter(|trap| trap.site == last && !trap.outside).map(|trap| trap.offset);
        let first = self.index(offsets().min()?)?;
        let last = self.index(offsets().max()?)?;
        // Farther away than any sequence that one access expands to: not worth a longer search.
        let before = (first.saturating_sub(NEAR)..first).rev();
        let behind = last..self.instructions.len().min(last + NEAR);
        self.edge_among(behind, start).or_else(|| self.edge_among(before, start))
    }

    fn edge_among(&mut self, range: impl Iterator<Item = usize>, start: u32) -> Option<Edge> {
        for branch in range {
            match self.instructions[branch].flow_control() {
                FlowControl::Next => {}
                FlowControl::ConditionalBranch => {
                    let target = self.instructions[branch].near_branch_target() as u32;
                    if let Some(needed) = self.reads_of_cold_block(target, start) {
                        return Some(Edge { branch, target, needed });
                    }
                }
                _ => return None,
            }
        }
        None
    }

    /// How the values that the cold block needs must be moved if the trap is taken; `None` if they are not all known.
    fn places(&mut self, edge: &Edge, trap: &Trap, last: u32) -> Option<Vec<Move>> {
        let at = self.index(trap.offset)?;
        let moves = if trap.outside {
            // The state is that of the one jump to the trapping instruction.
            let &(source, same) = self.sources.get(&trap.offset)?;
            if source != same {
                return None;
            }
            self.backward(edge, source)?
        } else if at > edge.branch && trap.site == last {
            self.forward(edge, at)?
        } else {
            self.backward(edge, at)?
        };
        (moves.len() <= MAX_MOVES).then_some(moves)
    }

    /// From the branch back to an instruction before it, whose own effects have not happened.
    fn backward(&mut self, edge: &Edge, at: usize) -> Option<Vec<Move>> {
        if at >= edge.branch {
            return None;
        }
        let mut places: Vec<(Place, Place)> = edge.needed.iter().map(|&place| (place, place)).collect();
        for index in (at..edge.branch).rev() {
            // Whoever jumps behind the access has not come past it.
            if self.sources.contains_key(&self.offset(index + 1)) {
                return None;
            }
            let effects = self.straight(index)?;
            let plain = plain_move(&self.instructions[index]);
            for (_, place) in &mut places {
                if effects.changes(*place) {
                    match plain {
                        Some((to, from)) if to == *place => *place = from,
                        _ => return None,
                    }
                }
            }
        }
        Some(as_moves(places))
    }

    /// From the branch to an instruction behind it, whose own effects have not happened.
    fn forward(&mut self, edge: &Edge, at: usize) -> Option<Vec<Move>> {
        if at <= edge.branch {
            return None;
        }
        // A read-modify-write may be a short loop around the access: then nothing in it may change.
        let mut end = at;
        let mut looped = false;
        for index in edge.branch + 1..=at {
            if let Some(&(first, source)) = self.sources.get(&self.offset(index)) {
                if first <= edge.branch || source > at + 8 {
                    return None;
                }
                end = end.max(source + 1);
                looped = true;
            }
        }
        let mut places: Vec<(Place, Vec<Place>)> =
            edge.needed.iter().map(|&place| (place, vec![place])).collect();
        for index in edge.branch + 1..end {
            let effects = self.straight(index)?;
            let plain = plain_move(&self.instructions[index]).filter(|_| !looped);
            for (_, held) in &mut places {
                let copied = plain.is_some_and(|(_, from)| held.contains(&from));
                held.retain(|&place| !effects.changes(place));
                if copied && let Some((to, _)) = plain {
                    held.push(to);
                }
            }
        }
        let mut found = Vec::with_capacity(places.len());
        for (place, held) in places {
            let now = if held.contains(&place) { place } else { *held.first()? };
            found.push((place, now));
        }
        Some(as_moves(found))
    }

    /// Effects of an instruction that goes on to the next one (or, a conditional branch, away), with the stack pointer
    /// as it is.
    fn straight(&mut self, index: usize) -> Option<Rc<Effects>> {
        match self.instructions[index].flow_control() {
            FlowControl::Next | FlowControl::ConditionalBranch => {}
            _ => return None,
        }
        let effects = self.effects(index)?;
        (effects.written & STACK_POINTER == 0).then_some(effects)
    }

    /// What the code from `target` on reads before it writes it, until it returns. It must pass `start` in a straight
    /// line.
    fn reads_of_cold_block(&mut self, target: u32, start: u32) -> Option<Vec<Place>> {
        let mut needed: Vec<Place> = Vec::new();
        let (mut read, mut written): (Registers, Registers) = (0, 0);
        let mut stack_written: Vec<(i32, u32)> = Vec::new();
        let mut index = self.index(target)?;
        let mut passed = false;
        // Cold blocks store at most all slots and jump to the common end.
        for _ in 0..1024 {
            let instruction = *self.instructions.get(index)?;
            passed |= instruction.ip() == u64::from(start);
            if matches!(instruction.code(), Code::INVALID) {
                return None;
            }
            let next = match instruction.flow_control() {
                FlowControl::Next => index + 1,
                FlowControl::UnconditionalBranch if passed => {
                    self.index(instruction.near_branch_target() as u32)?
                }
                // What the epilogue pops is its own, from the stack.
                FlowControl::Return if passed => {
                    needed.extend((0..16).filter(|n| read >> n & 1 != 0).map(Place::General));
                    needed.extend((0..16).filter(|n| read >> (16 + n) & 1 != 0).map(Place::Vector));
                    return Some(needed);
                }
                _ => return None,
            };
            let effects = self.effects(index)?;
            // From the first change of the stack pointer on, the frame is being taken down.
            if written & STACK_POINTER == 0 {
                for &(offset, bytes) in &effects.stack_read {
                    let place = match bytes {
                        8 => Place::Stack { offset, wide: false },
                        16 => Place::Stack { offset, wide: true },
                        _ => return None,
                    };
                    let own = stack_written.contains(&(offset, bytes));
                    if !own && stack_written.iter().any(|&other| overlap((offset, bytes), other)) {
                        return None;
                    }
                    if !own && !needed.contains(&place) {
                        needed.push(place);
                    }
                }
                stack_written.extend_from_slice(&effects.stack_written);
            }
            read |= effects.read & !written;
            written |= effects.written;
            index = next;
        }
        None
    }

    /// What an instruction reads and writes, or may write.
    fn effects(&mut self, index: usize) -> Option<Rc<Effects>> {
        if let Some(effects) = &self.effects[index] {
            return Some(effects.clone());
        }
        let info = self.factory.info(&self.instructions[index]);
        let mut effects = Effects { read: 0, written: 0, stack_read: Vec::new(), stack_written: Vec::new() };
        for used in info.used_registers() {
            let set = register_set(used.register());
            let (reads, writes) = directions(used.access());
            effects.read |= if reads { set } else { 0 };
            effects.written |= if writes { set } else { 0 };
        }
        for used in info.used_memory() {
            // Guest memory and the state are not on the stack.
            if used.base() != Register::RSP {
                continue;
            }
            if used.index() != Register::None {
                return None;
            }
            let range = (used.displacement() as i32, used.memory_size().size() as u32);
            let (reads, writes) = directions(used.access());
            if reads {
                effects.stack_read.push(range);
            }
            if writes {
                effects.stack_written.push(range);
            }
        }
        let effects = Rc::new(effects);
        self.effects[index] = Some(effects.clone());
        Some(effects)
    }
}

impl Effects {
    fn changes(&self, place: Place) -> bool {
        match place {
            Place::General(register) => self.written >> register & 1 != 0,
            Place::Vector(register) => self.written >> (16 + register) & 1 != 0,
            Place::Stack { offset, wide } => {
                let range = (offset, if wide { 16 } else { 8 });
                self.stack_written.iter().any(|&other| overlap(range, other))
            }
        }
    }
}

fn overlap(a: (i32, u32), b: (i32, u32)) -> bool {
    i64::from(a.0) < i64::from(b.0) + i64::from(b.1) && i64::from(b.0) < i64::from(a.0) + i64::from(a.1)
}

fn directions(access: OpAccess) -> (bool, bool) {
    match access {
        OpAccess::Read | OpAccess::CondRead => (true, false),
        OpAccess::Write | OpAccess::CondWrite => (false, true),
        OpAccess::ReadWrite | OpAccess::ReadCondWrite => (true, true),
        OpAccess::None | OpAccess::NoMemAccess => (false, false),
    }
}

/// The places that differ.
fn as_moves(places: Vec<(Place, Place)>) -> Vec<Move> {
    places.into_iter().filter(|(to, from)| to != from).map(|(to, from)| Move { from, to }).collect()
}

/// Destination and source of an instruction that moves a whole register or spill slot, and nothing else.
fn plain_move(instruction: &Instruction) -> Option<(Place, Place)> {
    let wide = match instruction.mnemonic() {
        Mnemonic::Mov => false,
        Mnemonic::Movaps
        | Mnemonic::Movups
        | Mnemonic::Movdqa
        | Mnemonic::Movdqu
        | Mnemonic::Vmovaps
        | Mnemonic::Vmovups
        | Mnemonic::Vmovdqa
        | Mnemonic::Vmovdqu => true,
        _ => return None,
    };
    let place = |operand: u32| match instruction.op_kind(operand) {
        OpKind::Register => {
            let register = instruction.op_register(operand);
            if !wide && register.is_gpr64() {
                Some(Place::General((register as u32 - Register::RAX as u32) as u8))
            } else if wide && register.is_xmm() && register.number() < 16 {
                Some(Place::Vector(register.number() as u8))
            } else {
                None
            }
        }
        OpKind::Memory
            if instruction.memory_base() == Register::RSP
                && instruction.memory_index() == Register::None
                && instruction.memory_size().size() == if wide { 16 } else { 8 } =>
        {
            Some(Place::Stack { offset: instruction.memory_displacement64() as i32, wide })
        }
        _ => None,
    };
    Some((place(0)?, place(1)?))
}

fn register_set(register: Register) -> Registers {
    let full = register.full_register();
    if full.is_gpr64() {
        1 << (full as u32 - Register::RAX as u32)
    } else if full.is_vector_register() {
        // Sixteen vector registers without AVX-512, which Cranelift does not allocate.
        1 << (16 + (full.number() & 15))
    } else {
        0
    }
}
