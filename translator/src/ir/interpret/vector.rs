//! Vector ops that are not floating point. A lane is a `u64` with zero bits above its width; `i128` holds every
//! intermediate value without overflow, so that each op reads like its definition.

use super::integer;
use crate::float;
use crate::ir::{Cond, Lane, LaneOp, NarrowMode, Sign};

/// Lane `index`.
pub fn lane(lane: Lane, v: u128, index: u32) -> u64 {
    (v >> (index * lane.bits())) as u64 & mask(lane)
}

/// The vector of these lanes; what is missing is zero.
pub fn collect(lane: Lane, lanes: impl Iterator<Item = u64>) -> u128 {
    (0..)
        .zip(lanes)
        .fold(0, |v, (index, x): (u32, u64)| v | u128::from(x & mask(lane)) << (index * lane.bits()))
}

pub fn lanes(of: Lane, v: u128) -> impl Iterator<Item = u64> {
    (0..of.count()).map(move |index| lane(of, v, index))
}

fn mask(lane: Lane) -> u64 {
    lane.ty().mask() as u64
}

/// A lane's value.
fn value(lane: Lane, sign: Sign, x: u64) -> i128 {
    match sign {
        Sign::Signed => integer::signed(lane.ty(), x.into()),
        Sign::Unsigned => x.into(),
    }
}

/// The nearest value of a lane of this sign.
fn saturate(lane: Lane, sign: Sign, x: i128) -> u64 {
    let ones = i128::from(mask(lane));
    let (min, max) = match sign {
        Sign::Signed => (-(ones / 2) - 1, ones / 2),
        Sign::Unsigned => (0, ones),
    };
    x.clamp(min, max) as u64 & mask(lane)
}

pub fn map(lane: Lane, v: u128, f: impl Fn(u64) -> u64) -> u128 {
    collect(lane, lanes(lane, v).map(f))
}

pub fn zip(lane: Lane, a: u128, b: u128, f: impl Fn(u64, u64) -> u64) -> u128 {
    collect(lane, lanes(lane, a).zip(lanes(lane, b)).map(|(x, y)| f(x, y)))
}

/// A function of both lanes' values; the low bits of its result.
pub fn zip_values(of: Lane, sign: Sign, a: u128, b: u128, f: impl Fn(i128, i128) -> i128) -> u128 {
    zip(of, a, b, |x, y| f(value(of, sign, x), value(of, sign, y)) as u64)
}

/// As [`zip_values`], with a saturated result.
pub fn zip_saturating(of: Lane, sign: Sign, a: u128, b: u128, f: impl Fn(i128, i128) -> i128) -> u128 {
    zip(of, a, b, |x, y| saturate(of, sign, f(value(of, sign, x), value(of, sign, y))))
}

// Moving lanes.

pub fn splat(of: Lane, x: u64) -> u128 {
    collect(of, (0..of.count()).map(|_| x))
}

pub fn insert(of: Lane, v: u128, index: u8, x: u64) -> u128 {
    collect(of, (0..).zip(lanes(of, v)).map(|(i, old): (u8, u64)| if i == index { x } else { old }))
}

pub fn shuffle(a: u128, b: u128, pattern: u128) -> u128 {
    map(Lane::B8, pattern, |index| match index {
        0..16 => lane(Lane::B8, a, index as u32),
        _ => lane(Lane::B8, b, index as u32 & 15),
    })
}

pub fn table(table: u128, indices: u128) -> u128 {
    map(Lane::B8, indices, |index| if index < 16 { lane(Lane::B8, table, index as u32) } else { 0 })
}

pub fn bf16_dot(a: u128, b: u128, sum: u128) -> u128 {
    let numbers =
        |v: u128, index| [lane(Lane::B16, v, 2 * index) as u16, lane(Lane::B16, v, 2 * index + 1) as u16];
    (0..4).fold(0, |result, index| {
        let sum = lane(Lane::B32, sum, index) as u32;
        result | u128::from(float::bf16_dot(sum, numbers(a, index), numbers(b, index))) << (32 * index)
    })
}

pub fn move_mask(of: Lane, v: u128) -> u64 {
    (0..).zip(lanes(of, v)).fold(0, |bits, (index, x): (u32, u64)| bits | x >> (of.bits() - 1) << index)
}

// Lanes of one width.

pub fn mul_high(of: Lane, sign: Sign, a: u128, b: u128) -> u128 {
    zip_values(of, sign, a, b, |x, y| {
        // Unsigned 64-bit lanes fill all 128 bits.
        let product = (x as u128).wrapping_mul(y as u128);
        (product >> of.bits()) as i128
    })
}

pub fn mul_double_high(of: Lane, rounding: bool, a: u128, b: u128) -> u128 {
    let half = if rounding { 1 << (of.bits() - 1) } else { 0 };
    zip_saturating(of, Sign::Signed, a, b, |x, y| {
        // Halved, so that the doubled product of two 64-bit minima fits.
        (x * y + half / 2) >> (of.bits() - 1)
    })
}

pub fn polynomial_mul(a: u128, b: u128) -> u128 {
    zip(Lane::B8, a, b, |x, y| integer::clmul(x, y) as u64)
}

pub fn abs(of: Lane, a: u128) -> u128 {
    map(of, a, |x| value(of, Sign::Signed, x).unsigned_abs() as u64)
}

pub fn compare(of: Lane, cond: Cond, a: u128, b: u128) -> u128 {
    zip(of, a, b, |x, y| if integer::compare(cond, of.ty(), x.into(), y.into()) { u64::MAX } else { 0 })
}

/// Shift every lane left; zero from the lane width on.
pub fn shl(of: Lane, v: u128, amount: u64) -> u128 {
    if amount >= of.bits().into() { 0 } else { map(of, v, |x| x << amount) }
}

/// Shift every lane right; filled with zeros or the sign from the lane width on.
pub fn shr(of: Lane, sign: Sign, v: u128, amount: u64) -> u128 {
    let amount = amount.min(of.bits().into());
    map(of, v, |x| (value(of, sign, x) >> amount) as u64)
}

/// Arm's shift of each lane by the signed low byte of the other's lane.
pub fn shift(of: Lane, sign: Sign, rounding: bool, saturating: bool, v: u128, amounts: u128) -> u128 {
    zip(of, v, amounts, |x, amount| {
        let x = value(of, sign, x);
        let amount = i32::from(amount as i8);
        if amount >= 0 {
            // Shifted by the lane's width or more, all bits are lost; saturation sees only the sign.
            let shifted = if amount >= of.bits() as i32 { x.signum() << of.bits() } else { x << amount };
            return if saturating { saturate(of, sign, shifted) } else { shifted as u64 };
        }
        // From 66 on the result no longer changes: the rounding constant is above every value.
        let amount = amount.unsigned_abs().min(100);
        let constant = if rounding { 1 << (amount - 1) } else { 0 };
        ((x + constant) >> amount) as u64
    })
}

pub fn count_leading_zeros(of: Lane, v: u128) -> u128 {
    map(of, v, |x| integer::clz(of.ty(), x.into()) as u64)
}

// Lanes of two widths.

/// The lower or upper half of the lanes, extended to twice the width; [`Lane::B64`] has no such width and stays.
pub fn widen(of: Lane, sign: Sign, v: u128, upper: bool) -> u128 {
    let skip = if upper { of.count() as usize / 2 } else { 0 };
    let Some(wide) = of.double() else { return v };
    collect(wide, lanes(of, v).skip(skip).take(wide.count() as usize).map(|x| value(of, sign, x) as u64))
}

/// Products of the lower or upper half of the lanes at twice the width.
pub fn mul_widen(of: Lane, sign: Sign, a: u128, b: u128, upper: bool) -> u128 {
    let wide = of.double().unwrap_or(of);
    zip_values(wide, sign, widen(of, sign, a, upper), widen(of, sign, b, upper), |x, y| {
        (x as u128).wrapping_mul(y as u128) as i128
    })
}

/// The lanes of `a`, then of `b`, at half the width; [`Lane::B8`] has no such width and gives `a`.
pub fn narrow(of: Lane, mode: NarrowMode, a: u128, b: u128) -> u128 {
    let Some(half) = of.half() else { return a };
    let one = |x: u64| match mode {
        NarrowMode::Truncate => x,
        NarrowMode::Signed => saturate(half, Sign::Signed, value(of, Sign::Signed, x)),
        NarrowMode::SignedToUnsigned => saturate(half, Sign::Unsigned, value(of, Sign::Signed, x)),
        NarrowMode::Unsigned => saturate(half, Sign::Unsigned, value(of, Sign::Unsigned, x)),
    };
    collect(half, lanes(of, a).chain(lanes(of, b)).map(one))
}

fn combine(of: Lane, op: LaneOp, x: u64, y: u64) -> u64 {
    let choose = |cond| if integer::compare(cond, of.ty(), x.into(), y.into()) { x } else { y };
    match op {
        LaneOp::Add => x.wrapping_add(y) & mask(of),
        LaneOp::Smin => choose(Cond::Sle),
        LaneOp::Smax => choose(Cond::Sge),
        LaneOp::Umin => choose(Cond::Ule),
        LaneOp::Umax => choose(Cond::Uge),
    }
}

pub fn pairwise(of: Lane, op: LaneOp, a: u128, b: u128) -> u128 {
    let half = of.count() / 2;
    let pair = |v, i| combine(of, op, lane(of, v, 2 * i), lane(of, v, 2 * i + 1));
    collect(of, (0..half).map(|i| pair(a, i)).chain((0..half).map(|i| pair(b, i))))
}

/// Sums of neighbours at twice the width; [`Lane::B64`] has no such width and stays.
pub fn add_pairs(of: Lane, sign: Sign, v: u128) -> u128 {
    let Some(wide) = of.double() else { return v };
    let at = |index| value(of, sign, lane(of, v, index));
    collect(wide, (0..wide.count()).map(|i| (at(2 * i) + at(2 * i + 1)) as u64))
}

pub fn reduce(of: Lane, op: LaneOp, v: u128) -> u64 {
    lanes(of, v).reduce(|x, y| combine(of, op, x, y)).unwrap_or(0)
}

pub fn sum_of_absolute_differences(a: u128, b: u128) -> u128 {
    let differences = zip(Lane::B8, a, b, u64::abs_diff);
    map(Lane::B64, differences, |half| half.to_le_bytes().into_iter().map(u64::from).sum())
}
