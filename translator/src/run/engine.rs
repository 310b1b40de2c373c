//! The engine: configuration shared by machines.

use crate::cache::disk::Store;
use crate::{codegen, memory};
use std::sync::Arc;

/// What executes guest code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ExecutionMode {
    /// The interpreter only.
    Interpret,
    /// The interpreter first, compiled regions for what runs often.
    #[default]
    Compile,
}

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// What executes guest code.
    pub mode: ExecutionMode,
    /// How often a block is interpreted before a region is compiled at it; 0 compiles at once.
    pub threshold: u32,
    /// Largest region, in guest instructions.
    pub region_instructions: u32,
    /// Size of each machine's code arena, in bytes.
    pub arena_bytes: usize,
    /// Where compiled units are kept for the next process that runs the same program; see [`Vm::name_program`](super::Vm::name_program).
    pub store: Option<Arc<Store>>,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            mode: ExecutionMode::Compile,
            threshold: 24,
            region_instructions: 400,
            arena_bytes: 256 << 20,
            store: None,
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
    /// A setting out of range.
    #[error("{0}")]
    Option(&'static str),
}

/// Configuration and compiler, shared by machines.
#[derive(Debug)]
pub struct Engine {
    options: EngineOptions,
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
        Ok(Arc::new(Engine { options }))
    }

    /// The settings.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }
}
