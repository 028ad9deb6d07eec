//! [`parse`]: tokens to a tree, by hand and without recursion.
//!
//! The stack of open instructions is a vector. What is wrong with an instruction is reported once; the parser then skips to the
//! parenthesis that closes it, leaves an `Error` node, and goes on behind it.

use super::diagnostic::Diagnostic;
use super::instruction::{Expr, Operand, Span, Text};
use super::lexer::{Token, TokenKind, Tokens};
use super::operand::Shape;
use super::tree::{Kind, Tree, TreeBuilder};
use super::word;
use crate::Limits;

/// The diagnostic after which the rest of the text is not looked at.
pub(crate) const OVER_LIMIT: super::DiagnosticId = super::DiagnosticId(11);

/// Parses a script. What is wrong with it is in the diagnostics, sorted by position; where an instruction is broken the tree
/// has an [`Instruction::Error`](super::Instruction::Error).
///
/// Never fails and never panics; takes time linear in the text, and constant stack however deep the script nests. A text over
/// a limit is not read beyond it.
///
/// ```
/// use marine_air::{Limits, syntax};
///
/// let (tree, diagnostics) = syntax::parse("(seq (null) (call \"p\" (\"s\" \"f\") [] x))", &Limits::default());
/// assert!(diagnostics.is_empty());
/// assert_eq!(tree.len(), 3);
/// ```
#[must_use]
pub fn parse(text: &str, limits: &Limits) -> (Tree, Vec<Diagnostic>) {
    let max_bytes = limits.script_bytes.min(u32::MAX as usize);
    if text.len() > max_bytes {
        let (tree, _) = parse("", limits);
        let message = format!("script of {} bytes is over the limit of {max_bytes}", text.len());
        return (tree, vec![Diagnostic::error(OVER_LIMIT.0, Span::default(), message)]);
    }
    let mut parser = Parser::new(text, limits);
    parser.script();
    let Parser { builder, mut diagnostics, .. } = parser;
    diagnostics.sort_by_key(|diagnostic| diagnostic.primary.span);
    (builder.finish(), diagnostics)
}

struct Parser<'a, 'l> {
    tokens: Tokens<'a>,
    /// The next token; never a comment.
    token: Token,
    /// Where the token before it ended.
    last_end: u32,
    builder: TreeBuilder<'a>,
    open: Vec<Open>,
    diagnostics: Vec<Diagnostic>,
    limits: &'l Limits,
    /// Nothing more is to be read: a string is not closed, or a limit is reached.
    stopped: bool,
}

/// An instruction whose closing parenthesis has not come yet.
struct Open {
    /// Its opening parenthesis.
    start: u32,
    keyword: Span,
    /// How many children it has, must have and may have.
    children: u8,
    required: u8,
    allowed: u8,
}

/// An instruction is broken and reported; the tokens after it are not read yet.
struct Broken;

type Step<T> = Result<T, Broken>;

impl<'a, 'l> Parser<'a, 'l> {
    fn new(text: &'a str, limits: &'l Limits) -> Self {
        let token = Token { kind: TokenKind::End, span: Span::default() };
        let mut parser = Self {
            tokens: Tokens::new(text),
            token,
            last_end: 0,
            builder: TreeBuilder::new(text),
            open: Vec::new(),
            diagnostics: Vec::new(),
            limits,
            stopped: false,
        };
        parser.advance();
        parser
    }

    fn script(&mut self) {
        match self.token.kind {
            TokenKind::Open => self.instructions(),
            TokenKind::End => {
                let error = Diagnostic::error(10, self.token.span, "the script is empty");
                self.diagnostics.push(error.help("the smallest script is `(null)`"));
            }
            TokenKind::UnclosedString => self.unclosed_string(),
            _ => {
                let _ = self.expected::<()>("`(`");
                return;
            }
        }
        if self.stopped || self.token.kind == TokenKind::End {
            return;
        }
        let error = match self.token.kind {
            TokenKind::UnclosedString => return self.unclosed_string(),
            TokenKind::Close => Diagnostic::error(9, self.token.span, "this parenthesis closes nothing"),
            _ => Diagnostic::error(10, self.token.span, "unexpected text after the script")
                .at("a script is one instruction")
                .help("join instructions with `seq` or `par`"),
        };
        self.diagnostics.push(error);
    }

    /// The instruction that starts here, with everything inside.
    fn instructions(&mut self) {
        self.start_instruction();
        while !self.stopped
            && let Some(open) = self.open.last()
        {
            let (missing, full) = (open.children < open.required, open.children == open.allowed);
            let result = match self.token.kind {
                TokenKind::Open if !full => {
                    self.start_instruction();
                    Ok(())
                }
                TokenKind::Close if !missing => {
                    self.close();
                    Ok(())
                }
                TokenKind::End => {
                    self.never_closed();
                    return;
                }
                _ if full => self.expected("`)`"),
                _ if missing => self.expected("an instruction"),
                _ => self.expected("an instruction or `)`"),
            };
            if result.is_err() {
                self.recover();
            }
        }
    }

    fn start_instruction(&mut self) {
        if self.is_over_limit() {
            return;
        }
        if let Some(parent) = self.open.last_mut() {
            parent.children += 1;
        }
        let start = self.token.span.start;
        self.builder.open(start);
        self.open.push(Open { start, keyword: self.token.span, children: 0, required: 0, allowed: 0 });
        self.advance();
        if self.body().is_err() {
            self.recover();
        }
    }

    fn is_over_limit(&mut self) -> bool {
        let Limits { script_instructions, script_nesting, .. } = *self.limits;
        let message = if self.builder.node_count() >= script_instructions {
            format!("script has more than {script_instructions} instructions, which is the limit")
        } else if self.open.len() >= script_nesting {
            format!("script nests more than {script_nesting} instructions, which is the limit")
        } else {
            return false;
        };
        self.diagnostics.push(Diagnostic::error(OVER_LIMIT.0, self.token.span, message));
        self.stopped = true;
        true
    }

    /// The keyword and the operands of an instruction.
    fn body(&mut self) -> Step<()> {
        let keyword = self.token.span;
        if self.token.kind != TokenKind::Word {
            return self.expected("the name of an instruction");
        }
        if let Some(open) = self.open.last_mut() {
            open.keyword = keyword;
        }
        let text = self.builder.slice(keyword);
        let (kind, required, allowed) = match text {
            "null" => (Kind::Null, 0, 0),
            "never" => (Kind::Never, 0, 0),
            "seq" => (Kind::Seq, 2, 2),
            "par" => (Kind::Par, 2, 2),
            "xor" => (Kind::Xor, 2, 2),
            "call" => (Kind::Call, 0, 0),
            "ap" => (Kind::Ap, 0, 0),
            "canon" => (Kind::Canon, 0, 0),
            "match" => (Kind::Match, 1, 1),
            "mismatch" => (Kind::Mismatch, 1, 1),
            "fold" => (Kind::Fold, 1, 2),
            "next" => (Kind::Next, 0, 0),
            "new" => (Kind::New, 1, 1),
            "fail" => (Kind::Fail, 0, 0),
            _ => return self.unknown_instruction(text),
        };
        self.advance();
        let kind = self.operands(kind)?;
        self.builder.set_kind(kind);
        if let Some(open) = self.open.last_mut() {
            (open.required, open.allowed) = (required, allowed);
        }
        Ok(())
    }

    /// The operands of an instruction, and its kind now that they are known.
    fn operands(&mut self, kind: Kind) -> Step<Kind> {
        match kind {
            Kind::Call => return self.call(),
            Kind::Ap => return self.ap(),
            Kind::Fail => return self.fail(),
            Kind::Canon => self.canon()?,
            Kind::Match | Kind::Mismatch => {
                self.operand(Shape::VALUE, "a value")?;
                self.operand(Shape::VALUE, "a value")?;
            }
            Kind::Fold => {
                self.operand(Shape::ITERABLE, "something to iterate over")?;
                self.operand(Shape::SCALAR, "an iterator, which is a scalar")?;
            }
            Kind::Next => {
                self.operand(Shape::SCALAR, "an iterator, which is a scalar")?;
            }
            Kind::New => {
                self.operand(Shape::ANY_VARIABLE, "a variable")?;
            }
            _ => {}
        }
        Ok(kind)
    }

    fn call(&mut self) -> Step<Kind> {
        self.operand(Shape::PEER, "a peer (`%init_peer_id%`, a string or a variable)")?;
        self.expect(TokenKind::Open, "`(` and the service")?;
        self.operand(Shape::NAME_OF_CALL, "a service (a string or a variable)")?;
        self.operand(Shape::NAME_OF_CALL, "a function (a string or a variable)")?;
        self.expect(TokenKind::Close, "`)` after the function")?;
        self.expect(TokenKind::OpenBracket, "`[` and the arguments")?;
        while self.token.kind != TokenKind::CloseBracket {
            self.operand(Shape::VALUE, "an argument or `]`")?;
        }
        self.advance();
        if self.token.kind == TokenKind::Close {
            return Ok(Kind::Call);
        }
        self.operand(Shape::SCALAR.or(Shape::STREAM), "a scalar or stream for the result, or `)`")?;
        Ok(Kind::CallOutput)
    }

    fn ap(&mut self) -> Step<Kind> {
        if self.token.kind != TokenKind::Open {
            self.operand(Shape::VALUE, "a value, or `(` and a key")?;
            self.operand(Shape::SCALAR.or(Shape::STREAM), "a scalar or stream")?;
            return Ok(Kind::Ap);
        }
        self.advance();
        self.operand(Shape::KEY, "a key (a string, an integer or a variable)")?;
        self.operand(Shape::VALUE, "a value")?;
        self.expect(TokenKind::Close, "`)` after the value")?;
        self.operand(Shape::MAP, "a map")?;
        Ok(Kind::ApMap)
    }

    fn canon(&mut self) -> Step<()> {
        self.operand(Shape::PEER, "a peer (`%init_peer_id%`, a string or a variable)")?;
        let source = self.operand(Shape::STREAM.or(Shape::MAP), "a stream or map")?;
        if Shape::of(&self.builder, source.expr) == Shape::STREAM {
            self.operand(Shape::CANON, "a canon stream, such as `#x`")?;
        } else {
            self.operand(Shape::CANON_MAP.or(Shape::SCALAR), "a canon map, such as `#%x`, or a scalar")?;
        }
        Ok(())
    }

    fn fail(&mut self) -> Step<Kind> {
        let error = self.operand(Shape::FAIL, "an error code, a variable, `%last_error%` or `:error:`")?;
        if Shape::of(&self.builder, error.expr) != Shape::INT {
            return Ok(Kind::Fail);
        }
        self.operand(Shape::TEXT, "a message, which is a string")?;
        Ok(Kind::FailLiteral)
    }

    /// An operand of the kinds in `shape`, called `what` in messages.
    fn operand(&mut self, shape: Shape, what: &str) -> Step<Operand> {
        let start = self.token.span;
        let expr = match self.token.kind {
            TokenKind::String => Expr::Text(Text(Span::new(start.start + 1, start.end - 1))),
            TokenKind::Word => {
                word::read(&mut self.builder, start, &mut self.diagnostics).map_err(|error| self.report(error))?
            }
            TokenKind::OpenBracket if shape.allows(Shape::EMPTY_ARRAY) => {
                self.advance();
                if self.token.kind != TokenKind::CloseBracket {
                    return self.expected("`]`, since `[]` is the only array literal");
                }
                Expr::EmptyArray
            }
            _ => return self.expected(what),
        };
        let operand = Operand { expr, span: Span::new(start.start, self.token.span.end) };
        let found = Shape::of(&self.builder, expr);
        if !shape.allows(found) {
            return Err(self.not_allowed(operand, found, what));
        }
        self.builder.operand(operand);
        self.advance();
        Ok(operand)
    }

    fn expect(&mut self, kind: TokenKind, what: &str) -> Step<()> {
        if self.token.kind != kind {
            return self.expected(what);
        }
        self.advance();
        Ok(())
    }

    fn close(&mut self) {
        self.open.pop();
        self.builder.close(self.token.span.end);
        self.advance();
    }

    /// Skips to the parenthesis that closes the innermost open instruction, and closes it.
    fn recover(&mut self) {
        self.builder.doubt_operands();
        self.builder.set_error();
        // A parenthesis that belongs to the operands, as that of a call's service, is open or not: count from the token's place.
        let mut depth = self.parentheses_before_token();
        while !self.stopped {
            match self.token.kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close if depth == 0 => return self.close(),
                TokenKind::Close => depth -= 1,
                TokenKind::Word => self.doubt_word(),
                TokenKind::End => return self.never_closed(),
                TokenKind::UnclosedString => return self.unclosed_string(),
                _ => {}
            }
            self.advance();
        }
    }

    /// How many parentheses of the innermost instruction's own operands are open before the token.
    fn parentheses_before_token(&self) -> usize {
        let Some(open) = self.open.last().filter(|open| open.children == 0) else { return 0 };
        let mut tokens = Tokens::new(self.builder.slice(Span::new(open.start, self.token.span.start)));
        let mut depth = 0_usize;
        loop {
            match tokens.next_token().kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth = depth.saturating_sub(1),
                TokenKind::End => return depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn doubt_word(&mut self) {
        // The instruction is reported already; here only the name counts.
        if let Ok(Expr::Variable(name, _)) = word::read(&mut self.builder, self.token.span, &mut Vec::new()) {
            self.builder.doubt(name);
        }
    }

    fn advance(&mut self) {
        self.last_end = self.token.span.end;
        self.token = self.tokens.next_token();
        while self.token.kind == TokenKind::Comment {
            self.builder.comment(self.token.span);
            self.token = self.tokens.next_token();
        }
    }

    /// Reports that the token is not `what`.
    fn expected<T>(&mut self, what: &str) -> Step<T> {
        let found = match self.token.kind {
            TokenKind::Open => "`(`",
            TokenKind::Close => "`)`",
            TokenKind::OpenBracket => "`[`",
            TokenKind::CloseBracket => "`]`",
            TokenKind::String => "a string",
            TokenKind::Word | TokenKind::Comment => &format!("`{}`", shortened(self.builder.slice(self.token.span))),
            TokenKind::End => {
                self.never_closed();
                return Err(Broken);
            }
            TokenKind::UnclosedString => {
                self.unclosed_string();
                return Err(Broken);
            }
        };
        let error = Diagnostic::error(6, self.token.span, format!("expected {what}, found {found}"));
        Err(self.report(error))
    }

    fn not_allowed(&mut self, operand: Operand, found: Shape, what: &str) -> Broken {
        if let Expr::Variable(name, _) = operand.expr {
            self.builder.doubt(name);
        }
        let message = format!("{} is not allowed here", found.describe());
        let mut error = Diagnostic::error(8, operand.span, message).at(format!("expected {what}"));
        if matches!(found, Shape::STREAM | Shape::MAP) {
            error = error.help("take its values with `canon` and use the result");
        }
        self.report(error)
    }

    fn unknown_instruction(&mut self, text: &str) -> Step<()> {
        let message = format!("unknown instruction `{}`", shortened(text));
        let mut error = Diagnostic::error(7, self.token.span, message);
        let instructions = word::RESERVED.iter().filter(|word| !matches!(**word, "true" | "false"));
        let near = instructions.map(|word| (strsim::damerau_levenshtein(&shortened(text), word), word)).min();
        if let Some((distance, word)) = near
            && distance * 3 <= text.chars().count() + 1
        {
            error = error.help(format!("did you mean `{word}`?"));
        }
        self.diagnostics.push(error);
        Err(Broken)
    }

    /// Reports what is wrong in the innermost instruction.
    fn report(&mut self, mut error: Diagnostic) -> Broken {
        if let Some(open) = self.open.last()
            && open.keyword.start != open.start
        {
            let keyword = self.builder.slice(open.keyword);
            error = error.and(open.keyword, format!("in this `{keyword}`"));
        }
        self.diagnostics.push(error);
        Broken
    }

    /// Reports that the text ends inside the innermost instruction, which also breaks all around it.
    fn never_closed(&mut self) {
        if self.stopped {
            return;
        }
        self.stopped = true;
        let Some(open) = self.open.last() else { return };
        let parenthesis = Span::new(open.start, open.start + 1);
        let end = Span::new(self.last_end, self.last_end);
        let error = Diagnostic::error(9, parenthesis, "this parenthesis is never closed");
        self.diagnostics.push(error.and(end, "the text ends here"));
    }

    fn unclosed_string(&mut self) {
        if self.stopped {
            return;
        }
        self.stopped = true;
        let quote = Span::new(self.token.span.start, self.token.span.start + 1);
        let error = Diagnostic::error(2, quote, "this string literal has unclosed quote");
        self.diagnostics.push(error.at("it starts here"));
    }
}

/// A word for a message, cut if it is long.
fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
