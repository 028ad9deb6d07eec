//! Errors of instructions: what `fail` makes of its operand, and how an error gets its text, instruction and origin.

use std::sync::Arc;

use super::Rejection;
use super::error::{Catchable, Raised};
use super::machine::{INSTANCE_ALLOWANCE, Machine};
use super::state::{Act, ActId, Failure};
use crate::syntax::{self, Expr};
use crate::value::{Number, Tetraplet, Value};

impl Machine<'_> {
    /// The error of `fail` with a code and a text.
    pub(super) fn literal_failure(&self, code: Expr, message: &str) -> Catchable {
        let code = match code {
            Expr::Int(code) => Number::from(code),
            Expr::Uint(code) => Number::from(code),
            _ => Number::from(0_i64),
        };
        let instruction = format!("fail {code} \"{message}\"");
        let more = [("instruction", Value::from(instruction)), ("peer_id", self.state.init.clone().into())];
        Catchable::User { object: Value::error_object(code, message.into(), more.into_iter()) }
    }

    /// The error that `fail` makes of its operand.
    pub(super) fn failure_of(&self, act: ActId, expr: Expr, value: Value) -> Catchable {
        if let (Expr::Error(None), Some(raised)) = (expr, &self.state.act(act).error) {
            return Catchable::Again(raised.clone());
        }
        if !value.is_object() {
            return Catchable::NotAnErrorObject { value };
        }
        let Some(code) = value.get("error_code") else {
            return Catchable::NoErrorField { value, field: "error_code" };
        };
        match code.as_int() {
            None => return Catchable::ErrorFieldType { value, field: "error_code", expected: "integer" },
            Some(code) if code == Number::from(0_i64) => return Catchable::ZeroErrorCode,
            Some(_) => {}
        }
        match value.get("message").map(Value::as_str) {
            None => Catchable::NoErrorField { value, field: "message" },
            Some(None) => Catchable::ErrorFieldType { value, field: "message", expected: "string" },
            Some(Some(_)) => Catchable::User { object: value },
        }
    }

    /// Fails an instruction with an error of its own.
    ///
    /// # Errors
    /// If its text is too long: texts may quote whole values, and other errors, again and again.
    pub(super) fn raise(&mut self, act: ActId, error: Catchable) -> Result<(), Rejection> {
        let raised = match error {
            Catchable::Again(raised) => raised,
            error => self.new_error(act, error)?,
        };
        let last_error =
            if raised.is_last_error() { Some(raised.clone()) } else { self.state.act(act).last_error.clone() };
        let Act { node, frame, .. } = *self.state.act(act);
        self.fail(act, Failure { raised, last_error, node, frame });
        Ok(())
    }

    fn new_error(&mut self, act: ActId, error: Catchable) -> Result<Arc<Raised>, Rejection> {
        let left = self.limits.instance_bytes.saturating_sub(self.state.instance_bytes);
        let longest = left.saturating_add(INSTANCE_ALLOWANCE);
        let message = error.text_within(longest);
        // Of a text that was not written to its end it is enough to know that it is too long.
        self.charge(message.as_ref().map_or(longest.saturating_add(1), String::len))?;
        let instruction = syntax::print_instruction(self.tree, self.state.act(act).node);
        self.charge(instruction.len())?;
        let (peer, origin) = self.call_origin(act, &error);
        Ok(Raised::new(error, message.unwrap_or_default(), instruction, peer, origin))
    }

    fn call_origin(&mut self, act: ActId, error: &Catchable) -> (Option<Arc<str>>, Arc<Tetraplet>) {
        let origin = match error {
            Catchable::LocalService { .. } => self.call_tetraplet(act),
            _ => None,
        };
        let peer = self.state.peer_of_call(act).map(|peer| self.state.peers.text(peer));
        (peer, origin.unwrap_or_else(|| self.state.literal.clone()))
    }
}
