//! `#[marine(as = "Type")]`: a type that crosses the boundary as another one, to which and from which it converts.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Generics;
use syn::spanned::Spanned;

use crate::diagnostics::Errors;
use crate::options::Options;
use crate::types::{self, Place};
use crate::{glue, record};

/// The item as it is, and the traits for it.
pub(crate) fn expand(options: &Options, ident: &Ident, generics: &Generics, item: &impl ToTokens) -> TokenStream {
    let Some(other) = &options.stands_for else { return item.to_token_stream() };
    let sdk = options.sdk();
    let mut errors = Errors::default();
    record::check_generics(generics, &mut errors);
    types::check(other, Place::Field, &mut errors);
    if !errors.is_empty() {
        let errors = errors.into_tokens();
        return quote!(#item #errors);
    }
    let (bound, _) = record::bound(generics, &sdk);
    let (impl_generics, _, where_clause) = bound.split_for_impl();
    let (_, ty_generics, _) = generics.split_for_impl();
    let described = glue::type_constant(&quote!(#other), other.span(), &sdk);
    let to = quote_spanned!(other.span()=> <#other as ::core::convert::From<&Self>>::from(self));
    let from = quote_spanned!(other.span()=> <Self as ::core::convert::From<#other>>::from);
    let allow = glue::allow_lints();
    quote! {
        #item
        // SAFETY: all is left to the other type.
        #allow
        #[automatically_derived]
        unsafe impl #impl_generics #sdk::abi::Wit for #ident #ty_generics #where_clause {
            type Flat = <#other as #sdk::abi::Wit>::Flat;
            const LAYOUT: #sdk::abi::Layout = <#other as #sdk::abi::Wit>::LAYOUT;
            const TYPE: &'static #sdk::describe::Type = #described;

            unsafe fn lift(words: &mut #sdk::abi::FlatReader) -> Self {
                #from(unsafe { <#other as #sdk::abi::Wit>::lift(words) })
            }
            unsafe fn load(from: *const u8) -> Self {
                #from(unsafe { <#other as #sdk::abi::Wit>::load(from) })
            }
        }

        #allow
        #[automatically_derived]
        unsafe impl #impl_generics #sdk::abi::Lower for #ident #ty_generics #where_clause {
            type Owned = Self;

            fn lower(&self, words: &mut #sdk::abi::FlatWriter, scratch: &mut #sdk::abi::Scratch) {
                let kept = scratch.keep(#to);
                #sdk::abi::Lower::lower(unsafe { &*kept }, words, scratch)
            }
            unsafe fn store(&self, to: *mut u8, scratch: &mut #sdk::abi::Scratch) {
                let kept = scratch.keep(#to);
                unsafe { #sdk::abi::Lower::store(&*kept, to, scratch) }
            }
        }
    }
}
