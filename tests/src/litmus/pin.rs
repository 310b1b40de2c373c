//! Threads bound to processors of their own: left to itself the kernel often wakes all threads of a batch on one.
#![allow(unsafe_code, reason = "processor affinity")]

/// Binds the calling thread to one of the processors that it may run on; equal numbers mean the same one.
pub fn pin(number: usize) {
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: all zero is an empty set; the calls read and write a set of this size.
    unsafe {
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size, &mut allowed) != 0 {
            return;
        }
        let processors: Vec<usize> =
            (0..libc::CPU_SETSIZE as usize).filter(|cpu| libc::CPU_ISSET(*cpu, &allowed)).collect();
        if let Some(cpu) = processors.get(number % processors.len().max(1)) {
            let mut one: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(*cpu, &mut one);
            // A refusal only makes the test weaker.
            libc::sched_setaffinity(0, size, &one);
        }
    }
}
