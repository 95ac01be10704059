//! Setting what a lock is told of itself (when it locks by itself, whom its keypad lets in): an attribute is written, and
//! read again.

use std::time::Instant;

use keyway_lock::{AutoLock, CommandError, CommandOutput, KeypadMode, LockCommand, Refusal};

use super::{Next, Told, again_after, attribute, reading_failed, refused, told, writing_failed};
use crate::device::table::DeviceRecord;
use crate::device::tunable::Tunable;
use crate::transport::question::{Answer, AskError, Question, ZclAsk};
use crate::zcl::door_lock;
use crate::zcl::door_lock::attribute::{AUTO_RELOCK_TIME, OPERATING_MODE, mode_number};
use crate::zcl::foundation::{General, command};
use crate::zcl::{DataType, Value};

/// Times it is read until it is what was written.
const LOOKS: u8 = 3;

enum Phase {
    Look,
    Write,
    /// Before the next look.
    Settle {
        until: Instant,
    },
    Done(Result<CommandOutput, CommandError>),
}

/// One change of an attribute.
pub(super) struct SettingJob {
    attribute: u16,
    /// `None`: it is only asked for.
    wanted: Option<Value>,
    /// What the hub is told then.
    output: CommandOutput,
    endpoint: u8,
    phase: Phase,
    written: bool,
    looks: u8,
    /// What it is, as the lock said last.
    shown: Option<u64>,
}

impl SettingJob {
    pub(super) fn auto_lock(wanted: AutoLock, endpoint: u8) -> Self {
        let seconds = Value::number(DataType::UINT32, wanted.seconds().into());
        Self::new(AUTO_RELOCK_TIME, Some(seconds), CommandOutput::AutoLockSet(wanted), endpoint)
    }

    /// `None`: no lock can be told to be in that mode.
    pub(super) fn keypad(wanted: KeypadMode, endpoint: u8) -> Option<Self> {
        let mode = Value::number(DataType::ENUM8, mode_number(wanted)?.into());
        Some(Self::new(OPERATING_MODE, Some(mode), CommandOutput::SettingTaken, endpoint))
    }

    /// `None`: it is another command, or the lock has no such setting, or does not take that.
    pub(super) fn parameter(command: &LockCommand, endpoint: u8, record: &DeviceRecord) -> Option<Self> {
        let (known, wanted) = match command {
            LockCommand::ReadParameter(name) => (Tunable::of(record, name)?, None),
            LockCommand::SetParameter { name, value } => {
                let known = Tunable::of(record, name)?;
                (known, Some(known.encode(*value)?))
            }
            _ => return None,
        };
        Some(Self::new(known.attribute, wanted, CommandOutput::SettingTaken, endpoint))
    }

    fn new(attribute: u16, wanted: Option<Value>, output: CommandOutput, endpoint: u8) -> Self {
        Self { attribute, wanted, output, endpoint, phase: Phase::Look, written: false, looks: 0, shown: None }
    }

    pub(super) fn next(&self) -> Next {
        match &self.phase {
            Phase::Look => Next::Ask(Question::Zcl(ZclAsk::read(self.endpoint, door_lock::CLUSTER, &[self.attribute]))),
            Phase::Write => {
                let write = General::Write(self.wanted.iter().map(|wanted| (self.attribute, wanted.clone())).collect());
                let cluster = door_lock::CLUSTER;
                Next::Ask(Question::Zcl(ZclAsk::general(self.endpoint, cluster, &write, command::WRITE_RESPONSE)))
            }
            Phase::Settle { until } => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        let answer = answer.map(|answer| told(&answer));
        self.phase = match (&self.phase, answer) {
            (Phase::Look, Ok(told)) => match attribute(&told, self.attribute) {
                Some(value) => self.looked(now, value),
                None => Phase::Done(Err(Refusal::NotSupported("it has no such setting").into())),
            },
            (Phase::Look, Err(error)) if !self.written => Phase::Done(Err(reading_failed(error))),
            (Phase::Look, Err(_)) => Phase::Done(Err(CommandError::Unproven)),
            (Phase::Write, Ok(Told::General(General::WriteResponse(failed)))) if !failed.is_empty() => {
                let status = failed.first().map(|(status, _)| *status);
                Phase::Done(Err(status.map_or(Refusal::Rejected, refused).into()))
            }
            (Phase::Write, Ok(Told::Status(status))) if !status.is_success() => {
                Phase::Done(Err(refused(status).into()))
            }
            // Whatever else was said of it: the lock itself tells what it does now.
            (Phase::Write, Ok(_) | Err(AskError::NoAnswer | AskError::Offline { maybe_done: true })) => {
                self.written = true;
                Phase::Look
            }
            (Phase::Write, Err(error)) => Phase::Done(Err(writing_failed(error))),
            (Phase::Settle { .. } | Phase::Done(_), _) => return,
        };
    }

    fn looked(&mut self, now: Instant, value: u64) -> Phase {
        self.shown = Some(value);
        if self.wanted.as_ref().is_none_or(|wanted| wanted.raw() == Some(value)) {
            return Phase::Done(Ok(self.output.clone()));
        }
        if !self.written {
            return Phase::Write;
        }
        self.looks += 1;
        if self.looks < LOOKS {
            Phase::Settle { until: now + again_after(self.looks) }
        } else {
            Phase::Done(Err(Refusal::Rejected.into()))
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Settle { until } if until <= now) {
            self.phase = Phase::Look;
        }
    }

    /// What the lock says of itself now, once it has taken it.
    pub(super) fn learned(&self) -> Option<(u16, u64)> {
        match self.phase {
            Phase::Done(Ok(_)) => Some((self.attribute, self.shown?)),
            _ => None,
        }
    }
}
