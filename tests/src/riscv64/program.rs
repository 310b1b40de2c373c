//! Random programs: a few instructions from the decoder's table with branches forward and a loop, and a state that makes
//! them interesting.
//!
//! `x2`, `x8` and `x9` are the bases of memory accesses, `x3` counts the loop: they keep their values until the last
//! instruction. Accesses hit
//! the window of the judge's writable page, the read-only page, or nothing.

use super::oracle::{CODE, CODE_BYTES, DATA, Input, PAGE, State, WINDOW};
use crate::random::Random;
use decoders::riscv64::{Extension, Insn, Op, compressed, csr, decode, table};
use translator::ir::Type;

/// The registers that accesses start from.
const BASES: [usize; 3] = [2, 8, 9];
/// The register that counts the rounds of the loop.
const COUNTER: usize = 3;

/// A random program of at most `longest` instructions and perhaps a loop around some of them.
pub fn generate(random: &mut Random, longest: u64) -> Input {
    let mut state = state(random);
    let count = 1 + random.below(longest);
    let exclusive = if random.below(2) == 0 { Type::I32 } else { Type::I64 };
    // The instructions that the loop is closed behind and goes back to.
    let turn = (count > 2 && random.below(2) == 0).then(|| random.below(count - 1) as usize);
    let head = turn.map(|turn| random.below(turn as u64 + 1) as usize);
    state.x[COUNTER] = 1 + random.below(3);
    let mut code: Vec<u8> = Vec::new();
    let mut branches = Vec::new();
    let mut starts = Vec::new();
    for position in 0..count as usize {
        let last = position + 1 == count as usize;
        starts.push(code.len());
        if !last && random.below(8) == 0 {
            branches.push((code.len(), branch(random)));
            code.extend([0; 4]);
        } else {
            code.extend(instruction(random, &state, exclusive, last));
        }
        if turn == Some(position) {
            // addi x3, x3, -1; bne x3, x0, head: no branch goes between them, so the loop ends.
            starts.push(code.len());
            code.extend(0xfff1_8193_u32.to_le_bytes());
            let back = starts[head.expect("a loop has a head")].wrapping_sub(code.len()) as u32;
            code.extend(with_offset(0x0001_9063, back).to_le_bytes());
        }
    }
    starts.push(code.len());
    for (at, branch) in branches {
        let targets: Vec<usize> = starts.iter().copied().filter(|start| *start > at).collect();
        let target = targets[random.below(targets.len() as u64) as usize];
        code[at..at + 4].copy_from_slice(&with_offset(branch, (target - at) as u32).to_le_bytes());
    }
    Input { state, code }
}

/// Registers full of values that matter: corners of integers and floats, NaN boxes and what is none.
fn state(random: &mut Random) -> State {
    let mut state = State {
        x: std::array::from_fn(|_| integer(random)),
        f: std::array::from_fn(|_| float(random)),
        fcsr: random.below(32) | rounding(random) << 5,
        window: std::array::from_fn(|_| random.u32() as u8),
    };
    state.x[0] = CODE;
    state.x[2] = DATA + PAGE - WINDOW as u64 + random.below(8) * 16;
    state.x[8] = base(random);
    state.x[9] = base(random);
    state
}

/// Mostly a valid mode.
fn rounding(random: &mut Random) -> u64 {
    if random.below(16) == 0 { 5 + random.below(3) } else { random.below(5) }
}

/// Mostly aligned, mostly in the window.
fn base(random: &mut Random) -> u64 {
    let end = DATA + PAGE;
    let address = match random.below(8) {
        0 => end + PAGE - 8 + random.below(24), // the end of the read-only page
        1 => end - 8 + random.below(16),
        _ => end - WINDOW as u64 + random.below(WINDOW as u64),
    };
    if random.below(4) == 0 { address } else { address & !7 }
}

fn integer(random: &mut Random) -> u64 {
    const CORNERS: [u64; 14] = [
        0,
        1,
        2,
        u64::MAX,
        1 << 63,
        (1 << 63) - 1,
        1 << 31,
        (1 << 31) - 1,
        1 << 32,
        u32::MAX as u64,
        0xffff_ffff_8000_0000,
        0x80,
        0x8000,
        63,
    ];
    match random.below(4) {
        0 => CORNERS[random.below(CORNERS.len() as u64) as usize],
        1 => random.u64() >> random.below(64),
        2 => ((random.u64() as i64) >> random.below(64)) as u64,
        _ => random.u64(),
    }
}

fn float(random: &mut Random) -> u64 {
    const SINGLES: [u32; 14] = [
        0,
        0x8000_0000,
        0x3f80_0000,
        0xbf80_0000,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0000,
        0xffc1_2345,
        0x7fa0_0000,
        0x0000_0001,
        0x807f_ffff,
        0x0080_0000,
        0x7f7f_ffff,
        0x4f00_0000,
    ];
    const DOUBLES: [u64; 14] = [
        0,
        1 << 63,
        0x3ff0_0000_0000_0000,
        0xbff0_0000_0000_0000,
        0x7ff0_0000_0000_0000,
        0xfff0_0000_0000_0000,
        0x7ff8_0000_0000_0000,
        0xfff8_0000_1234_5678,
        0x7ff4_0000_0000_0000,
        1,
        0x800f_ffff_ffff_ffff,
        0x0010_0000_0000_0000,
        0x7fef_ffff_ffff_ffff,
        0x41e0_0000_0000_0000,
    ];
    let boxed = |bits: u32| 0xffff_ffff_0000_0000 | u64::from(bits);
    match random.below(8) {
        0 | 1 => boxed(SINGLES[random.below(SINGLES.len() as u64) as usize]),
        2 => boxed(random.u32()),
        // Near one, so that sums and products neither vanish nor overflow.
        3 => boxed(random.u32() & 0x80ff_ffff | 0x3f00_0000),
        4 | 5 => DOUBLES[random.below(DOUBLES.len() as u64) as usize],
        6 => random.u64() & 0x800f_ffff_ffff_ffff | (0x3f0 + random.below(32)) << 52,
        _ => random.u64(),
    }
}

/// One instruction that the judge can execute.
fn instruction(random: &mut Random, state: &State, exclusive: Type, last: bool) -> Vec<u8> {
    loop {
        let row = random.below((table::ROWS.len() + compressed::ROWS.len()) as u64) as usize;
        // A row that seldom fits is given up after a while.
        for _ in 0..2000 {
            let bytes = match table::ROWS.get(row) {
                Some(row) => row.sample(|| random.u32()).to_le_bytes().to_vec(),
                None => {
                    let row = &compressed::ROWS[row - table::ROWS.len()];
                    row.sample(|| random.u32()).to_le_bytes().to_vec()
                }
            };
            let insn = decode(&bytes, 0).expect("a sample decodes");
            if fits(&insn, state, exclusive, last) {
                return bytes;
            }
        }
    }
}

/// `exclusive` is the width of load-reserved and store-conditional in this program: qemu lets one of another width
/// store, and says that it did not.
fn fits(insn: &Insn, state: &State, exclusive: Type, last: bool) -> bool {
    let row = insn.op.row();
    let rd = usize::from(insn.rd);
    let writes_base = row.operands.starts_with("rd") && (BASES.contains(&rd) || rd == COUNTER);
    match insn.op {
        Op::Ecall => return false, // a system call of the judge
        Op::Ebreak => return last,
        // Neither back into the program, which might never end, nor into the judge's own code.
        Op::Jal | Op::Beq | Op::Bne | Op::Blt | Op::Bltu | Op::Bge | Op::Bgeu => {
            return last && (insn.imm > 0 || insn.imm < -(CODE_BYTES as i32));
        }
        Op::Jalr => return last && (insn.rs1 == 0 || BASES.contains(&usize::from(insn.rs1))),
        Op::Csrrw | Op::Csrrs | Op::Csrrc | Op::Csrrwi | Op::Csrrsi | Op::Csrrci => {
            // The float registers, one that only the supervisor has, and counters, which must differ, where written.
            // (csrrs and csrrc with a register that holds zero do not write a counter in qemu, but do by the manual.)
            let number = insn.imm as u16;
            let writes = match insn.op {
                Op::Csrrw | Op::Csrrwi => true,
                Op::Csrrsi | Op::Csrrci => insn.rs1 != 0,
                _ => false,
            };
            let known = [csr::FFLAGS, csr::FRM, csr::FCSR, 0x300].contains(&number);
            return (known || number == csr::TIME && writes) && (last || !writes_base);
        }
        // A store without reservation may fault or not, as the implementation likes: see the text cases.
        Op::ScW | Op::ScD => {
            let addr = state.x[usize::from(insn.rs1)];
            let usable = addr.is_multiple_of(8) && in_window(addr) && BASES.contains(&usize::from(insn.rs1));
            return usable && (insn.op == Op::ScW) == (exclusive == Type::I32) && !writes_base;
        }
        Op::LrW | Op::LrD if (insn.op == Op::LrW) != (exclusive == Type::I32) => return false,
        _ => {}
    }
    // qemu 7.2 has no Zicond, and its ctzw looks at 64 bits (mended in 8.0): see the text cases.
    if row.extension == Extension::Zicond || insn.op == Op::Ctzw || !last && writes_base {
        return false;
    }
    if !row.operands.contains("(rs1)") {
        return true;
    }
    let offset = if row.operands.contains("imm(rs1)") { i64::from(insn.imm) } else { 0 };
    let addr = state.x[usize::from(insn.rs1)].wrapping_add_signed(offset);
    let behind = DATA + PAGE..DATA + 3 * PAGE;
    BASES.contains(&usize::from(insn.rs1)) && (in_window(addr) || behind.contains(&addr))
}

fn in_window(addr: u64) -> bool {
    (DATA + PAGE - WINDOW as u64..DATA + PAGE).contains(&addr)
}

/// A random branch; its offset comes later.
fn branch(random: &mut Random) -> u32 {
    const BRANCHES: [Op; 6] = [Op::Beq, Op::Bne, Op::Blt, Op::Bltu, Op::Bge, Op::Bgeu];
    BRANCHES[random.below(6) as usize].row().sample(|| random.u32())
}

/// A branch with its B-type immediate replaced.
fn with_offset(branch: u32, offset: u32) -> u32 {
    let scattered = (offset >> 12 & 1) << 31
        | (offset >> 5 & 0x3f) << 25
        | (offset >> 1 & 0xf) << 8
        | (offset >> 11 & 1) << 7;
    branch & 0x01ff_f07f | scattered
}
