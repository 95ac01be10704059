//! A backup: the database, the key of its vault, and in the database the memory of each stick, in one encrypted file. And
//! the way back.

mod content;
mod file;
mod part;
mod restore;
mod shelf;

pub use content::{BackupError, Manifest, StickInBackup, read, write};
pub use file::{Cost, FileError};
pub use part::Part;
pub use restore::{KeptMemory, Restore, RestoreError};
pub use shelf::{Due, Shelf};

/// Shortest passphrase, in characters: whoever has the file may try as long as he likes.
pub const SHORTEST_PASSPHRASE: usize = 8;
