//! `brk` and the `mmap` family. The numbers of protections, flags and advices are the same on the three guests.

use super::{Call, Reply};
use crate::elf::PAGE;
use crate::errno::{EEXIST, EFAULT, EINVAL, ENOMEM, EOVERFLOW, EPERM, Errno};
use crate::kernel;
use crate::space::errno_of;
use std::os::fd::AsFd;
use translator::guest::Guest;
use translator::memory::{self, MapOptions, Move, Placement, Prot, Source};

pub(super) fn brk(call: &mut Call<'_>) -> Reply {
    Ok(call.process.space().set_break(call.args[0]))
}

const MAP_TYPE: u32 = 0xf;
const MAP_SHARED: u32 = 1;
const MAP_PRIVATE: u32 = 2;
const MAP_SHARED_VALIDATE: u32 = 3;
const MAP_FIXED: u32 = 0x10;
const MAP_ANONYMOUS: u32 = 0x20;
const MAP_NORESERVE: u32 = 0x4000;
const MAP_HUGETLB: u32 = 0x40000;
const MAP_FIXED_NOREPLACE: u32 = 0x10_0000;

/// A protection argument. Bits beyond read, write and execute (Arm's BTI and MTE) need what xlat does not show.
fn prot(guest: Guest, bits: u64) -> Result<Prot, Errno> {
    const PROT_GROWSDOWN_GROWSUP: u64 = 0x0300_0000;
    if bits as u32 & !7 != 0 {
        return Err(if bits & PROT_GROWSDOWN_GROWSUP != 0 { EINVAL } else { ENOMEM });
    }
    let prot = Prot::from_bits(bits as u32);
    // A processor without protection keys cannot execute what it may not read.
    Ok(if guest == Guest::X86_64 && prot.executable() { prot | Prot::READ } else { prot })
}

/// Rounds a length up to pages.
fn pages(length: u64) -> Result<u64, Errno> {
    length.checked_next_multiple_of(PAGE).ok_or(ENOMEM)
}

pub(super) fn mmap(call: &mut Call<'_>) -> Reply {
    let [addr, length, bits, flags, fd, offset] = call.args;
    let flags = flags as u32;
    if length == 0 || !offset.is_multiple_of(PAGE) {
        return Err(EINVAL.into());
    }
    let length = pages(length)?;
    let shared = match flags & MAP_TYPE {
        MAP_SHARED | MAP_SHARED_VALIDATE => true,
        MAP_PRIVATE => false,
        _ => return Err(EINVAL.into()),
    };
    if flags & MAP_HUGETLB != 0 {
        // As on a machine without huge pages set aside.
        return Err(ENOMEM.into());
    }
    let place = if flags & MAP_FIXED_NOREPLACE != 0 {
        Placement::FixedNoReplace(addr)
    } else if flags & MAP_FIXED != 0 {
        Placement::Fixed(addr)
    } else {
        Placement::Anywhere { hint: addr }
    };
    if matches!(place, Placement::Fixed(_) | Placement::FixedNoReplace(_)) && !addr.is_multiple_of(PAGE) {
        return Err(EINVAL.into());
    }
    let prot = prot(call.guest(), bits)?;
    if shared {
        // Another process may write there.
        call.process.vm().share();
    }
    let memory = call.process.space().memory();
    let options = MapOptions { name: None, noreserve: flags & MAP_NORESERVE != 0 };
    let mapped = if flags & MAP_ANONYMOUS != 0 {
        memory.map_at(place, length, prot, Source::Memory { shared }, options)
    } else {
        let file = kernel::duplicate(fd as i32)?;
        if offset.checked_add(length).is_none() {
            return Err(EOVERFLOW.into());
        }
        memory.map_at(place, length, prot, Source::File { fd: file.as_fd(), offset, shared }, options)
    };
    mapped.map_err(|error| errno_of(&error).into())
}

pub(super) fn munmap(call: &mut Call<'_>) -> Reply {
    let [addr, length, ..] = call.args;
    if length == 0 || !addr.is_multiple_of(PAGE) {
        return Err(EINVAL.into());
    }
    match call.process.space().memory().unmap(addr, pages(length).map_err(|_| EINVAL)?) {
        Ok(()) => Ok(0),
        Err(memory::Error::OutOfRange { .. }) => Err(EINVAL.into()),
        Err(error) => Err(errno_of(&error).into()),
    }
}

pub(super) fn mprotect(call: &mut Call<'_>) -> Reply {
    let [addr, length, bits, ..] = call.args;
    if !addr.is_multiple_of(PAGE) {
        return Err(EINVAL.into());
    }
    let length = pages(length)?;
    if length == 0 {
        return Ok(0);
    }
    let prot = prot(call.guest(), bits).map_err(|_| EINVAL)?;
    match call.process.space().memory().protect(addr, length, prot) {
        Ok(()) => Ok(0),
        Err(error) => Err(errno_of(&error).into()),
    }
}

pub(super) fn mremap(call: &mut Call<'_>) -> Reply {
    const MAYMOVE: u64 = 1;
    const FIXED: u64 = 2;
    let [addr, old, new, flags, target, _] = call.args;
    let valid = flags & !(MAYMOVE | FIXED) == 0 && (flags & FIXED == 0 || flags & MAYMOVE != 0);
    if !valid
        || !addr.is_multiple_of(PAGE)
        || new == 0
        || (flags & FIXED != 0 && !target.is_multiple_of(PAGE))
    {
        return Err(EINVAL.into());
    }
    let (old, new) = (pages(old)?, pages(new)?);
    if old == 0 {
        // A second view of shared memory, by an old habit that nobody has.
        return Err(EINVAL.into());
    }
    let may_move = match flags {
        0 => Move::No,
        MAYMOVE => Move::May,
        _ => Move::To(target),
    };
    match call.process.space().memory().remap(addr, old, new, may_move) {
        Ok(addr) => Ok(addr),
        Err(memory::Error::NotMapped { .. } | memory::Error::Unsupported(_)) => Err(EFAULT.into()),
        Err(memory::Error::Overlap { .. }) => Err(EINVAL.into()),
        Err(error) => match errno_of(&error) {
            EEXIST => Err(EINVAL.into()),
            errno => Err(errno.into()),
        },
    }
}

pub(super) fn madvise(call: &mut Call<'_>) -> Reply {
    let [addr, length, advice, ..] = call.args;
    if !addr.is_multiple_of(PAGE) {
        return Err(EINVAL.into());
    }
    let length = pages(length).map_err(|_| EINVAL)?;
    let space = call.process.space();
    match advice as i32 {
        libc::MADV_HWPOISON => return Err(EPERM.into()),
        libc::MADV_NORMAL
        | libc::MADV_RANDOM
        | libc::MADV_SEQUENTIAL
        | libc::MADV_WILLNEED
        | libc::MADV_DONTNEED
        | libc::MADV_FREE
        | libc::MADV_DONTFORK
        | libc::MADV_DOFORK
        | libc::MADV_MERGEABLE
        | libc::MADV_UNMERGEABLE
        | libc::MADV_HUGEPAGE
        | libc::MADV_NOHUGEPAGE
        | libc::MADV_DONTDUMP
        | libc::MADV_DODUMP
        | libc::MADV_COLD
        | libc::MADV_PAGEOUT => {}
        _ => return Err(EINVAL.into()),
    }
    if length == 0 {
        return Ok(0);
    }
    if advice as i32 == libc::MADV_DONTNEED {
        return match space.memory().discard(addr, length) {
            Ok(()) => Ok(0),
            Err(error) => Err(errno_of(&error).into()),
        };
    }
    // The other advices change nothing that a program can see but time.
    if space.is_mapped(addr, length) { Ok(0) } else { Err(ENOMEM.into()) }
}

/// `msync`: stores to a shared mapping are in the file at once, as the host maps it shared too.
pub(super) fn msync(call: &mut Call<'_>) -> Reply {
    let [addr, length, flags, ..] = call.args;
    let (sync, asynchronous) = (libc::MS_SYNC as u64, libc::MS_ASYNC as u64);
    let valid = flags & !(sync | asynchronous | libc::MS_INVALIDATE as u64) == 0
        && flags & (sync | asynchronous) != sync | asynchronous;
    if !valid || !addr.is_multiple_of(PAGE) {
        return Err(EINVAL.into());
    }
    if call.process.space().is_mapped(addr, pages(length)?) { Ok(0) } else { Err(ENOMEM.into()) }
}

/// `mincore`: what is mapped is there.
pub(super) fn mincore(call: &mut Call<'_>) -> Reply {
    let [addr, length, out, ..] = call.args;
    if !addr.is_multiple_of(PAGE) {
        return Err(EINVAL.into());
    }
    let length = pages(length)?;
    if !call.process.space().is_mapped(addr, length) {
        return Err(ENOMEM.into());
    }
    if call.process.space().writable(out, length / PAGE) < length / PAGE {
        return Err(EFAULT.into());
    }
    call.write(out, &vec![1; (length / PAGE) as usize])?;
    Ok(0)
}

/// `mlock`, `mlock2` and `munlock`: checked; the host's paging is not the guest's business.
pub(super) fn mlock(call: &mut Call<'_>) -> Reply {
    let [addr, length, ..] = call.args;
    let start = addr & !(PAGE - 1);
    let length = pages(length.checked_add(addr - start).ok_or(EINVAL)?).map_err(|_| EINVAL)?;
    if call.process.space().is_mapped(start, length) { Ok(0) } else { Err(ENOMEM.into()) }
}
