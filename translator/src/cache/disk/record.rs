//! The format of the cache's files, little-endian: a [`Header`], then records.
//!
//! | record bytes | what |
//! | --- | --- |
//! | 0..4 | [`RECORD`] |
//! | 4..8 | length of the body |
//! | 8..32 | the [`Name`] under which it is looked for |
//! | 32..48 | what the body was made from: a checksum (XXH3-128) of the guest bytes of a unit |
//! | 48..56 | checksum (XXH3-64) of the body |
//! | 56..64 | checksum (XXH3-64) of bytes 0..56 |
//! | 64.. | the body, in postcard's form, then zeros up to a multiple of 8 |
//!
//! Names and bodies are the business of `units` and `stencils`. The checksums find damage, not malice: that is kept out
//! by who may write the directory.

use crate::codegen::HostIsa;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use xxhash_rust::xxh3::xxh3_64;

/// Grows when the format changes.
const VERSION: u32 = 2;

/// First bytes of a record.
const RECORD: u32 = 0x6364_7278;

/// Bytes of the file's header.
pub(super) const FILE_HEADER: u64 = 64;

/// Bytes of a record's header.
pub(super) const RECORD_HEADER: usize = 64;

/// Largest body that is believed: a unit is some kilobytes.
const MOST: u64 = 64 << 20;

/// Bytes that are read at once in search of records.
const WINDOW: usize = 16 << 10;

/// What a record is looked for under.
pub(super) type Name = [u8; 24];

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Compiled units of one program.
    Units,
    /// Stencils, of whatever program they were first needed for.
    Stencils,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Units, Kind::Stencils];

    /// First bytes of a file.
    const fn magic(self) -> [u8; 8] {
        match self {
            Kind::Units => *b"xlatunit",
            Kind::Stencils => *b"xlatsten",
        }
    }

    /// How a file is called, behind its program's and code generator's numbers.
    pub const fn suffix(self) -> &'static str {
        match self {
            Kind::Units => ".units",
            Kind::Stencils => ".stencils",
        }
    }

    /// What a file of this name would hold.
    pub fn of_file(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| name.ends_with(kind.suffix()))
    }
}

/// Whose records a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub kind: Kind,
    pub isa: HostIsa,
    /// The code generator, with the features of the host that it uses.
    pub generator: u128,
    /// The program of units, the guest of stencils.
    pub program: u128,
}

impl Header {
    /// The file's name.
    pub fn file_name(self) -> String {
        format!("{:032x}-{:016x}{}", self.program, self.generator as u64, self.kind.suffix())
    }

    pub fn to_bytes(self) -> [u8; FILE_HEADER as usize] {
        let mut bytes = [0; FILE_HEADER as usize];
        bytes[0..8].copy_from_slice(&self.kind.magic());
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

/// Whether a file begins as one of its kind does, of whatever program and version of the code generator.
fn has_header(file: &File, kind: Kind) -> bool {
    let mut header = [0; FILE_HEADER as usize];
    file.read_exact_at(&mut header, 0).is_ok()
        && header.starts_with(&kind.magic())
        && u32_at(&header, 8) == VERSION
        && u64_at(&header, 56) == xxh3_64(&header[..56])
}

/// A record of which only the header was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub name: Name,
    /// What it was made from.
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

    /// The body, if it is what was written.
    pub fn body(&self, file: &File) -> Option<Vec<u8>> {
        let mut body = vec![0; self.length as usize];
        file.read_exact_at(&mut body, self.start + RECORD_HEADER as u64).ok()?;
        (xxh3_64(&body) == self.sum).then_some(body)
    }
}

/// The records of a file up to the first that is not whole, and where that begins.
pub(super) fn records(file: &File) -> (Vec<Record>, u64) {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let (mut found, mut at) = (Vec::new(), FILE_HEADER);
    let mut window = Window { file, start: 0, bytes: Vec::new() };
    while let Some(record) = record_at(&mut window, at).filter(|record| record.range().end <= size) {
        at = record.range().end;
        found.push(record);
    }
    (found, at)
}

/// A part of a file that was read at once, so that small records do not cost a system call each.
struct Window<'a> {
    file: &'a File,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    fn header_at(&mut self, at: u64) -> Option<[u8; RECORD_HEADER]> {
        let held = self.start..self.start + self.bytes.len() as u64;
        if !held.contains(&at) || at + RECORD_HEADER as u64 > held.end {
            self.bytes.resize(WINDOW, 0);
            let count = self.file.read_at(&mut self.bytes, at).unwrap_or(0);
            self.bytes.truncate(count);
            self.start = at;
        }
        let offset = (at - self.start) as usize;
        self.bytes.get(offset..offset + RECORD_HEADER)?.try_into().ok()
    }
}

fn record_at(window: &mut Window<'_>, at: u64) -> Option<Record> {
    record_of(&window.header_at(at)?, at)
}

fn record_of(header: &[u8; RECORD_HEADER], start: u64) -> Option<Record> {
    if u32_at(header, 0) != RECORD || u64_at(header, 56) != xxh3_64(&header[..56]) {
        return None;
    }
    let length = u64::from(u32_at(header, 4));
    let name = header[8..32].try_into().expect("twenty-four bytes");
    let source = u128::from_le_bytes(header[32..48].try_into().expect("sixteen bytes"));
    (length <= MOST).then_some(Record { name, source, start, length, sum: u64_at(header, 48) })
}

/// The bytes of a record; `None` if it is too large.
pub(super) fn encode(name: &Name, source: u128, body: &[u8]) -> Option<Vec<u8>> {
    if body.len() as u64 > MOST {
        return None;
    }
    let mut bytes = Vec::with_capacity(RECORD_HEADER + body.len() + 8);
    bytes.extend_from_slice(&RECORD.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&source.to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(body).to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    Some(bytes)
}

/// The record that stands in `bytes`, as if it began at `start` of its file, and its body.
pub(super) fn decode(bytes: &[u8], start: u64) -> Option<(Record, &[u8])> {
    let record = record_of(bytes.get(..RECORD_HEADER)?.try_into().ok()?, start)?;
    let body = bytes.get(RECORD_HEADER..)?.get(..record.length as usize)?;
    Some((record, body))
}

/// Reads a whole file: the records that `makes_sense` takes, the others, and the bytes behind the last.
pub(super) fn verify(
    file: &File,
    kind: Kind,
    makes_sense: impl Fn(&Record, &[u8]) -> bool,
) -> (u64, u64, u64) {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if !has_header(file, kind) {
        return (0, 0, size);
    }
    let (records, end) = records(file);
    let good = |record: &&Record| record.body(file).is_some_and(|body| makes_sense(record, &body));
    let whole = records.iter().filter(good).count() as u64;
    (whole, records.len() as u64 - whole, size.saturating_sub(end))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
