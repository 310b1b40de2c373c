//! The engine: configuration shared by machines.

use super::sampler::Sampler;
use crate::cache::disk::{KeptStencils, Store};
use crate::codegen::{Compiler, HostIsa, Keeper, Options, StencilStats, Stencils};
use crate::monitor::{Monitor, Samples};
use crate::tier::Promotion;
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
    /// Instructions that a vCPU interprets before it has stencils compiled, if the process has compiled none. Those of
    /// earlier processes are used at once.
    pub stencil_delay: u64,
    /// When a region is compiled at the entry of a unit of stencils.
    pub promotion: Promotion,
    /// The most time that compiling regions may take, in percent of the processor time of the process; `None` is no bound.
    /// A second's share may be used up at once.
    pub compile_budget: Option<u32>,
    /// Threads of each machine that compile regions while its vCPUs go on in stencils; 0 compiles on the vCPU's thread;
    /// with [`Promotion::After`] and no budget, at the same place in every run.
    pub compile_threads: usize,
    /// For tests: seeds what promotes and evicts units at random whenever a vCPU comes to the dispatcher.
    pub shuffle: Option<u64>,
    /// Largest region, in guest instructions.
    pub region_instructions: u32,
    /// Size of each machine's code arena, in bytes: the most host code that it keeps. What is used least goes to make room.
    pub arena_bytes: usize,
    /// Where compiled code is kept: stencils for every later process, units for the next one that runs the same program;
    /// see [`Vm::name_program`](super::Vm::name_program).
    pub store: Option<Arc<Store>>,
    /// What watches the machines, if anything does.
    pub monitor: Option<Arc<Monitor>>,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            mode: ExecutionMode::Compile,
            threshold: 24,
            stencil_delay: 0,
            promotion: Promotion::Learned,
            compile_budget: None,
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
    /// Stencils and stubs of earlier processes, if there is a store.
    kept: Option<Arc<KeptStencils>>,
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
        if options.compile_budget == Some(0) {
            return Err(Error::Option("compile_budget must be at least 1"));
        }
        let sample = options.monitor.as_ref().is_some_and(|monitor| monitor.options().sample);
        let sampler = sample.then(Sampler::start).transpose().map_err(Error::Sampler)?;
        let compiler = || Compiler::new(HostIsa::native(), &Options::default()).ok();
        let kept = match (&options.store, options.mode) {
            (None, _) | (_, ExecutionMode::Interpret) => None,
            (Some(store), _) => compiler().map(|compiler| Arc::new(KeptStencils::new(store, &compiler))),
        };
        Ok(Arc::new(Engine { options, stencils: OnceLock::new(), kept, sampler }))
    }

    /// The stencils known so far, or `None` if this host has none or they are not to be used.
    pub fn stencils(&self) -> Option<&Stencils> {
        let stencils = self.stencils.get_or_init(|| match self.options.mode {
            ExecutionMode::Compile | ExecutionMode::Stencils => {
                let keeper = self.kept.clone().map(|kept| kept as Arc<dyn Keeper>);
                let compiler = Compiler::new(HostIsa::native(), &Options::default()).ok();
                compiler.and_then(|compiler| Stencils::new(compiler, keeper))
            }
            ExecutionMode::Interpret | ExecutionMode::Regions => None,
        });
        stencils.as_ref()
    }

    /// Counters of the stencils of all machines.
    pub fn stencil_stats(&self) -> StencilStats {
        self.stencils.get().and_then(Option::as_ref).map(Stencils::stats).unwrap_or_default()
    }

    /// Stencils and stubs of earlier processes, if there is a store.
    pub(super) fn kept(&self) -> Option<&KeptStencils> {
        self.kept.as_deref()
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
