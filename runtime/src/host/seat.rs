//! Where the vault of the calling particle is seen by one module: an open directory that leads into another vault with each particle.
//!
//! Guests ask for their directories once, long before the first call, and keep the descriptors. So the descriptor stays, and what it
//! leads to is exchanged when a call begins. What a guest has open of an earlier particle stays open: that particle called it.

use std::path::Path;

use marine_manifest::Dir;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::files::Quotas;
use super::reach::Place;
use crate::vault::Vault;

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Seat {
    /// The vault of the call that is or was served last.
    vault: Option<Vault>,
    /// The descriptors that the module has of it.
    descriptors: Vec<u32>,
}

impl Seat {
    /// Lets the module see `vault` from now on.
    pub(crate) fn enter(
        &mut self,
        vault: &Vault,
        table: &mut ResourceTable,
        quotas: &mut Quotas,
        places: &mut [Place],
    ) -> wasmtime::Result<()> {
        if self.vault.as_ref() == Some(vault) {
            return Ok(());
        }
        // If anything fails on the way, the module is in no vault: whoever calls next must not take this one for its own.
        self.vault = None;
        for place in places.iter_mut().filter(|place| place.guest == Dir::VAULT) {
            vault.root().clone_into(&mut place.path);
        }
        for descriptor in &self.descriptors {
            lead_to(vault, *descriptor, table, quotas)?;
        }
        self.vault = Some(vault.clone());
        Ok(())
    }

    /// The module got `descriptor` for the place of the vault.
    pub(super) fn add(
        &mut self,
        descriptor: u32,
        table: &mut ResourceTable,
        quotas: &mut Quotas,
    ) -> wasmtime::Result<()> {
        self.descriptors.push(descriptor);
        self.vault.as_ref().map_or(Ok(()), |vault| lead_to(vault, descriptor, table, quotas))
    }

    /// The module has the descriptor no more.
    pub(super) fn remove(&mut self, descriptor: u32) {
        self.descriptors.retain(|own| *own != descriptor);
    }
}

fn lead_to(vault: &Vault, descriptor: u32, table: &mut ResourceTable, quotas: &mut Quotas) -> wasmtime::Result<()> {
    *table.get_mut(&Resource::<Descriptor>::new_borrow(descriptor))? = open(vault.root())?;
    quotas.descriptors.insert(descriptor, vault.quota().clone());
    Ok(())
}

/// The directory of the host as a descriptor.
fn open(root: &Path) -> wasmtime::Result<Descriptor> {
    // Descriptors of directories are made by contexts alone.
    let mut context = WasiCtxBuilder::new();
    context.allow_blocking_current_thread(true).preopened_dir(root, Dir::VAULT, FsPerms::ReadWrite)?;
    let (mut context, mut table) = (context.build(), ResourceTable::new());
    let mut files = WasiFilesystemCtxView { ctx: context.filesystem(), table: &mut table };
    let opened = files.get_directories()?.pop();
    let (descriptor, _) = opened.ok_or_else(|| wasmtime::Error::msg("the context lacks its only directory"))?;
    Ok(table.delete(descriptor)?)
}
