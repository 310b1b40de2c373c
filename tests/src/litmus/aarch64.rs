//! AArch64: multi-copy atomic; plain accesses in any order but for dependencies, barriers, acquires and releases. (Arm ARM, Memory
//! ordering; Pulte, Flur, Deacon, French, Sarkar and Sewell: Simplifying ARM Concurrency, 2018)
//!
//! `[x19]` is x, `[x20]` y, `[x21]` z; x0 to x3 are logged; x22 is the number of the round; x4 to x13 are free.

use super::{Litmus, Outcome, PATIENCE, ROUNDS_OF_A_BATCH, Variables, never};
use std::fmt::Write as _;

pub(super) fn program(thread: usize, others: &[usize], body: &str, stride: usize) -> String {
    let [first, more, less] = PATIENCE;
    let mut text = format!(
        "mov w26, #{}\n movk w26, #{}, lsl #16\n1: add x22, x22, #1\n str x22, [x25, #{}]\n mov w15, w26\n \
         mov w26, #{more}\n",
        first & 0xffff,
        first >> 16,
        64 * thread
    );
    for other in others {
        let at = 64 * other;
        let _ = write!(
            text,
            "2: subs x15, x15, #1\n b.mi 3f\n ldr x14, [x25, #{at}]\n cmp x14, x22\n b.lo 2b\n b 4f\n\
             3: mov w26, #{less}\n4:\n"
        );
    }
    let _ = write!(
        text,
        " mov w14, #{}\n mul w14, w14, w22\n and w14, w14, #31\n4: subs w14, w14, #1\n b.pl 4b\n\
         {body}\n stp x0, x1, [x24], #16\n stp x2, x3, [x24], #16\n add x19, x19, #{stride}\n \
         add x20, x20, #{stride}\n add x21, x21, #{stride}\n subs x23, x23, #1\n b.ne 1b\n svc #0\n",
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

fn halves_differ(o: &Outcome) -> bool {
    (0..2).any(|thread| o.log[thread][0] != o.log[thread][1])
}

pub(super) const TESTS: &[Litmus] = &[
    Litmus {
        name: "message passing",
        threads: &["mov w4, #1\nstr w4, [x19]\n str w4, [x20]", "ldr w0, [x20]\n ldr w1, [x19]"],
        variables: Variables::Fresh,
        forbidden: never,
        relaxed: stale,
    },
    Litmus {
        name: "message passing, dmb ish",
        threads: &[
            "mov w4, #1\nstr w4, [x19]\n dmb ish\n str w4, [x20]",
            "ldr w0, [x20]\n dmb ish\n ldr w1, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, dmb ishst and dmb ishld",
        threads: &[
            "mov w4, #1\nstr w4, [x19]\n dmb ishst\n str w4, [x20]",
            "ldr w0, [x20]\n dmb ishld\n ldr w1, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, dsb sy and isb behind a branch",
        threads: &[
            "mov w4, #1\nstr w4, [x19]\n dsb sy\n str w4, [x20]",
            "ldr w0, [x20]\n cbnz w0, 5f\n5: isb\n ldr w1, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, stlr and ldar",
        threads: &["mov w4, #1\nstr w4, [x19]\n stlr w4, [x20]", "ldar w0, [x20]\n ldr w1, [x19]"],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, stlr and ldapr",
        threads: &["mov w4, #1\nstr w4, [x19]\n stlr w4, [x20]", "ldapr w0, [x20]\n ldr w1, [x19]"],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, stlxr and ldaxr",
        threads: &[
            "mov w4, #1\nstr w4, [x19]\n5: ldxr w5, [x20]\n stlxr w6, w4, [x20]\n cbnz w6, 5b",
            "ldaxr w0, [x20]\n clrex\n ldr w1, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "message passing, swpl and address dependency",
        threads: &[
            "mov w4, #1\nstr w4, [x19]\n swpl w4, w5, [x20]",
            "ldr w0, [x20]\n eor x5, x0, x0\n ldr w1, [x19, x5]",
        ],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "store buffering",
        threads: &["mov w4, #1\nstr w4, [x19]\n ldr w0, [x20]", "mov w4, #1\nstr w4, [x20]\n ldr w0, [x19]"],
        variables: Variables::Fresh,
        forbidden: never,
        relaxed: both_zero,
    },
    Litmus {
        name: "store buffering, dmb ish",
        threads: &[
            "mov w4, #1\nstr w4, [x19]\n dmb ish\n ldr w0, [x20]",
            "mov w4, #1\nstr w4, [x20]\n dmb ish\n ldr w0, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, stlr and ldar",
        threads: &[
            "mov w4, #1\nstlr w4, [x19]\n ldar w0, [x20]",
            "mov w4, #1\nstlr w4, [x20]\n ldar w0, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, stlrb and ldarb",
        threads: &[
            "mov w4, #1\nstlrb w4, [x19]\n ldarb w0, [x20]",
            "mov w4, #1\nstlrb w4, [x20]\n ldarb w0, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, stlr and ldapr",
        threads: &[
            "mov w4, #1\nstlr w4, [x19]\n ldapr w0, [x20]",
            "mov w4, #1\nstlr w4, [x20]\n ldapr w0, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: never,
        relaxed: both_zero,
    },
    Litmus {
        name: "store buffering, casal elsewhere",
        threads: &[
            "mov w4, #1\nstr w4, [x19]\n casal w5, w6, [x21]\n ldr w0, [x20]",
            "mov w4, #1\nstr w4, [x20]\n casal w5, w6, [x21]\n ldr w0, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "store buffering, swpal and ldar",
        threads: &[
            "mov w4, #1\nswpal w4, w5, [x19]\n ldar w0, [x20]",
            "mov w4, #1\nswpal w4, w5, [x20]\n ldar w0, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: both_zero,
        relaxed: never,
    },
    Litmus {
        name: "load buffering",
        threads: &[
            "ldr w0, [x19]\n mov w4, #1\n str w4, [x20]",
            "ldr w0, [x20]\n mov w4, #1\n str w4, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: never,
        relaxed: both_one,
    },
    Litmus {
        name: "load buffering, data dependency",
        threads: &[
            "ldr w0, [x19]\n eor w4, w0, w0\n add w4, w4, #1\n str w4, [x20]",
            "ldr w0, [x20]\n eor w4, w0, w0\n add w4, w4, #1\n str w4, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: both_one,
        relaxed: never,
    },
    Litmus {
        name: "load buffering, control dependency",
        threads: &[
            "ldr w0, [x19]\n cbnz w0, 5f\n5: mov w4, #1\n str w4, [x20]",
            "ldr w0, [x20]\n cbnz w0, 5f\n5: mov w4, #1\n str w4, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: both_one,
        relaxed: never,
    },
    Litmus {
        name: "load buffering, ldar and stlr",
        threads: &[
            "ldar w0, [x19]\n mov w4, #1\n str w4, [x20]",
            "ldr w0, [x20]\n mov w4, #1\n stlr w4, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: both_one,
        relaxed: never,
    },
    Litmus {
        name: "independent reads of independent writes, dmb ishld",
        threads: &[
            "mov w4, #1\nstr w4, [x19]",
            "mov w4, #1\nstr w4, [x20]",
            "ldr w0, [x19]\n dmb ishld\n ldr w1, [x20]",
            "ldr w0, [x20]\n dmb ishld\n ldr w1, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: disagree,
        relaxed: never,
    },
    Litmus {
        name: "independent reads of independent writes, ldar",
        threads: &[
            "mov w4, #1\nstr w4, [x19]",
            "mov w4, #1\nstr w4, [x20]",
            "ldar w0, [x19]\n ldr w1, [x20]",
            "ldar w0, [x20]\n ldr w1, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: disagree,
        relaxed: never,
    },
    Litmus {
        name: "write to read causality, dependencies",
        threads: &[
            "mov w4, #1\nstr w4, [x19]",
            "ldr w0, [x19]\n str w0, [x20]",
            "ldr w0, [x20]\n eor x5, x0, x0\n ldr w1, [x19, x5]",
        ],
        variables: Variables::Fresh,
        forbidden: |o| o.log[2][..2] == [1, 0],
        relaxed: never,
    },
    Litmus {
        name: "2+2 writes, dmb ishst",
        threads: &[
            "mov w4, #1\nmov w5, #2\n str w4, [x19]\n dmb ishst\n str w5, [x20]",
            "mov w4, #1\nmov w5, #2\n str w4, [x20]\n dmb ishst\n str w5, [x19]",
        ],
        variables: Variables::Fresh,
        forbidden: |o| o.x == 1 && o.y == 1,
        relaxed: never,
    },
    Litmus {
        name: "coherence of reads",
        threads: &["mov w4, #1\nstr w4, [x19]", "ldr w0, [x19]\n ldr w1, [x19]"],
        variables: Variables::Fresh,
        forbidden: stale,
        relaxed: never,
    },
    Litmus {
        name: "coherence of writes",
        threads: &["mov w4, #1\nmov w5, #2\n str w4, [x19]\n str w5, [x19]", "ldr w0, [x19]\n ldr w1, [x19]"],
        variables: Variables::Fresh,
        forbidden: |o| o.x != 2 || o.log[1][0] > o.log[1][1],
        relaxed: never,
    },
    Litmus {
        name: "coherence of a write and a read",
        threads: &["mov w4, #1\nstr w4, [x19]\n ldr w0, [x19]", "mov w4, #2\n str w4, [x19]"],
        variables: Variables::Fresh,
        forbidden: |o| o.log[0][0] == 0 || o.log[0][0] == 2 && o.x == 1,
        relaxed: never,
    },
    Litmus {
        name: "coherence of a read and a write",
        threads: &["ldr w0, [x19]\n mov w4, #1\n str w4, [x19]", "mov w4, #2\n str w4, [x19]"],
        variables: Variables::Fresh,
        forbidden: |o| o.log[0][0] == 1 || o.log[0][0] == 2 && o.x == 2,
        relaxed: never,
    },
    Litmus {
        name: "seqlock, dmb",
        threads: &[
            "ldr x4, [x19]\n add x4, x4, #1\n str x4, [x19]\n dmb ishst\n str x22, [x20]\n str x22, [x21]\n dmb ishst\n add x4, x4, #1\n str x4, [x19]",
            "ldr x0, [x19]\n dmb ishld\n ldr x1, [x20]\n ldr x2, [x21]\n dmb ishld\n ldr x3, [x19]",
        ],
        variables: Variables::Kept,
        forbidden: torn,
        relaxed: never,
    },
    Litmus {
        name: "seqlock, stlr and ldar",
        threads: &[
            "ldr x4, [x19]\n add x4, x4, #1\n str x4, [x19]\n dmb ishst\n str x22, [x20]\n str x22, [x21]\n add x4, x4, #1\n stlr x4, [x19]",
            "ldar x0, [x19]\n ldar x1, [x20]\n ldar x2, [x21]\n ldr x3, [x19]",
        ],
        variables: Variables::Kept,
        forbidden: torn,
        relaxed: never,
    },
    Litmus {
        name: "counter, ldxr and stxr",
        threads: &[
            "5: ldxr x4, [x19]\n add x4, x4, #1\n stxr w5, x4, [x19]\n cbnz w5, 5b",
            "5: ldxr x4, [x19]\n add x4, x4, #1\n stxr w5, x4, [x19]\n cbnz w5, 5b",
        ],
        variables: Variables::Kept,
        forbidden: lost_counts,
        relaxed: never,
    },
    Litmus {
        name: "counter, ldadd and cas",
        threads: &[
            "mov x4, #1\n ldadd x4, x5, [x19]",
            "ldr x4, [x19]\n5: mov x6, x4\n add x5, x4, #1\n cas x4, x5, [x19]\n cmp x4, x6\n b.ne 5b",
        ],
        variables: Variables::Kept,
        forbidden: lost_counts,
        relaxed: never,
    },
    Litmus {
        name: "lock, ldaxr and stlr",
        threads: &[
            "5: ldaxr w4, [x19]\n cbnz w4, 5b\n mov w5, #1\n stxr w6, w5, [x19]\n cbnz w6, 5b\n ldr x4, [x20]\n add x4, x4, #1\n str x4, [x20]\n stlr wzr, [x19]",
            "5: ldaxr w4, [x19]\n cbnz w4, 5b\n mov w5, #1\n stxr w6, w5, [x19]\n cbnz w6, 5b\n ldr x4, [x20]\n add x4, x4, #1\n str x4, [x20]\n stlr wzr, [x19]",
        ],
        variables: Variables::Kept,
        forbidden: |o| o.y != 2 * ROUNDS_OF_A_BATCH,
        relaxed: never,
    },
    Litmus {
        name: "128-bit swap, casp",
        threads: &[
            "mov x4, #0\n mov x5, #0\n5: mov x6, x22\n mov x7, x22\n mov x0, x4\n mov x1, x5\n casp x4, x5, x6, x7, [x19]\n cmp x4, x0\n b.ne 5b\n cmp x5, x1\n b.ne 5b",
            "mov x4, #0\n mov x5, #0\n5: mov x6, x22\n mov x7, x22\n mov x0, x4\n mov x1, x5\n casp x4, x5, x6, x7, [x19]\n cmp x4, x0\n b.ne 5b\n cmp x5, x1\n b.ne 5b",
        ],
        variables: Variables::Kept,
        forbidden: halves_differ,
        relaxed: never,
    },
    Litmus {
        name: "128-bit swap, ldxp and stxp",
        threads: &[
            "5: ldxp x0, x1, [x19]\n stxp w4, x22, x22, [x19]\n cbnz w4, 5b",
            "5: ldxp x0, x1, [x19]\n stxp w4, x22, x22, [x19]\n cbnz w4, 5b",
        ],
        variables: Variables::Kept,
        forbidden: halves_differ,
        relaxed: never,
    },
    Litmus {
        name: "128-bit counter, ldaxp and stlxp",
        threads: &[
            "5: ldaxp x0, x1, [x19]\n add x4, x0, #1\n add x5, x1, #1\n stlxp w6, x4, x5, [x19]\n cbnz w6, 5b",
            "5: ldaxp x0, x1, [x19]\n add x4, x0, #1\n add x5, x1, #1\n stlxp w6, x4, x5, [x19]\n cbnz w6, 5b",
        ],
        variables: Variables::Kept,
        forbidden: |o| lost_counts(o) || halves_differ(o),
        relaxed: never,
    },
];
