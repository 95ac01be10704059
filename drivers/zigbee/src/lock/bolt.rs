//! Moving the bolt, and asking where it is.

use std::time::Instant;

use keyway_lock::{CommandError, CommandOutput, LockEvent, LockStatus, Refusal};

use super::{Next, Told, again_after, ask_lock, attribute, reading_failed, told, writing_failed};
use crate::device::table::DeviceRecord;
use crate::transport::question::{Answer, AskError, Question, ZclAsk};
use crate::zcl::door_lock::attribute::{DOOR_STATE, DoorState, LOCK_STATE, LockState};
use crate::zcl::door_lock::{self, Code, ToLock};
use crate::zcl::power;

/// Times the bolt is asked for until it is where it should be.
const LOOKS: u8 = 6;
/// Below this a battery is low: Zigbee locks tell no warning of their own with the level.
const LOW_PERCENT: u8 = 10;

enum Phase {
    Move,
    Bolt,
    Battery(u8),
    Travel { until: Instant },
    Done(Result<CommandOutput, CommandError>),
}

/// One command about the bolt.
pub(super) struct BoltJob {
    /// Where the bolt should be: true thrown; `None`: only ask.
    wanted: Option<bool>,
    endpoint: u8,
    phase: Phase,
    status: LockStatus,
    has_door_sensor: bool,
    /// The endpoint that tells of the battery.
    battery: Option<u8>,
    whole_percent: bool,
    no_pin_field: bool,
    jammed: bool,
    looks: u8,
}

impl BoltJob {
    pub(super) fn moving(locked: bool, endpoint: u8, record: &DeviceRecord) -> Self {
        Self { wanted: Some(locked), phase: Phase::Move, ..Self::status(endpoint, record) }
    }

    pub(super) fn status(endpoint: u8, record: &DeviceRecord) -> Self {
        Self {
            wanted: None,
            endpoint,
            phase: Phase::Bolt,
            status: LockStatus::default(),
            has_door_sensor: record.has_door_sensor(),
            battery: record.endpoint_of(power::CLUSTER).filter(|_| record.has_battery()),
            whole_percent: record.quirk.whole_percent,
            no_pin_field: record.quirk.no_pin_field,
            jammed: false,
            looks: 0,
        }
    }

    pub(super) fn next(&self) -> Next {
        let read = |endpoint, cluster, ids: &[u16]| Next::Ask(Question::Zcl(ZclAsk::read(endpoint, cluster, ids)));
        match &self.phase {
            Phase::Move => {
                // Locks that want no PIN take an empty one; some do not take the command without the field.
                let code = (!self.no_pin_field).then(Code::default);
                let command = if self.wanted == Some(true) { ToLock::Lock(code) } else { ToLock::Unlock(code) };
                ask_lock(self.endpoint, &command, true)
            }
            Phase::Bolt if self.has_door_sensor => read(self.endpoint, door_lock::CLUSTER, &[LOCK_STATE, DOOR_STATE]),
            Phase::Bolt => read(self.endpoint, door_lock::CLUSTER, &[LOCK_STATE]),
            Phase::Battery(endpoint) => read(*endpoint, power::CLUSTER, &[power::BATTERY_PERCENTAGE]),
            Phase::Travel { until } => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        let answer = answer.map(|answer| told(&answer));
        match (&self.phase, answer) {
            (Phase::Move, Ok(Told::Status(status))) if !status.is_success() => {
                let refusal = super::refused(status);
                self.done(Err(if self.jammed { CommandError::Jammed } else { refusal.into() }));
            }
            (Phase::Move, Ok(_)) => self.phase = Phase::Bolt,
            (Phase::Move, Err(AskError::NoAnswer | AskError::Offline { maybe_done: true })) => self.travel(now),
            (Phase::Move, Err(error)) => self.done(Err(writing_failed(error))),
            (Phase::Bolt, Ok(told)) => self.bolt(now, &told),
            (Phase::Bolt, Err(_)) if self.wanted.is_some() => self.done(Err(CommandError::Unproven)),
            (Phase::Bolt, Err(error)) => self.done(Err(reading_failed(error))),
            (Phase::Battery(_), Ok(told)) => {
                let level = attribute(&told, power::BATTERY_PERCENTAGE).and_then(|level| level.try_into().ok());
                self.status.battery_percent = level.and_then(|level| power::percent(level, self.whole_percent));
                self.status.battery_low = self.status.battery_percent.is_some_and(|percent| percent <= LOW_PERCENT);
                self.finish();
            }
            // The bolt is known: a battery that is not told spoils nothing.
            (Phase::Battery(_), Err(_)) => self.finish(),
            (Phase::Travel { .. } | Phase::Done(_), _) => {}
        }
    }

    fn bolt(&mut self, now: Instant, told: &Told) {
        let Some(state) = attribute(told, LOCK_STATE).map(LockState::of) else {
            let unknown = matches!(told, Told::Status(status) if status.is_unsupported());
            let refusal = Refusal::NotSupported("it does not say where its bolt is").into();
            return self.done(Err(if unknown { refusal } else { CommandError::Unproven }));
        };
        self.looks += 1;
        self.status.locked = state.locked();
        self.status.door_open = attribute(told, DOOR_STATE).and_then(|state| DoorState::of(state).is_open());
        match (self.wanted, state.locked()) {
            (None, _) => match self.battery {
                Some(endpoint) => self.phase = Phase::Battery(endpoint),
                None => self.finish(),
            },
            (Some(wanted), Some(is)) if wanted == is => self.finish(),
            (Some(_), _) if self.jammed => self.done(Err(CommandError::Jammed)),
            (Some(_), _) if self.looks < LOOKS => self.travel(now),
            // Neither here nor there, after all that time.
            (Some(_), None) => self.done(Err(CommandError::Jammed)),
            (Some(_), Some(_)) => self.done(Err(CommandError::Unproven)),
        }
    }

    /// A bolt takes a second or two, whatever the lock answers meanwhile.
    fn travel(&mut self, now: Instant) {
        self.phase = Phase::Travel { until: now + again_after(self.looks.min(1)) };
    }

    fn finish(&mut self) {
        self.done(Ok(CommandOutput::Status(self.status)));
    }

    fn done(&mut self, result: Result<CommandOutput, CommandError>) {
        self.phase = Phase::Done(result);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Travel { until } if until <= now) {
            self.phase = Phase::Bolt;
        }
    }

    pub(super) fn handle_event(&mut self, event: &LockEvent) {
        self.jammed |= *event == LockEvent::Jammed && self.wanted.is_some();
    }
}
