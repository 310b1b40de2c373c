//! System calls and breakpoints.

use super::Frontend;
use crate::ir::{Builder, Terminator, Trap};
use crate::lift::Context;

/// `ecall`: call the execution environment. (Environment Call and Breakpoints)
pub fn ecall(b: &mut Builder, c: &Context<'_, Frontend>) {
    b.terminate(Terminator::Syscall { next: c.next });
}

/// `ebreak`: return control to a debugger. (Environment Call and Breakpoints)
pub fn ebreak(b: &mut Builder) {
    b.trap(Trap::Breakpoint);
}
