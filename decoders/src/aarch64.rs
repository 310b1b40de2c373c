//! A64: words to instructions.
//!
//! A table of encodings over the raw word, one file per section of the manual's "A64 instruction set encoding", decides
//! what is an instruction. An [`Insn`] is the word and the row's [`Op`]; operands are read from the word. What no row
//! covers is [`DecodeError::Illegal`], and a CPU without those extensions raises *undefined instruction* for it: SVE, SME,
//! MTE, and what came after Armv8.6 have no rows.
//!
//! Constrained-unpredictable cases (a load into its own base register with write-back, for example) decode: what they do
//! is the lifter's choice. Which of the system registers and PSTATE fields exist is the lifter's business too.

mod branch;
mod condition;
mod crypto;
mod float;
mod immediate;
mod memory;
mod register;
mod table;
#[cfg(feature = "text")]
mod text;
mod vector_different;
mod vector_element;
mod vector_misc;
mod vector_move;
mod vector_same;
mod vector_shift;

use crate::DecodeError;

pub use branch::Branch;
pub use crypto::Crypto;
pub use float::Float;
pub use immediate::Immediate;
pub use memory::Memory;
pub use register::Register;
pub use table::Row;
#[cfg(feature = "text")]
pub use text::text;
pub use vector_different::VectorDifferent;
pub use vector_element::VectorElement;
pub use vector_misc::VectorMisc;
pub use vector_move::VectorMove;
pub use vector_same::VectorSame;
pub use vector_shift::VectorShift;

/// An instruction or encoding class, by section of the manual.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// Data processing, immediate.
    Immediate(Immediate),
    /// Branches, exception generation and system instructions.
    Branch(Branch),
    /// Loads and stores.
    Memory(Memory),
    /// Data processing, register.
    Register(Register),
    /// Scalar floating point.
    Float(Float),
    /// Advanced SIMD, three vectors of the same arrangement.
    VectorSame(VectorSame),
    /// Advanced SIMD, three vectors of different arrangements.
    VectorDifferent(VectorDifferent),
    /// Advanced SIMD, vector by indexed element.
    VectorElement(VectorElement),
    /// Advanced SIMD, one source vector.
    VectorMisc(VectorMisc),
    /// Advanced SIMD, shifts by immediate.
    VectorShift(VectorShift),
    /// Advanced SIMD, moves of lanes.
    VectorMove(VectorMove),
    /// Cryptographic extension.
    Crypto(Crypto),
}

/// What a CPU has beyond Armv8.0 with floating point and Advanced SIMD.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Extension {
    /// Armv8.0-A with floating point and Advanced SIMD.
    Base,
    /// FEAT_CRC32.
    Crc32,
    /// FEAT_LSE: atomic memory operations.
    Lse,
    /// FEAT_LOR: limited ordering regions.
    Lor,
    /// FEAT_LRCPC: LDAPR.
    Rcpc,
    /// FEAT_LRCPC2: LDAPUR, STLUR.
    Rcpc2,
    /// FEAT_PAuth, without the instructions in the hint space.
    PAuth,
    /// FEAT_FlagM.
    FlagM,
    /// FEAT_FlagM2.
    FlagM2,
    /// FEAT_SB.
    Sb,
    /// FEAT_FP16.
    Fp16,
    /// FEAT_FHM: FMLAL, FMLSL.
    Fhm,
    /// FEAT_JSCVT.
    JsCvt,
    /// FEAT_FRINTTS.
    FrintTs,
    /// FEAT_FCMA: complex numbers.
    Fcma,
    /// FEAT_FCMA with FEAT_FP16: complex numbers of half precision.
    Fp16Fcma,
    /// FEAT_RDM: SQRDMLAH, SQRDMLSH.
    Rdm,
    /// FEAT_DotProd.
    DotProd,
    /// FEAT_BF16.
    Bf16,
    /// FEAT_I8MM.
    I8mm,
    /// FEAT_AES and FEAT_PMULL.
    Aes,
    /// FEAT_SHA1.
    Sha1,
    /// FEAT_SHA256.
    Sha256,
    /// FEAT_SHA512.
    Sha512,
    /// FEAT_SHA3.
    Sha3,
    /// FEAT_SM3.
    Sm3,
    /// FEAT_SM4.
    Sm4,
}

/// A decoded instruction: the word, and what it is. Operands are fields of the word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Insn {
    /// The instruction word.
    pub word: u32,
    /// What it is.
    pub op: Op,
    /// What a CPU must have for it.
    pub extension: Extension,
}

impl Insn {
    /// Every instruction has 4 bytes.
    pub const LENGTH: u8 = 4;

    /// `count` bits from `low` up, zero-extended.
    #[inline]
    pub const fn bits(self, low: u32, count: u32) -> u32 {
        condition::bits(self.word, low, count)
    }

    /// `count` bits from `low` up, sign-extended.
    #[inline]
    pub const fn signed(self, low: u32, count: u32) -> i64 {
        ((self.word as i64) << (64 - low - count)) >> (64 - count)
    }

    /// Whether bit `at` is set.
    #[inline]
    pub const fn bit(self, at: u32) -> bool {
        self.word >> at & 1 != 0
    }

    /// Rd or Rt: bits 4..0.
    #[inline]
    pub const fn rd(self) -> u8 {
        self.bits(0, 5) as u8
    }

    /// Rn: bits 9..5.
    #[inline]
    pub const fn rn(self) -> u8 {
        self.bits(5, 5) as u8
    }

    /// Rm or Rs: bits 20..16.
    #[inline]
    pub const fn rm(self) -> u8 {
        self.bits(16, 5) as u8
    }

    /// Ra or Rt2: bits 14..10.
    #[inline]
    pub const fn ra(self) -> u8 {
        self.bits(10, 5) as u8
    }

    /// `sf`, bit 31: 64-bit registers.
    #[inline]
    pub const fn sf(self) -> bool {
        self.bit(31)
    }

    /// `Q`, bit 30: 128-bit vectors.
    #[inline]
    pub const fn q(self) -> bool {
        self.bit(30)
    }

    /// `U`, bit 29 of Advanced SIMD instructions.
    #[inline]
    pub const fn u(self) -> bool {
        self.bit(29)
    }

    /// Bit 28 of Advanced SIMD instructions: a scalar form.
    #[inline]
    pub const fn is_scalar(self) -> bool {
        self.bit(28)
    }

    /// `size`, bits 23..22 of Advanced SIMD instructions.
    #[inline]
    pub const fn size(self) -> u32 {
        self.bits(22, 2)
    }

    /// The encoding that the instruction has.
    pub fn row(self) -> &'static Row {
        row_of(self.word).expect("an Insn is made from a row")
    }
}

const SECTIONS: [&[Row]; 12] = [
    immediate::ROWS,
    branch::ROWS,
    memory::ROWS,
    register::ROWS,
    float::ROWS,
    vector_same::ROWS,
    vector_different::ROWS,
    vector_element::ROWS,
    vector_misc::ROWS,
    vector_shift::ROWS,
    vector_move::ROWS,
    crypto::ROWS,
];

const ROW_COUNT: usize = {
    let (mut count, mut section) = (0, 0);
    while section < SECTIONS.len() {
        count += SECTIONS[section].len();
        section += 1;
    }
    count
};

static ROWS: [Row; ROW_COUNT] = {
    let mut rows = [SECTIONS[0][0]; ROW_COUNT];
    let (mut next, mut section) = (0, 0);
    while section < SECTIONS.len() {
        let mut row = 0;
        while row < SECTIONS[section].len() {
            rows[next] = SECTIONS[section][row];
            next += 1;
            row += 1;
        }
        section += 1;
    }
    rows
};

static INDEX: table::Index<{ table::entries(&ROWS) }> = table::Index::new(&ROWS);

#[inline]
fn row_of(word: u32) -> Option<&'static Row> {
    INDEX.candidates(word).iter().map(|&row| &ROWS[row as usize]).find(|row| row.matches(word))
}

/// What decoding looks at, apart from the text of the rows.
// PERF: 24 bytes a row instead of 96 keep the table in the first-level cache.
static MATCHERS: [Matcher; ROW_COUNT] = {
    let mut matchers = [Matcher::of(&ROWS[0]); ROW_COUNT];
    let mut row = 0;
    while row < ROW_COUNT {
        matchers[row] = Matcher::of(&ROWS[row]);
        row += 1;
    }
    matchers
};

#[derive(Clone, Copy)]
struct Matcher {
    mask: u32,
    value: u32,
    condition: fn(u32) -> bool,
    op: Op,
    extension: Extension,
}

impl Matcher {
    const fn of(row: &Row) -> Self {
        let Row { op, extension, mask, value, condition, .. } = *row;
        Self { mask, value, condition, op, extension }
    }
}

/// All encodings, in order of precedence.
pub fn rows() -> &'static [Row] {
    &ROWS
}

/// Decodes the word in the first four of `bytes`. `pc` plays no part: A64 has one instruction set.
#[inline]
pub fn decode(bytes: &[u8], _pc: u64) -> Result<Insn, DecodeError> {
    let word = bytes.first_chunk().ok_or(DecodeError::NeedMore)?;
    decode_word(u32::from_le_bytes(*word))
}

/// Decodes an instruction word.
#[inline]
pub fn decode_word(word: u32) -> Result<Insn, DecodeError> {
    for &row in INDEX.candidates(word) {
        let row = &MATCHERS[row as usize];
        if word & row.mask == row.value && (row.condition)(word) {
            return Ok(Insn { word, op: row.op, extension: row.extension });
        }
    }
    Err(DecodeError::Illegal)
}
