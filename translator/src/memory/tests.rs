//! Unit tests of guest memory.

mod basics;
