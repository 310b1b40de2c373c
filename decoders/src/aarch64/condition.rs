//! What the manual reserves among the words that have an encoding's fixed bits.

/// `count` bits of `word` from `low` up.
#[inline]
pub(super) const fn bits(word: u32, low: u32, count: u32) -> u32 {
    word >> low & ((1 << count) - 1)
}

const fn bit(word: u32, at: u32) -> bool {
    word >> at & 1 != 0
}

/// `sf`: 64-bit registers.
const fn sf(word: u32) -> bool {
    bit(word, 31)
}

/// `Q`: 128-bit vectors.
const fn q(word: u32) -> bool {
    bit(word, 30)
}

const fn size(word: u32) -> u32 {
    bits(word, 22, 2)
}

/// A W register is shifted by less than 32.
pub(super) fn shift_fits(word: u32) -> bool {
    sf(word) || !bit(word, 15)
}

/// Additions and subtractions do not rotate.
pub(super) fn add_shift(word: u32) -> bool {
    bits(word, 22, 2) != 3 && shift_fits(word)
}

/// An extended register is shifted by at most 4.
pub(super) fn extend_shift(word: u32) -> bool {
    bits(word, 10, 3) <= 4
}

/// The bit mask exists: an element of ones and zeros, not all ones, within the register's size.
pub(super) fn bit_mask(word: u32) -> bool {
    let (n, imms) = (bits(word, 22, 1), bits(word, 10, 6));
    if n == 1 {
        return sf(word) && imms != 0x3f;
    }
    let inverted = !imms & 0x3f;
    // `inverted` below 2 would be an element of one bit; all ones below the leading bit, an element of ones only.
    inverted >= 2 && {
        let levels = (1u32 << (31 - inverted.leading_zeros())) - 1;
        imms & levels != levels
    }
}

/// MOVN, MOVZ, MOVK; a W register has two halfwords.
pub(super) fn move_wide(word: u32) -> bool {
    bits(word, 29, 2) != 1 && (sf(word) || bits(word, 21, 2) < 2)
}

/// SBFM, BFM, UBFM with both positions inside of the register.
pub(super) fn bitfield(word: u32) -> bool {
    bits(word, 29, 2) != 3 && bit(word, 22) == sf(word) && (sf(word) || !bit(word, 21) && !bit(word, 15))
}

/// EXTR with its position inside of the register.
pub(super) fn extract(word: u32) -> bool {
    bit(word, 22) == sf(word) && shift_fits(word)
}

/// CRC32 and CRC32C take an X register exactly for 64-bit data.
pub(super) fn crc(word: u32) -> bool {
    sf(word) == (bits(word, 10, 2) == 3)
}

/// Conversions between fixed point and floating point: at most as many fraction bits as the register has.
pub(super) fn fraction_fits(word: u32) -> bool {
    sf(word) || bit(word, 15)
}

/// FCVT to another precision.
pub(super) fn other_precision(word: u32) -> bool {
    bits(word, 15, 2) != bits(word, 22, 2) && bits(word, 15, 2) != 2 && bits(word, 22, 2) != 2
}

/// FRINT with one of the seven modes.
pub(super) fn rounding(word: u32) -> bool {
    bits(word, 15, 3) != 5
}

/// Loads and stores of one integer register: what sign extension leaves of size and opc. (Prefetches come first.)
pub(super) fn integer_transfer(word: u32) -> bool {
    match bits(word, 30, 2) {
        0 | 1 => true,
        2 => bits(word, 22, 2) != 3,
        _ => bits(word, 22, 2) < 2,
    }
}

/// Loads and stores of one SIMD and floating-point register: 8 to 64 bits, and 128 bits where size is 0.
pub(super) fn vector_transfer(word: u32) -> bool {
    !bit(word, 23) || bits(word, 30, 2) == 0
}

/// The offset register is extended from 32 or 64 bits.
pub(super) fn integer_offset(word: u32) -> bool {
    integer_transfer(word) && bit(word, 14)
}

/// As `integer_offset`, for SIMD and floating-point registers.
pub(super) fn vector_offset(word: u32) -> bool {
    vector_transfer(word) && bit(word, 14)
}

/// The offset register of a prefetch is extended from 32 or 64 bits.
pub(super) fn prefetch_offset(word: u32) -> bool {
    bit(word, 14)
}

/// CASP: both pairs begin with an even register.
pub(super) fn even_pairs(word: u32) -> bool {
    !bit(word, 16) && !bit(word, 0)
}

/// Pairs of W or X registers; LDPSW exists as a load only.
pub(super) fn integer_pair(word: u32) -> bool {
    match bits(word, 30, 2) {
        0 | 2 => true,
        1 => bit(word, 22),
        _ => false,
    }
}

/// Pairs without sign extension.
pub(super) fn plain_pair(word: u32) -> bool {
    matches!(bits(word, 30, 2), 0 | 2)
}

/// Pairs of S, D or Q registers.
pub(super) fn vector_pair(word: u32) -> bool {
    bits(word, 30, 2) != 3
}

/// LD1 to LD4 and ST1 to ST4 of whole registers: only LD1 and ST1 have an arrangement 1D.
pub(super) fn multiple_structures(word: u32) -> bool {
    match bits(word, 12, 4) {
        0b0010 | 0b0110 | 0b0111 | 0b1010 => true,
        0b0000 | 0b0100 | 0b1000 => bits(word, 10, 2) != 3 || q(word),
        _ => false,
    }
}

/// LD1 to LD4 and ST1 to ST4 of one lane.
pub(super) fn single_structure(word: u32) -> bool {
    let (size, s) = (bits(word, 10, 2), bit(word, 12));
    match bits(word, 14, 2) {
        0 => true,
        1 => size & 1 == 0,
        2 => size == 0 || size == 1 && !s,
        _ => false,
    }
}

/// 8, 16 or 32-bit lanes.
pub(super) fn not_64(word: u32) -> bool {
    size(word) != 3
}

/// Every arrangement but 1D.
pub(super) fn not_1d(word: u32) -> bool {
    size(word) != 3 || q(word)
}

/// 16 or 32-bit lanes.
pub(super) fn lanes_16_32(word: u32) -> bool {
    matches!(size(word), 1 | 2)
}

/// 8 or 16-bit lanes.
pub(super) fn lanes_8_16(word: u32) -> bool {
    size(word) < 2
}

/// 2S, 4S or 2D, where bit 22 tells singles from doubles.
pub(super) fn float_lanes(word: u32) -> bool {
    !bit(word, 22) || q(word)
}

/// Lanes across which there is more than one pair: 8B, 16B, 4H, 8H, 4S.
pub(super) fn across(word: u32) -> bool {
    size(word) < 2 || size(word) == 2 && q(word)
}

/// FCMLA and FCADD: 16, 32 or 64-bit lanes.
pub(super) fn complex(word: u32) -> bool {
    size(word) >= 2 && not_1d(word)
}

/// FCMLA by element: the element exists.
pub(super) fn complex_element_16(word: u32) -> bool {
    !bit(word, 11) || q(word)
}

/// FMUL and its kind by element: of doubles the vector has two, and the index is H alone.
pub(super) fn float_element(word: u32) -> bool {
    !bit(word, 22) || !bit(word, 21)
}

/// As `float_element`, for vectors (there is no 1D).
pub(super) fn float_vector_element(word: u32) -> bool {
    float_element(word) && float_lanes(word)
}

/// The lane size and index of DUP, INS, SMOV and UMOV: the lowest set bit of imm5.
const fn lane_shift(word: u32) -> u32 {
    bits(word, 16, 5).trailing_zeros()
}

/// DUP to a vector: any lane size, but not 1D.
pub(super) fn dup(word: u32) -> bool {
    lane_shift(word) < 3 || lane_shift(word) == 3 && q(word)
}

/// Any lane size.
pub(super) fn lane(word: u32) -> bool {
    lane_shift(word) < 4
}

/// SMOV: lanes narrower than the register.
pub(super) fn smov(word: u32) -> bool {
    lane_shift(word) < if q(word) { 3 } else { 2 }
}

/// UMOV: 64-bit lanes to an X register, all others to a W register.
pub(super) fn umov(word: u32) -> bool {
    if q(word) { lane_shift(word) == 3 } else { lane_shift(word) < 3 }
}

/// Immediates for all lanes. FMOV of doubles has no 1D; half-precision FMOV is a row of its own.
pub(super) fn modified_immediate(word: u32) -> bool {
    bits(word, 12, 4) != 15 || !bit(word, 29) || q(word)
}

/// EXT: the position is inside of the vector.
pub(super) fn ext(word: u32) -> bool {
    q(word) || !bit(word, 14)
}

/// Shifts by immediate of every lane size but 1D. (immh = 0 is a modified immediate.)
pub(super) fn shift_vector(word: u32) -> bool {
    bits(word, 19, 4) != 0 && (!bit(word, 22) || q(word))
}

/// Shifts of a D register.
pub(super) fn shift_scalar_64(word: u32) -> bool {
    bit(word, 22)
}

/// Shifts of a scalar of any size.
pub(super) fn shift_scalar(word: u32) -> bool {
    bits(word, 19, 4) != 0
}

/// Shifts that narrow to or widen from 8, 16 or 32 bits.
pub(super) fn shift_narrow(word: u32) -> bool {
    bits(word, 19, 4) != 0 && !bit(word, 22)
}

/// Fixed-point conversions of vectors of singles or doubles.
pub(super) fn fixed_vector(word: u32) -> bool {
    bits(word, 21, 2) == 1 || bit(word, 22) && q(word)
}

/// Fixed-point conversions of a single or double.
pub(super) fn fixed_scalar(word: u32) -> bool {
    bits(word, 21, 2) != 0
}
