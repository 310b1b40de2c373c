//! The exhaustive match: which lowering each op has.

use super::emit::{Emitter, clif_type, namespace};
use super::evaluate::{Helper, encode};
use super::stubs::helper_signature;
use crate::ir::{Op, Type, Value as IrValue};
use crate::run::state::{ExitKind, VcpuState};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, types};
use std::mem::offset_of;

impl Emitter<'_, '_> {
    /// Emits one op; its value if it has one.
    pub fn op(&mut self, op: &Op) -> Option<ir::Value> {
        if let Some(hole) = self.wide_hole() {
            return Some(self.symbol(namespace::HOLE, hole));
        }
        Some(match *op {
            Op::Instruction { .. } | Op::Hook { .. } | Op::Env { .. } => {
                unreachable!("the block's walk handles it")
            }
            Op::Const { ty, imm } => self.constant(ty, imm),
            Op::Address { imm } => self.b.ins().iconst(types::I64, imm as i64),
            Op::VConst { bits } => self.vector_constant(bits),
            Op::Get { slot } => self.read_slot(slot),
            Op::Set { value, slot } => {
                let value = self.value(value);
                self.write_slot(slot, value);
                return None;
            }

            Op::Add { a, b } => self.add(a, b),
            Op::Sub { a, b } => self.sub(a, b),
            Op::Mul { a, b } => self.mul(a, b),
            Op::UMulHigh { a, b } => self.mul_high(a, b, false),
            Op::SMulHigh { a, b } => self.mul_high(a, b, true),
            Op::UDiv { a, b } => self.divide(a, b, false, false),
            Op::SDiv { a, b } => self.divide(a, b, true, false),
            Op::URem { a, b } => self.divide(a, b, false, true),
            Op::SRem { a, b } => self.divide(a, b, true, true),
            Op::UDivWide { high, low, divisor } => self.divide_wide(op, high, low, divisor, false),
            Op::URemWide { high, low, divisor } => self.divide_wide(op, high, low, divisor, true),
            Op::SDivWide { high, low, divisor } => self.divide_wide(op, high, low, divisor, false),
            Op::SRemWide { high, low, divisor } => self.divide_wide(op, high, low, divisor, true),
            Op::SDivWideOverflows { high, low, divisor } => {
                self.divide_wide_overflows(op, high, low, divisor)
            }
            Op::Carry { a, b, carry_in } => self.carry(a, b, carry_in),
            Op::Overflow { a, b, carry_in } => self.overflow(a, b, carry_in),

            Op::And { a, b } => self.binary(a, b, |ins, a, b| ins.band(a, b)),
            Op::Or { a, b } => self.binary(a, b, |ins, a, b| ins.bor(a, b)),
            Op::Xor { a, b } => self.binary(a, b, |ins, a, b| ins.bxor(a, b)),
            Op::AndNot { a, b } => self.binary(a, b, |ins, a, b| ins.band_not(a, b)),
            Op::Shl { a, b } => self.binary(a, b, |ins, a, b| ins.ishl(a, b)),
            Op::LShr { a, b } => self.binary(a, b, |ins, a, b| ins.ushr(a, b)),
            Op::AShr { a, b } => self.binary(a, b, |ins, a, b| ins.sshr(a, b)),
            Op::RotL { a, b } => self.binary(a, b, |ins, a, b| ins.rotl(a, b)),
            Op::RotR { a, b } => self.binary(a, b, |ins, a, b| ins.rotr(a, b)),
            Op::Clz { a } => self.clz(a),
            Op::Ctz { a } => self.ctz(a),
            Op::Popcnt { a } => self.popcnt(a),
            Op::Bswap { a } => self.bswap(a),
            Op::Bitrev { a } => {
                let a = self.value(a);
                self.b.ins().bitrev(a)
            }
            Op::Clmul { .. }
            | Op::Crc32 { .. }
            | Op::Pext { .. }
            | Op::Pdep { .. }
            | Op::VStringCompare { .. }
            | Op::VBf16Dot { .. }
            | Op::X87 { .. } => self.evaluate(op),

            Op::ICmp { a, b, cond } => self.icmp(a, b, cond),
            Op::Select { a, b, cond } => {
                let (a, b, cond) = (self.value(a), self.value(b), self.value(cond));
                self.b.ins().select(cond, a, b)
            }
            Op::Zext { a, ty } => self.zext(a, ty),
            Op::Sext { a, ty } => self.sext(a, ty),
            Op::Trunc { a, ty } => self.trunc(a, ty),
            Op::Bitcast { a, ty } => self.bitcast(a, ty),
            Op::Concat { low, high } => {
                let (low, high) = (self.value(low), self.value(high));
                self.b.ins().iconcat(low, high)
            }
            Op::Low { a } => {
                let a = self.value(a);
                self.b.ins().isplit(a).0
            }
            Op::High { a } => {
                let a = self.value(a);
                self.b.ins().isplit(a).1
            }

            Op::Load { addr, ty, order } => self.load(addr, ty, order),
            Op::Store { addr, value, order } => {
                self.store(addr, value, order);
                return None;
            }
            Op::Probe { addr, size, .. } => {
                self.probe(addr, size);
                return None;
            }
            Op::Cas { addr, expected, new, ty, order } => self.cas(addr, expected, new, ty, order),
            Op::Rmw { addr, value, ty, op, order } => self.rmw(addr, value, ty, op, order),
            Op::LoadExclusive { addr, ty, order } => self.load_exclusive(addr, ty, order),
            Op::StoreExclusive { addr, value, ty, order } => self.store_exclusive(addr, value, ty, order),
            Op::ClearExclusive {} => {
                self.clear_exclusive();
                return None;
            }
            Op::Fence { before, after } => {
                self.fence(before, after);
                return None;
            }
            Op::TrapIf { cond, .. } | Op::SkipIf { cond } => {
                let cond = self.value(cond);
                self.interpret_if(cond);
                return None;
            }

            Op::FNeg { a } => self.float_sign(a, true),
            Op::FAbs { a } => self.float_sign(a, false),
            Op::FBox { a } => self.box_single(a),
            Op::FUnbox { a } => self.unbox_single(a),
            Op::FAdd { .. }
            | Op::FSub { .. }
            | Op::FMul { .. }
            | Op::FDiv { .. }
            | Op::FSqrt { .. }
            | Op::Fma { .. }
            | Op::FMin { .. }
            | Op::FMax { .. }
            | Op::FCmp { .. }
            | Op::FConvert { .. }
            | Op::FloatToInt { .. }
            | Op::IntToFloat { .. }
            | Op::FRound { .. } => self.float(op),
            Op::FEstimate { .. } | Op::FStep { .. } => self.evaluate(op),

            Op::VSplat { .. }
            | Op::VExtract { .. }
            | Op::VInsert { .. }
            | Op::VExtractFloat { .. }
            | Op::VInsertFloat { .. }
            | Op::VFromScalar { .. }
            | Op::VShuffle { .. }
            | Op::VTable { .. }
            | Op::VMoveMask { .. }
            | Op::VAnd { .. }
            | Op::VOr { .. }
            | Op::VXor { .. }
            | Op::VAndNot { .. }
            | Op::VNot { .. }
            | Op::VSelect { .. }
            | Op::VAny { .. } => self.vector_bits(op),
            Op::VAdd { .. }
            | Op::VSub { .. }
            | Op::VMul { .. }
            | Op::VMulHigh { .. }
            | Op::VMulWidenLow { .. }
            | Op::VMulWidenHigh { .. }
            | Op::VAbs { .. }
            | Op::VAddSat { .. }
            | Op::VSubSat { .. }
            | Op::VHalvingAdd { .. }
            | Op::VMin { .. }
            | Op::VMax { .. }
            | Op::VICmp { .. }
            | Op::VShl { .. }
            | Op::VLShr { .. }
            | Op::VAShr { .. }
            | Op::VShlScalar { .. }
            | Op::VLShrScalar { .. }
            | Op::VAShrScalar { .. }
            | Op::VPopcnt { .. }
            | Op::VWidenLow { .. }
            | Op::VWidenHigh { .. }
            | Op::VNarrow { .. }
            | Op::VPairwise { .. }
            | Op::VReduce { .. } => self.vector_integer(op),
            Op::VMulDoubleHigh { .. }
            | Op::VPMul { .. }
            | Op::VAesSub { .. }
            | Op::VAbsDiff { .. }
            | Op::VHalvingSub { .. }
            | Op::VShift { .. }
            | Op::VClz { .. }
            | Op::VBitrev { .. }
            | Op::VAddPairs { .. }
            | Op::VSad { .. } => self.evaluate(op),

            Op::VFAdd { .. }
            | Op::VFSub { .. }
            | Op::VFMul { .. }
            | Op::VFDiv { .. }
            | Op::VFSqrt { .. }
            | Op::VFma { .. }
            | Op::VFMin { .. }
            | Op::VFMax { .. }
            | Op::VFCmp { .. }
            | Op::VFloatToInt { .. }
            | Op::VIntToFloat { .. }
            | Op::VFRound { .. }
            | Op::VFWiden { .. }
            | Op::VFNarrow { .. } => self.vector_float(op),
            Op::VFEstimate { .. } | Op::VFStep { .. } => self.evaluate(op),
        })
    }

    /// Computes an op by the interpreter's function for it.
    pub fn evaluate(&mut self, op: &Op) -> ir::Value {
        let mut operands = Vec::with_capacity(3);
        op.for_each_operand(|operand| operands.push(operand));
        let first = operands.first().map(|&operand| self.ty(operand));
        for (index, &operand) in operands.iter().enumerate() {
            self.store_scratch(operand, index);
        }
        let word = encode(op, self.block.guest, first);
        let word = self.b.ins().iconst(types::I64, word as i64);
        let zero = self.b.ins().iconst(types::I64, 0);
        self.call_helper(Helper::Evaluate, word, zero);
        let ty = self.block.types[self.at].expect("evaluated ops have results");
        self.load_scratch(ty)
    }

    /// The helper masks operands by their types, so upper bits may be anything.
    fn store_scratch(&mut self, operand: IrValue, index: usize) {
        let value = self.value(operand);
        let offset = offset_of!(VcpuState, scratch) + 16 * index;
        if self.ty(operand) == Type::I128 {
            let (low, high) = self.b.ins().isplit(value);
            self.store_state(low, offset);
            self.store_state(high, offset + 8);
        } else {
            self.store_state(value, offset);
        }
    }

    fn load_scratch(&mut self, ty: Type) -> ir::Value {
        let offset = offset_of!(VcpuState, scratch);
        if ty == Type::I128 {
            let low = self.load_state(types::I64, offset);
            let high = self.load_state(types::I64, offset + 8);
            self.b.ins().iconcat(low, high)
        } else {
            self.load_state(clif_type(ty), offset)
        }
    }

    /// Calls a helper; registers are kept.
    pub fn call_helper(&mut self, helper: Helper, a: ir::Value, b: ir::Value) {
        let signature = match self.helper_signature {
            Some(signature) => signature,
            None => {
                let signature = self.b.func.import_signature(helper_signature());
                self.helper_signature = Some(signature);
                signature
            }
        };
        let table = self.load_state(types::I64, offset_of!(VcpuState, helpers));
        let callee = self.b.ins().load(types::I64, self.state_flags, table, 8 * helper as i32);
        self.b.ins().call_indirect(signature, callee, &[self.state, a, b]);
    }

    /// Ends a cold block: the present instruction is left to the interpreter.
    pub fn leave_to_interpreter(&mut self) {
        self.leave_here(ExitKind::Interpret);
    }

    /// Runs `fast` where `cond` holds, else the interpreter's function for `op`, in a cold block.
    pub fn fast_or_evaluate(
        &mut self,
        op: &Op,
        cond: ir::Value,
        fast: impl FnOnce(&mut Self) -> ir::Value,
    ) -> ir::Value {
        let ty = clif_type(self.block.types[self.at].expect("evaluated ops have results"));
        let (hot, cold, join) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(join, ty);
        self.b.set_cold_block(cold);
        self.b.ins().brif(cond, hot, &[], cold, &[]);
        self.b.seal_block(hot);
        self.b.seal_block(cold);
        self.b.switch_to_block(cold);
        let value = self.evaluate(op);
        self.b.ins().jump(join, &[ir::BlockArg::Value(value)]);
        self.b.switch_to_block(hot);
        let value = fast(self);
        self.b.ins().jump(join, &[ir::BlockArg::Value(value)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        result
    }

    /// Whether an integer is zero, as a condition.
    pub fn is_zero(&mut self, value: ir::Value) -> ir::Value {
        self.b.ins().icmp_imm_s(IntCC::Equal, value, 0)
    }
}
