//! Is the state exact wherever a run ends? Compiled code against the interpreter, one budget after the other, and with a
//! page taken away.
//!
//! | module | what |
//! | --- | --- |
//! | `image` | memory and registers that runs start from, and machines that are put back to them |
//! | `check` | every budget of one image, in both memory modes |
//! | `windows` | images out of the middle of kernels |
//!
//! The interpreter makes one step after the other and so gives the state after every number of instructions; a machine
//! with compiled code runs from the image's start to each of them. Random programs come from
//! [`differential`](crate::differential).

pub mod check;
pub mod image;
pub mod windows;

use crate::differential::generate::generate;
use crate::random::Random;
use check::{Counts, check};
use image::Image;
use translator::guest::Guest;

/// Budgets up to this are tried one by one.
pub const MOST: u64 = 2_000;

/// Checks the random program of a seed; nothing if the seed stands for a single instruction.
///
/// # Errors
/// What differs.
pub fn check_program(guest: Guest, seed: u64, most: u64) -> Option<Result<Counts, String>> {
    let case = generate(guest, seed);
    if case.code.len() <= 32 {
        return None;
    }
    let image = Image::of_case(&case);
    let mut random = Random::new(seed ^ 0x7061_6765);
    Some(check(&image, most, &mut random).map_err(|report| {
        format!("--- {guest} program {seed:#x}\n{report}{}", image.listing(case.state.pc, case.code.len()))
    }))
}
