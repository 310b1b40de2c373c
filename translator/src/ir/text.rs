//! The text form of blocks: a printer and the parser that reads it back.
//!
//! ```text
//! block riscv64 0x1000..0x1004
//!     instruction pc=0x1000 len=4
//!     v1: i64 = get slot=x11
//!     v2: i64 = constant ty=i64 imm=0xfffffffffffffffb
//!     v3: i64 = add v1, v2
//!     set v3 slot=x10
//!     jump 0x1004
//! ```
//!
//! Operands come first, then the attributes by name; a result carries its type. Value numbers are positions, so every
//! op counts, also one without a result.

use super::ops::Op;
use super::types::*;
use super::{Block, Builder, Slot, Terminator, Value};
use crate::for_each_op;
use crate::guest::{Guest, RegisterFile};
use std::fmt::{self, Write as _};
use thiserror::Error;

/// An attribute's spelling.
trait Attribute: Copy {
    fn print(&self, out: &mut String, file: &RegisterFile);
    fn parse(text: &str, file: &RegisterFile) -> Option<Self>;
}

fn parse_number(text: &str) -> Option<u128> {
    match text.strip_prefix("0x") {
        Some(hex) => u128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

macro_rules! number_attributes {
    ($($ty:ty: $format:literal),*) => {$(
        impl Attribute for $ty {
            fn print(&self, out: &mut String, _: &RegisterFile) {
                let _ = write!(out, $format, self);
            }
            fn parse(text: &str, _: &RegisterFile) -> Option<$ty> {
                parse_number(text)?.try_into().ok()
            }
        }
    )*};
}
number_attributes!(u8: "{}", u32: "{:#x}", u64: "{:#x}", u128: "{:#034x}");

macro_rules! named_attributes {
    ($($ty:ty),*) => {$(
        impl Attribute for $ty {
            fn print(&self, out: &mut String, _: &RegisterFile) {
                out.push_str(self.name());
            }
            fn parse(text: &str, _: &RegisterFile) -> Option<$ty> {
                <$ty>::from_name(text)
            }
        }
    )*};
}
named_attributes!(
    Type, Lane, FloatLane, Cond, FloatCond, Quietness, Round, MinMaxRule, InvalidInt, Sign, Order, FenceSet,
    RmwOp, Access, Trap, EnvCall, NarrowMode, LaneOp, EstimateOp, StepOp, X87Op
);

impl Attribute for bool {
    fn print(&self, out: &mut String, _: &RegisterFile) {
        let _ = write!(out, "{self}");
    }
    fn parse(text: &str, _: &RegisterFile) -> Option<bool> {
        text.parse().ok()
    }
}

impl Attribute for Slot {
    fn print(&self, out: &mut String, file: &RegisterFile) {
        out.push_str(file.slot(*self).name);
    }
    fn parse(text: &str, file: &RegisterFile) -> Option<Slot> {
        file.by_name(text)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

macro_rules! define_text {
    ($($(#[doc = $doc:literal])* $name:ident = $variant:ident($($operand:ident: $class:ident),*)[$($attr:ident: $attr_ty:ty),*] -> $result:ident, $effect:ident;)*) => {
        /// Writes an op without its result: name, operands, attributes.
        fn print_op(op: &Op, out: &mut String, file: &RegisterFile) {
            out.push_str(op.name());
            let mut separator = " ";
            op.for_each_operand(|value| {
                let _ = write!(out, "{separator}{value}");
                separator = ", ";
            });
            match op {
                $(Op::$variant { $($attr,)* .. } => { $(
                    out.push_str(concat!(" ", stringify!($attr), "="));
                    $attr.print(out, file);
                )* })*
            }
        }

        /// Reads what [`print_op`] writes.
        fn parse_op(text: &str, file: &RegisterFile) -> Result<Op, String> {
            let mut fields = Fields::new(text)?;
            let op = match fields.name {
                $(stringify!($name) => Op::$variant {
                    $($operand: fields.operand(stringify!($operand))?,)*
                    $($attr: <$attr_ty as Attribute>::parse(fields.attribute(stringify!($attr))?, file)
                        .ok_or_else(|| format!("bad {} of {}", stringify!($attr), stringify!($name)))?,)*
                },)*
                other => return Err(format!("no op is called {other}")),
            };
            fields.done()?;
            Ok(op)
        }
    };
}

for_each_op!(define_text);

/// The parts of a line: name, operands in order, attributes by name.
struct Fields<'a> {
    name: &'a str,
    operands: std::vec::IntoIter<Value>,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Fields<'a> {
    fn new(text: &'a str) -> Result<Fields<'a>, String> {
        let mut words = text.split_whitespace();
        let name = words.next().ok_or("an empty line")?;
        let (mut operands, mut attributes) = (Vec::new(), Vec::new());
        for word in words {
            match word.split_once('=') {
                Some(pair) => attributes.push(pair),
                None => operands.push(parse_value(word.trim_end_matches(','))?),
            }
        }
        Ok(Fields { name, operands: operands.into_iter(), attributes })
    }

    fn operand(&mut self, what: &str) -> Result<Value, String> {
        self.operands.next().ok_or_else(|| format!("{} lacks its operand {what}", self.name))
    }

    fn attribute(&mut self, what: &str) -> Result<&'a str, String> {
        let at = self.attributes.iter().position(|(name, _)| *name == what);
        at.map(|at| self.attributes.swap_remove(at).1)
            .ok_or_else(|| format!("{} lacks its attribute {what}", self.name))
    }

    fn done(mut self) -> Result<(), String> {
        match (self.operands.next(), self.attributes.first()) {
            (None, None) => Ok(()),
            (Some(value), _) => Err(format!("{} does not take {value}", self.name)),
            (_, Some((name, _))) => Err(format!("{} has no attribute {name}", self.name)),
        }
    }
}

fn parse_value(text: &str) -> Result<Value, String> {
    text.strip_prefix('v')
        .and_then(|number| number.parse().ok())
        .map(Value)
        .ok_or_else(|| format!("{text} is not a value"))
}

fn parse_address(text: &str) -> Result<u64, String> {
    parse_number(text)
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| format!("{text} is not an address"))
}

impl fmt::Display for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Terminator::Jump { target } => write!(f, "jump {target:#x}"),
            Terminator::Branch { cond, taken, fallthrough } => {
                write!(f, "branch {cond}, {taken:#x}, {fallthrough:#x}")
            }
            Terminator::Repeat { again, here, next } => write!(f, "repeat {again}, {here:#x}, {next:#x}"),
            Terminator::Indirect { target, hint } => write!(f, "indirect {target}, {hint}"),
            Terminator::Syscall { next } => write!(f, "syscall {next:#x}"),
            Terminator::Trap { trap } => write!(f, "trap {trap}"),
            Terminator::Resync { next } => write!(f, "resync {next:#x}"),
        }
    }
}

fn parse_terminator(text: &str) -> Option<Result<Terminator, String>> {
    let (name, rest) = text.split_once(' ')?;
    let words: Vec<&str> = rest.split(',').map(str::trim).collect();
    Some(match (name, words.as_slice()) {
        ("jump", [target]) => parse_address(target).map(|target| Terminator::Jump { target }),
        ("branch", [cond, taken, fallthrough]) => (|| {
            Ok(Terminator::Branch {
                cond: parse_value(cond)?,
                taken: parse_address(taken)?,
                fallthrough: parse_address(fallthrough)?,
            })
        })(),
        ("repeat", [again, here, next]) => (|| {
            Ok(Terminator::Repeat {
                again: parse_value(again)?,
                here: parse_address(here)?,
                next: parse_address(next)?,
            })
        })(),
        ("indirect", [target, hint]) => (|| {
            let hint = Hint::from_name(hint).ok_or_else(|| format!("{hint} is not a hint"))?;
            Ok(Terminator::Indirect { target: parse_value(target)?, hint })
        })(),
        ("syscall", [next]) => parse_address(next).map(|next| Terminator::Syscall { next }),
        ("resync", [next]) => parse_address(next).map(|next| Terminator::Resync { next }),
        ("trap", [trap]) => Trap::from_name(trap)
            .map(|trap| Terminator::Trap { trap })
            .ok_or_else(|| format!("{trap} is not a trap")),
        _ => return None,
    })
}

impl Block {
    /// The lines of the ops and the terminator, without indentation.
    pub fn lines(&self) -> Vec<String> {
        let file = self.guest.register_file();
        let ops = self.ops.iter().zip(&self.types).enumerate().map(|(index, (op, ty))| {
            let mut line = String::new();
            if let Some(ty) = ty {
                let _ = write!(line, "v{index}: {ty} = ");
            }
            print_op(op, &mut line, file);
            line
        });
        ops.chain([self.terminator.to_string()]).collect()
    }

    /// Reads the text form back.
    ///
    /// # Errors
    /// The first line that is not the text form of anything.
    pub fn parse(text: &str) -> Result<Block, ParseError> {
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(number, line)| (number + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty());
        let at = |line: usize| move |message: String| ParseError { line, message };
        let (number, header) = lines.next().ok_or(ParseError { line: 1, message: "no header".into() })?;
        let (guest, start, end) = parse_header(header).map_err(at(number))?;
        let mut builder = Builder::new(guest, start);
        let mut position = 0;
        for (number, line) in lines {
            if builder.is_terminated() {
                return Err(ParseError { line: number, message: "text behind the terminator".into() });
            }
            let (result, body) = match line.split_once(" = ") {
                Some((result, body)) if result.starts_with('v') => (Some(result), body),
                _ => (None, line),
            };
            if let Some(terminator) = parse_terminator(body) {
                builder.terminate(terminator.map_err(at(number))?);
                continue;
            }
            let op = parse_op(body, guest.register_file()).map_err(at(number))?;
            let mut undefined = None;
            op.for_each_operand(|value| {
                if value.index() >= position || builder.type_of(value).is_none() {
                    undefined = Some(value);
                }
            });
            if let Some(value) = undefined {
                return Err(ParseError { line: number, message: format!("{value} is not defined yet") });
            }
            let value = builder.push(op);
            position += 1;
            let expected = builder.type_of(value).map(|ty| format!("{value}: {ty}"));
            if result.map(str::to_owned) != expected {
                let expected = expected.unwrap_or_else(|| "no result".into());
                return Err(ParseError { line: number, message: format!("the op defines {expected}") });
            }
        }
        if !builder.is_terminated() {
            return Err(ParseError { line: text.lines().count(), message: "no terminator".into() });
        }
        Ok(builder.finish(end))
    }
}

fn parse_header(line: &str) -> Result<(Guest, u64, u64), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["block", guest, range] = words.as_slice() else {
        return Err("a block starts with `block GUEST START..END`".into());
    };
    let guest = Guest::from_name(guest).ok_or_else(|| format!("no guest is called {guest}"))?;
    let (start, end) = range.split_once("..").ok_or("a block's range is START..END")?;
    Ok((guest, parse_address(start)?, parse_address(end)?))
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "block {} {:#x}..{:#x}", self.guest, self.start, self.end)?;
        for line in self.lines() {
            writeln!(f, "    {line}")?;
        }
        Ok(())
    }
}

/// Text that is not a block.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// Line of the text, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::riscv64;

    fn sample() -> Block {
        let mut b = Builder::new(Guest::Riscv64, 0x1000);
        b.instruction(0x1000, 4);
        let x = b.get(riscv64::X11);
        let five = b.i64(-5i64 as u64);
        let sum = b.add(x, five);
        b.set(sum, riscv64::X10);
        let word = b.load(sum, Type::I32, Order::Plain);
        let vector = b.vconst(7);
        let lane = b.vextract(vector, Lane::B32, 1);
        let equal = b.icmp(word, lane, Cond::Eq);
        b.branch(equal, 0x2000, 0x1004);
        b.finish(0x1004)
    }

    #[test]
    fn text_parses_back_to_the_same_block() {
        let block = sample();
        assert_eq!(Block::parse(&block.to_string()).unwrap(), block);
    }

    #[test]
    fn faults_in_the_text_are_named_with_their_line() {
        let text = sample().to_string();
        let undefined = text.replace("add v1, v2", "add v1, v9");
        assert_eq!(Block::parse(&undefined).unwrap_err().to_string(), "line 5: v9 is not defined yet");
        let unknown = text.replace("add v1", "plus v1");
        assert_eq!(Block::parse(&unknown).unwrap_err().to_string(), "line 5: no op is called plus");
        assert!(Block::parse("").is_err());
    }
}
