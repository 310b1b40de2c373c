//! Runs the text cases of `tests/lift/<guest>/<section>.lift`, one test a case. With BLESS=1 the IR lines are
//! rewritten first; everything else in the files is written by hand and stays.

use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeSet;
use std::path::Path;
use tests::lift_case::CaseFile;
use translator::guest::Guest;

fn main() {
    let arguments = Arguments::from_args();
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let mut trials = Vec::new();
    for guest in Guest::ALL {
        let mut names = BTreeSet::new();
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("lift").join(guest.name());
        let mut paths: Vec<_> = std::fs::read_dir(&directory)
            .into_iter()
            .flatten()
            .map(|entry| entry.expect("a directory entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "lift"))
            .collect();
        paths.sort();
        for path in paths {
            let section = path.file_stem().expect("a file name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("a readable case file");
            let file = CaseFile::parse(guest, &text).and_then(|file| {
                if !bless {
                    return Ok(file);
                }
                let blessed = file.blessed();
                if blessed != text {
                    std::fs::write(&path, &blessed).map_err(|error| error.to_string())?;
                }
                CaseFile::parse(guest, &blessed)
            });
            match file {
                Ok(file) => trials.extend(file.cases.into_iter().map(|case| {
                    names.extend(case.instructions.iter().map(|line| mnemonic(line).to_owned()));
                    let name = format!("{guest}/{section}/{}", case.name());
                    Trial::test(name, move || case.check().map_err(Failed::from))
                })),
                Err(error) => {
                    trials.push(Trial::test(format!("{guest}/{section}"), move || Err(Failed::from(error))));
                }
            }
        }
        if guest == Guest::Riscv64 {
            trials.push(Trial::test("riscv64/every_instruction_has_a_case", move || {
                let missing = riscv64_names().filter(|name| !names.contains(*name)).collect::<Vec<_>>();
                if missing.is_empty() { Ok(()) } else { Err(format!("no case has {missing:?}").into()) }
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Every instruction of the table, with the compressed forms.
fn riscv64_names() -> impl Iterator<Item = &'static str> {
    use decoders::riscv64::{compressed, table};
    table::ROWS.iter().map(|row| row.name).chain(compressed::ROWS.iter().map(|row| row.name))
}

/// The first word of an instruction, without the order suffix of RISC-V's atomics.
fn mnemonic(line: &str) -> &str {
    let name = line.split(' ').next().unwrap_or_default();
    [".aqrl", ".aq", ".rl"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}
