//! The disk cache's directory, and `xlat cache`.

use crate::complain;
use clap::{Args, Subcommand};
use linux::{Process, ProcessOptions, Program};
use std::collections::{HashSet, VecDeque};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;
use translator::cache::disk::{DEFAULT_LIMIT, Error, Store};
use translator::guest::registers::State;
use translator::run::{Engine, EngineOptions, VmOptions};

/// Where compiled code is kept, for every command that uses it.
#[derive(Args)]
pub struct Place {
    /// Keep compiled code in this directory (default: xlat in the user's cache folder)
    #[arg(long = "cache", value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The most that the directory may hold, in MiB
    #[arg(long = "cache-limit", value_name = "MIB", default_value_t = DEFAULT_LIMIT >> 20)]
    limit: u64,
}

impl Place {
    /// Opens the directory; `None` if there is no folder for it.
    fn open(&self) -> Option<Result<Store, Error>> {
        let directory = self.directory.clone().or_else(default_directory)?;
        Some(Store::open(&directory, self.limit.saturating_mul(1 << 20)))
    }

    /// The store for a run: a directory that was asked for must be usable, the default one is used if it can be.
    pub fn for_run(&self) -> Result<Option<Arc<Store>>, Error> {
        match self.open() {
            Some(Ok(store)) => Ok(Some(Arc::new(store))),
            Some(Err(error)) if self.directory.is_some() => Err(error),
            _ => Ok(None),
        }
    }
}

/// `xlat` in the folder that the XDG base directory specification names.
fn default_directory() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(folder.join("xlat"))
}

/// Options of `xlat cache`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the files of the cache, least recently used first
    List,
    /// Read all that every file holds; status 1 if something is damaged
    Verify,
    /// Remove every file of the cache
    Clear,
    /// Compile the functions of a program ahead of its first run
    Warm {
        /// A static ELF program with a symbol table
        program: PathBuf,
        /// Stop after this many units
        #[arg(long, default_value_t = 20_000)]
        units: usize,
    },
}

/// Does what was asked for.
pub fn cache(arguments: &Arguments) -> ExitCode {
    let store = match arguments.place.open() {
        Some(Ok(store)) => Arc::new(store),
        Some(Err(error)) => return fail(&error),
        None => {
            complain("no cache folder: neither XDG_CACHE_HOME nor HOME is an absolute path; use --cache DIR");
            return ExitCode::from(1);
        }
    };
    let result = match &arguments.action {
        Action::List => list(&store),
        Action::Verify => verify(&store),
        Action::Clear => store.clear().map(|(files, bytes)| {
            say(&format!("removed {files} files, {bytes} bytes"));
            true
        }),
        Action::Warm { program, units } => return warm(&store, program, *units),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    complain(&error.to_string());
    ExitCode::from(1)
}

/// Prints a line; nobody reading it is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn list(store: &Store) -> Result<bool, Error> {
    let files = store.list()?;
    for file in &files {
        let age = SystemTime::now().duration_since(file.used).unwrap_or_default().as_secs();
        say(&format!("{:>12} bytes, used {age} s ago: {}", file.size, file.name));
    }
    let total: u64 = files.iter().map(|file| file.size).sum();
    say(&format!("{}: {} files, {total} bytes", store.path().display(), files.len()));
    Ok(true)
}

fn verify(store: &Store) -> Result<bool, Error> {
    let mut good = true;
    for file in store.verify()? {
        good &= file.damaged == 0 && file.rest == 0;
        say(&format!(
            "{}: {} whole, {} damaged, {} bytes behind the last",
            file.name, file.whole, file.damaged, file.rest
        ));
    }
    Ok(good)
}

fn warm(store: &Arc<Store>, path: &Path, most: usize) -> ExitCode {
    let cannot = |error: &dyn std::fmt::Display| {
        complain(&format!("cannot warm {}: {error}", path.display()));
        ExitCode::from(1)
    };
    let data = match linux::process::read_program(path) {
        Ok(data) => data,
        Err(error) => return cannot(&error),
    };
    let engine = match Engine::new(EngineOptions { store: Some(store.clone()), ..EngineOptions::default() }) {
        Ok(engine) => engine,
        Err(error) => return cannot(&error),
    };
    let arguments = vec![path.as_os_str().as_encoded_bytes().to_vec()];
    let program = Program { path: path.to_owned(), arguments, environment: Vec::new() };
    // As `xlat run` has it, or the units would not be for it.
    let options =
        ProcessOptions { vm: VmOptions { alone: true, ..VmOptions::default() }, ..ProcessOptions::default() };
    let mut process = match Process::load(&engine, &program, &options) {
        Ok(process) => process,
        Err(error) => return cannot(&error),
    };
    let bias = process.bias();
    let mut queue: VecDeque<u64> = VecDeque::from([process.vcpu().pc()]);
    // Labels and hand-written assembly have no size; what is reached from functions is found through them.
    let functions = linux::elf::symbols(&data).into_iter().filter(|symbol| symbol.size > 0);
    queue.extend(functions.map(|symbol| symbol.addr.wrapping_add(bias)));
    let mut seen: HashSet<u64> = HashSet::new();
    let mut compiled = 0;
    while let Some(pc) = queue.pop_front() {
        if compiled == most {
            break;
        }
        if seen.insert(pc)
            && let Some(targets) = process.vcpu_mut().compile_ahead(pc)
        {
            compiled += 1;
            queue.extend(targets);
        }
    }
    process.vm().save_units();
    let counters = process.vm().store_counters().unwrap_or_default();
    say(&format!("{compiled} units: {} were there, {} written", counters.hits, counters.written));
    if counters.dropped > 0 {
        return cannot(&format!("{} units could not be written", counters.dropped));
    }
    ExitCode::SUCCESS
}
