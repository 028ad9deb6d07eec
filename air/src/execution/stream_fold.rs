//! `fold` over streams and maps: elements are worked off in chains, one for what is known at the start and one per batch of
//! later ones.

use super::Rejection;
use super::Report;
use super::content::Bound;
use super::fold::Iterating;
use super::machine::Machine;
use super::scope::Kind;
use super::state::{ActId, Body, FrameId, NONE, ScopeId, Status, Task};
use super::stream::StreamId;
use crate::data::Element;
use crate::syntax::Name;

#[derive(Debug)]
pub(super) struct StreamFold {
    pub(super) stream: StreamId,
    batches: Vec<Batch>,
    /// By element, as far as they are in batches.
    iterations: Vec<Iteration>,
    /// Batches before this one have no element that a catching up could need.
    first_lagging: usize,
}

/// Elements that became known together, and the chain that works them off.
#[derive(Debug)]
struct Batch {
    /// The elements `next..end` have not been visited, but for those that were taken out.
    next: u32,
    end: u32,
    /// A chain that failed hands the rest to the one after it.
    chain: u32,
    is_complete: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Iteration {
    batch: u32,
    pub(super) scope: ScopeId,
    pub(super) body: ActId,
    /// The last instruction in the frame of this iteration.
    pub(super) last: ActId,
}

impl Iteration {
    fn is_visited(&self) -> bool {
        self.scope != NONE
    }
}

impl StreamFold {
    /// The iterations that have been started, by element.
    pub(super) fn started(&self) -> impl Iterator<Item = &Iteration> {
        self.iterations.iter().filter(|iteration| iteration.body != NONE)
    }

    pub(super) fn iteration(&self, index: u32) -> Option<&Iteration> {
        self.iterations.get(index as usize)
    }

    /// Takes note of a started body or last instruction of an iteration.
    pub(super) fn register(&mut self, index: u32, is_body: bool, act: ActId) {
        if let Some(iteration) = self.iterations.get_mut(index as usize) {
            *(if is_body { &mut iteration.body } else { &mut iteration.last }) = act;
        }
    }

    /// Whether no iteration of the element was started.
    pub(super) fn is_unvisited(&self, index: u32) -> bool {
        self.iteration(index).is_some_and(|iteration| !iteration.is_visited())
    }

    /// Whether the element is in the batch of a chain that is not complete.
    pub(super) fn is_lagging(&self, index: u32) -> bool {
        self.is_unvisited(index)
            && self.iteration(index).is_some_and(|iteration| !self.batches[iteration.batch as usize].is_complete)
    }

    /// The first element that is unvisited in the batch of a chain that is not complete.
    pub(super) fn first_lagging(&mut self) -> Option<u32> {
        while let Some(batch) = self.batches.get(self.first_lagging) {
            if !batch.is_complete
                && let Some(index) = self.unvisited(self.first_lagging as u32)
            {
                return Some(index);
            }
            self.first_lagging += 1;
        }
        None
    }

    /// The first unvisited element of a batch.
    fn unvisited(&mut self, batch: u32) -> Option<u32> {
        let this = &mut self.batches[batch as usize];
        while this.next < this.end && self.iterations[this.next as usize].is_visited() {
            this.next += 1;
        }
        (this.next < this.end).then_some(this.next)
    }

    /// Makes a batch of elements that are in none.
    fn collect(&mut self, end: u32) -> u32 {
        let batch = self.batches.len() as u32;
        let start = self.iterations.len() as u32;
        self.batches.push(Batch { next: start, end, chain: 0, is_complete: false });
        self.iterations.resize(end as usize, Iteration { batch, scope: NONE, body: NONE, last: NONE });
        batch
    }

    /// Takes an unvisited element out of its batch, into one of its own.
    pub(super) fn take_out(&mut self, index: u32) -> u32 {
        let batch = self.batches.len() as u32;
        self.batches.push(Batch { next: index, end: index + 1, chain: 0, is_complete: false });
        self.iterations[index as usize].batch = batch;
        batch
    }
}

impl Machine<'_> {
    /// Starts with all elements known now.
    pub(super) fn start_stream_fold(&mut self, act: ActId, name: Name) -> Result<(), Rejection> {
        let stream = self.stream_of(act, name);
        let fold = StreamFold { stream, batches: Vec::new(), iterations: Vec::new(), first_lagging: 0 };
        self.state.act_mut(act).body = Body::StreamFold(Box::new(fold));
        self.state.stream_mut(stream).folds.push(act);
        let batch = self.collect_batch(act);
        self.fold_started(act);
        match batch {
            Some(batch) => self.start_chain(act, batch),
            None => Ok(()),
        }
    }

    /// Puts the elements that are in no batch into one.
    fn collect_batch(&mut self, fold: ActId) -> Option<u32> {
        let stream = self.state.stream_fold(fold)?.stream;
        let end = self.state.stream(stream).len();
        let body = self.state.stream_fold_mut(fold)?;
        if body.iterations.len() as u32 == end {
            return None;
        }
        let batch = body.collect(end);
        self.state.wanted.may_lag(fold);
        Some(batch)
    }

    /// Starts chains for what stream folds have collected, in the order in which the folds were started; whether there was
    /// something.
    pub(super) fn start_batches(&mut self) -> bool {
        for fold in std::mem::take(&mut self.state.collecting) {
            if let Some(batch) = self.collect_batch(fold) {
                self.state.going.push_back(Task::Chain(fold, batch));
            }
        }
        !self.state.going.is_empty()
    }

    /// Runs the iteration of a batch's first unvisited element, if there is one.
    pub(super) fn start_chain(&mut self, fold: ActId, batch: u32) -> Result<(), Rejection> {
        match self.state.stream_fold_mut(fold).and_then(|fold| fold.unvisited(batch)) {
            Some(index) => self.start_stream_iteration(fold, fold, index),
            None => Ok(()),
        }
    }

    fn start_stream_iteration(&mut self, fold: ActId, parent: ActId, index: u32) -> Result<(), Rejection> {
        let Some(body) = self.state.stream_fold(fold) else { return Ok(()) };
        let batch = body.iterations[index as usize].batch;
        let chain = body.batches[batch as usize].chain;
        let element = &self.state.stream(body.stream).elements[index as usize];
        let (key, value): (_, Bound) = (Element::Key(element.key), element.bound.clone());
        let scope = self.start_iteration(Iterating { fold, parent, index, chain, element: key, value })?;
        if let Some(fold) = self.state.stream_fold_mut(fold) {
            fold.iterations[index as usize].scope = scope;
        }
        Ok(())
    }

    /// `next` in an iteration: runs the next unvisited element of the batch, or the last instruction; without one it waits.
    pub(super) fn next_of_stream(&mut self, act: ActId, scope: ScopeId, fold: ActId) -> Result<(), Rejection> {
        let Kind::Iteration { index, chain, frame, .. } = self.state.scopes[scope as usize].kind else { return Ok(()) };
        let Some(body) = self.state.stream_fold_mut(fold) else { return Ok(()) };
        let Iteration { batch, last, .. } = body.iterations[index as usize];
        if body.batches[batch as usize].chain == chain
            && let Some(next) = body.unvisited(batch)
        {
            self.start_stream_iteration(fold, act, next)?;
            if self.tree.second_child(self.state.act(fold).node).is_some() {
                self.state.wanted.may_end(fold, index);
            }
        } else if last != NONE {
            self.attach(act, last);
        } else {
            self.start_last(act, fold, scope, frame);
        }
        Ok(())
    }

    /// Whether the last instruction did not run in the iteration of an element.
    pub(super) fn is_without_last(&self, fold: ActId, index: u32) -> bool {
        let iteration = self.state.stream_fold(fold).and_then(|body| body.iteration(index));
        iteration.is_some_and(|iteration| iteration.last == NONE)
    }

    /// Runs the last instruction in an iteration whose `next` has run another one, as a chain of its own: as if the elements after
    /// it had become known later. Nothing comes after `next` in a body, so that decides how such a chain ends.
    pub(super) fn end_at(&mut self, fold: ActId, index: u32) {
        let Some(body) = self.state.stream_fold_mut(fold) else { return };
        let scope = body.iterations[index as usize].scope;
        let batch = body.take_out(index);
        let Kind::Iteration { chain, frame, .. } = self.state.scopes[scope as usize].kind else { return };
        if let Some(body) = self.state.stream_fold_mut(fold) {
            body.batches[batch as usize].chain = chain;
        }
        self.start_last(fold, fold, scope, frame);
    }

    /// The first iteration of a chain has settled, and with it the chain.
    pub(super) fn chain_settled(&mut self, fold: ActId, child: ActId) -> Result<(), Rejection> {
        let scope = self.state.act(child).scope;
        let Some((index, chain)) = self.iteration_with(scope, fold) else { return Ok(()) };
        let status = self.state.act(child).status.clone();
        let Some(body) = self.state.stream_fold_mut(fold) else { return Ok(()) };
        let batch = body.iterations[index as usize].batch;
        let this = &mut body.batches[batch as usize];
        match status {
            Status::Waiting => {}
            Status::Complete => {
                this.is_complete |= this.chain == chain;
                if self.state.is_waiting(fold) {
                    self.complete(fold);
                }
            }
            Status::Failed(failure) => {
                let is_current = this.chain == chain;
                this.chain += u32::from(is_current);
                let at = self.state.position_of_failure(&failure);
                self.state.reports.push(Report::Swallowed { at, error: failure.raised.error.clone() });
                if is_current {
                    self.start_chain(fold, batch)?;
                }
            }
        }
        Ok(())
    }

    fn iteration_with(&self, scope: ScopeId, fold: ActId) -> Option<(u32, u32)> {
        match self.state.scopes[scope as usize].kind {
            Kind::Iteration { fold: of, index, chain, .. } if of == fold => Some((index, chain)),
            _ => None,
        }
    }

    /// Starts a chain for one element, taken out of its batch.
    pub(super) fn catch_up_element(&mut self, fold: ActId, index: u32) {
        if let Some(body) = self.state.stream_fold_mut(fold) {
            let batch = body.take_out(index);
            self.state.going.push_back(Task::Chain(fold, batch));
        }
    }

    /// The frame of the fold's own instruction.
    pub(super) fn fold_place(&self, fold: ActId) -> (FrameId, u32) {
        let act = self.state.act(fold);
        (act.frame, act.node.0)
    }
}
