//! Whose turn it is: as many calls at a time as there may be instances, in order of arrival, each waiting no longer than its deadline,
//! and only so many waiting.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::cancel::CancelToken;
use crate::engine::lock;

/// How often a waiting call looks whether it was cancelled.
const CHECK: Duration = Duration::from_millis(5);

/// The line of calls before the instances.
pub(crate) struct Queue {
    state: Mutex<State>,
    max_running: u32,
    max_waiting: usize,
}

#[derive(Default)]
struct State {
    running: u32,
    waiting: VecDeque<Arc<Waiter>>,
}

#[derive(Default)]
struct Waiter {
    called: Mutex<bool>,
    changed: Condvar,
}

/// The right to use an instance, until dropped.
pub(crate) struct Turn<'a>(&'a Queue);

/// Why there is no turn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// As many calls wait as may.
    Full { waiting: usize },
    /// The deadline came first.
    TimedOut,
    /// The caller gave up.
    Cancelled,
}

impl Queue {
    pub(crate) fn new(max_running: u32, max_waiting: u32) -> Queue {
        Queue { state: Mutex::default(), max_running, max_waiting: max_waiting as usize }
    }

    /// Waits for the turn until `deadline`, or until `cancel` is cancelled.
    pub(crate) fn enter(&self, deadline: Instant, cancel: Option<&CancelToken>) -> Result<Turn<'_>, NoTurn> {
        let mut state = lock(&self.state);
        if state.running < self.max_running {
            state.running += 1;
            return Ok(Turn(self));
        }
        if state.waiting.len() >= self.max_waiting {
            return Err(NoTurn::Full { waiting: state.waiting.len() });
        }
        let waiter = Arc::new(Waiter::default());
        state.waiting.push_back(waiter.clone());
        drop(state);
        let Err(none) = waiter.wait(deadline, cancel) else { return Ok(Turn(self)) };
        // The turn may have come between the deadline and this line; then it must be passed on.
        let mut state = lock(&self.state);
        let before = state.waiting.len();
        state.waiting.retain(|other| !Arc::ptr_eq(other, &waiter));
        if state.waiting.len() == before {
            drop(state);
            drop(Turn(self));
        }
        Err(none)
    }

    /// How many calls wait.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.state).waiting.len()
    }
}

impl Waiter {
    fn wait(&self, deadline: Instant, cancel: Option<&CancelToken>) -> Result<(), NoTurn> {
        let mut called = lock(&self.called);
        while !*called {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(NoTurn::TimedOut);
            }
            if cancel.is_some_and(CancelToken::is_cancelled) {
                return Err(NoTurn::Cancelled);
            }
            let nap = if cancel.is_some() { left.min(CHECK) } else { left };
            called = match self.changed.wait_timeout(called, nap) {
                Ok((called, _)) => called,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        Ok(())
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
            None => state.running -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn turns_come_in_order_of_arrival() {
        let queue = Queue::new(1, 3);
        let (sender, order) = mpsc::channel();
        thread::scope(|scope| {
            let first = queue.enter(soon(), None).unwrap();
            for number in 0..3 {
                let (sender, queue) = (sender.clone(), &queue);
                scope.spawn(move || {
                    let _turn = queue.enter(soon(), None).unwrap();
                    sender.send(number).unwrap();
                });
                while queue.waiting() <= number {
                    thread::yield_now();
                }
            }
            assert_eq!(queue.enter(soon(), None).err(), Some(NoTurn::Full { waiting: 3 }));
            drop(first);
        });
        drop(sender);
        assert_eq!(order.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn several_may_run_at_once_and_a_waiting_call_can_be_cancelled() {
        let queue = Queue::new(2, 3);
        let (one, two) = (queue.enter(soon(), None).unwrap(), queue.enter(soon(), None).unwrap());
        let token = CancelToken::new();
        token.cancel();
        assert_eq!(queue.enter(soon(), Some(&token)).err(), Some(NoTurn::Cancelled));
        drop(one);
        assert!(queue.enter(Instant::now(), None).is_ok());
        drop(two);
    }

    #[test]
    fn a_deadline_ends_the_wait_and_leaves_the_line_whole() {
        let queue = Queue::new(1, 3);
        let turn = queue.enter(soon(), None).unwrap();
        assert_eq!(queue.enter(Instant::now(), None).err(), Some(NoTurn::TimedOut));
        assert_eq!(queue.waiting(), 0);
        drop(turn);
        assert!(queue.enter(Instant::now(), None).is_ok());
    }
}
