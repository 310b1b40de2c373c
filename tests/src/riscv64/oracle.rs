//! The judge: `oracles/riscv64.c` on qemu-user, which executes code from a given state and says how that ended.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// First address of a writable page; behind it a read-only one, behind that nothing.
pub const DATA: u64 = 0x1000_0000;
/// Where code is put, in pages that are filled with `c.ebreak`.
pub const CODE: u64 = 0x2000_0000;
/// Number of code pages.
pub const CODE_PAGES: usize = 3;
/// Size of each page.
pub const PAGE: u64 = 4096;
/// Bytes at the end of the writable page that are part of the state; the others are zero and must not be written.
pub const WINDOW: usize = 256;
/// Most bytes of code.
pub const CODE_BYTES: usize = 256;

/// A state, and where memory is concerned, the window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// Integer registers; `x[0]` is the pc.
    pub x: [u64; 32],
    /// Float registers.
    pub f: [u64; 32],
    /// Rounding mode and flags.
    pub fcsr: u64,
    /// Memory from `DATA + PAGE - WINDOW` on.
    pub window: [u8; WINDOW],
}

/// How execution ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// A breakpoint: the code has run to its end.
    Breakpoint,
    /// An illegal instruction.
    Illegal,
    /// A fault at this address, of data or of the next instruction.
    Segment(u64),
    /// A misaligned atomic access at this address.
    Bus(u64),
}

/// One thing to execute.
#[derive(Clone, Debug)]
pub struct Input {
    /// The state before; the pc is [`CODE`].
    pub state: State,
    /// At most [`CODE_BYTES`].
    pub code: Vec<u8>,
}

/// The executable.
pub struct Oracle {
    program: std::path::PathBuf,
}

impl Oracle {
    /// Compiles the judge into `directory`.
    ///
    /// # Panics
    /// If the cross compiler is not installed.
    pub fn build(directory: &Path) -> Oracle {
        let compiler = "riscv64-linux-gnu-gcc";
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/riscv64.c");
        let program = directory.join("oracle-riscv64");
        let status = Command::new(compiler)
            .args(["-static", "-O1", "-fno-stack-protector", "-Wl,--no-relax", "-Wall", "-Werror", "-o"])
            .args([&program, &source])
            .status()
            .unwrap_or_else(|error| panic!("{compiler}: {error}; run scripts/setup"));
        assert!(status.success(), "{compiler} refuses {}", source.display());
        Oracle { program }
    }

    /// Executes all inputs, in one process.
    ///
    /// # Panics
    /// If qemu-user is not installed, or does not answer every input.
    pub fn run(&self, inputs: &[Input]) -> Vec<(State, Stop)> {
        let emulator = "qemu-riscv64";
        let mut child = Command::new(emulator)
            .arg(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{emulator}: {error}; run scripts/setup"));
        let mut stdin = child.stdin.take().expect("piped");
        let records: Vec<u8> = inputs.iter().flat_map(encode).collect();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(&records));
            child.wait_with_output().expect("the judge ends")
        });
        let (answers, rest) = output.stdout.as_chunks::<{ 67 * 8 + WINDOW }>();
        assert!(
            answers.len() == inputs.len() && rest.is_empty(),
            "the judge died after {} of {} cases",
            answers.len(),
            inputs.len()
        );
        answers.iter().map(|answer| decode(answer)).collect()
    }
}

fn encode(input: &Input) -> Vec<u8> {
    let state = &input.state;
    let words = state.x.iter().chain(&state.f).chain([&state.fcsr]);
    let mut record: Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
    let code = record.len();
    record.extend([0x02, 0x90].repeat(CODE_BYTES / 2));
    record[code..code + input.code.len()].copy_from_slice(&input.code);
    record.extend(state.window);
    record
}

fn decode(record: &[u8]) -> (State, Stop) {
    let word = |at: usize| u64::from_le_bytes(record[at * 8..at * 8 + 8].try_into().expect("eight bytes"));
    let state = State {
        x: std::array::from_fn(word),
        f: std::array::from_fn(|at| word(32 + at)),
        fcsr: word(64),
        window: record[67 * 8..].try_into().expect("the window"),
    };
    let stop = match word(65) as i32 {
        libc::SIGTRAP => Stop::Breakpoint,
        libc::SIGILL => Stop::Illegal,
        libc::SIGSEGV => Stop::Segment(word(66)),
        libc::SIGBUS => Stop::Bus(word(66)),
        other => panic!("the judge stopped with signal {other}"),
    };
    (state, stop)
}
