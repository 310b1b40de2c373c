//! The 16-bit forms: a table like [`table`](super::table), whose rows say what each expands to.
//!
//! A row is: variant, name, bit string, immediate, operands as printed, expansion. In a bit string `d` stands for a
//! register field that may hold anything and `i` for immediate bits; written as capitals, the field must not be zero
//! (the manual's `rd≠0` and `nzimm`). The immediate is written as in the manual: `"5:4|9:6|2|3"` says which bits of
//! the immediate the `i`s hold, from left to right; `signed` extends its highest bit. The first row that fits counts,
//! which keeps `c.addi16sp` and `c.lui` apart.

use super::{Insn, Op};
use crate::DecodeError;

/// Where a register number comes from.
#[derive(Clone, Copy)]
struct Register {
    shift: u8,
    mask: u8,
    base: u8,
}

/// The field of bits 11-7.
const WIDE: Register = Register { shift: 7, mask: 0x1f, base: 0 };
/// The field of bits 6-2.
const LOW: Register = Register { shift: 2, mask: 0x1f, base: 0 };
/// The field of bits 9-7, registers 8-15.
const MIDDLE3: Register = Register { shift: 7, mask: 7, base: 8 };
/// The field of bits 4-2, registers 8-15.
const LOW3: Register = Register { shift: 2, mask: 7, base: 8 };
const ZERO: Register = fixed(0);
const RA: Register = fixed(1);
const SP: Register = fixed(2);

const fn fixed(base: u8) -> Register {
    Register { shift: 0, mask: 0, base }
}

impl Register {
    #[inline]
    fn of(self, half: u16) -> u8 {
        ((half >> self.shift) as u8 & self.mask) + self.base
    }
}

/// One row of the table of 16-bit forms.
#[derive(Debug)]
pub struct Row {
    /// The form's name in the manual, in lower case: `c.addi16sp`.
    pub name: &'static str,
    /// The bit string as written in the table.
    pub pattern: &'static str,
    /// The operands as printed; see [`text`](super::text).
    pub operands: &'static str,
    /// The instruction that it expands to.
    pub expands_to: Op,
    /// The section of the manual that describes it.
    pub section: &'static str,
}

impl Row {
    /// A random encoding of this row: the fields are taken from `random`, reserved values are left out.
    pub fn sample(&'static self, mut random: impl FnMut() -> u32) -> u16 {
        let fixed = Pattern::parse(self.pattern);
        loop {
            let half = fixed.value | random() as u16 & !fixed.mask;
            if row_of(half).is_some_and(|row| std::ptr::eq(row, self)) {
                return half;
            }
        }
    }
}

/// What the decoder looks at.
struct Entry {
    mask: u16,
    value: u16,
    /// Fields that may not be zero, as masks; `0xffff` where nothing is asked.
    not_zero: [u16; 2],
    op: Op,
    rd: Register,
    rs1: Register,
    rs2: Register,
    imm: Immediate,
}

impl Entry {
    #[inline]
    fn fits(&self, half: u16) -> bool {
        half & self.mask == self.value && half & self.not_zero[0] != 0 && half & self.not_zero[1] != 0
    }
}

macro_rules! forms {
    ($($section:literal: { $(
        $name:literal $pattern:literal $sign:ident $imm:literal $operands:literal
        => $op:ident $rd:ident $rs1:ident $rs2:ident
    )* })*) => {
        /// Every 16-bit form, in the order of decoding.
        pub static ROWS: [Row; [$($($name),*),*].len()] = [$($(
            Row {
                name: $name,
                pattern: $pattern,
                operands: $operands,
                expands_to: Op::$op,
                section: $section,
            },
        )*)*];

        static ENTRIES: [Entry; ROWS.len()] = [$($({
            const PATTERN: Pattern = Pattern::parse($pattern);
            Entry {
                mask: PATTERN.mask,
                value: PATTERN.value,
                not_zero: PATTERN.not_zero,
                op: Op::$op,
                rd: $rd,
                rs1: $rs1,
                rs2: $rs2,
                imm: Immediate::parse(PATTERN.immediate, $imm, Sign::$sign),
            }
        },)*)*];
    };
}

// The columns after `=>`: op, rd, rs1, rs2.
forms! {
    "Stack-Pointer-Based Loads and Stores": {
        "c.lwsp"     "010 i DDDDD iiiii 10" unsigned "5|4:2|7:6"           "rd, imm(rs1)"   => Lw WIDE SP ZERO
        "c.ldsp"     "011 i DDDDD iiiii 10" unsigned "5|4:3|8:6"           "rd, imm(rs1)"   => Ld WIDE SP ZERO
        "c.fldsp"    "001 i ddddd iiiii 10" unsigned "5|4:3|8:6"           "fd, imm(rs1)"   => Fld WIDE SP ZERO
        "c.swsp"     "110 iiiiii ddddd 10"  unsigned "5:2|7:6"             "rs2, imm(rs1)"  => Sw ZERO SP LOW
        "c.sdsp"     "111 iiiiii ddddd 10"  unsigned "5:3|8:6"             "rs2, imm(rs1)"  => Sd ZERO SP LOW
        "c.fsdsp"    "101 iiiiii ddddd 10"  unsigned "5:3|8:6"             "fs2, imm(rs1)"  => Fsd ZERO SP LOW
    }
    "Register-Based Loads and Stores": {
        "c.lw"       "010 iii ddd ii ddd 00" unsigned "5:3|2|6"            "rd, imm(rs1)"   => Lw LOW3 MIDDLE3 ZERO
        "c.ld"       "011 iii ddd ii ddd 00" unsigned "5:3|7:6"            "rd, imm(rs1)"   => Ld LOW3 MIDDLE3 ZERO
        "c.fld"      "001 iii ddd ii ddd 00" unsigned "5:3|7:6"            "fd, imm(rs1)"   => Fld LOW3 MIDDLE3 ZERO
        "c.sw"       "110 iii ddd ii ddd 00" unsigned "5:3|2|6"            "rs2, imm(rs1)"  => Sw ZERO MIDDLE3 LOW3
        "c.sd"       "111 iii ddd ii ddd 00" unsigned "5:3|7:6"            "rs2, imm(rs1)"  => Sd ZERO MIDDLE3 LOW3
        "c.fsd"      "101 iii ddd ii ddd 00" unsigned "5:3|7:6"            "fs2, imm(rs1)"  => Fsd ZERO MIDDLE3 LOW3
    }
    "Control Transfer Instructions": {
        "c.j"        "101 iiiiiiiiiii 01"    signed "11|4|9:8|10|6|7|3:1|5" "target"        => Jal ZERO ZERO ZERO
        "c.jr"       "100 0 DDDDD 00000 10"  unsigned ""                   "rs1"            => Jalr ZERO WIDE ZERO
        "c.jalr"     "100 1 DDDDD 00000 10"  unsigned ""                   "rs1"            => Jalr RA WIDE ZERO
        "c.beqz"     "110 iii ddd iiiii 01"  signed "8|4:3|7:6|2:1|5"      "rs1, target"    => Beq ZERO MIDDLE3 ZERO
        "c.bnez"     "111 iii ddd iiiii 01"  signed "8|4:3|7:6|2:1|5"      "rs1, target"    => Bne ZERO MIDDLE3 ZERO
    }
    "Integer Constant-Generation Instructions": {
        "c.li"       "010 i ddddd iiiii 01"  signed "5|4:0"                "rd, imm"        => Addi WIDE ZERO ZERO
        "c.addi16sp" "011 I 00010 IIIII 01"  signed "9|4|6|8:7|5"          "rd, imm"        => Addi SP SP ZERO
        "c.lui"      "011 I ddddd IIIII 01"  signed "17|16:12"             "rd, upper"      => Lui WIDE ZERO ZERO
    }
    "Integer Register-Immediate Operations": {
        "c.addi"     "000 i DDDDD iiiii 01"  signed "5|4:0"                "rd, imm"        => Addi WIDE WIDE ZERO
        "c.addiw"    "001 i DDDDD iiiii 01"  signed "5|4:0"                "rd, imm"        => Addiw WIDE WIDE ZERO
        "c.addi4spn" "000 IIIIIIII ddd 00"   unsigned "5:4|9:6|2|3"        "rd, rs1, imm"   => Addi LOW3 SP ZERO
        "c.slli"     "000 I ddddd IIIII 10"  unsigned "5|4:0"              "rd, imm"        => Slli WIDE WIDE ZERO
        "c.slli64"   "000 0 ddddd 00000 10"  unsigned ""                   "rd"             => Slli WIDE WIDE ZERO
        "c.srli"     "100 I 00 ddd IIIII 01" unsigned "5|4:0"              "rd, imm"        => Srli MIDDLE3 MIDDLE3 ZERO
        "c.srli64"   "100 0 00 ddd 00000 01" unsigned ""                   "rd"             => Srli MIDDLE3 MIDDLE3 ZERO
        "c.srai"     "100 I 01 ddd IIIII 01" unsigned "5|4:0"              "rd, imm"        => Srai MIDDLE3 MIDDLE3 ZERO
        "c.srai64"   "100 0 01 ddd 00000 01" unsigned ""                   "rd"             => Srai MIDDLE3 MIDDLE3 ZERO
        "c.andi"     "100 i 10 ddd iiiii 01" signed "5|4:0"                "rd, imm"        => Andi MIDDLE3 MIDDLE3 ZERO
    }
    "Integer Register-Register Operations": {
        "c.mv"       "100 0 ddddd DDDDD 10"  unsigned ""                   "rd, rs2"        => Add WIDE ZERO LOW
        "c.add"      "100 1 ddddd DDDDD 10"  unsigned ""                   "rd, rs2"        => Add WIDE WIDE LOW
        "c.and"      "100 0 11 ddd 11 ddd 01" unsigned ""                  "rd, rs2"        => And MIDDLE3 MIDDLE3 LOW3
        "c.or"       "100 0 11 ddd 10 ddd 01" unsigned ""                  "rd, rs2"        => Or MIDDLE3 MIDDLE3 LOW3
        "c.xor"      "100 0 11 ddd 01 ddd 01" unsigned ""                  "rd, rs2"        => Xor MIDDLE3 MIDDLE3 LOW3
        "c.sub"      "100 0 11 ddd 00 ddd 01" unsigned ""                  "rd, rs2"        => Sub MIDDLE3 MIDDLE3 LOW3
        "c.addw"     "100 1 11 ddd 01 ddd 01" unsigned ""                  "rd, rs2"        => Addw MIDDLE3 MIDDLE3 LOW3
        "c.subw"     "100 1 11 ddd 00 ddd 01" unsigned ""                  "rd, rs2"        => Subw MIDDLE3 MIDDLE3 LOW3
    }
    "NOP Instruction": {
        "c.nop"      "000 i 00000 iiiii 01"  signed "5|4:0"                "hint"           => Addi ZERO ZERO ZERO
    }
    "Breakpoint Instruction": {
        "c.ebreak"   "100 1 00000 00000 10"  unsigned ""                   ""               => Ebreak ZERO ZERO ZERO
    }
}

/// A bit string taken apart.
#[derive(Clone, Copy)]
struct Pattern {
    mask: u16,
    value: u16,
    not_zero: [u16; 2],
    immediate: u16,
}

impl Pattern {
    const fn parse(text: &str) -> Pattern {
        let text = text.as_bytes();
        let mut pattern = Pattern { mask: 0, value: 0, not_zero: [0xffff; 2], immediate: 0 };
        let (mut at, mut bit) = (0, 16);
        let (mut register, mut immediate) = (0, 0);
        while at < text.len() {
            let c = text[at];
            at += 1;
            if c == b' ' {
                continue;
            }
            bit -= 1;
            let this = 1 << bit;
            match c {
                b'0' => pattern.mask |= this,
                b'1' => {
                    pattern.mask |= this;
                    pattern.value |= this;
                }
                b'd' => {}
                b'D' => register |= this,
                b'i' => pattern.immediate |= this,
                b'I' => {
                    pattern.immediate |= this;
                    immediate |= this;
                }
                _ => panic!("unknown letter in a bit string"),
            }
        }
        assert!(bit == 0, "a bit string has 16 bits");
        if register != 0 {
            pattern.not_zero[0] = register;
        }
        if immediate != 0 {
            pattern.not_zero[1] = immediate;
        }
        // `0xffff` asks that the form is not 0x0000, which must be true of whatever the row covers.
        assert!(register != 0 || immediate != 0 || pattern.value != 0);
        pattern
    }
}

#[derive(Clone, Copy, PartialEq)]
#[expect(non_camel_case_types, reason = "written in the table as a keyword")]
enum Sign {
    signed,
    unsigned,
}

/// A run of immediate bits: the instruction rotated left, and the bits that it gives.
#[derive(Clone, Copy)]
struct Run {
    rotate: u32,
    keep: u32,
}

/// How to gather a scattered immediate.
#[derive(Clone, Copy)]
struct Immediate {
    runs: [Run; 8],
    /// Shift left, then arithmetically right, by this much to extend the sign; zero for unsigned ones.
    extend: u8,
}

impl Immediate {
    /// `bits` are the immediate's bits in the instruction, `text` says which bits of the value they are.
    const fn parse(bits: u16, text: &str, sign: Sign) -> Immediate {
        let text = text.as_bytes();
        let mut result = Immediate { runs: [Run { rotate: 0, keep: 0 }; 8], extend: 0 };
        let (mut at, mut left, mut top, mut count) = (0, bits, 0, 0);
        while at < text.len() {
            let (high, next) = number(text, at);
            at = next;
            let mut low = high;
            if at < text.len() && text[at] == b':' {
                (low, at) = number(text, at + 1);
            }
            if at < text.len() {
                assert!(text[at] == b'|');
                at += 1;
            }
            if high > top {
                top = high;
            }
            // One run may lie in two pieces of the instruction: cut it at the gap.
            let mut value_bit = high;
            while value_bit >= low {
                let bit = 15 - left.leading_zeros() as i8;
                let mut keep = 0;
                let shift = value_bit - bit;
                while value_bit >= low && value_bit - shift >= 0 && left >> (value_bit - shift) & 1 == 1 {
                    keep |= 1 << value_bit;
                    left &= !(1 << (value_bit - shift));
                    value_bit -= 1;
                }
                assert!(keep != 0, "the immediate names more bits than the bit string has");
                result.runs[count] = Run { rotate: shift as u32 & 31, keep };
                count += 1;
            }
        }
        assert!(left == 0, "the immediate names fewer bits than the bit string has");
        if matches!(sign, Sign::signed) {
            result.extend = 31 - top as u8;
        }
        result
    }

    // PERF: always eight runs, most of them empty: a loop of changing length is mispredicted.
    #[inline]
    fn of(&self, half: u16) -> i32 {
        let half = u32::from(half);
        let value = self.runs.iter().fold(0, |value, run| value | half.rotate_left(run.rotate) & run.keep);
        (value as i32) << self.extend >> self.extend
    }
}

const fn number(text: &[u8], mut at: usize) -> (i8, usize) {
    let mut value = 0;
    while at < text.len() && text[at].is_ascii_digit() {
        value = value * 10 + (text[at] - b'0') as i8;
        at += 1;
    }
    (value, at)
}

/// The bits that tell most forms apart, and how many buckets they make.
const KEY: u16 = 0b1111_1100_0110_0011;
const BUCKETS: usize = 1024;

/// The bits of [`KEY`], close together.
#[inline]
const fn bucket(half: u16) -> usize {
    let half = half as usize;
    (half & 3) << 8 | (half >> 13) << 5 | (half >> 10 & 7) << 2 | half >> 5 & 3
}

/// Whether a form with this pattern can fall into the bucket of `key`.
const fn meets(pattern: &Pattern, key: u16) -> bool {
    (pattern.value ^ key) & pattern.mask & KEY == 0
}

const fn count() -> usize {
    let (mut total, mut row) = (0, 0);
    while row < ROWS.len() {
        total += 1 << (KEY & !Pattern::parse(ROWS[row].pattern).mask).count_ones();
        row += 1;
    }
    total
}

struct Index {
    /// Positions in the table, bucket by bucket.
    rows: [u8; count()],
    /// `rows[starts[b]..starts[b + 1]]` is bucket `b`.
    starts: [u16; BUCKETS + 1],
}

static INDEX: Index = {
    const NONE: Pattern = Pattern { mask: 0, value: 0, not_zero: [0; 2], immediate: 0 };
    let mut patterns = [NONE; ROWS.len()];
    let mut row = 0;
    while row < ROWS.len() {
        patterns[row] = Pattern::parse(ROWS[row].pattern);
        row += 1;
    }
    let mut index = Index { rows: [0; count()], starts: [0; BUCKETS + 1] };
    let (mut filled, mut wanted) = (0, 0);
    while wanted < BUCKETS {
        index.starts[wanted] = filled as u16;
        let key =
            (wanted >> 8 & 3 | (wanted >> 5 & 7) << 13 | (wanted >> 2 & 7) << 10 | (wanted & 3) << 5) as u16;
        assert!(bucket(key) == wanted);
        let mut row = 0;
        while row < ROWS.len() {
            if meets(&patterns[row], key) {
                index.rows[filled] = row as u8;
                filled += 1;
            }
            row += 1;
        }
        wanted += 1;
    }
    index.starts[BUCKETS] = filled as u16;
    assert!(filled == count());
    index
};

#[inline]
fn position(half: u16) -> Option<usize> {
    let bucket = bucket(half);
    let (start, end) = (INDEX.starts[bucket] as usize, INDEX.starts[bucket + 1] as usize);
    INDEX.rows[start..end].iter().map(|row| *row as usize).find(|row| ENTRIES[*row].fits(half))
}

/// The row that a 16-bit instruction belongs to.
pub fn row_of(half: u16) -> Option<&'static Row> {
    position(half).map(|row| &ROWS[row])
}

/// Decode a 16-bit instruction into its expansion.
#[inline]
pub(super) fn decode(half: u16) -> Result<Insn, DecodeError> {
    let entry = &ENTRIES[position(half).ok_or(DecodeError::Illegal)?];
    Ok(Insn {
        op: entry.op,
        rd: entry.rd.of(half),
        rs1: entry.rs1.of(half),
        rs2: entry.rs2.of(half),
        rs3: 0,
        rm: 0,
        len: 2,
        imm: entry.imm.of(half),
        raw: half.into(),
    })
}
