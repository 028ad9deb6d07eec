//! Checked programs made by hand.

use std::sync::Arc;

use marine_aqua::hir::*;

/// A function in the making, of a program with `service Kv("kv")`.
pub(crate) struct Maker {
    locals: Vec<Local>,
    params: Vec<LocalId>,
}

impl Maker {
    pub(crate) fn new() -> Self {
        Self { locals: Vec::new(), params: Vec::new() }
    }

    pub(crate) fn local(&mut self, name: &str, ty: Type) -> LocalId {
        self.locals.push(Local { name: name.into(), ty, span: Span::default() });
        LocalId(self.locals.len() as u32 - 1)
    }

    pub(crate) fn param(&mut self, name: &str, ty: Type) -> LocalId {
        let local = self.local(name, ty);
        self.params.push(local);
        local
    }

    /// The script of the function, formatted.
    pub(crate) fn air(self, stmts: Block, results: Vec<Expr>) -> String {
        let types = results.iter().map(|_| STRING).collect();
        let function = Function {
            name: "f".into(),
            doc: None,
            locals: self.locals,
            abilities: Vec::new(),
            params: self.params,
            results: types,
            body: Body { stmts, results },
            span: Span::default(),
        };
        let program = Program { functions: vec![function], services: vec![kv()], ..Program::default() };
        let script = marine_aqua::script(&program, &"f".into(), FunctionId(0), &Default::default())
            .expect("the function is small");
        shorten(&script.air)
    }
}

pub(crate) const STRING: Type = Type::Scalar(Scalar::String);

pub(crate) fn strings() -> Type {
    Type::Array(Arc::new(STRING))
}

pub(crate) fn stream() -> Type {
    Type::Stream(Arc::new(STRING))
}

fn kv() -> Service {
    let get = Method { name: "get".into(), params: vec![("key".into(), STRING)], result: Some(STRING) };
    Service { name: "Kv".into(), default_id: Some("kv".into()), methods: vec![get], span: Span::default() }
}

pub(crate) fn expr(kind: ExprKind, ty: Type) -> Expr {
    Expr { kind, ty, span: Span::default() }
}

pub(crate) fn v(local: LocalId) -> Expr {
    expr(ExprKind::Local(local), STRING)
}

pub(crate) fn list(local: LocalId) -> Expr {
    expr(ExprKind::Local(local), strings())
}

pub(crate) fn text(text: &str) -> Expr {
    expr(ExprKind::Text(text.into()), STRING)
}

pub(crate) fn int(value: i64) -> Expr {
    expr(ExprKind::Int(value), Type::IntLiteral(value, value))
}

pub(crate) fn index(base: Expr, index: i64) -> Expr {
    expr(ExprKind::Index { base: Box::new(base), index: Box::new(int(index)) }, STRING)
}

pub(crate) fn special(special: Special) -> Expr {
    expr(ExprKind::Special(special), STRING)
}

pub(crate) fn field(base: Expr, name: &str) -> Expr {
    expr(ExprKind::Field { base: Box::new(base), name: name.into() }, STRING)
}

/// `Kv.name(args)`
pub(crate) fn kv_call(name: &str, args: Vec<Expr>) -> Expr {
    let service = expr(ExprKind::Service { service: ServiceId(0), id: Box::new(text("kv")) }, Type::Top);
    call(field(service, name), args)
}

pub(crate) fn call(callee: Expr, args: Vec<Expr>) -> Expr {
    expr(ExprKind::Call { callee: Box::new(callee), abilities: Vec::new(), args }, STRING)
}

pub(crate) fn stmt(kind: StmtKind) -> Stmt {
    Stmt { kind, span: Span::default() }
}

pub(crate) fn bind(local: LocalId, call: Expr) -> Stmt {
    stmt(StmtKind::Bind { targets: vec![Target::Bind(local)], call })
}

pub(crate) fn push(local: LocalId, call: Expr) -> Stmt {
    stmt(StmtKind::Bind { targets: vec![Target::Push(local)], call })
}

pub(crate) fn run(call: Expr) -> Stmt {
    stmt(StmtKind::Bind { targets: Vec::new(), call })
}

pub(crate) fn on(peer: Expr, via: Vec<Expr>, body: Block) -> Stmt {
    stmt(StmtKind::On { peer, via, body })
}

pub(crate) fn each(local: LocalId, iterable: Expr, mode: LoopMode, body: Block) -> Stmt {
    stmt(StmtKind::For { vars: vec![local], iterable, mode, body })
}

pub(crate) fn declare(local: LocalId) -> Stmt {
    stmt(StmtKind::Stream(local))
}

pub(crate) fn par(branches: Vec<Stmt>) -> Stmt {
    stmt(StmtKind::Par(branches))
}

/// The script in the notation of the specification's examples: hops and the init peer short, no balancing of sequences,
/// without relay, arguments and the handler around all.
pub(crate) fn shorten(air: &str) -> String {
    let short = air.replace("(new $-hop- (new #-hopc- (canon ", "(hop ").replace(" $-hop- #-hopc-)))", ")");
    let short = short.replace("%init_peer_id%", "I").replace("-relay-", "R");
    let tree = Sexp::parse(&short);
    let mut tree = tree.flat();
    if let Sexp::List(items) = &tree
        && items.len() == 3
        && items[0] == Sexp::Word("xor".into())
    {
        tree = items[1].clone();
    }
    tree.drop_arguments();
    let mut out = String::new();
    tree.layout(0, &mut out);
    out
}

#[derive(Clone, Debug, PartialEq)]
enum Sexp {
    Word(String),
    List(Vec<Sexp>),
}

impl Sexp {
    fn parse(text: &str) -> Self {
        let mut stack: Vec<Vec<Sexp>> = vec![Vec::new()];
        let mut word = String::new();
        let mut quoted = false;
        for c in text.chars() {
            match c {
                '"' => {
                    quoted = !quoted;
                    word.push(c);
                }
                '(' | ')' | ' ' if !quoted => {
                    if !word.is_empty() {
                        stack.last_mut().expect("parentheses match").push(Sexp::Word(std::mem::take(&mut word)));
                    }
                    if c == '(' {
                        stack.push(Vec::new());
                    } else if c == ')' {
                        let list = stack.pop().expect("parentheses match");
                        stack.last_mut().expect("parentheses match").push(Sexp::List(list));
                    }
                }
                c => word.push(c),
            }
        }
        stack.pop().expect("parentheses match").remove(0)
    }

    fn flat(self) -> Self {
        let Sexp::List(items) = self else { return self };
        let items: Vec<Sexp> = items.into_iter().map(Sexp::flat).collect();
        let Some(Sexp::Word(head)) = items.first().cloned() else { return Sexp::List(items) };
        if head != "seq" && head != "par" {
            return Sexp::List(items);
        }
        let mut flat = vec![items[0].clone()];
        for item in items.into_iter().skip(1) {
            match item {
                Sexp::List(inner) if inner.first() == Some(&Sexp::Word(head.clone())) => {
                    flat.extend(inner.into_iter().skip(1));
                }
                other => flat.push(other),
            }
        }
        Sexp::List(flat)
    }

    fn drop_arguments(&mut self) {
        let Sexp::List(items) = self else { return };
        let is_fetch = |item: &Sexp| matches!(item, Sexp::List(words) if words[0] == Sexp::Word("call".into()) && words[2].print().contains("getDataSrv"));
        items.retain(|item| !is_fetch(item));
        items.iter_mut().for_each(Sexp::drop_arguments);
    }

    fn print(&self) -> String {
        match self {
            Sexp::Word(word) => word.clone(),
            Sexp::List(items) => format!("({})", items.iter().map(Sexp::print).collect::<Vec<_>>().join(" ")),
        }
    }

    fn layout(&self, indent: usize, out: &mut String) {
        let line = self.print();
        if indent + line.len() <= 110 {
            return out.push_str(&line);
        }
        let Sexp::List(items) = self else { return out.push_str(&line) };
        out.push('(');
        for (index, item) in items.iter().enumerate() {
            match item {
                Sexp::Word(word) => {
                    if index > 0 {
                        out.push(' ');
                    }
                    out.push_str(word);
                }
                list => {
                    out.push('\n');
                    out.push_str(&" ".repeat(indent + 1));
                    list.layout(indent + 1, out);
                }
            }
        }
        out.push(')');
    }
}
