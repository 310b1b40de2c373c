//! TLB entries of paged mode.

use super::access::check;
use super::{Fault, Memory, PAGE_SIZE};
use crate::ir::Access;
use crate::run::state::TlbEntry;

impl Memory {
    /// The TLB entry for the page that holds `addr`; `None` if the access is allowed but must not be done directly: a
    /// store to a page with watched code.
    ///
    /// An entry is good until the next `mappings_changed`. A vCPU that fills entries while it counts as "in the host"
    /// compares [`Memory::generation`] before it goes back, as it is not waited for.
    ///
    /// # Errors
    /// The fault of a one-byte access of this kind.
    pub fn tlb_entry(&self, addr: u64, access: Access) -> Result<Option<TlbEntry>, Fault> {
        let state = self.read_state();
        check(&state, addr, 1, access)?;
        let Some((start, region)) = state.regions.find(addr) else { return Ok(None) };
        if access == Access::Write && state.code.is_watched(region.key(start, addr)) {
            return Ok(None);
        }
        let page = addr & !(PAGE_SIZE - 1);
        let host = region.host(start, page) as u64;
        Ok(Some(TlbEntry { tag: page, addend: host.wrapping_sub(page) }))
    }
}
