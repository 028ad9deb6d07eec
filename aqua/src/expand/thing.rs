//! [`Thing`]: what an expression is while a function is expanded.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::FrameId;
use crate::hir::{Closure, FunctionId};
use crate::ir::{Place, Value, Var};

/// What an expression stands for. Only values are there at run time.
#[derive(Clone, Debug)]
pub(super) enum Thing {
    Value(Value),
    Stream(Var),
    Map(Var),
    Arrow(ArrowThing),
    Ability(Rc<Members>),
    /// A service by its id.
    Service(Value),
}

/// The members of an ability by name.
pub(super) type Members = BTreeMap<Arc<str>, Thing>;

/// Something that can be called.
#[derive(Clone, Debug)]
pub(super) enum ArrowThing {
    Function(FunctionId),
    /// A closure with the variables and the place it was defined in.
    Closure {
        closure: Arc<Closure>,
        frame: FrameId,
        place: Rc<Place>,
    },
    Method {
        id: Value,
        name: Arc<str>,
    },
    /// An argument of the exported function, with the number of its results.
    Callback {
        name: Arc<str>,
        results: usize,
    },
}
