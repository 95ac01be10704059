//! Moving the bolt, and asking where it is.

use std::time::{Duration, Instant};

use keyway_lock::{CommandError, CommandOutput, LockEvent, LockStatus, Refusal};
use zeroize::Zeroizing;

use super::{Next, Want, again_after, reading_failed, writing_failed};
use crate::cc::battery::{self, BatteryCommand};
use crate::cc::door_lock::{self, DoorLockCommand, Mode, OperationReport};
use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError};
use crate::transport::supervision::Status;

/// Times the bolt is asked for until it is where it should be.
const LOOKS: u8 = 6;

enum Phase {
    Move,
    Bolt,
    Battery,
    Health,
    Travel { until: Instant },
    Done(Result<CommandOutput, CommandError>),
}

/// One command about the bolt.
pub(super) struct BoltJob {
    /// Where the bolt should be: true thrown; `None`: only ask.
    wanted: Option<bool>,
    phase: Phase,
    status: LockStatus,
    has_bolt: bool,
    has_battery: bool,
    tells_health: bool,
    has_door_sensor: bool,
    is_timed: bool,
    jammed: bool,
    looks: u8,
}

impl BoltJob {
    pub(super) fn moving(locked: bool, record: &NodeRecord) -> Self {
        Self { wanted: Some(locked), phase: Phase::Move, ..Self::status(record) }
    }

    pub(super) fn status(record: &NodeRecord) -> Self {
        let (has_bolt, has_battery) = (record.supports(door_lock::CLASS), record.supports(battery::CLASS));
        let phase = match (has_bolt, has_battery) {
            (true, _) => Phase::Bolt,
            (false, true) => Phase::Battery,
            (false, false) => {
                Phase::Done(Err(Refusal::NotSupported("it has neither bolt nor battery to ask for").into()))
            }
        };
        Self {
            wanted: None,
            phase,
            status: LockStatus::default(),
            has_bolt,
            has_battery,
            tells_health: has_battery && record.version_of(battery::CLASS) >= 2,
            has_door_sensor: record.door_sensor == Some(true),
            is_timed: record.settings.is_timed(),
            jammed: false,
            looks: 0,
        }
    }

    pub(super) fn next(&self) -> Next {
        let ask = |command: Vec<u8>, report: [u8; 2]| Next::Ask(Zeroizing::new(command), Want::Report(report.into()));
        match &self.phase {
            Phase::Move => {
                let mode = match self.wanted {
                    Some(true) => Mode::Secured,
                    _ if self.is_timed => Mode::WITH_TIMEOUT,
                    _ => Mode::Unsecured(0),
                };
                Next::Ask(Zeroizing::new(DoorLockCommand::OperationSet(mode).encode()), Want::Outcome)
            }
            Phase::Bolt => ask(DoorLockCommand::OperationGet.encode(), [door_lock::CLASS, 0x03]),
            Phase::Battery => ask(BatteryCommand::Get.encode(), [battery::CLASS, battery::REPORT]),
            Phase::Health => ask(BatteryCommand::HealthGet.encode(), [battery::CLASS, battery::HEALTH_REPORT]),
            Phase::Travel { until } => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        match (&self.phase, answer) {
            (Phase::Move, Ok(Answer::Supervised(Status::Success))) => self.phase = Phase::Bolt,
            (Phase::Move, Ok(Answer::Supervised(Status::Fail))) => {
                let error = if self.jammed { CommandError::Jammed } else { Refusal::Rejected.into() };
                self.phase = Phase::Done(Err(error));
            }
            (Phase::Move, Ok(_) | Err(AskError::NoAnswer | AskError::Offline { maybe_done: true })) => self.travel(now),
            (Phase::Move, Err(error)) => self.phase = Phase::Done(Err(writing_failed(error))),
            (Phase::Bolt, Ok(Answer::Report(report))) => match DoorLockCommand::decode(&report) {
                Ok(DoorLockCommand::OperationReport(report)) => self.bolt(now, report),
                _ => self.phase = Phase::Done(Err(CommandError::Unproven)),
            },
            (Phase::Battery, Ok(Answer::Report(report))) => {
                if let Ok(BatteryCommand::Report { percent, low, details }) = BatteryCommand::decode(&report) {
                    (self.status.battery_percent, self.status.battery_low) = (percent, low);
                    self.status.battery_details = details;
                }
                match self.tells_health {
                    true => self.phase = Phase::Health,
                    false => self.finish(),
                }
            }
            (Phase::Health, Ok(Answer::Report(report))) => {
                if let Ok(BatteryCommand::HealthReport(capacity)) = BatteryCommand::decode(&report)
                    && let Some(details) = &mut self.status.battery_details
                {
                    details.capacity_percent = capacity;
                }
                self.finish();
            }
            // The rest is known.
            (Phase::Health, Err(_)) => self.finish(),
            // The bolt is known: a battery that is not told spoils nothing.
            (Phase::Battery, Err(_)) if self.has_bolt => self.finish(),
            (Phase::Bolt, Err(_)) if self.wanted.is_some() => self.phase = Phase::Done(Err(CommandError::Unproven)),
            (Phase::Bolt | Phase::Battery, Err(error)) => self.phase = Phase::Done(Err(reading_failed(error))),
            (Phase::Bolt | Phase::Battery | Phase::Health | Phase::Travel { .. } | Phase::Done(_), _) => {}
        }
    }

    fn bolt(&mut self, now: Instant, report: OperationReport) {
        self.looks += 1;
        self.status.locked = report.locked();
        self.status.door_open = self.has_door_sensor.then(|| report.door_open());
        match self.wanted {
            None if self.has_battery => self.phase = Phase::Battery,
            None => self.finish(),
            Some(wanted) if report.locked() == Some(wanted) => self.finish(),
            Some(_) if self.jammed => self.phase = Phase::Done(Err(CommandError::Jammed)),
            Some(_) if self.looks < LOOKS => self.travel(now),
            // Neither here nor there, after all that time.
            Some(_) if report.locked().is_none() => self.phase = Phase::Done(Err(CommandError::Jammed)),
            Some(_) => self.phase = Phase::Done(Err(CommandError::Unproven)),
        }
    }

    fn finish(&mut self) {
        self.phase = Phase::Done(Ok(CommandOutput::Status(self.status)));
    }

    fn travel(&mut self, now: Instant) {
        // A bolt takes a second or two, whatever the lock answers meanwhile.
        self.phase = Phase::Travel { until: now + again_after(self.looks).min(Duration::from_secs(1)) };
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
