//! A backup: the database, the key of its vault, and in the database the memory of each stick, in one encrypted file. And
//! the way back.

mod content;
mod file;
mod restore;

pub use content::{BackupError, Manifest, StickInBackup, read, write};
pub use file::{Cost, FileError};
pub use restore::{KeptMemory, Restore, RestoreError};
