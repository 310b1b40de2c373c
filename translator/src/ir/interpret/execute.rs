//! One op: the exhaustive match.

use super::{Leave, World, aes, float, integer, vector};
use crate::float as soft;
use crate::ir::{Block, FloatLane, Lane, Op, Round, Sign, Type, Value};

/// What ops are executed against.
pub(super) struct Context<'a, V, W> {
    pub block: &'a Block,
    /// The results of ops by their positions, of those before the present one at least.
    pub values: V,
    pub world: &'a mut W,
}

impl<V: AsRef<[u128]>, W: World> Context<'_, V, W> {
    fn bits(&self, value: Value) -> u128 {
        self.values.as_ref()[value.index()]
    }

    /// A value of at most 64 bits.
    fn word(&self, value: Value) -> u64 {
        self.bits(value) as u64
    }

    fn truth(&self, value: Value) -> bool {
        self.bits(value) != 0
    }

    fn ty(&self, value: Value) -> Type {
        self.block.ty(value)
    }

    /// An integer function of one operand and its type.
    fn unary(&self, f: impl Fn(Type, u128) -> u128, a: Value) -> u128 {
        f(self.ty(a), self.bits(a))
    }

    /// An integer function of two operands and their type.
    fn binary(&self, f: impl Fn(Type, u128, u128) -> u128, a: Value, b: Value) -> u128 {
        f(self.ty(a), self.bits(a), self.bits(b))
    }

    fn sdiv_wide(&self, high: Value, low: Value, divisor: Value) -> integer::SignedDivision {
        integer::sdiv_wide(self.word(high), self.word(low), self.word(divisor))
    }

    /// A float function in the guest's environment, with sticky flags.
    fn float<T>(&mut self, round: Round, f: impl FnOnce(&soft::Env, &mut u32) -> T) -> T {
        float::with_env(self.world, self.block.guest, round, f)
    }

    /// A scalar float function of one operand.
    fn float_unary(
        &mut self,
        round: Round,
        a: Value,
        f: impl FnOnce(soft::Format, &soft::Env, u64, &mut u32) -> u64,
    ) -> u128 {
        let (format, x) = (float::format(self.ty(a)), self.word(a));
        self.float(round, |env, raised| f(format, env, x, raised)).into()
    }

    /// A scalar float function of two operands.
    fn float_binary(
        &mut self,
        round: Round,
        a: Value,
        b: Value,
        f: impl FnOnce(soft::Format, &soft::Env, u64, u64, &mut u32) -> u64,
    ) -> u128 {
        let y = self.word(b);
        self.float_unary(round, a, |format, env, x, raised| f(format, env, x, y, raised))
    }

    /// The scalar function of one operand lane by lane.
    fn float_lanes(
        &mut self,
        lane: FloatLane,
        round: Round,
        a: Value,
        f: impl Fn(soft::Format, &soft::Env, u64, &mut u32) -> u64,
    ) -> u128 {
        let a = self.bits(a);
        self.float(round, |env, raised| float::map(lane, a, |format, x| f(format, env, x, raised)))
    }

    /// The scalar function of two operands lane by lane.
    fn float_pairs(
        &mut self,
        lane: FloatLane,
        round: Round,
        a: Value,
        b: Value,
        f: impl Fn(soft::Format, &soft::Env, u64, u64, &mut u32) -> u64,
    ) -> u128 {
        let (a, b) = (self.bits(a), self.bits(b));
        self.float(round, |env, raised| float::zip(lane, a, b, |format, x, y| f(format, env, x, y, raised)))
    }

    /// Execute `op`; its result, or zero where it has none.
    ///
    /// PERF: a call for each op took a sixth of the interpreter's time, for all that a function of this size saves and restores.
    #[inline(always)]
    pub(super) fn execute(&mut self, op: &Op) -> Result<u128, Leave> {
        Ok(match *op {
            // Structure.
            Op::Instruction { .. } => 0,
            Op::Hook { id } => {
                if self.world.hook(id) {
                    return Err(Leave::Hook);
                }
                0
            }

            // Constants and state.
            Op::Const { ty, imm } => u128::from(imm) & ty.mask(),
            Op::Address { imm } => imm.into(),
            Op::VConst { bits } => bits,
            Op::Get { slot } => self.world.get(slot),
            Op::Set { value, slot } => {
                self.world.set(slot, self.bits(value));
                0
            }

            // Integer arithmetic.
            Op::Add { a, b } => self.binary(integer::add, a, b),
            Op::Sub { a, b } => self.binary(integer::sub, a, b),
            Op::Mul { a, b } => self.binary(integer::mul, a, b),
            Op::UMulHigh { a, b } => self.binary(integer::umulh, a, b),
            Op::SMulHigh { a, b } => self.binary(integer::smulh, a, b),
            Op::UDiv { a, b } => self.binary(integer::udiv, a, b),
            Op::SDiv { a, b } => self.binary(integer::sdiv, a, b),
            Op::URem { a, b } => self.binary(integer::urem, a, b),
            Op::SRem { a, b } => self.binary(integer::srem, a, b),
            Op::UDivWide { high, low, divisor } => {
                integer::udiv_wide(self.word(high), self.word(low), self.word(divisor)).0.into()
            }
            Op::URemWide { high, low, divisor } => {
                integer::udiv_wide(self.word(high), self.word(low), self.word(divisor)).1.into()
            }
            Op::SDivWide { high, low, divisor } => self.sdiv_wide(high, low, divisor).quotient.into(),
            Op::SRemWide { high, low, divisor } => self.sdiv_wide(high, low, divisor).remainder.into(),
            Op::SDivWideOverflows { high, low, divisor } => {
                self.sdiv_wide(high, low, divisor).overflows.into()
            }
            Op::Carry { a, b, carry_in } => {
                integer::carry(self.ty(a), self.bits(a), self.bits(b), self.truth(carry_in)).into()
            }
            Op::Overflow { a, b, carry_in } => {
                integer::overflow(self.ty(a), self.bits(a), self.bits(b), self.truth(carry_in)).into()
            }

            // Bits.
            Op::And { a, b } | Op::VAnd { a, b } => self.bits(a) & self.bits(b),
            Op::Or { a, b } | Op::VOr { a, b } => self.bits(a) | self.bits(b),
            Op::Xor { a, b } | Op::VXor { a, b } => self.bits(a) ^ self.bits(b),
            Op::AndNot { a, b } | Op::VAndNot { a, b } => self.bits(a) & !self.bits(b),
            Op::Shl { a, b } => self.binary(integer::shl, a, b),
            Op::LShr { a, b } => self.binary(integer::lshr, a, b),
            Op::AShr { a, b } => self.binary(integer::ashr, a, b),
            Op::RotL { a, b } => self.binary(integer::rotl, a, b),
            Op::RotR { a, b } => self.binary(integer::rotr, a, b),
            Op::Clz { a } => self.unary(integer::clz, a),
            Op::Ctz { a } => self.unary(integer::ctz, a),
            Op::Popcnt { a } => self.bits(a).count_ones().into(),
            Op::Bswap { a } => self.unary(integer::bswap, a),
            Op::Bitrev { a } => self.unary(integer::bitrev, a),
            Op::Clmul { a, b } => integer::clmul(self.word(a), self.word(b)),
            Op::Crc32 { data, crc, poly } => {
                integer::crc32(self.ty(data), self.word(data), self.word(crc) as u32, poly).into()
            }

            Op::Pext { a, mask } => integer::pext(self.word(a), self.word(mask)).into(),
            Op::Pdep { a, mask } => integer::pdep(self.word(a), self.word(mask)).into(),
            Op::VStringCompare { a, b, lengths, control, implicit } => {
                let lengths = (!implicit).then(|| self.word(lengths));
                super::string::compare(self.bits(a), self.bits(b), lengths, control).into()
            }

            Op::X87 { a, b, control, op } => {
                super::x87::execute(op, self.bits(a), self.bits(b), self.bits(control) as u16)
            }

            // Comparison, choice, conversion.
            Op::ICmp { a, b, cond } => integer::compare(cond, self.ty(a), self.bits(a), self.bits(b)).into(),
            Op::Select { a, b, cond } => self.bits(if self.truth(cond) { a } else { b }),
            Op::Zext { a, .. } | Op::Bitcast { a, .. } => self.bits(a),
            Op::Sext { a, ty } => integer::truncate(ty, integer::signed(self.ty(a), self.bits(a))),
            Op::Trunc { a, ty } => self.bits(a) & ty.mask(),
            Op::Concat { low, high } => self.bits(high) << 64 | self.bits(low),
            Op::Low { a } => self.word(a).into(),
            Op::High { a } => self.bits(a) >> 64,

            // Memory.
            Op::Load { addr, ty, order } => self.world.load(self.word(addr), ty, order)?,
            Op::Store { addr, value, order } => {
                self.world.store(self.word(addr), self.ty(value), self.bits(value), order)?;
                0
            }
            Op::Probe { addr, access, size } => {
                self.world.probe(self.word(addr), size, access)?;
                0
            }
            Op::Cas { addr, expected, new, ty, order } => {
                self.world.cas(self.word(addr), ty, self.bits(expected), self.bits(new), order)?
            }
            Op::Rmw { addr, value, ty, op, order } => {
                self.world.rmw(self.word(addr), ty, op, self.bits(value), order)?
            }
            Op::LoadExclusive { addr, ty, order } => self.world.load_exclusive(self.word(addr), ty, order)?,
            Op::StoreExclusive { addr, value, ty, order } => {
                self.world.store_exclusive(self.word(addr), ty, self.bits(value), order)?.into()
            }
            Op::ClearExclusive {} => {
                self.world.clear_exclusive();
                0
            }
            Op::Fence { before, after } => {
                self.world.fence(before, after);
                0
            }

            // Leaving and asking.
            Op::TrapIf { cond, info, trap } => {
                if self.truth(cond) {
                    return Err(Leave::Trap(trap, self.word(info)));
                }
                0
            }
            Op::SkipIf { cond } => {
                if self.truth(cond) {
                    return Err(Leave::Skip);
                }
                0
            }
            Op::Env { a, b, call } => self.world.env(call, self.word(a), self.word(b)).into(),

            // Scalar floats.
            Op::FAdd { a, b, round } => self.float_binary(round, a, b, soft::add),
            Op::FSub { a, b, round } => self.float_binary(round, a, b, soft::sub),
            Op::FMul { a, b, round } => self.float_binary(round, a, b, soft::mul),
            Op::FDiv { a, b, round } => self.float_binary(round, a, b, soft::div),
            Op::FSqrt { a, round } => self.float_unary(round, a, soft::sqrt),
            Op::Fma { a, b, c, round } => {
                let z = self.word(c);
                self.float_binary(round, a, b, |f, env, x, y, raised| soft::fma(f, env, x, y, z, raised))
            }
            Op::FMin { a, b, rule } => {
                let kind = float::min_rule(rule);
                self.float_binary(Round::Current, a, b, |f, env, x, y, raised| {
                    soft::min_max(kind, f, env, x, y, raised)
                })
            }
            Op::FMax { a, b, rule } => {
                let kind = float::max_rule(rule);
                self.float_binary(Round::Current, a, b, |f, env, x, y, raised| {
                    soft::min_max(kind, f, env, x, y, raised)
                })
            }
            Op::FCmp { a, b, cond, quiet } => {
                self.float_binary(Round::Current, a, b, |f, env, x, y, raised| {
                    float::compare(f, env, cond, quiet, x, y, raised).into()
                })
            }
            Op::FBox { a } => self.bits(a) | 0xffff_ffff_0000_0000,
            Op::FUnbox { a } => match self.bits(a) {
                bits if bits >> 32 == 0xffff_ffff => bits & 0xffff_ffff,
                _ => 0x7fc0_0000,
            },
            Op::FNeg { a } => self.unary(|ty, x| x ^ sign_bit(ty), a),
            Op::FAbs { a } => self.unary(|ty, x| x & !sign_bit(ty), a),
            Op::FConvert { a, ty, round } => self.float_unary(round, a, |from, env, x, raised| {
                soft::convert(from, float::format(ty), env, x, raised)
            }),
            Op::FloatToInt { a, ty, sign, round, invalid, fraction } => {
                let (signed, invalid) = (sign == Sign::Signed, float::invalid_rule(invalid));
                self.float_unary(round, a, |f, env, x, raised| {
                    soft::to_fixed(f, env, x, fraction.into(), signed, ty.bits(), invalid, raised)
                })
            }
            Op::IntToFloat { a, ty, sign, round, fraction } => {
                let (x, width, signed) = (self.word(a), self.ty(a).bits(), sign == Sign::Signed);
                let to = float::format(ty);
                self.float(round, |env, raised| {
                    soft::from_fixed(to, env, x, fraction.into(), signed, width, raised)
                })
                .into()
            }
            Op::FRound { a, round, exact } => self
                .float_unary(round, a, |f, env, x, raised| soft::round_to_integral(f, env, x, exact, raised)),
            Op::FEstimate { a, op } => self
                .float_unary(Round::Current, a, |f, env, x, raised| float::estimate(f, env, op, x, raised)),
            Op::FStep { a, b, op } => self.float_binary(Round::Current, a, b, |f, env, x, y, raised| {
                float::step(f, env, op, x, y, raised)
            }),

            // Vectors: moving lanes.
            Op::VSplat { x, lane } => vector::splat(lane, self.word(x)),
            Op::VExtract { v, lane, index } => vector::lane(lane, self.bits(v), index.into()).into(),
            Op::VInsert { v, x, lane, index } => vector::insert(lane, self.bits(v), index, self.word(x)),
            Op::VExtractFloat { v, ty, index } => {
                vector::lane(lane_of(ty), self.bits(v), index.into()).into()
            }
            Op::VInsertFloat { v, x, index } => {
                vector::insert(lane_of(self.ty(x)), self.bits(v), index, self.word(x))
            }
            Op::VFromScalar { x } => self.bits(x),
            Op::VShuffle { a, b, pattern } => vector::shuffle(self.bits(a), self.bits(b), pattern),
            Op::VTable { table, indices } => vector::table(self.bits(table), self.bits(indices)),
            Op::VAesSub { v, inverse } => aes::substitute(self.bits(v), inverse),
            Op::VBf16Dot { a, b, sum } => vector::bf16_dot(self.bits(a), self.bits(b), self.bits(sum)),
            Op::VMoveMask { v, lane } => vector::move_mask(lane, self.bits(v)).into(),

            // Vectors: bits.
            Op::VNot { a } => !self.bits(a),
            Op::VSelect { mask, a, b } => {
                let mask = self.bits(mask);
                mask & self.bits(a) | !mask & self.bits(b)
            }
            Op::VAny { v } => (self.bits(v) != 0).into(),

            // Vectors: integer lanes.
            Op::VAdd { a, b, lane } => vector::zip(lane, self.bits(a), self.bits(b), u64::wrapping_add),
            Op::VSub { a, b, lane } => vector::zip(lane, self.bits(a), self.bits(b), u64::wrapping_sub),
            Op::VMul { a, b, lane } => vector::zip(lane, self.bits(a), self.bits(b), u64::wrapping_mul),
            Op::VMulHigh { a, b, lane, sign } => vector::mul_high(lane, sign, self.bits(a), self.bits(b)),
            Op::VMulWidenLow { a, b, lane, sign } => {
                vector::mul_widen(lane, sign, self.bits(a), self.bits(b), false)
            }
            Op::VMulWidenHigh { a, b, lane, sign } => {
                vector::mul_widen(lane, sign, self.bits(a), self.bits(b), true)
            }
            Op::VMulDoubleHigh { a, b, lane, rounding } => {
                vector::mul_double_high(lane, rounding, self.bits(a), self.bits(b))
            }
            Op::VPMul { a, b } => vector::polynomial_mul(self.bits(a), self.bits(b)),
            Op::VAbs { a, lane } => vector::abs(lane, self.bits(a)),
            Op::VAbsDiff { a, b, lane, sign } => {
                vector::zip_values(lane, sign, self.bits(a), self.bits(b), |x, y| (x - y).abs())
            }
            Op::VAddSat { a, b, lane, sign } => {
                vector::zip_saturating(lane, sign, self.bits(a), self.bits(b), |x, y| x + y)
            }
            Op::VSubSat { a, b, lane, sign } => {
                vector::zip_saturating(lane, sign, self.bits(a), self.bits(b), |x, y| x - y)
            }
            Op::VHalvingAdd { a, b, lane, sign, rounding } => {
                let half = i128::from(rounding);
                vector::zip_values(lane, sign, self.bits(a), self.bits(b), |x, y| (x + y + half) >> 1)
            }
            Op::VHalvingSub { a, b, lane, sign } => {
                vector::zip_values(lane, sign, self.bits(a), self.bits(b), |x, y| (x - y) >> 1)
            }
            Op::VMin { a, b, lane, sign } => {
                vector::zip_values(lane, sign, self.bits(a), self.bits(b), i128::min)
            }
            Op::VMax { a, b, lane, sign } => {
                vector::zip_values(lane, sign, self.bits(a), self.bits(b), i128::max)
            }
            Op::VICmp { a, b, lane, cond } => vector::compare(lane, cond, self.bits(a), self.bits(b)),
            Op::VShl { v, lane, amount } => vector::shl(lane, self.bits(v), amount.into()),
            Op::VLShr { v, lane, amount } => vector::shr(lane, Sign::Unsigned, self.bits(v), amount.into()),
            Op::VAShr { v, lane, amount } => vector::shr(lane, Sign::Signed, self.bits(v), amount.into()),
            Op::VShlScalar { v, amount, lane } => vector::shl(lane, self.bits(v), self.word(amount)),
            Op::VLShrScalar { v, amount, lane } => {
                vector::shr(lane, Sign::Unsigned, self.bits(v), self.word(amount))
            }
            Op::VAShrScalar { v, amount, lane } => {
                vector::shr(lane, Sign::Signed, self.bits(v), self.word(amount))
            }
            Op::VShift { v, amounts, lane, sign, rounding, saturate } => {
                vector::shift(lane, sign, rounding, saturate, self.bits(v), self.bits(amounts))
            }
            Op::VClz { v, lane } => vector::count_leading_zeros(lane, self.bits(v)),
            Op::VPopcnt { v } => vector::map(Lane::B8, self.bits(v), |x| x.count_ones().into()),
            Op::VBitrev { v } => vector::map(Lane::B8, self.bits(v), |x| x.reverse_bits() >> 56),
            Op::VWidenLow { v, lane, sign } => vector::widen(lane, sign, self.bits(v), false),
            Op::VWidenHigh { v, lane, sign } => vector::widen(lane, sign, self.bits(v), true),
            Op::VNarrow { a, b, lane, mode } => vector::narrow(lane, mode, self.bits(a), self.bits(b)),
            Op::VPairwise { a, b, lane, op } => vector::pairwise(lane, op, self.bits(a), self.bits(b)),
            Op::VAddPairs { v, lane, sign } => vector::add_pairs(lane, sign, self.bits(v)),
            Op::VReduce { v, lane, op } => vector::reduce(lane, op, self.bits(v)).into(),
            Op::VSad { a, b } => vector::sum_of_absolute_differences(self.bits(a), self.bits(b)),

            // Vectors: float lanes.
            Op::VFAdd { a, b, lane, round } => self.float_pairs(lane, round, a, b, soft::add),
            Op::VFSub { a, b, lane, round } => self.float_pairs(lane, round, a, b, soft::sub),
            Op::VFMul { a, b, lane, round } => self.float_pairs(lane, round, a, b, soft::mul),
            Op::VFDiv { a, b, lane, round } => self.float_pairs(lane, round, a, b, soft::div),
            Op::VFSqrt { a, lane, round } => self.float_lanes(lane, round, a, soft::sqrt),
            Op::VFma { a, b, c, lane, round } => {
                let (a, b, c) = (self.bits(a), self.bits(b), self.bits(c));
                self.float(round, |env, raised| float::fma(lane, env, a, b, c, raised))
            }
            Op::VFMin { a, b, lane, rule } => {
                let kind = float::min_rule(rule);
                self.float_pairs(lane, Round::Current, a, b, |f, env, x, y, raised| {
                    soft::min_max(kind, f, env, x, y, raised)
                })
            }
            Op::VFMax { a, b, lane, rule } => {
                let kind = float::max_rule(rule);
                self.float_pairs(lane, Round::Current, a, b, |f, env, x, y, raised| {
                    soft::min_max(kind, f, env, x, y, raised)
                })
            }
            Op::VFCmp { a, b, lane, cond, quiet } => {
                self.float_pairs(lane, Round::Current, a, b, |f, env, x, y, raised| {
                    if float::compare(f, env, cond, quiet, x, y, raised) { u64::MAX } else { 0 }
                })
            }
            Op::VFloatToInt { v, lane, sign, round, invalid, fraction } => {
                let (signed, invalid) = (sign == Sign::Signed, float::invalid_rule(invalid));
                self.float_lanes(lane, round, v, |f, env, x, raised| {
                    soft::to_fixed(f, env, x, fraction.into(), signed, f.bits(), invalid, raised)
                })
            }
            Op::VIntToFloat { v, lane, sign, round, fraction } => {
                let signed = sign == Sign::Signed;
                self.float_lanes(lane, round, v, |f, env, x, raised| {
                    soft::from_fixed(f, env, x, fraction.into(), signed, f.bits(), raised)
                })
            }
            Op::VFRound { v, lane, round, exact } => self.float_lanes(lane, round, v, |f, env, x, raised| {
                soft::round_to_integral(f, env, x, exact, raised)
            }),
            Op::VFWiden { v, lane } => {
                let v = self.bits(v);
                self.float(Round::Current, |env, raised| float::widen(lane, env, v, raised))
            }
            Op::VFNarrow { v, lane, round } => {
                let v = self.bits(v);
                self.float(round, |env, raised| float::narrow(lane, env, v, raised))
            }
            Op::VFEstimate { v, lane, op } => {
                self.float_lanes(lane, Round::Current, v, |f, env, x, raised| {
                    float::estimate(f, env, op, x, raised)
                })
            }
            Op::VFStep { a, b, lane, op } => {
                self.float_pairs(lane, Round::Current, a, b, |f, env, x, y, raised| {
                    float::step(f, env, op, x, y, raised)
                })
            }
        })
    }
}

/// The sign bit of a float type.
fn sign_bit(ty: Type) -> u128 {
    1 << (ty.bits() - 1)
}

/// The integer lanes of a float type's width.
fn lane_of(ty: Type) -> Lane {
    match ty.bytes() {
        2 => Lane::B16,
        4 => Lane::B32,
        _ => Lane::B64,
    }
}
