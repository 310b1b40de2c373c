//! Signals: names, default actions, what the guest has asked for, and what is pending.
//!
//! Actions and masks are recorded and obeyed as far as they need no guest code: ignored signals are ignored, blocked
//! ones wait, and a default action ends (or stops) the process as the kernel would. Running a guest's handler is not
//! supported yet; a process that would have to run one ends by that signal, and says so.

use crate::abi::SignalAction;
use crate::kernel;
use std::fmt;

/// A signal, 1 to 64. The numbers are the same on the three guests.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Signal(u8);

/// What happens by default.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DefaultAction {
    /// The process ends by the signal, with or without a core file.
    Terminate,
    /// Nothing.
    Ignore,
    /// The process stops until it is continued.
    Stop,
    /// A stopped process goes on.
    Continue,
}

impl Signal {
    /// Number of signals.
    pub const COUNT: usize = 64;
    /// Illegal instruction.
    pub const ILL: Signal = Signal(libc::SIGILL as u8);
    /// Breakpoint.
    pub const TRAP: Signal = Signal(libc::SIGTRAP as u8);
    /// Misaligned access, or one beyond the end of a mapped file.
    pub const BUS: Signal = Signal(libc::SIGBUS as u8);
    /// Arithmetic error.
    pub const FPE: Signal = Signal(libc::SIGFPE as u8);
    /// Cannot be caught.
    pub const KILL: Signal = Signal(libc::SIGKILL as u8);
    /// Bad memory access.
    pub const SEGV: Signal = Signal(libc::SIGSEGV as u8);
    /// Write to a pipe that nobody reads.
    pub const PIPE: Signal = Signal(libc::SIGPIPE as u8);
    /// Cannot be caught.
    pub const STOP: Signal = Signal(libc::SIGSTOP as u8);

    /// The signal of a number, if there is one.
    pub fn new(number: u64) -> Option<Signal> {
        (1..=Signal::COUNT as u64).contains(&number).then_some(Signal(number as u8))
    }

    /// Its number.
    pub const fn number(self) -> i32 {
        self.0 as i32
    }

    /// Its bit in a signal set.
    pub const fn bit(self) -> u64 {
        1 << (self.0 - 1)
    }

    /// Whether it tells of a fault of the program's own instruction, which the engine catches on the host.
    pub const fn is_fault(self) -> bool {
        matches!(self.number(), libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE | libc::SIGTRAP)
    }

    /// What happens by default.
    pub const fn default_action(self) -> DefaultAction {
        match self.number() {
            libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH => DefaultAction::Ignore,
            libc::SIGCONT => DefaultAction::Continue,
            libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => DefaultAction::Stop,
            _ => DefaultAction::Terminate,
        }
    }

    /// The symbolic name, for example `SIGSEGV`.
    pub fn name(self) -> String {
        const NAMES: [&str; 31] = [
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
            "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
            "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
        ];
        match NAMES.get(usize::from(self.0) - 1) {
            Some(name) => format!("SIG{name}"),
            None => format!("signal {}", self.0),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// `SIG_DFL`.
const DEFAULT: u64 = 0;
/// `SIG_IGN`.
const IGNORE: u64 = 1;

/// What a process has asked for, for each signal.
#[derive(Debug)]
pub struct Actions([SignalAction; Signal::COUNT]);

impl Actions {
    /// The actions that a new program starts with: ignored signals stay ignored across exec.
    pub fn inherited() -> Actions {
        let mut actions = [SignalAction::default(); Signal::COUNT];
        for (number, action) in (1..).zip(&mut actions) {
            // Rust programs ignore SIGPIPE from their start, which is not what xlat was started with.
            if number != libc::SIGPIPE && kernel::is_ignored(number) {
                action.handler = IGNORE;
            }
        }
        Actions(actions)
    }

    /// The action for a signal.
    pub fn get(&self, signal: Signal) -> SignalAction {
        self.0[usize::from(signal.0) - 1]
    }

    /// Sets the action for a signal and returns the old one.
    pub fn set(&mut self, signal: Signal, action: SignalAction) -> SignalAction {
        std::mem::replace(&mut self.0[usize::from(signal.0) - 1], action)
    }

    /// What is to be done when a signal arrives.
    pub fn decide(&self, signal: Signal) -> Decision {
        match (self.get(signal).handler, signal.default_action()) {
            (DEFAULT, DefaultAction::Terminate) => Decision::Terminate,
            (DEFAULT, DefaultAction::Stop) => Decision::Stop,
            (DEFAULT, DefaultAction::Ignore | DefaultAction::Continue) | (IGNORE, _) => Decision::Nothing,
            (_, _) => Decision::Handle,
        }
    }
}

/// What an arriving signal does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Ends the process.
    Terminate,
    /// Stops the process.
    Stop,
    /// Nothing.
    Nothing,
    /// Runs a handler of the guest.
    Handle,
}

/// A thread's blocked and pending signals, as sets.
#[derive(Clone, Copy, Default, Debug)]
pub struct Masks {
    /// Blocked.
    pub blocked: u64,
    /// Sent and not yet dealt with.
    pub pending: u64,
}

impl Masks {
    /// Signals that can never be blocked.
    pub const UNBLOCKABLE: u64 = Signal::KILL.bit() | Signal::STOP.bit();

    /// Replaces the blocked set; the host thread blocks the same signals, but for those that the engine needs.
    pub fn block(&mut self, set: u64) {
        let set = set & !Masks::UNBLOCKABLE;
        if set != self.blocked {
            let kept = (1..=64).filter_map(Signal::new);
            let kept = kept.filter(|signal| signal.is_fault() || signal.number() == kernel::WAKE);
            kernel::set_signal_mask(kept.fold(set, |set, signal| set & !signal.bit()));
        }
        self.blocked = set;
    }

    /// Takes the first pending signal that is not blocked; faults come first, as in the kernel.
    pub fn take(&mut self) -> Option<Signal> {
        let ready = self.pending & !self.blocked;
        let faults = (1..=64).filter_map(Signal::new).filter(|s| s.is_fault() && ready & s.bit() != 0);
        let signal = faults
            .min_by_key(|signal| signal.0)
            .or_else(|| (ready != 0).then(|| Signal(ready.trailing_zeros() as u8 + 1)))?;
        self.pending &= !signal.bit();
        Some(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_signals_wait_and_faults_come_first() {
        let mut masks = Masks { blocked: Signal::PIPE.bit(), ..Masks::default() };
        masks.pending = Signal::PIPE.bit() | Signal(1).bit() | Signal::SEGV.bit();
        assert_eq!(masks.take(), Some(Signal::SEGV));
        assert_eq!(masks.take(), Some(Signal(1)));
        assert_eq!(masks.take(), None);
        masks.blocked = 0;
        assert_eq!(masks.take(), Some(Signal::PIPE));
    }

    #[test]
    fn defaults_are_the_kernels() {
        let mut actions = Actions([SignalAction::default(); Signal::COUNT]);
        let child = Signal(libc::SIGCHLD as u8);
        assert_eq!(actions.decide(Signal::SEGV), Decision::Terminate);
        assert_eq!(actions.decide(child), Decision::Nothing);
        assert_eq!(actions.decide(Signal::STOP), Decision::Stop);
        actions.set(Signal::PIPE, SignalAction { handler: IGNORE, ..SignalAction::default() });
        assert_eq!(actions.decide(Signal::PIPE), Decision::Nothing);
        actions.set(Signal::PIPE, SignalAction { handler: 0x1000, ..SignalAction::default() });
        assert_eq!(actions.decide(Signal::PIPE), Decision::Handle);
        assert_eq!(Signal::SEGV.to_string(), "SIGSEGV");
        assert_eq!(Signal::new(0), None);
        assert_eq!(Signal::new(65), None);
    }
}
