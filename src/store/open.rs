//! Opening a database: the lock against a second daemon, pragmas, schema, the vault's key.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::StoreError;
use super::migrate::{MIGRATIONS, check, migrate, sync_folder_of};
use super::vault::{Place, Vault};
use crate::model::{IdSource, Timestamp};

/// A daemon that is being restarted may meet the last breath of the one before.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// How long to wait for a shell that looks into the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More statements than the store has.
const STATEMENTS: usize = 128;
/// A write-ahead log that grew beyond this in a burst is cut back.
const LOG_LIMIT: i64 = 16 * 1024 * 1024;
/// Sealed into the database when it is made, so that another key is noticed at once.
const VAULT_CHECK: Place<'_> = Place { table: "meta", column: "value", row: b"vault_check" };

/// An opened database and what goes with it.
pub(super) struct Opened {
    pub(super) db: Connection,
    pub(super) vault: Vault,
    pub(super) ids: IdSource,
    /// Latest time that it has seen.
    pub(super) latest: Option<Timestamp>,
    /// Held for as long as the database is open. The system lets go of it however the process ends.
    pub(super) lock: Option<File>,
}

pub(super) fn file(path: &Path, key: &[u8; 32], seed: [u8; 32]) -> Result<Opened, StoreError> {
    let lock = lock(path)?;
    create(path)?;
    prepare(Connection::open(path)?, Some(path), Some(lock), key, seed).map_err(|error| match error {
        StoreError::Database(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            StoreError::Foreign { path: path.to_owned() }
        }
        other => other,
    })
}

pub(super) fn in_memory(key: &[u8; 32], seed: [u8; 32]) -> Result<Opened, StoreError> {
    prepare(Connection::open_in_memory()?, None, None, key, seed)
}

/// A lock file beside the database rather than SQLite's exclusive mode, so that a shell may still look into it.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let lock = lock_of(path);
    let error = |source| StoreError::File { path: lock.clone(), source: Arc::new(source) };
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock).map_err(error)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(error(source)),
        }
    }
    Err(StoreError::InUse { path: path.to_owned() })
}

/// Where the lock of a database is.
pub(super) fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// SQLite would make the file readable by others; its log takes the mode of the file.
fn create(path: &Path) -> Result<(), StoreError> {
    let error = |source| StoreError::File { path: path.to_owned(), source: Arc::new(source) };
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(error)?;
    sync_folder_of(path).map_err(error)
}

fn prepare(
    mut db: Connection,
    path: Option<&Path>,
    lock: Option<File>,
    key: &[u8; 32],
    seed: [u8; 32],
) -> Result<Opened, StoreError> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan holds for whatever is bound. Else SQLite makes a new one each time that another value is, which costs more than
    // most of the questions here.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    check(&db, path, MIGRATIONS)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "foreign_keys", true)?;
    // What is answered is on disk.
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT, |_| Ok(()))?;
    // A purged PIN leaves no bytes behind.
    db.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    db.pragma_update(None, "temp_store", "memory")?;
    migrate(&mut db, path, MIGRATIONS)?;
    let (vault, mut ids) = (Vault::new(key), IdSource::new(seed));
    check_key(&db, &vault, &mut ids)?;
    let latest = latest_time(&db)?;
    Ok(Opened { db, vault, ids, latest, lock })
}

fn check_key(db: &Connection, vault: &Vault, ids: &mut IdSource) -> Result<(), StoreError> {
    let select = "SELECT value FROM meta WHERE name = 'vault_check'";
    let sealed: Option<Vec<u8>> = db.query_row(select, [], |row| row.get(0)).optional()?;
    match sealed {
        Some(sealed) => vault.open(VAULT_CHECK, &sealed).map(drop).map_err(|_| StoreError::WrongKey),
        None => {
            let sealed = vault.seal(ids.rng(), VAULT_CHECK, b"keyway")?;
            db.execute("INSERT INTO meta (name, value) VALUES ('vault_check', ?1)", params![sealed])?;
            Ok(())
        }
    }
}

fn latest_time(db: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let select = "SELECT max(
        coalesce((SELECT value FROM meta WHERE name = 'latest_time'), 0),
        coalesce((SELECT max(occurred_at) FROM events), 0))";
    let micros: i64 = db.query_row(select, [], |row| row.get(0))?;
    Ok(Timestamp::from_microsecond(micros).filter(|time| *time > Timestamp::UNIX_EPOCH))
}
