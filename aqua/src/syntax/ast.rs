//! Typed views of the tree. Everything may be absent: a tree of broken text has holes.

use super::kind::{SyntaxKind, SyntaxNode, SyntaxToken};

/// A node of a known kind.
pub trait AstNode: Sized {
    /// The view, if the node is of this kind.
    fn cast(node: SyntaxNode) -> Option<Self>;
    /// The node.
    fn syntax(&self) -> &SyntaxNode;
}

macro_rules! nodes {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, Hash, Debug)]
            pub struct $name(SyntaxNode);

            impl AstNode for $name {
                fn cast(node: SyntaxNode) -> Option<Self> {
                    (node.kind() == SyntaxKind::$name).then_some(Self(node))
                }

                fn syntax(&self) -> &SyntaxNode {
                    &self.0
                }
            }
        )*
    };
}

nodes! {
    /// A whole file.
    File;
    /// `aqua A declares ..`
    Header;
    /// `import ..`
    Import;
    /// `use ..`
    Use;
    /// `export ..`
    Export;
    /// `path [as path]`
    Item;
    /// `a.b.c`
    Path;
    /// `const A = v`
    Const;
    /// `alias A: T`
    Alias;
    /// `data A: ..`
    Data;
    /// `ability A: ..`
    Ability;
    /// `service A("id"): ..`
    Service;
    /// `func f(..) -> ..: ..`
    Func;
    /// `name: type` in data or an ability.
    Field;
    /// A function in a service or ability.
    Member;
    /// An indented body.
    Block;
    /// `{Ab}(a: A) -> B`
    Head;
    /// `{A, B}` in a head or arrow.
    Abilities;
    /// `(a: A, b: B)`
    Params;
    /// `a: A`
    Param;
    /// What follows `->`.
    Results;
    /// `Srv id`
    ServiceIdStmt;
    /// `s <<- v`
    PushStmt;
    /// `for x <- xs:`
    ForStmt;
    /// `parseq x <- xs on p:`
    ParseqStmt;
    /// `on p via r:`
    OnStmt;
    /// `via r`
    Via;
    /// `if c:` with all that follows from it.
    IfStmt;
    /// `else:`, `else if c:`
    ElseBranch;
    /// `try:` with its handlers.
    TryStmt;
    /// `catch e:`
    CatchClause;
    /// `otherwise:` behind `try`.
    OtherwiseClause;
    /// `otherwise:` behind another statement.
    OtherwiseStmt;
    /// `par STMT`
    ParStmt;
    /// `co STMT`
    CoStmt;
    /// `join a, b`
    JoinStmt;
    /// `s: *T`
    StreamDecl;
    /// `f = (..) -> ..: ..`
    ClosureStmt;
    /// `x = v`
    AssignStmt;
    /// `a, b <- v`, `v`
    CallStmt;
    /// Names left of `<-`.
    Targets;
    /// `<- a, b`
    ReturnStmt;
    /// A number, string or bool.
    Literal;
    /// A name as a value.
    NameExpr;
    /// `x.f`
    FieldExpr;
    /// `f{A}(a)`
    CallExpr;
    /// `x.copy(f = v)`
    CopyExpr;
    /// `x[i]`
    IndexExpr;
    /// `x!`
    BangExpr;
    /// `!x`
    NotExpr;
    /// `(x)`
    ParenExpr;
    /// `a + b`
    BinaryExpr;
    /// `[a]`, `?[a]`, `*[a]`
    CollectionExpr;
    /// `{A}` of a call.
    Given;
    /// `(a, b = c)`
    ArgList;
    /// `b = c`
    NamedArg;
    /// A type's name.
    NamedType;
    /// `[]T`, `?T`, `*T`, `%T`
    CollectionType;
    /// `A -> B`
    ArrowType;
    /// `(T)`
    ParenType;
}

/// A value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Expr(SyntaxNode);

/// A type.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Type(SyntaxNode);

/// A statement.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Stmt(SyntaxNode);

macro_rules! groups {
    ($($name:ident $test:ident;)*) => {
        $(impl AstNode for $name {
            fn cast(node: SyntaxNode) -> Option<Self> {
                node.kind().$test().then_some(Self(node))
            }

            fn syntax(&self) -> &SyntaxNode {
                &self.0
            }
        })*
    };
}

groups! {
    Expr is_expr;
    Type is_type;
    Stmt is_stmt;
}

/// The first child of this view.
pub fn child<T: AstNode>(node: &SyntaxNode) -> Option<T> {
    node.children().find_map(T::cast)
}

/// All children of this view.
pub fn children<T: AstNode>(node: &SyntaxNode) -> impl Iterator<Item = T> + use<T> {
    node.children().filter_map(T::cast)
}

/// The first token of this kind among the children.
#[must_use]
pub fn token(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxToken> {
    node.children_with_tokens().filter_map(rowan::NodeOrToken::into_token).find(|token| token.kind() == kind)
}

/// The tokens among the children that are no trivia.
pub fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> + use<> {
    node.children_with_tokens().filter_map(rowan::NodeOrToken::into_token).filter(|token| !token.kind().is_trivia())
}

/// The words among the children.
pub fn words(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> + use<> {
    tokens(node).filter(|token| token.kind() == SyntaxKind::Ident)
}

/// The comment lines directly above a declaration, without `--`.
#[must_use]
pub fn documentation(decl: &SyntaxNode) -> Option<String> {
    let mut lines = Vec::new();
    let mut newlines = 0;
    let mut before = decl.first_token()?.prev_token();
    while let Some(token) = before {
        match token.kind() {
            SyntaxKind::Newline => newlines += 1,
            SyntaxKind::Whitespace => {}
            SyntaxKind::Comment if newlines == 1 => {
                newlines = 0;
                lines.push((token.text().trim_start_matches('-').trim().to_string(), token.clone()));
            }
            _ => break,
        }
        if newlines > 1 {
            break;
        }
        before = token.prev_token();
    }
    // A comment behind code is about that code.
    if let Some((_, first)) = lines.last() {
        let before = std::iter::successors(first.prev_token(), SyntaxToken::prev_token)
            .find(|token| token.kind() != SyntaxKind::Whitespace);
        if before.is_some_and(|token| token.kind() != SyntaxKind::Newline) {
            lines.pop();
        }
    }
    let text: Vec<String> = lines.into_iter().rev().map(|(line, _)| line).collect();
    (!text.is_empty()).then(|| text.join("\n"))
}

impl Header {
    /// The name of the module.
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        child(&self.0)
    }

    /// Whether everything is declared, by `*`.
    #[must_use]
    pub fn declares_all(&self) -> bool {
        token(&self.0, SyntaxKind::Star).is_some()
    }

    /// The declared names.
    pub fn declared(&self) -> impl Iterator<Item = Path> {
        children::<Path>(&self.0).skip(1)
    }
}

impl Path {
    /// The names between the points.
    pub fn names(&self) -> impl Iterator<Item = SyntaxToken> + use<> {
        words(&self.0)
    }

    /// As it is written, without white space.
    #[must_use]
    pub fn text(&self) -> String {
        let names: Vec<String> = self.names().map(|token| token.text().to_string()).collect();
        names.join(".")
    }
}

impl Item {
    /// What is taken.
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        child(&self.0)
    }

    /// What it is called here.
    #[must_use]
    pub fn alias(&self) -> Option<Path> {
        children::<Path>(&self.0).nth(1)
    }
}

macro_rules! head_lines {
    ($($name:ident)*) => {
        $(impl $name {
            /// The picked names; none means all.
            pub fn items(&self) -> impl Iterator<Item = Item> + use<> {
                children(&self.0)
            }

            /// The path of the file, with its quotes.
            #[must_use]
            pub fn file(&self) -> Option<SyntaxToken> {
                token(&self.0, SyntaxKind::StringLit)
            }

            /// The name behind which a module's names go.
            #[must_use]
            pub fn module(&self) -> Option<Path> {
                child(&self.0)
            }
        })*
    };
}

head_lines!(Import Use Export);

macro_rules! named {
    ($($name:ident)*) => {
        $(impl $name {
            /// The name that it defines.
            #[must_use]
            pub fn name(&self) -> Option<SyntaxToken> {
                // The first word is the keyword.
                words(&self.0).nth(1)
            }
        })*
    };
}

named!(Const Alias Data Ability Service Func);

impl Const {
    /// Whether it gives way to an earlier definition: `?=`.
    #[must_use]
    pub fn is_default(&self) -> bool {
        token(&self.0, SyntaxKind::Question).is_some()
    }

    /// What it stands for.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl Service {
    /// The default id.
    #[must_use]
    pub fn id(&self) -> Option<Expr> {
        child(&self.0)
    }

    /// The component or manifest whose interface it has.
    #[must_use]
    pub fn from(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::StringLit)
    }
}

macro_rules! leading_name {
    ($($name:ident)*) => {
        $(impl $name {
            /// The name that it begins with.
            #[must_use]
            pub fn name(&self) -> Option<SyntaxToken> {
                words(&self.0).next()
            }
        })*
    };
}

leading_name!(Field Member Param NameExpr NamedArg PushStmt StreamDecl ClosureStmt AssignStmt);

impl FieldExpr {
    /// The name behind the point.
    #[must_use]
    pub fn name(&self) -> Option<SyntaxToken> {
        words(&self.0).next()
    }
}

impl CatchClause {
    /// The name of the error.
    #[must_use]
    pub fn name(&self) -> Option<SyntaxToken> {
        words(&self.0).nth(1)
    }
}

macro_rules! has {
    ($($name:ident: $method:ident -> $child:ident;)*) => {
        $(impl $name {
            /// The part of this kind.
            #[must_use]
            pub fn $method(&self) -> Option<$child> {
                child(&self.0)
            }
        })*
    };
}

has! {
    Func: head -> Head;
    Member: head -> Head;
    Member: ty -> Type;
    ClosureStmt: head -> Head;
    Func: block -> Block;
    ClosureStmt: block -> Block;
    Data: block -> Block;
    Ability: block -> Block;
    Service: block -> Block;
    ForStmt: block -> Block;
    ParseqStmt: block -> Block;
    OnStmt: block -> Block;
    IfStmt: block -> Block;
    ElseBranch: block -> Block;
    TryStmt: block -> Block;
    CatchClause: block -> Block;
    OtherwiseClause: block -> Block;
    OtherwiseStmt: block -> Block;
    Alias: ty -> Type;
    Field: ty -> Type;
    Param: ty -> Type;
    StreamDecl: ty -> Type;
    CollectionType: element -> Type;
    ParenType: inner -> Type;
    NamedType: path -> Path;
    Head: abilities -> Abilities;
    ArrowType: abilities -> Abilities;
    Head: params -> Params;
    Head: results -> Results;
    ArrowType: results -> Results;
    ServiceIdStmt: path -> Path;
    ServiceIdStmt: value -> Expr;
    ForStmt: targets -> Targets;
    ParseqStmt: targets -> Targets;
    CallStmt: targets -> Targets;
    ForStmt: iterable -> Expr;
    Via: value -> Expr;
    IfStmt: condition -> Expr;
    ElseBranch: condition -> Expr;
    ParStmt: stmt -> Stmt;
    CoStmt: stmt -> Stmt;
    AssignStmt: value -> Expr;
    CallStmt: value -> Expr;
    FieldExpr: base -> Expr;
    CallExpr: callee -> Expr;
    CallExpr: given -> Given;
    CallExpr: args -> ArgList;
    CopyExpr: base -> Expr;
    CopyExpr: args -> ArgList;
    BangExpr: base -> Expr;
    NotExpr: operand -> Expr;
    ParenExpr: inner -> Expr;
    NamedArg: value -> Expr;
}

impl ForStmt {
    /// `par`, `try` or `rec`.
    #[must_use]
    pub fn mode(&self) -> Option<SyntaxToken> {
        words(&self.0).nth(1)
    }
}

impl ParseqStmt {
    /// The collection, then the peer.
    pub fn values(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }
}

impl OnStmt {
    /// The peer.
    #[must_use]
    pub fn peer(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl ElseBranch {
    /// Whether an `if` follows the `else`.
    #[must_use]
    pub fn is_else_if(&self) -> bool {
        words(&self.0).count() > 1
    }
}

impl ClosureStmt {
    /// Whether it is `= func (..)`.
    #[must_use]
    pub fn is_detached(&self) -> bool {
        words(&self.0).count() > 1
    }
}

impl Targets {
    /// Names and `_`.
    pub fn names(&self) -> impl Iterator<Item = SyntaxToken> + use<> {
        tokens(&self.0).filter(|token| matches!(token.kind(), SyntaxKind::Ident | SyntaxKind::Underscore))
    }
}

impl Results {
    /// The types; none for `()`.
    pub fn types(&self) -> impl Iterator<Item = Type> + use<> {
        children(&self.0)
    }
}

impl ArrowType {
    /// The types before the arrow.
    pub fn domain(&self) -> impl Iterator<Item = Type> + use<> {
        children(&self.0)
    }
}

impl CollectionType {
    /// `[`, `?`, `*`, `**` or `%`.
    #[must_use]
    pub fn sigil(&self) -> Option<SyntaxToken> {
        tokens(&self.0).next()
    }
}

impl BinaryExpr {
    /// Left operand, and the right one if it is there.
    pub fn operands(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }

    /// The operator.
    #[must_use]
    pub fn operator(&self) -> Option<SyntaxToken> {
        tokens(&self.0).next()
    }
}

impl IndexExpr {
    /// The collection, then the index.
    pub fn operands(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }
}

impl BangExpr {
    /// The index of the old spelling `x!2`.
    #[must_use]
    pub fn old_index(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Int)
    }
}

impl CollectionExpr {
    /// `[`, `?` or `*`.
    #[must_use]
    pub fn sigil(&self) -> Option<SyntaxToken> {
        tokens(&self.0).next()
    }

    /// The elements.
    pub fn elements(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }
}

impl Block {
    /// The statements.
    pub fn stmts(&self) -> impl Iterator<Item = Stmt> + use<> {
        children(&self.0)
    }
}
