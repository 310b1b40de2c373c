//! The third level of translated code: compiled units in files, for the next process that runs the same program, and
//! stencils, for the next process that runs any.
//!
//! | module | what |
//! | --- | --- |
//! | here | [`Store`]: the directory, its safety, its size |
//! | `units` | [`ProgramUnits`]: the units of one program |
//! | `stencils` | [`KeptStencils`]: the stencils for one guest |
//! | `log` | one file in use: look up, add, write |
//! | `record` | the file format |
//!
//! A file holds what one version of the code generator made on one kind of host: the units of one program, or stencils. A
//! unit is found by its name, and taken only if guest memory holds the very bytes that it was made from; a stencil is found
//! by its shape, which the file holds as a whole. So nothing that a file says can make a program run other code than its
//! own, as long as the file is the user's own. For that the directory has mode
//! 0700, and it and its files must belong to the user, be writable by nobody else, and be no symbolic links; programs
//! that run with more rights than their user's (set-uid) do not use the cache.
//!
//! Files only grow: records are appended under a lock of the whole directory (`flock`, freed by the kernel however a
//! process ends), and each carries checksums. What a killed process or a full disk left unfinished at the end is
//! cut off by the next writer. A file or the directory above its limit loses what was used least recently.
//!
//! Invariant: every failure here costs a compilation, never a run.

mod log;
mod record;
mod stencils;
mod units;

pub use log::Counters;
use record::Kind;
pub use stencils::KeptStencils;
pub use units::{ProgramUnits, checksum};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Bytes that a directory may hold by default.
pub const DEFAULT_LIMIT: u64 = 512 << 20;

/// Name of the file that writers lock.
const LOCK: &str = "lock";

/// How long a writer waits for others. They hold the lock for one write each; one that is stopped may hold it for ever.
const PATIENCE: Duration = Duration::from_millis(200);

/// Why a directory or file of the cache is not used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error("{}: {call}: {}", path.display(), std::io::Error::from(*errno))]
    System {
        /// What it was called on.
        path: PathBuf,
        /// Its name.
        call: &'static str,
        /// Why.
        errno: Errno,
    },
    /// Somebody else could have written it.
    #[error("{}: {what}", path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// This process has more rights than its user.
    #[error("the disk cache is not used by set-uid programs")]
    Privileged,
}

/// A directory of files. Any number of processes use it at a time.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    directory: OwnedFd,
    limit: u64,
}

/// One file of the cache.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name in the directory.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// When it was last read for a run, or written.
    pub used: SystemTime,
}

/// What [`Store::verify`] found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its name in the directory.
    pub name: String,
    /// Units or stencils that are whole.
    pub whole: u64,
    /// Those whose contents do not fit their checksum, or make no sense.
    pub damaged: u64,
    /// Bytes at the end that are none: what an unfinished write left.
    pub rest: u64,
}

impl Store {
    /// Opens a directory, or makes it with its parents. `limit` is the most bytes that it may hold.
    ///
    /// # Errors
    /// It cannot be made or opened, or others may write to it.
    pub fn open(path: &Path, limit: u64) -> Result<Store, Error> {
        use rustix::process::{getegid, geteuid, getgid, getuid};
        if getuid() != geteuid() || getgid() != getegid() {
            return Err(Error::Privileged);
        }
        let failed = |call| move |errno| Error::System { path: path.to_owned(), call, errno };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| failed("mkdir")(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        }
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed("mkdir")(errno)),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(failed("open"))?;
        let stat = rustix::fs::fstat(&directory).map_err(failed("fstat"))?;
        check_owner(path, stat.st_uid, stat.st_mode)?;
        Ok(Store { path: path.to_owned(), directory, limit })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files of the cache, least recently used first.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        let mut files = Vec::new();
        let entries = rustix::fs::Dir::read_from(&self.directory)
            .map_err(|errno| self.failed(".", "getdents", errno))?;
        for entry in entries {
            let entry = entry.map_err(|errno| self.failed(".", "getdents", errno))?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if Kind::of_file(name).is_none() {
                continue;
            }
            // Gone meanwhile: somebody else's business.
            let Ok(stat) = rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let since = Duration::new(stat.st_mtime.max(0) as u64, stat.st_mtime_nsec as u32);
            files.push(Listed {
                name: name.to_owned(),
                size: stat.st_size.max(0) as u64,
                used: SystemTime::UNIX_EPOCH + since,
            });
        }
        files.sort_by(|a, b| (a.used, &a.name).cmp(&(b.used, &b.name)));
        Ok(files)
    }

    /// Reads every record of every file.
    ///
    /// # Errors
    /// The directory cannot be read. A file that cannot is reported as damaged.
    pub fn verify(&self) -> Result<Vec<Verified>, Error> {
        let check = |file: Listed| {
            let opened = self.open_file(&file.name, OFlags::RDONLY);
            let (whole, damaged, rest) = match (opened, Kind::of_file(&file.name)) {
                (Ok(opened), Some(Kind::Units)) => record::verify(&opened, Kind::Units, units::makes_sense),
                (Ok(opened), Some(Kind::Stencils)) => {
                    record::verify(&opened, Kind::Stencils, stencils::makes_sense)
                }
                _ => (0, 0, file.size),
            };
            Verified { name: file.name, whole, damaged, rest }
        };
        Ok(self.list()?.into_iter().map(check).collect())
    }

    /// Removes every file of the cache; the number and their bytes.
    ///
    /// # Errors
    /// A file cannot be removed; those before it are gone.
    pub fn clear(&self) -> Result<(usize, u64), Error> {
        let files = self.list()?;
        for file in &files {
            self.remove(&file.name)?;
        }
        Ok((files.len(), files.iter().map(|file| file.size).sum()))
    }

    /// Removes files that were used least recently until the rest fits the limit; `keep` stays.
    fn trim(&self, keep: &str) {
        let Ok(files) = self.list() else { return };
        let mut total: u64 = files.iter().map(|file| file.size).sum();
        for file in files.iter().filter(|file| file.name != keep) {
            if total <= self.limit {
                break;
            }
            if self.remove(&file.name).is_ok() {
                total -= file.size;
            }
        }
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        match rustix::fs::unlinkat(&self.directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed(name, "unlink", errno)),
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        rustix::fs::renameat(&self.directory, from, &self.directory, to)
            .map_err(|errno| self.failed(to, "rename", errno))
    }

    /// Opens a file, which is marked as used.
    fn open_to_read(&self, name: &str) -> Result<File, Error> {
        let file = self.open_file(name, OFlags::RDONLY)?;
        // Another file system may refuse; then the file merely looks old.
        let _ = file.set_modified(SystemTime::now());
        Ok(file)
    }

    /// Opens a file of the directory, if it is a regular one of this user's that nobody else may write.
    fn open_file(&self, name: &str, flags: OFlags) -> Result<File, Error> {
        // Non-blocking, so that a FIFO does not hold us up before it is seen to be one.
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = rustix::fs::openat(&self.directory, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| self.failed(name, "open", errno))?;
        let stat = rustix::fs::fstat(&fd).map_err(|errno| self.failed(name, "fstat", errno))?;
        let path = self.path.join(name);
        if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
            return Err(Error::Unsafe { path, what: "not a regular file" });
        }
        check_owner(&path, stat.st_uid, stat.st_mode)?;
        Ok(fd.into())
    }

    /// The lock of all writers, or nothing if others keep it for too long. Dropping the file frees it.
    fn lock(&self) -> Result<Option<File>, Error> {
        let file = self.open_file(LOCK, OFlags::RDWR | OFlags::CREATE)?;
        let begun = Instant::now();
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(file)),
                Err(Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.failed(LOCK, "flock", errno)),
            }
        }
    }

    fn failed(&self, name: &str, call: &'static str, errno: Errno) -> Error {
        Error::System { path: self.path.join(name), call, errno }
    }

    fn failed_io(&self, name: &str, call: &'static str, error: &std::io::Error) -> Error {
        self.failed(name, call, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }
}

/// Whether only this user can have written what has these attributes.
fn check_owner(path: &Path, owner: u32, mode: u32) -> Result<(), Error> {
    let unsafe_because = |what| Err(Error::Unsafe { path: path.to_owned(), what });
    if owner != rustix::process::geteuid().as_raw() {
        return unsafe_because(
            "it belongs to somebody else, and the disk cache holds code that would be run",
        );
    }
    if mode & 0o022 != 0 {
        return unsafe_because("others may write to it, and the disk cache holds code that would be run");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
