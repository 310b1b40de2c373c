//! Every op: compiled code gives what the table of cases says, which is what the interpreter gives.

use crate::codegen::*;
use crate::float::flags;
use crate::guest::{FpEnv, Guest};
use crate::ir::cases::{self, Case, RESULT, RESULT_HIGH};
use crate::ir::{OPS, Slot};
use crate::region::Region;
use crate::run::enter::Bench;
use crate::run::state::{ExitKind, VcpuState};

extern "C" fn no_tlb(_: &mut VcpuState, _: u64, _: u64) {
    unreachable!("direct mode has no TLB")
}

pub(super) fn compiler() -> Compiler {
    Compiler::new(HostIsa::native(), &Options { verify: true, optimize: false }).unwrap()
}

pub(super) fn bench(compiler: &Compiler) -> Bench {
    Bench::new(Runtime::new(compiler, 1 << 20, 1 << 10, &Helpers { fill_tlb: no_tlb }).unwrap())
}

pub(super) fn key(guest: Guest, env: u32, sticky: u32) -> UnitKey {
    UnitKey {
        guest,
        env: FpEnv(env),
        sticky,
        memory: MemoryMode::Direct,
        parallel: false,
        budget: false,
        hooks: 0,
    }
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
    let mut seen = vec![false; OPS.len()];
    for case in &cases {
        for op in &case.block.ops {
            seen[op.index()] = true;
        }
        let mut keys = vec![0];
        let mask = UnitKey::sticky_mask(case.block.guest);
        if case.flags & !mask == case.flags || case.flags != 0 {
            keys.push(mask);
            keys.push(flags::INEXACT);
        }
        keys.dedup();
        for sticky in keys {
            if let Err(what) = check(&compiler, &mut bench, case, sticky) {
                failures.push(format!("{} (sticky {sticky:#x}): {what}", case.text));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
