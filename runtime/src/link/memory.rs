//! Which memory belongs to which module. Wasmtime's limiter is told of a growing memory only how large it may become at most, so every
//! memory is given a maximum that no other has: just below its own, or below what it could address anyway. The module's cap is kept by
//! the limiter.

use std::collections::BTreeSet;

use crate::module::MemoryShape;
use crate::spec::ServiceSpec;

/// log2 of the usual size of a page.
const PAGE: u32 = 16;
/// Pages of a memory with 32-bit addresses.
const MOST_PAGES: u64 = 1 << 16;

/// What the memories of a service are given.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryPlan {
    /// Per module, the maximum of each memory in pages; `None` leaves it as it is.
    pub(crate) maxima: Vec<Vec<Option<u64>>>,
    /// How memories are known at run time.
    pub(crate) tags: Vec<MemoryTag>,
}

/// Memories whose maximum is `maximum` bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryTag {
    pub(crate) maximum: usize,
    /// The module, by its place in the specification.
    pub(crate) module: usize,
    /// Bytes that it may have.
    pub(crate) cap: usize,
}

impl MemoryPlan {
    pub(crate) fn new(spec: &ServiceSpec) -> MemoryPlan {
        let mut plan = MemoryPlan::default();
        let mut taken = BTreeSet::new();
        for (module, spec) in spec.modules.iter().enumerate() {
            let cap = spec.memory.unwrap_or(u64::MAX);
            let mut maxima = Vec::new();
            for shape in spec.module.memories() {
                let maximum = maximum(shape, cap, &mut taken);
                if let Some(bytes) = maximum.and_then(|pages| usize::try_from(pages.checked_shl(shape.page)?).ok()) {
                    let cap = usize::try_from(cap).unwrap_or(usize::MAX).min(bytes);
                    plan.tags.push(MemoryTag { maximum: bytes, module, cap });
                }
                maxima.push(maximum);
            }
            plan.maxima.push(maxima);
        }
        plan
    }
}

/// The maximum of a memory, in pages. A memory whose size is fixed cannot be given another, so two of one size cannot be told apart.
fn maximum(shape: &MemoryShape, cap: u64, taken: &mut BTreeSet<u64>) -> Option<u64> {
    let page = shape.page.min(63);
    // Importers of a memory with a maximum may insist on it: it can become smaller, not larger.
    let most = match shape.maximum {
        Some(own) => own.min(cap >> page),
        None if shape.page == PAGE => MOST_PAGES,
        None if cap == u64::MAX => return None,
        None => cap >> page,
    };
    let maximum = (shape.initial..=most).rev().find(|pages| !taken.contains(&(pages << page))).unwrap_or(most);
    taken.insert(maximum << page);
    Some(maximum)
}
