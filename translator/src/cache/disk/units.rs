//! The units of one program on disk.

use super::Store;
use super::log::{Counters, Judged, Log};
use super::record::{Header, Kind, Name, Record};
use crate::cache::UnitName;
use crate::codegen::{CompiledUnit, Compiler, MemoryMode, UnitKey};
use crate::guest::{FpEnv, Guest};
use std::ops::Range;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// The units of one program: those that its file held when it was opened, and those to be written.
#[derive(Debug)]
pub struct ProgramUnits {
    log: Log,
}

impl ProgramUnits {
    /// Opens the units of a program, which `program` identifies: a checksum of its file, for example. A file that is
    /// missing, damaged or somebody else's holds nothing.
    pub fn open(store: &Arc<Store>, program: u128, compiler: &Compiler) -> ProgramUnits {
        let (isa, generator) = (compiler.isa(), compiler.identity());
        ProgramUnits { log: Log::open(store, Header { kind: Kind::Units, isa, generator, program }) }
    }

    /// Whether a look-up of this name is worth while.
    pub fn may_have(&self, name: &UnitName) -> bool {
        self.log.may_have(&to_bytes(name))
    }

    /// The unit of a name whose guest bytes have the checksum that `source` gives for its ranges now.
    pub fn find(
        &self,
        name: &UnitName,
        mut source: impl FnMut(&[Range<u64>]) -> Option<u128>,
    ) -> Option<CompiledUnit> {
        self.log.find(&to_bytes(name), |record, body| match unit_of(record, body) {
            None => Judged::Damaged,
            Some(unit) if source(&unit.ranges) == Some(record.source) => Judged::Good(unit),
            Some(_) => Judged::Stale,
        })
    }

    /// Hands in a unit that was compiled from guest bytes with the checksum `source`; it is written with others before
    /// long. Units that depend on more than their key says (hooks) are left out.
    pub fn add(&self, unit: &CompiledUnit, source: u128) {
        if unit.key.hooks == 0
            && let Ok(body) = postcard::to_allocvec(unit)
        {
            self.log.add(to_bytes(&UnitName { pc: unit.pc, key: unit.key }), source, &body);
        }
    }

    /// Writes what was handed in. A failure drops it, and is counted.
    pub fn flush(&self) {
        self.log.flush();
    }

    /// Counters as of now.
    pub fn counters(&self) -> Counters {
        self.log.counters()
    }
}

/// Whether a record is a unit that can be installed.
pub(super) fn makes_sense(record: &Record, body: &[u8]) -> bool {
    unit_of(record, body).is_some()
}

/// The unit of a record, if it is one of this name that can be installed.
fn unit_of(record: &Record, body: &[u8]) -> Option<CompiledUnit> {
    let unit: CompiledUnit = postcard::from_bytes(body).ok()?;
    let name = from_bytes(&record.name)?;
    (unit.pc == name.pc && unit.key == name.key && unit.is_sound()).then_some(unit)
}

/// Guest pc, float environment, sticky float flags (8, 4, 4 bytes); guest, memory mode, parallel, budget (a byte each).
/// Hooks have no meaning in another process.
fn to_bytes(name: &UnitName) -> Name {
    let UnitName { pc, key } = name;
    let guest = Guest::ALL.iter().position(|guest| *guest == key.guest).expect("one of all");
    let mut bytes = [0; 24];
    bytes[0..8].copy_from_slice(&pc.to_le_bytes());
    bytes[8..12].copy_from_slice(&key.env.0.to_le_bytes());
    bytes[12..16].copy_from_slice(&key.sticky.to_le_bytes());
    let paged = key.memory == MemoryMode::Paged;
    bytes[16..20].copy_from_slice(&[guest as u8, paged.into(), key.parallel.into(), key.budget.into()]);
    bytes[20..24].copy_from_slice(&key.hooks.to_le_bytes());
    bytes
}

fn from_bytes(bytes: &Name) -> Option<UnitName> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let key = UnitKey {
        guest: *Guest::ALL.get(usize::from(bytes[16]))?,
        env: FpEnv(word(8)),
        sticky: word(12),
        memory: if bytes[17] == 0 { MemoryMode::Direct } else { MemoryMode::Paged },
        parallel: bytes[18] != 0,
        budget: bytes[19] != 0,
        hooks: word(20),
    };
    Some(UnitName { pc: u64::from_le_bytes(bytes[0..8].try_into().expect("eight bytes")), key })
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
