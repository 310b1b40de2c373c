//! The units of one program on disk.

use super::record::{self, Header, Record};
use super::{Error, Store};
use crate::cache::UnitName;
use crate::codegen::{CompiledUnit, Compiler};
use rustc_hash::{FxHashMap, FxHashSet};
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of new units that are written at once; what is left goes when the machine is dropped.
const BATCH: usize = 256 << 10;

/// What the disk cache did for one machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Units that were read when the file was opened.
    pub loaded: u64,
    /// Look-ups that found a unit for the bytes in memory.
    pub hits: u64,
    /// Look-ups that found none.
    pub misses: u64,
    /// Units that were there, but made from other bytes.
    pub stale: u64,
    /// Units that were damaged.
    pub damaged: u64,
    /// Units that were handed in.
    pub added: u64,
    /// Units that were written.
    pub written: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Units that could not be written: the disk was full, or others held the lock.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct AtomicCounters {
    loaded: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    stale: AtomicU64,
    damaged: AtomicU64,
    added: AtomicU64,
    written: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    dropped: AtomicU64,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// The units of one program: those that its file held when it was opened, and those to be written.
///
/// Its own lock protects the index and is never held while the file is touched.
#[derive(Debug)]
pub struct ProgramUnits {
    store: Arc<Store>,
    name: String,
    header: Header,
    /// The file as it was when it was opened. Others append to it, or give its name to another one.
    file: Option<File>,
    inner: Mutex<Inner>,
    counters: AtomicCounters,
}

#[derive(Debug, Default)]
struct Inner {
    index: FxHashMap<UnitName, Vec<Entry>>,
    pending: Vec<Pending>,
    pending_bytes: usize,
    /// A write failed in a way that the next would, too.
    read_only: bool,
}

/// A unit of the file.
#[derive(Clone, Copy, Debug)]
struct Entry {
    record: Record,
    state: Usable,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Usable {
    NotLookedAt,
    Used,
    /// Made from other bytes than memory holds: good for another run, perhaps.
    Stale,
    Damaged,
}

/// A unit to be written.
#[derive(Debug)]
struct Pending {
    name: UnitName,
    source: u128,
    bytes: Vec<u8>,
    /// The file holds a damaged one.
    replaces: bool,
}

impl ProgramUnits {
    /// Opens the units of a program, which `program` identifies: a checksum of its file, for example. A file that is
    /// missing, damaged or somebody else's holds nothing.
    pub fn open(store: &Arc<Store>, program: u128, compiler: &Compiler) -> ProgramUnits {
        let header = Header { isa: compiler.isa(), generator: compiler.identity(), program };
        let name = format!("{:032x}-{:016x}{}", program, header.generator as u64, super::SUFFIX);
        let file = store.open_to_read(&name).ok().filter(|file| header.is_of(file));
        let counters = AtomicCounters::default();
        let mut inner = Inner::default();
        for record in file.as_ref().map(record::records).unwrap_or_default().0 {
            let entry = Entry { record, state: Usable::NotLookedAt };
            inner.index.entry(record.name).or_default().push(entry);
            add(&counters.loaded, 1);
        }
        ProgramUnits { store: store.clone(), name, header, file, inner: Mutex::new(inner), counters }
    }

    /// Whether a look-up of this name is worth while.
    pub fn may_have(&self, name: &UnitName) -> bool {
        let inner = self.lock();
        !inner.index.is_empty() && inner.index.get(name).is_some_and(|all| all.iter().any(Entry::is_usable))
    }

    /// The unit of a name whose guest bytes have the checksum that `source` gives for its ranges now.
    pub fn find(
        &self,
        name: &UnitName,
        mut source: impl FnMut(&[Range<u64>]) -> Option<u128>,
    ) -> Option<CompiledUnit> {
        let file = self.file.as_ref()?;
        // The newest first.
        let candidates: Vec<Record> = {
            let inner = self.lock();
            let all = inner.index.get(name).into_iter().flatten().rev();
            all.filter(|entry| entry.is_usable()).map(|entry| entry.record).collect()
        };
        for record in candidates {
            let unit = record.unit(file);
            let state = match &unit {
                None => Usable::Damaged,
                Some(unit) if source(&unit.ranges) == Some(record.source) => Usable::Used,
                Some(_) => Usable::Stale,
            };
            self.mark(&record, state);
            match state {
                Usable::Used => {
                    add(&self.counters.hits, 1);
                    add(&self.counters.bytes_read, record.range().end - record.range().start);
                    return unit;
                }
                Usable::Damaged => add(&self.counters.damaged, 1),
                _ => add(&self.counters.stale, 1),
            }
        }
        add(&self.counters.misses, 1);
        None
    }

    fn mark(&self, record: &Record, state: Usable) {
        let mut inner = self.lock();
        let all = inner.index.get_mut(&record.name).into_iter().flatten();
        for entry in all.filter(|entry| entry.record == *record) {
            entry.state = state;
        }
    }

    /// Hands in a unit that was compiled from guest bytes with the checksum `source`; it is written with others before
    /// long. Units that depend on more than their key says (hooks) are left out.
    pub fn add(&self, unit: &CompiledUnit, source: u128) {
        if unit.key.hooks != 0 {
            return;
        }
        let Some(bytes) = record::encode(unit, source) else { return };
        add(&self.counters.added, 1);
        let name = UnitName { pc: unit.pc, key: unit.key };
        let full = {
            let mut inner = self.lock();
            if inner.read_only {
                add(&self.counters.dropped, 1);
                return;
            }
            let known = inner.index.get(&name).into_iter().flatten();
            let replaces = known
                .filter(|entry| entry.record.source == source)
                .any(|entry| entry.state == Usable::Damaged);
            inner.pending_bytes += bytes.len();
            inner.pending.push(Pending { name, source, bytes, replaces });
            inner.pending_bytes >= BATCH
        };
        if full {
            self.flush();
        }
    }

    /// Writes what was handed in. A failure drops it, and is counted.
    pub fn flush(&self) {
        let pending = {
            let mut inner = self.lock();
            inner.pending_bytes = 0;
            std::mem::take(&mut inner.pending)
        };
        if pending.is_empty() {
            return;
        }
        let count = pending.len() as u64;
        match self.write(&pending) {
            Ok(Some(bytes)) => {
                add(&self.counters.written, count);
                add(&self.counters.bytes_written, bytes);
            }
            Ok(None) => add(&self.counters.dropped, count),
            Err(_) => {
                add(&self.counters.dropped, count);
                self.lock().read_only = true;
            }
        }
    }

    /// Writes records under the directory's lock; the bytes written, or `None` if the lock was not to be had or the limit
    /// leaves no room.
    fn write(&self, pending: &[Pending]) -> Result<Option<u64>, Error> {
        let Some(_lock) = self.store.lock()? else { return Ok(None) };
        let mut file = match self.open_to_write(&self.name) {
            // What lies there under our name is nothing that we could use.
            Err(Error::Unsafe { .. }) => {
                self.store.remove(&self.name)?;
                self.open_to_write(&self.name)?
            }
            other => other?,
        };
        let (records, end, mut new) = match self.header.is_of(&file) {
            true => {
                let (records, end) = record::records(&file);
                (records, end, Vec::new())
            }
            false => (Vec::new(), 0, self.header.to_bytes().to_vec()),
        };
        // Other processes may have compiled the same.
        let known: FxHashSet<(UnitName, u128)> =
            records.iter().map(|record| (record.name, record.source)).collect();
        for unit in pending {
            if unit.replaces || !known.contains(&(unit.name, unit.source)) {
                new.extend_from_slice(&unit.bytes);
            }
        }
        if end + new.len() as u64 > self.store.limit {
            return self.rewrite(&file, &records, pending);
        }
        file.set_len(end).map_err(self.failed("ftruncate"))?;
        file.seek(SeekFrom::Start(end)).map_err(self.failed("lseek"))?;
        if let Err(error) = file.write_all(&new) {
            // A full disk: what was whole before stays.
            let _ = file.set_len(end);
            return Err(self.failed("write")(error));
        }
        self.store.trim(&self.name);
        Ok(Some(new.len() as u64))
    }

    /// Starts the file anew with what this run used of it, and units to be added.
    fn rewrite(&self, old: &File, records: &[Record], pending: &[Pending]) -> Result<Option<u64>, Error> {
        let used: FxHashSet<(UnitName, u128)> = {
            let inner = self.lock();
            let all = inner.index.values().flatten().filter(|entry| entry.state == Usable::Used);
            all.map(|entry| (entry.record.name, entry.record.source)).collect()
        };
        let mut new = self.header.to_bytes().to_vec();
        for record in records.iter().filter(|record| used.contains(&(record.name, record.source))) {
            let range = record.range();
            let start = new.len();
            new.resize(start + (range.end - range.start) as usize, 0);
            old.read_exact_at(&mut new[start..], range.start).map_err(self.failed("read"))?;
        }
        for unit in pending {
            new.extend_from_slice(&unit.bytes);
        }
        if new.len() as u64 > self.store.limit {
            return Ok(None);
        }
        // Under another name first, so that whoever reads or is killed meanwhile finds the old file or the new one.
        let name = format!("{}.new", self.name);
        self.store.remove(&name)?;
        let mut file = self.open_to_write(&name)?;
        if let Err(error) = file.write_all(&new) {
            let _ = self.store.remove(&name);
            return Err(self.failed("write")(error));
        }
        self.store.rename(&name, &self.name)?;
        self.store.trim(&self.name);
        Ok(Some(new.len() as u64))
    }

    fn open_to_write(&self, name: &str) -> Result<File, Error> {
        self.store.open_file(name, OFlags::RDWR | OFlags::CREATE)
    }

    fn failed(&self, call: &'static str) -> impl Fn(std::io::Error) -> Error {
        move |error| self.store.failed_io(&self.name, call, &error)
    }

    /// Counters as of now.
    pub fn counters(&self) -> Counters {
        let c = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            loaded: read(&c.loaded),
            hits: read(&c.hits),
            misses: read(&c.misses),
            stale: read(&c.stale),
            damaged: read(&c.damaged),
            added: read(&c.added),
            written: read(&c.written),
            bytes_read: read(&c.bytes_read),
            bytes_written: read(&c.bytes_written),
            dropped: read(&c.dropped),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_usable(&self) -> bool {
        matches!(self.state, Usable::NotLookedAt | Usable::Used)
    }
}

impl Drop for ProgramUnits {
    fn drop(&mut self) {
        self.flush();
    }
}
