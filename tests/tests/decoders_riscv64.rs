//! The RISC-V decoder against llvm-mc and capstone: rows, random words, and the code of a real libc.

use capstone::arch::BuildsCapstone;
use capstone::arch::BuildsCapstoneExtraMode;
use capstone::arch::riscv::{ArchExtraMode, ArchMode};
use decoders::riscv64::{Extension, Insn, Op, compressed, csr, decode, table, text};
use std::collections::{BTreeMap, BTreeSet};
use tests::random::Random;
use tests::{cross_libc, llvm};

/// All extensions that have rows but Zicond, which LLVM 16 does not know: see `zicond_is_encoded_as_in_the_manual`.
const FEATURES: &str = "+m,+a,+f,+d,+c,+zba,+zbb,+zbs";

/// One instruction in memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Code {
    word: u32,
    len: usize,
}

impl Code {
    fn word(word: u32) -> Code {
        Code { word, len: 4 }
    }

    fn half(half: u16) -> Code {
        Code { word: half.into(), len: 2 }
    }

    fn decode(self) -> Option<Insn> {
        decode(&self.word.to_le_bytes()[..self.len], 0).ok()
    }
}

fn judge(code: &[Code]) -> Vec<Option<String>> {
    let bytes: Vec<[u8; 4]> = code.iter().map(|code| code.word.to_le_bytes()).collect();
    let bytes = bytes.iter().zip(code).map(|(bytes, code)| &bytes[..code.len]);
    llvm::disassemble_with("riscv64", FEATURES, &["-M", "no-aliases"], bytes)
}

/// Why it is no fault of ours that only one side accepts.
fn accepted_difference(ours: Option<&Insn>, llvm: Option<&str>) -> Option<&'static str> {
    let llvm_name = llvm.and_then(|text| text.split_whitespace().next());
    match (ours, llvm_name) {
        (Some(insn), None) => match insn.op {
            Op::CzeroEqz | Op::CzeroNez => Some("LLVM 16 does not know Zicond"),
            Op::Fence | Op::FenceI => {
                Some("LLVM refuses reserved fields of fences; the manual lets implementations ignore them")
            }
            Op::FcvtDS | Op::FcvtDW | Op::FcvtDWu if insn.rm != 0 => {
                Some("LLVM 16 wants rm = 0 where the result is exact; the manual allows every rounding mode")
            }
            _ => None,
        },
        (None, Some("c.lui")) => {
            Some("LLVM takes c.lui with rd = 0 for a HINT even where nzimm = 0 reserves it")
        }
        (None, Some("c.unimp")) => Some("LLVM gives the defined illegal instruction 0x0000 a name"),
        (
            None,
            Some(
                "mret" | "sret" | "uret" | "dret" | "mnret" | "wfi" | "sfence.vma" | "sfence.w.inval"
                | "sfence.inval.ir" | "sinval.vma" | "hfence.vvma" | "hfence.gvma" | "hinval.vvma"
                | "hinval.gvma" | "hlv.b" | "hlv.bu" | "hlv.h" | "hlv.hu" | "hlv.w" | "hlv.wu" | "hlv.d"
                | "hlvx.hu" | "hlvx.wu" | "hsv.b" | "hsv.h" | "hsv.w" | "hsv.d",
            ),
        ) => Some("privileged instructions are illegal in user mode"),
        _ => None,
    }
}

/// Whether two texts say the same: spaces aside, numbers by value (ours has addresses where LLVM has offsets, and
/// they are equal at address 0), a dynamic rounding mode may be left out.
fn same_text(ours: &str, llvm: &str) -> bool {
    let llvm = llvm.strip_suffix(", dyn").unwrap_or(llvm);
    let tokens = |text: &str| -> Vec<String> {
        text.replace(['(', ')'], ",")
            .split([' ', '\t', ','])
            .filter(|token| !token.is_empty())
            .map(|token| match token.strip_prefix("0x") {
                Some(hex) => (u64::from_str_radix(hex, 16).expect("a number") as i64).to_string(),
                None => token.to_owned(),
            })
            .collect()
    };
    tokens(ours) == tokens(llvm)
}

/// Why it is no fault of ours that both sides accept but print another text.
fn printed_differently(insn: &Insn, llvm: &str) -> Option<&'static str> {
    match insn.op {
        Op::Lui if insn.len == 2 && insn.rd == 0 => {
            Some("LLVM prints the immediate of the HINT c.lui without its upper bits")
        }
        Op::Csrrw if llvm == "unimp" => {
            Some("LLVM prints the write to a read-only CSR that assemblers use as unimp")
        }
        Op::Csrrw | Op::Csrrs | Op::Csrrc | Op::Csrrwi | Op::Csrrsi | Op::Csrrci
            if csr::name(insn.imm as u16).is_none() =>
        {
            let ours = text(insn, 0).replace(&format!("{:#x}", insn.imm), "*");
            let mut tokens: Vec<&str> =
                llvm.split([' ', '\t', ',']).filter(|token| !token.is_empty()).collect();
            tokens[2] = "*";
            same_text(&ours, &tokens.join(" ")).then_some("LLVM names CSRs that user programs cannot reach")
        }
        _ => None,
    }
}

/// Judges and panics with the differences that have no reason, by name.
fn compare(code: &[Code]) {
    let mut faults = BTreeMap::<String, (usize, String)>::new();
    let mut reasons = BTreeMap::<&str, usize>::new();
    for (&code, llvm) in code.iter().zip(judge(code)) {
        let ours = code.decode();
        let line = ours.map(|insn| text(&insn, 0));
        let (reason, group) = match (&ours, &llvm) {
            (None, None) => continue,
            (Some(insn), Some(llvm)) => {
                let line = line.as_deref().expect("decoded");
                if same_text(line, llvm) {
                    continue;
                }
                (printed_differently(insn, llvm), format!("text of {}", insn.op.row().name))
            }
            (ours, llvm) => {
                let name =
                    line.as_deref().or(llvm.as_deref()).and_then(|line| line.split_whitespace().next());
                let side = if ours.is_some() { "accepted" } else { "refused" };
                (
                    accepted_difference(ours.as_ref(), llvm.as_deref()),
                    format!("{side}: {}", name.unwrap_or_default()),
                )
            }
        };
        match reason {
            Some(reason) => *reasons.entry(reason).or_default() += 1,
            None => {
                let example = || format!("{:#010x}: ours {line:?}, LLVM's {llvm:?}", code.word);
                faults.entry(group).or_insert_with(|| (0, example())).0 += 1;
            }
        }
    }
    println!("differences with a reason: {reasons:#?}");
    assert!(faults.is_empty(), "{} kinds of differences from llvm-mc: {faults:#?}", faults.len());
}

/// Random encodings of every row.
fn samples(a_row: usize) -> Vec<Code> {
    let mut random = Random::new(1);
    let mut code = Vec::new();
    for row in &table::ROWS {
        code.extend((0..a_row).map(|_| Code::word(row.sample(|| random.u32()))));
    }
    for row in &compressed::ROWS {
        code.extend((0..a_row).map(|_| Code::half(row.sample(|| random.u32()))));
    }
    code
}

#[test]
fn every_row_is_printed_as_by_llvm() {
    compare(&samples(300));
}

#[test]
fn every_row_of_rv64gc_is_an_instruction_for_capstone() {
    let capstone = capstone::Capstone::new()
        .riscv()
        .mode(ArchMode::RiscV64)
        .extra_mode([ArchExtraMode::RiscVC].into_iter())
        .build()
        .expect("capstone has RISC-V");
    let mut faults = BTreeSet::new();
    for code in samples(100) {
        let insn = code.decode().expect("a sample decodes");
        let row = insn.op.row();
        use Extension::*;
        if matches!(row.extension, Zba | Zbb | Zbs | Zicond) {
            continue;
        }
        // Capstone's tables are LLVM's, see `accepted_difference`; besides it does not know compressed HINTs.
        let hint = insn.len == 2 && insn.rd == 0
            || compressed::row_of(insn.raw as u16).is_some_and(|row| row.name.ends_with("64"));
        let strict = hint || accepted_difference(Some(&insn), None).is_some();
        let bytes = code.word.to_le_bytes();
        let judged = capstone.disasm_count(&bytes[..code.len], 0, 1).expect("capstone runs");
        if !strict && judged.first().is_none_or(|judged| judged.bytes().len() != code.len) {
            faults.insert(text(&insn, 0).split(' ').next().map(str::to_owned));
        }
    }
    assert!(faults.is_empty(), "capstone refuses {faults:?}");
}

/// Words that differ from an encoding in one bit are often reserved, and a random word seldom comes near them.
#[test]
fn neighbours_of_rows_are_accepted_as_by_llvm() {
    let mut code = samples(8);
    code.retain(|code| code.len == 4);
    let neighbours = code.iter().flat_map(|code| (2..32).map(|bit| Code::word(code.word ^ 1 << bit)));
    compare(&neighbours.filter(|code| code.word & 0x1f != 0x1f).collect::<Vec<_>>());
}

#[test]
fn random_words_are_accepted_as_by_llvm() {
    let mut random = Random::new(2);
    let words = (0..1_000_000).map(|_| random.u32() | 3);
    // LLVM 16 takes what is longer than 32 bits for 32 bits; we refuse it.
    let (longer, words): (Vec<u32>, Vec<u32>) = words.partition(|word| word & 0x1f == 0x1f);
    compare(&words.into_iter().map(Code::word).collect::<Vec<_>>());
    assert!(longer.into_iter().all(|word| Code::word(word).decode().is_none()));
}

#[test]
fn all_halfwords_are_accepted_as_by_llvm() {
    compare(&(0..=u16::MAX).filter(|half| half & 3 != 3).map(Code::half).collect::<Vec<_>>());
}

#[test]
fn libc_is_printed_as_by_llvm() {
    let text = cross_libc::code("riscv64-linux-gnu-gcc");
    let mut distinct = BTreeSet::new();
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with(&[0, 0]) {
            at += 2; // padding between functions
            continue;
        }
        let insn = decode(&text[at..], at as u64).unwrap_or_else(|error| panic!("at {at:#x}: {error}"));
        distinct.insert(Code { word: insn.raw, len: insn.len.into() });
        at += usize::from(insn.len);
        count += 1;
    }
    println!("{count} instructions, {} distinct", distinct.len());
    assert!(count > 100_000, "libc has more code than {count} instructions");
    compare(&distinct.into_iter().collect::<Vec<_>>());
}

/// The encodings of chapter "Zicond" of the manual, for want of a judge that is installed everywhere.
#[test]
fn zicond_is_encoded_as_in_the_manual() {
    let line = |word: u32| Code::word(word).decode().map(|insn| text(&insn, 0));
    assert_eq!(line(0x0eb5_d533).as_deref(), Some("czero.eqz a0, a1, a1"));
    assert_eq!(line(0x0ec5_f533).as_deref(), Some("czero.nez a0, a1, a2"));
    assert_eq!(line(0x0eb5_9533), None);
}
