//! Engines.

use crate::error::Failure;
use crate::guard::{Sized32, check_out, guard, put, read_struct};
use crate::handle::{self, Handle};
use crate::numbers::*;
use std::sync::Arc;
use translator::monitor::{Monitor, MonitorOptions};
use translator::run::{Engine, EngineOptions, ExecutionMode, Promotion};

/// Configuration and compiler, shared by machines.
pub struct xlat_engine(());

impl Handle for xlat_engine {
    type Object = Arc<Engine>;
    const KIND: u64 = 1;
}

/// Settings of an engine. Zero fields mean the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_engine_options {
    /// `sizeof(xlat_engine_options)`.
    pub struct_size: u32,
    /// `XLAT_EXECUTION_*`.
    pub execution: u32,
    /// How often a block is interpreted before it is compiled; `UINT32_MAX`: compile at once.
    pub threshold: u32,
    /// Largest unit of compilation, in guest instructions.
    pub region_instructions: u32,
    /// Memory for the host code of each machine, in bytes: where it is full, what is used least goes.
    pub arena_bytes: u64,
    /// `XLAT_MONITOR_*`, added up.
    pub monitor: u32,
    /// How often a unit of stencils is entered before a region is compiled; `UINT32_MAX`: never. Zero: when a region is
    /// expected to pay, as learned from the times of earlier compiles, so that two runs may compile different ones.
    pub promotion: u32,
    /// Threads of each machine that compile regions; with none, a region is compiled on the thread that wants it.
    pub compile_threads: u32,
    /// The most time that compiling regions may take, in percent of the processor time of the process; zero is no bound.
    pub compile_budget: u32,
}

// SAFETY: repr(C), 4 * 4 + 8 + 4 * 4 bytes without padding, integers only.
unsafe impl Sized32 for xlat_engine_options {
    const NAME: &'static str = "xlat_engine_options";
    const FIRST: usize = 24;
}

/// Makes an engine. `options` may be NULL. The engine is freed with `xlat_engine_free`.
///
/// # Safety
/// `options` is NULL or points to `struct_size` bytes; `engine` points to a handle to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_engine_new(
    options: *const xlat_engine_options,
    engine: *mut *mut xlat_engine,
) -> xlat_status {
    guard(|| {
        check_out(engine, "engine")?;
        // SAFETY: the caller's contract.
        let given = unsafe { read_struct(options) }?;
        let made = handle::insert(Engine::new(settings(&given)?)?)?;
        // SAFETY: the caller's contract.
        unsafe { put(engine, "engine", made) }
    })
}

/// Frees an engine; NULL is fine. Its machines keep what they need of it.
///
/// # Safety
/// None: a handle that is not live is an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_engine_free(engine: *mut xlat_engine) -> xlat_status {
    guard(|| handle::free(engine))
}

fn settings(given: &xlat_engine_options) -> Result<EngineOptions, Failure> {
    let mut options = EngineOptions::default();
    match given.execution {
        0 | XLAT_EXECUTION_COMPILE => {}
        XLAT_EXECUTION_INTERPRET => options.mode = ExecutionMode::Interpret,
        XLAT_EXECUTION_STENCILS => options.mode = ExecutionMode::Stencils,
        XLAT_EXECUTION_REGIONS => options.mode = ExecutionMode::Regions,
        other => {
            return Err(Failure::argument(format!("{other} is no way of execution (XLAT_EXECUTION_*)")));
        }
    }
    match given.threshold {
        0 => {}
        u32::MAX => options.threshold = 0,
        threshold => options.threshold = threshold,
    }
    if given.region_instructions != 0 {
        options.region_instructions = given.region_instructions;
    }
    if given.arena_bytes != 0 {
        options.arena_bytes = usize::try_from(given.arena_bytes)
            .map_err(|_| Failure::argument("arena_bytes is larger than an address space"))?;
    }
    if given.promotion != 0 {
        options.promotion = Promotion::After(given.promotion);
    }
    if given.compile_threads != 0 {
        options.compile_threads = given.compile_threads as usize;
    }
    options.compile_budget = (given.compile_budget != 0).then_some(given.compile_budget);
    options.monitor = monitor(given.monitor)?;
    Ok(options)
}

fn monitor(flags: u32) -> Result<Option<Arc<Monitor>>, Failure> {
    const KNOWN: u32 =
        XLAT_MONITOR_RECORD | XLAT_MONITOR_SAMPLE | XLAT_MONITOR_PERF_MAP | XLAT_MONITOR_JITDUMP;
    if flags & !KNOWN != 0 {
        return Err(Failure::argument(format!("{flags:#x} has bits that are no XLAT_MONITOR_*")));
    }
    if flags == 0 {
        return Ok(None);
    }
    if flags & XLAT_MONITOR_RECORD == 0 {
        return Err(Failure::argument("XLAT_MONITOR_RECORD goes with every other XLAT_MONITOR_*"));
    }
    let options = MonitorOptions {
        sample: flags & XLAT_MONITOR_SAMPLE != 0,
        perf_map: flags & XLAT_MONITOR_PERF_MAP != 0,
        jitdump: (flags & XLAT_MONITOR_JITDUMP != 0).then(|| ".".into()),
    };
    Monitor::new(&options).map(Some).map_err(|error| Failure::new(XLAT_ERROR_FILE, error.to_string()))
}
