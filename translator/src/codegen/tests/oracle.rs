//! Every op: compiled code gives what the table of cases says, which is what the interpreter gives.

use crate::codegen::evaluate::StateWorld;
use crate::codegen::*;
use crate::float::flags;
use crate::guest::{FpEnv, Guest, riscv64};
use crate::ir::cases::{self, Case, RESULT, RESULT_HIGH};
use crate::ir::interpret::Interpreter;
use crate::ir::{Builder, Slot};
use crate::region::Region;
use crate::run::enter::Bench;
use crate::run::state::{ExitKind, VcpuState};

extern "C" fn no_tlb(_: &mut VcpuState, _: u64, _: u64) {
    unreachable!("direct mode has no TLB")
}

pub(super) fn compiler() -> Compiler {
    Compiler::new(HostIsa::native(), &Options { verify: true, ..Options::default() }).unwrap()
}

pub(super) fn bench(compiler: &Compiler) -> Bench {
    Bench::new(Runtime::new(compiler, 1 << 20, 1 << 10, &Helpers { fill_tlb: no_tlb }).unwrap())
}

pub(super) fn key(guest: Guest, env: u32, sticky: u32) -> UnitKey {
    UnitKey { env: FpEnv(env), sticky, parallel: true, ..UnitKey::plain(guest) }
}

/// Runs a case compiled under `sticky` with these flags set before; what is wrong, if anything.
fn check(compiler: &Compiler, bench: &mut Bench, case: &Case, sticky: u32) -> Result<(), String> {
    let guest = case.block.guest;
    let region = Region::single(case.block.clone());
    let unit = compiler
        .compile(&region, &key(guest, case.env, sticky), &CompileOptions { clif: true, ..Default::default() })
        .map_err(|error| error.to_string())?;
    let installed = bench.runtime.arena().install(&unit).map_err(|error| error.to_string())?;
    let file = guest.register_file();
    let slots = &mut bench.state.slots;
    slots.0.fill(0);
    slots.set(file, Slot::FP_FLAGS, sticky.into());
    slots.set(file, Slot::FP_ENV, case.env.into());
    for &(slot, value) in &case.inputs {
        slots.set(file, slot, value.into());
    }
    slots.set(file, RESULT, 0);
    slots.set(file, RESULT_HIGH, 0);
    bench.state.interrupt.store(0, std::sync::atomic::Ordering::Relaxed);
    let word = bench.run(&installed);
    bench.runtime.arena().free(installed.id);
    let slots = &bench.state.slots;
    let result = slots.get(file, RESULT) | slots.get(file, RESULT_HIGH) << 64;
    let raised = slots.get(file, Slot::FP_FLAGS) as u32;
    let listing = || unit.clif.clone().unwrap_or_default();
    if word & 0xff != ExitKind::Link as u64 || bench.state.pc != 0x1004 {
        return Err(format!("exit word {word:#x}, pc {:#x}\n{}", bench.state.pc, listing()));
    }
    if result != case.expected || raised != case.flags | sticky {
        return Err(format!(
            "gives {result:#x} flags {raised:#x}, not {:#x} flags {:#x}\n{}",
            case.expected,
            case.flags | sticky,
            listing()
        ));
    }
    Ok(())
}

#[test]
fn every_op_compiled_equals_interpreted() {
    let (compiler, cases) = (compiler(), cases::all());
    let mut bench = bench(&compiler);
    let mut failures = Vec::new();
    for case in &cases {
        let keys = [0, flags::INEXACT, UnitKey::sticky_mask(case.block.guest)];
        for sticky in keys {
            if let Err(what) = check(&compiler, &mut bench, case, sticky) {
                failures.push(format!("{} (sticky {sticky:#x}): {what}", case.text));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// `x << left | x >> right` is a rotation where the amounts add up to the width; the sum of these does not fit 64 bits.
#[test]
fn shifts_by_amounts_whose_sum_overflows_are_no_rotation() {
    let mut b = Builder::new(Guest::Riscv64, 0x1000);
    b.instruction(0x1000, 4);
    let x = b.get(riscv64::X6);
    let (one, huge) = (b.i64(1), b.i64(u64::MAX));
    let (left, right) = (b.shl(x, one), b.lshr(x, huge));
    let either = b.or(left, right);
    b.set(either, riscv64::X7);
    b.jump(0x1004);
    let region = Region::single(b.finish(0x1004));
    let compiler = compiler();
    let unit = compiler.compile(&region, &key(Guest::Riscv64, 0, 0), &Default::default()).unwrap();
    let mut bench = bench(&compiler);
    let installed = bench.runtime.arena().install(&unit).unwrap();
    let file = Guest::Riscv64.register_file();
    bench.state.slots.set(file, riscv64::X6, 0xc000_0000_0000_0001);
    bench.run(&installed);
    assert_eq!(bench.state.slots.get(file, riscv64::X7), 0x8000_0000_0000_0003);
}

/// Bit patterns that float and integer ops treat specially, for 64-bit inputs and for two or four lanes of them.
pub(super) const SPECIAL: &[u64] = &[
    0,
    1,
    u64::MAX,
    1 << 63,
    i64::MAX as u64,
    0x8000_0000,
    0x7fff_ffff,
    0x3ff0_0000_0000_0000,
    0xbff8_0000_0000_0000,
    0x4330_0000_0000_0001,
    0x43e0_0000_0000_0000,
    0x41df_ffff_ffe0_0000,
    0x000f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x8000_0000_0000_0001,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_1234,
    0x7ff0_0000_0000_0001,
    0x7fef_ffff_ffff_ffff,
    0x36a0_0000_0000_0000,
    0x3f80_0000_3f80_0000,
    0x7f80_0000_ff80_0000,
    0x0000_0001_8000_0001,
    0x7fc0_1234_7f80_0001,
    0x0080_0000_007f_ffff,
    0x4f00_0000_cf00_0000,
    0x7f7f_ffff_4b80_0001,
    0x8080_7f7f_00ff_ff00,
    0x0102_0304_0506_0708,
];

pub(super) fn random(seed: &mut u64) -> u64 {
    // SplitMix64.
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// An input: a special pattern, a number near another one, or anything.
fn input(seed: &mut u64, other: u64) -> u64 {
    let pick = random(seed);
    match pick % 8 {
        0..=3 => SPECIAL[(pick >> 8) as usize % SPECIAL.len()],
        4 => other.wrapping_add(pick >> 62),
        // A double between 2^-15 and 2^16, whose halves are floats as well.
        5 => (0x3f00 + (pick >> 59)) << 48 | random(seed) >> 16 | pick & 1 << 63,
        6 => pick >> (pick >> 8 & 63),
        _ => random(seed),
    }
}

#[test]
fn every_op_compiled_equals_interpreted_on_random_operands() {
    const ROUNDS: usize = 40;
    let (compiler, cases) = (compiler(), cases::all());
    let mut bench = bench(&compiler);
    let mut interpreter = Interpreter::new();
    let mut seed = 1;
    let mut failures = Vec::new();
    let mut done = rustc_hash::FxHashSet::default();
    for case in &cases {
        let guest = case.block.guest;
        let file = guest.register_file();
        for sticky in [0, flags::INEXACT, UnitKey::sticky_mask(guest)] {
            if !done.insert(format!("{:?} {:?} {} {sticky}", guest, case.block.ops, case.env)) {
                continue;
            }
            let region = Region::single(case.block.clone());
            let unit = compiler.compile(&region, &key(guest, case.env, sticky), &Default::default()).unwrap();
            let installed = bench.runtime.arena().install(&unit).unwrap();
            for _ in 0..ROUNDS {
                let mut start = Box::new(VcpuState::new());
                start.slots.set(file, Slot::FP_FLAGS, sticky.into());
                start.slots.set(file, Slot::FP_ENV, case.env.into());
                let mut last = 0;
                for &(slot, _) in &case.inputs {
                    last = input(&mut seed, last);
                    start.slots.set(file, slot, last.into());
                }
                bench.state.slots = start.slots;
                bench.state.interrupt.store(0, std::sync::atomic::Ordering::Relaxed);
                let inputs: Vec<_> =
                    case.inputs.iter().map(|&(slot, _)| start.slots.get(file, slot)).collect();
                interpreter.run(&case.block, &mut StateWorld { state: &mut start, file }, u64::MAX);
                bench.run(&installed);
                if start.slots.0 != bench.state.slots.0 {
                    let show = |state: &VcpuState| {
                        format!(
                            "{:#x} {:#x} flags {:#x}",
                            state.slots.get(file, RESULT),
                            state.slots.get(file, RESULT_HIGH),
                            state.slots.get(file, Slot::FP_FLAGS)
                        )
                    };
                    failures.push(format!(
                        "{} on {inputs:x?} (sticky {sticky:#x}): compiled {} interpreted {}",
                        case.text,
                        show(&bench.state),
                        show(&start)
                    ));
                    break;
                }
            }
            bench.runtime.arena().free(installed.id);
        }
    }
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}
