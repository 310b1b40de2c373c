//! The AArch64 decoder against llvm-mc and capstone: rows, random words, and the words of a real libc.

use decoders::aarch64::{Row, decode_word, rows, text};
use object::{Object, ObjectSection};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use tests::llvm;
use tests::random::Random;

/// The extensions that have rows, by LLVM's names.
const FEATURES: &str = "+v8a,+fp-armv8,+neon,+crc,+lse,+lor,+rcpc,+rcpc-immo,+pauth,+flagm,+altnzcv,+sb,+fullfp16,\
    +fp16fml,+jsconv,+fptoint,+complxnum,+rdm,+dotprod,+bf16,+i8mm,+aes,+sha2,+sha3,+sm4";

fn judge(words: &[u32]) -> Vec<Option<String>> {
    let bytes: Vec<[u8; 4]> = words.iter().map(|word| word.to_le_bytes()).collect();
    llvm::disassemble("aarch64", FEATURES, bytes.iter().map(|bytes| &bytes[..]))
}

/// Why a difference is no fault of ours.
fn accepted_difference(word: u32, ours: Option<&Row>, llvm: Option<&str>) -> Option<&'static str> {
    match (ours, llvm) {
        (None, Some(text)) if word >> 19 & 3 == 0 && (text.starts_with("msr") || text.starts_with("mrs")) => {
            Some(
                "system registers have op0 2 or 3; LLVM also prints op0 0, which the manual does not allocate",
            )
        }
        _ => None,
    }
}

/// Judges `words` and panics with the differences that have no reason, by row.
fn compare(words: &[u32]) {
    let mut faults = BTreeMap::<String, (usize, String)>::new();
    let mut reasons = BTreeMap::<&str, usize>::new();
    for (&word, llvm) in words.iter().zip(judge(words)) {
        let ours = decode_word(word).ok().map(|insn| insn.row());
        if ours.is_some() == llvm.is_some() {
            continue;
        }
        if let Some(reason) = accepted_difference(word, ours, llvm.as_deref()) {
            *reasons.entry(reason).or_default() += 1;
            continue;
        }
        let group = match (ours, &llvm) {
            (Some(row), _) => format!("accepted as {}: {}", row.name, row.pattern),
            (_, Some(text)) => format!("rejected: {}", text.split_whitespace().next().unwrap_or_default()),
            _ => unreachable!("both reject"),
        };
        let fault =
            faults.entry(group).or_insert_with(|| (0, format!("{word:#010x} {}", llvm.unwrap_or_default())));
        fault.0 += 1;
    }
    println!("differences with a reason: {reasons:?}");
    assert!(faults.is_empty(), "{} kinds of differences from llvm-mc: {faults:#?}", faults.len());
}

#[test]
fn every_row_is_an_instruction_for_llvm() {
    let mut random = Random::new(1);
    let mut words = Vec::new();
    for row in rows() {
        let mut made = 0;
        for _ in 0..20_000 {
            let word = row.value | random.u32() & !row.mask;
            if row.matches(word) {
                words.push(word);
                made += 1;
                if made == 200 {
                    break;
                }
            }
        }
        assert!(made > 0, "no word matches {} {}", row.name, row.pattern);
    }
    compare(&words);
}

/// Words that differ from an encoding in one fixed bit are mostly reserved, and a random word seldom comes near them.
#[test]
fn neighbours_of_rows_are_accepted_as_by_llvm() {
    let mut random = Random::new(3);
    let mut words = Vec::new();
    for row in rows() {
        for bit in (0..32).filter(|bit| row.mask >> bit & 1 != 0) {
            words.extend((0..8).map(|_| (row.value | random.u32() & !row.mask) ^ 1 << bit));
        }
    }
    compare(&words);
}

#[test]
fn random_words_are_accepted_as_by_llvm() {
    let mut random = Random::new(2);
    let words: Vec<u32> = (0..1_000_000).map(|_| random.u32()).collect();
    compare(&words);
}

/// The distinct words of the code of glibc.
fn libc_words() -> BTreeSet<u32> {
    let compiler = "aarch64-linux-gnu-gcc";
    let found = Command::new(compiler).arg("-print-file-name=libc.so.6").output();
    let found = found.unwrap_or_else(|error| panic!("{compiler}: {error}; run scripts/setup"));
    let path = String::from_utf8(found.stdout).expect("a path");
    let file =
        std::fs::read(path.trim()).unwrap_or_else(|error| panic!("{path}: {error}; run scripts/setup"));
    let file = object::File::parse(&*file).expect("libc is an object file");
    let code = file.section_by_name(".text").expect("libc has code").data().expect("in the file");
    code.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word)).collect()
}

/// Preferred names of special cases, and the instructions that they are cases of.
const ALIASES: &[(&str, &[&str])] = &[
    ("ASR", &["SBFM", "ASRV"]),
    ("AUTIA1716", &["HINT"]),
    ("AUTIASP", &["HINT"]),
    ("AUTIAZ", &["HINT"]),
    ("AUTIB1716", &["HINT"]),
    ("AUTIBSP", &["HINT"]),
    ("AUTIBZ", &["HINT"]),
    ("BFC", &["BFM"]),
    ("BFI", &["BFM"]),
    ("BFXIL", &["BFM"]),
    ("BTI", &["HINT"]),
    ("CINC", &["CSINC"]),
    ("CINV", &["CSINV"]),
    ("CMN", &["ADDS"]),
    ("CMP", &["SUBS"]),
    ("CNEG", &["CSNEG"]),
    ("CSET", &["CSINC"]),
    ("CSETM", &["CSINV"]),
    ("DC", &["SYS"]),
    ("DFB", &["DSB"]),
    ("DGH", &["HINT"]),
    ("IC", &["SYS"]),
    ("LSL", &["UBFM", "LSLV"]),
    ("LSR", &["UBFM", "LSRV"]),
    ("MNEG", &["MSUB"]),
    ("MOV", &["MOVZ", "MOVN", "ORR", "ADD", "DUP", "INS", "UMOV"]),
    ("MSR", &["CFINV"]),
    ("MUL", &["MADD"]),
    ("MVN", &["ORN", "NOT"]),
    ("NEG", &["SUB"]),
    ("NEGS", &["SUBS"]),
    ("NGC", &["SBC"]),
    ("NGCS", &["SBCS"]),
    ("PACIA1716", &["HINT"]),
    ("PACIAZ", &["HINT"]),
    ("PACIB1716", &["HINT"]),
    ("PACIBSP", &["HINT"]),
    ("PACIBZ", &["HINT"]),
    ("PSSBB", &["DSB"]),
    ("ROR", &["EXTR", "RORV"]),
    ("SBFIZ", &["SBFM"]),
    ("SBFX", &["SBFM"]),
    ("SMNEGL", &["SMSUBL"]),
    ("SMSTART", &["MSR"]),
    ("SMSTOP", &["MSR"]),
    ("SMULL", &["SMADDL"]),
    ("SSBB", &["DSB"]),
    ("SXTB", &["SBFM"]),
    ("SXTH", &["SBFM"]),
    ("SXTL", &["SSHLL"]),
    ("SXTL2", &["SSHLL2"]),
    ("SXTW", &["SBFM"]),
    ("TST", &["ANDS"]),
    ("UBFIZ", &["UBFM"]),
    ("UBFX", &["UBFM"]),
    ("UMNEGL", &["UMSUBL"]),
    ("UMULL", &["UMADDL"]),
    ("UXTB", &["UBFM"]),
    ("UXTH", &["UBFM"]),
    ("UXTL", &["USHLL"]),
    ("UXTL2", &["USHLL2"]),
    ("XPACLRI", &["HINT"]),
];

/// Whether `row` is the encoding of an instruction that is written `mnemonic`.
fn is_named(row: &Row, mnemonic: &str) -> bool {
    let names: Vec<&str> = row.name.split(|c: char| !c.is_alphanumeric()).collect();
    let listed = |name: &str| names.contains(&name);
    let alias = ALIASES.iter().find(|(alias, _)| *alias == mnemonic);
    // The table names LDRB, LDRH, LDRSB, ... as "LDR (B, H, SB, ...)", and LDADDALB as "LDADD (A, AL, L; B, H)".
    // A store of atomic arithmetic is the load into the zero register.
    let loaded = mnemonic.strip_prefix("ST").map(|operation| format!("LD{operation}"));
    let mnemonic = loaded.as_deref().filter(|_| row.name.contains("LDADD")).unwrap_or(mnemonic);
    let sized = ["SB", "SH", "SW", "B", "H", ""].iter().filter_map(|suffix| mnemonic.strip_suffix(suffix));
    let ordered = sized.flat_map(|name| ["AL", "A", "L", ""].map(|suffix| name.strip_suffix(suffix)));
    listed(mnemonic)
        || alias.is_some_and(|(_, of)| of.iter().any(|name| listed(name)))
        || row.name.contains("; B, H)") && ordered.flatten().any(listed)
        || row.name.contains("(B, H")
            && ["SB", "SH", "SW", "B", "H"]
                .iter()
                .filter_map(|suffix| mnemonic.strip_suffix(suffix))
                .any(listed)
}

#[test]
fn libc_is_what_capstone_says() {
    let words = libc_words();
    assert!(words.len() > 50_000, "{} distinct words", words.len());
    compare(&words.iter().copied().collect::<Vec<_>>());
    let mut faults = BTreeMap::<String, (usize, String)>::new();
    for &word in &words {
        let Ok(insn) = decode_word(word) else { continue };
        let text = text(&insn, 0);
        let mnemonic = text.split(' ').next().expect("a mnemonic").to_uppercase();
        // "b.eq" stands in the table as "B.cond".
        let mnemonic = mnemonic.split_once('.').map_or(&*mnemonic, |(name, _)| name);
        if text.starts_with(".inst") || !is_named(insn.row(), mnemonic) {
            faults.entry(format!("{mnemonic} {}", insn.row().name)).or_insert_with(|| (0, text.clone())).0 +=
                1;
        }
    }
    assert!(faults.is_empty(), "{} kinds of differences from capstone: {faults:#?}", faults.len());
}

/// Every row's instructions have text, by capstone or else by the table, and the text says what the row says.
#[test]
fn rows_are_named_as_in_capstone() {
    let mut random = Random::new(4);
    let mut faults = BTreeMap::<String, (usize, String)>::new();
    for row in rows() {
        for _ in 0..500 {
            let Ok(insn) = decode_word(row.value | random.u32() & !row.mask) else { continue };
            let text = text(&insn, 0);
            let mnemonic = text.split(' ').next().expect("a mnemonic").to_uppercase();
            let mnemonic = mnemonic.split_once('.').map_or(&*mnemonic, |(name, _)| name);
            if !text.starts_with(".inst") && !is_named(insn.row(), mnemonic) {
                faults
                    .entry(format!("{mnemonic} {}", insn.row().name))
                    .or_insert_with(|| (0, text.clone()))
                    .0 += 1;
            }
        }
    }
    assert!(faults.is_empty(), "{} kinds of differences from capstone: {faults:#?}", faults.len());
}
