//! `#[host_import]`: host programs that the manifest grants, declared as functions.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{ForeignItemFn, ReturnType};

use crate::diagnostics::{Code, Errors};
use crate::glue;
use crate::import::take_link_name;
use crate::options;

const SHAPE: &str = "write `fn name(cmd: Vec<String>) -> MountedBinaryResult`; \
                     `&[String]` and `&[&str]` can stand for `Vec<String>`";

/// The most bytes of a program's name.
const MAX_NAME: usize = 64;

/// A declared program.
pub(crate) struct Binary {
    function: ForeignItemFn,
    /// The name under which the manifest grants it.
    name: String,
}

impl Binary {
    /// Reads one declaration. Types are left to the compiler, so that aliases of them work.
    pub(crate) fn parse(mut function: ForeignItemFn, errors: &mut Errors) -> Self {
        glue::check_signature(&function.sig, errors);
        if function.sig.inputs.len() != 1 {
            let message = "a mounted binary has one parameter: its arguments as a list of texts";
            match function.sig.inputs.is_empty() {
                true => errors.add(Code::M123, &function.sig.ident, message, SHAPE),
                false => errors.add(Code::M123, &function.sig.inputs, message, SHAPE),
            }
        }
        glue::params(&mut function.sig, errors);
        if matches!(function.sig.output, ReturnType::Default) {
            errors.add(Code::M123, &function.sig.ident, "a mounted binary returns `MountedBinaryResult`", SHAPE);
        }
        let given = options::take_name(&mut function.attrs, errors);
        let linked = take_link_name(&mut function.attrs, errors);
        let name = match linked.or(given) {
            // A program's name is no WIT name: `7z`, `pdf_to_text` and `python3.12` are fine.
            Some(given) => {
                let name = given.value();
                if !is_program_name(&name) {
                    let help = "write letters, digits, `-`, `_` and `.` only; the manifest says which file it is";
                    errors.add(Code::M123, &given, format_args!("`{name}` cannot name a mounted binary"), help);
                }
                name
            }
            None => function.sig.ident.unraw().to_string(),
        };
        Self { function, name }
    }

    /// The function without a way to call it, so that its callers are not reported too.
    pub(crate) fn stub(&self) -> TokenStream {
        let ForeignItemFn { attrs, vis, sig, .. } = &self.function;
        quote! {
            #(#attrs)*
            #[allow(unused_variables)]
            #vis #sig {
                ::core::unreachable!()
            }
        }
    }

    /// The function that runs the program.
    pub(crate) fn expand(&self, sdk: &TokenStream) -> TokenStream {
        let ForeignItemFn { attrs, vis, sig, .. } = &self.function;
        let name = &self.name;
        // Each type is mentioned once, where it was written, so that the compiler reports it once and there.
        let args = sig.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(input) => {
                let (pat, ty) = (&input.pat, &input.ty);
                Some(quote_spanned!(ty.span()=> <#ty as #sdk::binaries::BinaryArgs>::into_args(#pat)))
            }
            syn::FnArg::Receiver(_) => None,
        });
        let result = glue::result_type(&sig.output);
        let outcome = quote_spanned!(result.span()=> <#result as #sdk::binaries::BinaryOutcome>::from_run);
        let section = glue::section(&quote!(#sdk::describe::Item::Binary { name: #name }), sdk);
        let allow = glue::allow_lints();
        quote! {
            #(#attrs)*
            #allow
            #vis #sig {
                #section
                #outcome(#sdk::binaries::run_declared(#name, #(#args),*))
            }
        }
    }
}

fn is_program_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::is_program_name;

    #[test]
    fn names_of_programs() {
        for name in ["curl", "7z", "python3.12", "pdf_to-text"] {
            assert!(is_program_name(name), "{name}");
        }
        for name in ["", "../curl", "/bin/sh", ".hidden", "a b", "größe", &"x".repeat(65)] {
            assert!(!is_program_name(name), "{name}");
        }
    }
}
