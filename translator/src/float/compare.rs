//! Comparison, minimum and maximum.

use super::layout::{Kind, Layout, Operand, operand, raise_denormal};
use super::nan::propagate;
use super::{Env, Format, flags};

/// How two values compare.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `a < b`.
    Less = 0,
    /// `a == b`; zeros are equal.
    Equal = 1,
    /// `a > b`.
    Greater = 2,
    /// At least one is a NaN.
    Unordered = 3,
}

/// A question about two values.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `a == b`.
    Equal = 0,
    /// `a < b`.
    Less = 1,
    /// `a <= b`.
    LessEqual = 2,
    /// A NaN is among them.
    Unordered = 3,
    /// `a > b`.
    Greater = 4,
    /// `a >= b`.
    GreaterEqual = 5,
    /// Not equal; true for NaNs.
    NotEqual = 6,
    /// No NaN is among them.
    Ordered = 7,
}

impl Compare {
    /// Whether `relation` answers the question with yes.
    pub const fn holds(self, relation: Relation) -> bool {
        use Relation::{Equal, Greater, Less, Unordered};
        match self {
            Compare::Equal => matches!(relation, Equal),
            Compare::Less => matches!(relation, Less),
            Compare::LessEqual => matches!(relation, Less | Equal),
            Compare::Unordered => matches!(relation, Unordered),
            Compare::Greater => matches!(relation, Greater),
            Compare::GreaterEqual => matches!(relation, Greater | Equal),
            Compare::NotEqual => !matches!(relation, Equal),
            Compare::Ordered => !matches!(relation, Unordered),
        }
    }
}

/// Compare `a` with `b`. Signalling NaNs raise invalid; if `signaling`, quiet ones do so too.
pub fn compare(f: Format, env: &Env, a: u64, b: u64, signaling: bool, flags: &mut u32) -> Relation {
    let l = Layout::of(f);
    let (x, y) = (operand(l, env, a, flags), operand(l, env, b, flags));
    if x.is_nan() || y.is_nan() {
        if signaling || x.kind == Kind::SignalingNan || y.kind == Kind::SignalingNan {
            *flags |= flags::INVALID;
        }
        return Relation::Unordered;
    }
    raise_denormal(env, x.denormal || y.denormal, flags);
    relation(l, &x, &y)
}

/// The relation of two operands that are no NaNs.
fn relation(l: &Layout, x: &Operand, y: &Operand) -> Relation {
    // Sign and magnitude to a number that orders like the values; both zeros become 0.
    let key = |v: &Operand| {
        let magnitude = (v.bits & !l.sign_mask()) as i64;
        if v.sign { -magnitude } else { magnitude }
    };
    match key(x).cmp(&key(y)) {
        std::cmp::Ordering::Less => Relation::Less,
        std::cmp::Ordering::Equal => Relation::Equal,
        std::cmp::Ordering::Greater => Relation::Greater,
    }
}

/// The kinds of minimum and maximum.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MinMax {
    /// A NaN operand gives a NaN; `-0 < +0` (Arm `FMIN`, IEEE 754-2019 `minimum`).
    Min = 0,
    /// As [`MinMax::Min`] (Arm `FMAX`).
    Max = 1,
    /// A number wins over every NaN; `-0 < +0`. Signalling NaNs raise invalid (RISC-V `fmin`, IEEE 754-2019
    /// `minimumNumber`).
    MinNumber = 2,
    /// As [`MinMax::MinNumber`] (RISC-V `fmax`).
    MaxNumber = 3,
    /// A number wins over a quiet NaN, but a signalling NaN over both; `-0 < +0` (Arm `FMINNM`, IEEE 754-2008
    /// `minNum`).
    MinNum = 4,
    /// As [`MinMax::MinNum`] (Arm `FMAXNM`).
    MaxNum = 5,
    /// `a < b ? a : b`: the second operand unchanged if a NaN is among them, which raises invalid, or both are
    /// zeros (x86 `MINSS`).
    MinSecond = 6,
    /// `a > b ? a : b` (x86 `MAXSS`).
    MaxSecond = 7,
}

impl MinMax {
    fn is_max(self) -> bool {
        matches!(self, MinMax::Max | MinMax::MaxNumber | MinMax::MaxNum | MinMax::MaxSecond)
    }
}

/// The minimum or maximum of `a` and `b`.
pub fn min_max(kind: MinMax, f: Format, env: &Env, a: u64, b: u64, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let (x, y) = (operand(l, env, a, flags), operand(l, env, b, flags));
    if x.is_nan() || y.is_nan() {
        return match kind {
            MinMax::Min | MinMax::Max => propagate(l, env, &[x, y], flags),
            MinMax::MinNumber | MinMax::MaxNumber => number_or_nan(l, env, x, y, Operand::is_nan, flags),
            MinMax::MinNum | MinMax::MaxNum => number_or_nan(l, env, x, y, is_quiet, flags),
            MinMax::MinSecond | MinMax::MaxSecond => {
                *flags |= flags::INVALID;
                y.bits
            }
        };
    }
    raise_denormal(env, x.denormal || y.denormal, flags);
    let first = match relation(l, &x, &y) {
        Relation::Less => !kind.is_max(),
        Relation::Greater => kind.is_max(),
        // Equal values differ at most in the sign of zero.
        Relation::Equal | Relation::Unordered => {
            !matches!(kind, MinMax::MinSecond | MinMax::MaxSecond) && x.sign != kind.is_max()
        }
    };
    if first { x.bits } else { y.bits }
}

fn is_quiet(x: &Operand) -> bool {
    x.kind == Kind::QuietNan
}

/// The number beside a NaN that is `ignored`, else a NaN.
#[cold]
fn number_or_nan(
    l: &Layout,
    env: &Env,
    x: Operand,
    y: Operand,
    ignored: fn(&Operand) -> bool,
    raised: &mut u32,
) -> u64 {
    if x.kind == Kind::SignalingNan || y.kind == Kind::SignalingNan {
        *raised |= flags::INVALID;
    }
    if ignored(&x) && !y.is_nan() {
        y.bits
    } else if ignored(&y) && !x.is_nan() {
        x.bits
    } else {
        propagate(l, env, &[x, y], raised)
    }
}
