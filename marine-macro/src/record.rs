//! `#[marine] struct`: records, and wrappers that cross the boundary as what they wrap.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Fields, GenericParam, Generics, Ident, ItemStruct, Type};

use crate::diagnostics::{Code, Errors};
use crate::glue;
use crate::names::{self, Style, Unique};
use crate::options::{self, Options};
use crate::types::{self, Place};

/// The struct as it is, and the traits for it.
pub(crate) fn expand(options: &Options, mut item: ItemStruct) -> TokenStream {
    let sdk = options.sdk();
    let mut errors = Errors::default();
    check_generics(&item.generics, &mut errors);
    let impls = match &mut item.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            let ty = fields.unnamed[0].ty.clone();
            check_field(&ty, &item.ident, &mut errors);
            transparent(&item.ident, &item.generics, &ty, &sdk)
        }
        Fields::Unnamed(fields) if !fields.unnamed.is_empty() => {
            let message = "a tuple struct of several fields has no counterpart in WIT: record fields have names";
            errors.add(Code::M115, &*fields, message, "name the fields, or use a plain tuple");
            TokenStream::new()
        }
        Fields::Named(fields) if !fields.named.is_empty() => {
            let name = names::describe(&item.ident, options.name.as_ref(), Style::Camel, &mut errors);
            let mut unique = Unique::default();
            let mut members = Vec::new();
            for field in &mut fields.named {
                let Some(ident) = field.ident.clone() else { continue };
                let given = options::take_name(&mut field.attrs, &mut errors);
                let name = names::describe(&ident, given.as_ref(), Style::Snake, &mut errors);
                unique.add("fields", &ident, &name, Style::Snake, &mut errors);
                check_field(&field.ty, &item.ident, &mut errors);
                members.push(Member { ident, name, docs: options::docs(&field.attrs), ty: field.ty.clone() });
            }
            let docs = options::docs(&item.attrs);
            record(&item.ident, &item.generics, &name, &docs, &members, &sdk)
        }
        _ => {
            let message = "WIT has no empty records";
            errors.add(Code::M114, &item.ident, message, "give it a field, or use `bool` or an enum");
            TokenStream::new()
        }
    };
    if errors.is_empty() {
        return quote!(#item #impls);
    }
    let errors = errors.into_tokens();
    quote!(#item #errors)
}

/// A field of a record.
struct Member {
    ident: Ident,
    name: String,
    docs: String,
    ty: Type,
}

/// Reports generics that a description cannot express.
pub(crate) fn check_generics(generics: &Generics, errors: &mut Errors) {
    for param in &generics.params {
        match param {
            GenericParam::Type(_) => {}
            GenericParam::Lifetime(lifetime) => errors.add(
                Code::M116,
                lifetime,
                "a value from outside of the module has nothing to borrow from",
                "own the data: `String` for `&str`, `Vec<T>` for `&[T]`",
            ),
            GenericParam::Const(param) => errors.add(
                Code::M115,
                param,
                "#[marine] cannot stand on a type with constant parameters: WIT has none",
                "write a type for each constant that is needed",
            ),
        }
    }
}

/// Reports what a field of the type called `owner` cannot be.
pub(crate) fn check_field(ty: &Type, owner: &Ident, errors: &mut Errors) {
    types::check(ty, Place::Field, errors);
    if types::mentions(ty, owner) {
        errors.add(
            Code::M113,
            ty,
            format_args!("`{owner}` contains itself, but WIT types are finite"),
            "keep the values in one list and refer to them by index",
        );
    }
}

/// `generics` with every type parameter bound to be an interface type, and the descriptions of these parameters.
pub(crate) fn bound(generics: &Generics, sdk: &TokenStream) -> (Generics, TokenStream) {
    let mut bound = generics.clone();
    for param in bound.type_params_mut() {
        param.bounds.push(syn::parse_quote!(#sdk::abi::Wit));
    }
    let arguments = generics.type_params().map(|param| {
        let ident = &param.ident;
        quote!(<#ident as #sdk::abi::Wit>::TYPE)
    });
    (bound, quote!(&[#(#arguments),*]))
}

fn record(
    ident: &Ident,
    generics: &Generics,
    name: &str,
    docs: &str,
    members: &[Member],
    sdk: &TokenStream,
) -> TokenStream {
    let (bound, arguments) = bound(generics, sdk);
    let (impl_generics, _, where_clause) = bound.split_for_impl();
    let (_, ty_generics, _) = generics.split_for_impl();
    let fields: Vec<&Ident> = members.iter().map(|member| &member.ident).collect();
    let field_types: Vec<TokenStream> = members.iter().map(|member| types::owned(&member.ty, sdk)).collect();
    let flat = glue::flat(field_types.iter(), sdk);
    let layouts = glue::layouts(field_types.iter(), sdk);
    let described = members.iter().zip(&field_types).map(|(member, ty)| {
        let Member { name, docs, .. } = member;
        let ty = glue::type_constant(ty, member.ty.span(), sdk);
        quote!(#sdk::describe::Member { name: #name, docs: #docs, ty: #ty })
    });
    let allow = glue::allow_lints();
    quote! {
        // SAFETY: a record is its fields, in order, as both impls have them.
        #allow
        #[automatically_derived]
        unsafe impl #impl_generics #sdk::abi::Wit for #ident #ty_generics #where_clause {
            type Flat = #flat;
            const LAYOUT: #sdk::abi::Layout = #sdk::abi::Layout::record(&[#layouts]);
            const TYPE: &'static #sdk::describe::Type = &#sdk::describe::Type::Record(&#sdk::describe::Named {
                name: #name,
                arguments: #arguments,
                docs: #docs,
                members: &[#(#described),*],
            });

            #[inline]
            unsafe fn lift(words: &mut #sdk::abi::FlatReader) -> Self {
                unsafe { Self { #(#fields: <#field_types as #sdk::abi::Wit>::lift(words)),* } }
            }
            #[inline]
            unsafe fn load(from: *const u8) -> Self {
                unsafe {
                    let mut fields = #sdk::abi::FieldReader::new(from);
                    Self { #(#fields: fields.field::<#field_types>()),* }
                }
            }
        }

        #allow
        #[automatically_derived]
        unsafe impl #impl_generics #sdk::abi::Lower for #ident #ty_generics #where_clause {
            type Owned = Self;

            #[inline]
            fn lower(&self, words: &mut #sdk::abi::FlatWriter, scratch: &mut #sdk::abi::Scratch) {
                #(#sdk::abi::Lower::lower(&self.#fields, words, scratch);)*
            }
            #[inline]
            unsafe fn store(&self, to: *mut u8, scratch: &mut #sdk::abi::Scratch) {
                unsafe {
                    let mut fields = #sdk::abi::FieldWriter::new(to);
                    #(fields.field(&self.#fields, scratch);)*
                }
            }
        }
    }
}

fn transparent(ident: &Ident, generics: &Generics, inner: &Type, sdk: &TokenStream) -> TokenStream {
    let (bound, _) = bound(generics, sdk);
    let (impl_generics, _, where_clause) = bound.split_for_impl();
    let (_, ty_generics, _) = generics.split_for_impl();
    let type_constant = glue::type_constant(&quote!(#inner), inner.span(), sdk);
    let allow = glue::allow_lints();
    quote! {
        // SAFETY: all is left to the value inside.
        #allow
        #[automatically_derived]
        unsafe impl #impl_generics #sdk::abi::Wit for #ident #ty_generics #where_clause {
            type Flat = <#inner as #sdk::abi::Wit>::Flat;
            const LAYOUT: #sdk::abi::Layout = <#inner as #sdk::abi::Wit>::LAYOUT;
            const TYPE: &'static #sdk::describe::Type = #type_constant;

            #[inline]
            unsafe fn lift(words: &mut #sdk::abi::FlatReader) -> Self {
                Self(unsafe { <#inner as #sdk::abi::Wit>::lift(words) })
            }
            #[inline]
            unsafe fn load(from: *const u8) -> Self {
                Self(unsafe { <#inner as #sdk::abi::Wit>::load(from) })
            }
        }

        #allow
        #[automatically_derived]
        unsafe impl #impl_generics #sdk::abi::Lower for #ident #ty_generics #where_clause {
            type Owned = Self;

            #[inline]
            fn lower(&self, words: &mut #sdk::abi::FlatWriter, scratch: &mut #sdk::abi::Scratch) {
                #sdk::abi::Lower::lower(&self.0, words, scratch)
            }
            #[inline]
            unsafe fn store(&self, to: *mut u8, scratch: &mut #sdk::abi::Scratch) {
                unsafe { #sdk::abi::Lower::store(&self.0, to, scratch) }
            }
        }
    }
}
