//! Statements.

use std::sync::Arc;

use super::body::Body;
use super::expr::{callee_text, results};
use super::names::error_type;
use super::relation::frozen;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::hir::{
    self, Closure, Expr, ExprKind, Handler, Labelled, LocalId, LoopMode, Scalar, Special, Stmt, StmtKind, Target, Type,
};
use crate::resolve::{DefKind, nearest};
use crate::syntax::ast::{self, AstNode};
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

const STRING: Type = Type::Scalar(Scalar::String);

impl Body<'_, '_> {
    /// The body of a function or closure, whose scope is open already.
    pub(super) fn function_body(&mut self, block: Option<ast::Block>, promised: &[Type], head: Span) -> hir::Body {
        let Some(block) = block else { return hir::Body::default() };
        let mut stmts = self.statements(&block);
        let returned = block.syntax().children().filter_map(ast::ReturnStmt::cast).last();
        let results = match returned {
            Some(node) => self.returns(node.syntax(), promised, head, &mut stmts),
            None => {
                if !promised.is_empty() {
                    let list: Vec<String> = promised.iter().map(|ty| format!("`{ty}`")).collect();
                    let message = format!("this promises {} and returns nothing", list.join(", "));
                    let diagnostic = Diagnostic::new(Code::RETURN_MISSING, head, message);
                    self.report(diagnostic.help("end it with `<- value`, or take the `->` off its head"));
                }
                Vec::new()
            }
        };
        hir::Body { stmts, results }
    }

    fn returns(&mut self, node: &SyntaxNode, promised: &[Type], head: Span, stmts: &mut Vec<Stmt>) -> Vec<Expr> {
        let span = self.span(node);
        let nodes: Vec<ast::Expr> = ast::children(node).collect();
        let mut values: Vec<Expr> = Vec::new();
        for value in &nodes {
            let expr = if nodes.len() == 1 { self.expr(value) } else { self.value(Some(value.clone()), span) };
            values.push(expr);
        }
        // All results of one call are passed on.
        if let [call] = values.as_slice() {
            let given = results(call).unwrap_or_else(|| vec![call.ty.clone()]);
            if given.len() > 1 && promised.len() > 1 {
                values = self.bind_all(call.clone(), &given, stmts);
            } else if given.is_empty() && results(call).is_some() {
                values.clear();
            }
        }
        let broken = node.children().any(|child| child.kind() == SyntaxKind::Error);
        if values.len() != promised.len() {
            if !broken {
                let message = format!("{} returned, {} promised", count(values.len()), promised.len());
                let diagnostic = Diagnostic::new(Code::RESULTS, span, message);
                let help = if promised.is_empty() {
                    "write the results behind the head: `-> T`"
                } else {
                    "return as many as the head has behind `->`"
                };
                self.report(diagnostic.and(head, "this head").help(help));
            }
            return values;
        }
        for (index, (value, want)) in values.iter().zip(promised).enumerate() {
            let written = nodes.get(index).or(nodes.first()).map(|node| node.syntax().clone());
            self.fit(value, &written.unwrap_or_else(|| node.clone()), want, None);
        }
        values
    }

    fn bind_all(&mut self, call: Expr, given: &[Type], stmts: &mut Vec<Stmt>) -> Vec<Expr> {
        let span = call.span;
        let locals: Vec<LocalId> = given.iter().map(|ty| self.made_up("result", ty.clone(), span)).collect();
        let targets = locals.iter().map(|&local| Target::Bind(local)).collect();
        stmts.push(Stmt { kind: StmtKind::Bind { targets, call }, span });
        locals
            .iter()
            .zip(given)
            .map(|(&local, ty)| Expr { kind: ExprKind::Local(local), ty: ty.clone(), span })
            .collect()
    }

    /// The statements of a block, whose scope is open already.
    fn statements(&mut self, block: &ast::Block) -> Vec<Stmt> {
        let mut stmts: Vec<Stmt> = Vec::new();
        // Whether the last statement is a group of parallel ones.
        let mut group = false;
        for node in block.syntax().children() {
            match node.kind() {
                SyntaxKind::ParStmt => {
                    let Some(inner) = ast::child::<ast::Stmt>(&node) else { continue };
                    let Some(beside) = self.stmt(inner.syntax()) else { continue };
                    group = join_parallel(&mut stmts, beside, group);
                }
                SyntaxKind::OtherwiseStmt => {
                    let handler =
                        Handler { error: None, body: self.scoped(&node, "otherwise"), span: self.line_of_block(&node) };
                    let guarded = stmts.pop();
                    if let Some(StmtKind::Bind { targets, .. }) = guarded.as_ref().map(|stmt| &stmt.kind) {
                        let bound =
                            |target: &Target| if let Target::Bind(local) = target { Some(*local) } else { None };
                        self.unset.extend(targets.iter().filter_map(bound));
                    }
                    let span = guarded.as_ref().map_or_else(|| self.span(&node), |stmt| stmt.span);
                    let body = guarded.into_iter().collect();
                    stmts.push(Stmt { kind: StmtKind::Try { body, handlers: vec![handler], scope: false }, span });
                    group = false;
                }
                SyntaxKind::ReturnStmt => {}
                // Without the statement they belong to; what is in them is looked at all the same.
                SyntaxKind::ElseBranch | SyntaxKind::CatchClause => {
                    self.handler(&node);
                }
                _ => {
                    if let Some(stmt) = self.stmt(&node) {
                        stmts.push(stmt);
                        group = false;
                    }
                }
            }
        }
        stmts
    }

    /// The block inside `node` in a scope of its own.
    fn scoped(&mut self, node: &SyntaxNode, owner: &'static str) -> Vec<Stmt> {
        self.open(owner);
        self.rest_of_scope(node)
    }

    /// The block inside `node` in the scope opened last, which it ends.
    fn rest_of_scope(&mut self, node: &SyntaxNode) -> Vec<Stmt> {
        let block = ast::child::<ast::Block>(node);
        let stmts = block.map_or_else(Vec::new, |block| self.statements(&block));
        self.close(self.span(node).end);
        stmts
    }

    /// A statement without the block it opens.
    fn line_of_block(&self, node: &SyntaxNode) -> Span {
        let span = self.span(node);
        match ast::tokens(node).filter(|token| token.kind() == SyntaxKind::Colon).last() {
            Some(colon) => Span { end: self.token_span(&colon).end, ..span },
            None => span,
        }
    }

    fn stmt(&mut self, node: &SyntaxNode) -> Option<Stmt> {
        let span = self.line_of_block(node);
        let kind = match node.kind() {
            SyntaxKind::AssignStmt => self.assign(node)?,
            SyntaxKind::CallStmt => self.call_stmt(node)?,
            SyntaxKind::PushStmt => self.push(node)?,
            SyntaxKind::StreamDecl => self.stream_decl(node)?,
            SyntaxKind::ClosureStmt => self.closure(node)?,
            SyntaxKind::ServiceIdStmt => self.service_id_stmt(node)?,
            SyntaxKind::ForStmt => self.for_stmt(node),
            SyntaxKind::ParseqStmt => self.parseq(node),
            SyntaxKind::OnStmt => self.on(node),
            SyntaxKind::IfStmt => self.if_stmt(node),
            SyntaxKind::TryStmt => self.try_stmt(node),
            SyntaxKind::CoStmt | SyntaxKind::ParStmt => {
                StmtKind::Co(Box::new(self.stmt(ast::child::<ast::Stmt>(node)?.syntax())?))
            }
            SyntaxKind::JoinStmt => {
                StmtKind::Join(ast::children::<ast::Expr>(node).map(|value| self.value(Some(value), span)).collect())
            }
            _ => return None,
        };
        Some(Stmt { kind, span })
    }

    fn assign(&mut self, node: &SyntaxNode) -> Option<StmtKind> {
        let name = ast::words(node).next()?;
        let span = self.span(node);
        let value = ast::child::<ast::Expr>(node);
        let origin = value.as_ref().map(|value| value.syntax().text().to_string());
        let value = self.value(value, span);
        let local = self.define_token(&name, value.ty.clone());
        self.origin(local, origin, span);
        Some(StmtKind::Let { local, value })
    }

    /// Remembers where a value comes from, for messages.
    fn origin(&mut self, local: LocalId, text: Option<String>, span: Span) {
        if let Some(text) = text.filter(|text| text.len() <= 40 && !text.contains('\n')) {
            self.origins.insert(local, (text, span));
        }
    }

    fn call_stmt(&mut self, node: &SyntaxNode) -> Option<StmtKind> {
        let span = self.span(node);
        let targets = ast::child::<ast::Targets>(node);
        let value = ast::child::<ast::Expr>(node);
        let names: Vec<SyntaxToken> = targets.iter().flat_map(ast::Targets::names).collect();
        let Some(value) = value else {
            names.iter().for_each(|name| self.define_broken(name));
            return None;
        };
        let origin = value.syntax().text().to_string();
        let call = self.expr(&value);
        let Some(given) = results(&call) else {
            return self.no_call(call, &value, &targets.map(|_| names), span);
        };
        let mut bound = Vec::new();
        let mut rest = given.as_slice();
        for name in &names {
            let (target, used) = self.target(name, rest, span);
            if let Target::Bind(local) = target {
                self.origin(local, Some(origin.clone()), span);
            }
            bound.push(target);
            rest = rest.get(used..).unwrap_or_default();
        }
        let wanted: usize = bound.iter().map(|target| if matches!(target, Target::PushPair(_)) { 2 } else { 1 }).sum();
        if wanted > given.len() {
            let message = format!("`{}` gives {}, {wanted} taken", callee_text(value.syntax()), count(given.len()));
            let place = targets.map_or(span, |targets| self.span(targets.syntax()));
            let help = if given.is_empty() { "write the call alone on its line" } else { "take as many as there are" };
            self.report(Diagnostic::new(Code::RESULTS, place, message).help(help));
        } else if wanted < given.len() && self.checker.warns_of_dropped {
            let message = format!("`{}` gives {}, {} taken", callee_text(value.syntax()), count(given.len()), wanted);
            let help = "take what is left, or write `_` for it";
            self.report(Diagnostic::new(Code::RESULT_DROPPED, span, message).help(help));
        }
        Some(StmtKind::Bind { targets: bound, call })
    }

    /// Where a result goes, and how many results that takes.
    fn target(&mut self, name: &SyntaxToken, rest: &[Type], around: Span) -> (Target, usize) {
        if name.kind() == SyntaxKind::Underscore {
            return (Target::Discard, 1);
        }
        let result = rest.first().cloned().unwrap_or(Type::Poison);
        let Some(local) = self.visible(name.text()) else {
            return (Target::Bind(self.define_token(name, result)), 1);
        };
        let span = self.token_span(name);
        match self.local(local).ty.clone() {
            Type::Stream(element) => {
                self.use_of(local, name);
                self.pushed(&result, &element, around);
                (Target::Push(local), 1)
            }
            Type::StreamMap(element) => {
                self.use_of(local, name);
                self.pushed(&result, &STRING, span);
                self.pushed(rest.get(1).unwrap_or(&Type::Poison), &element, around);
                (Target::PushPair(local), 2)
            }
            _ => (Target::Bind(self.define_token(name, result)), 1),
        }
    }

    fn pushed(&mut self, result: &Type, element: &Type, span: Span) {
        if !self.checker.relations.fits(&frozen(result), element) {
            let diagnostic = Diagnostic::new(Code::TYPES, span, "mismatched types");
            self.report(diagnostic.at(format!("the result is `{result}`, the stream holds `{element}`")));
        }
    }

    fn use_of(&mut self, local: LocalId, name: &SyntaxToken) {
        let known = self.local(local).clone();
        let kind = crate::index::SymbolKind::Stream;
        let occurrence = crate::index::Occurrence {
            span: self.token_span(name),
            definition: known.span,
            kind,
            ty: known.ty,
            signature: None,
        };
        self.checker.index.note(occurrence);
    }

    fn define_broken(&mut self, name: &SyntaxToken) {
        if name.kind() == SyntaxKind::Ident && self.visible(name.text()).is_none() {
            self.define_token(name, Type::Poison);
        }
    }

    /// A line that should be a call and is something else.
    fn no_call(
        &mut self,
        value: Expr,
        node: &ast::Expr,
        names: &Option<Vec<SyntaxToken>>,
        span: Span,
    ) -> Option<StmtKind> {
        let is_call = node.syntax().kind() == SyntaxKind::CallExpr;
        let Some(names) = names else {
            if value.ty != Type::Poison {
                let message = "this line has no effect";
                self.report(
                    Diagnostic::new(Code::NOT_CALLABLE, span, message)
                        .help("a statement is a call, `f(..)`, or binds a name, `x = ..`"),
                );
            }
            return None;
        };
        // Queries of stream maps look like calls, and calls of broken things are calls.
        let fine = value.ty == Type::Poison || (is_call && matches!(value.kind, ExprKind::Map { .. }));
        if !fine {
            let text = names.iter().map(|name| name.text().to_string()).collect::<Vec<_>>().join(", ");
            let diagnostic =
                Diagnostic::new(Code::NOT_CALLABLE, value.span, "`<-` takes the results of a call, and this is none");
            self.report(diagnostic.help(format!("write `{text} = {}`", self.text(value.span))));
        }
        let [name] = names.as_slice() else {
            names.iter().for_each(|name| self.define_broken(name));
            return None;
        };
        if name.kind() == SyntaxKind::Underscore {
            return None;
        }
        match self.visible(name.text()).map(|local| (local, self.local(local).ty.clone())) {
            Some((stream, Type::Stream(element))) => {
                self.use_of(stream, name);
                self.pushed(&value.ty, &element, span);
                Some(StmtKind::Push { stream, value })
            }
            _ => {
                let local = self.define_token(name, value.ty.clone());
                Some(StmtKind::Let { local, value })
            }
        }
    }

    fn push(&mut self, node: &SyntaxNode) -> Option<StmtKind> {
        let name = ast::words(node).next()?;
        let span = self.span(node);
        let nodes: Vec<ast::Expr> = ast::children(node).collect();
        let mut values: Vec<Expr> = nodes.iter().map(|value| self.value(Some(value.clone()), span)).collect();
        let Some(local) = self.visible(name.text()) else {
            self.name_chain(&[name]);
            return None;
        };
        self.use_of(local, &name);
        let fit = |body: &mut Self, value: &Expr, node: &ast::Expr, want: &Type| {
            let shown = Expr { ty: frozen(&value.ty), ..value.clone() };
            body.fit(&shown, node.syntax(), want, None);
        };
        match (self.local(local).ty.clone(), values.len()) {
            (Type::Stream(element), 1) => {
                let value = values.pop()?;
                fit(self, &value, &nodes[0], &element);
                Some(StmtKind::Push { stream: local, value })
            }
            (Type::StreamMap(element), 2) => {
                let (value, key) = (values.pop()?, values.pop()?);
                fit(self, &key, &nodes[0], &STRING);
                fit(self, &value, &nodes[1], &element);
                Some(StmtKind::PushPair { map: local, key, value })
            }
            (Type::Poison, _) | (_, 0) => None,
            (Type::StreamMap(_), _) => {
                let diagnostic = Diagnostic::new(Code::NOT_A_STREAM, span, "a stream map takes a key and a value");
                self.report(diagnostic.help(format!("write `{} <<- key, value`", name.text())));
                None
            }
            (Type::Stream(_), _) => {
                self.error(Code::NOT_A_STREAM, span, "a stream takes one value; pairs go into stream maps (`%T`)");
                None
            }
            (other, _) => {
                let place = self.token_span(&name);
                let line = self.checker.modules.line(self.local(local).span);
                let diagnostic = Diagnostic::new(Code::NOT_A_STREAM, place, format!("`{}` is no stream", name.text()));
                let wanted = values.first().map_or("T".to_string(), |value| super::body::widened(&value.ty));
                let help = format!("declare a stream before: `{}s: *{wanted}`", name.text());
                self.report(diagnostic.at(format!("it is `{other}`, defined at line {line}")).help(help));
                None
            }
        }
    }

    fn stream_decl(&mut self, node: &SyntaxNode) -> Option<StmtKind> {
        let name = ast::words(node).next()?;
        let ty = self.checker.resolve_type(self.file, ast::child(node));
        let is_stream = matches!(ty, Type::Stream(_) | Type::StreamMap(_) | Type::Poison);
        if !is_stream {
            let place = self.token_span(&name);
            let diagnostic = Diagnostic::new(
                Code::NOT_A_STREAM,
                place,
                format!("only streams are declared without a value, `{ty}` is none"),
            );
            self.report(
                diagnostic.help(format!("write `{0} = value`, or declare a stream: `{0}: *{ty}`", name.text())),
            );
        }
        let local = self.define_token(&name, if is_stream { ty } else { Type::Poison });
        Some(StmtKind::Stream(local))
    }

    fn closure(&mut self, node: &SyntaxNode) -> Option<StmtKind> {
        let name = ast::words(node).next()?;
        let closure = ast::ClosureStmt::cast(node.clone())?;
        let span = self.token_span(&name);
        let signature = self.checker.signature_of_head(self.file, name.text(), span, closure.head());
        self.open("closure");
        let ids = std::mem::take(&mut self.places);
        let (abilities, params) = self.parameters(&signature);
        let body = self.function_body(closure.block(), &signature.results, span);
        self.places = ids;
        self.close(self.span(node).end);
        let ty = signature.arrow_type();
        let local = self.define_token(&name, ty.clone());
        let closure = Closure { detached: closure.is_detached(), abilities, params, results: signature.results, body };
        let value = Expr { kind: ExprKind::Closure(Arc::new(closure)), ty, span: self.line_of_block(node) };
        Some(StmtKind::Let { local, value })
    }

    fn service_id_stmt(&mut self, node: &SyntaxNode) -> Option<StmtKind> {
        let path = ast::child::<ast::Path>(node)?;
        let span = self.span(node);
        let value = self.typed(ast::child(node), span, &STRING, Code::SERVICE_ID, "a service id");
        let name = path.text();
        let place = self.span(path.syntax());
        let def = self.checker.modules.lookup(self.file, &name);
        match def.map(|def| (def, self.checker.modules.def(def).kind)) {
            Some((def, DefKind::Service)) => {
                self.checker.note_def(place, def);
                let local = self.made_up(&format!("{}_id", name.replace('.', "_")), value.ty.clone(), span);
                self.ids.push((def, local));
                Some(StmtKind::Let { local, value })
            }
            Some((_, DefKind::Poison)) => None,
            Some((_, kind)) => {
                self.error(Code::SERVICE_ID, place, format!("`{name}` is {}, not a service", kind.noun()));
                None
            }
            None => {
                let module = self.checker.modules.module(self.file);
                if module.incomplete {
                    return None;
                }
                let mut diagnostic =
                    Diagnostic::new(Code::NAME_UNKNOWN, place, format!("cannot find the service `{name}`"));
                if let Some(near) = nearest(&name, module.scope.keys().map(String::as_str)) {
                    diagnostic = diagnostic.at(format!("help: did you mean `{near}`?")).replace(near);
                }
                self.report(diagnostic);
                None
            }
        }
    }

    fn for_stmt(&mut self, node: &SyntaxNode) -> StmtKind {
        let span = self.span(node);
        let stmt = ast::ForStmt::cast(node.clone());
        let mode = match stmt.and_then(|stmt| stmt.mode()).as_ref().map(SyntaxToken::text) {
            Some("par") => LoopMode::Par,
            Some("try") => LoopMode::Try,
            Some("rec") => LoopMode::Rec,
            _ => LoopMode::Seq,
        };
        let iterable = self.value(ast::child(node), span);
        if mode == LoopMode::Rec && !matches!(iterable.ty, Type::Stream(_) | Type::Poison) {
            let diagnostic =
                Diagnostic::new(Code::NOT_ITERABLE, iterable.span, "`rec` loops over a stream that goes on growing");
            self.report(
                diagnostic
                    .at(format!("this is `{}`", iterable.ty))
                    .help("leave `rec` out, or push to a stream: `todo: *T`"),
            );
        }
        self.open("for");
        let vars = self.loop_vars(node, &iterable);
        let body = self.rest_of_scope(node);
        StmtKind::For { vars, iterable, mode, body }
    }

    fn loop_vars(&mut self, node: &SyntaxNode, iterable: &Expr) -> Vec<LocalId> {
        let targets = ast::child::<ast::Targets>(node);
        let names: Vec<SyntaxToken> = targets.iter().flat_map(ast::Targets::names).collect();
        let types = match &iterable.ty {
            Type::Array(element) | Type::Option(element) | Type::Stream(element) => vec![(**element).clone()],
            Type::StreamMap(value) if names.len() == 2 => vec![STRING, (**value).clone()],
            Type::StreamMap(value) => vec![pair(value)],
            Type::Poison => vec![Type::Poison; 2],
            other => {
                let diagnostic = Diagnostic::new(
                    Code::NOT_ITERABLE,
                    iterable.span,
                    "a loop goes over an array, option, stream or stream map",
                );
                self.report(diagnostic.at(format!("this is `{other}`")));
                vec![Type::Poison; 2]
            }
        };
        if names.len() > types.len() {
            let place = targets.map_or(iterable.span, |targets| self.span(targets.syntax()));
            let diagnostic = Diagnostic::new(Code::NOT_ITERABLE, place, "two names take key and value of a stream map");
            self.report(diagnostic.at(format!("the loop goes over `{}`", iterable.ty)));
        }
        let types = types.into_iter().chain(std::iter::repeat(Type::Poison));
        names.iter().zip(types).map(|(name, ty)| self.define_token(name, ty)).collect()
    }

    fn parseq(&mut self, node: &SyntaxNode) -> StmtKind {
        let span = self.span(node);
        let mut values = ast::children::<ast::Expr>(node);
        let (iterable, peer) = (values.next(), values.next());
        let iterable = self.value(iterable, span);
        self.open("parseq");
        let vars = self.loop_vars(node, &iterable);
        let (peer, via) = self.place(node, peer);
        self.places.push(peer.kind.clone());
        let body = self.rest_of_scope(node);
        self.places.pop();
        StmtKind::Parseq { vars, iterable, peer, via, body }
    }

    fn on(&mut self, node: &SyntaxNode) -> StmtKind {
        let (peer, via) = self.place(node, ast::child(node));
        self.warn_direct(&peer, &via);
        self.places.push(peer.kind.clone());
        // Names stay visible, ids of services do not.
        let ids = self.ids.len();
        let block = ast::child::<ast::Block>(node);
        let body = block.map_or_else(Vec::new, |block| self.statements(&block));
        self.ids.truncate(ids);
        self.places.pop();
        StmtKind::On { peer, via, body }
    }

    fn place(&mut self, node: &SyntaxNode, peer: Option<ast::Expr>) -> (Expr, Vec<Expr>) {
        let span = self.line_of_block(node);
        let peer = self.typed(peer, span, &STRING, Code::PEER, "a peer");
        let mut via = Vec::new();
        for relay in ast::children::<ast::Via>(node) {
            let around = self.span(relay.syntax());
            let value = self.value(relay.value(), around);
            let collection = Type::Array(Arc::new(STRING));
            if ![&STRING, &collection].into_iter().any(|want| self.checker.relations.fits(&value.ty, want)) {
                let diagnostic =
                    Diagnostic::new(Code::PEER, value.span, "a relay must be `string` or a collection of them");
                self.report(diagnostic.at(format!("this is `{}`", value.ty)));
            }
            via.push(value);
        }
        (peer, via)
    }

    /// Clients are reached through their relay only.
    fn warn_direct(&mut self, peer: &Expr, via: &[Expr]) {
        let is = |kind: &ExprKind, special: Special| matches!(kind, ExprKind::Special(known) if *known == special);
        let around = self.places.last();
        let near = |place: &ExprKind| is(place, Special::InitPeer) || is(place, Special::HostPeer);
        if is(&peer.kind, Special::InitPeer) && via.is_empty() && around.is_some_and(|place| !near(place)) {
            let diagnostic =
                Diagnostic::new(Code::CLIENT_DIRECT, peer.span, "the init peer may not be reachable from here");
            let text = "INIT_PEER_ID via HOST_PEER_ID";
            self.report(
                diagnostic.at(format!("help: a client is reached through its relay: `on {text}:`")).replace(text),
            );
        }
    }

    fn if_stmt(&mut self, node: &SyntaxNode) -> StmtKind {
        let span = self.line_of_block(node);
        let condition = self.condition(node, span);
        let then = self.scoped(node, "if");
        let branches: Vec<ast::ElseBranch> = ast::children(node).collect();
        let mut otherwise = Vec::new();
        let mut checked = Vec::new();
        for branch in branches {
            let around = self.line_of_block(branch.syntax());
            let condition = branch.is_else_if().then(|| self.condition(branch.syntax(), around));
            let body = self.scoped(branch.syntax(), "else");
            checked.push((condition, body, around));
        }
        // From the last to the first: each `else if` is an `if` inside the `else` of the one before.
        for (condition, body, span) in checked.into_iter().rev() {
            otherwise = match condition {
                Some(condition) => vec![Stmt { kind: StmtKind::If { condition, then: body, otherwise }, span }],
                None => body,
            };
        }
        StmtKind::If { condition, then, otherwise }
    }

    fn condition(&mut self, node: &SyntaxNode, around: Span) -> Expr {
        self.typed(ast::child(node), around, &Type::Scalar(Scalar::Bool), Code::CONDITION, "a condition")
    }

    fn try_stmt(&mut self, node: &SyntaxNode) -> StmtKind {
        let body = self.scoped(node, "try");
        let clauses = node
            .children()
            .filter(|child| matches!(child.kind(), SyntaxKind::CatchClause | SyntaxKind::OtherwiseClause));
        let handlers = clauses.collect::<Vec<_>>().iter().map(|clause| self.handler(clause)).collect();
        StmtKind::Try { body, handlers, scope: true }
    }

    fn handler(&mut self, node: &SyntaxNode) -> Handler {
        let span = self.line_of_block(node);
        let is_catch = node.kind() == SyntaxKind::CatchClause;
        self.open(if is_catch { "catch" } else { "otherwise" });
        let name = is_catch.then(|| ast::words(node).nth(1)).flatten();
        let error = name.map(|name| self.define_token(&name, error_type()));
        let body = self.rest_of_scope(node);
        Handler { error, body, span }
    }
}

/// Puts a statement beside the last one. Returns true: the last one is a group now.
fn join_parallel(stmts: &mut Vec<Stmt>, beside: Stmt, group: bool) -> bool {
    let Some(last) = stmts.pop() else {
        stmts.push(beside);
        return false;
    };
    let span = last.span;
    let all = match last.kind {
        StmtKind::Par(mut all) if group => {
            all.push(beside);
            all
        }
        kind => vec![Stmt { kind, span }, beside],
    };
    stmts.push(Stmt { kind: StmtKind::Par(all), span });
    true
}

/// What a loop with one variable over a stream map gets.
fn pair(value: &Arc<Type>) -> Type {
    let fields = vec![("key".into(), STRING), ("value".into(), (**value).clone())];
    Type::Data(Arc::new(Labelled { name: "Pair".into(), fields }))
}

fn count(results: usize) -> String {
    format!("{results} result{}", if results == 1 { "" } else { "s" })
}
