//! Cuts compiled code into what runs in line and what stands aside, and finds what refers from one to the other.
//!
//! The frame is set up once a unit: the entry's stencil keeps its prologue, the others lose theirs, and every exit ends
//! with the same epilogue. A stencil that needs more of a frame than that keeps its own, within a pair that takes the
//! unit's down and sets it up again.

use super::super::HostIsa;
use super::{Part, Place, Reference};
use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};

/// Whether there are stencils on a host.
pub(super) fn supported(isa: HostIsa) -> bool {
    isa == HostIsa::X86_64
}

/// `push rbp; mov rbp, rsp`, as Cranelift begins functions.
const PROLOGUE: &[u8] = &[0x55, 0x48, 0x89, 0xe5];
/// `mov rsp, rbp; pop rbp`, as it ends them.
const EPILOGUE: &[u8] = &[0x48, 0x89, 0xec, 0x5d];

/// How a function is cut.
pub(super) struct Cut {
    before: &'static [u8],
    hot: std::ops::Range<usize>,
    behind: &'static [u8],
    rest: std::ops::Range<usize>,
    pub hot_phase: Option<u8>,
    pub rest_phase: Option<u8>,
    pub references: Vec<Reference>,
}

impl Cut {
    pub fn hot(&self, code: &[u8]) -> Box<[u8]> {
        [self.before, &code[self.hot.clone()], self.behind].concat().into()
    }

    pub fn rest(&self, code: &[u8]) -> Box<[u8]> {
        code[self.rest.clone()].into()
    }

    /// Where an offset of the function has gone. The end of the hot code counts to it.
    pub fn place(&self, offset: u32) -> Option<Place> {
        let at = offset as usize;
        if self.hot.contains(&at) || at == self.hot.end {
            let offset = (at - self.hot.start + self.before.len()) as u32;
            Some(Place { part: Part::Hot, offset })
        } else if self.rest.contains(&at) {
            Some(Place { part: Part::Rest, offset: (at - self.rest.start) as u32 })
        } else {
            None
        }
    }
}

/// Cuts a function. `next` is the offset of the field of the jump to what follows; without it the function ends the
/// unit. `entries` are those of jumps to the unit's entry. `keep` leaves the prologue, for the unit's entry. `None` if the code is not what is expected.
pub(super) fn split(
    isa: HostIsa,
    code: &[u8],
    next: Option<u32>,
    entries: &[u32],
    keep: bool,
) -> Option<Cut> {
    if isa != HostIsa::X86_64 || !code.starts_with(PROLOGUE) {
        return None;
    }
    // The opcode of the jump is one byte, its field four.
    let jump = next.map(|field| field as usize - 1);
    if let Some(jump) = jump
        && (code[jump] != 0xe9 || !code[..jump].ends_with(EPILOGUE))
    {
        return None;
    }
    let leaves: Vec<usize> = entries.iter().copied().chain(next).map(|field| field as usize - 1).collect();
    let listing = reachable(code, &leaves)?;
    let plain = !listing.iter().any(uses_frame);
    if keep && !plain {
        return None;
    }
    let (before, start): (&'static [u8], usize) = match (keep, plain) {
        (true, _) => (&[], 0),
        (false, true) => (&[], PROLOGUE.len()),
        (false, false) => (EPILOGUE, 0),
    };
    let (end, behind): (usize, &'static [u8]) = match (jump, plain) {
        (Some(jump), true) => (jump - EPILOGUE.len(), &[]),
        (Some(jump), false) => (jump, PROLOGUE),
        (None, _) => (code.len(), &[]),
    };
    let rest = jump.map_or(code.len(), |jump| jump + 5)..code.len();
    let mut cut = Cut {
        before,
        hot: start..end,
        behind,
        rest,
        hot_phase: None,
        rest_phase: None,
        references: Vec::new(),
    };
    for instruction in &listing {
        let data = instruction.is_ip_rel_memory_operand();
        let target = if data {
            instruction.ip_rel_memory_address()
        } else if instruction.op0_kind() == OpKind::NearBranch64 {
            instruction.near_branch_target()
        } else {
            continue;
        };
        let at = instruction.ip() as usize;
        let mut positioned = Decoder::with_ip(64, &code[at..], at as u64, DecoderOptions::NONE);
        let again = positioned.decode();
        let fields = positioned.get_constant_offsets(&again);
        let (field, size) = if data {
            (fields.displacement_offset(), fields.displacement_size())
        } else {
            (fields.immediate_offset(), fields.immediate_size())
        };
        let (from, target) = (cut.place((at + field) as u32)?, cut.place(u32::try_from(target).ok()?)?);
        if data {
            match target.part {
                Part::Hot => cut.hot_phase = Some(((start + 16 - cut.before.len()) % 16) as u8),
                Part::Rest => cut.rest_phase = Some((cut.rest.start % 16) as u8),
            }
        }
        if from.part == target.part {
            continue;
        }
        if size != 4 {
            return None;
        }
        cut.references.push(Reference { at: from, tail: (instruction.len() - field) as u32, target });
    }
    Some(cut)
}

/// The instructions that can be reached from the start, without the jumps at `leaves`.
fn reachable(code: &[u8], leaves: &[usize]) -> Option<Vec<Instruction>> {
    let mut seen = vec![false; code.len()];
    let mut queue = vec![0usize];
    let mut listing = Vec::new();
    while let Some(mut at) = queue.pop() {
        while !leaves.contains(&at) && !*seen.get(at)? {
            seen[at] = true;
            let instruction = Decoder::with_ip(64, &code[at..], at as u64, DecoderOptions::NONE).decode();
            if instruction.code() == Code::INVALID {
                return None;
            }
            listing.push(instruction);
            match instruction.flow_control() {
                FlowControl::Next | FlowControl::IndirectCall => at = instruction.next_ip() as usize,
                FlowControl::ConditionalBranch => {
                    queue.push(instruction.near_branch_target() as usize);
                    at = instruction.next_ip() as usize;
                }
                FlowControl::UnconditionalBranch => at = instruction.near_branch_target() as usize,
                FlowControl::Return | FlowControl::IndirectBranch => break,
                _ => return None,
            }
        }
    }
    Some(listing)
}

/// Whether an instruction has to do with the stack, other than prologue and epilogue.
fn uses_frame(instruction: &Instruction) -> bool {
    let frame = |register: Register| matches!(register.full_register(), Register::RSP | Register::RBP);
    if frame(instruction.memory_base()) && !matches!(instruction.mnemonic(), Mnemonic::Push | Mnemonic::Pop) {
        return true;
    }
    let bookkeeping = match instruction.mnemonic() {
        Mnemonic::Push | Mnemonic::Pop => instruction.op0_register() == Register::RBP,
        Mnemonic::Mov => frame(instruction.op0_register()) && frame(instruction.op1_register()),
        Mnemonic::Ret | Mnemonic::Call => true,
        _ => false,
    };
    let named = (0..instruction.op_count())
        .any(|op| instruction.op_kind(op) == OpKind::Register && frame(instruction.op_register(op)));
    match instruction.mnemonic() {
        Mnemonic::Push | Mnemonic::Pop => !bookkeeping,
        _ => named && !bookkeeping,
    }
}
