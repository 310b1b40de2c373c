//! Small guest programs whose code changes while they run, in the machine code of each guest.
//!
//! Every program finds its operands in the same roles: `count` (rounds left), `target` (the code or data that it stores
//! to), `word` (what it stores), `step` (what is added to the word each round; x86-64 stores the low byte of the count
//! instead) and `sum` (what it computes). Programs end in a system call.

pub mod stress;

use std::fs::File;
use std::io;
use std::sync::Arc;
use translator::guest::Guest;
use translator::guest::registers::{State as _, by_name};
use translator::memory::{Mode, Permissions, Prot};
use translator::run::{Engine, EngineOptions, ExecutionMode, Promotion, Vcpu, Vm, VmOptions};

/// Where programs are placed.
pub const CODE: u64 = 0x10_0000;
/// A page of functions that programs call.
pub const FUNCTION: u64 = 0x20_0000;
/// Where the memory of [`FUNCTION`] is writable.
pub const ALIAS: u64 = 0x30_0000;
/// Plain data.
pub const DATA: u64 = 0x40_0000;
/// Size of a page.
pub const PAGE: u64 = 4096;

/// Every guest.
pub const GUESTS: [Guest; 3] = [Guest::X86_64, Guest::Aarch64, Guest::Riscv64];

/// A program: what it does is the same for all guests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// Each round changes an instruction of its own loop, and executes it next: `sum` adds its operand.
    PatchLoop,
    /// Each round changes the function at `target`, and calls it.
    PatchAndCall,
    /// Each round stores the count to `target`.
    Store,
    /// Calls the function at `target` until it returns something other than zero.
    CallUntilChanged,
    /// Stores `word` over the function at `target`, and makes it visible.
    PatchOnce,
    /// Calls the function at `target` for ever; each round stores what it returned, then the number of the round, at
    /// `word`. A fence ends it: else the next rounds may compare their code with memory while the number waits in the host's
    /// store buffer, and who reads the number takes them for later than they are.
    CallForEver,
}

/// The registers of the roles: `sum`, `count`, `target`, `word`, `step`, the function's result, the round number.
struct Roles {
    sum: &'static str,
    count: &'static str,
    target: &'static str,
    word: &'static str,
    step: &'static str,
    round: &'static str,
}

fn roles(guest: Guest) -> Roles {
    match guest {
        Guest::X86_64 => {
            Roles { sum: "rbx", count: "rcx", target: "rsi", word: "rdi", step: "rdx", round: "r8" }
        }
        Guest::Aarch64 => Roles { sum: "x0", count: "x1", target: "x4", word: "x3", step: "x5", round: "x6" },
        Guest::Riscv64 => {
            Roles { sum: "x10", count: "x11", target: "x14", word: "x13", step: "x15", round: "x16" }
        }
    }
}

/// Offset in [`Program::PatchLoop`] of what its store changes.
pub fn patched_offset(guest: Guest) -> u64 {
    match guest {
        Guest::X86_64 => 3,
        Guest::Aarch64 => 0x18,
        Guest::Riscv64 => 8,
    }
}

/// The instruction that adds `operand` to `sum`; `word` and `step` of the patching programs are such words.
fn add_word(guest: Guest, operand: u64) -> u64 {
    match guest {
        // `mov eax, operand`: only its low byte is stored, from the count.
        Guest::X86_64 => operand & 0xff,
        // `add x0, x0, #operand`
        Guest::Aarch64 => 0x9100_0000 | (operand & 0xfff) << 10,
        // `addi x10, x10, operand`
        Guest::Riscv64 => 0x0005_0513 | (operand & 0xfff) << 20,
    }
}

/// What the patching programs add up in `rounds` rounds.
pub fn expected_sum(guest: Guest, rounds: u64) -> u64 {
    match guest {
        Guest::X86_64 => (1..=rounds).map(|count| count & 0xff).sum(),
        Guest::Aarch64 => (0..rounds).map(|round| round & 0xfff).sum(),
        Guest::Riscv64 => (0..rounds).map(|round| (round << 52) as i64 >> 52).sum::<i64>() as u64,
    }
}

/// The code of a program.
pub fn code(guest: Guest, program: Program) -> Vec<u8> {
    match guest {
        Guest::X86_64 => x86_64(program).concat(),
        Guest::Aarch64 => words(aarch64(program)),
        Guest::Riscv64 => words(riscv64(program)),
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn x86_64(program: Program) -> &'static [&'static [u8]] {
    match program {
        Program::PatchLoop => &[
            &[0x88, 0x0e],             // mov [rsi], cl
            &[0xb8, 0, 0, 0, 0],       // mov eax, 0
            &[0x48, 0x01, 0xc3],       // add rbx, rax
            &[0xff, 0xc9, 0x75, 0xf2], // dec ecx; jnz -14
            &[0x0f, 0x05],             // syscall
        ],
        Program::PatchAndCall => &[
            &[0x88, 0x4e, 0x01],       // mov [rsi + 1], cl
            &[0xff, 0xd6],             // call rsi
            &[0x48, 0x01, 0xc3],       // add rbx, rax
            &[0xff, 0xc9, 0x75, 0xf4], // dec ecx; jnz -12
            &[0x0f, 0x05],             // syscall
        ],
        Program::Store => &[
            &[0x48, 0x89, 0x0e],             // mov [rsi], rcx
            &[0x48, 0xff, 0xc9, 0x75, 0xf8], // dec rcx; jnz -8
            &[0x0f, 0x05],                   // syscall
        ],
        Program::CallUntilChanged => &[
            &[0xff, 0xd6],             // call rsi
            &[0x85, 0xc0, 0x74, 0xfa], // test eax, eax; jz -6
            &[0x0f, 0x05],             // syscall
        ],
        Program::PatchOnce => &[
            &[0x48, 0x89, 0x3e], // mov [rsi], rdi
            &[0x0f, 0x05],       // syscall
        ],
        Program::CallForEver => &[
            &[0xff, 0xd6],             // call rsi
            &[0x48, 0x89, 0x07],       // mov [rdi], rax
            &[0x49, 0xff, 0xc0],       // inc r8
            &[0x4c, 0x89, 0x47, 0x08], // mov [rdi + 8], r8
            &[0x0f, 0xae, 0xf0],       // mfence
            &[0xeb, 0xef],             // jmp -17
        ],
    }
}

fn aarch64(program: Program) -> &'static [u32] {
    match program {
        Program::PatchLoop => &[
            0xb900_0083, // str w3, [x4]
            0xd50b_7b24, // dc cvau, x4
            0xd503_3b9f, // dsb ish
            0xd50b_7524, // ic ivau, x4
            0xd503_3b9f, // dsb ish
            0xd503_3fdf, // isb
            0x9100_0000, // add x0, x0, #0
            0x0b05_0063, // add w3, w3, w5
            0xf100_0421, // subs x1, x1, #1
            0x54ff_fee1, // b.ne -36
            0xd400_0001, // svc #0
        ],
        Program::PatchAndCall => &[
            0xb900_0083, // str w3, [x4]
            0xd50b_7b24, // dc cvau, x4
            0xd503_3b9f, // dsb ish
            0xd50b_7524, // ic ivau, x4
            0xd503_3b9f, // dsb ish
            0xd503_3fdf, // isb
            0xd63f_0080, // blr x4
            0x0b05_0063, // add w3, w3, w5
            0xf100_0421, // subs x1, x1, #1
            0x54ff_fee1, // b.ne -36
            0xd400_0001, // svc #0
        ],
        Program::Store => &[
            0xf900_0081, // str x1, [x4]
            0xf100_0421, // subs x1, x1, #1
            0x54ff_ffc1, // b.ne -8
            0xd400_0001, // svc #0
        ],
        Program::CallUntilChanged => &[
            0xd280_0000, // mov x0, #0
            0xd63f_0080, // blr x4
            0xb4ff_ffc0, // cbz x0, -8
            0xd400_0001, // svc #0
        ],
        Program::PatchOnce => &[
            0xb900_0083, // str w3, [x4]
            0xd50b_7b24, // dc cvau, x4
            0xd503_3b9f, // dsb ish
            0xd50b_7524, // ic ivau, x4
            0xd503_3b9f, // dsb ish
            0xd503_3fdf, // isb
            0xd400_0001, // svc #0
        ],
        Program::CallForEver => &[
            0xd63f_0080, // blr x4
            0xf900_0060, // str x0, [x3]
            0x9100_04c6, // add x6, x6, #1
            0xd503_3abf, // dmb ishst
            0xf900_0466, // str x6, [x3, #8]
            0xd503_3bbf, // dmb ish
            0x17ff_fffa, // b -24
        ],
    }
}

fn riscv64(program: Program) -> &'static [u32] {
    match program {
        Program::PatchLoop => &[
            0x00d7_2023, // sw x13, 0(x14)
            0x0000_100f, // fence.i
            0x0005_0513, // addi x10, x10, 0
            0x00f6_86b3, // add x13, x13, x15
            0xfff5_8593, // addi x11, x11, -1
            0xfe05_96e3, // bnez x11, -20
            0x0000_0073, // ecall
        ],
        Program::PatchAndCall => &[
            0x00d7_2023, // sw x13, 0(x14)
            0x0000_100f, // fence.i
            0x0007_00e7, // jalr x14
            0x00f6_86b3, // add x13, x13, x15
            0xfff5_8593, // addi x11, x11, -1
            0xfe05_96e3, // bnez x11, -20
            0x0000_0073, // ecall
        ],
        Program::Store => &[
            0x00b7_3023, // sd x11, 0(x14)
            0xfff5_8593, // addi x11, x11, -1
            0xfe05_9ce3, // bnez x11, -8
            0x0000_0073, // ecall
        ],
        Program::CallUntilChanged => &[
            0x0000_0513, // li x10, 0
            0x0007_00e7, // jalr x14
            0xfe05_0ce3, // beqz x10, -8
            0x0000_0073, // ecall
        ],
        Program::PatchOnce => &[
            0x00d7_2023, // sw x13, 0(x14)
            0x0000_100f, // fence.i
            0x0000_0073, // ecall
        ],
        Program::CallForEver => &[
            0x0007_00e7, // jalr x14
            0x00a6_b023, // sd x10, 0(x13)
            0x0018_0813, // addi x16, x16, 1
            0x0110_000f, // fence w, w
            0x0106_b423, // sd x16, 8(x13)
            0x0330_000f, // fence rw, rw
            0xfe9f_f06f, // j -24
        ],
    }
}

/// The first instruction of [`adder`], changed so that it adds or returns `operand`; as a number of 4 or (x86-64) 8
/// bytes for a store.
pub fn adder_word(guest: Guest, operand: u64) -> u64 {
    match guest {
        Guest::X86_64 => u64::from_le_bytes(adder(guest, operand).try_into().expect("8 bytes")),
        _ => add_word(guest, operand),
    }
}

/// A function that adds `operand` to `sum` (x86-64: returns it in rax), and nothing else.
pub fn adder(guest: Guest, operand: u64) -> Vec<u8> {
    match guest {
        Guest::X86_64 => {
            // mov eax, operand; ret; nop; nop
            let mut code = vec![0xb8];
            code.extend_from_slice(&(operand as u32).to_le_bytes());
            code.extend_from_slice(&[0xc3, 0x90, 0x90]);
            code
        }
        Guest::Aarch64 => words(&[add_word(guest, operand) as u32, 0xd65f_03c0]),
        Guest::Riscv64 => words(&[add_word(guest, operand) as u32, 0x0000_8067]),
    }
}

/// A function that returns `version`, made of one instruction and a return: `versions` of them differ.
pub fn version_function(guest: Guest, version: u64) -> Vec<u8> {
    let version = version % VERSIONS;
    match guest {
        Guest::X86_64 => adder(guest, version),
        // movz x0, #version
        Guest::Aarch64 => words(&[0xd280_0000 | (version as u32) << 5, 0xd65f_03c0]),
        // addi x10, x0, version
        Guest::Riscv64 => words(&[0x0000_0513 | (version as u32) << 20, 0x0000_8067]),
    }
}

/// Versions that [`version_function`] can tell apart.
pub const VERSIONS: u64 = 2048;

/// How a machine is made.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What executes.
    pub mode: ExecutionMode,
    /// See [`EngineOptions::threshold`]; a few by default.
    pub threshold: u32,
    /// See [`EngineOptions::shuffle`].
    pub shuffle: Option<u64>,
    /// See [`EngineOptions::arena_bytes`]; 0 is enough for everything.
    pub arena_bytes: usize,
    /// The machine.
    pub vm: VmOptions,
}

/// A machine with [`CODE`], [`FUNCTION`] and its [`ALIAS`], and [`DATA`]; all but the alias are executable, and all
/// are writable.
///
/// # Panics
/// If the host refuses memory.
pub fn machine(guest: Guest, settings: &Settings) -> Arc<Vm> {
    let options = EngineOptions {
        mode: settings.mode,
        threshold: settings.threshold,
        promotion: Promotion::After(16),
        shuffle: settings.shuffle,
        arena_bytes: if settings.arena_bytes == 0 { 8 << 20 } else { settings.arena_bytes },
        ..EngineOptions::default()
    };
    let engine = Engine::new(options).expect("an engine");
    let vm = Vm::new(&engine, guest, &settings.vm).expect("a machine");
    let memory = vm.memory();
    memory.map(CODE, 2 * PAGE, Prot::RWX).expect("memory for code");
    memory.map(DATA, 2 * PAGE, Prot::RWX).expect("memory for data");
    let file = shared_file(PAGE).expect("a temporary file");
    for (addr, prot) in [(FUNCTION, Prot::RWX), (ALIAS, Prot::RW)] {
        use std::os::fd::AsFd as _;
        let place = translator::memory::Placement::Fixed(addr);
        memory.map_file(place, PAGE, prot, file.as_fd(), 0, true).expect("a mapping of the file");
    }
    vm
}

/// A file of this length that has no name any more.
fn shared_file(len: u64) -> io::Result<File> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("xlat-code-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    file.set_len(len)?;
    Ok(file)
}

/// Writes code or data as the host program does.
///
/// # Panics
/// If it is not mapped.
pub fn write(vm: &Vm, addr: u64, bytes: &[u8]) {
    vm.memory().write(addr, bytes, Permissions::Ignore).expect("mapped");
}

/// Sets a vCPU up to run the program at `pc` for `count` rounds.
///
/// # Panics
/// If the host refuses memory.
pub fn vcpu(vm: &Arc<Vm>, pc: u64, target: u64, count: u64) -> Vcpu {
    let mut vcpu = Vcpu::new(vm).expect("a vcpu");
    start(&mut vcpu, pc, target, count);
    vcpu
}

/// Lets a vCPU begin anew, as [`vcpu`] does.
pub fn start(vcpu: &mut Vcpu, pc: u64, target: u64, count: u64) {
    let guest = vcpu.vm().guest();
    let roles = roles(guest);
    let values = [
        (roles.sum, 0),
        (roles.count, count),
        (roles.target, target),
        (roles.word, add_word(guest, 0)),
        (roles.step, add_word(guest, 1).wrapping_sub(add_word(guest, 0))),
        (roles.round, 0),
    ];
    for (name, value) in values {
        set(vcpu, name, value);
    }
    if guest == Guest::X86_64 {
        set(vcpu, "rsp", DATA + PAGE + PAGE / 2);
    }
    vcpu.set_pc(pc);
}

/// Sets the register of the role `word`.
pub fn set_word(vcpu: &mut Vcpu, value: u64) {
    let name = roles(vcpu.vm().guest()).word;
    set(vcpu, name, value);
}

/// What a program added up.
pub fn sum(vcpu: &Vcpu) -> u64 {
    let guest = vcpu.vm().guest();
    let register = by_name(guest, roles(guest).sum).expect("a register of the guest");
    register.read(vcpu) as u64
}

fn set(vcpu: &mut Vcpu, name: &str, value: u64) {
    let register = by_name(vcpu.vm().guest(), name).expect("a register of the guest");
    vcpu.set_register(&register, value.into());
}

/// All ways of execution: name, mode, memory.
pub const WAYS: [(&str, ExecutionMode, Mode); 8] = [
    ("interpreted, direct", ExecutionMode::Interpret, Mode::Direct),
    ("interpreted, paged", ExecutionMode::Interpret, Mode::Paged),
    ("all tiers, direct", ExecutionMode::Compile, Mode::Direct),
    ("all tiers, paged", ExecutionMode::Compile, Mode::Paged),
    ("stencils, direct", ExecutionMode::Stencils, Mode::Direct),
    ("stencils, paged", ExecutionMode::Stencils, Mode::Paged),
    ("regions, direct", ExecutionMode::Regions, Mode::Direct),
    ("regions, paged", ExecutionMode::Regions, Mode::Paged),
];
