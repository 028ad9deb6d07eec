//! One call across the boundary: arguments coming in, a result going out, and the other way round.
//!
//! The generated functions know the types; what is written here is what they have in common. A function whose
//! parameters flatten to more than [`MAX_FLAT_PARAMS`] core values takes a pointer to them instead, one whose result
//! flattens to more than [`MAX_FLAT_RESULTS`] passes it through memory. Which of these holds is known at compile time,
//! so one of the two branches below always disappears.

use core::cell::UnsafeCell;
use core::marker::PhantomData;

use super::flat::{CoreType, FlatList, FlatReader, FlatWriter, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS};
use super::memory::{self, FieldReader, FieldWriter, Layout, Scratch};
use super::wit::{Lower, Wit};

/// The arguments of a call to an exported function, which flatten to `Flat`.
pub struct IncomingArgs<Flat> {
    words: FlatReader,
    fields: FieldReader,
    memory: *mut u8,
    layout: Layout,
    flat: PhantomData<Flat>,
}

impl<Flat: FlatList> IncomingArgs<Flat> {
    /// # Safety
    /// `words` are the core parameters of a function whose parameters flatten to `Flat` and have `layout` in memory,
    /// just called through the canonical ABI.
    #[inline(always)]
    pub unsafe fn new(words: [u64; MAX_FLAT_PARAMS], layout: Layout) -> Self {
        let memory = if Flat::LEN > MAX_FLAT_PARAMS { words[0] as usize as *mut u8 } else { core::ptr::null_mut() };
        Self {
            words: FlatReader::new(words),
            // SAFETY: fields are read only if the arguments are in memory.
            fields: unsafe { FieldReader::new(memory) },
            memory,
            layout,
            flat: PhantomData,
        }
    }

    /// Takes the next argument.
    ///
    /// # Safety
    /// `T` is the type of the function's next parameter.
    #[inline(always)]
    pub unsafe fn take<T: Wit>(&mut self) -> T {
        // SAFETY: promised by the caller.
        unsafe { if Flat::LEN > MAX_FLAT_PARAMS { self.fields.field() } else { T::lift(&mut self.words) } }
    }

    /// Frees the memory the arguments came in.
    ///
    /// # Safety
    /// All arguments were taken.
    #[inline(always)]
    pub unsafe fn finish(self) {
        if Flat::LEN > MAX_FLAT_PARAMS {
            // SAFETY: the host allocated it for these arguments.
            unsafe { memory::free(self.memory, self.layout, 1) }
        }
    }
}

/// Where the result of an exported function stays until the host has read it.
///
/// The canonical ABI calls the function's post-return next, before anything else in this module, so one place per
/// function is enough.
pub struct ResultSlot<R: 'static, const WORDS: usize> {
    area: UnsafeCell<[u64; WORDS]>,
    kept: UnsafeCell<Option<(R, Scratch)>>,
}

// SAFETY: a module has one thread.
unsafe impl<R, const WORDS: usize> Sync for ResultSlot<R, WORDS> {}

impl<R: Wit, const WORDS: usize> ResultSlot<R, WORDS> {
    /// An empty slot; `WORDS` is the size of `R`'s layout.
    #[expect(clippy::new_without_default, reason = "made by generated code, in a constant")]
    pub const fn new() -> Self {
        Self { area: UnsafeCell::new([0; WORDS]), kept: UnsafeCell::new(None) }
    }

    /// Keeps `result` if it owns memory, and returns its core value: itself, or where it lies.
    ///
    /// # Safety
    /// Called by the exported function of this slot only.
    #[inline(always)]
    pub unsafe fn give<Ret: CoreType>(&self, result: R) -> Ret {
        if const { R::TYPE.owns_memory() } {
            let kept = self.kept.get();
            // SAFETY: one thread, and no reference into the slot outlives a call of `give` or `clear`. The slot is
            // empty, so writing over it loses nothing: post-return follows each call.
            let (result, scratch) = unsafe {
                kept.write(None);
                (*kept).insert((result, Scratch::new()))
            };
            self.pass(result, scratch)
        } else {
            self.pass(&result, &mut Scratch::new())
        }
    }

    #[inline(always)]
    fn pass<Ret: CoreType>(&self, result: &R, scratch: &mut Scratch) -> Ret {
        if <R::Flat as FlatList>::LEN > MAX_FLAT_RESULTS {
            let area = self.area.get().cast::<u8>();
            // SAFETY: the area is as large as the layout of `R` says, and aligned to 8.
            unsafe { result.store(area, scratch) }
            Ret::from_bits(area as usize as u64)
        } else {
            let mut words = FlatWriter::new();
            result.lower(&mut words, scratch);
            words.get(0)
        }
    }

    /// Drops the result: the host has read it.
    ///
    /// # Safety
    /// Called by the post-return function of this slot only.
    #[inline(always)]
    pub unsafe fn clear(&self) {
        if const { R::TYPE.owns_memory() } {
            // SAFETY: as in `give`.
            drop(unsafe { (*self.kept.get()).take() });
        }
    }
}

/// The arguments of a call to an imported function, which flatten to `Flat`.
pub struct OutgoingArgs<Flat, const WORDS: usize> {
    words: FlatWriter,
    memory: [u64; WORDS],
    offset: usize,
    scratch: Scratch,
    flat: PhantomData<Flat>,
}

impl<Flat: FlatList, const WORDS: usize> OutgoingArgs<Flat, WORDS> {
    /// No arguments yet; `WORDS` is the size of their layout if they go through memory.
    #[inline(always)]
    #[expect(clippy::new_without_default, reason = "made by generated code only")]
    pub fn new() -> Self {
        Self { words: FlatWriter::new(), memory: [0; WORDS], offset: 0, scratch: Scratch::new(), flat: PhantomData }
    }

    /// Adds the next argument.
    ///
    /// # Safety
    /// The value is of the type of the function's next parameter.
    #[inline(always)]
    pub unsafe fn push<T: Lower + ?Sized>(&mut self, value: &T) {
        if Flat::LEN > MAX_FLAT_PARAMS {
            // SAFETY: the memory has room for all parameters.
            let mut fields = unsafe { FieldWriter::resume(self.memory.as_mut_ptr().cast(), self.offset) };
            // SAFETY: promised by the caller.
            unsafe { fields.field(value, &mut self.scratch) }
            self.offset = fields.offset();
        } else {
            value.lower(&mut self.words, &mut self.scratch);
        }
    }

    /// Adds where to write the result, if it comes through memory. The last thing to add.
    #[inline(always)]
    pub fn result_area<R: Wit>(&mut self, area: *mut u8) {
        if Flat::LEN > MAX_FLAT_PARAMS {
            self.words.push_pointer(self.memory.as_ptr().cast());
        }
        if <R::Flat as FlatList>::LEN > MAX_FLAT_RESULTS {
            self.words.push_pointer(area);
        }
    }

    /// The core parameter at `index`.
    #[inline(always)]
    pub fn get<T: CoreType>(&self, index: usize) -> T {
        self.words.get(index)
    }
}

/// Makes the result of an imported function.
///
/// # Safety
/// The function has just returned `word`, or written its result to `area`.
#[inline(always)]
pub unsafe fn take_result<R: Wit>(word: impl CoreType, area: *const u8) -> R {
    // SAFETY: promised by the caller.
    unsafe {
        if <R::Flat as FlatList>::LEN > MAX_FLAT_RESULTS {
            R::load(area)
        } else {
            let mut words = [0; MAX_FLAT_PARAMS];
            words[0] = word.to_bits();
            R::lift(&mut FlatReader::new(words))
        }
    }
}
