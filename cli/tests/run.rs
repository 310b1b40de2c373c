//! The command as a shell sees it: output, exit statuses, error texts.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn xlat(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xlat"));
    command.args(arguments).stdin(Stdio::null());
    // No cache folder of the user who runs the tests.
    command.env_remove("HOME").env_remove("XDG_CACHE_HOME");
    command
}

fn output(arguments: &[&str]) -> Output {
    xlat(arguments).output().expect("xlat starts")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn quick_start(guest: &str) -> String {
    format!("{}/../tests/quickstart/hello-{guest}", env!("CARGO_MANIFEST_DIR"))
}

const GUESTS: [&str; 3] = ["x86_64", "aarch64", "riscv64"];

/// A file of its own for a test, removed with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8], mode: u32) -> Scratch {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("xlat-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Scratch(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn quick_start_programs_run() {
    // Interpreting everything takes seconds: one guest stands for all.
    let runs = GUESTS.map(|guest| (guest, "compile", "direct"));
    for (guest, mode, memory) in runs.into_iter().chain([("riscv64", "interpret", "paged")]) {
        let program = quick_start(guest);
        let output =
            output(&["run", "--mode", mode, "--memory", memory, &program, "one", "--two", "three words"]);
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("hello from {guest}"), "{mode} {memory}: {}", errors(&output));
        assert_eq!(lines[1], "arguments: one --two three words");
        assert_eq!(lines[4], "checksum: 1ca8f922510df736");
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(errors(&output), "");
    }
}

#[test]
fn programs_run_alike_whatever_rule_decides_about_regions() {
    let rules: [&[&str]; 4] = [
        &["--promotion", "1"],
        &["--promotion", "learned", "--compile-threads", "2"],
        &["--promotion", "20", "--compile-budget", "1"],
        &["--promotion", "4294967295"],
    ];
    for guest in GUESTS {
        let program = quick_start(guest);
        for rule in rules {
            let run = [&["run", "--no-cache", "--stats=json"], rule, &[&program]].concat();
            let output = output(&run);
            let text = String::from_utf8(output.stdout.clone()).unwrap();
            assert_eq!(text.lines().nth(4), Some("checksum: 1ca8f922510df736"), "{guest} {rule:?}");
            let counters: serde_json::Value = serde_json::from_str(&errors(&output)).unwrap();
            let [asked, put_off] =
                ["promotions_asked", "promotions_put_off"].map(|name| counters[name].as_u64());
            assert!(asked.is_some() && asked >= put_off, "{guest} {rule:?}: {counters}");
            if rule[1] == "4294967295" {
                assert_eq!((asked, counters["units_compiled"].as_u64()), (Some(0), Some(0)), "{guest}");
            }
        }
    }
    for wrong in [["--promotion", "often"], ["--promotion", "-1"], ["--compile-budget", "0"]] {
        let [option, value] = wrong;
        let output = output(&["run", &format!("{option}={value}"), "program"]);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(errors(&output).contains(option), "{}", errors(&output));
    }
}

#[test]
fn what_cannot_be_run_is_said_with_the_status_of_a_shell() {
    let good = std::fs::read(quick_start("riscv64")).unwrap();
    let truncated = Scratch::new("truncated", &good[..100], 0o755);
    let no_execution = Scratch::new("no-execution", &good, 0o644);
    let empty = Scratch::new("empty", b"", 0o755);
    let text = Scratch::new("text", b"hello", 0o755);
    for (path, status, reason) in [
        ("/no/such/file", 127, "no such file"),
        ("/tmp", 126, "it is a directory"),
        ("/dev/null", 126, "not a regular file"),
        (truncated.path(), 126, "the ELF file is truncated: the program header table ends at byte"),
        (no_execution.path(), 126, "permission denied"),
        (empty.path(), 126, "the file is empty"),
        (text.path(), 126, "not an ELF file"),
        (env!("CARGO_BIN_EXE_xlat"), 126, "dynamically linked (interpreter "),
    ] {
        let output = output(&["run", path]);
        assert_eq!(output.status.code(), Some(status), "{path}");
        let expected = format!("xlat: cannot run {path}: {reason}");
        assert!(
            errors(&output).starts_with(&expected),
            "{:?} does not start with {expected:?}",
            errors(&output)
        );
        assert_eq!(errors(&output).lines().count(), 1);
    }
}

#[test]
fn an_unsupported_instruction_is_named_and_kills() {
    // The first instruction of the program becomes an illegal one.
    let mut data = std::fs::read(quick_start("aarch64")).unwrap();
    let entry = u64::from_le_bytes(data[24..32].try_into().unwrap());
    let header = u64::from_le_bytes(data[32..40].try_into().unwrap()) as usize;
    let (offset, addr) = (0..usize::from(data[56]))
        .map(|index| header + index * 56)
        .map(|at| {
            let word = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap());
            (data[at], word(at + 8), word(at + 16), word(at + 32))
        })
        .find(|(kind, _, addr, size)| *kind == 1 && (*addr..*addr + *size).contains(&entry))
        .map(|(_, offset, addr, _)| (offset, addr))
        .unwrap();
    let at = (offset + entry - addr) as usize;
    data[at..at + 4].fill(0);
    let program = Scratch::new("illegal", &data, 0o755);
    let output = output(&["run", program.path()]);
    assert_eq!(output.status.signal(), Some(4));
    let expected = format!("xlat: {}: illegal instruction at {entry:#x}: 00 00 00 00", program.path());
    assert!(errors(&output).starts_with(&expected), "{}", errors(&output));
}

#[test]
fn system_calls_are_traced_on_request() {
    let output = output(&["run", "--strace", &quick_start("aarch64")]);
    let text = errors(&output);
    assert_eq!(text.lines().next(), Some("write(1, \"hello from aarch64\\n\", 19) = 19"));
    assert_eq!(text.lines().last(), Some("exit(0) does not return"));
}

#[test]
fn counters_are_printed_as_text_and_json() {
    let program = quick_start("riscv64");
    let as_json = output(&["run", "--stats=json", &program]);
    let value: serde_json::Value = serde_json::from_slice(&as_json.stderr).expect("one JSON object");
    assert!(value["blocks_lifted"].as_u64().unwrap() > 0, "{value}");
    let as_text = output(&["run", "--stats", &program]);
    assert!(errors(&as_text).contains("blocks lifted"), "{}", errors(&as_text));
    assert_eq!(as_json.stdout, as_text.stdout);
}

#[test]
fn translations_are_listed_by_symbol_and_by_address() {
    for guest in GUESTS {
        let program = quick_start(guest);
        let listed = output(&["translate", &program, "--at", "is_prime"]);
        let text = String::from_utf8(listed.stdout).unwrap();
        assert!(text.starts_with(&format!("guest code ({guest}), ")), "{text}");
        assert!(text.contains("<is_prime>:"), "{text}");
        // Every instruction has its IR below it, before and after the passes.
        let rows: Vec<&str> = text.lines().take_while(|line| !line.starts_with("host code")).collect();
        assert!(
            rows.iter().filter(|row| row.contains(" | v") || row.contains(" | set ")).count() > 10,
            "{text}"
        );
        assert!(rows.iter().any(|row| row.ends_with(" |")), "the passes remove something: {text}");
        let addr = text.lines().find_map(|line| line.strip_suffix(" <is_prime>:")).unwrap();
        for host in GUESTS {
            let listed = output(&["translate", &program, "--at", addr, "--host", host]);
            let text = String::from_utf8(listed.stdout.clone()).unwrap();
            assert!(text.contains(&format!("\nhost code ({host}), ")), "{}", errors(&listed));
        }
        let again = output(&["translate", &program, "--at", addr]);
        assert_eq!(String::from_utf8(again.stdout).unwrap(), text);
    }
    let program = quick_start("riscv64");
    for (at, reason) in
        [("nothing_of_that_name", "has no symbol nothing_of_that_name"), ("0x10", "has no code at 0x10")]
    {
        let failed = output(&["translate", &program, "--at", at]);
        assert_eq!(failed.status.code(), Some(1));
        assert!(errors(&failed).contains(reason), "{}", errors(&failed));
    }
    let failed = output(&["translate", &program, "--at", "start", "--host", "vax"]);
    assert_eq!(failed.status.code(), Some(2));
    assert!(errors(&failed).contains("known hosts: x86_64, aarch64, riscv64"), "{}", errors(&failed));
}

#[test]
fn the_version_is_printed() {
    let output = output(&["--version"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("xlat {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_budget_stops_the_program_and_says_where() {
    let output = output(&["run", "--budget", "100", &quick_start("riscv64")]);
    assert_eq!(output.status.code(), Some(124));
    assert!(errors(&output).contains(" after 100 instructions (--budget)"), "{}", errors(&output));
    assert_eq!(output.stdout, b"");
}

/// A shell runs `script` with xlat as `$0` and a quick-start program as `$1`.
fn shell(script: &str) -> Output {
    Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_xlat"), &quick_start("riscv64")])
        .stdin(Stdio::null())
        .output()
        .expect("a shell")
}

#[test]
fn output_that_goes_nowhere_is_the_programs_affair() {
    for script in ["\"$0\" run \"$1\" >/dev/full", "\"$0\" run \"$1\" >&-", "\"$0\" run \"$1\" <&- >&- 2>&-"]
    {
        let output = shell(script);
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()), "{script}");
    }
    // A trace that cannot be written does not stop the program.
    let output = shell("\"$0\" run --strace \"$1\" 2>/dev/full");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"hello from riscv64\n"));
}

#[test]
fn address_space_that_is_refused_is_an_error() {
    for memory in ["direct", "paged"] {
        for kilobytes in [150_000, 400_000] {
            let output = shell(&format!("ulimit -v {kilobytes}; exec \"$0\" run --memory {memory} \"$1\""));
            assert_eq!(output.status.code(), Some(126), "{memory} {kilobytes}: {}", errors(&output));
            assert!(errors(&output).contains("Cannot allocate memory"), "{}", errors(&output));
            assert_eq!(errors(&output).lines().count(), 1);
        }
    }
}

#[test]
fn large_arguments_and_environments_arrive_or_are_refused() {
    let long = "x".repeat(100_000);
    let run = |count: usize, stack: &str| {
        Command::new("sh")
            .args(["-c", &format!("ulimit -s {stack}; exec \"$0\" run \"$@\""), env!("CARGO_BIN_EXE_xlat")])
            .arg(quick_start("riscv64"))
            .args(vec![&long; count])
            .env("LARGE", &long)
            .output()
            .expect("a shell")
    };
    let arrived = run(10, "8192");
    let text = String::from_utf8(arrived.stdout).unwrap();
    // The program's own line has room for the beginning.
    assert!(text.lines().nth(1).unwrap().starts_with(&format!("arguments: {}", &long[..500])), "{text}");
    assert_eq!(arrived.status.code(), Some(0));
    // The kernel's own limit is a quarter of the stack, at least 128 KiB: what it lets through arrives, and no more.
    let refused = run(10, "1024");
    assert!(matches!(refused.status.code(), Some(126 | 127)), "{refused:?}");
}

#[test]
fn a_report_names_the_functions_that_ran() {
    let json = Scratch::new("report.json", b"old", 0o600);
    let page = Scratch::new("report.html", b"", 0o600);
    let program = quick_start("riscv64");
    for report in [json.path(), page.path()] {
        let output = output(&["run", "--no-cache", "--threshold", "1", "--report", report, &program]);
        assert!(output.status.success(), "{}", errors(&output));
        assert_eq!(errors(&output), "");
    }
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(json.path()).unwrap()).unwrap();
    assert_eq!(report["guest"], "riscv64");
    let units = report["units"].as_array().unwrap();
    assert!(units.iter().any(|unit| unit["symbol"] == "is_prime"), "{units:?}");
    let made: u64 = units.iter().map(|unit| unit["made"].as_u64().unwrap()).sum();
    let stats = &report["counters"];
    assert_eq!(made, stats["units_assembled"].as_u64().unwrap() + stats["units_compiled"].as_u64().unwrap());
    let page = std::fs::read_to_string(page.path()).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("\"symbol\":\"is_prime\""));
}

#[test]
fn a_report_that_cannot_be_written_is_said_and_the_program_still_runs() {
    let program = quick_start("riscv64");
    let output = output(&["run", "--no-cache", "--report", "/nonexistent/report.html", &program]);
    assert!(output.status.success());
    assert!(
        errors(&output).contains("the report: /nonexistent/report.html: No such file"),
        "{}",
        errors(&output)
    );
}
