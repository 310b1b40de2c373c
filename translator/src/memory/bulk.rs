//! Reads and writes by the host program, and host pointers for system calls.

use super::access::check;
use super::code::Pin;
use super::host::Block;
use super::{Fault, FaultKind, Memory, PAGE_SIZE, State, touch};
use crate::ir::Access;
use std::sync::Arc;

/// Whether a host access obeys the guest's permissions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permissions {
    /// As a guest access would.
    Honour,
    /// As a debugger would: whatever is mapped.
    Ignore,
}

/// A read or write of the host program that stopped on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{} fault at {:#x} after {done} bytes", fault.access, fault.addr)]
pub struct Partial {
    /// Bytes done before the fault.
    pub done: usize,
    /// The fault.
    pub fault: Fault,
}

/// Bytes from which on a write asks for the pages of its range at once.
///
/// PERF: the faults for a program's segments were a fifth of the page faults of a short program.
const POPULATED: usize = 4 * PAGE_SIZE as usize;

impl Memory {
    /// Copies guest memory to `buf`.
    ///
    /// # Errors
    /// The first byte that cannot be read, and how many were.
    pub fn read(&self, addr: u64, buf: &mut [u8], permissions: Permissions) -> Result<(), Partial> {
        let len = buf.len();
        self.each_part(addr, len, Access::Read, permissions, |_, start, region, at, done, count| {
            self.copy_out(region, start, at, &mut buf[done..done + count])
        })
    }

    /// Copies `bytes` to guest memory; translated code there is invalidated before.
    ///
    /// # Errors
    /// The first byte that cannot be written, and how many were.
    pub fn write(&self, addr: u64, bytes: &[u8], permissions: Permissions) -> Result<(), Partial> {
        self.write_with(addr, bytes.len(), permissions, |to, protected, done, count| {
            let from = &bytes[done..done + count];
            if protected {
                // SAFETY: the range is guest memory.
                return unsafe { super::host::write_behind_protection(to as usize, from) };
            }
            // SAFETY: the range is writable on the host, and the state lock keeps it so; `from` is ours.
            unsafe {
                if count >= POPULATED {
                    super::host::populate(to as usize, count);
                }
                touch::copy(to, from.as_ptr(), count)
            }
        })
    }

    /// Writes zeros to guest memory; translated code there is invalidated before.
    ///
    /// # Errors
    /// The first byte that cannot be written, and how many were.
    pub fn zero(&self, addr: u64, len: usize, permissions: Permissions) -> Result<(), Partial> {
        self.write_with(addr, len, permissions, |to, protected, _, count| {
            if protected {
                const ZEROS: [u8; 4096] = [0; 4096];
                let mut done = 0;
                while done < count {
                    let step = (count - done).min(ZEROS.len());
                    // SAFETY: the range is guest memory.
                    let written =
                        unsafe { super::host::write_behind_protection(to as usize + done, &ZEROS[..step]) };
                    done += written;
                    if written < step {
                        break;
                    }
                }
                return done;
            }
            // SAFETY: the range is writable on the host, and the state lock keeps it so.
            unsafe { touch::zero(to, count) }
        })
    }

    /// Announces that the host kernel is going to write `addr..addr + len`: translated code there is invalidated, and
    /// until the guard is dropped no page of it is write-protected by xlat. Ranges may be partly or not mapped.
    ///
    /// To be called before every system call that writes guest memory, with no lock that the listener takes.
    pub fn host_write(&self, addr: u64, len: u64) -> HostWrite<'_> {
        if len == 0 {
            return HostWrite { _pin: None };
        }
        let last = addr.saturating_add(len - 1);
        HostWrite { _pin: Some(self.pin(addr, last, false)) }
    }

    /// Host memory of a guest range that is one piece on the host and allows the access throughout, for system calls.
    /// A range for writing is pinned as by [`Memory::host_write`].
    ///
    /// # Errors
    /// The fault that the access raises; `Ok(None)` if the range is not one piece (paged mode): copy instead.
    pub fn host_range(&self, addr: u64, len: u64, access: Access) -> Result<Option<HostSlice<'_>>, Fault> {
        let pin = (access == Access::Write).then(|| self.host_write(addr, len));
        let state = self.read_state();
        if len == 0 {
            return Ok(Some(HostSlice {
                ptr: std::ptr::dangling_mut(),
                len: 0,
                _blocks: Vec::new(),
                _pin: None,
            }));
        }
        let too_long = Fault { addr, access, size: u32::MAX, kind: FaultKind::Unmapped };
        let last = addr.checked_add(len - 1).ok_or(too_long)?;
        if let Some(fault) = first_fault(&state, addr, last, access, Permissions::Honour) {
            return Err(fault);
        }
        let mut blocks = Vec::new();
        let mut host: Option<(usize, usize)> = None;
        for (start, region) in state.regions.overlapping(addr, last) {
            let from = region.host(start, start.max(addr));
            let to = region.host(start, region.last.min(last)) + 1;
            match &mut host {
                None => host = Some((from, to)),
                Some((_, end)) if *end == from => *end = to,
                Some(_) => return Ok(None),
            }
            blocks.extend(region.block.clone());
        }
        let Some((ptr, _)) = host else { return Ok(None) };
        Ok(Some(HostSlice { ptr: ptr as *mut u8, len: len as usize, _blocks: blocks, _pin: pin }))
    }

    /// Direct mode: the host address of a guest range that lies in the window, mapped or not. The host kernel checks
    /// it by the guest's permissions (pin it for writing).
    pub fn window_range(&self, addr: u64, len: u64) -> Option<*mut u8> {
        let window = self.window.as_ref()?;
        let last = addr.checked_add(len.saturating_sub(1))?;
        (last <= self.last).then(|| window.host(addr) as *mut u8)
    }

    fn write_with(
        &self,
        addr: u64,
        len: usize,
        permissions: Permissions,
        mut write: impl FnMut(*mut u8, bool, usize, usize) -> usize,
    ) -> Result<(), Partial> {
        if len == 0 {
            return Ok(());
        }
        let _pin = self.pin(addr, addr.saturating_add(len as u64 - 1), true);
        self.each_part(addr, len, Access::Write, permissions, |memory, start, region, at, done, count| {
            let to = region.host(start, at) as *mut u8;
            if !region.max.writable() {
                return 0;
            }
            write(to, memory.window.is_some() && !region.prot.writable(), done, count)
        })
    }

    /// Calls `act` (address, offset, length: the bytes done) for each mapping of a range, up to the first fault.
    fn each_part(
        &self,
        addr: u64,
        len: usize,
        access: Access,
        permissions: Permissions,
        mut act: impl FnMut(&Memory, u64, &super::regions::Region, u64, usize, usize) -> usize,
    ) -> Result<(), Partial> {
        let state = self.read_state();
        let size = u32::try_from(len).unwrap_or(u32::MAX);
        let mut done = 0;
        while done < len {
            let fault = |addr, kind| Err(Partial { done, fault: Fault { addr, access, size, kind } });
            let Some(at) = addr.checked_add(done as u64) else { return fault(0, FaultKind::Unmapped) };
            let Some((start, region)) = state.regions.find(at) else { return fault(at, FaultKind::Unmapped) };
            if permissions == Permissions::Honour && !region.prot.permits(access) {
                return fault(at, FaultKind::Permission);
            }
            let here = usize::try_from(region.last - at).unwrap_or(usize::MAX).saturating_add(1);
            let count = here.min(len - done);
            let acted = act(self, start, region, at, done, count);
            done += acted;
            if acted < count {
                let fault = Fault { addr: at + acted as u64, access, size, kind: FaultKind::Permission };
                return Err(Partial { done, fault });
            }
        }
        Ok(())
    }
}

fn first_fault(
    state: &State,
    addr: u64,
    last: u64,
    access: Access,
    permissions: Permissions,
) -> Option<Fault> {
    let size = u32::try_from(last - addr).unwrap_or(u32::MAX).saturating_add(1);
    if permissions == Permissions::Honour && last - addr < u64::from(u32::MAX) {
        return check(state, addr, size, access).err();
    }
    let hole = state.regions.first_hole(addr, last);
    let denied = state.regions.overlapping(addr, last).find(|(_, region)| !region.prot.permits(access));
    let denied = denied.map(|(start, _)| start.max(addr));
    match (hole, denied) {
        (Some(hole), Some(denied)) if denied < hole => {
            Some(Fault { addr: denied, access, size, kind: FaultKind::Permission })
        }
        (Some(addr), _) => Some(Fault { addr, access, size, kind: FaultKind::Unmapped }),
        (None, Some(addr)) => Some(Fault { addr, access, size, kind: FaultKind::Permission }),
        (None, None) => None,
    }
}

/// See [`Memory::host_write`].
#[must_use = "the range is writable by the kernel only while this lives"]
pub struct HostWrite<'a> {
    _pin: Option<Pin<'a>>,
}

/// Host memory of a guest range, kept allocated; see [`Memory::host_range`].
///
/// The bytes may change and become inaccessible at any time, as other vCPUs run: only for handing to the kernel.
pub struct HostSlice<'a> {
    ptr: *mut u8,
    len: usize,
    _blocks: Vec<Arc<Block>>,
    _pin: Option<HostWrite<'a>>,
}

impl HostSlice<'_> {
    /// Host address of the first byte.
    pub fn as_ptr(&self) -> *mut u8 {
        self.ptr
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the length is zero.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
