//! `#[marine] fn`: exported functions, and `#[marine(init)]`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, ItemFn, ReturnType, Type};

use crate::diagnostics::{Code, Errors};
use crate::glue::{self, EXPORT_PARAMS, Param};
use crate::names::{self, Style};
use crate::options::{self, Options};
use crate::types::{self, Place};

/// The function as it is, and beside it the core function through which it is called from outside.
pub(crate) fn expand(options: &Options, mut function: ItemFn) -> TokenStream {
    let sdk = options.sdk();
    let mut errors = Errors::default();
    glue::check_signature(&function.sig, &mut errors);
    let params = glue::params(&mut function.sig, &mut errors);
    for param in &params {
        types::check(&param.ty, Place::Export, &mut errors);
    }
    if let ReturnType::Type(_, ty) = &function.sig.output {
        types::check(ty, Place::Export, &mut errors);
    }
    let name = names::describe(&function.sig.ident, options.name.as_ref(), Style::Snake, &mut errors);
    if !errors.is_empty() {
        let errors = errors.into_tokens();
        return quote!(#function #errors);
    }

    // Callers from outside know functions by their names alone, in whatever Rust modules they stand.
    let marker = format!("M131_two_functions_have_the_WIT_name_{}", names::wit_name(&name).replace('-', "_"));
    let once = once(&marker, function.sig.ident.span());
    let docs = options::docs(&function.attrs);
    let core_name = format!("marine#{name}");
    let export = Export::new(&function, &params, &sdk);
    let describe = export.describe(&name, &docs, &core_name);
    let glue = export.glue(&core_name);
    let allow = glue::allow_lints();
    let ident = &function.sig.ident;
    quote! {
        #function
        #once
        #allow
        const _: () = {
            #describe
            #glue
            // Where nothing is exported, on the machine of the author, it is no dead code either.
            #[cfg(not(target_arch = "wasm32"))]
            const _: () = {
                let _ = #ident;
            };
        };
    }
}

/// What the generated code is made of.
struct Export<'a> {
    function: &'a Ident,
    params: &'a [Param],
    /// Owned type of each parameter.
    owned: Vec<TokenStream>,
    result: Type,
    owned_result: TokenStream,
    sdk: &'a TokenStream,
}

impl<'a> Export<'a> {
    fn new(function: &'a ItemFn, params: &'a [Param], sdk: &'a TokenStream) -> Self {
        let result = glue::result_type(&function.sig.output);
        Self {
            function: &function.sig.ident,
            params,
            owned: params.iter().map(|param| types::owned(&param.ty, sdk)).collect(),
            owned_result: types::owned(&result, sdk),
            result,
            sdk,
        }
    }

    fn describe(&self, name: &str, docs: &str, core_name: &str) -> TokenStream {
        let Self { sdk, owned, owned_result, .. } = self;
        let params = self.params.iter().zip(owned).map(|(param, owned)| {
            let name = &param.name;
            let ty = glue::type_constant(owned, param.ty.span(), sdk);
            quote!((#name, #ty))
        });
        let result = glue::type_constant(owned_result, self.result.span(), sdk);
        let item = quote! {
            #sdk::describe::Item::Export {
                name: #name,
                docs: #docs,
                core_name: #core_name,
                params: &[#(#params),*],
                result: #result,
            }
        };
        glue::section(&item, sdk)
    }

    /// The core function and its post-return.
    fn glue(&self, core_name: &str) -> TokenStream {
        let Self { sdk, owned, owned_result, .. } = self;
        let post_name = format!("cabi_post_{core_name}");
        let flat = glue::flat(owned.iter(), sdk);
        let layouts = glue::layouts(owned.iter(), sdk);
        let (words, word_types) = glue::core_params(&format_ident!("__MarineParams"), EXPORT_PARAMS, sdk);
        let args: Vec<Ident> = (0..owned.len()).map(|i| format_ident!("arg{i}")).collect();
        let call = self.call(&args);
        quote! {
            #[cfg(target_arch = "wasm32")]
            const _: () = {
                type __MarineFlat = #flat;
                type __MarineParams = #sdk::abi::Params<__MarineFlat>;
                type __MarineResult = #owned_result;
                type __MarineReturn = #sdk::abi::ExportResult<<__MarineResult as #sdk::abi::Wit>::Flat>;
                const __MARINE_ARGS: #sdk::abi::Layout = #sdk::abi::Layout::record(&[#layouts]);
                static __MARINE_SLOT: #sdk::abi::ResultSlot<
                    __MarineResult,
                    { <__MarineResult as #sdk::abi::Wit>::LAYOUT.words() },
                > = #sdk::abi::ResultSlot::new();

                #[unsafe(export_name = #core_name)]
                unsafe extern "C" fn __marine_export(#(#words: #word_types),*) -> __MarineReturn {
                    // SAFETY: called through the canonical ABI with the signature that belongs to these types.
                    unsafe {
                        let mut args = #sdk::abi::IncomingArgs::<__MarineFlat>::new(
                            [#(#sdk::abi::CoreType::to_bits(#words)),*],
                            __MARINE_ARGS,
                        );
                        #(let mut #args: #owned = args.take();)*
                        args.finish();
                        let result: __MarineResult = #call;
                        __MARINE_SLOT.give(result)
                    }
                }

                #[unsafe(export_name = #post_name)]
                unsafe extern "C" fn __marine_post_return(_: __MarineReturn) {
                    // SAFETY: called by the host after it has read the result.
                    unsafe { __MARINE_SLOT.clear() }
                }
            };
        }
    }

    /// The call of the function with `args`, its result owned.
    fn call(&self, args: &[Ident]) -> TokenStream {
        let args = self.params.iter().zip(args).map(|(param, arg)| match types::strip(&param.ty) {
            Type::Reference(reference) => {
                let target = types::with_static_lifetimes(&reference.elem);
                match reference.mutability {
                    Some(_) => quote!(::core::borrow::BorrowMut::<#target>::borrow_mut(&mut #arg)),
                    None => quote!(::core::borrow::Borrow::<#target>::borrow(&#arg)),
                }
            }
            _ => quote!(#arg),
        });
        let function = self.function;
        let call = quote!(#function(#(#args),*));
        match types::strip(&self.result) {
            Type::Reference(reference) => {
                let target = types::with_static_lifetimes(&reference.elem);
                quote_spanned!(reference.span()=> <#target as ::std::borrow::ToOwned>::to_owned(#call))
            }
            _ => call,
        }
    }
}

/// The function as it is, and its registration as start-up code.
pub(crate) fn expand_init(options: &Options, function: ItemFn) -> TokenStream {
    let sdk = options.sdk();
    let mut errors = Errors::default();
    glue::check_signature(&function.sig, &mut errors);
    if !function.sig.inputs.is_empty() {
        let message = "start-up code is called by the runtime, which has no arguments for it";
        errors.add(Code::M141, &function.sig.inputs, message, "remove the parameters; read variables or files");
    }
    if std::env::var_os("CARGO_BIN_NAME").is_some() {
        let message = "a binary has its start-up code in `fn main`";
        errors.add(Code::M141, &function.sig.ident, message, "call this function from `main` instead of marking it");
    }
    if !errors.is_empty() {
        let errors = errors.into_tokens();
        return quote!(#function #errors);
    }

    let name = &function.sig.ident;
    let result = glue::result_type(&function.sig.output);
    let check = quote_spanned!(result.span()=> <#result as #sdk::start::InitOutcome>::check(#name()));
    let once = once("M141_only_one_function_may_be_marked_with_marine_init", name.span());
    let allow = glue::allow_lints();
    quote! {
        #function
        #once
        #allow
        const _: () = {
            fn __marine_init() {
                #check
            }
            #[cfg(target_arch = "wasm32")]
            extern "C" fn __marine_register() {
                #sdk::start::register_init(__marine_init);
            }
            #[cfg(target_arch = "wasm32")]
            #[used]
            #[unsafe(link_section = ".init_array")]
            static __MARINE_REGISTER: extern "C" fn() = __marine_register;
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn() = __marine_init;
        };
    }
}

/// An item that a crate can hold only once, wherever it stands: exported macros share one scope. Its name is the error
/// message of the second one.
pub(crate) fn once(name: &str, span: Span) -> TokenStream {
    let name = Ident::new(name, span);
    quote! {
        #[doc(hidden)]
        #[macro_export]
        macro_rules! #name {
            () => {};
        }
    }
}
