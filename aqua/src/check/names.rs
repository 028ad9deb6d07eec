//! Names as values: variables, functions, services, constants, words with a meaning of their own, and their fields.

use std::sync::Arc;

use super::body::Body;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::hir::{Expr, ExprKind, Labelled, LocalId, Scalar, Special, Type};
use crate::index::{Occurrence, SymbolKind};
use crate::resolve::constant::Constant;
use crate::resolve::{DefId, DefKind, nearest, token_span};
use crate::syntax::ast::{self, AstNode};
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

/// Words that mean something in every file.
pub(super) const SPECIALS: &[&str] =
    &["HOST_PEER_ID", "INIT_PEER_ID", "PARTICLE_TTL", "PARTICLE_TIMESTAMP", "LAST_ERROR", "nil"];

/// The names of `a.b.c`; `None` if it begins with something else.
pub(super) fn chain(node: &SyntaxNode) -> Option<Vec<SyntaxToken>> {
    let mut names = Vec::new();
    let mut node = node.clone();
    loop {
        names.push(ast::words(&node).next()?);
        match node.kind() {
            SyntaxKind::NameExpr => break,
            SyntaxKind::FieldExpr => node = ast::child::<ast::Expr>(&node)?.syntax().clone(),
            _ => return None,
        }
    }
    names.reverse();
    Some(names)
}

/// What a name turns out to be, and how many words of a chain that takes.
pub(super) enum Meaning {
    Local(crate::hir::LocalId),
    Def(DefId, usize),
    Special,
    Unknown,
}

impl Body<'_, '_> {
    pub(super) fn meaning(&self, names: &[SyntaxToken]) -> Meaning {
        let first = names[0].text();
        if let Some(local) = self.visible(first) {
            return Meaning::Local(local);
        }
        let texts: Vec<String> = names.iter().map(|name| name.text().to_string()).collect();
        match self.checker.modules.lookup_prefix(self.file, &texts) {
            Some((def, used)) => Meaning::Def(def, used),
            None if SPECIALS.contains(&first) => Meaning::Special,
            None => Meaning::Unknown,
        }
    }

    /// `a.b.c` as a value.
    pub(super) fn name_chain(&mut self, names: &[SyntaxToken]) -> Expr {
        let first = self.token_span(&names[0]);
        let (mut value, used) = match self.meaning(names) {
            Meaning::Local(local) => {
                let known = self.local(local).clone();
                self.warn_unset(local, first);
                let kind = if matches!(known.ty, Type::Stream(_) | Type::StreamMap(_)) {
                    SymbolKind::Stream
                } else {
                    SymbolKind::Local
                };
                let ty = known.ty.clone();
                self.checker.index.note(Occurrence { span: first, definition: known.span, kind, ty, signature: None });
                (Expr { kind: ExprKind::Local(local), ty: known.ty, span: first }, 1)
            }
            Meaning::Def(def, used) => {
                let last = self.token_span(&names[used - 1]);
                (self.def_value(def, last, first.to(last)), used)
            }
            Meaning::Special => (special(names[0].text(), first), 1),
            Meaning::Unknown => (self.unknown(names), names.len()),
        };
        for name in &names[used..] {
            value = self.field(value, name);
        }
        value
    }

    fn def_value(&mut self, def: DefId, name: Span, span: Span) -> Expr {
        self.checker.note_def(name, def);
        let kind = self.checker.modules.def(def).kind;
        match kind {
            DefKind::Const => {
                let value = self.checker.constants.get(&def).cloned().unwrap_or(Constant::Poison);
                constant(&value, span)
            }
            DefKind::Func => {
                let ty = self.checker.signature(def).arrow_type();
                let id = self.checker.function_id(def);
                self.checker.calls[self.me.0 as usize].push((id, span));
                Expr { kind: ExprKind::Function(id), ty, span }
            }
            DefKind::Service => self.service_value(def, span),
            DefKind::Poison => poison(span),
            _ => {
                let text = self.checker.modules.def(def).name.clone();
                let diagnostic =
                    Diagnostic::new(Code::TYPES, span, format!("`{text}` is {}, not a value", kind.noun()));
                self.report(diagnostic.help(format!("make one of it: `{text}(field = value)`")));
                poison(span)
            }
        }
    }

    /// A name that a failing statement was to bind may have no value, and what reads it then waits for ever.
    fn warn_unset(&mut self, local: LocalId, span: Span) {
        let Some(at) = self.unset.iter().position(|known| *known == local) else { return };
        self.unset.remove(at);
        let line = self.checker.modules.line(self.local(local).span);
        let diagnostic = Diagnostic::new(Code::MAYBE_UNSET, span, "this may never get a value");
        let at = format!("bound at line {line} by a statement that `otherwise` guards");
        let help = "declare a stream before, and push to it in both places";
        self.report(diagnostic.at(at).help(help));
    }

    fn warn_not_offered(&mut self, def: DefId, id: Option<&str>, span: Span) {
        let outside = !self.checker.modules.module(self.checker.modules.def(def).span.file).own;
        if outside && matches!(id, Some("worker" | "subnet")) {
            let name = self.checker.modules.def(def).name.clone();
            let diagnostic = Diagnostic::new(Code::NOT_OFFERED, span, format!("nodes do not offer `{name}`"));
            self.report(
                diagnostic.at("calls of it fail").help("deploy a service of your own under that alias, or do without"),
            );
        }
    }

    /// A service with the id that it has here.
    fn service_value(&mut self, def: DefId, span: Span) -> Expr {
        let info = self.checker.service(def);
        let service = self.checker.service_id(def);
        self.warn_not_offered(def, info.default_id.as_deref(), span);
        let given = self.ids.iter().rev().find(|(known, _)| *known == def).map(|(_, local)| *local);
        let string = Type::Scalar(Scalar::String);
        let kind = match (given, &info.default_id) {
            (Some(local), _) => ExprKind::Local(local),
            (None, Some(id)) => ExprKind::Text(id.clone()),
            (None, None) => {
                let declared = self.checker.modules.def(def).span;
                let (name, place) = (&info.name, self.checker.modules.place(declared));
                let at = match declared.file == self.file {
                    true => format!(
                        "`service {name}:` at line {} declares no default id",
                        self.checker.modules.line(declared)
                    ),
                    false => format!("`service {name}:` ({place}) declares no default id"),
                };
                let help = format!(
                    "write `{name} \"<service id>\"` above this call, or declare `service {name}(\"<service id>\"):`"
                );
                let diagnostic = Diagnostic::new(Code::SERVICE_ID, span, format!("service `{name}` has no id here"));
                self.report(diagnostic.at(at).help(help));
                ExprKind::Text("".into())
            }
        };
        let id = Box::new(Expr { kind, ty: string, span });
        let ty = if info.broken { Type::Poison } else { Type::Ability(info.labelled.clone()) };
        if let Type::Ability(labelled) = &ty {
            let address = Arc::as_ptr(labelled).addr();
            self.checker.data_of.entry(address).or_insert_with(|| (ty.clone(), def));
        }
        Expr { kind: ExprKind::Service { service, id }, ty, span }
    }

    fn unknown(&mut self, names: &[SyntaxToken]) -> Expr {
        let name = names[0].text().to_string();
        let span = self.token_span(&names[0]);
        let all = span.to(self.token_span(&names[names.len() - 1]));
        if let Some((defined, owner)) = self.gone.get(name.as_str()).copied() {
            let line = self.checker.modules.line(defined);
            let diagnostic = Diagnostic::new(Code::OUT_OF_SCOPE, span, format!("`{name}` is not visible here"))
                .at(format!("defined at line {line} inside `{owner}:`, whose names end with the block"))
                .help(format!(
                    "declare `res: *{}` before the `{owner}`, push to it, and use `res!`",
                    self.type_at(defined)
                ));
            self.report(diagnostic);
            return poison(all);
        }
        if self.checker.modules.module(self.file).incomplete {
            return poison(all);
        }
        let mut diagnostic = Diagnostic::new(Code::NAME_UNKNOWN, span, format!("cannot find `{name}` in this scope"));
        if let Some((near, what)) = self.suggestion(&name) {
            diagnostic = diagnostic.at(format!("help: `{near}` is {what}")).replace(near);
        } else {
            diagnostic = diagnostic.help("define it above, take it as an argument, or import it");
        }
        self.report(diagnostic);
        poison(all)
    }

    fn type_at(&self, defined: Span) -> String {
        let local = self.locals.iter().find(|local| local.span == defined);
        local.map_or_else(|| "T".to_string(), |local| super::body::widened(&local.ty))
    }

    fn suggestion(&self, name: &str) -> Option<(String, String)> {
        let module = self.checker.modules.module(self.file);
        let locals = self.visible_names().map(|(name, _)| name);
        let near =
            nearest(name, locals.chain(module.scope.keys().map(String::as_str)).chain(SPECIALS.iter().copied()))?;
        if let Some(local) = self.visible(near) {
            let line = self.checker.modules.line(self.local(local).span);
            return Some((near.to_string(), format!("defined at line {line}")));
        }
        let what = module.scope.get(near).map_or("a word of every file".to_string(), |entry| {
            let def = self.checker.modules.def(entry.def);
            format!("{} ({})", def.kind.noun(), self.checker.modules.place(def.span))
        });
        Some((near.to_string(), what))
    }

    /// `base.name`
    pub(super) fn field(&mut self, base: Expr, name: &SyntaxToken) -> Expr {
        let at = self.token_span(name);
        let span = base.span.to(at);
        let text = name.text();
        let ty = match &base.ty {
            Type::Poison => return poison(span),
            Type::Array(_) | Type::Option(_) | Type::Stream(_) | Type::Bottom if text == "length" => {
                let ty = Type::Scalar(Scalar::U32);
                return Expr { kind: ExprKind::Length(Box::new(base)), ty, span };
            }
            Type::Data(labelled) | Type::Ability(labelled) => {
                self.note_member(labelled.clone(), text, at);
                labelled.field(text).cloned()
            }
            _ => None,
        };
        match ty {
            Some(Type::Poison) => poison(span),
            Some(ty) => Expr { kind: ExprKind::Field { base: Box::new(base), name: text.into() }, ty, span },
            None => {
                self.unknown_member(&base.ty, text, at);
                poison(span)
            }
        }
    }

    fn unknown_member(&mut self, ty: &Type, name: &str, span: Span) {
        let (labelled, what) = match ty {
            Type::Data(labelled) => (labelled, "field"),
            Type::Ability(labelled) => (labelled, "function"),
            _ => {
                let mut diagnostic =
                    Diagnostic::new(Code::MEMBER_UNKNOWN, span, format!("`{ty}` has no field `{name}`"));
                if let Some(inner) = super::relation::element(ty).filter(|inner| has_field(inner, name)) {
                    let help = match ty {
                        Type::Option(_) => format!("take the value out first: `x!.{name}`"),
                        _ => format!("`{inner}` has it: take an element, `x[0].{name}`, or loop"),
                    };
                    diagnostic = diagnostic.help(help);
                }
                return self.report(diagnostic);
            }
        };
        let owner = self.checker.data_of.get(&Arc::as_ptr(labelled).addr()).map(|(_, def)| *def);
        let noun = match owner.map(|def| self.checker.modules.def(def).kind) {
            Some(DefKind::Service) => "service",
            Some(DefKind::Ability) => "ability",
            _ => "data type",
        };
        let mut diagnostic =
            Diagnostic::new(Code::MEMBER_UNKNOWN, span, format!("{noun} `{}` has no {what} `{name}`", labelled.name));
        if let Some(near) = nearest(name, labelled.fields.iter().map(|(field, _)| &**field)) {
            let shown = self.member_text(labelled, near);
            diagnostic = diagnostic.at(format!("help: did you mean {shown}?")).replace(near);
        } else {
            let mut names: Vec<String> =
                labelled.fields.iter().take(8).map(|(field, _)| format!("`{field}`")).collect();
            if labelled.fields.len() > names.len() {
                names.push("..".to_string());
            }
            diagnostic = diagnostic.help(format!("it has {}", names.join(", ")));
        }
        self.report(diagnostic);
    }

    fn member_text(&mut self, labelled: &Arc<Labelled>, name: &str) -> String {
        match self.member(labelled, name) {
            Some((span, Some(signature))) => format!("`{signature}` ({})", self.checker.modules.place(span)),
            Some((span, None)) => {
                let ty = labelled.field(name).map(ToString::to_string).unwrap_or_default();
                format!("`{name}: {ty}` ({})", self.checker.modules.place(span))
            }
            None => format!("`{name}`"),
        }
    }

    fn note_member(&mut self, labelled: Arc<Labelled>, name: &str, span: Span) {
        let Some((definition, signature)) = self.member(&labelled, name) else { return };
        let ty = labelled.field(name).cloned().unwrap_or(Type::Poison);
        let kind = if matches!(ty, Type::Arrow(_)) { SymbolKind::Method } else { SymbolKind::Field };
        let signature = signature.map(|signature| Arc::from(format!("{}.{signature}", labelled.name)));
        self.checker.index.note(Occurrence { span, definition, kind, ty, signature });
    }

    /// Where a member is declared, and its signature if it is a function of a service.
    pub(super) fn member(
        &mut self,
        labelled: &Arc<Labelled>,
        name: &str,
    ) -> Option<(Span, Option<Arc<super::Signature>>)> {
        let def = self.checker.data_of.get(&Arc::as_ptr(labelled).addr()).map(|(_, def)| *def)?;
        if self.checker.modules.def(def).kind == DefKind::Service {
            let method = self.checker.service(def).method(name)?.clone();
            return Some((method.span, Some(method)));
        }
        let (node, file) = (self.checker.modules.def(def).node.clone(), self.checker.modules.def(def).span.file);
        let block = ast::child::<ast::Block>(&node)?;
        let mut names = block.syntax().children().filter_map(|item| ast::words(&item).next());
        let token = names.find(|token| token.text() == name)?;
        Some((token_span(file, &token), None))
    }
}

fn has_field(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Data(labelled) if labelled.field(name).is_some())
}

/// An erroneous expression.
pub(super) fn poison(span: Span) -> Expr {
    Expr { kind: ExprKind::Array(Vec::new()), ty: Type::Poison, span }
}

/// A constant or literal as an expression.
pub(super) fn constant(value: &Constant, span: Span) -> Expr {
    let (kind, ty) = match value {
        Constant::Bool(value) => (ExprKind::Bool(*value), Type::Scalar(Scalar::Bool)),
        Constant::Int(value) => (ExprKind::Int(*value), Type::IntLiteral(*value, *value)),
        Constant::Float(value) => (ExprKind::Float(*value), Type::FloatLiteral),
        Constant::Text(value) => (ExprKind::Text(value.clone()), Type::Scalar(Scalar::String)),
        Constant::Poison => return poison(span),
    };
    Expr { kind, ty, span }
}

fn special(name: &str, span: Span) -> Expr {
    let (special, ty) = match name {
        "INIT_PEER_ID" => (Special::InitPeer, Type::Scalar(Scalar::String)),
        "HOST_PEER_ID" => (Special::HostPeer, Type::Scalar(Scalar::String)),
        "PARTICLE_TTL" => (Special::Ttl, Type::Scalar(Scalar::U32)),
        "PARTICLE_TIMESTAMP" => (Special::Timestamp, Type::Scalar(Scalar::U64)),
        "LAST_ERROR" => (Special::LastError, error_type()),
        _ => return Expr { kind: ExprKind::Array(Vec::new()), ty: Type::Option(Arc::new(Type::Bottom)), span },
    };
    Expr { kind: ExprKind::Special(special), ty, span }
}

/// The type of `LAST_ERROR` and of `e` in `catch e:`.
pub(super) fn error_type() -> Type {
    let string = Type::Scalar(Scalar::String);
    let fields = vec![
        ("error_code".into(), Type::Scalar(Scalar::I64)),
        ("instruction".into(), string.clone()),
        ("message".into(), string.clone()),
        ("peer_id".into(), string),
    ];
    Type::Data(Arc::new(Labelled { name: "LastError".into(), fields }))
}
