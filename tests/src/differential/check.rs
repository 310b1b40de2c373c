//! One case on every side, and the report of what differs.

use super::machine::Machine;
use super::reference::Reference;
use super::shrink::shrunk;
use super::{CODE, Case, DATA, LONGEST_RUN, Numbered, PAGE, State, judged, unicorn};
use crate::code::disassemble;
use crate::x86_64::choices;
use std::fmt::Write as _;
use std::path::Path;
use translator::guest::registers::{Register, registers};
use translator::guest::{FpEnv, Guest};
use translator::ir::Slot;
use translator::lift::{Bytes, LiftOptions, lift_block};
use translator::memory::Mode;
use translator::opt;
use translator::run::{ExecutionMode, Exit, Interrupter, Reason, Stats};

/// Cases that travel to the reference at once.
const BATCH: usize = 64;

/// What a run of cases found.
#[derive(Debug, Default)]
pub struct Summary {
    /// Cases that ran.
    pub cases: u64,
    /// Of these, programs of more than one instruction.
    pub programs: u64,
    /// Cases that the reference judged too.
    pub judged: u64,
    /// Instructions that the interpreter retired.
    pub retired: u64,
    /// The differences.
    pub failures: Vec<String>,
}

/// All sides of one guest.
pub struct Sides {
    guest: Guest,
    interpreter: Machine,
    compiled: [(&'static str, Machine); 8],
    reference: Option<Reference>,
}

/// A case that has run here.
struct Done {
    number: u64,
    case: Case,
    exit: Exit,
    state: State,
}

impl Sides {
    /// Makes the machines, and starts the reference with its executable in `directory`.
    pub fn new(guest: Guest, reference: Option<&Path>) -> Sides {
        Sides {
            guest,
            interpreter: Machine::new(guest, ExecutionMode::Interpret, Mode::Direct),
            compiled: [
                ("regions, direct", Machine::new(guest, ExecutionMode::Regions, Mode::Direct)),
                ("regions, paged", Machine::new(guest, ExecutionMode::Regions, Mode::Paged)),
                ("stencils, direct", Machine::new(guest, ExecutionMode::Stencils, Mode::Direct)),
                ("stencils, paged", Machine::new(guest, ExecutionMode::Stencils, Mode::Paged)),
                ("regions with checks, direct", Machine::self_checking(guest, Mode::Direct)),
                ("regions with checks, paged", Machine::self_checking(guest, Mode::Paged)),
                ("tiers at random, direct", Machine::new(guest, ExecutionMode::Compile, Mode::Direct)),
                ("tiers at random, paged", Machine::new(guest, ExecutionMode::Compile, Mode::Paged)),
            ],
            reference: reference.map(|directory| Reference::start(guest, directory)),
        }
    }

    /// With another reference.
    pub fn judged_by(self, reference: Reference) -> Sides {
        Sides { reference: Some(reference), ..self }
    }

    /// What each way of compiling has translated.
    pub fn translated(&self) -> impl Iterator<Item = (&'static str, Stats)> {
        self.compiled.iter().map(|(name, machine)| (*name, machine.stats()))
    }

    /// What stops the compiled runs.
    pub fn interrupters(&self) -> Vec<Interrupter> {
        self.compiled.iter().map(|(_, machine)| machine.interrupter()).collect()
    }

    /// Runs the cases until `go_on`, which sees what has been found so far, says no.
    pub fn run(
        &mut self,
        cases: impl IntoIterator<Item = Numbered>,
        mut go_on: impl FnMut(&Summary) -> bool,
    ) -> Summary {
        let mut summary = Summary::default();
        let mut batch = Vec::new();
        let mut cases = cases.into_iter();
        while go_on(&summary)
            && let Some(case) = cases.next()
        {
            if let Some(done) = self.here(case, &mut summary) {
                batch.push(done);
            }
            if batch.len() == BATCH {
                self.judge(&std::mem::take(&mut batch), &mut summary);
            }
        }
        self.judge(&batch, &mut summary);
        summary
    }

    /// Runs a case on the interpreter and as compiled code.
    fn here(&mut self, Numbered { number, way, case }: Numbered, summary: &mut Summary) -> Option<Done> {
        // A quarter of the cases for each way of compiling, half of them in each memory mode.
        let (name, machine) = &mut self.compiled[(way & 1 | way >> 1 & 6) as usize];
        let mut both = |case: &Case| run_both(&mut self.interpreter, machine, case, way);
        let [(exit, state), seen] = both(&case);
        summary.cases += 1;
        summary.retired += exit.retired.unwrap_or(0);
        summary.programs += u64::from(!is_single(&case));
        if seen != (exit, state.clone()) {
            let mut differ = |case: &Case| {
                let ends = both(case);
                (ends[0] != ends[1]).then_some(ends)
            };
            let small = shrunk(&case, |case| differ(case).is_some());
            // What differs only now and then is shown as it was.
            let (case, ends) = match differ(&small) {
                Some(ends) => (small, ends),
                None => (case, [(exit, state), seen]),
            };
            let [(exit, state), (seen_exit, seen)] = ends;
            let ends = format!("  interpreted: {exit:x?}\n  {name}: {seen_exit:x?}\n");
            summary.failures.push(report(number, &case, &ends, "interpreted", &state, name, &seen));
            return None;
        }
        let judged = judged::by_reference(&case, &exit, &state)
            && self
                .reference
                .as_ref()
                .is_none_or(|reference| !reference.is_unicorn() || unicorn::judges(&case, &exit))
            && !self.may_have_another_nan(&case);
        judged.then_some(Done { number, case, exit, state })
    }

    /// Whether a dot product in the case has a result of which the manual leaves open which NaN is where.
    fn may_have_another_nan(&mut self, case: &Case) -> bool {
        let products = judged::dot_products(case);
        if products.is_empty() {
            return false;
        }
        self.interpreter.load(case);
        for _ in 0..LONGEST_RUN {
            let pc = self.interpreter.pc();
            let exit = self.interpreter.go(Some(1));
            let another = products.iter().any(|(insn, destination)| {
                insn.ip() == pc && choices::may_have_another_nan(insn, self.interpreter.slot(*destination))
            });
            if another || exit.reason != Reason::Budget {
                return another;
            }
        }
        false
    }

    /// Compares with the reference.
    fn judge(&mut self, batch: &[Done], summary: &mut Summary) {
        let Some(reference) = &mut self.reference else { return };
        let cases: Vec<&Case> = batch.iter().map(|done| &done.case).collect();
        for (done, answer) in batch.iter().zip(reference.run(&cases)) {
            summary.judged += 1;
            let Some((mut state, stop)) = answer else {
                let ends = format!("  interpreted: {:x?}\n  the reference died\n", done.exit);
                let state = &done.state;
                let text = report(done.number, &done.case, &ends, "reference", state, "interpreted", state);
                summary.failures.push(text);
                continue;
            };
            judged::take_undefined(&done.case, &done.exit, &done.state, &mut state);
            let same = judged::ends_alike(&done.exit, stop)
                && done.state.pc == state.pc
                && done.state.data == state.data
                && differing(self.guest, &done.state, &state).is_empty();
            if !same {
                let ends = format!("  interpreted: {:x?}\n  reference: {stop:x?}\n", done.exit);
                let text =
                    report(done.number, &done.case, &ends, "reference", &state, "interpreted", &done.state);
                summary.failures.push(text);
            }
        }
    }
}

/// How a case ends on the interpreter, and as compiled code.
fn run_both(interpreter: &mut Machine, compiled: &mut Machine, case: &Case, way: u64) -> [(Exit, State); 2] {
    let (exit, state) = interpreter.run(case, Some(LONGEST_RUN));
    // Without a budget a program that does not end would not; and a budget's units are other units.
    let budget = (exit.reason == Reason::Budget || way & 2 == 0).then_some(LONGEST_RUN);
    let (mut seen_exit, seen) = compiled.run(case, budget);
    if budget.is_none() {
        // Nothing was counted.
        seen_exit.retired = exit.retired;
    }
    [(exit, state), (seen_exit, seen)]
}

fn is_single(case: &Case) -> bool {
    let pc = case.state.pc;
    let code = Bytes { start: pc, bytes: &case.code };
    lift_block(case.guest, &code, pc, &LiftOptions { max_instructions: 1, ..LiftOptions::default() })
        .is_ok_and(|block| block.end >= pc + case.code.len() as u64)
}

/// The registers that differ, with both values.
fn differing(guest: Guest, a: &State, b: &State) -> Vec<(Register, u128, u128)> {
    let compared = registers(guest).into_iter().filter(judged::is_compared);
    compared
        .map(|register| (register, register.read(a), register.read(b)))
        .filter(|(_, a, b)| a != b)
        .collect()
}

/// Everything about a case: program, IR, states, and a text case for the lifters' tests.
pub fn report(
    number: u64,
    case: &Case,
    ends: &str,
    a_name: &str,
    a: &State,
    b_name: &str,
    b: &State,
) -> String {
    let mut out = format!("--- {} case {number:#x}: {a_name} and {b_name} differ\n{ends}", case.guest);
    for (pc, bytes, text) in disassemble(case.guest, &case.code, case.state.pc) {
        let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(out, "  {pc:#x}: {:32} {text}", bytes.join(" "));
    }
    let file = case.guest.register_file();
    for register in registers(case.guest) {
        let (start, x, y) = (register.read(&case.state), register.read(a), register.read(b));
        if x != y || start != x {
            let mark = if x == y { ' ' } else { '*' };
            let _ = writeln!(
                out,
                "  {mark} {}: {start:#x} before, {a_name} {x:#x}, {b_name} {y:#x}",
                register.name
            );
        }
    }
    for (at, (x, y)) in a.slots.iter().zip(&b.slots).enumerate() {
        if x != y {
            let name = file.slot(Slot(at as u16)).name;
            let _ = writeln!(out, "  * slot {name}: {a_name} {x:#x}, {b_name} {y:#x}");
        }
    }
    for at in (0..PAGE).step_by(8).filter(|&at| a.data[at..at + 8] != b.data[at..at + 8]) {
        let hex = |state: &State| u64::from_le_bytes(state.data[at..at + 8].try_into().expect("eight bytes"));
        let _ = writeln!(
            out,
            "  * [{:#x}]: {:#x} before, {a_name} {:#x}, {b_name} {:#x}",
            DATA + at as u64,
            hex(&case.state),
            hex(a),
            hex(b)
        );
    }
    let env = FpEnv(case.state.slots[Slot::FP_ENV.index()] as u32);
    let code = Bytes { start: CODE, bytes: &case.code };
    if let Ok(mut block) =
        lift_block(case.guest, &code, case.state.pc, &LiftOptions { env, ..LiftOptions::default() })
    {
        let _ = write!(out, "IR of the first block\n{block}");
        opt::optimize(&mut block);
        let _ = write!(out, "after the passes\n{block}");
    }
    let _ = write!(out, "a text case\n{}", text_case(case, a));
    out
}

/// The case as `tests/lift/<guest>/<section>.lift` has them, with the registers as `after` has them.
fn text_case(case: &Case, after: &State) -> String {
    let mut out = String::new();
    for (_, _, text) in disassemble(case.guest, &case.code, case.state.pc) {
        let _ = writeln!(out, "{text}");
    }
    let bytes: Vec<String> = case.code.iter().map(|byte| format!("{byte:02x}")).collect();
    let _ = writeln!(out, "  at {:#x}: {}", case.state.pc, bytes.join(" "));
    let slots = case.guest.register_file().slots.iter().zip(case.state.slots.iter().zip(&after.slots));
    let (mut inputs, mut outputs) = (String::new(), String::new());
    for (slot, (before, after)) in slots {
        if *before != 0 {
            let _ = write!(inputs, " {}={before:#x}", slot.name);
        }
        if before != after {
            let _ = write!(outputs, " {}={after:#x}", slot.name);
        }
    }
    let _ = writeln!(out, "  run{inputs} =>{outputs}");
    out
}
