//! From the annotated item to tests.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Item, ItemFn, ItemMod};

use crate::arguments;
use crate::function;
use crate::services::{self, Bound};

/// Expands `#[marine_test(arguments)] item`.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    if marine_test_build::is_nested() {
        return Ok(TokenStream::new());
    }
    let wanted = arguments::parse(arguments)?;
    let item: Item = syn::parse2(item)?;
    // What is wrong with the test itself is told before anything is built.
    match &item {
        Item::Fn(test) => function::check(test)?,
        Item::Mod(tests) => drop(content(tests)?),
        other => {
            return Err(Error::new_spanned(other, "`#[marine_test]` stands on a function or on a module of tests"));
        }
    }
    let services = services::build(&wanted)?;
    let env = services::bindings(&services)?;
    let notes = wanted.iter().map(|wanted| wanted.settings.notes());
    let notes = quote!(#(#notes)*);
    match item {
        Item::Fn(test) => function::rewrite(test, &services, quote!(#notes #env)),
        Item::Mod(tests) => module(tests, &services, &quote!(#notes #env)),
        _ => Ok(TokenStream::new()),
    }
}

fn content(tests: &ItemMod) -> Result<&[Item], Error> {
    match &tests.content {
        Some((_, items)) => Ok(items),
        None => Err(Error::new(tests.span(), "write the module's content here: `mod tests { .. }`")),
    }
}

fn module(mut tests: ItemMod, services: &[Bound], env: &TokenStream) -> Result<TokenStream, Error> {
    let items = content(&tests)?.iter().cloned().map(|item| match item {
        Item::Fn(test) if is_test(&test) && !test.sig.inputs.is_empty() => {
            function::check(&test)?;
            function::rewrite(test, services, TokenStream::new())
        }
        item => Ok(quote!(#item)),
    });
    let items = items.collect::<Result<Vec<_>, Error>>()?;
    tests.content = None;
    let (attrs, vis, ident) = (&tests.attrs, &tests.vis, &tests.ident);
    Ok(quote_spanned! { ident.span() =>
        #[cfg(not(target_family = "wasm"))]
        #(#attrs)*
        #vis mod #ident {
            #env
            #(#items)*
        }
    })
}

/// Whether a function is a test already: `#[test]`, or that of a framework.
pub(crate) fn is_test(function: &ItemFn) -> bool {
    let last = |attribute: &syn::Attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "test");
    function.attrs.iter().any(last)
}
