//! A look at a database from outside: nothing in it, and no file beside it, is changed.

use std::fs::{File, TryLockError};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::StoreError;
use super::migrate::{MIGRATIONS, check, newest, version};
use super::open::lock_of;
use super::vault::{Place, Vault};
use crate::model::{EventType, Timestamp};

/// Complaints of SQLite's that are handed on.
const COMPLAINTS: usize = 5;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// Its schema, and the newest that this program knows.
    pub schema: (u32, u32),
    /// What SQLite finds wrong with it; empty: nothing.
    pub damage: Vec<String>,
    /// Bytes of the file.
    pub size: u64,
    /// Whether the key is the one that its secrets are sealed with; `None`: no key was given.
    pub key_fits: Option<bool>,
    /// When the last backup was made that it knows of, in the last thirty days.
    pub last_backup: Option<Timestamp>,
}

/// Whether a hub works on the database. Nothing is made, and a hub that is just starting waits a moment at most.
pub fn is_in_use(path: &Path) -> bool {
    let held = File::open(lock_of(path)).map(|lock| lock.try_lock_shared());
    matches!(held, Ok(Err(TryLockError::WouldBlock)))
}

/// Examines the database at `path`, also while a hub works on it. Reads all of it, and blocks.
///
/// # Errors
/// [`StoreError`]: it can't be opened, is not ours, or is newer than this program.
pub fn examine(path: &Path, key: Option<&[u8; 32]>) -> Result<Examination, StoreError> {
    let db = open(path, is_in_use(path))?;
    check(&db, Some(path), MIGRATIONS)?;
    let mut damage: Vec<String> = Vec::new();
    db.pragma_query(None, "integrity_check", |row| {
        damage.push(row.get(0)?);
        Ok(())
    })?;
    damage.retain(|line| line != "ok");
    damage.truncate(COMPLAINTS);
    let last = "SELECT max(occurred_at) FROM events WHERE event_type = ?1";
    let last: Option<i64> = db.query_row(last, [EventType::BackupMade.name()], |row| row.get(0))?;
    Ok(Examination {
        schema: (version(&db)?, newest(MIGRATIONS)),
        damage,
        size: std::fs::metadata(path).map_or(0, |file| file.len()),
        key_fits: key.map(|key| fits(&db, key)).transpose()?,
        last_backup: last.and_then(Timestamp::from_microsecond),
    })
}

/// Without a hub nobody writes, so no lock and no shared memory is needed, which SQLite would else make as files of whoever
/// looks. A log that a crash left is then not read: its changes are whole, and come in at the next start.
fn open(path: &Path, in_use: bool) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // RFC 3986 3.3: what has a meaning in a URI is written otherwise.
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let uri = format!("file:{escaped}?mode=ro{}", if in_use { "" } else { "&immutable=1" });
    Ok(Connection::open_with_flags(uri, flags)?)
}

fn fits(db: &Connection, key: &[u8; 32]) -> Result<bool, StoreError> {
    const CHECK: Place<'_> = Place { table: "meta", column: "value", row: b"vault_check" };
    let select = "SELECT value FROM meta WHERE name = 'vault_check'";
    let sealed: Option<Vec<u8>> = db.query_row(select, [], |row| row.get(0)).optional()?;
    Ok(sealed.is_none_or(|sealed| Vault::new(key).open(CHECK, &sealed).is_ok()))
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::store::Store;

    #[test]
    fn a_database_is_looked_at_while_it_is_used_and_after_and_no_file_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key?way#.db");
        let store = Store::open(&path, Zeroizing::new([7; 32]), [1; 32]).unwrap();
        assert!(is_in_use(&path));
        let used = examine(&path, Some(&[7; 32])).unwrap();
        assert_eq!((used.damage.len(), used.key_fits, used.schema.0), (0, Some(true), used.schema.1));
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(store.close());
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        let before = files();
        assert_eq!(examine(&path, Some(&[8; 32])).unwrap().key_fits, Some(false));
        assert_eq!(examine(&path, None).unwrap().key_fits, None);
        assert_eq!(files(), before);
    }

    #[test]
    fn a_damaged_file_is_said_to_be_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyway.db");
        let store = Store::open(&path, Zeroizing::new([7; 32]), [1; 32]).unwrap();
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(store.close());
        let mut bytes = std::fs::read(&path).unwrap();
        let half = bytes.len() / 2;
        bytes[half..].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
        // Some damage is in the way of looking for it.
        let found = examine(&path, None);
        assert!(found.map_or_else(|error| error.to_string().contains("malformed"), |found| !found.damage.is_empty()));
    }
}
