//! A hash map by unit name that grows in parts.
//!
//! PERF: whoever waits for the lock of the cache waits for its maps to grow, too. With one table for 200000 units a vCPU
//! stood still for 60 ms while it was hashed anew.

use super::UnitName;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::ops::Index;

/// Parts; a power of two.
const PARTS: usize = 64;

/// Values by unit name.
#[derive(Debug)]
pub(super) struct NameMap<V> {
    parts: [FxHashMap<UnitName, V>; PARTS],
    len: usize,
}

impl<V> Default for NameMap<V> {
    fn default() -> NameMap<V> {
        NameMap { parts: std::array::from_fn(|_| FxHashMap::default()), len: 0 }
    }
}

/// The part that a name is in: the middle bits of a product, which depend on all of the address below them (Knuth, 6.4).
fn part(name: &UnitName) -> usize {
    (name.pc.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PARTS
}

impl<V> NameMap<V> {
    pub fn get(&self, name: &UnitName) -> Option<&V> {
        self.parts[part(name)].get(name)
    }

    pub fn get_mut(&mut self, name: &UnitName) -> Option<&mut V> {
        self.parts[part(name)].get_mut(name)
    }

    pub fn contains_key(&self, name: &UnitName) -> bool {
        self.get(name).is_some()
    }

    /// The value of a name, which is made if there is none.
    pub fn get_or_default(&mut self, name: UnitName) -> &mut V
    where
        V: Default,
    {
        match self.parts[part(&name)].entry(name) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.len += 1;
                entry.insert(V::default())
            }
        }
    }

    pub fn insert(&mut self, name: UnitName, value: V) {
        self.len += usize::from(self.parts[part(&name)].insert(name, value).is_none());
    }

    pub fn remove(&mut self, name: &UnitName) -> Option<V> {
        let value = self.parts[part(name)].remove(name)?;
        self.len -= 1;
        Some(value)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.parts.iter().flat_map(FxHashMap::values)
    }
}

impl<V> Index<&UnitName> for NameMap<V> {
    type Output = V;

    fn index(&self, name: &UnitName) -> &V {
        &self.parts[part(name)][name]
    }
}
