//! A backup of the running hub: the memory of each stick is read and kept, then database and vault key are sealed under a
//! passphrase, piece by piece, as whoever asked takes them.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use keyway_lock::{StickCommand, StickState};
use rand::RngExt;
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};
use zeroize::Zeroizing;

use super::sticks::{StickResource, StickStatus, Sticks};
use super::{Caller, Hub};
use crate::backup::{self, Cost, Manifest, StickInBackup};
use crate::model::{ApiError, EventSubject, EventType, Role};

/// No stick's memory takes longer.
const STICK_WITHIN: Duration = Duration::from_secs(600);
/// Shortest passphrase, in characters: whoever has the file may try as long as he likes.
const SHORTEST: usize = 8;
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
        if passphrase.chars().count() < SHORTEST {
            return Err(ApiError::invalid("passphrase", format!("expected at least {SHORTEST} characters")));
        }
        let Ok(turn) = Arc::clone(&self.backups).try_lock_owned() else {
            return Err(ApiError::new("conflict", "another backup is being made: ask again when it is done"));
        };
        tracing::info!(caller = caller.name, "a backup is made");
        let sticks = self.keep_memories().await;
        let made_at = self.clock.now().utc;
        let randomness = self.read(|unit| {
            let mut bytes = [0; 35];
            unit.rng().fill(&mut bytes[..]);
            Ok(bytes)
        });
        let randomness = randomness.await.map_err(|error| super::internal("backup", &error))?;
        let manifest = Manifest {
            made_at,
            hub: self.name.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            database: 0,
            sticks,
        };
        let (pieces, taken) = mpsc::channel(WAITING);
        tokio::spawn(self.clone().hand_over(manifest, passphrase, randomness, pieces, turn));
        Ok(taken)
    }

    /// To the last piece; how it ended is told as an event.
    async fn hand_over(
        self,
        manifest: Manifest,
        passphrase: Zeroizing<String>,
        randomness: [u8; 35],
        pieces: mpsc::Sender<Result<Vec<u8>, BackupFailed>>,
        _turn: OwnedMutexGuard<()>,
    ) {
        let of_sticks: Vec<Value> = manifest.sticks.iter().map(|stick| json!(stick)).collect();
        let hub = self.clone();
        let sealing = tokio::task::spawn_blocking(move || hub.seal(&manifest, &passphrase, randomness, &pieces));
        let broke_off = sealing.await.unwrap_or_else(|error| Some(error.to_string()));
        let mut details = Map::from_iter([("sticks".to_owned(), Value::Array(of_sticks))]);
        let event = match broke_off {
            None => EventType::BackupMade,
            Some(reason) => {
                tracing::error!(reason, "a backup broke off");
                details.insert("message".to_owned(), Value::String(reason));
                EventType::BackupFailed
            }
        };
        let told = self.read(move |unit| unit.emit(event, EventSubject::default(), details)).await;
        if let Err(error) = told {
            tracing::error!(%error, "can't tell how a backup ended");
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

    /// Blocks until the last piece is taken, or nobody takes any more. Why it broke off, if it did.
    fn seal(
        &self,
        manifest: &Manifest,
        passphrase: &str,
        randomness: [u8; 35],
        pieces: &mpsc::Sender<Result<Vec<u8>, BackupFailed>>,
    ) -> Option<String> {
        let sealed = self.store.with_copy(|copy| {
            let manifest = Manifest { database: std::fs::metadata(copy)?.len(), ..manifest.clone() };
            let key = self.store.vault_key();
            backup::write(Pieces(pieces), passphrase, Cost::USUAL, randomness, &manifest, key, copy)
        });
        let reason = match sealed {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        // An error means that nobody is there to be told.
        let _ = pieces.blocking_send(Err(BackupFailed));
        Some(reason)
    }
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
