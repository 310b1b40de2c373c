//! LD1 to LD4 and ST1 to ST4: structures of 1 to 4 elements, spread over as many vector registers.

use super::Lifter;
use crate::ir::{Access, Lane, Order, Type, Value};
use decoders::aarch64::Insn;

/// The lane of a size field.
const LANES: [Lane; 4] = [Lane::B8, Lane::B16, Lane::B32, Lane::B64];

/// The register `offset` behind `first`; v0 follows v31.
fn following(first: u8, offset: usize) -> u8 {
    (first as usize + offset) as u8 % 32
}

/// Post-indexed forms (bit 23): adds Rm, or the bytes transferred where Rm is 31.
fn post_index(l: &mut Lifter, i: Insn, base: Value, bytes: u32) {
    if i.bit(23) {
        let offset = if i.rm() == 31 { l.i64(bytes.into()) } else { l.x(i.rm()) };
        let updated = l.add(base, offset);
        l.set_reg_or_sp(i.rn(), updated);
    }
}

/// A byte of one of several 16-byte values, or any byte at all.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Byte {
    source: usize,
    index: u8,
}

/// The vector whose bytes are those of `sources`; None may be anything.
fn gather(l: &mut Lifter, sources: &[Value], bytes: [Option<Byte>; 16]) -> Value {
    // Half of the sources at a time, until a shuffle of two decides.
    if sources.len() > 2 {
        let (left, right) = sources.split_at(2);
        let part = |from: usize, count: usize| {
            bytes.map(|byte| {
                byte.filter(|byte| (from..from + count).contains(&byte.source))
                    .map(|byte| Byte { source: byte.source - from, ..byte })
            })
        };
        let low = gather(l, left, part(0, 2));
        // A single source needs no shuffle of its own.
        let high = if let [only] = right { *only } else { gather(l, right, part(2, right.len())) };
        let chosen = std::array::from_fn(|position| {
            bytes[position].map(|byte| {
                let kept = byte.source == 2 && right.len() == 1;
                Byte { source: byte.source / 2, index: if kept { byte.index } else { position as u8 } }
            })
        });
        return gather(l, &[low, high], chosen);
    }
    let pattern = |position: usize| match bytes[position] {
        Some(byte) => byte.source as u8 * 16 + byte.index,
        None => position as u8,
    };
    let pattern: [u8; 16] = std::array::from_fn(pattern);
    for (number, &source) in sources.iter().enumerate() {
        let same = |(position, &byte): (usize, &u8)| {
            bytes[position].is_none() || byte as usize == number * 16 + position
        };
        if pattern.iter().enumerate().all(same) {
            return source;
        }
    }
    let (a, b) = (sources[0], *sources.last().expect("a source"));
    l.vshuffle(a, b, u128::from_le_bytes(pattern))
}

/// `ld1 {vt.t, ...}, [xn]` to `ld4` and `st1` to `st4`: element e of structure s is lane s of register e.
/// (Advanced SIMD load/store multiple structures)
pub(super) fn multiple(l: &mut Lifter, i: Insn) {
    // Registers, and elements of a structure.
    let (registers, elements) = match i.bits(12, 4) {
        0b0000 => (4, 4),
        0b0010 => (4, 1),
        0b0100 => (3, 3),
        0b0110 => (3, 1),
        0b0111 => (1, 1),
        0b1000 => (2, 2),
        _ => (2, 1),
    };
    let lane_bytes = 1 << i.bits(10, 2);
    let vector_bytes: usize = if i.q() { 16 } else { 8 };
    let total = registers * vector_bytes;
    // Where in memory byte `index` of register `register` stands.
    let place = |register: usize, index: usize| {
        let (lane, byte) = (index / lane_bytes, index % lane_bytes);
        let structure_start = (register - register % elements) * vector_bytes;
        structure_start + (lane * elements + register % elements) * lane_bytes + byte
    };
    let base = l.base(i.rn());
    // Memory in pieces of 16 bytes, and 8 bytes where that is what remains.
    let pieces = total.div_ceil(16);
    let piece = |number: usize| (number * 16, (total - number * 16).min(16));
    if i.bit(22) {
        let loaded: Vec<Value> = (0..pieces)
            .map(|number| {
                let (start, length) = piece(number);
                let addr = l.offset(base, start as i64);
                if length == 16 {
                    return l.load(addr, Type::V128, Order::Plain);
                }
                let half = l.load(addr, Type::I64, Order::Plain);
                l.vfrom_scalar(half)
            })
            .collect();
        for register in 0..registers {
            let bytes = std::array::from_fn(|index| {
                (index < vector_bytes).then(|| {
                    let at = place(register, index);
                    Byte { source: at / 16, index: (at % 16) as u8 }
                })
            });
            let value = gather(l, &loaded, bytes);
            l.set_vector(following(i.rd(), register), value, i.q());
        }
    } else {
        let sources: Vec<Value> = (0..registers).map(|offset| l.v(following(i.rd(), offset))).collect();
        if pieces > 1 {
            l.probe(base, Access::Write, total as u32);
        }
        for number in 0..pieces {
            let (start, length) = piece(number);
            let mut bytes = [None; 16];
            for source in 0..registers {
                for index in 0..vector_bytes {
                    let at = place(source, index);
                    if (start..start + length).contains(&at) {
                        bytes[at - start] = Some(Byte { source, index: index as u8 });
                    }
                }
            }
            let value = gather(l, &sources, bytes);
            let value = if length == 16 { value } else { l.vextract(value, Lane::B64, 0) };
            let addr = l.offset(base, start as i64);
            l.store(addr, value, Order::Plain);
        }
    }
    post_index(l, i, base, total as u32);
}

/// `ld1 {vt.t}[index], [xn]` to `ld4` and `st1` to `st4`: one lane of each register.
/// (Advanced SIMD load/store single structure)
pub(super) fn single(l: &mut Lifter, i: Insn) {
    let elements = elements(i);
    let (q, s, size) = (i.bits(30, 1), i.bits(12, 1), i.bits(10, 2));
    let all = q << 3 | s << 2 | size;
    let (lane, index) = match i.bits(14, 2) {
        0 => (Lane::B8, all),
        1 => (Lane::B16, all >> 1),
        _ if size == 0 => (Lane::B32, all >> 2),
        _ => (Lane::B64, all >> 3),
    };
    let bytes = lane.bits() / 8;
    let base = l.base(i.rn());
    let addresses: Vec<Value> =
        (0..elements).map(|element| l.offset(base, (element * bytes as usize) as i64)).collect();
    if i.bit(22) {
        let loaded: Vec<Value> =
            addresses.into_iter().map(|addr| l.load(addr, lane.ty(), Order::Plain)).collect();
        for (offset, value) in loaded.into_iter().enumerate() {
            let number = following(i.rd(), offset);
            let old = l.v(number);
            let new = l.vinsert(old, value, lane, index as u8);
            l.set_v(number, new);
        }
    } else {
        if elements > 1 {
            l.probe(base, Access::Write, elements as u32 * bytes);
        }
        for (offset, addr) in addresses.into_iter().enumerate() {
            let v = l.v(following(i.rd(), offset));
            let value = l.vextract(v, lane, index as u8);
            l.store(addr, value, Order::Plain);
        }
    }
    post_index(l, i, base, elements as u32 * bytes);
}

/// `ld1r {vt.t}, [xn]` to `ld4r`: one element to all lanes of its register.
/// (Advanced SIMD load/store single structure)
pub(super) fn replicate(l: &mut Lifter, i: Insn) {
    let elements = elements(i);
    let lane = LANES[i.bits(10, 2) as usize];
    let bytes = lane.bits() / 8;
    let base = l.base(i.rn());
    let loaded: Vec<Value> = (0..elements)
        .map(|element| {
            let addr = l.offset(base, (element * bytes as usize) as i64);
            l.load(addr, lane.ty(), Order::Plain)
        })
        .collect();
    for (offset, value) in loaded.into_iter().enumerate() {
        let all = l.vsplat(value, lane);
        l.set_vector(following(i.rd(), offset), all, i.q());
    }
    post_index(l, i, base, elements as u32 * bytes);
}

/// The number of elements of a structure of one lane: bits 13 and 21.
fn elements(i: Insn) -> usize {
    (i.bits(13, 1) << 1 | i.bits(21, 1)) as usize + 1
}
