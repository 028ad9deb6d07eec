//! [`Script`]: what a function becomes.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::hir::{self, FunctionId, Program};
use crate::options::Options;
use crate::{emit, expand, place};

/// The script of an exported function.
#[derive(Clone, Debug)]
pub struct Script {
    /// The name outside.
    pub name: Arc<str>,
    /// The function.
    pub function: FunctionId,
    /// AIR, compact.
    pub air: String,
    /// Ranges of `air`, ascending by start, with the source each comes from.
    pub map: Vec<(Range<u32>, hir::Span)>,
    /// What placement found out.
    pub warnings: Vec<Diagnostic>,
}

/// A function whose script would be too large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The calls that lead there, outermost first: the function called and where.
    pub chain: Vec<(FunctionId, hir::Span)>,
    /// Whether it is calls in calls, rather than the number of instructions.
    pub is_depth: bool,
}

/// Compiles one function of a checked program.
///
/// # Errors
/// If the script would be larger than `options` allow.
pub fn script(program: &Program, name: &Arc<str>, function: FunctionId, options: &Options) -> Result<Script, TooLarge> {
    let expanded = expand::expand(program, function, options)
        .map_err(|error| TooLarge { is_depth: error.reason == expand::Excess::Depth, chain: error.chain })?;
    let (placed, warnings) = place::place(expanded, options);
    let printed = emit::emit(&placed);
    #[cfg(debug_assertions)]
    assert_accepted(&printed.text);
    if printed.text.len() > options.max_air {
        return Err(TooLarge { chain: Vec::new(), is_depth: false });
    }
    Ok(Script { name: name.clone(), function, air: printed.text, map: printed.map, warnings })
}

/// Whatever is compiled in a debug build is read again.
#[cfg(debug_assertions)]
fn assert_accepted(air: &str) {
    let parsed = marine_air::Script::parse(air, &marine_air::Limits::default());
    if let Err(error) = parsed.script() {
        panic!("invariant of emission: the text is AIR\n{error}\n{air}");
    }
}
