//! Machines, their stop addresses, and the registers of their guests.

use crate::engine::xlat_engine;
use crate::error::Failure;
use crate::guard::{Sized32, check_out, guard, put, read_struct, string, write_struct};
use crate::handle::{self, Handle};
use crate::numbers::*;
use crate::version::{guest, guest_number};
use std::ffi::c_char;
use std::sync::{Arc, OnceLock};
use translator::guest::Guest;
use translator::guest::registers::{self, Register};
use translator::memory::Mode;
use translator::run::{Vm, VmOptions};

/// One guest address space and the code that was translated from it.
pub struct xlat_vm(());

impl Handle for xlat_vm {
    type Object = Arc<Vm>;
    const KIND: u64 = 2;
}

/// Settings of a machine. Zero fields mean the default; `guest` has none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_vm_options {
    /// `sizeof(xlat_vm_options)`.
    pub struct_size: u32,
    /// `XLAT_GUEST_*`.
    pub guest: u32,
    /// `XLAT_MEMORY_*`; paged by default.
    pub memory_mode: u32,
    /// Zero.
    pub reserved: u32,
    /// Direct mode: size of the address space in bytes, a multiple of the page size; by default the largest power of two
    /// that the host has room for, at most 2^47.
    pub window: u64,
}

// SAFETY: repr(C), 4 * 4 + 8 bytes without padding, integers only.
unsafe impl Sized32 for xlat_vm_options {
    const NAME: &'static str = "xlat_vm_options";
    const FIRST: usize = 24;
}

/// Makes a machine with an empty address space. It is freed with `xlat_vm_free`.
///
/// # Safety
/// `options` points to `struct_size` bytes; `vm` points to a handle to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_new(
    engine: *const xlat_engine,
    options: *const xlat_vm_options,
    vm: *mut *mut xlat_vm,
) -> xlat_status {
    guard(|| {
        check_out(vm, "vm")?;
        let engine = handle::acquire(engine)?;
        if options.is_null() {
            return Err(Failure::null("xlat_vm_options"));
        }
        // SAFETY: the caller's contract.
        let given = unsafe { read_struct(options) }?;
        if given.reserved != 0 {
            return Err(Failure::argument("xlat_vm_options.reserved is not zero"));
        }
        let guest = guest(given.guest)?;
        let options = vm_options(given.memory_mode, given.window, Mode::Paged)?;
        let made = handle::insert(Vm::new(&engine, guest, &options)?)?;
        // SAFETY: the caller's contract.
        unsafe { put(vm, "vm", made) }
    })
}

/// Frees a machine; NULL is fine. Its memory stays as long as it has vCPUs.
///
/// # Safety
/// None: a handle that is not live is an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_free(vm: *mut xlat_vm) -> xlat_status {
    guard(|| handle::free(vm))
}

/// The guest of a machine, `XLAT_GUEST_*`.
///
/// # Safety
/// `number` points to a `uint32_t` to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_guest(vm: *const xlat_vm, number: *mut u32) -> xlat_status {
    guard(|| {
        let vm = handle::acquire(vm)?;
        // SAFETY: the caller's contract.
        unsafe { put(number, "guest", guest_number(vm.guest())) }
    })
}

/// Lets every run on this machine stop before the instruction at `address`, from the next run of each vCPU on. Adding it
/// twice is adding it once. A run that begins at a stop address does not stop there at once.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_add_stop(vm: *const xlat_vm, address: u64) -> xlat_status {
    guard(|| {
        handle::acquire(vm)?.add_stop(address);
        Ok(())
    })
}

/// Takes a stop address away; `XLAT_ERROR_NOT_FOUND` if it is none.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_remove_stop(vm: *const xlat_vm, address: u64) -> xlat_status {
    guard(|| {
        if handle::acquire(vm)?.remove_stop(address) {
            return Ok(());
        }
        Err(Failure::new(XLAT_ERROR_NOT_FOUND, format!("{address:#x} is no stop address")))
    })
}

/// A register of a guest.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_register_info {
    /// `sizeof(xlat_register_info)`.
    pub struct_size: u32,
    /// Number of the register: `XLAT_<GUEST>_<NAME>`.
    pub id: u32,
    /// Its size in bytes: 8 or 16.
    pub bytes: u32,
    /// Zero.
    pub reserved: u32,
    /// Its name, lower case, with a final zero.
    pub name: [c_char; 16],
    /// Another usual name, or empty.
    pub alias: [c_char; 16],
}

// SAFETY: repr(C), 4 * 4 + 16 + 16 bytes without padding, integers only.
unsafe impl Sized32 for xlat_register_info {
    const NAME: &'static str = "xlat_register_info";
    const FIRST: usize = 48;
}

/// How many registers a guest has.
///
/// # Safety
/// `count` points to a `size_t` to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_register_count(guest_number: u32, count: *mut usize) -> xlat_status {
    guard(|| {
        let table = register_table(guest(guest_number)?);
        // SAFETY: the caller's contract.
        unsafe { put(count, "count", table.len()) }
    })
}

/// The `index`th register of a guest, in the order of their numbers.
///
/// # Safety
/// `info` points to as many bytes as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_register_at(
    guest_number: u32,
    index: usize,
    info: *mut xlat_register_info,
) -> xlat_status {
    guard(|| {
        let table = register_table(guest(guest_number)?);
        let register = table.get(index).ok_or_else(|| {
            Failure::new(XLAT_ERROR_NOT_FOUND, format!("register {index} of {}", table.len()))
        })?;
        // SAFETY: the caller's contract.
        unsafe { write_struct(info, describe(register)) }
    })
}

/// The register of a name or alias.
///
/// # Safety
/// `name` points to a string with a final zero; `info` to as many bytes as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_register_by_name(
    guest_number: u32,
    name: *const c_char,
    info: *mut xlat_register_info,
) -> xlat_status {
    guard(|| {
        let guest = guest(guest_number)?;
        // SAFETY: the caller's contract.
        let name = unsafe { string(name, "name") }?.to_string_lossy();
        let found = register_table(guest)
            .iter()
            .find(|register| register.name == name || register.alias == Some(&*name))
            .ok_or_else(|| Failure::new(XLAT_ERROR_NOT_FOUND, format!("{guest} has no register {name:?}")))?;
        // SAFETY: the caller's contract.
        unsafe { write_struct(info, describe(found)) }
    })
}

/// The registers of a guest, ascending by number.
pub(crate) fn register_table(guest: Guest) -> &'static [Register] {
    static TABLES: [OnceLock<Vec<Register>>; 3] = [const { OnceLock::new() }; 3];
    TABLES[guest_number(guest) as usize - 1].get_or_init(|| registers::registers(guest))
}

/// The register of a number.
pub(crate) fn register(guest: Guest, id: u32) -> Result<&'static Register, Failure> {
    let table = register_table(guest);
    match table.binary_search_by_key(&id, |register| register.id.0) {
        Ok(at) => Ok(&table[at]),
        Err(_) => Err(Failure::new(XLAT_ERROR_NOT_FOUND, format!("{guest} has no register number {id}"))),
    }
}

/// The engine's settings of a machine.
pub(crate) fn vm_options(mode: u32, window: u64, default: Mode) -> Result<VmOptions, Failure> {
    let memory = match mode {
        0 => default,
        XLAT_MEMORY_DIRECT => Mode::Direct,
        XLAT_MEMORY_PAGED => Mode::Paged,
        other => return Err(Failure::argument(format!("{other} is no memory mode (XLAT_MEMORY_*)"))),
    };
    let mut options = VmOptions { memory, ..VmOptions::default() };
    options.memory_options.window = (window != 0).then_some(window);
    Ok(options)
}

fn describe(register: &Register) -> xlat_register_info {
    let text = |text: &str| {
        let mut field = [0; 16];
        for (to, from) in field.iter_mut().zip(text.bytes().take(15)) {
            *to = from as c_char;
        }
        field
    };
    xlat_register_info {
        struct_size: 0,
        id: register.id.0,
        bytes: register.bytes,
        reserved: 0,
        name: text(register.name),
        alias: text(register.alias.unwrap_or("")),
    }
}
