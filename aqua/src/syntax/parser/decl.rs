//! Files: header, imports and exports, declarations.

use super::{Case, OpenBlock, Parser, SyntaxKind, SyntaxKind::*};
use crate::diagnostic::{Code, Diagnostic};

impl Parser<'_> {
    pub(super) fn file(&mut self) {
        // The byte order mark and what comes before the first token belong to the file.
        self.builder.start_node(<super::Aqua as rowan::Language>::kind_to_raw(File));
        let mut state = State::default();
        let mut line = 0;
        while line < self.layout.lines.len() {
            self.move_to(line);
            self.file_line(&mut state);
            line = self.line + 1;
        }
        if self.layout.lines.is_empty() {
            self.header_missing();
        }
        self.trivia();
        self.finish();
    }

    fn file_line(&mut self, state: &mut State) {
        let indent = self.indent_of(self.line);
        if !indent.is_empty() && !std::mem::replace(&mut state.indented, true) {
            let message = "this line is indented, but no block is open";
            let diagnostic = Diagnostic::new(Code::INDENT_UNEXPECTED, self.indent_span(self.line), message);
            self.error(diagnostic.help("begin it in the first column").replace(""));
        }
        state.indented &= !indent.is_empty();
        let word = self.nth_text(0);
        let header = matches!(word, "aqua" | "module") && self.nth(1) == Ident;
        if !std::mem::replace(&mut state.begun, true) && !header {
            self.header_missing();
        }
        self.blocks.push(OpenBlock { indent, owner: "file", opener: self.line });
        match word {
            "aqua" | "module" if header => self.header(),
            "import" | "use" | "export" if matches!(self.nth(1), Ident | StringLit) => {
                if state.declared {
                    let message = format!("`{word}` stands behind a declaration");
                    self.error(
                        Diagnostic::new(Code::HEADER_LATE, self.here(), message).help("move it up, below the header"),
                    );
                }
                self.headline(word);
            }
            _ => {
                state.declared = true;
                self.declaration(word);
            }
        }
        self.end_of_line();
        self.blocks.pop();
    }

    fn header_missing(&mut self) {
        let name = "Main";
        let diagnostic = Diagnostic::new(Code::HEADER_MISSING, self.here(), "this file has no header");
        self.error(diagnostic.help(format!("begin it with `aqua {name} declares *`")));
    }

    fn header(&mut self) {
        if self.layout.lines[self.line].first != 0 {
            self.unexpected("a declaration; the header is the first line of a file");
            return;
        }
        if self.at_word("module") {
            let rest = match self.pos + 1 < self.line_end {
                true => &self.text[self.token_span(self.pos + 1).to(self.token_span(self.line_end - 1)).range()],
                false => "",
            };
            let diagnostic =
                Diagnostic::new(Code::OLD_HEADER, self.here(), "`module` is the old spelling of the header");
            self.error(diagnostic.at(format!("help: write `aqua {rest}`")).replace("aqua"));
        }
        self.start(Header);
        self.bump();
        self.path("the name of the module");
        if self.at_word("declares") {
            self.bump();
            if !self.eat(Star) {
                self.path("`*` or a name");
                while self.eat(Comma) {
                    self.path("a name");
                }
            }
        }
        self.finish();
    }

    fn headline(&mut self, word: &str) {
        let kind = match word {
            "import" => Import,
            "use" => Use,
            _ => Export,
        };
        self.start(kind);
        self.bump();
        if !self.at(StringLit) || kind == Export {
            self.item();
            while self.eat(Comma) {
                self.item();
            }
            if kind != Export {
                match self.at_word("from") {
                    true => self.bump(),
                    false => self.unexpected("`from` and the path of a file"),
                }
            }
        }
        if kind != Export {
            self.expect(StringLit, "the path of a file in quotes");
        }
        if kind == Use && self.at_word("as") {
            self.bump();
            self.path("a name for the module");
        }
        self.finish();
    }

    /// `path [as path]`
    fn item(&mut self) {
        self.start(Item);
        if self.path("a name") && self.at_word("as") {
            self.bump();
            self.path("another name");
        }
        self.finish();
    }

    fn declaration(&mut self, word: &str) {
        let name_follows = self.nth(1) == Ident || matches!(self.nth(1), End | Colon | ParenOpen);
        match word {
            _ if !self.at(Ident) || !name_follows => self.no_declaration(),
            "const" => self.const_decl(),
            "alias" => {
                self.start(Alias);
                self.bump();
                if self.name(Case::Upper, "an alias") && self.expect(Colon, "`:` and a type") {
                    self.type_();
                }
                self.finish();
            }
            "data" => self.record(Data, "data", Self::data_field),
            "ability" => self.record(Ability, "ability", Self::member_or_field),
            "service" => self.service_decl(),
            "func" => {
                self.start(Func);
                self.bump();
                self.name(Case::Lower, "a function");
                self.head_and_body("func");
                self.finish();
            }
            _ => self.no_declaration(),
        }
    }

    fn no_declaration(&mut self) {
        const WORDS: [&str; 9] = ["func", "service", "data", "ability", "alias", "const", "import", "use", "export"];
        let word = self.nth_text(0);
        let message = format!("expected a declaration, found `{word}`");
        let near = WORDS.into_iter().find(|known| strsim::damerau_levenshtein(word, known) == 1);
        let help = match near {
            Some(known) => format!("did you mean `{known}`?"),
            None => "files consist of `func`, `service`, `data`, `ability`, `alias` and `const`; statements stand in functions, indented".to_string(),
        };
        self.error(Diagnostic::new(Code::UNEXPECTED, self.here(), message).help(help));
        self.skip_line();
        self.skip_deeper(self.blocks.last().map_or(0, |block| block.indent.len()));
    }

    fn const_decl(&mut self) {
        self.start(Const);
        self.bump();
        if self.name(Case::Const, "a constant") {
            self.eat(Question);
            if self.expect(Eq, "`=` and a literal or another constant") {
                self.value();
            }
        }
        self.finish();
    }

    fn record(&mut self, kind: SyntaxKind, owner: &'static str, item: fn(&mut Self)) {
        self.start(kind);
        self.bump();
        self.name(Case::Upper, if kind == Data { "a data type" } else { "an ability" });
        self.colon_block(owner, item);
        self.finish();
    }

    fn data_field(&mut self) {
        self.start(Field);
        if self.name(Case::Lower, "a field") && self.expect(Colon, "`:` and the type of the field") {
            self.dtype();
        }
        self.finish();
    }

    /// Of an ability: `name: type` or `name(arguments) -> results`.
    fn member_or_field(&mut self) {
        self.start(if self.nth(1) == Colon { Field } else { Member });
        if self.name(Case::Lower, "a member") {
            match self.nth(0) {
                Colon => {
                    self.bump();
                    self.type_();
                }
                _ => self.head(),
            }
        }
        self.finish();
    }

    /// Of a service: a function, in either notation.
    fn service_member(&mut self) {
        self.start(Member);
        if self.name(Case::Lower, "a function") {
            match self.nth(0) {
                Colon => {
                    self.bump();
                    self.type_();
                }
                _ => self.head(),
            }
        }
        self.finish();
    }

    fn service_decl(&mut self) {
        self.start(Service);
        self.bump();
        self.name(Case::Upper, "a service");
        if self.eat(ParenOpen) {
            self.value();
            self.expect(ParenClose, "`)`");
        }
        let mut built = false;
        if self.at_word("from") {
            self.bump();
            built = self.expect(StringLit, "the path of a component or manifest in quotes");
        }
        if !built || self.at(Colon) {
            self.colon_block("service", Self::service_member);
        }
        self.finish();
    }
}

/// How far a file has come.
#[derive(Default)]
struct State {
    begun: bool,
    declared: bool,
    indented: bool,
}
