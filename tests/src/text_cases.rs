//! Text cases: files of cases between empty lines, of which a part is written by hand and the rest says what comes out.

use libtest_mimic::{Failed, Trial};
use std::path::Path;
use translator::guest::Guest;

/// A trial for each case of a file of this crate. `run` gives the case as it would be written today; with BLESS=1 that is
/// what the file becomes, otherwise it must be what the file holds.
///
/// # Panics
/// If the file cannot be read or written.
pub fn trials(
    file: &str,
    name: impl Fn(&str) -> String,
    run: impl Fn(&str) -> Result<String, String>,
) -> Vec<Trial> {
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut trials, mut blessed) = (Vec::new(), Vec::new());
    for case in text.split("\n\n").map(|case| case.trim_end().to_owned()) {
        let expected = run(&case);
        blessed.push(expected.clone().unwrap_or_else(|_| case.clone()));
        trials.push(Trial::test(name(&case), move || match expected {
            Ok(expected) if bless || expected == case => Ok(()),
            Ok(expected) => Err(format!("BLESS=1 would write\n{expected}").into()),
            Err(error) => Err(Failed::from(error)),
        }));
    }
    let blessed = blessed.join("\n\n") + "\n";
    if bless && blessed != text {
        std::fs::write(&path, blessed).expect("the case file can be written");
    }
    trials
}

/// Guest, address and bytes of a line `GUEST ADDRESS: BYTES`, as in `riscv64 0x1000: 05 05`.
///
/// # Errors
/// The line is another one.
pub fn code(line: &str) -> Result<(Guest, u64, Vec<u8>), String> {
    let parse = || {
        let (head, bytes) = line.split_once(": ")?;
        let (guest, start) = head.split_once(' ')?;
        let start = u64::from_str_radix(start.trim_start_matches("0x"), 16).ok()?;
        let bytes = bytes.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).ok());
        Some((Guest::from_name(guest)?, start, bytes.collect::<Option<_>>()?))
    };
    parse().ok_or_else(|| format!("`GUEST ADDRESS: BYTES` is expected, not {line}"))
}
