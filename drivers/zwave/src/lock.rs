//! What the hub asks of a lock, as the fewest command classes that prove it.

mod audit;
mod batch;
mod bolt;
mod clock;
mod code;
mod configuration;
mod credential;
mod identify;
mod log;
mod ping;
mod setting;
mod timed;
mod untimed;

use std::time::{Duration, Instant};

use keyway_lock::{CommandError, CommandOutput, LockCommand, LockEvent, Refusal, WallClock};
use zeroize::Zeroizing;

use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError, Beginning};
use crate::transport::supervision::Status;

use audit::AuditJob;
use batch::BatchJob;
use bolt::BoltJob;
use clock::ClockJob;
use code::CodeJob;
use configuration::ConfigurationJob;
use credential::CredentialJob;
use identify::IdentifyJob;
use log::LogJob;
use ping::PingJob;
use setting::SettingJob;
use timed::TimedJob;
use untimed::UntimedJob;

/// How a command to the node is to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// By a report that begins like this.
    Report(Beginning),
    /// Under supervision, if the node knows it, else by its acknowledgement.
    Outcome,
    /// By its acknowledgement of a command that does nothing.
    Presence,
}

/// What a job does next.
pub enum Next {
    /// Asks the node.
    Ask(Zeroizing<Vec<u8>>, Want),
    /// Waits, to go on with [`Job::handle_timeout`].
    Pause(Instant),
    /// Nothing: it has ended.
    Done(Result<CommandOutput, CommandError>),
}

/// A command of the hub, under way.
pub struct Job(Kind);

enum Kind {
    Code(CodeJob),
    Timed(Box<TimedJob>),
    Untimed(Box<UntimedJob>),
    Clock(ClockJob),
    Credential(CredentialJob),
    Bolt(BoltJob),
    Audit(AuditJob),
    Configuration(ConfigurationJob),
    Identify(IdentifyJob),
    Ping(PingJob),
    Setting(SettingJob),
    Log(LogJob),
    Batch(Box<BatchJob>),
    Failed(CommandError),
}

impl Job {
    /// Whether a success of what was asked is not relied upon: what the lock holds is read back in any case, or it is no
    /// matter.
    pub fn looks_anyway(&self) -> bool {
        match &self.0 {
            Kind::Code(job) => job.looks_anyway(),
            Kind::Batch(_) | Kind::Identify(_) => true,
            _ => false,
        }
    }

    /// Looks at its clock, or at least tells it the time. While nobody knows that, it is put off.
    pub fn clock(record: &NodeRecord, clock: WallClock, now: Instant) -> Self {
        Self(ClockJob::new(record, clock, now).map_or(Kind::Failed(CommandError::Busy), Kind::Clock))
    }

    /// Begins. `was_free`: the lock has said a moment ago that the slot is free. What the lock can't do is refused
    /// without asking it.
    pub fn new(command: &LockCommand, record: &NodeRecord, was_free: bool, clock: WallClock, now: Instant) -> Self {
        let capabilities = record.lock_info().capabilities;
        if let Some(Err(refusal)) = command.slot().map(|slot| capabilities.check_slot(slot)) {
            return Self(Kind::refused(refusal));
        }
        if let LockCommand::SetCode { pin, .. }
        | LockCommand::SetTimedCode { pin, .. }
        | LockCommand::SetAdminCode(Some(pin)) = command
            && let Err(refusal) = capabilities.check(pin)
        {
            return Self(Kind::refused(refusal));
        }
        match command {
            LockCommand::ChangeCodes { changes, .. } if changes.len() > capabilities.changes_at_once.into() => {
                Self(Kind::refused(Refusal::NotSupported("it does not take so many codes in one go")))
            }
            LockCommand::ChangeCodes { changes, others } => {
                Self(Kind::Batch(Box::new(BatchJob::new(changes, others.as_deref(), record))))
            }
            LockCommand::ReadSlot(_) | LockCommand::SetCode { .. } | LockCommand::ClearCode(_) => {
                let job = if record.speaks_credentials() {
                    CredentialJob::new(command, record).map(Kind::Credential)
                } else if let Some(job) = UntimedJob::new(command, record, was_free) {
                    Some(Kind::Untimed(Box::new(job)))
                } else {
                    CodeJob::new(command, record, was_free).map(|job| Kind::Code(job.with_others(record)))
                };
                Self(job.unwrap_or(Kind::refused(Refusal::NotSupported("it has no codes"))))
            }
            LockCommand::SetTimedCode { .. } => match TimedJob::new(command, record) {
                Some(job) => Self(Kind::Timed(Box::new(job))),
                None => Self(Kind::refused(Refusal::WindowNotKept)),
            },
            LockCommand::CheckClock if capabilities.window_slots == 0 => {
                Self(Kind::refused(Refusal::NotSupported("it keeps no windows by a clock")))
            }
            LockCommand::CheckClock => Self::clock(record, clock, now),
            LockCommand::CheckSlots(slots) => {
                match AuditJob::new(slots, record).filter(|_| capabilities.has_checksum) {
                    Some(job) => Self(Kind::Audit(job)),
                    None => Self(Kind::refused(Refusal::NotSupported("it has no checksum over these codes"))),
                }
            }
            LockCommand::Identify if capabilities.can_identify => Self(Kind::Identify(IdentifyJob::new())),
            LockCommand::Identify => Self(Kind::refused(Refusal::NotSupported("it can't show itself"))),
            LockCommand::Ping => Self(Kind::Ping(PingJob::default())),
            LockCommand::SetBolt(_) => match ConfigurationJob::new(command, record) {
                Some(job) => Self(Kind::Configuration(job)),
                None => Self(Kind::refused(Refusal::NotSupported("its bolt does not do that, or not by radio"))),
            },
            LockCommand::SetAutoLock(_) => match ConfigurationJob::new(command, record) {
                Some(job) => Self(Kind::Configuration(job)),
                None => Self(Kind::refused(Refusal::NotSupported("it does not lock by itself, or not by radio"))),
            },
            LockCommand::SetKeypadMode(_)
            | LockCommand::SetAdminCode(_)
            | LockCommand::ReadParameter(_)
            | LockCommand::SetParameter { .. } => match SettingJob::new(command, record) {
                Some(job) => Self(Kind::Setting(job)),
                None => Self(Kind::refused(Refusal::NotSupported("it can't be told that by radio"))),
            },
            LockCommand::ReadLog(_) => match LogJob::new(command, record) {
                Some(job) => Self(Kind::Log(job)),
                None => Self(Kind::refused(Refusal::NotSupported("it keeps no log"))),
            },
            LockCommand::Lock | LockCommand::Unlock if !capabilities.can_lock => {
                Self(Kind::refused(Refusal::NotSupported("it has no bolt to be moved by radio")))
            }
            LockCommand::Lock => Self(Kind::Bolt(BoltJob::moving(true, record))),
            LockCommand::Unlock => Self(Kind::Bolt(BoltJob::moving(false, record))),
            LockCommand::ReadStatus | LockCommand::Interview => Self(Kind::Bolt(BoltJob::status(record))),
        }
    }

    /// What it does next; the same until it is answered.
    pub fn next(&self) -> Next {
        match &self.0 {
            Kind::Code(job) => job.next(),
            Kind::Timed(job) => job.next(),
            Kind::Untimed(job) => job.next(),
            Kind::Clock(job) => job.next(),
            Kind::Credential(job) => job.next(),
            Kind::Bolt(job) => job.next(),
            Kind::Audit(job) => job.next(),
            Kind::Configuration(job) => job.next(),
            Kind::Identify(job) => job.next(),
            Kind::Ping(job) => job.next(),
            Kind::Setting(job) => job.next(),
            Kind::Log(job) => job.next(),
            Kind::Batch(job) => job.next(),
            Kind::Failed(error) => Next::Done(Err(error.clone())),
        }
    }

    /// The answer to what it asked.
    pub fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        match &mut self.0 {
            Kind::Code(job) => job.handle_answer(now, answer),
            Kind::Timed(job) => job.handle_answer(now, answer),
            Kind::Untimed(job) => job.handle_answer(now, answer),
            Kind::Clock(job) => job.handle_answer(now, answer),
            Kind::Credential(job) => job.handle_answer(now, answer),
            Kind::Bolt(job) => job.handle_answer(now, answer),
            Kind::Audit(job) => job.handle_answer(answer),
            Kind::Configuration(job) => job.handle_answer(now, answer),
            Kind::Identify(job) => job.handle_answer(answer),
            Kind::Ping(job) => job.handle_answer(answer),
            Kind::Setting(job) => job.handle_answer(now, answer),
            Kind::Log(job) => job.handle_answer(answer),
            Kind::Batch(job) => job.handle_answer(now, answer),
            Kind::Failed(_) => {}
        }
    }

    /// How it says that it went may be its answer to an earlier command: what was asked is asked again.
    pub fn handle_doubted(&mut self, now: Instant, status: Status) {
        if let Kind::Code(job) = &mut self.0 {
            job.handle_doubted(now, status);
        }
    }

    /// What the lock told of something else where an answer was expected, once.
    pub fn take_aside(&mut self) -> Option<LockEvent> {
        match &mut self.0 {
            Kind::Credential(job) => job.take_aside(),
            Kind::Code(_)
            | Kind::Timed(_)
            | Kind::Untimed(_)
            | Kind::Clock(_)
            | Kind::Bolt(_)
            | Kind::Audit(_)
            | Kind::Configuration(_)
            | Kind::Batch(_)
            | Kind::Identify(_)
            | Kind::Ping(_)
            | Kind::Setting(_)
            | Kind::Log(_)
            | Kind::Failed(_) => None,
        }
    }

    /// The lock tells something meanwhile.
    pub fn handle_event(&mut self, event: &LockEvent) {
        match &mut self.0 {
            Kind::Code(job) => job.handle_event(event),
            Kind::Timed(job) => job.handle_event(event),
            Kind::Untimed(job) => job.handle_event(event),
            Kind::Credential(job) => job.handle_event(event),
            Kind::Bolt(job) => job.handle_event(event),
            Kind::Batch(job) => job.handle_event(event),
            Kind::Audit(_)
            | Kind::Configuration(_)
            | Kind::Clock(_)
            | Kind::Identify(_)
            | Kind::Ping(_)
            | Kind::Setting(_)
            | Kind::Log(_)
            | Kind::Failed(_) => {}
        }
    }

    /// The instant of [`Next::Pause`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.0 {
            Kind::Code(job) => job.handle_timeout(now),
            Kind::Timed(job) => job.handle_timeout(now),
            Kind::Untimed(job) => job.handle_timeout(now),
            Kind::Credential(job) => job.handle_timeout(now),
            Kind::Bolt(job) => job.handle_timeout(now),
            Kind::Configuration(job) => job.handle_timeout(now),
            Kind::Setting(job) => job.handle_timeout(now),
            Kind::Batch(job) => job.handle_timeout(now),
            Kind::Audit(_) | Kind::Clock(_) | Kind::Identify(_) | Kind::Log(_) | Kind::Ping(_) | Kind::Failed(_) => {}
        }
    }

    /// Whether the lock keeps the schedule of a slot whose code is replaced, if it found that out.
    pub fn keeps_schedules(&self) -> Option<bool> {
        match &self.0 {
            Kind::Timed(job) => job.keeps_schedules(),
            _ => None,
        }
    }

    /// What it saw of the lock hiding its codes.
    pub fn masked(&self) -> Option<bool> {
        match &self.0 {
            Kind::Code(job) => job.masked(),
            Kind::Timed(job) => job.masked(),
            Kind::Untimed(job) => job.masked(),
            Kind::Batch(job) => job.masked(),
            Kind::Credential(job) => job.masked(),
            Kind::Bolt(_)
            | Kind::Audit(_)
            | Kind::Configuration(_)
            | Kind::Clock(_)
            | Kind::Identify(_)
            | Kind::Ping(_)
            | Kind::Setting(_)
            | Kind::Log(_)
            | Kind::Failed(_) => None,
        }
    }
}

impl Kind {
    fn refused(refusal: Refusal) -> Self {
        Self::Failed(refusal.into())
    }
}

/// What a failed question means for a command that changes nothing.
fn reading_failed(error: AskError) -> CommandError {
    match error {
        AskError::Offline { .. } => CommandError::Offline,
        AskError::NoAnswer => CommandError::Unproven,
        AskError::Stick => CommandError::Busy,
        AskError::NoKey => no_key(),
    }
}

/// What a failed question means for a command that may have changed something.
fn writing_failed(error: AskError) -> CommandError {
    match error {
        AskError::Offline { maybe_done: false } => CommandError::Offline,
        AskError::Offline { maybe_done: true } | AskError::NoAnswer | AskError::Stick => CommandError::Unproven,
        AskError::NoKey => no_key(),
    }
}

fn no_key() -> CommandError {
    Refusal::NoKey("the network's key of the lock's security class is missing or does not fit").into()
}

/// Pause before a lock that was seen not to be done yet is asked again, the `n`-th time from 0.
fn again_after(n: u8) -> Duration {
    Duration::from_millis(match n {
        0 => 300,
        1 => 700,
        2 => 1500,
        _ => 3000,
    })
}
