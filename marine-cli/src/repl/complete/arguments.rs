//! Completion inside arguments: a walk along the types of the function, as far as the text goes.

use std::ops::Range;

use marine_runtime::{Case, Field, Function, Param, Type, TypeDef};

use super::{Candidate, candidate, snake};

/// How deep brackets are followed.
const MAX_DEPTH: usize = 64;

/// Inside `f(..`, whose arguments start at byte `start`.
pub(super) fn by_call(line: &str, start: usize, function: Option<&Function>) -> Vec<Candidate> {
    let Some(function) = function else { return Vec::new() };
    Walk::new(line, Frame::Call { params: &function.params, index: 0, named: None, used: Vec::new() }).run(start)
}

/// Inside `call f ..`, whose arguments are one JSON value that starts at byte `start`.
pub(super) fn by_array(line: &str, start: usize, function: Option<&Function>) -> Vec<Candidate> {
    let Some(function) = function else { return Vec::new() };
    Walk::new(line, Frame::Words { params: &function.params }).run(start)
}

/// An open bracket, and how far it is filled.
enum Frame<'t> {
    /// `f(`
    Call { params: &'t [Param], index: usize, named: Option<&'t Type>, used: Vec<String> },
    /// Where all arguments stand as one value.
    Words { params: &'t [Param] },
    /// `[` of arguments by position.
    Positions { params: &'t [Param], index: usize },
    /// `[` of a list, or of an option that is written like one.
    List(&'t Type),
    /// `[` of a tuple.
    Tuple { types: &'t [Type], index: usize },
    /// `[` of a record, field by field.
    Fields { fields: &'t [Field], index: usize },
    /// `{` of a record, of a variant, of a result or of arguments by name.
    Object { keys: Vec<(String, Option<&'t Type>)>, used: Vec<String>, value: Option<Option<&'t Type>> },
    /// Something without a known type.
    Unknown,
}

struct Walk<'l, 't> {
    line: &'l str,
    frames: Vec<Frame<'t>>,
    /// The last complete word or string.
    last: String,
}

/// The word that is being typed.
struct Partial {
    span: Range<usize>,
}

impl<'l, 't> Walk<'l, 't> {
    fn new(line: &'l str, frame: Frame<'t>) -> Self {
        Walk { line, frames: vec![frame], last: String::new() }
    }

    fn run(mut self, start: usize) -> Vec<Candidate> {
        let mut at = start;
        let mut partial = Partial { span: self.line.len()..self.line.len() };
        while let Some(c) = self.line[at..].chars().next() {
            let next = at + c.len_utf8();
            match c {
                '"' => match closing(self.line, next) {
                    Some(end) => {
                        self.last = self.line[next..end - 1].to_owned();
                        at = end;
                        continue;
                    }
                    None => {
                        partial.span = at..self.line.len();
                        break;
                    }
                },
                '[' | '{' => self.open(c),
                ']' | '}' | ')' => {
                    // Brackets that do not fit leave nothing to go by.
                    if self.frames.len() < 2 {
                        return Vec::new();
                    }
                    self.frames.pop();
                }
                ',' => self.comma(),
                ':' => self.colon(),
                c if c.is_whitespace() => {}
                _ => {
                    let end = self.line[at..].find(|c: char| c.is_whitespace() || ",:[]{}()\"".contains(c));
                    match end {
                        Some(length) => {
                            self.last = self.line[at..at + length].to_owned();
                            at += length;
                            continue;
                        }
                        None => {
                            partial.span = at..self.line.len();
                            break;
                        }
                    }
                }
            }
            at = next;
        }
        self.offer(&partial)
    }

    /// The type of the value that comes next.
    fn wanted(&self) -> Option<&'t Type> {
        match self.frames.last()? {
            Frame::Call { named: Some(ty), .. } => Some(ty),
            Frame::Call { params, index, used, .. } if used.is_empty() => params.get(*index).map(|param| &param.ty),
            Frame::Positions { params, index } => params.get(*index).map(|param| &param.ty),
            Frame::Words { params: [only] } => Some(&only.ty),
            Frame::List(element) => Some(element),
            Frame::Tuple { types, index } => types.get(*index),
            Frame::Fields { fields, index } => fields.get(*index).map(|field| &field.ty),
            Frame::Object { value: Some(ty), .. } => *ty,
            _ => None,
        }
    }

    fn open(&mut self, bracket: char) {
        let frame = match (self.frames.last(), bracket) {
            _ if self.frames.len() >= MAX_DEPTH => Frame::Unknown,
            (Some(Frame::Words { params }), '[') => Frame::Positions { params, index: 0 },
            (Some(Frame::Words { params }), _) => {
                Frame::object(params.iter().map(|param| (&*param.name, Some(&param.ty))))
            }
            _ => self.wanted().map_or(Frame::Unknown, |ty| if bracket == '[' { array(ty) } else { object(ty) }),
        };
        self.frames.push(frame);
    }

    fn comma(&mut self) {
        match self.frames.last_mut() {
            Some(Frame::Call { index, named, .. }) => {
                *index += 1;
                *named = None;
            }
            Some(Frame::Positions { index, .. } | Frame::Tuple { index, .. } | Frame::Fields { index, .. }) => {
                *index += 1
            }
            Some(Frame::Object { value, .. }) => *value = None,
            _ => {}
        }
    }

    fn colon(&mut self) {
        let name = snake(&self.last);
        match self.frames.last_mut() {
            Some(Frame::Call { params, named, used, .. }) => {
                *named = params.iter().find(|param| snake(&param.name) == name).map(|param| &param.ty);
                used.push(name);
            }
            Some(Frame::Object { keys, used, value }) => {
                *value = Some(keys.iter().find(|(key, _)| *key == name).and_then(|(_, ty)| *ty));
                used.push(name);
            }
            _ => {}
        }
    }

    fn offer(&self, partial: &Partial) -> Vec<Candidate> {
        let span = partial.span.clone();
        let typed = &self.line[span.clone()];
        let mut found: Vec<Candidate> = Vec::new();
        if let Some(ty) = self.wanted() {
            values(ty, &mut |text| {
                found.push(Candidate { about: Some(ty.to_string()), ..candidate(&text, span.clone()) })
            });
        }
        match self.frames.last() {
            Some(Frame::Call { params, index, named: None, used }) if *index == used.len() => {
                let free = params.iter().filter(|param| !used.contains(&snake(&param.name)));
                found.extend(free.map(|param| Candidate {
                    about: Some(param.ty.to_string()),
                    ..candidate(&format!("{}: ", snake(&param.name)), span.clone())
                }));
            }
            Some(Frame::Object { keys, used, value: None }) => {
                let free = keys.iter().filter(|(key, _)| !used.contains(key));
                found.extend(free.map(|(key, ty)| Candidate {
                    about: ty.map(ToString::to_string),
                    ..candidate(&format!("\"{key}\": "), span.clone())
                }));
            }
            _ => {}
        }
        found.retain(|found| found.text.starts_with(typed));
        found
    }
}

impl<'t> Frame<'t> {
    fn object<'n>(keys: impl Iterator<Item = (&'n str, Option<&'t Type>)>) -> Self {
        Frame::Object { keys: keys.map(|(key, ty)| (snake(key), ty)).collect(), used: Vec::new(), value: None }
    }
}

/// What `[` begins where `ty` is wanted.
fn array(ty: &Type) -> Frame<'_> {
    match ty {
        Type::List(element) | Type::Option(element) => Frame::List(element),
        Type::Tuple(types) => Frame::Tuple { types, index: 0 },
        Type::Named { def, .. } => match &**def {
            TypeDef::Record(fields) => Frame::Fields { fields, index: 0 },
            _ => Frame::Unknown,
        },
        _ => Frame::Unknown,
    }
}

/// What `{` begins where `ty` is wanted.
fn object(ty: &Type) -> Frame<'_> {
    match ty {
        Type::Option(inner) => object(inner),
        Type::Result { ok, err } => Frame::object([("ok", ok.as_deref()), ("err", err.as_deref())].into_iter()),
        Type::Named { def, .. } => match &**def {
            TypeDef::Record(fields) => Frame::object(fields.iter().map(|field| (&*field.name, Some(&field.ty)))),
            TypeDef::Variant(cases) => {
                let with_payload = cases.iter().filter(|case| case.ty.is_some());
                Frame::object(with_payload.map(|case| (&*case.name, case.ty.as_ref())))
            }
            _ => Frame::Unknown,
        },
        _ => Frame::Unknown,
    }
}

/// Calls `offer` with each text that a value of `ty` may be or begin with.
fn values(ty: &Type, offer: &mut impl FnMut(String)) {
    match ty {
        Type::Bool => ["true", "false"].into_iter().for_each(|text| offer(text.to_owned())),
        Type::List(_) | Type::Tuple(_) => offer("[".to_owned()),
        Type::Option(inner) => {
            offer("null".to_owned());
            values(inner, offer);
        }
        Type::Result { .. } => ["ok", "err"].into_iter().for_each(|case| offer(format!("{{\"{case}\": "))),
        Type::Named { def, .. } => match &**def {
            TypeDef::Record(_) => offer("{".to_owned()),
            TypeDef::Enum(cases) => cases.iter().for_each(|case| offer(format!("\"{}\"", snake(case)))),
            TypeDef::Variant(cases) => cases.iter().for_each(|case| offer(case_text(case))),
            TypeDef::Flags(_) => offer("[".to_owned()),
        },
        _ => {}
    }
}

fn case_text(case: &Case) -> String {
    match &case.ty {
        None => format!("\"{}\"", snake(&case.name)),
        Some(_) => format!("{{\"{}\": ", snake(&case.name)),
    }
}

/// Where the string whose content starts at `from` ends, behind its quote.
fn closing(text: &str, from: usize) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text[from..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(from + at + 1),
            _ => {}
        }
    }
    None
}
