//! [`Wit`] for numbers, `bool` and `char`.

use super::flat::{Cons, FlatReader, FlatWriter, Nil};
use super::memory::{Layout, Scratch};
use super::wit::{Lower, Wit};
use crate::describe::Type;

/// The buffer at `data` as a list, without a copy.
///
/// # Safety
/// `len` values of type `T` lie at `data`, which was allocated for exactly these. If there are none, `data` may be
/// anything.
#[inline]
unsafe fn adopt_list<T>(data: *mut u8, len: usize) -> Vec<T> {
    if len == 0 {
        return Vec::new();
    }
    // SAFETY: promised by the caller.
    unsafe { Vec::from_raw_parts(data.cast(), len, len) }
}

/// Numbers look the same in Rust and in the canonical ABI, so lists of them are passed in place.
macro_rules! number {
    ($($type:ty, $core:ty, $wit:ident;)*) => {$(
        // SAFETY: the canonical ABI's flat type, size and alignment of this number.
        unsafe impl Wit for $type {
            type Flat = Cons<$core, Nil>;
            const LAYOUT: Layout = Layout::scalar(size_of::<$type>());
            const TYPE: &'static Type = &Type::$wit;

            #[inline(always)]
            unsafe fn lift(words: &mut FlatReader) -> Self {
                words.take::<$core>() as $type
            }
            #[inline(always)]
            unsafe fn load(from: *const u8) -> Self {
                // SAFETY: promised by the caller.
                unsafe { from.cast::<$type>().read() }
            }
            #[inline]
            unsafe fn load_list(data: *mut u8, len: usize) -> Vec<Self> {
                // SAFETY: promised by the caller.
                unsafe { adopt_list(data, len) }
            }
        }

        // SAFETY: as above.
        unsafe impl Lower for $type {
            type Owned = Self;

            #[inline(always)]
            fn lower(&self, words: &mut FlatWriter, _: &mut Scratch) {
                words.push(*self as $core);
            }
            #[inline(always)]
            unsafe fn store(&self, to: *mut u8, _: &mut Scratch) {
                // SAFETY: promised by the caller.
                unsafe { to.cast::<$type>().write(*self) }
            }
            #[inline]
            fn store_list(items: &[Self], _: &mut Scratch) -> *const u8 {
                items.as_ptr().cast()
            }
        }
    )*};
}

number! {
    u8, i32, U8;
    i8, i32, S8;
    u16, i32, U16;
    i16, i32, S16;
    u32, i32, U32;
    i32, i32, S32;
    u64, i64, U64;
    i64, i64, S64;
    f32, f32, F32;
    f64, f64, F64;
}

// SAFETY: a `bool` is one byte, flat an `i32`; anything but zero is true.
unsafe impl Wit for bool {
    type Flat = Cons<i32, Nil>;
    const LAYOUT: Layout = Layout::scalar(1);
    const TYPE: &'static Type = &Type::Bool;

    #[inline(always)]
    unsafe fn lift(words: &mut FlatReader) -> Self {
        words.take::<i32>() != 0
    }
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: promised by the caller.
        unsafe { from.read() != 0 }
    }
}

// SAFETY: as above.
unsafe impl Lower for bool {
    type Owned = Self;

    #[inline(always)]
    fn lower(&self, words: &mut FlatWriter, _: &mut Scratch) {
        words.push(i32::from(*self));
    }
    #[inline(always)]
    unsafe fn store(&self, to: *mut u8, _: &mut Scratch) {
        // SAFETY: promised by the caller.
        unsafe { to.write(u8::from(*self)) }
    }
    #[inline]
    fn store_list(items: &[Self], _: &mut Scratch) -> *const u8 {
        items.as_ptr().cast()
    }
}

// SAFETY: a `char` is its scalar value in four bytes, flat an `i32`; the host traps on anything else before it gets here.
unsafe impl Wit for char {
    type Flat = Cons<i32, Nil>;
    const LAYOUT: Layout = Layout::scalar(4);
    const TYPE: &'static Type = &Type::Char;

    #[inline(always)]
    unsafe fn lift(words: &mut FlatReader) -> Self {
        // SAFETY: the canonical ABI passes scalar values only.
        unsafe { char::from_u32_unchecked(words.take::<i32>() as u32) }
    }
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: promised by the caller.
        unsafe { from.cast::<char>().read() }
    }
    #[inline]
    unsafe fn load_list(data: *mut u8, len: usize) -> Vec<Self> {
        // SAFETY: promised by the caller.
        unsafe { adopt_list(data, len) }
    }
}

// SAFETY: as above.
unsafe impl Lower for char {
    type Owned = Self;

    #[inline(always)]
    fn lower(&self, words: &mut FlatWriter, _: &mut Scratch) {
        words.push(*self as i32);
    }
    #[inline(always)]
    unsafe fn store(&self, to: *mut u8, _: &mut Scratch) {
        // SAFETY: promised by the caller.
        unsafe { to.cast::<char>().write(*self) }
    }
    #[inline]
    fn store_list(items: &[Self], _: &mut Scratch) -> *const u8 {
        items.as_ptr().cast()
    }
}
