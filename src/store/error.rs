//! What can go wrong in the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the store could not do its work. Never holds a secret, nor any value of a row.
///
/// Cloned to every job that shared a failed commit.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A file of the database can't be made, locked or copied.
    #[error("the database's file {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// Another process has it open.
    #[error("the database {path} is in use by another keyway: stop that one first (one hub has one daemon)")]
    InUse {
        /// Which database.
        path: PathBuf,
    },
    /// A later release has written it.
    #[error(
        "the database has schema {found} and this keyway knows schemas up to {known}: a newer keyway has used it. \
         Install that one again, or go back to {}",
        way_back(.copy.as_deref())
    )]
    Newer {
        /// Schema of the database.
        found: u32,
        /// Newest schema known here.
        known: u32,
        /// The newest copy, made before a migration, that this keyway can work with.
        copy: Option<PathBuf>,
    },
    /// The file is something else, such as a database of another program.
    #[error("{path} is there, but it is not a database of keyway's: move it away, or set another data_dir")]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// The vault's key is not the one that this database was sealed with.
    #[error(
        "the vault's key does not fit this database: its PINs and keys were sealed with another one; \
         restore the right key from a backup, or move the database away and start anew"
    )]
    WrongKey,
    /// A row holds something that can't be read.
    #[error("table {table}, column {column}, row {row}: {reason}")]
    Unreadable {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// The row, by the first column of its key.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no row of that id to be changed.
    #[error("table {table} has no row {row}")]
    Missing {
        /// Which table.
        table: &'static str,
        /// Which row.
        row: String,
    },
    /// A migration left a row that refers to one which is not there; it was undone.
    #[error("the database's migration found a row of table {table} that refers to nothing: restore a backup")]
    Dangling {
        /// Which table.
        table: String,
    },
    /// The disk is full. Nothing of the job was kept; it works again once there is room.
    #[error("the disk is full: make room on the database's file system")]
    DiskFull,
    /// Whatever else SQLite says. Nothing of the job was kept.
    #[error("the database: {0}")]
    Database(Arc<rusqlite::Error>),
    /// SQLite rolled the whole transaction back by itself, as it does when the disk is full or fails.
    #[error("the database gave the transaction up, as it does when the disk is full or fails; nothing of it was kept")]
    GivenUp,
    /// Nothing could be sealed or read with the vault's key.
    #[error("the vault could not seal {table}.{column}")]
    Vault {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
    },
    /// The job panicked. Nothing of it was kept, and the store goes on.
    #[error("a job of the store panicked, which is a bug; nothing of it was kept")]
    Panicked,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

fn way_back(copy: Option<&Path>) -> String {
    match copy {
        Some(copy) => format!(
            "what was there before its migration, without what came since: sudo -u keyway keyway restore {}",
            copy.display()
        ),
        None => "a backup that an older one has made: keyway restore FILE".to_owned(),
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Database(Arc::new(error)),
        }
    }
}
