//! Which memory belongs to which module. Wasmtime's limiter is told of a growing memory only how large it may become at most, so every
//! memory without a maximum of its own is given one that no other has, just below what it could address anyway; the module's cap is
//! kept by the limiter.

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
        let mut unique = MOST_PAGES;
        for (module, spec) in spec.modules.iter().enumerate() {
            let cap = spec.memory.unwrap_or(u64::MAX);
            let mut maxima = Vec::new();
            for shape in spec.module.memories() {
                let maximum = maximum(shape, cap, &mut unique);
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

fn maximum(shape: &MemoryShape, cap: u64, unique: &mut u64) -> Option<u64> {
    match shape.maximum {
        // Importers of a memory with a maximum may insist on it: it can become smaller, not larger.
        Some(own) => Some(own.min(cap >> shape.page.min(63))),
        None if shape.page == PAGE => {
            let maximum = *unique;
            *unique = unique.saturating_sub(1).max(shape.initial);
            Some(maximum.max(shape.initial))
        }
        None => (cap != u64::MAX).then(|| cap >> shape.page.min(63)),
    }
}
