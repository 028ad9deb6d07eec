//! Values.

use super::{Parser, SyntaxKind, SyntaxKind::*};
use crate::diagnostic::{Code, Diagnostic};

/// How strongly an operator binds, from `||` to `**`.
fn level(operator: SyntaxKind) -> Option<u8> {
    Some(match operator {
        OrOr => 1,
        AndAnd => 2,
        EqEq | NotEq => 3,
        Less | LessEq | Greater | GreaterEq => COMPARISON,
        Plus | Minus => 5,
        Star | Slash | Percent => 6,
        StarStar => POWER,
        _ => return None,
    })
}

const COMPARISON: u8 = 4;
const POWER: u8 = 7;

impl Parser<'_> {
    pub(super) fn value(&mut self) {
        self.binary(0);
    }

    /// Whether the token `ahead` can begin a value.
    pub(super) fn begins_value(&self, ahead: usize) -> bool {
        match self.nth(ahead) {
            Ident | Int | Float | StringLit | InitPeer | BracketOpen | ParenOpen | Bang => true,
            Minus => matches!(self.nth(ahead + 1), Int | Float) && self.adjacent(ahead + 1),
            Question | Star => self.nth(ahead + 1) == BracketOpen,
            _ => false,
        }
    }

    fn binary(&mut self, least: u8) {
        if !self.enter() {
            return;
        }
        let checkpoint = self.checkpoint();
        self.postfix();
        let mut chain = 0;
        let mut compared = false;
        while let Some(level) = level(self.nth(0)).filter(|&level| level >= least) {
            if level == COMPARISON && std::mem::replace(&mut compared, true) {
                self.chained_comparison();
            }
            // A chain of operators leans to the left: each makes the tree one level deeper.
            if !self.enter() {
                break;
            }
            chain += 1;
            self.start_at(checkpoint, BinaryExpr);
            self.bump();
            // `**` binds to the right.
            self.binary(if level == POWER { level } else { level + 1 });
            self.finish();
        }
        (0..=chain).for_each(|_| self.leave());
    }

    fn chained_comparison(&mut self) {
        let message = "comparisons are not chained";
        let help = "compare twice: `a < b && b < c`";
        self.error(Diagnostic::new(Code::UNEXPECTED, self.here(), message).help(help));
    }

    fn postfix(&mut self) {
        let checkpoint = self.checkpoint();
        let mut callable = self.at(Ident);
        self.base();
        let mut chain = 0;
        loop {
            let kind = match self.nth(0) {
                Dot if self.nth(1) == Ident => FieldExpr,
                BracketOpen => IndexExpr,
                Bang => BangExpr,
                ParenOpen | BraceOpen if callable => CallExpr,
                Dot => {
                    self.bump();
                    self.unexpected("a name after `.`");
                    break;
                }
                _ => break,
            };
            if !self.enter() {
                break;
            }
            chain += 1;
            let copies = kind == FieldExpr && self.nth_text(1) == "copy" && self.nth(2) == ParenOpen;
            self.start_at(checkpoint, if copies { CopyExpr } else { kind });
            match kind {
                FieldExpr => {
                    self.bump();
                    self.bump();
                    if copies {
                        self.arguments();
                    }
                }
                IndexExpr => self.index(),
                BangExpr => {
                    self.bump();
                    // `x!2` is how `x[2]` was written once.
                    if self.at(Int) && self.adjacent(0) {
                        self.bump();
                    }
                }
                _ => {
                    self.given();
                    match self.at(ParenOpen) {
                        true => self.arguments(),
                        false => self.unexpected("`(` and the arguments"),
                    }
                }
            }
            callable = kind == FieldExpr && !copies;
            self.finish();
        }
        (0..chain).for_each(|_| self.leave());
    }

    fn index(&mut self) {
        self.bump();
        self.value();
        self.expect(BracketClose, "`]` after the index");
    }

    fn given(&mut self) {
        if !self.at(BraceOpen) {
            return;
        }
        self.start(Given);
        self.bump();
        self.comma_list(BraceClose, "an ability", Self::value);
        self.finish();
    }

    fn arguments(&mut self) {
        self.start(ArgList);
        self.bump();
        self.comma_list(ParenClose, "an argument", |parser| {
            if parser.at(Ident) && parser.nth(1) == Eq {
                parser.start(NamedArg);
                parser.bump();
                parser.bump();
                parser.value();
                parser.finish();
            } else {
                parser.value();
            }
        });
        self.finish();
    }

    fn base(&mut self) {
        match self.nth(0) {
            Int | Float | StringLit | InitPeer => self.literal(),
            Minus if self.begins_value(0) => self.literal(),
            Ident => {
                let literal =
                    matches!(self.nth_text(0), "true" | "false") && !matches!(self.nth(1), ParenOpen | BraceOpen);
                self.start(if literal { Literal } else { NameExpr });
                self.bump();
                self.finish();
            }
            BracketOpen => self.collection(),
            Question | Star if self.nth(1) == BracketOpen => self.collection(),
            Bang => {
                if self.enter() {
                    self.start(NotExpr);
                    self.bump();
                    self.postfix();
                    self.finish();
                    self.leave();
                }
            }
            ParenOpen => {
                self.start(ParenExpr);
                self.bump();
                self.value();
                self.expect(ParenClose, "`)`");
                self.finish();
            }
            Minus => {
                let message = "`-` stands between two values or before a number";
                self.error(Diagnostic::new(Code::UNEXPECTED, self.here(), message).help("write `0 - x`"));
                self.skip_line();
            }
            _ => self.unexpected("a value"),
        }
    }

    fn literal(&mut self) {
        self.start(Literal);
        self.eat(Minus);
        self.bump();
        self.finish();
    }

    fn collection(&mut self) {
        self.start(CollectionExpr);
        if !self.at(BracketOpen) {
            self.bump();
        }
        self.bump();
        self.comma_list(BracketClose, "an element", Self::value);
        self.finish();
    }
}
