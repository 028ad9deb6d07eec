//! What can be said about a type by looking at how it is written.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, Ident, Lifetime, PathArguments, Type, TypePath, TypeReference};

use crate::diagnostics::{Code, Errors};

/// Where a type is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Parameter or result of an exported function: a reference may stand in front, none inside.
    Export,
    /// Parameter of an imported function: references everywhere.
    ImportParam,
    /// Result of an imported function: no references.
    ImportResult,
    /// Field of a struct or enum: no references.
    Field,
}

/// Reports what can never cross the boundary, however types are defined.
pub(crate) fn check(ty: &Type, place: Place, errors: &mut Errors) {
    let mut checker = Checker { place, errors };
    match strip(ty) {
        Type::Reference(reference) if place == Place::Export => checker.check(&reference.elem),
        _ => checker.check(ty),
    }
}

struct Checker<'a> {
    place: Place,
    errors: &'a mut Errors,
}

impl Checker<'_> {
    fn check(&mut self, ty: &Type) {
        match ty {
            Type::Ptr(_) => self.meaningless(ty, "a raw pointer", "pass the value itself"),
            Type::BareFn(_) => self.meaningless(ty, "a function pointer", "pass data that says what to do"),
            Type::TraitObject(_) => {
                self.meaningless(ty, "a trait object", "use a #[marine] enum of the types that can occur");
            }
            Type::ImplTrait(_) => self.errors.add(
                Code::M101,
                ty,
                "exported and imported functions are concrete: a remote caller cannot choose the type behind `impl`",
                "write the type",
            ),
            Type::Reference(reference) => self.check_reference(reference),
            Type::Path(path) => self.check_path(path),
            _ => inner_types(ty).into_iter().for_each(|inner| self.check(inner)),
        }
    }

    fn check_path(&mut self, ty: &TypePath) {
        if let Some(segment) = ty.path.segments.last() {
            let name = segment.ident.to_string();
            if let Some((code, message, help)) = known_type(&name, ty.path.segments.len() == 1) {
                self.errors.add(code, ty, message, help);
                return;
            }
        }
        path_arguments(ty).for_each(|inner| self.check(inner));
    }

    fn check_reference(&mut self, ty: &TypeReference) {
        let (code, message) = match self.place {
            Place::ImportParam => return self.check(&ty.elem),
            Place::Export => {
                (Code::M117, "a reference inside of a type of an exported function has nothing to borrow from")
            }
            Place::ImportResult => (Code::M118, "the result of an imported function has nothing to borrow from"),
            Place::Field => (Code::M116, "a value from outside of the module has nothing to borrow from"),
        };
        self.errors.add(code, ty, message, "own the data: `String` for `&str`, `Vec<T>` for `&[T]`, `T` for `&T`");
    }

    fn meaningless(&mut self, ty: &Type, what: &str, help: &str) {
        self.errors.add(Code::M111, ty, format_args!("{what} has no meaning outside of the module"), help);
    }
}

/// The types of which `ty` consists, one level down.
fn inner_types(ty: &Type) -> Vec<&Type> {
    match ty {
        Type::Array(array) => vec![&array.elem],
        Type::Group(group) => vec![&group.elem],
        Type::Paren(paren) => vec![&paren.elem],
        Type::Reference(reference) => vec![&reference.elem],
        Type::Slice(slice) => vec![&slice.elem],
        Type::Tuple(tuple) => tuple.elems.iter().collect(),
        Type::Path(path) => path_arguments(path).collect(),
        _ => Vec::new(),
    }
}

/// The type arguments of a path: `K` and `V` of `HashMap<K, V>`.
fn path_arguments(ty: &TypePath) -> impl Iterator<Item = &Type> {
    ty.path.segments.iter().flat_map(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => {
            let types = arguments.args.iter().filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            });
            types.collect()
        }
        _ => Vec::new(),
    })
}

/// What is wrong with a type of the standard library.
fn known_type(name: &str, bare: bool) -> Option<(Code, String, &'static str)> {
    Some(match name {
        "usize" if bare => (Code::M110, no_such_size(name), "use `u64`, or `u32`"),
        "isize" if bare => (Code::M110, no_such_size(name), "use `i64`, or `i32`"),
        "u128" if bare => (Code::M110, no_such_size(name), "use `u64`, two of them, or a text"),
        "i128" if bare => (Code::M110, no_such_size(name), "use `i64`, two of them, or a text"),
        "Rc" | "Arc" | "Mutex" | "RwLock" | "RefCell" | "Cell" => (
            Code::M112,
            format!("`{name}` does not cross the boundary of a module: nothing is shared across it"),
            "take the value inside",
        ),
        _ => return None,
    })
}

fn no_such_size(name: &str) -> String {
    format!("WIT has no integer type like `{name}`")
}

/// Whether `ty` mentions the type called `name`.
pub(crate) fn mentions(ty: &Type, name: &Ident) -> bool {
    let itself = match ty {
        Type::Path(ty) => ty.qself.is_none() && (ty.path.is_ident(name) || ty.path.is_ident("Self")),
        _ => false,
    };
    itself || inner_types(ty).into_iter().any(|inner| mentions(inner, name))
}

/// `ty` without parentheses and invisible groups around it.
pub(crate) fn strip(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => strip(&inner.elem),
        Type::Group(inner) => strip(&inner.elem),
        _ => ty,
    }
}

/// `ty` with every lifetime made `'static`, so that it can be named outside of a function's signature.
pub(crate) fn with_static_lifetimes(ty: &Type) -> Type {
    let mut ty = ty.clone();
    make_static(&mut ty);
    ty
}

fn make_static(ty: &mut Type) {
    match ty {
        Type::Array(array) => make_static(&mut array.elem),
        Type::Group(group) => make_static(&mut group.elem),
        Type::Paren(paren) => make_static(&mut paren.elem),
        Type::Slice(slice) => make_static(&mut slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(make_static),
        Type::Reference(reference) => {
            reference.lifetime = Some(Lifetime::new("'static", reference.and_token.span));
            make_static(&mut reference.elem);
        }
        Type::Path(path) => {
            for segment in &mut path.path.segments {
                let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { continue };
                for argument in &mut arguments.args {
                    match argument {
                        GenericArgument::Lifetime(lifetime) => *lifetime = Lifetime::new("'static", lifetime.span()),
                        GenericArgument::Type(ty) => make_static(ty),
                        _ => {}
                    }
                }
            }
        }
        _ => {}
    }
}

/// The owned interface type that stands for `ty`: `String` for `&str`.
pub(crate) fn owned(ty: &Type, sdk: &TokenStream) -> TokenStream {
    match strip(ty) {
        Type::Reference(reference) => {
            let target = with_static_lifetimes(&reference.elem);
            quote_spanned!(ty.span()=> <#target as #sdk::abi::Lower>::Owned)
        }
        _ => {
            let ty = with_static_lifetimes(ty);
            quote!(#ty)
        }
    }
}
