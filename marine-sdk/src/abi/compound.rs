//! [`Wit`] for strings, lists, options, results, tuples, boxes and references.

use super::flat::{Append, Cons, FlatList, FlatReader, FlatWriter, Nil, Slice};
use super::memory::{FieldReader, FieldWriter, Layout, Scratch};
use super::wit::{Lower, Wit};
use crate::describe::Type;

/// Pointer and length of a list in memory.
///
/// # Safety
/// A list lies at `from`.
#[inline(always)]
unsafe fn load_slice(from: *const u8) -> (*mut u8, usize) {
    let from = from.cast::<u32>();
    // SAFETY: promised by the caller.
    unsafe { (from.read() as usize as *mut u8, from.add(1).read() as usize) }
}

/// Writes pointer and length of a list.
///
/// # Safety
/// There is room for them at `to`.
#[inline(always)]
unsafe fn store_slice(to: *mut u8, data: *const u8, len: usize) {
    let to = to.cast::<u32>();
    // SAFETY: promised by the caller.
    unsafe {
        to.write(data as usize as u32);
        to.add(1).write(len as u32);
    }
}

// SAFETY: a list is a pointer and a length; the elements follow each other in the buffer.
unsafe impl<T: Wit> Wit for Vec<T> {
    type Flat = Slice;
    const LAYOUT: Layout = Layout::SLICE;
    const TYPE: &'static Type = &Type::List(T::TYPE);

    #[inline]
    unsafe fn lift(words: &mut FlatReader) -> Self {
        let data = words.take_pointer();
        let len = words.take_size();
        // SAFETY: promised by the caller.
        unsafe { T::load_list(data, len) }
    }
    #[inline]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: promised by the caller.
        unsafe {
            let (data, len) = load_slice(from);
            T::load_list(data, len)
        }
    }
}

// SAFETY: as above.
unsafe impl<T: Lower> Lower for [T] {
    type Owned = Vec<T::Owned>;

    #[inline]
    fn lower(&self, words: &mut FlatWriter, scratch: &mut Scratch) {
        words.push_pointer(T::store_list(self, scratch));
        words.push(self.len() as i32);
    }
    #[inline]
    unsafe fn store(&self, to: *mut u8, scratch: &mut Scratch) {
        let data = T::store_list(self, scratch);
        // SAFETY: promised by the caller.
        unsafe { store_slice(to, data, self.len()) }
    }
}

// SAFETY: a string is a list of UTF-8 bytes.
unsafe impl Wit for String {
    type Flat = Slice;
    const LAYOUT: Layout = Layout::SLICE;
    const TYPE: &'static Type = &Type::String;

    #[inline]
    unsafe fn lift(words: &mut FlatReader) -> Self {
        // SAFETY: the canonical ABI passes valid UTF-8 only.
        unsafe { String::from_utf8_unchecked(Vec::lift(words)) }
    }
    #[inline]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: as above.
        unsafe { String::from_utf8_unchecked(Vec::load(from)) }
    }
}

// SAFETY: as above.
unsafe impl Lower for str {
    type Owned = String;

    #[inline]
    fn lower(&self, words: &mut FlatWriter, _: &mut Scratch) {
        words.push_pointer(self.as_ptr());
        words.push(self.len() as i32);
    }
    #[inline]
    unsafe fn store(&self, to: *mut u8, _: &mut Scratch) {
        // SAFETY: promised by the caller.
        unsafe { store_slice(to, self.as_ptr(), self.len()) }
    }
}

/// What is passed as the thing it points to.
macro_rules! passes_as_target {
    ($([$($generics:tt)*] $type:ty => $target:ty, $owned:ty;)*) => {$(
        // SAFETY: all is left to the target.
        unsafe impl<$($generics)*> Lower for $type {
            type Owned = $owned;

            #[inline(always)]
            fn lower(&self, words: &mut FlatWriter, scratch: &mut Scratch) {
                <$target as Lower>::lower(self, words, scratch)
            }
            #[inline(always)]
            unsafe fn store(&self, to: *mut u8, scratch: &mut Scratch) {
                // SAFETY: promised by the caller.
                unsafe { <$target as Lower>::store(self, to, scratch) }
            }
        }
    )*};
}

passes_as_target! {
    [] String => str, String;
    [T: Lower] Vec<T> => [T], Vec<T::Owned>;
    [T: Lower] Box<T> => T, Box<T::Owned>;
    [T: Lower + ?Sized] &T => T, T::Owned;
    [T: Lower + ?Sized] &mut T => T, T::Owned;
}

// SAFETY: all is left to the value inside.
unsafe impl<T: Wit> Wit for Box<T> {
    type Flat = T::Flat;
    const LAYOUT: Layout = T::LAYOUT;
    const TYPE: &'static Type = T::TYPE;

    #[inline]
    unsafe fn lift(words: &mut FlatReader) -> Self {
        // SAFETY: promised by the caller.
        Box::new(unsafe { T::lift(words) })
    }
    #[inline]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: promised by the caller.
        Box::new(unsafe { T::load(from) })
    }
}

const NONE: i32 = 0;
const SOME: i32 = 1;

// SAFETY: an option is a variant of `none` and `some`.
unsafe impl<T: Wit> Wit for Option<T> {
    type Flat = Cons<i32, T::Flat>;
    const LAYOUT: Layout = Layout::variant(&[T::LAYOUT]);
    const TYPE: &'static Type = &Type::Option(T::TYPE);

    #[inline]
    unsafe fn lift(words: &mut FlatReader) -> Self {
        words.variant::<Self::Flat, _>(|case, words| match case {
            NONE => None,
            // SAFETY: promised by the caller.
            _ => Some(unsafe { T::lift(words) }),
        })
    }
    #[inline]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: promised by the caller.
        unsafe {
            match i32::from(from.read()) {
                NONE => None,
                _ => Some(T::load(from.add(Self::LAYOUT.payload_offset()))),
            }
        }
    }
}

// SAFETY: as above.
unsafe impl<T: Lower> Lower for Option<T> {
    type Owned = Option<T::Owned>;

    #[inline]
    fn lower(&self, words: &mut FlatWriter, scratch: &mut Scratch) {
        let case = if self.is_some() { SOME } else { NONE };
        words.variant::<<Self::Owned as Wit>::Flat>(case, |words| {
            if let Some(value) = self {
                value.lower(words, scratch);
            }
        });
    }
    #[inline]
    unsafe fn store(&self, to: *mut u8, scratch: &mut Scratch) {
        // SAFETY: promised by the caller.
        unsafe {
            match self {
                None => to.write(NONE as u8),
                Some(value) => {
                    to.write(SOME as u8);
                    value.store(to.add(<Self::Owned as Wit>::LAYOUT.payload_offset()), scratch);
                }
            }
        }
    }
}

const OK: i32 = 0;
const ERR: i32 = 1;

// SAFETY: a result is a variant of `ok` and `err`.
unsafe impl<T: Wit, E: Wit> Wit for Result<T, E> {
    type Flat = Cons<i32, <T::Flat as FlatList>::Join<E::Flat>>;
    const LAYOUT: Layout = Layout::variant(&[T::LAYOUT, E::LAYOUT]);
    const TYPE: &'static Type = &Type::Result(T::TYPE, E::TYPE);

    #[inline]
    unsafe fn lift(words: &mut FlatReader) -> Self {
        // SAFETY: promised by the caller.
        words.variant::<Self::Flat, _>(|case, words| unsafe {
            match case {
                OK => Ok(T::lift(words)),
                _ => Err(E::lift(words)),
            }
        })
    }
    #[inline]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: promised by the caller.
        unsafe {
            let payload = from.add(Self::LAYOUT.payload_offset());
            match i32::from(from.read()) {
                OK => Ok(T::load(payload)),
                _ => Err(E::load(payload)),
            }
        }
    }
}

// SAFETY: as above.
unsafe impl<T: Lower, E: Lower> Lower for Result<T, E> {
    type Owned = Result<T::Owned, E::Owned>;

    #[inline]
    fn lower(&self, words: &mut FlatWriter, scratch: &mut Scratch) {
        let case = if self.is_ok() { OK } else { ERR };
        words.variant::<<Self::Owned as Wit>::Flat>(case, |words| match self {
            Ok(value) => value.lower(words, scratch),
            Err(error) => error.lower(words, scratch),
        });
    }
    #[inline]
    unsafe fn store(&self, to: *mut u8, scratch: &mut Scratch) {
        // SAFETY: promised by the caller.
        unsafe {
            let payload = to.add(<Self::Owned as Wit>::LAYOUT.payload_offset());
            match self {
                Ok(value) => {
                    to.write(OK as u8);
                    value.store(payload, scratch);
                }
                Err(error) => {
                    to.write(ERR as u8);
                    error.store(payload, scratch);
                }
            }
        }
    }
}

// SAFETY: nothing is nothing.
unsafe impl Wit for () {
    type Flat = Nil;
    const LAYOUT: Layout = Layout::record(&[]);
    const TYPE: &'static Type = &Type::Unit;

    #[inline(always)]
    unsafe fn lift(_: &mut FlatReader) -> Self {}
    #[inline(always)]
    unsafe fn load(_: *const u8) -> Self {}
}

// SAFETY: as above.
unsafe impl Lower for () {
    type Owned = Self;

    #[inline(always)]
    fn lower(&self, _: &mut FlatWriter, _: &mut Scratch) {}
    #[inline(always)]
    unsafe fn store(&self, _: *mut u8, _: &mut Scratch) {}
}

/// The flattened forms of types one after the other.
macro_rules! concat {
    () => { Nil };
    ($first:ident $($rest:ident)*) => { Append<$first::Flat, concat!($($rest)*)> };
}

macro_rules! tuples {
    ($($first:ident $index:tt,)*) => { tuples!(@each [] $($first $index,)*); };
    (@each [$($done:tt)*]) => {};
    (@each [$($done:ident $d:tt,)*] $next:ident $n:tt, $($rest:tt)*) => {
        tuples!(@one $($done $d,)* $next $n,);
        tuples!(@each [$($done $d,)* $next $n,] $($rest)*);
    };
    (@one $($name:ident $index:tt,)*) => {
        // SAFETY: a tuple is a record of its elements.
        unsafe impl<$($name: Wit),*> Wit for ($($name,)*) {
            type Flat = concat!($($name)*);
            const LAYOUT: Layout = Layout::record(&[$($name::LAYOUT),*]);
            const TYPE: &'static Type = &Type::Tuple(&[$($name::TYPE),*]);

            #[inline]
            unsafe fn lift(words: &mut FlatReader) -> Self {
                // SAFETY: promised by the caller.
                unsafe { ($($name::lift(words),)*) }
            }
            #[inline]
            unsafe fn load(from: *const u8) -> Self {
                // SAFETY: promised by the caller.
                unsafe {
                    let mut fields = FieldReader::new(from);
                    ($(fields.field::<$name>(),)*)
                }
            }
        }

        // SAFETY: as above.
        unsafe impl<$($name: Lower),*> Lower for ($($name,)*) {
            type Owned = ($($name::Owned,)*);

            #[inline]
            fn lower(&self, words: &mut FlatWriter, scratch: &mut Scratch) {
                $(self.$index.lower(words, scratch);)*
            }
            #[inline]
            unsafe fn store(&self, to: *mut u8, scratch: &mut Scratch) {
                // SAFETY: promised by the caller.
                unsafe {
                    let mut fields = FieldWriter::new(to);
                    $(fields.field(&self.$index, scratch);)*
                }
            }
        }
    };
}

tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15,);
