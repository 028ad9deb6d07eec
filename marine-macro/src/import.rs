//! `#[marine] extern "C"`: functions imported from another module.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Attribute, ForeignItem, ForeignItemFn, Ident, ItemForeignMod, LitStr, Meta, Token, Type};

use crate::binary::Binary;
use crate::diagnostics::{Code, Errors};
use crate::glue::{self, IMPORT_PARAMS, Param};
use crate::names::{self, Style};
use crate::options::{self, Options};
use crate::semver;
use crate::types::{self, Place};

const SPELLINGS: &str =
    "write #[module_import(\"name\")], #[link(wasm_import_module = \"name\")] or #[host_import] below #[marine]";

/// The module name under which the predecessor's sources import host programs.
const HOST: &str = "host";

/// A safe function for each one in the block.
pub(crate) fn expand(options: &Options, block: ItemForeignMod) -> TokenStream {
    let sdk = options.sdk();
    let mut errors = Errors::default();
    if let Some(abi) = &block.abi.name
        && abi.value() != "C"
    {
        let message = format_args!("imports use the ABI \"C\", not {:?}", abi.value());
        errors.add(Code::M122, abi, message, "write `extern \"C\"`");
    }
    let source = source(&block, &mut errors);
    let is_host = matches!(source, Some(Source::Host));
    let mut functions = Vec::new();
    for item in block.items {
        match item {
            ForeignItem::Fn(function) => {
                functions.push(match is_host {
                    true => Foreign::Binary(Box::new(Binary::parse(function, &mut errors))),
                    false => Foreign::Import(Box::new(Import::parse(function, &mut errors))),
                });
            }
            other => errors.add(
                Code::M115,
                other,
                "only functions can be imported from another module",
                "remove it, or offer it as a function",
            ),
        }
    }
    match source {
        Some(source) if errors.is_empty() => {
            let requirement = source.requirement(&sdk);
            let functions = functions.iter().map(|function| function.expand(&source, &sdk));
            quote!(#requirement #(#functions)*)
        }
        _ => {
            let errors = errors.into_tokens();
            let stubs = functions.iter().map(Foreign::stub);
            quote!(#errors #(#stubs)*)
        }
    }
}

/// Where the functions of a block come from.
enum Source {
    /// Programs that the host grants.
    Host,
    /// A module by name, or an interface by id, perhaps of certain versions.
    Module { name: String, version: Option<String> },
}

impl Source {
    /// The item that tells `marine build` which versions are accepted.
    fn requirement(&self, sdk: &TokenStream) -> TokenStream {
        let Source::Module { name, version: Some(version) } = self else { return TokenStream::new() };
        let section =
            glue::section(&quote!(#sdk::describe::Item::Requirement { source: #name, version: #version }), sdk);
        let allow = glue::allow_lints();
        quote!(#allow const _: () = { #section };)
    }
}

/// One function of a block.
enum Foreign {
    Import(Box<Import>),
    Binary(Box<Binary>),
}

impl Foreign {
    fn stub(&self) -> TokenStream {
        match self {
            Foreign::Import(import) => import.stub(),
            Foreign::Binary(binary) => binary.stub(),
        }
    }

    fn expand(&self, source: &Source, sdk: &TokenStream) -> TokenStream {
        match (self, source) {
            (Foreign::Import(import), Source::Module { name, .. }) => import.expand(name, sdk),
            (Foreign::Import(import), Source::Host) => import.expand(HOST, sdk),
            (Foreign::Binary(binary), _) => binary.expand(sdk),
        }
    }
}

/// What one attribute says about the source.
struct Given {
    source: LitStr,
    version: Option<LitStr>,
    /// `#[host_import]`, which is a spelling of its own for programs.
    is_host: bool,
}

/// The module or interface that the attributes name.
fn source(block: &ItemForeignMod, errors: &mut Errors) -> Option<Source> {
    let mut found: Option<Given> = None;
    for attr in &block.attrs {
        let given = match parse_source(attr) {
            Ok(Some(given)) => given,
            Ok(None) => continue,
            Err(error) => {
                errors.push(error);
                return None;
            }
        };
        if given.source.value().trim().is_empty() {
            errors.add(Code::M120, given.source, "the name of the module to import from is empty", SPELLINGS);
            return None;
        }
        if let Some(first) = &found {
            let (first, second) = (first.source.value(), given.source.value());
            let message = format_args!("two modules to import from: `{first}` and `{second}`");
            errors.add(Code::M121, attr, message, "keep one of them; write a block for each module");
            return None;
        }
        found = Some(given);
    }
    let Some(given) = found else {
        let message = "nothing says from which module these functions are imported";
        errors.add(Code::M120, &block.abi, message, SPELLINGS);
        return None;
    };
    let name = given.source.value();
    if given.is_host || name == HOST {
        return Some(Source::Host);
    }
    if !name.contains(':') && !is_module_name(&name) {
        let message = format_args!("`{name}` is no name of a module");
        let help =
            "module names are lower-case words joined by `-` or `_`; interfaces look like \"acme:store/api@1.2.0\"";
        errors.add(Code::M120, &given.source, message, help);
        return None;
    }
    if let Some(version) = &given.version
        && !semver::is_requirement(&version.value())
    {
        let message = format_args!("`{}` says nothing about versions", version.value());
        errors.add(Code::M120, version, message, "write a requirement as in Cargo: \"1.2\", \"^1.2\", \">=1.2, <1.5\"");
        return None;
    }
    Some(Source::Module { name, version: given.version.map(|version| version.value()) })
}

/// The source that `attr` names, `None` if it is another attribute.
fn parse_source(attr: &Attribute) -> syn::Result<Option<Given>> {
    if attr.path().is_ident("module_import") {
        return attr.parse_args_with(module_import).map(Some);
    }
    if attr.path().is_ident("host_import") {
        let source = LitStr::new(HOST, attr.span());
        return match &attr.meta {
            Meta::Path(_) => Ok(Some(Given { source, version: None, is_host: true })),
            other => Err(syn::Error::new_spanned(
                other,
                "[M123] #[host_import] takes no arguments\nhelp: name the programs by the functions, or by #[link_name]",
            )),
        };
    }
    if !attr.path().is_ident("link") {
        return Ok(None);
    }
    let (mut source, mut version) = (None, None);
    attr.parse_nested_meta(|meta| {
        if meta.path.is_ident("wasm_import_module") {
            source = Some(meta.value()?.parse()?);
            Ok(())
        } else if meta.path.is_ident("version") {
            version = Some(meta.value()?.parse()?);
            Ok(())
        } else {
            Err(meta.error(format_args!(
                "[M120] only `wasm_import_module` and `version` can be given here\nhelp: {SPELLINGS}"
            )))
        }
    })?;
    Ok(source.map(|source| Given { source, version, is_host: false }))
}

/// `"stock"`, or `"stock", version = "^1.2"`.
fn module_import(input: ParseStream<'_>) -> syn::Result<Given> {
    let source = input.parse()?;
    let mut version = None;
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            break;
        }
        let key: Ident = input.parse()?;
        if key != "version" {
            return Err(syn::Error::new_spanned(
                &key,
                format_args!("[M120] no option `{key}` of an import\nhelp: there is `version = \"^1.2\"`"),
            ));
        }
        input.parse::<Token![=]>()?;
        version = Some(input.parse()?);
    }
    Ok(Given { source, version, is_host: false })
}

fn is_module_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// An imported function.
struct Import {
    function: ForeignItemFn,
    /// Its name on the other side.
    name: String,
    docs: String,
    params: Vec<Param>,
    result: Type,
}

impl Import {
    fn parse(mut function: ForeignItemFn, errors: &mut Errors) -> Self {
        glue::check_signature(&function.sig, errors);
        let params = glue::params(&mut function.sig, errors);
        for param in &params {
            types::check(&param.ty, Place::ImportParam, errors);
        }
        let result = glue::result_type(&function.sig.output);
        types::check(&result, Place::ImportResult, errors);
        let given = options::take_name(&mut function.attrs, errors);
        let linked = take_link_name(&mut function.attrs, errors);
        let name = match (&linked, given) {
            // The linked name is written as in Rust, `get_n_save`, or as in WIT.
            (Some(linked), _) => linked.value(),
            (None, given) => names::describe(&function.sig.ident, given.as_ref(), Style::Snake, errors),
        };
        Self { name, docs: options::docs(&function.attrs), params, result, function }
    }

    /// The function without a way to call it, so that its callers are not reported too.
    fn stub(&self) -> TokenStream {
        let ForeignItemFn { attrs, vis, sig, .. } = &self.function;
        quote! {
            #(#attrs)*
            #[allow(unused_variables)]
            #vis #sig {
                ::core::unreachable!()
            }
        }
    }

    fn expand(&self, source: &str, sdk: &TokenStream) -> TokenStream {
        let ForeignItemFn { attrs, vis, sig, .. } = &self.function;
        let Self { name, docs, params, result, .. } = self;
        let core_module = if source.contains(':') { source.to_owned() } else { format!("marine-import:{source}") };
        let owned: Vec<TokenStream> = params
            .iter()
            .map(|param| {
                let ty = types::with_static_lifetimes(&param.ty);
                quote::quote_spanned!(ty.span()=> <#ty as #sdk::abi::Lower>::Owned)
            })
            .collect();
        let described = params.iter().zip(&owned).map(|(param, owned)| {
            let name = &param.name;
            let ty = glue::type_constant(owned, param.ty.span(), sdk);
            quote!((#name, #ty))
        });
        let described_result = glue::type_constant(&quote!(#result), result.span(), sdk);
        let section = glue::section(
            &quote! {
                #sdk::describe::Item::Import {
                    source: #source,
                    name: #name,
                    docs: #docs,
                    core_module: #core_module,
                    core_name: #name,
                    params: &[#(#described),*],
                    result: #described_result,
                }
            },
            sdk,
        );
        let call = self.call(&core_module, &owned, sdk);
        let idents: Vec<&Ident> = params.iter().map(|param| &param.ident).collect();
        let outside = format!("`{source}.{name}` can only be called inside a service");
        let allow = glue::allow_lints();
        quote! {
            #(#attrs)*
            #allow
            #vis #sig {
                #section
                #[cfg(target_arch = "wasm32")]
                {
                    #call
                }
                #[cfg(not(target_arch = "wasm32"))]
                {
                    let _ = (#(&#idents,)*);
                    ::core::panic!(#outside)
                }
            }
        }
    }

    /// The call of the core function.
    fn call(&self, core_module: &str, owned: &[TokenStream], sdk: &TokenStream) -> TokenStream {
        let Self { name, params, result, .. } = self;
        let flat = glue::flat(owned.iter(), sdk);
        let layouts = glue::layouts(owned.iter(), sdk);
        let (words, word_types) = glue::core_params(&format_ident!("__MarineParams"), IMPORT_PARAMS, sdk);
        let indices = 0..IMPORT_PARAMS;
        let idents = params.iter().map(|param| &param.ident);
        quote! {
            type __MarineFlat = #flat;
            type __MarineResult = #result;
            type __MarineResultFlat = <__MarineResult as #sdk::abi::Wit>::Flat;
            type __MarineParams = #sdk::abi::ImportParams<__MarineFlat, __MarineResultFlat>;
            const __MARINE_ARG_WORDS: usize = if <__MarineFlat as #sdk::abi::FlatList>::LEN > #sdk::abi::MAX_FLAT_PARAMS {
                #sdk::abi::Layout::record(&[#layouts]).words()
            } else {
                0
            };
            const __MARINE_RESULT_WORDS: usize = <__MarineResult as #sdk::abi::Wit>::LAYOUT.words();
            #[link(wasm_import_module = #core_module)]
            unsafe extern "C" {
                #[link_name = #name]
                fn __marine_import(#(#words: #word_types),*) -> #sdk::abi::ImportResult<__MarineResultFlat>;
            }
            let mut __marine_args = #sdk::abi::OutgoingArgs::<__MarineFlat, __MARINE_ARG_WORDS>::new();
            let mut __marine_area = [0u64; __MARINE_RESULT_WORDS];
            // SAFETY: called with the signature that belongs to these types.
            unsafe {
                #(__marine_args.push(&#idents);)*
                __marine_args.result_area::<__MarineResult>(__marine_area.as_mut_ptr().cast());
                let word = __marine_import(#(__marine_args.get(#indices)),*);
                #sdk::abi::take_result::<__MarineResult>(word, __marine_area.as_ptr().cast())
            }
        }
    }
}

/// Takes `#[link_name = ".."]` off a function.
pub(crate) fn take_link_name(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Option<LitStr> {
    let mut name = None;
    attrs.retain(|attr| {
        if !attr.path().is_ident("link_name") {
            return true;
        }
        match attr.meta.require_name_value().and_then(|meta| syn::parse2(quote::ToTokens::to_token_stream(&meta.value)))
        {
            Ok(text) => name = Some(text),
            Err(error) => errors.push(error),
        }
        false
    });
    name
}
