//! The format of a file of units, little-endian: a [`Header`], then records.
//!
//! | record bytes | what |
//! | --- | --- |
//! | 0..4 | [`RECORD`] |
//! | 4..8 | length of the body |
//! | 8..16 | guest pc |
//! | 16..20 | float environment |
//! | 20..24 | sticky float flags |
//! | 24..28 | guest, memory mode, parallel, budget |
//! | 28..32 | zero |
//! | 32..48 | checksum (XXH3-128) of the guest bytes that the unit was made from |
//! | 48..56 | checksum (XXH3-64) of the body |
//! | 56..64 | checksum (XXH3-64) of bytes 0..56 |
//! | 64.. | the body: the [`CompiledUnit`] in postcard's form, then zeros up to a multiple of 8 |
//!
//! The checksums find damage, not malice: that is kept out by who may write the directory.

use super::Verified;
use crate::cache::UnitName;
use crate::codegen::{CompiledUnit, HostIsa, MemoryMode, UnitKey};
use crate::guest::{FpEnv, Guest};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// First bytes of a file.
const MAGIC: [u8; 8] = *b"xlatunit";

/// Grows when the format changes.
const VERSION: u32 = 1;

/// First bytes of a record.
const RECORD: u32 = 0x7469_6e75;

/// Bytes of the file's header.
const FILE_HEADER: u64 = 64;

/// Bytes of a record's header.
const RECORD_HEADER: usize = 64;

/// Largest body that is believed: a unit is some kilobytes.
const MOST: u64 = 64 << 20;

/// Whose units a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub isa: HostIsa,
    /// The code generator, with the features of the host that it uses.
    pub generator: u128,
    /// The program.
    pub program: u128,
}

impl Header {
    pub fn to_bytes(self) -> [u8; FILE_HEADER as usize] {
        let mut bytes = [0; FILE_HEADER as usize];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(self.isa as u32).to_le_bytes());
        bytes[16..32].copy_from_slice(&self.generator.to_le_bytes());
        bytes[32..48].copy_from_slice(&self.program.to_le_bytes());
        let sum = xxh3_64(&bytes[..56]);
        bytes[56..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Whether a file begins with just this.
    pub fn is_of(self, file: &File) -> bool {
        let mut bytes = [0; FILE_HEADER as usize];
        file.read_exact_at(&mut bytes, 0).is_ok() && bytes == self.to_bytes()
    }
}

/// Whether a file begins as one of units does, of whatever program and version of the code generator.
fn has_header(file: &File) -> bool {
    let mut header = [0; FILE_HEADER as usize];
    file.read_exact_at(&mut header, 0).is_ok()
        && header.starts_with(&MAGIC)
        && u32_at(&header, 8) == VERSION
        && u64_at(&header, 56) == xxh3_64(&header[..56])
}

/// A record of which only the header was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub name: UnitName,
    /// Checksum of the guest bytes that it was made from.
    pub source: u128,
    /// Where it begins in its file.
    start: u64,
    /// Bytes of the body.
    length: u64,
    sum: u64,
}

impl Record {
    /// Where it begins in its file, and where the next one does.
    pub fn range(&self) -> Range<u64> {
        self.start..self.start + RECORD_HEADER as u64 + self.length.next_multiple_of(8)
    }

    /// The unit, if the body is what was written, and a unit of this name that can be installed.
    pub fn unit(&self, file: &File) -> Option<CompiledUnit> {
        let mut body = vec![0; self.length as usize];
        file.read_exact_at(&mut body, self.start + RECORD_HEADER as u64).ok()?;
        if xxh3_64(&body) != self.sum {
            return None;
        }
        let unit: CompiledUnit = postcard::from_bytes(&body).ok()?;
        (unit.pc == self.name.pc && unit.key == self.name.key && unit.is_sound()).then_some(unit)
    }
}

/// The records of a file up to the first that is not whole, and where that begins.
pub(super) fn records(file: &File) -> (Vec<Record>, u64) {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let (mut found, mut at) = (Vec::new(), FILE_HEADER);
    while let Some(record) = record_at(file, at).filter(|record| record.range().end <= size) {
        at = record.range().end;
        found.push(record);
    }
    (found, at)
}

fn record_at(file: &File, at: u64) -> Option<Record> {
    let mut header = [0; RECORD_HEADER];
    file.read_exact_at(&mut header, at).ok()?;
    if u32_at(&header, 0) != RECORD || u64_at(&header, 56) != xxh3_64(&header[..56]) {
        return None;
    }
    let length = u64::from(u32_at(&header, 4));
    let key = UnitKey {
        guest: *Guest::ALL.get(usize::from(header[24]))?,
        env: FpEnv(u32_at(&header, 16)),
        sticky: u32_at(&header, 20),
        memory: if header[25] == 0 { MemoryMode::Direct } else { MemoryMode::Paged },
        parallel: header[26] != 0,
        budget: header[27] != 0,
        hooks: 0,
    };
    let name = UnitName { pc: u64_at(&header, 8), key };
    let source = u128::from_le_bytes(header[32..48].try_into().expect("sixteen bytes"));
    (length <= MOST).then_some(Record { name, source, start: at, length, sum: u64_at(&header, 48) })
}

/// The bytes of the record of a unit that was made from guest bytes with the checksum `source`; `None` if it is too large.
pub(super) fn encode(unit: &CompiledUnit, source: u128) -> Option<Vec<u8>> {
    debug_assert_eq!(unit.key.hooks, 0, "hooks have no meaning in another process");
    let body = postcard::to_allocvec(unit).ok().filter(|body| body.len() as u64 <= MOST)?;
    let mut bytes = Vec::with_capacity(RECORD_HEADER + body.len() + 8);
    bytes.extend_from_slice(&RECORD.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&unit.pc.to_le_bytes());
    bytes.extend_from_slice(&unit.key.env.0.to_le_bytes());
    bytes.extend_from_slice(&unit.key.sticky.to_le_bytes());
    let guest = Guest::ALL.iter().position(|guest| *guest == unit.key.guest)? as u8;
    let paged = unit.key.memory == MemoryMode::Paged;
    bytes.extend_from_slice(&[guest, paged.into(), unit.key.parallel.into(), unit.key.budget.into()]);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&source.to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(&body).to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    Some(bytes)
}

/// Reads all that a file holds.
pub(super) fn verify(name: String, file: &File) -> Verified {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if !has_header(file) {
        return Verified { name, units: 0, damaged: 0, rest: size };
    }
    let (records, end) = records(file);
    let units = records.iter().filter(|record| record.unit(file).is_some()).count() as u64;
    Verified { name, units, damaged: records.len() as u64 - units, rest: size.saturating_sub(end) }
}

/// Checksum of the guest bytes of a unit's ranges as `read` gives them; `None` if some of them cannot be read.
pub fn checksum(ranges: &[Range<u64>], mut read: impl FnMut(u64, &mut [u8]) -> usize) -> Option<u128> {
    let mut hasher = Xxh3::new();
    let mut buffer = [0; 1024];
    for range in ranges {
        hasher.update(&range.start.to_le_bytes());
        hasher.update(&range.end.to_le_bytes());
        let mut at = range.start;
        while at < range.end {
            let wanted = (range.end - at).min(buffer.len() as u64) as usize;
            if read(at, &mut buffer[..wanted]) < wanted {
                return None;
            }
            hasher.update(&buffer[..wanted]);
            at += wanted as u64;
        }
    }
    Some(hasher.digest128())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
