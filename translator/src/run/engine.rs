//! The engine: configuration shared by machines.

use super::sampler::Sampler;
use crate::cache::disk::Store;
use crate::codegen::{Compiler, HostIsa, Options, Stencils};
use crate::monitor::{Monitor, Samples};
use crate::{codegen, memory};
use std::sync::{Arc, OnceLock};

/// What executes guest code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ExecutionMode {
    /// The interpreter only.
    Interpret,
    /// The interpreter first, stencils for what runs again, compiled regions for what runs often.
    #[default]
    Compile,
    /// The interpreter first, then stencils only.
    Stencils,
    /// The interpreter first, then compiled regions only.
    Regions,
}

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// What executes guest code.
    pub mode: ExecutionMode,
    /// How often a block is interpreted before host code is made for it; 0 makes it at once.
    pub threshold: u32,
    /// How often a unit of stencils is entered before a region is compiled at its entry.
    pub promotion: u32,
    /// Threads of each machine that compile regions while its vCPUs go on in stencils; 0 compiles on the vCPU's thread,
    /// at the same place in every run.
    pub compile_threads: usize,
    /// For tests: seeds what promotes and evicts units at random whenever a vCPU comes to the dispatcher.
    pub shuffle: Option<u64>,
    /// Largest region, in guest instructions.
    pub region_instructions: u32,
    /// Size of each machine's code arena, in bytes.
    pub arena_bytes: usize,
    /// Where compiled units are kept for the next process that runs the same program; see [`Vm::name_program`](super::Vm::name_program).
    pub store: Option<Arc<Store>>,
    /// What watches the machines, if anything does.
    pub monitor: Option<Arc<Monitor>>,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            mode: ExecutionMode::Compile,
            threshold: 24,
            promotion: 3000,
            compile_threads: 0,
            shuffle: None,
            region_instructions: 200,
            arena_bytes: 256 << 20,
            store: None,
            monitor: None,
        }
    }
}

/// Misuse of the engine, or a refusal of the host.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Guest memory.
    #[error(transparent)]
    Memory(#[from] memory::Error),
    /// The code generator or the code arena.
    #[error(transparent)]
    Codegen(#[from] codegen::Error),
    /// Host faults cannot be handled.
    #[error(transparent)]
    Signal(#[from] super::signal::Error),
    /// Samples cannot be taken.
    #[error("samples: {0}")]
    Sampler(std::io::Error),
    /// A setting out of range.
    #[error("{0}")]
    Option(&'static str),
}

/// Configuration and compiler, shared by machines.
#[derive(Debug)]
pub struct Engine {
    options: EngineOptions,
    /// Made when the first machine asks; `None` inside if this host has none.
    stencils: OnceLock<Option<Stencils>>,
    sampler: Option<Sampler>,
}

impl Engine {
    /// Makes an engine.
    ///
    /// # Errors
    /// A setting out of range, or a host that code cannot be generated for.
    pub fn new(options: EngineOptions) -> Result<Arc<Engine>, Error> {
        if options.region_instructions == 0 {
            return Err(Error::Option("region_instructions must be at least 1"));
        }
        let sample = options.monitor.as_ref().is_some_and(|monitor| monitor.options().sample);
        let sampler = sample.then(Sampler::start).transpose().map_err(Error::Sampler)?;
        Ok(Arc::new(Engine { options, stencils: OnceLock::new(), sampler }))
    }

    /// The stencils made so far, or `None` if this host has none or they are not to be used.
    pub fn stencils(&self) -> Option<&Stencils> {
        let stencils = self.stencils.get_or_init(|| match self.options.mode {
            ExecutionMode::Compile | ExecutionMode::Stencils => {
                Compiler::new(HostIsa::native(), &Options::default()).ok().and_then(Stencils::new)
            }
            ExecutionMode::Interpret | ExecutionMode::Regions => None,
        });
        stencils.as_ref()
    }

    /// Samples of the process so far, if its monitor takes any.
    pub(super) fn samples(&self) -> Option<Samples> {
        self.sampler.as_ref().map(Sampler::samples)
    }

    /// The settings.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }
}
