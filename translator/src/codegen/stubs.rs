//! The runtime beside units: helper thunks, the stub behind unlinked links, and the arena they live in.

use super::arena::Arena;
use super::compiler::Compiler;
use super::emit::unit_signature;
use super::evaluate::{Helper, HelperFn, evaluate_op};
use super::stencil::Keeper;
use super::stencil::keep::{self, What};
use super::unit::{CompiledUnit, Tier, UnitKey};
use super::{Error, HostIsa};
use crate::guest::Guest;
use crate::run::state::{ExitKind, VcpuState};
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, MemFlagsData, Signature, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::mem::offset_of;

/// Helpers that the run loop provides. They are called from host code with the state of the calling vCPU, must not
/// unwind, and must not free the unit they are called from.
#[derive(Clone, Copy, Debug)]
pub struct Helpers {
    /// Paged mode: `(state, address, size << 8 | write)` fills the read or write TLB entry of the page. If the access
    /// may then be done, `state.scratch[0]` is the entry's addend in its low half and 1 in its high half, else 0: the
    /// interpreter will do the instruction.
    pub fill_tlb: HelperFn,
}

/// An arena with the stubs that its units need.
#[derive(Debug)]
pub struct Runtime {
    arena: Arena,
    /// Addresses of the thunks, by helper; behind them those of the functions that they call.
    table: Box<[usize]>,
}

impl Runtime {
    /// Maps an arena of `size` bytes with room for `slots` links, and fills it with the stubs.
    ///
    /// # Errors
    /// The compiler is not for this host, or the host gives no memory.
    pub fn new(compiler: &Compiler, size: usize, slots: usize, helpers: &Helpers) -> Result<Runtime, Error> {
        Runtime::in_arena(compiler, Arena::new(size, slots)?, helpers, None)
    }

    /// Fills an empty arena with the stubs, those that a keeper has for a guest if there is one.
    ///
    /// # Errors
    /// The compiler is not for this host, or the arena is too small.
    pub fn in_arena(
        compiler: &Compiler,
        arena: Arena,
        helpers: &Helpers,
        kept: Option<(&dyn Keeper, Guest)>,
    ) -> Result<Runtime, Error> {
        let place = |number: usize, make: &dyn Fn() -> Result<Vec<u8>, Error>| {
            let key = keep::stub_key(number as u64);
            let code = match kept.and_then(|(keeper, guest)| keep::find(keeper, guest, &key)) {
                Some(What::Stub(code)) => code,
                _ => {
                    let code = make()?;
                    if let Some((keeper, guest)) = kept {
                        keep::add(keeper, guest, &key, What::Stub(code.clone()));
                    }
                    code
                }
            };
            Ok::<u64, Error>(arena.install(&stub_unit(compiler.isa(), code))?.entry)
        };
        arena.set_unlinked(place(Helper::COUNT, &|| compiler.compile_stub(unlinked(compiler)))?);
        let mut table = vec![0; 2 * Helper::COUNT].into_boxed_slice();
        for (helper, function) in
            [(Helper::Evaluate, evaluate_op as HelperFn), (Helper::FillTlb, helpers.fill_tlb)]
        {
            let number = helper as usize;
            table[Helper::COUNT + number] = function as usize;
            table[number] = place(number, &|| {
                if compiler.isa() == HostIsa::Riscv64 && !compiler.has_vectors() {
                    Ok(thunk_without_vectors(number))
                } else {
                    compiler.compile_stub(thunk(compiler, number))
                }
            })? as usize;
        }
        Ok(Runtime { arena, table })
    }

    /// The arena.
    pub fn arena(&self) -> &Arena {
        &self.arena
    }

    /// What `VcpuState::helpers` must point to; lives as long as this.
    pub fn helper_table(&self) -> *const usize {
        self.table.as_ptr()
    }
}

fn stub_unit(isa: HostIsa, code: Vec<u8>) -> CompiledUnit {
    let key = UnitKey::plain(Guest::Riscv64);
    CompiledUnit {
        isa,
        pc: 0,
        key,
        tier: Tier::Region,
        hot_bytes: code.len() as u32,
        code,
        relocations: Vec::new(),
        links: Vec::new(),
        counter: None,
        interprets: false,
        sites: Vec::new(),
        ranges: Vec::new(),
        checks: Vec::new(),
        instructions: 0,
        moves: Vec::new(),
        write_back: false,
        compile_time: Default::default(),
        clif: None,
    }
}

/// Signature of the thunks: `(state, a, b)`, every register kept.
pub(super) fn helper_signature() -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature.params = vec![AbiParam::new(types::I64); 3];
    signature
}

/// `unlinked(state, slot)`: a `Link` exit to the target of the slot.
fn unlinked(compiler: &Compiler) -> Function {
    build(compiler, unit_signature(), |b, params| {
        let flags = MemFlagsData::trusted();
        let pc = b.ins().load(types::I64, flags, params[1], 8);
        b.ins().store(flags, pc, params[0], offset_of!(VcpuState, pc) as i32);
        b.ins().store(flags, params[1], params[0], offset_of!(VcpuState, exit_link) as i32);
        let word = b.ins().iconst(types::I64, ExitKind::Link as i64);
        b.ins().return_(&[word]);
    })
}

/// Where the helper table holds the function that a thunk calls. So thunks hold no address, and can be kept.
const fn function_offset(helper: usize) -> usize {
    (Helper::COUNT + helper) * size_of::<usize>()
}

/// Keeps every register around a call of a helper's function.
fn thunk(compiler: &Compiler, helper: usize) -> Function {
    build(compiler, helper_signature(), |b, params| {
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params = vec![AbiParam::new(types::I64); 3];
        let signature = b.func.import_signature(signature);
        let flags = MemFlagsData::trusted();
        let table = b.ins().load(types::I64, flags, params[0], offset_of!(VcpuState, helpers) as i32);
        let callee = b.ins().load(types::I64, flags, table, function_offset(helper) as i32);
        b.ins().call_indirect(signature, callee, params);
        b.ins().return_(&[]);
    })
}

/// The same for a RISC-V host without vectors, where Cranelift would save vector registers all the same.
fn thunk_without_vectors(helper: usize) -> Vec<u8> {
    const SP: u32 = 2;
    const T0: u32 = 5;
    const A0: u32 = 10;
    // What the C convention does not keep: ra, t0-t2, a0-a7, t3-t6; ft0-ft7, fa0-fa7, ft8-ft11.
    let integers = (1..2).chain(5..8).chain(10..18).chain(28..32);
    let floats = (0..8).chain(10..18).chain(28..32);
    let saved: Vec<(bool, u32)> =
        integers.map(|register| (false, register)).chain(floats.map(|register| (true, register))).collect();
    let frame = (saved.len() as u32 * 8).next_multiple_of(16);
    let addi = |imm: i32| 0x13 | SP << 7 | SP << 15 | (imm as u32 & 0xfff) << 20;
    let load =
        |opcode: u32, to: u32, base: u32, offset: u32| opcode | to << 7 | 3 << 12 | base << 15 | offset << 20;
    let mut code = vec![addi(-(frame as i32))];
    for (&(float, register), offset) in saved.iter().zip((0..).step_by(8)) {
        let opcode = if float { 0x27 } else { 0x23 };
        code.push(opcode | (offset & 31) << 7 | 3 << 12 | SP << 15 | register << 20 | (offset >> 5) << 25);
    }
    // ld t0, helpers(a0); ld t0, function(t0); jalr ra, t0.
    let (table, function) = (offset_of!(VcpuState, helpers) as u32, function_offset(helper) as u32);
    debug_assert!(table < 2048 && function < 2048, "offsets of loads have 12 bits with sign");
    code.extend([load(0x03, T0, A0, table), load(0x03, T0, T0, function), 0x67 | 1 << 7 | T0 << 15]);
    for (&(float, register), offset) in saved.iter().zip((0..).step_by(8)) {
        code.push(load(if float { 0x07 } else { 0x03 }, register, SP, offset));
    }
    code.extend([addi(frame as i32), 0x67 | 1 << 15]);
    code.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn build(
    compiler: &Compiler,
    signature: Signature,
    body: impl FnOnce(&mut FunctionBuilder<'_>, &[cranelift_codegen::ir::Value]),
) -> Function {
    let mut func = Function::new();
    func.signature = signature;
    let mut context = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(&mut func, &mut context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let params = b.block_params(entry).to_vec();
    body(&mut b, &params);
    b.finalize(compiler.target().frontend_config());
    func
}
