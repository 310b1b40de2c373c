//! Descriptors: opening, duplicating, `fcntl`, `ioctl`, pipes, and waiting for them.
//!
//! Guest descriptors are host descriptors. Flags of `open` and the layout of `epoll_event` are converted.

use super::{Call, Reply, paths};
use crate::abi;
use crate::errno::{EFAULT, EINVAL, ENOTTY};
use crate::kernel::{self, Entered, Integers};
use std::time::{Duration, Instant};

fn open_at(call: &Call<'_>, directory: i32, path: u64, flags: u32, mode: u32) -> Reply {
    let mut path = call.string(path)?;
    let host_flags = abi::open_flags_to_host(call.guest(), flags) as i32;
    if host_flags & libc::O_NOFOLLOW == 0 {
        path = paths::followed(call, path);
    }
    call.block(|gate| kernel::openat(gate, directory, &path, host_flags, mode))
}

pub(super) fn open(call: &mut Call<'_>) -> Reply {
    open_at(call, libc::AT_FDCWD, call.args[0], call.uint(1), call.uint(2))
}

pub(super) fn openat(call: &mut Call<'_>) -> Reply {
    open_at(call, call.int(0), call.args[1], call.uint(2), call.uint(3))
}

pub(super) fn creat(call: &mut Call<'_>) -> Reply {
    let flags = (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC) as u32;
    open_at(call, libc::AT_FDCWD, call.args[0], flags, call.uint(1))
}

/// `dup2`: like `dup3`, but the same descriptor twice is no error.
pub(super) fn dup2(call: &mut Call<'_>) -> Reply {
    if call.int(0) == call.int(1) {
        // Only to see whether it is open.
        let words = [call.args[0], libc::F_GETFD as u64, 0, 0, 0, 0];
        kernel::integers(Integers::FcntlInteger, words)?;
        return Ok(u64::from(call.uint(1)));
    }
    Ok(kernel::integers(Integers::Dup3, [call.args[0], call.args[1], 0, 0, 0, 0])?)
}

fn pipe_with(call: &Call<'_>, flags: u32) -> Reply {
    let ends = kernel::pipe2(abi::open_flags_to_host(call.guest(), flags) as i32)?;
    if let Err(errno) = call.write(call.args[0], &ends) {
        for end in 0..2 {
            let _ = kernel::integers(Integers::Close, [abi::half(&ends, end).into(), 0, 0, 0, 0, 0]);
        }
        return Err(errno.into());
    }
    Ok(0)
}

pub(super) fn pipe(call: &mut Call<'_>) -> Reply {
    pipe_with(call, 0)
}

pub(super) fn pipe2(call: &mut Call<'_>) -> Reply {
    pipe_with(call, call.uint(1))
}

pub(super) fn memfd_create(call: &mut Call<'_>) -> Reply {
    Ok(kernel::memfd_create(&call.string(call.args[0])?, call.uint(1))?)
}

pub(super) fn fcntl(call: &mut Call<'_>) -> Reply {
    let (fd, command, argument) = (call.int(0), call.int(1), call.args[2]);
    let integers =
        |argument| kernel::integers(Integers::FcntlInteger, [fd as u64, command as u64, argument, 0, 0, 0]);
    match command {
        libc::F_GETFL => Ok(abi::open_flags_to_guest(call.guest(), integers(0)? as u32).into()),
        libc::F_SETFL => Ok(integers(abi::open_flags_to_host(call.guest(), argument as u32).into())?),
        libc::F_GETLK
        | libc::F_SETLK
        | libc::F_SETLKW
        | libc::F_OFD_GETLK
        | libc::F_OFD_SETLK
        | libc::F_OFD_SETLKW => {
            let mut lock = call.read::<32>(argument)?;
            let result = call.block(|gate| kernel::fcntl_lock(gate, fd, command, &mut lock))?;
            if matches!(command, libc::F_GETLK | libc::F_OFD_GETLK) {
                call.write(argument, &lock)?;
            }
            Ok(result)
        }
        _ => Ok(integers(argument)?),
    }
}

pub(super) fn ioctl(call: &mut Call<'_>) -> Reply {
    let (fd, request, argument) = (call.int(0), u64::from(call.uint(1)), call.args[2]);
    match request {
        libc::TCGETS
        | libc::TIOCGWINSZ
        | libc::FIONREAD
        | libc::TIOCGPGRP
        | libc::TIOCOUTQ
        | libc::TIOCGSID => {
            let mut bytes = vec![0; kernel::ioctl_size(request).unwrap_or(0)];
            let result = kernel::ioctl_out(fd, request, &mut bytes)?;
            call.write(argument, &bytes)?;
            Ok(result)
        }
        libc::TCSETS | libc::TCSETSW | libc::TCSETSF | libc::TIOCSWINSZ | libc::FIONBIO | libc::TIOCSPGRP => {
            let bytes = call.read_bytes(argument, kernel::ioctl_size(request).unwrap_or(0))?;
            Ok(kernel::ioctl_in(fd, request, &bytes)?)
        }
        libc::FIOCLEX | libc::FIONCLEX => {
            Ok(kernel::integers(Integers::IoctlInteger, [fd as u64, request, 0, 0, 0, 0])?)
        }
        _ => {
            let open = [fd as u64, libc::F_GETFD as u64, 0, 0, 0, 0];
            kernel::integers(Integers::FcntlInteger, open)?;
            call.process.trace(&format!("xlat: ioctl {request:#x} is not supported"));
            Err(ENOTTY.into())
        }
    }
}

/// A point in time up to which a call waits; a restarted wait does not start anew.
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(duration: Duration) -> Deadline {
        Deadline(Instant::now().checked_add(duration))
    }

    fn never() -> Deadline {
        Deadline(None)
    }

    fn left(&self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn timespec(&self) -> Option<[u8; 16]> {
        self.left().map(|left| abi::pair(left.as_secs(), left.subsec_nanos().into()))
    }
}

fn poll_until(call: &Call<'_>, deadline: &Deadline) -> Reply {
    let (addr, count) = (call.args[0], call.uint(1));
    // More than any process may have open.
    if count > 1 << 20 {
        return Err(EINVAL.into());
    }
    let mut polled = call.read_bytes(addr, count as usize * 8)?;
    let ready = call.block(|gate| kernel::ppoll(gate, &mut polled, deadline.timespec().as_ref()))?;
    call.write(addr, &polled)?;
    Ok(ready)
}

pub(super) fn poll(call: &mut Call<'_>) -> Reply {
    let deadline = match call.int(2) {
        milliseconds if milliseconds < 0 => Deadline::never(),
        milliseconds => Deadline::after(Duration::from_millis(milliseconds as u64)),
    };
    poll_until(call, &deadline)
}

/// A `timespec` or `timeval` as a duration; `unit` is the number of parts of a second.
fn duration(bytes: &[u8; 16], unit: u64) -> Result<Duration, super::Leave> {
    let (seconds, part) = (abi::word(bytes, 0), abi::word(bytes, 1));
    if seconds > i64::MAX as u64 || part >= unit {
        return Err(EINVAL.into());
    }
    Ok(Duration::new(seconds, (part * (1_000_000_000 / unit)) as u32))
}

pub(super) fn ppoll(call: &mut Call<'_>) -> Reply {
    let deadline = match call.read_optional::<16>(call.args[2])? {
        None => Deadline::never(),
        Some(time) => Deadline::after(duration(&time, 1_000_000_000)?),
    };
    poll_until(call, &deadline)
}

fn select_until(call: &Call<'_>, deadline: &Deadline) -> Reply {
    let count = call.int(0);
    if count < 0 {
        return Err(EINVAL.into());
    }
    // The kernel looks no further than the table of descriptors.
    let count = (count as usize).min(1 << 20);
    let length = count.div_ceil(64) * 8;
    let mut sets: [Option<Vec<u8>>; 3] = [None, None, None];
    for (set, addr) in sets.iter_mut().zip(&call.args[1..4]) {
        if *addr != 0 {
            *set = Some(call.read_bytes(*addr, length)?);
        }
    }
    let asked = sets.clone();
    let ready = call.block(|gate| {
        sets.clone_from(&asked);
        kernel::pselect(gate, count, &mut sets, deadline.timespec().as_mut())
    })?;
    for (set, addr) in sets.iter().zip(&call.args[1..4]) {
        if let Some(set) = set {
            call.write(*addr, set)?;
        }
    }
    Ok(ready)
}

/// `select`: the time that is left is written back, as Linux does.
pub(super) fn select(call: &mut Call<'_>) -> Reply {
    let deadline = match call.read_optional::<16>(call.args[4])? {
        None => Deadline::never(),
        Some(time) => {
            // Microseconds may exceed a second here.
            let (seconds, micros) = (abi::word(&time, 0), abi::word(&time, 1));
            if seconds > i64::MAX as u64 || micros > i64::MAX as u64 {
                return Err(EINVAL.into());
            }
            Deadline::after(Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros)))
        }
    };
    let ready = select_until(call, &deadline)?;
    if let Some(left) = deadline.left() {
        // As in the kernel, a time that cannot be stored changes nothing.
        let _ = call.write(call.args[4], &abi::pair(left.as_secs(), left.subsec_micros().into()));
    }
    Ok(ready)
}

pub(super) fn pselect6(call: &mut Call<'_>) -> Reply {
    let deadline = match call.read_optional::<16>(call.args[4])? {
        None => Deadline::never(),
        Some(time) => Deadline::after(duration(&time, 1_000_000_000)?),
    };
    let ready = select_until(call, &deadline)?;
    if let Some(left) = deadline.timespec() {
        let _ = call.write(call.args[4], &left);
    }
    Ok(ready)
}

pub(super) fn epoll_create(call: &mut Call<'_>) -> Reply {
    if call.int(0) <= 0 {
        return Err(EINVAL.into());
    }
    Ok(kernel::integers(Integers::EpollCreate, [0; 6])?)
}

pub(super) fn epoll_ctl(call: &mut Call<'_>) -> Reply {
    let (operation, addr) = (call.int(1), call.args[3]);
    let event = if operation == libc::EPOLL_CTL_DEL {
        None
    } else {
        let bytes = call.read_bytes(addr, abi::epoll_event_size(call.guest()) as usize)?;
        let (events, data) = abi::parse_epoll_event(call.guest(), &bytes);
        Some(libc::epoll_event { events, u64: data })
    };
    Ok(kernel::epoll_ctl(call.int(0), operation, call.int(2), event)?)
}

/// `epoll_wait` and `epoll_pwait`.
pub(super) fn epoll_wait(call: &mut Call<'_>) -> Reply {
    let (addr, most, timeout) = (call.args[1], call.int(2), call.int(3));
    if most <= 0 {
        return Err(EINVAL.into());
    }
    let size = abi::epoll_event_size(call.guest());
    let most = (most as usize).min(1 << 16);
    if call.process.space().writable(addr, most as u64 * size) < size {
        return Err(EFAULT.into());
    }
    let deadline =
        if timeout < 0 { Deadline::never() } else { Deadline::after(Duration::from_millis(timeout as u64)) };
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; most];
    let count = call.block(|gate| {
        // Rounded up, so that a wait does not end early.
        let left =
            deadline.left().map_or(-1, |left| left.as_micros().div_ceil(1000).min(i32::MAX as u128) as i32);
        kernel::epoll_wait(gate, call.int(0), &mut events, left)
    })?;
    let bytes: Vec<u8> = events[..count as usize]
        .iter()
        .flat_map(|event| {
            let (bits, data) = (event.events, event.u64);
            abi::epoll_event(call.guest(), bits, data)
        })
        .collect();
    call.write(addr, &bytes)?;
    Ok(count)
}

pub(super) fn eventfd(call: &mut Call<'_>) -> Reply {
    Ok(kernel::integers(Integers::Eventfd, [call.args[0], 0, 0, 0, 0, 0])?)
}

/// `pause`: waits for a signal.
pub(super) fn pause(call: &mut Call<'_>) -> Reply {
    call.block(|gate| match kernel::ppoll(gate, &mut [], None) {
        // Signals that are not the guest's do not end the wait.
        Entered::Returned(Ok(_)) => Entered::Returned(Err(crate::errno::EINTR)),
        other => other,
    })
}
