//! `#[marine] enum`: a WIT `enum` if no case carries anything, else a `variant`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Field, Fields, ItemEnum};

use crate::diagnostics::{Code, Errors};
use crate::glue;
use crate::names::{self, Style, Unique};
use crate::options::{self, Options};
use crate::record;

/// The enum as it is, and the traits for it.
pub(crate) fn expand(options: &Options, mut item: ItemEnum) -> TokenStream {
    let sdk = options.sdk();
    let mut errors = Errors::default();
    record::check_generics(&item.generics, &mut errors);
    let owner = Owner {
        ident: item.ident.clone(),
        name: names::describe(&item.ident, options.name.as_ref(), Style::Camel, &mut errors),
        arguments: record::bound(&item.generics, &sdk).1,
    };
    if item.variants.is_empty() {
        errors.add(Code::M114, &item.ident, "WIT has no empty enums", "give it a case");
    }
    let mut unique = Unique::default();
    let mut cases = Vec::new();
    for variant in &mut item.variants {
        let given = options::take_name(&mut variant.attrs, &mut errors);
        let case = names::describe(&variant.ident, given.as_ref(), Style::Camel, &mut errors);
        unique.add("cases", &variant.ident, &case, Style::Camel, &mut errors);
        let payload = payload(&owner, &case, variant.ident.span(), &mut variant.fields, &sdk, &mut errors);
        cases.push(Case { ident: variant.ident.clone(), name: case, docs: options::docs(&variant.attrs), payload });
    }
    if !errors.is_empty() {
        let errors = errors.into_tokens();
        return quote!(#item #errors);
    }
    let impls = impls(&item, &owner.name, &cases, &sdk);
    quote!(#item #impls)
}

/// The enum to which a case belongs.
struct Owner {
    ident: Ident,
    /// Its name in the description.
    name: String,
    /// The descriptions of its type arguments.
    arguments: TokenStream,
}

/// One case.
struct Case {
    ident: Ident,
    name: String,
    docs: String,
    payload: Payload,
}

/// What a case carries.
struct Payload {
    /// Its interface type: `()`, the type of the only field, or a tuple.
    ty: TokenStream,
    /// Its description. A case with named fields is described as a record, which looks like the tuple in memory.
    described: TokenStream,
    /// The fields as names: of the case's fields or made up.
    bindings: Vec<Ident>,
    /// How the fields stand behind the case, as pattern and as expression.
    pattern: TokenStream,
}

fn payload(
    owner: &Owner,
    case: &str,
    span: Span,
    fields: &mut Fields,
    sdk: &TokenStream,
    errors: &mut Errors,
) -> Payload {
    for field in fields.iter() {
        record::check_field(&field.ty, &owner.ident, errors);
    }
    let types: Vec<_> = fields.iter().map(|field| field.ty.clone()).collect();
    let ty = match types.as_slice() {
        [] => quote!(()),
        [ty] if matches!(fields, Fields::Unnamed(_)) => quote!(#ty),
        types => quote!((#(#types,)*)),
    };
    let span = types.first().map_or(span, Spanned::span);
    match fields {
        Fields::Named(fields) if !types.is_empty() => {
            let (names, docs) = member_names(fields.named.iter_mut(), errors);
            let member_types = types.iter().map(|ty| glue::type_constant(&quote!(#ty), ty.span(), sdk));
            let name = format!("{}{}{case}", owner.name, names::word_break(case));
            let arguments = &owner.arguments;
            let bindings: Vec<Ident> = fields.named.iter().filter_map(|field| field.ident.clone()).collect();
            Payload {
                ty,
                described: quote! {
                    &#sdk::describe::Type::Record(&#sdk::describe::Named {
                        name: #name,
                        arguments: #arguments,
                        docs: "",
                        members: &[#(#sdk::describe::Member { name: #names, docs: #docs, ty: #member_types }),*],
                    })
                },
                pattern: quote!({ #(#bindings),* }),
                bindings,
            }
        }
        Fields::Unnamed(_) if !types.is_empty() => {
            let bindings: Vec<Ident> = (0..types.len()).map(|i| format_ident!("field{i}")).collect();
            Payload { described: glue::type_constant(&ty, span, sdk), ty, pattern: quote!((#(#bindings),*)), bindings }
        }
        // `{}` fits every case without fields, however it is written.
        _ => Payload { described: glue::type_constant(&ty, span, sdk), ty, pattern: quote!({}), bindings: Vec::new() },
    }
}

fn member_names<'a>(fields: impl Iterator<Item = &'a mut Field>, errors: &mut Errors) -> (Vec<String>, Vec<String>) {
    let mut unique = Unique::default();
    let mut names = (Vec::new(), Vec::new());
    for field in fields {
        let given = options::take_name(&mut field.attrs, errors);
        let Some(ident) = &field.ident else { continue };
        let name = names::describe(ident, given.as_ref(), Style::Snake, errors);
        unique.add("fields", ident, &name, Style::Snake, errors);
        names.0.push(name);
        names.1.push(options::docs(&field.attrs));
    }
    names
}

fn impls(item: &ItemEnum, name: &str, cases: &[Case], sdk: &TokenStream) -> TokenStream {
    let ident = &item.ident;
    let docs = options::docs(&item.attrs);
    let (bound, arguments) = record::bound(&item.generics, sdk);
    let (impl_generics, _, where_clause) = bound.split_for_impl();
    let (_, ty_generics, _) = item.generics.split_for_impl();
    let kind = if cases.iter().all(|case| case.payload.bindings.is_empty()) { quote!(Enum) } else { quote!(Variant) };
    let members = cases.iter().map(|case| {
        let Case { name, docs, payload: Payload { described, .. }, .. } = case;
        quote!(#sdk::describe::Member { name: #name, docs: #docs, ty: #described })
    });
    let payloads: Vec<TokenStream> = cases.iter().map(|case| case.payload.ty.clone()).collect();
    let joined = payloads.iter().fold(
        quote!(#sdk::abi::Nil),
        |joined, ty| quote!(<#joined as #sdk::abi::FlatList>::Join<<#ty as #sdk::abi::Wit>::Flat>),
    );
    let layouts = glue::layouts(payloads.iter(), sdk);
    let numbers: Vec<i32> = (0..).take(cases.len()).collect();
    let idents: Vec<&Ident> = cases.iter().map(|case| &case.ident).collect();
    let patterns: Vec<&TokenStream> = cases.iter().map(|case| &case.payload.pattern).collect();
    let lifts = cases.iter().map(|case| build(case, |ty| quote!(<#ty as #sdk::abi::Wit>::lift(words))));
    let loads = cases.iter().map(|case| build(case, |ty| quote!(<#ty as #sdk::abi::Wit>::load(payload))));
    let lowers = cases.iter().map(|case| {
        let value = borrowed(case);
        quote!(#sdk::abi::Lower::lower(&#value, words, scratch))
    });
    let stores = cases.iter().map(|case| {
        let value = borrowed(case);
        quote!(#sdk::abi::Lower::store(&#value, payload, scratch))
    });
    let allow = glue::allow_lints();
    quote! {
        // SAFETY: a variant is the number of the case, then its payload, as both impls have them.
        #allow
        #[automatically_derived]
        unsafe impl #impl_generics #sdk::abi::Wit for #ident #ty_generics #where_clause {
            type Flat = #sdk::abi::Cons<i32, #joined>;
            const LAYOUT: #sdk::abi::Layout = #sdk::abi::Layout::variant(&[#layouts]);
            const TYPE: &'static #sdk::describe::Type = &#sdk::describe::Type::#kind(&#sdk::describe::Named {
                name: #name,
                arguments: #arguments,
                docs: #docs,
                members: &[#(#members),*],
            });

            #[inline]
            unsafe fn lift(words: &mut #sdk::abi::FlatReader) -> Self {
                words.variant::<Self::Flat, Self>(|case, words| unsafe {
                    match case {
                        #(#numbers => #lifts,)*
                        _ => #sdk::abi::invalid_case(),
                    }
                })
            }
            #[inline]
            unsafe fn load(from: *const u8) -> Self {
                unsafe {
                    let payload = from.add(Self::LAYOUT.payload_offset());
                    match i32::from(from.read()) {
                        #(#numbers => #loads,)*
                        _ => #sdk::abi::invalid_case(),
                    }
                }
            }
        }

        #allow
        #[automatically_derived]
        unsafe impl #impl_generics #sdk::abi::Lower for #ident #ty_generics #where_clause {
            type Owned = Self;

            #[inline]
            fn lower(&self, words: &mut #sdk::abi::FlatWriter, scratch: &mut #sdk::abi::Scratch) {
                let case = match self { #(Self::#idents { .. } => #numbers,)* };
                words.variant::<<Self as #sdk::abi::Wit>::Flat>(case, |words| match self {
                    #(Self::#idents #patterns => #lowers,)*
                });
            }
            #[inline]
            unsafe fn store(&self, to: *mut u8, scratch: &mut #sdk::abi::Scratch) {
                let case = match self { #(Self::#idents { .. } => #numbers,)* };
                unsafe {
                    to.write(case as u8);
                    let payload = to.add(<Self as #sdk::abi::Wit>::LAYOUT.payload_offset());
                    match self {
                        #(Self::#idents #patterns => #stores,)*
                    }
                }
            }
        }
    }
}

/// The case made from the payload that `read` gives.
fn build(case: &Case, read: impl Fn(&TokenStream) -> TokenStream) -> TokenStream {
    let Case { ident, payload: Payload { ty, bindings, pattern, .. }, .. } = case;
    if bindings.is_empty() {
        return quote!(Self::#ident #pattern);
    }
    let payload = read(ty);
    match pattern_of_payload(case) {
        Some(tuple) => quote!({ let #tuple = #payload; Self::#ident #pattern }),
        None => {
            let field = &bindings[0];
            quote!({ let #field = #payload; Self::#ident #pattern })
        }
    }
}

/// The payload of a matched case, as a value of references.
fn borrowed(case: &Case) -> TokenStream {
    if case.payload.bindings.is_empty() {
        return quote!(());
    }
    pattern_of_payload(case).unwrap_or_else(|| {
        let field = &case.payload.bindings[0];
        quote!(*#field)
    })
}

/// The bindings as a tuple, if the payload is one.
fn pattern_of_payload(case: &Case) -> Option<TokenStream> {
    let Payload { bindings, described: _, pattern, .. } = &case.payload;
    let named = pattern.to_string().starts_with('{');
    (named || bindings.len() != 1).then(|| quote!((#(#bindings,)*)))
}
