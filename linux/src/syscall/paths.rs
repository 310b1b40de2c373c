//! Calls on paths and directories.
//!
//! Paths mean what they mean on the host, but for the links to the running program under `/proc`, which name the
//! guest's program and not xlat.

use super::{Call, Reply};
use crate::abi;
use crate::errno::{EFAULT, EINVAL, Errno};
use crate::kernel::{self, OnPath};
use std::ffi::{CStr, CString};

const AT_FDCWD: i32 = libc::AT_FDCWD;

/// Whether a path names the running program's file.
pub(super) fn is_own_program(call: &Call<'_>, path: &CStr) -> bool {
    let path = path.to_bytes();
    path == b"/proc/self/exe"
        || path == b"/proc/thread-self/exe"
        || path == format!("/proc/{}/exe", call.process.pid()).as_bytes()
}

/// The path to hand to the host: the program's own file for its link.
pub(super) fn followed(call: &Call<'_>, path: CString) -> CString {
    if is_own_program(call, &path) { call.process.program_path().to_owned() } else { path }
}

pub(super) fn getcwd(call: &mut Call<'_>) -> Reply {
    let mut bytes = vec![0; (call.args[1] as usize).min(super::PATH_MAX)];
    let count = kernel::getcwd(&mut bytes)?;
    call.write(call.args[0], &bytes[..count])?;
    Ok(count as u64)
}

pub(super) fn chdir(call: &mut Call<'_>) -> Reply {
    Ok(kernel::chdir(&call.string(call.args[0])?)?)
}

pub(super) fn truncate(call: &mut Call<'_>) -> Reply {
    Ok(kernel::truncate(&call.string(call.args[0])?, call.args[1])?)
}

fn on_path(call: &Call<'_>, function: OnPath, directory: i32, path: u64, words: [u64; 3]) -> Reply {
    let path = followed(call, call.string(path)?);
    Ok(kernel::on_path(function, directory, &path, words)?)
}

pub(super) fn mkdir(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Mkdirat, AT_FDCWD, call.args[0], [call.args[1], 0, 0])
}

pub(super) fn mkdirat(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Mkdirat, call.int(0), call.args[1], [call.args[2], 0, 0])
}

pub(super) fn rmdir(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Unlinkat, AT_FDCWD, call.args[0], [libc::AT_REMOVEDIR as u64, 0, 0])
}

pub(super) fn unlink(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Unlinkat, AT_FDCWD, call.args[0], [0; 3])
}

pub(super) fn unlinkat(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Unlinkat, call.int(0), call.args[1], [call.args[2], 0, 0])
}

pub(super) fn mknod(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Mknodat, AT_FDCWD, call.args[0], [call.args[1], call.args[2], 0])
}

pub(super) fn mknodat(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Mknodat, call.int(0), call.args[1], [call.args[2], call.args[3], 0])
}

pub(super) fn chmod(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Fchmodat, AT_FDCWD, call.args[0], [call.args[1], 0, 0])
}

pub(super) fn fchmodat(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Fchmodat, call.int(0), call.args[1], [call.args[2], 0, 0])
}

pub(super) fn chown(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Fchownat, AT_FDCWD, call.args[0], [call.args[1], call.args[2], 0])
}

pub(super) fn lchown(call: &mut Call<'_>) -> Reply {
    let words = [call.args[1], call.args[2], libc::AT_SYMLINK_NOFOLLOW as u64];
    on_path(call, OnPath::Fchownat, AT_FDCWD, call.args[0], words)
}

pub(super) fn fchownat(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Fchownat, call.int(0), call.args[1], [call.args[2], call.args[3], call.args[4]])
}

pub(super) fn access(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Faccessat, AT_FDCWD, call.args[0], [call.args[1], 0, 0])
}

pub(super) fn faccessat(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Faccessat, call.int(0), call.args[1], [call.args[2], 0, 0])
}

pub(super) fn faccessat2(call: &mut Call<'_>) -> Reply {
    on_path(call, OnPath::Faccessat2, call.int(0), call.args[1], [call.args[2], call.args[3], 0])
}

fn rename_with(call: &Call<'_>, from: (i32, u64), to: (i32, u64), flags: u32) -> Reply {
    let (from_path, to_path) = (call.string(from.1)?, call.string(to.1)?);
    Ok(kernel::renameat2((from.0, &from_path), (to.0, &to_path), flags)?)
}

pub(super) fn rename(call: &mut Call<'_>) -> Reply {
    rename_with(call, (AT_FDCWD, call.args[0]), (AT_FDCWD, call.args[1]), 0)
}

pub(super) fn renameat(call: &mut Call<'_>) -> Reply {
    rename_with(call, (call.int(0), call.args[1]), (call.int(2), call.args[3]), 0)
}

pub(super) fn renameat2(call: &mut Call<'_>) -> Reply {
    rename_with(call, (call.int(0), call.args[1]), (call.int(2), call.args[3]), call.uint(4))
}

fn link_with(call: &Call<'_>, from: (i32, u64), to: (i32, u64), flags: i32) -> Reply {
    let (from_path, to_path) = (call.string(from.1)?, call.string(to.1)?);
    Ok(kernel::linkat((from.0, &from_path), (to.0, &to_path), flags)?)
}

pub(super) fn link(call: &mut Call<'_>) -> Reply {
    link_with(call, (AT_FDCWD, call.args[0]), (AT_FDCWD, call.args[1]), 0)
}

pub(super) fn linkat(call: &mut Call<'_>) -> Reply {
    link_with(call, (call.int(0), call.args[1]), (call.int(2), call.args[3]), call.int(4))
}

pub(super) fn symlink(call: &mut Call<'_>) -> Reply {
    let (target, path) = (call.string(call.args[0])?, call.string(call.args[1])?);
    Ok(kernel::symlinkat(&target, AT_FDCWD, &path)?)
}

pub(super) fn symlinkat(call: &mut Call<'_>) -> Reply {
    let (target, path) = (call.string(call.args[0])?, call.string(call.args[2])?);
    Ok(kernel::symlinkat(&target, call.int(1), &path)?)
}

pub(super) fn readlink(call: &mut Call<'_>) -> Reply {
    readlink_with(call, AT_FDCWD, call.args[0], call.args[1], call.args[2])
}

pub(super) fn readlinkat(call: &mut Call<'_>) -> Reply {
    readlink_with(call, call.int(0), call.args[1], call.args[2], call.args[3])
}

fn readlink_with(call: &Call<'_>, directory: i32, path: u64, out: u64, size: u64) -> Reply {
    let path = call.string(path)?;
    let size = size as i32;
    if size <= 0 {
        return Err(EINVAL.into());
    }
    let mut bytes = vec![0; (size as usize).min(super::PATH_MAX)];
    let count = if is_own_program(call, &path) {
        let target = call.process.program_path().to_bytes();
        let count = target.len().min(bytes.len());
        bytes[..count].copy_from_slice(&target[..count]);
        count
    } else {
        kernel::readlinkat(directory, &path, &mut bytes)?
    };
    call.write(out, &bytes[..count])?;
    Ok(count as u64)
}

fn status(call: &Call<'_>, directory: i32, path: &CStr, flags: i32) -> Result<Vec<u8>, Errno> {
    Ok(abi::stat(call.guest(), &kernel::statx(directory, path, flags, libc::STATX_BASIC_STATS)?))
}

pub(super) fn stat(call: &mut Call<'_>) -> Reply {
    let path = followed(call, call.string(call.args[0])?);
    call.write(call.args[1], &status(call, AT_FDCWD, &path, 0)?)?;
    Ok(0)
}

pub(super) fn lstat(call: &mut Call<'_>) -> Reply {
    let path = call.string(call.args[0])?;
    call.write(call.args[1], &status(call, AT_FDCWD, &path, libc::AT_SYMLINK_NOFOLLOW)?)?;
    Ok(0)
}

pub(super) fn fstat(call: &mut Call<'_>) -> Reply {
    call.write(call.args[1], &status(call, call.int(0), c"", libc::AT_EMPTY_PATH)?)?;
    Ok(0)
}

pub(super) fn newfstatat(call: &mut Call<'_>) -> Reply {
    let flags = call.int(3);
    if flags & !(libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT | libc::AT_EMPTY_PATH) != 0 {
        return Err(EINVAL.into());
    }
    let mut path = call.string(call.args[1])?;
    if flags & libc::AT_SYMLINK_NOFOLLOW == 0 {
        path = followed(call, path);
    }
    call.write(call.args[2], &status(call, call.int(0), &path, flags)?)?;
    Ok(0)
}

pub(super) fn statx(call: &mut Call<'_>) -> Reply {
    let flags = call.int(2);
    let mut path = call.string(call.args[1])?;
    if flags & libc::AT_SYMLINK_NOFOLLOW == 0 {
        path = followed(call, path);
    }
    let status = kernel::statx(call.int(0), &path, flags, call.uint(3))?;
    call.write(call.args[4], kernel::statx_bytes(&status))?;
    Ok(0)
}

pub(super) fn statfs(call: &mut Call<'_>) -> Reply {
    let mut bytes = [0; kernel::STATFS_SIZE];
    kernel::statfs(Some(&call.string(call.args[0])?), 0, &mut bytes)?;
    call.write(call.args[1], &bytes)?;
    Ok(0)
}

pub(super) fn fstatfs(call: &mut Call<'_>) -> Reply {
    let mut bytes = [0; kernel::STATFS_SIZE];
    kernel::statfs(None, call.int(0), &mut bytes)?;
    call.write(call.args[1], &bytes)?;
    Ok(0)
}

pub(super) fn getdents64(call: &mut Call<'_>) -> Reply {
    let [_, addr, size, ..] = call.args;
    let size = u64::from(size as u32).min(1 << 20);
    // Records that were read and cannot be stored would be lost.
    if call.process.space().writable(addr, size) < size {
        return Err(EFAULT.into());
    }
    let mut bytes = vec![0; size as usize];
    let count = kernel::getdents64(call.int(0), &mut bytes)?;
    call.write(addr, &bytes[..count])?;
    Ok(count as u64)
}

pub(super) fn utimensat(call: &mut Call<'_>) -> Reply {
    let path = if call.args[1] == 0 { None } else { Some(call.string(call.args[1])?) };
    let times = call.read_optional::<32>(call.args[2])?;
    Ok(kernel::utimensat(call.int(0), path.as_deref(), times.as_ref(), call.int(3))?)
}

/// `utimes`: like `utimensat` with microseconds.
pub(super) fn utimes(call: &mut Call<'_>) -> Reply {
    let path = call.string(call.args[0])?;
    let times = match call.read_optional::<32>(call.args[1])? {
        None => None,
        Some(times) => {
            let words: [u64; 4] = std::array::from_fn(|i| abi::word(&times, i));
            if words[1] >= 1_000_000 || words[3] >= 1_000_000 {
                return Err(EINVAL.into());
            }
            let (first, second) =
                (abi::pair(words[0], words[1] * 1000), abi::pair(words[2], words[3] * 1000));
            Some(std::array::from_fn(|i| if i < 16 { first[i] } else { second[i - 16] }))
        }
    };
    Ok(kernel::utimensat(AT_FDCWD, Some(&path), times.as_ref(), 0)?)
}
