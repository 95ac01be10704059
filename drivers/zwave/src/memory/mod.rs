//! The stick itself: its memory is read, kept and written back, it is restarted, its region is set; and whether it is the
//! stick that was here before. One thing is under way at a time, and nothing else goes over the stick meanwhile.

mod image;
mod transfer;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_lock::{
    CommandId, NetworkError, NetworkFailure, NetworkOutcome, NetworkRecord, RadioEvent, RecordKey, SecretBytes,
    StickCommand, StickState, StickWork,
};
use zeroize::Zeroizing;

use crate::serial_api::command::Command;
use crate::serial_api::function::setup;
use crate::serial_api::region;
use crate::serial_api::session::{Completed, SendFailure};
use crate::serial_api::startup::Stick;

use image::Image;
use transfer::Transfer;

/// The network that the stick had before.
const NETWORK: &str = "network";
/// The network over which the kept memory is to be written at the next start.
const WRITE_OVER: &str = "write_over";
/// How long a stick may take to be back after a restart, over USB too.
const RESTART: Duration = Duration::from_secs(40);

/// The record that has the kept memory written to the stick when it is next known, if it has this network then.
pub fn write_over(network: &str) -> NetworkRecord {
    record(WRITE_OVER, Some(&network.to_ascii_lowercase()))
}

/// The network whose memory is kept in these records, and how many bytes it has; `None`: none is.
pub fn kept(records: &[NetworkRecord]) -> Option<(String, usize)> {
    Image::read(records).map(|image| (hex(image.home_id), image.bytes.len()))
}

/// What the keeper of the stick wants done.
pub(crate) enum KeeperOutput {
    /// To be kept; [`Keeper::handle_kept`] is to be called if it says so.
    Keep(NetworkRecord, bool),
    /// For the hub.
    Event(RadioEvent),
    /// Whatever else was under way is over: the stick is not to be had for a while.
    Withdraw,
    /// The stick is to be asked anew what it is.
    Identify,
}

/// What the keeper asks of the stick.
pub(crate) enum KeeperAsk {
    /// A command; [`Keeper::handle_answer`] follows.
    Command(Command),
    /// It is to be restarted.
    Restart,
}

enum Work {
    Moving {
        id: Option<CommandId>,
        transfer: Box<Transfer>,
        told: u8,
    },
    /// What was read is being kept.
    Keeping(CommandId),
    Setting(CommandId, u8),
    /// Until it is known again; then it must have this network.
    Restarting {
        id: Option<CommandId>,
        expected: Option<u32>,
        asked: bool,
        until: Instant,
    },
}

/// Whose stick it is, and what is done to it.
pub(crate) struct Keeper {
    network: Option<u32>,
    image: Option<Image>,
    write_over: Option<u32>,
    foreign: bool,
    work: Option<Work>,
    out: VecDeque<KeeperOutput>,
}

impl Keeper {
    /// With what the store has kept.
    pub(crate) fn new(records: &[NetworkRecord]) -> Self {
        let network = |key| {
            let record = records.iter().find(|record: &&NetworkRecord| record.key.0 == key)?;
            u32::from_str_radix(std::str::from_utf8(&record.value.as_ref()?.0).ok()?, 16).ok()
        };
        Self {
            network: network(NETWORK),
            image: Image::read(records),
            write_over: network(WRITE_OVER),
            foreign: false,
            work: None,
            out: VecDeque::new(),
        }
    }

    /// Whether the stick is occupied.
    pub(crate) fn is_working(&self) -> bool {
        self.work.is_some()
    }

    /// Whether the stick is another one than before.
    pub(crate) fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether [`Keeper::poll`] has something.
    pub(crate) fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    /// The next output.
    pub(crate) fn poll(&mut self) -> Option<KeeperOutput> {
        self.out.pop_front()
    }

    /// When [`Keeper::handle_timeout`] is due.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        match &self.work {
            Some(Work::Restarting { until, .. }) => Some(*until),
            _ => None,
        }
    }

    /// The stick is known. What to tell of it: a foreign one is not to be worked with.
    pub(crate) fn handle_identified(&mut self, stick: &Stick) -> Option<StickState> {
        let restarted = match self.work.take_if(|work| matches!(work, Work::Restarting { .. })) {
            Some(Work::Restarting { id, expected, .. }) => Some((id, expected)),
            _ => None,
        };
        if let Some((id, expected)) = restarted {
            let right = expected.is_none_or(|expected| expected == stick.home_id);
            if expected.is_some() && right {
                self.set_network(Some(stick.home_id));
            }
            let error = NetworkError::StickFailed;
            self.answer(id, if right { Ok(()) } else { Err(error) });
        }
        let expected = *self.network.get_or_insert_with(|| {
            self.out.push_back(KeeperOutput::Keep(record(NETWORK, Some(&hex(stick.home_id))), false));
            stick.home_id
        });
        self.foreign = expected != stick.home_id;
        let begins = self.write_over == Some(stick.home_id);
        if begins {
            // Once: it is not to be tried at each start.
            self.write_over = None;
            self.out.push_back(KeeperOutput::Keep(record(WRITE_OVER, None), false));
            if let Err(error) = self.begin_writing(None, stick) {
                tracing::error!(%error, "the kept memory can't be written to the stick");
            }
        }
        let kept = self.image.as_ref().is_some_and(|image| image.home_id == expected);
        self.foreign.then(|| StickState::Foreign { info: stick.info(), expected: hex(expected), kept })
    }

    /// The stick has a new network, on purpose: whatever it is next, it is ours.
    pub(crate) fn handle_new_network(&mut self) {
        self.set_network(None);
    }

    /// The hub asks something; `idle`: nothing is being added or removed.
    pub(crate) fn handle_command(
        &mut self,
        now: Instant,
        id: CommandId,
        command: &StickCommand,
        stick: Option<&Stick>,
        idle: bool,
    ) {
        let begun = match stick {
            None => Err(NetworkError::StickGone),
            Some(_) if !idle || self.work.is_some() => Err(NetworkError::Busy),
            Some(stick) => self.take_up(now, id, command, stick),
        };
        if let Err(error) = begun {
            self.answer(Some(id), Err(error));
        }
    }

    fn take_up(
        &mut self,
        now: Instant,
        id: CommandId,
        command: &StickCommand,
        stick: &Stick,
    ) -> Result<(), NetworkError> {
        let is_present = |network: &str| network.eq_ignore_ascii_case(&hex(stick.home_id));
        match command {
            StickCommand::RestoreMemory { over, .. } if is_present(over) => self.begin_writing(Some(id), stick),
            StickCommand::Adopt { network } if is_present(network) => {
                self.set_network(Some(stick.home_id));
                self.out.push_back(KeeperOutput::Identify);
                self.answer(Some(id), Ok(()));
                Ok(())
            }
            StickCommand::TakeOver { .. } => {
                Err(NetworkError::NotSupported("Z-Wave networks are moved by their stick's memory: see keyway restore"))
            }
            StickCommand::RestoreMemory { .. } | StickCommand::Adopt { .. } => Err(NetworkError::WrongNetwork),
            StickCommand::Restart => {
                self.restart(now, Some(id), None);
                Ok(())
            }
            StickCommand::KeepMemory | StickCommand::SetRegion { .. } if self.foreign => {
                Err(NetworkError::ForeignStick)
            }
            StickCommand::KeepMemory => {
                self.begin_moving(Some(id), Transfer::read(stick)?);
                Ok(())
            }
            StickCommand::SetRegion { region } => {
                let no_such = NetworkError::NotSupported("no region of this name is known");
                let region = region::of_name(region).ok_or(no_such)?;
                if !stick.setup_commands.contains(&setup::SET_RF_REGION) {
                    return Err(NetworkError::NotSupported("its region can't be set"));
                }
                self.work = Some(Work::Setting(id, region));
                self.busy(StickWork::Restarting, 0);
                Ok(())
            }
        }
    }

    fn begin_writing(&mut self, id: Option<CommandId>, stick: &Stick) -> Result<(), NetworkError> {
        let image = self.image.as_ref().ok_or(NetworkError::NothingKept)?;
        let transfer = Transfer::write(stick, image)?;
        tracing::warn!(from = hex(image.home_id), over = hex(stick.home_id), "the kept memory is written to the stick");
        self.begin_moving(id, transfer);
        Ok(())
    }

    fn begin_moving(&mut self, id: Option<CommandId>, transfer: Transfer) {
        let work = if transfer.is_writing() { StickWork::Writing } else { StickWork::Reading };
        self.work = Some(Work::Moving { id, transfer: Box::new(transfer), told: 0 });
        self.busy(work, 0);
    }

    /// What comes next for the stick; to be asked when it is idle.
    pub(crate) fn next(&mut self, now: Instant) -> Option<KeeperAsk> {
        if let Some(Work::Moving { transfer, .. }) = &mut self.work {
            if let Some(command) = transfer.command() {
                return Some(KeeperAsk::Command(command));
            }
            self.moved(now);
        }
        match &mut self.work {
            Some(Work::Setting(_, region)) => Some(KeeperAsk::Command(region::set(*region))),
            Some(Work::Restarting { asked, .. }) => {
                let first = !std::mem::replace(asked, true);
                first.then_some(KeeperAsk::Restart)
            }
            Some(Work::Moving { .. } | Work::Keeping(_)) | None => None,
        }
    }

    /// The answer to the last command.
    pub(crate) fn handle_answer(&mut self, now: Instant, result: &Result<Completed, SendFailure>) {
        match &mut self.work {
            Some(Work::Moving { transfer, told, .. }) => {
                transfer.handle_answer(result);
                let percent = transfer.percent();
                if std::mem::replace(told, percent) != percent {
                    let work = if transfer.is_writing() { StickWork::Writing } else { StickWork::Reading };
                    self.out.push_back(KeeperOutput::Event(RadioEvent::Stick(StickState::Busy(work, percent))));
                }
            }
            Some(Work::Setting(id, _)) => {
                let id = *id;
                let set = matches!(result, Ok(Completed::Response(payload)) if region::was_set(payload));
                self.work = None;
                if set {
                    return self.restart(now, Some(id), None);
                }
                self.answer(Some(id), Err(NetworkError::StickFailed));
                self.out.push_back(KeeperOutput::Identify);
            }
            _ => {}
        }
    }

    fn moved(&mut self, now: Instant) {
        let Some(Work::Moving { id, transfer, .. }) = self.work.take() else { return };
        let writing = transfer.is_writing();
        match transfer.into_result() {
            Ok(Some(image)) => {
                self.out.push_back(KeeperOutput::Keep(image.record(), true));
                self.image = Some(image);
                self.work = id.map(Work::Keeping);
            }
            Ok(None) => {
                let expected = self.image.as_ref().map(|image| image.home_id);
                self.restart(now, id, expected);
            }
            Err(error) => {
                self.answer(id, Err(error));
                if writing {
                    self.restart(now, None, None);
                } else {
                    self.out.push_back(KeeperOutput::Identify);
                }
            }
        }
    }

    /// What was to be kept is. The locks go on once the stick is known again, which takes no restart.
    pub(crate) fn handle_kept(&mut self, now: Instant) {
        if let Some(Work::Keeping(id)) = self.work {
            self.work = Some(Work::Restarting { id: Some(id), expected: None, asked: true, until: now + RESTART });
        }
        self.out.push_back(KeeperOutput::Identify);
    }

    /// The stick is gone or restarted by itself. One that restarts because it was told to may go, and come back.
    pub(crate) fn handle_lost(&mut self) {
        let id = match &self.work {
            Some(Work::Moving { id, .. }) => *id,
            Some(Work::Setting(id, _)) => Some(*id),
            Some(Work::Keeping(_) | Work::Restarting { .. }) | None => return,
        };
        self.work = None;
        self.answer(id, Err(NetworkError::StickGone));
    }

    /// The instant of [`Keeper::timeout`] has come.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Some(Work::Restarting { id, until, .. }) = self.work
            && until <= now
        {
            self.work = None;
            self.answer(id, Err(NetworkError::StickGone));
        }
    }

    fn restart(&mut self, now: Instant, id: Option<CommandId>, expected: Option<u32>) {
        self.work = Some(Work::Restarting { id, expected, asked: false, until: now + RESTART });
        self.busy(StickWork::Restarting, 0);
    }

    fn busy(&mut self, work: StickWork, percent: u8) {
        self.out.push_back(KeeperOutput::Withdraw);
        self.out.push_back(KeeperOutput::Event(RadioEvent::Stick(StickState::Busy(work, percent))));
    }

    fn set_network(&mut self, network: Option<u32>) {
        self.network = network;
        self.out.push_back(KeeperOutput::Keep(record(NETWORK, network.map(hex).as_deref()), false));
    }

    fn answer(&mut self, id: Option<CommandId>, result: Result<(), NetworkError>) {
        if let Err(error) = result {
            tracing::warn!(%error, "what was to be done to the stick did not work");
        }
        if let Some(id) = id {
            let result = result.map(|()| NetworkOutcome::Done).map_err(NetworkFailure::from);
            self.out.push_back(KeeperOutput::Event(RadioEvent::NetworkDone(id, result)));
        }
    }
}

/// A home id as it is shown.
fn hex(home_id: u32) -> String {
    format!("{home_id:08x}")
}

fn record(key: &str, network: Option<&str>) -> NetworkRecord {
    let value = network.map(|network| SecretBytes(Zeroizing::new(network.as_bytes().to_vec())));
    NetworkRecord { key: RecordKey(key.to_owned()), value }
}
