//! Every budget of one image, in both memory modes.

use super::image::{Image, Rig, Seen};
use crate::differential::PAGE;
use crate::random::Random;
use std::collections::BTreeSet;
use std::ops::AddAssign;
use translator::ir::Access;
use translator::memory::{Mode, Prot};
use translator::run::{ExecutionMode, Exit, Reason};

/// What was done.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counts {
    /// Images.
    pub images: u64,
    /// Runs of compiled code that were compared.
    pub runs: u64,
    /// Instructions that those retired.
    pub retired: u64,
    /// Images that ended in a fault because a page was taken away.
    pub faults: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.images += other.images;
        self.runs += other.runs;
        self.retired += other.retired;
        self.faults += other.faults;
    }
}

/// What the interpreter does from an image's start.
struct Path {
    /// The pages that it touches, and those that it writes.
    touched: BTreeSet<u64>,
    written: BTreeSet<u64>,
    /// The state before the first instruction and after each.
    states: Vec<Seen>,
    /// How the run with the largest budget ends.
    end: Exit,
}

impl Path {
    fn length(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    /// What a run with this budget must end with.
    fn exit(&self, budget: u64) -> Exit {
        let retired = budget.min(self.length());
        let counted = Some(retired);
        // Behind a system call the run ends with it, not with the budget, which is used up too.
        if budget > self.length() || budget == self.length() && self.end.reason == Reason::Syscall {
            return Exit { retired: counted, ..self.end };
        }
        Exit { reason: Reason::Budget, pc: self.states[retired as usize].pc, retired: counted }
    }
}

/// Runs the image with every budget up to `most`, and once more with a page that it touches taken away.
///
/// # Errors
/// What differs.
pub fn check(image: &Image, most: u64, random: &mut Random) -> Result<Counts, String> {
    let mut interpreter = Rig::new("interpreter", image, ExecutionMode::Interpret, Mode::Direct);
    let mut compiled = [
        Rig::new("regions, direct memory", image, ExecutionMode::Regions, Mode::Direct),
        Rig::new("regions, paged memory", image, ExecutionMode::Regions, Mode::Paged),
        Rig::new("stencils, direct memory", image, ExecutionMode::Stencils, Mode::Direct),
        Rig::new("stencils, paged memory", image, ExecutionMode::Stencils, Mode::Paged),
        Rig::new("tiers at random, direct memory", image, ExecutionMode::Compile, Mode::Direct),
        Rig::new("tiers at random, paged memory", image, ExecutionMode::Compile, Mode::Paged),
    ];
    let (touched, written) = pages_of(image, &mut interpreter, most);
    let mut path = follow(image, &mut interpreter, most, touched, written);
    let mut counts = Counts { images: 1, ..Counts::default() };
    for rig in &mut compiled {
        every_budget(image, &path, rig, random, &mut counts)?;
        in_pieces(image, &path, rig, random, &mut counts)?;
    }
    let pages: Vec<u64> = path.touched.iter().copied().collect();
    if !pages.is_empty() {
        let page = pages[random.below(pages.len() as u64) as usize];
        // Half of the time a page that is written stays readable.
        let prot = if path.written.contains(&page) && random.below(2) == 0 { Prot::READ } else { Prot::NONE };
        interpreter.reset(image, &path.written);
        interpreter.protect(page, prot);
        let end = interpreter.go(Some(most));
        let length = end.retired.expect("a budget counts");
        path.states.truncate(length as usize + 1);
        path.end = end;
        let before = counts.runs;
        for rig in &mut compiled {
            rig.reset(image, &path.written);
            rig.protect(page, prot);
            every_budget(image, &path, rig, random, &mut counts)
                .map_err(|report| format!("page {page:#x} is {prot}\n{report}"))?;
            rig.reset(image, &path.written);
            rig.protect(page, image.prot(page).expect("mapped"));
        }
        counts.faults += u64::from(counts.runs > before && matches!(end.reason, Reason::Fault(_)));
    }
    for rig in &mut compiled {
        rig.reset(image, &path.written);
        let changed = rig.changed(image);
        if !changed.is_empty() {
            return Err(format!(
                "{}: pages that the interpreter leaves alone have changed: {changed:x?}\n",
                rig.name
            ));
        }
    }
    Ok(counts)
}

/// The pages that the interpreter touches and those that it writes: it starts with none, and gets what it faults for.
fn pages_of(image: &Image, interpreter: &mut Rig, most: u64) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let data = || image.areas.iter().filter(|area| !area.prot.executable() && area.prot.readable());
    for area in data() {
        interpreter.vm().memory().protect(area.start, area.len, Prot::NONE).expect("mapped");
    }
    interpreter.reset(image, []);
    let (mut touched, mut written) = (BTreeSet::new(), BTreeSet::new());
    let mut left = most;
    loop {
        let exit = interpreter.go(Some(left));
        left -= exit.retired.expect("a budget counts");
        let Reason::Fault(fault) = exit.reason else { break };
        let page = fault.addr & !(PAGE as u64 - 1);
        let given = image.prot(page).filter(|prot| !prot.executable() && prot.readable());
        let progress = match (fault.access, given) {
            (Access::Read, Some(_)) if touched.insert(page) => {
                interpreter.protect(page, Prot::READ);
                true
            }
            (Access::Write, Some(prot)) if prot.writable() && written.insert(page) => {
                touched.insert(page);
                interpreter.protect(page, Prot::RW);
                true
            }
            _ => false,
        };
        if !progress {
            break;
        }
    }
    for area in data() {
        interpreter.vm().memory().protect(area.start, area.len, area.prot).expect("mapped");
    }
    (touched, written)
}

/// The state after each instruction.
fn follow(
    image: &Image,
    interpreter: &mut Rig,
    most: u64,
    touched: BTreeSet<u64>,
    written: BTreeSet<u64>,
) -> Path {
    interpreter.reset(image, &written);
    let end = interpreter.go(Some(most));
    let length = end.retired.expect("a budget counts");
    interpreter.reset(image, &written);
    let mut states = vec![interpreter.seen(written.iter())];
    for _ in 0..length {
        interpreter.go(Some(1));
        states.push(interpreter.seen(written.iter()));
    }
    Path { touched, written, states, end }
}

/// Runs from the start to every budget, and to one more than there is to do.
fn every_budget(
    image: &Image,
    path: &Path,
    rig: &mut Rig,
    random: &mut Random,
    counts: &mut Counts,
) -> Result<(), String> {
    /// Where tiers change at random, most runs compile regions anew. Such a rig takes one budget of so many.
    const SHARE: u64 = 16;
    let share = if rig.tiers_at_random { SHARE } else { 1 };
    for budget in 0..=path.length() + u64::from(path.end.reason != Reason::Budget) {
        if random.below(share) != 0 {
            continue;
        }
        rig.reset(image, &path.written);
        let exit = rig.go(Some(budget));
        compare(image, path, rig, &format!("budget {budget}"), (path.exit(budget), exit), budget, counts)?;
    }
    if path.end.reason != Reason::Budget {
        rig.reset(image, &path.written);
        let exit = rig.go(None);
        let expected = Exit { retired: None, ..path.end };
        compare(image, path, rig, "no budget", (expected, exit), path.length(), counts)?;
    }
    Ok(())
}

/// Runs in pieces of random sizes, so that units begin everywhere.
fn in_pieces(
    image: &Image,
    path: &Path,
    rig: &mut Rig,
    random: &mut Random,
    counts: &mut Counts,
) -> Result<(), String> {
    /// Each piece may start with a compilation.
    const PIECES: u64 = 12;
    rig.reset(image, &path.written);
    let (mut done, mut cuts) = (0, Vec::new());
    while done < path.length() && cuts.len() < PIECES as usize {
        let piece = match random.below(3) {
            0 => 1 + random.below(3),
            1 => 1 + random.below(20),
            _ => 1 + random.below(path.length() / 4 + 1),
        };
        // What comes behind the largest budget nobody has looked at.
        let left = path.length() - done;
        let piece = if path.end.reason == Reason::Budget { piece.min(left) } else { piece };
        cuts.push(piece);
        let exit = rig.go(Some(piece));
        let expected = path.exit(done + piece);
        let counted = expected.retired.expect("a budget counts") - done;
        let expected = Exit { retired: Some(counted), ..expected };
        done += counted;
        compare(image, path, rig, &format!("budgets {cuts:?}"), (expected, exit), done, counts)?;
    }
    Ok(())
}

fn compare(
    image: &Image,
    path: &Path,
    rig: &Rig,
    what: &str,
    (expected, exit): (Exit, Exit),
    instructions: u64,
    counts: &mut Counts,
) -> Result<(), String> {
    let state = &path.states[instructions.min(path.length()) as usize];
    let seen = rig.seen(path.written.iter());
    counts.runs += 1;
    counts.retired += exit.retired.unwrap_or(0);
    if exit == expected && seen == *state {
        return Ok(());
    }
    let differences = image.differences(&path.written, state, &seen);
    Err(format!("{}, {what}\n  interpreted: {expected:x?}\n  compiled: {exit:x?}\n{differences}", rig.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_path_ends_with_its_system_call() {
        let state = |pc| Seen { pc, slots: Vec::new(), bytes: Vec::new() };
        let end = Exit { reason: Reason::Syscall, pc: 0x1008, retired: Some(2) };
        let states = [0x1000, 0x1004, 0x1008].map(state).to_vec();
        let path = Path { touched: BTreeSet::new(), written: BTreeSet::new(), states, end };
        assert_eq!(path.exit(0), Exit { reason: Reason::Budget, pc: 0x1000, retired: Some(0) });
        assert_eq!(path.exit(1), Exit { reason: Reason::Budget, pc: 0x1004, retired: Some(1) });
        assert_eq!(path.exit(2), end);
        assert_eq!(path.exit(3), end);
    }
}
