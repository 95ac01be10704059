//! What the store promises, as statements.

mod codes;
mod damage;
mod durability;
mod events;
mod purge;
mod rows;
mod schema;
mod spaces;
mod waiting;
mod webhooks;

use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use keyway_lock::{
    AdminCode, AutoLock, BoltSettings, Keypad, KeypadMode, LockId, LockInfo, Parameter, Pin, ReadBack, Settings,
    SlotNumber,
};
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::*;
use crate::model::{
    AccessCode, AccessGrant, AccessMethod, CodeOrigin, Device, DeviceState, Presence, RadioAddress, RadioKind,
    UserIdentity, Window,
};

const KEY: [u8; 32] = [7; 32];
/// 2026-12-01T12:00:00Z.
const NOON: i64 = 1_796_126_400;

/// A moment, in seconds behind noon.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microsecond((NOON + seconds) * 1_000_000).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn open(path: &Path) -> Store {
    try_open(path, KEY).unwrap()
}

fn try_open(path: &Path, key: [u8; 32]) -> Result<Store, StoreError> {
    // Never the same seed twice for one database: ids would repeat.
    static OPENED: AtomicU8 = AtomicU8::new(0);
    let seed = [OPENED.fetch_add(1, Ordering::Relaxed); 32];
    Store::open(path, Zeroizing::new(key), seed)
}

fn in_memory() -> Store {
    Store::in_memory(Zeroizing::new(KEY), [1; 32]).unwrap()
}

/// Runs a job that only the store can make fail, and waits.
fn run<T: Send + 'static>(
    store: &Store,
    now: Timestamp,
    job: impl FnOnce(&mut Unit<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    runtime().block_on(store.run(now, job))?
}

fn close(store: &Store) {
    runtime().block_on(store.close());
}

/// The rows of a building with one lock, one person and one grant with its code.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Building {
    device: Device,
    person: UserIdentity,
    grant: AccessGrant,
    method: AccessMethod,
    code: AccessCode,
}

/// A building, not in the store yet. The code waits for noon and is over an hour later.
fn building(unit: &mut Unit<'_>, node: u64, pin: &str) -> Building {
    let now = unit.now();
    let device = Device {
        device_id: unit.id(),
        name: format!("Door {node}"),
        nickname: None,
        custom_metadata: serde_json::Map::new(),
        is_managed: true,
        interview: keyway_lock::InterviewProgress::Idle,
        link: None,
        is_configured: true,
        address: RadioAddress { kind: RadioKind::Zwave, network: "c0ffee01".to_owned(), lock: LockId(node) },
        info: Some(lock_info()),
        state: DeviceState::default(),
        created_at: now,
    };
    let person = UserIdentity {
        user_identity_id: unit.id(),
        user_identity_key: Some(format!("guest-{node}")),
        email_address: None,
        phone_number: None,
        full_name: Some("Ada Lovelace".to_owned()),
        created_at: now,
    };
    let window = Window { starts_at: at(0), ends_at: Some(at(3600)) };
    let grant = AccessGrant {
        access_grant_id: unit.id(),
        access_grant_key: Some(format!("booking-{node}")),
        user_identity_id: person.user_identity_id,
        name: None,
        device_ids: vec![device.device_id],
        reservation_key: None,
        space_ids: Vec::new(),
        window,
        schedule: None,
        created_at: now,
        deleted_at: None,
    };
    let method = AccessMethod {
        access_method_id: unit.id(),
        access_grant_id: grant.access_grant_id,
        pin: Some(Pin::new(pin).unwrap()),
        requested: false,
        refused_length: None,
        issued_at: None,
        deleted_at: None,
        revoked_at: None,
        failed_at: None,
        created_at: now,
    };
    let code = AccessCode {
        access_code_id: unit.id(),
        origin: CodeOrigin::Grant {
            access_grant_id: grant.access_grant_id,
            access_method_id: method.access_method_id,
            user_identity_id: person.user_identity_id,
        },
        device_id: device.device_id,
        slot: SlotNumber(1),
        pin: method.pin.clone(),
        window,
        schedule: None,
        deleted_at: None,
        presence: Presence::Absent,
        kept: None,
        problem: None,
        created_at: now,
        ordered_at: now,
    };
    Building { device, person, grant, method, code }
}

fn insert(unit: &mut Unit<'_>, building: &Building) -> Result<(), StoreError> {
    unit.insert_device(&building.device)?;
    unit.insert_user_identity(&building.person)?;
    unit.insert_grant(&building.grant)?;
    unit.insert_method(&building.method)?;
    unit.insert_code(&building.code)
}

/// Makes a building and puts it in.
fn build(unit: &mut Unit<'_>, node: u64, pin: &str) -> Result<Building, StoreError> {
    let building = building(unit, node, pin);
    insert(unit, &building).map(|()| building)
}

/// As [`build`], in a job of its own an hour before noon.
fn built(store: &Store, node: u64, pin: &str) -> Building {
    let pin = pin.to_owned();
    run(store, at(-3600), move |unit| build(unit, node, &pin)).unwrap()
}

fn lock_info() -> LockInfo {
    let mut plain = keyway_test_support::lock_info(30);
    plain.capabilities.max_code_length = 10;
    plain.capabilities.read_back = ReadBack::Masked;
    LockInfo {
        serial_number: Some("KW-0042".to_owned()),
        auto_lock: Some(AutoLock::from_seconds(30)),
        settings: Box::new(Settings {
            keypad: Some(Keypad { mode: KeypadMode::Vacation, modes: KeypadMode::ALL.into() }),
            admin_code: Some(AdminCode { is_set: true, can_be_removed: true }),
            bolt: BoltSettings { timed_seconds: Some(90), twist_assist: Some(true), ..BoltSettings::default() },
            keeps_log: true,
            parameters: vec![Parameter {
                name: "beeper".to_owned(),
                does: "beeps".to_owned(),
                values: [("off".to_owned(), 0)].into(),
                range: Some((-1, 9)),
                can_be_set: true,
                value: Some(3),
                closed_to_guests: false,
            }],
        }),
        missing: vec!["battery".to_owned()],
        ..plain
    }
}
