//! Single AArch64 instructions in random states: the interpreter on our IR against qemu-aarch64.
//!
//! Every encoding of the table that the frontend lifts gets its share of cases. Branches, PC-relative loads and most
//! system registers are not here (the step harness runs the instruction at an address of its own); text cases have them.

use decoders::aarch64::{
    Branch, Extension, Float, Immediate, Insn, Memory, Op, VectorShift, decode_word, rows,
};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tests::random::Random;
use tests::world::TestWorld;
use translator::guest::aarch64::{self as file, FPCR, N, QC, SP, V, Z};
use translator::guest::{FpEnv, Guest};
use translator::ir::interpret::{End, Interpreter, World};
use translator::ir::{Slot, Trap};
use translator::lift::{Bytes, LiftOptions, lift_block};

/// Where the harness has its 4 KiB of memory.
const MEMORY: u64 = 0x20_0000_0000;
const MEMORY_SIZE: usize = 4096;

/// `struct state` of `oracles/aarch64_step.c`.
#[derive(Clone, PartialEq)]
struct State {
    /// The instruction; in a result, the signal.
    word: u32,
    fpcr: u32,
    fpsr: u32,
    nzcv: u32,
    x: [u64; 31],
    sp: u64,
    v: [u128; 32],
    memory: Vec<u8>,
}

impl State {
    const SIZE: usize = 16 + 31 * 8 + 8 + 32 * 16 + MEMORY_SIZE;

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::SIZE);
        for word in [self.word, self.fpcr, self.fpsr, self.nzcv] {
            bytes.extend(word.to_le_bytes());
        }
        self.x.iter().chain([&self.sp]).for_each(|x| bytes.extend(x.to_le_bytes()));
        self.v.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        bytes.extend(&self.memory);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> State {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let double = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let vector = |at: usize| u128::from_le_bytes(bytes[at..at + 16].try_into().expect("16 bytes"));
        State {
            word: word(0),
            fpcr: word(4),
            fpsr: word(8),
            nzcv: word(12),
            x: std::array::from_fn(|number| double(16 + number * 8)),
            sp: double(264),
            v: std::array::from_fn(|number| vector(272 + number * 16)),
            memory: bytes[784..].to_vec(),
        }
    }

    /// The state behind `result` as the interpreter left it, for comparison.
    fn of_world(world: &TestWorld) -> State {
        let get = |slot: Slot| world.get(slot);
        let flags = get(Slot::FP_FLAGS) as u32;
        let fpsr =
            [4, 3, 2, 1, 0, 7].iter().zip(0..).fold(0, |fpsr, (to, from)| fpsr | (flags >> from & 1) << to);
        let nzcv = u32::from(get(N) >> 63 != 0) << 31
            | u32::from(get(Z) == 0) << 30
            | (get(file::C) as u32) << 29
            | (get(V) as u32) << 28;
        State {
            word: 0,
            fpcr: get(FPCR) as u32,
            fpsr: fpsr | (get(QC) as u32) << 27,
            nzcv,
            x: std::array::from_fn(|number| get(file::x(number as u8)) as u64),
            sp: get(SP) as u64,
            v: std::array::from_fn(|number| get(file::v(number as u8))),
            memory: world.read(MEMORY, MEMORY_SIZE).expect("mapped"),
        }
    }

    /// The float environment that FPCR says.
    fn env(&self) -> FpEnv {
        let rounding = [0, 3, 2, 1][(self.fpcr >> 22 & 3) as usize];
        let flush = if self.fpcr >> 24 & 1 != 0 { FpEnv::FLUSH_INPUT | FpEnv::FLUSH_OUTPUT } else { 0 };
        let nan = if self.fpcr >> 25 & 1 != 0 { FpEnv::DEFAULT_NAN } else { 0 };
        let half = if self.fpcr >> 19 & 1 != 0 { FpEnv::FLUSH_HALF } else { 0 };
        FpEnv(rounding | flush | nan | half)
    }

    fn to_world(&self) -> TestWorld {
        let mut world = TestWorld::new(Guest::Aarch64);
        world.map(MEMORY, MEMORY_SIZE as u64, true);
        world.write(MEMORY, &self.memory);
        for (number, &x) in (0..).zip(&self.x) {
            world.set(file::x(number), x.into());
        }
        for (number, &v) in (0..).zip(&self.v) {
            world.set(file::v(number), v);
        }
        world.set(SP, self.sp.into());
        world.set(N, u128::from(self.nzcv >> 31) << 63);
        world.set(Z, u128::from(self.nzcv >> 30 & 1 ^ 1));
        world.set(file::C, (self.nzcv >> 29 & 1).into());
        world.set(V, (self.nzcv >> 28 & 1).into());
        let flags = [4, 3, 2, 1, 0, 7]
            .iter()
            .zip(0..)
            .fold(0, |flags, (from, to)| flags | (self.fpsr >> from & 1) << to);
        world.set(Slot::FP_FLAGS, flags.into());
        world.set(QC, (self.fpsr >> 27 & 1).into());
        world.set(FPCR, self.fpcr.into());
        world.set(Slot::FP_ENV, self.env().0.into());
        world
    }

    /// What differs from `other`, one line each: `name: this value, other value`.
    fn differences(&self, other: &State) -> Vec<String> {
        let mut lines = Vec::new();
        let mut compare = |name: String, a: u128, b: u128| {
            if a != b {
                lines.push(format!("{name}: {a:#x} {b:#x}"));
            }
        };
        compare("signal".into(), self.word.into(), other.word.into());
        compare("fpcr".into(), self.fpcr.into(), other.fpcr.into());
        // The top four bits of FPSR are AArch32's flags, which qemu has, and reserved without AArch32.
        compare("fpsr".into(), (self.fpsr << 4).into(), (other.fpsr << 4).into());
        compare("nzcv".into(), (self.nzcv >> 28).into(), (other.nzcv >> 28).into());
        compare("sp".into(), self.sp.into(), other.sp.into());
        for number in (0..31).filter(|&number| number != HARNESS_REGISTER) {
            compare(format!("x{number}"), self.x[number].into(), other.x[number].into());
        }
        for number in 0..32 {
            compare(format!("v{number}"), self.v[number], other.v[number]);
        }
        for at in 0..MEMORY_SIZE {
            compare(format!("memory+{at:#x}"), self.memory[at].into(), other.memory[at].into());
        }
        lines
    }
}

/// The register that the harness keeps for itself.
const HARNESS_REGISTER: usize = 28;

// ---- random cases ------------------------------------------------------------------------------------------------------

fn integer(random: &mut Random) -> u64 {
    match random.below(8) {
        0 => random.below(4),
        1 => random.below(4).wrapping_neg(),
        2 => 1 << random.below(64),
        3 => (1u64 << random.below(64)).wrapping_sub(1),
        4 => random.u32().into(),
        5 => random.u32() as i32 as u64,
        _ => random.u64(),
    }
}

/// A double, two singles or four halves, or other lanes, with special values among them.
fn lanes(random: &mut Random) -> u64 {
    const DOUBLES: [u64; 14] = [
        0,
        1 << 63,
        0x3ff0 << 48,
        0xbff0 << 48,
        0x7ff0 << 48,
        0xfff0 << 48,
        0x7ff8_0000_0000_0001,
        0x7ff0_0000_0000_0001,
        0xfff4_0000_0000_0000,
        1,
        0x000f_ffff_ffff_ffff,
        0x0010_0000_0000_0000,
        0x7fef_ffff_ffff_ffff,
        0x43e0 << 48,
    ];
    const SINGLES: [u32; 14] = [
        0,
        1 << 31,
        0x3f80 << 16,
        0xbf80 << 16,
        0x7f80 << 16,
        0xff80 << 16,
        0x7fc0_0001,
        0x7f80_0001,
        0xffa0_0000,
        1,
        0x007f_ffff,
        0x0080_0000,
        0x7f7f_ffff,
        0x4f00 << 16,
    ];
    const HALVES: [u16; 12] =
        [0, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e01, 0x7c01, 1, 0x03ff, 0x0400, 0x7bff];
    let pick = |random: &mut Random, count: usize| random.below(count as u64) as usize;
    match random.below(10) {
        0 | 1 => DOUBLES[pick(random, 14)],
        2 => (random.below(2000) as f64 / 8.0 - 125.0).to_bits(),
        3 | 4 => (0..2).fold(0, |all, _| all << 32 | u64::from(SINGLES[pick(random, 14)])),
        5 => (0..2)
            .fold(0, |all, _| all << 32 | u64::from((random.below(2000) as f32 / 8.0 - 125.0).to_bits())),
        6 => (0..4).fold(0, |all, _| all << 16 | u64::from(HALVES[pick(random, 12)])),
        7 => (0..8).fold(0, |all, _| all << 8 | [0, 1, 0x7f, 0x80, 0xff, 0x10, 0x05, 0xfb][pick(random, 8)]),
        8 => integer(random),
        _ => random.u64(),
    }
}

/// Exponents near each other, so that sums, products and fused operations meet the hard cases of rounding.
fn near(random: &mut Random) -> u64 {
    if random.below(2) == 0 {
        (1023 - 4 + random.below(8)) << 52 | random.u64() >> 12 | random.below(2) << 63
    } else {
        (0..2).fold(0, |all, _| {
            all << 32
                | (127 - 4 + random.below(8)) << 23
                | u64::from(random.u32() >> 9)
                | random.below(2) << 31
        })
    }
}

fn state(random: &mut Random, insn: Insn) -> State {
    let memory = matches!(insn.op, Op::Memory(_));
    let mut x: [u64; 31] = std::array::from_fn(|_| integer(random));
    let anywhere = |random: &mut Random| MEMORY + 1536 + 16 * random.below(64);
    let mut sp = integer(random);
    if memory {
        sp = anywhere(random);
        // Offsets are small, unless the offset register is the base.
        if insn.rm() != 31 {
            x[insn.rm() as usize] = random.below(64);
        }
        if insn.rn() != 31 {
            x[insn.rn() as usize] = anywhere(random);
        }
    }
    let alike = random.below(3);
    let fpcr = match random.below(2) {
        0 => 0,
        _ => random.u32() & (0xf << 22 | 1 << 19),
    };
    // Of a positive number that is flushed to zero, qemu 7.2 says that FJCVTZS has lost nothing.
    let fpcr = if insn.op == Op::Float(Float::Fjcvtzs) { fpcr & !(1 << 24) } else { fpcr };
    // A quarter of the memory states is zero, so that compare-and-swap finds what it looks for.
    let zero = random.below(4) == 0;
    if zero && memory && insn.rm() != 31 && insn.rm() != insn.rn() {
        x[insn.rm() as usize] = 0;
    }
    State {
        word: insn.word,
        fpcr,
        fpsr: random.u32() & [0, 0x0800_009f][random.below(2) as usize],
        nzcv: random.u32() & 0xf << 28,
        x,
        sp,
        v: std::array::from_fn(|_| {
            let [low, high] = [(); 2].map(|()| if alike == 0 { near(random) } else { lanes(random) });
            u128::from(high) << 64 | u128::from(low)
        }),
        memory: (0..MEMORY_SIZE / 8)
            .flat_map(|_| if zero { 0 } else { random.u64() }.to_le_bytes())
            .collect(),
    }
}

/// Whether the harness can run the instruction.
fn is_runnable(insn: Insn) -> bool {
    // The register of the harness, wherever a register may be named.
    if [insn.rd(), insn.rn(), insn.rm(), insn.ra()].contains(&(HARNESS_REGISTER as u8)) {
        return false;
    }
    match insn.op {
        Op::Immediate(Immediate::Adr) => false,
        // qemu 7.2 leaves the sign in bits 31 to 16 of Vd.
        Op::VectorShift(VectorShift::FcvtzsFixed) if insn.extension == Extension::Fp16 => !insn.is_scalar(),
        // Should-be-zero bits are ignored here, and an illegal instruction in qemu.
        Op::Branch(Branch::Cfinv | Branch::Xaflag | Branch::Axflag) => insn.bits(8, 4) == 0,
        Op::Branch(op) => matches!(op, Branch::Dmb | Branch::Dsb | Branch::Isb | Branch::Clrex),
        // A pair loaded to one register twice is constrained unpredictable.
        Op::Memory(_) if insn.bits(27, 3) == 0b101 && insn.rd() == insn.ra() => false,
        Op::Memory(op) => {
            !matches!(op, Memory::LoadLiteral | Memory::LoadLiteralVector | Memory::PrefetchLiteral)
        }
        _ => true,
    }
}

/// Instructions that random fields seldom make.
fn chosen_words(random: &mut Random) -> u32 {
    let rt = random.below(28) as u32;
    let words = [
        0xd51b_4200, // msr nzcv
        0xd53b_4200, // mrs nzcv
        0xd51b_4400, // msr fpcr: masked below
        0xd53b_4400, // mrs fpcr
        0xd51b_4420, // msr fpsr
        0xd53b_4420, // mrs fpsr
        0xd51b_d040, // msr tpidr_el0 (not restored; the harness does not need it after start)
    ];
    words[random.below(6) as usize] | rt
}

// ---- the two machines --------------------------------------------------------------------------------------------------

/// What the interpreter makes of it; None if there is nothing to compare.
fn interpret(before: &State) -> Option<State> {
    let bytes = before.word.to_le_bytes();
    let code = Bytes { start: 0x1000, bytes: &bytes };
    let options = LiftOptions { env: before.env(), ..LiftOptions::default() };
    let block = lift_block(Guest::Aarch64, &code, 0x1000, &options).expect("code");
    let mut world = before.to_world();
    let outcome = Interpreter::new().run(&block, &mut world, 1);
    let signal = match outcome.end {
        End::Next(_) | End::Resync { .. } | End::Limit { .. } => 0,
        End::Trap { trap: Trap::Illegal, .. } => 4,
        End::Fault { .. } => 11,
        _ => return None,
    };
    let mut after = State::of_world(&world);
    after.word = signal;
    Some(after)
}

/// Builds the harness in the target directory.
fn harness() -> PathBuf {
    let compiler = "aarch64-linux-gnu-gcc";
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/aarch64_step.c");
    let output = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("aarch64_step");
    let built = Command::new(compiler).args(["-O1", "-static", "-o"]).arg(&output).arg(&source).status();
    let built = built.unwrap_or_else(|error| panic!("{compiler}: {error}; run scripts/setup"));
    assert!(built.success(), "{} does not compile", source.display());
    output
}

/// What qemu makes of them.
fn qemu(cases: &[State]) -> Vec<State> {
    let mut child = Command::new("qemu-aarch64")
        .args(["-cpu", "max"])
        .arg(harness())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("qemu-aarch64: {error}; run scripts/setup"));
    let mut stdin = child.stdin.take().expect("piped");
    let input: Vec<u8> = cases.iter().flat_map(State::to_bytes).collect();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(&input).expect("the harness reads all of its input"));
        child.wait_with_output().expect("the harness ends")
    });
    assert!(output.status.success(), "the harness failed: {}", output.status);
    output.stdout.chunks_exact(State::SIZE).map(State::from_bytes).collect()
}

#[test]
fn instructions_do_what_qemu_does() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let per_row = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(8);
    println!("SEED={seed} CASES={per_row}");
    let mut random = Random::new(seed);
    let mut cases = Vec::new();
    for row in rows() {
        let mut made = 0;
        for _ in 0..per_row * 20 {
            let mut word = row.value | random.u32() & !row.mask;
            if matches!(row.op, Op::Memory(Memory::Unsigned | Memory::UnsignedVector)) {
                // Small offsets.
                word &= !(0x3c << 16);
            }
            let Ok(insn) = decode_word(word) else { continue };
            if insn.op != row.op || !is_runnable(insn) {
                continue;
            }
            let case = state(&mut random, insn);
            if let Some(ours) = interpret(&case) {
                if ours.word == 11 && random.below(10) != 0 {
                    continue;
                }
                cases.push((case, ours));
                made += 1;
                if made == per_row {
                    break;
                }
            }
        }
    }
    for _ in 0..per_row * 10 {
        let insn = decode_word(chosen_words(&mut random)).expect("an instruction");
        let mut case = state(&mut random, insn);
        if insn.word & 0xffff_ffe0 == 0xd51b_4400 {
            // The control bits that we implement.
            case.x[insn.rd() as usize] &= 0xf << 22 | 1 << 19;
        }
        cases.extend(interpret(&case).map(|ours| (case, ours)));
    }
    let befores: Vec<State> = cases.iter().map(|(before, _)| before.clone()).collect();
    let theirs = qemu(&befores);
    assert_eq!(theirs.len(), cases.len(), "one result a case");

    let mut faults = BTreeMap::<&str, (usize, String)>::new();
    for ((before, ours), theirs) in cases.iter().zip(&theirs) {
        // A signal's state is not handed back.
        let differences = if theirs.word != 0 || ours.word != 0 {
            if ours.word == theirs.word {
                continue;
            } else {
                vec![format!("signal: {} {}", ours.word, theirs.word)]
            }
        } else {
            ours.differences(theirs)
        };
        if differences.is_empty() {
            continue;
        }
        let insn = decode_word(before.word).expect("decoded before");
        let fault = faults.entry(insn.row().name).or_insert_with(|| {
            let sources: Vec<String> = [insn.rn(), insn.rm(), insn.ra(), insn.rd()]
                .iter()
                .map(|&r| {
                    let x = before.x.get(r as usize).copied().unwrap_or_default();
                    format!("  before: x{r}={x:#x} v{r}={:#034x}", before.v[r as usize])
                })
                .collect();
            let text = decoders::aarch64::text(&insn, 0);
            (
                0,
                format!(
                    "{:#010x} {text}, fpcr {:#x} fpsr {:#x} nzcv {:#x}\n{}\n  {}",
                    before.word,
                    before.fpcr,
                    before.fpsr,
                    before.nzcv,
                    sources.join("\n"),
                    differences[..differences.len().min(4)].join("\n  ")
                ),
            )
        });
        fault.0 += 1;
    }
    let lines: Vec<String> = faults
        .iter()
        .map(|(name, (count, text))| format!("{name}: {count} differences (ours, qemu's)\n{text}"))
        .collect();
    assert!(
        faults.is_empty(),
        "{} cases; {} instructions differ\n{}",
        cases.len(),
        faults.len(),
        lines.join("\n")
    );
}
