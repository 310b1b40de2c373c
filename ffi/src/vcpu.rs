//! vCPUs and their registers.

use crate::error::Failure;
use crate::guard::{array, array_mut, check_out, guard, put};
use crate::handle::{self, Handle, with_signal};
use crate::numbers::*;
use crate::vm::{register, xlat_vm};
use std::sync::{Mutex, MutexGuard, TryLockError};
use translator::guest::Guest;
use translator::guest::registers::State;
use translator::run::{Interrupter, Vcpu};

/// Registers, and the loop that runs guest code.
pub struct xlat_vcpu(());

/// What a handle of a vCPU stands for. A call that finds the lock taken is an error: nobody waits for a run to end.
pub struct VcpuObject {
    pub(crate) vcpu: Mutex<Vcpu>,
    guest: Guest,
    interrupter: Interrupter,
}

impl Handle for xlat_vcpu {
    type Object = VcpuObject;
    const KIND: u64 = 3;
}

impl VcpuObject {
    pub(crate) fn lock(&self) -> Result<MutexGuard<'_, Vcpu>, Failure> {
        self.vcpu.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                Failure::new(XLAT_ERROR_BUSY, "the xlat_vcpu is in use by another call".into())
            }
            TryLockError::Poisoned(_) => {
                Failure::new(XLAT_ERROR_POISONED, "the xlat_vcpu can only be freed".into())
            }
        })
    }
}

/// The value of a register: `low` bits 63:0, `high` bits 127:64.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_value {
    /// Bits 63:0.
    pub low: u64,
    /// Bits 127:64; zero in registers of 8 bytes.
    pub high: u64,
}

impl From<u128> for xlat_value {
    fn from(value: u128) -> xlat_value {
        xlat_value { low: value as u64, high: (value >> 64) as u64 }
    }
}

impl From<xlat_value> for u128 {
    fn from(value: xlat_value) -> u128 {
        u128::from(value.high) << 64 | u128::from(value.low)
    }
}

/// Makes a vCPU of a machine, with every register zero (x86-64: `rflags` 0x202, `mxcsr` 0x1f80). It is freed with
/// `xlat_vcpu_free`.
///
/// # Safety
/// `vcpu` points to a handle to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_new(vm: *const xlat_vm, vcpu: *mut *mut xlat_vcpu) -> xlat_status {
    guard(|| {
        check_out(vcpu, "vcpu")?;
        let vm = handle::acquire(vm)?;
        let made = Vcpu::new(&vm)?;
        let interrupter = made.interrupter();
        let object = VcpuObject { vcpu: Mutex::new(made), guest: vm.guest(), interrupter };
        let made = handle::insert(object)?;
        // SAFETY: the caller's contract.
        unsafe { put(vcpu, "vcpu", made) }
    })
}

/// Frees a vCPU; NULL is fine. `XLAT_ERROR_BUSY` while it runs.
///
/// # Safety
/// None: a handle that is not live is an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_free(vcpu: *mut xlat_vcpu) -> xlat_status {
    guard(|| handle::free(vcpu))
}

/// Asks a vCPU to stop: the run under way, or the next one if none is, returns `XLAT_EXIT_INTERRUPTED` before long.
/// Several calls before that count as one; none is lost.
///
/// From any thread, at any time, also while the vCPU runs, and from signal handlers: it takes no lock, allocates nothing
/// and leaves `xlat_last_error` alone.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_interrupt(vcpu: *const xlat_vcpu) -> xlat_status {
    with_signal(vcpu, |object| object.interrupter.interrupt())
}

/// Reads the guest pc.
///
/// # Safety
/// `pc` points to a `uint64_t` to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_pc(vcpu: *const xlat_vcpu, pc: *mut u64) -> xlat_status {
    guard(|| {
        let object = handle::acquire(vcpu)?;
        let value = object.lock()?.pc();
        // SAFETY: the caller's contract.
        unsafe { put(pc, "pc", value) }
    })
}

/// Sets the guest pc.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_set_pc(vcpu: *mut xlat_vcpu, pc: u64) -> xlat_status {
    guard(|| {
        let object = handle::acquire(vcpu.cast_const())?;
        object.lock()?.set_pc(pc);
        Ok(())
    })
}

/// Reads a register of 8 bytes.
///
/// # Safety
/// `value` points to a `uint64_t` to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_read_register(
    vcpu: *const xlat_vcpu,
    id: u32,
    value: *mut u64,
) -> xlat_status {
    guard(|| {
        let object = handle::acquire(vcpu)?;
        let register = register(object.guest, id)?;
        if register.bytes > 8 {
            return Err(Failure::argument(format!(
                "{} has {} bytes: use xlat_vcpu_read_registers",
                register.name, register.bytes
            )));
        }
        let read = object.lock()?.register(register) as u64;
        // SAFETY: the caller's contract.
        unsafe { put(value, "value", read) }
    })
}

/// Writes a register; one of 16 bytes gets zeros above. Bits that the register does not have are dropped. Every write
/// forgets the guest's exclusive reservation.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_write_register(vcpu: *mut xlat_vcpu, id: u32, value: u64) -> xlat_status {
    guard(|| {
        let object = handle::acquire(vcpu.cast_const())?;
        let register = register(object.guest, id)?;
        object.lock()?.set_register(register, value.into());
        Ok(())
    })
}

/// Reads `count` registers, of 8 or 16 bytes. Nothing is written to `values` if an id is wrong.
///
/// # Safety
/// `ids` points to `count` numbers, `values` has room for `count` values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_read_registers(
    vcpu: *const xlat_vcpu,
    ids: *const u32,
    values: *mut xlat_value,
    count: usize,
) -> xlat_status {
    guard(|| {
        let object = handle::acquire(vcpu)?;
        // SAFETY: the caller's contract.
        let (ids, values) = unsafe { (array(ids, count, "ids")?, array_mut(values, count, "values")?) };
        let registers = ids.iter().map(|&id| register(object.guest, id)).collect::<Result<Vec<_>, _>>()?;
        let vcpu = object.lock()?;
        for (value, register) in values.iter_mut().zip(registers) {
            *value = vcpu.register(register).into();
        }
        Ok(())
    })
}

/// Writes `count` registers, of 8 or 16 bytes, in this order. Nothing is written if an id is wrong.
///
/// # Safety
/// `ids` points to `count` numbers, `values` to `count` values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_write_registers(
    vcpu: *mut xlat_vcpu,
    ids: *const u32,
    values: *const xlat_value,
    count: usize,
) -> xlat_status {
    guard(|| {
        let object = handle::acquire(vcpu.cast_const())?;
        // SAFETY: the caller's contract.
        let (ids, values) = unsafe { (array(ids, count, "ids")?, array(values, count, "values")?) };
        let registers = ids.iter().map(|&id| register(object.guest, id)).collect::<Result<Vec<_>, _>>()?;
        let mut vcpu = object.lock()?;
        for (&value, register) in values.iter().zip(registers) {
            vcpu.set_register(register, value.into());
        }
        Ok(())
    })
}
