//! Semantic tokens in the form of the protocol: five numbers each, places relative to the token before.

use lsp_types::{SemanticToken, SemanticTokenType, SemanticTokens, SemanticTokensLegend};
use marine_aqua::SymbolKind;
use marine_aqua::diagnostic::Span;
use marine_aqua::editor::TokenKind;

use crate::convert::Lines;

/// The types that [`encoded`] numbers.
const TYPES: &[SemanticTokenType] = &[
    SemanticTokenType::KEYWORD,
    SemanticTokenType::COMMENT,
    SemanticTokenType::STRING,
    SemanticTokenType::NUMBER,
    SemanticTokenType::OPERATOR,
    SemanticTokenType::TYPE,
    SemanticTokenType::STRUCT,
    SemanticTokenType::INTERFACE,
    SemanticTokenType::FUNCTION,
    SemanticTokenType::METHOD,
    SemanticTokenType::PROPERTY,
    SemanticTokenType::VARIABLE,
    SemanticTokenType::ENUM_MEMBER,
    SemanticTokenType::NAMESPACE,
];

pub(crate) fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend { token_types: TYPES.to_vec(), token_modifiers: Vec::new() }
}

fn type_of(kind: TokenKind) -> SemanticTokenType {
    match kind {
        TokenKind::Keyword => SemanticTokenType::KEYWORD,
        TokenKind::Comment => SemanticTokenType::COMMENT,
        TokenKind::String => SemanticTokenType::STRING,
        TokenKind::Literal => SemanticTokenType::NUMBER,
        TokenKind::Operator => SemanticTokenType::OPERATOR,
        TokenKind::Scalar => SemanticTokenType::TYPE,
        TokenKind::Name(SymbolKind::Type) => SemanticTokenType::STRUCT,
        TokenKind::Name(SymbolKind::Ability | SymbolKind::Service) => SemanticTokenType::INTERFACE,
        TokenKind::Name(SymbolKind::Function) => SemanticTokenType::FUNCTION,
        TokenKind::Name(SymbolKind::Method) => SemanticTokenType::METHOD,
        TokenKind::Name(SymbolKind::Field) => SemanticTokenType::PROPERTY,
        TokenKind::Name(SymbolKind::Local | SymbolKind::Stream) => SemanticTokenType::VARIABLE,
        TokenKind::Name(SymbolKind::Const) => SemanticTokenType::ENUM_MEMBER,
        TokenKind::Name(SymbolKind::Module) => SemanticTokenType::NAMESPACE,
    }
}

/// Tokens in order; one that goes over several lines is given line by line, for not every editor takes it whole.
pub(crate) fn encoded(text: &str, tokens: &[(Span, TokenKind)]) -> SemanticTokens {
    let lines = Lines::of(text);
    let (mut line, mut column) = (0, 0);
    let mut data = Vec::with_capacity(tokens.len());
    for (span, kind) in tokens {
        let token_type = TYPES.iter().position(|known| *known == type_of(*kind)).unwrap_or_default() as u32;
        let mut start = span.start as usize;
        for part in text.get(span.range()).unwrap_or_default().split_inclusive('\n') {
            let range = lines.range(start..start + part.trim_end_matches(['\r', '\n']).len());
            start += part.len();
            let length = range.end.character - range.start.character;
            if length == 0 {
                continue;
            }
            let delta_line = range.start.line - line;
            let delta_start = if delta_line == 0 { range.start.character - column } else { range.start.character };
            (line, column) = (range.start.line, range.start.character);
            data.push(SemanticToken { delta_line, delta_start, length, token_type, token_modifiers_bitset: 0 });
        }
    }
    SemanticTokens { result_id: None, data }
}
