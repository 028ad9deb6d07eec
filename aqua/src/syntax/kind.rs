//! [`SyntaxKind`]: the tokens and nodes that a tree is made of.

macro_rules! kinds {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $kind:ident,)* }) => {
        $(#[$meta])*
        pub enum $name { $($(#[$doc])* $kind,)* }

        impl $name {
            /// Every kind, in order of its number.
            const ALL: &[Self] = &[$(Self::$kind,)*];
        }
    };
}

kinds! {
/// What a token or node is. Tokens come first; words are all [`Ident`](SyntaxKind::Ident), for none is reserved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u16)]
#[expect(missing_docs, reason = "the names are those of the grammar")]
pub enum SyntaxKind {
    // Trivia
    Whitespace,
    Newline,
    Comment,
    // Words and literals
    Ident,
    Underscore,
    Int,
    Float,
    StringLit,
    InitPeer,
    // Punctuation
    ParenOpen,
    ParenClose,
    BracketOpen,
    BracketClose,
    BraceOpen,
    BraceClose,
    Comma,
    Dot,
    Colon,
    Question,
    Bang,
    Eq,
    EqEq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    Plus,
    Minus,
    Star,
    StarStar,
    Slash,
    Percent,
    AndAnd,
    OrOr,
    ArrowLeft,
    ArrowPush,
    ArrowRight,
    Top,
    Bottom,
    /// A character that belongs nowhere.
    Unknown,
    /// The end of the text; never in a tree.
    End,

    // Files and declarations
    File,
    Header,
    Import,
    Use,
    Export,
    Item,
    Path,
    Const,
    Alias,
    Data,
    Ability,
    Service,
    Func,
    Field,
    Member,
    Block,
    Head,
    Abilities,
    Params,
    Param,
    Results,
    // Statements
    ServiceIdStmt,
    PushStmt,
    ForStmt,
    ParseqStmt,
    OnStmt,
    Via,
    IfStmt,
    ElseBranch,
    TryStmt,
    CatchClause,
    OtherwiseClause,
    OtherwiseStmt,
    ParStmt,
    CoStmt,
    JoinStmt,
    StreamDecl,
    ClosureStmt,
    AssignStmt,
    CallStmt,
    Targets,
    ReturnStmt,
    // Values
    Literal,
    NameExpr,
    FieldExpr,
    CallExpr,
    CopyExpr,
    IndexExpr,
    BangExpr,
    NotExpr,
    ParenExpr,
    BinaryExpr,
    CollectionExpr,
    Given,
    ArgList,
    NamedArg,
    // Types
    NamedType,
    TopType,
    BottomType,
    CollectionType,
    ArrowType,
    ParenType,
    /// Tokens that could not be understood.
    Error,
}
}

impl SyntaxKind {
    /// White space and comments.
    #[must_use]
    pub fn is_trivia(self) -> bool {
        self <= Self::Comment
    }

    /// Nodes that are values.
    #[must_use]
    pub fn is_expr(self) -> bool {
        (Self::Literal..=Self::CollectionExpr).contains(&self)
    }

    /// Nodes that are types.
    #[must_use]
    pub fn is_type(self) -> bool {
        (Self::NamedType..=Self::ParenType).contains(&self)
    }

    /// Nodes that are statements.
    #[must_use]
    pub fn is_stmt(self) -> bool {
        (Self::ServiceIdStmt..=Self::ReturnStmt).contains(&self)
            && !matches!(self, Self::Via | Self::ElseBranch | Self::CatchClause | Self::OtherwiseClause | Self::Targets)
    }

    /// Nodes that are declarations.
    #[must_use]
    pub fn is_decl(self) -> bool {
        (Self::Const..=Self::Func).contains(&self)
    }
}

/// The language, for rowan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Aqua {}

impl rowan::Language for Aqua {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        SyntaxKind::ALL.get(raw.0 as usize).copied().unwrap_or(SyntaxKind::Error)
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        rowan::SyntaxKind(kind as u16)
    }
}

/// A node of the tree.
pub type SyntaxNode = rowan::SyntaxNode<Aqua>;
/// A token of the tree.
pub type SyntaxToken = rowan::SyntaxToken<Aqua>;
