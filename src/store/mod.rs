//! What must survive: SQLite, one file an aggregate. One thread owns the connection; everything else hands it jobs.
//!
//! A job sees and changes the database through a [`Unit`] and is kept whole or not at all. Jobs that wait at the same
//! time share one commit (group commit), each in its own savepoint. What was answered is on disk: WAL with
//! `synchronous=FULL`.
//!
//! Secrets are sealed (the vault), and nothing here prints them. A row that can't be read is an error that names table,
//! column and row; where many rows are read, it is logged and left out, so that one bad row does not blind the hub for
//! all others.

mod access_codes;
mod access_grants;
mod access_methods;
mod action_attempts;
mod api_keys;
mod battery_details;
mod changes;
mod copy;
mod counts;
mod devices;
mod disk;
mod error;
mod events;
mod examine;
mod interview;
mod journal;
mod known;
mod link;
mod live_codes;
mod lock_info;
mod log_marks;
mod migrate;
mod open;
mod purge;
mod query;
mod radio;
mod requests;
mod row;
mod slots;
mod spaces;
mod tally;
mod unit;
mod unmanaged_codes;
mod user_identities;
mod vault;
mod webhooks;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use zeroize::Zeroizing;

use crate::model::Timestamp;

pub use access_codes::CodeFilter;
pub use access_grants::{GrantFilter, GrantPlace};
pub use action_attempts::AttemptFilter;
pub use changes::Changes;
pub use copy::{DatabaseLock, is_database};
pub use devices::DeviceFilter;
pub use disk::Disk;
use disk::Plain;
pub use error::StoreError;
pub use events::EventFilter;
pub use examine::{Examination, examine, is_in_use};
pub use journal::{CodeChange, JournalEntry};
pub use live_codes::Trouble;
pub use log_marks::LogMark;
pub use slots::SlotWord;
pub use spaces::SpaceFilter;
pub use tally::{Spread, Tally};
pub use unit::Unit;
pub use unmanaged_codes::UnmanagedFilter;
pub use user_identities::PersonFilter;
pub use webhooks::Ahead;

use writer::{Message, Task, Writer};

/// Jobs that may wait; who has one more waits to hand it in. Deep enough for a burst, shallow enough that nobody's
/// answer is far behind.
const QUEUE: usize = 256;
/// Commits that a slow subscriber may be behind before it has to look at everything.
const CHANGES: usize = 1024;

/// A job that has its place in the queue.
pub struct HandedIn<T, E>(oneshot::Receiver<Result<Result<T, E>, StoreError>>);

impl<T, E> HandedIn<T, E> {
    /// Waits until the job is done and on disk. May be asked again when the wait was broken off.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outcome(&mut self) -> Result<Result<T, E>, StoreError> {
        (&mut self.0).await.map_err(|_| StoreError::Closed)?
    }
}

/// The store; clones speak to the same thread. It ends when closed, or when the last clone is gone.
#[derive(Clone)]
pub struct Store {
    queue: mpsc::Sender<Message>,
    changes: broadcast::Sender<Arc<Changes>>,
    tally: watch::Receiver<Tally>,
    latest: Option<Timestamp>,
    /// Where it is; `None`: in memory.
    path: Option<Arc<Path>>,
    key: Arc<Zeroizing<[u8; 32]>>,
}

impl Store {
    /// Opens the database, or makes it; brings its schema up to date (with a copy of the file beside it first); takes
    /// the lock that keeps a second daemon out. Blocks.
    ///
    /// `key` seals the secrets in it; `seed` feeds ids, PINs and nonces, and must be fresh entropy at each start.
    ///
    /// # Errors
    /// [`StoreError`], saying what to do: in use, newer than this program, wrong key, not ours, disk.
    pub fn open(path: &Path, key: Zeroizing<[u8; 32]>, seed: [u8; 32]) -> Result<Self, StoreError> {
        Self::start(open::file(path, &key, seed)?, Some(path.into()), key, Box::new(Plain))
    }

    /// The same for a simulation: instead of a thread of its own, its jobs have the future that comes with it, to be run
    /// beside whoever asks; `disk` may be slow or full; and nothing is flushed, so that what is answered survives the end
    /// of that future at any moment, as it does the end of a process, but not a power cut.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_inline(
        path: &Path,
        key: Zeroizing<[u8; 32]>,
        seed: [u8; 32],
        disk: Box<dyn Disk>,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), StoreError> {
        let opened = open::file(path, &key, seed)?;
        opened.db.pragma_update(None, "synchronous", "off")?;
        let (store, writer, jobs) = Self::around(opened, Some(path.into()), key);
        Ok((store, writer.on(disk).serve(jobs)))
    }

    /// A store that is gone when closed, for tests and simulations.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn in_memory(key: Zeroizing<[u8; 32]>, seed: [u8; 32]) -> Result<Self, StoreError> {
        Self::start(open::in_memory(&key, seed)?, None, key, Box::new(Plain))
    }

    /// As [`Store::in_memory`], with a count of the steps that SQLite takes: what a job costs, whatever machine it runs on.
    #[cfg(test)]
    pub(crate) fn counted(key: Zeroizing<[u8; 32]>, seed: [u8; 32]) -> Result<(Self, Arc<AtomicU64>), StoreError> {
        Self::counted_on(key, seed, Box::new(Plain))
    }

    /// The same on another disk.
    #[cfg(test)]
    pub(crate) fn counted_on(
        key: Zeroizing<[u8; 32]>,
        seed: [u8; 32],
        disk: Box<dyn Disk>,
    ) -> Result<(Self, Arc<AtomicU64>), StoreError> {
        let mut opened = open::in_memory(&key, seed)?;
        let steps = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&steps);
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        opened.db.progress_handler(1, Some(count))?;
        Ok((Self::start(opened, None, key, disk)?, steps))
    }

    fn start(
        opened: open::Opened,
        path: Option<Arc<Path>>,
        key: Zeroizing<[u8; 32]>,
        disk: Box<dyn Disk>,
    ) -> Result<Self, StoreError> {
        let (store, writer, jobs) = Self::around(opened, path, key);
        let writer = writer.on(disk);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(jobs))
            .map_err(|source| StoreError::File { path: "thread".into(), source: Arc::new(source) })?;
        Ok(store)
    }

    fn around(
        opened: open::Opened,
        path: Option<Arc<Path>>,
        key: Zeroizing<[u8; 32]>,
    ) -> (Self, Writer, mpsc::Receiver<Message>) {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (changes, _) = broadcast::channel(CHANGES);
        let latest = opened.latest;
        let (tally_out, tally) = watch::channel(Tally::default());
        let writer = Writer::new(opened, changes.clone(), tally_out);
        (Self { queue, changes, tally, latest, path, key: Arc::new(key) }, writer, jobs)
    }

    /// Runs a job in a transaction. When it answers with `Ok`, what it wrote is on disk; with `Err`, it wrote nothing.
    ///
    /// The outer error is the store's: the job did not run, or what it did could not be kept. A caller that stops
    /// waiting does not stop the job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run<T, E, F>(&self, now: Timestamp, job: F) -> Result<Result<T, E>, StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(&mut Unit<'_>) -> Result<T, E> + Send + 'static,
    {
        self.hand_in(now, job).await?.outcome().await
    }

    /// The same in two steps: this one ends when the job has its place in the queue. Jobs run in the order of their
    /// places, so who hands in one after the other has them carried out in that order without waiting for each.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn hand_in<T, E, F>(&self, now: Timestamp, job: F) -> Result<HandedIn<T, E>, StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(&mut Unit<'_>) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let message = Message::Job(now, Box::new(Task::new(job, answer)));
        self.queue.send(message).await.map_err(|_| StoreError::Closed)?;
        Ok(HandedIn(answered))
    }

    /// What each commit changed, from now on. Who is told that he lagged behind must look at everything.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Changes>> {
        self.changes.subscribe()
    }

    /// What was done since the start.
    pub fn tally(&self) -> Tally {
        self.tally.borrow().clone()
    }

    /// The latest time that the database had seen when it was opened: no honest clock is behind it. At most an hour
    /// older than the last time the store was asked anything.
    pub fn latest_time(&self) -> Option<Timestamp> {
        self.latest
    }

    /// What seals the secrets in it, for a backup and nobody else.
    pub fn vault_key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Finishes what is queued and closes the database. Jobs that come later get [`StoreError::Closed`].
    pub async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        if self.queue.send(Message::Close(closed)).await.is_ok() {
            // An error means that the thread has ended, which is all that is waited for.
            let _ = wait.await;
        }
    }
}
