//! x86-64: the encodings that iced-x86 finds in the opcode maps, by mnemonic and CPUID feature.

use super::{Support, Tally, head, overview, support};
use decoders::x86_64::decode;
use iced_x86::Code;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use translator::guest::Guest;

/// What an encoding's first bytes are.
type Prefix = Vec<u8>;

/// Legacy prefixes, REX and escape bytes in front of an opcode.
fn legacy() -> Vec<Prefix> {
    let mut all = Vec::new();
    for prefix in
        [&[][..], &[0x66], &[0xf2], &[0xf3], &[0xf0], &[0x67], &[0x9b], &[0x66, 0xf2], &[0x66, 0xf3]]
    {
        for rex in [None, Some(0x48)] {
            for map in [&[][..], &[0x0f], &[0x0f, 0x38], &[0x0f, 0x3a]] {
                all.push([prefix, rex.as_slice(), map].concat());
            }
        }
    }
    all
}

/// VEX, XOP and EVEX prefixes with every map, width, length and mandatory prefix.
fn vector() -> Vec<Prefix> {
    let mut all = Vec::new();
    for low in 0..16u8 {
        for wide in [0, 0x80] {
            for map in 1..=3u8 {
                all.push(vec![0xc4, 0xe0 | map, wide | 0x78 | low & 7]);
            }
            for map in 8..=10u8 {
                all.push(vec![0x8f, 0xe0 | map, wide | 0x78 | low & 7]);
            }
            // The length is in bits 6 and 5 of the last byte, broadcast in bit 4, a mask register in bits 2 to 0.
            for map in [1, 2, 3, 5, 6u8] {
                for length in 0..3 {
                    for mask in [0, 1] {
                        all.push(vec![
                            0x62,
                            0xf0 | map,
                            wide | 0x7c | low & 3,
                            length << 5 | (low & 4) << 2 | 8 | mask,
                        ]);
                    }
                }
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

/// An instruction of every encoding that there is in 64-bit mode.
fn encodings() -> BTreeMap<usize, Vec<u8>> {
    let mut found: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let mut look = |prefix: &[u8], opcode: u8, modrm: u8| {
        let mut bytes = prefix.to_vec();
        bytes.extend([opcode, modrm]);
        bytes.resize(15, 0);
        if let Ok(insn) = decode(&bytes, 0x1000) {
            found.entry(insn.code() as usize).or_insert_with(|| bytes[..insn.len()].to_vec());
        }
    };
    for prefix in legacy() {
        for opcode in 0..=255 {
            (0..=255).for_each(|modrm| look(&prefix, opcode, modrm));
        }
    }
    for prefix in vector() {
        for opcode in 0..=255 {
            // Memory and register operands, each digit of a group.
            for digit in 0..8 {
                look(&prefix, opcode, digit << 3);
                look(&prefix, opcode, 4 | digit << 3);
                look(&prefix, opcode, 0xc1 | digit << 3);
            }
        }
    }
    found
}

/// A mnemonic's encodings.
#[derive(Default)]
struct Encodings {
    lifted: usize,
    refused: usize,
    missing: usize,
}

pub(super) fn page() -> String {
    let mut groups: BTreeMap<String, BTreeMap<String, Encodings>> = BTreeMap::new();
    for (code, bytes) in encodings() {
        let code = Code::try_from(code).expect("a code");
        let features: BTreeSet<String> =
            code.cpuid_features().iter().map(|feature| format!("{feature:?}").to_uppercase()).collect();
        let group = features.into_iter().collect::<Vec<_>>().join(", ");
        let name = format!("{:?}", code.mnemonic()).to_lowercase();
        let entry = groups.entry(group).or_default().entry(name).or_default();
        match support(Guest::X86_64, &bytes) {
            Support::Lifted => entry.lifted += 1,
            Support::Refused => entry.refused += 1,
            Support::Missing => entry.missing += 1,
        }
    }
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut details = String::new();
    for (group, mnemonics) in &groups {
        let tally = tallies.entry(group.clone()).or_default();
        let mut lists: [Vec<String>; 4] = Default::default();
        for (name, encodings) in mnemonics {
            let all = encodings.lifted + encodings.refused + encodings.missing;
            let list = if encodings.missing == 0 && encodings.lifted == 0 {
                tally.count(Support::Refused);
                lists[2].push(name.clone());
                continue;
            } else if encodings.missing == 0 {
                tally.count(Support::Lifted);
                &mut lists[0]
            } else if encodings.lifted == 0 {
                tally.count(Support::Missing);
                &mut lists[3]
            } else {
                tally.count(Support::Lifted);
                lists[1].push(format!("{name} ({} of {all})", encodings.lifted));
                continue;
            };
            list.push(name.clone());
        }
        let _ = write!(details, "\n## {group}\n");
        let titles = ["Lifted", "Lifted in part (encodings)", "Refused", "Missing"];
        for (title, list) in titles.iter().zip(&lists).filter(|(_, list)| !list.is_empty()) {
            let _ = write!(details, "\n{title}: {}.\n", list.join(", "));
        }
    }
    head(
        Guest::X86_64,
        "The mnemonics of iced-x86, by the CPUID features that their encodings need. A mnemonic stands under each of the \
         features that has encodings of it; the overview counts one that is lifted in part as lifted.",
    ) + &overview("feature", &tallies)
        + &details
}
