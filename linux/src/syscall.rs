//! System calls: from a guest's number to the function that does it, and the lines of `--strace`.
//!
//! | module | calls |
//! | --- | --- |
//! | `table` | number -> name -> function, for the three guests |
//! | `memory` | `brk`, the `mmap` family |
//! | `transfer` | `read`, `write` and their kin |
//! | `descriptors` | opening, closing, duplicating, `fcntl`, `ioctl`, pipes, waiting for descriptors |
//! | `paths` | calls on paths, directories, `stat` |
//! | `time` | clocks, sleeping, timers |
//! | `process` | identity, limits, ending, scheduling, `prctl` |
//! | `signals` | actions, masks, sending |
//! | `futex` | waiting on words |
//!
//! What a call needs of guest memory is read before the host is asked and written after it has answered; a bad guest
//! address is `EFAULT`, never a fault of xlat.

mod descriptors;
mod futex;
mod memory;
mod paths;
mod process;
mod signals;
mod table;
mod time;
mod transfer;

pub(crate) use process::Limits;

use crate::abi;
use crate::errno::{EFAULT, EINTR, ENAMETOOLONG, ENOSYS, Errno};
use crate::kernel::{self, Entered, Gate};
use crate::process::{Shared, Thread};
use crate::signals::Signal;
use std::ffi::CString;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use translator::guest::Guest;

/// A system call in progress.
pub(crate) struct Call<'a> {
    /// The process.
    pub process: &'a Shared,
    /// The calling thread.
    pub thread: &'a mut Thread,
    /// The arguments.
    pub args: [u64; 6],
}

/// How a call ends that does not simply return a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leave {
    /// It returns an error.
    Errno(Errno),
    /// The host program interrupted it before it had an effect: it is made again when the program goes on.
    Interrupted,
    /// The process ends.
    Exit(i32),
    /// The process ends by a signal.
    Killed(Signal),
}

impl From<Errno> for Leave {
    fn from(errno: Errno) -> Leave {
        Leave::Errno(errno)
    }
}

/// What a call function returns.
pub(crate) type Reply = Result<u64, Leave>;

/// Who does a call.
#[derive(Clone, Copy)]
enum Handler {
    /// A function here.
    Own(fn(&mut Call<'_>) -> Reply),
    /// The host, with the same integers.
    Host(kernel::Integers),
    /// Nobody: `ENOSYS`.
    Missing,
}

/// A row of the table.
struct Row {
    name: &'static str,
    /// One letter an argument: `d` signed, `u` unsigned, `x` hexadecimal, `o` octal, `p` pointer, `s` string, `b` bytes
    /// whose length is the next argument, `a` directory descriptor.
    format: &'static str,
    handler: Handler,
}

/// Longest path, with its final zero.
const PATH_MAX: usize = 4096;

impl Call<'_> {
    /// An argument that the kernel takes as `int`.
    fn int(&self, index: usize) -> i32 {
        self.args[index] as i32
    }

    /// An argument that the kernel takes as `unsigned int`.
    fn uint(&self, index: usize) -> u32 {
        self.args[index] as u32
    }

    /// The guest.
    fn guest(&self) -> Guest {
        self.process.guest()
    }

    /// Reads a structure.
    fn read<const N: usize>(&self, addr: u64) -> Result<[u8; N], Errno> {
        let mut bytes = [0; N];
        self.process.space().read(addr, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a structure behind a pointer that may be null.
    fn read_optional<const N: usize>(&self, addr: u64) -> Result<Option<[u8; N]>, Errno> {
        if addr == 0 { Ok(None) } else { self.read(addr).map(Some) }
    }

    /// Reads `length` bytes.
    fn read_bytes(&self, addr: u64, length: usize) -> Result<Vec<u8>, Errno> {
        // A wrong length must not become a huge allocation.
        if self.process.space().readable(addr, length as u64) < length as u64 {
            return Err(EFAULT);
        }
        let mut bytes = vec![0; length];
        self.process.space().read(addr, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes a structure.
    fn write(&self, addr: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.process.space().write(addr, bytes)
    }

    /// Writes a structure behind a pointer that may be null.
    fn write_optional(&self, addr: u64, bytes: &[u8]) -> Result<(), Errno> {
        if addr == 0 { Ok(()) } else { self.write(addr, bytes) }
    }

    /// Reads a path or another string of at most `PATH_MAX` bytes.
    fn string(&self, addr: u64) -> Result<CString, Errno> {
        self.string_of(addr, PATH_MAX)
    }

    fn string_of(&self, addr: u64, max: usize) -> Result<CString, Errno> {
        let mut bytes = Vec::new();
        while bytes.len() < max {
            let at = addr.checked_add(bytes.len() as u64).ok_or(EFAULT)?;
            // To the end of the page at most: what lies behind the string need not be mapped.
            let step = ((crate::elf::PAGE - at % crate::elf::PAGE) as usize).min(max - bytes.len());
            let mut part = [0; crate::elf::PAGE as usize];
            self.process.space().read(at, &mut part[..step])?;
            match part[..step].iter().position(|byte| *byte == 0) {
                Some(end) => {
                    bytes.extend(&part[..end]);
                    return CString::new(bytes).map_err(|_| EFAULT);
                }
                None => bytes.extend(&part[..step]),
            }
        }
        Err(ENAMETOOLONG)
    }

    /// Makes a call that may block, again and again while signals that are not the guest's interrupt it.
    fn block(&self, mut call: impl FnMut(Gate<'_>) -> Entered) -> Reply {
        let gate = Gate { word: self.thread.interrupt_word() };
        loop {
            match call(gate) {
                Entered::Interrupted => return Err(Leave::Interrupted),
                Entered::Returned(Err(EINTR)) if gate.word.load(Ordering::Relaxed) & kernel::STOP == 0 => {}
                Entered::Returned(result) => return Ok(result?),
            }
        }
    }
}

/// Makes the system call that the thread stands behind, writes its result, and returns how the thread goes on.
pub(crate) fn dispatch(process: &Shared, thread: &mut Thread) -> Result<(), Leave> {
    let registers = abi::call_registers(process.guest());
    let number = thread.get(registers.number);
    let args = registers.arguments.map(|slot| thread.get(slot));
    let row = table::find(process.guest(), number);
    // The arguments' strings must be seen before the call changes anything, and an exit never returns.
    let shown = process.traces().then(|| show_call(&mut Call { process, thread, args }, number, row));

    let reply = match process.hooked(number, &args) {
        Some(value) => Ok(value),
        None => match row.map_or(Handler::Missing, |row| row.handler) {
            Handler::Own(function) => function(&mut Call { process, thread, args }),
            Handler::Host(call) => kernel::integers(call, args).map_err(Leave::Errno),
            Handler::Missing => Err(Leave::Errno(ENOSYS)),
        },
    };
    if let Some(shown) = shown {
        let missing = row.is_none_or(|row| matches!(row.handler, Handler::Missing));
        process.trace(&format!("{shown}{}", show_reply(reply, missing)));
    }
    match reply {
        Ok(value) => thread.set(registers.result, value),
        Err(Leave::Errno(errno)) => thread.set(registers.result, errno.reply()),
        Err(leave) => return Err(leave),
    }
    Ok(())
}

fn show_call(call: &mut Call<'_>, number: u64, row: Option<&Row>) -> String {
    let (name, format) = match row {
        Some(row) => (row.name.to_owned(), row.format),
        None => (format!("syscall_{number}"), "xxxxxx"),
    };
    let mut text = format!("{name}(");
    for (index, letter) in format.chars().enumerate() {
        let value = call.args[index];
        if index > 0 {
            text += ", ";
        }
        // Writing to a String cannot fail.
        let _ = match letter {
            'd' => write!(text, "{}", value as i32),
            'a' if value as i32 == libc::AT_FDCWD => write!(text, "AT_FDCWD"),
            'a' => write!(text, "{}", value as i32),
            'u' => write!(text, "{value}"),
            'o' => write!(text, "{:#o}", value as u32),
            'p' if value == 0 => write!(text, "NULL"),
            's' => match call.string_of(value, 256) {
                Ok(string) => write!(text, "\"{}\"", string.to_bytes().escape_ascii()),
                Err(_) => write!(text, "{value:#x}"),
            },
            'b' => {
                let length = call.args.get(index + 1).copied().unwrap_or(0);
                let shown = length.min(32);
                match call.read_bytes(value, shown as usize) {
                    Ok(bytes) => {
                        write!(
                            text,
                            "\"{}\"{}",
                            bytes.escape_ascii(),
                            if shown < length { "..." } else { "" }
                        )
                    }
                    Err(_) => write!(text, "{value:#x}"),
                }
            }
            _ => write!(text, "{value:#x}"),
        };
    }
    text + ")"
}

fn show_reply(reply: Reply, missing: bool) -> String {
    match reply {
        Ok(value) if value > 0xffff_ffff => format!(" = {value:#x}"),
        Ok(value) => format!(" = {value}"),
        Err(Leave::Errno(_)) if missing => " = -1 ENOSYS (not supported by xlat)".into(),
        Err(Leave::Errno(errno)) => format!(" = -1 {errno}"),
        Err(Leave::Interrupted) => " interrupted".into(),
        Err(Leave::Exit(_) | Leave::Killed(_)) => " does not return".into(),
    }
}
