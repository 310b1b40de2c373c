//! The disk cache across processes: the second start, killed writers, full disks, many at once.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn xlat(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xlat"));
    command.stdin(Stdio::null()).env_remove("HOME").env("XDG_CACHE_HOME", cache);
    command
}

fn program(guest: &str) -> String {
    format!("{}/../tests/quickstart/hello-{guest}", env!("CARGO_MANIFEST_DIR"))
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A run of a quick-start program with the cache folder `cache`; its output must be what it is without one.
fn run(cache: &Path, guest: &str, options: &[&str]) -> Counters {
    let output =
        xlat(cache).args(["run", "--stats=json"]).args(options).arg(program(guest)).output().unwrap();
    check(&output, guest)
}

fn check(output: &Output, guest: &str) -> Counters {
    assert!(output.status.success(), "{}", errors(output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with(&format!("hello from {guest}\n")), "{text}");
    Counters(serde_json::from_str(errors(output).lines().last().expect("statistics")).expect("JSON"))
}

struct Counters(serde_json::Value);

impl Counters {
    fn get(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("{name} in {}", self.0))
    }
}

fn cache_command(cache: &Path, arguments: &[&str]) -> Output {
    xlat(cache).arg("cache").args(arguments).output().unwrap()
}

/// The one file of units.
fn units_file(cache: &Path) -> std::path::PathBuf {
    std::fs::read_dir(cache.join("xlat"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "units"))
        .unwrap()
}

#[test]
fn the_second_start_compiles_nothing() {
    for guest in ["x86_64", "aarch64", "riscv64"] {
        let folder = TempDir::new().unwrap();
        let first = run(folder.path(), guest, &[]);
        assert!(first.get("units_compiled") > 0 && first.get("disk_written") == first.get("units_compiled"));
        assert!(first.get("stencils_made") > 0 && first.get("stencils_loaded") == 0);
        let second = run(folder.path(), guest, &[]);
        assert_eq!(second.get("stencils_made"), 0);
        assert_eq!((second.get("units_compiled"), second.get("disk_written")), (0, 0));
        assert_eq!(second.get("disk_hits"), first.get("disk_written"));
        let without = run(folder.path(), guest, &["--no-cache"]);
        assert_eq!(without.get("disk_loaded"), 0);
        assert!(without.get("units_compiled") > 0);
        let mode = std::fs::metadata(folder.path().join("xlat")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn the_cache_is_listed_verified_and_cleared() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "riscv64", &[]);
    let list = cache_command(folder.path(), &["list"]);
    assert!(list.status.success());
    assert!(String::from_utf8_lossy(&list.stdout).contains(": 2 files, "));
    assert!(cache_command(folder.path(), &["verify"]).status.success());
    let file = units_file(folder.path());
    let mut data = std::fs::read(&file).unwrap();
    let middle = data.len() / 2;
    data[middle] ^= 1;
    std::fs::write(&file, data).unwrap();
    assert_eq!(cache_command(folder.path(), &["verify"]).status.code(), Some(1));
    // The damaged unit is compiled again and replaces the other.
    let mended = run(folder.path(), "riscv64", &[]);
    assert!(mended.get("units_compiled") > 0);
    assert_eq!(run(folder.path(), "riscv64", &[]).get("units_compiled"), 0);
    assert!(cache_command(folder.path(), &["clear"]).status.success());
    assert!(
        String::from_utf8_lossy(&cache_command(folder.path(), &["list"]).stdout)
            .contains(": 0 files, 0 bytes")
    );
}

#[test]
fn a_warmed_program_compiles_nothing() {
    let folder = TempDir::new().unwrap();
    let warm = cache_command(folder.path(), &["warm", &program("riscv64")]);
    assert!(warm.status.success(), "{}", errors(&warm));
    let counters = run(folder.path(), "riscv64", &[]);
    assert!(counters.get("disk_hits") > 0);
    let missing = cache_command(folder.path(), &["warm", "/no/such/program"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(errors(&missing).contains("cannot warm /no/such/program: no such file"), "{}", errors(&missing));
}

#[test]
fn killed_writers_lose_nothing_but_their_own() {
    let folder = TempDir::new().unwrap();
    for round in 0..20 {
        let mut child =
            xlat(folder.path()).args(["run"]).arg(program("riscv64")).stdout(Stdio::null()).spawn().unwrap();
        // Some die before they write, some after; what they leave must be usable at any time.
        std::thread::sleep(std::time::Duration::from_millis(round * 4));
        let _ = child.kill();
        child.wait().unwrap();
    }
    run(folder.path(), "riscv64", &[]);
    assert_eq!(run(folder.path(), "riscv64", &[]).get("units_compiled"), 0);
    assert!(cache_command(folder.path(), &["verify"]).status.success());
}

#[test]
fn twenty_processes_at_once_share_a_cache() {
    let folder = TempDir::new().unwrap();
    for _ in 0..2 {
        let children: Vec<_> = (0..20)
            .map(|_| {
                xlat(folder.path())
                    .args(["run", "--stats=json"])
                    .arg(program("aarch64"))
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in children {
            check(&child.wait_with_output().unwrap(), "aarch64");
        }
    }
    assert_eq!(run(folder.path(), "aarch64", &[]).get("units_compiled"), 0);
    let verify = cache_command(folder.path(), &["verify"]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
}

#[test]
fn a_file_that_cannot_be_written_costs_the_cache_only() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "riscv64", &[]);
    let file = units_file(folder.path());
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let counters = run(folder.path(), "riscv64", &[]);
    assert!(counters.get("disk_dropped") > 0 && counters.get("disk_written") == 0);
    std::fs::remove_dir(&file).unwrap();
    assert_eq!(run(folder.path(), "riscv64", &[]).get("disk_dropped"), 0);
    assert_eq!(run(folder.path(), "riscv64", &[]).get("units_compiled"), 0);
}

#[test]
fn a_directory_that_was_asked_for_must_be_usable_and_the_default_one_need_not() {
    let folder = TempDir::new().unwrap();
    let open = folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let refused = xlat(folder.path())
        .args(["run", "--cache", open.to_str().unwrap(), &program("riscv64")])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(125));
    assert!(errors(&refused).contains("others may write to it"), "{}", errors(&refused));
    std::fs::create_dir(folder.path().join("xlat")).unwrap();
    std::fs::set_permissions(folder.path().join("xlat"), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(run(folder.path(), "riscv64", &[]).get("disk_written"), 0);
    std::fs::remove_dir(folder.path().join("xlat")).unwrap();
    std::fs::write(folder.path().join("xlat"), "no directory").unwrap();
    assert_eq!(run(folder.path(), "riscv64", &[]).get("disk_written"), 0);
}
