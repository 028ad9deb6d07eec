//! Routes between places: which peers control passes on its way.

use std::rc::Rc;

use crate::ir::{Place, Relay, Stop, Value};

/// The stops between the peers of two places, without these peers.
///
/// The `on`s that both places share are left alone. From the rest of `from` control goes back through its relays, innermost
/// first; then through those of `to`, outermost first. Peers of intermediate `on`s are not visited.
pub(super) fn route(from: &Rc<Place>, to: &Rc<Place>) -> Vec<Stop> {
    if Rc::ptr_eq(from, to) || from.peer == to.peer {
        return Vec::new();
    }
    let (from_chain, to_chain) = (chain(from), chain(to));
    let shared = from_chain.iter().zip(&to_chain).take_while(|(a, b)| same(a, b)).count();
    // A side with nothing of its own starts or ends at the innermost shared `on`.
    let own = |chain: &[&Place]| if chain.len() == shared { shared.saturating_sub(1) } else { shared };
    let (back, forth) = (&from_chain[own(&from_chain)..], &to_chain[own(&to_chain)..]);
    let mut path = Path::default();
    path.push(Stop::Peer(from.peer.clone()));
    for place in back.iter().rev() {
        for relay in place.via.iter().rev() {
            path.push(stop(relay, true));
        }
    }
    for place in forth {
        for relay in &place.via {
            path.push(stop(relay, false));
        }
    }
    path.push(Stop::Peer(to.peer.clone()));
    path.between()
}

/// Whether a place is entered and left through its peer itself, having no relays.
pub(super) fn is_direct(place: &Place) -> bool {
    place.via.is_empty()
}

/// The stops that are left when control is at a peer already.
pub(super) fn trim(mut stops: Vec<Stop>, at: Option<&Value>) -> Vec<Stop> {
    if let Some(at) = at
        && let Some(index) = stops.iter().rposition(|stop| matches!(stop, Stop::Peer(peer) if peer == at))
    {
        stops.drain(..=index);
    }
    stops
}

fn chain(place: &Rc<Place>) -> Vec<&Place> {
    let mut chain: Vec<&Place> = std::iter::successors(Some(&**place), |place| place.outer.as_deref()).collect();
    chain.reverse();
    chain
}

fn same(a: &Place, b: &Place) -> bool {
    std::ptr::eq(a, b) || (a.peer == b.peer && a.via == b.via)
}

fn stop(relay: &Relay, backwards: bool) -> Stop {
    match relay {
        Relay::Peer(peer) => Stop::Peer(peer.clone()),
        Relay::Each(peers) => Stop::Each { peers: peers.clone(), backwards },
    }
}

/// Stops without loops.
#[derive(Default)]
struct Path(Vec<Stop>);

impl Path {
    fn push(&mut self, stop: Stop) {
        let known = match &stop {
            Stop::Peer(_) => self.0.iter().position(|known| *known == stop),
            Stop::Each { .. } => (self.0.last() == Some(&stop)).then(|| self.0.len() - 1),
        };
        match known {
            Some(index) => self.0.truncate(index + 1),
            None => self.0.push(stop),
        }
    }

    fn between(mut self) -> Vec<Stop> {
        self.0.pop();
        if !self.0.is_empty() {
            self.0.remove(0);
        }
        self.0
    }
}
