//! A test function: its parameters become services.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Path, ReturnType, Type};

use marine_test_build::service_ident;

use crate::expand::is_test;
use crate::services::Bound;

const PARAMETER: &str = "a test's parameters are services or modules: \
    `shop: marine_test_env::shop::ServiceInterface`, `stock: marine_test_env::stock::ModuleInterface`";

/// What a parameter stands for.
struct Parameter<'t> {
    pattern: &'t syn::Pat,
    ty: &'t Type,
    service: usize,
    /// The module's place, if it stands for one.
    module: Option<usize>,
}

/// What can be said of a test before anything is built.
pub(crate) fn check(test: &ItemFn) -> Result<(), Error> {
    let signature = &test.sig;
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics, "a test has no type parameters"));
    }
    if signature.asyncness.is_some() && !is_test(test) {
        return Err(Error::new_spanned(signature.asyncness, "make it a plain `fn`: calls of services block"));
    }
    for input in &signature.inputs {
        path_of(input)?;
    }
    Ok(())
}

/// The test without parameters; `prelude` stands at the beginning of its body.
pub(crate) fn rewrite(test: ItemFn, services: &[Bound], prelude: TokenStream) -> Result<TokenStream, Error> {
    let ItemFn { attrs, vis, mut sig, block } = test.clone();
    let parameters = test.sig.inputs.iter().map(|input| parameter(input, services)).collect::<Result<Vec<_>, _>>()?;
    sig.inputs.clear();
    let test_attribute = (!is_test(&test)).then(|| quote!(#[test]));
    let (bindings, copies) = bind(&parameters, services);
    let body = match may_fail(&sig.output) && sig.asyncness.is_none() {
        // A test that returns an error fails without panicking.
        true => {
            let output = &sig.output;
            quote! {
                let outcome = (move || #output #block)();
                if outcome.is_err() {
                    #(#copies.print_logs();)*
                }
                outcome
            }
        }
        false => quote!(#block),
    };
    Ok(quote! {
        #[cfg(not(target_family = "wasm"))]
        #test_attribute
        #(#attrs)*
        #vis #sig {
            #prelude
            #bindings
            #body
        }
    })
}

/// `let`s for all parameters, and the names of what holds the services.
fn bind(parameters: &[Parameter<'_>], services: &[Bound]) -> (TokenStream, Vec<Ident>) {
    let mut lets = TokenStream::new();
    let mut copies: Vec<Ident> = Vec::new();
    // Modules are taken of the first copy of their service.
    let mut first: Vec<Option<Ident>> = services.iter().map(|_| None).collect();
    let mut start = |service: usize, lets: &mut TokenStream| {
        let outer = raw(&services[service].name);
        let copy = format_ident!("marine_test_copy_{}", copies.len());
        lets.extend(quote!(let #copy = marine_test_env::#outer::ServiceInterface::new();));
        copies.push(copy.clone());
        copy
    };
    for parameter in parameters.iter().filter(|parameter| parameter.module.is_none()) {
        let copy = start(parameter.service, &mut lets);
        first[parameter.service].get_or_insert(copy.clone());
        let Parameter { pattern, ty, .. } = parameter;
        lets.extend(quote!(let #pattern: #ty = ::core::clone::Clone::clone(&#copy);));
    }
    for parameter in parameters {
        let Parameter { pattern, ty, service, module: Some(module) } = parameter else { continue };
        let copy = match &first[*service] {
            Some(copy) => copy.clone(),
            None => first[*service].insert(start(*service, &mut lets)).clone(),
        };
        let module = raw(&service_ident(&services[*service].service.modules[*module].name));
        lets.extend(quote!(let #pattern: #ty = ::core::clone::Clone::clone(&#copy.modules.#module);));
    }
    (lets, copies)
}

fn path_of(input: &FnArg) -> Result<(&syn::PatType, &Path), Error> {
    match input {
        FnArg::Typed(typed) => match &*typed.ty {
            Type::Path(path) if path.qself.is_none() => Ok((typed, &path.path)),
            other => Err(Error::new(other.span(), PARAMETER)),
        },
        FnArg::Receiver(receiver) => Err(Error::new(receiver.span(), PARAMETER)),
    }
}

fn parameter<'t>(input: &'t FnArg, services: &[Bound]) -> Result<Parameter<'t>, Error> {
    let (typed, path) = path_of(input)?;
    let words: Vec<String> = path.segments.iter().map(|segment| plain(&segment.ident)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let after = words.iter().position(|word| *word == "marine_test_env").map_or(&words[..0], |at| &words[at + 1..]);
    let service_called = |name: &str| services.iter().position(|bound| bound.name == name);
    let module_of = |service: usize, name: &str| {
        services[service].service.modules.iter().position(|module| service_ident(&module.name) == name)
    };
    let (service, module) = match after {
        [name, "ServiceInterface"] => (service_called(name), None),
        [outer, "modules", name, "ModuleInterface"] => {
            let service = service_called(outer);
            (service, service.and_then(|service| module_of(service, name)))
        }
        [name, "ModuleInterface"] => {
            let found = match service_called(name) {
                Some(service) => Some((service, module_of(service, name))),
                None => (0..services.len()).find_map(|service| Some((service, Some(module_of(service, name)?)))),
            };
            (found.map(|(service, _)| service), found.and_then(|(_, module)| module))
        }
        _ => return Err(Error::new_spanned(path, PARAMETER)),
    };
    let wants_module = after.last() == Some(&"ModuleInterface");
    match service {
        Some(service) if module.is_some() == wants_module => {
            Ok(Parameter { pattern: &typed.pat, ty: &typed.ty, service, module })
        }
        _ => Err(Error::new_spanned(path, unknown(services))),
    }
}

/// Says what there is.
fn unknown(services: &[Bound]) -> String {
    let one = |bound: &Bound| {
        let modules: Vec<_> = bound.service.modules.iter().map(|module| service_ident(&module.name)).collect();
        format!("service `{}` with modules `{}`", bound.name, modules.join("`, `"))
    };
    format!("there is only {}", services.iter().map(one).collect::<Vec<_>>().join(", and "))
}

fn may_fail(output: &ReturnType) -> bool {
    let ReturnType::Type(_, ty) = output else { return false };
    matches!(&**ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Result"))
}

fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), ToOwned::to_owned)
}

fn raw(name: &str) -> Ident {
    marine_test_build::identifier(name)
}
