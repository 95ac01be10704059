//! A store, an engine that can be killed, two locks on one stick, and a clock moved by hand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keyway_lock::{
    CommandId, LockCommand, LockEvent, LockId, Pin, RadioEvent, SlotNumber, StickInfo, StickState, WallTime,
};
use tokio::sync::broadcast;
use zeroize::Zeroizing;

use super::lock::{FakeLock, echoes};
use crate::clock::Now;
use crate::model::{
    AccessCode, AccessCodeId, AccessGrant, AccessGrantId, AccessMethod, ActionAttempt, ActionAttemptId, ActionStatus,
    ActionType, CodeOrigin, Device, DeviceId, Presence, RadioKind, Timestamp, UserIdentity, Window,
};
use crate::plan::{SlotTable, slot};
use crate::reconcile::engine::Engine;
use crate::reconcile::{Air, StickSeat};
use crate::store::{Changes, CodeFilter, Disk, EventFilter, Store, StoreError, Unit};

/// The two doors.
pub(super) const FRONT: LockId = LockId(2);
pub(super) const GATE: LockId = LockId(3);

/// Commands on their way.
#[derive(Default)]
struct Queue(Mutex<Vec<(CommandId, LockId, LockCommand)>>);

impl Air for Queue {
    fn command(&self, _stick: &str, id: CommandId, lock: LockId, command: LockCommand) -> bool {
        self.0.lock().unwrap().push((id, lock, command));
        true
    }
}

/// A disk that may be full.
struct FullDisk(Arc<AtomicBool>);

impl Disk for FullDisk {
    fn delay(&mut self) -> Duration {
        Duration::ZERO
    }

    fn is_full(&mut self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct World {
    pub(super) store: Store,
    disk_full: Arc<AtomicBool>,
    steps: Arc<AtomicU64>,
    changes: broadcast::Receiver<Arc<Changes>>,
    engine: Engine,
    queue: Arc<Queue>,
    pub(super) locks: BTreeMap<LockId, FakeLock>,
    pub(super) devices: BTreeMap<LockId, DeviceId>,
    /// The locks keep windows by themselves; then no PIN opens before its grant begins, whatever happens.
    keeps_windows: bool,
    pub(super) begins: Vec<(LockId, String, i64)>,
    /// Locks that the stick does not tell of.
    pub(super) untold: Vec<LockId>,
    now: Now,
    start: Now,
}

/// A grant and what it is made of.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) id: AccessGrantId,
    pub(super) codes: Vec<AccessCodeId>,
    pub(super) pin: String,
}

impl World {
    /// Both locks interviewed and heard, at second 0.
    pub(super) async fn new() -> Self {
        Self::of_locks(false).await
    }

    /// The same, with locks that keep windows by themselves.
    pub(super) async fn keeping_windows() -> Self {
        Self::of_locks(true).await
    }

    #[expect(clippy::disallowed_methods, reason = "an Instant can't be made otherwise; only differences to it count")]
    async fn of_locks(keeps_windows: bool) -> Self {
        let disk_full = Arc::new(AtomicBool::new(false));
        let disk = Box::new(FullDisk(Arc::clone(&disk_full)));
        let (store, steps) = Store::counted_on(Zeroizing::new([1; 32]), [2; 32], disk).unwrap();
        let start = Now { utc: at(0), mono: Instant::now(), trusted: true };
        let queue = Arc::new(Queue::default());
        let mut world = Self {
            changes: store.subscribe(),
            engine: engine(&store, &queue),
            store,
            disk_full,
            steps,
            queue,
            locks: [FRONT, GATE].map(|lock| (lock, FakeLock::new())).into(),
            devices: BTreeMap::new(),
            keeps_windows,
            begins: Vec::new(),
            untold: Vec::new(),
            now: start,
            start,
        };
        world.begin().await;
        let devices = world.read(|unit| unit.devices()).await;
        world.devices = devices.into_iter().map(|device| (device.address.lock, device.device_id)).collect();
        world.pump().await;
        world
    }

    async fn begin(&mut self) {
        self.engine.start(self.now).await;
        let info = StickInfo {
            network: "C0FFEE01".to_owned(),
            firmware: "7".to_owned(),
            model: "Stick".to_owned(),
            region: None,
            power: None,
        };
        self.report(RadioEvent::Stick(StickState::Ready(info))).await;
        for lock in [FRONT, GATE].into_iter().filter(|lock| !self.untold.contains(lock)).collect::<Vec<_>>() {
            self.report(RadioEvent::LockInterviewed(lock, FakeLock::info(self.keeps_windows))).await;
        }
    }

    /// The power goes and comes back. Commands on their way are lost, or carried out with nobody to hear the answer.
    pub(super) async fn restart(&mut self, carried_out: bool) {
        for (_, lock, command) in std::mem::take(&mut *self.queue.0.lock().unwrap()) {
            if carried_out {
                let _ = self.locks.get_mut(&lock).unwrap().obey(&command);
            }
        }
        self.engine = engine(&self.store, &self.queue);
        // No computer starts in no time.
        self.set_mono(self.now.mono + Duration::from_secs(1));
        self.begin().await;
    }

    pub(super) fn lock(&mut self, lock: LockId) -> &mut FakeLock {
        self.locks.get_mut(&lock).unwrap()
    }

    /// Whether a PIN opens a lock at this second, with nobody but the lock to see to it.
    pub(super) fn opens(&self, lock: LockId, pin: &str, seconds: i64) -> bool {
        self.locks[&lock].opens(pin, WallTime(at(seconds).as_microsecond()))
    }

    /// There is no room on the disk any more, or there is again.
    pub(super) fn set_disk_full(&self, full: bool) {
        self.disk_full.store(full, Ordering::Relaxed);
    }

    fn assert_nobody_is_early(&self) {
        for (lock, pin, begins) in &self.begins {
            assert!(
                self.seconds() >= *begins || !self.opens(*lock, pin, self.seconds()),
                "a PIN opens before {begins}"
            );
        }
    }

    /// The PINs in a lock, each as often as it is in there.
    pub(super) fn pins(&self, lock: LockId) -> Vec<String> {
        self.locks[&lock].slots.values().cloned().collect()
    }

    /// Steps that the database has taken so far.
    pub(super) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    pub(super) fn seconds(&self) -> i64 {
        (self.now.utc.as_microsecond() - self.start.utc.as_microsecond()) / 1_000_000
    }

    /// Until nothing more happens at this moment.
    pub(super) async fn pump(&mut self) {
        assert!(self.pump_steps(10_000).await, "it does not come to rest");
    }

    /// At most so many steps: a turn, or a command carried out and answered. True: it came to rest.
    pub(super) async fn pump_steps(&mut self, steps: usize) -> bool {
        // The store tells of a commit a moment after it has answered: not waited for here.
        self.engine.anything_changed();
        for _ in 0..steps {
            let mut changed = false;
            while let Ok(change) = self.changes.try_recv() {
                self.engine.changed(&change);
                changed = true;
            }
            let command = self.queue.0.lock().unwrap().pop();
            if let Some((id, lock, command)) = command {
                let result = self.lock(lock).obey(&command);
                self.assert_nobody_is_early();
                let tells = self.lock(lock).faults.tells;
                for echo in echoes(&command).into_iter().filter(|_| tells) {
                    self.tells(lock, echo).await;
                }
                self.report(RadioEvent::CommandDone(id, result)).await;
                continue;
            }
            self.engine.turn(self.now).await;
            if !changed && self.queue.0.lock().unwrap().is_empty() && self.changes.is_empty() {
                return true;
            }
        }
        false
    }

    /// Lets time pass, waking the engine whenever it wants to be.
    pub(super) async fn run_until(&mut self, seconds: i64) {
        self.pump().await;
        let end = self.start.mono + Duration::from_secs(u64::try_from(seconds).unwrap());
        for _ in 0..100_000 {
            let wake = self.engine.wake().unwrap_or(end).clamp(self.now.mono, end);
            self.set_mono(wake);
            self.assert_nobody_is_early();
            self.pump().await;
            if wake >= end {
                return;
            }
        }
        panic!("it wakes without end");
    }

    /// The next moment at which the engine wants to be woken, and what comes of it; how many steps the database took for that.
    pub(super) async fn next_moment(&mut self) -> u64 {
        let (before, wake) = (self.steps(), self.engine.wake().unwrap());
        self.set_mono(wake.max(self.now.mono));
        self.engine.turn(self.now).await;
        while let Some((id, lock, command)) = { self.queue.0.lock().unwrap().pop() } {
            let result = self.lock(lock).obey(&command);
            self.report(RadioEvent::CommandDone(id, result)).await;
            while let Ok(change) = self.changes.try_recv() {
                self.engine.changed(&change);
            }
            self.engine.turn(self.now).await;
        }
        self.steps() - before
    }

    fn set_mono(&mut self, mono: Instant) {
        let passed = mono - self.now.mono;
        self.now.mono = mono;
        self.now.utc = self.now.utc.after(passed);
    }

    /// Somebody moves the wall clock.
    pub(super) fn set_clock(&mut self, seconds: i64, trusted: bool) {
        self.now.utc = at(seconds);
        self.now.trusted = trusted;
    }

    pub(super) async fn report(&mut self, event: RadioEvent) {
        let stick: Arc<str> = "stick".into();
        self.engine.observe(self.now, &stick, event).await;
    }

    pub(super) async fn tells(&mut self, lock: LockId, event: LockEvent) {
        self.report(RadioEvent::Lock(lock, event)).await;
    }

    /// A hand at the keypad; the lock tells of it, if it can.
    pub(super) async fn by_hand(&mut self, lock: LockId, slot: u16, code: Option<&str>) {
        let fake = self.lock(lock);
        let event = match code {
            Some(code) => {
                fake.slots.insert(slot, code.to_owned());
                fake.windows.remove(&slot);
                LockEvent::CodeAdded(Some(SlotNumber(slot)))
            }
            None => {
                fake.slots.remove(&slot);
                fake.windows.remove(&slot);
                LockEvent::CodeDeleted(Some(SlotNumber(slot)))
            }
        };
        if !fake.faults.offline {
            self.tells(lock, event).await;
        }
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.run(self.now.utc, job).await.unwrap().unwrap()
    }

    /// A grant as the hub makes it; `None`: a lock is full.
    pub(super) async fn grant(&mut self, locks: &[LockId], from: i64, to: i64) -> Option<Grant> {
        let devices: Vec<DeviceId> = locks.iter().map(|lock| self.devices[lock]).collect();
        let window = Window { starts_at: at(from), ends_at: Some(at(to)) };
        let grant: Option<Grant> = self.read(move |unit| make_grant(unit, &devices, window)).await;
        if let Some(grant) = grant.as_ref().filter(|_| self.keeps_windows) {
            self.begins.extend(locks.iter().map(|lock| (*lock, grant.pin.clone(), from)));
        }
        grant
    }

    pub(super) async fn delete(&mut self, grant: &Grant) {
        let codes = grant.codes.clone();
        self.read(move |unit| {
            for id in codes {
                let code = unit.code(id)?.unwrap();
                unit.update_code(&AccessCode { deleted_at: Some(unit.now()), ..code })?;
            }
            Ok(())
        })
        .await;
    }

    /// The host changes the first code of a grant.
    pub(super) async fn change(&mut self, grant: &Grant, change: impl FnOnce(&mut AccessCode) + Send + 'static) {
        let id = grant.codes[0];
        self.read(move |unit| {
            let mut code = unit.code(id)?.unwrap();
            code.ordered_at = unit.now();
            change(&mut code);
            unit.update_code(&code)
        })
        .await;
    }

    /// The host has a lock managed, or left alone.
    pub(super) async fn manage(&mut self, lock: LockId, is_managed: bool) {
        let id = self.devices[&lock];
        self.read(move |unit| {
            let device = unit.device(id)?.unwrap();
            unit.update_device(&Device { is_managed, ..device })
        })
        .await;
    }

    pub(super) async fn device(&self, lock: LockId) -> Device {
        let id = self.devices[&lock];
        self.read(move |unit| unit.device(id)).await.unwrap()
    }

    pub(super) async fn ask_for(&mut self, lock: LockId, action_type: ActionType) -> ActionAttemptId {
        let device_id = self.devices[&lock];
        self.read(move |unit| {
            let attempt = ActionAttempt {
                action_attempt_id: unit.id(),
                device_id,
                action_type,
                status: ActionStatus::Pending,
                created_at: unit.now(),
                expires_at: unit.now().after(Duration::from_secs(30)),
            };
            unit.insert_action_attempt(&attempt)?;
            Ok(attempt.action_attempt_id)
        })
        .await
    }

    pub(super) async fn attempt(&self, id: ActionAttemptId) -> ActionStatus {
        self.read(move |unit| unit.action_attempt(id)).await.unwrap().status
    }

    pub(super) async fn codes(&self, lock: LockId) -> Vec<AccessCode> {
        let device = Some(self.devices[&lock]);
        self.read(move |unit| unit.codes(&CodeFilter { device, ..CodeFilter::default() })).await
    }

    pub(super) async fn code(&self, grant: &Grant) -> AccessCode {
        let id = grant.codes[0];
        self.read(move |unit| unit.code(id)).await.unwrap()
    }

    /// The names of all events so far that begin like this, oldest first.
    pub(super) async fn events(&self, prefix: &'static str) -> Vec<&'static str> {
        let filter = EventFilter { limit: Some(10_000), ..EventFilter::default() };
        let mut events = self.read(move |unit| unit.events(&filter)).await;
        events.sort_by_key(|event| event.event_id);
        let names = events.into_iter().map(|event| event.event_type.name());
        names.filter(|name| name.starts_with(prefix)).collect()
    }
}

fn engine(store: &Store, queue: &Arc<Queue>) -> Engine {
    let seat = StickSeat { name: "stick".into(), kind: RadioKind::Zwave, names: BTreeMap::new() };
    Engine::new(store.clone(), Arc::clone(queue) as Arc<dyn Air>, vec![seat])
}

/// Seconds on the tests' clock.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microsecond((1_800_000_000 + seconds) * 1_000_000).unwrap()
}

fn make_grant(unit: &mut Unit<'_>, devices: &[DeviceId], window: Window) -> Result<Option<Grant>, StoreError> {
    let now = unit.now();
    let person = UserIdentity {
        user_identity_id: unit.id(),
        user_identity_key: None,
        email_address: None,
        phone_number: None,
        full_name: Some("Ada".to_owned()),
        created_at: now,
    };
    let grant_id: AccessGrantId = unit.id();
    // Unlike every other: the id is.
    let pin = format!("{:08}", 10_000_000 + grant_id.0.as_u128() % 80_000_000);
    let mut slots = Vec::new();
    for device in devices {
        let words: Vec<_> = unit.slots(*device)?.into_iter().map(|word| (word.report, word.told_at)).collect();
        let table = SlotTable::new(FakeLock::info(false).capabilities, words, unit.live_codes(*device)?);
        let Ok(slot) = slot::choose(&table, &window, None, now) else { return Ok(None) };
        slots.push(slot);
    }
    unit.insert_user_identity(&person)?;
    let grant = AccessGrant {
        access_grant_id: grant_id,
        access_grant_key: None,
        user_identity_id: person.user_identity_id,
        name: None,
        device_ids: devices.to_vec(),
        reservation_key: None,
        space_ids: Vec::new(),
        window,
        schedule: None,
        created_at: now,
        deleted_at: None,
    };
    unit.insert_grant(&grant)?;
    let method = AccessMethod {
        access_method_id: unit.id(),
        access_grant_id: grant_id,
        pin: Some(Pin::new(&pin).unwrap()),
        requested: false,
        refused_length: None,
        issued_at: None,
        deleted_at: None,
        revoked_at: None,
        failed_at: None,
        created_at: now,
    };
    unit.insert_method(&method)?;
    let mut codes = Vec::new();
    for (device, slot) in devices.iter().zip(slots) {
        let code = AccessCode {
            access_code_id: unit.id(),
            origin: CodeOrigin::Grant {
                access_grant_id: grant_id,
                access_method_id: method.access_method_id,
                user_identity_id: person.user_identity_id,
            },
            device_id: *device,
            slot,
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
        unit.insert_code(&code)?;
        codes.push(code.access_code_id);
    }
    Ok(Some(Grant { id: grant_id, codes, pin }))
}
