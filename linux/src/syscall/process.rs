//! The process and its machine: ending, identity, limits, scheduling, names, `prctl`, processor features.

use super::{Call, Leave, Reply};
use crate::abi::{self, pair, word};
use crate::errno::{EFAULT, EINVAL, EPERM, ESRCH};
use crate::kernel::{self, Integers};
use translator::guest::{Guest, x86_64};

/// `exit` and `exit_group`, the same for a process of one thread.
pub(super) fn exit(call: &mut Call<'_>) -> Reply {
    Err(Leave::Exit(call.int(0) & 0xff))
}

pub(super) fn gettid(call: &mut Call<'_>) -> Reply {
    Ok(call.thread.id() as u64)
}

pub(super) fn set_tid_address(call: &mut Call<'_>) -> Reply {
    call.thread.clear_child_tid = call.args[0];
    gettid(call)
}

/// Size of `struct robust_list_head`.
const ROBUST_LIST_SIZE: u64 = 24;

pub(super) fn set_robust_list(call: &mut Call<'_>) -> Reply {
    if call.args[1] != ROBUST_LIST_SIZE {
        return Err(EINVAL.into());
    }
    call.thread.robust_list = call.args[0];
    Ok(0)
}

pub(super) fn get_robust_list(call: &mut Call<'_>) -> Reply {
    if call.int(0) != 0 && call.int(0) != call.thread.id() {
        return Err(ESRCH.into());
    }
    call.write(call.args[1], &call.thread.robust_list.to_le_bytes())?;
    call.write(call.args[2], &ROBUST_LIST_SIZE.to_le_bytes())?;
    Ok(0)
}

pub(super) fn getpgrp(_: &mut Call<'_>) -> Reply {
    Ok(kernel::integers(Integers::Getpgid, [0; 6])?)
}

fn three_ids(call: &Call<'_>, effective: Integers, real: Integers) -> Reply {
    let (real, effective) =
        (kernel::integers(real, [0; 6])? as u32, kernel::integers(effective, [0; 6])? as u32);
    for (addr, id) in call.args.into_iter().zip([real, effective, effective]) {
        call.write(addr, &id.to_le_bytes())?;
    }
    Ok(0)
}

pub(super) fn getresuid(call: &mut Call<'_>) -> Reply {
    three_ids(call, Integers::Geteuid, Integers::Getuid)
}

pub(super) fn getresgid(call: &mut Call<'_>) -> Reply {
    three_ids(call, Integers::Getegid, Integers::Getgid)
}

pub(super) fn getgroups(call: &mut Call<'_>) -> Reply {
    let count = call.int(0);
    if count < 0 {
        return Err(EINVAL.into());
    }
    // A process is in at most 65536 groups.
    let mut groups = vec![0; (count as usize).min(1 << 16) * 4];
    let found = kernel::getgroups(&mut groups)?;
    if count > 0 {
        call.write(call.args[1], &groups[..found as usize * 4])?;
    }
    Ok(found)
}

/// `uname`: the host's names with the guest's machine.
pub(super) fn uname(call: &mut Call<'_>) -> Reply {
    const FIELD: usize = 65;
    let mut names = kernel::uname()?;
    let machine = &mut names[4 * FIELD..5 * FIELD];
    machine.fill(0);
    let name = abi::machine(call.guest()).as_bytes();
    machine[..name.len()].copy_from_slice(name);
    call.write(call.args[0], &names)?;
    Ok(0)
}

pub(super) fn sysinfo(call: &mut Call<'_>) -> Reply {
    call.write(call.args[0], &kernel::sysinfo()?)?;
    Ok(0)
}

pub(super) fn getrusage(call: &mut Call<'_>) -> Reply {
    call.write(call.args[1], &kernel::getrusage(call.int(0))?)?;
    Ok(0)
}

/// The limits of a process that concern its address space: they hold for the guest's and must not bind xlat's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits([[u64; 2]; 4]);

impl Limits {
    /// The resources kept here.
    const RESOURCES: [u32; 4] = [libc::RLIMIT_DATA, libc::RLIMIT_STACK, libc::RLIMIT_RSS, libc::RLIMIT_AS];

    /// What xlat was started with.
    pub(crate) fn inherited() -> Limits {
        Limits(Limits::RESOURCES.map(|resource| kernel::prlimit(0, resource, None).unwrap_or([u64::MAX; 2])))
    }

    /// The soft limit of the stack.
    pub(crate) fn stack(&self) -> u64 {
        self.0[1][0]
    }

    fn get_mut(&mut self, resource: u32) -> Option<&mut [u64; 2]> {
        let index = Limits::RESOURCES.iter().position(|kept| *kept == resource)?;
        Some(&mut self.0[index])
    }
}

/// Reads a limit and sets a new one.
fn limit(call: &Call<'_>, pid: i32, resource: u32, new: Option<[u64; 2]>) -> Result<[u64; 2], Leave> {
    if new.is_some_and(|[soft, hard]| soft > hard) {
        return Err(EINVAL.into());
    }
    if pid != 0 && pid != call.process.pid() {
        return Ok(kernel::prlimit(pid, resource, new)?);
    }
    let mut limits = call.process.limits();
    let Some(kept) = limits.get_mut(resource) else { return Ok(kernel::prlimit(0, resource, new)?) };
    let old = *kept;
    if let Some(new) = new {
        if new[1] > old[1] && kernel::integers(Integers::Geteuid, [0; 6])? != 0 {
            return Err(EPERM.into());
        }
        *kept = new;
    }
    Ok(old)
}

pub(super) fn prlimit64(call: &mut Call<'_>) -> Reply {
    let new = call.read_optional::<16>(call.args[2])?.map(|bytes| [word(&bytes, 0), word(&bytes, 1)]);
    let [soft, hard] = limit(call, call.int(0), call.uint(1), new)?;
    call.write_optional(call.args[3], &pair(soft, hard))?;
    Ok(0)
}

pub(super) fn getrlimit(call: &mut Call<'_>) -> Reply {
    let [soft, hard] = limit(call, 0, call.uint(0), None)?;
    call.write(call.args[1], &pair(soft, hard))?;
    Ok(0)
}

pub(super) fn setrlimit(call: &mut Call<'_>) -> Reply {
    let bytes = call.read::<16>(call.args[1])?;
    limit(call, 0, call.uint(0), Some([word(&bytes, 0), word(&bytes, 1)]))?;
    Ok(0)
}

pub(super) fn sched_getaffinity(call: &mut Call<'_>) -> Reply {
    let [_, length, addr, ..] = call.args;
    let length = u64::from(length as u32);
    if !length.is_multiple_of(8) {
        return Err(EINVAL.into());
    }
    let mut mask = vec![0; length.min(1 << 13) as usize];
    let count = kernel::sched_getaffinity(call.int(0), &mut mask)?;
    call.write(addr, &mask[..count])?;
    Ok(count as u64)
}

/// `sched_setaffinity`: checked and forgotten, as the engine's own threads share the mask.
pub(super) fn sched_setaffinity(call: &mut Call<'_>) -> Reply {
    let length = call.uint(1).min(1 << 13) as usize;
    let mask = call.read_bytes(call.args[2], length)?;
    if mask.iter().all(|byte| *byte == 0) {
        return Err(EINVAL.into());
    }
    Ok(0)
}

/// `sched_getparam`: the priority 0 of an ordinary process.
pub(super) fn sched_getparam(call: &mut Call<'_>) -> Reply {
    call.write(call.args[1], &[0; 4])?;
    Ok(0)
}

/// `getcpu`: one processor as good as another.
pub(super) fn getcpu(call: &mut Call<'_>) -> Reply {
    call.write_optional(call.args[0], &[0; 4])?;
    call.write_optional(call.args[1], &[0; 4])?;
    Ok(0)
}

/// `membarrier`: one thread is in order with itself.
pub(super) fn membarrier(call: &mut Call<'_>) -> Reply {
    const QUERY: i32 = 0;
    const SUPPORTED: i32 = 1 | 2 | 4 | 8 | 16;
    match call.int(0) {
        _ if call.args[1] != 0 => Err(EINVAL.into()),
        QUERY => Ok(SUPPORTED as u64),
        command if command & SUPPORTED == command && command.count_ones() == 1 => Ok(0),
        _ => Err(EINVAL.into()),
    }
}

/// Length of a thread's name with its final zero.
const NAME: usize = 16;

pub(super) fn prctl(call: &mut Call<'_>) -> Reply {
    match call.int(0) {
        libc::PR_SET_NAME => {
            let mut name = [0; NAME];
            let mut length = 0;
            while length < NAME - 1 {
                let [byte] = call.read::<1>(call.args[1].wrapping_add(length as u64))?;
                if byte == 0 {
                    break;
                }
                name[length] = byte;
                length += 1;
            }
            call.thread.name = name;
            Ok(0)
        }
        libc::PR_GET_NAME => {
            call.write(call.args[1], &call.thread.name)?;
            Ok(0)
        }
        libc::PR_GET_DUMPABLE => Ok(1),
        libc::PR_SET_DUMPABLE | libc::PR_SET_NO_NEW_PRIVS | libc::PR_SET_TIMERSLACK => Ok(0),
        libc::PR_GET_TIMERSLACK => Ok(50_000),
        libc::PR_GET_NO_NEW_PRIVS | libc::PR_GET_KEEPCAPS | libc::PR_GET_SECCOMP => Ok(0),
        _ => Err(EINVAL.into()),
    }
}

/// `arch_prctl`, of x86-64 only.
pub(super) fn arch_prctl(call: &mut Call<'_>) -> Reply {
    const SET_GS: i32 = 0x1001;
    const SET_FS: i32 = 0x1002;
    const GET_FS: i32 = 0x1003;
    const GET_GS: i32 = 0x1004;
    let value = call.args[1];
    let slot = match call.int(0) {
        SET_GS | GET_GS => x86_64::GS_BASE,
        SET_FS | GET_FS => x86_64::FS_BASE,
        // Shadow stacks and the like are not there.
        _ => return Err(EINVAL.into()),
    };
    match call.int(0) {
        // The kernel refuses what is not in the lower half.
        SET_GS | SET_FS if value >= 1 << 47 => return Err(EPERM.into()),
        SET_GS | SET_FS => call.thread.set(slot, value),
        _ => call.write(value, &call.thread.get(slot).to_le_bytes())?,
    }
    Ok(0)
}

/// `personality`: only asking, and asking for the default.
pub(super) fn personality(call: &mut Call<'_>) -> Reply {
    match call.uint(0) {
        0 | 0xffff_ffff => Ok(0),
        _ => Err(EINVAL.into()),
    }
}

/// `riscv_hwprobe`: exactly the extensions that the frontend translates.
pub(super) fn riscv_hwprobe(call: &mut Call<'_>) -> Reply {
    debug_assert_eq!(call.guest(), Guest::Riscv64);
    let [pairs, count, _, cpus, flags, _] = call.args;
    if flags != 0 {
        return Err(EINVAL.into());
    }
    // A set of processors only chooses among equal ones; an empty one is wrong.
    if cpus != 0 && call.process.space().readable(cpus, call.args[2].min(128)) == 0 {
        return Err(EFAULT.into());
    }
    for index in 0..count {
        let addr = index.checked_mul(16).and_then(|at| pairs.checked_add(at)).ok_or(EFAULT)?;
        let key = u64::from_le_bytes(call.read::<8>(addr)?);
        let answer = match hardware_probe(key) {
            Some(value) => pair(key, value),
            None => pair(u64::MAX, 0),
        };
        call.write(addr, &answer)?;
    }
    Ok(0)
}

/// The value of a key of `riscv_hwprobe`; `None` for unknown keys.
const fn hardware_probe(key: u64) -> Option<u64> {
    const FD: u64 = 1 << 0;
    const C: u64 = 1 << 1;
    const ZBA: u64 = 1 << 3;
    const ZBB: u64 = 1 << 4;
    const ZBS: u64 = 1 << 5;
    const ZICOND: u64 = 1 << 35;
    Some(match key {
        // Vendor, architecture and implementation: none.
        0..=2 => 0,
        // Base behaviour: I, M and A with the privileged architecture's rules for user mode.
        3 => 1,
        4 => FD | C | ZBA | ZBB | ZBS | ZICOND,
        // Misaligned accesses are fast.
        5 => 3,
        _ => return None,
    })
}

/// `riscv_flush_icache`: like `fence.i` on all harts.
pub(super) fn riscv_flush_icache(call: &mut Call<'_>) -> Reply {
    let [start, end, ..] = call.args;
    call.process.invalidate_code(start, end.saturating_sub(start));
    Ok(0)
}
