//! Memory and registers that runs start from, and the machines that run from them.

use crate::code::disassemble;
use crate::differential::{CODE, Case, DATA, PAGE, with_breakpoints};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use translator::guest::Guest;
use translator::guest::registers::{State as _, registers};
use translator::ir::Slot;
use translator::memory::{self, Mode, Permissions, Prot};
use translator::run::{
    Engine, EngineOptions, ExecutionMode, Exit, Promotion, RunOptions, Vcpu, Vm, VmOptions,
};

/// Settings of machines here: several of them stand beside each other, so none may take all of the address space.
pub fn vm_options(memory: Mode) -> VmOptions {
    let memory_options = memory::Options { window: Some(1 << 38), ..memory::Options::default() };
    VmOptions { memory, memory_options, ..VmOptions::default() }
}

/// Some pages in a row.
#[derive(Clone, Debug)]
pub struct Area {
    /// Guest address.
    pub start: u64,
    /// Bytes.
    pub len: u64,
    /// What the guest may do there.
    pub prot: Prot,
}

/// What runs start from.
#[derive(Clone, Debug)]
pub struct Image {
    /// Whose code it is.
    pub guest: Guest,
    /// What is mapped.
    pub areas: Vec<Area>,
    /// The pages that are not all zero, by address.
    pub pages: BTreeMap<u64, Box<[u8]>>,
    /// Every slot of the register file.
    pub slots: Vec<u128>,
    /// Where runs begin.
    pub pc: u64,
}

/// Registers and some pages, as a run left them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The guest pc.
    pub pc: u64,
    /// Every slot of the register file.
    pub slots: Vec<u128>,
    /// The pages, one behind the other.
    pub bytes: Vec<u8>,
}

impl translator::guest::registers::State for Seen {
    fn slot(&self, slot: Slot) -> u128 {
        self.slots[slot.index()]
    }

    fn set_slot(&mut self, slot: Slot, value: u128) {
        self.slots[slot.index()] = value;
    }

    fn pc(&self) -> u64 {
        self.pc
    }

    fn set_pc(&mut self, pc: u64) {
        self.pc = pc;
    }
}

impl Image {
    /// The world of the differential tests with a case's program and state.
    pub fn of_case(case: &Case) -> Image {
        let page = PAGE as u64;
        let area = |start, prot| Area { start, len: page, prot };
        let areas = vec![area(CODE, Prot::RX), area(DATA, Prot::RW), area(DATA + page, Prot::READ)];
        let code = with_breakpoints(case.guest, &case.code, PAGE);
        let pages = [(CODE, code.into()), (DATA, case.state.data.clone().into())].into();
        Image { guest: case.guest, areas, pages, slots: case.state.slots.clone(), pc: case.state.pc }
    }

    /// What a machine's memory and vCPU are now.
    ///
    /// # Panics
    /// If memory that is mapped cannot be read.
    pub fn of_machine(vcpu: &Vcpu) -> Image {
        let (memory, guest) = (vcpu.vm().memory(), vcpu.vm().guest());
        let mut image =
            Image { guest, areas: Vec::new(), pages: BTreeMap::new(), slots: slots(vcpu), pc: vcpu.pc() };
        for region in memory.regions() {
            let len = region.last - region.start + 1;
            image.areas.push(Area { start: region.start, len, prot: region.prot });
            for addr in (region.start..=region.last).step_by(PAGE) {
                let mut page = vec![0; PAGE];
                memory.read(addr, &mut page, Permissions::Ignore).expect("mapped");
                if page.iter().any(|byte| *byte != 0) {
                    image.pages.insert(addr, page.into());
                }
            }
        }
        image
    }

    /// A page's bytes.
    pub fn page(&self, addr: u64) -> &[u8] {
        static ZEROS: [u8; PAGE] = [0; PAGE];
        self.pages.get(&addr).map_or(&ZEROS, |page| page)
    }

    /// What the guest may do with a page.
    pub fn prot(&self, addr: u64) -> Option<Prot> {
        self.areas
            .iter()
            .find(|area| (area.start..area.start + area.len).contains(&addr))
            .map(|area| area.prot)
    }

    /// The instructions in `len` bytes from `pc` on.
    pub fn listing(&self, pc: u64, len: usize) -> String {
        let page = pc & !(PAGE as u64 - 1);
        let mut bytes = self.page(page).to_vec();
        bytes.extend_from_slice(self.page(page + PAGE as u64));
        let at = (pc - page) as usize;
        let mut out = String::new();
        for (pc, bytes, text) in disassemble(self.guest, &bytes[at..at + len], pc) {
            let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = writeln!(out, "  {pc:#x}: {:32} {text}", bytes.join(" "));
        }
        out
    }

    /// Everything that differs between two states whose memory is that of `pages`.
    pub fn differences(&self, pages: &BTreeSet<u64>, expected: &Seen, seen: &Seen) -> String {
        let mut out = String::new();
        let start = Seen { pc: self.pc, slots: self.slots.clone(), bytes: Vec::new() };
        for register in registers(self.guest) {
            let (before, x, y) = (register.read(&start), register.read(expected), register.read(seen));
            if x != y || before != x {
                let mark = if x == y { ' ' } else { '*' };
                let name = register.name;
                let _ =
                    writeln!(out, "  {mark} {name}: {before:#x} before, interpreted {x:#x}, compiled {y:#x}");
            }
        }
        for (at, (x, y)) in expected.slots.iter().zip(&seen.slots).enumerate() {
            if x != y {
                let name = self.guest.register_file().slot(Slot(at as u16)).name;
                let _ = writeln!(out, "  * slot {name}: interpreted {x:#x}, compiled {y:#x}");
            }
        }
        for (index, page) in pages.iter().enumerate() {
            for at in (0..PAGE).step_by(8) {
                let from = index * PAGE + at;
                let word = |bytes: &[u8], from: usize| {
                    u64::from_le_bytes(bytes[from..from + 8].try_into().expect("eight bytes"))
                };
                let (x, y) = (word(&expected.bytes, from), word(&seen.bytes, from));
                if x != y {
                    let (addr, before) = (page + at as u64, word(self.page(*page), at));
                    let _ = writeln!(
                        out,
                        "  * [{addr:#x}]: {before:#x} before, interpreted {x:#x}, compiled {y:#x}"
                    );
                }
            }
        }
        out
    }
}

fn slots(vcpu: &Vcpu) -> Vec<u128> {
    let slots = vcpu.vm().guest().register_file().slots.len() as u16;
    (0..slots).map(|at| vcpu.slot(Slot(at))).collect()
}

/// A machine with an image's memory.
pub struct Rig {
    /// How it executes, for reports.
    pub name: &'static str,
    /// Whether promotion and eviction are random.
    pub tiers_at_random: bool,
    vcpu: Vcpu,
}

impl Rig {
    /// Makes one. Compiled code is compiled at once.
    ///
    /// # Panics
    /// If the host refuses the memory.
    pub fn new(name: &'static str, image: &Image, mode: ExecutionMode, memory: Mode) -> Rig {
        let tiers_at_random = mode == ExecutionMode::Compile;
        let options = EngineOptions {
            mode,
            threshold: 0,
            promotion: Promotion::After(3),
            shuffle: tiers_at_random.then_some(1),
            arena_bytes: 32 << 20,
            ..EngineOptions::default()
        };
        let engine = Engine::new(options).expect("an engine");
        let vm = Vm::new(&engine, image.guest, &vm_options(memory)).expect("a machine");
        for area in &image.areas {
            vm.memory().map(area.start, area.len, area.prot).expect("free guest memory");
        }
        for (addr, page) in &image.pages {
            vm.memory().write(*addr, page, Permissions::Ignore).expect("mapped");
        }
        Rig { name, tiers_at_random, vcpu: Vcpu::new(&vm).expect("a vcpu") }
    }

    /// The machine.
    pub fn vm(&self) -> &Arc<Vm> {
        self.vcpu.vm()
    }

    /// Puts the registers and the given pages back to what the image has.
    pub fn reset<'a>(&mut self, image: &Image, pages: impl IntoIterator<Item = &'a u64>) {
        for page in pages {
            self.vm().memory().write(*page, image.page(*page), Permissions::Ignore).expect("mapped");
        }
        for (at, value) in image.slots.iter().enumerate() {
            self.vcpu.set_slot(Slot(at as u16), *value);
        }
        self.vcpu.set_pc(image.pc);
        self.vcpu.clear_reservation();
    }

    /// Changes what may be done with a page.
    pub fn protect(&self, page: u64, prot: Prot) {
        self.vm().memory().protect(page, PAGE as u64, prot).expect("mapped");
    }

    /// Goes on from where the machine is.
    pub fn go(&mut self, budget: Option<u64>) -> Exit {
        self.vcpu.run(&RunOptions { budget, ..RunOptions::default() })
    }

    /// Registers and the given pages as they are.
    pub fn seen<'a>(&self, pages: impl ExactSizeIterator<Item = &'a u64>) -> Seen {
        let mut bytes = vec![0; pages.len() * PAGE];
        for (to, page) in bytes.chunks_mut(PAGE).zip(pages) {
            self.vm().memory().read(*page, to, Permissions::Ignore).expect("mapped");
        }
        Seen { pc: self.vcpu.pc(), slots: slots(&self.vcpu), bytes }
    }

    /// Pages whose bytes are not the image's.
    pub fn changed(&self, image: &Image) -> Vec<u64> {
        let mut page = vec![0; PAGE];
        let mut changed = Vec::new();
        for area in &image.areas {
            for addr in (area.start..area.start + area.len).step_by(PAGE) {
                self.vm().memory().read(addr, &mut page, Permissions::Ignore).expect("mapped");
                if page != image.page(addr) {
                    changed.push(addr);
                }
            }
        }
        changed
    }
}
