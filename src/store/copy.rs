//! A copy of the database while it is in use.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};

use super::migrate::safety_copies;
use super::{Store, StoreError};
use crate::model::Timestamp;

impl Store {
    /// Copies the database as it stands now, whole and consistent, and hands the copy's path to `take`; then the copy is
    /// deleted. By a connection of its own: nobody waits for it but the caller, whom it blocks. One at a time.
    ///
    /// # Errors
    /// [`StoreError`]; a database in memory can't be copied.
    pub fn with_copy<T>(&self, take: impl FnOnce(&Path) -> T) -> Result<T, StoreError> {
        let path = self.path.as_deref().ok_or(StoreError::Closed)?;
        let copy = copy_of(path);
        let failed = |source| StoreError::File { path: copy.clone(), source: Arc::new(source) };
        // SQLite copies into an empty file and leaves its mode as it is: readable by the owner only.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).open(&copy).map_err(failed)?;
        let copied = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|db| db.execute("VACUUM INTO ?1", [copy.to_string_lossy()]));
        let taken = copied.map(|_| take(&copy)).map_err(StoreError::from);
        let removed = std::fs::remove_file(&copy).map_err(failed);
        taken.and_then(|taken| removed.map(|()| taken))
    }
}

impl Store {
    /// Deletes the copies that migrations of this database left, once they were made `for_long` ago: what runs on the new
    /// schema has shown by then that it can, and they hold PINs, sealed, which are not kept for ever.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn drop_safety_copies(&self, now: Timestamp, for_long: Duration) -> Result<(), StoreError> {
        let copies = self.path.as_deref().map(safety_copies).unwrap_or_default();
        for (schema, copy) in copies {
            let failed = |source| StoreError::File { path: copy.clone(), source: Arc::new(source) };
            let made = std::fs::metadata(&copy).and_then(|file| file.modified()).map_err(failed)?;
            let made = Timestamp::UNIX_EPOCH.after(made.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
            if made.until(now) > for_long {
                std::fs::remove_file(&copy).map_err(failed)?;
                tracing::info!(schema, copy = %copy.display(), "deleted the copy from before the migration");
            }
        }
        Ok(())
    }
}

/// Whether a file is a database rather than a backup, such as the copy that was made before a migration.
///
/// # Errors
/// When it can't be read.
pub fn is_database(path: &Path) -> std::io::Result<bool> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut begin = Vec::new();
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut begin)?;
    Ok(begin == MAGIC)
}

/// Keeps every hub from a database, for as long as it lives.
pub struct DatabaseLock {
    _lock: File,
}

impl DatabaseLock {
    /// Takes it; the database need not be there. Blocks for a second at most.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a hub runs on it.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { _lock: super::open::lock(path)? })
    }
}

/// Where the copy is made. One that a crash left there is overwritten by the next.
fn copy_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".copy");
    PathBuf::from(name)
}
