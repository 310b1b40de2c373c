//! Signal actions, masks and sending. What a signal then does is decided between two instructions of the guest, in
//! `process`.

use super::{Call, Leave, Reply};
use crate::abi::{self, SignalAction};
use crate::errno::{EINVAL, ENOMEM, EPERM};
use crate::kernel::{self, Integers};
use crate::signals::{Masks, Signal};

/// Size of a signal set.
const SET_SIZE: u64 = 8;

pub(super) fn rt_sigaction(call: &mut Call<'_>) -> Reply {
    let [number, new, old, size, ..] = call.args;
    if size != SET_SIZE {
        return Err(EINVAL.into());
    }
    let signal = Signal::new(u64::from(number as u32)).ok_or(EINVAL)?;
    let guest = call.guest();
    let action = match new {
        0 => None,
        addr => {
            let bytes = call.read_bytes(addr, abi::signal_action_size(guest) as usize)?;
            Some(SignalAction::parse(guest, &bytes))
        }
    };
    if action.is_some() && matches!(signal, Signal::KILL | Signal::STOP) {
        return Err(EINVAL.into());
    }
    let mut actions = call.process.actions();
    let before = actions.get(signal);
    if old != 0 {
        call.write(old, &before.bytes(guest))?;
    }
    if let Some(mut action) = action {
        action.mask &= !Masks::UNBLOCKABLE;
        actions.set(signal, action);
        // So that signals of other processes meet the same disposition. The engine needs the faults' handlers.
        if !signal.is_fault() && signal != Signal::PIPE && signal.number() != kernel::WAKE {
            kernel::set_ignored(signal.number(), action.handler == 1);
        }
    }
    Ok(0)
}

pub(super) fn rt_sigprocmask(call: &mut Call<'_>) -> Reply {
    let [_, new, old, size, ..] = call.args;
    if size != SET_SIZE {
        return Err(EINVAL.into());
    }
    let set = call.read_optional::<8>(new)?.map(u64::from_le_bytes);
    let before = call.thread.signals.blocked;
    if let Some(set) = set {
        let blocked = match call.int(0) {
            libc::SIG_BLOCK => before | set,
            libc::SIG_UNBLOCK => before & !set,
            libc::SIG_SETMASK => set,
            _ => return Err(EINVAL.into()),
        };
        call.thread.signals.block(blocked);
    }
    call.write_optional(old, &before.to_le_bytes())?;
    Ok(0)
}

pub(super) fn rt_sigpending(call: &mut Call<'_>) -> Reply {
    if call.args[1] > SET_SIZE {
        return Err(EINVAL.into());
    }
    let pending = (call.thread.signals.pending & call.thread.signals.blocked).to_le_bytes();
    call.write(call.args[0], &pending[..call.args[1] as usize])?;
    Ok(0)
}

/// `sigaltstack`: recorded; nothing runs on it until handlers are supported.
pub(super) fn sigaltstack(call: &mut Call<'_>) -> Reply {
    const SS_DISABLE: u64 = 2;
    let [new, old, ..] = call.args;
    let before = call.thread.alternate_stack;
    if let Some(bytes) = call.read_optional::<24>(new)? {
        let stack = [abi::word(&bytes, 0), u64::from(abi::half(&bytes, 2)), abi::word(&bytes, 2)];
        if stack[1] & SS_DISABLE == 0 && stack[2] < 2048 {
            return Err(ENOMEM.into());
        }
        call.thread.alternate_stack = if stack[1] & SS_DISABLE == 0 { stack } else { [0, SS_DISABLE, 0] };
    }
    let mut fields = abi::Fields::default();
    fields.u64(before[0]).u64(before[1]).u64(before[2]);
    call.write_optional(old, &fields.0)?;
    Ok(0)
}

/// Sends a signal to the calling thread.
fn send_to_self(call: &mut Call<'_>, signal: Option<Signal>) -> Reply {
    if let Some(signal) = signal {
        if signal == Signal::KILL {
            return Err(Leave::Killed(signal));
        }
        call.thread.signals.pending |= signal.bit();
    }
    Ok(0)
}

/// The signal of an argument: 0 sends none, but checks the receiver.
fn signal_argument(number: u64) -> Result<Option<Signal>, Leave> {
    match number as u32 {
        0 => Ok(None),
        number => Ok(Some(Signal::new(u64::from(number)).ok_or(EINVAL)?)),
    }
}

pub(super) fn kill(call: &mut Call<'_>) -> Reply {
    let signal = signal_argument(call.args[1])?;
    if call.int(0) == call.process.pid() {
        return send_to_self(call, signal);
    }
    Ok(kernel::integers(Integers::Kill, call.args)?)
}

pub(super) fn tkill(call: &mut Call<'_>) -> Reply {
    let signal = signal_argument(call.args[1])?;
    if call.int(0) == call.thread.id() {
        return send_to_self(call, signal);
    }
    // Threads of other processes cannot be reached without their process.
    Err(EPERM.into())
}

pub(super) fn tgkill(call: &mut Call<'_>) -> Reply {
    let signal = signal_argument(call.args[2])?;
    if call.int(0) == call.process.pid() && call.int(1) == call.thread.id() {
        return send_to_self(call, signal);
    }
    Ok(kernel::integers(Integers::Tgkill, call.args)?)
}

/// `rt_sigsuspend`: waits with another mask; only a signal that ends the process ends the wait.
pub(super) fn rt_sigsuspend(call: &mut Call<'_>) -> Reply {
    if call.args[1] != SET_SIZE {
        return Err(EINVAL.into());
    }
    let set = u64::from_le_bytes(call.read::<8>(call.args[0])?);
    let before = call.thread.signals.blocked;
    call.thread.signals.block(set);
    if call.thread.signals.pending & !set != 0 {
        // Dealt with before the next instruction, under the old mask or not: it was unblocked here.
        return Err(crate::errno::EINTR.into());
    }
    let reply = super::descriptors::pause(call);
    call.thread.signals.block(before);
    reply
}
