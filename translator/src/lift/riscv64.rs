//! RV64 instructions to IR: I, M, A, F, D, C, Zicsr, Zifencei, Zba, Zbb, Zbs and Zicond, all of them.
//!
//! Compressed instructions arrive here as what they expand to. [`lift`] is the map from instruction to function; the
//! modules below follow the sections of the manual. An instruction whose only effect is a write to `x0` (a HINT)
//! makes no code.

mod address_generation;
mod atomic;
mod bit_manipulation;
mod conditional;
mod control_transfer;
mod csr;
mod environment;
mod float_compare;
mod float_computational;
mod float_conversion;
mod float_load_store;
mod integer_immediate;
mod integer_register;
mod load_store;
mod memory_ordering;
mod multiplication_division;
mod single_bit;

use super::Context;
use crate::guest::riscv64 as state;
use crate::ir::{Builder, Cond, Sign, Type, Value};
use decoders::riscv64::{Insn, Op};

/// What is remembered within a block.
#[derive(Default)]
pub struct Frontend {
    /// The single-precision value of a float register, where an instruction of this block has put it there: saves taking
    /// it out of its NaN box again.
    single: [Option<Value>; 32],
}

/// Lifts one instruction.
pub fn lift(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    match i.op {
        Op::Addi => integer_immediate::addi(b, i),
        Op::Slti => integer_immediate::slti(b, i),
        Op::Sltiu => integer_immediate::sltiu(b, i),
        Op::Andi => integer_immediate::andi(b, i),
        Op::Ori => integer_immediate::ori(b, i),
        Op::Xori => integer_immediate::xori(b, i),
        Op::Slli => integer_immediate::slli(b, i),
        Op::Srli => integer_immediate::srli(b, i),
        Op::Srai => integer_immediate::srai(b, i),
        Op::Lui => integer_immediate::lui(b, i),
        Op::Auipc => integer_immediate::auipc(b, i, c),
        Op::Addiw => integer_immediate::addiw(b, i),
        Op::Slliw => integer_immediate::slliw(b, i),
        Op::Srliw => integer_immediate::srliw(b, i),
        Op::Sraiw => integer_immediate::sraiw(b, i),
        Op::Add => integer_register::add(b, i),
        Op::Slt => integer_register::slt(b, i),
        Op::Sltu => integer_register::sltu(b, i),
        Op::And => integer_register::and(b, i),
        Op::Or => integer_register::or(b, i),
        Op::Xor => integer_register::xor(b, i),
        Op::Sll => integer_register::sll(b, i),
        Op::Srl => integer_register::srl(b, i),
        Op::Sub => integer_register::sub(b, i),
        Op::Sra => integer_register::sra(b, i),
        Op::Addw => integer_register::addw(b, i),
        Op::Sllw => integer_register::sllw(b, i),
        Op::Srlw => integer_register::srlw(b, i),
        Op::Subw => integer_register::subw(b, i),
        Op::Sraw => integer_register::sraw(b, i),
        Op::Jal => control_transfer::jal(b, i, c),
        Op::Jalr => control_transfer::jalr(b, i, c),
        Op::Beq => control_transfer::beq(b, i, c),
        Op::Bne => control_transfer::bne(b, i, c),
        Op::Blt => control_transfer::blt(b, i, c),
        Op::Bltu => control_transfer::bltu(b, i, c),
        Op::Bge => control_transfer::bge(b, i, c),
        Op::Bgeu => control_transfer::bgeu(b, i, c),
        Op::Lb => load_store::lb(b, i),
        Op::Lh => load_store::lh(b, i),
        Op::Lw => load_store::lw(b, i),
        Op::Ld => load_store::ld(b, i),
        Op::Lbu => load_store::lbu(b, i),
        Op::Lhu => load_store::lhu(b, i),
        Op::Lwu => load_store::lwu(b, i),
        Op::Sb => load_store::sb(b, i),
        Op::Sh => load_store::sh(b, i),
        Op::Sw => load_store::sw(b, i),
        Op::Sd => load_store::sd(b, i),
        Op::Fence => memory_ordering::fence(b, i),
        Op::FenceI => memory_ordering::fence_i(b, c),
        Op::Ecall => environment::ecall(b, c),
        Op::Ebreak => environment::ebreak(b),
        Op::Csrrw => csr::csrrw(b, i, c),
        Op::Csrrs => csr::csrrs(b, i, c),
        Op::Csrrc => csr::csrrc(b, i, c),
        Op::Csrrwi => csr::csrrwi(b, i, c),
        Op::Csrrsi => csr::csrrsi(b, i, c),
        Op::Csrrci => csr::csrrci(b, i, c),
        Op::Mul => multiplication_division::mul(b, i),
        Op::Mulh => multiplication_division::mulh(b, i),
        Op::Mulhsu => multiplication_division::mulhsu(b, i),
        Op::Mulhu => multiplication_division::mulhu(b, i),
        Op::Mulw => multiplication_division::mulw(b, i),
        Op::Div => multiplication_division::div(b, i),
        Op::Divu => multiplication_division::divu(b, i),
        Op::Rem => multiplication_division::rem(b, i),
        Op::Remu => multiplication_division::remu(b, i),
        Op::Divw => multiplication_division::divw(b, i),
        Op::Divuw => multiplication_division::divuw(b, i),
        Op::Remw => multiplication_division::remw(b, i),
        Op::Remuw => multiplication_division::remuw(b, i),
        Op::LrW => atomic::lr_w(b, i),
        Op::LrD => atomic::lr_d(b, i),
        Op::ScW => atomic::sc_w(b, i),
        Op::ScD => atomic::sc_d(b, i),
        Op::AmoswapW => atomic::amoswap_w(b, i),
        Op::AmoswapD => atomic::amoswap_d(b, i),
        Op::AmoaddW => atomic::amoadd_w(b, i),
        Op::AmoaddD => atomic::amoadd_d(b, i),
        Op::AmoandW => atomic::amoand_w(b, i),
        Op::AmoandD => atomic::amoand_d(b, i),
        Op::AmoorW => atomic::amoor_w(b, i),
        Op::AmoorD => atomic::amoor_d(b, i),
        Op::AmoxorW => atomic::amoxor_w(b, i),
        Op::AmoxorD => atomic::amoxor_d(b, i),
        Op::AmomaxW => atomic::amomax_w(b, i),
        Op::AmomaxD => atomic::amomax_d(b, i),
        Op::AmomaxuW => atomic::amomaxu_w(b, i),
        Op::AmomaxuD => atomic::amomaxu_d(b, i),
        Op::AmominW => atomic::amomin_w(b, i),
        Op::AmominD => atomic::amomin_d(b, i),
        Op::AmominuW => atomic::amominu_w(b, i),
        Op::AmominuD => atomic::amominu_d(b, i),
        Op::Flw => float_load_store::flw(b, i, c),
        Op::Fsw => float_load_store::fsw(b, i, c),
        Op::Fld => float_load_store::fld(b, i, c),
        Op::Fsd => float_load_store::fsd(b, i),
        Op::FaddS => float_computational::fadd_s(b, i, c),
        Op::FsubS => float_computational::fsub_s(b, i, c),
        Op::FmulS => float_computational::fmul_s(b, i, c),
        Op::FdivS => float_computational::fdiv_s(b, i, c),
        Op::FsqrtS => float_computational::fsqrt_s(b, i, c),
        Op::FminS => float_computational::fmin_s(b, i, c),
        Op::FmaxS => float_computational::fmax_s(b, i, c),
        Op::FmaddS => float_computational::fmadd_s(b, i, c),
        Op::FmsubS => float_computational::fmsub_s(b, i, c),
        Op::FnmsubS => float_computational::fnmsub_s(b, i, c),
        Op::FnmaddS => float_computational::fnmadd_s(b, i, c),
        Op::FaddD => float_computational::fadd_d(b, i, c),
        Op::FsubD => float_computational::fsub_d(b, i, c),
        Op::FmulD => float_computational::fmul_d(b, i, c),
        Op::FdivD => float_computational::fdiv_d(b, i, c),
        Op::FsqrtD => float_computational::fsqrt_d(b, i, c),
        Op::FminD => float_computational::fmin_d(b, i, c),
        Op::FmaxD => float_computational::fmax_d(b, i, c),
        Op::FmaddD => float_computational::fmadd_d(b, i, c),
        Op::FmsubD => float_computational::fmsub_d(b, i, c),
        Op::FnmsubD => float_computational::fnmsub_d(b, i, c),
        Op::FnmaddD => float_computational::fnmadd_d(b, i, c),
        Op::FcvtWS => float_conversion::fcvt_w_s(b, i, c),
        Op::FcvtWuS => float_conversion::fcvt_wu_s(b, i, c),
        Op::FcvtLS => float_conversion::fcvt_l_s(b, i, c),
        Op::FcvtLuS => float_conversion::fcvt_lu_s(b, i, c),
        Op::FcvtSW => float_conversion::fcvt_s_w(b, i, c),
        Op::FcvtSWu => float_conversion::fcvt_s_wu(b, i, c),
        Op::FcvtSL => float_conversion::fcvt_s_l(b, i, c),
        Op::FcvtSLu => float_conversion::fcvt_s_lu(b, i, c),
        Op::FcvtWD => float_conversion::fcvt_w_d(b, i, c),
        Op::FcvtWuD => float_conversion::fcvt_wu_d(b, i, c),
        Op::FcvtLD => float_conversion::fcvt_l_d(b, i, c),
        Op::FcvtLuD => float_conversion::fcvt_lu_d(b, i, c),
        Op::FcvtDW => float_conversion::fcvt_d_w(b, i, c),
        Op::FcvtDWu => float_conversion::fcvt_d_wu(b, i, c),
        Op::FcvtDL => float_conversion::fcvt_d_l(b, i, c),
        Op::FcvtDLu => float_conversion::fcvt_d_lu(b, i, c),
        Op::FcvtSD => float_conversion::fcvt_s_d(b, i, c),
        Op::FcvtDS => float_conversion::fcvt_d_s(b, i, c),
        Op::FsgnjS => float_conversion::fsgnj_s(b, i, c),
        Op::FsgnjnS => float_conversion::fsgnjn_s(b, i, c),
        Op::FsgnjxS => float_conversion::fsgnjx_s(b, i, c),
        Op::FsgnjD => float_conversion::fsgnj_d(b, i, c),
        Op::FsgnjnD => float_conversion::fsgnjn_d(b, i, c),
        Op::FsgnjxD => float_conversion::fsgnjx_d(b, i, c),
        Op::FmvXW => float_conversion::fmv_x_w(b, i),
        Op::FmvWX => float_conversion::fmv_w_x(b, i, c),
        Op::FmvXD => float_conversion::fmv_x_d(b, i),
        Op::FmvDX => float_conversion::fmv_d_x(b, i, c),
        Op::FeqS => float_compare::feq_s(b, i, c),
        Op::FltS => float_compare::flt_s(b, i, c),
        Op::FleS => float_compare::fle_s(b, i, c),
        Op::FclassS => float_compare::fclass_s(b, i, c),
        Op::FeqD => float_compare::feq_d(b, i, c),
        Op::FltD => float_compare::flt_d(b, i, c),
        Op::FleD => float_compare::fle_d(b, i, c),
        Op::FclassD => float_compare::fclass_d(b, i, c),
        Op::AddUw => address_generation::add_uw(b, i),
        Op::Sh1add => address_generation::sh1add(b, i),
        Op::Sh1addUw => address_generation::sh1add_uw(b, i),
        Op::Sh2add => address_generation::sh2add(b, i),
        Op::Sh2addUw => address_generation::sh2add_uw(b, i),
        Op::Sh3add => address_generation::sh3add(b, i),
        Op::Sh3addUw => address_generation::sh3add_uw(b, i),
        Op::SlliUw => address_generation::slli_uw(b, i),
        Op::Andn => bit_manipulation::andn(b, i),
        Op::Orn => bit_manipulation::orn(b, i),
        Op::Xnor => bit_manipulation::xnor(b, i),
        Op::Clz => bit_manipulation::clz(b, i),
        Op::Clzw => bit_manipulation::clzw(b, i),
        Op::Ctz => bit_manipulation::ctz(b, i),
        Op::Ctzw => bit_manipulation::ctzw(b, i),
        Op::Cpop => bit_manipulation::cpop(b, i),
        Op::Cpopw => bit_manipulation::cpopw(b, i),
        Op::Max => bit_manipulation::max(b, i),
        Op::Maxu => bit_manipulation::maxu(b, i),
        Op::Min => bit_manipulation::min(b, i),
        Op::Minu => bit_manipulation::minu(b, i),
        Op::SextB => bit_manipulation::sext_b(b, i),
        Op::SextH => bit_manipulation::sext_h(b, i),
        Op::ZextH => bit_manipulation::zext_h(b, i),
        Op::Rol => bit_manipulation::rol(b, i),
        Op::Rolw => bit_manipulation::rolw(b, i),
        Op::Ror => bit_manipulation::ror(b, i),
        Op::Rori => bit_manipulation::rori(b, i),
        Op::Roriw => bit_manipulation::roriw(b, i),
        Op::Rorw => bit_manipulation::rorw(b, i),
        Op::OrcB => bit_manipulation::orc_b(b, i),
        Op::Rev8 => bit_manipulation::rev8(b, i),
        Op::Bclr => single_bit::bclr(b, i),
        Op::Bclri => single_bit::bclri(b, i),
        Op::Bext => single_bit::bext(b, i),
        Op::Bexti => single_bit::bexti(b, i),
        Op::Binv => single_bit::binv(b, i),
        Op::Binvi => single_bit::binvi(b, i),
        Op::Bset => single_bit::bset(b, i),
        Op::Bseti => single_bit::bseti(b, i),
        Op::CzeroEqz => conditional::czero_eqz(b, i),
        Op::CzeroNez => conditional::czero_nez(b, i),
    }
}

/// Value of integer register `number`.
fn x(b: &mut Builder, number: u8) -> Value {
    match state::x(number) {
        Some(slot) => b.get(slot),
        None => b.i64(0),
    }
}

/// Writes integer register `number`; a write to `x0` is lost.
fn set_x(b: &mut Builder, number: u8, value: Value) {
    if let Some(slot) = state::x(number) {
        b.set(value, slot);
    }
}

/// The instruction's immediate, sign-extended.
fn imm(b: &mut Builder, i: &Insn) -> Value {
    b.i64(i64::from(i.imm) as u64)
}

/// `rs1 + imm`: the address of loads and stores.
fn address(b: &mut Builder, i: &Insn) -> Value {
    let base = x(b, i.rs1);
    let offset = imm(b, i);
    b.add(base, offset)
}

/// `rd = op(rs1)`.
fn unary(b: &mut Builder, i: &Insn, op: impl FnOnce(&mut Builder, Value) -> Value) {
    if i.rd != 0 {
        let operand = x(b, i.rs1);
        let result = op(b, operand);
        set_x(b, i.rd, result);
    }
}

/// `rd = op(rs1, rs2)`.
fn register_register(b: &mut Builder, i: &Insn, op: impl FnOnce(&mut Builder, Value, Value) -> Value) {
    if i.rd != 0 {
        let (first, second) = (x(b, i.rs1), x(b, i.rs2));
        let result = op(b, first, second);
        set_x(b, i.rd, result);
    }
}

/// `rd = op(rs1, imm)`.
fn register_immediate(b: &mut Builder, i: &Insn, op: impl FnOnce(&mut Builder, Value, Value) -> Value) {
    if i.rd != 0 {
        let (first, second) = (x(b, i.rs1), imm(b, i));
        let result = op(b, first, second);
        set_x(b, i.rd, result);
    }
}

/// `op` on the low 32 bits of both values, sign-extended.
fn word(
    b: &mut Builder,
    first: Value,
    second: Value,
    op: impl FnOnce(&mut Builder, Value, Value) -> Value,
) -> Value {
    let (first, second) = (b.trunc(first, Type::I32), b.trunc(second, Type::I32));
    let result = op(b, first, second);
    b.sext(result, Type::I64)
}

/// The low 32 bits, zero-extended.
fn low_word(b: &mut Builder, value: Value) -> Value {
    let low = b.trunc(value, Type::I32);
    b.zext(low, Type::I64)
}

/// 1 if the comparison holds, else 0.
fn compare(b: &mut Builder, first: Value, second: Value, cond: Cond) -> Value {
    let holds = b.icmp(first, second, cond);
    b.resize(holds, Type::I64, Sign::Unsigned)
}

/// Value of float register `number` as the type says. A single-precision operand that is not NaN-boxed is the
/// canonical NaN ("NaN Boxing of Narrower Values").
fn f(b: &mut Builder, c: &Context<'_, Frontend>, number: u8, ty: Type) -> Value {
    let slot = state::f(number);
    if ty == Type::F64 {
        return b.get(slot);
    }
    if let Some(value) = c.frontend.single[number as usize] {
        return value;
    }
    let register = b.get(slot);
    b.funbox(register)
}

/// Writes float register `number`, single precision in its NaN box.
fn set_f(b: &mut Builder, c: &mut Context<'_, Frontend>, number: u8, value: Value) {
    let single = b.ty(value) == Type::F32;
    c.frontend.single[number as usize] = single.then_some(value);
    let register = if single { b.fbox(value) } else { value };
    b.set(register, state::f(number));
}
