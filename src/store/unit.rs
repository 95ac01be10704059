//! One job's view of the database.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rusqlite::{CachedStatement, Connection, Params};
use uuid::Uuid;

use super::known::Known;
use super::row::{Places, Row};
use super::tally::Tally;
use super::vault::Vault;
use super::{Changes, StoreError};
use crate::model::{AccessGrantId, DeviceId, IdSource, Timestamp, WorkspaceId};

/// To which a job goes back that does not end well.
const SAVEPOINT: &str = "SAVEPOINT job";

/// What a job works with: reads and writes of every aggregate (each in its own file), the time, ids and randomness.
///
/// What it writes is kept when the job ends with `Ok`, together, or not at all.
pub struct Unit<'a> {
    pub(super) db: &'a Connection,
    pub(super) vault: &'a Vault,
    pub(super) changes: Changes,
    pub(super) tally: Tally,
    pub(super) complaints: &'a Complaints,
    pub(super) known: &'a Known,
    /// Rows of what was written that may wait.
    pub(super) waiting: u64,
    /// It has written something, or tried to: there is a savepoint to go back to.
    pub(super) has_written: Cell<bool>,
    ids: &'a mut IdSource,
    now: Timestamp,
    caller: Option<String>,
}

impl<'a> Unit<'a> {
    pub(super) fn new(
        db: &'a Connection,
        vault: &'a Vault,
        complaints: &'a Complaints,
        known: &'a Known,
        ids: &'a mut IdSource,
        now: Timestamp,
    ) -> Self {
        let (changes, tally) = (Changes::default(), Tally::default());
        let (waiting, has_written) = (0, Cell::new(false));
        Self { db, vault, changes, tally, complaints, known, waiting, has_written, ids, now, caller: None }
    }

    /// The time that the job was given: one moment for all of it.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// From here on, what happens is done by this caller: written into its events.
    pub fn set_caller(&mut self, caller: &str) {
        self.caller = Some(caller.to_owned());
    }

    /// Who does what this job does; `None`: the hub itself.
    pub(super) fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// A fresh id.
    pub fn id<T: From<Uuid>>(&mut self) -> T {
        self.ids.id(self.now)
    }

    /// Cryptographically secure randomness.
    pub fn rng(&mut self) -> &mut StdRng {
        self.ids.rng()
    }

    /// The hub's one workspace, made at the first call.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn workspace_id(&mut self) -> Result<WorkspaceId, StoreError> {
        let select = "SELECT name, value FROM meta WHERE name = 'workspace_id'";
        if let Some(id) = self.one("meta", select, [], |row| row.id("value"))? {
            return Ok(id);
        }
        let id: WorkspaceId = self.id();
        self.execute("INSERT INTO meta (name, value) VALUES ('workspace_id', ?1)", [id])?;
        Ok(id)
    }

    /// Writes something of no worth, which must be kept all the same: it can be written again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn try_to_write(&mut self) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta (name, value) VALUES ('tried_at', ?1) ON CONFLICT DO UPDATE SET value = ?1";
        self.execute(sql, [self.now()]).map(drop)
    }

    /// So many rows were changed in a way that the hub would find out anew: they need not be on disk before something else
    /// is.
    pub(super) fn may_wait(&mut self, rows: usize) {
        self.waiting += rows as u64;
    }

    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.prepare(sql)?.execute(params)?)
    }

    /// A statement. Most jobs only read: what there is to go back to is made before the first that writes.
    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        let statement = self.db.prepare_cached(sql)?;
        if !statement.readonly() && !self.has_written.get() {
            self.db.prepare_cached(SAVEPOINT)?.execute([])?;
            self.has_written.set(true);
        }
        Ok(statement)
    }

    /// Changes exactly one row.
    pub(super) fn change(
        &self,
        table: &'static str,
        id: impl std::fmt::Display,
        sql: &str,
        params: impl Params,
    ) -> Result<(), StoreError> {
        match self.execute(sql, params)? {
            0 => Err(StoreError::Missing { table, row: id.to_string() }),
            _ => Ok(()),
        }
    }

    /// The first row, if there is one.
    pub(super) fn one<T>(
        &self,
        table: &'static str,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        let places = self.known.take_places(sql);
        let value = rows.next()?.map(|row| read(&Row::new(table, row, &places))).transpose();
        self.known.put_places(sql, places);
        value
    }

    /// Every row; one that can't be read is an error.
    pub(super) fn all<T>(
        &self,
        table: &'static str,
        sql: &'static str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let places = self.known.take_places(sql);
        let all = self.rows(table, sql, params, &places, read);
        self.known.put_places(sql, places);
        all
    }

    fn rows<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
        places: &Places,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(&Row::new(table, row, places))?);
        }
        Ok(all)
    }

    /// Every row that can be read; the others are logged.
    pub(super) fn readable<T>(
        &self,
        table: &'static str,
        sql: &'static str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.without_unreadable(self.all(table, sql, params, |row| Ok(read(row)))?)
    }

    /// The same for a question that is not part of the program, but made by it.
    pub(super) fn readable_of<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.without_unreadable(self.rows(table, sql, params, &Places::default(), |row| Ok(read(row)))?)
    }

    fn without_unreadable<T>(&self, rows: Vec<Result<T, StoreError>>) -> Result<Vec<T>, StoreError> {
        let mut readable = Vec::with_capacity(rows.len());
        for row in rows {
            match row {
                Ok(row) => readable.push(row),
                Err(error @ StoreError::Unreadable { .. }) => self.complaints.add(&error),
                Err(error) => return Err(error),
            }
        }
        Ok(readable)
    }

    pub(super) fn changed_device(&mut self, id: DeviceId) {
        self.changes.devices.insert(id);
    }

    pub(super) fn changed_grant(&mut self, id: AccessGrantId) {
        self.changes.grants.insert(id);
    }
}

/// Rows that could not be read: each is logged once, however often it is met.
#[derive(Default)]
pub(super) struct Complaints(RefCell<BTreeSet<String>>);

impl Complaints {
    /// More are logged each time: something is very wrong then.
    const REMEMBERED: usize = 1000;

    pub(super) fn add(&self, error: &StoreError) {
        let mut known = self.0.borrow_mut();
        let text = error.to_string();
        if known.contains(&text) {
            return;
        }
        tracing::error!(%error, "a row of the database can't be read and is passed over: restore a backup");
        if known.len() < Self::REMEMBERED {
            known.insert(text);
        }
    }

    /// The value, or `instead` of one that can't be read, with a complaint.
    pub(super) fn mend<T>(&self, value: Result<T, StoreError>, instead: T) -> T {
        value.unwrap_or_else(|error| {
            self.add(&error);
            instead
        })
    }
}
