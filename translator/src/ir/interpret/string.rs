//! The packed string comparison. (Intel SDM volume 2B, 4.1)

/// Elements, as signed or unsigned numbers.
fn element(vector: u128, index: u32, control: u8) -> i32 {
    match control & 3 {
        0 => (vector >> (8 * index)) as u8 as i32,
        1 => (vector >> (16 * index)) as u16 as i32,
        2 => (vector >> (8 * index)) as i8 as i32,
        _ => (vector >> (16 * index)) as i16 as i32,
    }
}

/// What [`crate::ir::Op::VStringCompare`] says; without `lengths` strings end at zeros.
pub fn compare(a: u128, b: u128, lengths: Option<u64>, control: u8) -> u64 {
    let count = if control & 1 == 0 { 16 } else { 8 };
    let to_zero = |v| (0..count).find(|&i| element(v, i, control) == 0).unwrap_or(count);
    let (a_length, b_length) = match lengths {
        Some(lengths) => {
            let length = |half: u64| (half as i32).unsigned_abs().min(count);
            (length(lengths), length(lengths >> 32))
        }
        None => (to_zero(a), to_zero(b)),
    };
    let at = |v, i| element(v, i, control);
    let holds = |j: u32| match control >> 2 & 3 {
        // Equal any: the element is one of the set `a`.
        0 => j < b_length && (0..a_length).any(|i| at(a, i) == at(b, j)),
        // Ranges: it lies in one of the ranges that pairs of elements of `a` bound.
        1 => {
            let within = |i| at(a, i) <= at(b, j) && at(b, j) <= at(a, i + 1);
            j < b_length && (0..count).step_by(2).any(|i| i + 1 < a_length && within(i))
        }
        // Equal each: the elements of both are equal, or both strings have ended.
        2 => match (j < a_length, j < b_length) {
            (true, true) => at(a, j) == at(b, j),
            (x, y) => x == y,
        },
        // Equal ordered: `a` stands here, as far as the vector goes.
        _ => (0..a_length.min(count - j)).all(|i| i + j < b_length && at(a, i) == at(b, i + j)),
    };
    let found = (0..count).filter(|&j| holds(j)).fold(0u64, |found, j| found | 1 << j);
    let all = (1 << count) - 1;
    let found = match control >> 4 & 3 {
        1 => found ^ all,
        3 => found ^ ((1 << b_length) - 1),
        _ => found,
    };
    found | u64::from(a_length < count) << 16 | u64::from(b_length < count) << 17
}
