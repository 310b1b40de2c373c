//! Clocks, sleeping, interval timers. The structures are the same on the three guests.

use super::{Call, Reply};
use crate::abi::{pair, word};
use crate::errno::{EINVAL, EOPNOTSUPP};
use crate::kernel;

const NANOS: u64 = 1_000_000_000;

pub(super) fn clock_gettime(call: &mut Call<'_>) -> Reply {
    let time = kernel::clock(call.int(0), false)?;
    call.write(call.args[1], &time)?;
    Ok(0)
}

pub(super) fn clock_getres(call: &mut Call<'_>) -> Reply {
    let resolution = kernel::clock(call.int(0), true)?;
    call.write_optional(call.args[1], &resolution)?;
    Ok(0)
}

pub(super) fn gettimeofday(call: &mut Call<'_>) -> Reply {
    let (time, zone) = kernel::gettimeofday()?;
    call.write_optional(call.args[0], &time)?;
    call.write_optional(call.args[1], &zone)?;
    Ok(0)
}

/// `time`, of x86-64 only.
pub(super) fn time(call: &mut Call<'_>) -> Reply {
    let seconds = word(&kernel::clock(libc::CLOCK_REALTIME, false)?, 0);
    call.write_optional(call.args[0], &seconds.to_le_bytes())?;
    Ok(seconds)
}

pub(super) fn times(call: &mut Call<'_>) -> Reply {
    let (ticks, spent) = kernel::times()?;
    call.write_optional(call.args[0], &spent)?;
    Ok(ticks)
}

pub(super) fn nanosleep(call: &mut Call<'_>) -> Reply {
    sleep(call, libc::CLOCK_MONOTONIC, false, call.args[0], call.args[1])
}

pub(super) fn clock_nanosleep(call: &mut Call<'_>) -> Reply {
    match call.int(0) {
        libc::CLOCK_THREAD_CPUTIME_ID => return Err(EINVAL.into()),
        clock if clock < 0 => return Err(EOPNOTSUPP.into()),
        _ => {}
    }
    let absolute = call.int(1) & libc::TIMER_ABSTIME != 0;
    sleep(call, call.int(0), absolute, call.args[2], call.args[3])
}

/// Sleeps until a moment of a clock, so that a sleep that is entered again does not start anew.
fn sleep(call: &mut Call<'_>, clock: i32, absolute: bool, time: u64, rest: u64) -> Reply {
    let asked = call.read::<16>(time)?;
    let (seconds, nanos) = (word(&asked, 0), word(&asked, 1));
    if nanos >= NANOS || seconds > i64::MAX as u64 {
        return Err(EINVAL.into());
    }
    let until = if absolute {
        asked
    } else {
        // A relative sleep is not changed by setting the clock: it is measured on the steady one.
        let now = kernel::clock(steady(clock), false)?;
        let sum = word(&now, 1) + nanos;
        let seconds = word(&now, 0).saturating_add(seconds).saturating_add(sum / NANOS).min(i64::MAX as u64);
        pair(seconds, sum % NANOS)
    };
    let clock = if absolute { clock } else { steady(clock) };
    let slept = call.block(|gate| kernel::sleep_until(gate, clock, &until));
    if !absolute && rest != 0 && slept == Err(crate::errno::EINTR.into()) {
        let now = kernel::clock(clock, false)?;
        let total =
            |time: &[u8; 16]| u128::from(word(time, 0)) * u128::from(NANOS) + u128::from(word(time, 1));
        let left = total(&until).saturating_sub(total(&now));
        let left = pair((left / u128::from(NANOS)) as u64, (left % u128::from(NANOS)) as u64);
        call.write(rest, &left)?;
    }
    slept
}

const fn steady(clock: i32) -> i32 {
    if clock == libc::CLOCK_REALTIME { libc::CLOCK_MONOTONIC } else { clock }
}

pub(super) fn getitimer(call: &mut Call<'_>) -> Reply {
    let old = kernel::itimer(call.int(0), None)?;
    call.write(call.args[1], &old)?;
    Ok(0)
}

pub(super) fn setitimer(call: &mut Call<'_>) -> Reply {
    let new = call.read_optional::<32>(call.args[1])?.unwrap_or_default();
    let old = kernel::itimer(call.int(0), Some(&new))?;
    call.write_optional(call.args[2], &old)?;
    Ok(0)
}

/// `alarm`, of x86-64 only: seconds until SIGALRM; the seconds that were left, rounded up.
pub(super) fn alarm(call: &mut Call<'_>) -> Reply {
    let mut new = [0; 32];
    new[16..24].copy_from_slice(&u64::from(call.uint(0)).to_le_bytes());
    let old = kernel::itimer(libc::ITIMER_REAL, Some(&new))?;
    Ok(word(&old, 2) + u64::from(word(&old, 3) > 0))
}
