//! What the hub would find out anew is not written to the disk for itself.

use keyway_lock::{SlotContent, SlotReport};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::*;
use crate::model::{ApiKey, KeyHash, Role};

/// A store with one lock, and somebody who looks into its database from outside.
struct Watched {
    store: Store,
    device: Device,
    outside: Connection,
    folder: TempDir,
}

impl Watched {
    /// The lock has told of its first slot at noon.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyway.db");
        let store = open(&path);
        let device = built(&store, 2, "4711").device;
        let outside = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let watched = Self { store, device, outside, folder };
        watched.hear(0);
        watched
    }

    /// The lock is heard, and says that its first slot is free.
    fn hear(&self, seconds: i64) {
        let mut device = self.device.clone();
        device.state.last_seen = Some(at(seconds));
        run(&self.store, at(seconds), move |unit| {
            unit.update_device(&device)?;
            unit.put_slot(device.device_id, &SlotReport { slot: SlotNumber(1), content: SlotContent::Free })
        })
        .unwrap();
    }

    /// When it was heard and told, as the database has it.
    fn on_disk(&self) -> [Timestamp; 2] {
        let sql = "SELECT last_seen, told_at FROM devices JOIN slots USING (device_id)";
        let [seen, told]: [i64; 2] = self.outside.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?])).unwrap();
        [seen, told].map(|micros| Timestamp::from_microsecond(micros).unwrap())
    }

    /// The same, as the store has it.
    fn in_store(&self) -> [Timestamp; 2] {
        let id = self.device.device_id;
        run(&self.store, at(0), move |unit| {
            Ok([unit.device(id)?.unwrap().state.last_seen.unwrap(), unit.slots(id)?[0].told_at])
        })
        .unwrap()
    }

    /// Changes whenever something was written.
    fn version(&self) -> i64 {
        self.outside.pragma_query_value(None, "data_version", |row| row.get(0)).unwrap()
    }
}

#[test]
fn that_a_lock_was_heard_again_waits_for_something_that_must_be_kept() {
    let watched = Watched::new();
    assert_eq!(watched.on_disk(), [at(0); 2]);
    let before = watched.version();
    watched.hear(100);
    watched.hear(200);
    assert_eq!(watched.in_store(), [at(200); 2]);
    assert_eq!((watched.on_disk(), watched.version()), ([at(0); 2], before));
    run(&watched.store, at(201), |unit| unit.remember_answer("request", "question", "answer")).unwrap();
    assert_eq!(watched.on_disk(), [at(200); 2]);
}

#[test]
fn it_does_not_wait_longer_than_an_hour() {
    let watched = Watched::new();
    let before = watched.version();
    watched.hear(3599);
    assert_eq!(watched.version(), before);
    run(&watched.store, at(3601), |unit| unit.devices()).unwrap();
    assert_eq!(watched.on_disk(), [at(3599); 2]);
}

#[test]
fn what_else_is_new_of_a_lock_is_kept_at_once() {
    let watched = Watched::new();
    let mut device = watched.device.clone();
    device.state.last_seen = Some(at(1));
    device.state.locked = Some(true);
    run(&watched.store, at(1), move |unit| unit.update_device(&device)).unwrap();
    assert_eq!(watched.on_disk(), [at(1), at(0)]);
    let report = SlotReport { slot: SlotNumber(1), content: SlotContent::Code(Pin::new("9876").unwrap()) };
    let id = watched.device.device_id;
    run(&watched.store, at(2), move |unit| unit.put_slot(id, &report)).unwrap();
    assert_eq!(watched.on_disk(), [at(1), at(2)]);
}

#[test]
fn a_job_that_fails_or_asks_takes_nothing_of_what_waits_with_it() {
    let watched = Watched::new();
    watched.hear(100);
    let failed = run(&watched.store, at(101), |unit| {
        unit.remember_answer("request", "question", "answer")?;
        Err::<(), _>(StoreError::Closed)
    });
    assert!(failed.is_err());
    assert_eq!(watched.in_store(), [at(100); 2]);
    assert!(run(&watched.store, at(102), |unit| unit.answer_of("request")).unwrap().is_none());
}

#[test]
fn it_is_kept_when_the_store_is_closed() {
    let watched = Watched::new();
    watched.hear(100);
    close(&watched.store);
    assert_eq!(watched.on_disk(), [at(100); 2]);
}

#[test]
fn a_kill_takes_what_waits_and_nothing_else() {
    let watched = Watched::new();
    let other = built(&watched.store, 3, "0815").device;
    watched.hear(100);
    let crashed = watched.folder.path().join("crashed.db");
    std::fs::copy(watched.folder.path().join("keyway.db"), &crashed).unwrap();
    std::fs::copy(watched.folder.path().join("keyway.db-wal"), watched.folder.path().join("crashed.db-wal")).unwrap();
    let ids = [watched.device.device_id, other.device_id];
    let after = run(&open(&crashed), at(101), move |unit| {
        assert!(unit.device(ids[1])?.is_some());
        Ok(unit.device(ids[0])?.unwrap().state.last_seen)
    });
    assert_eq!(after.unwrap(), Some(at(0)));
}

#[test]
fn when_a_key_was_last_used_waits_as_well() {
    let watched = Watched::new();
    let key = ApiKey {
        api_key_id: run(&watched.store, at(0), |unit| Ok(unit.id())).unwrap(),
        name: "prometheus".to_owned(),
        role: Role::Read,
        created_at: at(0),
        last_used_at: None,
    };
    let (made, id) = (key.clone(), key.api_key_id);
    run(&watched.store, at(0), move |unit| unit.insert_api_key(&made, KeyHash::of("secret"))).unwrap();
    let before = watched.version();
    run(&watched.store, at(60), move |unit| unit.use_api_key(id)).unwrap();
    let used = run(&watched.store, at(60), |unit| unit.api_key_by_name("prometheus")).unwrap();
    assert_eq!((used.unwrap().last_used_at, watched.version()), (Some(at(60)), before));
}
