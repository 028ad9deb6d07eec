//! Types as Rust writes them, and definitions with their conversions.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::functions::docs;
use super::{Module, World};
use crate::names::{Scope, camel, ident, snake};
use crate::types::{Definition, Item, Kind, Primitive, Type, TypeId};

impl World<'_> {
    /// `ty` as it is written `depth` levels below `marine_test_env`.
    pub(super) fn ty(&self, ty: &Type, depth: usize) -> TokenStream {
        let unit = || quote!(());
        match ty {
            Type::Primitive(primitive) => of_primitive(*primitive),
            Type::List(of) => {
                let of = self.ty(of, depth);
                quote!(::std::vec::Vec<#of>)
            }
            Type::Option(of) => {
                let of = self.ty(of, depth);
                quote!(::core::option::Option<#of>)
            }
            Type::Result { ok, err } => {
                let [ok, err] = [ok, err].map(|ty| ty.as_ref().map_or_else(unit, |ty| self.ty(ty, depth)));
                quote!(::core::result::Result<#ok, #err>)
            }
            Type::Tuple(types) => {
                let types = types.iter().map(|ty| self.ty(ty, depth));
                quote!((#(#types,)*))
            }
            Type::Named(id) => self.path(*id, depth),
        }
    }

    /// The names of types that `module` has under its path, whoever defines them.
    pub(super) fn exported(&self, module: &Module) -> Vec<Ident> {
        let mut names: Vec<Ident> = self.scopes[&module.home].values().cloned().collect();
        names.extend(self.foreign(module).into_iter().map(|(name, _)| name));
        names
    }

    /// Types that `module` exports by name and that are not defined in it: other modules' types, and aliases.
    fn foreign<'m>(&self, module: &'m Module) -> Vec<(Ident, &'m Type)> {
        let own = &self.scopes[&module.home];
        let mut scope = Scope::new(&["ModuleInterface"]);
        own.values().for_each(|name| drop(scope.take(&name.to_string())));
        let mut foreign = Vec::new();
        for (name, ty) in &module.interface.types {
            let wanted = camel(name);
            let is_own = matches!(ty, Type::Named(id) if own.get(id).is_some_and(|own| *own == wanted));
            if !is_own && scope.take(&wanted) == wanted {
                foreign.push((ident(&wanted), ty));
            }
        }
        foreign
    }

    /// All types of `module`, whose Rust module lies `depth` levels below `marine_test_env`.
    pub(super) fn definitions(&self, module: &Module, depth: usize) -> TokenStream {
        let own = self.types.of(module.home).map(|(id, definition)| self.definition(id, definition, depth));
        let foreign = self.foreign(module).into_iter().map(|(name, ty)| {
            let ty = self.ty(ty, depth);
            quote!(pub type #name = #ty;)
        });
        quote!(#(#own)* #(#foreign)*)
    }

    fn definition(&self, id: TypeId, definition: &Definition, depth: usize) -> TokenStream {
        let name = &self.names[&id];
        let own = docs(definition.docs.own.as_deref(), None);
        let derives = self.derives(id, definition);
        let wit = &definition.name;
        let items = Items { world: self, definition, depth };
        let (shape, into, from) = match &definition.kind {
            Kind::Record(fields) => items.record(fields),
            Kind::Flags(flags) => items.flags(flags),
            Kind::Variant(cases) | Kind::Enum(cases) => items.cases(cases),
        };
        let keyword = match definition.kind {
            Kind::Record(_) | Kind::Flags(_) => quote!(struct),
            Kind::Variant(_) | Kind::Enum(_) => quote!(enum),
        };
        quote! {
            #own
            #[derive(#derives)]
            #[serde(crate = "::marine_test::serde", rename_all = "snake_case")]
            pub #keyword #name { #shape }

            impl ::marine_test::Value for #name {
                fn into_val(self) -> ::marine_test::Val { #into }

                fn from_val(val: ::marine_test::Val) -> ::core::result::Result<Self, ::marine_test::Mismatch> {
                    const NAME: &str = #wit;
                    #from
                }
            }
        }
    }

    fn derives(&self, id: TypeId, definition: &Definition) -> TokenStream {
        let mut derives = quote! {
            Clone, Debug, PartialEq, ::marine_test::serde::Serialize, ::marine_test::serde::Deserialize
        };
        if self.types.has_eq(&Type::Named(id)) {
            derives.extend(quote!(, Eq, Hash));
        }
        if self.types.kind_has_default(&definition.kind) {
            derives.extend(quote!(, Default));
        }
        if matches!(definition.kind, Kind::Enum(_)) {
            derives.extend(quote!(, Copy, PartialOrd, Ord));
        }
        derives
    }
}

/// Writes the parts of one definition: its inside, and the bodies of its conversions.
struct Items<'i> {
    world: &'i World<'i>,
    definition: &'i Definition,
    depth: usize,
}

impl Items<'_> {
    fn names(&self, items: &[Item], spell: fn(&str) -> String) -> Vec<Ident> {
        let mut scope = Scope::new(&[]);
        items.iter().map(|item| ident(&scope.take(&spell(&item.name)))).collect()
    }

    fn docs(&self) -> impl Iterator<Item = TokenStream> {
        self.definition.docs.items.iter().map(|text| docs(text.as_deref(), None))
    }

    fn record(&self, fields: &[Item]) -> (TokenStream, TokenStream, TokenStream) {
        let names = self.names(fields, snake);
        let wit: Vec<_> = fields.iter().map(|field| &field.name).collect();
        let types = fields.iter().flat_map(|field| &field.ty).map(|ty| self.world.ty(ty, self.depth));
        let docs = self.docs();
        let shape = quote!(#(#docs pub #names: #types),*);
        let into = quote! {
            ::marine_test::Val::Record(::std::vec![
                #((::std::string::String::from(#wit), ::marine_test::Value::into_val(self.#names))),*
            ])
        };
        let from = quote! {
            let mut fields = ::marine_test::Fields::of(val, NAME)?;
            ::core::result::Result::Ok(Self { #(#names: fields.take(#wit)?),* })
        };
        (shape, into, from)
    }

    fn flags(&self, flags: &[Item]) -> (TokenStream, TokenStream, TokenStream) {
        let names = self.names(flags, snake);
        let wit: Vec<_> = flags.iter().map(|flag| &flag.name).collect();
        let docs = self.docs();
        let shape = quote!(#(#docs pub #names: bool),*);
        let into = quote! {
            let mut set = ::std::vec::Vec::new();
            #(if self.#names { set.push(::std::string::String::from(#wit)); })*
            ::marine_test::Val::Flags(set)
        };
        let from = quote! {
            let set = ::marine_test::flags_of(val, NAME)?;
            let is_set = |name: &str| set.iter().any(|flag| flag == name);
            ::core::result::Result::Ok(Self { #(#names: is_set(#wit)),* })
        };
        (shape, into, from)
    }

    fn cases(&self, cases: &[Item]) -> (TokenStream, TokenStream, TokenStream) {
        let names = self.names(cases, camel);
        let is_enum = matches!(self.definition.kind, Kind::Enum(_));
        let payloads: Vec<_> =
            cases.iter().map(|case| case.ty.as_ref().map(|ty| self.world.ty(ty, self.depth))).collect();
        let docs = self.docs();
        let shapes = names.iter().zip(&payloads).map(|(name, payload)| match payload {
            Some(ty) => quote!(#name(#ty)),
            None => quote!(#name),
        });
        let shape = quote!(#(#docs #shapes),*);
        let into = cases.iter().zip(&names).map(|(case, name)| {
            let wit = &case.name;
            let text = quote!(::std::string::String::from(#wit));
            match (&case.ty, is_enum) {
                (_, true) => quote!(Self::#name => ::marine_test::Val::Enum(#text)),
                (None, false) => quote!(Self::#name => ::marine_test::Val::Variant(#text, ::core::option::Option::None)),
                (Some(_), false) => quote! {
                    Self::#name(payload) => ::marine_test::Val::Variant(#text, ::marine_test::Value::into_payload(payload))
                },
            }
        });
        let into = quote!(match self { #(#into),* });
        let from = cases.iter().zip(&names).map(|(case, name)| {
            let wit = &case.name;
            match &case.ty {
                None => quote!(#wit => ::core::result::Result::Ok(Self::#name)),
                Some(_) => quote! {
                    #wit => ::core::result::Result::Ok(Self::#name(::marine_test::Value::from_payload(payload)?))
                },
            }
        });
        let from = quote! {
            let (case, payload) = ::marine_test::case_of(val, NAME)?;
            match case.as_str() {
                #(#from,)*
                _ => ::core::result::Result::Err(::marine_test::Mismatch::case(NAME, &case)),
            }
        };
        (shape, into, from)
    }
}

fn of_primitive(primitive: Primitive) -> TokenStream {
    match primitive {
        Primitive::Bool => quote!(bool),
        Primitive::U8 => quote!(u8),
        Primitive::U16 => quote!(u16),
        Primitive::U32 => quote!(u32),
        Primitive::U64 => quote!(u64),
        Primitive::S8 => quote!(i8),
        Primitive::S16 => quote!(i16),
        Primitive::S32 => quote!(i32),
        Primitive::S64 => quote!(i64),
        Primitive::F32 => quote!(f32),
        Primitive::F64 => quote!(f64),
        Primitive::Char => quote!(char),
        Primitive::String => quote!(::std::string::String),
    }
}
