//! Type-level lists of core Wasm types: how a WIT type flattens into the parameters and results of a core function.
//!
//! An attribute macro sees one item at a time and cannot know that `User` flattens to `(i32, i32, i64)`. The signature
//! of the exported core function is therefore computed by the type system: every interface type names its [`FlatList`],
//! lists concatenate and join, and a function is declared with sixteen parameters `P0..P15` of which the ones past the
//! end are `()`. Parameters of type `()` vanish in the C ABI of Wasm, so the signature is exactly the one the canonical
//! ABI demands.

use core::marker::PhantomData;

/// Most core values that may carry the parameters of a function; more go through memory (canonical ABI,
/// `MAX_FLAT_PARAMS`).
pub const MAX_FLAT_PARAMS: usize = 16;

/// Most core values a function may return; more go through memory (canonical ABI, `MAX_FLAT_RESULTS`).
pub const MAX_FLAT_RESULTS: usize = 1;

/// A core Wasm value type, or `()` for "no value here".
///
/// All values travel as 64-bit words between the glue and the types; the optimiser removes the detour.
pub trait CoreType: Copy {
    /// The type that holds either `Self` or `Other` in a variant (canonical ABI, `join`).
    type Join<Other: CoreType>: CoreType;
    /// `Join<i32>`. One such alias per core type stands in for the overloading that the type system lacks.
    type WithI32: CoreType;
    /// `Join<i64>`.
    type WithI64: CoreType;
    /// `Join<f32>`.
    type WithF32: CoreType;
    /// `Join<f64>`.
    type WithF64: CoreType;
    /// `Then` if this is a value, `Else` if it is `()`.
    type IfPresent<Then: FlatList, Else: FlatList>: FlatList;
    /// `Then` if this is a value, `Else` if it is `()`.
    type TypeIfPresent<Then: CoreType, Else: CoreType>: CoreType;

    /// The value as a word: zero-extended bits.
    fn to_bits(self) -> u64;
    /// The value whose low bits these are.
    fn from_bits(bits: u64) -> Self;
}

macro_rules! core_type {
    ($type:ty, join_with: $alias:ident, joins: [$i32:ty, $i64:ty, $f32:ty, $f64:ty], $value:ident => $to:expr, $bits:ident => $from:expr) => {
        impl CoreType for $type {
            type Join<Other: CoreType> = Other::$alias;
            type WithI32 = $i32;
            type WithI64 = $i64;
            type WithF32 = $f32;
            type WithF64 = $f64;
            type IfPresent<Then: FlatList, Else: FlatList> = Then;
            type TypeIfPresent<Then: CoreType, Else: CoreType> = Then;

            #[inline(always)]
            fn to_bits(self) -> u64 {
                let $value = self;
                $to
            }
            #[inline(always)]
            fn from_bits($bits: u64) -> Self {
                $from
            }
        }
    };
}

core_type!(i32, join_with: WithI32, joins: [i32, i64, i32, i64], v => u64::from(v as u32), b => b as i32);
core_type!(i64, join_with: WithI64, joins: [i64, i64, i64, i64], v => v as u64, b => b as i64);
core_type!(f32, join_with: WithF32, joins: [i32, i64, f32, i64], v => u64::from(v.to_bits()), b => f32::from_bits(b as u32));
core_type!(f64, join_with: WithF64, joins: [i64, i64, i64, f64], v => v.to_bits(), b => f64::from_bits(b));

impl CoreType for () {
    type Join<Other: CoreType> = Other;
    type WithI32 = i32;
    type WithI64 = i64;
    type WithF32 = f32;
    type WithF64 = f64;
    type IfPresent<Then: FlatList, Else: FlatList> = Else;
    type TypeIfPresent<Then: CoreType, Else: CoreType> = Else;

    #[inline(always)]
    fn to_bits(self) -> u64 {
        0
    }
    #[inline(always)]
    fn from_bits(_: u64) -> Self {}
}

/// The empty list.
pub struct Nil;

/// The list of `Head` and what follows.
pub struct Cons<Head, Tail>(PhantomData<(Head, Tail)>);

/// A list of core types. `P0` to `P16` are its elements, `()` past the end.
pub trait FlatList {
    /// Number of elements.
    const LEN: usize;
    /// This list, then `Other`.
    type Append<Other: FlatList>: FlatList;
    /// Element by element the type that holds either (canonical ABI, `flatten_variant`).
    type Join<Other: FlatList>: FlatList;
    /// First element.
    type Head: CoreType;
    /// All but the first element.
    type Tail: FlatList;
    /// Element 0.
    type P0: CoreType;
    /// Element 1.
    type P1: CoreType;
    /// Element 2.
    type P2: CoreType;
    /// Element 3.
    type P3: CoreType;
    /// Element 4.
    type P4: CoreType;
    /// Element 5.
    type P5: CoreType;
    /// Element 6.
    type P6: CoreType;
    /// Element 7.
    type P7: CoreType;
    /// Element 8.
    type P8: CoreType;
    /// Element 9.
    type P9: CoreType;
    /// Element 10.
    type P10: CoreType;
    /// Element 11.
    type P11: CoreType;
    /// Element 12.
    type P12: CoreType;
    /// Element 13.
    type P13: CoreType;
    /// Element 14.
    type P14: CoreType;
    /// Element 15.
    type P15: CoreType;
    /// Element 16: present only if the list is too long for parameters.
    type P16: CoreType;
}

impl FlatList for Nil {
    const LEN: usize = 0;
    type Append<Other: FlatList> = Other;
    type Join<Other: FlatList> = Other;
    type Head = ();
    type Tail = Nil;
    type P0 = ();
    type P1 = ();
    type P2 = ();
    type P3 = ();
    type P4 = ();
    type P5 = ();
    type P6 = ();
    type P7 = ();
    type P8 = ();
    type P9 = ();
    type P10 = ();
    type P11 = ();
    type P12 = ();
    type P13 = ();
    type P14 = ();
    type P15 = ();
    type P16 = ();
}

impl<Head: CoreType, Tail: FlatList> FlatList for Cons<Head, Tail> {
    const LEN: usize = 1 + Tail::LEN;
    type Append<Other: FlatList> = Cons<Head, Tail::Append<Other>>;
    type Join<Other: FlatList> = Cons<Head::Join<Other::Head>, Tail::Join<Other::Tail>>;
    type Head = Head;
    type Tail = Tail;
    type P0 = Head;
    type P1 = Tail::P0;
    type P2 = Tail::P1;
    type P3 = Tail::P2;
    type P4 = Tail::P3;
    type P5 = Tail::P4;
    type P6 = Tail::P5;
    type P7 = Tail::P6;
    type P8 = Tail::P7;
    type P9 = Tail::P8;
    type P10 = Tail::P9;
    type P11 = Tail::P10;
    type P12 = Tail::P11;
    type P13 = Tail::P12;
    type P14 = Tail::P13;
    type P15 = Tail::P14;
    type P16 = Tail::P15;
}

/// `A` then `B`.
pub type Append<A, B> = <A as FlatList>::Append<B>;

/// Core parameters of a function whose parameters flatten to `Args`: those, or one pointer if they are too many.
pub type Params<Args> = <<Args as FlatList>::P16 as CoreType>::IfPresent<Pointer, Args>;

/// Core result of an exported function whose result flattens to `Flat`: nothing, the value, or a pointer.
pub type ExportResult<Flat> = <<Flat as FlatList>::P1 as CoreType>::TypeIfPresent<i32, <Flat as FlatList>::P0>;

/// Core parameters of an imported function: [`Params`], then where to write the result if it needs memory.
pub type ImportParams<Args, Flat> = Append<Params<Args>, <<Flat as FlatList>::P1 as CoreType>::IfPresent<Pointer, Nil>>;

/// Core result of an imported function: nothing or the value.
pub type ImportResult<Flat> = <<Flat as FlatList>::P1 as CoreType>::TypeIfPresent<(), <Flat as FlatList>::P0>;

/// One pointer into linear memory.
pub type Pointer = Cons<i32, Nil>;

/// A pointer and a length.
pub type Slice = Cons<i32, Cons<i32, Nil>>;

/// The core values of parameters or a result on their way out.
pub struct FlatWriter {
    words: [u64; MAX_FLAT_PARAMS + 1],
    len: usize,
}

impl FlatWriter {
    /// No values yet.
    #[inline(always)]
    #[expect(clippy::new_without_default, reason = "made by generated code only")]
    pub fn new() -> Self {
        Self { words: [0; MAX_FLAT_PARAMS + 1], len: 0 }
    }

    /// Adds one value. Values beyond the most a function can take are dropped: such lists go through memory.
    #[inline(always)]
    pub fn push(&mut self, value: impl CoreType) {
        if let Some(word) = self.words.get_mut(self.len) {
            *word = value.to_bits();
        }
        self.len += 1;
    }

    /// Adds a pointer.
    #[inline(always)]
    pub fn push_pointer(&mut self, pointer: *const u8) {
        self.push(pointer as usize as i32);
    }

    /// Adds the case of a variant that flattens to `Flat`, lets `payload` add its values, and fills the rest with
    /// zeros.
    #[inline(always)]
    pub fn variant<Flat: FlatList>(&mut self, case: i32, payload: impl FnOnce(&mut Self)) {
        let end = self.len + Flat::LEN;
        self.push(case);
        payload(self);
        while self.len < end {
            self.push(0i32);
        }
    }

    /// The word at `index`, as the core type that the function's signature has there.
    #[inline(always)]
    pub fn get<T: CoreType>(&self, index: usize) -> T {
        T::from_bits(self.words[index])
    }
}

/// The core values of parameters or a result on their way in.
pub struct FlatReader {
    words: [u64; MAX_FLAT_PARAMS],
    at: usize,
}

impl FlatReader {
    /// Reads `words` from the start.
    #[inline(always)]
    pub fn new(words: [u64; MAX_FLAT_PARAMS]) -> Self {
        Self { words, at: 0 }
    }

    /// The next value. Past the end (where the values went through memory) it is zero.
    #[inline(always)]
    pub fn take<T: CoreType>(&mut self) -> T {
        let word = self.words.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        T::from_bits(word)
    }

    /// The next value as a pointer.
    #[inline(always)]
    pub fn take_pointer(&mut self) -> *mut u8 {
        self.take_size() as *mut u8
    }

    /// The next value as an unsigned size.
    #[inline(always)]
    pub fn take_size(&mut self) -> usize {
        self.take::<i32>() as u32 as usize
    }

    /// Reads the case of a variant that flattens to `Flat`, lets `payload` read its values, and skips the rest.
    #[inline(always)]
    pub fn variant<Flat: FlatList, T>(&mut self, payload: impl FnOnce(i32, &mut Self) -> T) -> T {
        let end = self.at + Flat::LEN;
        let case = self.take::<i32>();
        let value = payload(case, self);
        self.at = end;
        value
    }
}
