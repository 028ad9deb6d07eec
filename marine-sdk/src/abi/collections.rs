//! [`Wit`] for what crosses the boundary as a list: arrays, maps, sets, deques; and for borrowed or owned values.
//!
//! Maps are lists of pairs, sets lists of their elements, both in ascending order, so that equal values look equal
//! from outside.

use core::hash::{BuildHasher, Hash};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::flat::{FlatReader, FlatWriter, Slice};
use super::memory::{Layout, Scratch};
use super::wit::{Lower, Wit};
use crate::describe::Type;

/// Makes a type that is made from a list cross the boundary as one.
macro_rules! crosses_as_list {
    ($(
        [$($generics:tt)*] $type:ty: $described:expr, from $element:ty: $from:expr;
        [$($lower_generics:tt)*] $lowered:ty => $owned:ty, $self:ident, $scratch:ident: $list:expr;
    )*) => {$(
        // SAFETY: a list is a pointer and a length; what makes of it this type takes it over.
        unsafe impl<$($generics)*> Wit for $type {
            type Flat = Slice;
            const LAYOUT: Layout = Layout::SLICE;
            const TYPE: &'static Type = &$described;

            #[inline]
            unsafe fn lift(words: &mut FlatReader) -> Self {
                // SAFETY: promised by the caller.
                $from(unsafe { Vec::<$element>::lift(words) })
            }
            #[inline]
            unsafe fn load(from: *const u8) -> Self {
                // SAFETY: promised by the caller.
                $from(unsafe { Vec::<$element>::load(from) })
            }
        }

        // SAFETY: as above; the buffer with the elements lives as long as the scratch.
        unsafe impl<$($lower_generics)*> Lower for $lowered {
            type Owned = $owned;

            #[inline]
            fn lower(&$self, words: &mut FlatWriter, $scratch: &mut Scratch) {
                let (data, len) = $list;
                words.push_pointer(data);
                words.push(len as i32);
            }
            #[inline]
            unsafe fn store(&$self, to: *mut u8, $scratch: &mut Scratch) {
                let (data, len) = $list;
                let to = to.cast::<u32>();
                // SAFETY: promised by the caller.
                unsafe {
                    to.write(data as usize as u32);
                    to.add(1).write(len as u32);
                }
            }
        }
    )*};
}

crosses_as_list! {
    [T: Wit, const N: usize] [T; N]: Type::Fixed(N, T::TYPE), from T: exactly;
    [T: Lower, const N: usize] [T; N] => [T::Owned; N], self, scratch: (T::store_list(self, scratch), N);

    [T: Wit] Box<[T]>: Type::List(T::TYPE), from T: Vec::into_boxed_slice;
    [T: Lower] Box<[T]> => Box<[T::Owned]>, self, scratch: (T::store_list(self, scratch), self.len());

    [T: Wit] VecDeque<T>: Type::List(T::TYPE), from T: VecDeque::from;
    [T: Lower] VecDeque<T> => VecDeque<T::Owned>, self, scratch: match self.as_slices() {
        (all, []) => (T::store_list(all, scratch), all.len()),
        _ => items(self.iter(), scratch),
    };

    [T: Wit + Ord] BTreeSet<T>: Type::List(T::TYPE), from T: BTreeSet::from_iter;
    [T: Lower<Owned: Ord>] BTreeSet<T> => BTreeSet<T::Owned>, self, scratch: items(self.iter(), scratch);

    [T: Wit + Ord + Hash, S: BuildHasher + Default] HashSet<T, S>: Type::List(T::TYPE), from T: HashSet::from_iter;
    [T: Lower<Owned: Ord + Hash> + Ord, S: BuildHasher + Default] HashSet<T, S> => HashSet<T::Owned, S>, self, scratch: {
        let mut sorted: Vec<&T> = self.iter().collect();
        sorted.sort_unstable();
        items(sorted.into_iter(), scratch)
    };

    [K: Wit + Ord, V: Wit] BTreeMap<K, V>: Type::List(<(K, V)>::TYPE), from (K, V): BTreeMap::from_iter;
    [K: Lower<Owned: Ord>, V: Lower] BTreeMap<K, V> => BTreeMap<K::Owned, V::Owned>, self, scratch:
        pairs(self.iter(), scratch);

    [K: Wit + Ord + Hash, V: Wit, S: BuildHasher + Default] HashMap<K, V, S>:
        Type::List(<(K, V)>::TYPE), from (K, V): HashMap::from_iter;
    [K: Lower<Owned: Ord + Hash> + Ord, V: Lower, S: BuildHasher + Default] HashMap<K, V, S>
        => HashMap<K::Owned, V::Owned, S>, self, scratch: {
            let mut sorted: Vec<(&K, &V)> = self.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            pairs(sorted.into_iter(), scratch)
        };
}

/// The elements as an array. Callers from outside are checked before the call, by the length in the module's
/// description; a module that imports the function is not.
fn exactly<T, const N: usize>(list: Vec<T>) -> [T; N] {
    let found = list.len();
    <[T; N]>::try_from(list).unwrap_or_else(|_| panic!("expected a list of {N} elements, got {found}"))
}

/// Stores elements that lie apart; returns where, and how many.
fn items<'i, T: Lower + 'i>(items: impl ExactSizeIterator<Item = &'i T>, scratch: &mut Scratch) -> (*const u8, usize) {
    let (layout, len) = (<T::Owned as Wit>::LAYOUT, items.len());
    let buffer = scratch.buffer(layout, len);
    for (i, item) in items.take(len).enumerate() {
        // SAFETY: the buffer has room for `len` values of this layout.
        unsafe { item.store(buffer.add(i * layout.size), scratch) }
    }
    (buffer, len)
}

/// Stores pairs; returns where, and how many.
fn pairs<'i, K: Lower + 'i, V: Lower + 'i>(
    pairs: impl ExactSizeIterator<Item = (&'i K, &'i V)>,
    scratch: &mut Scratch,
) -> (*const u8, usize) {
    let (layout, len) = (<(K::Owned, V::Owned)>::LAYOUT, pairs.len());
    let buffer = scratch.buffer(layout, len);
    for (i, pair) in pairs.take(len).enumerate() {
        // SAFETY: the buffer has room for `len` pairs of this layout.
        unsafe { pair.store(buffer.add(i * layout.size), scratch) }
    }
    (buffer, len)
}

// SAFETY: all is left to the owned value.
unsafe impl<B> Wit for Cow<'static, B>
where
    B: Lower + ToOwned<Owned = <B as Lower>::Owned> + ?Sized + 'static,
{
    type Flat = <<B as Lower>::Owned as Wit>::Flat;
    const LAYOUT: Layout = <<B as Lower>::Owned as Wit>::LAYOUT;
    const TYPE: &'static Type = <<B as Lower>::Owned as Wit>::TYPE;

    #[inline]
    unsafe fn lift(words: &mut FlatReader) -> Self {
        // SAFETY: promised by the caller.
        Cow::Owned(unsafe { Wit::lift(words) })
    }
    #[inline]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: promised by the caller.
        Cow::Owned(unsafe { Wit::load(from) })
    }
}

// SAFETY: all is left to the borrowed value.
unsafe impl<'b, B> Lower for Cow<'b, B>
where
    B: Lower + ToOwned<Owned = <B as Lower>::Owned> + ?Sized + 'static,
{
    type Owned = Cow<'static, B>;

    #[inline]
    fn lower(&self, words: &mut FlatWriter, scratch: &mut Scratch) {
        (**self).lower(words, scratch);
    }
    #[inline]
    unsafe fn store(&self, to: *mut u8, scratch: &mut Scratch) {
        // SAFETY: promised by the caller.
        unsafe { (**self).store(to, scratch) }
    }
}

// SAFETY: all is left to the text.
unsafe impl Wit for Box<str> {
    type Flat = Slice;
    const LAYOUT: Layout = Layout::SLICE;
    const TYPE: &'static Type = &Type::String;

    #[inline]
    unsafe fn lift(words: &mut FlatReader) -> Self {
        // SAFETY: promised by the caller.
        unsafe { String::lift(words) }.into_boxed_str()
    }
    #[inline]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: promised by the caller.
        unsafe { String::load(from) }.into_boxed_str()
    }
}

// SAFETY: as above.
unsafe impl Lower for Box<str> {
    type Owned = Self;

    #[inline]
    fn lower(&self, words: &mut FlatWriter, scratch: &mut Scratch) {
        (**self).lower(words, scratch);
    }
    #[inline]
    unsafe fn store(&self, to: *mut u8, scratch: &mut Scratch) {
        // SAFETY: promised by the caller.
        unsafe { (**self).store(to, scratch) }
    }
}
