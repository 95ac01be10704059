//! The network itself: which one the stick has to hold, how it comes to hold it, who is let in, and who is taken out.
//!
//! A stick that holds no network gets one formed; its record is in the store before that. One that holds the network of
//! that record is resumed; one that holds another is left alone until somebody says that it is to be worked with.

mod commands;
pub mod install_code;
mod joining;
mod kept;
pub mod memory;
mod output;
mod startup;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyway_lock::{CommandId, NetworkError, NetworkFailure, NetworkOutcome, NetworkRecord, RadioEvent, WallTime};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::address::Ieee;
use crate::backup::NetworkBackup;
use crate::coordinator::{Answer, CoordinatorError, CoordinatorInfo, NetworkInfo, Request, Ticket};

use joining::Joining;
use kept::Kept;
use memory::Writing;
pub use output::{NetworkOutput, Then};

/// How long the stick may take to be asked again, where it refused.
const AGAIN: Duration = Duration::from_secs(30);
/// How long somebody has to take a device out by hand.
const LEAVE: Duration = Duration::from_secs(180);

/// How far the stick is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not there, or not identified.
    Away,
    /// It is known, and something is done so that its network comes up.
    Starting,
    /// It holds a network that nobody said may be worked with.
    Foreign,
    /// It refused; it is asked again then.
    Refused(Instant),
    /// Its network is up.
    Up(NetworkInfo),
}

/// What a request to the stick was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To find a quiet channel.
    Scan,
    /// To have its network up.
    Start,
    /// To have it forget its network: before a new one.
    Leave,
    /// To let devices join, or not any more.
    Permit,
    /// To let this device join with its own key.
    LinkKey,
    /// To take a device out.
    Remove(Ieee),
    /// To read its memory.
    Memory,
    /// To restart.
    Restart,
}

/// What is under way for the hub.
enum Process {
    /// A device is to join.
    Joining(Box<Joining>),
    /// A device is to leave by somebody's hand.
    Leaving(CommandId, Instant),
    /// A device is taken out.
    Removing(CommandId, Ieee),
    /// A new network is to take the place of this one.
    Resetting(CommandId),
    /// The stick is to be worked with.
    Adopting(CommandId),
    /// The stick restarts.
    Restarting(CommandId),
    /// Its memory is read, to be kept.
    Reading(CommandId),
    /// This memory is written to it.
    Writing(CommandId, Box<Writing>),
}

impl Process {
    fn id(&self) -> CommandId {
        match self {
            Self::Joining(joining) => joining.id,
            Self::Leaving(id, _)
            | Self::Removing(id, _)
            | Self::Resetting(id)
            | Self::Adopting(id)
            | Self::Restarting(id)
            | Self::Reading(id)
            | Self::Writing(id, _) => *id,
        }
    }
}

/// The network of one stick.
pub struct Network {
    random: StdRng,
    kept: Option<Kept>,
    /// The memory of a stick that is kept.
    memory: Option<NetworkBackup>,
    /// The network that it is to be written over, by the owner's word at a restore.
    write_over: Option<String>,
    /// That is being done.
    writes_as_ordered: bool,
    /// There are devices of the network that is kept.
    has_devices: bool,
    /// Nobody is let in without an install code.
    install_codes_only: bool,
    stick: Option<CoordinatorInfo>,
    stage: Stage,
    process: Option<Process>,
    asked: BTreeMap<Ticket, Purpose>,
    out: output::Outputs,
}

impl Network {
    /// With what the store has kept.
    pub fn new(records: &[NetworkRecord], has_devices: bool, install_codes_only: bool, entropy: [u8; 32]) -> Self {
        Self {
            random: StdRng::from_seed(entropy),
            kept: Kept::find(records),
            memory: memory::find(records),
            write_over: memory::ordered(records),
            writes_as_ordered: false,
            has_devices,
            install_codes_only,
            stick: None,
            stage: Stage::Away,
            process: None,
            asked: BTreeMap::new(),
            out: output::Outputs::default(),
        }
    }

    /// The stick as it said, once its network is up.
    pub fn stick(&self) -> Option<&CoordinatorInfo> {
        self.stick.as_ref().filter(|_| matches!(self.stage, Stage::Up(_)))
    }

    /// The network that is up.
    pub fn up(&self) -> Option<NetworkInfo> {
        match self.stage {
            Stage::Up(info) => Some(info),
            Stage::Away | Stage::Starting | Stage::Foreign | Stage::Refused(_) => None,
        }
    }

    /// Whether what is asked of devices may wait for the network to come up, if it is not.
    pub fn is_hopeful(&self) -> bool {
        !matches!(self.stage, Stage::Foreign | Stage::Refused(_))
    }

    /// Whether it is this device that is being let in.
    pub fn is_joining(&self, device: Ieee) -> bool {
        matches!(&self.process, Some(Process::Joining(joining)) if joining.device() == Some(device))
    }

    /// Whether devices are kept, from now on.
    pub fn set_has_devices(&mut self, has_devices: bool) {
        self.has_devices = has_devices;
    }

    /// What it wants done next.
    pub fn poll(&mut self) -> Option<NetworkOutput> {
        self.out.poll()
    }

    /// What it wanted of the stick goes out under this ticket.
    pub fn given(&mut self, ticket: Ticket, request: &Request) {
        let purpose = match request {
            Request::EnergyScan => Purpose::Scan,
            Request::LeaveNetwork => Purpose::Leave,
            Request::PermitJoin { .. } => Purpose::Permit,
            Request::AddTransientLinkKey { .. } => Purpose::LinkKey,
            Request::RemoveDevice { ieee, .. } => Purpose::Remove(*ieee),
            Request::Restart => Purpose::Restart,
            Request::ReadBackup => Purpose::Memory,
            Request::Form { .. } | Request::Resume | Request::WriteBackup { .. } | Request::Send(_) => Purpose::Start,
        };
        self.asked.insert(ticket, purpose);
    }

    /// The stick has answered. False: that was not of the network. `clock`: what the wall clock shows, if it is known.
    pub fn handle_answered(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: &Result<Answer, CoordinatorError>,
        clock: Option<WallTime>,
    ) -> bool {
        let Some(purpose) = self.asked.remove(&ticket) else { return false };
        match (purpose, result) {
            (Purpose::Memory, result) => self.memory_read(result, clock),
            (Purpose::Scan, result) => self.scanned(result),
            (Purpose::Start, Ok(_)) => self.started(now, clock),
            (Purpose::Start | Purpose::Leave, Err(error)) => self.refused(now, error),
            (Purpose::Leave, Ok(_)) => self.left_network(),
            (Purpose::Permit | Purpose::LinkKey, result) => self.permitted(now, purpose, result),
            (Purpose::Remove(device), result) => self.removed(device, result),
            // It has ended when its network is up again.
            (Purpose::Restart, Ok(_) | Err(CoordinatorError::Restarted)) => {}
            (Purpose::Restart, Err(_)) => self.finish(Err(NetworkError::StickFailed)),
        }
        true
    }

    /// A record is kept.
    pub fn handle_kept(&mut self, then: Then) {
        match then {
            Then::Form => self.form(),
            Then::Answer if matches!(self.process, Some(Process::Reading(_))) => self.finish(Ok(NetworkOutcome::Done)),
            // The stick was lost meanwhile, and the hub knows.
            Then::Answer => {}
        }
    }

    /// The instant of [`Network::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.stage, Stage::Refused(at) if at <= now) {
            self.start();
        }
        match &self.process {
            Some(Process::Leaving(_, until)) if *until <= now => self.finish(Err(NetworkError::NobodyCame)),
            Some(Process::Joining(_)) => self.join_on(now),
            _ => {}
        }
    }

    /// When [`Network::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        let again = if let Stage::Refused(at) = self.stage { Some(at) } else { None };
        let process = match &self.process {
            Some(Process::Joining(joining)) => Some(joining.timeout()),
            Some(Process::Leaving(_, until)) => Some(*until),
            _ => None,
        };
        again.into_iter().chain(process).min()
    }

    /// What is under way has ended.
    fn finish(&mut self, result: Result<NetworkOutcome, NetworkError>) {
        if let Some(process) = self.process.take() {
            if matches!(process, Process::Joining(_)) {
                self.close();
            }
            self.answer(process.id(), result);
        }
    }

    fn answer(&mut self, id: CommandId, result: Result<NetworkOutcome, NetworkError>) {
        self.out.event(RadioEvent::NetworkDone(id, result.map_err(NetworkFailure::from)));
    }
}
