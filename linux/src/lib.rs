//! A guest Linux process on top of the engine: ELF loading, the initial stack, system calls.
