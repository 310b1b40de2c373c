//! The committed header is what crate `ffi` says. `BLESS=1` rewrites it.

use std::fmt::Write;
use std::path::Path;

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

#[test]
fn the_header_is_current() {
    let crate_root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut config = cbindgen::Config::from_file(crate_root.join("cbindgen.toml")).unwrap();
    config.header = Some(include_str!("../../src/conventions.txt").trim_end().to_owned());
    let mut after = String::from("\n/** The version of this header. */\n");
    writeln!(after, "#define XLAT_VERSION \"{}\"", env!("CARGO_PKG_VERSION")).unwrap();
    for (name, value) in [
        ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        writeln!(after, "#define XLAT_VERSION_{name} {value}").unwrap();
    }
    after += "\n/** Makes a struct of this header ready: zero, with its size. */\n\
        #define XLAT_INIT(value) \\\n  \
        (memset(&(value), 0, sizeof(value)), (void)((value).struct_size = (uint32_t)sizeof(value)))\n";
    config.after_includes = Some(after);
    let mut header = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(crate_root.join("src/lib.rs"))
        .with_parse_deps(false)
        .generate()
        .unwrap_or_else(|error| panic!("{error}"))
        .write(&mut header);
    let header = String::from_utf8(header).unwrap();
    // Rust's word for what a caller must keep to.
    let header = header
        .replace("\n *\n * # Safety\n * None.\n", "\n")
        .replace("\n *\n * # Safety\n * None: a handle that is not live is an error.\n", "\n")
        .replace(" * # Safety\n", " * Requires:\n");
    check(&crate_root.join("../include/xlat.h"), &header);
}
