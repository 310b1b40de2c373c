//! An instruction that is lifted alone means the same everywhere, but for addresses: what stencils rely on when they know
//! an instruction by its bytes (`codegen/stencil/trace.rs`).

use translator::guest::Guest;
use translator::ir::{Block, Op, Terminator};
use translator::lift::{Bytes, LiftOptions, lift_block};
use translator::opt;

/// Two pages apart and at different offsets, in the reach of 31-bit addresses; and one far beyond.
const PLACES: [u64; 3] = [0x1000, 0x3040, 0x5555_5555_6080];

/// # Panics
/// If the instruction is lifted to something else at another place.
pub fn assert_relocatable(guest: Guest, bytes: &[u8]) {
    let [first, rest @ ..] = PLACES.map(|pc| without_addresses(lift(guest, bytes, pc)));
    for other in rest {
        assert_eq!(first, other, "{guest} {bytes:02x?}");
    }
}

fn lift(guest: Guest, bytes: &[u8], pc: u64) -> Block {
    let options = LiftOptions { max_instructions: 1, ..LiftOptions::default() };
    let mut block = lift_block(guest, &Bytes { start: pc, bytes }, pc, &options).expect("there is code");
    opt::fold::run(&mut block);
    block
}

/// The block with zeros where addresses may stand.
fn without_addresses(mut block: Block) -> Block {
    (block.start, block.end) = (0, block.end - block.start);
    for op in &mut block.ops {
        match op {
            Op::Instruction { pc: address, .. } | Op::Address { imm: address } => *address = 0,
            _ => {}
        }
    }
    match &mut block.terminator {
        Terminator::Jump { target: next } | Terminator::Syscall { next } | Terminator::Resync { next } => {
            *next = 0
        }
        Terminator::Branch { taken, fallthrough, .. } => (*taken, *fallthrough) = (0, 0),
        Terminator::Repeat { here, next, .. } => (*here, *next) = (0, 0),
        Terminator::Indirect { .. } | Terminator::Trap { .. } => {}
    }
    block
}
