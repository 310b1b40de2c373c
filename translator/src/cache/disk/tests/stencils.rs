//! Stencils on disk: whatever a file holds, units come out as without it.

use super::*;
use crate::codegen::{Assembly, Keeper, NotAssembled, Stencils, Trace};
use crate::lift::Bytes;

/// `addi a0, a0, 5; ld a1, 8(a0); sd a1, 16(a0); lui a2, 0x12345; slli a3, a2, 7; bne a1, a2, .+8; ecall`.
const CODE: [u32; 7] =
    [0x0055_0513, 0x0085_3583, 0x00b5_3823, 0x1234_5637, 0x0076_1693, 0x00c5_9463, 0x0000_0073];

const START: u64 = 0x1_0000;

impl Folder {
    fn kept(&self) -> Arc<KeptStencils> {
        Arc::new(KeptStencils::new(&self.store(1 << 30), &self.compiler))
    }

    /// The file after the first use.
    fn stencils_file(&self) -> PathBuf {
        let kept = self.kept();
        assemble(&stencils(Some(kept.clone())), true).unwrap();
        kept.flush();
        self.path().join(&self.store(1 << 30).list().unwrap()[0].name)
    }
}

fn stencils(kept: Option<Arc<KeptStencils>>) -> Stencils {
    let compiler = Compiler::new(HostIsa::native(), &Options::default()).unwrap();
    Stencils::new(compiler, kept.map(|kept| kept as Arc<dyn Keeper>)).unwrap()
}

/// A unit of all that can differ: code, links, sites, relocations.
fn assemble(stencils: &Stencils, make: bool) -> Result<Vec<u8>, NotAssembled> {
    let bytes: Vec<u8> = CODE.iter().flat_map(|word| word.to_le_bytes()).collect();
    let (code, key) = (Bytes { start: START, bytes: &bytes }, unit(0).key);
    let trace = Trace::follow(stencils, &key, &code, START, |_| false).unwrap();
    let unit = Assembly::unit(stencils, &key, &trace, 1000, make)?;
    Ok(postcard::to_allocvec(&unit).unwrap())
}

/// Whether this host has stencils; without, there is nothing to keep.
fn supported() -> bool {
    HostIsa::native() == HostIsa::X86_64
}

#[test]
fn the_next_process_compiles_no_stencil() {
    if !supported() {
        return;
    }
    let folder = Folder::new();
    let expected = assemble(&stencils(None), true).unwrap();
    let first = stencils(Some(folder.kept()));
    assert_eq!(assemble(&first, false), Err(NotAssembled::Missing));
    assert_eq!(assemble(&first, true).unwrap(), expected);
    let made = first.stats().made;
    assert!(made > 5 && first.stats().loaded == 0);
    drop(first);
    let second = stencils(Some(folder.kept()));
    assert_eq!(assemble(&second, false).unwrap(), expected);
    assert_eq!((second.stats().made, second.stats().loaded), (0, made));
}

#[test]
fn other_code_generators_and_guests_have_files_of_their_own() {
    if !supported() {
        return;
    }
    let folder = Folder::new();
    folder.stencils_file();
    let optimized =
        Compiler::new(HostIsa::native(), &Options { optimize: true, ..Options::default() }).unwrap();
    let other = Arc::new(KeptStencils::new(&folder.store(1 << 30), &optimized));
    assert_eq!(assemble(&stencils(Some(other)), false), Err(NotAssembled::Missing));
    let kept = folder.kept();
    kept.find(Guest::Aarch64, 1, &mut |_| true);
    assert_eq!(kept.counters(Guest::Aarch64).unwrap().loaded, 0);
    assert_eq!(kept.counters(Guest::X86_64), None, "its file is not opened before it is needed");
}

#[test]
fn every_damaged_byte_of_stencils_costs_a_compilation_at_most_and_is_mended() {
    if !supported() {
        return;
    }
    let folder = Folder::new();
    let expected = assemble(&stencils(None), true).unwrap();
    let file = folder.stencils_file();
    let data = std::fs::read(&file).unwrap();
    let mut noticed = 0;
    for at in 0..data.len() {
        let mut damaged = data.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&file, &damaged).unwrap();
        let kept = folder.kept();
        let damaged = stencils(Some(kept.clone()));
        match assemble(&damaged, false) {
            Ok(unit) => assert_eq!(unit, expected, "byte {at}"),
            Err(error) => {
                assert_eq!(error, NotAssembled::Missing, "byte {at}");
                noticed += 1;
            }
        }
        if at % 97 == 0 {
            assert_eq!(assemble(&damaged, true).unwrap(), expected, "byte {at}");
            kept.flush();
            assert_eq!(
                assemble(&stencils(Some(folder.kept())), false).unwrap(),
                expected,
                "byte {at}, mended"
            );
        }
    }
    // All but the zeros behind bodies.
    assert!(noticed * 10 > data.len() * 9, "{noticed} of {}", data.len());
}

#[test]
fn every_truncation_of_stencils_can_be_appended_to() {
    if !supported() {
        return;
    }
    let folder = Folder::new();
    let expected = assemble(&stencils(None), true).unwrap();
    let file = folder.stencils_file();
    let data = std::fs::read(&file).unwrap();
    for length in (0..data.len()).step_by(7) {
        std::fs::write(&file, &data[..length]).unwrap();
        let kept = folder.kept();
        let rest = stencils(Some(kept.clone()));
        assert_eq!(assemble(&rest, false), Err(NotAssembled::Missing), "{length} bytes");
        assert_eq!(assemble(&rest, true).unwrap(), expected, "{length} bytes");
        kept.flush();
        assert_eq!(assemble(&stencils(Some(folder.kept())), false).unwrap(), expected, "{length} bytes");
    }
    let verified = &folder.store(1 << 30).verify().unwrap()[0];
    assert_eq!((verified.damaged, verified.rest), (0, 0));
}

/// A record with good checksums and a body that no code generator made.
#[test]
fn stencils_that_cannot_be_assembled_are_not_used() {
    if !supported() {
        return;
    }
    let folder = Folder::new();
    let file = folder.stencils_file();
    let (records, _) = record::records(&File::open(&file).unwrap());
    let opened = File::open(&file).unwrap();
    let header = std::fs::read(&file).unwrap()[..record::FILE_HEADER as usize].to_vec();
    let mut forged = header;
    // Each body cut short and with each of its last bytes changed: lengths, places and numbers of holes.
    for record in &records {
        let body = record.body(&opened).unwrap();
        for at in 1..body.len().min(40) {
            let mut changed = body.clone();
            let end = changed.len() - at;
            changed[end] = 0x7f;
            forged.extend(record::encode(&record.name, 0, &changed).unwrap());
            forged.extend(record::encode(&record.name, 0, &body[..end]).unwrap());
        }
    }
    std::fs::write(&file, forged).unwrap();
    // What can be taken is taken; nothing may panic.
    let _ = assemble(&stencils(Some(folder.kept())), false);
    assert!(folder.store(1 << 30).verify().unwrap()[0].damaged > 0);
}

#[test]
fn many_processes_at_once_share_stencils() {
    if !supported() {
        return;
    }
    let folder = Folder::new();
    let expected = assemble(&stencils(None), true).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let kept = folder.kept();
                assert_eq!(assemble(&stencils(Some(kept.clone())), true).unwrap(), expected);
                kept.flush();
                assert_eq!(kept.counters(Guest::Riscv64).unwrap().dropped, 0);
            });
        }
    });
    let second = stencils(Some(folder.kept()));
    assert_eq!(assemble(&second, false).unwrap(), expected);
    let verified = &folder.store(1 << 30).verify().unwrap()[0];
    assert_eq!((verified.whole, verified.damaged, verified.rest), (second.stats().loaded, 0, 0));
}
