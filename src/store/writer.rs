//! The thread that owns the connection: group commit, one savepoint a job.
//!
//! A disk that is a memory card wears out by being written. So what the hub would find out anew ([`Unit::may_wait`]: when a
//! lock was last heard, that a slot still holds what it held) is not written for itself: its transaction stays open, in
//! which every job goes on, until there is something that must be kept, or the latest time is due. A crash loses it, and
//! nothing else. Who looks into the database from outside does not see it yet, and can't write meanwhile.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::vec::IntoIter;

use rusqlite::{Connection, ffi, params};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::disk::{Disk, Plain};
use super::known::Known;
use super::open::Opened;
use super::tally::Tally;
use super::unit::{Complaints, Unit};
use super::vault::Vault;
use super::{Changes, StoreError};
use crate::model::{IdSource, Timestamp};

/// Jobs that share a commit, at most.
const BATCH: usize = 64;
/// The latest time seen is written along with other things when it is this much newer, in microseconds,
const SAVE_ALONG: i64 = 60_000_000;
/// and by itself, with all that waits, when it is this much newer.
const SAVE_ALONE: i64 = 3_600_000_000;

/// What the thread is handed.
pub(super) enum Message {
    Job(Timestamp, Box<dyn AnyTask>),
    Close(oneshot::Sender<()>),
}

/// A job whatever its types are.
pub(super) trait AnyTask: Send {
    /// Runs it; whether to keep what it wrote.
    fn run(&mut self, unit: &mut Unit<'_>) -> bool;
    /// Answers its caller: with its own result, or the store's error.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A job, its result, and who waits for it.
pub(super) struct Task<T, E, F> {
    job: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<Result<T, E>, StoreError>>,
}

impl<T, E, F> Task<T, E, F> {
    pub(super) fn new(job: F, answer: oneshot::Sender<Result<Result<T, E>, StoreError>>) -> Self {
        Self { job: Some(job), result: None, answer }
    }
}

impl<T, E, F> AnyTask for Task<T, E, F>
where
    T: Send,
    E: Send,
    F: FnOnce(&mut Unit<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, unit: &mut Unit<'_>) -> bool {
        self.result = self.job.take().map(|job| job(unit));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, answer, .. } = *self;
        // Who has stopped waiting does not want to know.
        let _ = answer.send(committed.and_then(|()| result.ok_or(StoreError::Panicked)));
    }
}

/// The thread's own.
pub(super) struct Writer {
    db: Connection,
    vault: Vault,
    ids: IdSource,
    complaints: Complaints,
    known: Known,
    changes: broadcast::Sender<Arc<Changes>>,
    tally: watch::Sender<Tally>,
    /// Latest time seen, and the one written, in microseconds.
    latest: i64,
    saved: i64,
    /// The transaction is open, and holds only what may wait.
    waits: bool,
    disk: Box<dyn Disk>,
    _lock: Option<File>,
}

impl Writer {
    pub(super) fn new(opened: Opened, changes: broadcast::Sender<Arc<Changes>>, tally: watch::Sender<Tally>) -> Self {
        let Opened { db, vault, ids, latest, lock } = opened;
        let latest = latest.map_or(0, Timestamp::as_microsecond);
        Self {
            db,
            vault,
            ids,
            complaints: Complaints::default(),
            known: Known::default(),
            changes,
            tally,
            latest,
            saved: latest,
            waits: false,
            disk: Box::new(Plain),
            _lock: lock,
        }
    }

    /// The same on another disk.
    pub(super) fn on(self, disk: Box<dyn Disk>) -> Self {
        Self { disk, ..self }
    }

    /// Until closed, or until nobody can hand in a job any more.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(message) = queue.blocking_recv() else { break };
            closing = self.work(message, &mut queue);
        }
        self.end(queue, closing);
    }

    /// The same, as a task beside those who ask.
    pub(super) async fn serve(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(message) = queue.recv().await else { break };
            let delay = self.disk.delay();
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            closing = self.work(message, &mut queue);
        }
        self.end(queue, closing);
    }

    /// A job, and all that wait behind it. Gives who waits for the end, if it is to end.
    fn work(&mut self, first: Message, queue: &mut mpsc::Receiver<Message>) -> Option<oneshot::Sender<()>> {
        let (mut message, mut closing) = (Some(first), None);
        let mut batch = Vec::new();
        while let Some(next) = message {
            match next {
                Message::Job(now, task) => batch.push((now, task)),
                Message::Close(closed) => closing = Some(closed),
            }
            let more = closing.is_none() && batch.len() < BATCH;
            message = if more { queue.try_recv().ok() } else { None };
        }
        let mut batch = batch.into_iter();
        while batch.len() > 0 {
            self.commit(&mut batch);
        }
        closing
    }

    fn end(self, queue: mpsc::Receiver<Message>, closing: Option<oneshot::Sender<()>>) {
        drop(queue);
        self.finish();
        if let Some(closed) = closing {
            let _ = closed.send(());
        }
    }

    /// Runs jobs in one transaction and answers them once it is on disk, or may wait. Takes as many as it gets through:
    /// should SQLite give the transaction up on the way, those behind get another.
    fn commit(&mut self, batch: &mut IntoIter<(Timestamp, Box<dyn AnyTask>)>) {
        let mut done = Vec::new();
        let (mut changes, mut tally) = (Changes::default(), Tally::default());
        let (saved, waited) = (self.saved, self.waits);
        let outcome = self.transaction(batch, &mut done, (&mut changes, &mut tally));
        if outcome.is_err() && !self.db.is_autocommit() {
            self.control("ROLLBACK").unwrap_or_else(|error| tracing::error!(%error, "rollback failed"));
        }
        self.waits = !self.db.is_autocommit();
        if let Err(error) = &outcome {
            self.saved = saved;
            changes = Changes { undone: waited, ..Changes::default() };
            tracing::error!(%error, jobs = done.len(), "a commit failed; nothing of it was kept");
        }
        if !changes.is_empty() {
            // An error means that nobody listens.
            let _ = self.changes.send(Arc::new(changes));
        }
        if outcome.is_ok() && !tally.is_empty() {
            self.tally.send_modify(|all| all.merge(tally));
        }
        for task in done {
            let outcome = if task.panicked { Err(StoreError::Panicked) } else { outcome.clone() };
            task.task.answer(outcome);
        }
    }

    fn transaction(
        &mut self,
        batch: &mut IntoIter<(Timestamp, Box<dyn AnyTask>)>,
        done: &mut Vec<DoneTask>,
        told: (&mut Changes, &mut Tally),
    ) -> Result<(), StoreError> {
        let (written, mut may_wait) = (self.db.total_changes(), 0);
        let begun = if self.waits { Ok(()) } else { self.control("BEGIN IMMEDIATE") };
        for (now, mut task) in batch {
            self.latest = self.latest.max(now.as_microsecond());
            let ran = match begun {
                Ok(()) => self.job(now, task.as_mut(), (&mut *told.0, &mut *told.1), &mut may_wait),
                Err(_) => Ok(Ran::Whole),
            };
            let panicked = matches!(ran, Ok(Ran::Panicked));
            done.push(DoneTask { task, panicked });
            ran?;
        }
        begun?;
        let must_be_kept = self.db.total_changes() - written > may_wait;
        let saved = self.save_latest(if must_be_kept { SAVE_ALONG } else { SAVE_ALONE })?;
        if !must_be_kept && !saved {
            return if self.waits || may_wait > 0 { Ok(()) } else { self.control("COMMIT") };
        }
        if self.disk.is_full() {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None).into());
        }
        self.control("COMMIT")
    }

    /// One job in its savepoint. `may_wait` counts the rows of which [`Unit::may_wait`] was said.
    fn job(
        &mut self,
        now: Timestamp,
        task: &mut dyn AnyTask,
        (changes, tally): (&mut Changes, &mut Tally),
        may_wait: &mut u64,
    ) -> Result<Ran, StoreError> {
        let mut unit = Unit::new(&self.db, &self.vault, &self.complaints, &self.known, &mut self.ids, now);
        let ran = catch_unwind(AssertUnwindSafe(|| task.run(&mut unit)));
        let (changed, counted) = (std::mem::take(&mut unit.changes), std::mem::take(&mut unit.tally));
        let (waiting, has_written) = (unit.waiting, unit.has_written.get());
        if self.db.is_autocommit() {
            return Err(StoreError::GivenUp);
        }
        // Rows that are rolled back are counted as well, also by SQLite.
        *may_wait += waiting;
        if let Ok(true) = ran {
            changes.merge(&changed);
            tally.merge(counted);
        } else if has_written {
            self.control("ROLLBACK TO job")?;
        }
        if has_written {
            self.control("RELEASE job")?;
        }
        Ok(if ran.is_ok() { Ran::Whole } else { Ran::Panicked })
    }

    /// Whether it was due.
    fn save_latest(&mut self, newer_by: i64) -> Result<bool, StoreError> {
        if self.latest.saturating_sub(self.saved) < newer_by {
            return Ok(false);
        }
        let sql = "INSERT INTO meta (name, value) VALUES ('latest_time', ?1) ON CONFLICT DO UPDATE SET value = ?1";
        self.db.prepare_cached(sql)?.execute(params![self.latest])?;
        self.saved = self.latest;
        Ok(true)
    }

    fn control(&self, sql: &str) -> Result<(), StoreError> {
        self.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn finish(mut self) {
        let checkpoint = |db: &Connection| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let mut outcome = self.save_latest(1).map(drop);
        if self.waits {
            outcome = outcome.and_then(|()| self.control("COMMIT"));
        }
        let outcome = outcome.and_then(|()| Ok(checkpoint(&self.db)?));
        // Nothing is lost by it: the log is read at the next start.
        outcome.unwrap_or_else(|error| tracing::warn!(%error, "the database was closed without tidying up"));
    }
}

/// How a job went.
enum Ran {
    /// To its end, kept or rolled back as it wished.
    Whole,
    /// It panicked and was rolled back.
    Panicked,
}

/// A job that waits for the commit.
struct DoneTask {
    task: Box<dyn AnyTask>,
    panicked: bool,
}
