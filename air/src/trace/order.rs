//! What happened in which order, as far as the data tells: the order in which a picture shows it.
//!
//! Each peer's log is in the order of its steps, and nothing can be stated about a call before the particle was sent there
//! for it. Between what these two leave open the order of the script decides.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Row, RowState, Says, Statement};

/// Something to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// A row: a call with its result, a canon, or an entry that stands by itself.
    Row(usize),
    /// The particle goes from one peer to another.
    Move {
        /// The peer that sent it.
        from: String,
        /// The peer that has something to do.
        to: String,
    },
}

/// All events in order. A call without a result stands behind the last that was stated about it; one about which nothing was,
/// since it failed before it was sent anywhere, before what comes after it in the script.
pub(super) fn events(rows: &[Row]) -> Vec<Event> {
    let mut picture = Events { rows, events: Vec::new(), shown: BTreeSet::new() };
    let mut silent: BTreeSet<usize> = (0..rows.len()).filter(|row| rows[*row].statements.is_empty()).collect();
    for (row, statement) in ordered(rows) {
        while let Some(before) = silent.first().copied().filter(|before| *before < row) {
            silent.remove(&before);
            picture.show(before);
        }
        match &statement.says {
            Says::Sent { to, .. } => {
                // Otherwise it is at work on it itself.
                if *to != statement.by {
                    picture.send(&statement.by, to);
                }
                let is_waiting = matches!(rows[row].state, RowState::Waiting { .. });
                if is_waiting && rows[row].statements.last() == Some(statement) {
                    picture.show(row);
                }
            }
            _ => picture.show(row),
        }
    }
    (0..rows.len()).for_each(|row| picture.show(row));
    picture.events
}

struct Events<'t> {
    rows: &'t [Row],
    events: Vec<Event>,
    shown: BTreeSet<usize>,
}

impl Events<'_> {
    fn show(&mut self, row: usize) {
        if self.shown.insert(row) {
            self.events.push(Event::Row(row));
        }
    }

    fn send(&mut self, from: &str, to: &str) {
        let event = Event::Move { from: from.to_owned(), to: to.to_owned() };
        // Forwarding several calls to a peer is one message.
        let is_same = |before: &Event| *before == event;
        let calls_that_wait = |before: &&Event| match before {
            Event::Row(row) => !matches!(self.rows[*row].state, RowState::Waiting { .. }),
            Event::Move { .. } => true,
        };
        if !self.events.iter().rev().find(calls_that_wait).is_some_and(is_same) {
            self.events.push(event);
        }
    }
}

/// All statements with their rows.
fn ordered(rows: &[Row]) -> Vec<(usize, &Statement)> {
    let mut statements: Vec<(usize, &Statement)> = Vec::new();
    for (row, of) in rows.iter().enumerate() {
        statements.extend(of.statements.iter().map(|statement| (row, statement)));
    }
    statements.sort_by_key(|(_, statement)| (&statement.by, statement.entry));
    let mut order = Order::new(statements.len());
    let mut sent: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, (row, statement)) in statements.iter().enumerate() {
        if index > 0 && statements[index - 1].1.by == statement.by {
            order.put(index - 1, index);
        }
        if matches!(statement.says, Says::Sent { .. }) {
            sent.entry(*row).or_default().push(index);
        }
    }
    for (index, (row, statement)) in statements.iter().enumerate() {
        if !matches!(statement.says, Says::Sent { .. }) {
            sent.get(row).into_iter().flatten().for_each(|&sent| order.put(sent, index));
        }
    }
    let order = order.sorted(|index| statements[index].0);
    order.into_iter().map(|index| statements[index]).collect()
}

/// A partial order to be made a total one.
struct Order {
    /// By item, those that come after it.
    after: Vec<Vec<usize>>,
    /// By item, how many have to come before it.
    before: Vec<usize>,
}

impl Order {
    fn new(len: usize) -> Self {
        Self { after: vec![Vec::new(); len], before: vec![0; len] }
    }

    fn put(&mut self, first: usize, second: usize) {
        self.after[first].push(second);
        self.before[second] += 1;
    }

    /// Where two items may come next, that of the lesser rank does. Data can contradict itself, which is for `verify` to
    /// tell: then the item of the least rank comes next though others should come before it.
    fn sorted(mut self, rank: impl Fn(usize) -> usize) -> Vec<usize> {
        let items = 0..self.before.len();
        let mut left: BTreeSet<(usize, usize)> = items.map(|item| (rank(item), item)).collect();
        let mut ready: BTreeSet<(usize, usize)> =
            left.iter().filter(|(_, item)| self.before[*item] == 0).copied().collect();
        let mut sorted = Vec::with_capacity(left.len());
        while let Some(next) = ready.pop_first().or_else(|| left.first().copied()) {
            if !left.remove(&next) {
                continue;
            }
            sorted.push(next.1);
            for &item in &self.after[next.1] {
                self.before[item] -= 1;
                if self.before[item] == 0 {
                    ready.insert((rank(item), item));
                }
            }
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::Order;

    #[test]
    fn what_has_to_come_before_does() {
        let mut order = Order::new(4);
        order.put(3, 0);
        order.put(2, 3);
        assert_eq!(order.sorted(|item| item), [1, 2, 3, 0]);
    }

    #[test]
    fn a_contradiction_does_not_stop_it() {
        let mut order = Order::new(3);
        order.put(0, 1);
        order.put(1, 0);
        assert_eq!(order.sorted(|item| item), [2, 0, 1]);
    }
}
