//! `xlat run`.
//!
//! The program's input, output, exit status and death by signal are those of a native program. xlat's own failures are
//! reported as a shell does: status 127 if the program is not found, 126 if it cannot be run, 125 if xlat fails; 124 is for a
//! budget that was spent, as `timeout` has it.

use crate::{cache, complain, report};
use clap::{Args, ValueEnum};
use linux::{Ending, Process, ProcessOptions, Program, Stop};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use translator::codegen::StencilStats;
use translator::memory;
use translator::monitor::{Monitor, MonitorOptions};
use translator::run::{
    Engine, EngineOptions, ExecutionMode, Exit, Promotion, Reason, RunOptions, Vm, VmOptions,
};

/// Instructions that are interpreted before the first stencil is compiled.
///
/// PERF: a C program that does nothing executes 19000 to 26000, and the stencils for its loops, 50 to 80 of 78 us each, took
/// half of its time. A program that goes on is interpreted so long once for each guest in the life of a disk cache. To
/// weigh each unit's executions against the stencils that it lacks was tried: it lost 35 % on programs of 70 ms before
/// it gained on this one, because stencils serve the units that come later, too.
const STENCIL_DELAY: u64 = 48_000;

/// What `xlat run --help` says at its end.
const AFTER_HELP: &str = "\
Exit status: that of the program, or death by the signal that ended it. 127: no such program; 126: it cannot be run;
125: xlat failed; 124: the budget of --budget was spent.

Examples:
  xlat run ./hello-riscv64 one two
  xlat run --strace -E LANG=C ./hello-aarch64
  xlat run --stats=json --mode interpret ./hello-x86_64
  xlat run --report report.html ./hello-riscv64";

/// Options of `xlat run`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// Set a variable in the program's environment, which else is that of xlat; without `=VALUE`, remove it
    #[arg(short = 'E', value_name = "VARIABLE=VALUE")]
    environment: Vec<OsString>,
    /// Print each system call to standard error
    #[arg(long)]
    strace: bool,
    /// Print counters to standard error when the program ends
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    stats: Option<StatsFormat>,
    /// How guest memory is reached
    #[arg(long, value_enum, default_value_t = MemoryMode::Direct)]
    memory: MemoryMode,
    /// What executes guest code
    #[arg(long, value_enum, default_value_t = Mode::Compile)]
    mode: Mode,
    /// Write what translation did to a file, with a sample of where time goes: a page, or JSON if its name ends in .json
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write /tmp/perf-PID.map, from which `perf report` takes the names of guest functions
    #[arg(long)]
    perf_map: bool,
    /// Write jit-PID.dump into this directory, for `perf record -k mono` and `perf inject --jit`
    #[arg(long, value_name = "DIRECTORY")]
    jitdump: Option<PathBuf>,
    /// Stop after so many guest instructions, with status 124
    #[arg(long, value_name = "INSTRUCTIONS")]
    budget: Option<u64>,
    #[command(flatten)]
    place: cache::Place,
    /// Neither take compiled code from the disk cache nor put it there
    #[arg(long, conflicts_with = "directory")]
    no_cache: bool,
    /// Interpreted executions of a block before host code is made for it
    #[arg(long, value_name = "COUNT")]
    threshold: Option<u32>,
    /// When a region is compiled at a unit of stencils: after a number of entries, or `learned`, when it is expected to pay
    /// (default)
    #[arg(long, value_name = "COUNT|learned", value_parser = promotion)]
    promotion: Option<Promotion>,
    /// The most time for compiling regions, in percent of the processor time
    #[arg(long, value_name = "PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    compile_budget: u32,
    /// Threads that compile regions while the program goes on in stencils; 0 compiles on the program's own thread
    #[arg(long, value_name = "COUNT")]
    compile_threads: Option<usize>,
    /// The most host code kept in memory, as in 64K, 16M or 1G: what is used least goes to make room
    #[arg(long, value_name = "SIZE", value_parser = size)]
    code_limit: Option<usize>,
    /// The program, a static ELF file for x86_64, aarch64 or riscv64
    program: PathBuf,
    /// Its arguments: everything behind the program is the program's
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StatsFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MemoryMode {
    /// A window of host addresses: fastest
    Direct,
    /// A software TLB, as bare machines of the library use it
    Paged,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// The interpreter only: slow, and what compiled code is held against
    Interpret,
    /// The interpreter first, then stencils, then compiled regions for what runs often
    Compile,
    /// Stencils, after the first executions
    Stencils,
    /// Compiled regions, after the first executions
    Regions,
}

/// Runs the program; does not return if it ran.
pub fn run(arguments: &Arguments) -> ExitCode {
    let shown = arguments.program.display();
    let program = Program {
        path: arguments.program.clone(),
        arguments: std::iter::once(arguments.program.as_os_str())
            .chain(arguments.arguments.iter().map(OsString::as_os_str))
            .map(|argument| argument.as_bytes().to_vec())
            .collect(),
        environment: environment(std::env::vars_os(), &arguments.environment),
    };
    let options = ProcessOptions {
        vm: VmOptions {
            memory: match arguments.memory {
                MemoryMode::Direct => memory::Mode::Direct,
                MemoryMode::Paged => memory::Mode::Paged,
            },
            // Until the program shares memory, nobody but its one thread touches it.
            alone: true,
            ..VmOptions::default()
        },
        strace: arguments.strace,
    };
    let store = match arguments.no_cache {
        true => None,
        false => match arguments.place.for_run() {
            Ok(store) => store,
            Err(error) => {
                complain(&format!("{error}"));
                return ExitCode::from(125);
            }
        },
    };
    let monitor = match monitor(arguments) {
        Ok(monitor) => monitor,
        Err(error) => {
            complain(&format!("{error}"));
            return ExitCode::from(125);
        }
    };
    let engine_options = EngineOptions {
        store,
        monitor,
        mode: match arguments.mode {
            Mode::Interpret => ExecutionMode::Interpret,
            Mode::Compile => ExecutionMode::Compile,
            Mode::Stencils => ExecutionMode::Stencils,
            Mode::Regions => ExecutionMode::Regions,
        },
        // Who asks for a threshold wants code as early as that.
        stencil_delay: if arguments.threshold.is_none() { STENCIL_DELAY } else { 0 },
        threshold: arguments.threshold.unwrap_or(EngineOptions::default().threshold),
        promotion: arguments.promotion.unwrap_or(EngineOptions::default().promotion),
        compile_budget: Some(arguments.compile_budget),
        compile_threads: arguments.compile_threads.unwrap_or(EngineOptions::default().compile_threads),
        arena_bytes: arguments.code_limit.unwrap_or(EngineOptions::default().arena_bytes),
        ..EngineOptions::default()
    };
    let engine = match Engine::new(engine_options) {
        Ok(engine) => engine,
        Err(error) => {
            complain(&format!("{error}"));
            return ExitCode::from(125);
        }
    };
    let mut process = match Process::load(&engine, &program, &options) {
        Ok(process) => process,
        Err(error) => {
            complain(&format!("cannot run {shown}: {error}"));
            return ExitCode::from(if error.is_not_found() { 127 } else { 126 });
        }
    };
    let stop = process.run(&RunOptions { budget: arguments.budget, ..RunOptions::default() });
    // Before the program's ending becomes ours.
    process.vm().save_units();
    if let Some(format) = arguments.stats {
        print_stats(format, &counters(process.vm(), &engine.stencil_stats()));
    }
    if let (Some(path), Some(report)) = (&arguments.report, process.vm().report()) {
        let counters = counters(process.vm(), &engine.stencil_stats());
        if let Err(error) = report::write(path, &arguments.program, &report, &counters) {
            complain(&format!("the report: {error}"));
        }
    }
    match stop {
        Stop::Ended(ending) => {
            if let Ending::Killed { note: Some(note), .. } = &ending {
                complain(&format!("{shown}: {note}"));
            }
            ending.leave()
        }
        Stop::Exit(Exit { reason: Reason::Budget, pc, retired, .. }) => {
            let retired = retired.unwrap_or_default();
            complain(&format!("{shown}: stopped at {pc:#x} after {retired} instructions (--budget)"));
            ExitCode::from(124)
        }
        Stop::Exit(exit) => {
            complain(&format!("{shown}: internal error at {:#x}: {:?}", exit.pc, exit.reason));
            ExitCode::from(125)
        }
    }
}

/// What watches the run, if an option asks for it.
fn monitor(arguments: &Arguments) -> std::io::Result<Option<Arc<Monitor>>> {
    let options = MonitorOptions {
        sample: arguments.report.is_some(),
        perf_map: arguments.perf_map,
        jitdump: arguments.jitdump.clone(),
    };
    let wanted = options.sample || options.perf_map || options.jitdump.is_some();
    wanted.then(|| Monitor::new(&options)).transpose()
}

/// A number of entries, or `learned`.
fn promotion(text: &str) -> Result<Promotion, String> {
    match text {
        "learned" => Ok(Promotion::Learned),
        _ => text.parse().map(Promotion::After).map_err(|error| format!("{error}; as in 3000, or learned")),
    }
}

/// A number of bytes, with K, M or G behind it for powers of 1024.
fn size(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: usize = digits.parse().map_err(|error| format!("{error}; as in 65536, 64K, 16M or 1G"))?;
    number.checked_mul(1 << shift).ok_or_else(|| "larger than an address space".to_owned())
}

/// The caller's environment with the changes of the `-E` options, in their order.
fn environment(inherited: impl Iterator<Item = (OsString, OsString)>, changes: &[OsString]) -> Vec<Vec<u8>> {
    let mut variables: Vec<Vec<u8>> =
        inherited.map(|(name, value)| [name.into_vec(), b"=".to_vec(), value.into_vec()].concat()).collect();
    for change in changes {
        let change = change.as_bytes();
        let name = change.split(|byte| *byte == b'=').next().unwrap_or_default();
        variables.retain(|variable| !(variable.starts_with(name) && variable.get(name.len()) == Some(&b'=')));
        if name.len() < change.len() {
            variables.push(change.to_vec());
        }
    }
    variables
}

fn counters(vm: &Vm, stencils: &StencilStats) -> Vec<(&'static str, u64)> {
    let (stats, store) = (vm.stats(), vm.store_counters().unwrap_or_default());
    let hotness = vm.hotness_counters().unwrap_or_default();
    vec![
        ("blocks_lifted", stats.blocks_lifted),
        ("interpreted", stats.interpreted),
        ("units_assembled", stats.units_assembled),
        ("assembled_instructions", stats.assembled_instructions),
        ("assembled_bytes", stats.assembled_bytes),
        ("assembled_hot_bytes", stats.assembled_hot_bytes),
        ("assembled_guest_bytes", stats.assembled_guest_bytes),
        ("assemble_nanos", stats.assemble_nanos),
        ("stencils_made", stencils.made),
        ("stencils_refused", stencils.refused),
        ("stencils_loaded", stencils.loaded),
        ("stencil_nanos", stencils.nanos),
        ("units_compiled", stats.units_compiled),
        ("compiled_instructions", stats.compiled_instructions),
        ("code_bytes", stats.code_bytes),
        ("code_hot_bytes", stats.code_hot_bytes),
        ("code_guest_bytes", stats.code_guest_bytes),
        ("compile_nanos", stats.compile_nanos),
        ("promotions_asked", hotness.asked),
        ("promotions_put_off", hotness.put_off),
        ("promotions_over_budget", hotness.over_budget),
        ("promotions_forgotten", hotness.forgotten),
        ("entries", stats.entries),
        ("links", stats.links),
        ("units_invalidated", stats.units_invalidated),
        ("invalidations", stats.invalidations),
        ("jump_misses", stats.jump_misses),
        ("jump_promotions", stats.jump_promotions),
        ("jump_evictions", stats.jump_evictions),
        ("cache_hits", stats.cache_hits),
        ("cache_misses", stats.cache_misses),
        ("cache_promotions", stats.cache_promotions),
        ("cache_demotions", stats.cache_demotions),
        ("cache_evictions", stats.cache_evictions),
        ("cache_evicted_bytes", stats.cache_evicted_bytes),
        ("cache_units", stats.cache_units),
        ("cache_bytes", stats.cache_bytes),
        ("collections_minor", stats.collections_minor),
        ("collections_major", stats.collections_major),
        ("minor_nanos", stats.minor_nanos),
        ("major_nanos", stats.major_nanos),
        ("collection_nanos_most", stats.collection_nanos_most),
        ("disk_loaded", store.loaded),
        ("disk_hits", store.hits),
        ("disk_misses", store.misses),
        ("disk_stale", store.stale),
        ("disk_damaged", store.damaged),
        ("disk_written", store.written),
        ("disk_dropped", store.dropped),
        ("disk_bytes_read", store.bytes_read),
        ("disk_bytes_written", store.bytes_written),
    ]
}

fn print_stats(format: StatsFormat, counters: &[(&'static str, u64)]) {
    let text = match format {
        StatsFormat::Json => {
            let object: serde_json::Map<String, serde_json::Value> =
                counters.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
            serde_json::Value::Object(object).to_string()
        }
        StatsFormat::Text => counters
            .iter()
            .map(|(name, value)| format!("{:<22} {value}", name.replace('_', " ")))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!([size("65536"), size("64K"), size("3M")], [Ok(1 << 16), Ok(1 << 16), Ok(3 << 20)]);
        for wrong in ["", "K", "64k", "-1", "64KB", "99999999999G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn variables_are_replaced_and_removed_by_their_whole_name() {
        let inherited =
            [("A", "1"), ("AB", "2"), ("C", "3")].map(|(name, value)| (name.into(), value.into()));
        let changes = ["A=x=y", "C", "D=", "D=4"].map(OsString::from);
        let expected = ["AB=2", "A=x=y", "D=4"].map(|variable| variable.as_bytes().to_vec());
        assert_eq!(environment(inherited.into_iter(), &changes), expected);
    }
}
