//! One file of the cache in use: the records that it held when it was opened, and those to be written.

use super::record::{self, Header, Name, Record};
use super::{Error, Store};
use rustc_hash::{FxHashMap, FxHashSet};
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// The file as it was when it was opened. Others append to it, or give its name to another one.
    file: Option<File>,
    inner: Mutex<Inner>,
    counters: AtomicCounters,
}

#[derive(Debug, Default)]
struct Inner {
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
        let records = file.as_ref().map(record::records).unwrap_or_default().0;
        add(&counters.loaded, records.len() as u64);
        inner.newest.reserve(records.len());
        for record in records {
            let older = inner.newest.insert(record.name, inner.entries.len() as u32);
            inner.entries.push(Entry { record, state: Usable::NotLookedAt, older });
        }
        Log { store: store.clone(), name, header, file, inner: Mutex::new(inner), counters }
    }

    /// Whether a look-up of this name is worth while.
    pub fn may_have(&self, name: &Name) -> bool {
        self.lock().entries_of(name).any(|(_, entry)| entry.is_usable())
    }

    /// The newest record of a name whose body is whole and that `judge` takes.
    pub fn find<T>(&self, name: &Name, mut judge: impl FnMut(&Record, &[u8]) -> Judged<T>) -> Option<T> {
        let file = self.file.as_ref()?;
        let candidates: Vec<(u32, Record)> = {
            let inner = self.lock();
            let usable = inner.entries_of(name).filter(|(_, entry)| entry.is_usable());
            usable.map(|(at, entry)| (at, entry.record)).collect()
        };
        for (at, record) in candidates {
            let judged = record.body(file).map_or(Judged::Damaged, |body| judge(&record, &body));
            let state = match judged {
                Judged::Good(_) => Usable::Used,
                Judged::Stale => Usable::Stale,
                Judged::Damaged => Usable::Damaged,
            };
            self.lock().entries[at as usize].state = state;
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
        let (records, end, mut new) = match self.header.is_of(&file) {
            true => {
                let (records, end) = record::records(&file);
                (records, end, Vec::new())
            }
            false => (Vec::new(), 0, self.header.to_bytes().to_vec()),
        };
        // Other processes may have compiled the same.
        let known: FxHashSet<(Name, u128)> =
            records.iter().map(|record| (record.name, record.source)).collect();
        for record in pending {
            if record.replaces || !known.contains(&(record.name, record.source)) {
                new.extend_from_slice(&record.bytes);
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

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}
