//! The files of the disk cache, whole, damaged, foreign and hostile.

mod stencils;

use super::*;
use crate::cache::UnitName;
use crate::codegen::unit::Relocation;
use crate::codegen::{
    CompiledUnit, Compiler, FaultSite, HostIsa, LinkSite, Options, SiteAction, Tier, UnitKey,
};
use crate::guest::Guest;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

const PROGRAM: u128 = 0x1234;

/// Bytes that guest memory holds, and what a unit made from them has for a source.
const SOURCE: u128 = 7;

fn unit(pc: u64) -> CompiledUnit {
    CompiledUnit {
        isa: HostIsa::native(),
        pc,
        key: UnitKey { parallel: true, ..UnitKey::plain(Guest::Riscv64) },
        tier: Tier::Region,
        code: (0..200).map(|byte| byte ^ pc as u8).collect(),
        hot_bytes: 100,
        relocations: vec![Relocation::LinkSlot { offset: 16, index: 0 }],
        links: vec![LinkSite { target: pc + 4 }],
        counter: None,
        interprets: false,
        sites: vec![FaultSite { offset: 8, action: SiteAction::Cold { offset: 100 }, restart: None }],
        moves: Vec::new(),
        ranges: vec![pc..pc + 4],
        checks: Vec::new(),
        instructions: 1,
        write_back: false,
        compile_time: Default::default(),
        clif: None,
    }
}

fn name(pc: u64) -> UnitName {
    UnitName { pc, key: unit(pc).key }
}

struct Folder {
    directory: tempfile::TempDir,
    compiler: Compiler,
}

impl Folder {
    fn new() -> Folder {
        let directory = tempfile::tempdir().unwrap();
        let compiler = Compiler::new(HostIsa::native(), &Options::default()).unwrap();
        Folder { directory, compiler }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("xlat")
    }

    fn store(&self, limit: u64) -> Arc<Store> {
        Arc::new(Store::open(&self.path(), limit).unwrap())
    }

    fn units(&self) -> ProgramUnits {
        ProgramUnits::open(&self.store(1 << 30), PROGRAM, &self.compiler)
    }

    /// Writes units for these addresses; the file that they are in.
    fn fill(&self, pcs: impl IntoIterator<Item = u64>) -> PathBuf {
        let units = self.units();
        for pc in pcs {
            units.add(&unit(pc), SOURCE);
        }
        drop(units);
        self.path().join(&self.store(1 << 30).list().unwrap()[0].name)
    }

    /// How many of the addresses have a unit, each of which must be the right one.
    fn found(&self, pcs: impl IntoIterator<Item = u64>) -> usize {
        let units = self.units();
        pcs.into_iter().filter(|&pc| find(&units, pc, SOURCE)).count()
    }
}

fn find(units: &ProgramUnits, pc: u64, source: u128) -> bool {
    let found = units.find(&name(pc), |ranges| {
        assert_eq!(ranges, [pc..pc + 4]);
        Some(source)
    });
    if let Some(found) = &found {
        assert_eq!(postcard::to_allocvec(found).unwrap(), postcard::to_allocvec(&unit(pc)).unwrap());
    }
    found.is_some()
}

#[test]
fn units_are_found_by_the_next_process_for_the_same_bytes_only() {
    let folder = Folder::new();
    assert_eq!(folder.found(0..4), 0);
    folder.fill([0x100, 0x200]);
    folder.fill([0x200, 0x300]);
    let units = folder.units();
    assert_eq!(units.counters().loaded, 3);
    assert!(units.may_have(&name(0x100)) && !units.may_have(&name(0x104)));
    assert!(find(&units, 0x100, SOURCE) && find(&units, 0x300, SOURCE));
    assert!(!find(&units, 0x200, SOURCE + 1));
    assert!(!units.may_have(&name(0x200)), "it was found to be stale");
    assert_eq!((units.counters().hits, units.counters().stale, units.counters().misses), (2, 1, 1));
}

#[test]
fn other_programs_and_code_generators_have_files_of_their_own() {
    let folder = Folder::new();
    folder.fill([0x100]);
    let other = ProgramUnits::open(&folder.store(1 << 30), PROGRAM + 1, &folder.compiler);
    assert!(!other.may_have(&name(0x100)));
    let optimized =
        Compiler::new(HostIsa::native(), &Options { optimize: true, ..Options::default() }).unwrap();
    let other = ProgramUnits::open(&folder.store(1 << 30), PROGRAM, &optimized);
    assert!(!other.may_have(&name(0x100)));
}

#[test]
fn every_truncation_keeps_the_units_before_it_and_can_be_appended_to() {
    let folder = Folder::new();
    let file = folder.fill((0..4).map(|index| index * 16));
    let data = std::fs::read(&file).unwrap();
    let record = (data.len() - 64) / 4;
    for length in 0..data.len() {
        std::fs::write(&file, &data[..length]).unwrap();
        let whole = length.saturating_sub(64) / record;
        assert_eq!(folder.found((0..4).map(|index| index * 16)), whole, "{length} bytes");
        if length % 13 == 0 {
            folder.fill([0x900]);
            assert_eq!(folder.found((0..4).map(|index| index * 16)), whole, "{length} bytes, then one unit");
            assert_eq!(folder.found([0x900]), 1, "{length} bytes, then one unit");
        }
    }
}

#[test]
fn every_damaged_byte_costs_at_most_what_is_behind_it_and_is_mended() {
    let folder = Folder::new();
    let pcs = || (0..3).map(|index| index * 16);
    let file = folder.fill(pcs());
    let data = std::fs::read(&file).unwrap();
    let record = (data.len() - 64) / 3;
    for at in 0..data.len() {
        let mut damaged = data.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&file, &damaged).unwrap();
        // `find` asserts that what is found is what was written.
        let found = folder.found(pcs());
        assert!(found >= at.saturating_sub(64) / record, "byte {at}");
        let padding = (at.saturating_sub(64)) % record >= 64 + postcard::to_allocvec(&unit(0)).unwrap().len();
        assert!(found < 3 || padding, "byte {at} is not noticed");
        if at % 17 == 0 {
            let units = folder.units();
            for pc in pcs().filter(|&pc| !find(&units, pc, SOURCE)) {
                units.add(&unit(pc), SOURCE);
            }
            drop(units);
            assert_eq!(folder.found(pcs()), 3, "byte {at}, mended");
        }
    }
}

#[test]
fn random_files_hold_nothing() {
    let folder = Folder::new();
    let file = folder.fill([0x100]);
    let header = std::fs::read(&file).unwrap()[..64].to_vec();
    let mut state = 1u64;
    for round in 0..200 {
        let noise = (0..round * 7).map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        });
        let data: Vec<u8> =
            if round % 2 == 0 { noise.collect() } else { header.iter().copied().chain(noise).collect() };
        std::fs::write(&file, data).unwrap();
        assert_eq!(folder.found([0x100]), 0);
        assert!(folder.store(1 << 30).verify().unwrap().iter().all(|file| file.whole == 0));
    }
    folder.fill([0x100]);
    assert_eq!(folder.found([0x100]), 1);
}

#[test]
fn a_unit_that_cannot_be_installed_is_not_given_out() {
    let folder = Folder::new();
    let units = folder.units();
    let mut outside = unit(0x100);
    outside.relocations = vec![Relocation::LinkSlot { offset: 193, index: 0 }];
    units.add(&outside, SOURCE);
    let mut missing = unit(0x200);
    missing.relocations = vec![Relocation::LinkSlot { offset: 0, index: 1 }];
    units.add(&missing, SOURCE);
    let mut cold = unit(0x300);
    cold.sites = vec![FaultSite { offset: 8, action: SiteAction::Cold { offset: 200 }, restart: None }];
    units.add(&cold, SOURCE);
    drop(units);
    let units = folder.units();
    for pc in [0x100, 0x200, 0x300] {
        assert!(!find(&units, pc, SOURCE));
    }
    assert_eq!(units.counters().damaged, 3);
}

#[test]
fn what_others_could_have_written_is_refused() {
    let folder = Folder::new();
    let file = folder.fill([0x100]);
    let refused =
        |path: &Path| matches!(Store::open(path, 1), Err(Error::Unsafe { .. } | Error::System { .. }));
    // A link to the directory, a file in its place.
    let link = folder.directory.path().join("link");
    symlink(folder.path(), &link).unwrap();
    assert!(refused(&link));
    assert!(refused(&file));
    // A file that the group may write, a link, a FIFO: as if empty, and replaced by the next writer.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o620)).unwrap();
    assert_eq!(folder.found([0x100]), 0);
    folder.fill([0x200]);
    assert_eq!(folder.found([0x100, 0x200]), 1);
    let elsewhere = folder.directory.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert_eq!(folder.found([0x200]), 0);
    std::fs::remove_file(&file).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .unwrap();
    assert_eq!(folder.found([0x200]), 0);
    folder.fill([0x300]);
    assert_eq!(folder.found([0x300]), 1);
    // The directory itself.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o770)).unwrap();
    assert!(refused(&folder.path()));
}

#[test]
fn the_limit_keeps_what_was_used() {
    let folder = Folder::new();
    folder.fill((0..100).map(|index| index * 16));
    let size = folder.store(1 << 30).list().unwrap()[0].size;
    // One more does not fit: what this run used stays, with the new one.
    let units = ProgramUnits::open(&folder.store(size), PROGRAM, &folder.compiler);
    for pc in [0x10, 0x20, 0x30] {
        assert!(find(&units, pc, SOURCE));
    }
    units.add(&unit(0x9000), SOURCE);
    drop(units);
    assert_eq!(folder.found((0..100).map(|index| index * 16)), 3);
    assert_eq!(folder.found([0x9000]), 1);
    assert_eq!(folder.store(1 << 30).list().unwrap().len(), 1, "nothing is left lying about");
    // Another program's file makes the one that was used before it go.
    let limit = folder.store(1 << 30).list().unwrap()[0].size;
    let other = ProgramUnits::open(&folder.store(limit), PROGRAM + 1, &folder.compiler);
    other.add(&unit(0x100), SOURCE);
    drop(other);
    let left = folder.store(1 << 30).list().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(folder.found([0x9000]), 0);
    // A limit below one unit writes nothing.
    let none = ProgramUnits::open(&folder.store(64), PROGRAM + 2, &folder.compiler);
    none.add(&unit(0x100), SOURCE);
    none.flush();
    assert_eq!(none.counters().dropped, 1);
}

#[test]
fn a_lock_that_is_never_freed_costs_the_new_units_only() {
    let folder = Folder::new();
    folder.fill([0x100]);
    let store = folder.store(1 << 30);
    let lock = store.lock().unwrap().expect("nobody else has it");
    let units = folder.units();
    units.add(&unit(0x200), SOURCE);
    units.flush();
    assert_eq!((units.counters().dropped, units.counters().written), (1, 0));
    assert!(find(&units, 0x100, SOURCE));
    drop(lock);
    units.add(&unit(0x300), SOURCE);
    units.flush();
    assert_eq!(units.counters().written, 1);
    assert_eq!(folder.found([0x100, 0x200, 0x300]), 2);
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let folder = Folder::new();
    let writers = 20;
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let folder = &folder;
            scope.spawn(move || {
                // A store and a file of its own each, as processes have.
                let units = folder.units();
                for index in 0..10 {
                    // Half of them are everybody's.
                    let pc = if index % 2 == 0 { index * 16 } else { 0x1_0000 * (writer + 1) + index * 16 };
                    units.add(&unit(pc), SOURCE);
                    units.flush();
                }
                assert_eq!(units.counters().dropped, 0);
            });
        }
    });
    let common = (0..10).step_by(2).map(|index| index * 16);
    let own =
        (1..=writers).flat_map(|writer| (1..10).step_by(2).map(move |index| 0x1_0000 * writer + index * 16));
    let all: Vec<u64> = common.chain(own).collect();
    assert_eq!(folder.found(all.iter().copied()), all.len());
    let verified = &folder.store(1 << 30).verify().unwrap()[0];
    assert_eq!((verified.whole, verified.damaged, verified.rest), (all.len() as u64, 0, 0));
}
