//! Several vCPUs of one machine on threads of their own share its code: what each computes is what it computes alone.
//!
//! The threads start with nothing translated, so they translate the same code at the same time, link it, and find each
//! other's units; a thread that drops all translations again and again is among them.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::llvm;
use translator::guest::Guest;
use translator::guest::registers::{State as _, by_name};
use translator::memory::{Mode, Permissions, Prot};
use translator::run::{
    Engine, EngineOptions, ExecutionMode, Promotion, Reason, RunOptions, Vcpu, Vm, VmOptions,
};

const CODE: u64 = 0x10_0000;
const DATA: u64 = 0x100_0000;
/// Memory of each vCPU: its stack grows down from the middle, its numbers are above.
const OWN: u64 = 0x4000;
const THREADS: u64 = 8;

/// Fills 128 numbers from a seed, sorts them by insertion, then mixes them, through a table of three functions, with Fibonacci
/// numbers computed by recursion. First argument: the numbers; second: the seed. The result is in the first result register.
const X86_64: &str = "
    .intel_syntax noprefix
    mov rbp, rdi
    lea rsp, [rdi]
    mov ecx, 0
1:  mov rax, rsi
    shl rax, 13
    xor rsi, rax
    mov rax, rsi
    shr rax, 7
    xor rsi, rax
    mov rax, rsi
    shl rax, 17
    xor rsi, rax
    mov [rbp + rcx * 8], rsi
    inc ecx
    cmp ecx, 128
    jb 1b
    mov ecx, 1
2:  mov rax, [rbp + rcx * 8]
    mov rdx, rcx
3:  mov rbx, [rbp + rdx * 8 - 8]
    cmp rbx, rax
    jbe 4f
    mov [rbp + rdx * 8], rbx
    dec rdx
    jnz 3b
4:  mov [rbp + rdx * 8], rax
    inc ecx
    cmp ecx, 128
    jb 2b
    xor r12d, r12d
    xor r13d, r13d
5:  mov rax, [rbp + r13 * 8]
    mov ecx, eax
    and ecx, 3
    lea rdx, [rip + 20f]
    lea rbx, [rip + 21f]
    cmp ecx, 2
    cmove rdx, rbx
    lea rbx, [rip + 22f]
    cmova rdx, rbx
    call rdx
    add r12, rax
    rol r12, 5
    inc r13d
    cmp r13d, 128
    jb 5b
    mov rax, r12
    syscall
20: imul rax, rax, 31
    ret
21: not rax
    ret
22: and eax, 7
    mov edi, eax
    call 30f
    ret
30: cmp edi, 2
    jae 31f
    mov eax, edi
    ret
31: push rdi
    dec edi
    call 30b
    pop rdi
    push rax
    sub edi, 2
    call 30b
    pop rdx
    add rax, rdx
    ret
";

const AARCH64: &str = "
    mov x19, x0
    mov sp, x0
    mov x2, #0
1:  eor x1, x1, x1, lsl #13
    eor x1, x1, x1, lsr #7
    eor x1, x1, x1, lsl #17
    str x1, [x19, x2, lsl #3]
    add x2, x2, #1
    cmp x2, #128
    b.lo 1b
    mov x2, #1
2:  ldr x3, [x19, x2, lsl #3]
    mov x4, x2
3:  sub x6, x4, #1
    ldr x5, [x19, x6, lsl #3]
    cmp x5, x3
    b.ls 4f
    str x5, [x19, x4, lsl #3]
    mov x4, x6
    cbnz x4, 3b
4:  str x3, [x19, x4, lsl #3]
    add x2, x2, #1
    cmp x2, #128
    b.lo 2b
    mov x20, #0
    mov x21, #0
5:  ldr x0, [x19, x21, lsl #3]
    and x1, x0, #3
    adr x2, 20f
    adr x3, 21f
    adr x4, 22f
    cmp x1, #2
    csel x2, x3, x2, eq
    csel x2, x4, x2, hi
    blr x2
    add x20, x20, x0
    ror x20, x20, #59
    add x21, x21, #1
    cmp x21, #128
    b.lo 5b
    mov x0, x20
    svc #0
20: mov x1, #31
    mul x0, x0, x1
    ret
21: mvn x0, x0
    ret
22: and x0, x0, #7
30: cmp x0, #2
    b.hs 31f
    ret
31: stp x0, x30, [sp, #-16]!
    sub x0, x0, #1
    bl 30b
    ldr x1, [sp]
    str x0, [sp]
    sub x0, x1, #2
    bl 30b
    ldp x1, x30, [sp], #16
    add x0, x0, x1
    ret
";

const RISCV64: &str = "
    .option norvc
    mv s0, a0
    mv sp, a0
    li s3, 128
    li t0, 0
    mv t1, s0
1:  slli t2, a1, 13
    xor a1, a1, t2
    srli t2, a1, 7
    xor a1, a1, t2
    slli t2, a1, 17
    xor a1, a1, t2
    sd a1, 0(t1)
    addi t1, t1, 8
    addi t0, t0, 1
    bltu t0, s3, 1b
    li t0, 1
2:  slli t1, t0, 3
    add t1, t1, s0
    ld t2, 0(t1)
3:  ld t3, -8(t1)
    bleu t3, t2, 4f
    sd t3, 0(t1)
    addi t1, t1, -8
    bne t1, s0, 3b
4:  sd t2, 0(t1)
    addi t0, t0, 1
    bltu t0, s3, 2b
    li s1, 0
    li s2, 0
    jal s4, 6f
20: li t0, 31
    mul a0, a0, t0
    ret
21: not a0, a0
    ret
22: andi a0, a0, 7
30: li t0, 2
    bgeu a0, t0, 31f
    ret
31: addi sp, sp, -16
    sd a0, 0(sp)
    sd ra, 8(sp)
    addi a0, a0, -1
    jal ra, 30b
    ld t0, 0(sp)
    sd a0, 0(sp)
    addi a0, t0, -2
    jal ra, 30b
    ld t0, 0(sp)
    ld ra, 8(sp)
    addi sp, sp, 16
    add a0, a0, t0
    ret
6:  addi s5, s4, 12
    addi s6, s4, 20
5:  slli t0, s2, 3
    add t0, t0, s0
    ld a0, 0(t0)
    andi t1, a0, 3
    mv t2, s4
    li t3, 2
    bltu t1, t3, 7f
    mv t2, s5
    beq t1, t3, 7f
    mv t2, s6
7:  jalr ra, 0(t2)
    add s1, s1, a0
    slli t0, s1, 5
    srli t1, s1, 59
    or s1, t0, t1
    addi s2, s2, 1
    bltu s2, s3, 5b
    mv a0, s1
    ecall
";

fn code(guest: Guest) -> Vec<u8> {
    match guest {
        Guest::X86_64 => llvm::assemble("x86_64", "", X86_64),
        Guest::Aarch64 => llvm::assemble("aarch64", "", AARCH64),
        Guest::Riscv64 => llvm::assemble("riscv64", "+m", RISCV64),
    }
}

/// What runs a machine.
#[derive(Clone, Copy)]
struct Way {
    mode: ExecutionMode,
    memory: Mode,
    shuffle: Option<u64>,
    arena_bytes: usize,
}

/// Bytes of a code cache in which units have to make room for each other all the time.
const SMALL: usize = 16 << 10;

const PLAIN: Way =
    Way { mode: ExecutionMode::Compile, memory: Mode::Direct, shuffle: None, arena_bytes: 4 << 20 };

fn machine(guest: Guest, way: Way) -> std::sync::Arc<Vm> {
    let Way { mode, memory, shuffle, arena_bytes } = way;
    let options = EngineOptions {
        mode,
        threshold: 2,
        promotion: Promotion::After(16),
        shuffle,
        region_instructions: 12,
        arena_bytes,
        ..EngineOptions::default()
    };
    let engine = Engine::new(options).expect("an engine");
    let vm = Vm::new(&engine, guest, &VmOptions { memory, ..VmOptions::default() }).expect("a machine");
    let code = code(guest);
    vm.memory().map(CODE, 0x2000, Prot::RX).expect("free guest memory");
    vm.memory().map(DATA, OWN * THREADS, Prot::RW).expect("free guest memory");
    // Twice, so that threads run different code too.
    for copy in 0..2 {
        vm.memory().write(CODE + copy * 0x1000, &code, Permissions::Ignore).expect("mapped");
    }
    vm
}

/// What the program gives for a seed, in pieces if there is a budget.
fn compute(vcpu: &mut Vcpu, thread: u64, seed: u64, budget: Option<u64>) -> (u64, u64) {
    let guest = vcpu.vm().guest();
    let [numbers, seeds, result] = match guest {
        Guest::X86_64 => ["rdi", "rsi", "rax"],
        Guest::Aarch64 => ["x0", "x1", "x0"],
        Guest::Riscv64 => ["a0", "a1", "a0"],
    };
    let register = |name| by_name(guest, name).expect("a register");
    vcpu.set_register(&register(numbers), (DATA + thread * OWN + OWN / 2).into());
    vcpu.set_register(&register(seeds), seed.into());
    vcpu.set_pc(CODE + thread % 2 * 0x1000);
    let mut retired = 0;
    loop {
        let exit = vcpu.run(&RunOptions { budget, ..RunOptions::default() });
        retired += exit.retired.unwrap_or(0);
        match exit.reason {
            Reason::Syscall => return (vcpu.register(&register(result)) as u64, retired),
            Reason::Budget => {}
            _ => panic!("{guest}, thread {thread}: {exit:x?}"),
        }
    }
}

fn parallel_runs_give_what_single_ones_give(guest: Guest, way: Way) {
    const ROUNDS: u64 = 6;
    let seed = |thread: u64, round: u64| 0x9e37_79b9 * (thread * ROUNDS + round + 1);
    let alone = machine(guest, Way { mode: ExecutionMode::Interpret, ..way });
    let mut vcpu = Vcpu::new(&alone).expect("a vcpu");
    let mut expected = Vec::new();
    for thread in 0..THREADS {
        expected.push(
            (0..ROUNDS)
                .map(|round| compute(&mut vcpu, thread, seed(thread, round), Some(u64::MAX)))
                .collect::<Vec<_>>(),
        );
    }
    let vm = machine(guest, way);
    let start = Barrier::new(THREADS as usize + 1);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let dropper = scope.spawn(|| {
            start.wait();
            let mut times = 0u32;
            while !over.load(Ordering::Relaxed) {
                vm.invalidate_all();
                times += 1;
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
            times
        });
        let workers: Vec<_> = expected
            .iter()
            .zip(0..)
            .map(|(expected, thread)| {
                let (vm, start) = (&vm, &start);
                scope.spawn(move || {
                    let mut vcpu = Vcpu::new(vm).expect("a vcpu");
                    start.wait();
                    for (round, expected) in expected.iter().enumerate() {
                        let budget = [None, Some(1000), Some(77)][round % 3];
                        let found = compute(&mut vcpu, thread, seed(thread, round as u64), budget);
                        assert_eq!(found.0, expected.0, "{guest}, thread {thread}, round {round}");
                        assert!(budget.is_none() || found.1 == expected.1, "{found:?} {expected:?}");
                    }
                })
            })
            .collect();
        let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        over.store(true, Ordering::Relaxed);
        dropper.thread().unpark();
        assert!(dropper.join().expect("invalidation ends") > 0);
        for end in ended {
            end.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
    let stats = vm.stats();
    assert!(stats.units_compiled > 8 && stats.units_invalidated > 0, "{stats:?}");
    let crowded = way.arena_bytes < PLAIN.arena_bytes;
    assert!(!crowded || (stats.cache_evictions > 100 && stats.collections_minor > 10), "{stats:?}");
    vm.invalidate_all();
    let stats = vm.stats();
    assert_eq!((stats.cache_units, stats.cache_bytes), (0, 0), "nothing leaks");
}

#[test]
fn parallel_runs_of_x86_64_give_what_single_ones_give() {
    parallel_runs_give_what_single_ones_give(Guest::X86_64, PLAIN);
    parallel_runs_give_what_single_ones_give(Guest::X86_64, Way { memory: Mode::Paged, ..PLAIN });
    parallel_runs_give_what_single_ones_give(Guest::X86_64, Way { shuffle: Some(1), ..PLAIN });
    parallel_runs_give_what_single_ones_give(Guest::X86_64, Way { arena_bytes: SMALL, ..PLAIN });
}

#[test]
fn parallel_runs_of_aarch64_give_what_single_ones_give() {
    parallel_runs_give_what_single_ones_give(Guest::Aarch64, PLAIN);
    parallel_runs_give_what_single_ones_give(Guest::Aarch64, Way { memory: Mode::Paged, ..PLAIN });
    parallel_runs_give_what_single_ones_give(Guest::Aarch64, Way { shuffle: Some(1), ..PLAIN });
    parallel_runs_give_what_single_ones_give(Guest::Aarch64, Way { arena_bytes: SMALL, ..PLAIN });
}

#[test]
fn parallel_runs_of_riscv64_give_what_single_ones_give() {
    parallel_runs_give_what_single_ones_give(Guest::Riscv64, PLAIN);
    parallel_runs_give_what_single_ones_give(Guest::Riscv64, Way { memory: Mode::Paged, ..PLAIN });
    parallel_runs_give_what_single_ones_give(Guest::Riscv64, Way { shuffle: Some(1), ..PLAIN });
    parallel_runs_give_what_single_ones_give(Guest::Riscv64, Way { arena_bytes: SMALL, ..PLAIN });
}

/// As many atomic increments of a word as asked for, then a system call.
fn increments(guest: Guest) -> Vec<u8> {
    match guest {
        Guest::X86_64 => llvm::assemble("x86_64", "", "1: lock incq (%rdi)\ndecq %rsi\njnz 1b\nsyscall\n"),
        Guest::Aarch64 => llvm::assemble(
            "aarch64",
            "",
            "mov x3, #1\n1: ldxr x2, [x0]\nadd x2, x2, #1\nstxr w4, x2, [x0]\ncbnz w4, 1b\n\
             subs x1, x1, #1\nb.ne 1b\nsvc #0\n",
        ),
        Guest::Riscv64 => llvm::assemble(
            "riscv64",
            "+m,+a",
            "li a2, 1\n1: amoadd.d zero, a2, (a0)\naddi a1, a1, -1\nbnez a1, 1b\necall\n",
        ),
    }
}

/// A vCPU that believes to be alone runs atomics that are none; the moment that there is another, they are.
#[test]
fn atomics_are_atomic_as_soon_as_a_vcpu_is_not_alone() {
    const LOOPS: u64 = 3_000_000;
    for guest in [Guest::X86_64, Guest::Aarch64, Guest::Riscv64] {
        for mode in [ExecutionMode::Regions, ExecutionMode::Stencils, ExecutionMode::Compile] {
            let options = EngineOptions {
                mode,
                threshold: 2,
                promotion: Promotion::After(16),
                ..EngineOptions::default()
            };
            let engine = Engine::new(options).expect("an engine");
            let vm = Vm::new(&engine, guest, &VmOptions { alone: true, ..VmOptions::default() })
                .expect("a machine");
            vm.memory().map(CODE, 0x1000, Prot::RX).expect("free guest memory");
            vm.memory().map(DATA, 0x1000, Prot::RW).expect("free guest memory");
            vm.memory().write(CODE, &increments(guest), Permissions::Ignore).expect("mapped");
            let count = |vcpu: &mut Vcpu| {
                let [address, loops] = match guest {
                    Guest::X86_64 => ["rdi", "rsi"],
                    Guest::Aarch64 => ["x0", "x1"],
                    Guest::Riscv64 => ["a0", "a1"],
                };
                let register = |name| by_name(guest, name).expect("a register");
                vcpu.set_register(&register(address), DATA.into());
                vcpu.set_register(&register(loops), LOOPS.into());
                vcpu.set_pc(CODE);
                assert_eq!(vcpu.run(&RunOptions::default()).reason, Reason::Syscall);
            };
            let counter = || {
                let mut bytes = [0; 8];
                vm.memory().read(DATA, &mut bytes, Permissions::Ignore).expect("mapped");
                u64::from_le_bytes(bytes)
            };
            let mut first = Vcpu::new(&vm).expect("a vcpu");
            std::thread::scope(|scope| {
                let first = scope.spawn(|| count(&mut first));
                while counter() < LOOPS / 100 {
                    std::hint::spin_loop();
                }
                let mut second = Vcpu::new(&vm).expect("a vcpu");
                count(&mut second);
                first.join().expect("it counts to the end");
            });
            assert_eq!(counter(), 2 * LOOPS, "{guest}, {mode:?}");
        }
    }
}
