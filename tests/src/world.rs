//! A vCPU and its memory made of plain arrays, for tests that run the interpreter on its own.

use std::collections::BTreeMap;
use translator::guest::Guest;
use translator::ir::interpret::World;
use translator::ir::{Access, EnvCall, FenceSet, Order, RmwOp, Slot, Type};
use translator::memory::{Fault, FaultKind};

const PAGE: u64 = 4096;

/// One page of memory.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Page {
    writable: bool,
    bytes: Vec<u8>,
}

/// Registers and memory. Pages that nobody has mapped fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestWorld {
    guest: Guest,
    slots: Vec<u128>,
    pages: BTreeMap<u64, Page>,
    reservation: Option<(u64, u32, u128)>,
}

/// What [`EnvCall::Counter`] answers.
pub const COUNTER: u64 = 0x1122_3344_5566;
/// What [`EnvCall::Retired`] answers.
pub const RETIRED: u64 = 0x7788_99aa;

impl TestWorld {
    /// All slots zero, nothing mapped.
    pub fn new(guest: Guest) -> TestWorld {
        TestWorld {
            guest,
            slots: vec![0; guest.register_file().slots.len()],
            pages: BTreeMap::new(),
            reservation: None,
        }
    }

    /// Maps the pages of `addr..addr + size`, zeroed where they were not mapped before.
    pub fn map(&mut self, addr: u64, size: u64, writable: bool) {
        for page in addr / PAGE..(addr + size).div_ceil(PAGE) {
            let page = self.pages.entry(page).or_insert(Page { writable, bytes: vec![0; PAGE as usize] });
            page.writable = writable;
        }
    }

    /// Bytes of mapped memory; `None` where a byte is not mapped.
    pub fn read(&self, addr: u64, size: usize) -> Option<Vec<u8>> {
        (0..size as u64).map(|at| self.byte(addr.wrapping_add(at))).collect()
    }

    /// Writes mapped memory, whatever its permission.
    ///
    /// # Panics
    /// If a byte is not mapped.
    pub fn write(&mut self, addr: u64, bytes: &[u8]) {
        for (at, &byte) in bytes.iter().enumerate() {
            let addr = addr.wrapping_add(at as u64);
            let page = self.pages.get_mut(&(addr / PAGE)).expect("mapped");
            page.bytes[(addr % PAGE) as usize] = byte;
        }
    }

    /// Every mapped byte with its address.
    pub fn bytes(&self) -> impl Iterator<Item = (u64, u8)> {
        self.pages.iter().flat_map(|(page, contents)| {
            contents.bytes.iter().zip(page * PAGE..).map(|(byte, addr)| (addr, *byte))
        })
    }

    /// Every mapped page: address, whether it is writable, contents.
    pub fn pages(&self) -> impl Iterator<Item = (u64, bool, &[u8])> {
        self.pages.iter().map(|(page, contents)| (page * PAGE, contents.writable, contents.bytes.as_slice()))
    }

    fn byte(&self, addr: u64) -> Option<u8> {
        self.pages.get(&(addr / PAGE)).map(|page| page.bytes[(addr % PAGE) as usize])
    }

    fn check(&self, addr: u64, size: u32, access: Access) -> Result<(), Fault> {
        for at in 0..u64::from(size) {
            let addr = addr.wrapping_add(at);
            let kind = match self.pages.get(&(addr / PAGE)) {
                None => FaultKind::Unmapped,
                Some(page) if access == Access::Write && !page.writable => FaultKind::Permission,
                Some(_) => continue,
            };
            return Err(Fault { addr, access, size, kind });
        }
        Ok(())
    }

    fn value(&self, addr: u64, ty: Type) -> u128 {
        let bytes = self.read(addr, ty.bytes() as usize).expect("checked");
        bytes.iter().rev().fold(0, |value, &byte| value << 8 | u128::from(byte))
    }

    fn put(&mut self, addr: u64, ty: Type, value: u128) {
        self.write(addr, &value.to_le_bytes()[..ty.bytes() as usize]);
    }
}

impl World for TestWorld {
    fn get(&self, slot: Slot) -> u128 {
        self.slots[slot.index()]
    }

    fn set(&mut self, slot: Slot, value: u128) {
        self.slots[slot.index()] = value;
    }

    fn load(&mut self, addr: u64, ty: Type, _: Order) -> Result<u128, Fault> {
        let addr = self.guest.untagged(addr);
        self.check(addr, ty.bytes(), Access::Read)?;
        Ok(self.value(addr, ty))
    }

    fn store(&mut self, addr: u64, ty: Type, value: u128, _: Order) -> Result<(), Fault> {
        let addr = self.guest.untagged(addr);
        self.check(addr, ty.bytes(), Access::Write)?;
        self.put(addr, ty, value);
        Ok(())
    }

    fn probe(&mut self, addr: u64, size: u32, access: Access) -> Result<(), Fault> {
        let addr = self.guest.untagged(addr);
        self.check(addr, size, access)
    }

    fn cas(&mut self, addr: u64, ty: Type, expected: u128, new: u128, _: Order) -> Result<u128, Fault> {
        let addr = self.guest.untagged(addr);
        self.check(addr, ty.bytes(), Access::Write)?;
        let old = self.value(addr, ty);
        if old == expected {
            self.put(addr, ty, new);
        }
        Ok(old)
    }

    fn rmw(&mut self, addr: u64, ty: Type, op: RmwOp, value: u128, _: Order) -> Result<u128, Fault> {
        let addr = self.guest.untagged(addr);
        self.check(addr, ty.bytes(), Access::Write)?;
        let old = self.value(addr, ty);
        self.put(addr, ty, op.apply(ty, old, value));
        Ok(old)
    }

    fn load_exclusive(&mut self, addr: u64, ty: Type, order: Order) -> Result<u128, Fault> {
        let addr = self.guest.untagged(addr);
        let value = self.load(addr, ty, order)?;
        self.reservation = Some((addr, ty.bytes(), value));
        Ok(value)
    }

    fn store_exclusive(&mut self, addr: u64, ty: Type, value: u128, _: Order) -> Result<bool, Fault> {
        let addr = self.guest.untagged(addr);
        self.check(addr, ty.bytes(), Access::Write)?;
        let seen = self.reservation.take();
        let holds = seen == Some((addr, ty.bytes(), self.value(addr, ty)));
        if holds {
            self.put(addr, ty, value);
        }
        Ok(holds)
    }

    fn clear_exclusive(&mut self) {
        self.reservation = None;
    }

    fn fence(&mut self, _: FenceSet, _: FenceSet) {}

    fn env(&mut self, call: EnvCall, _: u64, _: u64) -> u64 {
        match call {
            EnvCall::Counter => COUNTER,
            EnvCall::Retired => RETIRED,
            EnvCall::CpuidAb | EnvCall::CpuidCd | EnvCall::InvalidateCode => 0,
        }
    }

    fn hook(&mut self, _: u32) -> bool {
        false
    }
}
