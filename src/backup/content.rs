//! What is in a backup: what it is, the vault's key, the database.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::file::{Cost, FileError, Opener, Sealer, reason};
use crate::model::Timestamp;

/// A longer description is none.
const LONGEST_MANIFEST: usize = 1024 * 1024;

/// What a backup says of itself, once it is opened. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// When the database was copied.
    pub made_at: Timestamp,
    /// The hub's name.
    pub hub: String,
    /// The release that made it.
    pub version: String,
    /// Length of the database, in bytes.
    pub database: u64,
    /// The sticks, in the order of their names.
    pub sticks: Vec<StickInBackup>,
}

/// A stick in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StickInBackup {
    /// Its name in the configuration.
    pub name: String,
    /// The network whose memory is in the backup; `None`: no memory is.
    pub network: Option<String>,
    /// Why its memory is missing, or not of today.
    pub problem: Option<String>,
}

/// Why a backup could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// See [`FileError`].
    #[error(transparent)]
    File(#[from] FileError),
    /// What the system says.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Writes a backup.
///
/// # Errors
/// [`BackupError`].
pub fn write(
    to: impl Write,
    passphrase: &str,
    cost: Cost,
    randomness: [u8; 35],
    manifest: &Manifest,
    key: &[u8; 32],
    database: &Path,
) -> Result<(), BackupError> {
    let mut sealer = Sealer::new(to, passphrase, cost, randomness)?;
    let description = serde_json::to_vec(manifest).map_err(io::Error::other)?;
    let length = u32::try_from(description.len()).map_err(io::Error::other)?;
    sealer.write_all(&length.to_be_bytes())?;
    sealer.write_all(&description)?;
    sealer.write_all(key)?;
    io::copy(&mut File::open(database)?, &mut sealer)?;
    sealer.finish()?;
    Ok(())
}

/// Reads a backup to its end: what it is, and the vault's key. The database goes to `database`.
///
/// # Errors
/// [`BackupError`].
pub fn read(
    from: impl BufRead,
    passphrase: &str,
    database: &mut impl Write,
) -> Result<(Manifest, Zeroizing<[u8; 32]>), BackupError> {
    let mut opener = Opener::new(from, passphrase)?;
    let mut exactly = |buffer: &mut [u8]| opener.read_exact(buffer).map_err(reason);
    let mut length = [0; 4];
    exactly(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST_MANIFEST {
        return Err(FileError::Damaged.into());
    }
    let mut description = vec![0; length];
    exactly(&mut description)?;
    let manifest: Manifest = serde_json::from_slice(&description).map_err(|_| FileError::Damaged)?;
    let mut key = Zeroizing::new([0; 32]);
    exactly(&mut *key)?;
    let mut buffer = Zeroizing::new(vec![0; 64 * 1024]);
    let mut copied = 0;
    loop {
        let count = opener.read(&mut buffer).map_err(reason)?;
        if count == 0 {
            break;
        }
        database.write_all(&buffer[..count])?;
        copied += count as u64;
    }
    if copied != manifest.database {
        return Err(FileError::Damaged.into());
    }
    Ok((manifest, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn manifest(database: u64) -> Manifest {
        let stick = |name: &str, network: Option<&str>| StickInBackup {
            name: name.to_owned(),
            network: network.map(str::to_owned),
            problem: network.is_none().then(|| "it is gone".to_owned()),
        };
        Manifest {
            made_at: Timestamp::parse("2026-12-01T12:00:00Z").unwrap(),
            hub: "home".to_owned(),
            version: "0.1.0".to_owned(),
            database,
            sticks: vec![stick("zwave", Some("c0ffee01")), stick("zwave2", None)],
        }
    }

    #[test]
    fn a_backup_is_read_as_it_was_written_and_shows_nothing_outside() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("copy");
        std::fs::write(&database, b"all the guests").unwrap();
        let mut file = Vec::new();
        write(&mut file, "open sesame", Cost::LEAST, [3; 35], &manifest(14), &[9; 32], &database).unwrap();
        assert!(!file.windows(6).any(|part| part == b"guests" || part == b"c0ffee"));
        let mut copy = Vec::new();
        let (told, key) = read(&file[..], "open sesame", &mut copy).unwrap();
        assert_eq!((told, *key, &copy[..]), (manifest(14), [9; 32], &b"all the guests"[..]));
        let wrong = read(&file[..], "sesame", &mut Vec::new()).unwrap_err();
        assert_eq!(wrong.to_string(), "the passphrase is not the one that this backup was made with");
    }
}
