//! Whose turn it is: one call at a time, in order of arrival, each waiting no longer than its deadline, and only so many waiting.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use crate::engine::lock;

/// The line of calls before one instance.
pub(crate) struct Queue {
    state: Mutex<State>,
    max_waiting: usize,
}

#[derive(Default)]
struct State {
    busy: bool,
    waiting: VecDeque<Arc<Waiter>>,
}

#[derive(Default)]
struct Waiter {
    called: Mutex<bool>,
    changed: Condvar,
}

/// The right to use the instance, until dropped.
pub(crate) struct Turn<'a>(&'a Queue);

/// Why there is no turn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// As many calls wait as may.
    Full { waiting: usize },
    /// The deadline came first.
    TimedOut,
}

impl Queue {
    pub(crate) fn new(max_waiting: u32) -> Queue {
        Queue { state: Mutex::default(), max_waiting: max_waiting as usize }
    }

    /// Waits for the turn until `deadline`.
    pub(crate) fn enter(&self, deadline: Instant) -> Result<Turn<'_>, NoTurn> {
        let mut state = lock(&self.state);
        if !state.busy {
            state.busy = true;
            return Ok(Turn(self));
        }
        if state.waiting.len() >= self.max_waiting {
            return Err(NoTurn::Full { waiting: state.waiting.len() });
        }
        let waiter = Arc::new(Waiter::default());
        state.waiting.push_back(waiter.clone());
        drop(state);
        if waiter.wait(deadline) {
            return Ok(Turn(self));
        }
        // The turn may have come between the deadline and this line; then it must be passed on.
        let mut state = lock(&self.state);
        let before = state.waiting.len();
        state.waiting.retain(|other| !Arc::ptr_eq(other, &waiter));
        if state.waiting.len() == before {
            drop(state);
            drop(Turn(self));
        }
        Err(NoTurn::TimedOut)
    }

    /// How many calls wait.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.state).waiting.len()
    }
}

impl Waiter {
    fn wait(&self, deadline: Instant) -> bool {
        let mut called = lock(&self.called);
        while !*called {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            called = match self.changed.wait_timeout(called, left) {
                Ok((called, _)) => called,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        true
    }

    fn call(&self) {
        *lock(&self.called) = true;
        self.changed.notify_one();
    }
}

impl Drop for Turn<'_> {
    /// Hands the turn to who waits longest; the line never looks free in between, so nobody overtakes.
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        match state.waiting.pop_front() {
            Some(next) => next.call(),
            None => state.busy = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn turns_come_in_order_of_arrival() {
        let queue = Queue::new(3);
        let (sender, order) = mpsc::channel();
        thread::scope(|scope| {
            let first = queue.enter(soon()).unwrap();
            for number in 0..3 {
                let (sender, queue) = (sender.clone(), &queue);
                scope.spawn(move || {
                    let _turn = queue.enter(soon()).unwrap();
                    sender.send(number).unwrap();
                });
                while queue.waiting() <= number {
                    thread::yield_now();
                }
            }
            assert_eq!(queue.enter(soon()).err(), Some(NoTurn::Full { waiting: 3 }));
            drop(first);
        });
        drop(sender);
        assert_eq!(order.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn a_deadline_ends_the_wait_and_leaves_the_line_whole() {
        let queue = Queue::new(3);
        let turn = queue.enter(soon()).unwrap();
        assert_eq!(queue.enter(Instant::now()).err(), Some(NoTurn::TimedOut));
        assert_eq!(queue.waiting(), 0);
        drop(turn);
        assert!(queue.enter(Instant::now()).is_ok());
    }
}
