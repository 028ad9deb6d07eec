//! [`Acts`]: the activations by their numbers, and which of them can be let go.
//!
//! An activation is *done* when it has settled and everything below it is: nothing can change there any more. It is let go at the
//! end of a step, when nobody will look at its state again either; a fold looks back at its iterations as long as it is there.
//! Observers keep everything, to show it.

use super::machine::Machine;
use super::state::{Act, ActId, Body, NONE, Status};
use crate::syntax::{Instruction, NodeId};

/// So many activations are kept, or their memory given back, together.
const CHUNK: usize = 32;

#[derive(Debug)]
pub(super) struct Acts {
    chunks: Vec<Chunk>,
    started: usize,
    waiting: usize,
    /// Settled since the end of the last step.
    settled: Vec<ActId>,
    /// Stands for all that were let go.
    over: Act,
}

/// Consecutive activations; none, once all of them were let go.
#[derive(Debug, Default)]
struct Chunk {
    acts: Vec<Act>,
    kept: usize,
}

impl Acts {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), started: 0, waiting: 0, settled: Vec::new(), over: Act::over() }
    }

    /// How many were started so far.
    pub(super) fn started(&self) -> usize {
        self.started
    }

    /// How many wait for something.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Those that were not let go, in the order of their numbers.
    pub(super) fn kept(&self) -> impl Iterator<Item = ActId> {
        let chunks = self.chunks.iter().enumerate().filter(|(_, chunk)| chunk.kept > 0);
        chunks.flat_map(|(number, chunk)| (0..chunk.acts.len()).map(move |index| (number * CHUNK + index) as ActId))
    }

    /// What was let go reads as complete, with nothing inside.
    pub(super) fn get(&self, act: ActId) -> &Act {
        let (chunk, index) = (act as usize / CHUNK, act as usize % CHUNK);
        self.chunks.get(chunk).and_then(|chunk| chunk.acts.get(index)).unwrap_or(&self.over)
    }

    pub(super) fn get_mut(&mut self, act: ActId) -> &mut Act {
        let (chunk, index) = (act as usize / CHUNK, act as usize % CHUNK);
        self.chunks.get_mut(chunk).and_then(|chunk| chunk.acts.get_mut(index)).unwrap_or(&mut self.over)
    }

    pub(super) fn push(&mut self, act: Act) {
        if self.started.is_multiple_of(CHUNK) {
            self.chunks.push(Chunk { acts: Vec::with_capacity(CHUNK), kept: 0 });
        }
        if act.parent != NONE {
            self.get_mut(act.parent).undone += 1;
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.acts.push(act);
            chunk.kept += 1;
        }
        self.started += 1;
        self.waiting += 1;
    }

    pub(super) fn settle(&mut self, act: ActId, status: Status) {
        let before = std::mem::replace(&mut self.get_mut(act).status, status);
        if matches!(before, Status::Waiting) {
            self.settled.push(act);
            self.waiting -= 1;
        }
    }

    fn let_go(&mut self, act: ActId) {
        *self.get_mut(act) = Act::over();
        let chunk = &mut self.chunks[act as usize / CHUNK];
        chunk.kept -= 1;
        if chunk.kept == 0 && chunk.acts.len() == CHUNK {
            chunk.acts = Vec::new();
        }
    }
}

impl Act {
    fn over() -> Self {
        Self {
            node: NodeId::ROOT,
            frame: 0,
            scope: 0,
            parent: NONE,
            undone: 0,
            is_done: false,
            status: Status::Complete,
            last_error: None,
            error: None,
            body: Body::Leaf,
        }
    }
}

impl Machine<'_> {
    /// Lets go of what can never change any more.
    pub(super) fn tidy(&mut self) {
        let settled = std::mem::take(&mut self.state.acts.settled);
        if self.me.is_none() {
            return;
        }
        // Who has waited for these needs them no longer.
        let mut candidates: Vec<ActId> = Vec::with_capacity(2 * settled.len());
        for &act in &settled {
            self.add_children(act, &mut candidates);
            self.note_done(act, &mut candidates);
        }
        while let Some(act) = candidates.pop() {
            if self.is_of_no_use(act) {
                self.add_children(act, &mut candidates);
                self.clear_scopes(act);
                if let Some(call) = self.state.call(act) {
                    let slot = call.slot;
                    self.state.index.set_over(slot);
                    self.forget_name(act);
                }
                self.state.acts.let_go(act);
            }
        }
    }

    /// An activation has settled, or something below it is done. Folds over streams go on for good.
    fn note_done(&mut self, mut act: ActId, done: &mut Vec<ActId>) {
        while act != NONE {
            let this = self.state.act_mut(act);
            let goes_on = matches!(this.body, Body::StreamFold(_)) || matches!(this.status, Status::Waiting);
            if this.is_done || this.undone > 0 || goes_on {
                return;
            }
            this.is_done = true;
            done.push(act);
            act = this.parent;
            if act != NONE {
                self.state.act_mut(act).undone -= 1;
            }
        }
    }

    /// Whether nobody will look at it again. The root's state is the outcome.
    fn is_of_no_use(&self, act: ActId) -> bool {
        let Act { node, scope, parent, is_done, .. } = *self.state.act(act);
        if !is_done || parent == NONE {
            return false;
        }
        if self.state.is_waiting(parent) {
            // What comes after it has begun, and takes its place.
            let around = self.tree.instruction(self.state.act(parent).node);
            let is_left = self.tree.is_first_child(node) && self.tree.parent(node) == Some(self.state.act(parent).node);
            if !is_left || !matches!(around, Instruction::Seq | Instruction::Xor) {
                return false;
            }
        }
        // A `next` may come back to an iteration, or to the last instruction.
        let fold = self.tree.parent(node).filter(|&around| self.tree.is_fold(around));
        fold.and_then(|fold| self.state.iteration_of(scope, fold)).is_none()
    }

    /// Adds the activations directly inside; of a fold all iterations.
    fn add_children(&self, act: ActId, to: &mut Vec<ActId>) {
        let is_started = |child: &ActId| *child != NONE;
        match &self.state.act(act).body {
            Body::Children(children) => to.extend(children.iter().copied().filter(is_started)),
            Body::Fold(fold) => {
                let bodies = fold.iterations.iter().map(|&(_, body)| body);
                to.extend(bodies.chain([fold.last]).filter(is_started));
            }
            _ => {}
        }
    }

    /// Nobody reads any more what was set inside of a `new` or of the iterations of a fold.
    fn clear_scopes(&mut self, act: ActId) {
        let Act { node, frame, ref body, .. } = *self.state.act(act);
        let scopes: Vec<_> = match body {
            Body::Fold(fold) => fold.iterations.iter().map(|&(scope, _)| scope).collect(),
            _ if matches!(self.tree.instruction(node), Instruction::New { .. }) => {
                self.state.news.get(&(frame, node)).copied().into_iter().collect()
            }
            _ => return,
        };
        scopes.into_iter().for_each(|scope| self.state.scopes[scope as usize].clear());
    }
}
