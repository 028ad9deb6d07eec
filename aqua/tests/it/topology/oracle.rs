//! Which peers control passes between two instructions that execute: the rules of routes, told a second time and without a
//! compiler.

use std::collections::BTreeSet;

/// A peer: the word that the program has for it, and which one it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) word: String,
    pub(crate) peer: String,
}

impl Named {
    pub(crate) fn new(word: &str, peer: &str) -> Self {
        Self { word: word.to_owned(), peer: peer.to_owned() }
    }
}

/// An `on`: its peer, and its relays; several peers in one relay are the elements of a collection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct On {
    pub(crate) peer: Named,
    pub(crate) via: Vec<Vec<Named>>,
}

/// The `on`s around an instruction, outermost first; the first is the init peer, behind its relay.
pub(crate) type Place = Vec<On>;

/// What code runs in: an `on` that was entered, or the body of a closure. No two have the same id.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) id: usize,
    pub(crate) place: Place,
}

impl Frame {
    fn on(&self) -> &On {
        self.place.last().expect("there is the init peer")
    }

    fn is_direct(&self) -> bool {
        self.on().via.is_empty()
    }
}

/// The relays between the peers of two places.
pub(crate) fn route(from: &Place, to: &Place) -> Vec<Named> {
    let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let (mut back, mut forth) = (&from[shared..], &to[shared..]);
    if peer(from).word == peer(to).word {
        return Vec::new();
    }
    if back.is_empty() {
        back = &from[shared - 1..];
    }
    if forth.is_empty() {
        forth = &to[shared - 1..];
    }
    let mut path = vec![vec![peer(from).clone()]];
    let backwards = back.iter().rev().flat_map(|on| on.via.iter().rev());
    let backwards = backwards.map(|relay| relay.iter().rev().cloned().collect::<Vec<_>>());
    let forwards = forth.iter().flat_map(|on| on.via.iter().cloned());
    for stop in backwards.chain(forwards).chain([vec![peer(to).clone()]]) {
        // A peer that was there before closes a loop, which is cut.
        match path.iter().position(|known| *known == stop) {
            Some(index) => path.truncate(index + 1),
            None => path.push(stop),
        }
    }
    path.pop();
    path.drain(..1);
    path.into_iter().flatten().collect()
}

fn peer(place: &Place) -> &Named {
    &place.last().expect("there is the init peer").peer
}

/// The links that the `on`s of a program state: from what is around an instruction to the instruction, and back.
#[derive(Debug, Default)]
pub(crate) struct Links(BTreeSet<(String, String)>);

impl Links {
    /// Adds those of an instruction, by the frames around it.
    pub(crate) fn state(&mut self, frames: &[Frame]) {
        for (inner, frame) in frames.iter().enumerate() {
            for outer in &frames[..inner] {
                let route = route(&outer.place, &frame.place).into_iter().map(|stop| stop.peer);
                let start = std::iter::once(outer.on().peer.peer.clone());
                let path: Vec<String> = start.chain(route).chain([frame.on().peer.peer.clone()]).collect();
                for pair in path.windows(2) {
                    self.0.insert((pair[0].clone(), pair[1].clone()));
                    self.0.insert((pair[1].clone(), pair[0].clone()));
                }
            }
        }
    }

    /// Whether control may go from one instruction over these peers to another.
    pub(crate) fn allow(&self, from: &[Frame], peers: &[&String], to: &[Frame]) -> bool {
        let (start, end) = (&from[from.len() - 1].on().peer.peer, &to[to.len() - 1].on().peer.peer);
        let path: Vec<&String> = std::iter::once(start).chain(peers.iter().copied()).chain([end]).collect();
        let mut links = path.windows(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        links.all(|link| link.0 == link.1 || self.0.contains(&link))
    }
}

/// The most hops that are made between two instructions: out of one `on` after the other, and into one after the other.
pub(crate) fn most_hops(from: &[Frame], to: &[Frame]) -> Vec<String> {
    let shared = from.iter().zip(to).take_while(|(a, b)| a.id == b.id).count();
    let step = |a: &Frame, b: &Frame| {
        let ends = [b.on().peer.clone()].into_iter().filter(|_| b.is_direct());
        route(&a.place, &b.place).into_iter().chain(ends).map(|stop| stop.peer).collect::<Vec<_>>()
    };
    let out = from[shared - 1..].windows(2).rev().flat_map(|pair| step(&pair[1], &pair[0]));
    let into = to[shared - 1..].windows(2).flat_map(|pair| step(&pair[0], &pair[1]));
    out.chain(into).collect()
}

/// The hops from an instruction in `from` to one in `to`, both by the frames around them.
pub(crate) fn hops(from: &[Frame], to: &[Frame]) -> Vec<String> {
    let mut stops = Vec::new();
    let shared = from.iter().zip(to).take_while(|(a, b)| a.id == b.id).count();
    let common = &from[shared - 1];
    let (leaves, enters) = (from.len() > shared, to.len() > shared);
    if leaves {
        stops.extend(route(&from[from.len() - 1].place, &common.place));
    }
    // A closure runs outside of where it is called.
    let is_inside = enters && to[to.len() - 1].place.starts_with(&common.place);
    if leaves && is_inside && common.is_direct() {
        stops.push(common.on().peer.clone());
    }
    if enters {
        stops.extend(route(&common.place, &to[to.len() - 1].place));
    }
    let mut path = vec![from[from.len() - 1].on().peer.clone()];
    for stop in stops {
        if path.last() != Some(&stop) {
            path.push(stop);
        }
    }
    let target = &to[to.len() - 1].on().peer;
    while path.len() > 1 && path.last() == Some(target) {
        path.pop();
    }
    path.drain(1..).map(|stop| stop.peer).collect()
}
