//! Types, heads of functions, abilities.

use super::{Case, Parser, SyntaxKind::*};

impl Parser<'_> {
    /// `[{Ab}] (a: A, b: B) [-> C, D]`
    pub(super) fn head(&mut self) {
        self.start(Head);
        self.abilities();
        self.start(Params);
        if self.expect(ParenOpen, "`(` and the arguments") {
            self.comma_list(ParenClose, "an argument", Self::param);
        }
        self.finish();
        if self.eat(ArrowRight) {
            self.results();
        }
        self.finish();
    }

    pub(super) fn abilities(&mut self) {
        if !self.at(BraceOpen) {
            return;
        }
        self.start(Abilities);
        self.bump();
        self.comma_list(BraceClose, "an ability", |parser| {
            parser.path("the name of an ability");
        });
        self.finish();
    }

    fn param(&mut self) {
        self.start(Param);
        if self.name(Case::Lower, "an argument") && self.expect(Colon, "`:` and the type of the argument") {
            self.type_or_paren();
        }
        self.finish();
    }

    /// What follows `->`: `A, B` or `()`.
    pub(super) fn results(&mut self) {
        self.start(Results);
        if self.at(ParenOpen) && self.nth(1) == ParenClose {
            self.bump();
            self.bump();
        } else {
            self.type_or_paren();
            while self.at(Comma) && self.list_goes_on() {
                self.bump();
                self.type_or_paren();
            }
        }
        self.finish();
    }

    /// Behind a comma in a list of types: `name:` begins the next argument, a closing bracket ends all.
    fn list_goes_on(&self) -> bool {
        let next_argument = self.nth(1) == Ident && self.nth(2) == Colon && self.nth(3) != End;
        !next_argument && !matches!(self.nth(1), ParenClose | End)
    }

    fn type_or_paren(&mut self) {
        if self.at(ParenOpen) {
            self.start(ParenType);
            self.bump();
            self.type_();
            self.expect(ParenClose, "`)`");
            self.finish();
        } else {
            self.type_();
        }
    }

    /// An arrow or a data type.
    pub(super) fn type_(&mut self) {
        if !self.enter() {
            return;
        }
        if self.at(BraceOpen) || self.at(ArrowRight) || self.arrow_ahead() {
            self.start(ArrowType);
            self.abilities();
            if !self.at(ArrowRight) {
                self.dtype();
                while self.at(Comma) && self.list_goes_on() {
                    self.bump();
                    self.dtype();
                }
            }
            if self.expect(ArrowRight, "`->`") {
                self.results();
            }
            self.finish();
        } else {
            self.dtype();
        }
        self.leave();
    }

    /// Whether a list of data types follows that ends in `->`.
    fn arrow_ahead(&self) -> bool {
        let mut ahead = 0;
        loop {
            match self.nth(ahead) {
                ArrowRight => return true,
                Comma if self.nth(ahead + 1) == Ident && self.nth(ahead + 2) == Colon => return false,
                Ident | Dot | Comma | Question | Star | StarStar | Percent | BracketOpen | BracketClose | Top
                | Bottom => ahead += 1,
                _ => return false,
            }
        }
    }

    /// A data type, stream or stream map.
    pub(super) fn dtype(&mut self) {
        if !self.enter() {
            return;
        }
        match self.nth(0) {
            Question | Star | StarStar | Percent => {
                self.start(CollectionType);
                self.bump();
                self.dtype();
                self.finish();
            }
            BracketOpen => {
                self.start(CollectionType);
                self.bump();
                if self.expect(BracketClose, "`]`") {
                    self.dtype();
                }
                self.finish();
            }
            Top => self.single(TopType),
            Bottom => self.single(BottomType),
            Ident => {
                self.start(NamedType);
                self.path("a type");
                self.finish();
            }
            _ => self.unexpected("a type"),
        }
        self.leave();
    }

    fn single(&mut self, kind: super::SyntaxKind) {
        self.start(kind);
        self.bump();
        self.finish();
    }
}
