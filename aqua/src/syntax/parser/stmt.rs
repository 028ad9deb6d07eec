//! Statements. No word is reserved: what follows a word decides whether it begins a statement or is a name.

use super::{Case, Parser, SyntaxKind::*};
use crate::diagnostic::{Code, Diagnostic};

impl<'a> Parser<'a> {
    /// A statement of a function's own level, where the return may stand.
    pub(super) fn body_item(&mut self) {
        if let Some(line) = self.returned.filter(|_| !self.at(ArrowLeft)) {
            let message = "this stands behind the return, where nothing is executed";
            let span = self.token_span(self.layout.lines[line].first);
            self.error(
                Diagnostic::new(Code::AFTER_RETURN, self.here(), message)
                    .and(span, "the function returns here")
                    .help("move it above the return"),
            );
        }
        if !self.at(ArrowLeft) {
            return self.stmt();
        }
        if let Some(line) = self.returned {
            let span = self.token_span(self.layout.lines[line].first);
            let diagnostic = Diagnostic::new(Code::AFTER_RETURN, self.here(), "this function has returned already");
            self.error(diagnostic.and(span, "here").help("return all values at once: `<- a, b`"));
        }
        self.returned = Some(self.line);
        self.return_stmt();
    }

    /// A statement of a nested block.
    fn inner_item(&mut self) {
        if self.at(ArrowLeft) {
            self.return_in_block();
            return self.return_stmt();
        }
        self.stmt();
    }

    fn return_stmt(&mut self) {
        self.start(ReturnStmt);
        self.bump();
        self.values();
        self.finish();
    }

    fn return_in_block(&mut self) {
        let Some(block) = self.blocks.last().copied() else { return };
        let message = "`<-` returns from the whole function and must be its last line";
        let value = match self.pos + 1 < self.line_end {
            true => &self.text[self.token_span(self.pos + 1).to(self.token_span(self.line_end - 1)).range()],
            false => "value",
        };
        let element = if self.promised.is_empty() || self.promised.contains(',') { "T" } else { self.promised };
        let help = format!(
            "declare `res: *{element}` before the `{}`, write `res <<- {value}` here, and end the function with `<- res!`",
            block.owner
        );
        let opened = format!("inside `{}`, opened at line {}", block.owner, self.source_line(block.opener));
        self.error(Diagnostic::new(Code::RETURN_IN_BLOCK, self.here(), message).at(opened).help(help));
    }

    fn values(&mut self) {
        self.value();
        while self.eat(Comma) {
            self.value();
        }
    }

    fn stmt(&mut self) {
        if !self.enter() {
            return;
        }
        match self.keyword() {
            Some("for") => self.for_stmt(),
            Some("parseq") => self.parseq_stmt(),
            Some("on") => self.on_stmt(),
            Some("if") => self.if_stmt(),
            Some("try") => self.try_stmt(),
            Some("otherwise") => self.otherwise_stmt(),
            Some("else") => self.orphan("else", "if"),
            Some("catch") => self.orphan("catch", "try"),
            Some("par") => self.par_stmt(),
            Some("co") => self.prefixed(CoStmt),
            Some("join") => {
                self.start(JoinStmt);
                self.bump();
                self.values();
                self.finish();
            }
            _ => self.simple_stmt(),
        }
        self.leave();
    }

    /// The word that begins the current line, if it begins a statement there.
    fn keyword(&self) -> Option<&'a str> {
        const WORDS: &[&str] = &["for", "parseq", "on", "if", "else", "try", "catch", "otherwise", "par", "co", "join"];
        let word = self.nth_text(0);
        let is_name = match self.nth(1) {
            Eq | ArrowLeft | ArrowPush | Comma | Dot => true,
            // `name: *type`; a block's line ends behind its colon.
            Colon => self.nth(2) != End,
            End => !matches!(word, "else" | "try" | "otherwise"),
            _ => self.adjacent(1),
        };
        (self.at(Ident) && !is_name && WORDS.contains(&word)).then_some(word)
    }

    /// Whether the next line continues the current statement with one of these words.
    fn next_line_continues(&mut self, words: &[&str]) -> bool {
        let next = self.line + 1;
        let same_block = next < self.layout.lines.len()
            && self.blocks.last().is_some_and(|block| block.indent == self.indent_of(next));
        if !same_block {
            return false;
        }
        let (line, pos) = (self.line, self.pos);
        self.move_to(next);
        let continues = self.keyword().is_some_and(|word| words.contains(&word));
        if !continues {
            self.set_line(line);
            self.pos = pos;
        }
        continues
    }

    fn for_stmt(&mut self) {
        self.start(ForStmt);
        self.bump();
        if self.loop_names() {
            self.value();
            if self.at_word("par") || self.at_word("try") || self.at_word("rec") {
                self.bump();
            }
        }
        self.colon_block("for", Self::inner_item);
        self.finish();
    }

    /// `x <-` or `k, v <-`
    fn loop_names(&mut self) -> bool {
        self.start(Targets);
        let mut good = self.name(Case::Lower, "a loop variable");
        if good && self.eat(Comma) {
            good = self.name(Case::Lower, "a loop variable");
        }
        self.finish();
        good && self.expect(ArrowLeft, "`<-`")
    }

    fn parseq_stmt(&mut self) {
        self.start(ParseqStmt);
        self.bump();
        if self.loop_names() {
            self.value();
            if self.at_word("on") {
                self.bump();
                self.place();
            } else {
                self.unexpected("`on` and a peer");
            }
        }
        self.colon_block("parseq", Self::inner_item);
        self.finish();
    }

    fn on_stmt(&mut self) {
        self.start(OnStmt);
        self.bump();
        self.place();
        self.colon_block("on", Self::inner_item);
        self.finish();
    }

    /// `peer via relay via relay`
    fn place(&mut self) {
        self.value();
        while self.at_word("via") {
            self.start(Via);
            self.bump();
            self.value();
            self.finish();
        }
    }

    fn if_stmt(&mut self) {
        self.start(IfStmt);
        self.bump();
        self.value();
        self.colon_block("if", Self::inner_item);
        let mut last = false;
        let mut levels = 0;
        while !last && self.next_line_continues(&["else"]) {
            // An `else if` is an `if` inside an `else`.
            if !self.enter() {
                break;
            }
            levels += 1;
            last = !self.else_branch();
        }
        (0..levels).for_each(|_| self.leave());
        self.finish();
    }

    /// Returns whether it is an `else if`, which others may follow.
    fn else_branch(&mut self) -> bool {
        self.start(ElseBranch);
        self.bump();
        let again = self.at_word("if");
        if again {
            self.bump();
            self.value();
        }
        self.colon_block("else", Self::inner_item);
        self.finish();
        again
    }

    fn try_stmt(&mut self) {
        self.start(TryStmt);
        self.bump();
        self.colon_block("try", Self::inner_item);
        while self.next_line_continues(&["catch", "otherwise"]) {
            if self.at_word("catch") {
                self.catch_clause();
            } else {
                self.start(OtherwiseClause);
                self.bump();
                self.colon_block("otherwise", Self::inner_item);
                self.finish();
            }
        }
        self.finish();
    }

    fn catch_clause(&mut self) {
        self.start(CatchClause);
        self.bump();
        self.name(Case::Lower, "the error");
        self.colon_block("catch", Self::inner_item);
        self.finish();
    }

    fn otherwise_stmt(&mut self) {
        if self.first {
            let message = "`otherwise` has no statement that it could guard";
            let help = "put it directly below that statement, with the same indent";
            self.error(Diagnostic::new(Code::ORPHAN, self.here(), message).help(help));
        }
        self.start(OtherwiseStmt);
        self.bump();
        self.colon_block("otherwise", Self::inner_item);
        self.finish();
    }

    fn orphan(&mut self, word: &str, owner: &str) {
        let message = format!("`{word}` has no `{owner}` that it belongs to");
        let help = format!("put it directly below the body of an `{owner}`, with the indent of that `{owner}`");
        self.error(Diagnostic::new(Code::ORPHAN, self.here(), message).help(help));
        if word == "else" {
            self.else_branch();
        } else {
            self.catch_clause();
        }
    }

    fn par_stmt(&mut self) {
        if self.first {
            let message = "`par` has no statement to run beside";
            let help = "begin with the plain statement; `par` stands before those that run beside it (`co` runs beside what follows)";
            self.error(Diagnostic::new(Code::PAR_FIRST, self.here(), message).help(help));
        }
        self.prefixed(ParStmt);
    }

    fn prefixed(&mut self, kind: super::SyntaxKind) {
        self.start(kind);
        self.bump();
        self.first = false;
        match self.keyword() {
            Some("par" | "co" | "otherwise") | None if self.at_line_end() => self.unexpected("a statement"),
            _ => self.inner_item(),
        }
        self.finish();
    }

    fn simple_stmt(&mut self) {
        match (self.nth(0), self.nth(1)) {
            (Ident | Underscore, Comma | ArrowLeft) => self.call_stmt(),
            (Ident, ArrowPush) => self.push_stmt(),
            (Ident, Eq) if self.closure_ahead() => self.closure_stmt(),
            (Ident, Eq) => {
                self.start(AssignStmt);
                self.bump();
                self.bump();
                self.value();
                self.finish();
            }
            (Ident, Colon) if self.nth(2) != End => {
                self.start(StreamDecl);
                self.bump();
                self.bump();
                self.dtype();
                self.finish();
            }
            (Ident, _) if self.service_id_ahead() => {
                self.start(ServiceIdStmt);
                self.path("a service");
                self.value();
                self.finish();
            }
            (Ident | Int | Float | StringLit | InitPeer | ParenOpen | BracketOpen | Bang | Question, _) => {
                self.start(CallStmt);
                self.value();
                self.finish();
            }
            _ => self.unexpected("a statement"),
        }
    }

    /// `a, _ <- value`
    fn call_stmt(&mut self) {
        self.start(CallStmt);
        self.start(Targets);
        self.bump();
        while self.eat(Comma) {
            if !matches!(self.nth(0), Ident | Underscore) {
                self.unexpected("a name or `_`");
                break;
            }
            self.bump();
        }
        self.finish();
        if self.expect(ArrowLeft, "`<-`") {
            self.value();
        }
        self.finish();
    }

    fn push_stmt(&mut self) {
        self.start(PushStmt);
        self.bump();
        self.bump();
        self.value();
        if self.eat(Comma) {
            self.value();
        }
        self.finish();
    }

    /// Whether brackets with a head's `->` or `:` behind them follow the `=`.
    fn closure_ahead(&self) -> bool {
        let mut ahead = if self.nth_text(2) == "func" && matches!(self.nth(3), ParenOpen | BraceOpen) { 3 } else { 2 };
        while self.nth(ahead) == BraceOpen {
            while !matches!(self.nth(ahead), BraceClose | End) {
                ahead += 1;
            }
            ahead += 1;
        }
        if self.nth(ahead) != ParenOpen {
            return false;
        }
        let mut depth = 0;
        loop {
            match self.nth(ahead) {
                ParenOpen => depth += 1,
                ParenClose => depth -= 1,
                End => return false,
                _ => {}
            }
            ahead += 1;
            if depth == 0 {
                return matches!(self.nth(ahead), ArrowRight | Colon);
            }
        }
    }

    fn closure_stmt(&mut self) {
        self.start(ClosureStmt);
        self.check_case(Case::Lower, "a closure");
        self.bump();
        self.bump();
        if self.at_word("func") {
            self.bump();
        }
        self.head_and_body("closure");
        self.finish();
    }

    /// What functions and closures have in common.
    pub(super) fn head_and_body(&mut self, owner: &'static str) {
        let from = self.pos;
        self.head();
        let promised = std::mem::take(&mut self.promised);
        let arrow = (from..self.pos).find(|&at| self.tokens[self.layout.significant[at]].kind == ArrowRight);
        if let Some(first) = arrow.map(|at| at + 1).filter(|&first| first < self.pos) {
            self.promised = &self.text[self.token_span(first).to(self.token_span(self.pos - 1)).range()];
        }
        let returned = self.returned.take();
        self.colon_block(owner, Self::body_item);
        self.returned = returned;
        self.promised = promised;
    }

    /// `Path.To.Service value`, with a space between.
    fn service_id_ahead(&self) -> bool {
        let mut ahead = 0;
        while self.nth(ahead + 1) == Dot && self.nth(ahead + 2) == Ident {
            ahead += 2;
        }
        self.nth_text(ahead).starts_with(|c: char| c.is_ascii_uppercase())
            && !self.adjacent(ahead + 1)
            && self.begins_value(ahead + 1)
    }
}
