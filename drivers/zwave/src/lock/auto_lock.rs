//! Having a lock throw its bolt by itself, or not.
//!
//! A Door Lock Configuration Set replaces the whole configuration: it is read first, so that everything else in it stays as
//! it is, and again afterwards.

use std::time::Instant;

use keyway_lock::{AutoLock, CommandError, CommandOutput, LockCommand, Refusal};
use zeroize::Zeroizing;

use super::{Next, Want, again_after, reading_failed, writing_failed};
use crate::cc::door_lock::{self, Configuration, DoorLockCommand, Extras};
use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError};
use crate::transport::supervision::Status;

/// Times the configuration is read until it is what was written.
const LOOKS: u8 = 3;

enum Phase {
    Look,
    Write(Configuration),
    /// Before the next look.
    Settle {
        until: Instant,
    },
    Done(Result<CommandOutput, CommandError>),
}

/// One change of the auto-relock time.
pub(super) struct AutoLockJob {
    wanted: AutoLock,
    phase: Phase,
    written: bool,
    looks: u8,
}

impl AutoLockJob {
    /// `None`: it is another command, or the lock does not do that.
    pub(super) fn new(command: &LockCommand, record: &NodeRecord) -> Option<Self> {
        match command {
            LockCommand::SetAutoLock(wanted) if record.has_auto_relock == Some(true) => {
                Some(Self { wanted: *wanted, phase: Phase::Look, written: false, looks: 0 })
            }
            _ => None,
        }
    }

    pub(super) fn next(&self) -> Next {
        match &self.phase {
            Phase::Look => {
                let get = DoorLockCommand::ConfigurationGet.encode();
                let report = [door_lock::CLASS, door_lock::CONFIGURATION_REPORT];
                Next::Ask(Zeroizing::new(get), Want::Report(report.into()))
            }
            Phase::Write(configuration) => {
                Next::Ask(Zeroizing::new(DoorLockCommand::ConfigurationSet(*configuration).encode()), Want::Outcome)
            }
            Phase::Settle { until } => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        self.phase = match (&self.phase, answer) {
            (Phase::Look, Ok(Answer::Report(report))) => match DoorLockCommand::decode(&report) {
                Ok(DoorLockCommand::ConfigurationReport(configuration)) => self.looked(now, configuration),
                _ => Phase::Done(Err(CommandError::Unproven)),
            },
            (Phase::Look, Err(error)) if !self.written => Phase::Done(Err(reading_failed(error))),
            (Phase::Look, Err(_)) => Phase::Done(Err(CommandError::Unproven)),
            (Phase::Write(_), Ok(Answer::Supervised(Status::Fail))) => Phase::Done(Err(Refusal::Rejected.into())),
            // Whatever else was said of the set: the lock itself tells what it does now.
            (Phase::Write(_), Ok(_) | Err(AskError::NoAnswer | AskError::Offline { maybe_done: true })) => {
                self.written = true;
                Phase::Look
            }
            (Phase::Write(_), Err(error)) => Phase::Done(Err(writing_failed(error))),
            (Phase::Look | Phase::Settle { .. } | Phase::Done(_), _) => return,
        };
    }

    fn looked(&mut self, now: Instant, configuration: Configuration) -> Phase {
        let Some(extras) = configuration.extras else {
            return Phase::Done(Err(Refusal::NotSupported("it has no time after which it locks").into()));
        };
        let wanted = self.wanted.seconds();
        if extras.auto_relock == wanted {
            return Phase::Done(Ok(CommandOutput::AutoLockSet(self.wanted)));
        }
        if !self.written {
            let extras = Some(Extras { auto_relock: wanted, ..extras });
            return Phase::Write(Configuration { extras, ..configuration });
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
}
