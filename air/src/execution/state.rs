//! [`State`]: the activation tree and everything it works on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use marine_particle::PeerId;

use super::acts::Acts;
use super::catch_up::Wanted;
use super::content::Bound;
use super::error::Raised;
use super::index::Index;
use super::peers::{PeerNo, Peers};
use super::scope::Scope;
use super::sequence::Sequences;
use super::stream::{Home, Stream, StreamId};
use super::stream_fold::StreamFold;
use super::texts::Texts;
use super::values::Values;
use super::{Report, Setup};
use crate::data::{Blob, Element, Frame, Hash, Key, Logs, Position};
use crate::syntax::{Name, NodeId};
use crate::value::{ContentId, Tetraplet};

/// The number of an activation, in the order in which they were started.
pub(super) type ActId = u32;
pub(super) type ScopeId = u32;
pub(super) type FrameId = u32;

/// No activation: not started, or nothing around.
pub(super) const NONE: u32 = u32::MAX;

/// The activation of the whole script.
pub(super) const ROOT: ActId = 0;

/// The error of an error variable; none: "no error".
pub(super) type ErrorRef = Option<Arc<Raised>>;

/// An instance of an instruction that was started.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) node: NodeId,
    pub(super) frame: FrameId,
    pub(super) scope: ScopeId,
    pub(super) parent: ActId,
    /// How many of the activations started by it are not done.
    pub(super) undone: u32,
    pub(super) is_done: bool,
    pub(super) status: Status,
    /// What `%last_error%` shows: first what the instance got, when complete what it hands on.
    pub(super) last_error: ErrorRef,
    /// What `:error:` shows here.
    pub(super) error: ErrorRef,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Status {
    Waiting,
    Complete,
    Failed(Failure),
}

/// An error on its way up, and what `%last_error%` shows from there on.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) raised: Arc<Raised>,
    pub(super) last_error: ErrorRef,
    /// The instance that failed first.
    pub(super) node: NodeId,
    pub(super) frame: FrameId,
}

/// What an activation has to remember, by kind of instruction.
#[derive(Debug)]
pub(super) enum Body {
    /// Nothing.
    Leaf,
    /// The sides of `seq`, `par`, `xor`; or the one child of `match`, `mismatch`, `new`, and what a `next` runs.
    Children([ActId; 2]),
    /// Operands of an instruction that waits for one of them.
    Operands(Box<[Operand]>),
    /// A call or canon: what is done at a peer.
    Call(Box<CallBody>),
    /// A fold over an array or canon value.
    Fold(Box<FoldBody>),
    StreamFold(Box<StreamFold>),
}

/// An operand that is read once.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Known(Bound),
    /// The name that it waits for, once it is registered there.
    Missing(Option<Name>),
}

impl Operand {
    pub(super) fn known(&self) -> Option<&Bound> {
        match self {
            Operand::Known(bound) => Some(bound),
            Operand::Missing(_) => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct CallBody {
    /// Peer, service, function, then the arguments; of a canon the peer only. Given up when it has settled.
    pub(super) operands: Box<[Operand]>,
    /// How many of the arguments are not known.
    pub(super) missing_args: usize,
    /// The operands have been read once; since then, those that it waits for and that may be known now.
    pub(super) is_read: bool,
    pub(super) woken: Vec<u32>,
    pub(super) slot: u32,
    /// Worked out when first asked for.
    pub(super) args_hash: Option<Hash>,
    pub(super) is_requested: bool,
    /// How many of the slot's results and `sent` entries have been looked at.
    pub(super) results_seen: usize,
    pub(super) sents_seen: usize,
    /// There is a result, and arguments or elements that it has to agree with are missing.
    pub(super) is_held: bool,
}

impl CallBody {
    pub(super) fn new(slot: u32, operands: usize, args: usize) -> Self {
        Self {
            operands: vec![Operand::Missing(None); operands].into(),
            missing_args: args,
            is_read: false,
            woken: Vec::new(),
            slot,
            args_hash: None,
            is_requested: false,
            results_seen: 0,
            sents_seen: 0,
            is_held: false,
        }
    }
}

#[derive(Debug)]
pub(super) struct FoldBody {
    pub(super) items: Items,
    /// Per iteration so far: its scope, and the activation of its body.
    pub(super) iterations: Vec<(ScopeId, ActId)>,
    /// The last instruction, once started.
    pub(super) last: ActId,
}

/// What an array fold goes over.
#[derive(Clone, Debug)]
pub(super) enum Items {
    Array {
        items: Arc<[crate::value::Value]>,
        origin: Arc<Tetraplet>,
    },
    /// Elements of a canon value, which keep their origins.
    Elements(Arc<[Bound]>),
}

impl Items {
    pub(super) fn len(&self) -> usize {
        match self {
            Items::Array { items, .. } => items.len(),
            Items::Elements(items) => items.len(),
        }
    }
}

/// An iteration as a place.
#[derive(Debug)]
pub(super) struct FrameInfo {
    pub(super) frame: Frame,
    pub(super) parent: FrameId,
    pub(super) fold: u32,
    pub(super) element: Element,
    pub(super) scope: ScopeId,
}

/// Something that is left to do.
#[derive(Debug)]
pub(super) enum Task {
    Start(Start),
    /// Both sides of a `par` have gone as far as they go.
    ParStarted(ActId),
    /// An activation has become complete or failed.
    Settled(ActId),
    /// An operand may be known now.
    Look(ActId),
    /// A batch of a stream fold has to be worked off.
    Chain(ActId, u32),
    /// The last instruction of a stream fold has to run in the iteration of this element, out of turn.
    End(ActId, u32),
}

/// An instance to start.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) node: NodeId,
    pub(super) frame: FrameId,
    pub(super) scope: ScopeId,
    pub(super) parent: ActId,
    pub(super) last_error: ErrorRef,
    pub(super) error: ErrorRef,
}

/// All that steps change.
#[derive(Debug)]
pub(super) struct State {
    pub(super) logs: Logs,
    pub(super) values: Values,
    pub(super) index: Index,
    pub(super) acts: Acts,
    pub(super) scopes: Vec<Scope>,
    pub(super) frames: Vec<FrameInfo>,
    /// The iterations that were started, by the frame around their fold, the fold, and the element.
    pub(super) frame_ids: BTreeMap<(FrameId, u32, Element), FrameId>,
    /// The scopes of `new`s, by where they are.
    pub(super) news: BTreeMap<(FrameId, NodeId), ScopeId>,
    /// Started calls and `ap`s that can settle, or may.
    pub(super) settle: BTreeSet<ActId>,
    /// What goes on when nothing can settle.
    pub(super) going: VecDeque<Task>,
    /// What is being run depth first; the top is next.
    pub(super) stack: Vec<Task>,
    /// Activations that took over the state of one that was started elsewhere.
    pub(super) attached: BTreeMap<ActId, Vec<ActId>>,
    /// Readers of a `new` variable, each with its operand, under an activation that might still set it.
    pub(super) hopes: BTreeMap<ActId, Vec<(ActId, u32)>>,
    pub(super) streams: Vec<Stream>,
    pub(super) stream_ids: BTreeMap<Home, StreamId>,
    pub(super) sequences: Sequences,
    pub(super) stream_folds: BTreeMap<(FrameId, NodeId), ActId>,
    /// Stream folds with elements that are in no batch yet.
    pub(super) collecting: BTreeSet<ActId>,
    pub(super) wanted: Wanted,
    /// Calls to look at when the step closes: to request, or to forward.
    pub(super) touched: BTreeSet<ActId>,
    /// Calls to this peer that have their arguments and no result.
    pub(super) outstanding: BTreeSet<ActId>,
    /// Calls that are or were outstanding, by their ids; without those that were let go.
    pub(super) call_ids: BTreeMap<Key, ActId>,
    /// Those of them about which this peer has not yet written that it is at work on them.
    pub(super) unclaimed: BTreeSet<ActId>,
    /// Per name, the folds in whose iterations it may be set. Worked out when first asked.
    pub(super) setting_folds: BTreeMap<Name, Arc<[NodeId]>>,
    pub(super) peers: Peers,
    pub(super) texts: Texts,
    /// This peer.
    pub(super) me: Option<PeerNo>,
    pub(super) reports: Vec<Report>,
    /// Values that came or were made in this step.
    pub(super) new_values: Vec<(ContentId, Blob)>,
    pub(super) wake_ups: u64,
    /// The number of all entries.
    pub(super) entries: usize,
    /// Bytes of all entries.
    pub(super) entry_bytes: usize,
    /// Bytes that instances hold beyond what each may.
    pub(super) instance_bytes: usize,
    /// Per log that this step made longer, its length before.
    pub(super) grown: BTreeMap<PeerId, u64>,
    pub(super) init: Arc<str>,
    pub(super) literal: Arc<Tetraplet>,
    /// The origin of the last result of a call.
    pub(super) last_origin: Arc<Tetraplet>,
}

impl State {
    pub(super) fn new(setup: &Setup) -> Self {
        let mut peers = Peers::default();
        let init = peers.number(setup.particle.init());
        let init = peers.text(init);
        let me = setup.me.map(|me| peers.number(me));
        Self {
            logs: Logs::new(&setup.particle),
            values: Values::default(),
            index: Index::default(),
            acts: Acts::new(),
            scopes: vec![Scope::root()],
            frames: vec![FrameInfo { frame: Frame::ROOT, parent: NONE, fold: 0, element: Element::Index(0), scope: 0 }],
            frame_ids: BTreeMap::new(),
            news: BTreeMap::new(),
            settle: BTreeSet::new(),
            going: VecDeque::new(),
            stack: Vec::new(),
            attached: BTreeMap::new(),
            hopes: BTreeMap::new(),
            streams: Vec::new(),
            stream_ids: BTreeMap::new(),
            sequences: Sequences::default(),
            stream_folds: BTreeMap::new(),
            collecting: BTreeSet::new(),
            wanted: Wanted::default(),
            touched: BTreeSet::new(),
            outstanding: BTreeSet::new(),
            call_ids: BTreeMap::new(),
            unclaimed: BTreeSet::new(),
            setting_folds: BTreeMap::new(),
            peers,
            texts: Texts::default(),
            me,
            reports: Vec::new(),
            new_values: Vec::new(),
            wake_ups: 0,
            entries: 0,
            entry_bytes: 0,
            instance_bytes: 0,
            grown: BTreeMap::new(),
            literal: Arc::new(Tetraplet::literal(&init)),
            last_origin: Arc::default(),
            init,
        }
    }

    pub(super) fn act(&self, act: ActId) -> &Act {
        self.acts.get(act)
    }

    pub(super) fn act_mut(&mut self, act: ActId) -> &mut Act {
        self.acts.get_mut(act)
    }

    pub(super) fn is_waiting(&self, act: ActId) -> bool {
        matches!(self.act(act).status, Status::Waiting)
    }

    /// The position of an instruction in a frame.
    pub(super) fn position(&self, node: NodeId, frame: FrameId) -> Position {
        let mut folds = Vec::new();
        let mut info = &self.frames[frame as usize];
        while info.parent != NONE {
            folds.push((info.fold, info.element));
            info = &self.frames[info.parent as usize];
        }
        folds.reverse();
        Position { node: node.0, folds }
    }

    pub(super) fn position_of(&self, act: ActId) -> Position {
        let act = self.act(act);
        self.position(act.node, act.frame)
    }

    /// Where something failed first.
    pub(super) fn position_of_failure(&self, failure: &Failure) -> Position {
        self.position(failure.node, failure.frame)
    }

    pub(super) fn call(&self, act: ActId) -> Option<&CallBody> {
        match &self.act(act).body {
            Body::Call(call) => Some(call),
            _ => None,
        }
    }

    /// Whom a call or canon is at, once known and a peer.
    pub(super) fn peer_of_call(&self, act: ActId) -> Option<PeerNo> {
        self.index.slot(self.call(act)?.slot).peer()
    }

    pub(super) fn call_mut(&mut self, act: ActId) -> Option<&mut CallBody> {
        match &mut self.act_mut(act).body {
            Body::Call(call) => Some(call),
            _ => None,
        }
    }

    pub(super) fn fold(&self, act: ActId) -> Option<&FoldBody> {
        match &self.act(act).body {
            Body::Fold(fold) => Some(fold),
            _ => None,
        }
    }

    pub(super) fn stream_fold(&self, act: ActId) -> Option<&StreamFold> {
        match &self.act(act).body {
            Body::StreamFold(fold) => Some(fold),
            _ => None,
        }
    }

    pub(super) fn stream_fold_mut(&mut self, act: ActId) -> Option<&mut StreamFold> {
        match &mut self.act_mut(act).body {
            Body::StreamFold(fold) => Some(fold),
            _ => None,
        }
    }

    pub(super) fn is_requested(&self, act: ActId) -> bool {
        self.call(act).is_some_and(|call| call.is_requested)
    }

    pub(super) fn set_requested(&mut self, act: ActId) {
        if let Some(call) = self.call_mut(act) {
            call.is_requested = true;
        }
    }
}
