//! The table of 32-bit instructions, and the search in it.
//!
//! A row is: variant, name, bit string, operands as printed. Rows stand under their extension and the section of the
//! manual (The RISC-V Instruction Set Manual, Volume I) that describes them. In a bit string `0` and `1` are fixed;
//! letters are fields: `d` rd, `a` rs1, `b` rs2, `c` rs3, `r` rounding mode, `q` aq, `l` rl, `z` the 5-bit immediate in
//! the place of rs1, `n` CSR number, `f` the three fields of a fence, `x` ignored bits, and the immediates `i`
//! (I-type), `s` (S-type), `p` (B-type), `u` (U-type), `j` (J-type), `h` (6-bit shift amount), `w` (5-bit shift amount).
//! Spaces are for the eye.
//!
//! Rows never overlap, except in rounding modes 5 and 6, which are reserved everywhere.

mod rows;

pub use rows::{Op, ROWS};

/// The extension that an instruction belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the extensions' names")]
pub enum Extension {
    I,
    M,
    A,
    F,
    D,
    C,
    Zicsr,
    Zifencei,
    Zba,
    Zbb,
    Zbs,
    Zicond,
}

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// The instruction.
    pub op: Op,
    /// Its name in the manual, in lower case: `amoadd.w`.
    pub name: &'static str,
    /// The bit string as written in the table.
    pub pattern: &'static str,
    /// The operands as printed; see [`text`](super::text).
    pub operands: &'static str,
    /// The extension that brings it.
    pub extension: Extension,
    /// The section of the manual that describes it.
    pub section: &'static str,
}

impl Row {
    /// A random encoding of this row: the fields are taken from `random`, reserved values are left out.
    pub fn sample(&self, mut random: impl FnMut() -> u32) -> u32 {
        let fixed = Pattern::parse(self.pattern);
        loop {
            let word = fixed.value | random() & !fixed.mask;
            if matches!(super::decode_word(word), Ok(insn) if insn.op == self.op) {
                return word;
            }
        }
    }
}

impl Op {
    /// The instruction's row in the table.
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

/// Which immediate an instruction carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Imm {
    None,
    I,
    S,
    B,
    U,
    J,
    Shift6,
    Shift5,
    /// Bits 31-20 unsigned: a CSR number, or the fields of a fence.
    High12,
}

impl Imm {
    /// Take the immediate out of an instruction.
    // PERF: formats follow each other without a pattern, so that a match over them is mispredicted; gathering by
    // table has no branch.
    #[inline]
    pub(super) fn of(self, word: u32) -> i32 {
        let Gather { shift, keep, pieces } = &GATHERS[self as usize];
        let signed = (word as i32) >> shift & keep;
        pieces.iter().fold(signed, |value, &(rotate, keep)| value | word.rotate_right(rotate) as i32 & keep)
    }
}

/// How an immediate is put together: the instruction shifted right with its sign, and rotated right, each with the
/// bits that it gives.
struct Gather {
    shift: u32,
    keep: i32,
    pieces: [(u32, i32); 3],
}

const fn gather(shift: u32, keep: i32, pieces: [(u32, i32); 3]) -> Gather {
    Gather { shift, keep, pieces }
}

/// In the order of [`Imm`].
static GATHERS: [Gather; 9] = [
    gather(0, 0, [(0, 0); 3]),
    gather(20, !0, [(0, 0); 3]),
    gather(20, !0x1f, [(7, 0x1f), (0, 0), (0, 0)]),
    gather(20, !0x81f, [(7, 0x1e), (28, 0x800), (0, 0)]),
    gather(0, !0xfff, [(0, 0); 3]),
    gather(11, !0xf_ffff, [(0, 0xf_f000), (9, 0x800), (20, 0x7fe)]),
    gather(20, 0x3f, [(0, 0); 3]),
    gather(20, 0x1f, [(0, 0); 3]),
    gather(20, 0xfff, [(0, 0); 3]),
];

/// Which fields an instruction has: for registers and rounding mode the mask of the field's width, or zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub rd: u8,
    pub rs1: u8,
    pub rs2: u8,
    pub rs3: u8,
    pub rm: u8,
    pub imm: Imm,
}

/// A bit string taken apart.
#[derive(Clone, Copy)]
struct Pattern {
    mask: u32,
    value: u32,
    fields: Fields,
}

impl Pattern {
    const fn parse(text: &str) -> Pattern {
        let text = text.as_bytes();
        let mut fields = Fields { rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, imm: Imm::None };
        let (mut mask, mut value, mut bits) = (0u32, 0u32, 0);
        let mut at = 0;
        while at < text.len() {
            let c = text[at];
            at += 1;
            if c == b' ' {
                continue;
            }
            mask <<= 1;
            value <<= 1;
            bits += 1;
            match c {
                b'0' => mask |= 1,
                b'1' => {
                    mask |= 1;
                    value |= 1;
                }
                b'd' => fields.rd = 0x1f,
                b'a' | b'z' => fields.rs1 = 0x1f,
                b'b' => fields.rs2 = 0x1f,
                b'c' => fields.rs3 = 0x1f,
                b'r' => fields.rm = 7,
                b'i' => fields.imm = Imm::I,
                b's' => fields.imm = Imm::S,
                b'p' => fields.imm = Imm::B,
                b'u' => fields.imm = Imm::U,
                b'j' => fields.imm = Imm::J,
                b'h' => fields.imm = Imm::Shift6,
                b'w' => fields.imm = Imm::Shift5,
                b'n' | b'f' => fields.imm = Imm::High12,
                b'q' | b'l' | b'x' => {}
                _ => panic!("unknown letter in a bit string"),
            }
        }
        assert!(bits == 32, "a bit string has 32 bits");
        Pattern { mask, value, fields }
    }
}

/// What the decoder looks at; the printable part of a row stays out of the cache.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    mask: u32,
    value: u32,
    pub op: Op,
    pub fields: Fields,
}

/// `OP-FP` keeps its function in bits 31-25 and the rounding mode where the other opcodes have their function.
const OP_FP: u32 = 0b10100;
const BUCKETS: usize = 256 + 128;

/// The bucket of an instruction: opcode and bits 14-12, or bits 31-25 for `OP-FP`.
#[inline]
const fn bucket(word: u32) -> usize {
    let opcode = word >> 2 & 0x1f;
    if opcode == OP_FP { 256 + (word >> 25) as usize } else { (opcode | (word >> 12 & 7) << 5) as usize }
}

/// Whether an instruction with this pattern can fall into `wanted`.
const fn meets(pattern: &Pattern, wanted: usize) -> bool {
    // Three bits of a pattern may be open: bits 14-12 of `lui`, `jal` and the fused multiply-adds.
    let mut function = 0;
    while function < 8 {
        let word = pattern.value | function << 12 & !pattern.mask;
        if bucket(word) == wanted {
            return true;
        }
        function += 1;
    }
    false
}

const fn count() -> usize {
    let (mut total, mut row) = (0, 0);
    while row < ROWS.len() {
        let pattern = Pattern::parse(ROWS[row].pattern);
        let opcode = pattern.value >> 2 & 0x1f;
        // Opcode bits 6-2 are fixed in every row; see `meets` for the open ones.
        total += if opcode == OP_FP { 1 } else { 1 << (!pattern.mask >> 12 & 7).count_ones() };
        row += 1;
    }
    total
}

struct Index {
    entries: [Entry; count()],
    /// `entries[starts[b]..starts[b + 1]]` is bucket `b`.
    starts: [u16; BUCKETS + 1],
}

static INDEX: Index = {
    let none = Fields { rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, imm: Imm::None };
    let mut patterns = [Pattern { mask: 0, value: 0, fields: none }; ROWS.len()];
    let mut row = 0;
    while row < ROWS.len() {
        patterns[row] = Pattern::parse(ROWS[row].pattern);
        row += 1;
    }
    let mut entries = [Entry { mask: 0, value: 0, op: ROWS[0].op, fields: none }; count()];
    let mut starts = [0; BUCKETS + 1];
    let (mut filled, mut wanted) = (0, 0);
    while wanted < BUCKETS {
        starts[wanted] = filled as u16;
        let mut row = 0;
        while row < ROWS.len() {
            let pattern = &patterns[row];
            if meets(pattern, wanted) {
                entries[filled] = Entry {
                    mask: pattern.mask,
                    value: pattern.value,
                    op: ROWS[row].op,
                    fields: pattern.fields,
                };
                filled += 1;
            }
            row += 1;
        }
        wanted += 1;
    }
    starts[BUCKETS] = filled as u16;
    assert!(filled == count());
    Index { entries, starts }
};

/// The row that a 32-bit instruction belongs to.
#[inline]
pub(super) fn find(word: u32) -> Option<&'static Entry> {
    let bucket = bucket(word);
    let (start, end) = (INDEX.starts[bucket] as usize, INDEX.starts[bucket + 1] as usize);
    INDEX.entries[start..end].iter().find(|entry| word & entry.mask == entry.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_their_op() {
        for (position, row) in ROWS.iter().enumerate() {
            assert_eq!(row.op as usize, position, "{}", row.name);
            assert_eq!(row.op.row().name, row.name);
        }
    }

    #[test]
    fn rows_do_not_overlap() {
        for (position, first) in ROWS.iter().enumerate() {
            for second in &ROWS[position + 1..] {
                let (a, b) = (Pattern::parse(first.pattern), Pattern::parse(second.pattern));
                let both = a.mask & b.mask;
                assert_ne!(a.value & both, b.value & both, "{} and {} overlap", first.name, second.name);
                assert_ne!(first.name, second.name);
            }
        }
    }
}
