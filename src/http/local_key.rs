//! The key of the programs on this machine, in a file that only the hub's own user may read: who may read the database
//! may ask for everything anyhow.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::hub::{Hub, StoreError};
use crate::model::{ApiToken, KeyHash};

/// Why there is no local key.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalKeyError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sees to it that the file holds a key that the hub knows; a key that others may have read is replaced.
pub(super) async fn ensure(hub: &Hub, path: &Path) -> Result<(), LocalKeyError> {
    let failed = |source| LocalKeyError::File { path: path.to_owned(), source };
    if let Some(key) = read(path).map_err(failed)?
        && hub.caller_of(KeyHash::of(&key)).await?.is_some()
    {
        return Ok(());
    }
    // First into the store: after a crash in between there is a key too many there, which is replaced at the next start.
    let key = hub.renew_local_key().await?;
    write(path, &key).map_err(failed)?;
    tracing::info!("the key for programs on this machine is in {}", path.display());
    Ok(())
}

/// `None`: there is none, or none that may be used.
fn read(path: &Path) -> std::io::Result<Option<Zeroizing<String>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        tracing::warn!("{} could be read by others: the key in it is replaced", path.display());
        return Ok(None);
    }
    let mut text = Zeroizing::new(String::new());
    match file.take(4096).read_to_string(&mut text) {
        Ok(_) => Ok(Some(Zeroizing::new(text.trim().to_owned()))),
        Err(error) if error.kind() == ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error),
    }
}

/// In one step, so that no reader sees half of it.
fn write(path: &Path, key: &ApiToken) -> std::io::Result<()> {
    let new = path.with_extension("key.new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(file, "{}", key.expose())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
