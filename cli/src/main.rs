//! The command `xlat`: runs foreign Linux programs, and shows how code is translated.

#![forbid(unsafe_code)]

mod cache;
mod report;
mod run;
mod translate;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Runs x86-64, AArch64 and RISC-V Linux programs by dynamic binary translation
#[derive(Parser)]
#[command(name = "xlat", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a Linux program of another machine
    Run(run::Arguments),
    /// Show the translation of a program's code: guest instructions, IR, host code
    Translate(translate::Arguments),
    /// Look after the disk cache of compiled code
    Cache(cache::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Translate(arguments) => translate::translate(&arguments),
        Command::Cache(arguments) => cache::cache(&arguments),
    }
}

/// Prints `xlat: ...` to standard error; nobody reading it is no reason to fail.
fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "xlat: {text}");
}
