//! The op table: every IR op declared once.
//!
//! `for_each_op!` is the table; the macros in this module and in `builder`, `text` and `verify` expand it. An
//! entry reads
//!
//! ```text
//! /// Documentation, first line a sentence.
//! text_name = Variant(operand: Class, ...)[attribute: Type, ...] -> Result, Effect;
//! ```
//!
//! Operand classes and results are explained at [`Class`] and [`ResultRule`], effects at [`Effect`].
//! `interpret` and `codegen` are exhaustive matches over [`Op`], so a new entry names the places it still lacks.

use super::types::*;
use super::{Slot, Value};

/// What an operand may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// I1 to I64.
    Int,
    /// I8 to I64.
    Word,
    /// Any float type.
    Float,
    /// Any type.
    Any,
    /// The type of the first operand.
    Same,
    /// The scalar type of the `lane` attribute.
    OfLane,
    /// The type of the `ty` attribute.
    OfTy,
    /// Exactly this type.
    Is(Type),
}

/// The type of an op's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResultRule {
    /// No result.
    None,
    /// The type of the first operand.
    Same,
    /// The `ty` attribute.
    Ty,
    /// The scalar type of the `lane` attribute.
    OfLane,
    /// The type of the slot.
    OfSlot,
    /// Exactly this type.
    Is(Type),
}

/// What an op does besides computing its result; decides what passes may move, merge or drop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing: may be dropped, merged and moved.
    Pure,
    /// Reads a state slot.
    GetState,
    /// Writes a state slot.
    SetState,
    /// May raise float exception flags (the `fp_flags` slot) and depends on `fp_env`. Kept even if the result is dead.
    Float,
    /// Reads guest memory; may fault.
    Load,
    /// Writes guest memory; may fault.
    Store,
    /// Reads and writes guest memory in one step, or touches the exclusive reservation; may fault.
    Atomic,
    /// Orders memory accesses.
    Fence,
    /// May leave the block.
    Exit,
    /// Depends on or changes something outside of guest state.
    Environment,
    /// Marks the start of a guest instruction.
    Marker,
}

impl Effect {
    /// An op that may end the run of this block in the middle: guest state must be exact before it.
    pub const fn may_exit(self) -> bool {
        matches!(self, Effect::Load | Effect::Store | Effect::Atomic | Effect::Exit | Effect::Environment)
    }

    /// An op that may change guest memory.
    pub const fn may_change_memory(self) -> bool {
        matches!(self, Effect::Store | Effect::Atomic)
    }
}

/// Calls `$then! { entries }` with the whole op table.
#[macro_export]
#[doc(hidden)]
macro_rules! for_each_op {
    ($then:ident) => { $then! {
        // ---- structure -------------------------------------------------------------------------------------------
        /// Start of the guest instruction at `pc`, `len` bytes long. Faults and traps of the ops up to the next marker
        /// report this `pc`; each marker passed is one retired instruction.
        instruction = Instruction()[pc: u64, len: u8] -> None, Marker;
        /// Call the host program's hook `id`. State is exact before it and reloaded after it.
        hook = Hook()[id: u32] -> None, Environment;

        // ---- constants and state ---------------------------------------------------------------------------------
        /// The constant `imm` (I1 to I64), truncated to its type.
        constant = Const()[ty: Type, imm: u64] -> Ty, Pure;
        /// A guest code address: a constant that moves with the load bias of the code it was lifted from.
        address = Address()[imm: u64] -> I64, Pure;
        /// The vector constant `bits`.
        vconst = VConst()[bits: u128] -> V128, Pure;
        /// Value of a state slot.
        get = Get()[slot: Slot] -> OfSlot, GetState;
        /// Write a state slot; the value has the slot's type.
        set = Set(value: Any)[slot: Slot] -> None, SetState;

        // ---- integer arithmetic ----------------------------------------------------------------------------------
        /// Wrapping sum.
        add = Add(a: Int, b: Same)[] -> Same, Pure;
        /// Wrapping difference.
        sub = Sub(a: Int, b: Same)[] -> Same, Pure;
        /// Low half of the product.
        mul = Mul(a: Int, b: Same)[] -> Same, Pure;
        /// High half of the unsigned product.
        umulh = UMulHigh(a: Word, b: Same)[] -> Same, Pure;
        /// High half of the signed product.
        smulh = SMulHigh(a: Word, b: Same)[] -> Same, Pure;
        /// Unsigned quotient; x / 0 = 0.
        udiv = UDiv(a: Word, b: Same)[] -> Same, Pure;
        /// Signed quotient, truncating; x / 0 = 0, MIN / -1 = MIN.
        sdiv = SDiv(a: Word, b: Same)[] -> Same, Pure;
        /// Unsigned remainder; x % 0 = x.
        urem = URem(a: Word, b: Same)[] -> Same, Pure;
        /// Signed remainder with the sign of the dividend; x % 0 = x, MIN % -1 = 0.
        srem = SRem(a: Word, b: Same)[] -> Same, Pure;
        /// Unsigned quotient of `high:low` by `divisor`, low 64 bits; 0 if the divisor is 0 (x86 DIV checks before).
        udiv_wide = UDivWide(high: I64, low: I64, divisor: I64)[] -> I64, Pure;
        /// Remainder of [`Op::UDivWide`]; 0 if the divisor is 0.
        urem_wide = URemWide(high: I64, low: I64, divisor: I64)[] -> I64, Pure;
        /// Signed quotient of the 128-bit `high:low` by `divisor`, low 64 bits; 0 if the divisor is 0.
        sdiv_wide = SDivWide(high: I64, low: I64, divisor: I64)[] -> I64, Pure;
        /// Remainder of [`Op::SDivWide`]; 0 if the divisor is 0.
        srem_wide = SRemWide(high: I64, low: I64, divisor: I64)[] -> I64, Pure;
        /// Whether the quotient of [`Op::SDivWide`] does not fit 64 bits, or the divisor is 0.
        sdiv_wide_overflows = SDivWideOverflows(high: I64, low: I64, divisor: I64)[] -> I1, Pure;
        /// Carry out of `a + b + carry`.
        carry = Carry(a: Word, b: Same, carry_in: I1)[] -> I1, Pure;
        /// Signed overflow of `a + b + carry`.
        overflow = Overflow(a: Word, b: Same, carry_in: I1)[] -> I1, Pure;

        // ---- bits ------------------------------------------------------------------------------------------------
        /// Bitwise and.
        and = And(a: Int, b: Same)[] -> Same, Pure;
        /// Bitwise or.
        or = Or(a: Int, b: Same)[] -> Same, Pure;
        /// Bitwise exclusive or.
        xor = Xor(a: Int, b: Same)[] -> Same, Pure;
        /// `a & !b`.
        andnot = AndNot(a: Int, b: Same)[] -> Same, Pure;
        /// Shift left by `b` modulo the width.
        shl = Shl(a: Word, b: Same)[] -> Same, Pure;
        /// Logical shift right by `b` modulo the width.
        lshr = LShr(a: Word, b: Same)[] -> Same, Pure;
        /// Arithmetic shift right by `b` modulo the width.
        ashr = AShr(a: Word, b: Same)[] -> Same, Pure;
        /// Rotate left by `b` modulo the width.
        rotl = RotL(a: Word, b: Same)[] -> Same, Pure;
        /// Rotate right by `b` modulo the width.
        rotr = RotR(a: Word, b: Same)[] -> Same, Pure;
        /// Leading zero bits; the width if zero.
        clz = Clz(a: Word)[] -> Same, Pure;
        /// Trailing zero bits; the width if zero.
        ctz = Ctz(a: Word)[] -> Same, Pure;
        /// Set bits.
        popcnt = Popcnt(a: Word)[] -> Same, Pure;
        /// Bytes reversed.
        bswap = Bswap(a: Word)[] -> Same, Pure;
        /// Bits reversed.
        bitrev = Bitrev(a: Word)[] -> Same, Pure;
        /// Carry-less product of two 64-bit polynomials.
        clmul = Clmul(a: I64, b: I64)[] -> I128, Pure;
        /// CRC of `data` (I8 to I64) appended to `crc`: reflected, `poly` as the manuals write it (0x04c11db7: CRC-32,
        /// 0x1edc6f41: CRC-32C), no inversion.
        crc32 = Crc32(data: Word, crc: I32)[poly: u32] -> I32, Pure;

        /// Bits of `a` at the places of the mask's bits, gathered at the low end (x86 PEXT).
        pext = Pext(a: I64, mask: I64)[] -> I64, Pure;
        /// Low bits of `a`, spread to the places of the mask's bits (x86 PDEP).
        pdep = Pdep(a: I64, mask: I64)[] -> I64, Pure;

        // ---- comparison, choice, conversion ----------------------------------------------------------------------
        /// Integer comparison.
        icmp = ICmp(a: Int, b: Same)[cond: Cond] -> I1, Pure;
        /// `a` if the condition holds, else `b`.
        select = Select(a: Any, b: Same, cond: I1)[] -> Same, Pure;
        /// Zero-extend to a wider integer type.
        zext = Zext(a: Int)[ty: Type] -> Ty, Pure;
        /// Sign-extend to a wider integer type.
        sext = Sext(a: Int)[ty: Type] -> Ty, Pure;
        /// Low bits, to a narrower integer type.
        trunc = Trunc(a: Int)[ty: Type] -> Ty, Pure;
        /// The same bits as another type of equal size.
        bitcast = Bitcast(a: Any)[ty: Type] -> Ty, Pure;
        /// `high:low` as 128 bits.
        concat = Concat(low: I64, high: I64)[] -> I128, Pure;
        /// Low half of 128 bits.
        low = Low(a: I128)[] -> I64, Pure;
        /// High half of 128 bits.
        high = High(a: I128)[] -> I64, Pure;

        // ---- memory ----------------------------------------------------------------------------------------------
        /// Load `ty` from guest memory, little-endian. Raises a read fault before this guest instruction has changed
        /// anything that is not already `set`. Aligned accesses of up to 8 bytes never tear; others are two or more.
        load = Load(addr: I64)[ty: Type, order: Order] -> Ty, Load;
        /// Store to guest memory, little-endian. Raises a write fault; writes all or nothing.
        store = Store(addr: I64, value: Any)[order: Order] -> None, Store;
        /// Raise the fault that an access of `size` bytes would raise, but access nothing. Several-part accesses probe
        /// every part first.
        probe = Probe(addr: I64)[access: Access, size: u32] -> None, Load;
        /// Atomic compare-and-swap of `ty` (up to I128): the old value; stored if it equals `expected`. Raises a write
        /// fault on read-only memory even when the comparison fails.
        cas = Cas(addr: I64, expected: OfTy, new: OfTy)[ty: Type, order: Order] -> Ty, Atomic;
        /// Atomic read-modify-write of `ty`: the old value.
        rmw = Rmw(addr: I64, value: OfTy)[ty: Type, op: RmwOp, order: Order] -> Ty, Atomic;
        /// Load and remember address, size and value in the vCPU's reservation (LL/SC).
        load_exclusive = LoadExclusive(addr: I64)[ty: Type, order: Order] -> Ty, Atomic;
        /// Store if the reservation covers exactly this address and size and memory still holds the remembered value
        /// (compare-and-swap, so an A-B-A change is accepted); clears the reservation. True if it stored.
        store_exclusive = StoreExclusive(addr: I64, value: OfTy)[ty: Type, order: Order] -> I1, Atomic;
        /// Forget the reservation.
        clear_exclusive = ClearExclusive()[] -> None, Atomic;
        /// Order the accesses of set `before` ahead of the fence against those of set `after` behind it.
        fence = Fence()[before: FenceSet, after: FenceSet] -> None, Fence;

        // ---- leaving and asking ----------------------------------------------------------------------------------
        /// Leave with `trap` at this instruction if the condition holds. `info` is the fault address where the trap has
        /// one, else anything. What was `set` before stays set.
        trap_if = TrapIf(cond: I1, info: I64)[trap: Trap] -> None, Exit;
        /// Leave with this instruction done if the condition holds: it counts as retired, none of its later ops happen, and
        /// execution goes on behind it (an x86 `rep` whose count is zero). Compiled code leaves to the interpreter, as for
        /// `trap_if`.
        skip_if = SkipIf(cond: I1)[] -> None, Exit;
        /// Ask the host.
        env = Env(a: I64, b: I64)[call: EnvCall] -> I64, Environment;

        // ---- scalar floats ---------------------------------------------------------------------------------------
        // NaN results, tininess and input flushing follow the guest's rules; flags accumulate in `fp_flags`.
        /// Sum.
        fadd = FAdd(a: Float, b: Same)[round: Round] -> Same, Float;
        /// Difference.
        fsub = FSub(a: Float, b: Same)[round: Round] -> Same, Float;
        /// Product.
        fmul = FMul(a: Float, b: Same)[round: Round] -> Same, Float;
        /// Quotient.
        fdiv = FDiv(a: Float, b: Same)[round: Round] -> Same, Float;
        /// Square root.
        fsqrt = FSqrt(a: Float)[round: Round] -> Same, Float;
        /// `a * b + c`, rounded once.
        fma = Fma(a: Float, b: Same, c: Same)[round: Round] -> Same, Float;
        /// Minimum.
        fmin = FMin(a: Float, b: Same)[rule: MinMaxRule] -> Same, Float;
        /// Maximum.
        fmax = FMax(a: Float, b: Same)[rule: MinMaxRule] -> Same, Float;
        /// Comparison.
        fcmp = FCmp(a: Float, b: Same)[cond: FloatCond, quiet: Quietness] -> I1, Float;
        /// Sign bit inverted; no flags, NaNs too.
        fneg = FNeg(a: Float)[] -> Same, Pure;
        /// Sign bit cleared; no flags, NaNs too.
        fabs = FAbs(a: Float)[] -> Same, Pure;
        /// A single in its NaN box: the low half of a double register whose upper half is all ones.
        fbox = FBox(a: F32)[] -> F64, Pure;
        /// The single in a NaN box; the canonical NaN if the upper half is not all ones.
        funbox = FUnbox(a: F64)[] -> F32, Pure;
        /// Conversion between float types.
        fconvert = FConvert(a: Float)[ty: Type, round: Round] -> Ty, Float;
        /// Float times 2^`fraction` to an integer type.
        float_to_int = FloatToInt(a: Float)[ty: Type, sign: Sign, round: Round, invalid: InvalidInt, fraction: u8] -> Ty, Float;
        /// Integer times 2^-`fraction` to a float type.
        int_to_float = IntToFloat(a: Word)[ty: Type, sign: Sign, round: Round, fraction: u8] -> Ty, Float;
        /// Round to an integral value; raises inexact only if `exact` is true.
        fround = FRound(a: Float)[round: Round, exact: bool] -> Same, Float;
        /// Arm's FRECPE, FRSQRTE, FRECPX; x86's RCPSS, RSQRTSS (which raise nothing).
        festimate = FEstimate(a: Float)[op: EstimateOp] -> Same, Float;
        /// Arm's FRECPS, FRSQRTS, FMULX.
        fstep = FStep(a: Float, b: Same)[op: StepOp] -> Same, Float;

        // ---- x87 -------------------------------------------------------------------------------------------------
        /// An operation of the x87 on 80-bit values (in the low bits; those above are ignored), rounded as the control word says.
        ///
        /// * Result: the value in bits 79:0; in bits 95:80 the bits of the status word that the operation sets (exceptions, C0 to
        ///   C3), for the lifter to gather. Exceptions are taken as masked. Operations on one value ignore `b`.
        x87 = X87(a: I128, b: I128, control: I16)[op: X87Op] -> I128, Pure;

        // ---- vectors: moving lanes -------------------------------------------------------------------------------
        /// The value in every lane.
        vsplat = VSplat(x: OfLane)[lane: Lane] -> V128, Pure;
        /// One lane.
        vextract = VExtract(v: V128)[lane: Lane, index: u8] -> OfLane, Pure;
        /// The vector with one lane replaced.
        vinsert = VInsert(v: V128, x: OfLane)[lane: Lane, index: u8] -> V128, Pure;
        /// One float lane.
        vextract_float = VExtractFloat(v: V128)[ty: Type, index: u8] -> Ty, Pure;
        /// The vector with one float lane replaced.
        vinsert_float = VInsertFloat(v: V128, x: Float)[index: u8] -> V128, Pure;
        /// A scalar (integer I8 to I64 or float) in lane 0, every other bit zero.
        vfrom_scalar = VFromScalar(x: Any)[] -> V128, Pure;
        /// Bytes chosen by constant indices: byte i is byte `pattern[i]` of `a` (0-15) or `b` (16-31).
        vshuffle = VShuffle(a: V128, b: V128)[pattern: u128] -> V128, Pure;
        /// Bytes chosen by a vector of indices: byte i is byte `indices[i]` of `table`, or zero if that is above 15.
        vtable = VTable(table: V128, indices: V128)[] -> V128, Pure;
        /// AES's S-box, or its inverse, on each byte.
        vaes_sub = VAesSub(v: V128)[inverse: bool] -> V128, Pure;
        /// Arm's BFDOT: in each 32-bit lane the single of `sum` plus the products of the lane's two bfloat16 numbers, rounded to odd,
        /// without flags, whatever the environment is.
        vbf16_dot = VBf16Dot(a: V128, b: V128, sum: V128)[] -> V128, Pure;
        /// The sign bits of the lanes, lane 0 in bit 0.
        vmovemask = VMoveMask(v: V128)[lane: Lane] -> I64, Pure;

        // ---- vectors: bits ---------------------------------------------------------------------------------------
        /// Bitwise and.
        vand = VAnd(a: V128, b: V128)[] -> V128, Pure;
        /// Bitwise or.
        vor = VOr(a: V128, b: V128)[] -> V128, Pure;
        /// Bitwise exclusive or.
        vxor = VXor(a: V128, b: V128)[] -> V128, Pure;
        /// `a & !b`.
        vandnot = VAndNot(a: V128, b: V128)[] -> V128, Pure;
        /// Bitwise complement.
        vnot = VNot(a: V128)[] -> V128, Pure;
        /// Bit by bit: `a` where the mask bit is one, else `b`.
        vselect = VSelect(mask: V128, a: V128, b: V128)[] -> V128, Pure;
        /// Whether any bit is set.
        vany = VAny(v: V128)[] -> I1, Pure;

        // ---- vectors: integer lanes ------------------------------------------------------------------------------
        /// Wrapping sum.
        vadd = VAdd(a: V128, b: V128)[lane: Lane] -> V128, Pure;
        /// Wrapping difference.
        vsub = VSub(a: V128, b: V128)[lane: Lane] -> V128, Pure;
        /// Low half of the product.
        vmul = VMul(a: V128, b: V128)[lane: Lane] -> V128, Pure;
        /// High half of the product (B16, B32).
        vmul_high = VMulHigh(a: V128, b: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// Full products of the lower half of the lanes (B8 to B32), as lanes of twice the width.
        vmul_widen_low = VMulWidenLow(a: V128, b: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// Full products of the upper half of the lanes.
        vmul_widen_high = VMulWidenHigh(a: V128, b: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// Saturating doubling product, high half (Arm SQDMULH, SQRDMULH; B16, B32).
        vmul_double_high = VMulDoubleHigh(a: V128, b: V128)[lane: Lane, rounding: bool] -> V128, Pure;
        /// Carry-less (polynomial) product of B8 lanes, low half.
        vpmul = VPMul(a: V128, b: V128)[] -> V128, Pure;
        /// Absolute value; MIN stays MIN.
        vabs = VAbs(a: V128)[lane: Lane] -> V128, Pure;
        /// Absolute difference.
        vabsdiff = VAbsDiff(a: V128, b: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// Saturating sum.
        vadd_sat = VAddSat(a: V128, b: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// Saturating difference.
        vsub_sat = VSubSat(a: V128, b: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// `(a + b + rounding) >> 1` without overflow.
        vhalving_add = VHalvingAdd(a: V128, b: V128)[lane: Lane, sign: Sign, rounding: bool] -> V128, Pure;
        /// `(a - b) >> 1` without overflow.
        vhalving_sub = VHalvingSub(a: V128, b: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// Minimum.
        vmin = VMin(a: V128, b: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// Maximum.
        vmax = VMax(a: V128, b: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// All ones where the comparison holds, else zero.
        vicmp = VICmp(a: V128, b: V128)[lane: Lane, cond: Cond] -> V128, Pure;
        /// Shift left by a constant below the lane width.
        vshl = VShl(v: V128)[lane: Lane, amount: u8] -> V128, Pure;
        /// Logical shift right by a constant up to the lane width.
        vlshr = VLShr(v: V128)[lane: Lane, amount: u8] -> V128, Pure;
        /// Arithmetic shift right by a constant up to the lane width.
        vashr = VAShr(v: V128)[lane: Lane, amount: u8] -> V128, Pure;
        /// Shift every lane left by the same unsigned amount; zero from the lane width on (x86 PSLL).
        vshl_scalar = VShlScalar(v: V128, amount: I64)[lane: Lane] -> V128, Pure;
        /// Logical shift right likewise (x86 PSRL).
        vlshr_scalar = VLShrScalar(v: V128, amount: I64)[lane: Lane] -> V128, Pure;
        /// Arithmetic shift right likewise; the sign from the lane width on (x86 PSRA).
        vashr_scalar = VAShrScalar(v: V128, amount: I64)[lane: Lane] -> V128, Pure;
        /// Shift each lane by the signed low byte of the other vector's lane: left if positive, right if negative
        /// (Arm SSHL, USHL, and with `rounding` or `saturate` SRSHL, SQSHL, SQRSHL and their unsigned forms).
        vshift = VShift(v: V128, amounts: V128)[lane: Lane, sign: Sign, rounding: bool, saturate: bool] -> V128, Pure;
        /// Leading zero bits of each lane.
        vclz = VClz(v: V128)[lane: Lane] -> V128, Pure;
        /// Set bits of each byte.
        vpopcnt = VPopcnt(v: V128)[] -> V128, Pure;
        /// Bits of each byte reversed.
        vbitrev = VBitrev(v: V128)[] -> V128, Pure;
        /// The lower half of the lanes (B8 to B32), extended to twice the width.
        vwiden_low = VWidenLow(v: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// The upper half of the lanes, extended to twice the width.
        vwiden_high = VWidenHigh(v: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// Lanes (B16 to B64) of `a`, then of `b`, at half the width.
        vnarrow = VNarrow(a: V128, b: V128)[lane: Lane, mode: NarrowMode] -> V128, Pure;
        /// Neighbouring lanes of `a`, then of `b`, combined.
        vpairwise = VPairwise(a: V128, b: V128)[lane: Lane, op: LaneOp] -> V128, Pure;
        /// Sums of neighbouring lanes (B8 to B32), at twice the width (Arm SADDLP, UADDLP).
        vadd_pairs = VAddPairs(v: V128)[lane: Lane, sign: Sign] -> V128, Pure;
        /// All lanes combined to one.
        vreduce = VReduce(v: V128)[lane: Lane, op: LaneOp] -> OfLane, Pure;
        /// Sums of the absolute differences of unsigned bytes, one a half (x86 PSADBW).
        vsad = VSad(a: V128, b: V128)[] -> V128, Pure;

        /// x86's packed string comparison, `control` its immediate: bit i of bits 15:0 is what it finds of element i of `b`. The strings have
        /// as many elements as the signed halves of `lengths` say (`a` low), or with `implicit` reach to their first zero. Bit 16: `a` is
        /// shorter than the vector; bit 17: `b` is.
        vstring_compare = VStringCompare(a: V128, b: V128, lengths: I64)[control: u8, implicit: bool] -> I64, Pure;

        // ---- vectors: float lanes --------------------------------------------------------------------------------
        /// Sum.
        vfadd = VFAdd(a: V128, b: V128)[lane: FloatLane, round: Round] -> V128, Float;
        /// Difference.
        vfsub = VFSub(a: V128, b: V128)[lane: FloatLane, round: Round] -> V128, Float;
        /// Product.
        vfmul = VFMul(a: V128, b: V128)[lane: FloatLane, round: Round] -> V128, Float;
        /// Quotient.
        vfdiv = VFDiv(a: V128, b: V128)[lane: FloatLane, round: Round] -> V128, Float;
        /// Square root.
        vfsqrt = VFSqrt(a: V128)[lane: FloatLane, round: Round] -> V128, Float;
        /// `a * b + c`, rounded once.
        vfma = VFma(a: V128, b: V128, c: V128)[lane: FloatLane, round: Round] -> V128, Float;
        /// Minimum.
        vfmin = VFMin(a: V128, b: V128)[lane: FloatLane, rule: MinMaxRule] -> V128, Float;
        /// Maximum.
        vfmax = VFMax(a: V128, b: V128)[lane: FloatLane, rule: MinMaxRule] -> V128, Float;
        /// All ones where the comparison holds, else zero.
        vfcmp = VFCmp(a: V128, b: V128)[lane: FloatLane, cond: FloatCond, quiet: Quietness] -> V128, Float;
        /// Float lanes times 2^`fraction` to integer lanes of the same width.
        vfloat_to_int = VFloatToInt(v: V128)[lane: FloatLane, sign: Sign, round: Round, invalid: InvalidInt, fraction: u8] -> V128, Float;
        /// Integer lanes times 2^-`fraction` to float lanes of the same width.
        vint_to_float = VIntToFloat(v: V128)[lane: FloatLane, sign: Sign, round: Round, fraction: u8] -> V128, Float;
        /// Round to integral values; raises inexact only if `exact` is true.
        vfround = VFRound(v: V128)[lane: FloatLane, round: Round, exact: bool] -> V128, Float;
        /// The lower two F32 lanes as two F64 lanes (or four F16 lanes as F32: `lane` is the source's).
        vfwiden = VFWiden(v: V128)[lane: FloatLane] -> V128, Float;
        /// Two F64 lanes (or four F32 lanes as F16: `lane` is the source's) rounded into the lower half, zero above.
        vfnarrow = VFNarrow(v: V128)[lane: FloatLane, round: Round] -> V128, Float;
        /// Arm's FRECPE, FRSQRTE on each lane; x86's RCPPS, RSQRTPS.
        vfestimate = VFEstimate(v: V128)[lane: FloatLane, op: EstimateOp] -> V128, Float;
        /// Arm's FRECPS, FRSQRTS, FMULX on each lane.
        vfstep = VFStep(a: V128, b: V128)[lane: FloatLane, op: StepOp] -> V128, Float;
    } };
}

/// Expands a table entry's class token.
macro_rules! class {
    (Int) => {
        Class::Int
    };
    (Word) => {
        Class::Word
    };
    (Float) => {
        Class::Float
    };
    (Any) => {
        Class::Any
    };
    (Same) => {
        Class::Same
    };
    (OfLane) => {
        Class::OfLane
    };
    (OfTy) => {
        Class::OfTy
    };
    ($ty:ident) => {
        Class::Is(Type::$ty)
    };
}

/// Expands a table entry's result token.
macro_rules! result {
    (None) => {
        ResultRule::None
    };
    (Same) => {
        ResultRule::Same
    };
    (Ty) => {
        ResultRule::Ty
    };
    (OfLane) => {
        ResultRule::OfLane
    };
    (OfSlot) => {
        ResultRule::OfSlot
    };
    ($ty:ident) => {
        ResultRule::Is(Type::$ty)
    };
}

macro_rules! define_ops {
    ($($(#[doc = $doc:literal])* $name:ident = $variant:ident($($operand:ident: $class:ident),*)[$($attr:ident: $attr_ty:ty),*] -> $result:ident, $effect:ident;)*) => {
        /// One IR operation. Its result, if it has one, is named by its position in the block.
        #[derive(Clone, Copy, PartialEq, Debug)]
        #[allow(missing_docs, reason = "fields are documented with the op")]
        pub enum Op { $($(#[doc = $doc])* $variant { $($operand: Value,)* $($attr: $attr_ty,)* },)* }

        /// The table as data, for the verifier and the reference page; indexed by [`Op::index`].
        pub static OPS: &[OpInfo] = &[$(OpInfo {
            name: stringify!($name),
            doc: concat!($($doc, "\n"),*),
            operands: &[$((stringify!($operand), class!($class)),)*],
            attributes: &[$((stringify!($attr), stringify!($attr_ty)),)*],
            result: result!($result),
            effect: Effect::$effect,
        },)*];

        #[allow(non_camel_case_types, clippy::enum_variant_names, reason = "numbered like the table")]
        enum Index { $($variant,)* }

        impl Op {
            /// Position in [`OPS`].
            pub fn index(&self) -> usize {
                match self { $(Op::$variant { .. } => Index::$variant as usize,)* }
            }

            /// The operands in order.
            pub fn for_each_operand(&self, mut f: impl FnMut(Value)) {
                let _ = &mut f;
                match *self { $(Op::$variant { $($operand,)* .. } => { $(f($operand);)* })* }
            }

            /// Replaces each operand.
            pub fn map_operands(&mut self, mut f: impl FnMut(Value) -> Value) {
                let _ = &mut f;
                match self { $(Op::$variant { $($operand,)* .. } => { $(*$operand = f(*$operand);)* })* }
            }
        }
    };
}

/// One row of the op table.
#[derive(Debug)]
pub struct OpInfo {
    /// Name in the text form.
    pub name: &'static str,
    /// Documentation, lines separated by newlines.
    pub doc: &'static str,
    /// Names and classes of the operands.
    pub operands: &'static [(&'static str, Class)],
    /// Names and Rust types of the attributes.
    pub attributes: &'static [(&'static str, &'static str)],
    /// Type of the result.
    pub result: ResultRule,
    /// What else it does.
    pub effect: Effect,
}

for_each_op!(define_ops);

impl Op {
    /// The op's row of the table.
    pub fn info(&self) -> &'static OpInfo {
        &OPS[self.index()]
    }

    /// Name in the text form.
    pub fn name(&self) -> &'static str {
        self.info().name
    }

    /// What the op does besides computing its result.
    pub fn effect(&self) -> Effect {
        self.info().effect
    }

    /// The `ty` attribute, for ops that have one.
    pub fn ty(&self) -> Option<Type> {
        match *self {
            Op::Const { ty, .. }
            | Op::Zext { ty, .. }
            | Op::Sext { ty, .. }
            | Op::Trunc { ty, .. }
            | Op::Bitcast { ty, .. }
            | Op::Load { ty, .. }
            | Op::Cas { ty, .. }
            | Op::Rmw { ty, .. }
            | Op::LoadExclusive { ty, .. }
            | Op::StoreExclusive { ty, .. }
            | Op::FConvert { ty, .. }
            | Op::FloatToInt { ty, .. }
            | Op::IntToFloat { ty, .. }
            | Op::VExtractFloat { ty, .. } => Some(ty),
            _ => None,
        }
    }

    /// The integer `lane` attribute, for ops whose operand or result type hangs on it.
    pub fn lane(&self) -> Option<Lane> {
        match *self {
            Op::VSplat { lane, .. }
            | Op::VExtract { lane, .. }
            | Op::VInsert { lane, .. }
            | Op::VReduce { lane, .. } => Some(lane),
            _ => None,
        }
    }
}
