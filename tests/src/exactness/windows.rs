//! Images out of the middle of kernels.

use super::image::{Image, vm_options};
use crate::random::Random;
use linux::{Process, ProcessOptions, Program, Stop};
use std::path::{Path, PathBuf};
use translator::guest::Guest;
use translator::memory::Mode;
use translator::run::{Engine, EngineOptions, RunOptions};

/// Where the built guest programs are.
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/programs")
}

/// The kernels, sorted by name.
///
/// # Panics
/// If their sources are not there.
pub fn kernels() -> Vec<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/kernels");
    let mut names: Vec<String> = std::fs::read_dir(sources)
        .expect("the kernels' sources")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.strip_suffix(".c").map(str::to_owned))
        .collect();
    names.sort_unstable();
    names
}

/// A kernel that runs and is looked at now and then.
pub struct Source {
    process: Process,
}

impl Source {
    /// Starts a kernel with little work to do.
    ///
    /// # Panics
    /// If it has not been built.
    pub fn start(guest: Guest, level: &str, kernel: &str) -> Source {
        let path = programs().join(guest.name()).join(level).join(kernel);
        assert!(path.exists(), "{} is missing: scripts/build-programs", path.display());
        let engine = Engine::new(EngineOptions { arena_bytes: 32 << 20, ..EngineOptions::default() });
        let options = ProcessOptions { vm: vm_options(Mode::Direct), ..ProcessOptions::default() };
        let program = Program { arguments: vec![kernel.into(), b"1".to_vec()], path, ..Program::default() };
        let mut process = Process::load(&engine.expect("an engine"), &program, &options).expect("a program");
        // What it prints nobody wants to see.
        let write = if guest == Guest::X86_64 { 1 } else { 64 };
        process.set_system_call_hook(Some(Box::new(move |call| {
            (call.number == write && call.arguments[0] < 3).then_some(call.arguments[2])
        })));
        Source { process }
    }

    /// The image up to `furthest` instructions further on; nothing if the kernel ends before.
    pub fn next(&mut self, random: &mut Random, furthest: u64) -> Option<Image> {
        let budget = Some(random.below(furthest));
        match self.process.run(&RunOptions { budget, ..RunOptions::default() }) {
            Stop::Exit(_) => Some(Image::of_machine(self.process.vcpu())),
            Stop::Ended(_) => None,
        }
    }
}
