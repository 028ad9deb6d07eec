//! Reading a TOML table strictly: what was asked for is taken out, whatever stays behind is an unknown key.
//!
//! Mistakes are collected, not returned: a reader that meets one goes on, so that an author sees all of them at once.

use std::cell::RefCell;
use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Code, ManifestError, ManifestErrors};

/// A key that the format has and this version does not carry out, with what to do meanwhile.
pub(crate) type Later = (&'static str, &'static str);

/// The text being read and the mistakes found so far.
pub(crate) struct Report<'t> {
    text: &'t str,
    errors: RefCell<Vec<(usize, ManifestError)>>,
}

impl<'t> Report<'t> {
    pub(crate) fn new(text: &'t str) -> Report<'t> {
        Report { text, errors: RefCell::default() }
    }

    /// Records a mistake at the bytes `span`.
    pub(crate) fn add(&self, code: Code, key: &str, span: Range<usize>, message: String, help: Option<String>) {
        let place = Place::of(self.text, &span);
        let error = ManifestError {
            code,
            message,
            key: key.to_owned(),
            line: place.line,
            column: place.column,
            width: place.width,
            excerpt: place.excerpt,
            help,
        };
        self.errors.borrow_mut().push((span.start, error));
    }

    /// `value` if nothing is wrong, else all mistakes in the order of the text.
    pub(crate) fn finish<T>(self, path: PathBuf, value: Option<T>) -> Result<T, ManifestErrors> {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|(start, _)| *start);
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ => Err(ManifestErrors { path, errors: errors.into_iter().map(|(_, error)| error).collect() }),
        }
    }
}

/// Line and column of a span.
struct Place {
    line: usize,
    column: usize,
    width: usize,
    excerpt: String,
}

impl Place {
    fn of(text: &str, span: &Range<usize>) -> Place {
        let start = floor(text, span.start);
        let from = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let to = text[from..].find('\n').map_or(text.len(), |newline| from + newline).max(start);
        let end = floor(text, span.end).clamp(start, to);
        Place {
            line: text[..start].matches('\n').count() + 1,
            column: text[from..start].chars().count() + 1,
            width: text[start..end].chars().count().max(1),
            excerpt: text[from..to].trim_end().to_owned(),
        }
    }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A table being read.
pub(crate) struct Table<'r, 't> {
    report: &'r Report<'t>,
    /// The keys that lead here, such as `module[1]`.
    pub(crate) key: String,
    /// Where it stands, for mistakes about what it lacks.
    pub(crate) span: Range<usize>,
    entries: Vec<(Spanned<String>, Spanned<DeValue<'t>>)>,
    asked: Vec<&'static str>,
}

/// A value taken out of a table.
pub(crate) struct Entry<'r, 't> {
    report: &'r Report<'t>,
    /// Its own name.
    pub(crate) name: String,
    /// The whole path of keys.
    pub(crate) key: String,
    key_span: Range<usize>,
    value: Spanned<DeValue<'t>>,
}

impl<'r, 't> Table<'r, 't> {
    pub(crate) fn new(report: &'r Report<'t>, key: String, table: Spanned<DeTable<'t>>) -> Table<'r, 't> {
        let span = table.span();
        let entries = table.into_inner().into_iter().map(|(name, value)| {
            let place = name.span();
            (Spanned::new(place, name.into_inner().into_owned()), value)
        });
        Table { report, key, span, entries: entries.collect(), asked: Vec::new() }
    }

    /// Takes out the value of `name`.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Entry<'r, 't>> {
        self.asked.push(name);
        let index = self.entries.iter().position(|(key, _)| key.get_ref() == name)?;
        let (name, value) = self.entries.swap_remove(index);
        Some(self.entry(name, value))
    }

    /// Takes out everything: for tables whose keys are the author's.
    pub(crate) fn take_all(mut self) -> Vec<Entry<'r, 't>> {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by_key(|(name, _)| name.span().start);
        entries.into_iter().map(|(name, value)| self.entry(name, value)).collect()
    }

    /// The line it starts in, from 1.
    pub(crate) fn line(&self) -> usize {
        Place::of(self.report.text, &self.span).line
    }

    /// Records that `name` is missing.
    pub(crate) fn missing(&self, name: &str, help: &str) {
        let message = format!("{} has no `{name}`", self.title());
        self.wrong_with(Code::MissingKey, message, help);
    }

    /// Records a mistake about the table as a whole.
    pub(crate) fn wrong(&self, code: Code, message: String) {
        self.report.add(code, &self.key, self.span.clone(), message, None);
    }

    /// Records a mistake about the table as a whole, with a remedy.
    pub(crate) fn wrong_with(&self, code: Code, message: String, help: &str) {
        self.report.add(code, &self.key, self.span.clone(), message, Some(help.to_owned()));
    }

    /// Records every key nobody asked for, those of `later` as not supported yet, others as unknown with the nearest known one.
    pub(crate) fn finish(self, later: &[Later]) {
        for (name, value) in &self.entries {
            let key = join(&self.key, name.get_ref());
            let span = if name.span().is_empty() { value.span() } else { name.span() };
            if let Some((_, help)) = later.iter().find(|(known, _)| known == name.get_ref()) {
                let message = format!("`{}` in {} is not supported by this version", name.get_ref(), self.title());
                self.report.add(Code::Unsupported, &key, span, message, Some((*help).to_owned()));
                continue;
            }
            let known = self.asked.iter().copied().chain(later.iter().map(|(known, _)| *known));
            let help = nearest(name.get_ref(), known)
                .map(|near| format!("did you mean `{near}`?"))
                .or_else(|| Some(format!("known keys: {}", self.asked.join(", "))));
            let message = format!("{} has no key `{}`", self.title(), name.get_ref());
            self.report.add(Code::UnknownKey, &key, span, message, help);
        }
    }

    /// How messages call the table.
    fn title(&self) -> String {
        if self.key.is_empty() { "the manifest".to_owned() } else { format!("`{}`", self.key) }
    }

    fn entry(&self, name: Spanned<String>, value: Spanned<DeValue<'t>>) -> Entry<'r, 't> {
        let key = join(&self.key, name.get_ref());
        Entry { report: self.report, key, key_span: name.span(), name: name.into_inner(), value }
    }
}

impl<'r, 't> Entry<'r, 't> {
    /// Records a mistake at the value.
    pub(crate) fn wrong(&self, code: Code, message: String, help: Option<String>) {
        self.report.add(code, &self.key, self.value.span(), message, help);
    }

    /// Records a mistake at the key.
    pub(crate) fn wrong_key(&self, code: Code, message: String, help: Option<String>) {
        self.report.add(code, &self.key, self.key_span.clone(), message, help);
    }

    /// The text, else a mistake saying that `expected` was.
    pub(crate) fn text(&self, expected: &str) -> Option<String> {
        match self.value.get_ref().as_str() {
            Some(text) => Some(text.to_owned()),
            None => {
                self.wrong_type(expected);
                None
            }
        }
    }

    /// The text of a text, number or truth value.
    pub(crate) fn scalar(&self, expected: &str) -> Option<String> {
        match self.value.get_ref() {
            DeValue::Integer(number) => Some(number.to_string()),
            DeValue::Float(number) => Some(number.to_string()),
            DeValue::Boolean(truth) => Some(truth.to_string()),
            _ => self.text(expected),
        }
    }

    /// The text as `read` understands it.
    pub(crate) fn parsed<T>(&self, expected: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(expected)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(Code::BadValue, format!("`{}` is {}: {why}", self.key, excerpt(&text)), None);
                None
            }
        }
    }

    /// The whole number, which lies in `range`.
    pub(crate) fn number(&self, range: Range<u64>) -> Option<u64> {
        let expected = format!("a whole number from {} to {}", range.start, range.end - 1);
        let Some(integer) = self.value.get_ref().as_integer() else {
            self.wrong_type(&expected);
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| range.contains(n));
        if number.is_none() {
            self.wrong(Code::BadValue, format!("`{}` is {integer}: expected {expected}", self.key), None);
        }
        number
    }

    /// The truth value.
    pub(crate) fn boolean(&self) -> Option<bool> {
        let value = self.value.get_ref().as_bool();
        if value.is_none() {
            self.wrong_type("true or false");
        }
        value
    }

    /// Whether the value is a text.
    pub(crate) fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    /// Whether the value is a list.
    pub(crate) fn is_array(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// The texts of a list, else a mistake saying that `expected` was.
    pub(crate) fn texts(&self, expected: &str) -> Vec<String> {
        let items = self.value.get_ref().as_array().map(|items| items.iter());
        let texts = items.map(|items| items.map(|item| item.get_ref().as_str().map(str::to_owned)).collect());
        texts.flatten().unwrap_or_else(|| {
            self.wrong_type(expected);
            Vec::new()
        })
    }

    /// The items of a list as entries of their own, else a mistake saying that `expected` was.
    pub(crate) fn items(self, expected: &str) -> Vec<Entry<'r, 't>> {
        if !self.is_array() {
            self.wrong_type(expected);
            return Vec::new();
        }
        let DeValue::Array(array) = self.value.into_inner() else { return Vec::new() };
        let item = |(index, value): (usize, Spanned<DeValue<'t>>)| {
            let key = format!("{}[{index}]", self.key);
            Entry { report: self.report, name: key.clone(), key, key_span: value.span(), value }
        };
        array.into_iter().enumerate().map(item).collect()
    }

    /// The table, else a mistake saying that `expected` was.
    pub(crate) fn table(self, expected: &str) -> Option<Table<'r, 't>> {
        if !self.value.get_ref().is_table() {
            self.wrong_type(expected);
            return None;
        }
        let span = self.value.span();
        match self.value.into_inner() {
            DeValue::Table(table) => Some(Table::new(self.report, self.key, Spanned::new(span, table))),
            _ => None,
        }
    }

    /// The tables of an array of tables, in order.
    pub(crate) fn tables(self, expected: &str) -> Vec<Table<'r, 't>> {
        self.items(expected).into_iter().filter_map(|item| item.table(expected)).collect()
    }

    /// Records that the value is of another type than `expected`.
    pub(crate) fn wrong_type(&self, expected: &str) {
        let got = match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a truth value",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        self.wrong(Code::WrongType, format!("`{}` is {got}: expected {expected}", self.key), None);
    }
}

/// The name nearest to `name`, if one is near.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let near = known.map(|known| (strsim::damerau_levenshtein(name, known), known)).min()?;
    (near.0 <= (name.len() / 3).max(1)).then_some(near.1)
}

/// At most 60 characters of a value, quoted.
pub(crate) fn excerpt(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { format!("{cut:?}..") } else { format!("{cut:?}") }
}

/// `a.b`, quoting names that TOML would quote.
fn join(path: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let name = if bare { name.to_owned() } else { format!("{name:?}") };
    if path.is_empty() { name } else { format!("{path}.{name}") }
}
