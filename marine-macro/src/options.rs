//! The arguments of `#[marine(..)]`, and the attributes around it.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta, Path, Type};

use crate::diagnostics::Errors;
use crate::sdk_path;

/// What stands in the parentheses.
#[derive(Default)]
pub(crate) struct Options {
    /// `name = "kebab-name"`
    pub(crate) name: Option<LitStr>,
    /// `init`
    pub(crate) init: bool,
    /// `as = "Type"`
    pub(crate) stands_for: Option<Type>,
    sdk: Option<Path>,
}

impl Options {
    /// Takes in one argument.
    pub(crate) fn parse(&mut self, meta: ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("name") {
            self.name = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("init") {
            self.init = true;
        } else if is_as(&meta.path) {
            self.stands_for = Some(meta.value()?.parse::<LitStr>()?.parse()?);
        } else if meta.path.is_ident("crate") {
            self.sdk = Some(meta.value()?.parse::<LitStr>()?.parse_with(Path::parse_mod_style)?);
        } else {
            let option = meta.path.to_token_stream();
            return Err(meta.error(format_args!(
                "no option `{option}` of #[marine]\nhelp: there are `name = \"..\"`, `init`, `as = \"Type\"` and `crate = \"..\"`"
            )));
        }
        Ok(())
    }

    /// Path of the SDK, as seen from the crate being compiled.
    pub(crate) fn sdk(&self) -> TokenStream {
        match &self.sdk {
            Some(path) => quote!(#path),
            None => sdk_path::find(),
        }
    }
}

/// Whether the option is `as`, which is a keyword.
fn is_as(path: &Path) -> bool {
    path.to_token_stream().to_string() == "as"
}

/// Takes `#[marine(name = "..")]` off a field, case or parameter.
pub(crate) fn take_name(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Option<LitStr> {
    let mut name = None;
    attrs.retain(|attr| {
        if !attr.path().is_ident("marine") {
            return true;
        }
        let parsed = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                name = Some(meta.value()?.parse()?);
                Ok(())
            } else {
                let option = meta.path.to_token_stream();
                Err(meta.error(format_args!("no option `{option}` here\nhelp: there is `name = \"..\"`")))
            }
        });
        if let Err(error) = parsed {
            errors.push(error);
        }
        false
    });
    name
}

/// The doc comment, one line per `///`, without the space that follows it.
pub(crate) fn docs(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter(|attr| attr.path().is_ident("doc")).filter_map(|attr| match &attr.meta {
        Meta::NameValue(meta) => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned()).collect();
    lines.join("\n").trim().to_owned()
}
