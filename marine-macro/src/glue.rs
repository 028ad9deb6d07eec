//! Pieces of generated code that exports, imports and types have in common.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{FnArg, Pat, ReturnType, Signature, Type};

use crate::diagnostics::{Code, Errors};
use crate::names::{self, Style, Unique};
use crate::options::take_name;

/// Most core parameters of an exported function.
pub(crate) const EXPORT_PARAMS: usize = 16;
/// Most core parameters of an imported function: one more, for where the result goes.
pub(crate) const IMPORT_PARAMS: usize = EXPORT_PARAMS + 1;

/// One parameter of a function.
pub(crate) struct Param {
    /// Its name in Rust.
    pub(crate) ident: Ident,
    /// Its name in the description.
    pub(crate) name: String,
    /// Its type as written.
    pub(crate) ty: Type,
}

/// The parameters of `signature`. Takes `#[marine(name = "..")]` off them.
pub(crate) fn params(signature: &mut Signature, errors: &mut Errors) -> Vec<Param> {
    let mut params = Vec::new();
    let mut unique = Unique::default();
    for input in &mut signature.inputs {
        let input = match input {
            FnArg::Receiver(receiver) => {
                let message = "only free functions cross the boundary; there is no receiver to arrive with";
                errors.add(Code::M102, receiver, message, "move the function out of the `impl` block");
                continue;
            }
            FnArg::Typed(input) => input,
        };
        let given = take_name(&mut input.attrs, errors);
        match &*input.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                let name = names::describe(&pat.ident, given.as_ref(), Style::Param, errors);
                unique.add("parameters", &pat.ident, &name, Style::Param, errors);
                params.push(Param { ident: pat.ident.clone(), name, ty: (*input.ty).clone() });
            }
            pattern => errors.add(
                Code::M105,
                pattern,
                "every argument needs a name: callers see it",
                "give it a name and take it apart inside of the function",
            ),
        }
    }
    params
}

/// Reports generics other than lifetimes, and every word in front of `fn` that changes its meaning.
pub(crate) fn check_signature(signature: &Signature, errors: &mut Errors) {
    let concrete = "exported functions are concrete: a remote caller cannot choose a type or constant";
    for param in &signature.generics.params {
        if !matches!(param, syn::GenericParam::Lifetime(_)) {
            errors.add(Code::M101, param, concrete, "write a function for each type that is needed");
        }
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.add(Code::M101, clause, concrete, "remove the `where` clause");
    }
    if let Some(token) = &signature.asyncness {
        let message = "an exported function is not `async`: calls already run apart from the host";
        errors.add(Code::M103, token, message, "make it a plain `fn`");
    }
    let words = [
        ("const", signature.constness.map(ToTokens::into_token_stream)),
        ("unsafe", signature.unsafety.map(ToTokens::into_token_stream)),
        ("extern", signature.abi.as_ref().map(ToTokens::to_token_stream)),
        ("...", signature.variadic.as_ref().map(ToTokens::to_token_stream)),
    ];
    for (word, tokens) in words {
        if let Some(tokens) = tokens {
            let message = format_args!("an exported function cannot be called as `{word}` from outside");
            errors.add(Code::M104, tokens, message, format_args!("remove `{word}`"));
        }
    }
}

/// The type of the result as written, `()` if there is none.
pub(crate) fn result_type(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => syn::parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// `<ty as Wit>::TYPE`, with errors about `ty` shown where it was written.
pub(crate) fn type_constant(ty: &TokenStream, span: Span, sdk: &TokenStream) -> TokenStream {
    quote_spanned!(span=> <#ty as #sdk::abi::Wit>::TYPE)
}

/// The flattened forms of `types` one after the other.
pub(crate) fn flat<'a>(types: impl DoubleEndedIterator<Item = &'a TokenStream>, sdk: &TokenStream) -> TokenStream {
    types.rfold(quote!(#sdk::abi::Nil), |rest, ty| quote!(#sdk::abi::Append<<#ty as #sdk::abi::Wit>::Flat, #rest>))
}

/// The layouts of `types`, for a slice expression.
pub(crate) fn layouts<'a>(types: impl Iterator<Item = &'a TokenStream>, sdk: &TokenStream) -> TokenStream {
    let layouts = types.map(|ty| quote!(<#ty as #sdk::abi::Wit>::LAYOUT));
    quote!(#(#layouts),*)
}

/// Core parameters `p0..` with their types, as elements of the type-level list `list`.
pub(crate) fn core_params(list: &Ident, count: usize, sdk: &TokenStream) -> (Vec<Ident>, Vec<TokenStream>) {
    (0..count)
        .map(|i| {
            let element = format_ident!("P{i}");
            (format_ident!("p{i}"), quote!(<#list as #sdk::abi::FlatList>::#element))
        })
        .unzip()
}

/// Puts `item`, an expression of type `Item`, into the section that `marine build` reads. On other targets it is only
/// evaluated, so that mistakes show there too.
pub(crate) fn section(item: &TokenStream, sdk: &TokenStream) -> TokenStream {
    quote! {
        const __MARINE_ITEM: #sdk::describe::Item = #item;
        const __MARINE_ITEM_LEN: usize = __MARINE_ITEM.encoded_len();
        #[cfg(target_arch = "wasm32")]
        #[used]
        #[unsafe(link_section = "marine-items")]
        static __MARINE_ITEM_BYTES: [u8; __MARINE_ITEM_LEN] = __MARINE_ITEM.encode();
        #[cfg(not(target_arch = "wasm32"))]
        const _: usize = __MARINE_ITEM_LEN;
    }
}

/// Lints that generated code cannot heed.
pub(crate) fn allow_lints() -> TokenStream {
    quote!(#[allow(unsafe_code, improper_ctypes, improper_ctypes_definitions, clashing_extern_declarations, clippy::all, clippy::pedantic)])
}
