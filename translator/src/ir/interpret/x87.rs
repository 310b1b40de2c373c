//! The `x87` op.

use crate::float::{Format, x87};
use crate::ir::X87Op;

/// The packed result of `op`.
pub(super) fn execute(op: X87Op, a: u128, b: u128, control: u16) -> u128 {
    match op {
        X87Op::Add => x87::add(a, b, control),
        X87Op::Sub => x87::sub(a, b, control),
        X87Op::Mul => x87::mul(a, b, control),
        X87Op::Div => x87::div(a, b, control),
        X87Op::Sqrt => x87::sqrt(a, control),
        X87Op::Scale => x87::scale(a, b, control),
        X87Op::Remainder => x87::remainder(a, b, control, false),
        X87Op::RemainderNearest => x87::remainder(a, b, control, true),
        X87Op::RoundIntegral => x87::round_to_integral(a, control),
        X87Op::Exponent => x87::exponent(a),
        X87Op::Significand => x87::significand(a),
        X87Op::Compare => x87::compare(a, b, false),
        X87Op::CompareQuiet => x87::compare(a, b, true),
        X87Op::Examine => x87::examine(a),
        X87Op::FromF32 => x87::from_float(a as u64, Format::F32, true),
        X87Op::FromF64 => x87::from_float(a as u64, Format::F64, true),
        X87Op::OperandF32 => x87::from_float(a as u64, Format::F32, false),
        X87Op::OperandF64 => x87::from_float(a as u64, Format::F64, false),
        X87Op::Sin => x87::sin(a, control),
        X87Op::Cos => x87::cos(a, control),
        X87Op::Tan => x87::tan(a, control),
        X87Op::Atan => x87::atan(a, b, control),
        X87Op::Exp2Minus1 => x87::exp2_minus_1(a, control),
        X87Op::YLog2X => x87::y_log2_x(a, b, control),
        X87Op::YLog2XPlus1 => x87::y_log2_x_plus_1(a, b, control),
        X87Op::FromBcd => x87::from_bcd(a),
        X87Op::ToBcd => x87::to_bcd(a, control),
        X87Op::FromI64 => x87::from_int(a as i64),
        X87Op::ToF32 => x87::to_float(a, control, Format::F32),
        X87Op::ToF64 => x87::to_float(a, control, Format::F64),
        X87Op::ToI16 => x87::to_int(a, control, 16, false),
        X87Op::ToI32 => x87::to_int(a, control, 32, false),
        X87Op::ToI64 => x87::to_int(a, control, 64, false),
        X87Op::TruncateI16 => x87::to_int(a, control, 16, true),
        X87Op::TruncateI32 => x87::to_int(a, control, 32, true),
        X87Op::TruncateI64 => x87::to_int(a, control, 64, true),
    }
}
