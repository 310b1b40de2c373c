//! The command `xlat`.

fn main() {}
