//! Reading a TOML table strictly: what was asked for is taken out, whatever stays behind is an unknown key.
//!
//! Mistakes are collected, not returned: a reader that meets one goes on, so that an author sees all of them at once.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{SYNTAX, UNKNOWN_KEY, WRONG_KEYS, WRONG_TYPE, WRONG_VALUE};
use crate::syntax::{Diagnostic, Span};
use crate::value::Value;

/// The mistakes found so far.
#[derive(Default)]
pub(super) struct Report(RefCell<Vec<Diagnostic>>);

/// A table being read.
pub(super) struct Table<'r, 't> {
    pub(super) report: &'r Report,
    /// How messages call it, such as `[[stub]]`.
    title: String,
    pub(super) span: Span,
    entries: Vec<(Spanned<String>, Spanned<DeValue<'t>>)>,
    asked: Vec<&'static str>,
}

/// A value taken out of a table.
pub(super) struct Entry<'r, 't> {
    pub(super) report: &'r Report,
    pub(super) name: String,
    pub(super) key_span: Span,
    value: Spanned<DeValue<'t>>,
}

impl Report {
    pub(super) fn add(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }

    pub(super) fn finish(self) -> Vec<Diagnostic> {
        self.0.into_inner()
    }
}

/// The top table of a text, unless that is not TOML.
pub(super) fn read<'r, 't>(text: &'t str, report: &'r Report) -> Option<Table<'r, 't>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let message: Vec<&str> = error.message().lines().collect();
        let range = error.span().unwrap_or(0..0);
        let end = floor(text, range.end);
        let range = floor(text, range.start).min(end)..end;
        report.add(Diagnostic::error(SYNTAX, span(&range), format!("not valid TOML: {}", message.join(", "))));
    }
    errors.is_empty().then(|| Table::new(report, "the scenario".to_owned(), table))
}

fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

pub(super) fn span(range: &Range<usize>) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: offset(range.start), end: offset(range.end) }
}

impl<'r, 't> Table<'r, 't> {
    fn new(report: &'r Report, title: String, table: Spanned<DeTable<'t>>) -> Self {
        let place = span(&table.span());
        let owned = |name: Spanned<std::borrow::Cow<'t, str>>| {
            let place = name.span();
            Spanned::new(place, name.into_inner().into_owned())
        };
        let entries = table.into_inner().into_iter().map(|(name, value)| (owned(name), value)).collect();
        Self { report, title, span: place, entries, asked: Vec::new() }
    }

    /// Takes out the value of a key.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Entry<'r, 't>> {
        self.asked.push(name);
        let index = self.entries.iter().position(|(key, _)| key.get_ref() == name)?;
        let (key, value) = self.entries.swap_remove(index);
        let key_span = if key.span().is_empty() { value.span() } else { key.span() };
        Some(Entry { report: self.report, name: key.into_inner(), key_span: span(&key_span), value })
    }

    /// Takes out a table; the title is how messages call it.
    pub(super) fn take_table(&mut self, name: &'static str, title: &str) -> Option<Table<'r, 't>> {
        self.take(name)?.table(title)
    }

    /// Takes out an array of tables, in order; nothing if there is none.
    pub(super) fn take_tables(&mut self, name: &'static str, title: &str) -> Vec<Table<'r, 't>> {
        self.take(name).map_or_else(Vec::new, |entry| entry.tables(title))
    }

    pub(super) fn take_text(&mut self, name: &'static str) -> Option<String> {
        self.take(name)?.text()
    }

    pub(super) fn take_texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        self.take(name)?.texts()
    }

    /// Takes out a value: the key itself, or its twin with JSON text.
    pub(super) fn take_value(&mut self, name: &'static str, twin: &'static str) -> Option<Value> {
        match (self.take(name), self.take(twin)) {
            (Some(_), Some(twin)) => {
                twin.wrong_key(format!("`{}` stands beside `{name}`", twin.name), "give one of the two");
                None
            }
            (Some(plain), None) => plain.value(),
            (None, Some(twin)) => twin.json(),
            (None, None) => None,
        }
    }

    /// [`Table::take_value`] for an array.
    pub(super) fn take_values(&mut self, name: &'static str, twin: &'static str) -> Option<Vec<Value>> {
        let place = self.place(name).or_else(|| self.place(twin)).unwrap_or(self.span);
        let value = self.take_value(name, twin)?;
        let items = value.as_array().map(<[Value]>::to_vec);
        if items.is_none() {
            self.report.add(Diagnostic::error(WRONG_TYPE, place, format!("`{name}` is no array")));
        }
        items
    }

    /// Where the value of a key is.
    pub(super) fn place(&self, name: &str) -> Option<Span> {
        let (_, value) = self.entries.iter().find(|(key, _)| key.get_ref() == name)?;
        Some(span(&value.span()))
    }

    /// The names among these that the table has.
    pub(super) fn present<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        let has = |name: &&&str| self.entries.iter().any(|(key, _)| key.get_ref() == **name);
        names.iter().filter(has).copied().collect()
    }

    /// Records that a key is missing.
    pub(super) fn missing(&self, name: &str, help: &str) {
        let message = format!("{} has no `{name}`", self.title);
        self.report.add(Diagnostic::error(WRONG_KEYS, self.span, message).help(help));
    }

    /// Records a mistake about the table as a whole.
    pub(super) fn wrong(&self, message: String, help: &str) {
        self.report.add(Diagnostic::error(WRONG_KEYS, self.span, message).help(help));
    }

    /// Records every key that nobody asked for, with the nearest known one.
    pub(super) fn finish(self) {
        for (key, value) in &self.entries {
            let name = key.get_ref();
            let place = if key.span().is_empty() { value.span() } else { key.span() };
            let help = match nearest(name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", self.asked.join(", ")),
            };
            let message = format!("{} has no key `{name}`", self.title);
            self.report.add(Diagnostic::error(UNKNOWN_KEY, span(&place), message).help(help));
        }
    }
}

impl<'r, 't> Entry<'r, 't> {
    /// Where the value is.
    pub(super) fn span(&self) -> Span {
        span(&self.value.span())
    }

    /// Records a mistake at the value.
    pub(super) fn wrong(&self, message: impl Into<String>, help: impl Into<String>) {
        self.report.add(Diagnostic::error(WRONG_VALUE, self.span(), message).help(help));
    }

    /// Records a mistake at the key.
    pub(super) fn wrong_key(&self, message: impl Into<String>, help: impl Into<String>) {
        self.report.add(Diagnostic::error(WRONG_KEYS, self.key_span, message).help(help));
    }

    pub(super) fn text(&self) -> Option<String> {
        let text = self.value.get_ref().as_str().map(str::to_owned);
        self.checked(text, "a text")
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        self.checked(self.value.get_ref().as_bool(), "true or false")
    }

    pub(super) fn is_integer(&self) -> bool {
        self.value.get_ref().is_integer()
    }

    /// Whether it is an array without items.
    pub(super) fn is_empty(&self) -> bool {
        self.value.get_ref().as_array().is_some_and(|items| items.is_empty())
    }

    pub(super) fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    pub(super) fn is_boolean(&self) -> bool {
        self.value.get_ref().is_bool()
    }

    pub(super) fn number(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let expected = match (*range.start(), *range.end()) {
            (start, i64::MAX) => format!("a whole number from {start}"),
            (start, end) => format!("a whole number from {start} to {end}"),
        };
        let Some(integer) = self.value.get_ref().as_integer() else { return self.checked(None, &expected) };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| range.contains(n));
        if number.is_none() {
            self.wrong(format!("`{}` is {integer}", self.name), format!("expected {expected}"));
        }
        number
    }

    pub(super) fn probability(&self) -> Option<f64> {
        let number = match self.value.get_ref() {
            DeValue::Integer(integer) => integer.as_str().parse().ok(),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => None,
        };
        let expected = "a probability from 0.0 to 1.0";
        let number: f64 = self.checked(number, expected)?;
        let is_probability = (0.0..=1.0).contains(&number);
        if !is_probability {
            self.wrong(format!("`{}` is {number}", self.name), format!("expected {expected}"));
        }
        is_probability.then_some(number)
    }

    /// A number of virtual milliseconds, or an array of the least and the most.
    pub(super) fn delay(self) -> Option<RangeInclusive<u64>> {
        let place = self.span();
        let (report, name) = (self.report, self.name.clone());
        if !self.value.get_ref().is_array() {
            let delay = self.number(0..=i64::MAX)?.unsigned_abs();
            return Some(delay..=delay);
        }
        let bounds: Vec<i64> = self.items().iter().filter_map(|item| item.number(0..=i64::MAX)).collect();
        match bounds[..] {
            [least, most] if least <= most => Some(least.unsigned_abs()..=most.unsigned_abs()),
            _ => {
                let message = format!("`{name}` is not a range");
                report.add(
                    Diagnostic::error(WRONG_VALUE, place, message).help("write the least and the most: `[5, 30]`"),
                );
                None
            }
        }
    }

    pub(super) fn texts(self) -> Option<Vec<String>> {
        let items = self.array()?;
        Some(items.iter().filter_map(Entry::text).collect())
    }

    /// The items of an array; nothing, and a mistake, if it is none.
    pub(super) fn items(self) -> Vec<Entry<'r, 't>> {
        self.array().unwrap_or_default()
    }

    fn array(self) -> Option<Vec<Entry<'r, 't>>> {
        if !self.value.get_ref().is_array() {
            self.wrong_type("an array");
        }
        let DeValue::Array(items) = self.value.into_inner() else { return None };
        let item = |value: Spanned<DeValue<'t>>| Entry {
            report: self.report,
            name: self.name.clone(),
            key_span: span(&value.span()),
            value,
        };
        Some(items.into_iter().map(item).collect())
    }

    pub(super) fn table(self, title: &str) -> Option<Table<'r, 't>> {
        if !self.value.get_ref().is_table() {
            self.wrong_type(&format!("a table, {title}"));
        }
        let place = self.value.span();
        let DeValue::Table(table) = self.value.into_inner() else { return None };
        Some(Table::new(self.report, title.to_owned(), Spanned::new(place, table)))
    }

    pub(super) fn tables(self, title: &str) -> Vec<Table<'r, 't>> {
        self.items().into_iter().filter_map(|item| item.table(title)).collect()
    }

    /// The value as one of AIR.
    pub(super) fn value(&self) -> Option<Value> {
        let value = value(self.value.get_ref());
        self.checked(value, "a text, a number, a truth value, an array or a table of these")
    }

    /// The text as JSON.
    pub(super) fn json(&self) -> Option<Value> {
        let text = self.text()?;
        match Value::from_json(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(
                    format!("`{}` is not JSON: {error}", self.name),
                    "write it as in JSON, in single quotes: `'{\"a\": null}'`",
                );
                None
            }
        }
    }

    fn checked<T>(&self, value: Option<T>, expected: &str) -> Option<T> {
        if value.is_none() {
            self.wrong_type(expected);
        }
        value
    }

    fn wrong_type(&self, expected: &str) {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a truth value",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{}` is {found}: expected {expected}", self.name);
        self.report.add(Diagnostic::error(WRONG_TYPE, self.span(), message));
    }
}

/// Recursion is bounded by the limit that the TOML reader has on nesting.
fn value(toml: &DeValue<'_>) -> Option<Value> {
    match toml {
        DeValue::String(text) => Some(Value::from(text.as_ref())),
        DeValue::Integer(integer) => {
            let (digits, radix) = (integer.as_str(), integer.radix());
            let signed = i64::from_str_radix(digits, radix).ok().map(Value::from);
            signed.or_else(|| u64::from_str_radix(digits, radix).ok().map(Value::from))
        }
        DeValue::Float(float) => float.as_str().parse::<f64>().ok().filter(|float| float.is_finite()).map(Value::float),
        DeValue::Boolean(boolean) => Some(Value::from(*boolean)),
        DeValue::Datetime(_) => None,
        DeValue::Array(items) => {
            items.iter().map(|item| value(item.get_ref())).collect::<Option<Vec<_>>>().map(Value::array)
        }
        DeValue::Table(fields) => {
            let field = |(name, field): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                Some((name.get_ref().to_string(), value(field.get_ref())?))
            };
            fields.iter().map(field).collect::<Option<Vec<_>>>().map(Value::object)
        }
    }
}

/// The name nearest to `name`, if one is near.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // Distances to long names would take time quadratic in them.
    let name: String = name.chars().take(64).collect();
    let near = known.map(|known| (strsim::damerau_levenshtein(&name, known), known)).min()?;
    (near.0 <= (name.len() / 3).max(1)).then_some(near.1)
}
