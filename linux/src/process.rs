//! A guest process: loading a program, running it, and how it ends.
//!
//! [`Process::run`] alternates between guest code and the kernel's part: system calls, faults that become signals, and
//! pending signals, which are looked at between two runs of guest code only. What threads will share is in [`Shared`];
//! what belongs to one thread is in [`Thread`].

use crate::abi::{self, CallRegisters, SignalAction};
use crate::elf::{self, ElfError, Image};
use crate::errno::{self, Errno};
use crate::kernel;
use crate::program_file::{self, ProgramFile};
use crate::signals::{Actions, Decision, Masks, Signal};
use crate::space::{Space, StackRange};
use crate::stack::{self, Contents};
use crate::syscall::{self, Leave, Limits};
use object::ReadCache;
use std::ffi::{CStr, CString, OsStr};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use translator::guest::registers::State;
use translator::guest::{Guest, x86_64};
use translator::ir::{Access, Slot, Trap};
use translator::memory::{self, FaultKind};
use translator::run::{self, Engine, Exit, Interrupter, Reason, RunOptions, Vcpu, Vm, VmOptions};

pub use crate::program_file::read_program;

/// Why a program cannot be run. The text completes "cannot run PATH:".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{}", text_of(*.0))]
    File(Errno),
    /// The file is a directory, a device, or the like.
    #[error("{0}")]
    Kind(&'static str),
    /// The file is no program that xlat runs.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// The program does not fit the address space.
    #[error("it does not fit the guest's address space: {0}")]
    Memory(#[from] memory::Error),
    /// Too many arguments.
    #[error("the arguments and the environment are too long")]
    Arguments,
    /// A path, argument or environment string with a zero byte.
    #[error("a zero byte in a path, argument or environment string")]
    ZeroByte,
    /// The engine refuses.
    #[error(transparent)]
    Engine(#[from] run::Error),
}

fn text_of(errno: Errno) -> String {
    match errno {
        errno::ENOENT => "no such file".into(),
        errno::EACCES => "permission denied".into(),
        other => std::io::Error::from_raw_os_error(other.0).to_string(),
    }
}

impl Error {
    /// Whether the program was not found, as a shell distinguishes it (status 127, not 126).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::File(errno::ENOENT | errno::ENOTDIR))
    }
}

/// A program with its arguments.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Path of the file.
    pub path: std::path::PathBuf,
    /// The arguments, the program's name first.
    pub arguments: Vec<Vec<u8>>,
    /// The environment, `NAME=VALUE`.
    pub environment: Vec<Vec<u8>>,
}

/// A system call that is about to be made, for the host program's callback.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SystemCall {
    /// The guest's number of it.
    pub number: u64,
    /// The arguments.
    pub arguments: [u64; 6],
}

/// A callback that may answer a system call in the place of xlat: `Some` is the result that the guest sees.
pub type SystemCallHook = Box<dyn FnMut(&SystemCall) -> Option<u64> + Send>;

/// Where the lines of a trace go.
pub type Trace = Box<dyn FnMut(&str) + Send>;

/// Settings of a process.
#[derive(Clone, Debug, Default)]
pub struct ProcessOptions {
    /// Settings of its machine.
    pub vm: VmOptions,
    /// Print a line for each system call to standard error.
    pub strace: bool,
}

/// How a process ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It called exit.
    Exited {
        /// The exit status, 0 to 255.
        status: i32,
    },
    /// A signal ended it.
    Killed {
        /// The signal.
        signal: Signal,
        /// What a user needs to know about it beyond the signal: an instruction that is not supported.
        note: Option<String>,
    },
}

/// Why [`Process::run`] returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The process is over.
    Ended(Ending),
    /// The run ended as asked for: budget, interrupt, stop address, hook; or an internal error.
    Exit(Exit),
}

/// What all threads of a process share.
pub(crate) struct Shared {
    vm: Arc<Vm>,
    space: Space,
    pid: i32,
    path: CString,
    actions: Mutex<Actions>,
    limits: Mutex<Limits>,
    hook: Mutex<Option<SystemCallHook>>,
    trace: Option<Mutex<Trace>>,
}

/// One guest thread.
pub(crate) struct Thread {
    vcpu: Vcpu,
    interrupter: Interrupter,
    id: i32,
    /// Blocked and pending signals.
    pub(crate) signals: Masks,
    /// Where the kernel stores zero when the thread ends.
    pub(crate) clear_child_tid: u64,
    /// Head of the list of robust futexes.
    pub(crate) robust_list: u64,
    /// Address, flags and size of the alternate signal stack.
    pub(crate) alternate_stack: [u64; 3],
    /// The thread's name with its final zero.
    pub(crate) name: [u8; 16],
}

/// Makes a process's run return; see [`Process::interrupter`].
#[derive(Clone, Debug)]
pub struct ProcessInterrupter {
    vcpu: Interrupter,
    /// The host thread that runs the process; 0 for none.
    host_thread: Arc<AtomicI32>,
}

impl ProcessInterrupter {
    /// Asks the process to stop: the run under way, or the next one if none is, returns before long. A system call that
    /// is left in this way is made anew when the process goes on. Async-signal-safe.
    pub fn interrupt(&self) {
        self.vcpu.interrupt();
        let thread = self.host_thread.load(Ordering::SeqCst);
        if thread != 0 {
            kernel::wake(thread);
        }
    }
}

/// A guest process with its program loaded.
pub struct Process {
    shared: Shared,
    thread: Thread,
    stack: StackRange,
    bias: u64,
    host_thread: Arc<AtomicI32>,
    ended: Option<Ending>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process")
            .field("path", &self.shared.path)
            .field("guest", &self.guest())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Process {
    /// Loads a program and prepares its stack and registers.
    ///
    /// # Errors
    /// The file is not a program that xlat runs, or does not fit.
    pub fn load(engine: &Arc<Engine>, program: &Program, options: &ProcessOptions) -> Result<Process, Error> {
        let file = program_file::open(&program.path)?;
        let image = Image::parse(&ReadCache::new(&file))?;
        // Checked after the format, so that the reason is the more telling one.
        let permissions = std::fs::metadata(&program.path).map(|file| file.permissions().mode()).unwrap_or(0);
        if permissions & 0o111 == 0 {
            return Err(Error::File(errno::EACCES));
        }
        Process::load_file(engine, program, &image, &ProgramFile::Open(&file), options)
    }

    /// Loads a program whose file has been read; see [`Process::load`].
    ///
    /// # Errors
    /// As [`Process::load`].
    pub fn load_image(
        engine: &Arc<Engine>,
        program: &Program,
        image: &Image,
        data: &[u8],
        options: &ProcessOptions,
    ) -> Result<Process, Error> {
        Process::load_file(engine, program, image, &ProgramFile::Whole(data), options)
    }

    fn load_file(
        engine: &Arc<Engine>,
        program: &Program,
        image: &Image,
        file: &ProgramFile<'_>,
        options: &ProcessOptions,
    ) -> Result<Process, Error> {
        let guest = image.guest;
        if program.arguments.iter().chain(&program.environment).any(|string| string.contains(&0)) {
            return Err(Error::ZeroByte);
        }
        let given_path = program.path.as_os_str().as_bytes();
        // As /proc/self/exe shows it: absolute, links followed.
        let absolute = std::fs::canonicalize(&program.path);
        let path = absolute.as_ref().map_or(given_path, |path| path.as_os_str().as_bytes());
        let path = CString::new(path).map_err(|_| Error::ZeroByte)?;

        let vm = Vm::new(engine, guest, &options.vm)?;
        if engine.options().store.is_some() {
            vm.name_program(file.name().map_err(program_file::failed)?);
        }
        let space = Space::new(vm.clone());
        let limits = Limits::inherited();
        let bias = space.load(image, file)?;
        if let Some(monitor) = &engine.options().monitor {
            let symbols = elf::symbols(&file.all().map_err(program_file::failed)?).into_iter();
            let placed = symbols.map(|symbol| (symbol.addr.wrapping_add(bias), symbol.size, symbol.name));
            monitor.name_symbols(vm.id(), placed);
        }
        let range = space.map_stack(limits.stack(), image.executable_stack)?;

        let mut random = [0; 16];
        let count = kernel::getrandom(&mut random, 0).map_err(Error::File)?;
        debug_assert_eq!(count, random.len());
        let contents = Contents {
            guest,
            arguments: &program.arguments,
            environment: &program.environment,
            path: given_path,
            program_headers: image.program_headers.map_or(0, |addr| addr + bias),
            program_header_count: image.program_header_count,
            entry: image.entry + bias,
            ids: kernel::user_ids(),
            random,
        };
        let stack =
            stack::build(&contents, range.top, (range.top - range.start) / 4).ok_or(Error::Arguments)?;
        space.write(stack.pointer, &stack.bytes).map_err(Error::File)?;

        let vcpu = Vcpu::new(&vm)?;
        let interrupter = vcpu.interrupter();
        let mut thread = Thread {
            vcpu,
            interrupter,
            id: kernel::process_id(),
            signals: Masks::default(),
            clear_child_tid: 0,
            robust_list: 0,
            alternate_stack: [0, 2, 0],
            name: thread_name(&program.path),
        };
        thread.set(registers_of(guest).stack, stack.pointer);
        thread.vcpu.set_pc(contents.entry);
        let trace = options.strace.then(|| {
            let to_stderr = |line: &str| {
                // A trace that nobody reads is no reason to stop.
                let _ = writeln!(std::io::stderr(), "{line}");
            };
            Mutex::new(Box::new(to_stderr) as Trace)
        });
        let shared = Shared {
            vm,
            space,
            pid: thread.id,
            path,
            actions: Mutex::new(Actions::inherited()),
            limits: Mutex::new(limits),
            hook: Mutex::new(None),
            trace,
        };
        Ok(Process { shared, thread, stack: range, bias, host_thread: Arc::default(), ended: None })
    }

    /// The guest of the program.
    pub fn guest(&self) -> Guest {
        self.shared.vm.guest()
    }

    /// The machine.
    pub fn vm(&self) -> &Arc<Vm> {
        &self.shared.vm
    }

    /// The vCPU of the only thread.
    pub fn vcpu(&self) -> &Vcpu {
        &self.thread.vcpu
    }

    /// The vCPU of the only thread, to change its registers.
    pub fn vcpu_mut(&mut self) -> &mut Vcpu {
        &mut self.thread.vcpu
    }

    /// A handle that stops a run from any thread and from signal handlers, also one that sleeps in a system call.
    pub fn interrupter(&self) -> ProcessInterrupter {
        kernel::install_wake_handler();
        ProcessInterrupter { vcpu: self.thread.interrupter.clone(), host_thread: self.host_thread.clone() }
    }

    /// What was added to the addresses in the program's file.
    pub fn bias(&self) -> u64 {
        self.bias
    }

    /// Where the stack is.
    pub fn stack(&self) -> StackRange {
        self.stack
    }

    /// How the process ended, if it has.
    pub fn ending(&self) -> Option<&Ending> {
        self.ended.as_ref()
    }

    /// Sets the callback that sees each system call before it is made.
    pub fn set_system_call_hook(&mut self, hook: Option<SystemCallHook>) {
        *lock(&self.shared.hook) = hook;
    }

    /// Sends the trace of system calls somewhere else than to standard error, or turns it off.
    pub fn set_trace(&mut self, trace: Option<Trace>) {
        self.shared.trace = trace.map(Mutex::new);
    }

    /// Runs the program until it ends or something in `options` stops it. A process that has ended stays ended.
    pub fn run(&mut self, options: &RunOptions) -> Stop {
        self.host_thread.store(kernel::host_thread(), Ordering::SeqCst);
        let stop = self.run_here(options);
        self.host_thread.store(0, Ordering::SeqCst);
        stop
    }

    fn run_here(&mut self, options: &RunOptions) -> Stop {
        let mut left = options.budget;
        let mut retired = 0;
        loop {
            if let Some(ending) = &self.ended {
                return Stop::Ended(ending.clone());
            }
            let mut exit = self.thread.vcpu.run(&RunOptions { budget: left, ..*options });
            let counted = exit.retired.unwrap_or(0);
            retired += counted;
            left = left.map(|left| left.saturating_sub(counted));
            exit.retired = exit.retired.map(|_| retired);
            let answered = match exit.reason {
                Reason::Syscall => self.system_call(exit.pc),
                Reason::Fault(fault) => self.fault(exit.pc, fault),
                Reason::Trap { trap, info } => self.trap(exit.pc, trap, info),
                _ => return Stop::Exit(exit),
            };
            if let Err(ending) = answered.and_then(|()| self.deliver()) {
                self.ended = Some(ending);
            }
        }
    }

    /// Makes the call of the instruction before `next`.
    fn system_call(&mut self, next: u64) -> Result<(), Ending> {
        let registers = registers_of(self.guest());
        if self.guest() == Guest::X86_64 {
            // The instruction leaves the return address and the flags there; the kernel's exit restores the others.
            self.thread.set(x86_64::RCX, next);
        }
        match syscall::dispatch(&self.shared, &mut self.thread) {
            Ok(()) => Ok(()),
            Err(Leave::Interrupted) => {
                // The interrupt is still pending: the next run reports it with the pc at the instruction, so that the
                // call is made anew when the program goes on.
                self.thread.vcpu.set_pc(next.wrapping_sub(registers.instruction_length));
                Ok(())
            }
            Err(Leave::Errno(errno)) => {
                self.thread.set(registers.result, errno.reply());
                Ok(())
            }
            Err(Leave::Exit(status)) => Err(Ending::Exited { status }),
            Err(Leave::Killed(signal)) => Err(Ending::Killed { signal, note: None }),
        }
    }

    fn fault(&mut self, pc: u64, fault: memory::Fault) -> Result<(), Ending> {
        let signal = match fault.kind {
            FaultKind::Unmapped | FaultKind::Permission => Signal::SEGV,
            FaultKind::Misaligned => Signal::BUS,
        };
        let kind = match fault.kind {
            FaultKind::Unmapped => "nothing is mapped there",
            FaultKind::Permission => "not permitted",
            FaultKind::Misaligned => "misaligned",
        };
        let what = match fault.access {
            Access::Read => "read",
            Access::Write => "write",
            Access::Fetch => "execution",
        };
        self.raise_fault(
            signal,
            &format!("{what} at {:#x} by the instruction at {pc:#x}: {kind}", fault.addr),
            None,
        )
    }

    fn trap(&mut self, pc: u64, trap: Trap, info: u64) -> Result<(), Ending> {
        let at = format!("{} at {pc:#x}", trap.name());
        match trap {
            Trap::Illegal | Trap::Unsupported => {
                let what = if trap == Trap::Illegal { "illegal" } else { "unsupported" };
                let note = format!("{what} instruction at {pc:#x}: {}", self.show_instruction(pc));
                self.raise_fault(Signal::ILL, &note, Some(note.clone()))
            }
            Trap::Breakpoint => self.raise_fault(Signal::TRAP, &at, None),
            Trap::DivideError | Trap::FloatError => self.raise_fault(Signal::FPE, &at, None),
            Trap::Misaligned => self.raise_fault(Signal::BUS, &format!("{at}, address {info:#x}"), None),
            Trap::GeneralProtection => self.raise_fault(Signal::SEGV, &at, None),
            Trap::Halt => {
                let signal = if self.guest() == Guest::X86_64 { Signal::SEGV } else { Signal::ILL };
                self.raise_fault(signal, &at, None)
            }
        }
    }

    /// A fault of the program's own instruction: it cannot be blocked or ignored.
    fn raise_fault(&mut self, signal: Signal, what: &str, note: Option<String>) -> Result<(), Ending> {
        self.shared.trace(&format!("--- {signal}: {what} ---"));
        let action = lock(&self.shared.actions).get(signal);
        if action.handler > 1 && self.thread.signals.blocked & signal.bit() == 0 {
            return Err(self.unhandled(signal, action));
        }
        Err(Ending::Killed { signal, note })
    }

    /// Acts on pending signals.
    fn deliver(&mut self) -> Result<(), Ending> {
        while let Some(signal) = self.thread.signals.take() {
            let (decision, action) = {
                let actions = lock(&self.shared.actions);
                (actions.decide(signal), actions.get(signal))
            };
            if decision != Decision::Nothing {
                self.shared.trace(&format!("--- {signal} ---"));
            }
            match decision {
                Decision::Nothing => {}
                Decision::Terminate => return Err(Ending::Killed { signal, note: None }),
                Decision::Stop => kernel::stop_by(signal.number()),
                Decision::Handle => return Err(self.unhandled(signal, action)),
            }
        }
        Ok(())
    }

    /// The end of a process that would have to run a handler.
    fn unhandled(&self, signal: Signal, action: SignalAction) -> Ending {
        let note = format!(
            "{signal} has a handler at {:#x}; this version does not run signal handlers and ends the program",
            action.handler
        );
        Ending::Killed { signal, note: Some(note) }
    }

    /// The bytes and the text of the instruction at `pc`.
    fn show_instruction(&self, pc: u64) -> String {
        let mut bytes = [0; 15];
        let available = self.shared.space.readable(pc, bytes.len() as u64) as usize;
        let bytes = &mut bytes[..available];
        if self.shared.space.read(pc, bytes).is_err() {
            return "unreadable".into();
        }
        translator::listing::line(self.guest(), bytes, pc)
    }
}

impl Shared {
    /// The guest.
    pub(crate) fn guest(&self) -> Guest {
        self.vm.guest()
    }

    /// The machine.
    pub(crate) fn vm(&self) -> &Vm {
        &self.vm
    }

    /// The address space.
    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// The process id, which is the host's.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Absolute path of the program.
    pub(crate) fn program_path(&self) -> &CStr {
        &self.path
    }

    /// The actions for signals.
    pub(crate) fn actions(&self) -> MutexGuard<'_, Actions> {
        lock(&self.actions)
    }

    /// The limits of the address space.
    pub(crate) fn limits(&self) -> MutexGuard<'_, Limits> {
        lock(&self.limits)
    }

    /// Drops translations of a range.
    pub(crate) fn invalidate_code(&self, start: u64, length: u64) {
        self.vm.invalidate(start..start.saturating_add(length));
    }

    /// Whether trace lines are wanted.
    pub(crate) fn traces(&self) -> bool {
        self.trace.is_some()
    }

    /// Writes a trace line.
    pub(crate) fn trace(&self, line: &str) {
        if let Some(trace) = &self.trace {
            lock(trace)(line);
        }
    }

    /// Asks the host program's callback.
    pub(crate) fn hooked(&self, number: u64, arguments: &[u64; 6]) -> Option<u64> {
        lock(&self.hook).as_mut()?(&SystemCall { number, arguments: *arguments })
    }
}

impl Thread {
    /// A register.
    pub(crate) fn get(&self, slot: Slot) -> u64 {
        self.vcpu.slot(slot) as u64
    }

    /// Sets a register.
    pub(crate) fn set(&mut self, slot: Slot, value: u64) {
        self.vcpu.set_slot(slot, value.into());
    }

    /// The thread's number, which for the first is the process id.
    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    /// The word that interrupts it.
    pub(crate) fn interrupt_word(&self) -> &AtomicU32 {
        self.interrupter.word()
    }
}

impl Ending {
    /// Ends the host process in the same way: with this exit status, or by this signal.
    pub fn leave(&self) -> ! {
        match self {
            Ending::Exited { status } => std::process::exit(*status),
            Ending::Killed { signal, .. } => kernel::die_by(signal.number()),
        }
    }
}

fn registers_of(guest: Guest) -> &'static CallRegisters {
    abi::call_registers(guest)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name that a new program's thread has: its file's, cut to 15 bytes.
fn thread_name(path: &Path) -> [u8; 16] {
    let mut name = [0; 16];
    let file = path.file_name().unwrap_or(OsStr::new("")).as_bytes();
    let length = file.len().min(name.len() - 1);
    name[..length].copy_from_slice(&file[..length]);
    name
}
