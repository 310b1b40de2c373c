//! One random program on the processor and on the interpreter, and what differs.

use super::choices;
use super::generate::{Encoded, Generator, START, interesting_extended};
use super::undefined::Undefined;
use crate::native::{CODE, DATA, DATA_SIZE, Processor, State, Stop};
use crate::random::Random;
use iced_x86::{OpKind, Register};
use std::fmt::Write as _;
use translator::guest::x86_64 as slots;
use translator::guest::{FpEnv, Guest};
use translator::ir::interpret::{End, Interpreter, World};
use translator::ir::{Access, EnvCall, FenceSet, Order, RmwOp, Slot, Trap, Type};
use translator::lift::{Bytes, LiftOptions, lift_block};
use translator::memory::{Fault, FaultKind};

const FLAGS: u64 = 0b1100_1101_0101;

/// The guest: slots in an array, one page of data.
pub struct Guest64 {
    slots: Vec<u128>,
    /// The data page.
    pub data: Box<[u8; DATA_SIZE as usize]>,
}

impl Guest64 {
    fn check(&self, addr: u64, size: u32, access: Access) -> Result<usize, Fault> {
        let at = addr.wrapping_sub(DATA);
        if at < DATA_SIZE && at + u64::from(size) <= DATA_SIZE {
            return Ok(at as usize);
        }
        let addr = if at < DATA_SIZE { DATA + DATA_SIZE } else { addr };
        Err(Fault { addr, access, size, kind: FaultKind::Unmapped })
    }

    fn value(&self, at: usize, ty: Type) -> u128 {
        let mut bytes = [0; 16];
        let size = ty.bytes() as usize;
        bytes[..size].copy_from_slice(&self.data[at..at + size]);
        u128::from_le_bytes(bytes)
    }

    fn put(&mut self, at: usize, ty: Type, value: u128) {
        let size = ty.bytes() as usize;
        self.data[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }

    /// Takes over a state.
    pub fn load_state(&mut self, state: &State) {
        for (number, &value) in state.gpr.iter().enumerate() {
            self.slots[slots::gpr(number as u8).index()] = value.into();
        }
        slots::set_rflags(state.rflags, |slot, value| self.slots[slot.index()] = value);
        for (number, &value) in state.xmm.iter().enumerate() {
            self.slots[slots::xmm(number as u8).index()] = value;
        }
        self.slots[slots::MXCSR.index()] = u128::from(state.mxcsr & !63);
        self.slots[Slot::FP_FLAGS.index()] = flags_of(state.mxcsr).into();
        self.slots[Slot::FP_ENV.index()] = env_of(state).0.into();
        let top = state.fsw >> 11 & 7;
        self.slots[slots::FCW.index()] = state.fcw.into();
        self.slots[slots::FSW.index()] = u128::from(state.fsw & !0x3800);
        self.slots[slots::FTOP.index()] = top.into();
        self.slots[slots::FTAG.index()] = state.ftw.rotate_right(top.into()).into();
        for (number, &value) in state.st.iter().enumerate() {
            self.slots[slots::st(number as u8).index()] = value;
        }
    }

    /// The state as the processor would report it.
    pub fn state(&self, rip: u64) -> State {
        let get = |slot: Slot| self.slots[slot.index()];
        let top = get(slots::FTOP) as u16;
        State {
            gpr: std::array::from_fn(|number| get(slots::gpr(number as u8)) as u64),
            rflags: slots::rflags(get),
            rip,
            xmm: std::array::from_fn(|number| get(slots::xmm(number as u8))),
            mxcsr: get(slots::MXCSR) as u32 | mxcsr_flags_of(get(Slot::FP_FLAGS) as u32),
            fcw: get(slots::FCW) as u16,
            fsw: get(slots::FSW) as u16 | top << 11,
            ftw: (get(slots::FTAG) as u8).rotate_left(top.into()),
            st: std::array::from_fn(|number| get(slots::st(number as u8))),
        }
    }
}

const FLAG_ORDER: [u32; 6] = [4, 5, 3, 2, 1, 0];

fn flags_of(mxcsr: u32) -> u32 {
    (0..6).map(|bit| (mxcsr >> bit & 1) << FLAG_ORDER[bit as usize]).sum()
}

fn mxcsr_flags_of(flags: u32) -> u32 {
    (0..6).map(|bit| (flags >> FLAG_ORDER[bit as usize] & 1) << bit).sum()
}

fn env_of(state: &State) -> FpEnv {
    let mxcsr = state.mxcsr;
    let x87 = if state.fcw & 0x3f != 0x3f { FpEnv::X87_TRAPS } else { 0 };
    let rounding = [0, 2, 3, 1][(mxcsr >> 13 & 3) as usize];
    let flush = if mxcsr >> 15 & mxcsr >> 11 & 1 != 0 { FpEnv::FLUSH_OUTPUT } else { 0 };
    let zeros = if mxcsr >> 6 & 1 != 0 { FpEnv::FLUSH_INPUT } else { 0 };
    FpEnv(x87 | rounding | flush | zeros | flags_of(!mxcsr >> 7) << FpEnv::TRAP_SHIFT)
}

impl World for Guest64 {
    fn get(&self, slot: Slot) -> u128 {
        self.slots[slot.index()]
    }
    fn set(&mut self, slot: Slot, value: u128) {
        self.slots[slot.index()] = value;
    }
    fn load(&mut self, addr: u64, ty: Type, _: Order) -> Result<u128, Fault> {
        let at = self.check(addr, ty.bytes(), Access::Read)?;
        Ok(self.value(at, ty))
    }
    fn store(&mut self, addr: u64, ty: Type, value: u128, _: Order) -> Result<(), Fault> {
        let at = self.check(addr, ty.bytes(), Access::Write)?;
        self.put(at, ty, value);
        Ok(())
    }
    fn probe(&mut self, addr: u64, size: u32, access: Access) -> Result<(), Fault> {
        self.check(addr, size, access).map(|_| ())
    }
    fn cas(&mut self, addr: u64, ty: Type, expected: u128, new: u128, _: Order) -> Result<u128, Fault> {
        let at = self.check(addr, ty.bytes(), Access::Write)?;
        let old = self.value(at, ty);
        if old == expected {
            self.put(at, ty, new);
        }
        Ok(old)
    }
    fn rmw(&mut self, addr: u64, ty: Type, op: RmwOp, value: u128, _: Order) -> Result<u128, Fault> {
        let at = self.check(addr, ty.bytes(), Access::Write)?;
        let old = self.value(at, ty);
        let new = match op {
            RmwOp::Exchange => value,
            RmwOp::Add => old.wrapping_add(value),
            RmwOp::Sub => old.wrapping_sub(value),
            RmwOp::And => old & value,
            RmwOp::AndNot => old & !value,
            RmwOp::Or => old | value,
            RmwOp::Xor => old ^ value,
            RmwOp::Smin | RmwOp::Smax | RmwOp::Umin | RmwOp::Umax => unreachable!("x86 has none"),
        };
        self.put(at, ty, new);
        Ok(old)
    }
    fn load_exclusive(&mut self, _: u64, _: Type, _: Order) -> Result<u128, Fault> {
        unreachable!("x86 has none")
    }
    fn store_exclusive(&mut self, _: u64, _: Type, _: u128, _: Order) -> Result<bool, Fault> {
        unreachable!("x86 has none")
    }
    fn clear_exclusive(&mut self) {}
    fn fence(&mut self, _: FenceSet, _: FenceSet) {}
    fn env(&mut self, _: EnvCall, _: u64, _: u64) -> u64 {
        0
    }
    fn hook(&mut self, _: u32) -> bool {
        false
    }
}

/// A program with its start state.
#[derive(Clone, Debug)]
pub struct Case {
    /// The instructions in a row.
    pub program: Vec<Encoded>,
    /// Registers before.
    pub state: State,
    /// Data before.
    pub data: Box<[u8; DATA_SIZE as usize]>,
}

/// Runs random cases on both sides.
pub struct Differential {
    generator: Generator,
    processor: Processor,
    interpreter: Interpreter,
    guest: Guest64,
}

impl Differential {
    /// Maps the pages and collects the encodings.
    pub fn new() -> Differential {
        Differential {
            generator: Generator::new(),
            processor: Processor::new(),
            interpreter: Interpreter::new(),
            guest: Guest64 {
                slots: vec![0; Guest::X86_64.register_file().slots.len()],
                data: Box::new([0; DATA_SIZE as usize]),
            },
        }
    }

    /// Number of encodings that the generator draws from.
    pub fn encodings(&self) -> usize {
        self.generator.len()
    }

    /// A random case of 1 to 6 instructions.
    pub fn case(&mut self, random: &mut Random) -> Case {
        let length = if random.below(2) == 0 { 1 } else { 2 + random.below(5) as usize };
        let mut program = Vec::new();
        let mut pc = START + random.below(16);
        let mut undefined = Undefined::default();
        while program.len() < length {
            let encoded = self.generator.instruction(random, pc, DATA);
            // fs belongs to this process.
            if undefined.is_read_by(&encoded.insn) || encoded.insn.segment_prefix() == Register::FS {
                continue;
            }
            undefined.follow(&encoded.insn);
            pc += encoded.bytes.len() as u64;
            program.push(encoded);
        }
        let mut state = random_state(random);
        state.rip = program[0].insn.ip();
        let mut data = Box::new([0; DATA_SIZE as usize]);
        for chunk in data.chunks_mut(16) {
            chunk.copy_from_slice(&interesting_vector(random).to_le_bytes());
        }
        // Aim addresses at the data, the last instruction's first, so that the first ones win.
        for encoded in program.iter().rev() {
            aim(encoded, &mut state, random);
        }
        Case { program, state, data }
    }

    /// Runs a case; the differences as text, or `None`.
    pub fn check(&mut self, case: &Case) -> Option<String> {
        let first = case.program[0].insn.ip();
        let end = first + case.program.iter().map(|encoded| encoded.bytes.len() as u64).sum::<u64>();
        let code: Vec<u8> = case.program.iter().flat_map(|encoded| encoded.bytes.clone()).collect();
        let mut page = vec![0xcc; (first - CODE) as usize];
        page.extend(&code);

        let mut data = case.data.clone();
        let (native, stop) = self.processor.run(&page, &case.state, &mut data);

        self.guest.load_state(&case.state);
        self.guest.data.copy_from_slice(&case.data[..]);
        let Ended { rip, how: ours, another_nan } = self.interpret(case, end, &code);
        let mut state = self.guest.state(rip);
        if native.rflags & (1 << 8 | 1 << 18) != 0 {
            // Single-stepping and alignment checks, which the translator does not do.
            return None;
        }
        for number in 0..8 {
            // What empty registers hold can be seen by this test only.
            let top = usize::from(native.fsw >> 11 & 7);
            if native.ftw >> ((number + top) % 8) & 1 == 0 {
                state.st[number] = native.st[number];
            }
        }
        if let Some(End::Fault { fault, .. }) = ours
            && [CODE, DATA + 0x10_0000].contains(&(fault.addr & !4095))
        {
            // The processor can read the code, and the page that its state is exchanged in.
            return None;
        }
        let undefined = match (first..end).contains(&native.rip) {
            true => Undefined::at(&code, first, native.rip),
            false => Undefined::at_exits(&code, first),
        };
        let undefined = undefined.mask();
        state.rflags = state.rflags & !undefined | native.rflags & undefined;
        let at = |pc| case.program.iter().map(|encoded| &encoded.insn).find(|insn| insn.ip() == pc);
        let x87_traps = self.guest.slots[Slot::FP_ENV.index()] as u32 & FpEnv::X87_TRAPS != 0;
        let by_choice = match ours {
            Some(End::Fault { pc, .. } | End::Trap { pc, trap: Trap::GeneralProtection, .. }) => {
                at(pc).is_some_and(|insn| choices::differs_at_fault(insn, x87_traps))
            }
            _ => false,
        };
        if by_choice || another_nan {
            return None;
        }
        let mut differences = Vec::new();
        let same_stop = match (stop, ours) {
            (Stop::Left, None) => true,
            (Stop::Fault(Some(there)), None) => there == rip,
            // To a non-canonical address: the processor faults at the jump, the translator behind it.
            (Stop::Fault(None), None) if canonical(rip) != rip => return None,
            (Stop::Fault(there), Some(End::Fault { fault, .. })) => {
                // Of an area of many bytes (`fxrstor`) the processor may touch any part first.
                let area = fault.addr..fault.addr.saturating_add(fault.size.into());
                // With 32-bit addresses that begins anew at 0.
                let in_area = |addr: u64| area.contains(&addr) || area.contains(&addr.wrapping_add(1 << 32));
                there.is_none_or(|addr| in_area(addr) || addr & !4095 == fault.addr & !4095)
            }
            (Stop::Fault(_), None) => state.rip == native.rip,
            (Stop::Fault(_), Some(End::Trap { trap, .. })) => {
                matches!(trap, Trap::GeneralProtection | Trap::Halt)
            }
            (Stop::Arithmetic, Some(End::Trap { trap, .. })) => {
                matches!(trap, Trap::DivideError | Trap::FloatError)
            }
            (Stop::Illegal, Some(End::Trap { trap, .. })) => trap == Trap::Illegal,
            _ => false,
        };
        if !same_stop {
            differences.push(format!("stop: processor {stop:x?}, interpreter {ours:x?} at {rip:#x}"));
        }
        compare(&native, &state, &mut differences);
        if data != self.guest.data {
            let at = data.iter().zip(self.guest.data.iter()).position(|(a, b)| a != b).expect("differs");
            let to = (at + 16).min(data.len());
            differences.push(format!(
                "memory at {:#x}: processor {:02x?}, interpreter {:02x?}, was {:02x?}",
                DATA + at as u64,
                &data[at..to],
                &self.guest.data[at..to],
                &case.data[at..to],
            ));
        }
        if differences.is_empty() {
            return None;
        }
        let mut report = String::new();
        for encoded in &case.program {
            let _ = writeln!(
                report,
                "{:#x}: {:02x?} {}",
                encoded.insn.ip(),
                encoded.bytes,
                decoders::x86_64::text(&encoded.insn, 0)
            );
        }
        for difference in differences {
            let _ = writeln!(report, "  * {difference}");
        }
        let s = &case.state;
        let _ = writeln!(report, "  gpr {:x?}", s.gpr);
        let _ = writeln!(
            report,
            "  rflags {:#x} mxcsr {:#x} fcw {:#x} fsw {:#x} ftw {:#x}",
            s.rflags, s.mxcsr, s.fcw, s.fsw, s.ftw
        );
        for encoded in &case.program {
            for n in 0..encoded.insn.op_count() {
                let register = encoded.insn.op_register(n);
                if encoded.insn.op_kind(n) == OpKind::Register && register.is_xmm() {
                    let _ = writeln!(report, "  {register:?} {:032x}", s.xmm[register.number()]);
                }
            }
            if let Some(addr) = address(encoded, s) {
                let at = addr.wrapping_sub(DATA);
                if at + 16 <= DATA_SIZE {
                    let bytes: [u8; 16] = case.data[at as usize..][..16].try_into().expect("16 bytes");
                    let _ = writeln!(report, "  [{addr:#x}] {:032x}", u128::from_le_bytes(bytes));
                }
            }
        }
        if case.program.iter().any(|encoded| format!("{:?}", encoded.insn.mnemonic()).starts_with('F')) {
            for (i, v) in s.st.iter().enumerate() {
                let _ = writeln!(report, "  st{i} {v:020x}");
            }
        }
        let bytes = Bytes { start: first, bytes: &code };
        let options = LiftOptions { env: env_of(s), ..LiftOptions::default() };
        if let Ok(block) = lift_block(Guest::X86_64, &bytes, first, &options) {
            let _ = writeln!(report, "{block}");
        }
        Some(report)
    }

    /// Interprets until control leaves the program.
    fn interpret(&mut self, case: &Case, end: u64, code: &[u8]) -> Ended {
        let start = case.program[0].insn.ip();
        let fetch = Bytes { start, bytes: code };
        let products: Vec<_> =
            case.program.iter().map(|encoded| encoded.insn).filter(choices::is_dot_product).collect();
        // What these leave behind is looked at before it is used.
        let max_instructions = if products.is_empty() { LiftOptions::default().max_instructions } else { 1 };
        let mut ended = Ended { rip: start, how: None, another_nan: false };
        for _ in 0..10_000 {
            let pc = ended.rip;
            if !(start..end).contains(&pc) {
                return ended;
            }
            let env = FpEnv(self.guest.slots[Slot::FP_ENV.index()] as u32);
            let options = LiftOptions { env, max_instructions };
            let Ok(block) = lift_block(Guest::X86_64, &fetch, pc, &options) else {
                return Ended { how: Some(End::Next(pc)), ..ended };
            };
            let outcome = self.interpreter.run(&block, &mut self.guest, u64::MAX);
            ended.another_nan |= products.iter().any(|insn| {
                let destination = slots::xmm(insn.op0_register().number() as u8);
                insn.ip() == pc && choices::may_have_another_nan(insn, self.guest.slots[destination.index()])
            });
            ended.rip = match outcome.end {
                End::Next(next) | End::Repeat { pc: next } | End::Resync { next } => next,
                End::Fault { pc, .. } | End::Trap { pc, .. } | End::Limit { pc } | End::HookStop { pc } => {
                    return Ended { rip: pc, how: Some(outcome.end), ..ended };
                }
                End::Syscall { next } => return Ended { rip: next, how: Some(outcome.end), ..ended },
            };
        }
        Ended { how: Some(End::Limit { pc: ended.rip }), ..ended }
    }
}

/// How the interpreter ended.
struct Ended {
    rip: u64,
    /// Nothing if control left the program by a jump.
    how: Option<End>,
    /// Whether a dot product had a result of which the manual leaves open which NaN is where.
    another_nan: bool,
}

impl Default for Differential {
    fn default() -> Differential {
        Differential::new()
    }
}

fn canonical(addr: u64) -> u64 {
    ((addr << 16) as i64 >> 16) as u64
}

fn compare(native: &State, ours: &State, out: &mut Vec<String>) {
    const NAMES: [&str; 16] = [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15",
    ];
    if native == ours {
        return;
    }
    let mut line = |name: String, a: u128, b: u128| {
        if a != b {
            out.push(format!("{name}: processor {a:#x}, interpreter {b:#x}"));
        }
    };
    line("rip".into(), native.rip.into(), ours.rip.into());
    for (number, name) in NAMES.into_iter().enumerate() {
        line(name.into(), native.gpr[number].into(), ours.gpr[number].into());
    }
    for number in 0..16 {
        line(format!("xmm{number}"), native.xmm[number], ours.xmm[number]);
    }
    line("mxcsr".into(), native.mxcsr.into(), ours.mxcsr.into());
    line("fcw".into(), native.fcw.into(), ours.fcw.into());
    line("fsw".into(), native.fsw.into(), ours.fsw.into());
    line("ftw".into(), native.ftw.into(), ours.ftw.into());
    for number in 0..8 {
        line(format!("st{number}"), native.st[number], ours.st[number]);
    }
    if native.rflags != ours.rflags {
        const FLAG_NAMES: [(u64, &str); 7] =
            [(0, "CF"), (2, "PF"), (4, "AF"), (6, "ZF"), (7, "SF"), (10, "DF"), (11, "OF")];
        let names: Vec<String> = FLAG_NAMES
            .iter()
            .filter(|(bit, _)| (native.rflags ^ ours.rflags) >> bit & 1 != 0)
            .map(|(bit, name)| format!("{name}: processor {}", native.rflags >> bit & 1))
            .collect();
        out.push(format!(
            "rflags: processor {:#x}, interpreter {:#x}: {}",
            native.rflags,
            ours.rflags,
            names.join(", ")
        ));
    }
}

fn interesting_integer(random: &mut Random) -> u64 {
    const TABLE: [u64; 16] = [
        0,
        1,
        2,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x7fff_ffff_ffff_ffff,
        0x8000_0000_0000_0000,
        0xffff_ffff_ffff_ffff,
        0x8000_0000_8000_0000,
    ];
    match random.below(4) {
        0 => TABLE[random.below(16) as usize],
        1 => random.u64() >> random.below(64),
        2 => (random.u64() as i64 >> random.below(64)) as u64,
        _ => random.u64(),
    }
}

fn interesting_vector(random: &mut Random) -> u128 {
    const SINGLES: [u32; 16] = [
        0,
        0x8000_0000,
        0x3f80_0000,
        0xbf80_0000,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0001,
        0x7fa0_0001,
        0xffff_ffff,
        1,
        0x007f_ffff,
        0x0080_0000,
        0x7f7f_ffff,
        0x4f00_0000,
        0xcf00_0000,
        0x3f00_0000,
    ];
    const DOUBLES: [u64; 18] = [
        0,
        0x8000_0000_0000_0000,
        0x3ff0_0000_0000_0000,
        0xbff8_0000_0000_0000,
        0x7ff0_0000_0000_0000,
        0xfff0_0000_0000_0000,
        0x7ff8_0000_0000_0001,
        0x7ff4_0000_0000_0001,
        0xffff_ffff_ffff_ffff,
        1,
        0x000f_ffff_ffff_ffff,
        0x0010_0000_0000_0000,
        0x7fef_ffff_ffff_ffff,
        0x41df_ffff_ffc0_0000,
        0xc1e0_0000_0000_0000,
        0x43e0_0000_0000_0000,
        0x3fe0_0000_0000_0000,
        0x36a0_0000_0000_0000,
    ];
    match random.below(5) {
        0 => u128::from(random.u64()) << 64 | u128::from(random.u64()),
        1 => (0..4).fold(0, |value, _| value << 32 | u128::from(SINGLES[random.below(16) as usize])),
        2 => (0..2).fold(0, |value, _| value << 64 | u128::from(DOUBLES[random.below(18) as usize])),
        3 => (0..4).fold(0, |value, _| {
            // Singles of moderate size, so that sums and products are finite and inexact.
            value << 32 | u128::from((random.u32() & 0x80ff_ffff) + 0x3f00_0000)
        }),
        _ => (0..2).fold(0, |value, _| {
            let exponent = 0x3ff - 60 + random.below(120);
            value << 64 | u128::from(random.u64() & 0x800f_ffff_ffff_ffff | exponent << 52)
        }),
    }
}

fn random_state(random: &mut Random) -> State {
    let mxcsr = 0x1f80
        | if random.below(3) == 0 { (random.below(4) as u32) << 13 } else { 0 }
        | if random.below(8) == 0 { 1 << 15 } else { 0 }
        | if random.below(8) == 0 { 1 << 6 } else { 0 }
        | if random.below(2) == 0 { random.below(64) as u32 } else { 0 };
    let top = random.below(8) as u16;
    let full = random.below(3) != 0;
    let mut state = State {
        gpr: std::array::from_fn(|_| interesting_integer(random)),
        rflags: random.u64() & FLAGS | if random.below(8) == 0 { 1 << 10 } else { 0 } | 0x202,
        rip: CODE,
        xmm: std::array::from_fn(|_| interesting_vector(random)),
        mxcsr,
        fcw: match random.below(8) {
            0 => 0x40 | random.u64() as u16 & 0xf3f,
            1..4 => 0x7f | random.u64() as u16 & 0xf00,
            _ => 0x37f,
        },
        fsw: random.u64() as u16 & 0x477f & !0x3880 | top << 11,
        ftw: if full { 0x7f } else { random.u64() as u8 },
        st: std::array::from_fn(|_| interesting_extended(random)),
    };
    if state.fcw & 0x3f != 0x3f && random.below(8) != 0 {
        // Nothing is pending, mostly.
        state.fsw &= !0x3f | state.fcw & 0x3f;
    }
    state.fsw = slots::summarized(state.fsw, state.fcw);
    if full {
        // All in use but the one that a push takes.
        state.ftw = 0x7f_u8.rotate_left(top.into());
    }
    state.gpr[4] = DATA + 8 * (64 + random.below(384));
    state
}

/// The address of the memory operand, if any, from the registers of a state.
fn address(encoded: &Encoded, state: &State) -> Option<u64> {
    let insn = &encoded.insn;
    (0..insn.op_count()).find(|&n| insn.op_kind(n) == OpKind::Memory)?;
    insn.virtual_address(
        (0..insn.op_count()).find(|&n| insn.op_kind(n) == OpKind::Memory)?,
        0,
        |register, _, _| match register {
            register if register.is_gpr() => {
                let value = state.gpr[register.full_register().number()];
                Some(if register.size() == 4 { value & 0xffff_ffff } else { value })
            }
            _ => Some(0),
        },
    )
}

/// Sets the registers of an instruction's addresses, so that most of them are in the data.
fn aim(encoded: &Encoded, state: &mut State, random: &mut Random) {
    let insn = &encoded.insn;
    let target = DATA + random.below(DATA_SIZE);
    for n in 0..insn.op_count() {
        let pointer = match insn.op_kind(n) {
            OpKind::MemorySegRSI | OpKind::MemorySegESI => 6,
            OpKind::MemorySegRDI | OpKind::MemorySegEDI | OpKind::MemoryESRDI | OpKind::MemoryESEDI => 7,
            _ => continue,
        };
        state.gpr[pointer] = DATA + random.below(DATA_SIZE);
        if insn.has_rep_prefix() || insn.has_repne_prefix() {
            state.gpr[1] = random.below(20);
        }
    }
    let Some(n) = (0..insn.op_count()).find(|&n| insn.op_kind(n) == OpKind::Memory) else { return };
    let size = (insn.memory_size().size() as u64).clamp(1, 512);
    let mut target = if random.below(16) == 0 { target } else { target.min(DATA + DATA_SIZE - size) };
    if size >= 16 && random.below(8) != 0 {
        target &= !15;
    }
    let _ = n;
    let (base, index) = (insn.memory_base(), insn.memory_index());
    if random.below(32) == 0 || insn.is_ip_rel_memory_operand() {
        return;
    }
    let displacement = insn.memory_displacement64();
    match (base, index) {
        (Register::None, Register::None) => {}
        (Register::None, index) => {
            let scale = u64::from(insn.memory_index_scale());
            state.gpr[index.full_register().number()] = target.wrapping_sub(displacement) / scale;
        }
        (base, Register::None) => {
            state.gpr[base.full_register().number()] = target.wrapping_sub(displacement);
        }
        (base, index) if base == index => {}
        (base, index) => {
            let scale = u64::from(insn.memory_index_scale());
            let at = state.gpr[index.full_register().number()];
            state.gpr[base.full_register().number()] =
                target.wrapping_sub(displacement).wrapping_sub(at.wrapping_mul(scale));
        }
    }
}
