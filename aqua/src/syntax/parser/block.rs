//! Blocks: lines with one indent below a line that ends in `:`.

use super::{OpenBlock, Parser, SyntaxKind::*};
use crate::diagnostic::{Code, Diagnostic, Fix, Span};

impl<'a> Parser<'a> {
    /// `:`, the end of the line, and the lines below that are indented more.
    pub(super) fn colon_block(&mut self, owner: &'static str, item: fn(&mut Self)) {
        let opener = self.line;
        if self.at_line_end() {
            let at = self.here();
            let mut missing = Diagnostic::new(
                Code::COLON_MISSING,
                at,
                format!("`:` is missing at the end of this line of `{owner}`"),
            );
            missing.fix = Some(Fix { span: at, text: ":".to_string() });
            self.error(missing.help("end the line with `:`; the body is on the following lines, indented"));
        } else if !self.eat(Colon) {
            self.unexpected("`:`");
        } else if !self.at_line_end() {
            let message = format!("expected the end of the line, found `{}`", self.nth_text(0));
            let help = format!("the body of `{owner}` is on the following lines, indented by two spaces");
            self.error(Diagnostic::new(Code::UNEXPECTED, self.here(), message).help(help));
            self.skip_line();
        }
        self.block(owner, opener, item);
    }

    fn block(&mut self, owner: &'static str, opener: usize, item: fn(&mut Self)) {
        let parent = self.blocks.last().map_or("", |block| block.indent);
        let next = self.line + 1;
        let opens = next < self.layout.lines.len() && self.indent_of(next).len() > parent.len();
        if !opens {
            let message = format!("`{owner}` has no body");
            let diagnostic = Diagnostic::new(Code::BLOCK_EMPTY, self.line_span(opener), message);
            self.error(diagnostic.help("write it on the following lines, indented by two more spaces"));
            return;
        }
        if !self.enter() {
            self.skip_deeper(parent.len());
            return;
        }
        let indent = self.indent_of(next);
        if !indent.starts_with(parent) {
            self.mixed_tabs(next);
        }
        self.move_to(next);
        self.start(Block);
        self.blocks.push(OpenBlock { indent, owner, opener });
        self.lines_of_block(item);
        self.blocks.pop();
        self.finish();
        self.leave();
    }

    /// The items of the innermost block; the current line is its first.
    fn lines_of_block(&mut self, item: fn(&mut Self)) {
        let mut tolerated = None;
        let mut first = true;
        loop {
            self.first = std::mem::replace(&mut first, false);
            item(self);
            self.end_of_line();
            let next = self.line + 1;
            if next >= self.layout.lines.len() {
                return;
            }
            let indent = self.indent_of(next);
            if Some(indent) != self.blocks.last().map(|block| block.indent) && tolerated != Some(indent) {
                if indent.is_empty() || self.blocks.iter().any(|block| block.indent == indent) {
                    return;
                }
                self.misfit(next);
                tolerated = Some(indent);
            }
            self.move_to(next);
        }
    }

    /// Nothing may be left of a line behind what was understood.
    pub(super) fn end_of_line(&mut self) {
        if !self.at_line_end() {
            self.unexpected("the end of the line");
        }
    }

    /// Goes to the beginning of a line; all before it must have been read.
    pub(super) fn move_to(&mut self, line: usize) {
        self.set_line(line);
        self.pos = self.layout.lines[line].first;
    }

    /// Puts all following lines that are indented more than `indent` bytes into error nodes.
    pub(super) fn skip_deeper(&mut self, indent: usize) {
        while self.line + 1 < self.layout.lines.len() && self.indent_of(self.line + 1).len() > indent {
            self.move_to(self.line + 1);
            self.skip_line();
        }
    }

    /// An indent that no open block has.
    fn misfit(&mut self, line: usize) {
        let indent = self.indent_of(line);
        let Some(block) = self.blocks.last().copied() else { return };
        if indent.contains('\t') != block.indent.contains('\t') && !indent.is_empty() {
            self.mixed_tabs(line);
            return;
        }
        let above = self.source_line(line - 1);
        let (found, wanted) = (spaces(indent), spaces(block.indent));
        let diagnostic = Diagnostic::new(Code::INDENT, self.indent_span(line), "this line belongs to no block")
            .at(format!("indented by {found}, the block it follows (line {above}) by {}", block.indent.len()))
            .help(format!("write {wanted} to continue that block"))
            .replace(block.indent);
        self.errors.push((line, diagnostic));
    }

    fn mixed_tabs(&mut self, line: usize) {
        let name = |indent: &str| if indent.contains('\t') { "tabs" } else { "spaces" };
        let other = self.blocks.iter().rev().map(|block| block.indent).find(|indent| !indent.is_empty()).unwrap_or("");
        let found = name(self.indent_of(line));
        let message = format!("this line is indented with {found}, the block it follows with {}", name(other));
        let diagnostic = Diagnostic::new(Code::TABS, self.indent_span(line), message)
            .help("a tab is not a number of spaces: indent the whole file with spaces");
        self.errors.push((line, diagnostic));
    }

    pub(super) fn indent_span(&self, line: usize) -> Span {
        let (start, end) = self.layout.lines[line].indent;
        Span::new(self.file, start, end)
    }

    /// From the first to the last token of a line.
    pub(super) fn line_span(&self, line: usize) -> Span {
        let lines = &self.layout.lines;
        let end = lines.get(line + 1).map_or(self.layout.significant.len(), |next| next.first);
        self.token_span(lines[line].first).to(self.token_span(end - 1))
    }

    /// The number that editors show for a line.
    pub(super) fn source_line(&self, line: usize) -> usize {
        let start = self.token_span(self.layout.lines[line].first).start as usize;
        self.text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1
    }
}

fn spaces(indent: &str) -> String {
    let unit = if indent.contains('\t') { "character" } else { "space" };
    format!("{} {unit}{}", indent.len(), if indent.len() == 1 { "" } else { "s" })
}
