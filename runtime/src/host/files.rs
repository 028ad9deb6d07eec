//! `wasi:filesystem` with quotas: what a module writes to a directory that the runtime keeps for it counts before it is written.
//!
//! Everything else is done by `wasmtime-wasi`. Which descriptors belong to which directory is known from where they were opened.

use std::collections::HashMap;

use bytes::Bytes;
use marine_manifest::Dir;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types as asynchronous};
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{self, ErrorCode, Filesize, OpenFlags};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable};
use wasmtime_wasi::p2::{StreamError, StreamResult};

use super::seat::Seat;
use crate::quota::{Quota, QuotaExceeded};

/// Selects [`FilesView`] as the host of the interface.
pub(super) struct Files;

impl HasData for Files {
    type Data<'a> = FilesView<'a>;
}

/// Which directories and open descriptors of one module are under a quota.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    /// By the path at which the module sees the directory.
    pub(crate) directories: HashMap<String, Quota>,
    /// By the number of the descriptor.
    pub(super) descriptors: HashMap<u32, Quota>,
}

/// The files of one module.
pub(super) struct FilesView<'a> {
    pub(super) files: WasiFilesystemCtxView<'a>,
    pub(super) quotas: &'a mut Quotas,
    /// Present if the module sees vaults.
    pub(super) seat: Option<&'a mut Seat>,
}

type File = Resource<Descriptor>;

impl From<QuotaExceeded> for FsError {
    fn from(_: QuotaExceeded) -> FsError {
        asynchronous::ErrorCode::Quota.into()
    }
}

impl FilesView<'_> {
    fn quota(&self, file: &File) -> Option<Quota> {
        self.quotas.descriptors.get(&file.rep()).cloned()
    }

    /// Counts a new entry of the directory `dir`.
    fn charge_entry(&self, dir: &File) -> FsResult<()> {
        self.quota(dir).map_or(Ok(()), |quota| Ok(quota.charge_entry()?))
    }

    /// Counts what comes to the directory `to` with `path` of `from`, unless it is there already.
    fn charge_moved(&mut self, from: &File, path: &str, to: &File) -> FsResult<()> {
        let Some(quota) = self.quota(to) else { return Ok(()) };
        if self.quota(from).is_some_and(|own| own.is_same(&quota)) {
            return Ok(());
        }
        let about = types::HostDescriptor::stat_at(
            &mut self.files,
            Resource::new_borrow(from.rep()),
            types::PathFlags::empty(),
            path.to_owned(),
        )?;
        // What a whole tree holds is not known: it does not move from one directory to another.
        if about.type_ == types::DescriptorType::Directory {
            return Err(asynchronous::ErrorCode::CrossDevice.into());
        }
        quota.charge_entry()?;
        Ok(quota.charge(about.size)?)
    }

    /// The stream, whose bytes count if the file is under a quota.
    fn metered(
        &mut self,
        quota: Option<Quota>,
        stream: Resource<DynOutputStream>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let Some(quota) = quota else { return Ok(stream) };
        let inner = self.files.table.delete(stream)?;
        let metered: DynOutputStream = Box::new(Metered { inner, quota });
        Ok(self.files.table.push(metered)?)
    }
}

/// A stream into a file under a quota.
struct Metered {
    inner: DynOutputStream,
    quota: Quota,
}

impl OutputStream for Metered {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.quota.charge(bytes.len() as u64).map_err(|full| StreamError::LastOperationFailed(full.into()))?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }
}

#[async_trait]
impl Pollable for Metered {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(File, String)>> {
        let directories = preopens::Host::get_directories(&mut self.files)?;
        for (descriptor, guest) in &directories {
            if let Some(quota) = self.quotas.directories.get(guest) {
                self.quotas.descriptors.insert(descriptor.rep(), quota.clone());
            }
            if let Some(seat) = self.seat.as_mut().filter(|_| guest == Dir::VAULT) {
                seat.add(descriptor.rep(), self.files.table, self.quotas)?;
            }
        }
        Ok(directories)
    }
}

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        types::Host::convert_error_code(&mut self.files, error)
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        if self.files.table.get(&error)?.is::<QuotaExceeded>() {
            return Ok(Some(ErrorCode::Quota));
        }
        types::Host::filesystem_error_code(&mut self.files, error)
    }
}

impl types::HostDescriptor for FilesView<'_> {
    fn open_at(
        &mut self,
        dir: File,
        path_flags: types::PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<File> {
        let quota = self.quota(&dir);
        if let Some(quota) = quota.as_ref().filter(|_| open_flags.contains(OpenFlags::CREATE)) {
            // What is there already can be made smaller even if nothing more fits.
            let borrowed = Resource::new_borrow(dir.rep());
            if types::HostDescriptor::stat_at(&mut self.files, borrowed, path_flags, path.clone()).is_err() {
                quota.charge_entry()?;
            }
        }
        let file = types::HostDescriptor::open_at(&mut self.files, dir, path_flags, path, open_flags, flags)?;
        if let Some(quota) = quota {
            if let Descriptor::File(opened) = self.files.table.get(&file)? {
                quota.opened(&opened.file);
            }
            self.quotas.descriptors.insert(file.rep(), quota);
        }
        Ok(file)
    }

    fn write(&mut self, file: File, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        if let Some(quota) = self.quota(&file) {
            quota.charge(bytes.len() as u64)?;
        }
        types::HostDescriptor::write(&mut self.files, file, bytes, offset)
    }

    fn set_size(&mut self, file: File, size: Filesize) -> FsResult<()> {
        if let Some(quota) = self.quota(&file) {
            let about = types::HostDescriptor::stat(&mut self.files, Resource::new_borrow(file.rep()))?;
            quota.charge(size.saturating_sub(about.size))?;
        }
        types::HostDescriptor::set_size(&mut self.files, file, size)
    }

    fn write_via_stream(&mut self, file: File, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        let quota = self.quota(&file);
        let stream = types::HostDescriptor::write_via_stream(&mut self.files, file, offset)?;
        self.metered(quota, stream)
    }

    fn append_via_stream(&mut self, file: File) -> FsResult<Resource<DynOutputStream>> {
        let quota = self.quota(&file);
        let stream = types::HostDescriptor::append_via_stream(&mut self.files, file)?;
        self.metered(quota, stream)
    }

    fn create_directory_at(&mut self, dir: File, path: String) -> FsResult<()> {
        self.charge_entry(&dir)?;
        types::HostDescriptor::create_directory_at(&mut self.files, dir, path)
    }

    fn symlink_at(&mut self, dir: File, target: String, path: String) -> FsResult<()> {
        self.charge_entry(&dir)?;
        types::HostDescriptor::symlink_at(&mut self.files, dir, target, path)
    }

    fn link_at(
        &mut self,
        from: File,
        path_flags: types::PathFlags,
        path: String,
        to: File,
        new_path: String,
    ) -> FsResult<()> {
        self.charge_moved(&from, &path, &to)?;
        self.charge_entry(&to)?;
        types::HostDescriptor::link_at(&mut self.files, from, path_flags, path, to, new_path)
    }

    fn rename_at(&mut self, from: File, path: String, to: File, new_path: String) -> FsResult<()> {
        self.charge_moved(&from, &path, &to)?;
        types::HostDescriptor::rename_at(&mut self.files, from, path, to, new_path)
    }

    fn drop(&mut self, file: File) -> wasmtime::Result<()> {
        self.quotas.descriptors.remove(&file.rep());
        if let Some(seat) = &mut self.seat {
            seat.remove(file.rep());
        }
        types::HostDescriptor::drop(&mut self.files, file)
    }

    fn read_via_stream(&mut self, file: File, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        types::HostDescriptor::read_via_stream(&mut self.files, file, offset)
    }

    fn advise(&mut self, file: File, offset: Filesize, length: Filesize, advice: types::Advice) -> FsResult<()> {
        types::HostDescriptor::advise(&mut self.files, file, offset, length, advice)
    }

    fn sync_data(&mut self, file: File) -> FsResult<()> {
        types::HostDescriptor::sync_data(&mut self.files, file)
    }

    fn get_flags(&mut self, file: File) -> FsResult<types::DescriptorFlags> {
        types::HostDescriptor::get_flags(&mut self.files, file)
    }

    fn get_type(&mut self, file: File) -> FsResult<types::DescriptorType> {
        types::HostDescriptor::get_type(&mut self.files, file)
    }

    fn set_times(&mut self, file: File, accessed: types::NewTimestamp, modified: types::NewTimestamp) -> FsResult<()> {
        types::HostDescriptor::set_times(&mut self.files, file, accessed, modified)
    }

    fn read(&mut self, file: File, length: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)> {
        types::HostDescriptor::read(&mut self.files, file, length, offset)
    }

    fn read_directory(&mut self, dir: File) -> FsResult<Resource<types::DirectoryEntryStream>> {
        types::HostDescriptor::read_directory(&mut self.files, dir)
    }

    fn sync(&mut self, file: File) -> FsResult<()> {
        types::HostDescriptor::sync(&mut self.files, file)
    }

    fn stat(&mut self, file: File) -> FsResult<types::DescriptorStat> {
        types::HostDescriptor::stat(&mut self.files, file)
    }

    fn stat_at(&mut self, dir: File, path_flags: types::PathFlags, path: String) -> FsResult<types::DescriptorStat> {
        types::HostDescriptor::stat_at(&mut self.files, dir, path_flags, path)
    }

    fn set_times_at(
        &mut self,
        dir: File,
        path_flags: types::PathFlags,
        path: String,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        types::HostDescriptor::set_times_at(&mut self.files, dir, path_flags, path, accessed, modified)
    }

    fn readlink_at(&mut self, dir: File, path: String) -> FsResult<String> {
        types::HostDescriptor::readlink_at(&mut self.files, dir, path)
    }

    fn remove_directory_at(&mut self, dir: File, path: String) -> FsResult<()> {
        types::HostDescriptor::remove_directory_at(&mut self.files, dir, path)
    }

    fn unlink_file_at(&mut self, dir: File, path: String) -> FsResult<()> {
        types::HostDescriptor::unlink_file_at(&mut self.files, dir, path)
    }

    fn is_same_object(&mut self, one: File, other: File) -> wasmtime::Result<bool> {
        types::HostDescriptor::is_same_object(&mut self.files, one, other)
    }

    fn metadata_hash(&mut self, file: File) -> FsResult<types::MetadataHashValue> {
        types::HostDescriptor::metadata_hash(&mut self.files, file)
    }

    fn metadata_hash_at(
        &mut self,
        dir: File,
        path_flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        types::HostDescriptor::metadata_hash_at(&mut self.files, dir, path_flags, path)
    }
}

impl types::HostDirectoryEntryStream for FilesView<'_> {
    fn read_directory_entry(
        &mut self,
        stream: Resource<types::DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        types::HostDirectoryEntryStream::read_directory_entry(&mut self.files, stream)
    }

    fn drop(&mut self, stream: Resource<types::DirectoryEntryStream>) -> wasmtime::Result<()> {
        types::HostDirectoryEntryStream::drop(&mut self.files, stream)
    }
}
