//! The reference: `oracles/programs.c`, on this machine's processor where it is the guest's, else on qemu-user.

use super::{CODE_BYTES, Case, PAGE, State, with_breakpoints};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use translator::guest::Guest;
use translator::guest::registers::{self, Register};

/// Where the words of a record are, before its vector registers.
const GENERAL: usize = 1;
const FLAGS: usize = 33;
const CONTROL: usize = 34;
const STATUS: usize = 35;
const SIGNAL: usize = 36;
const ADDRESS: usize = 37;
const NO_ADDRESS: usize = 38;
const WORDS: usize = 39;
const VECTORS: usize = WORDS * 8;
const DATA_AT: usize = VECTORS + 32 * 16 + CODE_BYTES;
const RECORD: usize = DATA_AT + PAGE;

/// How the reference stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop {
    /// The signal.
    pub signal: i32,
    /// Its address, if the processor gives one.
    pub address: Option<u64>,
}

/// A running reference.
pub struct Reference {
    guest: Guest,
    command: Command,
    child: Child,
    unicorn: bool,
    registers: Vec<(Register, Place)>,
}

/// Where a register is in a record.
#[derive(Clone, Copy)]
enum Place {
    Word(usize),
    Vector(usize),
    LowVector(usize),
}

impl Reference {
    /// Builds the judge into `directory` and starts it.
    ///
    /// # Panics
    /// If the guest's compiler or qemu-user is missing.
    pub fn start(guest: Guest, directory: &Path) -> Reference {
        let program = build(guest, directory);
        let native = guest.name() == std::env::consts::ARCH;
        let command = if native {
            Command::new(program)
        } else {
            let mut command = Command::new(format!("qemu-{guest}"));
            if guest == Guest::Aarch64 {
                // With SVE the signal frame would carry the vectors twice; the guest has no pointer authentication.
                command.args(["-cpu", "max,sve=off,sme=off,pauth=off"]);
            }
            command.arg(program);
            command
        };
        Reference::of(guest, command, false)
    }

    /// Starts Unicorn as the judge, on the Python of `.venv`.
    ///
    /// # Panics
    /// If that Python is missing.
    pub fn unicorn(guest: Guest) -> Reference {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(tests.join("../.venv/bin/python"));
        command.arg(tests.join("oracles/unicorn_judge.py")).arg(guest.name());
        Reference::of(guest, command, true)
    }

    fn of(guest: Guest, mut command: Command, unicorn: bool) -> Reference {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = spawn(&mut command);
        Reference { guest, command, child, unicorn, registers: places(guest) }
    }

    /// Whether the judge is Unicorn.
    pub fn is_unicorn(&self) -> bool {
        self.unicorn
    }

    /// Executes all cases. `None` for a case that the judge died of.
    pub fn run(&mut self, cases: &[&Case]) -> Vec<Option<(State, Stop)>> {
        if let Ok(answers) = self.answers(cases) {
            return answers.into_iter().map(Some).collect();
        }
        // Which of them was it?
        let alone = |case: &&Case| {
            _ = self.child.kill();
            _ = self.child.wait();
            self.child = spawn(&mut self.command);
            self.answers(&[*case]).ok()?.pop()
        };
        cases.iter().map(alone).collect()
    }

    fn answers(&mut self, cases: &[&Case]) -> io::Result<Vec<(State, Stop)>> {
        let input: Vec<u8> = cases.iter().flat_map(|case| self.encode(case)).collect();
        let mut output = vec![0; RECORD * cases.len()];
        let stdin = self.child.stdin.as_mut().expect("piped");
        let stdout = self.child.stdout.as_mut().expect("piped");
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || stdin.write_all(&input).and_then(|()| stdin.flush()));
            stdout.read_exact(&mut output)?;
            writer.join().expect("writing does not panic")
        })?;
        let answers = output.chunks_exact(RECORD).zip(cases);
        Ok(answers.map(|(record, case)| self.decode(record, case)).collect())
    }

    fn encode(&self, case: &Case) -> Vec<u8> {
        let mut record = vec![0; RECORD];
        record[..8].copy_from_slice(&case.state.pc.to_le_bytes());
        for (register, place) in &self.registers {
            let value = register.read(&case.state);
            match *place {
                Place::Word(at) => record[at * 8..][..8].copy_from_slice(&(value as u64).to_le_bytes()),
                Place::Vector(at) | Place::LowVector(at) => {
                    record[VECTORS + at * 16..][..16].copy_from_slice(&value.to_le_bytes());
                }
            }
        }
        let code = with_breakpoints(self.guest, &case.code, CODE_BYTES);
        record[DATA_AT - CODE_BYTES..DATA_AT].copy_from_slice(&code);
        record[DATA_AT..].copy_from_slice(&case.state.data);
        record
    }

    fn decode(&self, record: &[u8], case: &Case) -> (State, Stop) {
        let word = |at: usize| u64::from_le_bytes(record[at * 8..][..8].try_into().expect("eight bytes"));
        let mut state = case.state.clone();
        state.pc = word(0);
        for (register, place) in &self.registers {
            let value = match *place {
                Place::Word(at) => word(at).into(),
                Place::Vector(at) => {
                    u128::from_le_bytes(record[VECTORS + at * 16..][..16].try_into().expect("sixteen bytes"))
                }
                Place::LowVector(at) => word(WORDS + at * 2).into(),
            };
            register.write(&mut state, value);
        }
        state.data.copy_from_slice(&record[DATA_AT..]);
        let address = (word(NO_ADDRESS) == 0).then(|| word(ADDRESS));
        (state, Stop { signal: word(SIGNAL) as i32, address })
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It ends when its input does; nothing is left to lose.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn build(guest: Guest, directory: &Path) -> PathBuf {
    let compiler = format!("{guest}-linux-gnu-gcc");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/programs.c");
    std::fs::create_dir_all(directory).expect("a directory for the judge");
    let program = directory.join(format!("programs-{guest}"));
    // Under a name of its own first: another thread or process may be starting the one that is there.
    static BUILDS: AtomicU32 = AtomicU32::new(0);
    let number = BUILDS.fetch_add(1, Ordering::Relaxed);
    let fresh = directory.join(format!("programs-{guest}-{}-{number}", std::process::id()));
    // A position-independent program lies where no case's addresses lead by chance; RV64's C library has no start of one.
    let kind: &[&str] = match guest {
        Guest::Riscv64 => &["-static", "-Wl,--no-relax"],
        _ => &["-static-pie", "-fPIE"],
    };
    let mut command = Command::new(&compiler);
    command
        .args(kind)
        .args(["-O1", "-fno-stack-protector", "-Wall", "-Werror", "-o"])
        .args([&fresh, &source]);
    let status = command.status().unwrap_or_else(|error| panic!("{compiler}: {error}; run scripts/setup"));
    assert!(status.success(), "{compiler} refuses {}", source.display());
    std::fs::rename(&fresh, &program).expect("the judge can be put in place");
    program
}

fn spawn(command: &mut Command) -> Child {
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}; run scripts/setup"))
}

fn places(guest: Guest) -> Vec<(Register, Place)> {
    let numbered = |prefix: &str, name: &str| name.strip_prefix(prefix).and_then(|n| n.parse::<usize>().ok());
    let place = |register: &Register| -> Option<Place> {
        let name = register.name;
        Some(match (guest, name) {
            (_, "rflags" | "nzcv") => Place::Word(FLAGS),
            (_, "mxcsr" | "fcsr" | "fpcr") => Place::Word(CONTROL),
            (_, "fpsr") => Place::Word(STATUS),
            (Guest::Aarch64, "sp") => Place::Word(GENERAL + 31),
            (Guest::Aarch64 | Guest::Riscv64, _) if numbered("x", name).is_some() => {
                Place::Word(GENERAL + numbered("x", name)?)
            }
            (Guest::Aarch64, _) if numbered("v", name).is_some() => Place::Vector(numbered("v", name)?),
            (Guest::Riscv64, _) if numbered("f", name).is_some() => Place::LowVector(numbered("f", name)?),
            (Guest::X86_64, "fs_base") => Place::Word(GENERAL + 16),
            (Guest::X86_64, "gs_base") => Place::Word(GENERAL + 17),
            (Guest::X86_64, "fcw") => Place::Word(GENERAL + 18),
            (Guest::X86_64, "fsw") => Place::Word(GENERAL + 19),
            (Guest::X86_64, "ftw") => Place::Word(GENERAL + 20),
            (Guest::X86_64, _) if numbered("st", name).is_some() => Place::Vector(16 + numbered("st", name)?),
            (Guest::X86_64, _) if numbered("xmm", name).is_some() => Place::Vector(numbered("xmm", name)?),
            (Guest::X86_64, _) if register.id.0 < 16 => Place::Word(GENERAL + register.id.0 as usize),
            _ => return None,
        })
    };
    registers::registers(guest)
        .into_iter()
        .filter_map(|register| Some((register, place(&register)?)))
        .collect()
}
