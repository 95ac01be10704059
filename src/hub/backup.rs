//! A backup of the running hub: the memory of each stick is read and kept, then database and vault key are sealed under a
//! passphrase, piece by piece, as whoever asked takes them.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyway_lock::{StickCommand, StickState};
use rand::RngExt;
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};
use zeroize::Zeroizing;

use super::sticks::{StickResource, StickStatus, Sticks};
use super::{Caller, Hub};
use crate::backup::{self, Cost, Manifest, SHORTEST_PASSPHRASE, Shelf, StickInBackup};
use crate::model::{ApiError, EventSubject, EventType, Role};
use crate::store::StoreError;

/// No stick's memory takes longer.
const STICK_WITHIN: Duration = Duration::from_secs(600);
/// Pieces that wait for whoever takes them.
const WAITING: usize = 4;

/// One at a time.
pub(super) type Backups = Arc<Mutex<()>>;

/// The pieces of a backup, in order. It is whole only if it ends without an error.
pub type SealedBackup = mpsc::Receiver<Result<Vec<u8>, BackupFailed>>;

/// The backup broke off; the log says why.
#[derive(Debug, thiserror::Error)]
#[error("the backup broke off")]
pub struct BackupFailed;

impl Hub {
    /// Makes a backup.
    ///
    /// # Errors
    /// What to answer: the caller may not, or the passphrase is too short.
    pub async fn back_up(&self, caller: &Caller, passphrase: Zeroizing<String>) -> Result<SealedBackup, ApiError> {
        if caller.role < Role::Admin {
            let message = "a backup holds every key and every PIN: only a key with the role \"admin\" may make one";
            return Err(ApiError::new("forbidden", message));
        }
        if passphrase.chars().count() < SHORTEST_PASSPHRASE {
            return Err(ApiError::invalid("passphrase", format!("expected at least {SHORTEST_PASSPHRASE} characters")));
        }
        let Ok(turn) = Arc::clone(&self.backups).try_lock_owned() else {
            return Err(ApiError::new("conflict", "another backup is being made: ask again when it is done"));
        };
        tracing::info!(caller = caller.name, "a backup is made");
        let plan = self.plan_backup(turn).await.map_err(|error| super::internal("backup", &error))?;
        let (pieces, taken) = mpsc::channel(WAITING);
        tokio::spawn(self.clone().hand_over(plan, passphrase, pieces));
        Ok(taken)
    }

    /// Makes a backup on a shelf, reads it back, and takes away those that are too many: where it is. Waits for one that
    /// is being made.
    ///
    /// # Errors
    /// A sentence: why there is none, and what to do.
    pub async fn back_up_onto(&self, shelf: Shelf, passphrase: Zeroizing<String>) -> Result<PathBuf, String> {
        let turn = Arc::clone(&self.backups).lock_owned().await;
        let made_at = self.clock.now().utc;
        let place = shelf.directory.display().to_string();
        let closed = {
            let place = place.clone();
            move |error: io::Error| {
                format!(
                    "{place} can't be written to ({error}): see that it is there and that the hub's user may write into it; \
                     under systemd it needs a line ReadWritePaths= unless it is in /var/lib/keyway"
                )
            }
        };
        // Before the locks have to wait for it.
        let (shelf, begun) = blocking(move || {
            let begun = shelf.begin(made_at);
            (shelf, begun)
        })
        .await?;
        let (mut part, file) = begun.map_err(&closed)?;
        tracing::info!(file = %file.display(), "a scheduled backup is made");
        let plan = self.plan_backup(turn).await.map_err(|error| error.to_string())?;
        let (hub, sticks) = (self.clone(), plan.sticks());
        let written = blocking(move || {
            let broke_off = |reason| {
                format!(
                    "it can't be written to its end ({reason}): see that there is room in {place} and beside the database"
                )
            };
            hub.seal(&plan, &passphrase, part.file()).map_err(broke_off)?;
            let unreadable = |error| format!("it does not read back ({error}): try another medium at {place}");
            part.check(&passphrase).map_err(unreadable)?;
            part.keep().map_err(closed)?;
            if let Err(error) = shelf.clear_out(made_at) {
                tracing::warn!(%error, "a backup that is one too many can't be removed; remove it by hand");
            }
            Ok::<(), String>(())
        });
        written.await??;
        let details = [("sticks".to_owned(), sticks), ("file".to_owned(), json!(file))];
        self.tell_of_backup(EventType::BackupMade, Map::from_iter(details)).await;
        Ok(file)
    }

    /// Tells as an event why there is no backup.
    pub async fn backup_failed(&self, reason: &str) {
        tracing::error!(reason, "a backup broke off");
        self.tell_of_backup(EventType::BackupFailed, Map::from_iter([("message".to_owned(), json!(reason))])).await;
    }

    async fn tell_of_backup(&self, event: EventType, details: Map<String, Value>) {
        if let Err(error) = self.read(move |unit| unit.emit(event, EventSubject::default(), details)).await {
            tracing::error!(%error, "can't tell how a backup ended");
        }
    }

    /// Keeps the memory of each stick.
    async fn plan_backup(&self, turn: OwnedMutexGuard<()>) -> Result<Plan, StoreError> {
        let sticks = self.keep_memories().await;
        let made_at = self.clock.now().utc;
        let randomness = self.read(|unit| {
            let mut bytes = [0; 35];
            unit.rng().fill(&mut bytes[..]);
            Ok(bytes)
        });
        let randomness = randomness.await?;
        let manifest = Manifest {
            made_at,
            hub: self.name.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            database: 0,
            sticks,
        };
        Ok(Plan { manifest, randomness, _turn: turn })
    }

    /// To the last piece; how it ended is told as an event.
    async fn hand_over(
        self,
        plan: Plan,
        passphrase: Zeroizing<String>,
        pieces: mpsc::Sender<Result<Vec<u8>, BackupFailed>>,
    ) {
        let (hub, sticks) = (self.clone(), plan.sticks());
        let sealed = blocking(move || {
            let sealed = hub.seal(&plan, &passphrase, Pieces(&pieces));
            if sealed.is_err() {
                // An error means that nobody is there to be told.
                let _ = pieces.blocking_send(Err(BackupFailed));
            }
            sealed
        });
        match sealed.await.flatten() {
            Ok(()) => {
                self.tell_of_backup(EventType::BackupMade, Map::from_iter([("sticks".to_owned(), sticks)])).await;
            }
            Err(reason) => self.backup_failed(&reason).await,
        }
    }

    /// Reads the memory of each stick into the database, one after the other.
    async fn keep_memories(&self) -> Vec<StickInBackup> {
        let names: Vec<Arc<str>> = self.sticks.borrow().keys().cloned().collect();
        let mut sticks = Vec::with_capacity(names.len());
        for name in names {
            let kept = self.keep_memory(&name).await;
            if let Err(problem) = &kept {
                tracing::warn!(stick = %name, problem, "the backup is made without the stick's memory of now");
            }
            let (network, problem) = match kept {
                Ok(network) => (Some(network), None),
                Err(problem) => (None, Some(problem)),
            };
            sticks.push(StickInBackup { name: name.to_string(), network, problem });
        }
        sticks
    }

    /// Reads one memory: the network in it.
    async fn keep_memory(&self, name: &str) -> Result<String, String> {
        let status = self.sticks.borrow().get(name).cloned();
        let network = match status {
            Some(StickStatus { state: StickState::Ready(info), .. }) => info.network,
            Some(status) => {
                let stick = StickResource::new(name, &status);
                return Err(stick.problem_or_state());
            }
            None => return Err("it is not configured any more".to_owned()),
        };
        let ended = "its driver has ended";
        let number = self.orders.order(name, "backup", StickCommand::KeepMemory).ok_or(ended)?;
        let mut sticks = self.sticks.clone();
        let outcome = |sticks: &Sticks| {
            let order = sticks.get(name)?.order.as_ref()?;
            if order.number > number {
                return Some(Err("another order came in between".to_owned()));
            }
            order.outcome.clone().filter(|_| order.number == number)
        };
        let waited = tokio::time::timeout(STICK_WITHIN, sticks.wait_for(|sticks| outcome(sticks).is_some())).await;
        match waited {
            Ok(Ok(sticks)) => outcome(&sticks).unwrap_or(Err(ended.to_owned())).map(|()| network),
            Ok(Err(_)) => Err(ended.to_owned()),
            Err(_) => Err("it did not come to an end in time".to_owned()),
        }
    }

    /// Blocks until the last piece is taken, or can't be. The error says why.
    fn seal(&self, plan: &Plan, passphrase: &str, to: impl Write) -> Result<(), String> {
        let sealed = self.store.with_copy(|copy| {
            let manifest = Manifest { database: std::fs::metadata(copy)?.len(), ..plan.manifest.clone() };
            backup::write(to, passphrase, Cost::USUAL, plan.randomness, &manifest, self.store.vault_key(), copy)
        });
        sealed.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}

/// A backup that is about to be written. It is its turn as long as this lives.
struct Plan {
    manifest: Manifest,
    randomness: [u8; 35],
    _turn: OwnedMutexGuard<()>,
}

impl Plan {
    fn sticks(&self) -> Value {
        json!(self.manifest.sticks)
    }
}

/// On a thread where it may take its time: a passphrase costs about a second there, and a medium may hang.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
}

/// Hands pieces on as they are written.
struct Pieces<'a>(&'a mpsc::Sender<Result<Vec<u8>, BackupFailed>>);

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.blocking_send(Ok(bytes.to_vec())) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
