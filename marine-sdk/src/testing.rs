//! For native unit tests of service crates.

use std::cell::RefCell;

use crate::CallParameters;

thread_local! {
    static CURRENT: RefCell<Vec<CallParameters>> = const { RefCell::new(Vec::new()) };
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

/// The parameters set last in this thread.
pub(crate) fn current() -> Option<CallParameters> {
    CURRENT.with_borrow(|stack| stack.last().cloned())
}
