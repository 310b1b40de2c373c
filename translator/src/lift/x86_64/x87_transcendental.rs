//! x87 FPU transcendental instructions. How exact they are says `float::x87`.

use super::x87::{Result87, binary};
use super::{Lifter, Rows};
use crate::guest::x86_64::{self as state, st};
use crate::ir::{Cond, Value, X87Op};
use decoders::x86_64::Mnemonic as M;

pub(super) const ROWS: Rows = &[
    (M::Fsin, |x| angle(x, X87Op::Sin, None)),
    (M::Fcos, |x| angle(x, X87Op::Cos, None)),
    (M::Fsincos, |x| angle(x, X87Op::Sin, Some(X87Op::Cos))),
    (M::Fptan, fptan),
    (M::Fpatan, |x| combine(x, X87Op::Atan)),
    (M::Fyl2x, |x| combine(x, X87Op::YLog2X)),
    (M::Fyl2xp1, |x| combine(x, X87Op::YLog2XPlus1)),
    (M::F2xm1, f2xm1),
];

const C1: u64 = 1 << 9;
const C2: u64 = 1 << 10;

impl Lifter<'_> {
    /// The function of `st(0)`. Leaves with C2 set and nothing else done if the angle is out of range.
    fn of_angle(&mut self, op: X87Op) -> Result87 {
        let (value, valid) = (self.b.get(st(0)), self.in_use(0));
        let result = self.op87(op, value, value);
        let result = self.unless_empty(valid, result);
        let (mask, zero) = (self.flags87(C2), self.flags87(0));
        let bit = self.b.and(result.flags, mask);
        let beyond = self.b.icmp(bit, zero, Cond::Ne);
        let before = self.b.get(state::FSW);
        self.gather(result.flags, C1 | C2);
        self.b.skip_if(beyond);
        // Put back, because an exception may yet keep the result from being written.
        self.b.set(before, state::FSW);
        result
    }
}

/// `fsin`, `fcos`, `fsincos`: sine or cosine of `st(0)`, or the sine and the cosine pushed onto it. (Sine; Cosine; Sine and
/// Cosine)
fn angle(x: &mut Lifter<'_>, op: X87Op, pushed: Option<X87Op>) {
    x.check_x87_exceptions();
    let result = x.of_angle(op);
    let Some(pushed) = pushed else { return x.replace_top(result, C1 | C2) };
    let second = x.of_angle(pushed);
    clear_c2(x);
    x.replace_top_and_push(result, second);
}

fn clear_c2(x: &mut Lifter<'_>) {
    let (status, mask) = (x.b.get(state::FSW), x.flags87(C2));
    let status = x.b.andnot(status, mask);
    x.b.set(status, state::FSW);
}

/// `fptan`: the tangent of `st(0)`, and 1 pushed onto it. (Partial Tangent)
fn fptan(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let result = x.of_angle(X87Op::Tan);
    let one = x.wide_constant(1 << 63, 0x3fff);
    // A NaN comes twice.
    let is_nan = is_nan(x, result.value);
    let value = x.b.select(result.value, one, is_nan);
    let flags = x.flags87(0);
    clear_c2(x);
    x.replace_top_and_push(result, Result87 { value, flags });
}

fn is_nan(x: &mut Lifter<'_>, value: Value) -> Value {
    let (high, mask) = (x.b.high(value), x.b.i64(0x7fff));
    let exponent = x.b.and(high, mask);
    x.b.icmp(exponent, mask, Cond::Eq)
}

/// `fpatan`, `fyl2x`, `fyl2xp1`: of `st(0)` and `st(1)`, to `st(1)`; then pop. (Partial Arctangent; Compute y * log2(x);
/// Compute y * log2(x + 1))
fn combine(x: &mut Lifter<'_>, op: X87Op) {
    x.check_x87_exceptions();
    let result = binary(x, op);
    x.stop_if_unmasked(result.flags, C1);
    x.b.set(result.value, st(1));
    x.set_tag(1, true);
    x.gather(result.flags, C1);
    x.pop87();
}

/// `f2xm1`: 2 to the power of `st(0)`, minus 1. (Compute 2^x - 1)
fn f2xm1(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let (value, valid) = (x.b.get(st(0)), x.in_use(0));
    let result = x.op87(X87Op::Exp2Minus1, value, value);
    let result = x.unless_empty(valid, result);
    x.replace_top(result, C1);
}
