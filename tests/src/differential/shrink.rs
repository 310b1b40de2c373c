//! Makes a case smaller that shows a difference, so that the report is about what matters.

use super::Case;
use crate::code::disassemble;
use translator::guest::Guest;

/// The case with as many of its instructions as possible replaced by ones that do nothing, so that `fails` still says yes.
///
/// Addresses stay, and so do branches that something depends on. Instructions that are never executed go as well.
pub fn shrunk(case: &Case, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut smallest = case.clone();
    loop {
        let before = smallest.code.clone();
        let mut at = 0;
        for (_, bytes, _) in disassemble(case.guest, &before, case.state.pc) {
            let place = at..at + bytes.len();
            at = place.end;
            let mut smaller = smallest.clone();
            fill_with_nops(case.guest, &mut smaller.code[place]);
            if smaller.code != smallest.code && fails(&smaller) {
                smallest = smaller;
            }
        }
        // What went may have been all that another one was for.
        if smallest.code == before {
            return smallest;
        }
    }
}

/// One instruction that does nothing, as long as the place (RV64: or several).
fn fill_with_nops(guest: Guest, place: &mut [u8]) {
    match guest {
        Guest::X86_64 => {
            // Operand-size prefixes.
            place.fill(0x66);
            place.iter_mut().next_back().into_iter().for_each(|last| *last = 0x90);
        }
        Guest::Aarch64 => place.copy_from_slice(&[0x1f, 0x20, 0x03, 0xd5]),
        Guest::Riscv64 => place.chunks_mut(2).for_each(|half| half.copy_from_slice(&[0x01, 0x00])),
    }
}

#[cfg(test)]
mod tests {
    use super::super::generate::numbered;
    use super::*;

    #[test]
    fn only_what_the_difference_needs_is_left() {
        for guest in Guest::ALL {
            let instructions = |case: &Case| disassemble(guest, &case.code, case.state.pc);
            let mut cases = (0..).map(|number| numbered(guest, number).case);
            let case = cases.find(|case| instructions(case).len() > 8).expect("a program");
            let wanted = instructions(&case).swap_remove(3).1;
            let small = shrunk(&case, |case| case.code.windows(wanted.len()).any(|at| at == wanted));
            let mut left = Vec::new();
            for (_, bytes, _) in instructions(&small) {
                let mut nops = bytes.clone();
                fill_with_nops(guest, &mut nops);
                if nops != bytes {
                    left.push(bytes);
                }
            }
            assert_eq!(left, [wanted], "{guest}");
        }
    }
}
