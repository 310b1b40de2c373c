//! The engine: guest instructions to IR to host code, and the loop that runs it.
//!
//! In the order that an instruction travels; lower parts never see higher ones:
//!
//! | module | what |
//! | --- | --- |
//! | `leaf_lock` | the lock of what vCPUs and compile threads share |
//! | `guest` | the three guests: names, register files, float rules |
//! | `float` | exact float semantics without host floats |
//! | `memory` | guest address space: mappings, permissions, code pages, host faults |
//! | `ir` | ops (one table), builder, text form, verifier, interpreter |
//! | `lift` | guest instruction -> IR block |
//! | `listing` | guest instructions as text |
//! | `opt` | passes over blocks, one a file |
//! | `region` | IR blocks -> a control-flow graph with its loops inside |
//! | `codegen` | region -> Cranelift -> host code in the code arena |
//! | `cache` | translated units, links between them, invalidation |
//! | `tier` | what a region covers, which units are worth one, compile threads |
//! | `monitor` | a record of each unit, events, names for `perf` |
//! | `run` | engine, vm, vcpu: the dispatch loop, exits, budget, interrupts, counters |

#![deny(unsafe_code)]

pub mod cache;
pub mod codegen;
pub mod float;
pub mod guest;
pub mod ir;
pub mod leaf_lock;
pub mod lift;
pub mod listing;
pub mod memory;
pub mod monitor;
pub mod opt;
pub mod region;
pub mod run;
pub mod tier;
