//! The floating-point semantics under RISC-V and Arm rules against qemu: every scalar instruction, on special values
//! and on random ones, in every rounding mode, with flushing and default NaNs on and off; results and flags.
//!
//! The instructions run in small static programs (`float/riscv64.c`, `float/aarch64.c`) that are built here with the
//! cross compilers. They list the operations that they know, and every one of them must have a model below.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use translator::float::*;

#[path = "../src/float/tests/operands.rs"]
mod operands;

use operands::{Random, special};

/// Requests a batch; `BATCH` of `float/protocol.h`.
const BATCH: usize = 4096;
/// Random cases an operation, besides the special values.
const RANDOM: usize = 6000;

/// An operation of a guest: its operands, and what it gives with a control register.
struct Model {
    operands: Operands,
    run: Box<Run>,
}

/// Control register and operands to the result; flags are or-ed in.
type Run = dyn Fn(u32, [u64; 3], &mut u32) -> u64;

#[derive(Clone, Copy)]
enum Operands {
    /// This many values of a format.
    Float(Format, u32),
    Integer,
}

struct Guest {
    name: &'static str,
    compile: &'static [&'static str],
    emulate: &'static [&'static str],
    /// Every value of the control register that is worth a case.
    controls: Vec<u32>,
    /// The guest's flags in our layout.
    flags: fn(u64) -> u32,
    model: fn(&str) -> Option<Model>,
}

fn float(
    format: Format,
    count: u32,
    run: impl Fn(u32, [u64; 3], &mut u32) -> u64 + 'static,
) -> Option<Model> {
    Some(Model { operands: Operands::Float(format, count), run: Box::new(run) })
}

fn integer(run: impl Fn(u32, u64, &mut u32) -> u64 + 'static) -> Option<Model> {
    Some(Model { operands: Operands::Integer, run: Box::new(move |control, [a, ..], r| run(control, a, r)) })
}

fn format_of(letter: &str) -> Option<Format> {
    match letter {
        "h" => Some(Format::F16),
        "s" => Some(Format::F32),
        "d" => Some(Format::F64),
        _ => None,
    }
}

type Binary = fn(Format, &Env, u64, u64, &mut u32) -> u64;
type Unary = fn(Format, &Env, u64, &mut u32) -> u64;

// RISC-V.

fn riscv_env(fcsr: u32) -> Env {
    Env::riscv(Rounding::from_number((fcsr >> 5) as u8).expect("a rounding mode"))
}

/// The value of `x` as `fmv.x.w` and `fmv.x.h` leave it in an integer register.
fn sign_extended(x: u64, bits: u32) -> u64 {
    ((x << (64 - bits)) as i64 >> (64 - bits)) as u64
}

fn riscv_integer(name: &str) -> Option<(bool, u32)> {
    match name {
        "w" => Some((true, 32)),
        "wu" => Some((false, 32)),
        "l" => Some((true, 64)),
        "lu" => Some((false, 64)),
        _ => None,
    }
}

fn riscv_model(name: &str) -> Option<Model> {
    if let Some(conversion) = name.strip_prefix("fcvt_") {
        let (to, from) = conversion.split_once('_')?;
        return match (format_of(to), format_of(from)) {
            (Some(to), Some(from)) => float(from, 1, move |control, [a, ..], r| {
                sign_extended(convert(from, to, &riscv_env(control), a, r), to.bits())
            }),
            (None, Some(from)) => {
                let (signed, width) = riscv_integer(to)?;
                float(from, 1, move |control, [a, ..], r| {
                    let value = to_int(from, &riscv_env(control), a, signed, width, IntInvalid::RiscV, r);
                    sign_extended(value, width)
                })
            }
            (Some(to), None) => {
                let (signed, width) = riscv_integer(from)?;
                integer(move |control, a, r| {
                    sign_extended(from_int(to, &riscv_env(control), a, signed, width, r), to.bits())
                })
            }
            (None, None) => None,
        };
    }
    let (operation, letter) = name.split_once('_')?;
    let f = format_of(letter)?;
    let binary = |operation: Binary| {
        float(f, 2, move |control, [a, b, _], r| {
            sign_extended(operation(f, &riscv_env(control), a, b, r), f.bits())
        })
    };
    let predicate = |predicate: Compare, signaling| {
        float(f, 2, move |control, [a, b, _], r| {
            u64::from(predicate.holds(compare(f, &riscv_env(control), a, b, signaling, r)))
        })
    };
    match operation {
        "fadd" => binary(add),
        "fsub" => binary(sub),
        "fmul" => binary(mul),
        "fdiv" => binary(div),
        "fmin" => binary(|f, e, a, b, r| min_max(MinMax::MinNumber, f, e, a, b, r)),
        "fmax" => binary(|f, e, a, b, r| min_max(MinMax::MaxNumber, f, e, a, b, r)),
        "fsqrt" => float(f, 1, move |control, [a, ..], r| {
            sign_extended(sqrt(f, &riscv_env(control), a, r), f.bits())
        }),
        "fmadd" => float(f, 3, move |control, [a, b, c], r| {
            sign_extended(fma(f, &riscv_env(control), a, b, c, r), f.bits())
        }),
        "feq" => predicate(Compare::Equal, false),
        "flt" => predicate(Compare::Less, true),
        "fle" => predicate(Compare::LessEqual, true),
        "fclass" => float(f, 1, move |_, [a, ..], _| class(f, a).riscv_mask()),
        _ => None,
    }
}

// AArch64.

const FZ16: u32 = 1 << 19;
const FZ: u32 = 1 << 24;
const DN: u32 = 1 << 25;

fn arm_env(fpcr: u32) -> Env {
    let modes = [Rounding::NearestEven, Rounding::Up, Rounding::Down, Rounding::TowardZero];
    let env = Env::arm(modes[(fpcr >> 22 & 3) as usize], fpcr & FZ != 0, fpcr & DN != 0);
    Env { flush_half: fpcr & FZ16 != 0, ..env }
}

fn arm_rounded(fpcr: u32, rounding: Rounding) -> Env {
    Env { rounding, ..arm_env(fpcr) }
}

/// The rounding mode in the name of `FCVT*` and `FRINT*`.
fn arm_rounding(letter: u8) -> Option<Rounding> {
    match letter {
        b'n' => Some(Rounding::NearestEven),
        b'a' => Some(Rounding::NearestAway),
        b'm' => Some(Rounding::Down),
        b'p' => Some(Rounding::Up),
        b'z' => Some(Rounding::TowardZero),
        _ => None,
    }
}

fn arm_nzcv(relation: Relation) -> u64 {
    match relation {
        Relation::Less => 0x8000_0000,
        Relation::Equal => 0x6000_0000,
        Relation::Greater => 0x2000_0000,
        Relation::Unordered => 0x3000_0000,
    }
}

/// `fcvtzs_xd_7`, `scvtf_dx_7` and the like.
fn arm_integer_conversion(operation: &str, rest: &str) -> Option<Model> {
    let (registers, fraction_bits) = match rest.split_once('_') {
        Some((registers, bits)) => (registers, bits.parse().ok()?),
        None => (rest, 0),
    };
    let width = |letter| match letter {
        "w" => Some(32),
        "x" => Some(64),
        _ => None,
    };
    let (first, second) = registers.split_at_checked(1)?;
    if let Some(sign) = operation.strip_suffix("cvtf") {
        let (f, width, signed) = (format_of(first)?, width(second)?, sign == "s");
        return integer(move |control, a, r| {
            from_fixed(f, &arm_env(control), a, fraction_bits, signed, width, r)
        });
    }
    let &[mode, sign] = operation.strip_prefix("fcvt")?.as_bytes() else { return None };
    let (rounding, signed) = (arm_rounding(mode)?, sign == b's');
    let (width, f) = (width(first)?, format_of(second)?);
    float(f, 1, move |control, [a, ..], r| {
        let env = arm_rounded(control, rounding);
        to_fixed(f, &env, a, fraction_bits, signed, width, IntInvalid::Arm, r)
    })
}

fn arm_model(name: &str) -> Option<Model> {
    match name {
        "fcvtxn" => {
            return float(Format::F64, 1, |control, [a, ..], r| {
                let env = arm_rounded(control, Rounding::Odd);
                convert(Format::F64, Format::F32, &env, a, r)
            });
        }
        "bfcvt" => {
            return float(Format::F32, 1, move |control, [a, ..], r| {
                convert(Format::F32, Format::BF16, &arm_env(control), a, r)
            });
        }
        "urecpe" => return integer(|_, a, _| u64::from(unsigned_reciprocal_estimate(a as u32))),
        "ursqrte" => return integer(|_, a, _| u64::from(unsigned_reciprocal_sqrt_estimate(a as u32))),
        "fjcvtzs" => {
            return float(Format::F64, 1, |control, [a, ..], r| {
                let (value, exact) = to_int_javascript(&arm_env(control), a, r);
                u64::from(value) | u64::from(exact) << 32
            });
        }
        _ => {}
    }
    let (operation, rest) = name.split_once('_')?;
    if operation == "fcvt" {
        let (to, from) = rest.split_at_checked(1)?;
        let (to, from) = (format_of(to)?, format_of(from)?);
        return float(from, 1, move |control, [a, ..], r| convert(from, to, &arm_env(control), a, r));
    }
    let Some(f) = format_of(rest) else { return arm_integer_conversion(operation, rest) };
    let binary = |operation: Binary| {
        float(f, 2, move |control, [a, b, _], r| operation(f, &arm_env(control), a, b, r))
    };
    let unary =
        |operation: Unary| float(f, 1, move |control, [a, ..], r| operation(f, &arm_env(control), a, r));
    let relation = |signaling| {
        float(f, 2, move |control, [a, b, _], r| arm_nzcv(compare(f, &arm_env(control), a, b, signaling, r)))
    };
    match operation {
        "fadd" => binary(add),
        "fsub" => binary(sub),
        "fmul" => binary(mul),
        "fdiv" => binary(div),
        "fsqrt" => unary(sqrt),
        "fmadd" => float(f, 3, move |control, [a, b, c], r| fma(f, &arm_env(control), a, b, c, r)),
        "fmin" => binary(|f, e, a, b, r| min_max(MinMax::Min, f, e, a, b, r)),
        "fmax" => binary(|f, e, a, b, r| min_max(MinMax::Max, f, e, a, b, r)),
        "fminnm" => binary(|f, e, a, b, r| min_max(MinMax::MinNum, f, e, a, b, r)),
        "fmaxnm" => binary(|f, e, a, b, r| min_max(MinMax::MaxNum, f, e, a, b, r)),
        "fmulx" => binary(mul_extended),
        "frecps" => binary(reciprocal_step),
        "frsqrts" => binary(reciprocal_sqrt_step),
        "frecpe" => unary(reciprocal_estimate),
        "frsqrte" => unary(reciprocal_sqrt_estimate),
        "frecpx" => unary(reciprocal_exponent),
        "fcmp" => relation(false),
        "fcmpe" => relation(true),
        "frinti" => unary(|f, e, a, r| round_to_integral(f, e, a, false, r)),
        "frintx" => unary(|f, e, a, r| round_to_integral(f, e, a, true, r)),
        _ => {
            let rounding = arm_rounding(*operation.strip_prefix("frint")?.as_bytes().first()?)?;
            float(f, 1, move |control, [a, ..], r| {
                round_to_integral(f, &arm_rounded(control, rounding), a, false, r)
            })
        }
    }
}

/// FPSR's cumulative flags in our layout.
fn arm_flags(fpsr: u64) -> u32 {
    let order = [
        (0, flags::INVALID),
        (1, flags::DIV_BY_ZERO),
        (2, flags::OVERFLOW),
        (3, flags::UNDERFLOW),
        (4, flags::INEXACT),
        (7, flags::DENORMAL),
    ];
    order.iter().filter(|(bit, _)| fpsr >> bit & 1 != 0).map(|(_, flag)| flag).sum()
}

/// Where qemu 7.2 differs from the manual: `FJCVTZS` of a positive denormal that `FZ` flushes sets `Z`, although
/// `FPToFixedJS()` clears it for a zero value with a nonzero fraction. Newer versions follow the manual.
fn emulator_is_wrong(name: &str, control: u32, operand: u64) -> bool {
    name == "fjcvtzs" && control & FZ != 0 && class(Format::F64, operand) == Class::PositiveSubnormal
}

// The comparison.

/// Build the guest's helper and give its path.
fn build(guest: &Guest) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/float").join(format!("{}.c", guest.name));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("float-reference-{}", guest.name));
    let status = Command::new(guest.compile[0])
        .args(&guest.compile[1..])
        .args(["-O1", "-Wall", "-Werror", "-static", "-o"])
        .args([&program, &source])
        .status()
        .unwrap_or_else(|error| panic!("{}: {error}; scripts/setup installs it", guest.compile[0]));
    assert!(status.success(), "{} does not build", source.display());
    program
}

fn emulator(guest: &Guest, program: &Path) -> Command {
    let mut command = Command::new(guest.emulate[0]);
    command.args(&guest.emulate[1..]).arg(program);
    command
}

fn cases(guest: &Guest, operands: Operands, random: &mut Random) -> Vec<(u32, [u64; 3])> {
    let controls = &guest.controls;
    let any = |random: &mut Random| controls[random.below(controls.len() as u64) as usize];
    let mut cases = Vec::new();
    let (format, count) = match operands {
        Operands::Float(format, count) => (format, count),
        // The special doubles are good integers too: few bits set, or long runs of ones.
        Operands::Integer => (Format::F64, 1),
    };
    let special = special(format);
    for &a in &special {
        if count == 1 {
            cases.extend(controls.iter().map(|&control| (control, [a, 0, 0])));
            continue;
        }
        for &b in &special {
            let c = special[random.below(special.len() as u64) as usize];
            cases.push((any(random), [a, b, c]));
        }
    }
    for _ in 0..RANDOM {
        let values = match operands {
            Operands::Float(format, _) => random.values(format),
            Operands::Integer => [(random.next() as i64 >> random.below(64)) as u64, 0, 0],
        };
        cases.push((any(random), values));
    }
    cases
}

fn compare_with_emulator(guest: &Guest) {
    let program = build(guest);
    let list = emulator(guest, &program).arg("list").output().unwrap_or_else(|error| {
        panic!("{}: {error}; scripts/setup installs it", guest.emulate[0]);
    });
    assert!(list.status.success(), "{}: {}", guest.name, String::from_utf8_lossy(&list.stderr));
    let names = String::from_utf8(list.stdout).expect("names are ASCII");
    assert!(names.lines().count() > 50, "the list of operations is cut off");

    let mut child = emulator(guest, &program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the emulator ran a moment ago");
    let mut input = child.stdin.take().expect("stdin is a pipe");
    let mut output = child.stdout.take().expect("stdout is a pipe");
    let mut random = Random::new(0xf10a7);
    let mut total = 0;
    let mut failures = Vec::new();
    for (number, name) in names.lines().enumerate() {
        let model = (guest.model)(name).unwrap_or_else(|| panic!("{}: no model of {name}", guest.name));
        let cases = cases(guest, model.operands, &mut random);
        total += cases.len();
        'operation: for batch in cases.chunks(BATCH) {
            let mut requests = Vec::with_capacity(BATCH * 32);
            for &(control, operands) in batch.iter().chain(std::iter::repeat(&(0, [0; 3]))).take(BATCH) {
                requests.extend((number as u32).to_le_bytes());
                requests.extend(control.to_le_bytes());
                requests.extend(operands.iter().flat_map(|operand| operand.to_le_bytes()));
            }
            input.write_all(&requests).expect("the helper reads");
            input.flush().expect("the helper reads");
            let mut replies = vec![0; BATCH * 16];
            output.read_exact(&mut replies).expect("the helper answers");
            for (&(control, operands), reply) in batch.iter().zip(replies.chunks_exact(16)) {
                let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| reply[at + i]));
                let (expected, expected_flags) = (word(0), (guest.flags)(word(8)));
                let mut raised = 0;
                let got = (model.run)(control, operands, &mut raised);
                if (got, raised) != (expected, expected_flags)
                    && !emulator_is_wrong(name, control, operands[0])
                {
                    failures.push(format!(
                        "{} {name} {operands:x?} control {control:#x}: result {got:#x}, flags {raised:06b}; \
                         emulator {expected:#x}, flags {expected_flags:06b}",
                        guest.name
                    ));
                    break 'operation;
                }
            }
        }
    }
    drop(input);
    assert!(child.wait().expect("the helper ends").success());
    assert!(failures.is_empty(), "{} operations differ:\n{}", failures.len(), failures.join("\n"));
    println!("{}: {} operations, {total} cases", guest.name, names.lines().count());
}

#[test]
fn riscv_rules_equal_the_emulator() {
    compare_with_emulator(&Guest {
        name: "riscv64",
        compile: &["riscv64-linux-gnu-gcc", "-march=rv64gc_zfh"],
        emulate: &["qemu-riscv64", "-cpu", "rv64,Zfh=true"],
        controls: (0..5).map(|mode| mode << 5).collect(),
        flags: |fflags| fflags as u32 & 31,
        model: riscv_model,
    });
}

#[test]
fn arm_rules_equal_the_emulator() {
    let bits = [0, FZ, DN, FZ16, FZ | DN, FZ | FZ16, FZ | DN | FZ16];
    compare_with_emulator(&Guest {
        name: "aarch64",
        compile: &["aarch64-linux-gnu-gcc", "-march=armv8.6-a+fp16"],
        emulate: &["qemu-aarch64", "-cpu", "max"],
        controls: bits.iter().flat_map(|&bits| (0..4).map(move |mode| bits | mode << 22)).collect(),
        flags: arm_flags,
        model: arm_model,
    });
}
