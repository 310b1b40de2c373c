//! What outlives the process: stencils and stubs in the form that a [`Keeper`] keeps.

use super::{Filling, Part, Place, Stencil};
use crate::guest::Guest;
use serde::{Deserialize, Serialize};
use std::fmt;
use xxhash_rust::xxh3::xxh3_128;

/// Where an earlier process left what the same code generator made for the same host.
pub trait Keeper: fmt::Debug + Send + Sync {
    /// Shows `accept` what is kept under a name, the newest first, until it takes one.
    fn find(&self, guest: Guest, name: u128, accept: &mut dyn FnMut(&[u8]) -> bool);
    /// Keeps something under a name.
    fn add(&self, guest: Guest, name: u128, body: &[u8]);
}

/// What is kept, with the whole key of which its name is the checksum.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: Vec<u64>,
    what: What,
}

/// What a key stands for.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) enum What {
    /// The code of a shape.
    Stencil(Stencil),
    /// The shape's code depends on its constants.
    ByValue,
    /// The shape has no code.
    Refused,
    /// A function of the runtime.
    Stub(Vec<u8>),
}

/// First word of keys of stubs; those of shapes begin with a role and bits below 2^48.
const STUB: u64 = u64::MAX;

/// The key of a stub.
pub(in super::super) fn stub_key(number: u64) -> [u64; 2] {
    [STUB, number]
}

/// Holes that a shape has at most.
const MOST_HOLES: usize = 256;

/// What is kept under a key.
pub(in super::super) fn find(keeper: &dyn Keeper, guest: Guest, key: &[u64]) -> Option<What> {
    let mut found = None;
    keeper.find(guest, name(key), &mut |body| {
        found = decode(body).filter(|kept| kept.key == key).map(|kept| kept.what);
        found.is_some()
    });
    found
}

/// Keeps something under a key.
pub(in super::super) fn add(keeper: &dyn Keeper, guest: Guest, key: &[u64], what: What) -> What {
    let kept = Kept { key: key.to_vec(), what };
    if let Ok(body) = postcard::to_allocvec(&kept) {
        keeper.add(guest, name(key), &body);
    }
    kept.what
}

/// Whether a body is something that a keeper may have been given under this name.
pub fn is_kept(kept_as: u128, body: &[u8]) -> bool {
    decode(body).is_some_and(|kept| name(&kept.key) == kept_as)
}

fn name(key: &[u64]) -> u128 {
    let bytes: Vec<u8> = key.iter().flat_map(|word| word.to_le_bytes()).collect();
    xxh3_128(&bytes)
}

fn decode(body: &[u8]) -> Option<Kept> {
    let kept: Kept = postcard::from_bytes(body).ok()?;
    let sound = match &kept.what {
        What::Stencil(stencil) => stencil.is_sound(MOST_HOLES),
        What::ByValue | What::Refused => true,
        What::Stub(code) => !code.is_empty(),
    };
    sound.then_some(kept)
}

impl Stencil {
    /// Whether every place lies where it may, and every hole is one of so many: a stencil that was read from a file.
    pub(super) fn is_sound(&self, holes: usize) -> bool {
        let has = |place: Place, bytes: usize| {
            let part = match place.part {
                Part::Hot => &self.hot,
                Part::Rest => &self.rest,
            };
            (place.offset as usize).checked_add(bytes).is_some_and(|end| end <= part.len())
        };
        let filled = |&(place, filling): &(Place, Filling)| match filling {
            Filling::Byte(hole) => usize::from(hole) < holes && has(place, 1),
            Filling::Word(hole) => usize::from(hole) < holes && has(place, 4),
            Filling::Wide(hole) => usize::from(hole) < holes && has(place, 8),
            Filling::Link(successor) => successor < 2 && has(place, 8),
            Filling::Counter => has(place, 8),
            Filling::Entry => has(place, 4),
        };
        let aligned = |phase: Option<u8>| phase.is_none_or(|phase| phase < 16);
        self.fillings.iter().all(filled)
            && self.references.iter().all(|reference| has(reference.at, 4) && has(reference.target, 0))
            && self.sites.iter().all(|&site| has(site, 1))
            && aligned(self.hot_phase)
            && aligned(self.rest_phase)
    }
}
