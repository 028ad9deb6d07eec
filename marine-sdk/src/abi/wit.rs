//! The two traits through which Rust values cross the boundary of a module.
//!
//! [`Wit`] is a type that has a WIT type: it describes itself as a constant and can be lifted, that is made from what
//! the other side passed. [`Lower`] is anything that can be passed, references included; lowering borrows, so a string
//! or a list of numbers is handed over where it lies.

use super::flat::{FlatList, FlatReader, FlatWriter};
use super::memory::{self, FieldReader, FieldWriter, Layout, Scratch};
use crate::describe::Type;

/// A Rust type that stands for a WIT type: an argument or result of exported functions, a result of imported ones, a
/// field of a record.
///
/// Implemented for the types of the crate documentation's table and by `#[marine]` for structs and enums.
///
/// # Safety
/// `Flat`, `LAYOUT` and `TYPE` describe one and the same WIT type as the canonical ABI defines it, and `lift` and
/// `load` read exactly that.
#[diagnostic::on_unimplemented(
    message = "[M112] `{Self}` does not cross the boundary of a module",
    label = "not an interface type",
    note = "help: mark the type with #[marine], convert it to one that is, or take the value inside of `Rc`, `Arc`, `Mutex` or `RefCell`"
)]
pub unsafe trait Wit: Sized + Lower<Owned = Self> {
    /// The core values of one value of this type.
    type Flat: FlatList;
    /// Size and alignment in linear memory.
    const LAYOUT: Layout;
    /// The WIT type.
    const TYPE: &'static Type;

    /// Makes the value from core values, taking over the memory they point to.
    ///
    /// # Safety
    /// `words` holds the flattened form of a value of this type, whose memory nobody else frees.
    unsafe fn lift(words: &mut FlatReader) -> Self;

    /// Makes the value from memory, taking over what it points to (not the bytes at `from` themselves).
    ///
    /// # Safety
    /// A value of this type lies at `from`, and nobody else frees the memory it points to.
    unsafe fn load(from: *const u8) -> Self;

    /// Makes a list from memory, taking over `data` and what it points to.
    ///
    /// # Safety
    /// `len` values of this type lie at `data`, which was allocated for exactly these and is freed by nobody else.
    #[inline]
    unsafe fn load_list(data: *mut u8, len: usize) -> Vec<Self> {
        // SAFETY: element `i < len` lies at that offset; the buffer is freed once, after the last element was loaded.
        unsafe {
            let list = (0..len).map(|i| Self::load(data.add(i * Self::LAYOUT.size))).collect();
            memory::free(data, Self::LAYOUT, len);
            list
        }
    }
}

/// A value, or a reference to one, that can be passed to the other side: an argument of an imported function.
///
/// # Safety
/// `lower` and `store` write a value of the WIT type of `Owned`, as the canonical ABI defines it, that stays valid
/// until `self` and `scratch` are dropped.
#[diagnostic::on_unimplemented(
    message = "[M112] `{Self}` does not cross the boundary of a module",
    label = "not an interface type",
    note = "help: mark the type with #[marine], convert it to one that is, or take the value inside of `Rc`, `Arc`, `Mutex` or `RefCell`"
)]
pub unsafe trait Lower {
    /// The type on the receiving side: `String` for `&str`.
    type Owned: Wit;

    /// Adds the core values of `self`.
    fn lower(&self, words: &mut FlatWriter, scratch: &mut Scratch);

    /// Writes `self` to memory.
    ///
    /// # Safety
    /// There is room for a value of the layout of `Owned` at `to`, aligned for it.
    unsafe fn store(&self, to: *mut u8, scratch: &mut Scratch);

    /// Where `items` lie as a list of the canonical ABI: a buffer in `scratch`, or the items themselves if they look
    /// the same.
    #[inline]
    fn store_list(items: &[Self], scratch: &mut Scratch) -> *const u8
    where
        Self: Sized,
    {
        let layout = <Self::Owned as Wit>::LAYOUT;
        let buffer = scratch.buffer(layout, items.len());
        for (i, item) in items.iter().enumerate() {
            // SAFETY: the buffer has room for `items.len()` values of this layout.
            unsafe { item.store(buffer.add(i * layout.size), scratch) }
        }
        buffer
    }
}

impl FieldWriter {
    /// Writes the next field.
    ///
    /// # Safety
    /// The field is the next one of the record that [`FieldWriter::new`] was told of.
    #[inline(always)]
    pub unsafe fn field<T: Lower + ?Sized>(&mut self, value: &T, scratch: &mut Scratch) {
        let to = self.next(<T::Owned as Wit>::LAYOUT);
        // SAFETY: `next` is aligned, and the record has room for its fields.
        unsafe { value.store(to, scratch) }
    }
}

impl FieldReader {
    /// Reads the next field.
    ///
    /// # Safety
    /// The field is the next one of the record that [`FieldReader::new`] was told of, and was not read before.
    #[inline(always)]
    pub unsafe fn field<T: Wit>(&mut self) -> T {
        let from = self.next(T::LAYOUT);
        // SAFETY: promised by the caller.
        unsafe { T::load(from) }
    }
}

/// Checks at compile time that `T` can be an argument or a result.
pub const fn assert_wit<T: Wit>() {}

/// Checks at compile time that `T` can be passed to an imported function.
pub const fn assert_lower<T: Lower + ?Sized>() {}
