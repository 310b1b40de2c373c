//! The engine: guest instructions to IR to host code, and the loop that runs it.

pub mod float;
