//! RVWMO: multi-copy atomic; the preserved program order of dependencies, fences, acquires and releases. (RISC-V Unprivileged
//! ISA, RVWMO Memory Consistency Model)
//!
//! `(s2)` is x, `(s3)` y, `(s4)` z; a0 to a3 are logged; s5 is the number of the round; t0 to t4 and a4 to a7 are free.

use super::{Litmus, Outcome, PATIENCE, ROUNDS_OF_A_BATCH, Variables, never};
use std::fmt::Write as _;

pub(super) fn program(thread: usize, others: &[usize], body: &str, stride: usize) -> String {
    let [first, more, less] = PATIENCE;
    let mut text = format!(
        "li s9, {first}\n1: addi s5, s5, 1\n sd s5, {}(s8)\n mv t5, s9\n li s9, {more}\n",
        64 * thread
    );
    for other in others {
        let at = 64 * other;
        let _ = write!(
            text,
            "2: addi t5, t5, -1\n bltz t5, 3f\n ld t6, {at}(s8)\n bltu t6, s5, 2b\n j 4f\n3: li s9, {less}\n4:\n"
        );
    }
    let _ = write!(
        text,
        " li t6, {}\n mul t6, t6, s5\n andi t6, t6, 31\n4: addi t6, t6, -1\n bgez t6, 4b\n\
         {body}\n sd a0, 0(s7)\n sd a1, 8(s7)\n sd a2, 16(s7)\n sd a3, 24(s7)\n addi s7, s7, 32\n \
         addi s2, s2, {stride}\n addi s3, s3, {stride}\n addi s4, s4, {stride}\n addi s6, s6, -1\n bnez s6, 1b\n \
         ecall\n",
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

/// Two threads read two writes in different orders.
fn disagree(o: &Outcome) -> bool {
    o.log[2][..2] == [1, 0] && o.log[3][..2] == [1, 0]
}

/// A reader of a seqlock that found it unlocked and unchanged has read halves of two writes.
fn torn(o: &Outcome) -> bool {
    let [begin, y, z, end] = o.log[1];
    begin == end && begin % 2 == 0 && y != z
}

fn lost_counts(o: &Outcome) -> bool {
    o.x != 2 * ROUNDS_OF_A_BATCH
}

pub(super) const TESTS: &[Litmus] = &[
    Litmus {
        name: "message passing",
        threads: &["li t0, 1\nsw t0, 0(s2)\n sw t0, 0(s3)", "lw a0, 0(s3)\n lw a1, 0(s2)"],
        variables: Variables::Fresh,
        forbidden: never,
        relaxed: stale,
    },
    Litmus {
        name: "message passing, fence rw,rw",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n fence rw, rw\n sw t0, 0(s3)",
            "lw a0, 0(s3)\n fence rw, rw\n lw a1, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, fence w,w and fence r,r",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n fence w, w\n sw t0, 0(s3)",
            "lw a0, 0(s3)\n fence r, r\n lw a1, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, fence rw,w and fence r,rw",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n fence rw, w\n sw t0, 0(s3)",
            "lw a0, 0(s3)\n fence r, rw\n lw a1, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, fence.tso",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n fence.tso\n sw t0, 0(s3)",
            "lw a0, 0(s3)\n fence.tso\n lw a1, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, amoswap.rl and lr.aq",
        threads: &["li t0, 1\nsw t0, 0(s2)\n amoswap.w.rl zero, t0, (s3)", "lr.w.aq a0, (s3)\n lw a1, 0(s2)"],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, sc.rl and amoor.aq",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n5: lr.w t1, (s3)\n sc.w.rl t2, t0, (s3)\n bnez t2, 5b",
            "amoor.w.aq a0, zero, (s3)\n lw a1, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, fence and address dependency",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n fence w, w\n sw t0, 0(s3)",
            "lw a0, 0(s3)\n xor t1, a0, a0\n add t1, t1, s2\n lw a1, 0(t1)",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "store buffering",
        threads: &["li t0, 1\nsw t0, 0(s2)\n lw a0, 0(s3)", "li t0, 1\nsw t0, 0(s3)\n lw a0, 0(s2)"],
        variables: Variables::Fresh,
        forbidden: never,
        relaxed: both_zero,
    },
    Litmus {
        name: "store buffering, fence rw,rw",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n fence rw, rw\n lw a0, 0(s3)",
            "li t0, 1\nsw t0, 0(s3)\n fence rw, rw\n lw a0, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, fence w,r",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n fence w, r\n lw a0, 0(s3)",
            "li t0, 1\nsw t0, 0(s3)\n fence w, r\n lw a0, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, fence.tso",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n fence.tso\n lw a0, 0(s3)",
            "li t0, 1\nsw t0, 0(s3)\n fence.tso\n lw a0, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: never,
        relaxed: both_zero,
    },
    Litmus {
        name: "store buffering, amoswap.rl and lr.aq",
        threads: &[
            "li t0, 1\namoswap.w.rl zero, t0, (s2)\n lr.w.aq a0, (s3)",
            "li t0, 1\namoswap.w.rl zero, t0, (s3)\n lr.w.aq a0, (s2)",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, amoadd.aqrl elsewhere",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)\n amoadd.w.aqrl t1, t0, (s4)\n lw a0, 0(s3)",
            "li t0, 1\nsw t0, 0(s3)\n amoadd.w.aqrl t1, t0, (s4)\n lw a0, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "load buffering",
        threads: &["lw a0, 0(s2)\n li t0, 1\n sw t0, 0(s3)", "lw a0, 0(s3)\n li t0, 1\n sw t0, 0(s2)"],
        variables: Variables::Fresh,
        forbidden: never,
        relaxed: both_one,
    },
    Litmus {
        name: "load buffering, data dependency",
        threads: &[
            "lw a0, 0(s2)\n xor t0, a0, a0\n addi t0, t0, 1\n sw t0, 0(s3)",
            "lw a0, 0(s3)\n sub t0, a0, a0\n addi t0, t0, 1\n sw t0, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: both_one,
        relaxed: never,
    },
    Litmus {
        name: "load buffering, control dependency",
        threads: &[
            "lw a0, 0(s2)\n bne a0, a0, 5f\n5: li t0, 1\n sw t0, 0(s3)",
            "lw a0, 0(s3)\n beqz a0, 5f\n5: li t0, 1\n sw t0, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: both_one,
        relaxed: never,
    },
    Litmus {
        name: "load buffering, fence r,w",
        threads: &[
            "lw a0, 0(s2)\n fence r, w\n li t0, 1\n sw t0, 0(s3)",
            "lw a0, 0(s3)\n fence r, w\n li t0, 1\n sw t0, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: both_one,
        relaxed: never,
    },
    Litmus {
        name: "independent reads of independent writes, fence r,r",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)",
            "li t0, 1\nsw t0, 0(s3)",
            "lw a0, 0(s2)\n fence r, r\n lw a1, 0(s3)",
            "lw a0, 0(s3)\n fence r, r\n lw a1, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: disagree,
        relaxed: never,
    },
    Litmus {
        name: "write to read causality, dependencies",
        threads: &[
            "li t0, 1\nsw t0, 0(s2)",
            "lw a0, 0(s2)\n sw a0, 0(s3)",
            "lw a0, 0(s3)\n xor t1, a0, a0\n add t1, t1, s2\n lw a1, 0(t1)",
        ],
        variables: Variables::Fresh,
        forbidden: |o| o.log[2][..2] == [1, 0],
        relaxed: never,
    },
    Litmus {
        name: "2+2 writes, fence w,w",
        threads: &[
            "li t0, 1\nli t1, 2\n sw t0, 0(s2)\n fence w, w\n sw t1, 0(s3)",
            "li t0, 1\nli t1, 2\n sw t0, 0(s3)\n fence w, w\n sw t1, 0(s2)",
        ],
        variables: Variables::Fresh,
        forbidden: |o| o.x == 1 && o.y == 1,
        relaxed: never,
    },
    Litmus {
        name: "coherence of reads",
        threads: &["li t0, 1\nsw t0, 0(s2)", "lw a0, 0(s2)\n lw a1, 0(s2)"],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "coherence of writes",
        threads: &["li t0, 1\nli t1, 2\n sw t0, 0(s2)\n sw t1, 0(s2)", "lw a0, 0(s2)\n lw a1, 0(s2)"],
        variables: Variables::Fresh,
        forbidden: |o| o.x != 2 || o.log[1][0] > o.log[1][1],
        relaxed: never,
    },
    Litmus {
        name: "coherence of a write and a read",
        threads: &["li t0, 1\nsw t0, 0(s2)\n lw a0, 0(s2)", "li t0, 2\n sw t0, 0(s2)"],
        variables: Variables::Fresh,
        forbidden: |o| o.log[0][0] == 0 || o.log[0][0] == 2 && o.x == 1,
        relaxed: never,
    },
    Litmus {
        name: "coherence of a read and a write",
        threads: &["lw a0, 0(s2)\n li t0, 1\n sw t0, 0(s2)", "li t0, 2\n sw t0, 0(s2)"],
        variables: Variables::Fresh,
        forbidden: |o| o.log[0][0] == 1 || o.log[0][0] == 2 && o.x == 2,
        relaxed: never,
    },
    Litmus {
        name: "seqlock, fences",
        threads: &[
            "ld t0, 0(s2)\n addi t0, t0, 1\n sd t0, 0(s2)\n fence w, w\n sd s5, 0(s3)\n sd s5, 0(s4)\n fence w, w\n addi t0, t0, 1\n sd t0, 0(s2)",
            "ld a0, 0(s2)\n fence r, r\n ld a1, 0(s3)\n ld a2, 0(s4)\n fence r, r\n ld a3, 0(s2)",
        ],
        variables: Variables::Kept,
        forbidden: torn,
        relaxed: never,
    },
    Litmus {
        name: "counter, lr and sc",
        threads: &[
            "5: lr.d t0, (s2)\n addi t0, t0, 1\n sc.d t1, t0, (s2)\n bnez t1, 5b",
            "5: lr.d t0, (s2)\n addi t0, t0, 1\n sc.d t1, t0, (s2)\n bnez t1, 5b",
        ],
        variables: Variables::Kept,
        forbidden: lost_counts,
        relaxed: never,
    },
    Litmus {
        name: "counter, amoadd and lr.aqrl",
        threads: &[
            "li t0, 1\namoadd.d zero, t0, (s2)",
            "5: lr.d.aqrl t0, (s2)\n addi t0, t0, 1\n sc.d.rl t1, t0, (s2)\n bnez t1, 5b",
        ],
        variables: Variables::Kept,
        forbidden: lost_counts,
        relaxed: never,
    },
    Litmus {
        name: "lock, amoswap.aq and amoswap.rl",
        threads: &[
            "5: li t0, 1\n amoswap.w.aq t1, t0, (s2)\n bnez t1, 5b\n ld t2, 0(s3)\n addi t2, t2, 1\n sd t2, 0(s3)\n amoswap.w.rl zero, zero, (s2)",
            "5: li t0, 1\n amoswap.w.aq t1, t0, (s2)\n bnez t1, 5b\n ld t2, 0(s3)\n addi t2, t2, 1\n sd t2, 0(s3)\n amoswap.w.rl zero, zero, (s2)",
        ],
        variables: Variables::Kept,
        forbidden: |o| o.y != 2 * ROUNDS_OF_A_BATCH,
        relaxed: never,
    },
    Litmus {
        name: "32-bit counters in one word, amoadd.w",
        threads: &[
            "li t0, 1\n amoadd.w zero, t0, (s2)",
            "addi t1, s2, 4\n li t0, 1\n amoadd.w zero, t0, (t1)",
        ],
        variables: Variables::Kept,
        forbidden: |o| o.x != ROUNDS_OF_A_BATCH << 32 | ROUNDS_OF_A_BATCH,
        relaxed: never,
    },
];
