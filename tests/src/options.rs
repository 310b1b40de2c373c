//! What the options of the commands in `bin` share.

use clap::Args;
use std::num::ParseIntError;
use translator::guest::Guest;

/// Which guests.
#[derive(Clone, Debug, Args)]
pub struct Guests {
    /// x86_64, aarch64 or riscv64 (default: all)
    #[arg(long, value_name = "GUEST", value_parser = guest)]
    guest: Option<Guest>,
}

impl Guests {
    /// The chosen one, or all.
    pub fn chosen(&self) -> Vec<Guest> {
        self.guest.map_or_else(|| Guest::ALL.to_vec(), |guest| vec![guest])
    }
}

fn guest(name: &str) -> Result<Guest, String> {
    Guest::from_name(name).ok_or_else(|| format!("no guest is called {name}"))
}

/// A number, decimal or with 0x in front: seeds are printed so.
///
/// # Errors
/// It is none.
pub fn number(text: &str) -> Result<u64, ParseIntError> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    }
}

/// How many threads there are to be if nobody says.
pub fn processors() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}
