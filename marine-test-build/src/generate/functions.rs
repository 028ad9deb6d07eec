//! Functions of a module as methods.

use proc_macro2::TokenStream;
use quote::quote;

use super::{MODULE_FUNCTIONS, Module, SERVICE_FUNCTIONS, World};
use crate::interface::Function;
use crate::names::{Scope, ident, snake};

/// Whose methods they are.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    Service,
    Module,
}

/// The four methods of one function.
struct Names {
    plain: String,
    fallible: String,
    with_params: String,
    fallible_with_params: String,
}

impl World<'_> {
    /// The methods for all functions of `module`, for an `impl` that lies `depth` levels below `marine_test_env`.
    pub(super) fn methods(&self, module: &Module, owner: Owner, depth: usize) -> TokenStream {
        let mut scope = Scope::new(match owner {
            Owner::Service => SERVICE_FUNCTIONS,
            Owner::Module => MODULE_FUNCTIONS,
        });
        // Functions themselves first: what is derived from them gives way.
        let functions = &module.interface.functions;
        let plain: Vec<_> = functions.iter().map(|function| scope.take(&snake(&function.name))).collect();
        let methods = functions.iter().zip(plain).map(|(function, plain)| {
            let base = snake(&function.name);
            let names = Names {
                plain,
                fallible: scope.take(&format!("try_{base}")),
                with_params: scope.take(&format!("{base}_cp")),
                fallible_with_params: scope.take(&format!("try_{base}_cp")),
            };
            self.function(module, function, &names, depth)
        });
        quote!(#(#methods)*)
    }

    fn function(&self, module: &Module, function: &Function, names: &Names, depth: usize) -> TokenStream {
        let mut scope = Scope::new(&["self", "call_parameters"]);
        let params: Vec<_> = function.params.iter().map(|(name, _)| ident(&scope.take(&snake(name)))).collect();
        let types: Vec<_> = function.params.iter().map(|(_, ty)| self.ty(ty, depth)).collect();
        let result = function.result.as_ref().map_or(quote!(()), |ty| self.ty(ty, depth));
        let values = quote!(::std::vec![#(::marine_test::Value::into_val(#params)),*]);
        let (module_name, function_name) = (&module.name, &function.name);
        let called = quote!(#module_name, #function_name, #values);
        let own = docs(function.docs.as_deref(), None);
        let failing = quote!(::core::result::Result<#result, ::marine_test::CallError>);
        let cp = quote!(call_parameters: ::marine_test::CallParameters);
        let [plain, fallible, with_params, both] =
            [&names.plain, &names.fallible, &names.with_params, &names.fallible_with_params].map(|name| ident(name));
        let as_value = format!("As [`Self::{plain}`], with what went wrong as a value.");
        let as_params = format!("As [`Self::{plain}`], called with `call_parameters`.");
        quote! {
            #own
            #[track_caller]
            pub fn #plain(&self #(, #params: #types)*) -> #result {
                ::marine_test::answered(self.handle.call(#called, ::core::option::Option::None))
            }
            #[doc = #as_value]
            pub fn #fallible(&self #(, #params: #types)*) -> #failing {
                self.handle.call(#called, ::core::option::Option::None)
            }
            #[doc = #as_params]
            #[track_caller]
            pub fn #with_params(&self #(, #params: #types)*, #cp) -> #result {
                ::marine_test::answered(self.handle.call(#called, ::core::option::Option::Some(call_parameters)))
            }
            #[doc = #as_params]
            pub fn #both(&self #(, #params: #types)*, #cp) -> #failing {
                self.handle.call(#called, ::core::option::Option::Some(call_parameters))
            }
        }
    }
}

/// Doc attributes of `first` and `second`, a paragraph each.
pub(super) fn docs(first: Option<&str>, second: Option<&str>) -> TokenStream {
    let mut lines: Vec<String> = Vec::new();
    for text in [first, second].into_iter().flatten() {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(text.lines().map(|line| format!(" {line}")));
    }
    quote!(#(#[doc = #lines])*)
}
