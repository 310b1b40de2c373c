//! How encodings are written down, and the search structure made from them at compile time.
//!
//! A row is one encoding: 32 characters, `0` and `1` fixed, everything else a field, blanks ignored, and where the manual
//! reserves some values of a field, a condition. The first row that matches wins. Nothing outside of the table decides
//! whether a word is an instruction.

use super::{Extension, Op};

/// One encoding of an instruction or of an encoding class.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What the encoding decodes to.
    pub op: Op,
    /// The instruction, or the group of instructions, by the manual's name: `SHADD`, `ADD/SUB (immediate)`.
    pub name: &'static str,
    /// Title of the encoding class in the manual's index by encoding.
    pub class: &'static str,
    /// What a CPU must have for the encoding to be allocated.
    pub extension: Extension,
    /// The encoding from bit 31 to bit 0: `0`, `1`, a field's letter, and blanks without meaning.
    pub pattern: &'static str,
    /// The bits that are fixed.
    pub mask: u32,
    /// The values of the fixed bits.
    pub value: u32,
    /// False for the words with the right fixed bits that the manual reserves.
    pub condition: fn(u32) -> bool,
}

impl Row {
    /// Whether `word` is an instance of this encoding. (An earlier row may still have precedence.)
    #[inline]
    pub fn matches(&self, word: u32) -> bool {
        word & self.mask == self.value && (self.condition)(word)
    }

    /// A random word that decodes to this row: the fields are taken from `random`, reserved values are left out.
    pub fn sample(&self, mut random: impl FnMut() -> u32) -> u32 {
        loop {
            let word = self.value | random() & !self.mask;
            if super::row_of(word).is_some_and(|row| row.pattern == self.pattern && row.op == self.op) {
                return word;
            }
        }
    }
}

/// The fixed bits of a pattern and their values. A pattern that does not have 32 bits does not compile.
pub(super) const fn parse(pattern: &str) -> (u32, u32) {
    let text = pattern.as_bytes();
    let (mut mask, mut value, mut bits, mut at) = (0u32, 0u32, 0, 0);
    while at < text.len() {
        let c = text[at];
        at += 1;
        if c == b' ' {
            continue;
        }
        bits += 1;
        let fixed = (c == b'0' || c == b'1') as u32;
        mask = mask << 1 | fixed;
        value = value << 1 | (c == b'1') as u32;
    }
    assert!(bits == 32, "a pattern has 32 bits");
    (mask, value)
}

/// The condition of rows that reserve nothing.
pub(super) fn always(_: u32) -> bool {
    true
}

/// Declares a section of the manual: an enum of its instructions and the rows of their encodings.
macro_rules! section {
    (@condition) => { $crate::aarch64::table::always };
    (@condition $condition:expr) => { $condition };
    ($(#[$meta:meta])* $section:ident {
        $($class:literal {
            $($op:ident = $name:literal [$($extension:ident $pattern:literal $(if $condition:expr)?),+ $(,)?])+
        })+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $section {
            $($(#[doc = $name] $op,)+)+
        }

        /// The encodings of this section, in order of precedence.
        pub(super) const ROWS: &[$crate::aarch64::table::Row] = &[$($($({
            let (mask, value) = $crate::aarch64::table::parse($pattern);
            $crate::aarch64::table::Row {
                op: $crate::aarch64::Op::$section($section::$op),
                name: $name,
                class: $class,
                extension: $crate::aarch64::Extension::$extension,
                pattern: $pattern,
                mask,
                value,
                condition: $crate::aarch64::table::section!(@condition $($condition)?),
            }
        },)+)+)+];
    };
}
pub(super) use section;

/// The bits that select a bucket: 29..23, 21 and 13..10 tell most encodings apart.
const INDEX_MASK: u32 = 0x3fa0_3c00;
const BUCKETS: usize = 1 << 12;

/// The bucket of a word, or of the index bits of a pattern.
#[inline]
const fn bucket(word: u32) -> usize {
    ((word >> 23 & 0x7f) << 5 | (word >> 21 & 1) << 4 | word >> 10 & 0xf) as usize
}

/// Rows by bucket: `entries[starts[b]..starts[b + 1]]` are the numbers of the rows that a word of bucket `b` may be.
pub(super) struct Index<const ENTRIES: usize> {
    starts: [u16; BUCKETS + 1],
    entries: [u16; ENTRIES],
}

/// The next way to set the index bits that a row leaves open, after `free`. Ends with 0.
const fn next_free(free: u32, mask: u32) -> u32 {
    let open = INDEX_MASK & !mask;
    free.wrapping_sub(open) & open
}

/// Number of entries that an index of `rows` has.
pub(super) const fn entries(rows: &[Row]) -> usize {
    let (mut row, mut count) = (0, 0);
    while row < rows.len() {
        count += 1 << (INDEX_MASK & !rows[row].mask).count_ones();
        row += 1;
    }
    count
}

impl<const ENTRIES: usize> Index<ENTRIES> {
    pub(super) const fn new(rows: &[Row]) -> Self {
        let mut starts = [0u16; BUCKETS + 1];
        let mut row = 0;
        while row < rows.len() {
            let mut free = 0;
            loop {
                starts[bucket(rows[row].value | free) + 1] += 1;
                free = next_free(free, rows[row].mask);
                if free == 0 {
                    break;
                }
            }
            row += 1;
        }
        let mut b = 0;
        while b < BUCKETS {
            starts[b + 1] += starts[b];
            b += 1;
        }
        let mut entries = [0u16; ENTRIES];
        let mut next = starts;
        row = 0;
        while row < rows.len() {
            let mut free = 0;
            loop {
                let b = bucket(rows[row].value | free);
                entries[next[b] as usize] = row as u16;
                next[b] += 1;
                free = next_free(free, rows[row].mask);
                if free == 0 {
                    break;
                }
            }
            row += 1;
        }
        Self { starts, entries }
    }

    /// Numbers of the rows that `word` may be, in order of precedence.
    #[inline]
    pub(super) fn candidates(&self, word: u32) -> &[u16] {
        let b = bucket(word);
        &self.entries[self.starts[b] as usize..self.starts[b + 1] as usize]
    }
}
