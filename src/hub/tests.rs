//! Access grants as statements, against a store in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use keyway_lock::{
    AdminCode, AutoLock, BoltSettings, Keypad, KeypadMode, LockId, Settings, SlotContent, SlotNumber, SlotReport,
    StickState,
};
use keyway_test_support::lock_info;
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Answer, Caller, Hub, Role, operations};
use crate::clock::{Clock, Now};
use crate::model::{AccessGrantId, Device, DeviceId, DeviceState, RadioAddress, RadioKind, Timestamp};
use crate::store::{Store, StoreError, Unit};

mod callers;
mod changing;
mod codes;
mod creating;
mod device_access;
mod devices;
mod keys;
mod load;
mod networks;
mod spaces;
mod webhooks;

struct Hand(Mutex<Now>);

impl Clock for Hand {
    fn now(&self) -> Now {
        *self.0.lock().unwrap()
    }
}

/// A hub with two doors: four slots each, six digits at most at the second.
struct World {
    hub: Hub,
    store: Store,
    clock: Arc<Hand>,
    doors: [DeviceId; 2],
    /// Steps that the database has taken.
    steps: Arc<AtomicU64>,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "an Instant can't be made otherwise; the test never looks at it")]
    async fn new() -> Self {
        let (store, steps) = Store::counted(Zeroizing::new([1; 32]), [2; 32]).unwrap();
        let now = Now { utc: at(0), mono: Instant::now(), trusted: true };
        let clock = Arc::new(Hand(Mutex::new(now)));
        let stick = ("zwave".into(), StickState::Failed("it hangs".to_owned()).into());
        let sticks = tokio::sync::watch::channel([stick].into()).1;
        let hub = Hub::new("test", store.clone(), Arc::clone(&clock) as Arc<dyn Clock>, sticks);
        let doors = [DeviceId(Uuid::from_u128(1)), DeviceId(Uuid::from_u128(2))];
        let world = Self { hub, store, clock, doors, steps };
        world
            .write(move |unit| {
                unit.insert_device(&door(doors[0], "Front door", 4..=8))?;
                unit.insert_device(&door(doors[1], "Garden gate", 4..=6))
            })
            .await;
        world
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.run(self.clock.now().utc, job).await.unwrap().unwrap()
    }

    fn set_time(&self, seconds: i64) {
        self.clock.0.lock().unwrap().utc = at(seconds);
    }

    /// The answer to a request that must work.
    async fn ask(&self, operation: &str, body: Value) -> Value {
        match self.hub.call(&Caller::mqtt(), operation, body, None).await {
            Answer::Ok(answer) => Value::Object(answer),
            Answer::Error(error) => panic!("{operation}: {error}"),
        }
    }

    /// The error of a request that must not work, as JSON.
    async fn refused(&self, operation: &str, body: Value) -> Value {
        match self.hub.call(&Caller::mqtt(), operation, body, None).await {
            Answer::Ok(_) => panic!("{operation} should be refused"),
            error => error.to_json(None)["error"].clone(),
        }
    }

    /// A request for both doors, changed as given.
    fn request(&self, from: i64, to: i64, change: Value) -> Value {
        let mut body = json!({
            "user_identity": {"full_name": "Ada"},
            "device_ids": self.doors,
            "requested_access_methods": [{"mode": "code"}],
            "starts_at": at(from),
            "ends_at": at(to),
        });
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    }

    async fn grant(&self, from: i64, to: i64, change: Value) -> Value {
        self.ask("access_grants/create", self.request(from, to, change)).await["access_grant"].clone()
    }

    async fn method(&self, grant: &Value) -> Value {
        let body = json!({"access_grant_id": grant["access_grant_id"]});
        self.ask("access_methods/list", body).await["access_methods"][0].clone()
    }

    async fn codes(&self, grant: &Value) -> Vec<Value> {
        let body = json!({"access_grant_id": grant["access_grant_id"]});
        self.ask("access_codes/list", body).await["access_codes"].as_array().unwrap().clone()
    }

    /// A grant as everybody may see it.
    async fn public(&self, id: AccessGrantId) -> Option<Value> {
        self.hub.public_grants(vec![id]).await.unwrap().remove(0).1
    }

    /// What happened to grants, oldest first.
    async fn events(&self) -> Vec<String> {
        let answer = self.ask("events/list", json!({})).await;
        let names = answer["events"].as_array().unwrap().iter().map(|event| event["event_type"].as_str().unwrap());
        names.filter(|name| !name.starts_with("user_identity.")).map(str::to_owned).collect()
    }

    async fn goes_offline(&self, door: DeviceId) {
        self.write(move |unit| {
            let mut device = unit.device(door)?.unwrap();
            device.state.online = false;
            unit.update_device(&device)
        })
        .await;
    }

    /// What the first door says of one of its slots.
    async fn says(&self, slot: u16, content: SlotContent) {
        let door = self.doors[0];
        self.write(move |unit| unit.put_slot(door, &SlotReport { slot: SlotNumber(slot), content })).await;
    }
}

/// Seconds on the tests' clock.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microsecond((1_800_000_000 + seconds) * 1_000_000).unwrap()
}

fn door(id: DeviceId, name: &str, lengths: std::ops::RangeInclusive<u8>) -> Device {
    let mut info = lock_info(4);
    (info.capabilities.min_code_length, info.capabilities.max_code_length) = lengths.into_inner();
    info.auto_lock = Some(AutoLock::Off);
    *info.settings = Settings {
        keypad: Some(Keypad { mode: KeypadMode::Normal, modes: [KeypadMode::Normal, KeypadMode::Vacation].into() }),
        admin_code: Some(AdminCode { is_set: false, can_be_removed: false }),
        bolt: BoltSettings { timed_seconds: Some(0), ..BoltSettings::default() },
        keeps_log: true,
        parameters: Vec::new(),
    };
    let lock = LockId(u64::from(id.0.as_bytes()[15]));
    Device {
        nickname: None,
        custom_metadata: serde_json::Map::new(),
        is_managed: true,
        interview: keyway_lock::InterviewProgress::Idle,
        link: None,
        is_configured: true,
        device_id: id,
        name: name.to_owned(),
        address: RadioAddress { kind: RadioKind::Zwave, network: "C0FFEE01".to_owned(), lock },
        info: Some(info),
        state: DeviceState { online: true, ..DeviceState::default() },
        created_at: at(-100),
    }
}

#[tokio::test]
async fn the_hub_tells_how_its_sticks_do() {
    let info = World::new().await.hub.info().await.unwrap();
    assert_eq!(info["sticks"], json!([{"name": "zwave", "state": "failed", "problem": "it hangs"}]));
    assert_eq!(info["devices"], 2);
}
