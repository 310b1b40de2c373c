//! Chains: float arithmetic whose results are looked at together.
//!
//! Where the inexact flag is set already, the results in doubt are infinities, NaNs and tiny ones (`doubt` says why). So that
//! not every result has to be looked at, the block goes on with what the host gave, *unsettled*, and the ops form a chain.
//! It is settled before the first op that may leave the block, or that does anything with an unsettled value but arithmetic:
//! there results are looked at, and if one of them is in doubt, a cold block computes the whole chain again, exactly.
//!
//! An infinity or NaN need not be looked for where it shows in a later result of the chain. Arithmetic makes infinities and
//! NaNs of them again, with one exception: a number divided by an infinity. So of `a * b + c` the product is looked at for
//! being tiny only, and the sum for being large.

use super::doubt::Look;
use super::emit::Emitter;
use super::float::Arithmetic;
use super::plan::in_memory;
use crate::ir::{Op, Round, Value as IrValue};
use cranelift_codegen::ir::{self, BlockArg, InstBuilder};
use rustc_hash::FxHashMap;

/// Ops of a chain at most: their operands live until it is settled.
const MAX_LINKS: usize = 16;

/// An op whose value is not settled.
#[derive(Clone, Copy)]
pub(super) struct Link {
    /// Index of the op in its block.
    at: usize,
    /// What it gave, from what the host gave.
    value: ir::Value,
    /// What it computes; `None` for an op that only moves a value or its sign, and raises nothing.
    arithmetic: Option<Arithmetic>,
}

impl Link {
    /// Whether the result may be tiny and inexact.
    fn may_be_tiny(&self) -> bool {
        self.arithmetic.is_some_and(|arithmetic| arithmetic.factors() != 0)
    }
}

impl Emitter<'_, '_> {
    /// Whether an op, arithmetic on scalars, may be a link of a chain.
    pub(super) fn may_chain(&self, arithmetic: Arithmetic, round: Round) -> bool {
        self.plan.holes.is_none()
            && self.check.is_none()
            && self.inexact_is_set()
            && self.rounds_like_host(round)
            && self.has_host_float()
            && (arithmetic != Arithmetic::Fma || self.features.fma)
    }

    /// Adds the op at hand to the chain.
    pub(super) fn add_link(&mut self, arithmetic: Arithmetic, value: ir::Value) {
        self.chain.push(Link { at: self.at, value, arithmetic: Some(arithmetic) });
    }

    /// Before an op: settles the chain, if the op cannot be done before that.
    pub(super) fn settle_before(&mut self, op: &Op) {
        if !self.chain.is_empty() && !self.goes_on(op) {
            self.settle_chain();
        }
    }

    /// Behind an op that [`Self::settle_before`] let through: if its value depends on an unsettled one, it is unsettled.
    pub(super) fn note_dependent(&mut self, op: &Op, value: Option<ir::Value>) {
        if let Some(value) = value
            && moves_only(op)
            && self.uses_unsettled(op)
        {
            self.chain.push(Link { at: self.at, value, arithmetic: None });
        }
    }

    /// Whether an op can be done while the chain is unsettled.
    fn goes_on(&self, op: &Op) -> bool {
        match *op {
            // The float flags.
            Op::Get { slot } | Op::Set { slot, .. } => !in_memory(slot),
            _ if moves_only(op) => self.chain.len() < MAX_LINKS,
            _ => match Arithmetic::of(op) {
                Some((arithmetic, round)) if self.may_chain(arithmetic, round) => {
                    self.chain.len() < MAX_LINKS
                }
                _ => !op.info().effect.may_exit() && !self.uses_unsettled(op),
            },
        }
    }

    /// Whether an operand of the op is unsettled.
    fn uses_unsettled(&self, op: &Op) -> bool {
        let mut any = false;
        op.for_each_operand(|operand| {
            let value = self.value(operand);
            any |= self.chain.iter().any(|link| link.value == value);
        });
        any
    }

    fn operands(&self, link: &Link) -> Vec<IrValue> {
        let mut operands = Vec::with_capacity(3);
        self.block.ops[link.at].for_each_operand(|operand| operands.push(operand));
        operands
    }

    /// For each link, whether its being an infinity or NaN shows in another one.
    fn covered(&self) -> Vec<bool> {
        let mut covered = vec![false; self.chain.len()];
        for index in (0..self.chain.len()).rev() {
            let link = &self.chain[index];
            let operands = self.operands(link);
            let showing = match link.arithmetic {
                Some(Arithmetic::Div) => &operands[..1],
                Some(_) => &operands[..],
                None if covered[index] && moves_sign(&self.block.ops[link.at]) => &operands[..],
                None => continue,
            };
            for &operand in showing {
                let value = self.value(operand);
                for (earlier, covered) in self.chain.iter().zip(&mut covered[..index]) {
                    *covered |= earlier.value == value;
                }
            }
        }
        covered
    }

    /// Looks at the results of the chain, and puts what is certain in the place of what the host gave.
    pub(super) fn settle_chain(&mut self) {
        let (again, join) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(again);
        self.look_at_operands(again);
        let covered = self.covered();
        let chain = std::mem::take(&mut self.chain);
        for (link, covered) in chain.iter().zip(covered) {
            if let Some(arithmetic) = link.arithmetic {
                self.look_at(link, arithmetic, covered, again);
            }
        }
        let needed = self.needed(&chain);
        let needed = || chain.iter().zip(&needed).filter(|(_, needed)| **needed).map(|(link, _)| link);
        let results: Vec<ir::Value> =
            needed().filter(|link| link.arithmetic.is_some()).map(|link| link.value).collect();
        let certain: Vec<ir::Value> = results
            .iter()
            .map(|&value| self.b.append_block_param(join, self.b.func.dfg.value_type(value)))
            .collect();
        let arguments: Vec<BlockArg> = results.iter().map(|&value| BlockArg::Value(value)).collect();
        self.b.ins().jump(join, &arguments);

        self.b.seal_block(again);
        self.b.switch_to_block(again);
        let exact = self.compute_again(&chain);
        let arguments: Vec<BlockArg> = results.iter().map(|value| BlockArg::Value(exact[value])).collect();
        self.b.ins().jump(join, &arguments);

        self.b.seal_block(join);
        self.b.switch_to_block(join);
        for (&value, &certain) in results.iter().zip(&certain) {
            self.replace(value, certain);
        }
        let here = self.at;
        for link in needed().filter(|link| link.arithmetic.is_none()) {
            self.at = link.at;
            let value = self.move_again(link);
            self.replace(link.value, value);
        }
        self.at = here;
    }

    /// Does an op that moves an unsettled value again, behind what settled it.
    fn move_again(&mut self, link: &Link) -> ir::Value {
        self.op(&self.block.ops[link.at]).expect("an op that moves a value gives one")
    }

    /// Branches to `again` if an operand raises something by what it is.
    fn look_at_operands(&mut self, again: ir::Block) {
        if !self.finds_denormals() {
            return;
        }
        let tiny = self.chain.iter().filter(|link| link.may_be_tiny());
        let mut seen: Vec<ir::Value> = tiny.map(|link| link.value).collect();
        for link in self.chain.clone().iter().filter(|link| link.arithmetic.is_some()) {
            for operand in self.operands(link) {
                let value = self.value(operand);
                if !seen.contains(&value) && !self.never_subnormal(operand) {
                    seen.push(value);
                    let doubt = self.is_subnormal(value);
                    self.branch_cold(doubt, again);
                }
            }
        }
    }

    /// Branches to `again` if the result of a link is in doubt.
    fn look_at(&mut self, link: &Link, arithmetic: Arithmetic, covered: bool, again: ir::Block) {
        let result = link.value;
        if link.may_be_tiny() {
            let doubt = if covered { self.is_tiny(result) } else { self.outside_normal(result) };
            let factors = self.operands(link).into_iter().take(arithmetic.factors());
            let operands = factors.map(|factor| self.value(factor)).collect();
            self.look_closer(doubt, result, Look::Zeros { result, operands }, again);
        } else if !covered {
            let doubt = self.is_large(result);
            self.branch_cold(doubt, again);
        }
    }

    /// For each link, whether its value is used by ops to come or in a slot.
    fn needed(&self, chain: &[Link]) -> Vec<bool> {
        let mut needed = vec![false; chain.len()];
        for index in (0..chain.len()).rev() {
            let value = chain[index].value;
            let uses_later = |(op, &other): (usize, &Option<ir::Value>)| {
                other == Some(value) && self.last_uses[op] >= self.at
            };
            needed[index] |= self.current.contains(&Some(value))
                || self.pending.iter().any(|pending| pending.1 == value)
                || self.values.iter().enumerate().any(uses_later);
            if needed[index] && chain[index].arithmetic.is_none() {
                let operands = self.operands(&chain[index]);
                for (earlier, needed) in chain.iter().zip(&mut needed[..index]) {
                    *needed |= operands.iter().any(|&operand| self.value(operand) == earlier.value);
                }
            }
        }
        needed
    }

    /// Computes the chain exactly: for each value of it, what it should have been.
    fn compute_again(&mut self, chain: &[Link]) -> FxHashMap<ir::Value, ir::Value> {
        let mut exact = FxHashMap::default();
        let here = self.at;
        let values = self.values.clone();
        for link in chain {
            for operand in self.operands(link) {
                let place = &mut self.values[operand.index()];
                *place = place.map(|value| exact.get(&value).copied().unwrap_or(value));
            }
            self.at = link.at;
            let value = match link.arithmetic {
                Some(_) => self.evaluate(&self.block.ops[link.at]),
                None => self.move_again(link),
            };
            exact.insert(link.value, value);
        }
        self.values = values;
        self.at = here;
        exact
    }

    /// Puts a value in the place of another one, in all that the block goes on with.
    fn replace(&mut self, old: ir::Value, new: ir::Value) {
        let values = self.values.iter_mut().flatten();
        let slots = self.current.iter_mut().flatten();
        let pending = self.pending.iter_mut().map(|pending| &mut pending.1);
        values.chain(slots).chain(pending).filter(|value| **value == old).for_each(|value| *value = new);
    }
}

/// Whether an op gives what its operand holds, elsewhere or with another sign.
fn moves_only(op: &Op) -> bool {
    moves_sign(op)
        || matches!(
            op,
            Op::FBox { .. }
                | Op::FUnbox { .. }
                | Op::Bitcast { .. }
                | Op::VFromScalar { .. }
                | Op::VInsertFloat { .. }
                | Op::VExtractFloat { .. }
        )
}

fn moves_sign(op: &Op) -> bool {
    matches!(op, Op::FNeg { .. } | Op::FAbs { .. })
}
