//! Operands: expressions of the script to values with origins.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Rejection;
use super::content::{Bound, Content, Origin};
use super::error::{Catchable, no_error};
use super::machine::{Fault, Machine};
use super::scope::Read;
use super::state::{ActId, ErrorRef, Operand};
use crate::syntax::{self, Accessor, Expr, Lens, LensId, Name};
use crate::value::{Step, Tetraplet, Value};

/// What an operand comes to now.
pub(super) enum Resolved {
    Bound(Bound),
    /// A name without a value; the `new` at which reading ended, if any.
    Missing(Name, Option<super::state::ScopeId>),
}

impl Machine<'_> {
    /// Reads the operand with this number unless it is known, and registers it under the name that is missing, if one is.
    ///
    /// # Errors
    /// The error that the instruction fails with.
    pub(super) fn read_operand(
        &mut self,
        act: ActId,
        index: u32,
        operand: &mut Operand,
        expr: Expr,
    ) -> Result<(), Fault> {
        let Operand::Missing(registered) = *operand else { return Ok(()) };
        match self.resolve(act, expr)? {
            Resolved::Bound(bound) => *operand = Operand::Known(bound),
            Resolved::Missing(name, new) => {
                if let Some(new) = new
                    && !self.hope_for(act, index, new)
                {
                    return Err(Catchable::ClearedByNew { name: self.tree.name(name).to_owned() }.into());
                }
                if registered != Some(name) {
                    self.wait_for(act, index, name);
                    *operand = Operand::Missing(Some(name));
                }
            }
        }
        Ok(())
    }

    /// Reads several operands in their order; whether all are known.
    pub(super) fn read_operands(
        &mut self,
        act: ActId,
        operands: &mut [Operand],
        syntax: &[syntax::Operand],
    ) -> Result<bool, Fault> {
        for ((index, operand), syntax) in (0..).zip(operands.iter_mut()).zip(syntax) {
            self.read_operand(act, index, operand, syntax.expr)?;
        }
        Ok(operands.iter().all(|operand| operand.known().is_some()))
    }

    fn resolve(&mut self, act: ActId, expr: Expr) -> Result<Resolved, Fault> {
        let value = match expr {
            Expr::Text(text) => {
                let text = self.tree.text(text);
                self.charge(text.len())?;
                self.state.texts.shared(text).into()
            }
            Expr::Int(int) => int.into(),
            Expr::Uint(int) => int.into(),
            Expr::Float(float) => Value::float(float),
            Expr::Bool(bool) => bool.into(),
            Expr::EmptyArray => Value::array([]),
            Expr::InitPeer => self.state.init.clone().into(),
            Expr::Timestamp => self.particle.timestamp().into(),
            Expr::Ttl => u64::from(self.particle.ttl()).into(),
            Expr::LastError(lens) => {
                let error = self.state.act(act).last_error.clone();
                let object = error.as_ref().map_or_else(no_error, |error| error.last_error_object(&self.state.init));
                return self.resolve_error(act, error, object, lens);
            }
            Expr::Error(lens) => {
                let error = self.state.act(act).error.clone();
                let object = error.as_ref().map_or_else(no_error, |error| error.error_object());
                return self.resolve_error(act, error, object, lens);
            }
            Expr::Variable(name, lens) => return self.resolve_variable(act, name, lens),
        };
        Ok(Resolved::Bound(Bound::new(value, self.state.literal.clone())))
    }

    /// Any lens leaves the origin of an error variable as it is.
    fn resolve_error(
        &mut self,
        act: ActId,
        error: ErrorRef,
        object: Value,
        lens: Option<LensId>,
    ) -> Result<Resolved, Fault> {
        let origin = error.map_or_else(|| self.state.literal.clone(), |error| error.origin.clone());
        let bound = Bound::new(object, origin.clone());
        match lens {
            None => Ok(Resolved::Bound(bound)),
            Some(lens) => Ok(match self.apply_lens(act, bound, lens)? {
                Resolved::Bound(bound) => Resolved::Bound(Bound::new(bound.value, origin)),
                missing => missing,
            }),
        }
    }

    fn resolve_variable(&mut self, act: ActId, name: Name, lens: Option<LensId>) -> Result<Resolved, Fault> {
        match (self.read(act, name), lens) {
            (Read::Missing(new), _) => Ok(Resolved::Missing(name, new)),
            (Read::Content(Content::Plain(bound)), None) => Ok(Resolved::Bound(bound)),
            (Read::Content(Content::Plain(bound)), Some(lens)) => self.apply_lens(act, bound, lens),
            (Read::Content(Content::Canon(canon)), None) => Ok(Resolved::Bound(self.canon_value(name, &canon)?)),
            (Read::Content(Content::Canon(canon)), Some(lens)) => self.canon_lens(act, name, &canon, lens),
        }
    }

    fn apply_lens(&mut self, act: ActId, bound: Bound, lens: LensId) -> Result<Resolved, Fault> {
        match self.tree.lens(lens) {
            Lens::Length => {
                let value = bound.value.length().map_err(Catchable::from)?;
                let origin = self.extend_origin(bound.origin.tetraplet(), ".length")?;
                Ok(Resolved::Bound(Bound::new(value, origin)))
            }
            Lens::Path(accessors) => self.apply_path(act, bound, accessors),
        }
    }

    /// Goes down from a value. The parts of a map's pair have origins of their own.
    pub(super) fn apply_path(&mut self, act: ActId, bound: Bound, accessors: &[Accessor]) -> Result<Resolved, Fault> {
        let mut printed = String::new();
        let mut value = &bound.value;
        let mut part = None;
        for (depth, accessor) in accessors.iter().enumerate() {
            let step = match *accessor {
                Accessor::Field(span) => Step::Field(self.tree.slice(span).into()),
                Accessor::Index(index) => Step::Index(index),
                Accessor::Dynamic(name) => match self.read(act, name.name) {
                    Read::Content(Content::Plain(bound)) => Step::dynamic(&bound.value).map_err(Catchable::from)?,
                    Read::Content(Content::Canon(_)) => Step::dynamic(&Value::NULL).map_err(Catchable::from)?,
                    Read::Missing(new) => return Ok(Resolved::Missing(name.name, new)),
                },
            };
            value = value.step(&step).map_err(Catchable::from)?;
            if let (0, Origin::Pair(pair), Step::Field(field)) = (depth, &bound.origin, &step) {
                part = Some(&pair[usize::from(&**field != "key")]);
                continue;
            }
            // Writing to a string cannot fail.
            let _ = write!(printed, "{}{step}", if printed.is_empty() { ".$" } else { "" });
        }
        let whole = part.unwrap_or_else(|| bound.origin.tetraplet());
        let origin = if printed.is_empty() { whole.clone() } else { self.extend_origin(whole, &printed)? };
        Ok(Resolved::Bound(Bound::new(value.clone(), origin)))
    }

    /// The origin of a part, which the printed `lens` leads to.
    pub(super) fn extend_origin(&mut self, whole: &Tetraplet, lens: &str) -> Result<Arc<Tetraplet>, Rejection> {
        self.charge(whole.lens.len() + lens.len())?;
        Ok(Arc::new(whole.with_lens(lens)))
    }

    /// How errors name a variable: without its lens.
    pub(super) fn operand_name(&self, expr: Expr) -> String {
        match expr {
            Expr::Variable(name, _) => self.tree.name(name).to_owned(),
            Expr::LastError(_) => "%last_error%".to_owned(),
            Expr::Error(_) => ":error:".to_owned(),
            Expr::InitPeer => "%init_peer_id%".to_owned(),
            Expr::Text(text) => self.tree.text(text).to_owned(),
            _ => String::new(),
        }
    }

    /// How a fold's error names its operand: by the lens, if there is one.
    pub(super) fn operand_expression(&self, expr: Expr) -> String {
        match expr.lens() {
            Some(lens) => syntax::print_lens(self.tree, lens),
            None => self.operand_name(expr),
        }
    }
}
