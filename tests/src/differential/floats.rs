//! Every float operation of a guest in every float environment, on a table of special values.
//!
//! Nothing lists the operations: encodings of every row of the decoder's table (for x86-64 of every encoding in the opcode
//! maps) are lifted, and those whose IR has a float op are in, one of each shape of operands. What their IR reads are the
//! operands; the formats of its values say which special values they get: all pairs, or triples of fewer values, in all
//! lanes. Each case is a single instruction, so that the flags of every result are seen.

mod operations;
mod values;

use super::{CODE, Case, DATA, Numbered, PAGE, State};
use crate::random::Random;
use operations::{Operation, Source, operations};
use std::ops::Range;
use translator::guest::Guest;
use translator::guest::registers::by_name;

/// A float format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Half,
    /// bfloat16.
    Brain,
    Single,
    Double,
    Extended,
    /// What is converted to a float.
    Integer,
}

impl Format {
    /// Bits of exponent and of fraction, without an integer bit.
    fn bits(self) -> (u32, u32) {
        match self {
            Format::Half => (5, 10),
            Format::Brain => (8, 7),
            Format::Single => (8, 23),
            Format::Double => (11, 52),
            Format::Extended | Format::Integer => (15, 63),
        }
    }

    fn width(self) -> u32 {
        match self {
            Format::Half | Format::Brain => 16,
            Format::Single => 32,
            Format::Double | Format::Integer => 64,
            Format::Extended => 80,
        }
    }
}

/// Registers that make an environment, with their values.
type Environment = Vec<(&'static str, u64)>;

/// The table.
pub struct Floats {
    guest: Guest,
    rows: Vec<Row>,
}

/// The cases of one operation.
struct Row {
    operation: Operation,
    /// The number of its first case.
    start: u64,
    environments: Vec<Environment>,
    /// Values of each format that it works on.
    values: Vec<(Format, Vec<u128>)>,
    /// Cases an environment, for each of the formats.
    runs: Vec<u64>,
}

impl Row {
    fn new(operation: Operation, guest: Guest, start: u64) -> Row {
        let sources = operation.sources.len().clamp(1, 3) as u32;
        let values: Vec<_> = operation
            .formats
            .iter()
            .map(|&format| {
                let mut values = match format {
                    Format::Integer => values::INTEGERS.iter().map(|&value| value.into()).collect(),
                    _ => values::of(format),
                };
                values.truncate([usize::MAX, values::OF_TWO, values::OF_THREE][sources as usize - 1]);
                (format, values)
            })
            .collect();
        let lanes = u64::from(operation.lanes);
        let runs =
            values.iter().map(|(_, values)| (values.len() as u64).pow(sources).div_ceil(lanes)).collect();
        let environments = environments(guest, &operation);
        Row { operation, start, environments, values, runs }
    }

    fn len(&self) -> u64 {
        self.environments.len() as u64 * self.runs.iter().sum::<u64>()
    }
}

impl Floats {
    /// The table of a guest.
    pub fn new(guest: Guest) -> Floats {
        let mut rows = Vec::new();
        let mut start = 0;
        for operation in operations(guest) {
            let row = Row::new(operation, guest, start);
            start += row.len();
            rows.push(row);
        }
        Floats { guest, rows }
    }

    /// Number of cases.
    pub fn len(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.start + row.len())
    }

    /// Whether there is no operation.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The numbers of the cases of each operation.
    pub fn operations(&self) -> impl Iterator<Item = Range<u64>> {
        self.rows.iter().map(|row| row.start..row.start + row.len())
    }

    /// Numbers of about `each` cases of each operation, in neighbourhoods of eight: a neighbourhood has one environment, mostly.
    pub fn sample(&self, each: u64, random: &mut Random) -> Vec<u64> {
        const NEIGHBOURS: u64 = 8;
        let mut numbers = Vec::new();
        for all in self.operations() {
            for _ in 0..each.div_ceil(NEIGHBOURS) {
                let first = all.start + random.below(all.end - all.start);
                numbers.extend(first..all.end.min(first + NEIGHBOURS));
            }
        }
        numbers
    }

    /// The texts of the operations.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row.operation.text.as_str())
    }

    /// One line about the table.
    pub fn description(&self) -> String {
        let environments: usize = self.rows.iter().map(|row| row.environments.len()).sum();
        format!("{} float operations in {environments} environments", self.rows.len())
    }

    /// A case.
    ///
    /// # Panics
    /// If there is none of this number.
    pub fn case(&self, number: u64) -> Numbered {
        let at = self.rows.partition_point(|row| row.start <= number) - 1;
        let row = &self.rows[at];
        let each: u64 = row.runs.iter().sum();
        let (environment, mut run) = ((number - row.start) / each, (number - row.start) % each);
        let mut format = 0;
        while run >= row.runs[format] {
            run -= row.runs[format];
            format += 1;
        }
        let (format, values) = &row.values[format];
        let state = self.state(&row.operation, &row.environments[environment as usize], *format, values, run);
        // Operations take turns with direct and paged memory, environments with regions and stencils, so that each is
        // compiled once an environment.
        let way = at as u64 & 1 | 2 | u64::from(environment.is_multiple_of(3)) << 2;
        Numbered { number, way, case: Case { guest: self.guest, code: row.operation.code.clone(), state } }
    }

    fn state(
        &self,
        operation: &Operation,
        environment: &Environment,
        format: Format,
        values: &[u128],
        run: u64,
    ) -> State {
        let guest = self.guest;
        let slots = vec![0; guest.register_file().slots.len()];
        let mut state = State { pc: CODE, slots, data: vec![0; PAGE] };
        for (slot, value) in guest.reset_slots() {
            state.slots[slot.index()] = *value;
        }
        let register = |name| by_name(guest, name).expect("a register");
        for (name, value) in guest.reset_values() {
            register(*name).write(&mut state, *value);
        }
        let count = values.len() as u64;
        // The value that a lane of the n-th source has.
        let pick = |n: usize, lane: u32| {
            let combination = run * u64::from(operation.lanes) + u64::from(lane);
            values[(combination / count.pow(n.min(2) as u32) % count) as usize]
        };
        for (n, source) in operation.sources.iter().enumerate() {
            let width = format.width();
            let lanes = |bits: u32| {
                (0..bits / width).fold(0u128, |all, lane| {
                    let value = pick(n, lane);
                    let mask = u128::MAX >> (128 - width);
                    all | (value & mask) << (lane * width)
                })
            };
            match source {
                Source::Register(name) => {
                    let register = register(*name);
                    let value = match (format, guest) {
                        (Format::Extended, _) => pick(n, 0),
                        // Singles are in a NaN box; now and then one is not.
                        (Format::Single, Guest::Riscv64) if run % 64 != 63 => {
                            pick(n, 0) | u128::from(u32::MAX) << 32
                        }
                        (Format::Single, Guest::Riscv64) => pick(n, 0) | 1 << 32,
                        _ => lanes(register.bytes * 8),
                    };
                    register.write(&mut state, value);
                }
                Source::Memory => {
                    let value = if format == Format::Extended { pick(n, 0) } else { lanes(128) };
                    let at = (operations::ADDRESS - DATA) as usize;
                    state.data[at..at + 16].copy_from_slice(&value.to_le_bytes());
                }
            }
        }
        for (name, value) in operation.fixed.iter().chain(environment) {
            register(*name).write(&mut state, u128::from(*value));
        }
        state
    }
}

/// Every rounding mode with every way of flushing and of NaNs, with clear flags and with the inexact flag set, which
/// compiled code tells apart; on x86-64 also with all exceptions unmasked.
fn environments(guest: Guest, operation: &Operation) -> Vec<Environment> {
    let mut all: Vec<Environment> = Vec::new();
    let x87 = operation.formats.contains(&Format::Extended);
    match guest {
        Guest::Riscv64 => {
            for rounding in 0..5 {
                all.extend([0, 1].map(|flags| vec![("fcsr", rounding << 5 | flags)]));
            }
        }
        Guest::Aarch64 => {
            let half = operation.formats.contains(&Format::Half);
            for rounding in 0..4 {
                for other in 0..if half { 8 } else { 4 } {
                    // DN and FZ are bits 25 and 24, FZ16 is bit 19.
                    let control = rounding << 22 | (other & 3) << 24 | (other >> 2) << 19;
                    all.extend([0, 0x10].map(|flags| vec![("fpcr", control), ("fpsr", flags)]));
                }
            }
        }
        Guest::X86_64 if x87 => {
            for rounding in 0..4 {
                for precision in [0, 2, 3] {
                    all.push(vec![("fcw", rounding << 10 | precision << 8 | 0x7f)]);
                }
                all.push(vec![("fcw", rounding << 10 | 0x340)]);
            }
        }
        Guest::X86_64 => {
            for rounding in 0..4 {
                for flush in [0, 1 << 15, 1 << 6, 1 << 15 | 1 << 6] {
                    let control = rounding << 13 | flush | 0x1f80;
                    all.extend([0, 0x20].map(|flags| vec![("mxcsr", control | flags)]));
                }
                all.push(vec![("mxcsr", rounding << 13)]);
            }
        }
    }
    all
}
