//! Every operation under x86 rules against the processor's SSE unit: result bits and all six flags, in every
//! rounding mode, with and without FTZ and DAZ.
#![expect(unsafe_code, reason = "the instruction under test is inline assembly")]

use std::arch::asm;

use super::operands::{Random, special};
use super::*;

/// The instruction on `[a, b, c]` under this MXCSR; gives the result and MXCSR's flags.
type Native = fn(u32, [u64; 3]) -> (u64, u32);
/// The same by this module's parent.
type Model = fn(&Env, [u64; 3], &mut u32) -> u64;

/// A function that runs `instructions` on xmm0, xmm1, xmm2 and `rax`, result in xmm0.
macro_rules! native {
    ($($instruction:expr),+) => {
        |mxcsr, [a, b, c]| {
            let mut state = [mxcsr, 0u32];
            let mut result = a;
            // SAFETY: reads and writes only the eight bytes of `state` and the declared registers. The host's
            // MXCSR is saved first and restored last, so that compiled code never sees the changed one.
            unsafe {
                asm!(
                    "stmxcsr [{state} + 4]",
                    "ldmxcsr [{state}]",
                    "movq xmm0, rax",
                    "movq xmm1, {b}",
                    "movq xmm2, {c}",
                    $($instruction,)+
                    "movq rax, xmm0",
                    "stmxcsr [{state}]",
                    "ldmxcsr [{state} + 4]",
                    state = in(reg) state.as_mut_ptr(),
                    b = in(reg) b,
                    c = in(reg) c,
                    inout("rax") result,
                    out("xmm0") _,
                    out("xmm1") _,
                    out("xmm2") _,
                    options(nostack),
                );
            }
            (result, state[0] & 63)
        }
    };
}

/// Like [`native`], with the result in `rax`.
macro_rules! native_integer {
    ($($instruction:expr),+) => { native!($($instruction,)+ "movq xmm0, rax") };
}

const MODES: [(Rounding, u32); 4] =
    [(Rounding::NearestEven, 0), (Rounding::Down, 1), (Rounding::Up, 2), (Rounding::TowardZero, 3)];

/// Every environment an MXCSR can ask for, all exceptions masked.
fn environments() -> Vec<(Env, u32)> {
    let mut all = Vec::new();
    for (rounding, number) in MODES {
        for (ftz, daz) in [(false, false), (true, false), (false, true), (true, true)] {
            let mxcsr = 0x1f80 | number << 13 | u32::from(ftz) << 15 | u32::from(daz) << 6;
            all.push((Env::x86(rounding, ftz, daz), mxcsr));
        }
    }
    all
}

/// MXCSR's flags in our layout.
fn flags_of(mxcsr: u32) -> u32 {
    let order = [
        flags::INVALID,
        flags::DENORMAL,
        flags::DIV_BY_ZERO,
        flags::OVERFLOW,
        flags::UNDERFLOW,
        flags::INEXACT,
    ];
    (0..6).filter(|bit| mxcsr >> bit & 1 != 0).map(|bit| order[bit]).sum()
}

struct Check {
    name: &'static str,
    format: Format,
    native: Native,
    model: Model,
    operands: u32,
    /// Bits of the native result that count.
    mask: u64,
}

impl Check {
    fn case(&self, env: &Env, mxcsr: u32, operands: [u64; 3]) {
        let (expected, native_flags) = (self.native)(mxcsr, operands);
        let mut raised = 0;
        let got = (self.model)(env, operands, &mut raised);
        assert!(
            got == expected & self.mask && raised == flags_of(native_flags),
            "{} {operands:x?} {env:?}\n  result {got:#x}, flags {raised:06b}\n  native {:#x}, flags {:06b}",
            self.name,
            expected & self.mask,
            flags_of(native_flags),
        );
    }

    /// All special values in all environments, then random cases.
    fn run(&self, cases: u64) {
        let special = special(self.format);
        let none = [0];
        let second: &[u64] = if self.operands >= 2 { &special } else { &none };
        // Of all third operands every eighth, so that triples stay affordable.
        let sparse: Vec<u64> = special.iter().copied().step_by(7).collect();
        let (second, third): (&[u64], &[u64]) =
            if self.operands >= 3 { (&special, &sparse) } else { (second, &none) };
        let environments = environments();
        for (env, mxcsr) in &environments {
            for &a in &special {
                for &b in second {
                    for &c in third {
                        self.case(env, *mxcsr, [a, b, c]);
                    }
                }
            }
        }
        self.random(cases);
    }

    fn random(&self, cases: u64) {
        let environments = environments();
        let mut generator = Random::new(0x5eed);
        for _ in 0..cases {
            let (env, mxcsr) = environments[generator.below(16) as usize];
            self.case(&env, mxcsr, generator.values(self.format));
        }
    }
}

const CASES: u64 = 1_000_000;

fn check(name: &'static str, format: Format, operands: u32, native: Native, model: Model) {
    let mask = if format == F64 { u64::MAX } else { u64::from(u32::MAX) };
    Check { name, format, native, model, operands, mask }.run(CASES);
}

/// A check whose result has another width than its operands.
fn check_result(name: &'static str, format: Format, mask: u64, native: Native, model: Model) {
    Check { name, format, native, model, operands: 1, mask }.run(CASES / 2);
}

use Format::{F16, F32, F64};

#[test]
fn add_equals_sse() {
    check("addsd", F64, 2, native!("addsd xmm0, xmm1"), |e, [a, b, _], f| add(F64, e, a, b, f));
    check("addss", F32, 2, native!("addss xmm0, xmm1"), |e, [a, b, _], f| add(F32, e, a, b, f));
}

#[test]
fn sub_equals_sse() {
    check("subsd", F64, 2, native!("subsd xmm0, xmm1"), |e, [a, b, _], f| sub(F64, e, a, b, f));
    check("subss", F32, 2, native!("subss xmm0, xmm1"), |e, [a, b, _], f| sub(F32, e, a, b, f));
}

#[test]
fn mul_equals_sse() {
    check("mulsd", F64, 2, native!("mulsd xmm0, xmm1"), |e, [a, b, _], f| mul(F64, e, a, b, f));
    check("mulss", F32, 2, native!("mulss xmm0, xmm1"), |e, [a, b, _], f| mul(F32, e, a, b, f));
}

#[test]
fn div_equals_sse() {
    check("divsd", F64, 2, native!("divsd xmm0, xmm1"), |e, [a, b, _], f| div(F64, e, a, b, f));
    check("divss", F32, 2, native!("divss xmm0, xmm1"), |e, [a, b, _], f| div(F32, e, a, b, f));
}

#[test]
fn sqrt_equals_sse() {
    check("sqrtsd", F64, 1, native!("sqrtsd xmm0, xmm0"), |e, [a, ..], f| sqrt(F64, e, a, f));
    check("sqrtss", F32, 1, native!("sqrtss xmm0, xmm0"), |e, [a, ..], f| sqrt(F32, e, a, f));
}

#[test]
fn fma_equals_fma3() {
    require("fma", is_x86_feature_detected!("fma"));
    check("vfmadd213sd", F64, 3, native!("vfmadd213sd xmm0, xmm1, xmm2"), |e, [a, b, c], f| {
        // The order of the factors is the manual's, xmm1 * xmm0 + xmm2: the NaN rule goes by it.
        fma(F64, e, b, a, c, f)
    });
    // The other two operand orders compute the same: NaNs are what matters.
    let nans = |name, native, model| {
        Check { name, format: F64, native, model, operands: 3, mask: u64::MAX }.random(CASES / 4);
    };
    nans("vfmadd132sd", native!("vfmadd132sd xmm0, xmm1, xmm2"), |e, [a, b, c], f| fma(F64, e, a, c, b, f));
    nans("vfmadd231sd", native!("vfmadd231sd xmm0, xmm1, xmm2"), |e, [a, b, c], f| fma(F64, e, b, c, a, f));
    check("vfmadd213ss", F32, 3, native!("vfmadd213ss xmm0, xmm1, xmm2"), |e, [a, b, c], f| {
        fma(F32, e, b, a, c, f)
    });
}

#[test]
fn min_and_max_equal_sse() {
    check("minsd", F64, 2, native!("minsd xmm0, xmm1"), |e, [a, b, _], f| {
        min_max(MinMax::MinSecond, F64, e, a, b, f)
    });
    check("maxsd", F64, 2, native!("maxsd xmm0, xmm1"), |e, [a, b, _], f| {
        min_max(MinMax::MaxSecond, F64, e, a, b, f)
    });
    check("minss", F32, 2, native!("minss xmm0, xmm1"), |e, [a, b, _], f| {
        min_max(MinMax::MinSecond, F32, e, a, b, f)
    });
    check("maxss", F32, 2, native!("maxss xmm0, xmm1"), |e, [a, b, _], f| {
        min_max(MinMax::MaxSecond, F32, e, a, b, f)
    });
}

/// ZF, PF and CF of `comis`, bits 6, 2 and 0 as `lahf` gives them.
fn eflags(relation: Relation) -> u64 {
    match relation {
        Relation::Less => 0x01,
        Relation::Equal => 0x40,
        Relation::Greater => 0x00,
        Relation::Unordered => 0x45,
    }
}

#[test]
fn compare_equals_sse() {
    macro_rules! check_compare {
        ($name:literal, $format:expr, $signaling:literal) => {
            check(
                $name,
                $format,
                2,
                native_integer!(concat!($name, " xmm0, xmm1"), "lahf", "movzx eax, ah", "and eax, 0x45"),
                |e, [a, b, _], f| eflags(compare($format, e, a, b, $signaling, f)),
            );
        };
    }
    check_compare!("ucomisd", F64, false);
    check_compare!("ucomiss", F32, false);
    check_compare!("comisd", F64, true);
    check_compare!("comiss", F32, true);
}

#[test]
fn predicates_equal_sse() {
    macro_rules! check_predicate {
        ($name:literal, $compare:ident, $signaling:literal) => {
            check($name, F64, 2, native!(concat!($name, " xmm0, xmm1")), |e, [a, b, _], f| {
                let holds = Compare::$compare.holds(compare(F64, e, a, b, $signaling, f));
                if holds { u64::MAX } else { 0 }
            });
        };
    }
    check_predicate!("cmpeqsd", Equal, false);
    check_predicate!("cmpltsd", Less, true);
    check_predicate!("cmplesd", LessEqual, true);
    check_predicate!("cmpunordsd", Unordered, false);
    check_predicate!("cmpneqsd", NotEqual, false);
    check_predicate!("cmpordsd", Ordered, false);
    require("avx", is_x86_feature_detected!("avx"));
    check_predicate!("vcmpgtsd xmm0,", Greater, true);
    check_predicate!("vcmpgesd xmm0,", GreaterEqual, true);
}

#[test]
fn format_conversions_equal_sse_and_f16c() {
    const LOW: u64 = 0xffff_ffff;
    require("f16c", is_x86_feature_detected!("f16c"));
    check_result("cvtsd2ss", F64, LOW, native!("cvtsd2ss xmm0, xmm0"), |e, [a, ..], f| {
        convert(F64, F32, e, a, f)
    });
    check_result("cvtss2sd", F32, u64::MAX, native!("cvtss2sd xmm0, xmm0"), |e, [a, ..], f| {
        convert(F32, F64, e, a, f)
    });
    // The other lanes are cleared first: they would raise flags of their own.
    check_result(
        "vcvtps2ph",
        F32,
        0xffff,
        native!("vinsertps xmm0, xmm0, xmm0, 0x0e", "vcvtps2ph xmm0, xmm0, 4"),
        |e, [a, ..], f| convert(F32, F16, e, a, f),
    );
    check_result(
        "vcvtph2ps",
        F16,
        LOW,
        native!("movzx eax, ax", "movq xmm0, rax", "vcvtph2ps xmm0, xmm0"),
        |e, [a, ..], f| convert(F16, F32, e, a, f),
    );
}

#[test]
fn integer_conversions_equal_sse() {
    const LOW: u64 = 0xffff_ffff;
    macro_rules! check_to {
        ($name:literal, $operands:literal, $format:expr, $width:literal, $truncate:literal) => {
            check_result(
                $name,
                $format,
                if $width == 32 { LOW } else { u64::MAX },
                native_integer!(concat!($name, " ", $operands)),
                |e, [a, ..], f| {
                    let rounding = if $truncate { Rounding::TowardZero } else { e.rounding };
                    to_int($format, &Env { rounding, ..*e }, a, true, $width, IntInvalid::X86, f)
                },
            );
        };
    }
    check_to!("cvtsd2si", "rax, xmm0", F64, 64, false);
    check_to!("cvtsd2si", "eax, xmm0", F64, 32, false);
    check_to!("cvttsd2si", "rax, xmm0", F64, 64, true);
    check_to!("cvttsd2si", "eax, xmm0", F64, 32, true);
    check_to!("cvtss2si", "rax, xmm0", F32, 64, false);
    check_to!("cvtss2si", "eax, xmm0", F32, 32, false);
    check_to!("cvttss2si", "rax, xmm0", F32, 64, true);
    check_to!("cvttss2si", "eax, xmm0", F32, 32, true);
    macro_rules! check_from {
        ($name:literal, $operands:literal, $format:expr, $width:literal) => {
            check_result(
                $name,
                F64,
                if $format == F32 { LOW } else { u64::MAX },
                native!(concat!($name, " ", $operands)),
                |e, [a, ..], f| from_int($format, e, a, true, $width, f),
            );
        };
    }
    check_from!("cvtsi2sd", "xmm0, rax", F64, 64);
    check_from!("cvtsi2sd", "xmm0, eax", F64, 32);
    check_from!("cvtsi2ss", "xmm0, rax", F32, 64);
    check_from!("cvtsi2ss", "xmm0, eax", F32, 32);
}

#[test]
fn integral_rounding_equals_sse() {
    require("sse4.1", is_x86_feature_detected!("sse4.1"));
    macro_rules! check_round {
        ($name:literal, $format:expr, $immediate:literal, $rounding:expr, $exact:literal) => {
            check(
                concat!($name, " ", $immediate),
                $format,
                1,
                native!(concat!($name, " xmm0, xmm0, ", $immediate)),
                |e, [a, ..], f| {
                    let rounding: Option<Rounding> = $rounding;
                    let env = Env { rounding: rounding.unwrap_or(e.rounding), ..*e };
                    round_to_integral($format, &env, a, $exact, f)
                },
            );
        };
    }
    check_round!("roundsd", F64, "4", None, true);
    check_round!("roundsd", F64, "12", None, false);
    check_round!("roundsd", F64, "0", Some(Rounding::NearestEven), true);
    check_round!("roundsd", F64, "1", Some(Rounding::Down), true);
    check_round!("roundsd", F64, "10", Some(Rounding::Up), false);
    check_round!("roundss", F32, "4", None, true);
    check_round!("roundss", F32, "11", Some(Rounding::TowardZero), false);
}

#[test]
fn x86_estimates_stay_within_the_manuals_bound() {
    // rcp(a) * a - 1 and rsqrt(a)^2 * a - 1, the latter twice as sensitive; both against 1.5 * 2^-12.
    let bound = 1.5 / 4096.0;
    let mut random = Random::new(3);
    for _ in 0..200_000 {
        let bits = random.value(F32);
        let value = f64::from(f32::from_bits(bits as u32));
        let normal = f32::from_bits(bits as u32).is_normal();
        let reciprocal = f64::from(f32::from_bits(x86_reciprocal_estimate(bits) as u32));
        if normal && value.abs() < 2f64.powi(126) {
            assert!((reciprocal * value - 1.0).abs() <= bound, "{bits:#x}");
        }
        let root = f64::from(f32::from_bits(x86_reciprocal_sqrt_estimate(bits) as u32));
        if normal && value > 0.0 {
            assert!((root * value.sqrt() - 1.0).abs() <= bound, "{bits:#x}");
        }
    }
    // Special operands are fixed by the manual: there the processor must agree.
    let rcp: Native = native!("rcpss xmm0, xmm0");
    let rsqrt: Native = native!("rsqrtss xmm0, xmm0");
    let fixed =
        [0, 0x8000_0000, 1, 0x8000_0001, 0x007f_ffff, 0x7f80_0000, 0xff80_0000, 0x7fc0_1234, 0x7f80_1234];
    for bits in fixed {
        assert_eq!(x86_reciprocal_estimate(bits), rcp(0x1f80, [bits, 0, 0]).0 & 0xffff_ffff, "{bits:#x}");
        assert_eq!(
            x86_reciprocal_sqrt_estimate(bits),
            rsqrt(0x1f80, [bits, 0, 0]).0 & 0xffff_ffff,
            "{bits:#x}"
        );
    }
}

/// A missing feature fails: a test that silently does nothing proves nothing.
fn require(feature: &str, present: bool) {
    assert!(present, "this processor lacks {feature}, the reference of this test");
}
