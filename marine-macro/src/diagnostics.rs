//! Compile errors: codes, and how they are collected so that one build shows all mistakes of an item.

use std::fmt::{self, Display};

use proc_macro2::TokenStream;
use quote::ToTokens;

/// What can be wrong. Codes are never reused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Code {
    /// Generic exported function.
    M101,
    /// `self` parameter.
    M102,
    /// `async` function.
    M103,
    /// `const`, `unsafe`, `extern` or variadic function.
    M104,
    /// Parameter without a name.
    M105,
    /// Integer of a size that WIT does not have.
    M110,
    /// Pointer, trait object, closure or function pointer.
    M111,
    /// Type that does not cross the boundary. Most of these are found by the compiler, see `marine_sdk::abi::Wit`.
    M112,
    /// Recursive type.
    M113,
    /// Struct or enum without content.
    M114,
    /// Item that cannot be marked.
    M115,
    /// Lifetime on a marked type.
    M116,
    /// Reference inside of a type of an exported function.
    M117,
    /// Reference in the result of an imported function.
    M118,
    /// Import block without a source.
    M120,
    /// Import block with two sources.
    M121,
    /// Import block with an ABI other than `"C"`.
    M122,
    /// Mounted binaries.
    M123,
    /// Name that WIT cannot express.
    M130,
    /// Two things of one WIT name.
    M131,
    /// `module_manifest!` misused.
    M140,
    /// `#[marine(init)]` misused.
    M141,
}

impl Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The mistakes found in an item so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds a mistake in the tokens `at` (nothing: in the whole macro call): what is wrong and why, and what to do.
    pub(crate) fn add(&mut self, code: Code, at: impl ToTokens, message: impl Display, help: impl Display) {
        self.push(syn::Error::new_spanned(at, format_args!("[{code}] {message}\nhelp: {help}")));
    }

    /// Adds an error of the parser.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The mistakes as `compile_error!` items.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(syn::Error::into_compile_error).unwrap_or_default()
    }
}
