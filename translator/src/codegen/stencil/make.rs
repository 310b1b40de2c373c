//! From a shape to a stencil: two compiles with different placeholders, and the proof that they differ in nothing else.

use super::super::emit::{Emitted, namespace};
use super::super::groups::GUEST_ACCESS;
use super::super::plan::Plan;
use super::super::unit::UnitKey;
use super::super::{Compiler, Error};
use super::shape::{ADDRESSES, Class, Shape};
use super::split::{self, Cut};
use super::{Filling, Holes, Piece, Place, Role, Stencil};
use crate::ir::{Block, Op, Terminator, Trap};
use crate::region::{Edge, Region, only_interpreted};
use cranelift_codegen::FinalizedRelocTarget;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::ExternalName;
use rustc_hash::FxHashSet;

/// One compile.
struct Raw {
    code: Vec<u8>,
    emitted: Emitted,
    /// 64-bit fields: offset, namespace, index.
    symbols: Vec<(u32, u32, u32)>,
    /// Offset of the field of the jump to what follows.
    next: Option<u32>,
    accesses: Vec<u32>,
}

/// Compiles a shape; `None` if its code depends on more than its holes.
pub(super) fn make(
    compiler: &Compiler,
    piece: &Piece<'_>,
    key: &UnitKey,
    shape: &Shape,
) -> Result<Option<Stencil>, Error> {
    let placeholders = [0, 1].map(|variant| {
        let each = shape.classes().iter().enumerate();
        each.map(|(hole, class)| placeholder(hole, *class, variant)).collect::<Vec<i64>>()
    });
    let mut raws = Vec::with_capacity(2);
    for placeholders in &placeholders {
        let Some(raw) = compile(compiler, piece, key, shape, placeholders)? else { return Ok(None) };
        raws.push(raw);
    }
    let [one, other] = [&raws[0], &raws[1]];
    if one.code.len() != other.code.len()
        || one.symbols != other.symbols
        || one.next != other.next
        || one.accesses != other.accesses
    {
        return Ok(None);
    }
    let Some(mut fillings) = holes(shape, piece.role(), [&one.code, &other.code], &placeholders) else {
        return Ok(None);
    };
    for &(offset, space, index) in &one.symbols {
        let filling = match space {
            namespace::HOLE => Filling::Wide(index as u8),
            namespace::COUNTER => Filling::Counter,
            namespace::ENTRY => Filling::Entry,
            _ => Filling::Link(successor(piece, one.emitted.links[index as usize])),
        };
        fillings.push((offset, filling));
    }
    let entries: Vec<u32> =
        one.symbols.iter().filter(|symbol| symbol.1 == namespace::ENTRY).map(|symbol| symbol.0).collect();
    let keep = piece.role() == Role::Entry;
    let Some(cut) = split::split(compiler.isa(), &one.code, one.next, &entries, keep) else {
        return Ok(None);
    };
    Ok(assemble(one, fillings, &cut))
}

/// Position of a link's target among the successors.
fn successor(piece: &Piece<'_>, target: u64) -> u8 {
    match piece {
        Piece::Instruction { block, .. } => {
            block.terminator.successors().position(|successor| successor == target).unwrap_or(0) as u8
        }
        _ => 0,
    }
}

/// A value that looks like no other part of the code. Negative ones make sure that sign-extended encodings are chosen
/// where the value may be negative; none fits a shorter encoding.
fn placeholder(hole: usize, class: Class, variant: u32) -> i64 {
    let mixed = (hole as u32 + 1).wrapping_mul(0x9e37_79b1) ^ (variant + 1).wrapping_mul(0x85eb_ca6b);
    match class {
        Class::Fixed | Class::Wide => 0,
        Class::Positive => i64::from(mixed & 0x3fff_ffff | 0x4000_0000),
        Class::Negative => i64::from((mixed & 0x3fff_ffff | 0x8000_0000) as i32),
        Class::Amount => (hole as i64 % 9) + if variant == 0 { 4 } else { 17 },
    }
}

fn compile(
    compiler: &Compiler,
    piece: &Piece<'_>,
    key: &UnitKey,
    shape: &Shape,
    placeholders: &[i64],
) -> Result<Option<Raw>, Error> {
    let pc = piece.pc();
    let mut region = Region {
        blocks: Vec::new(),
        edges: Vec::new(),
        loop_heads: vec![false],
        checks: vec![None],
        unlikely: FxHashSet::default(),
    };
    match *piece {
        Piece::Instruction { block, edges } => {
            let mut block = block.clone();
            for hole in shape.constants().iter().filter(|hole| hole.class != Class::Wide) {
                let value = placeholders[hole.hole] as u64;
                match &mut block.ops[hole.op] {
                    Op::Const { ty, imm } => *imm = value & ty.mask() as u64,
                    Op::Address { imm } => *imm = value,
                    _ => unreachable!("only constants and addresses are such holes"),
                }
            }
            // Whether a probe stands for the access behind it may depend on constants.
            let differs =
                |(op, real)| only_interpreted(&block, op) != only_interpreted(piece_block(piece), real);
            if block.ops.iter().zip(&piece_block(piece).ops).any(differs) {
                return Ok(None);
            }
            region.blocks.push(block);
            region.edges.push(edges.to_vec());
        }
        Piece::Entry { .. } | Piece::Spend { .. } => {
            region.blocks.push(Block {
                guest: key.guest,
                start: pc,
                end: pc,
                instructions: 0,
                ops: Vec::new(),
                types: Vec::new(),
                terminator: Terminator::Trap { trap: Trap::Unsupported },
            });
            region.edges.push(vec![Edge::Next]);
        }
    }
    let holes = Holes::new(shape, piece.role(), placeholders);
    let key = UnitKey { budget: key.budget || piece.role() == Role::Spend, ..*key };
    let plan = Plan::stencil(&region, &key, &holes);
    let (func, compiled, emitted) = compiler.compile_stencil(&plan)?;
    let mut raw = Raw {
        code: compiled.code_buffer().to_vec(),
        emitted,
        symbols: Vec::new(),
        next: None,
        accesses: Vec::new(),
    };
    for relocation in compiled.buffer.relocs() {
        let FinalizedRelocTarget::ExternalName(ExternalName::User(name)) = &relocation.target else {
            return Ok(None);
        };
        let name = &func.params.user_named_funcs()[*name];
        match (name.namespace, relocation.kind) {
            (namespace::NEXT, _) if raw.next.is_none() => raw.next = Some(relocation.offset),
            (namespace::ENTRY, _) => raw.symbols.push((relocation.offset, name.namespace, 0)),
            (namespace::HOLE | namespace::LINK_SLOT | namespace::COUNTER, Reloc::Abs8)
                if relocation.addend == 0 =>
            {
                raw.symbols.push((relocation.offset, name.namespace, name.index));
            }
            _ => return Ok(None),
        }
    }
    for trap in compiled.buffer.traps() {
        if trap.code != GUEST_ACCESS {
            return Ok(None);
        }
        raw.accesses.push(trap.offset);
    }
    Ok(Some(raw))
}

fn piece_block<'a>(piece: &Piece<'a>) -> &'a Block {
    match *piece {
        Piece::Instruction { block, .. } => block,
        _ => unreachable!("asked for instructions only"),
    }
}

/// Where the two codes hold the placeholders; `None` if they differ elsewhere, or a value is missing from the code.
fn holes(
    shape: &Shape,
    role: Role,
    codes: [&[u8]; 2],
    placeholders: &[Vec<i64>; 2],
) -> Option<Vec<(u32, Filling)>> {
    let mut fillings = Vec::new();
    let mut covered = vec![false; codes[0].len()];
    let mut found = vec![false; shape.classes().len()];
    let width = |class| match class {
        Class::Positive | Class::Negative => 4,
        Class::Amount => 1,
        Class::Fixed | Class::Wide => 0,
    };
    for at in 0..codes[0].len() {
        // An amount of one byte means something only where the codes differ.
        if covered[at] || codes[0][at] == codes[1][at] && !starts_word(shape, codes, placeholders, at) {
            continue;
        }
        for (hole, &class) in shape.classes().iter().enumerate() {
            let width = width(class);
            let holds = |variant: usize| {
                let bytes = placeholders[variant][hole].to_le_bytes();
                codes[variant].get(at..at + width) == Some(&bytes[..width])
            };
            if width == 0 || !holds(0) || !holds(1) {
                continue;
            }
            covered[at..at + width].fill(true);
            found[hole] = true;
            let number = hole as u8;
            fillings
                .push((at as u32, if width == 1 { Filling::Byte(number) } else { Filling::Word(number) }));
            break;
        }
    }
    let same = (0..covered.len()).all(|at| covered[at] || codes[0][at] == codes[1][at]);
    // The addresses appear only where the instruction may leave; the budget's share only where there is one.
    let optional = |hole: usize| hole < ADDRESSES || role == Role::Entry;
    let complete =
        (0..found.len()).all(|hole| found[hole] || optional(hole) || width(shape.classes()[hole]) == 0);
    (same && complete).then_some(fillings)
}

/// Whether a placeholder of four bytes begins here (its first bytes may be the same in both codes).
fn starts_word(shape: &Shape, codes: [&[u8]; 2], placeholders: &[Vec<i64>; 2], at: usize) -> bool {
    shape.classes().iter().enumerate().any(|(hole, class)| {
        matches!(class, Class::Positive | Class::Negative)
            && (0..2).all(|variant| {
                codes[variant].get(at..at + 4) == Some(&placeholders[variant][hole].to_le_bytes()[..4])
            })
    })
}

/// Puts the stencil together from the code and what is known about it.
fn assemble(raw: &Raw, fillings: Vec<(u32, Filling)>, cut: &Cut) -> Option<Stencil> {
    let place = |offset: u32| cut.place(offset);
    let fillings: Vec<(Place, Filling)> = fillings
        .into_iter()
        .map(|(offset, filling)| Some((place(offset)?, filling)))
        .collect::<Option<_>>()?;
    let sites: Vec<Place> = raw.accesses.iter().map(|&offset| place(offset)).collect::<Option<_>>()?;
    let ends = raw.next.is_none();
    let has_address = fillings.iter().any(|(_, filling)| {
        matches!(*filling, Filling::Word(hole) | Filling::Wide(hole) if usize::from(hole) < ADDRESSES)
    });
    let links = fillings.iter().any(|(_, filling)| matches!(filling, Filling::Link(_) | Filling::Entry));
    Some(Stencil {
        hot: cut.hot(&raw.code),
        rest: cut.rest(&raw.code),
        hot_phase: cut.hot_phase,
        rest_phase: cut.rest_phase,
        references: cut.references.clone().into(),
        leaves: ends || has_address || links || !sites.is_empty(),
        fillings: fillings.into(),
        sites: sites.into(),
        ends,
    })
}
