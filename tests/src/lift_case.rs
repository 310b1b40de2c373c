//! Text cases of the lifters: an instruction, the IR it becomes, and what it does. See `tests/lift/README.md` for the
//! format; here are its parser, its check, and the rewriting of the machine-written lines.

mod value;

use crate::machine::{self, Stop};
use crate::world::TestWorld;
use decoders::DecodeError;
use std::fmt::Write;
use translator::guest::{FpEnv, Guest};
use translator::ir::interpret::{End, Interpreter, World};
use translator::ir::{Block, EnvCall, Op, Slot, Trap, Type};
use translator::lift::{Bytes, LiftOptions, lift_block};
use translator::opt;

/// The cases of one file, with every line that they came from.
pub struct CaseFile {
    guest: Guest,
    lines: Vec<String>,
    /// The cases in order.
    pub cases: Vec<Case>,
}

/// One case: one instruction, or a few in a row.
#[derive(Clone)]
pub struct Case {
    /// Whose instructions these are.
    pub guest: Guest,
    /// The instructions as text, one a line; `illegal` for what is none.
    pub instructions: Vec<String>,
    /// Where they stand.
    pub pc: u64,
    /// What they are in memory.
    pub bytes: Vec<u8>,
    ir: Vec<String>,
    runs: Vec<(usize, String)>,
    /// Number of the line `at`, from 0.
    at: usize,
}

impl CaseFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Says what is wrong, with the number of the line.
    pub fn parse(guest: Guest, text: &str) -> Result<CaseFile, String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut cases: Vec<Case> = Vec::new();
        let mut instructions = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let wrong = |what: &str| format!("line {}: {what}: {line}", number + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            } else if let Some(ir) = line.strip_prefix("    ") {
                cases.last_mut().ok_or_else(|| wrong("IR before a case"))?.ir.push(ir.to_owned());
            } else if let Some(at) = line.strip_prefix("  at ") {
                let (pc, bytes) =
                    at.split_once(": ").ok_or_else(|| wrong("`at ADDRESS: BYTES` is expected"))?;
                let pc = value::integer(pc).ok_or_else(|| wrong("no address"))? as u64;
                let bytes = value::bytes(bytes).ok_or_else(|| wrong("no bytes"))?;
                let instructions = std::mem::take(&mut instructions);
                cases.push(Case {
                    guest,
                    instructions,
                    pc,
                    bytes,
                    ir: Vec::new(),
                    runs: Vec::new(),
                    at: number,
                });
            } else if let Some(run) = line.strip_prefix("  run ") {
                if !instructions.is_empty() {
                    return Err(wrong("the case has no line `at` yet"));
                }
                cases
                    .last_mut()
                    .ok_or_else(|| wrong("run before a case"))?
                    .runs
                    .push((number, run.to_owned()));
            } else if line.starts_with(' ') {
                return Err(wrong("neither `at` nor `run` nor IR"));
            } else {
                instructions.push(line.clone());
            }
        }
        match instructions.first() {
            Some(line) => Err(format!("`{line}` has no line `at`")),
            None => Ok(CaseFile { guest, lines, cases }),
        }
    }

    /// The text of the file with the IR lines as the lifter gives them today.
    pub fn blessed(&self) -> String {
        let mut text = String::new();
        for (number, line) in self.lines.iter().enumerate() {
            if line.starts_with("    ") {
                continue;
            }
            text += line;
            text += "\n";
            for case in self.cases.iter().filter(|case| case.at == number) {
                for line in case.lift(FpEnv::default()).map(|block| block.lines()).unwrap_or_default() {
                    let _ = writeln!(text, "    {line}");
                }
            }
        }
        text
    }

    /// Whose cases these are.
    pub fn guest(&self) -> Guest {
        self.guest
    }
}

impl Case {
    /// Its name in the list of tests.
    pub fn name(&self) -> String {
        self.instructions.join("; ")
    }

    /// Checks text, IR and runs.
    ///
    /// # Errors
    /// Says what differs.
    pub fn check(&self) -> Result<(), String> {
        let texts = disassemble(self.guest, &self.bytes, self.pc);
        if texts != self.instructions {
            return Err(format!("the bytes are {texts:?}, not {:?}", self.instructions));
        }
        let block = self.lift(FpEnv::default())?;
        translator::ir::verify::verify(&block).map_err(|error| format!("{error}\n{block}"))?;
        if block.lines() != self.ir {
            return Err(format!("the IR has changed (BLESS=1 rewrites it), it is now\n{block}"));
        }
        for (turn, (number, run)) in self.runs.iter().enumerate() {
            self.run(turn, run).map_err(|what| format!("line {}: {run}\n{what}", number + 1))?;
        }
        Ok(())
    }

    fn lift(&self, env: FpEnv) -> Result<Block, String> {
        let options = LiftOptions { env, max_instructions: self.instructions.len() as u32 };
        lift_block(self.guest, &Bytes { start: self.pc, bytes: &self.bytes }, self.pc, &options)
            .map_err(|fault| format!("no instruction: {fault:?}"))
    }

    /// `inputs => outputs`.
    fn run(&self, turn: usize, line: &str) -> Result<(), String> {
        let (inputs, outputs) = line.split_once("=>").ok_or("a run is `INPUTS => OUTPUTS`")?;
        let mut before = start(self.guest);
        for item in inputs.split_whitespace() {
            give(self.guest, &mut before, item)?;
        }
        if before.read(self.pc, self.bytes.len()).is_some() {
            before.write(self.pc, &self.bytes); // the code's page is a page with data, too
        }
        let env = FpEnv(before.get(Slot::FP_ENV) as u32);
        let block = self.lift(env)?;
        let expected = Expected::parse(self.guest, self.pc + self.bytes.len() as u64, outputs)?;
        let check = |how: &str, after: &TestWorld, end: String, block: &Block| {
            let differences = expected.differences(self.guest, &before, after, &end);
            differences.map_err(|differences| format!("{how}:\n{differences}{block}"))
        };
        let mut optimized = block.clone();
        opt::optimize(&mut optimized);
        for (how, block) in [("interpreter", &block), ("interpreter after the passes", &optimized)] {
            let mut after = before.clone();
            let end = loop {
                let end = Interpreter::default().run(block, &mut after, u64::MAX).end;
                if end != (End::Repeat { pc: block.start }) {
                    break end;
                }
            };
            check(how, &after, describe(end), block)?;
        }
        // The counters of a real machine run, and an instruction of x86 that repeats retires when it is through.
        let asks = block
            .ops
            .iter()
            .any(|op| matches!(op, Op::Env { call: EnvCall::Counter | EnvCall::Retired, .. }));
        if asks || self.instructions.iter().any(|line| line.starts_with("rep")) {
            return Ok(());
        }
        // Two ways a line, because compiling takes its time: a region or the interpreter, and stencils.
        let others = [1, 3];
        let ways = [[0, 2, 4][turn % 3], others[turn % 2]];
        // A vCPU that is alone has other code for atomics.
        let alone: &[bool] = if block.ops.iter().any(is_atomic) { &[false, true] } else { &[false] };
        for (how, mode, memory) in ways.map(|way| machine::WAYS[way]) {
            for &alone in alone {
                let mut after = before.clone();
                let budget = Some(block.instructions.into());
                let code = (self.pc, self.bytes.as_slice());
                let stop = machine::run(self.guest, (mode, memory), alone, &mut after, code, budget);
                let how = if alone { format!("{how}, alone") } else { how.to_owned() };
                check(&how, &after, describe_stop(stop), &block)?;
            }
        }
        Ok(())
    }
}

fn is_atomic(op: &Op) -> bool {
    matches!(op, Op::Cas { .. } | Op::Rmw { .. } | Op::LoadExclusive { .. } | Op::StoreExclusive { .. })
}

/// The state in which a run starts before its inputs: registers hold values of their own, so that one that should stay
/// as it is cannot be taken for another; everything else is zero.
fn start(guest: Guest) -> TestWorld {
    let mut world = TestWorld::new(guest);
    for (number, slot) in guest.register_file().slots.iter().enumerate() {
        if matches!(slot.ty, Type::I64 | Type::F64 | Type::V128) {
            let pattern = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            world.set(Slot(number as u16), pattern & slot.ty.mask());
        }
    }
    for (name, parts) in value::flags(guest) {
        value::set_flag(&mut world, guest, name, parts, false);
    }
    world
}

/// Applies one input: `x11=3`, `[0x2000]=01 02` (mapped), `ro[0x2000]=0102` (mapped read-only).
fn give(guest: Guest, world: &mut TestWorld, item: &str) -> Result<(), String> {
    let (name, text) = item.split_once('=').ok_or_else(|| format!("`{item}` is not NAME=VALUE"))?;
    if let Some((addr, writable)) = value::memory(name) {
        let bytes = value::bytes(text).ok_or_else(|| format!("`{text}` are no bytes"))?;
        world.map(addr, bytes.len().max(1) as u64, writable);
        world.write(addr, &bytes);
        return Ok(());
    }
    if let Some(parts) = value::flag(guest, name) {
        value::set_flag(world, guest, name, parts, text == "1");
        return Ok(());
    }
    let slot = guest.register_file().by_name(name).ok_or_else(|| format!("no register is called {name}"))?;
    let ty = guest.register_file().slot(slot).ty;
    world.set(slot, value::of_type(text, ty).ok_or_else(|| format!("`{text}` is no value of {name}"))?);
    Ok(())
}

/// What a run line says must hold afterwards.
struct Expected {
    end: String,
    slots: Vec<(Slot, Option<u128>)>,
    flags: Vec<(&'static str, Option<bool>)>,
    memory: Vec<(u64, Vec<u8>)>,
}

impl Expected {
    fn parse(guest: Guest, next: u64, text: &str) -> Result<Expected, String> {
        let mut expected = Expected {
            end: format!("pc={next:#x}"),
            slots: Vec::new(),
            flags: Vec::new(),
            memory: Vec::new(),
        };
        for item in text.split_whitespace() {
            let (name, text) = item.split_once('=').unwrap_or((item, ""));
            let wrong = || format!("`{text}` is no value of {name}");
            if matches!(name, "syscall" | "trap" | "fault") {
                expected.end = item.to_owned();
            } else if name == "pc" {
                expected.end = format!("pc={:#x}", value::integer(text).ok_or_else(wrong)? as u64);
            } else if let Some((addr, _)) = value::memory(name) {
                expected.memory.push((addr, value::bytes(text).ok_or_else(wrong)?));
            } else if let Some((name, _)) = value::flags(guest).iter().find(|(flag, _)| *flag == name) {
                expected.flags.push((name, (text != "?").then_some(text == "1")));
            } else {
                let slot = guest
                    .register_file()
                    .by_name(name)
                    .ok_or_else(|| format!("no register is called {name}"))?;
                let ty = guest.register_file().slot(slot).ty;
                let value = match text {
                    "?" => None,
                    _ => Some(value::of_type(text, ty).ok_or_else(wrong)?),
                };
                expected.slots.push((slot, value));
            }
        }
        Ok(expected)
    }

    /// Compares everything: what is not mentioned must not have changed.
    fn differences(
        &self,
        guest: Guest,
        before: &TestWorld,
        after: &TestWorld,
        end: &str,
    ) -> Result<(), String> {
        let mut differences = String::new();
        if end != self.end {
            let _ = writeln!(differences, "  ended with {end}, expected {}", self.end);
        }
        for (name, parts) in value::flags(guest) {
            let expected = match self.flags.iter().find(|(flag, _)| flag == name) {
                Some((_, None)) => continue,
                Some((_, Some(value))) => *value,
                None => value::flag_of(before, guest, name, parts),
            };
            let got = value::flag_of(after, guest, name, parts);
            if got != expected {
                let _ =
                    writeln!(differences, "  {name} is {}, expected {}", u8::from(got), u8::from(expected));
            }
        }
        for (number, info) in guest.register_file().slots.iter().enumerate() {
            let slot = Slot(number as u16);
            let expected = match self.slots.iter().find(|(expected, _)| *expected == slot) {
                Some((_, None)) => continue,
                Some((_, Some(value))) => *value,
                None if value::flags(guest).iter().any(|(_, slot)| *slot == info.name) => continue,
                None => before.get(slot),
            };
            let got = after.get(slot);
            if got != expected {
                let _ = writeln!(differences, "  {} is {got:#x}, expected {expected:#x}", info.name);
            }
        }
        let mut memory = before.clone();
        for (addr, bytes) in &self.memory {
            memory.write(*addr, bytes);
        }
        for ((addr, got), (_, expected)) in after.bytes().zip(memory.bytes()) {
            if got != expected {
                let _ = writeln!(differences, "  [{addr:#x}] is {got:02x}, expected {expected:02x}");
            }
        }
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    }
}

/// The end of a run as run lines write it.
fn describe(end: End) -> String {
    match end {
        End::Next(pc) | End::Repeat { pc } | End::Resync { next: pc } => describe_stop(Stop::At(pc)),
        End::Syscall { .. } => describe_stop(Stop::Syscall),
        End::Trap { trap, pc, info } => describe_stop(Stop::Trap { trap, pc, info }),
        End::Fault { pc, fault } => describe_stop(Stop::Fault { pc, fault }),
        End::Limit { pc } => format!("limit at {pc:#x}"),
        End::HookStop { pc } => format!("hook at {pc:#x}"),
    }
}

fn describe_stop(stop: Stop) -> String {
    match stop {
        Stop::At(pc) => format!("pc={pc:#x}"),
        Stop::Syscall => "syscall".to_owned(),
        Stop::Trap { trap: Trap::Misaligned, info, .. } => format!("trap=misaligned@{info:#x}"),
        Stop::Trap { trap, .. } => format!("trap={trap}"),
        Stop::Fault { fault, .. } => format!("fault={}@{:#x}", fault.access, fault.addr),
    }
}

/// The text of every instruction in `bytes`.
pub fn disassemble(guest: Guest, bytes: &[u8], pc: u64) -> Vec<String> {
    let mut texts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (rest, pc) = (&bytes[at..], pc + at as u64);
        let insn = match guest {
            Guest::X86_64 => {
                use decoders::x86_64::{decode, text};
                decode(rest, pc).map(|insn| (text(&insn, pc), insn.len()))
            }
            Guest::Aarch64 => {
                use decoders::aarch64::{decode, text};
                decode(rest, pc).map(|insn| (text(&insn, pc), 4))
            }
            Guest::Riscv64 => {
                use decoders::riscv64::{Names, decode, text_with};
                decode(rest, pc).map(|insn| (text_with(&insn, pc, Names::Numeric), insn.len.into()))
            }
        };
        match insn {
            Ok((text, len)) => {
                texts.push(text);
                at += len;
            }
            Err(DecodeError::Illegal) => {
                texts.push("illegal".to_owned());
                break;
            }
            Err(DecodeError::NeedMore) => {
                texts.push("incomplete".to_owned());
                break;
            }
        }
    }
    texts
}
