//! What the hub asks of a lock, as the fewest frames that prove it; and what a lock tells by itself.

mod bolt;
mod clock;
mod code;
pub mod events;
mod identify;
mod log;
pub mod ping;
mod setting;
mod timed;
mod untimed;

use std::time::{Duration, Instant};

use keyway_lock::{CommandError, CommandOutput, LockCommand, LockEvent, Refusal, WallClock};

use crate::device::table::DeviceRecord;
use crate::transport::question::{Answer, AskError, Question, ZclAsk};
use crate::zcl::door_lock::{FromLock, ToLock};
use crate::zcl::foundation::General;
use crate::zcl::{Scope, Status};

use bolt::BoltJob;
use clock::ClockJob;
use code::CodeJob;
use identify::IdentifyJob;
use log::LogJob;
use ping::PingJob;
use setting::SettingJob;
use timed::TimedJob;
use untimed::UntimedJob;

/// What a job does next.
pub enum Next {
    /// Asks the lock.
    Ask(Question),
    /// Waits, to go on with [`Job::handle_timeout`].
    Pause(Instant),
    /// Nothing: it has ended.
    Done(Result<CommandOutput, CommandError>),
}

/// A command of the hub, under way.
pub struct Job(Kind);

enum Kind {
    Code(Box<CodeJob>),
    Timed(Box<TimedJob>),
    Untimed(Box<UntimedJob>),
    Clock(ClockJob),
    Bolt(BoltJob),
    Setting(SettingJob),
    Identify(IdentifyJob),
    Log(Box<LogJob>),
    Ping(PingJob),
    Refused(Refusal),
}

impl Job {
    /// Begins. `was_free`: the lock has said a moment ago that the slot is free. What the lock can't do is refused
    /// without asking it.
    pub fn new(command: &LockCommand, record: &DeviceRecord, was_free: bool, clock: WallClock, now: Instant) -> Self {
        if *command == LockCommand::CheckClock {
            let job = ClockJob::new(record, clock, now).map(Kind::Clock);
            return Self(job.unwrap_or(Kind::Refused(Refusal::NotSupported("it does not show its clock"))));
        }
        Self(Kind::new(command, record, was_free).unwrap_or_else(Kind::Refused))
    }

    /// What it does next; the same until it is answered.
    pub fn next(&self) -> Next {
        match &self.0 {
            Kind::Code(job) => job.next(),
            Kind::Timed(job) => job.next(),
            Kind::Untimed(job) => job.next(),
            Kind::Clock(job) => job.next(),
            Kind::Bolt(job) => job.next(),
            Kind::Setting(job) => job.next(),
            Kind::Identify(job) => job.next(),
            Kind::Log(job) => job.next(),
            Kind::Ping(job) => job.next(),
            Kind::Refused(refusal) => Next::Done(Err(refusal.clone().into())),
        }
    }

    /// The answer to what it asked.
    pub fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        match &mut self.0 {
            Kind::Code(job) => job.handle_answer(now, answer),
            Kind::Timed(job) => job.handle_answer(now, answer),
            Kind::Untimed(job) => job.handle_answer(now, answer),
            Kind::Clock(job) => job.handle_answer(now, answer),
            Kind::Bolt(job) => job.handle_answer(now, answer),
            Kind::Setting(job) => job.handle_answer(now, answer),
            Kind::Identify(job) => job.handle_answer(answer),
            Kind::Log(job) => job.handle_answer(answer),
            Kind::Ping(job) => job.handle_answer(answer),
            Kind::Refused(_) => {}
        }
    }

    /// The lock tells something meanwhile.
    pub fn handle_event(&mut self, event: &LockEvent) {
        if let Kind::Bolt(job) = &mut self.0 {
            job.handle_event(event);
        }
    }

    /// The instant of [`Next::Pause`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.0 {
            Kind::Code(job) => job.handle_timeout(now),
            Kind::Timed(job) => job.handle_timeout(now),
            Kind::Untimed(job) => job.handle_timeout(now),
            Kind::Bolt(job) => job.handle_timeout(now),
            Kind::Setting(job) => job.handle_timeout(now),
            _ => {}
        }
    }

    /// An attribute of the lock that it has set.
    pub fn learned(&self) -> Option<(u16, u64)> {
        match &self.0 {
            Kind::Setting(job) => job.learned(),
            _ => None,
        }
    }

    /// What it saw of how the lock keeps its codes.
    pub fn seen(&self) -> Seen {
        match &self.0 {
            Kind::Code(job) => job.seen(),
            Kind::Timed(job) => job.seen(),
            Kind::Untimed(job) => job.seen(),
            _ => Seen::default(),
        }
    }
}

/// What a job saw of how a lock keeps and shows its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Whether a user's schedule is still there when its code was replaced.
    pub keeps_schedules: Option<bool>,
    /// Whether it hides them.
    pub masked: Option<bool>,
    /// It does not know the question.
    pub unreadable: bool,
}

impl Seen {
    /// This, and where nothing was seen, what was before.
    fn or(self, before: Self) -> Self {
        Self {
            keeps_schedules: self.keeps_schedules.or(before.keeps_schedules),
            masked: self.masked.or(before.masked),
            unreadable: self.unreadable || before.unreadable,
        }
    }
}

impl Kind {
    fn new(command: &LockCommand, record: &DeviceRecord, was_free: bool) -> Result<Self, Refusal> {
        let capabilities = record.lock_info().capabilities;
        let endpoint = record.lock_endpoint().ok_or(Refusal::NotSupported("it is no door lock"))?;
        let not_supported = |what| Err(Refusal::NotSupported(what));
        if let LockCommand::SetCode { pin, .. } | LockCommand::SetTimedCode { pin, .. } = command {
            capabilities.check(pin)?;
        }
        match command {
            LockCommand::ReadSlot(slot) | LockCommand::SetCode { slot, .. } | LockCommand::ClearCode(slot) => {
                capabilities.check_slot(*slot)?;
                if let Some(job) = UntimedJob::new(command, endpoint, record, was_free) {
                    return Ok(Self::Untimed(Box::new(job)));
                }
                let job = CodeJob::new(command, endpoint, record, was_free);
                job.map(|job| Self::Code(Box::new(job))).ok_or(Refusal::NotSupported("it has no codes"))
            }
            LockCommand::CheckSlots(_) => not_supported("it has no checksum over its codes"),
            LockCommand::ChangeCodes { .. } => not_supported("it does not take several codes in one go"),
            LockCommand::Lock | LockCommand::Unlock if !capabilities.can_lock => {
                not_supported("it has no bolt to be moved by radio")
            }
            LockCommand::Lock | LockCommand::Unlock if record.wants_pin() => {
                not_supported("it wants a PIN with each command by radio: turn that off at the lock")
            }
            LockCommand::Lock => Ok(Self::Bolt(BoltJob::moving(true, endpoint, record))),
            LockCommand::Unlock => Ok(Self::Bolt(BoltJob::moving(false, endpoint, record))),
            LockCommand::ReadStatus | LockCommand::Interview => Ok(Self::Bolt(BoltJob::status(endpoint, record))),
            LockCommand::SetAutoLock(wanted) => match record.auto_relock() {
                Some(_) => Ok(Self::Setting(SettingJob::auto_lock(*wanted, endpoint))),
                None => not_supported("it does not lock by itself, or not by radio"),
            },
            LockCommand::SetKeypadMode(wanted) => {
                let keypad = record.keypad().filter(|keypad| keypad.modes.contains(wanted));
                match keypad.and_then(|_| SettingJob::keypad(*wanted, endpoint)) {
                    Some(job) => Ok(Self::Setting(job)),
                    None => not_supported("its keypad can't be told to do that"),
                }
            }
            LockCommand::SetTimedCode { slot, .. } => {
                capabilities.check_slot(*slot)?;
                let job = TimedJob::new(command, endpoint, record);
                job.map(|job| Self::Timed(Box::new(job))).ok_or(Refusal::WindowNotKept)
            }
            // Made above, by what the wall clock shows.
            LockCommand::CheckClock => not_supported("it does not show its clock"),
            LockCommand::SetAdminCode(_) => not_supported("it has no admin code beside its slots"),
            LockCommand::SetBolt(_) => not_supported("how its bolt behaves is not set here"),
            LockCommand::ReadParameter(_) | LockCommand::SetParameter { .. } => {
                let job = SettingJob::parameter(command, endpoint, record);
                job.map(Self::Setting).ok_or(Refusal::NotSupported("it has no such setting, or does not take that"))
            }
            LockCommand::ReadLog(_) => {
                let job = LogJob::new(command, endpoint, record);
                job.map(|job| Self::Log(Box::new(job))).ok_or(Refusal::NotSupported("it keeps no log"))
            }
            LockCommand::Ping => Ok(Self::Ping(PingJob::new(endpoint))),
            LockCommand::Identify => match record.endpoint_of(crate::zcl::identify::CLUSTER) {
                Some(endpoint) => Ok(Self::Identify(IdentifyJob::new(endpoint))),
                None => not_supported("it can't show itself"),
            },
        }
    }
}

/// A command to the lock as a question.
fn ask_lock(endpoint: u8, command: &ToLock, changes: bool) -> Next {
    Next::Ask(Question::Zcl(ZclAsk::lock(endpoint, command, changes)))
}

/// What a lock answered.
enum Told {
    /// A command of its own.
    Lock(FromLock),
    /// One that every cluster has.
    General(General),
    /// That it does not do it, or how it went.
    Status(Status),
    /// Something that can't be read.
    Nonsense,
}

fn told(answer: &Answer) -> Told {
    let Answer::Zcl(frame) = answer else { return Told::Nonsense };
    match (FromLock::read(frame), frame.scope) {
        (Some(Ok(told)), _) => Told::Lock(told),
        (Some(Err(status)), _) => Told::Status(status),
        (None, Scope::General) => General::decode(frame.command, &frame.payload).map_or(Told::Nonsense, Told::General),
        (None, Scope::Cluster) => Told::Nonsense,
    }
}

/// What an attribute is, of those that were read, as a number.
fn attribute(told: &Told, id: u16) -> Option<u64> {
    let Told::General(General::ReadResponse(values)) = told else { return None };
    values.iter().find(|(other, _)| *other == id)?.1.as_ref().ok()?.as_u64()
}

/// What a failed question means for a command that changes nothing.
fn reading_failed(error: AskError) -> CommandError {
    match error {
        AskError::Offline { .. } => CommandError::Offline,
        AskError::NoAnswer => CommandError::Unproven,
        AskError::Stick => CommandError::Busy,
    }
}

/// What a failed question means for a command that may have changed something.
fn writing_failed(error: AskError) -> CommandError {
    match error {
        AskError::Offline { maybe_done: false } => CommandError::Offline,
        AskError::Stick => CommandError::Busy,
        AskError::Offline { maybe_done: true } | AskError::NoAnswer => CommandError::Unproven,
    }
}

/// A lock said no to a command.
fn refused(status: Status) -> Refusal {
    if status.is_unsupported() { Refusal::NotSupported("it does not know the command") } else { Refusal::Rejected }
}

/// Pause before a lock that was seen not to be done yet is asked again, the `n`-th time from 0.
fn again_after(n: u8) -> Duration {
    Duration::from_millis(match n {
        0 => 500,
        1 => 1000,
        2 => 2000,
        _ => 4000,
    })
}
