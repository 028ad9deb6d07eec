//! `#[marine]` and `module_manifest!`: the code that connects Rust items with the interface of a module.
//!
//! The macros see one item at a time and know names, not types; whatever depends on a type is left to the traits of
//! `marine_sdk::abi` and evaluated by the compiler. Documented for users in `marine_sdk`, which re-exports them.

mod binary;
mod bridge;
mod diagnostics;
mod enumeration;
mod export;
mod glue;
mod import;
mod manifest;
mod names;
mod options;
mod record;
mod sdk_path;
mod semver;
mod types;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Item, parse_macro_input};

use diagnostics::{Code, Errors};
use options::Options;

/// Makes an item part of the module's interface.
///
/// | on | does |
/// |---|---|
/// | `fn` | exports it |
/// | `struct` with named fields | makes it a record |
/// | `struct Wrapper(T)` | makes it cross the boundary as `T` |
/// | `enum` | makes it a WIT `enum`, or a `variant` if a case carries something |
/// | `extern "C"` block with `#[module_import("name")]` or `#[link(wasm_import_module = "name")]` | imports functions of another module; `version = "^1.2"` may follow the name |
/// | `extern "C"` block with `#[host_import]` | declares host programs that the manifest grants |
///
/// Options: `name = "kebab-name"` sets the name in WIT (also on fields, cases and parameters), `init` makes a function
/// without parameters start-up code, `as = "Type"` lets a struct or enum cross the boundary as another type to which it
/// converts, `crate = "path"` says where the SDK is.
#[proc_macro_attribute]
pub fn marine(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let mut options = Options::default();
    let parser = syn::meta::parser(|meta| options.parse(meta));
    parse_macro_input!(args with parser);
    let item = parse_macro_input!(item as Item);
    expand(&options, item).into()
}

/// The predecessor's older name of [`macro@marine`].
#[deprecated(note = "write `#[marine]`")]
#[proc_macro_attribute]
pub fn fce(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    marine(args, item)
}

/// Puts authors, version, description and repository of the package into the module.
///
/// Without arguments they come from `Cargo.toml`; or `module_manifest!(authors, version, description, repository)`.
/// At most once in a module.
#[proc_macro]
pub fn module_manifest(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    manifest::expand(input.into()).into()
}

fn expand(options: &Options, item: Item) -> TokenStream {
    match item {
        Item::Fn(function) if options.init => export::expand_init(options, function),
        Item::Fn(function) => export::expand(options, function),
        Item::Struct(item) if options.stands_for.is_some() => {
            bridge::expand(options, &item.ident, &item.generics, &item)
        }
        Item::Enum(item) if options.stands_for.is_some() => bridge::expand(options, &item.ident, &item.generics, &item),
        Item::Struct(item) => record::expand(options, item),
        Item::Enum(item) => enumeration::expand(options, item),
        Item::ForeignMod(block) => import::expand(options, block),
        other => {
            let mut errors = Errors::default();
            errors.add(
                Code::M115,
                first_token(&other),
                format_args!("#[marine] cannot stand on {}", kind_of(&other)),
                "it stands on free functions, structs, enums and `extern \"C\"` blocks; mark the items inside one by one",
            );
            let errors = errors.into_tokens();
            let other = other.into_token_stream();
            quote!(#other #errors)
        }
    }
}

/// The word by which an item is recognised, without all that it contains.
fn first_token(item: &Item) -> Option<TokenTree> {
    let mut tokens = item.to_token_stream().into_iter().skip_while(|token| !matches!(token, TokenTree::Ident(_)));
    tokens.next()
}

fn kind_of(item: &Item) -> &'static str {
    match item {
        Item::Union(_) => "a union",
        Item::Impl(_) => "an impl block",
        Item::Trait(_) | Item::TraitAlias(_) => "a trait",
        Item::Mod(_) => "a module",
        Item::Type(_) => "a type alias: what it stands for is used as it is",
        Item::Const(_) => "a constant",
        Item::Static(_) => "a static",
        _ => "this item",
    }
}
