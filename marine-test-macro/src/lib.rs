//! The `#[marine_test]` attribute. It reads its arguments, has services built and bindings written by `marine-test-build`, and rewrites
//! the test; documented where it is used, in the crate `marine-test`.

mod arguments;
mod expand;
mod function;
mod services;

use proc_macro::TokenStream;

/// Makes a function a test with services as parameters, or gives the tests of a module typed access to services.
///
/// | written | services |
/// |---|---|
/// | `#[marine_test]` | that of the nearest `Marine.toml`, from the source file upwards |
/// | `#[marine_test(manifest = "../shop/Marine.toml")]` | that of this manifest, or of a directory's `Marine.toml`; relative to the source file, else to the package. `config_path` means the same |
/// | `#[marine_test(shop(manifest = ".."), bank(manifest = ".."))]` | several, under these names |
///
/// `dirs = "real"` beside a manifest lets the service write to the host's directories that it is granted, instead of private copies.
///
/// On a function, parameters typed `marine_test_env::<service>::ServiceInterface` are fresh services, and those typed
/// `marine_test_env::<module>::ModuleInterface` modules: of the service that is a parameter too, else of a fresh one. On a module, which
/// holds ordinary `#[test]` functions, the same is had with `ServiceInterface::new()`, or with parameters of the tests.
#[proc_macro_attribute]
pub fn marine_test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match expand::expand(arguments.into(), item.into()) {
        Ok(tokens) => tokens.into(),
        Err(error) => error.into_compile_error().into(),
    }
}
