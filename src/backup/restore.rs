//! The way back: a backup, or the copy that was made of the database before a migration, is opened and made ready beside
//! the database, and then put in its place. Until that moment nothing is changed; what was there is kept.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keyway_lock::NetworkRecord;
use keyway_zigbee::network::memory as zigbee;
use keyway_zwave::memory as zwave;
use zeroize::Zeroizing;

use super::content::{self, BackupError, Manifest};
use crate::model::Timestamp;
use crate::store::{DatabaseLock, Store, StoreError, Unit};

const DATABASE: &str = "keyway.db";
const KEY: &str = "vault.key";
/// What belongs to a database, and its key.
const FILES: [&str; 4] = [DATABASE, "keyway.db-wal", "keyway.db-shm", KEY];
/// Where it is made ready.
const READY: &str = "restoring";

/// Why a backup can't be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup.
    #[error("{path}: {source}")]
    Backup {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: BackupError,
    },
    /// The data directory.
    #[error("{path}: {source}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// See [`StoreError`].
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A stick was named that has no memory in the backup.
    #[error("no memory of a stick \"{0}\" is in this backup")]
    NoSuchStick(String),
}

/// A memory of a stick in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMemory {
    /// The stick's name in the configuration.
    pub stick: String,
    /// Its network.
    pub network: String,
    /// Its length, in bytes.
    pub length: usize,
}

/// A backup that is ready to be put in its place. Dropping it changes nothing.
pub struct Restore {
    /// What it is; `None`: a copy from before a migration, which says nothing of itself.
    pub manifest: Option<Manifest>,
    /// The memories in it.
    pub memories: Vec<KeptMemory>,
    /// Whether a database is there that it replaces.
    pub replaces: bool,
    data_dir: PathBuf,
    store: Store,
    now: Timestamp,
    _lock: DatabaseLock,
}

impl Restore {
    /// Opens a backup, and makes it ready in the data directory. Refused while a hub runs there. `seed` must be fresh.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub async fn prepare(
        backup: &Path,
        passphrase: &str,
        data_dir: &Path,
        now: Timestamp,
        seed: [u8; 32],
    ) -> Result<Self, RestoreError> {
        let (lock, ready) = begin(data_dir)?;
        let (manifest, key) = ready.unpack(backup, passphrase)?;
        // Opened as a hub would open it: the key must fit, and the schema is brought up to date.
        let store = Store::open(&ready.0.join(DATABASE), key, seed)?;
        let names: Vec<String> = manifest.sticks.iter().map(|stick| stick.name.clone()).collect();
        let memories = store.run(now, move |unit: &mut Unit<'_>| memories(unit, &names)).await??;
        let replaces = data_dir.join(DATABASE).exists();
        let data_dir = data_dir.to_owned();
        Ok(Self { manifest: Some(manifest), memories, replaces, data_dir, store, now, _lock: lock })
    }

    /// The same with a copy of the database that was made before a migration ([`crate::store::is_database`]). Its `key`
    /// is the one in use, and stays.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn prepare_copy(
        copy: &Path,
        key: Zeroizing<[u8; 32]>,
        data_dir: &Path,
        now: Timestamp,
        seed: [u8; 32],
    ) -> Result<Self, RestoreError> {
        let (lock, ready) = begin(data_dir)?;
        let path = ready.0.join(DATABASE);
        let mut database = create(&path)?;
        let mut from = File::open(copy).map_err(at(copy))?;
        io::copy(&mut from, &mut database).and_then(|_| database.sync_all()).map_err(at(&path))?;
        let store = Store::open(&path, key, seed)?;
        let replaces = data_dir.join(DATABASE).exists();
        let data_dir = data_dir.to_owned();
        Ok(Self { manifest: None, memories: Vec::new(), replaces, data_dir, store, now, _lock: lock })
    }

    /// Puts it in its place. Each stick in `over` is to be written its memory when the hub next meets it, if it has the
    /// network given then. Where what was there before is now; `None`: nothing was.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub async fn carry_out(self, over: Vec<(String, String)>) -> Result<Option<PathBuf>, RestoreError> {
        let known = |stick: &str| self.memories.iter().any(|memory| memory.stick == stick);
        if let Some((stick, _)) = over.iter().find(|(stick, _)| !known(stick)) {
            return Err(RestoreError::NoSuchStick(stick.clone()));
        }
        self.store.run(self.now, move |unit: &mut Unit<'_>| forget_and_order(unit, &over)).await??;
        self.store.close().await;
        let (data_dir, ready) = (&self.data_dir, self.data_dir.join(READY));
        // The key first: a database without its key is refused, a key without its database is not.
        let come: Vec<&str> = [KEY, DATABASE].into_iter().filter(|name| ready.join(name).exists()).collect();
        let goes = |name: &&str| data_dir.join(name).exists() && (*name != KEY || come.contains(&KEY));
        let there: Vec<&str> = FILES.into_iter().filter(goes).collect();
        let aside = data_dir.join(format!("before-restore-{}", self.now.as_millisecond() / 1000));
        if !there.is_empty() {
            DirBuilder::new().mode(0o700).create(&aside).map_err(at(&aside))?;
        }
        for name in &there {
            std::fs::rename(data_dir.join(name), aside.join(name)).map_err(at(&data_dir.join(name)))?;
        }
        for name in come {
            std::fs::rename(ready.join(name), data_dir.join(name)).map_err(at(&ready.join(name)))?;
        }
        File::open(data_dir).and_then(|folder| folder.sync_all()).map_err(at(data_dir))?;
        Ok((!there.is_empty()).then_some(aside))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        // The next restore clears it away as well.
        let _ = std::fs::remove_dir_all(self.data_dir.join(READY));
    }
}

/// Keeps every hub away, and makes the folder.
fn begin(data_dir: &Path) -> Result<(DatabaseLock, Ready), RestoreError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
    made.map_err(at(data_dir))?;
    Ok((DatabaseLock::take(&data_dir.join(DATABASE))?, Ready::make(data_dir)?))
}

/// The folder in which a backup is made ready.
struct Ready(PathBuf);

impl Ready {
    fn make(data_dir: &Path) -> Result<Self, RestoreError> {
        let folder = data_dir.join(READY);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&folder)(error)),
            Ok(()) | Err(_) => {}
        }
        DirBuilder::new().mode(0o700).create(&folder).map_err(at(&folder))?;
        Ok(Self(folder))
    }

    fn unpack(&self, backup: &Path, passphrase: &str) -> Result<(Manifest, Zeroizing<[u8; 32]>), RestoreError> {
        let wrong = |source| RestoreError::Backup { path: backup.to_owned(), source };
        let from = File::open(backup).map_err(|error| wrong(error.into()))?;
        let path = self.0.join(DATABASE);
        let mut database = create(&path)?;
        let unpacked = content::read(BufReader::new(from), passphrase, &mut database);
        if unpacked.is_err() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
        let (manifest, key) = unpacked.map_err(wrong)?;
        database.sync_all().map_err(at(&path))?;
        let path = self.0.join(KEY);
        let mut file = create(&path)?;
        file.write_all(&*key).and_then(|()| file.sync_all()).map_err(at(&path))?;
        Ok((manifest, key))
    }
}

fn create(path: &Path) -> Result<File, RestoreError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::File { path, source }
}

fn memories(unit: &mut Unit<'_>, names: &[String]) -> Result<Vec<KeptMemory>, StoreError> {
    let mut memories = Vec::new();
    for stick in names {
        if let Some((network, length)) = kept(&unit.records(stick)?) {
            memories.push(KeptMemory { stick: stick.clone(), network, length });
        }
    }
    Ok(memories)
}

/// The network whose memory these records keep, and its length; whichever radio the stick has.
fn kept(records: &[NetworkRecord]) -> Option<(String, usize)> {
    zwave::kept(records).or_else(|| zigbee::kept_network(records))
}

/// What the locks held when the backup was made is not what they hold now: they are asked.
fn forget_and_order(unit: &mut Unit<'_>, over: &[(String, String)]) -> Result<(), StoreError> {
    for device in unit.devices()? {
        unit.forget_slots(device.device_id)?;
    }
    over.iter().try_for_each(|(stick, network)| {
        let is_zwave = zwave::kept(&unit.records(stick)?).is_some();
        let order = if is_zwave { zwave::write_over(network) } else { zigbee::write_over(network) };
        unit.put_record(stick, &order)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{Cost, StickInBackup};

    const PASSPHRASE: &str = "open sesame";

    fn now() -> Timestamp {
        Timestamp::parse("2026-12-01T12:00:00Z").unwrap()
    }

    async fn workspace(store: &Store) -> String {
        store.run(now(), |unit: &mut Unit<'_>| unit.workspace_id()).await.unwrap().unwrap().to_string()
    }

    /// A hub's data, its workspace, and a backup of it.
    async fn hub(folder: &Path) -> (String, PathBuf) {
        let data = folder.join("old");
        std::fs::create_dir(&data).unwrap();
        let store = Store::open(&data.join(DATABASE), Zeroizing::new([9; 32]), [1; 32]).unwrap();
        let workspace = workspace(&store).await;
        let stick = StickInBackup { name: "zwave".to_owned(), network: None, problem: None };
        let (backup, to) = (folder.join("backup"), File::create(folder.join("backup")).unwrap());
        let copied = store.with_copy(|copy| {
            let database = std::fs::metadata(copy).unwrap().len();
            let manifest = Manifest {
                made_at: now(),
                hub: "home".to_owned(),
                version: "0".to_owned(),
                database,
                sticks: vec![stick],
            };
            content::write(to, PASSPHRASE, Cost::LEAST, [5; 35], &manifest, store.vault_key(), copy).unwrap();
        });
        copied.unwrap();
        store.close().await;
        (workspace, backup)
    }

    async fn prepare(backup: &Path, passphrase: &str, data: &Path) -> Result<Restore, RestoreError> {
        Restore::prepare(backup, passphrase, data, now(), [2; 32]).await
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_backup_is_restored_with_its_key_and_what_was_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (expected, backup) = hub(folder.path()).await;
        let data = folder.path().join("new");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join(DATABASE), "before").unwrap();
        std::fs::write(data.join(KEY), [7; 32]).unwrap();
        let restore = prepare(&backup, PASSPHRASE, &data).await.unwrap();
        assert!(restore.replaces && restore.memories.is_empty());
        assert_eq!(restore.manifest.as_ref().unwrap().hub, "home");
        assert_eq!(std::fs::read(data.join(DATABASE)).unwrap(), b"before", "nothing is changed yet");
        let aside = restore.carry_out(Vec::new()).await.unwrap().unwrap();
        assert_eq!(files(&aside), [DATABASE, KEY]);
        assert_eq!(std::fs::read(aside.join(DATABASE)).unwrap(), b"before");
        assert_eq!(std::fs::read(data.join(KEY)).unwrap(), [9; 32]);
        let store = Store::open(&data.join(DATABASE), Zeroizing::new([9; 32]), [3; 32]).unwrap();
        assert_eq!(workspace(&store).await, expected);
        assert!(!data.join(READY).exists());
    }

    #[tokio::test]
    async fn a_copy_from_before_a_migration_comes_back_and_the_key_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (expected, _) = hub(folder.path()).await;
        let (data, copy) = (folder.path().join("old"), folder.path().join("copy"));
        std::fs::copy(data.join(DATABASE), &copy).unwrap();
        std::fs::write(data.join(KEY), [9; 32]).unwrap();
        std::fs::write(data.join(DATABASE), "newer").unwrap();
        let wrong = Restore::prepare_copy(&copy, Zeroizing::new([8; 32]), &data, now(), [2; 32]);
        assert!(matches!(wrong.err(), Some(RestoreError::Store(StoreError::WrongKey))));
        let restore = Restore::prepare_copy(&copy, Zeroizing::new([9; 32]), &data, now(), [2; 32]).unwrap();
        let aside = restore.carry_out(Vec::new()).await.unwrap().unwrap();
        assert_eq!(files(&aside), [DATABASE]);
        assert_eq!(std::fs::read(data.join(KEY)).unwrap(), [9; 32]);
        let store = Store::open(&data.join(DATABASE), Zeroizing::new([9; 32]), [3; 32]).unwrap();
        assert_eq!(workspace(&store).await, expected);
    }

    #[tokio::test]
    async fn one_that_is_not_carried_out_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (_, backup) = hub(folder.path()).await;
        let data = folder.path().join("new");
        drop(prepare(&backup, PASSPHRASE, &data).await.unwrap());
        assert!(files(&data).is_empty(), "{:?}", files(&data));
        let wrong = prepare(&backup, "sesame", &data).await.err().unwrap().to_string();
        assert!(wrong.ends_with("the passphrase is not the one that this backup was made with"), "{wrong}");
        assert!(files(&data).is_empty(), "{:?}", files(&data));
    }

    #[tokio::test]
    async fn nothing_is_restored_under_a_hub_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let (_, backup) = hub(folder.path()).await;
        let data = folder.path().join("old");
        let store = Store::open(&data.join(DATABASE), Zeroizing::new([9; 32]), [1; 32]).unwrap();
        let refused = prepare(&backup, PASSPHRASE, &data).await.err().unwrap();
        assert!(refused.to_string().contains("stop that one first"), "{refused}");
        store.close().await;
    }

    #[tokio::test]
    async fn a_stick_without_a_memory_in_the_backup_is_not_ordered_to_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let (_, backup) = hub(folder.path()).await;
        let data = folder.path().join("new");
        let restore = prepare(&backup, PASSPHRASE, &data).await.unwrap();
        let refused = restore.carry_out(vec![("zwave".to_owned(), "1234abcd".to_owned())]).await.unwrap_err();
        assert!(matches!(refused, RestoreError::NoSuchStick(_)));
        assert!(files(&data).is_empty());
    }
}
