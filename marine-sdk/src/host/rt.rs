//! What the generated bindings expect of a runtime library.
//!
//! `cabi_realloc` is part of this crate, so there is nothing to link.

use std::alloc::{self, Layout, handle_alloc_error};

/// Called so that the allocator is linked.
pub(crate) fn maybe_link_cabi_realloc() {}

/// A buffer for the length of one call.
pub(crate) struct Cleanup {
    buffer: *mut u8,
    layout: Layout,
}

impl Cleanup {
    /// A buffer of `layout`, and what frees it when it is dropped. Nothing is needed for nothing.
    pub(crate) fn new(layout: Layout) -> (*mut u8, Option<Self>) {
        if layout.size() == 0 {
            return (std::ptr::without_provenance_mut(layout.align()), None);
        }
        // SAFETY: the size is not zero.
        let buffer = unsafe { alloc::alloc(layout) };
        if buffer.is_null() {
            handle_alloc_error(layout)
        }
        (buffer, Some(Self { buffer, layout }))
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, and freed only here.
        unsafe { alloc::dealloc(self.buffer, self.layout) }
    }
}
