//! For native unit tests of service crates: what a host would give.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::CallParameters;
use crate::kv::KvError;

/// The values of one store.
pub(crate) type Values = BTreeMap<String, Vec<u8>>;

thread_local! {
    static CURRENT: RefCell<Vec<CallParameters>> = const { RefCell::new(Vec::new()) };
    static STORES: RefCell<Vec<BTreeMap<String, Values>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `test` as if `parameters` were those of the call being served.
pub fn with_call_parameters<T>(parameters: CallParameters, test: impl FnOnce() -> T) -> T {
    /// Takes the parameters away again, also when the test panics.
    struct Pop;
    impl Drop for Pop {
        fn drop(&mut self) {
            CURRENT.with_borrow_mut(Vec::pop);
        }
    }
    CURRENT.with_borrow_mut(|stack| stack.push(parameters));
    let _pop = Pop;
    test()
}

/// Runs `test` as if key-value stores of these `names` were granted; they are empty, and gone afterwards.
pub fn with_stores<T>(names: &[&str], test: impl FnOnce() -> T) -> T {
    /// Takes the stores away again, also when the test panics.
    struct Pop;
    impl Drop for Pop {
        fn drop(&mut self) {
            STORES.with_borrow_mut(Vec::pop);
        }
    }
    let stores = names.iter().map(|name| ((*name).to_owned(), Values::new())).collect();
    STORES.with_borrow_mut(|stack| stack.push(stores));
    let _pop = Pop;
    test()
}

/// The parameters set last in this thread.
pub(crate) fn current() -> Option<CallParameters> {
    CURRENT.with_borrow(|stack| stack.last().cloned())
}

/// Does `operation` with the values of the store called `name`.
pub(crate) fn in_store<T>(name: &str, operation: impl FnOnce(&mut Values) -> Result<T, KvError>) -> Result<T, KvError> {
    STORES.with_borrow_mut(|stack| match stack.last_mut() {
        Some(stores) => operation(stores.get_mut(name).ok_or(KvError::Denied)?),
        None => panic!(
            "the key-value store `{name}` exists inside a service only; tests use it inside of \
             `marine_sdk::testing::with_stores`"
        ),
    })
}
