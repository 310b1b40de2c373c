//! Lowerings of float ops.

use super::emit::Emitter;
use crate::ir::{Op, Type, Value as IrValue};
use cranelift_codegen::ir::{self, InstBuilder};

impl Emitter<'_, '_> {
    /// `fneg` or `fabs`: bits only, NaNs too.
    pub fn float_sign(&mut self, a: IrValue, negate: bool) -> ir::Value {
        let ty = self.ty(a);
        let a = self.value(a);
        match (ty, negate) {
            (Type::F32 | Type::F64, true) => self.b.ins().fneg(a),
            (Type::F32 | Type::F64, false) => self.b.ins().fabs(a),
            (_, true) => self.b.ins().bxor_imm_u(a, 0x8000),
            (_, false) => self.b.ins().band_imm_u(a, 0x7fff),
        }
    }

    pub fn float(&mut self, op: &Op) -> ir::Value {
        self.evaluate(op)
    }

    pub fn vector_float(&mut self, op: &Op) -> ir::Value {
        self.evaluate(op)
    }
}
