//! Places in what was typed: finding the value that an error speaks of, and showing it underlined.

use std::ops::Range;

/// How many characters are shown before and behind a place; what is longer is cut.
pub(super) const BEFORE: usize = 72;
pub(super) const BEHIND: usize = 40;

/// The line of `text` that holds the start of `place`, with the place underlined as far as it lies in that line.
pub(super) fn underlined(text: &str, place: Range<usize>) -> String {
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (start, end) = (floor(place.start), floor(place.end));
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let column = text[line_start..start].chars().count();
    let end_of_line = line_start + line.len();
    let wide = text[start..end.clamp(start, end_of_line.max(start))].chars().count().max(1);
    let cut = column.saturating_sub(BEFORE);
    let mark = if cut > 0 { "…" } else { "" };
    let mut rest = line.chars().skip(cut);
    let mut shown: String = mark.chars().chain(rest.by_ref().take(BEFORE + BEHIND)).collect();
    if rest.next().is_some() {
        shown.push('…');
    }
    let before = column - cut + mark.chars().count();
    let wide = wide.min(shown.chars().count().saturating_sub(before).max(1));
    format!("  {shown}\n  {}{}", " ".repeat(before), "^".repeat(wide))
}

/// One step of a path such as `args[0].user`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `[0]`
    Index(usize),
    /// `.user`
    Name(String),
}

/// The steps of `path` behind its root.
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let root = path.find(['.', '[']).unwrap_or(path.len());
    let mut rest = &path[root..];
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').unwrap_or(inner.len());
            let Ok(index) = inner[..end].parse() else { break };
            steps.push(Step::Index(index));
            rest = inner.get(end + 1..).unwrap_or_default();
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                break;
            }
            steps.push(Step::Name(name[..end].to_owned()));
            rest = &name[end..];
        }
    }
    steps
}

/// The deepest value inside the JSON text `text[place]` to which `steps` lead.
pub(super) fn descend(text: &str, mut place: Range<usize>, steps: &[Step]) -> Range<usize> {
    for step in steps {
        match child(text, &place, step) {
            Some(inner) => place = inner,
            None => break,
        }
    }
    place
}

fn child(text: &str, place: &Range<usize>, step: &Step) -> Option<Range<usize>> {
    let inner = &text[place.clone()];
    let open = inner.chars().next()?;
    let items = items(inner);
    let at = |item: Range<usize>| place.start + item.start..place.start + item.end;
    match (open, step) {
        ('[', Step::Index(index)) => items.get(*index).cloned().map(at),
        ('{', Step::Name(name)) => items.into_iter().find_map(|item| {
            let (key, value) = field(inner, item)?;
            (key.replace('-', "_") == name.replace('-', "_")).then(|| at(value))
        }),
        _ => None,
    }
}

/// Key and value of a field of an object.
fn field(text: &str, item: Range<usize>) -> Option<(String, Range<usize>)> {
    let whole = &text[item.clone()];
    let end = string_end(whole)?;
    let key = serde_json::from_str(&whole[..end]).ok()?;
    let colon = end + whole[end..].find(':')? + 1;
    let value = colon + (whole[colon..].len() - whole[colon..].trim_start().len());
    Some((key, item.start + value..item.end))
}

/// Where the string that `text` starts with ends.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    let mut chars = text.char_indices();
    chars.next().filter(|(_, c)| *c == '"')?;
    for (at, c) in chars {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The elements of an array, or fields of an object, that `text` is.
fn items(text: &str) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    let (mut depth, mut in_string, mut escaped, mut start) = (0usize, false, false, 0);
    let mut push = |range: Range<usize>| {
        let inner = &text[range.clone()];
        let start = range.start + (inner.len() - inner.trim_start().len());
        let end = range.start + inner.trim_end().len();
        if start < end {
            items.push(start..end);
        }
    };
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '[' | '{' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    push(start..at);
                    break;
                }
            }
            ',' if depth == 1 => {
                push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_the_value_they_name() {
        let text = r#"f([{"a": [1, {"b-c": "x,]\"}"}], "d" : 2}, 3])"#;
        let whole = 2..text.len() - 1;
        let cases = [
            ("args", r#"[{"a": [1, {"b-c": "x,]\"}"}], "d" : 2}, 3]"#),
            ("args[1]", "3"),
            ("args[0].d", "2"),
            ("args[0].a[1].b_c", r#""x,]\"}""#),
            ("args[0].nope", r#"{"a": [1, {"b-c": "x,]\"}"}], "d" : 2}"#),
            ("args[0].a[7]", r#"[1, {"b-c": "x,]\"}"}]"#),
        ];
        for (path, expected) in cases {
            assert_eq!(&text[descend(text, whole.clone(), &steps(path))], expected, "{path}");
        }
    }

    #[test]
    fn a_place_is_underlined_in_its_line() {
        assert_eq!(underlined("f(1,\n  -1)", 7..9), "    -1)\n    ^^");
        assert_eq!(underlined("f(ä)", 2..4), "  f(ä)\n    ^");
        assert_eq!(underlined("f(", 2..3), "  f(\n    ^");
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_path_panics(text in "\\PC{0,40}", path in "[a-z.\\[\\]0-9]{0,20}", from in 0usize..50, to in 0usize..50) {
            let place = descend(&text, 0..text.len(), &steps(&path));
            proptest::prop_assert!(text.get(place).is_some());
            let _ = underlined(&text, from.min(to)..from.max(to));
        }
    }
}
