//! Values in run lines: numbers, floats, vectors, bytes; and the flags that lie in slots as deciding values.

use crate::world::TestWorld;
use translator::guest::Guest;
use translator::ir::Type;
use translator::ir::interpret::World;

/// A decimal, hexadecimal or binary integer, perhaps negative, as bits.
pub fn integer(text: &str) -> Option<u128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = if let Some(hex) = digits.strip_prefix("0x") {
        u128::from_str_radix(hex, 16).ok()?
    } else if let Some(binary) = digits.strip_prefix("0b") {
        u128::from_str_radix(binary, 2).ok()?
    } else {
        digits.parse().ok()?
    };
    Some(if negative { value.wrapping_neg() } else { value })
}

/// The bits of a value of type `ty`. A vector is an integer, or `WIDTH:lane0,lane1,...`, the rest zero.
pub fn of_type(text: &str, ty: Type) -> Option<u128> {
    match text.split_once(':') {
        Some((width, lanes)) if ty == Type::V128 => {
            let width: u32 = width.parse().ok()?;
            let lane_type = match width {
                32 => Type::F32,
                64 => Type::F64,
                _ => Type::int_of_bytes(width / 8),
            };
            let mut bits = 0;
            for (position, lane) in lanes.split(',').enumerate() {
                let lane = of_type(lane, lane_type)? & (u128::MAX >> (128 - width));
                bits |= lane << (width * position as u32);
            }
            Some(bits)
        }
        _ => integer(text).or_else(|| float(text, ty)).map(|bits| bits & ty.mask()),
    }
}

/// `1.5`, `-inf`, `nan`, `snan`; in a 64-bit register with the suffix `s` for single precision in a NaN box.
fn float(text: &str, ty: Type) -> Option<u128> {
    if ty == Type::F32 {
        return single(text).map(Into::into);
    }
    if let Some(bits) = text.strip_suffix('s').and_then(single) {
        return Some(0xffff_ffff_0000_0000 | u128::from(bits));
    }
    Some(u128::from(match text {
        "nan" => 0x7ff8_0000_0000_0000,
        "snan" => 0x7ff4_0000_0000_0000,
        _ => text.parse::<f64>().ok()?.to_bits(),
    }))
}

fn single(text: &str) -> Option<u32> {
    Some(match text {
        "nan" => 0x7fc0_0000,
        "snan" => 0x7fa0_0000,
        _ => text.parse::<f32>().ok()?.to_bits(),
    })
}

/// Hexadecimal bytes in memory order, with or without spaces.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.split_whitespace().collect();
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

/// The address in `[0x2000]` or `ro[0x2000]`, and whether the memory is writable.
pub fn memory(name: &str) -> Option<(u64, bool)> {
    let (name, writable) = match name.strip_prefix("ro") {
        Some(name) => (name, false),
        None => (name, true),
    };
    let addr = name.strip_prefix('[')?.strip_suffix(']')?;
    Some((integer(addr)? as u64, writable))
}

/// Flags by their architectural names, each with the slot that decides it.
pub fn flags(guest: Guest) -> &'static [(&'static str, &'static str)] {
    match guest {
        Guest::X86_64 => {
            &[("CF", "cf"), ("ZF", "zf"), ("SF", "sf"), ("OF", "of"), ("PF", "pf"), ("AF", "af")]
        }
        Guest::Aarch64 => &[("N", "n"), ("Z", "z"), ("C", "c"), ("V", "v")],
        Guest::Riscv64 => &[],
    }
}

/// The slot of a flag.
pub fn flag(guest: Guest, name: &str) -> Option<&'static str> {
    flags(guest).iter().find(|(flag, _)| *flag == name).map(|(_, slot)| *slot)
}

/// Whether a flag is set.
pub fn flag_of(world: &TestWorld, guest: Guest, name: &str, slot: &str) -> bool {
    let value = world.get(guest.register_file().by_name(slot).expect("a flag has a slot"));
    match name {
        "N" | "SF" | "OF" => value >> 63 & 1 != 0,
        "Z" | "ZF" => value == 0,
        "PF" => (value as u8).count_ones().is_multiple_of(2),
        "AF" => value >> 4 & 1 != 0,
        _ => value != 0,
    }
}

/// Sets or clears a flag.
pub fn set_flag(world: &mut TestWorld, guest: Guest, name: &str, slot: &str, set: bool) {
    let value = match (name, set) {
        ("N" | "SF" | "OF", true) => 1 << 63,
        ("Z" | "ZF", _) => u128::from(!set),
        ("PF", _) => u128::from(!set),
        ("AF", true) => 1 << 4,
        _ => u128::from(set),
    };
    world.set(guest.register_file().by_name(slot).expect("a flag has a slot"), value);
}
