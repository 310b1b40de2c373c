//! Stencils and stubs on disk: one file for each guest, whatever the program.

use super::Store;
use super::log::{Counters, Judged, Log};
use super::record::{Header, Kind, Name, Record};
use crate::codegen::{Compiler, HostIsa, Keeper, is_kept};
use crate::guest::Guest;
use std::sync::{Arc, OnceLock};

/// The stencils in a store for one code generator. Files are opened when something is looked for.
#[derive(Debug)]
pub struct KeptStencils {
    store: Arc<Store>,
    isa: HostIsa,
    generator: u128,
    logs: [OnceLock<Log>; Guest::ALL.len()],
}

impl KeptStencils {
    /// Those that `compiler` would make.
    pub fn new(store: &Arc<Store>, compiler: &Compiler) -> KeptStencils {
        KeptStencils {
            store: store.clone(),
            isa: compiler.isa(),
            generator: compiler.identity(),
            logs: Default::default(),
        }
    }

    fn log(&self, guest: Guest) -> &Log {
        let number = Guest::ALL.iter().position(|each| *each == guest).expect("one of all");
        self.logs[number].get_or_init(|| {
            let (isa, generator, program) = (self.isa, self.generator, number as u128);
            Log::open(&self.store, Header { kind: Kind::Stencils, isa, generator, program })
        })
    }

    /// Writes what is on its way to the files.
    pub fn flush(&self) {
        self.logs.iter().filter_map(OnceLock::get).for_each(Log::flush);
    }

    /// Counters of a guest's file, if it was needed.
    pub fn counters(&self, guest: Guest) -> Option<Counters> {
        let number = Guest::ALL.iter().position(|each| *each == guest)?;
        self.logs[number].get().map(Log::counters)
    }
}

impl Keeper for KeptStencils {
    fn find(&self, guest: Guest, name: u128, accept: &mut dyn FnMut(&[u8]) -> bool) {
        self.log(guest).find(&to_bytes(name), |_, body| match accept(body) {
            true => Judged::Good(()),
            false => Judged::Damaged,
        });
    }

    fn add(&self, guest: Guest, name: u128, body: &[u8]) {
        self.log(guest).add(to_bytes(name), 0, body);
    }
}

/// Whether a record is a stencil or stub that can be used.
pub(super) fn makes_sense(record: &Record, body: &[u8]) -> bool {
    is_kept(u128::from_le_bytes(record.name[..16].try_into().expect("sixteen bytes")), body)
}

/// Names of stencils fill the beginning of a record's.
fn to_bytes(name: u128) -> Name {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&name.to_le_bytes());
    bytes
}
