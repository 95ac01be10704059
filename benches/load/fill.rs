//! Fills a hub's database: what is long over by SQL, all in one transaction; what has PINs through the store itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use keyway::config::credentials;
use keyway::model::{
    AccessCode, AccessCodeId, AccessGrant, AccessGrantId, AccessMethod, AccessMethodId, CodeOrigin, DeviceId, Presence,
    Timestamp, UserIdentity, UserIdentityId, Window,
};
use keyway::store::{Store, StoreError, Unit};
use keyway_lock::{Pin, SlotNumber};
use keyway_test_support::utc;
use rusqlite::{Connection, params};

/// So many guests of each door come within a week, however many grants there are: what is due is always the same.
const NEAR: usize = 4;
/// Of all others, one in so many is still to come. Who comes has a PIN.
const TO_COME: usize = 200;
/// Slots that are used of each lock.
const SLOTS: usize = 25;
/// Events that a hub keeps.
const EVENTS: usize = 100_000;
/// From one to the next, so that all are of the last weeks: microseconds.
const EVENT_EVERY: i64 = 20_000_000;
const DAY: i64 = 86_400_000_000;

pub(crate) struct Database {
    folder: PathBuf,
    doors: Vec<DeviceId>,
}

impl Database {
    pub(crate) fn open(folder: &Path, devices: &[String]) -> Result<Self> {
        let id = |text: &String| Ok(DeviceId(uuid::Uuid::parse_str(text)?));
        Ok(Self { folder: folder.to_owned(), doors: devices.iter().map(id).collect::<Result<_>>()? })
    }

    /// So many grants in all, as far as they are not there yet.
    pub(crate) fn fill(&mut self, grants: usize) -> Result<()> {
        let (there, to_come) = {
            let db = self.connect()?;
            let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
            let there = count("SELECT count(*) FROM access_grants")?;
            let to_come = count("SELECT count(*) FROM access_grants WHERE pins_purged = 0")?;
            (usize::try_from(there)?, usize::try_from(to_come)?)
        };
        let wanted = NEAR * self.doors.len() + grants / TO_COME;
        let over = grants.saturating_sub(there).saturating_sub(wanted.saturating_sub(to_come));
        self.fill_over(there, over)?;
        self.fill_to_come(to_come..wanted)
    }

    /// Grants that ended, and whose PINs are forgotten: the oldest ended first.
    fn fill_over(&self, first: usize, count: usize) -> Result<()> {
        let now = utc().as_microsecond();
        let mut db = self.connect()?;
        let transaction = db.transaction()?;
        {
            let mut person = transaction
                .prepare("INSERT INTO user_identities (user_identity_id, full_name, created_at) VALUES (?1, ?2, ?3)")?;
            let mut grant = transaction.prepare(
                "INSERT INTO access_grants (access_grant_id, access_grant_key, user_identity_id, starts_at, ends_at,
                created_at, pins_purged) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
            )?;
            let mut door = transaction.prepare(
                "INSERT INTO access_grant_devices (access_grant_id, position, device_id) VALUES (?1, 0, ?2)",
            )?;
            let mut method = transaction.prepare(
                "INSERT INTO access_methods (access_method_id, access_grant_id, requested, issued_at, created_at,
                revoked_at) VALUES (?1, ?2, 0, ?3, ?3, ?4)",
            )?;
            let mut code = transaction.prepare(
                "INSERT INTO access_codes (access_code_id, origin, access_method_id, access_grant_id, user_identity_id,
                device_id, slot, starts_at, ends_at, presence, created_at)
                VALUES (?1, 'grant', ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'absent', ?9)",
            )?;
            let mut note = transaction.prepare(
                "INSERT INTO journal (access_code_id, number, noted_at, entry, change) VALUES (?1, ?2, ?3, 'intended', 'set')",
            )?;
            let mut event = transaction.prepare(
                "INSERT INTO events (event_id, event_type, occurred_at, device_id, access_code_id, details)
                VALUES (?1, 'access_code.removed_from_device', ?2, ?3, ?4, '{}')",
            )?;
            for number in first..first + count {
                // Over for 31 days at least, and each a minute apart.
                let ended = now - 31 * DAY - 60_000_000 * i64::try_from(first + count - number)?;
                let (start, made) = (ended - 3 * DAY, ended - 30 * DAY);
                let [who, which, way, what, told] = [0_u8, 1, 2, 3, 4].map(|kind| id(made, kind, number).to_vec());
                let device = self.doors[number % self.doors.len()].0.as_bytes().to_vec();
                let slot = i64::try_from(1 + number / self.doors.len() % SLOTS)?;
                person.execute(params![who, format!("Guest {number}"), made])?;
                grant.execute(params![which, format!("stay {number}"), who, start, ended, made])?;
                door.execute(params![which, device])?;
                method.execute(params![way, which, made, ended])?;
                code.execute(params![what, way, which, who, device, slot, start, ended, made])?;
                (1..=2).try_for_each(|n| note.execute(params![what, n, start]).map(drop))?;
                if first < EVENTS && first + count - number <= EVENTS - first {
                    let told_at = now - DAY - EVENT_EVERY * i64::try_from(first + count - number)?;
                    event.execute(params![told, told_at, device, what])?;
                }
            }
        }
        // They were handed on in their time.
        transaction.execute("UPDATE cursors SET number = (SELECT max(number) FROM events)", [])?;
        Ok(transaction.commit()?)
    }

    /// Grants of the days and years to come: each door's one behind the other.
    fn fill_to_come(&self, numbers: std::ops::Range<usize>) -> Result<()> {
        let doors = self.doors.clone();
        self.with_store(move |unit| {
            for number in numbers {
                let (door, turn) = (doors[number % doors.len()], number / doors.len());
                // The first come within a week, the others behind that.
                let ahead = if turn < NEAR { 3 + turn } else { 4 + turn };
                let start = unit.now().as_microsecond() + i64::try_from(ahead).unwrap_or(0) * DAY;
                let at = |micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
                let window = Window { starts_at: at(start), ends_at: Some(at(start + DAY)) };
                let slot = SlotNumber(u16::try_from(1 + turn % SLOTS).unwrap_or(1));
                let pin = Pin::new(&format!("{:06}", 100_003 + number * 7_919 % 899_999)).ok();
                to_come(unit, door, window, slot, pin, number)?;
            }
            Ok(())
        })
    }

    fn with_store<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T> {
        let database = self.folder.join("keyway.db");
        let store = Store::open(&database, credentials::vault_key(&self.folder, &database)?, seed()?)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(async {
            let now = Timestamp::from_microsecond(utc().as_microsecond()).context("a time")?;
            let done = store.run(now, job).await??;
            store.close().await;
            Ok(done)
        })
    }

    fn connect(&self) -> Result<Connection> {
        let db = Connection::open(self.folder.join("keyway.db"))?;
        db.pragma_update(None, "cache_size", -200_000)?;
        Ok(db)
    }
}

fn to_come(
    unit: &mut Unit<'_>,
    device_id: DeviceId,
    window: Window,
    slot: SlotNumber,
    pin: Option<Pin>,
    number: usize,
) -> Result<(), StoreError> {
    let created_at = unit.now();
    let user_identity_id: UserIdentityId = unit.id();
    let access_grant_id: AccessGrantId = unit.id();
    let access_method_id: AccessMethodId = unit.id();
    let access_code_id: AccessCodeId = unit.id();
    unit.insert_user_identity(&UserIdentity {
        user_identity_id,
        user_identity_key: None,
        email_address: None,
        phone_number: None,
        full_name: Some(format!("Guest to come {number}")),
        created_at,
    })?;
    unit.insert_grant(&AccessGrant {
        access_grant_id,
        access_grant_key: Some(format!("stay to come {number}")),
        user_identity_id,
        name: None,
        device_ids: vec![device_id],
        space_ids: Vec::new(),
        reservation_key: None,
        window,
        schedule: None,
        created_at,
        deleted_at: None,
    })?;
    unit.insert_method(&AccessMethod {
        access_method_id,
        access_grant_id,
        pin: pin.clone(),
        requested: false,
        refused_length: None,
        issued_at: Some(created_at),
        deleted_at: None,
        revoked_at: None,
        failed_at: None,
        created_at,
    })?;
    unit.insert_code(&AccessCode {
        access_code_id,
        origin: CodeOrigin::Grant { access_grant_id, access_method_id, user_identity_id },
        device_id,
        slot,
        pin,
        window,
        schedule: None,
        deleted_at: None,
        presence: Presence::Absent,
        kept: None,
        problem: None,
        created_at,
        ordered_at: created_at,
    })
}

/// An id that sorts by its time, as the hub's do; no two are alike.
fn id(micros: i64, kind: u8, number: usize) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&((micros / 1000) << 16).to_be_bytes());
    id[6] = 0x70 | kind;
    id[8..].copy_from_slice(&(number as u64).to_be_bytes());
    id
}

fn seed() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    keyway::clock::entropy(&mut seed)?;
    Ok(seed)
}
