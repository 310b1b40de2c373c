//! Futexes of a process with one thread: nobody else can wake a waiter, so a wait ends with its timeout or never.

use super::{Call, Reply};
use crate::abi::{half, pair, word};
use crate::errno::{EAGAIN, EFAULT, EINVAL, ENOSYS, ETIMEDOUT};
use crate::kernel;

const WAIT: u32 = 0;
const WAKE: u32 = 1;
const REQUEUE: u32 = 3;
const CMP_REQUEUE: u32 = 4;
const WAKE_OP: u32 = 5;
const WAIT_BITSET: u32 = 9;
const WAKE_BITSET: u32 = 10;
/// FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
const PRIVATE: u32 = 128;
const REALTIME: u32 = 256;

pub(super) fn futex(call: &mut Call<'_>) -> Reply {
    let [addr, operation, value, timeout, ..] = call.args;
    let operation = operation as u32;
    if !addr.is_multiple_of(4) {
        return Err(EINVAL.into());
    }
    match operation & !(PRIVATE | REALTIME) {
        WAIT => wait(call, addr, value as u32, timeout, libc::CLOCK_MONOTONIC, false),
        WAIT_BITSET => {
            if call.uint(5) == 0 {
                return Err(EINVAL.into());
            }
            let clock = if operation & REALTIME != 0 { libc::CLOCK_REALTIME } else { libc::CLOCK_MONOTONIC };
            wait(call, addr, value as u32, timeout, clock, true)
        }
        WAKE | WAKE_BITSET | WAKE_OP | REQUEUE => {
            if call.process.space().readable(addr, 4) < 4 {
                return Err(EFAULT.into());
            }
            Ok(0)
        }
        CMP_REQUEUE => {
            if half(&call.read::<4>(addr)?, 0) != call.uint(5) {
                return Err(EAGAIN.into());
            }
            Ok(0)
        }
        _ => Err(ENOSYS.into()),
    }
}

fn wait(call: &mut Call<'_>, addr: u64, value: u32, timeout: u64, clock: i32, absolute: bool) -> Reply {
    let until = match call.read_optional::<16>(timeout)? {
        None => None,
        Some(time) => {
            let (seconds, nanos) = (word(&time, 0), word(&time, 1));
            if seconds > i64::MAX as u64 || nanos >= 1_000_000_000 {
                return Err(EINVAL.into());
            }
            Some(if absolute {
                time
            } else {
                let now = kernel::clock(clock, false)?;
                let sum = word(&now, 1) + nanos;
                let seconds = word(&now, 0).saturating_add(seconds).saturating_add(sum / 1_000_000_000);
                pair(seconds.min(i64::MAX as u64), sum % 1_000_000_000)
            })
        }
    };
    if half(&call.read::<4>(addr)?, 0) != value {
        return Err(EAGAIN.into());
    }
    match until {
        Some(until) => {
            call.block(|gate| kernel::sleep_until(gate, clock, &until))?;
            Err(ETIMEDOUT.into())
        }
        None => super::descriptors::pause(call),
    }
}
