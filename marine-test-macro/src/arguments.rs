//! The arguments of the attribute.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, LitStr, Meta, MetaNameValue, Token};

/// What one service is made of, as far as it is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// A manifest, or a directory with one.
    pub(crate) manifest: Option<LitStr>,
    /// Whether writable directories of the host are the real ones.
    pub(crate) real_dirs: bool,
    /// An argument that means nothing any more.
    pub(crate) modules_dir: Option<Span>,
}

/// One service, by name or on its own.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// What tests call it, if that is said.
    pub(crate) name: Option<Ident>,
    pub(crate) settings: Settings,
}

const KNOWN: &str =
    "`manifest = \"..\"`, `config_path = \"..\"`, `dirs = \"real\"` or named services: `shop(manifest = \"..\")`";

/// Reads the arguments; no arguments are the nearest manifest's service.
pub(crate) fn parse(tokens: TokenStream) -> Result<Vec<Wanted>, Error> {
    let metas = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens)?;
    let mut own = Settings::default();
    let mut named: Vec<Wanted> = Vec::new();
    let mut first_own = None;
    for meta in metas {
        match meta {
            Meta::NameValue(pair) => {
                first_own.get_or_insert(pair.path.clone());
                own.set(&pair)?;
            }
            Meta::List(list) => {
                let name = list.path.require_ident()?.clone();
                let pairs = Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(list.tokens)?;
                let mut settings = Settings::default();
                pairs.iter().try_for_each(|pair| settings.set(pair))?;
                if settings.manifest.is_none() {
                    return Err(Error::new(
                        name.span(),
                        format!("where is `{name}`? write `{name}(manifest = \"..\")`"),
                    ));
                }
                if named.iter().any(|other| other.name.as_ref() == Some(&name)) {
                    return Err(Error::new(name.span(), format!("two services are called `{name}`")));
                }
                named.push(Wanted { name: Some(name), settings });
            }
            Meta::Path(path) => return Err(Error::new_spanned(path, format!("expected {KNOWN}"))),
        }
    }
    match (named.is_empty(), first_own) {
        (true, _) => Ok(vec![Wanted { name: None, settings: own }]),
        (false, None) => Ok(named),
        (false, Some(path)) => {
            Err(Error::new_spanned(path, "beside named services, say it for each of them: `shop(manifest = \"..\")`"))
        }
    }
}

impl Settings {
    fn set(&mut self, pair: &MetaNameValue) -> Result<(), Error> {
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else {
            return Err(Error::new_spanned(&pair.value, "expected a text in quotes"));
        };
        let name = pair.path.get_ident().map(Ident::to_string).unwrap_or_default();
        match name.as_str() {
            "manifest" | "config_path" if self.manifest.is_some() => {
                Err(Error::new_spanned(&pair.path, "the manifest is given twice"))
            }
            "manifest" | "config_path" => {
                self.manifest = Some(text.clone());
                Ok(())
            }
            "dirs" if text.value() == "real" => {
                self.real_dirs = true;
                Ok(())
            }
            "dirs" => Err(Error::new_spanned(text, "expected `\"real\"`; without it, tests write to private copies")),
            "modules_dir" => {
                self.modules_dir = Some(text.span());
                Ok(())
            }
            _ => Err(Error::new_spanned(&pair.path, format!("unknown argument `{name}`; expected {KNOWN}"))),
        }
    }

    /// A warning for what was accepted for old times' sake.
    pub(crate) fn notes(&self) -> TokenStream {
        let Some(span) = self.modules_dir else { return TokenStream::new() };
        // The compiler offers macros no warnings of their own, but it warns of what is deprecated.
        let note = "`modules_dir` has no effect: the modules are built from what the manifest lists";
        let used = quote_spanned!(span => modules_dir);
        quote! {
            const _: () = {
                #[allow(non_upper_case_globals, reason = "called as the argument")]
                #[deprecated(note = #note)]
                const modules_dir: () = ();
                #used
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tokens: TokenStream) -> Result<String, String> {
        let show = |wanted: &Wanted| {
            let name = wanted.name.as_ref().map_or("-".to_owned(), Ident::to_string);
            let manifest = wanted.settings.manifest.as_ref().map_or("-".to_owned(), LitStr::value);
            format!("{name} {manifest} {}", if wanted.settings.real_dirs { "real" } else { "copies" })
        };
        let wanted = parse(tokens).map_err(|error| error.to_string())?;
        Ok(wanted.iter().map(show).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn all_forms_are_read() {
        let cases = [
            (quote!(), "- - copies"),
            (quote!(manifest = "a", dirs = "real"), "- a real"),
            (quote!(config_path = "Config.toml", modules_dir = "x/"), "- Config.toml copies"),
            (quote!(shop(manifest = "a"), bank(config_path = "b", dirs = "real"),), "shop a copies, bank b real"),
        ];
        for (tokens, expected) in cases {
            assert_eq!(read(tokens.clone()).as_deref(), Ok(expected), "{tokens}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        let cases = [
            (quote!(manifest), "expected `manifest"),
            (quote!(manifest = 1), "a text in quotes"),
            (quote!(manifest = "a", config_path = "b"), "given twice"),
            (quote!(shop()), "where is `shop`?"),
            (quote!(shop(manifest = "a"), shop(manifest = "b")), "two services"),
            (quote!(shop(manifest = "a"), manifest = "b"), "for each of them"),
            (quote!(manifets = "a"), "unknown argument `manifets`"),
            (quote!(dirs = "some"), "private copies"),
        ];
        for (tokens, expected) in cases {
            let error = read(tokens.clone()).expect_err("a mistake");
            assert!(error.contains(expected), "{tokens}: {error}");
        }
    }
}
