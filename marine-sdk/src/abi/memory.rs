//! Linear memory: layouts of the canonical ABI, allocation on behalf of the host, and the buffers of one call.

use std::alloc::{self, handle_alloc_error};

/// Size and alignment in linear memory, in bytes (canonical ABI, `elem_size` and `alignment`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes taken, a multiple of `align`.
    pub size: usize,
    /// Alignment, a power of two of at most 8.
    pub align: usize,
}

impl Layout {
    /// A value of `size` bytes aligned to its size.
    pub const fn scalar(size: usize) -> Self {
        Self { size, align: size }
    }

    /// A pointer and a length, each of 32 bits.
    pub const SLICE: Self = Self { size: 8, align: 4 };

    /// Fields one after the other.
    pub const fn record(fields: &[Layout]) -> Self {
        let mut size = 0;
        let mut align = 1;
        let mut i = 0;
        while i < fields.len() {
            size = round_up(size, fields[i].align) + fields[i].size;
            align = max(align, fields[i].align);
            i += 1;
        }
        Self { size: round_up(size, align), align }
    }

    /// A case number of one byte, then room for the largest payload.
    pub const fn variant(payloads: &[Layout]) -> Self {
        let mut size = 0;
        let mut align = 1;
        let mut i = 0;
        while i < payloads.len() {
            size = max(size, payloads[i].size);
            align = max(align, payloads[i].align);
            i += 1;
        }
        Self { size: round_up(round_up(1, align) + size, align), align }
    }

    /// Where in a variant of this layout the payload begins.
    pub const fn payload_offset(self) -> usize {
        round_up(1, self.align)
    }

    /// Number of 8-byte words that hold a value of this layout.
    pub const fn words(self) -> usize {
        self.size.div_ceil(8)
    }

    /// `count` values one after the other, as the allocator wants it. `None` beyond the address space.
    fn array(self, count: usize) -> Option<alloc::Layout> {
        alloc::Layout::from_size_align(self.size.checked_mul(count)?, self.align).ok()
    }
}

const fn round_up(offset: usize, align: usize) -> usize {
    (offset + align - 1) & !(align - 1)
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Buffers made while the values of one call are lowered; freed when it is dropped.
///
/// Lowering never takes a value apart: strings and lists of numbers are passed where they are, and only lists whose
/// elements look different in the canonical ABI need a buffer.
#[derive(Default)]
pub struct Scratch {
    buffers: Vec<(*mut u8, alloc::Layout)>,
    kept: Vec<Kept>,
}

/// A value on the heap, and how to drop it.
struct Kept {
    value: *mut (),
    drop: unsafe fn(*mut ()),
}

impl Scratch {
    /// No buffers yet.
    #[inline(always)]
    pub const fn new() -> Self {
        Self { buffers: Vec::new(), kept: Vec::new() }
    }

    /// A buffer for `count` values of `layout`, uninitialised, valid until `self` is dropped.
    pub fn buffer(&mut self, layout: Layout, count: usize) -> *mut u8 {
        let Some(layout) = layout.array(count) else { out_of_memory() };
        if layout.size() == 0 {
            return core::ptr::without_provenance_mut(layout.align());
        }
        // SAFETY: the size is not zero.
        let buffer = unsafe { alloc::alloc(layout) };
        if buffer.is_null() {
            handle_alloc_error(layout)
        }
        self.buffers.push((buffer, layout));
        buffer
    }

    /// Keeps a value that was made for lowering, at a place that is valid until `self` is dropped.
    pub fn keep<T: 'static>(&mut self, value: T) -> *const T {
        /// # Safety
        /// `value` came out of a `Box<T>`, and is not used afterwards.
        unsafe fn drop_boxed<T>(value: *mut ()) {
            // SAFETY: promised by the caller.
            drop(unsafe { Box::from_raw(value.cast::<T>()) });
        }
        let value = Box::into_raw(Box::new(value));
        self.kept.push(Kept { value: value.cast(), drop: drop_boxed::<T> });
        value
    }
}

impl Drop for Scratch {
    #[inline(always)]
    fn drop(&mut self) {
        for Kept { value, drop } in self.kept.drain(..) {
            // SAFETY: made in `keep` for this very type, and dropped only here.
            unsafe { drop(value) }
        }
        for &(buffer, layout) in &self.buffers {
            // SAFETY: allocated in `buffer` with this layout, and freed only here.
            unsafe { alloc::dealloc(buffer, layout) }
        }
    }
}

/// Frees what the host allocated through `cabi_realloc` for `count` values of `layout`.
///
/// # Safety
/// `data` was allocated with exactly this layout and is not used afterwards.
#[inline]
pub(super) unsafe fn free(data: *mut u8, layout: Layout, count: usize) {
    let Some(layout) = layout.array(count) else { out_of_memory() };
    if layout.size() != 0 {
        // SAFETY: promised by the caller.
        unsafe { alloc::dealloc(data, layout) }
    }
}

fn out_of_memory() -> ! {
    panic!("a list is larger than the address space")
}

/// Writes the fields of a record one after the other.
pub struct FieldWriter {
    base: *mut u8,
    offset: usize,
}

impl FieldWriter {
    /// Starts at `base`.
    ///
    /// # Safety
    /// `base` is aligned for, and has room for, all fields that will be written.
    #[inline(always)]
    pub unsafe fn new(base: *mut u8) -> Self {
        Self { base, offset: 0 }
    }

    /// Goes on at `offset`, which [`FieldWriter::offset`] returned before.
    ///
    /// # Safety
    /// As for [`FieldWriter::new`].
    #[inline(always)]
    pub(super) unsafe fn resume(base: *mut u8, offset: usize) -> Self {
        Self { base, offset }
    }

    /// How far the record is written, in bytes.
    #[inline(always)]
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Where the next field of this layout is.
    #[inline(always)]
    pub fn next(&mut self, layout: Layout) -> *mut u8 {
        let start = round_up(self.offset, layout.align);
        self.offset = start + layout.size;
        self.base.wrapping_add(start)
    }
}

/// Reads the fields of a record one after the other.
pub struct FieldReader {
    base: *const u8,
    offset: usize,
}

impl FieldReader {
    /// Starts at `base`.
    ///
    /// # Safety
    /// A record whose fields are those that will be read lies at `base`.
    #[inline(always)]
    pub unsafe fn new(base: *const u8) -> Self {
        Self { base, offset: 0 }
    }

    /// Where the next field of this layout is.
    #[inline(always)]
    pub fn next(&mut self, layout: Layout) -> *const u8 {
        let start = round_up(self.offset, layout.align);
        self.offset = start + layout.size;
        self.base.wrapping_add(start)
    }
}

/// The allocator through which the host places arguments and results into this module (canonical ABI, `realloc`).
///
/// # Safety
/// Called by the canonical ABI only: `old` came from here with `old_len` and `align`.
#[cfg(target_arch = "wasm32")]
#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, new_len: usize) -> *mut u8 {
    let (Ok(old_layout), Ok(new_layout)) =
        (alloc::Layout::from_size_align(old_len, align), alloc::Layout::from_size_align(new_len, align))
    else {
        out_of_memory()
    };
    // SAFETY: no size given to the allocator is zero; `old` came from here, as the caller promises.
    let new = unsafe {
        match (old_len, new_len) {
            (0, 0) => core::ptr::without_provenance_mut(align),
            (0, _) => alloc::alloc(new_layout),
            (_, 0) => {
                alloc::dealloc(old, old_layout);
                core::ptr::without_provenance_mut(align)
            }
            _ => alloc::realloc(old, old_layout, new_len),
        }
    };
    if new.is_null() {
        handle_alloc_error(new_layout)
    }
    new
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn layouts_follow_the_canonical_abi() {
        let byte = Layout::scalar(1);
        let long = Layout::scalar(8);
        assert_eq!(Layout::record(&[]), Layout { size: 0, align: 1 });
        assert_eq!(Layout::record(&[byte, long, byte]), Layout { size: 24, align: 8 });
        assert_eq!(Layout::record(&[byte, Layout::SLICE]), Layout { size: 12, align: 4 });
        assert_eq!(Layout::variant(&[byte, long]), Layout { size: 16, align: 8 });
        assert_eq!(Layout::variant(&[long]).payload_offset(), 8);
        assert_eq!(Layout::variant(&[Layout::record(&[])]), Layout { size: 1, align: 1 });
        assert_eq!(Layout { size: 9, align: 1 }.words(), 2);
    }
}
