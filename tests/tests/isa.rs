//! `docs/isa/<guest>.md` says what is translated. BLESS=1 writes the pages anew.

use std::path::Path;
use tests::isa::page;
use translator::guest::Guest;

fn page_is_current(guest: Guest) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/isa").join(format!("{guest}.md"));
    let current = page(guest);
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for the pages");
        std::fs::write(&path, current).expect("the page can be written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(current.lines()).find(|(old, new)| old != new);
    assert!(
        committed == current,
        "{} is not what the lifters are: {differs:?}; `BLESS=1 cargo test -p tests --test isa` writes it anew",
        path.display()
    );
}

#[test]
fn aarch64_page_is_current() {
    page_is_current(Guest::Aarch64);
}

#[test]
fn riscv64_page_is_current() {
    page_is_current(Guest::Riscv64);
}

#[test]
fn x86_64_page_is_current() {
    page_is_current(Guest::X86_64);
}

/// RISC-V is complete: nothing that the decoder knows is missing.
#[test]
fn riscv64_lifts_every_row() {
    assert!(!page(Guest::Riscv64).contains("**missing**"));
}
