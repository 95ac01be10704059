//! Secrets from outside the configuration: systemd credentials, key files.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::{Zeroize, Zeroizing};

use super::Secret;

/// Name of the systemd credential that holds the vault's key.
pub const VAULT_KEY: &str = "vault-key";

/// Why the vault's key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read or made.
    #[error("the vault's key {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not 32 bytes.
    #[error(
        "the vault's key {path} has {length} bytes and should have 32: restore it from a backup; \
         without it the PINs and keys in the database can't be read"
    )]
    Length {
        /// Which file.
        path: PathBuf,
        /// How many bytes it has.
        length: usize,
    },
    /// Others may read it.
    #[error("the vault's key {path} may be read by others (mode {mode:o}): chmod 600 {path}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A database is there but its key is not: making a new one would lose every PIN.
    #[error("{database} is there but its key {path} is not: restore the key from a backup, or move the database away")]
    Lost {
        /// Where the key should be.
        path: PathBuf,
        /// The database.
        database: PathBuf,
    },
}

/// The vault's key: the systemd credential `vault-key`, else the file `vault.key` in the data directory, which is made
/// (mode 0600) when there is neither it nor a database.
///
/// # Errors
/// [`KeyError`], saying what to do.
pub fn vault_key(data_dir: &Path, database: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    if let Some(path) = credential_path(VAULT_KEY) {
        return read_key(&path);
    }
    let path = data_dir.join("vault.key");
    let mode = match std::fs::metadata(&path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return make_key(&path, database),
        Err(source) => return Err(KeyError::Io { path, source }),
    };
    if mode & 0o077 != 0 {
        return Err(KeyError::Open { path, mode });
    }
    read_key(&path)
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    File::open(path).map_err(io)?.take(4096).read_to_end(&mut bytes).map_err(io)?;
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Err(KeyError::Length { path: path.to_owned(), length: bytes.len() });
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

fn make_key(path: &Path, database: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    if database.exists() {
        return Err(KeyError::Lost { path: path.to_owned(), database: database.to_owned() });
    }
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    let mut key = Zeroizing::new([0; 32]);
    crate::clock::entropy(&mut *key).map_err(io)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
    file.write_all(&*key).and_then(|()| file.sync_all()).map_err(io)?;
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    Ok(key)
}

/// A text credential of the service, if systemd handed one over.
pub fn credential(name: &str) -> Option<Secret> {
    read_secret(&credential_path(name)?).ok()
}

/// The first line of a file, as a secret.
///
/// # Errors
/// What the system said.
pub fn read_secret(path: &Path) -> Result<Secret, std::io::Error> {
    let mut text = std::fs::read_to_string(path)?;
    let secret = Secret::new(text.lines().next().unwrap_or_default().to_owned());
    text.zeroize();
    Ok(secret)
}

fn credential_path(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(name);
    path.exists().then_some(path)
}

/// Where the service keeps its data: systemd's `StateDirectory=`, else `/var/lib/keyway`.
pub fn state_directory() -> PathBuf {
    std::env::var_os("STATE_DIRECTORY").map_or_else(|| "/var/lib/keyway".into(), PathBuf::from)
}

/// Whether anybody may read a file. Its group may: the package gives the file to root, and to the hub's group to be read.
pub fn readable_by_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_with_mode_0600_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("keyway.db");
        let key = vault_key(folder.path(), &database).unwrap();
        assert_ne!(*key, [0; 32]);
        let mode = std::fs::metadata(folder.path().join("vault.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&database, "x").unwrap();
        assert_eq!(vault_key(folder.path(), &database).unwrap(), key);
    }

    #[test]
    fn a_lost_key_is_not_replaced_beside_a_database() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("keyway.db");
        std::fs::write(&database, "x").unwrap();
        assert!(matches!(vault_key(folder.path(), &database), Err(KeyError::Lost { .. })));
    }

    #[test]
    fn a_key_that_others_may_read_or_of_the_wrong_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (path, database) = (folder.path().join("vault.key"), folder.path().join("keyway.db"));
        std::fs::write(&path, [1; 31]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(vault_key(folder.path(), &database), Err(KeyError::Open { mode: 0o640, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(vault_key(folder.path(), &database), Err(KeyError::Length { length: 31, .. })));
    }
}
