//! Having a lock behave by itself as it should: throw its bolt again after a while, hold its latch back, turn further.
//!
//! A Door Lock Configuration Set replaces the whole configuration: it is read first, so that everything else in it stays as
//! it is, and again afterwards. A lock that made something else of it gets back the one that it had.

use std::time::Instant;

use keyway_lock::{AutoLock, BoltSettings, CommandError, CommandOutput, LockCommand, Refusal};
use zeroize::Zeroizing;

use super::{Next, Want, again_after, reading_failed, writing_failed};
use crate::cc::door_lock::{self, Configuration, DoorLockCommand, Extras, Operation};
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
    /// It gets back the one that it had.
    Undo(Configuration),
    Done(Result<CommandOutput, CommandError>),
}

/// What is to be another.
enum Wanted {
    AutoLock(AutoLock),
    Bolt(BoltSettings),
}

/// One change of the configuration.
pub(super) struct ConfigurationJob {
    wanted: Wanted,
    phase: Phase,
    /// What was there before, and what was written.
    written: Option<(Configuration, Configuration)>,
    looks: u8,
}

impl ConfigurationJob {
    /// `None`: it is another command, or the lock does not do that.
    pub(super) fn new(command: &LockCommand, record: &NodeRecord) -> Option<Self> {
        let wanted = match command {
            LockCommand::SetAutoLock(wanted) if record.has_auto_relock == Some(true) => Wanted::AutoLock(*wanted),
            LockCommand::SetBolt(wanted) if record.settings_told().bolt.allows(wanted) => Wanted::Bolt(*wanted),
            _ => return None,
        };
        Some(Self { wanted, phase: Phase::Look, written: None, looks: 0 })
    }

    pub(super) fn next(&self) -> Next {
        match &self.phase {
            Phase::Look => {
                let get = DoorLockCommand::ConfigurationGet.encode();
                let report = [door_lock::CLASS, door_lock::CONFIGURATION_REPORT];
                Next::Ask(Zeroizing::new(get), Want::Report(report.into()))
            }
            Phase::Write(configuration) | Phase::Undo(configuration) => {
                Next::Ask(Zeroizing::new(DoorLockCommand::ConfigurationSet(*configuration).encode()), Want::Outcome)
            }
            Phase::Settle { until } => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        let written = self.written.is_some();
        self.phase = match (&self.phase, answer) {
            (Phase::Look, Ok(Answer::Report(report))) => match DoorLockCommand::decode(&report) {
                Ok(DoorLockCommand::ConfigurationReport(configuration)) => self.looked(now, configuration),
                _ => Phase::Done(Err(CommandError::Unproven)),
            },
            (Phase::Look, Err(error)) if !written => Phase::Done(Err(reading_failed(error))),
            (Phase::Look, Err(_)) => Phase::Done(Err(CommandError::Unproven)),
            (Phase::Write(_), Ok(Answer::Supervised(Status::Fail))) => Phase::Done(Err(Refusal::Rejected.into())),
            // Whatever else was said of the set: the lock itself tells what it does now.
            (Phase::Write(_), Ok(_) | Err(AskError::NoAnswer | AskError::Offline { maybe_done: true })) => Phase::Look,
            (Phase::Write(_), Err(error)) => Phase::Done(Err(writing_failed(error))),
            // What was wanted, it does not take, however that went.
            (Phase::Undo(_), _) => Phase::Done(Err(Refusal::Rejected.into())),
            (Phase::Look | Phase::Settle { .. } | Phase::Done(_), _) => return,
        };
    }

    fn looked(&mut self, now: Instant, found: Configuration) -> Phase {
        let Some(wanted) = self.wanted.over(found) else {
            return Phase::Done(Err(Refusal::NotSupported("it has no such time or option").into()));
        };
        match self.written {
            _ if found == wanted => Phase::Done(Ok(self.wanted.output())),
            None => {
                self.written = Some((found, wanted));
                Phase::Write(wanted)
            }
            Some((before, written)) => {
                self.looks += 1;
                if self.looks < LOOKS {
                    Phase::Settle { until: now + again_after(self.looks) }
                } else if found == before || found == written {
                    Phase::Done(Err(Refusal::Rejected.into()))
                } else {
                    Phase::Undo(before)
                }
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Settle { until } if until <= now) {
            self.phase = Phase::Look;
        }
    }
}

impl Wanted {
    /// A configuration with this in it; `None`: there is no place for it.
    fn over(&self, found: Configuration) -> Option<Configuration> {
        let extras = found.extras?;
        Some(match self {
            Self::AutoLock(wanted) => {
                Configuration { extras: Some(Extras { auto_relock: wanted.seconds(), ..extras }), ..found }
            }
            Self::Bolt(wanted) => {
                let operation = match wanted.timed_seconds {
                    Some(0) => Operation::Constant,
                    Some(seconds) => Operation::Timed(seconds),
                    None => found.operation,
                };
                let option = |options: u8, bit: u8, wanted: Option<bool>| match wanted {
                    Some(true) => options | bit,
                    Some(false) => options & !bit,
                    None => options,
                };
                let options = option(extras.options, door_lock::TWIST_ASSIST, wanted.twist_assist);
                let options = option(options, door_lock::BLOCK_TO_BLOCK, wanted.block_to_block);
                let hold_and_release = wanted.hold_and_release_seconds.unwrap_or(extras.hold_and_release);
                let extras = Some(Extras { hold_and_release, options, ..extras });
                Configuration { operation, extras, ..found }
            }
        })
    }

    fn output(&self) -> CommandOutput {
        match self {
            Self::AutoLock(wanted) => CommandOutput::AutoLockSet(*wanted),
            Self::Bolt(_) => CommandOutput::SettingTaken,
        }
    }
}
