//! `module_manifest!`: what a module says about itself.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Lit, Token};

use crate::diagnostics::{Code, Errors};
use crate::{export, glue, sdk_path, semver};

/// The description, for the section that `marine build` reads.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let sdk = sdk_path::find();
    let mut errors = Errors::default();
    let args = match Punctuated::<Expr, Token![,]>::parse_terminated.parse2(input) {
        Ok(args) => args,
        Err(error) => return error.into_compile_error(),
    };
    let args: Vec<&Expr> = args.iter().collect();
    let item = match args.as_slice() {
        [] => item(
            &sdk,
            [
                quote!(env!("CARGO_PKG_AUTHORS")),
                quote!(env!("CARGO_PKG_VERSION")),
                quote!(env!("CARGO_PKG_DESCRIPTION")),
                quote!(env!("CARGO_PKG_REPOSITORY")),
            ],
        ),
        [authors, version, description, repository] => {
            check_version(version, &mut errors);
            item(&sdk, [quote!(#authors), quote!(#version), quote!(#description), quote!(#repository)])
        }
        _ => {
            let message = "module_manifest! takes no arguments or four";
            let help = "write `module_manifest!()`, or `module_manifest!(authors, version, description, repository)`";
            errors.add(Code::M140, TokenStream::new(), message, help);
            TokenStream::new()
        }
    };
    if !errors.is_empty() {
        return errors.into_tokens();
    }
    let section = glue::section(&item, &sdk);
    let once = export::once("M140_module_manifest_may_be_called_only_once", Span::call_site());
    let allow = glue::allow_lints();
    quote! {
        #once
        #allow
        const _: () = { #section };
    }
}

fn item(sdk: &TokenStream, [authors, version, description, repository]: [TokenStream; 4]) -> TokenStream {
    quote! {
        #sdk::describe::Item::Module {
            name: env!("CARGO_PKG_NAME"),
            version: #version,
            authors: #authors,
            description: #description,
            repository: #repository,
        }
    }
}

/// A version that is written out has to be a semantic one; constants are checked by `marine build`.
fn check_version(version: &Expr, errors: &mut Errors) {
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = version else { return };
    if !semver::is_version(&text.value()) {
        let message = format_args!("`{}` is no semantic version", text.value());
        errors.add(Code::M140, version, message, "write three numbers, such as \"1.2.0\" or \"1.2.0-beta.1\"");
    }
}
