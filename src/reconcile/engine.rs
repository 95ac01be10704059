//! The reconciler without its loop: reports and changes in, commands out, one lock's turn after the other. Time is
//! handed in, so that a test moves it by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyway_lock::{
    CommandError, CommandId, CommandOutput, InterviewProgress, LinkReport, LockCommand, LockEvent, LockId, LockInfo,
    RadioEvent, Retry, SlotChange, StickState,
};

use super::observe::{self, Told};
use super::roll::{self, Census};
use super::turn::{self, Ask, Turn};
use super::unwritten::{STORE_RETRY, Unwritten};
use super::worker::{Change, Seat, Worker};
use super::{Air, StickSeat, outcome};
use crate::clock::Now;
use crate::faults::{self, Fault};
use crate::model::{DeviceId, Presence, RadioAddress, RadioKind};
use crate::plan::{Moment, Step, Write};
use crate::store::{Changes, Store, StoreError, Unit};

/// More than this between the wall clock's step and the monotonic one's means that somebody moved the wall clock.
const CLOCK_MOVED: Duration = Duration::from_secs(1);
/// So long after it is ready, a stick has told of every lock that it drives.
const ALL_TOLD: Duration = Duration::from_secs(60);

struct Stick {
    kind: RadioKind,
    names: BTreeMap<LockId, String>,
    /// The identity of the network it was last ready in.
    network: Option<String>,
    ready: bool,
    /// The locks that it told of in that network.
    told: BTreeSet<LockId>,
    /// When it will have told of all, since it is ready.
    count_at: Option<Instant>,
    /// It has told of all.
    counted: bool,
}

impl Stick {
    fn new(seat: StickSeat) -> Self {
        let StickSeat { kind, names, .. } = seat;
        Self { kind, names, network: None, ready: false, told: BTreeSet::new(), count_at: None, counted: false }
    }

    fn must_be_counted(&self, now: Instant) -> bool {
        self.count_at.is_some_and(|at| at <= now)
    }

    fn census(&self) -> Option<Census> {
        let network = self.network.clone().filter(|_| self.counted)?;
        let locks = self.names.keys().chain(&self.told).copied().collect();
        Some(Census { kind: self.kind, network, locks })
    }
}

pub(super) struct Engine {
    store: Store,
    air: Arc<dyn Air>,
    sticks: BTreeMap<Arc<str>, Stick>,
    seats: BTreeMap<Seat, DeviceId>,
    workers: BTreeMap<DeviceId, Worker>,
    dirty: BTreeSet<DeviceId>,
    unwritten: Unwritten,
    last_command: u64,
    last_now: Option<Now>,
    /// When a lock has its turn, if nothing happens before.
    wake: Option<Instant>,
}

impl Engine {
    pub(super) fn new(store: Store, air: Arc<dyn Air>, sticks: Vec<StickSeat>) -> Self {
        let stick = |seat: StickSeat| (Arc::clone(&seat.name), Stick::new(seat));
        Self {
            store,
            air,
            sticks: sticks.into_iter().map(stick).collect(),
            seats: BTreeMap::new(),
            workers: BTreeMap::new(),
            dirty: BTreeSet::new(),
            unwritten: Unwritten::default(),
            last_command: 0,
            last_now: None,
            wake: None,
        }
    }

    /// Begins with what the store knows. What was being carried out when the last run ended is not carried out again.
    pub(super) async fn start(&mut self, now: Now) {
        let job = |unit: &mut Unit<'_>| {
            let devices: Vec<DeviceId> = unit.devices()?.into_iter().map(|device| device.device_id).collect();
            for device in &devices {
                outcome::give_up_attempts(unit, *device)?;
                roll::interview_broken_off(unit, *device)?;
            }
            Ok(devices)
        };
        for device in self.run(now, job).await.unwrap_or_default() {
            self.workers.insert(device, Worker::new(now));
            self.dirty.insert(device);
        }
        if self.sticks.is_empty() {
            self.count(now).await;
        }
    }

    /// Something in the store changed.
    pub(super) fn changed(&mut self, changes: &Changes) {
        for device in &changes.devices {
            self.changed_now(*device);
        }
        if changes.undone {
            self.workers.values_mut().for_each(|worker| worker.answers.forget());
        }
    }

    /// Nobody knows what changed.
    pub(super) fn anything_changed(&mut self) {
        for (device, worker) in &mut self.workers {
            worker.answers.forget();
            self.dirty.insert(*device);
        }
    }

    /// When to call [`Engine::turn`] again, if nothing happens before.
    pub(super) fn wake(&mut self) -> Option<Instant> {
        let counts = self.sticks.values().filter_map(|stick| stick.count_at);
        self.wake = self.workers.values().filter_map(Worker::next_wake).min();
        self.wake.into_iter().chain(counts).chain(self.unwritten.try_at()).min()
    }

    /// A report of a stick.
    pub(super) async fn observe(&mut self, now: Now, stick: &Arc<str>, event: RadioEvent) {
        match event {
            RadioEvent::Stick(StickState::Ready(info)) => self.stick_ready(now, stick, info.network),
            RadioEvent::Stick(StickState::Failed(reason)) => {
                tracing::error!(%stick, reason, "the stick does not work");
                self.stick_gone(now, stick).await;
            }
            // One that is occupied, or another one than before, is no way to a lock either.
            RadioEvent::Stick(StickState::Busy(_, 0) | StickState::Foreign { .. } | StickState::Gone) => {
                self.stick_gone(now, stick).await;
            }
            RadioEvent::Stick(StickState::Busy(..)) => {}
            RadioEvent::Stick(StickState::Starting) => {}
            RadioEvent::LockInterviewed(lock, info) => self.interviewed(now, stick, lock, info).await,
            RadioEvent::LockPending(lock, how_far) => self.pending(now, stick, lock, &how_far).await,
            RadioEvent::LockInterview(lock, progress) => self.interviewing(now, stick, lock, progress).await,
            RadioEvent::LockLink(lock, report) => self.linked(now, stick, lock, report).await,
            RadioEvent::LockReachable(lock, true) => self.heard(now, stick, lock).await,
            RadioEvent::LockReachable(lock, false) => self.lost(now, stick, lock).await,
            RadioEvent::Lock(lock, event) => self.told(now, stick, lock, event).await,
            RadioEvent::CommandDone(id, result) => self.done(now, id, result).await,
            RadioEvent::LockJoined(..)
            | RadioEvent::LockLeft(_)
            | RadioEvent::Leftover(..)
            | RadioEvent::Stranger(..)
            | RadioEvent::Awaited(_)
            | RadioEvent::Network(_)
            | RadioEvent::NetworkDone(..) => self.observe_network(now, stick, event).await,
        }
    }

    /// The host's name for a lock that was added while the hub runs, or before.
    pub(super) fn name_lock(&mut self, stick: &Arc<str>, lock: LockId, name: Option<String>) {
        if let (Some(stick), Some(name)) = (self.sticks.get_mut(stick), name) {
            stick.names.entry(lock).or_insert(name);
        }
    }

    /// Something changed for a lock.
    pub(super) fn changed_now(&mut self, device: DeviceId) {
        if let Some(worker) = self.workers.get_mut(&device) {
            worker.answers.forget();
            self.dirty.insert(device);
        }
    }

    pub(super) fn leave_seat(&mut self, seat: &Seat) {
        let worker = self.seats.remove(seat).and_then(|device| self.workers.get_mut(&device));
        if let Some(worker) = worker {
            worker.seat = None;
        }
        if let Some(stick) = self.sticks.get_mut(&seat.stick) {
            stick.names.remove(&seat.lock);
            stick.told.remove(&seat.lock);
        }
    }

    /// Gives every lock its turn that has one: a change, a timer, an answer.
    pub(super) async fn turn(&mut self, now: Now) {
        if self.notice_moved_clock(now) {
            self.run(now, |unit| unit.wait_for_doors_anew()).await;
        }
        if self.sticks.values().any(|stick| stick.must_be_counted(now.mono)) {
            self.count(now).await;
        }
        self.try_store(now).await;
        // Of a lock to which something happened since that was reckoned, the turn comes anyway.
        if self.wake.is_none_or(|wake| wake <= now.mono) {
            self.look_at_clocks(now).await;
        }
        let asks: Vec<Ask> = std::mem::take(&mut self.dirty).into_iter().filter_map(|id| self.ask(now, id)).collect();
        if asks.is_empty() {
            return;
        }
        let devices: Vec<DeviceId> = asks.iter().map(|ask| ask.device).collect();
        let known = |ask: &Ask| self.workers.get(&ask.device).and_then(|worker| worker.answers.to(ask));
        let asks: Vec<(Option<Turn>, Ask)> = asks.into_iter().map(|ask| (known(&ask), ask)).collect();
        let job = move |unit: &mut Unit<'_>| {
            let answered = |(known, ask): (Option<Turn>, Ask)| match known {
                Some(turn) => Ok((turn, ask)),
                None => Ok((turn::turn(unit, &ask)?, ask)),
            };
            asks.into_iter().map(answered).collect::<Result<Vec<_>, _>>()
        };
        match self.run(now, job).await {
            Some(turns) => {
                for (turn, ask) in turns {
                    self.send(now, ask, turn);
                }
            }
            // The store could not be read or written: nothing was decided. It is asked again in a while.
            None => {
                for device in devices {
                    if let Some(worker) = self.workers.get_mut(&device) {
                        worker.set_plan_wake(now.mono, Some(now.mono + STORE_RETRY));
                    }
                }
            }
        }
    }

    /// Finds the locks whose moment has come.
    async fn look_at_clocks(&mut self, now: Now) {
        let late = |worker: &Worker| worker.is_overdue(now.mono);
        let overdue: Vec<DeviceId> = self.workers.iter().filter(|(_, w)| late(w)).map(|(id, _)| *id).collect();
        for device in overdue {
            tracing::error!(%device, "the driver did not answer a command");
            self.ended(now, device, Err(CommandError::Unproven)).await;
        }
        let due = |worker: &Worker| worker.was_due(now.mono);
        self.dirty.extend(self.workers.iter().filter(|(_, worker)| due(worker)).map(|(id, _)| *id));
    }

    fn ask(&self, now: Now, device: DeviceId) -> Option<Ask> {
        let worker = self.workers.get(&device)?;
        let stick = worker.seat.as_ref().and_then(|seat| self.sticks.get(&seat.stick));
        let reachable = stick.is_some_and(|stick| stick.ready);
        let waits = faults::is(Fault::QueueUnfair) && self.workers.values().any(|worker| !worker.is_idle());
        Some(Ask {
            device,
            memory: worker.memory(now, reachable),
            now: Moment { utc: now.utc, trusted: now.trusted || faults::is(Fault::ClockTrusted) },
            may_send: reachable && worker.is_idle() && !waits && !self.unwritten.has(device),
            given_up: worker.is_given_up(now.mono),
            acting: worker.acting(now.mono),
        })
    }

    /// The intent is on disk: now the command goes out.
    fn send(&mut self, now: Now, ask: Ask, turn: Turn) {
        let Some(worker) = self.workers.get_mut(&turn.device) else { return };
        worker.answers.keep(ask, &turn);
        worker.set_plan_wake(now.mono, turn.wake.map(|wake| now.instant_of(wake)));
        let (Some((step, before)), Some(seat)) = (turn.step, worker.seat.clone()) else { return };
        self.last_command += 1;
        let id = CommandId(self.last_command);
        tracing::debug!(device = %turn.device, ?id, ?step, "asking the lock");
        let command = command(&step);
        worker.begin(now.mono, id, step, before);
        if !self.air.command(&seat.stick, id, seat.lock, command) {
            tracing::error!(stick = %seat.stick, "the stick's driver has ended");
        }
    }

    pub(super) fn address(&self, stick: &Arc<str>, lock: LockId) -> Option<RadioAddress> {
        let known = self.sticks.get(stick)?;
        Some(RadioAddress { kind: known.kind, network: known.network.clone()?, lock })
    }

    /// Finds out which locks are not driven any more.
    async fn count(&mut self, now: Now) {
        for stick in self.sticks.values_mut().filter(|stick| stick.must_be_counted(now.mono)) {
            (stick.count_at, stick.counted) = (None, true);
        }
        let all = self.sticks.values().all(|stick| stick.counted);
        let networks: Vec<Census> = self.sticks.values().filter_map(Stick::census).collect();
        let job = move |unit: &mut Unit<'_>| roll::counted(unit, &networks, all);
        for device in self.run(now, job).await.unwrap_or_default() {
            tracing::warn!(%device, "the lock is not driven any more");
            self.changed_now(device);
        }
    }

    fn stick_ready(&mut self, now: Now, name: &Arc<str>, network: String) {
        let Some(stick) = self.sticks.get_mut(name) else { return };
        tracing::info!(stick = %name, network, "stick ready");
        stick.ready = true;
        let before = stick.network.replace(network.clone());
        stick.count_at = Some(now.mono + ALL_TOLD);
        if before.is_some_and(|before| before != network) {
            // Another stick in the same port: the same numbers are other locks.
            (stick.counted, stick.told) = (false, BTreeSet::new());
            self.leave_seats(name);
        }
        for device in self.devices_on(name) {
            if let Some(worker) = self.workers.get_mut(&device) {
                worker.handle_ready();
            }
            self.changed_now(device);
        }
    }

    async fn stick_gone(&mut self, now: Now, name: &Arc<str>) {
        if let Some(stick) = self.sticks.get_mut(name) {
            stick.ready = false;
        }
        for device in self.devices_on(name) {
            self.ended(now, device, Err(CommandError::StickGone)).await;
            if let Some(worker) = self.workers.get_mut(&device) {
                worker.handle_lost(now);
            }
        }
    }

    fn leave_seats(&mut self, stick: &Arc<str>) {
        for device in self.devices_on(stick) {
            if let Some(worker) = self.workers.get_mut(&device) {
                worker.seat = None;
            }
        }
        self.seats.retain(|seat, _| seat.stick != *stick);
    }

    fn devices_on(&self, stick: &Arc<str>) -> Vec<DeviceId> {
        self.seats.iter().filter(|(seat, _)| seat.stick == *stick).map(|(_, device)| *device).collect()
    }

    async fn interviewed(&mut self, now: Now, stick: &Arc<str>, lock: LockId, info: LockInfo) {
        if let Some(device) = self.enlist(now, stick, lock, Some(info)).await {
            self.seat(now, stick, lock, device);
        }
    }

    /// A lock that can't be used yet is shown, so that somebody who waits for it sees why.
    pub(super) async fn pending(&mut self, now: Now, stick: &Arc<str>, lock: LockId, how_far: &str) {
        tracing::info!(%stick, %lock, how_far, "lock not ready yet");
        if let Some(device) = self.enlist(now, stick, lock, None).await {
            self.seat(now, stick, lock, device);
        }
    }

    async fn linked(&mut self, now: Now, stick: &Arc<str>, lock: LockId, report: LinkReport) {
        let Some(address) = self.address(stick, lock) else { return };
        self.run(now, move |unit: &mut Unit<'_>| roll::linked(unit, &address, report)).await;
    }

    async fn interviewing(&mut self, now: Now, stick: &Arc<str>, lock: LockId, progress: InterviewProgress) {
        let Some(address) = self.address(stick, lock) else { return };
        self.run(now, move |unit: &mut Unit<'_>| roll::interviewing(unit, &address, progress)).await;
    }

    fn mark_told(&mut self, stick: &Arc<str>, lock: LockId) {
        if let Some(stick) = self.sticks.get_mut(stick) {
            stick.told.insert(lock);
        }
    }

    async fn enlist(&mut self, now: Now, stick: &Arc<str>, lock: LockId, info: Option<LockInfo>) -> Option<DeviceId> {
        let Some(address) = self.address(stick, lock) else {
            tracing::error!(%stick, %lock, "a lock was told of before its stick was ready");
            return None;
        };
        self.mark_told(stick, lock);
        let name = self.sticks.get(stick).and_then(|stick| stick.names.get(&lock)).cloned();
        let job = move |unit: &mut Unit<'_>| roll::enlisted(unit, &address, name.as_deref(), info);
        self.run(now, job).await
    }

    fn seat(&mut self, now: Now, stick: &Arc<str>, lock: LockId, device: DeviceId) {
        let seat = Seat { stick: Arc::clone(stick), lock };
        self.seats.insert(seat.clone(), device);
        let worker = self.workers.entry(device).or_insert_with(|| Worker::new(now));
        worker.seat = Some(seat);
        worker.handle_ready();
        self.changed_now(device);
    }

    /// The device of a lock that tells something; looked for in the store the first time.
    async fn device(&mut self, now: Now, stick: &Arc<str>, lock: LockId) -> Option<DeviceId> {
        let seat = Seat { stick: Arc::clone(stick), lock };
        if let Some(device) = self.seats.get(&seat) {
            return Some(*device);
        }
        let address = self.address(stick, lock)?;
        self.mark_told(stick, lock);
        let job = move |unit: &mut Unit<'_>| Ok(unit.device_by_address(&address)?.map(|device| device.device_id));
        let device = self.run(now, job).await??;
        self.seat(now, stick, lock, device);
        Some(device)
    }

    async fn heard(&mut self, now: Now, stick: &Arc<str>, lock: LockId) {
        let Some(device) = self.device(now, stick, lock).await else { return };
        self.mark_heard(now, device);
        let job = move |unit: &mut Unit<'_>| match unit.device(device)? {
            Some(mut device) => outcome::heard(unit, &mut device),
            None => Ok(()),
        };
        self.write_down(now, device, job).await;
    }

    pub(super) async fn lost(&mut self, now: Now, stick: &Arc<str>, lock: LockId) {
        let Some(device) = self.device(now, stick, lock).await else { return };
        if let Some(worker) = self.workers.get_mut(&device) {
            worker.handle_lost(now);
        }
        self.dirty.insert(device);
        let job = move |unit: &mut Unit<'_>| match unit.device(device)? {
            Some(mut device) => outcome::lost(unit, &mut device),
            None => Ok(()),
        };
        self.run(now, job).await;
    }

    async fn told(&mut self, now: Now, stick: &Arc<str>, lock: LockId, event: LockEvent) {
        let Some(device) = self.device(now, stick, lock).await else { return };
        self.mark_heard(now, device);
        let Some(worker) = self.workers.get_mut(&device) else { return };
        let changed = match &event {
            LockEvent::CodeAdded(slot) => Some((Change::Added, *slot)),
            LockEvent::CodeDeleted(slot) => Some((Change::Deleted, *slot)),
            _ => None,
        };
        worker.handle_event(now, &event);
        let is_echo = changed.is_some_and(|(change, slot)| worker.handle_told(now.mono, change, slot));
        let told = Told { event, is_echo, acting: worker.acting(now.mono) };
        let news = told.clone();
        if self.unwritten.has(device)
            || self.run(now, move |unit: &mut Unit<'_>| observe::told(unit, device, &news)).await.is_none()
        {
            self.unwritten.keep(now, device, told);
        }
    }

    fn mark_heard(&mut self, now: Now, device: DeviceId) {
        if let Some(worker) = self.workers.get_mut(&device) {
            worker.handle_heard(now);
        }
        self.dirty.insert(device);
    }

    async fn done(&mut self, now: Now, id: CommandId, result: Result<CommandOutput, CommandError>) {
        let found = self.workers.iter().find(|(_, worker)| worker.is_for(id)).map(|(device, _)| *device);
        // One that nobody waits for any more was given up, and its slot is read again anyway.
        let Some(device) = found else { return };
        self.ended(now, device, result).await;
    }

    async fn ended(&mut self, now: Now, device: DeviceId, result: Result<CommandOutput, CommandError>) {
        let Some(done) = self.workers.get_mut(&device).and_then(|worker| worker.handle_done(now, &result)) else {
            return;
        };
        if let Err(error) = &result {
            tracing::info!(%device, step = ?done.step, %error, "the lock did not do it");
        }
        match &result {
            // Nothing was learned.
            Err(error) if error.retry() == Retry::WhenReachable => _ = self.dirty.insert(device),
            Ok(_) | Err(_) => self.changed_now(device),
        }
        let took = now.mono.saturating_duration_since(done.begun);
        let (step, before): (Step, Vec<Presence>) = (done.step, done.before);
        let job = move |unit: &mut Unit<'_>| {
            outcome::tally(unit, &step, &result, took);
            outcome::apply(unit, device, &step, &before, &result)
        };
        self.write_down(now, device, job).await;
    }

    /// Writes down what a lock answered.
    async fn write_down(
        &mut self,
        now: Now,
        device: DeviceId,
        job: impl FnOnce(&mut Unit<'_>) -> Result<(), StoreError> + Send + 'static,
    ) {
        if self.run(now, job).await.is_none() {
            self.unwritten.lose(now, device);
        }
    }

    /// Once it can be written again, what locks told is, and they are asked for what they answered.
    async fn try_store(&mut self, now: Now) {
        if self.unwritten.try_at().is_none_or(|at| at > now.mono) {
            return;
        }
        let can_write = self.run(now, |unit| unit.try_to_write()).await.is_some();
        for (device, all) in self.unwritten.tried(now, can_write) {
            for (at, told) in all {
                self.run(at, move |unit: &mut Unit<'_>| observe::told(unit, device, &told)).await;
            }
            if let Some(worker) = self.workers.get_mut(&device) {
                worker.handle_unwritten(now);
            }
            self.changed_now(device);
        }
    }

    /// Everything that was decided by the wall clock is decided anew when it was moved, or came to be trusted (I6). True:
    /// what waits has waited by another clock until now, as far as this run of the hub knows.
    fn notice_moved_clock(&mut self, now: Now) -> bool {
        let Some(last) = self.last_now.replace(now) else { return now.trusted };
        let real = now.mono.saturating_duration_since(last.mono);
        let shown = i128::from(now.utc.as_microsecond()) - i128::from(last.utc.as_microsecond());
        let real = i128::try_from(real.as_micros()).unwrap_or(i128::MAX);
        let moved = shown.abs_diff(real) > CLOCK_MOVED.as_micros();
        if moved {
            tracing::warn!(from = %last.utc, to = %now.utc, "the wall clock was moved");
            for worker in self.workers.values_mut() {
                worker.handle_clock_moved(now);
            }
        }
        if moved || last.trusted != now.trusted {
            self.anything_changed();
        }
        now.trusted && (moved || !last.trusted)
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        now: Now,
        job: impl FnOnce(&mut Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        match self.store.run(now.utc, job).await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) | Err(error) => {
                tracing::error!(%error, "the store failed");
                None
            }
        }
    }
}

fn command(step: &Step) -> LockCommand {
    match step {
        Step::Act(_, command) => command.clone(),
        Step::Clear(_, slot) => LockCommand::ClearCode(*slot),
        Step::Set(_, slot, pin, Some(_)) if faults::is(Fault::WindowDropped) => {
            LockCommand::SetCode { slot: *slot, pin: pin.clone() }
        }
        Step::Set(_, slot, pin, None) => LockCommand::SetCode { slot: *slot, pin: pin.clone() },
        Step::Set(_, slot, pin, Some(within)) => LockCommand::SetTimedCode {
            slot: *slot,
            pin: pin.clone(),
            window: within.window,
            stand_ins: within.stand_ins.clone(),
        },
        Step::CheckClock => LockCommand::CheckClock,
        Step::Together(writes, others) => {
            let change = |write: &Write| SlotChange { slot: write.slot, pin: write.pin.clone() };
            LockCommand::ChangeCodes { changes: writes.iter().map(change).collect(), others: others.clone() }
        }
        Step::Read(slot) => LockCommand::ReadSlot(*slot),
        Step::Check(slots, _) => LockCommand::CheckSlots(slots.clone()),
        Step::Status => LockCommand::ReadStatus,
        Step::Ping => LockCommand::Ping,
        Step::Log(start) => LockCommand::ReadLog(*start),
    }
}
