//! [`Functions`]: what a client offers to the script of one run.

use std::{collections::HashMap, fmt, sync::Arc};

use serde_json::Value;

type Function = dyn Fn(Vec<Value>) -> Result<Value, String> + Send + Sync;

/// Functions that a script may call at the client that started it, by service and name, besides those that every client has.
///
/// ```
/// let mut functions = marine_node::Functions::default();
/// functions.add("callbackSrv", "seen", |args| {
///     println!("{args:?}");
///     Ok(serde_json::Value::Null)
/// });
/// ```
#[derive(Clone, Default)]
pub struct Functions(HashMap<(String, String), Arc<Function>>);

impl Functions {
    /// Offers `service.function`. It is called while the script waits, so it returns soon; what it returns as an error is the call's,
    /// with code 1.
    pub fn add(
        &mut self,
        service: &str,
        function: &str,
        answer: impl Fn(Vec<Value>) -> Result<Value, String> + Send + Sync + 'static,
    ) {
        self.0.insert((service.to_owned(), function.to_owned()), Arc::new(answer));
    }

    pub(super) fn find(&self, service: &str, function: &str) -> Option<&Arc<Function>> {
        self.0.get(&(service.to_owned(), function.to_owned()))
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys().map(|(service, name)| format!("{service}.{name}"))).finish()
    }
}
