//! `marine:host/keyvalue`, bound to one module.

mod store;

use marine_manifest::{KvGrant, Mode};
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

pub(crate) use self::store::{StoreError, Stores};
use super::bindings::marine::host::keyvalue::KvError;
use super::state::State;

/// Defines the interface in `to` for the module at `index`.
pub(super) fn define(to: &mut LinkerInstance<'_, State>, index: usize) -> wasmtime::Result<()> {
    type Context<'a> = StoreContextMut<'a, State>;
    to.func_wrap("open", move |state: Context<'_>, (store,): (String,)| {
        Ok((reading(state.data(), index, &store, |stores, _| stores.open(&store)),))
    })?;
    to.func_wrap("get", move |state: Context<'_>, (store, key): (String, String)| {
        Ok((reading(state.data(), index, &store, |stores, _| stores.get(&store, &key)),))
    })?;
    to.func_wrap("exists", move |state: Context<'_>, (store, key): (String, String)| {
        Ok((reading(state.data(), index, &store, |stores, _| Ok(stores.get(&store, &key)?.is_some())),))
    })?;
    to.func_wrap("keys", move |state: Context<'_>, (store, prefix, limit): (String, String, u32)| {
        Ok((reading(state.data(), index, &store, |stores, _| stores.keys(&store, &prefix, limit)),))
    })?;
    to.func_wrap("set", move |state: Context<'_>, (store, key, value): (String, String, Vec<u8>)| {
        Ok((writing(state.data(), index, &store, |stores, quota| stores.set(&store, quota, &key, &value)),))
    })?;
    to.func_wrap("delete", move |state: Context<'_>, (store, key): (String, String)| {
        Ok((writing(state.data(), index, &store, |stores, _| stores.delete(&store, &key)),))
    })?;
    to.func_wrap("increment", move |state: Context<'_>, (store, key, by): (String, String, i64)| {
        Ok((writing(state.data(), index, &store, |stores, quota| stores.increment(&store, quota, &key, by)),))
    })?;
    type Swap = (String, String, Option<Vec<u8>>, Option<Vec<u8>>);
    to.func_wrap("swap", move |state: Context<'_>, (store, key, expected, new): Swap| {
        let swapped = writing(state.data(), index, &store, |stores, quota| {
            stores.swap(&store, quota, &key, expected.as_deref(), new.as_deref())
        });
        Ok((swapped,))
    })
}

fn reading<T>(
    state: &State,
    index: usize,
    store: &str,
    work: impl FnOnce(&Stores, u64) -> Result<T, StoreError>,
) -> Result<T, KvError> {
    let grant = granted(state, index, store)?;
    work(&state.shared.stores, grant.quota).map_err(KvError::from)
}

fn writing<T>(
    state: &State,
    index: usize,
    store: &str,
    work: impl FnOnce(&Stores, u64) -> Result<T, StoreError>,
) -> Result<T, KvError> {
    match granted(state, index, store)? {
        KvGrant { mode: Mode::ReadOnly, .. } => {
            let lines = format!("kv = {{ {store} = {{ mode = \"rw\" }} }}");
            state.modules[index].denials.deny(format_args!("writing to the store {store:?}"), &lines);
            Err(KvError::ReadOnly)
        }
        grant => work(&state.shared.stores, grant.quota).map_err(KvError::from),
    }
}

fn granted(state: &State, index: usize, store: &str) -> Result<KvGrant, KvError> {
    state.modules[index].denials.reach.stores.get(store).copied().ok_or_else(|| {
        state.modules[index].denials.deny(format_args!("the key-value store {store:?}"), &format!("kv = [{store:?}]"));
        KvError::Denied
    })
}

impl From<StoreError> for KvError {
    fn from(error: StoreError) -> KvError {
        match error {
            StoreError::Unusable(why) => KvError::NoStore(why),
            StoreError::TooLarge => KvError::TooLarge,
            StoreError::Quota => KvError::Quota,
        }
    }
}
