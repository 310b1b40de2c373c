//! Cases of single ops as text, one a line: what the interpreter and compiled code must both give.
//!
//! ```text
//! guest aarch64
//! env 0x8
//! add i8:200 i8:100 => i8:44
//! vadd b16[1,-2,3] b16[1] lane=b16 => b16[2,-2,3]
//! fdiv f64:1.0 f64:0.0 round=current => f64:inf !z
//! ```
//!
//! Operands, then attributes as in the text form, then the result and the float flags that are raised: `x` inexact,
//! `u` underflow, `o` overflow, `z` division by zero, `i` invalid, `d` denormal. `guest` and `env` (the `fp_env`
//! slot) hold for the lines below. Integers are decimal or hexadecimal, floats decimal or, where their bits matter,
//! hexadecimal; vectors are lists of lanes from lane 0, the rest zero, or hexadecimal (`v128:0x...`).
//!
//! A case is a block that takes its operands from general registers, two for each, so that nothing is constant and
//! the same block can be compiled.

use super::{Block, Lane, OPS, ResultRule, Slot, Type};
use crate::float::flags;
use crate::guest::Guest;

/// One line of a table.
pub(crate) struct Case {
    /// The line.
    pub text: &'static str,
    /// The block.
    pub block: Block,
    /// What the slots hold before; the others do not matter.
    pub inputs: Vec<(Slot, u64)>,
    /// The `fp_env` slot.
    pub env: u32,
    /// The result; low half in [`RESULT`], high half in the slot behind it.
    pub expected: u128,
    /// The float flags raised.
    pub flags: u32,
}

/// Every guest has more than ten general registers from slot 2 on.
const FIRST_INPUT: u16 = 2;
/// Low half of the result; it and the high half are cleared before.
pub(crate) const RESULT: Slot = Slot(8);
/// High half of the result.
pub(crate) const RESULT_HIGH: Slot = Slot(9);

/// Every case of every table.
pub(crate) fn all() -> Vec<Case> {
    let tables = [
        ("integer", include_str!("cases/integer.txt")),
        ("vector", include_str!("cases/vector.txt")),
        ("float", include_str!("cases/float.txt")),
    ];
    tables.into_iter().flat_map(|(name, table)| load(name, table)).collect()
}

fn load(name: &str, table: &'static str) -> Vec<Case> {
    let (mut guest, mut env) = (Guest::Riscv64, 0);
    let mut cases = Vec::new();
    for (number, line) in table.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        let fail = |what: &str| -> ! { panic!("cases/{name}.txt:{}: {what}: {line}", number + 1) };
        if line.is_empty() {
            continue;
        } else if let Some(word) = line.strip_prefix("guest ") {
            (guest, env) = (Guest::from_name(word).unwrap_or_else(|| fail("no such guest")), 0);
        } else if let Some(word) = line.strip_prefix("env ") {
            env = integer(word).unwrap_or_else(|| fail("not a number")) as u32;
        } else {
            cases.push(case(guest, env, line).unwrap_or_else(|what| fail(&what)));
        }
    }
    cases
}

/// The case of one line.
pub(crate) fn case(guest: Guest, env: u32, text: &'static str) -> Result<Case, String> {
    let (question, answer) = text.split_once("=>").ok_or("no =>")?;
    let mut answer = answer.split_whitespace();
    let (result, expected) = value(answer.next().ok_or("no result")?)?;
    let flags = answer.next().map_or(Ok(0), flags_of)?;

    let mut words = question.split_whitespace();
    let op = words.next().ok_or("no op")?;
    let slot = |number: u16| guest.register_file().slot(Slot(number)).name;
    let mut body = Body { lines: vec!["instruction pc=0x1000 len=4".into()] };
    let (mut operands, mut attributes, mut inputs) = (Vec::new(), String::new(), Vec::new());
    for word in words {
        if word.contains('=') {
            attributes.push(' ');
            attributes.push_str(word);
            continue;
        }
        let (ty, bits) = value(word)?;
        let low = FIRST_INPUT + inputs.len() as u16;
        inputs.extend([(Slot(low), bits as u64), (Slot(low + 1), (bits >> 64) as u64)]);
        operands.push(body.input(ty, slot(low), slot(low + 1)));
    }
    let made = body.push(result, &format!("{op} {}{attributes}", operands.join(", ")));
    body.output(result, made, slot(RESULT.0), slot(RESULT_HIGH.0));
    let lines = body.lines.join("\n");
    let block = Block::parse(&format!("block {guest} 0x1000..0x1004\n{lines}\njump 0x1004\n"))
        .map_err(|error| error.to_string())?;
    super::verify::verify(&block).map_err(|error| error.to_string())?;
    Ok(Case { text, block, inputs, env, expected, flags })
}

/// The lines of a block.
struct Body {
    lines: Vec<String>,
}

impl Body {
    /// Appends an op with a result; its value.
    fn push(&mut self, ty: Type, op: &str) -> String {
        let value = format!("v{}", self.lines.len());
        self.lines.push(format!("{value}: {ty} = {op}"));
        value
    }

    /// A value of the type from two registers.
    fn input(&mut self, ty: Type, low: &str, high: &str) -> String {
        let low = self.push(Type::I64, &format!("get slot={low}"));
        if ty.bits() <= 64 {
            let int = if ty.is_float() { Type::int_of_bytes(ty.bytes()) } else { ty };
            let value = match int {
                Type::I64 => low,
                _ => self.push(int, &format!("trunc {low} ty={int}")),
            };
            return if ty == int { value } else { self.push(ty, &format!("bitcast {value} ty={ty}")) };
        }
        let high = self.push(Type::I64, &format!("get slot={high}"));
        let pair = self.push(Type::I128, &format!("concat {low}, {high}"));
        if ty == Type::I128 { pair } else { self.push(ty, &format!("bitcast {pair} ty={ty}")) }
    }

    /// Writes a value of the type to two registers.
    fn output(&mut self, ty: Type, value: String, low: &str, high: &str) {
        let int = if ty.is_float() || ty == Type::V128 { Type::int_of_bytes(ty.bytes()) } else { ty };
        let value = if ty == int { value } else { self.push(int, &format!("bitcast {value} ty={int}")) };
        let (first, second) = match int {
            Type::I128 => {
                let first = self.push(Type::I64, &format!("low {value}"));
                (first, Some(self.push(Type::I64, &format!("high {value}"))))
            }
            Type::I64 => (value, None),
            _ => (self.push(Type::I64, &format!("zext {value} ty=i64")), None),
        };
        self.lines.push(format!("set {first} slot={low}"));
        if let Some(second) = second {
            self.lines.push(format!("set {second} slot={high}"));
        }
    }
}

fn flags_of(word: &str) -> Result<u32, String> {
    let letters = word.strip_prefix('!').ok_or("flags start with !")?;
    letters.chars().try_fold(0, |all, letter| {
        Ok(all
            | match letter {
                'x' => flags::INEXACT,
                'u' => flags::UNDERFLOW,
                'o' => flags::OVERFLOW,
                'z' => flags::DIV_BY_ZERO,
                'i' => flags::INVALID,
                'd' => flags::DENORMAL,
                _ => return Err(format!("{letter} is not a flag")),
            })
    })
}

/// `ty:number` or `lane[number,...]`.
fn value(word: &str) -> Result<(Type, u128), String> {
    if let Some((lane, list)) = word.strip_suffix(']').and_then(|word| word.split_once('[')) {
        let (ty, bits) = match (Lane::from_name(lane), Type::from_name(lane)) {
            (Some(lane), _) => (lane.ty(), lane.bits()),
            (None, Some(ty)) if ty.is_float() => (ty, ty.bits()),
            _ => return Err(format!("{lane} is not a lane")),
        };
        let lanes = list.split(',').filter(|number| !number.is_empty());
        let mut vector = 0;
        for (index, number) in lanes.enumerate() {
            vector |= scalar(ty, number)? << (index as u32 * bits);
        }
        return Ok((Type::V128, vector));
    }
    let (ty, number) = word.split_once(':').ok_or_else(|| format!("{word} is not a value"))?;
    let ty = Type::from_name(ty).ok_or_else(|| format!("{ty} is not a type"))?;
    Ok((ty, scalar(ty, number)?))
}

fn scalar(ty: Type, number: &str) -> Result<u128, String> {
    let fail = || format!("{number} is not an {ty}");
    let bits = match integer(number) {
        Some(bits) if !ty.is_float() || number.starts_with("0x") => bits,
        _ => match ty {
            Type::F32 => number.parse::<f32>().map_err(|_| fail())?.to_bits().into(),
            Type::F64 => number.parse::<f64>().map_err(|_| fail())?.to_bits().into(),
            _ => return Err(fail()),
        },
    };
    let fits = bits & !ty.mask() == 0 || (bits as i128) < 0 && bits | ty.mask() >> 1 == u128::MAX;
    if fits { Ok(bits & ty.mask()) } else { Err(fail()) }
}

fn integer(number: &str) -> Option<u128> {
    if let Some(positive) = number.strip_prefix('-') {
        return integer(positive).map(u128::wrapping_neg);
    }
    match number.strip_prefix("0x") {
        Some(hex) => u128::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    }
}

/// The names of the ops that a table can test: those whose result depends on their operands alone.
pub(crate) fn testable() -> impl Iterator<Item = &'static str> {
    use super::Effect;
    OPS.iter()
        .filter(|op| matches!(op.effect, Effect::Pure | Effect::Float) && op.result != ResultRule::None)
        .map(|op| op.name)
}
