//! What translation does: events and reports.

use crate::engine::xlat_engine;
use crate::error::Failure;
use crate::guard::{copy_text, guard, put};
use crate::handle;
use crate::linux::{User, xlat_release_callback};
use crate::numbers::*;
use crate::vm::xlat_vm;
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use translator::codegen::Tier;
use translator::monitor::{Event, EventKind, ListenerId, Monitor};
use translator::run::Engine;

/// Something that happened to a unit of translated code.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_event {
    /// `sizeof(xlat_event)`.
    pub struct_size: u32,
    /// `XLAT_EVENT_*`.
    pub kind: u32,
    /// `xlat_vm_id` of the machine.
    pub vm: u64,
    /// Guest address of the unit's entry.
    pub pc: u64,
    /// Nanoseconds since the engine was made.
    pub nanos: u64,
    /// `XLAT_TIER_*` of the unit.
    pub tier: u32,
    /// Zero.
    pub reserved: u32,
}

/// Sees each event. `event` is valid during the call.
pub type xlat_event_callback = Option<unsafe extern "C" fn(event: *const xlat_event, user: *mut c_void)>;

/// Has each event of the engine's machines told to a callback. The engine must have been made with
/// `XLAT_MONITOR_RECORD`. `listener`, which may be NULL, gets a number for `xlat_engine_remove_listener`. `release`, unless
/// NULL, is called with `user` when the callback is not needed any more.
///
/// The callback runs on the thread where the event happens: one that runs a machine, writes its code, or compiles. It must
/// not use the machine, and should be quick.
///
/// # Safety
/// `callback` and `release` may be called with `user` on any thread, `callback` on several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_engine_add_listener(
    engine: *const xlat_engine,
    callback: xlat_event_callback,
    release: xlat_release_callback,
    user: *mut c_void,
    listener: *mut u64,
) -> xlat_status {
    guard(|| {
        let engine = handle::acquire(engine)?;
        let monitor = monitor(&engine)?;
        let callback = callback.ok_or_else(|| Failure::null("callback"))?;
        let user = User::new(user, release);
        let id = monitor.on_event(move |event| {
            let event = c_event(event);
            // SAFETY: the caller of xlat_engine_add_listener promised that it may be called so.
            unsafe { callback(&event, user.pointer()) };
        });
        if listener.is_null() {
            return Ok(());
        }
        // SAFETY: the caller's contract.
        unsafe { put(listener, "listener", id.0) }
    })
}

/// Takes a callback away. A call of it that has begun on another thread may outlast this function; `release` is called after
/// it.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_engine_remove_listener(
    engine: *const xlat_engine,
    listener: u64,
) -> xlat_status {
    guard(|| {
        let engine = handle::acquire(engine)?;
        match monitor(&engine)?.forget(ListenerId(listener)) {
            true => Ok(()),
            false => {
                Err(Failure::new(XLAT_ERROR_NOT_FOUND, format!("no listener has the number {listener}")))
            }
        }
    })
}

/// The number of a machine in events and reports; no other machine of the process has it.
///
/// # Safety
/// `id` points to a `uint64_t` to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_id(vm: *const xlat_vm, id: *mut u64) -> xlat_status {
    guard(|| {
        let vm = handle::acquire(vm)?;
        // SAFETY: the caller's contract.
        unsafe { put(id, "id", vm.id()) }
    })
}

/// What is known of a machine's translations, as a JSON object: events and exits by kind, the most frequent places of exits,
/// and for each unit address, function, tier, state, compile time, instructions, bytes of guest and host code and samples,
/// the hottest units first. The engine must have been made with `XLAT_MONITOR_RECORD`. `buf`, `len` and `needed` as for
/// `xlat_last_error`; a machine that runs meanwhile may need more at the next call.
///
/// # Safety
/// `buf` has room for `len` bytes; `needed` is NULL or points to a `size_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_report_json(
    vm: *const xlat_vm,
    buf: *mut c_char,
    len: usize,
    needed: *mut usize,
) -> xlat_status {
    guard(|| {
        let vm = handle::acquire(vm)?;
        let report = vm.report().ok_or_else(no_monitor)?;
        let text = serde_json::to_string(&report)
            .map_err(|error| Failure::new(XLAT_ERROR_INTERNAL, error.to_string()))?;
        // SAFETY: the caller's contract.
        unsafe { copy_text(&text, buf, len, needed) }
    })
}

fn monitor(engine: &Engine) -> Result<&Arc<Monitor>, Failure> {
    engine.options().monitor.as_ref().ok_or_else(no_monitor)
}

fn no_monitor() -> Failure {
    Failure::new(XLAT_ERROR_UNSUPPORTED, "the engine was made without XLAT_MONITOR_RECORD".into())
}

fn c_event(event: &Event) -> xlat_event {
    xlat_event {
        struct_size: size_of::<xlat_event>() as u32,
        kind: match event.kind {
            EventKind::Compiled => XLAT_EVENT_COMPILED,
            EventKind::Loaded => XLAT_EVENT_LOADED,
            EventKind::Promoted => XLAT_EVENT_PROMOTED,
            EventKind::Invalidated => XLAT_EVENT_INVALIDATED,
            EventKind::Evicted => XLAT_EVENT_EVICTED,
            EventKind::HotSpot => XLAT_EVENT_HOT_SPOT,
        },
        vm: event.vm,
        pc: event.pc,
        nanos: u64::try_from(event.at.as_nanos()).unwrap_or(u64::MAX),
        tier: match event.tier {
            Tier::Stencils => XLAT_TIER_STENCILS,
            Tier::Region => XLAT_TIER_REGION,
        },
        reserved: 0,
    }
}
