//! The shared library exports the functions of the header and nothing else, and has its soname.

use object::read::elf::{Dyn, FileHeader, Sym};
use object::{Endianness, elf};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// libxlat.so as cargo built it for this test.
fn library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap();
    [folder.join("libxlat.so"), folder.parent().unwrap().join("libxlat.so")]
        .into_iter()
        .find(|path| path.exists())
        .expect("cargo builds libxlat.so beside the tests")
}

#[test]
fn the_library_exports_the_header_and_nothing_else() {
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/xlat.h");
    let header = std::fs::read_to_string(header).unwrap();
    let declared: BTreeSet<String> = header
        .lines()
        .filter(|line| !line.starts_with([' ', '*', '/', '#']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next().map(str::to_owned))
        .filter(|name| name.starts_with("xlat_"))
        .collect();
    let data = std::fs::read(library()).unwrap();
    let file = elf::FileHeader64::<Endianness>::parse(&*data).unwrap();
    let endian = file.endian().unwrap();
    let sections = file.sections(endian, &*data).unwrap();
    let symbols = sections.symbols(endian, &*data, elf::SHT_DYNSYM).unwrap();
    let exported: BTreeSet<String> = symbols
        .iter()
        .filter(|symbol| symbol.st_shndx(endian) != elf::SHN_UNDEF && symbol.st_bind() != elf::STB_LOCAL)
        .map(|symbol| String::from_utf8_lossy(symbol.name(endian, symbols.strings()).unwrap()).into_owned())
        .collect();
    assert_eq!(exported, declared);

    let (entries, link) = sections.dynamic(endian, &*data).unwrap().unwrap();
    let strings = sections.strings(endian, &*data, link).unwrap();
    let soname = entries
        .iter()
        .find(|entry| entry.d_tag(endian) == elf::DT_SONAME)
        .map(|entry| strings.get(entry.d_val(endian) as u32).unwrap());
    assert_eq!(soname, Some(&b"libxlat.so.0"[..]));
}
