//! Guest Linux processes.

use crate::engine::xlat_engine;
use crate::error::{Failure, record};
use crate::guard::{
    Sized32, array, array_mut, check_out, check_out_struct, guard, put, read_struct, string, write_struct,
};
use crate::handle::{self, Handle, with_signal};
use crate::numbers::*;
use crate::run::{describe, limits, xlat_exit, xlat_run_options};
use crate::vcpu::xlat_value;
use crate::vm::{register, vm_options, xlat_vm};
use ::linux::{Ending, Error, Process, ProcessInterrupter, ProcessOptions, Program, Stop, SystemCall};
use std::ffi::{OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use translator::guest::registers::State;
use translator::memory::Mode;

/// A Linux program in a machine of its own, with its system calls.
pub struct xlat_process(());

/// What a handle of a process stands for.
pub struct ProcessObject {
    process: Mutex<Process>,
    interrupter: ProcessInterrupter,
    /// A callback returned what it must not.
    bad_answer: Arc<AtomicBool>,
}

impl Handle for xlat_process {
    type Object = ProcessObject;
    const KIND: u64 = 4;
}

impl ProcessObject {
    fn lock(&self) -> Result<MutexGuard<'_, Process>, Failure> {
        self.process.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                Failure::new(XLAT_ERROR_BUSY, "the xlat_process is in use by another call".into())
            }
            TryLockError::Poisoned(_) => {
                Failure::new(XLAT_ERROR_POISONED, "the xlat_process can only be freed".into())
            }
        })
    }
}

/// A program and the settings of its process. Zero fields mean the default; `path` has none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_process_options {
    /// `sizeof(xlat_process_options)`.
    pub struct_size: u32,
    /// `XLAT_MEMORY_*`; direct by default.
    pub memory_mode: u32,
    /// Path of the program: a static ELF file.
    pub path: *const c_char,
    /// The arguments, the program's name first; by default the path alone.
    pub argv: *const *const c_char,
    /// How many arguments there are.
    pub argc: usize,
    /// The environment, each `NAME=VALUE`; empty by default.
    pub envp: *const *const c_char,
    /// How many variables there are.
    pub envc: usize,
    /// 1: print a line for each system call to standard error.
    pub strace: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: repr(C), 2 * 4 + 5 * 8 + 2 * 4 bytes without padding; integers and pointers that are checked before use.
unsafe impl Sized32 for xlat_process_options {
    const NAME: &'static str = "xlat_process_options";
    const FIRST: usize = 56;
}

/// What a callback sees of a system call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_syscall {
    /// `sizeof(xlat_syscall)`.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The guest's number of the call.
    pub number: u64,
    /// Its arguments.
    pub arguments: [u64; 6],
}

/// Called before each system call of a process. Returns an `XLAT_SYSCALL_*`; for those that answer the call, `*result` is
/// what the guest sees (a negative error number on failure). Any other value stops the run, which then fails.
pub type xlat_syscall_callback =
    Option<unsafe extern "C" fn(call: *const xlat_syscall, result: *mut u64, user: *mut c_void) -> u32>;

/// Called when a callback's `user` is not needed any more.
pub type xlat_release_callback = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// Loads a program into a new machine and prepares its stack and registers. The process is freed with
/// `xlat_process_free`.
///
/// # Safety
/// `options` points to `struct_size` bytes, `argv` and `envp` in it to as many strings with a final zero as it says;
/// `process` points to a handle to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_process_new(
    engine: *const xlat_engine,
    options: *const xlat_process_options,
    process: *mut *mut xlat_process,
) -> xlat_status {
    guard(|| {
        check_out(process, "process")?;
        let engine = handle::acquire(engine)?;
        if options.is_null() {
            return Err(Failure::null("xlat_process_options"));
        }
        // SAFETY: the caller's contract.
        let given = unsafe { read_struct(options) }?;
        if given.reserved != 0 || given.strace > 1 {
            return Err(Failure::argument("xlat_process_options: strace is 0 or 1, reserved is 0"));
        }
        // SAFETY: the caller's contract.
        let path = unsafe { string(given.path, "xlat_process_options.path") }?.to_bytes();
        // SAFETY: the caller's contract.
        let mut arguments = unsafe { strings(given.argv, given.argc, "xlat_process_options.argv") }?;
        if arguments.is_empty() {
            arguments.push(path.to_vec());
        }
        let program = Program {
            path: OsStr::from_bytes(path).into(),
            arguments,
            // SAFETY: the caller's contract.
            environment: unsafe { strings(given.envp, given.envc, "xlat_process_options.envp") }?,
        };
        let vm = vm_options(given.memory_mode, 0, Mode::Direct)?;
        let settings = ProcessOptions { vm, strace: given.strace == 1 };
        let made = Process::load(&engine, &program, &settings)
            .map_err(|error| failure(&String::from_utf8_lossy(path), error))?;
        let interrupter = made.interrupter();
        let object = ProcessObject { process: Mutex::new(made), interrupter, bad_answer: Arc::default() };
        let made = handle::insert(object)?;
        // SAFETY: the caller's contract.
        unsafe { put(process, "process", made) }
    })
}

/// Frees a process; NULL is fine. Its callback's `user` is released.
///
/// # Safety
/// None: a handle that is not live is an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_process_free(process: *mut xlat_process) -> xlat_status {
    guard(|| handle::free(process))
}

/// The machine of a process, for its memory and counters: a handle of its own, to be freed with `xlat_vm_free`.
///
/// # Safety
/// `vm` points to a handle to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_process_vm(process: *const xlat_process, vm: *mut *mut xlat_vm) -> xlat_status {
    guard(|| {
        check_out(vm, "vm")?;
        let object = handle::acquire(process)?;
        let machine = object.lock()?.vm().clone();
        let made = handle::insert::<xlat_vm>(machine)?;
        // SAFETY: the caller's contract.
        unsafe { put(vm, "vm", made) }
    })
}

/// Runs a process until it ends (`XLAT_EXIT_EXITED`, `XLAT_EXIT_KILLED`) or something in `options` stops it, or an
/// interrupt; then it can be run on. System calls and signals are dealt with inside. `options` may be NULL. A process that
/// has ended stays ended.
///
/// # Safety
/// `options` is NULL or points to `struct_size` bytes, `exit` to as many as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_process_run(
    process: *mut xlat_process,
    options: *const xlat_run_options,
    exit: *mut xlat_exit,
) -> xlat_status {
    guard(|| {
        let object = handle::acquire(process.cast_const())?;
        // SAFETY: the caller's contract.
        let options = limits(&unsafe { read_struct(options) }?)?;
        // SAFETY: the caller's contract.
        unsafe { check_out_struct(exit.cast_const()) }?;
        let mut process = object.lock()?;
        let stop = process.run(&options);
        if object.bad_answer.swap(false, Ordering::Relaxed) {
            return Err(Failure::argument("the callback of system calls returned no XLAT_SYSCALL_*"));
        }
        let out = match stop {
            Stop::Exit(exit) => describe(&exit),
            Stop::Ended(ending) => {
                let (reason, status) = match ending {
                    Ending::Exited { status } => (XLAT_EXIT_EXITED, status as u32),
                    Ending::Killed { signal, note } => {
                        // What xlat knows of the death; empty if it was the program's own doing.
                        record(Failure::new(XLAT_OK, note.unwrap_or_default()));
                        (XLAT_EXIT_KILLED, signal.number() as u32)
                    }
                };
                xlat_exit { reason, pc: process.vcpu().pc(), status, ..xlat_exit::default() }
            }
        };
        // SAFETY: the caller's contract.
        unsafe { write_struct(exit, out) }
    })
}

/// Asks a process to stop: as `xlat_vcpu_interrupt`, also out of system calls that wait. A call that is left in this way
/// is made anew when the process runs on.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_process_interrupt(process: *const xlat_process) -> xlat_status {
    with_signal(process, |object| object.interrupter.interrupt())
}

/// Reads `count` registers of a process that does not run; as `xlat_vcpu_read_registers`.
///
/// # Safety
/// `ids` points to `count` numbers, `values` has room for `count` values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_process_read_registers(
    process: *const xlat_process,
    ids: *const u32,
    values: *mut xlat_value,
    count: usize,
) -> xlat_status {
    guard(|| {
        let object = handle::acquire(process)?;
        // SAFETY: the caller's contract.
        let (ids, values) = unsafe { (array(ids, count, "ids")?, array_mut(values, count, "values")?) };
        let process = object.lock()?;
        let registers = ids.iter().map(|&id| register(process.guest(), id)).collect::<Result<Vec<_>, _>>()?;
        for (value, register) in values.iter_mut().zip(registers) {
            *value = process.vcpu().register(register).into();
        }
        Ok(())
    })
}

/// Sets the callback that sees each system call before it is made; NULL for none. `release`, unless NULL, is called with
/// `user` when the callback is replaced or the process is freed.
///
/// The callback runs on the thread of `xlat_process_run`. It may call everything but functions with this process.
///
/// # Safety
/// `callback` and `release` may be called with `user` on any thread that runs or frees the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_process_on_syscall(
    process: *mut xlat_process,
    callback: xlat_syscall_callback,
    release: xlat_release_callback,
    user: *mut c_void,
) -> xlat_status {
    guard(|| {
        let object = handle::acquire(process.cast_const())?;
        let mut process = object.lock()?;
        let Some(callback) = callback else {
            process.set_system_call_hook(None);
            return Ok(());
        };
        let interrupter = process.interrupter();
        let user = User::new(user, release);
        let bad_answer = object.bad_answer.clone();
        process.set_system_call_hook(Some(Box::new(move |call: &SystemCall| {
            let user = &user;
            let call = xlat_syscall {
                struct_size: size_of::<xlat_syscall>() as u32,
                reserved: 0,
                number: call.number,
                arguments: call.arguments,
            };
            let mut result = 0;
            // SAFETY: the caller of xlat_process_on_syscall promised that it may be called so.
            match unsafe { callback(&call, &mut result, user.pointer()) } {
                XLAT_SYSCALL_CONTINUE => None,
                XLAT_SYSCALL_ANSWERED => Some(result),
                XLAT_SYSCALL_STOP => {
                    interrupter.interrupt();
                    Some(result)
                }
                _ => {
                    bad_answer.store(true, Ordering::Relaxed);
                    interrupter.interrupt();
                    Some(result)
                }
            }
        })));
        Ok(())
    })
}

/// The pointer that goes with a callback, released when the callback is dropped.
pub(crate) struct User {
    pointer: *mut c_void,
    release: xlat_release_callback,
}

impl User {
    pub(crate) fn new(pointer: *mut c_void, release: xlat_release_callback) -> User {
        User { pointer, release }
    }

    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

// SAFETY: whoever gave it to the library promised that any thread may use it.
unsafe impl Send for User {}
// SAFETY: as above; the pointer is only handed on.
unsafe impl Sync for User {}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: whoever gave it to the library promised that it may be called so; this happens once.
            unsafe { release(self.pointer) };
        }
    }
}

/// # Safety
/// `ptr` points to `count` strings with a final zero, or is NULL.
unsafe fn strings(ptr: *const *const c_char, count: usize, what: &str) -> Result<Vec<Vec<u8>>, Failure> {
    // SAFETY: the caller's contract.
    let pointers = unsafe { array(ptr, count, what) }?;
    // SAFETY: the caller's contract.
    pointers.iter().map(|&text| Ok(unsafe { string(text, what) }?.to_bytes().to_vec())).collect()
}

fn failure(path: &str, error: Error) -> Failure {
    let text = format!("cannot run {path}: {error}");
    let status = match error {
        Error::File(_) | Error::Kind(_) => XLAT_ERROR_FILE,
        Error::Elf(_) => XLAT_ERROR_FORMAT,
        Error::Memory(_) => XLAT_ERROR_NO_SPACE,
        Error::Arguments | Error::ZeroByte => XLAT_ERROR_ARGUMENT,
        Error::Engine(error) => return error.into(),
    };
    Failure::new(status, text)
}
