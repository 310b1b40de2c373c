//! Guest address spaces.

use crate::ir::Access;

/// Why an access faults.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultKind {
    /// Nothing is mapped there.
    Unmapped,
    /// Mapped, without the permission.
    Permission,
    /// The access must be aligned and is not.
    Misaligned,
}

/// A guest memory fault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fault {
    /// Guest address of the first byte that faults.
    pub addr: u64,
    /// Kind of access.
    pub access: Access,
    /// Size of the access in bytes.
    pub size: u32,
    /// The reason.
    pub kind: FaultKind,
}
