//! One file of the cache in use: the records that it held when it was opened or last written, and those to be written.
//! What was handed in is found again.

use super::record::{self, Header, Name, Record};
use super::{Error, Store};
use crate::leaf_lock::{LeafGuard, LeafLock};
use rustc_hash::{FxHashMap, FxHashSet};
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of new records that are written at once; what is left goes when the log is dropped.
const BATCH: usize = 256 << 10;

/// What one file of the disk cache did for this process. Its records are units or stencils.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records that were there when the file was opened.
    pub loaded: u64,
    /// Look-ups that found one for the bytes in memory.
    pub hits: u64,
    /// Look-ups that found none.
    pub misses: u64,
    /// Records that were there, but made from other bytes.
    pub stale: u64,
    /// Records that were damaged.
    pub damaged: u64,
    /// Records that were handed in.
    pub added: u64,
    /// Records that were written.
    pub written: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Records that could not be written: the disk was full, or others held the lock.
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

/// What a reader makes of a record.
pub(super) enum Judged<T> {
    /// It is what was looked for.
    Good(T),
    /// Made from other bytes than memory holds: good for another run, perhaps.
    Stale,
    /// It makes no sense.
    Damaged,
}

/// A file of records.
///
/// Its own lock protects the index and is never held while the file is touched.
#[derive(Debug)]
pub(super) struct Log {
    store: Arc<Store>,
    name: String,
    header: Header,
    inner: LeafLock<Inner>,
    counters: AtomicCounters,
}

#[derive(Debug, Default)]
struct Inner {
    /// The file as it was when it was opened or last written. Others append to it, or give its name to another one.
    file: Option<Arc<File>>,
    entries: Vec<Entry>,
    /// The newest entry of a name.
    newest: FxHashMap<Name, u32>,
    pending: Vec<Pending>,
    pending_bytes: usize,
    /// A write failed in a way that the next would, too.
    read_only: bool,
}

/// A record of the file.
#[derive(Clone, Copy, Debug)]
struct Entry {
    record: Record,
    state: Usable,
    /// The next older one of its name.
    older: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Usable {
    NotLookedAt,
    Used,
    Stale,
    Damaged,
}

/// A record to be written.
#[derive(Debug)]
struct Pending {
    name: Name,
    source: u128,
    bytes: Vec<u8>,
    /// The file holds a damaged one.
    replaces: bool,
}

impl Inner {
    /// Holds the records of a file, instead of those of another one.
    fn hold(&mut self, file: Arc<File>, records: Vec<Record>, state: impl Fn(&Record) -> Usable) {
        self.file = Some(file);
        self.entries.clear();
        self.newest.clear();
        self.newest.reserve(records.len());
        for record in records {
            let older = self.newest.insert(record.name, self.entries.len() as u32);
            self.entries.push(Entry { record, state: state(&record), older });
        }
    }

    /// Notes what became of a record, if it is still held.
    fn set_state(&mut self, record: &Record, state: Usable) {
        let at = self.entries_of(&record.name).find(|(_, entry)| entry.record == *record).map(|(at, _)| at);
        if let Some(at) = at {
            self.entries[at as usize].state = state;
        }
    }

    /// The entries of a name, the newest first.
    fn entries_of(&self, name: &Name) -> impl Iterator<Item = (u32, &Entry)> {
        let mut next = self.newest.get(name).copied();
        std::iter::from_fn(move || {
            let at = next?;
            let entry = &self.entries[at as usize];
            next = entry.older;
            Some((at, entry))
        })
    }
}

impl Log {
    /// Opens a file. One that is missing, damaged or somebody else's holds nothing.
    pub fn open(store: &Arc<Store>, header: Header) -> Log {
        let name = header.file_name();
        let file = store.open_to_read(&name).ok().filter(|file| header.is_of(file));
        let counters = AtomicCounters::default();
        let mut inner = Inner::default();
        if let Some(file) = file {
            let (records, _) = record::records(&file);
            add(&counters.loaded, records.len() as u64);
            inner.hold(Arc::new(file), records, |_| Usable::NotLookedAt);
        }
        Log { store: store.clone(), name, header, inner: LeafLock::new(inner), counters }
    }

    /// Whether a look-up of this name is worth while.
    pub fn may_have(&self, name: &Name) -> bool {
        let inner = self.lock();
        inner.entries_of(name).any(|(_, entry)| entry.is_usable())
            || inner.pending.iter().any(|pending| pending.name == *name)
    }

    /// The newest record of a name whose body is whole and that `judge` takes.
    pub fn find<T>(&self, name: &Name, mut judge: impl FnMut(&Record, &[u8]) -> Judged<T>) -> Option<T> {
        let (file, candidates, pending): (_, Vec<Record>, Vec<Vec<u8>>) = {
            let inner = self.lock();
            let usable = inner.entries_of(name).filter(|(_, entry)| entry.is_usable());
            let pending = inner.pending.iter().rev().filter(|pending| pending.name == *name);
            let file = inner.file.clone();
            let pending = pending.map(|pending| pending.bytes.clone()).collect();
            (file, usable.map(|(_, entry)| entry.record).collect(), pending)
        };
        for (record, body) in pending.iter().filter_map(|bytes| record::decode(bytes, 0)) {
            if let Judged::Good(found) = judge(&record, body) {
                add(&self.counters.hits, 1);
                return Some(found);
            }
        }
        let file = file?;
        for record in candidates {
            let judged = record.body(&file).map_or(Judged::Damaged, |body| judge(&record, &body));
            let state = match judged {
                Judged::Good(_) => Usable::Used,
                Judged::Stale => Usable::Stale,
                Judged::Damaged => Usable::Damaged,
            };
            self.lock().set_state(&record, state);
            match judged {
                Judged::Good(found) => {
                    add(&self.counters.hits, 1);
                    add(&self.counters.bytes_read, record.range().end - record.range().start);
                    return Some(found);
                }
                Judged::Stale => add(&self.counters.stale, 1),
                Judged::Damaged => add(&self.counters.damaged, 1),
            }
        }
        add(&self.counters.misses, 1);
        None
    }

    /// Hands in a record; it is written with others before long.
    pub fn add(&self, name: Name, source: u128, body: &[u8]) {
        let Some(bytes) = record::encode(&name, source, body) else { return };
        add(&self.counters.added, 1);
        let full = {
            let mut inner = self.lock();
            if inner.read_only {
                add(&self.counters.dropped, 1);
                return;
            }
            let replaces = inner
                .entries_of(&name)
                .any(|(_, entry)| entry.record.source == source && entry.state == Usable::Damaged);
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
        let (mut records, end, mut new) = match self.header.is_of(&file) {
            true => {
                let (records, end) = record::records(&file);
                (records, end, Vec::new())
            }
            false => (Vec::new(), 0, self.header.to_bytes().to_vec()),
        };
        // Other processes may have compiled the same.
        let known: FxHashSet<(Name, u128)> =
            records.iter().map(|record| (record.name, record.source)).collect();
        let mut added = Vec::new();
        for record in pending {
            if record.replaces || !known.contains(&(record.name, record.source)) {
                added.extend(record::decode(&record.bytes, end + new.len() as u64).map(|(record, _)| record));
                new.extend_from_slice(&record.bytes);
            }
        }
        if end + new.len() as u64 > self.store.limit {
            return self.rewrite(&file, &records, pending);
        }
        records.extend(added);
        file.set_len(end).map_err(self.failed("ftruncate"))?;
        file.seek(SeekFrom::Start(end)).map_err(self.failed("lseek"))?;
        if let Err(error) = file.write_all(&new) {
            // A full disk: what was whole before stays.
            let _ = file.set_len(end);
            return Err(self.failed("write")(error));
        }
        self.store.trim(&self.name);
        self.hold(file, records);
        Ok(Some(new.len() as u64))
    }

    /// From now on look-ups are in this file, which has just been written.
    fn hold(&self, file: File, records: Vec<Record>) {
        let mut inner = self.lock();
        let known: FxHashMap<(Name, u128), Usable> = inner
            .entries
            .iter()
            .map(|entry| ((entry.record.name, entry.record.source), entry.state))
            .collect();
        inner.hold(Arc::new(file), records, |record| match known.get(&(record.name, record.source)) {
            // What was damaged may have been written anew.
            None | Some(Usable::Damaged) => Usable::NotLookedAt,
            Some(state) => *state,
        });
    }

    /// Starts the file anew with what this run used of it, and records to be added.
    fn rewrite(&self, old: &File, records: &[Record], pending: &[Pending]) -> Result<Option<u64>, Error> {
        let used: FxHashSet<(Name, u128)> = {
            let inner = self.lock();
            let used = inner.entries.iter().filter(|entry| entry.state == Usable::Used);
            used.map(|entry| (entry.record.name, entry.record.source)).collect()
        };
        let mut new = self.header.to_bytes().to_vec();
        for record in records.iter().filter(|record| used.contains(&(record.name, record.source))) {
            let range = record.range();
            let start = new.len();
            new.resize(start + (range.end - range.start) as usize, 0);
            old.read_exact_at(&mut new[start..], range.start).map_err(self.failed("read"))?;
        }
        for record in pending {
            new.extend_from_slice(&record.bytes);
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
        let (records, _) = record::records(&file);
        self.hold(file, records);
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

    fn lock(&self) -> LeafGuard<'_, Inner> {
        self.inner.lock()
    }
}

impl Entry {
    fn is_usable(&self) -> bool {
        matches!(self.state, Usable::NotLookedAt | Usable::Used)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}
