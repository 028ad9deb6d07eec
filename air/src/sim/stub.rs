//! [`Stub`]: what stands in for the services of simulated peers.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::peers::Peers;
use crate::execution::{CallRequest, CallResult};
use crate::value::{Tetraplet, Value};

/// An answer to calls that match. The first stub that fits a call answers it.
///
/// ```
/// use marine_air::sim::Stub;
///
/// let count = Stub::new("stock.count").at("shop").args(["pears"]).ok(12).delay(5..=30);
/// let others = Stub::new("stock.*").error(7, "not in stock");
/// ```
#[derive(Clone, Debug)]
pub struct Stub {
    peer: Option<String>,
    service: Option<String>,
    function: Option<String>,
    args: Option<Vec<Value>>,
    answer: Answer,
    delay: Delay,
}

/// How long a call takes, in virtual milliseconds.
#[derive(Clone, Debug)]
enum Delay {
    Within(RangeInclusive<u64>),
    /// As long as the argument with this index says.
    Argument(usize),
}

/// What a [`Stub`] answers.
#[derive(Clone)]
enum Answer {
    Sequence(Vec<Value>),
    Error { code: i32, message: String },
    Echo(usize),
    EchoAll,
    Tetraplets,
    Silent,
    Function(Arc<Function>),
}

type Function = dyn Fn(&StubCall<'_>) -> CallResult + Send + Sync;

/// A call as a function behind a stub sees it.
#[derive(Clone, Copy, Debug)]
pub struct StubCall<'a> {
    /// The name of the peer.
    pub peer: &'a str,
    /// The service.
    pub service: &'a str,
    /// The function.
    pub function: &'a str,
    /// The arguments, with real peer ids.
    pub args: &'a [Value],
    /// How many calls this stub has answered before.
    pub count: usize,
}

impl Stub {
    /// A stub for `service.function`, where either part may be `*`. Until told otherwise it answers every such call at every
    /// peer with `null` at once.
    #[must_use]
    pub fn new(call: &str) -> Self {
        let (service, function) = call.split_once('.').unwrap_or((call, "*"));
        let part = |text: &str| (text != "*").then(|| text.to_owned());
        Self {
            peer: None,
            service: part(service),
            function: part(function),
            args: None,
            answer: Answer::Sequence(Vec::new()),
            delay: Delay::Within(0..=0),
        }
    }

    /// Only at the peer with this name.
    #[must_use]
    pub fn at(mut self, peer: &str) -> Self {
        self.peer = Some(peer.to_owned());
        self
    }

    /// Only calls with exactly these arguments.
    #[must_use]
    pub fn args<V: Into<Value>>(mut self, args: impl IntoIterator<Item = V>) -> Self {
        self.args = Some(args.into_iter().map(Into::into).collect());
        self
    }

    /// Answers with this value.
    #[must_use]
    pub fn ok(self, value: impl Into<Value>) -> Self {
        self.ok_seq([value])
    }

    /// Answers with these values one after the other; the last one repeats. A peer that restarts goes on where it was.
    #[must_use]
    pub fn ok_seq<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Self {
        self.answer(Answer::Sequence(values.into_iter().map(Into::into).collect()))
    }

    /// Answers with this JSON value.
    #[must_use]
    pub fn json(self, value: serde_json::Value) -> Self {
        self.ok(value)
    }

    /// Answers with this error.
    #[must_use]
    pub fn error(self, code: i32, message: &str) -> Self {
        self.answer(Answer::Error { code, message: message.to_owned() })
    }

    /// Answers with the argument at this index; with an error if there is none.
    #[must_use]
    pub fn echo(self, index: usize) -> Self {
        self.answer(Answer::Echo(index))
    }

    /// Answers with the array of all arguments.
    #[must_use]
    pub fn echo_all(self) -> Self {
        self.answer(Answer::EchoAll)
    }

    /// Answers with the tetraplets of the arguments.
    #[must_use]
    pub fn tetraplets(self) -> Self {
        self.answer(Answer::Tetraplets)
    }

    /// Never answers.
    #[must_use]
    pub fn silent(self) -> Self {
        self.answer(Answer::Silent)
    }

    /// Answers with what this function returns. Runs can be repeated only if it has no memory.
    #[must_use]
    pub fn function(self, function: impl Fn(&StubCall<'_>) -> CallResult + Send + Sync + 'static) -> Self {
        self.answer(Answer::Function(Arc::new(function)))
    }

    /// The call takes this long, in virtual milliseconds.
    #[must_use]
    pub fn delay(mut self, delay: RangeInclusive<u64>) -> Self {
        self.delay = Delay::Within(delay);
        self
    }

    /// The call takes as many virtual milliseconds as the argument with this index says; none if it is no such number.
    #[must_use]
    pub fn delay_by(mut self, argument: usize) -> Self {
        self.delay = Delay::Argument(argument);
        self
    }

    /// Between which times the call takes.
    pub(super) fn delay_of(&self, request: &CallRequest) -> RangeInclusive<u64> {
        match &self.delay {
            Delay::Within(range) => range.clone(),
            Delay::Argument(index) => {
                let argument = request.args.get(*index).map(serde_json::Value::from);
                let ms = argument.and_then(|ms| ms.as_u64()).unwrap_or(0);
                ms..=ms
            }
        }
    }

    fn answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    pub(super) fn fits(&self, peer: &str, request: &CallRequest, peers: &Peers) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let same_args = |args: &Vec<Value>| {
            args.len() == request.args.len()
                && args.iter().zip(&request.args).all(|(wanted, found)| peers.with_ids(wanted) == *found)
        };
        is(&self.peer, peer)
            && is(&self.service, &request.service)
            && is(&self.function, &request.function)
            && self.args.as_ref().is_none_or(same_args)
    }

    /// The answer to a call, the `count`-th of this stub; `None`: never.
    pub(super) fn result(&self, peer: &str, request: &CallRequest, count: usize, peers: &Peers) -> Option<CallResult> {
        let ok = |value: &Value| Some(CallResult::Ok(peers.with_ids(value)));
        match &self.answer {
            Answer::Sequence(values) => match values.get(count).or(values.last()) {
                Some(value) => ok(value),
                None => ok(&Value::NULL),
            },
            Answer::Error { code, message } => Some(CallResult::Err { code: *code, message: message.clone() }),
            Answer::Echo(index) => match request.args.get(*index) {
                Some(value) => ok(value),
                None => Some(CallResult::Err { code: 1, message: format!("no argument {index} to echo") }),
            },
            Answer::EchoAll => ok(&Value::array(request.args.iter().cloned())),
            Answer::Tetraplets => ok(&tetraplets_value(&request.tetraplets)),
            Answer::Silent => None,
            Answer::Function(function) => {
                let (service, name) = (&*request.service, &*request.function);
                Some(function(&StubCall { peer, service, function: name, args: &request.args, count }))
            }
        }
    }
}

/// The lists of tetraplets as a value, each an object of its four fields.
pub(super) fn tetraplets_value(tetraplets: &[Vec<Tetraplet>]) -> Value {
    let object = |tetraplet: &Tetraplet| {
        let Tetraplet { peer_pk, service_id, function_name, lens } = tetraplet.clone();
        let fields =
            [("peer_pk", peer_pk), ("service_id", service_id), ("function_name", function_name), ("lens", lens)];
        Value::object(fields.map(|(name, text)| (name, Value::from(text))))
    };
    Value::array(tetraplets.iter().map(|list| Value::array(list.iter().map(object))))
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Sequence(values) => f.debug_tuple("Sequence").field(values).finish(),
            Answer::Error { code, message } => {
                f.debug_struct("Error").field("code", code).field("message", message).finish()
            }
            Answer::Echo(index) => f.debug_tuple("Echo").field(index).finish(),
            Answer::EchoAll => f.write_str("EchoAll"),
            Answer::Tetraplets => f.write_str("Tetraplets"),
            Answer::Silent => f.write_str("Silent"),
            Answer::Function(_) => f.write_str("Function"),
        }
    }
}
