//! x86-TSO: stores of a processor in order, loads in order, and only a store may pass later loads. (Sewell, Sarkar, Owens, Zappa
//! Nardelli and Myreen: x86-TSO, 2010; Intel SDM volume 3, Memory Ordering)
//!
//! `[r8]` is x, `[r9]` y, `[r10]` z; rax, rbx, rcx and rdx are logged; r14 is the number of the round; rsi, rdi and r11 are free.

use super::{Litmus, Outcome, PATIENCE, ROUNDS_OF_A_BATCH, Variables, never};
use std::fmt::Write as _;

pub(super) fn program(thread: usize, others: &[usize], body: &str, stride: usize) -> String {
    let [first, more, less] = PATIENCE;
    let mut text = format!(
        ".intel_syntax noprefix\n mov r15d, {first}\n1: inc r14\n mov qword ptr [rbp + {}], r14\n mov r11d, r15d\n \
         mov r15d, {more}\n",
        64 * thread
    );
    for other in others {
        let at = 64 * other;
        let _ = write!(
            text,
            "2: dec r11d\n js 3f\n cmp qword ptr [rbp + {at}], r14\n jb 2b\n jmp 4f\n3: mov r15d, {less}\n4:\n"
        );
    }
    let _ = write!(
        text,
        " imul r11d, r14d, {}\n and r11d, 31\n4: dec r11d\n jns 4b\n\
         {body}\n mov [r13], rax\n mov [r13 + 8], rbx\n mov [r13 + 16], rcx\n mov [r13 + 24], rdx\n add r13, 32\n \
         add r8, {stride}\n add r9, {stride}\n add r10, {stride}\n dec r12\n jnz 1b\n syscall\n",
        2 * thread + 3
    );
    text
}

fn both_zero(o: &Outcome) -> bool {
    o.log[0][0] == 0 && o.log[1][0] == 0
}

fn both_one(o: &Outcome) -> bool {
    o.log[0][0] == 1 && o.log[1][0] == 1
}

fn stale(o: &Outcome) -> bool {
    o.log[1][0] == 1 && o.log[1][1] == 0
}

fn torn(o: &Outcome) -> bool {
    (0..2).any(|thread| o.log[thread][0] != o.log[thread][3])
}

pub(super) const TESTS: &[Litmus] = &[
    Litmus {
        name: "message passing",
        threads: &["mov dword ptr [r8], 1\n mov dword ptr [r9], 1", "mov eax, [r9]\n mov ebx, [r8]"],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, sfence and lfence",
        threads: &[
            "mov esi, 1\n mov dword ptr [r8], esi\n sfence\n mov dword ptr [r9], esi",
            "mov eax, [r9]\n lfence\n mov ebx, [r8]",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "store buffering",
        threads: &["mov dword ptr [r8], 1\n mov eax, [r9]", "mov dword ptr [r9], 1\n mov eax, [r8]"],
        variables: Variables::Fresh,
        forbidden: never,
        relaxed: both_zero,
    },
    Litmus {
        name: "store buffering, mfence",
        threads: &[
            "mov dword ptr [r8], 1\n mfence\n mov eax, [r9]",
            "mov dword ptr [r9], 1\n mfence\n mov eax, [r8]",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, xchg",
        threads: &[
            "mov esi, 1\n xchg [r8], esi\n mov eax, [r9]",
            "mov esi, 1\n xchg [r9], esi\n mov eax, [r8]",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, locked instruction elsewhere",
        threads: &[
            "mov dword ptr [r8], 1\n lock or dword ptr [r13], 0\n mov eax, [r9]",
            "mov dword ptr [r9], 1\n lock or dword ptr [r13], 0\n mov eax, [r8]",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, cmpxchg that fails",
        threads: &[
            "mov dword ptr [r8], 1\n mov eax, 77\n lock cmpxchg dword ptr [r10], esi\n mov eax, [r9]",
            "mov dword ptr [r9], 1\n mov eax, 77\n lock cmpxchg dword ptr [r10], esi\n mov eax, [r8]",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering with own stores read",
        threads: &[
            "mov dword ptr [r8], 1\n mov ebx, [r8]\n mov eax, [r9]",
            "mov dword ptr [r9], 1\n mov ebx, [r9]\n mov eax, [r8]",
        ],
        variables: Variables::Fresh,
        forbidden: |o| o.log[0][1] != 1 || o.log[1][1] != 1,
        relaxed: both_zero,
    },
    Litmus {
        name: "load buffering",
        threads: &["mov eax, [r8]\n mov dword ptr [r9], 1", "mov eax, [r9]\n mov dword ptr [r8], 1"],
        variables: Variables::Fresh,
        forbidden: both_one,
        relaxed: never,
    },
    Litmus {
        name: "independent reads of independent writes",
        threads: &[
            "mov dword ptr [r8], 1",
            "mov dword ptr [r9], 1",
            "mov eax, [r8]\n mov ebx, [r9]",
            "mov eax, [r9]\n mov ebx, [r8]",
        ],
        variables: Variables::Fresh,
        forbidden: |o| o.log[2][..2] == [1, 0] && o.log[3][..2] == [1, 0],
        relaxed: never,
    },
    Litmus {
        name: "write to read causality",
        threads: &[
            "mov dword ptr [r8], 1",
            "mov eax, [r8]\n mov dword ptr [r9], eax",
            "mov eax, [r9]\n mov ebx, [r8]",
        ],
        variables: Variables::Fresh,
        forbidden: |o| o.log[2][..2] == [1, 0],
        relaxed: never,
    },
    Litmus {
        name: "R, mfence",
        threads: &[
            "mov dword ptr [r8], 1\n mov dword ptr [r9], 1",
            "mov dword ptr [r9], 2\n mfence\n mov eax, [r8]",
        ],
        variables: Variables::Fresh,
        forbidden: |o| o.y == 2 && o.log[1][0] == 0,
        relaxed: never,
    },
    Litmus {
        name: "2+2 writes",
        threads: &[
            "mov dword ptr [r8], 1\n mov dword ptr [r9], 2",
            "mov dword ptr [r9], 1\n mov dword ptr [r8], 2",
        ],
        variables: Variables::Fresh,
        forbidden: |o| o.x == 1 && o.y == 1,
        relaxed: never,
    },
    Litmus {
        name: "coherence of reads",
        threads: &["mov dword ptr [r8], 1", "mov eax, [r8]\n mov ebx, [r8]"],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "coherence of writes",
        threads: &["mov dword ptr [r8], 1\n mov dword ptr [r8], 2", "mov eax, [r8]\n mov ebx, [r8]"],
        variables: Variables::Fresh,
        forbidden: |o| o.x != 2 || o.log[1][0] > o.log[1][1],
        relaxed: never,
    },
    Litmus {
        name: "coherence of a write and a read",
        threads: &["mov dword ptr [r8], 1\n mov eax, [r8]", "mov dword ptr [r8], 2"],
        variables: Variables::Fresh,
        forbidden: |o| o.log[0][0] == 0 || o.log[0][0] == 2 && o.x == 1,
        relaxed: never,
    },
    Litmus {
        name: "coherence of a read and a write",
        threads: &["mov eax, [r8]\n mov dword ptr [r8], 1", "mov dword ptr [r8], 2"],
        variables: Variables::Fresh,
        forbidden: |o| o.log[0][0] == 1 || o.log[0][0] == 2 && o.x == 2,
        relaxed: never,
    },
    Litmus {
        name: "seqlock",
        threads: &[
            "mov rsi, [r8]\n inc rsi\n mov [r8], rsi\n mov [r9], r14\n mov [r10], r14\n inc rsi\n mov [r8], rsi",
            "mov rax, [r8]\n mov rbx, [r9]\n mov rcx, [r10]\n mov rdx, [r8]",
        ],
        variables: Variables::Kept,
        forbidden: |o| {
            let [begin, y, z, end] = o.log[1];
            begin == end && begin % 2 == 0 && y != z
        },
        relaxed: never,
    },
    Litmus {
        name: "counter, lock xadd and lock inc",
        threads: &[
            "mov esi, 1\n lock xadd [r8], rsi",
            "lock inc qword ptr [r8]",
            "lock add qword ptr [r8], 1",
        ],
        variables: Variables::Kept,
        forbidden: |o| o.x != 3 * ROUNDS_OF_A_BATCH,
        relaxed: never,
    },
    Litmus {
        name: "counter, cmpxchg",
        threads: &[
            "mov rax, [r8]\n5: lea rsi, [rax + 1]\n lock cmpxchg [r8], rsi\n jne 5b",
            "mov rax, [r8]\n5: lea rsi, [rax + 1]\n lock cmpxchg [r8], rsi\n jne 5b",
        ],
        variables: Variables::Kept,
        forbidden: |o| o.x != 2 * ROUNDS_OF_A_BATCH,
        relaxed: never,
    },
    Litmus {
        name: "misaligned counter, lock inc",
        threads: &["lock inc qword ptr [r8 + 4]", "lock inc qword ptr [r8 + 4]"],
        variables: Variables::Kept,
        forbidden: |o| o.x >> 32 != 2 * ROUNDS_OF_A_BATCH,
        relaxed: never,
    },
    Litmus {
        name: "lock by xchg",
        threads: &[
            "5: mov esi, 1\n xchg [r8], esi\n test esi, esi\n jnz 5b\n inc qword ptr [r9]\n mov dword ptr [r8], 0",
            "5: mov esi, 1\n xchg [r8], esi\n test esi, esi\n jnz 5b\n inc qword ptr [r9]\n mov dword ptr [r8], 0",
        ],
        variables: Variables::Kept,
        forbidden: |o| o.y != 2 * ROUNDS_OF_A_BATCH,
        relaxed: never,
    },
    Litmus {
        name: "128-bit swap, cmpxchg16b",
        threads: &[
            "xor eax, eax\n xor edx, edx\n5: mov rbx, r14\n mov rcx, r14\n lock cmpxchg16b [r8]\n jne 5b",
            "xor eax, eax\n xor edx, edx\n5: mov rbx, r14\n mov rcx, r14\n lock cmpxchg16b [r8]\n jne 5b",
        ],
        variables: Variables::Kept,
        forbidden: |o| (0..2).any(|thread| o.log[thread][0] != o.log[thread][3]),
        relaxed: never,
    },
    Litmus {
        name: "128-bit counter, cmpxchg16b",
        threads: &[
            "xor eax, eax\n xor edx, edx\n5: lea rbx, [rax + 1]\n lea rcx, [rdx + 1]\n lock cmpxchg16b [r8]\n jne 5b",
            "xor eax, eax\n xor edx, edx\n5: lea rbx, [rax + 1]\n lea rcx, [rdx + 1]\n lock cmpxchg16b [r8]\n jne 5b",
        ],
        variables: Variables::Kept,
        forbidden: |o| o.x != 2 * ROUNDS_OF_A_BATCH || torn(o),
        relaxed: never,
    },
];
