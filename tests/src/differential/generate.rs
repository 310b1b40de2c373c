//! Random programs: half of them one instruction, half 2 to 40 with branches forward and counted loops.
//!
//! A program is written by executing it: an instruction that faults where it stands is mostly replaced by another one, so
//! that programs get somewhere. Some registers point into the data and keep their values; loop counters belong to their
//! loops. Nothing here knows what instructions mean: the interpreter does.

use super::{CODE, CODE_BYTES, Case, DATA, Numbered, PAGE, State};
use crate::code::random_code;
use crate::random::Random;
use crate::world::TestWorld;
use crate::x86_64::generate::{interesting_extended, uses_x87};
use crate::x86_64::undefined::Undefined;
use translator::guest::registers;
use translator::guest::{FpEnv, Guest, aarch64, riscv64, x86_64};
use translator::ir::interpret::{End, Interpreter, World};
use translator::ir::{Block, EnvCall, Op, Slot, Terminator, Trap};
use translator::lift::{Bytes, LiftOptions, lift_block};

/// The case that `seed` stands for.
pub fn generate(guest: Guest, seed: u64) -> Case {
    let mut random = Random::new(seed);
    let state = state(guest, &mut random);
    let program = random.below(2) == 0;
    let mut writer = Writer::new(guest, &state, random);
    if program {
        let count = 2 + writer.random.below(39);
        writer.block(count, 0);
    } else {
        writer.single();
    }
    Case { guest, code: writer.code, state }
}

/// The same with its seed for a number.
pub fn numbered(guest: Guest, seed: u64) -> Numbered {
    Numbered { number: seed, way: seed, case: generate(guest, seed) }
}

/// Slots that keep their values: what memory accesses start from.
fn bases(guest: Guest) -> Vec<Slot> {
    match guest {
        Guest::X86_64 => vec![x86_64::RBX, x86_64::RBP],
        Guest::Aarch64 => vec![aarch64::X19, aarch64::X20, aarch64::SP],
        Guest::Riscv64 => vec![riscv64::X2, riscv64::X8, riscv64::X9],
    }
}

/// The counters of loops, by depth.
fn counters(guest: Guest) -> [Slot; 2] {
    match guest {
        Guest::X86_64 => [x86_64::R15, x86_64::R14],
        Guest::Aarch64 => [aarch64::X27, aarch64::X26],
        Guest::Riscv64 => [riscv64::X5, riscv64::X6],
    }
}

/// Mostly in the middle of the writable page, sometimes at an end of it or of the read-only one.
fn pointer(random: &mut Random) -> u64 {
    let page = PAGE as u64;
    let address = match random.below(16) {
        0 => DATA + 2 * page - 16 + random.below(24),
        1 => DATA + page - 24 + random.below(40),
        2 => DATA + random.below(16),
        _ => DATA + 1024 + random.below(2048),
    };
    if random.below(4) == 0 { address } else { address & !15 }
}

/// A pointer; on AArch64 sometimes with a tag in the byte that the processor ignores.
fn tagged(guest: Guest, random: &mut Random) -> u64 {
    let pointer = pointer(random);
    if guest == Guest::Aarch64 && random.below(16) == 0 {
        return pointer | random.u64() << 56;
    }
    pointer
}

fn integer(random: &mut Random) -> u64 {
    match random.below(8) {
        0 => random.below(4),
        1 => random.below(4).wrapping_neg(),
        2 => 1 << random.below(64),
        3 => (1u64 << random.below(64)).wrapping_sub(1),
        4 => random.u32() as i32 as u64,
        5 => random.u64() >> random.below(64),
        6 => pointer(random),
        _ => random.u64(),
    }
}

/// Half a vector: doubles, singles and bytes with special values among them.
fn lanes(random: &mut Random) -> u64 {
    const DOUBLES: [u64; 12] = [
        0,
        1 << 63,
        0x3ff0 << 48,
        0xbff8 << 48,
        0x7ff0 << 48,
        0xfff0 << 48,
        0x7ff8_0000_0000_0001,
        0xfff4_0000_0000_0000,
        1,
        0x000f_ffff_ffff_ffff,
        0x7fef_ffff_ffff_ffff,
        0x43e0 << 48,
    ];
    const SINGLES: [u32; 12] = [
        0,
        1 << 31,
        0x3f80 << 16,
        0xbfc0 << 16,
        0x7f80 << 16,
        0xff80 << 16,
        0x7fc0_0001,
        0xffa0_0000,
        1,
        0x007f_ffff,
        0x7f7f_ffff,
        0x4f00 << 16,
    ];
    const HALVES: [u16; 12] =
        [0, 0x8000, 0x3c00, 0xbe00, 0x7c00, 0xfc00, 0x7e01, 0xfd00, 1, 0x03ff, 0x7bff, 0x7800];
    let single = |random: &mut Random| SINGLES[random.below(12) as usize];
    match random.below(10) {
        0 | 1 => DOUBLES[random.below(12) as usize],
        2 => (random.below(2000) as f64 / 8.0 - 125.0).to_bits(),
        3 => u64::from(single(random)) << 32 | u64::from(single(random)),
        // A single in its NaN box.
        4 => u64::from(u32::MAX) << 32 | u64::from(single(random)),
        5 => u64::from(u32::MAX) << 32 | u64::from((random.below(2000) as f32 / 8.0 - 125.0).to_bits()),
        6 => random.u64() & 0x800f_ffff_ffff_ffff | (0x3f0 + random.below(32)) << 52,
        7 => (0..4).fold(0, |all, _| all << 16 | u64::from(HALVES[random.below(12) as usize])),
        // Halves with exponents near each other.
        8 => (0..4).fold(0, |all, _| all << 16 | random.below(2) << 15 | 11 << 10 | random.below(1 << 13)),
        _ => random.u64(),
    }
}

/// Whether programs may hold this instruction, whatever it does to the state: the judges can execute it, and it asks for
/// nothing that differs from run to run.
pub fn is_drawn(guest: Guest, bytes: &[u8]) -> bool {
    let code = Bytes { start: CODE, bytes };
    lift_block(guest, &code, CODE, &LiftOptions { max_instructions: 1, ..LiftOptions::default() })
        .is_ok_and(|block| may_stand(&block))
}

fn may_stand(block: &Block) -> bool {
    let refused = matches!(
        block.terminator,
        Terminator::Syscall { .. } | Terminator::Trap { trap: Trap::Unsupported | Trap::Halt }
    );
    !refused && !asks_the_host(block)
}

fn state(guest: Guest, random: &mut Random) -> State {
    let file = guest.register_file();
    let mut state = State {
        pc: CODE,
        slots: vec![0; file.slots.len()],
        data: (0..PAGE / 8).flat_map(|_| lanes(random).to_le_bytes()).collect(),
    };
    for (slot, value) in guest.reset_slots() {
        state.slots[slot.index()] = *value;
    }
    for register in registers::registers(guest) {
        let value: u128 = match register.name {
            "pc" | "rip" | "tpidr_el0" => continue,
            "fs_base" | "gs_base" if random.below(2) == 0 => random.below(64).into(),
            "fs_base" | "gs_base" => pointer(random).into(),
            "fcw" => x87_control(random).into(),
            "fsw" => {
                // Nothing is pending, mostly.
                let masked = 0x7f40 | state.slots[x86_64::FCW.index()] as u64 & 0x3f;
                (random.u64() & if random.below(8) == 0 { 0x7f7f } else { masked }).into()
            }
            // All in use but the one that a push takes, or any.
            "ftw" if random.below(3) != 0 => {
                let top = state.slots[x86_64::FTOP.index()] as u32;
                0x7f_u8.rotate_left(top).into()
            }
            "ftw" => u128::from(random.u64() as u8),
            "rflags" => (random.u64() & 0x8d5 | 0x202).into(),
            "nzcv" => (random.u64() & 0xf000_0000).into(),
            // Rounding modes 5 to 7 are reserved.
            "fcsr" if random.below(32) == 0 => random.below(256).into(),
            "fcsr" if random.below(2) == 0 => (random.below(5) << 5 | random.below(32)).into(),
            "fpsr" if random.below(2) == 0 => (random.u64() & 0x9f).into(),
            "fpcr" if random.below(4) == 0 => (random.u64() & 0x03c0_0000).into(),
            "mxcsr" if random.below(4) == 0 => (random.u64() & 0xe07f | 0x1f80).into(),
            "mxcsr" => 0x1f80,
            "fcsr" | "fpsr" | "fpcr" => 0,
            name if name.starts_with("st") => interesting_extended(random),
            _ if register.bytes == 16 => u128::from(lanes(random)) << 64 | u128::from(lanes(random)),
            name if name.starts_with('f') && guest == Guest::Riscv64 => lanes(random).into(),
            _ if random.below(3) == 0 => tagged(guest, random).into(),
            _ => integer(random).into(),
        };
        register.write(&mut state, value);
    }
    for slot in bases(guest) {
        state.slots[slot.index()] = tagged(guest, random).into();
    }
    if guest == Guest::Aarch64 && random.below(16) != 0 {
        state.slots[aarch64::SP.index()] &= !15;
    }
    if guest == Guest::X86_64 {
        state.slots[x86_64::RSP.index()] = (DATA + 1024 + 8 * random.below(256)).into();
    }
    state
}

/// A control word; sometimes with exceptions unmasked.
fn x87_control(random: &mut Random) -> u16 {
    match random.below(8) {
        0 => 0x40 | random.u64() as u16 & 0xf3f,
        1..3 => 0x7f | random.u64() as u16 & 0xf00,
        _ => 0x37f,
    }
}

/// Writes a program while executing it.
struct Writer {
    guest: Guest,
    random: Random,
    code: Vec<u8>,
    world: TestWorld,
    kept: Vec<Slot>,
    /// Whether there may be x87 and MMX instructions. They are a third of all x86-64 encodings, and some ten times as much
    /// host code as others, so that programs with and without them are far more programs in the same time.
    x87: bool,
    /// x86-64's flags that no test may look at here.
    undefined: Undefined,
}

impl Writer {
    fn new(guest: Guest, state: &State, mut random: Random) -> Writer {
        let mut world = TestWorld::new(guest);
        world.map(DATA, PAGE as u64, true);
        world.map(DATA + PAGE as u64, PAGE as u64, false);
        world.write(DATA, &state.data);
        for (at, value) in state.slots.iter().enumerate() {
            world.set(Slot(at as u16), *value);
        }
        let kept = bases(guest).into_iter().chain(counters(guest)).collect();
        let x87 = guest == Guest::X86_64 && random.below(4) == 0;
        Writer { guest, random, code: Vec::new(), world, kept, x87, undefined: Undefined::default() }
    }

    fn pc(&self) -> u64 {
        CODE + self.code.len() as u64
    }

    /// Appends an instruction that has been executed, or is about to be.
    fn push(&mut self, bytes: &[u8]) {
        if self.guest == Guest::X86_64
            && let Ok(insn) = decoders::x86_64::decode(bytes, self.pc())
        {
            self.undefined.follow(&insn);
        }
        self.code.extend(bytes);
    }

    /// Whether the instruction looks at flags that are undefined, or is not for this program.
    fn is_refused(&self, bytes: &[u8]) -> bool {
        self.guest == Guest::X86_64
            && decoders::x86_64::decode(bytes, self.pc())
                .is_ok_and(|insn| self.undefined.is_read_by(&insn) || !self.x87 && uses_x87(&insn))
    }

    /// Defines every flag, by a comparison of random registers, if some are undefined.
    fn settle(&mut self) {
        if self.undefined.is_empty() {
            return;
        }
        let compare = [0x48 | (self.random.below(2) as u8 * 5), 0x39, 0xc0 | self.random.below(64) as u8];
        let block = self.lift(&compare).expect("a comparison");
        Interpreter::new().run(&block, &mut self.world, 1);
        self.push(&compare);
    }

    fn lift(&self, bytes: &[u8]) -> Option<Block> {
        let env = FpEnv(self.world.get(Slot::FP_ENV) as u32);
        let code = Bytes { start: self.pc(), bytes };
        lift_block(self.guest, &code, self.pc(), &LiftOptions { env, max_instructions: 1 }).ok()
    }

    /// One instruction, of whatever kind the judges can execute; mostly one that does not fault.
    fn single(&mut self) {
        loop {
            let pc = self.pc();
            let bytes = random_code(self.guest, &mut self.random, pc, DATA);
            let Some(block) = self.lift(&bytes) else { continue };
            if !may_stand(&block) {
                continue;
            }
            let mut after = self.world.clone();
            let outcome = Interpreter::new().run(&block, &mut after, 1);
            if !matches!(outcome.end, End::Fault { .. } | End::Trap { .. }) || self.random.below(16) == 0 {
                self.code = bytes;
                return;
            }
        }
    }

    /// `count` things: instructions, branches over some of the following ones, loops.
    fn block(&mut self, count: u64, depth: usize) {
        // Branches and at which of the things they land.
        let mut branches: Vec<(usize, u64)> = Vec::new();
        for at in 0..count {
            self.land(&mut branches, at);
            if self.code.len() + 64 > CODE_BYTES {
                break;
            }
            match self.random.below(24) {
                0..=2 => {
                    self.settle();
                    let to = at + 1 + self.random.below((count - at).min(6));
                    branches.push((self.code.len(), to));
                    let branch = branch(self.guest, &mut self.random);
                    self.code.extend(branch);
                }
                3 if depth < 2 && count - at > 2 => self.repeat(depth),
                4 => self.settle(),
                _ => self.instruction(),
            }
        }
        self.land(&mut branches, u64::MAX);
    }

    /// Points the branches that land here at this place.
    fn land(&mut self, branches: &mut Vec<(usize, u64)>, at: u64) {
        let here = self.code.len();
        branches.retain(|(branch, to)| {
            if *to > at {
                return true;
            }
            aim(self.guest, &mut self.code[*branch..], here as i64 - *branch as i64);
            false
        });
    }

    /// A loop that counts down.
    fn repeat(&mut self, depth: usize) {
        let times = 1 + self.random.below(if depth == 0 { 30 } else { 5 });
        self.code.extend(set_counter(self.guest, depth, times as u32));
        let head = self.code.len();
        let count = 1 + self.random.below(6);
        self.block(count, depth + 1);
        let (step, branch) = step_counter(self.guest, depth);
        self.push(&step);
        let at = self.code.len();
        self.code.extend(branch);
        aim(self.guest, &mut self.code[at..], head as i64 - at as i64);
    }

    /// An instruction that goes on behind itself.
    fn instruction(&mut self) {
        for _ in 0..200 {
            let pc = self.pc();
            let bytes = random_code(self.guest, &mut self.random, pc, DATA);
            let Some(block) = self.lift(&bytes) else { continue };
            let next = self.pc() + bytes.len() as u64;
            let goes_on = match block.terminator {
                Terminator::Resync { next: to } => to == next,
                Terminator::Jump { .. } | Terminator::Branch { .. } => {
                    block.terminator.successors().all(|to| to == next || to == self.pc())
                }
                Terminator::Repeat { .. } => true,
                _ => false,
            };
            if self.is_refused(&bytes)
                || !goes_on
                || block.end != next
                || asks_the_host(&block)
                || self.writes_kept(&block)
            {
                continue;
            }
            let mut after = self.world.clone();
            let mut end = End::Repeat { pc: self.pc() };
            for _ in 0..64 {
                end = Interpreter::new().run(&block, &mut after, 1).end;
                if end != (End::Repeat { pc: self.pc() }) {
                    break;
                }
            }
            if matches!(end, End::Next(to) | End::Resync { next: to } if to == next) {
                self.world = after;
            } else if self.random.below(64) != 0 {
                continue;
            }
            self.push(&bytes);
            return;
        }
    }

    fn writes_kept(&self, block: &Block) -> bool {
        block.ops.iter().any(|op| matches!(op, Op::Set { slot, .. } if self.kept.contains(slot)))
    }
}

/// Whether the block asks for something that differs from run to run.
fn asks_the_host(block: &Block) -> bool {
    block.ops.iter().any(|op| matches!(op, Op::Env { call, .. } if *call != EnvCall::InvalidateCode))
}

/// A random conditional branch, to be aimed.
fn branch(guest: Guest, random: &mut Random) -> Vec<u8> {
    match guest {
        Guest::X86_64 => vec![0x0f, 0x80 | random.below(16) as u8, 0, 0, 0, 0],
        Guest::Aarch64 => {
            let register = random.u32() & 31;
            let word = match random.below(4) {
                0 => 0x3400_0000 | (random.u32() & 1) << 31 | (random.u32() & 1) << 24 | register,
                1 => 0x3600_0000 | (random.u32() & 1) << 24 | (random.u32() & 31) << 19 | register,
                _ => 0x5400_0000 | random.below(14) as u32,
            };
            word.to_le_bytes().to_vec()
        }
        Guest::Riscv64 => {
            let function = [0, 1, 4, 5, 6, 7][random.below(6) as usize];
            (random.u32() & 0x01ff_8000 | function << 12 | 0x63).to_le_bytes().to_vec()
        }
    }
}

/// Writes the distance from its own address into a branch at the start of `code`.
fn aim(guest: Guest, code: &mut [u8], distance: i64) {
    if guest == Guest::X86_64 {
        code[2..6].copy_from_slice(&(distance as i32 - 6).to_le_bytes());
        return;
    }
    let word = u32::from_le_bytes(code[..4].try_into().expect("four bytes"));
    let words = (distance / 4) as u32;
    let offset = distance as u32;
    let aimed = match guest {
        Guest::Aarch64 if word & 0x7e00_0000 == 0x3600_0000 => word & !(0x3fff << 5) | (words & 0x3fff) << 5,
        Guest::Aarch64 => word & !(0x7_ffff << 5) | (words & 0x7_ffff) << 5,
        _ => {
            word & 0x01ff_f07f
                | (offset >> 12 & 1) << 31
                | (offset >> 5 & 0x3f) << 25
                | (offset >> 1 & 0xf) << 8
                | (offset >> 11 & 1) << 7
        }
    };
    code[..4].copy_from_slice(&aimed.to_le_bytes());
}

/// `counter = times`.
fn set_counter(guest: Guest, depth: usize, times: u32) -> Vec<u8> {
    let depth = depth as u32;
    match guest {
        // mov r15, imm32
        Guest::X86_64 => [&[0x49, 0xc7, 0xc7 - depth as u8][..], &times.to_le_bytes()].concat(),
        // movz x27, #imm
        Guest::Aarch64 => (0xd280_0000 | times << 5 | (27 - depth)).to_le_bytes().to_vec(),
        // addi x5, x0, imm
        Guest::Riscv64 => (times << 20 | (5 + depth) << 7 | 0x13).to_le_bytes().to_vec(),
    }
}

/// `counter -= 1`, and the branch that is taken unless it is zero then.
fn step_counter(guest: Guest, depth: usize) -> (Vec<u8>, Vec<u8>) {
    let d = depth as u32;
    match guest {
        // sub r15, 1; jnz
        Guest::X86_64 => (vec![0x49, 0x83, 0xef - depth as u8, 1], vec![0x0f, 0x85, 0, 0, 0, 0]),
        // sub x27, x27, #1; cbnz x27
        Guest::Aarch64 => (
            (0xd100_0400 | (27 - d) << 5 | (27 - d)).to_le_bytes().to_vec(),
            (0xb500_0000 | (27 - d)).to_le_bytes().to_vec(),
        ),
        // addi x5, x5, -1; bne x5, x0
        Guest::Riscv64 => (
            (0xfff0_0013 | (5 + d) << 15 | (5 + d) << 7).to_le_bytes().to_vec(),
            (0x1063 | (5 + d) << 15).to_le_bytes().to_vec(),
        ),
    }
}
