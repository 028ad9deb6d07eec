//! `canon`: the elements of a stream or map as one peer saw them; and what lenses and folds make of that.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Rejection;
use super::content::{Bound, Canon, Content, MapKey, Origin, Parts};
use super::error::Catchable;
use super::index::{EntryNo, EntryState};
use super::machine::{Fault, Machine};
use super::operand::Resolved;
use super::peers::PeerNo;
use super::scope::Read;
use super::state::{ActId, Body, CallBody, Items, Task};
use super::stream::{OwnCanon, StreamId};
use crate::data::{Entry, Fact, Key};
use crate::syntax::{Accessor, Instruction, Lens, LensId, Name, NameKind};
use crate::value::{ContentId, LensError, Tetraplet, Value};

/// What came of comparing a stated canon with the stream here.
enum Resolution {
    Agrees,
    /// An element is not known here yet.
    Unknown(Key),
    Differs {
        expected: ContentId,
        found: ContentId,
    },
}

impl Machine<'_> {
    pub(super) fn start_canon(&mut self, act: ActId) -> Result<(), Rejection> {
        let (node, frame) = (self.state.act(act).node, self.state.act(act).frame);
        let Instruction::Canon { target, .. } = self.tree.instruction(node) else { return Ok(()) };
        self.settable(act, target.name)?;
        let frame = self.state.frames[frame as usize].frame;
        let slot = self.state.index.slot_at(frame, node.0);
        self.state.index.set_act(slot, act);
        self.state.act_mut(act).body = Body::Call(Box::new(CallBody::new(slot, 1, 0)));
        Ok(())
    }

    /// Takes what the peer has stated; or, at that peer, states what is known here and now. The latter is going on: while
    /// something can still settle, it is put off.
    pub(super) fn look_canon(&mut self, act: ActId, is_settling: bool) -> Result<(), Fault> {
        if !self.read_at_peer(act)? {
            return Ok(());
        }
        let Some(peer) = self.state.peer_of_call(act) else { return Ok(()) };
        self.state.touched.insert(act);
        self.review(act);
        let Instruction::Canon { source, .. } = self.tree.instruction(self.state.act(act).node) else { return Ok(()) };
        let stream = self.stream_of(act, source.name);
        if let Some(entry) = self.claim(act, peer) {
            return self.take_stated(act, stream, entry);
        }
        if self.state.me != Some(peer) {
            return Ok(());
        }
        if is_settling {
            self.state.going.push_back(Task::Look(act));
            return Ok(());
        }
        let entry = self.state_canon(act, stream, peer)?;
        self.take_stated(act, stream, entry)
    }

    /// Writes down the elements of a stream, after those of the last canon of it.
    fn state_canon(&mut self, act: ActId, stream: StreamId, me: PeerNo) -> Result<EntryNo, Rejection> {
        let own = self.state.stream(stream).own;
        let first = own.map_or(0, |own| own.covers);
        let mut elements = Vec::new();
        for index in first..self.state.stream(stream).len() {
            let key = self.state.stream(stream).elements[index as usize].key;
            if own.is_some_and(|own| self.state.sequences.get(own.sequence).contains(&key, own.len)) {
                continue;
            }
            let id = self.state.stream_mut(stream).id(index);
            elements.push((self.state.element_position(stream, index), id));
        }
        let at = self.state.position_of(act);
        let base = own.map_or(0, |own| own.height.into());
        self.append(me, &Entry { at, fact: Fact::Canon { base, elements } })
    }

    /// Compares a stated canon with the stream here, and sets the name if it agrees.
    fn take_stated(&mut self, act: ActId, stream: StreamId, entry: EntryNo) -> Result<(), Fault> {
        let Some((sequence, len)) = self.state.sequences.stated(entry).map(|stated| (stated.sequence, stated.len))
        else {
            return Ok(());
        };
        match self.resolve_sequence(stream, sequence, len) {
            Resolution::Agrees => {}
            Resolution::Unknown(key) => {
                self.state.stream_mut(stream).await_element(key, act);
                self.set_held(act, true);
                return Ok(());
            }
            Resolution::Differs { expected, found } => {
                self.set_held(act, false);
                let at = self.state.position_of(act);
                self.void(at, entry, "element", expected.to_string(), found.to_string());
                return Ok(());
            }
        }
        self.state.index.set_state(entry, EntryState::Verified);
        self.state.touched.remove(&act);
        if self.state.me == Some(entry.0) {
            let height = entry.1;
            let this = self.state.stream_mut(stream);
            let covers = if len == this.len() { len } else { 0 };
            if this.own.is_none_or(|own| own.height < height) {
                this.own = Some(OwnCanon { height, sequence, len, covers });
            }
        }
        self.set_canon(act, stream, sequence, len)?;
        self.forget_operands(act);
        self.complete(act);
        Ok(())
    }

    fn set_canon(&mut self, act: ActId, stream: StreamId, sequence: u32, len: u32) -> Result<(), Rejection> {
        let Instruction::Canon { target, .. } = self.tree.instruction(self.state.act(act).node) else { return Ok(()) };
        let peer = self.state.peer_of_call(act).map(|peer| self.state.peers.text(peer));
        let origin = Arc::new(Tetraplet::literal(&peer.unwrap_or_default()));
        let canon = Canon { stream, sequence, len, origin };
        let content = match self.tree.name_kind(target.name) {
            NameKind::Scalar => {
                let firsts = self.pairs(&canon).rev().map(|(key, value)| (key.field(), value));
                let object = Value::object(firsts.collect::<Vec<_>>());
                self.charge(canon.len as usize * size_of::<Bound>())?;
                Content::Plain(Bound::new(object, canon.origin))
            }
            _ => Content::Canon(Arc::new(canon)),
        };
        self.set(act, target.name, content)
    }

    fn resolve_sequence(&mut self, stream: StreamId, sequence: u32, len: u32) -> Resolution {
        loop {
            let list = self.state.sequences.get(sequence);
            let place = list.resolved.len() as u32;
            if place >= len {
                return Resolution::Agrees;
            }
            let (key, found) = list.claims[place as usize];
            let this = &mut self.state.streams[stream as usize];
            let Some(index) = this.find(&key) else { return Resolution::Unknown(key) };
            let expected = this.id(index);
            if expected != found {
                return Resolution::Differs { expected, found };
            }
            let element = &this.elements[index as usize];
            let map_key = element.bound.value.get("key").and_then(MapKey::of).filter(|_| this.is_map);
            let list = self.state.sequences.get_mut(sequence);
            list.resolved.push(index);
            if let Some(key) = map_key {
                list.by_map_key.entry(key).or_default().push(place);
            }
        }
    }

    /// An element by its place in the canon.
    fn element(&self, canon: &Canon, place: u32) -> &Bound {
        let index = self.state.sequences.get(canon.sequence).resolved[place as usize];
        &self.state.stream(canon.stream).elements[index as usize].bound
    }

    fn elements<'m>(&'m self, canon: &'m Canon) -> impl DoubleEndedIterator<Item = &'m Bound> {
        (0..canon.len).map(|place| self.element(canon, place))
    }

    /// Keys and values of a canon map.
    fn pairs<'m>(&'m self, canon: &'m Canon) -> impl DoubleEndedIterator<Item = (MapKey, Value)> {
        self.elements(canon).filter_map(|bound| {
            let key = bound.value.get("key").and_then(MapKey::of)?;
            Some((key, bound.value.get("value")?.clone()))
        })
    }

    /// The whole as a value: the array of the elements, or the object of the values by key.
    pub(super) fn canon_value(&mut self, name: Name, canon: &Canon) -> Result<Bound, Rejection> {
        self.charge(canon.len as usize * size_of::<Bound>())?;
        let value = if self.tree.name_kind(name) == NameKind::CanonMap {
            let mut fields: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
            self.pairs(canon).for_each(|(key, value)| fields.entry(key.field()).or_default().push(value));
            Value::object(fields.into_iter().map(|(key, values)| (key, Value::array(values))))
        } else {
            Value::array(self.elements(canon).map(|bound| bound.value.clone()))
        };
        let elements = self.elements(canon).map(|bound| bound.origin.tetraplet().clone()).collect();
        Ok(Bound { value, origin: Origin::Many(Arc::new(Parts { whole: canon.origin.clone(), elements })) })
    }

    /// What a lens makes of a canon stream or map.
    pub(super) fn canon_lens(
        &mut self,
        act: ActId,
        name: Name,
        canon: &Canon,
        lens: LensId,
    ) -> Result<Resolved, Fault> {
        let Lens::Path(accessors) = self.tree.lens(lens) else {
            let origin = self.extend_origin(&canon.origin, ".length")?;
            return Ok(Resolved::Bound(Bound::new(u64::from(canon.len).into(), origin)));
        };
        let Some((first, mut rest)) = accessors.split_first() else { return Ok(Resolved::Missing(name, None)) };
        let is_map = self.tree.name_kind(name) == NameKind::CanonMap;
        let first = match self.canon_accessor(act, *first, is_map)? {
            Ok(key) => key,
            Err(missing) => return Ok(missing),
        };
        let element = match (is_map, first) {
            (false, MapKey::Int(index)) => {
                let index = index.as_u64().and_then(|index| u32::try_from(index).ok()).unwrap_or(u32::MAX);
                self.stream_element(canon, index, canon.len, |index| index)?
            }
            (false, MapKey::Text(field)) => {
                return Err(Catchable::from(LensError::StreamField { field }).into());
            }
            (true, key) => {
                let places = self.places_of(canon, &key);
                let Some((second, more)) = rest.split_first() else { return self.values_of(canon, &key, &places) };
                rest = more;
                let index = match self.canon_accessor(act, *second, false)? {
                    Ok(MapKey::Int(index)) => index.as_u64().and_then(|index| u32::try_from(index).ok()),
                    Ok(MapKey::Text(field)) => return Err(Catchable::from(LensError::StreamField { field }).into()),
                    Err(missing) => return Ok(missing),
                };
                let index = index.unwrap_or(u32::MAX);
                let pair = self.stream_element(canon, index, places.len() as u32, |index| places[index as usize])?;
                value_of_pair(&pair)
            }
        };
        if rest.is_empty() {
            return Ok(Resolved::Bound(element));
        }
        self.apply_path(act, element, rest)
    }

    fn stream_element(
        &self,
        canon: &Canon,
        index: u32,
        len: u32,
        place: impl FnOnce(u32) -> u32,
    ) -> Result<Bound, Catchable> {
        if index >= len {
            return Err(LensError::StreamIndex { len, index }.into());
        }
        Ok(self.element(canon, place(index)).clone())
    }

    /// An accessor of a canon value as a key: for a canon stream an index, as long as it is a number.
    fn canon_accessor(
        &mut self,
        act: ActId,
        accessor: Accessor,
        is_map: bool,
    ) -> Result<Result<MapKey, Resolved>, Fault> {
        let name = match accessor {
            Accessor::Field(span) => return Ok(Ok(MapKey::Text(self.tree.slice(span).into()))),
            Accessor::Index(index) => return Ok(Ok(MapKey::Int(u64::from(index).into()))),
            Accessor::Dynamic(variable) => variable.name,
        };
        let value = match self.read(act, name) {
            Read::Content(Content::Plain(bound)) => bound.value,
            Read::Content(Content::Canon(_)) => Value::NULL,
            Read::Missing(new) => return Ok(Err(Resolved::Missing(name, new))),
        };
        let key = MapKey::of(&value);
        let is_index = || value.as_int().and_then(|index| u32::try_from(index.as_u64()?).ok()).is_some();
        match key {
            Some(key) if is_map || is_index() => Ok(Ok(key)),
            _ if is_map => Err(Catchable::from(LensError::MapAccessor { accessor: value }).into()),
            _ => Err(Catchable::from(LensError::StreamAccessor { accessor: value }).into()),
        }
    }

    /// Where the pairs with a key are in a canon map.
    fn places_of(&self, canon: &Canon, key: &MapKey) -> Vec<u32> {
        let places = self.state.sequences.get(canon.sequence).by_map_key.get(key);
        places.into_iter().flatten().copied().take_while(|&place| place < canon.len).collect()
    }

    fn values_of(&mut self, canon: &Canon, key: &MapKey, places: &[u32]) -> Result<Resolved, Fault> {
        self.charge(std::mem::size_of_val(places) * 8)?;
        let values = places.iter().filter_map(|&place| self.element(canon, place).value.get("value").cloned());
        let value = Value::array(values.collect::<Vec<_>>());
        let origin = self.extend_origin(&canon.origin, &format!(".${}", key.accessor()))?;
        Ok(Resolved::Bound(Bound::new(value, origin)))
    }

    /// What a fold over a canon value goes over: the elements of a stream; of a map, per key the last pair, or with a lens the
    /// values of one key. `None`: the lens leads into an element.
    pub(super) fn canon_items(
        &mut self,
        act: ActId,
        name: Name,
        canon: &Canon,
        lens: Option<LensId>,
    ) -> Result<Option<Items>, Fault> {
        let is_map = self.tree.name_kind(name) == NameKind::CanonMap;
        let items: Vec<Bound> = match (is_map, lens.map(|lens| self.tree.lens(lens))) {
            (false, None) => self.elements(canon).cloned().collect(),
            (true, None) => {
                let list = self.state.sequences.get(canon.sequence);
                let is_last = |place: u32| {
                    let key = self.element(canon, place).value.get("key").and_then(MapKey::of);
                    let places = key.and_then(|key| list.by_map_key.get(&key));
                    places.is_some_and(|places| {
                        let next = places.partition_point(|&other| other <= place);
                        places.get(next).is_none_or(|&next| next >= canon.len)
                    })
                };
                (0..canon.len).filter(|&place| is_last(place)).map(|place| self.element(canon, place).clone()).collect()
            }
            (true, Some(Lens::Path(&[key]))) => match self.canon_accessor(act, key, true)? {
                Ok(key) => {
                    let places = self.places_of(canon, &key);
                    places.into_iter().map(|place| value_of_pair(self.element(canon, place))).collect()
                }
                Err(_) => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.charge(items.len() * size_of::<Bound>())?;
        Ok(Some(Items::Elements(items.into())))
    }
}

/// The value of a pair, with its origin.
fn value_of_pair(pair: &Bound) -> Bound {
    Bound::new(pair.value.get("value").cloned().unwrap_or_default(), pair.origin.tetraplet().clone())
}
