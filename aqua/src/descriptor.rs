//! What lies beside a script: the descriptor that client libraries read, and the source map.

use std::fmt::Write;
use std::ops::Range;

use crate::hir::{Arrow, FunctionId, Program, Span, Type};
use crate::options::Options;

/// The descriptor of a function's script, JSON as the predecessor's clients read it. Fields stand in the order of the
/// parameters, which these clients rely on.
///
/// ```json
/// {"functionName":"f","arrow":{"tag":"arrow","domain":{"tag":"labeledProduct","fields":{"a":{"tag":"scalar","name":"u8"}}},
///  "codomain":{"tag":"nil"}},"names":{"relay":"-relay-", ..}}
/// ```
#[must_use]
pub fn descriptor(program: &Program, name: &str, function: FunctionId, options: &Options) -> String {
    let function = program.function(function);
    let mut out = String::from("{\"functionName\":");
    quote(&mut out, name);
    out.push_str(",\"arrow\":{\"tag\":\"arrow\",\"domain\":");
    let params: Vec<(&str, &Type)> = function
        .params
        .iter()
        .map(|&param| {
            let local = function.local(param);
            (&*local.name, &local.ty)
        })
        .collect();
    labelled(&mut out, &params);
    out.push_str(",\"codomain\":");
    unlabelled(&mut out, &function.results);
    out.push_str("},\"names\":{");
    let names = [
        ("relay", "-relay-"),
        ("getDataSrv", &*options.data_service),
        ("callbackSrv", &*options.callback_service),
        ("responseSrv", &*options.callback_service),
        ("responseFnName", &*options.response_function),
        ("errorHandlingSrv", &*options.error_service),
        ("errorFnName", &*options.error_function),
    ];
    for (index, (key, value)) in names.into_iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(out, "{comma}\"{key}\":");
        quote(&mut out, value);
    }
    out.push_str("}}");
    out
}

/// The source map of a script: for ranges of bytes of the AIR text, ascending by start, file, line and column (both from 1,
/// columns in characters) of the Aqua text.
///
/// ```json
/// {"version":1,"sources":["hello.aqua"],"ranges":[[0,12,0,3,5]]}
/// ```
#[must_use]
pub fn source_map(program: &Program, map: &[(Range<u32>, Span)]) -> String {
    let lines: Vec<Vec<usize>> = program.files.iter().map(|file| line_starts(&file.text)).collect();
    let mut out = String::from("{\"version\":1,\"sources\":[");
    for (index, file) in program.files.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        quote(&mut out, &file.path);
    }
    out.push_str("],\"ranges\":[");
    let mut first = true;
    for (range, span) in map {
        let index = span.file.0 as usize;
        let (Some(file), Some(starts)) = (program.files.get(index), lines.get(index)) else { continue };
        let (line, column) = position(&file.text, starts, span.start as usize);
        let comma = if first { "" } else { "," };
        first = false;
        let _ = write!(out, "{comma}[{},{},{index},{line},{column}]", range.start, range.end);
    }
    out.push_str("]}");
    out
}

/// Line and column of a byte of a text, both from 1, the column in characters.
fn position(text: &str, starts: &[usize], byte: usize) -> (usize, usize) {
    let line = starts.partition_point(|&start| start <= byte).max(1);
    let column = text.get(starts[line - 1]..byte).map_or(0, |before| before.chars().count());
    (line, column + 1)
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(index, _)| index + 1)).collect()
}

fn labelled(out: &mut String, fields: &[(&str, &Type)]) {
    out.push_str("{\"tag\":\"labeledProduct\",\"fields\":");
    object(out, fields.iter().copied());
    out.push('}');
}

fn unlabelled(out: &mut String, items: &[Type]) {
    if items.is_empty() {
        return out.push_str("{\"tag\":\"nil\"}");
    }
    out.push_str("{\"tag\":\"unlabeledProduct\",\"items\":[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        type_tag(out, item);
    }
    out.push_str("]}");
}

fn object<'a>(out: &mut String, fields: impl Iterator<Item = (&'a str, &'a Type)>) {
    out.push('{');
    for (index, (name, ty)) in fields.enumerate() {
        if index > 0 {
            out.push(',');
        }
        quote(out, name);
        out.push(':');
        type_tag(out, ty);
    }
    out.push('}');
}

/// Types nest no deeper than the source text, whose nesting is bounded.
fn type_tag(out: &mut String, ty: &Type) {
    let mut wrapped = |tag: &str, inner: &Type| {
        let _ = write!(out, "{{\"tag\":\"{tag}\",\"type\":");
        type_tag(out, inner);
        out.push('}');
    };
    match ty {
        Type::Scalar(scalar) => {
            let _ = write!(out, "{{\"tag\":\"scalar\",\"name\":\"{}\"}}", scalar.name());
        }
        Type::IntLiteral(..) => out.push_str("{\"tag\":\"scalar\",\"name\":\"i64\"}"),
        Type::FloatLiteral => out.push_str("{\"tag\":\"scalar\",\"name\":\"f64\"}"),
        // Streams are exchanged as arrays.
        Type::Array(inner) | Type::Stream(inner) | Type::StreamMap(inner) => wrapped("array", inner),
        Type::Option(inner) => wrapped("option", inner),
        Type::Data(data) | Type::Ability(data) => {
            out.push_str("{\"tag\":\"struct\",\"name\":");
            quote(out, &data.name);
            out.push_str(",\"fields\":");
            object(out, data.fields.iter().map(|(name, ty)| (&**name, ty)));
            out.push('}');
        }
        Type::Arrow(arrow) => arrow_tag(out, arrow),
        Type::Top | Type::Poison => out.push_str("{\"tag\":\"topType\"}"),
        Type::Bottom => out.push_str("{\"tag\":\"bottomType\"}"),
    }
}

fn arrow_tag(out: &mut String, arrow: &Arrow) {
    out.push_str("{\"tag\":\"arrow\",\"domain\":");
    unlabelled(out, &arrow.params);
    out.push_str(",\"codomain\":");
    unlabelled(out, &arrow.results);
    out.push('}');
}

/// A JSON string.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
