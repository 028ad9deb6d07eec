//! Writing files so that nobody ever sees half of one, and unchanged files keep their time.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Makes `path` hold `bytes`; leaves the file alone if it already does. Returns whether it was written.
///
/// # Errors
/// Those of the file system.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() == bytes.len() as u64) && fs::read(path)? == bytes {
        return Ok(false);
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".marine-").tempfile_in(dir)?;
    file.write_all(bytes)?;
    make_readable(file.as_file())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(true)
}

/// Temporary files are private; outputs are as readable as what cargo writes.
#[cfg(unix)]
fn make_readable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &fs::File) -> io::Result<()> {
    Ok(())
}
