//! Times, limits and identities of the process, and what is asked of the machine.

use super::integers::{Integers, integers};
use super::{Result, Word, checked};

/// `clock_gettime` or `clock_getres`: a `timespec`.
///
/// # Errors
/// Those of the call.
pub fn clock(clock: i32, resolution: bool) -> Result<[u8; 16]> {
    let mut time = [0; 16];
    let out = time.as_mut_slice();
    if resolution { call!(SYS_clock_getres, clock, out) } else { call!(SYS_clock_gettime, clock, out) }?;
    Ok(time)
}

/// `gettimeofday`: a `timeval` and the time zone (two `int`s).
///
/// # Errors
/// Those of the call.
pub fn gettimeofday() -> Result<([u8; 16], [u8; 8])> {
    let (mut time, mut zone) = ([0; 16], [0; 8]);
    call!(SYS_gettimeofday, time.as_mut_slice(), zone.as_mut_slice())?;
    Ok((time, zone))
}

/// `times`: the ticks and a `struct tms`.
///
/// # Errors
/// Those of the call.
pub fn times() -> Result<(u64, [u8; 32])> {
    let mut spent = [0; 32];
    let ticks = call!(SYS_times, spent.as_mut_slice())?;
    Ok((ticks, spent))
}

/// `setitimer` (with a new value) or `getitimer`: the old `struct itimerval`.
///
/// # Errors
/// Those of the call.
pub fn itimer(which: i32, new: Option<&[u8; 32]>) -> Result<[u8; 32]> {
    let mut old = [0; 32];
    match new {
        Some(new) => call!(SYS_setitimer, which, new.as_slice(), old.as_mut_slice()),
        None => call!(SYS_getitimer, which, old.as_mut_slice()),
    }?;
    Ok(old)
}

/// `getrusage`: a `struct rusage`.
///
/// # Errors
/// Those of the call.
pub fn getrusage(who: i32) -> Result<[u8; 144]> {
    let mut usage = [0; 144];
    call!(SYS_getrusage, who, usage.as_mut_slice()).map(|_| usage)
}

/// `sysinfo`: a `struct sysinfo`.
///
/// # Errors
/// Those of the call.
pub fn sysinfo() -> Result<[u8; 112]> {
    let mut info = [0; 112];
    call!(SYS_sysinfo, info.as_mut_slice()).map(|_| info)
}

/// `uname`: six fields of 65 bytes.
///
/// # Errors
/// Those of the call.
pub fn uname() -> Result<[u8; 390]> {
    let mut names = [0; 390];
    call!(SYS_uname, names.as_mut_slice()).map(|_| names)
}

/// `getrandom`.
///
/// # Errors
/// Those of the call.
pub fn getrandom(out: &mut [u8], flags: u32) -> Result<usize> {
    let length = out.len();
    call!(SYS_getrandom, out, length, flags).map(|count| count as usize)
}

/// `prlimit64` of process `pid`: the old limit (soft, hard), after setting a new one if there is one.
///
/// # Errors
/// Those of the call.
pub fn prlimit(pid: i32, resource: u32, new: Option<[u64; 2]>) -> Result<[u64; 2]> {
    let new = new.map(|limit| to_bytes(&limit));
    let mut old = [0; 16];
    call!(SYS_prlimit64, pid, resource, new.as_ref().map(|n| n.as_slice()), old.as_mut_slice())?;
    Ok([from_bytes(&old, 0), from_bytes(&old, 1)])
}

/// `sched_getaffinity`: the number of bytes filled.
///
/// # Errors
/// Those of the call.
pub fn sched_getaffinity(pid: i32, out: &mut [u8]) -> Result<usize> {
    let length = out.len();
    call!(SYS_sched_getaffinity, pid, length, out).map(|count| count as usize)
}

/// The process id.
pub fn process_id() -> i32 {
    std::process::id() as i32
}

/// User, effective user, group and effective group.
pub fn user_ids() -> [u32; 4] {
    // These calls do not fail.
    [Integers::Getuid, Integers::Geteuid, Integers::Getgid, Integers::Getegid]
        .map(|call| integers(call, [0; 6]).unwrap_or(0) as u32)
}

/// `getgroups`: group numbers of four bytes each.
///
/// # Errors
/// Those of the call.
pub fn getgroups(out: &mut [u8]) -> Result<u64> {
    let count = out.len() / 4;
    call!(SYS_getgroups, count, out)
}

fn to_bytes(words: &[u64; 2]) -> [u8; 16] {
    std::array::from_fn(|i| words[i / 8].to_ne_bytes()[i % 8])
}

fn from_bytes(bytes: &[u8; 16], word: usize) -> u64 {
    u64::from_ne_bytes(std::array::from_fn(|i| bytes[word * 8 + i]))
}
