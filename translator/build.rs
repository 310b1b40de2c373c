//! Gives the crate a number that changes with everything that decides what code is generated for a guest instruction:
//! units in the disk cache are only good for the code generator that made them.

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut hasher = DefaultHasher::new();
    // The lock file names the versions of Cranelift and the decoders' crates; it is absent where xlat is a dependency.
    for input in ["src", "../decoders/src", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={input}");
        hash(&root.join(input), &mut hasher);
    }
    println!("cargo::rustc-env=XLAT_CODE_GENERATOR={}", hasher.finish());
}

fn hash(path: &Path, hasher: &mut DefaultHasher) {
    if let Ok(entries) = std::fs::read_dir(path) {
        let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for entry in entries {
            hash(&entry, hasher);
        }
    } else if let Ok(text) = std::fs::read(path) {
        hasher.write(path.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.write(&text);
    }
}
