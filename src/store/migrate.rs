//! The schema: one file a version, run in order, each in one transaction. `PRAGMA user_version` counts them.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::StoreError;

/// Append only: a database in the field stands at any of them.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
    include_str!("migrations/0011.sql"),
    include_str!("migrations/0012.sql"),
    include_str!("migrations/0013.sql"),
    include_str!("migrations/0014.sql"),
    include_str!("migrations/0015.sql"),
];
/// `PRAGMA application_id`: "Kywy" in ASCII, by which a database is known to be one of ours.
const APPLICATION_ID: i64 = 0x4B79_7779;

/// What is added to a database's name for a copy made before a migration: this, the schema that it has, and …
const COPY: &str = ".schema-";
/// … this.
const BACKUP: &str = ".backup";

/// Refuses what is not ours to touch: an empty file is going to be ours, anything else must say that it is.
///
/// # Errors
/// [`StoreError::Newer`] and [`StoreError::Foreign`].
pub(super) fn check(db: &Connection, path: Option<&Path>, migrations: &[&str]) -> Result<(), StoreError> {
    let id: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: u32 = db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if id != APPLICATION_ID && tables > 0 {
        return Err(StoreError::Foreign { path: path.unwrap_or(Path::new(":memory:")).to_owned() });
    }
    let (found, known) = (version(db)?, newest(migrations));
    if found <= known {
        return Ok(());
    }
    let copies = path.map(safety_copies).unwrap_or_default();
    let usable = copies.into_iter().rfind(|(schema, _)| *schema <= known);
    Err(StoreError::Newer { found, known, copy: usable.map(|(_, copy)| copy) })
}

/// Brings the schema to the newest of `migrations`. A database that exists is copied first, to
/// `<its path>.schema-<version>.backup`.
///
/// # Errors
/// Whatever SQLite says, with the step that failed undone.
pub(super) fn migrate(db: &mut Connection, path: Option<&Path>, migrations: &[&str]) -> Result<(), StoreError> {
    let (version, known) = (version(db)?, newest(migrations));
    if let Some(path) = path.filter(|_| version > 0 && version < known) {
        back_up(db, path, version)?;
    }
    // A table that is made anew must not take along what refers to it when the old one is dropped. Within a
    // transaction this can't be switched.
    let enforced: bool = db.pragma_query_value(None, "foreign_keys", |row| row.get(0))?;
    db.pragma_update(None, "foreign_keys", false)?;
    let steps = (1..=known).zip(migrations).skip(usize::try_from(version).unwrap_or(usize::MAX));
    let outcome = steps.into_iter().try_for_each(|(number, sql)| step(db, number, sql));
    db.pragma_update(None, "foreign_keys", enforced)?;
    outcome?;
    match version {
        0 => tracing::info!(schema = known, "database made"),
        _ if version < known => tracing::info!(from = version, schema = known, "database schema brought up to date"),
        _ => {}
    }
    Ok(())
}

fn step(db: &mut Connection, number: u32, sql: &str) -> Result<(), StoreError> {
    let transaction = db.transaction()?;
    transaction.execute_batch(sql)?;
    let dangling: Option<String> =
        transaction.query_row("PRAGMA foreign_key_check", [], |row| row.get(0)).optional()?;
    if let Some(table) = dangling {
        return Err(StoreError::Dangling { table });
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", number)?;
    transaction.commit()?;
    Ok(())
}

pub(super) fn version(db: &Connection) -> Result<u32, StoreError> {
    Ok(db.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

pub(super) fn newest(migrations: &[&str]) -> u32 {
    u32::try_from(migrations.len()).unwrap_or(u32::MAX)
}

/// A copy as it stands now, on disk before the migration begins. One left over from a migration that was cut off is
/// replaced: the database is still at that version.
fn back_up(db: &Connection, path: &Path, version: u32) -> Result<(), StoreError> {
    let backup = with_suffix(path, &format!("{COPY}{version}{BACKUP}"));
    let file_error = |source| StoreError::File { path: backup.clone(), source: Arc::new(source) };
    // SQLite copies into an empty file and leaves its mode as it is: readable by the owner only.
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&backup).map_err(file_error)?;
    db.execute("VACUUM INTO ?1", [backup.to_string_lossy()])?;
    file.sync_all().map_err(file_error)?;
    sync_folder_of(&backup).map_err(file_error)?;
    tracing::info!(backup = %backup.display(), "database copied before its migration");
    Ok(())
}

/// The copies that migrations of this database left beside it, with their schemas, the oldest schema first.
pub(super) fn safety_copies(database: &Path) -> Vec<(u32, PathBuf)> {
    let beside = database.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let prefix = with_suffix(database, COPY);
    let schema = |path: PathBuf| {
        let number = path.to_str()?.strip_prefix(prefix.to_str()?)?.strip_suffix(BACKUP)?.parse().ok()?;
        Some((number, path))
    };
    let mut copies: Vec<_> = beside.into_iter().flatten().flatten().filter_map(|entry| schema(entry.path())).collect();
    copies.sort();
    copies
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes a new file's name survive a power cut.
pub(super) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}
