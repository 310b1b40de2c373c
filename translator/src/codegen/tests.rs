//! Compiled code against the interpreter, and the properties of host code that results do not show.

mod chains;
mod checks;
mod exactness;
mod faults;
mod oracle;
mod orders;
mod survival;
