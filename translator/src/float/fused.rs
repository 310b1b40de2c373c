//! Fused multiply-add, and Arm's operations built on one rounding.

use super::arithmetic::{add_exact, exact, mul_exact, mul_numbers, zero_sum_sign};
use super::layout::{Kind, Layout, Operand, operand, raise_denormal, unpack};
use super::nan::{invalid, propagate};
use super::round::{Exact, round_and_pack};
use super::{Env, Format, NanRule};

/// `a * b + c` with one rounding.
///
/// Under x86's rule the first NaN of `a`, `b`, `c` wins, in the order of the manual's formula: `VFMADD213SD xmm0, xmm1,
/// xmm2` is `fma(xmm1, xmm0, xmm2)`. Under Arm's rule the addend comes first.
pub fn fma(f: Format, env: &Env, a: u64, b: u64, c: u64, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let (x, y, z) = (operand(l, env, a, flags), operand(l, env, b, flags), operand(l, env, c, flags));
    let invalid_product = (x.is_infinity() && y.is_zero()) || (x.is_zero() && y.is_infinity());
    if x.is_nan() || y.is_nan() || z.is_nan() {
        return fma_nan(l, env, x, y, z, invalid_product, flags);
    }
    let sign = x.sign != y.sign;
    let infinite_product = x.is_infinity() || y.is_infinity();
    if invalid_product || (infinite_product && z.is_infinity() && z.sign != sign) {
        return invalid(l, env, flags);
    }
    raise_denormal(env, x.denormal || y.denormal || z.denormal, flags);
    if infinite_product {
        return l.infinity(sign);
    }
    if z.is_infinity() {
        return z.bits;
    }
    let sum = match (x.is_zero() || y.is_zero(), z.is_zero()) {
        (false, false) => add_exact(mul_exact(&x, &y), exact(&z)),
        (false, true) => Some(mul_exact(&x, &y)),
        (true, false) => Some(exact(&z)),
        (true, true) => return l.zero(if sign == z.sign { sign } else { zero_sum_sign(env) }),
    };
    match sum {
        Some(sum) => round_and_pack(l, env, sum, flags),
        None => l.zero(zero_sum_sign(env)),
    }
}

#[cold]
fn fma_nan(
    l: &Layout,
    env: &Env,
    x: Operand,
    y: Operand,
    z: Operand,
    invalid_product: bool,
    raised: &mut u32,
) -> u64 {
    // The product of an infinity and a zero is invalid on Arm and RISC-V also where the addend is a quiet NaN;
    // x86 takes the NaN.
    if invalid_product && env.nan != NanRule::X86 && z.kind == Kind::QuietNan {
        return invalid(l, env, raised);
    }
    match env.nan {
        NanRule::X86 => propagate(l, env, &[x, y, z], raised),
        NanRule::RiscV | NanRule::Arm | NanRule::ArmDefault => propagate(l, env, &[z, x, y], raised),
    }
}

/// Arm `FMULX`: `a * b`, where an infinity times a zero is two with the product's sign.
pub fn mul_extended(f: Format, env: &Env, a: u64, b: u64, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let (x, y) = (operand(l, env, a, flags), operand(l, env, b, flags));
    if x.is_nan() || y.is_nan() {
        return propagate(l, env, &[x, y], flags);
    }
    if (x.is_infinity() && y.is_zero()) || (x.is_zero() && y.is_infinity()) {
        return l.power_of_two(x.sign != y.sign, 1);
    }
    mul_numbers(l, env, &x, &y, flags)
}

/// Arm `FRECPS`: `2 - a * b` with one rounding; two where the product is an infinity times a zero.
pub fn reciprocal_step(f: Format, env: &Env, a: u64, b: u64, flags: &mut u32) -> u64 {
    step(f, env, a, b, 0, flags)
}

/// Arm `FRSQRTS`: `(3 - a * b) / 2` with one rounding; one and a half where the product is an infinity times a zero.
pub fn reciprocal_sqrt_step(f: Format, env: &Env, a: u64, b: u64, flags: &mut u32) -> u64 {
    step(f, env, a, b, 1, flags)
}

/// `(2 + halvings - a * b) / 2^halvings`.
fn step(f: Format, env: &Env, a: u64, b: u64, halvings: i32, raised: &mut u32) -> u64 {
    let l = Layout::of(f);
    // The pseudo-code negates the first operand before it looks for NaNs, so a NaN there changes its sign.
    let (x, y) = (operand(l, env, a ^ l.sign_mask(), raised), operand(l, env, b, raised));
    if x.is_nan() || y.is_nan() {
        return propagate(l, env, &[x, y], raised);
    }
    let half = 1 << (l.fraction_bits - 1);
    let constant = l.power_of_two(false, 1) | if halvings == 1 { half } else { 0 };
    let product = if x.is_infinity() || y.is_infinity() {
        if !x.is_zero() && !y.is_zero() {
            return l.infinity(x.sign != y.sign);
        }
        None
    } else if x.is_zero() || y.is_zero() {
        None
    } else {
        Some(mul_exact(&x, &y))
    };
    let constant = exact(&unpack(l, constant));
    let sum = match product {
        Some(product) => add_exact(constant, product),
        None => Some(constant),
    };
    match sum {
        Some(sum) => round_and_pack(l, env, Exact { exponent: sum.exponent - halvings, ..sum }, raised),
        None => l.zero(zero_sum_sign(env)),
    }
}
