//! Variables of a parallel branch under another name, until control has come to where the branch meets others.

use std::collections::HashMap;
use std::rc::Rc;

use crate::ir::{Accessor, Node, Op, Place, Relay, Value, Var};

/// Renames variables in a subtree, places included.
pub(super) fn rename(node: &mut Node, names: &HashMap<Var, Var>) {
    Renaming { names, places: HashMap::new() }.node(node);
}

struct Renaming<'a> {
    names: &'a HashMap<Var, Var>,
    /// New places by the address of the old ones, which live as long as the tree.
    places: HashMap<*const Place, Rc<Place>>,
}

impl Renaming<'_> {
    fn node(&mut self, node: &mut Node) {
        match &mut node.op {
            Op::Null | Op::Never | Op::Fail | Op::One | Op::Hop(_) => {}
            Op::Seq(nodes) | Op::Par(nodes) | Op::Wrap { body: nodes, .. } => {
                nodes.iter_mut().for_each(|node| self.node(node));
            }
            Op::Detach(body) => self.node(body),
            Op::New(var, body) => {
                self.var(var);
                self.node(body);
            }
            Op::Xor(left, right) => {
                self.node(left);
                self.node(right);
            }
            Op::Select(select) => {
                self.value(&mut select.left);
                self.value(&mut select.right);
                self.node(&mut select.then);
                self.node(&mut select.otherwise);
            }
            Op::Call(call) => {
                self.value(&mut call.peer);
                self.value(&mut call.service);
                self.value(&mut call.function);
                call.args.iter_mut().for_each(|value| self.value(value));
                if let Some(output) = &mut call.output {
                    self.var(output);
                }
            }
            Op::Ap { value, output } => {
                self.value(value);
                self.var(output);
            }
            Op::ApMap { key, value, map } => {
                self.value(key);
                self.value(value);
                self.var(map);
            }
            Op::Canon { peer, source, target } => {
                self.value(peer);
                self.var(source);
                self.var(target);
            }
            Op::Match { left, right, body, .. } => {
                self.value(left);
                self.value(right);
                self.node(body);
            }
            Op::Loop(one) => {
                self.value(&mut one.iterable);
                self.var(&mut one.iterator);
                self.node(&mut one.body);
            }
            Op::Fold(fold) => {
                self.value(&mut fold.iterable);
                self.var(&mut fold.iterator);
                self.node(&mut fold.body);
                if let Some(last) = &mut fold.last {
                    self.node(last);
                }
            }
            Op::Next(var) => self.var(var),
            Op::At { place, body } => {
                *place = self.place(place);
                self.node(body);
            }
            Op::Wait(wait) => {
                self.var(&mut wait.stream);
                self.value(&mut wait.index);
                self.var(&mut wait.view);
            }
            Op::Barrier(values) => values.iter_mut().for_each(|value| self.value(value)),
        }
    }

    fn var(&self, var: &mut Var) {
        if let Some(name) = self.names.get(var) {
            *var = *name;
        }
    }

    fn value(&self, value: &mut Value) {
        let lens = match value {
            Value::Var(var, lens) => {
                self.var(var);
                lens
            }
            Value::Length(var) => return self.var(var),
            Value::Error(lens) => lens,
            _ => return,
        };
        for step in lens {
            if let Accessor::Dynamic(var) = step {
                self.var(var);
            }
        }
    }

    fn place(&mut self, place: &Rc<Place>) -> Rc<Place> {
        if let Some(known) = self.places.get(&Rc::as_ptr(place)) {
            return known.clone();
        }
        let mut peer = place.peer.clone();
        self.value(&mut peer);
        let mut via = place.via.clone();
        for relay in &mut via {
            let (Relay::Peer(value) | Relay::Each(value)) = relay;
            self.value(value);
        }
        let outer = place.outer.as_ref().map(|outer| self.place(outer));
        let renamed = if peer == place.peer && via == place.via && outer == place.outer {
            place.clone()
        } else {
            Rc::new(Place { outer, peer, via, depth: place.depth })
        };
        self.places.insert(Rc::as_ptr(place), renamed.clone());
        renamed
    }
}
