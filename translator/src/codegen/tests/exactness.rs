//! Every float op that has a lowering of its own, for every guest, environment and promise of the key: compiled code gives
//! the interpreter's results and flags, on special values and on operands chosen near cancellation, near halfway cases,
//! and near both ends of the exponent range, where the tests of `codegen::doubt` have to tell exact from inexact.

use super::oracle::{bench, compiler, key, random};
use crate::codegen::evaluate::StateWorld;
use crate::codegen::*;
use crate::float::flags;
use crate::guest::Guest;
use crate::ir::Slot;
use crate::ir::cases::{self, Case, RESULT, RESULT_HIGH};
use crate::ir::interpret::Interpreter;
use crate::region::Region;
use crate::run::state::VcpuState;

/// Doubles: zeros, subnormals, the smallest normal numbers, ones, halfway cases, limits of integers and of formats, NaNs.
const DOUBLES: &[u64] = &[
    0,
    1,
    0x000f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x0010_0000_0000_0001,
    0x0020_0000_0000_0000,
    0x0350_0000_0000_0000,
    0x03f0_0000_0000_0001,
    0x3690_0000_0000_0000,
    0x36a0_0000_0000_0000,
    0x380f_ffff_ffff_ffff,
    0x3810_0000_0000_0000,
    0x3ca0_0000_0000_0000,
    0x3ca0_0000_0000_0001,
    0x3fdf_ffff_ffff_ffff,
    0x3fe0_0000_0000_0000,
    0x3fef_ffff_ffff_ffff,
    0x3ff0_0000_0000_0000,
    0x3ff0_0000_0000_0001,
    0x3ff0_0000_1000_0000,
    0x3ff8_0000_0000_0000,
    0x4008_0000_0000_0000,
    0x41df_ffff_ffc0_0000,
    0x41e0_0000_0000_0000,
    0x41ef_ffff_ffff_ffff,
    0x4330_0000_0000_0001,
    0x4340_0000_0000_0000,
    0x43df_ffff_ffff_ffff,
    0x43e0_0000_0000_0000,
    0x43f0_0000_0000_0000,
    0x47ef_ffff_e000_0000,
    0x47ef_ffff_f000_0000,
    0x7fe0_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0x7ff8_0000_0000_0000,
    0x7ff8_0000_0000_1234,
];

/// Singles likewise.
const SINGLES: &[u32] = &[
    0,
    1,
    0x007f_ffff,
    0x0080_0000,
    0x0080_0001,
    0x0100_0000,
    0x0f80_0000,
    0x0f80_0001,
    0x2000_0000,
    0x3380_0000,
    0x3380_0001,
    0x3eff_ffff,
    0x3f00_0000,
    0x3f7f_ffff,
    0x3f80_0000,
    0x3f80_0001,
    0x3f80_1000,
    0x3fc0_0000,
    0x4040_0000,
    0x4b00_0001,
    0x4b80_0000,
    0x4eff_ffff,
    0x4f00_0000,
    0x4f7f_ffff,
    0x4f80_0000,
    0x5eff_ffff,
    0x5f00_0000,
    0x5f80_0000,
    0x7f00_0000,
    0x7f7f_ffff,
    0x7f80_0000,
    0x7f80_0001,
    0x7fc0_0000,
    0x7fc0_1234,
];

/// The sign, exponent and fraction of a format.
#[derive(Clone, Copy)]
struct Format {
    fraction: u32,
    exponent: u32,
    specials: fn(u64) -> u64,
}

const SINGLE: Format =
    Format { fraction: 23, exponent: 8, specials: |pick| SINGLES[pick as usize % SINGLES.len()].into() };
const DOUBLE: Format =
    Format { fraction: 52, exponent: 11, specials: |pick| DOUBLES[pick as usize % DOUBLES.len()] };

impl Format {
    /// An operand, often one that makes trouble together with `other`.
    fn operand(self, seed: &mut u64, other: u64) -> u64 {
        let pick = random(seed);
        let sign = (pick >> 63) << (self.fraction + self.exponent);
        let ones = (1u64 << self.fraction) - 1;
        let (bias, largest) = ((1u64 << (self.exponent - 1)) - 1, (1u64 << self.exponent) - 1);
        // A fraction of which only the upper bits are set: products and quotients are often exact.
        let short = |bits: u64| (bits & ones) & !(ones >> (1 + bits % u64::from(self.fraction)));
        let compose = |exponent: u64, fraction: u64| sign | exponent << self.fraction | fraction;
        match pick & 7 {
            0 | 1 => (self.specials)(pick >> 8) | sign,
            // The other one's neighbours, either sign.
            2 => {
                ((other & !(1 << (self.fraction + self.exponent))).wrapping_add(pick >> 8 & 3) | sign)
                    & (u64::MAX >> (63 - self.fraction - self.exponent))
            }
            // A little smaller than the other one, around its last place.
            3 => {
                let exponent = (other >> self.fraction & largest)
                    .saturating_sub(u64::from(self.fraction) - 1 + (pick >> 8 & 3));
                compose(exponent, short(pick >> 16))
            }
            // Near the ends of the range, and where the tests for exactness begin.
            4 => {
                let near = [0, largest / 2 - bias, bias / 2, bias / 32, bias - 96, largest - 2, bias];
                let exponent = near[(pick >> 8) as usize % near.len()] + (pick >> 16 & 3);
                compose(
                    exponent.min(largest - 1),
                    if pick & 8 == 0 { short(pick >> 20) } else { pick >> 20 & ones },
                )
            }
            5 => compose(bias - 4 + (pick >> 8 & 15), short(pick >> 12)),
            6 => compose(bias - 4 + (pick >> 8 & 63), pick >> 12 & ones),
            _ => random(seed) & (u64::MAX >> (63 - self.fraction - self.exponent)),
        }
    }

    /// Eight bytes of them.
    fn word(self, seed: &mut u64, other: u64) -> u64 {
        if self.fraction == 52 {
            return self.operand(seed, other);
        }
        let low = self.operand(seed, other & 0xffff_ffff);
        low | self.operand(seed, other >> 32) << 32
    }
}

/// Integers: limits of the types and of what floats hold exactly, and anything of any length.
fn integer(seed: &mut u64) -> u64 {
    let pick = random(seed);
    let offset = (pick >> 8 & 7).wrapping_sub(4);
    match pick & 3 {
        0 => (1u64 << (pick >> 16 & 63)).wrapping_add(offset),
        1 => (1u64 << (pick >> 16 & 63)).wrapping_add(offset).wrapping_neg(),
        2 => (pick as i64 >> (pick >> 58)) as u64,
        _ => pick >> (pick >> 58),
    }
}

/// The ops, as text: mnemonic, operands, attributes, result.
fn ops(guest: Guest) -> Vec<(Format, String)> {
    let mut ops = Vec::new();
    let rules: &[&str] = match guest {
        Guest::X86_64 => &["second"],
        Guest::Aarch64 => &["propagate", "num2008"],
        Guest::Riscv64 => &["number"],
    };
    let invalid = match guest {
        Guest::X86_64 => "indefinite",
        Guest::Aarch64 => "nan_zero",
        Guest::Riscv64 => "nan_max",
    };
    let kinds = [
        (SINGLE, "f32", "f32:0", "", "f32:0", "i1:0"),
        (DOUBLE, "f64", "f64:0", "", "f64:0", "i1:0"),
        (SINGLE, "f32", "v128:0", "lane=f32x4 ", "v128:0", "v128:0"),
        (DOUBLE, "f64", "v128:0", "lane=f64x2 ", "v128:0", "v128:0"),
    ];
    for (format, name, operand, lane, result, truth) in kinds {
        let v = if lane.is_empty() { "" } else { "v" };
        let mut add = |text: String| ops.push((format, text));
        for round in ["current", "rtz"] {
            for op in ["fadd", "fsub", "fmul", "fdiv"] {
                add(format!("{v}{op} {operand} {operand} {lane}round={round} => {result}"));
            }
            add(format!("{v}fsqrt {operand} {lane}round={round} => {result}"));
            add(format!("{v}fma {operand} {operand} {operand} {lane}round={round} => {result}"));
        }
        for rule in rules {
            add(format!("{v}fmin {operand} {operand} {lane}rule={rule} => {result}"));
            add(format!("{v}fmax {operand} {operand} {lane}rule={rule} => {result}"));
        }
        for cond in ["eq", "ne", "lt", "le", "gt", "ge", "un"] {
            for quiet in ["quiet", "signaling"] {
                add(format!("{v}fcmp {operand} {operand} {lane}cond={cond} quiet={quiet} => {truth}"));
            }
        }
        for round in ["current", "rne", "rtz", "rdn", "rup", "rna"] {
            for exact in ["false", "true"] {
                add(format!("{v}fround {operand} {lane}round={round} exact={exact} => {result}"));
            }
            for sign in ["signed", "unsigned"] {
                let tail = format!("sign={sign} round={round} invalid={invalid} fraction=0");
                if lane.is_empty() {
                    for ty in ["i32", "i64"] {
                        add(format!("float_to_int {operand} ty={ty} {tail} => {ty}:0"));
                    }
                } else {
                    add(format!("vfloat_to_int {operand} {lane}{tail} => v128:0"));
                }
            }
        }
        for sign in ["signed", "unsigned"] {
            let tail = format!("sign={sign} round=current fraction=0 => {result}");
            if lane.is_empty() {
                for from in ["i32", "i64"] {
                    add(format!("int_to_float {from}:0 ty={name} {tail}"));
                }
            } else {
                add(format!("vint_to_float {operand} {lane}{tail}"));
            }
        }
    }
    for round in ["current", "rtz", "odd"] {
        ops.push((DOUBLE, format!("fconvert f64:0 ty=f32 round={round} => f32:0")));
        ops.push((DOUBLE, format!("vfnarrow v128:0 lane=f64x2 round={round} => v128:0")));
    }
    ops.push((SINGLE, "fconvert f32:0 ty=f64 round=current => f64:0".into()));
    ops.push((SINGLE, "vfwiden v128:0 lane=f32x4 => v128:0".into()));
    ops
}

/// A compiled op against the interpreter's, `rounds` times; what differs, if anything.
fn compare(
    compiler: &Compiler,
    bench: &mut crate::run::enter::Bench,
    (case, format, text): (&Case, Format, &str),
    (env, sticky): (u32, u32),
    rounds: usize,
    seed: &mut u64,
) -> Option<String> {
    let guest = case.block.guest;
    let file = guest.register_file();
    let mut interpreter = Interpreter::new();
    let region = Region::single(case.block.clone());
    let unit = compiler.compile(&region, &key(guest, env, sticky), &Default::default()).unwrap();
    let installed = bench.runtime.arena().install(&unit).unwrap();
    let integers = text.starts_with("int_to") || text.starts_with("vint_to");
    let mut expected = Box::new(VcpuState::new());
    let mut difference = None;
    for _ in 0..rounds {
        expected.slots.0.fill(0);
        expected.slots.set(file, Slot::FP_FLAGS, sticky.into());
        expected.slots.set(file, Slot::FP_ENV, env.into());
        let mut others = [0; 2];
        let mut inputs = Vec::with_capacity(6);
        for (position, &(slot, _)) in case.inputs.iter().enumerate() {
            let other = &mut others[position % 2];
            *other = if integers { integer(seed) } else { format.word(seed, *other) };
            inputs.push(*other);
            expected.slots.set(file, slot, (*other).into());
        }
        bench.state.slots.0 = expected.slots.0;
        bench.state.interrupt.store(0, std::sync::atomic::Ordering::Relaxed);
        interpreter.run(&case.block, &mut StateWorld { state: &mut expected, file }, u64::MAX);
        bench.run(&installed);
        if expected.slots.0 != bench.state.slots.0 {
            let show = |state: &VcpuState| {
                let slot = |slot| state.slots.get(file, slot);
                format!("{:#x} {:#x} flags {:#x}", slot(RESULT), slot(RESULT_HIGH), slot(Slot::FP_FLAGS))
            };
            difference = Some(format!(
                "{guest} env {env:#x} sticky {sticky:#x}: {text} on {inputs:x?}: compiled {} interpreted {}",
                show(&bench.state),
                show(&expected)
            ));
            break;
        }
    }
    bench.runtime.arena().free(installed.id);
    difference
}

#[test]
fn float_ops_are_exact_in_every_environment() {
    let compiler = compiler();
    let mut bench = bench(&compiler);
    let mut seed = 7;
    let mut failures = Vec::new();
    for guest in Guest::ALL {
        let envs: &[u32] = match guest {
            Guest::Riscv64 => &[0, 1, 2, 3, 4],
            // Flushing; default NaNs; unmasked exceptions never reach these ops.
            Guest::Aarch64 => &[0, 1, 2, 3, 0x18, 0x20],
            Guest::X86_64 => &[0, 1, 2, 3, 8, 0x10],
        };
        for (format, text) in ops(guest) {
            // Cases keep their text for messages.
            let text: &'static str = text.leak();
            let case = cases::case(guest, 0, text).unwrap_or_else(|what| panic!("{text}: {what}"));
            for &env in envs {
                if env != 0 && env & 0x38 == 0 && !text.contains("current") {
                    continue;
                }
                let mut promises = vec![0, flags::INEXACT, UnitKey::sticky_mask(guest)];
                promises.dedup();
                for sticky in promises {
                    let rounds = if env == 0 { 1500 } else { 150 };
                    failures.extend(compare(
                        &compiler,
                        &mut bench,
                        (&case, format, text),
                        (env, sticky),
                        rounds,
                        &mut seed,
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}
