//! The committed register numbers are those of the engine. `BLESS=1` rewrites them.

use std::fmt::Write;
use std::path::Path;
use translator::guest::Guest;
use translator::guest::registers::registers;

/// Compares a committed file with what it should be; with `BLESS` set, rewrites it.
fn check(path: &Path, expected: &str) {
    let actual = std::fs::read_to_string(path).unwrap_or_default();
    if actual == expected {
        return;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, expected).unwrap();
        return;
    }
    let differs = actual.lines().zip(expected.lines()).find(|(actual, expected)| actual != expected);
    panic!("{} is out of date, BLESS=1 rewrites it; first difference: {differs:?}", path.display());
}

fn register_ids() -> String {
    let mut text = String::from(
        "//! Register numbers. Generated from the engine's table by tests/register_ids.rs: `BLESS=1` rewrites this file.\n",
    );
    for guest in Guest::ALL {
        for register in registers(guest) {
            for name in std::iter::once(register.name).chain(register.alias) {
                let number = register.id.0;
                let name = name.to_uppercase();
                let guest = guest.name().to_uppercase();
                writeln!(text, "\n/// {guest}: `{}`.", name.to_lowercase()).unwrap();
                writeln!(text, "pub const XLAT_{guest}_{name}: u32 = {number};").unwrap();
            }
        }
    }
    text
}

#[test]
fn register_numbers_are_current() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/register_ids.rs"), &register_ids());
}
