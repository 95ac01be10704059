//! The stick's memory: read and kept for the day on which the stick is lost, and written to another one. It is kept in the
//! open format of coordinator backups.

use keyway_lock::{
    Civil, CommandId, NetworkError, NetworkOutcome, NetworkRecord, RadioEvent, RecordKey, SecretBytes, StickState,
    StickWork, WallTime,
};
use zeroize::Zeroizing;

use super::kept::{Kept, identity, identity_held};
use super::{Network, NetworkOutput, Process, Stage, Then};
use crate::backup::NetworkBackup;
use crate::coordinator::{Answer, CoordinatorError, Request};

const KEY: &str = "memory";
/// An order to write the kept memory over this network, when a stick with it is met.
const WRITE_OVER: &str = "write_over";

/// The memory that the store has kept.
pub(super) fn find(records: &[NetworkRecord]) -> Option<NetworkBackup> {
    NetworkBackup::from_json(kept(records)?).ok()
}

/// The network that these records of a stick keep, in the open format of coordinator backups; `None`: none. Holds keys.
pub fn kept(records: &[NetworkRecord]) -> Option<&str> {
    let record = records.iter().find(|record| record.key.0 == KEY)?;
    std::str::from_utf8(&record.value.as_ref()?.0).ok()
}

/// The identity of the network that these records keep, and how many bytes its memory has; `None`: none is kept.
pub fn kept_network(records: &[NetworkRecord]) -> Option<(String, usize)> {
    let network = find(records)?.network;
    Some((identity(network.extended_pan), kept(records)?.len()))
}

/// The owner's word that the kept memory is to be written to a stick of this network (16 hexadecimal digits, or `none` for
/// one that holds none), when it is next met.
pub fn write_over(network: &str) -> NetworkRecord {
    let value = SecretBytes(Zeroizing::new(network.to_ascii_lowercase().into_bytes()));
    NetworkRecord { key: RecordKey(WRITE_OVER.to_owned()), value: Some(value) }
}

/// The network that the kept memory is to be written over.
pub(super) fn ordered(records: &[NetworkRecord]) -> Option<String> {
    let record = records.iter().find(|record| record.key.0 == WRITE_OVER)?;
    String::from_utf8(record.value.as_ref()?.0.to_vec()).ok()
}

/// A memory on its way to a stick.
#[derive(Clone)]
pub(super) struct Writing {
    memory: NetworkBackup,
    /// It is another program's: it takes the place of all that was known once the stick has it.
    taken_over: bool,
}

impl Network {
    /// Whether a memory of the network that is looked for is kept.
    pub(super) fn has_memory(&self) -> bool {
        let kept = self.kept.as_ref().map(|kept| kept.extended_pan);
        self.memory.as_ref().is_some_and(|memory| Some(memory.network.extended_pan.0) == kept)
    }

    /// The stick's memory is to be read and kept.
    pub(super) fn keep_memory(&mut self, id: CommandId) {
        if !matches!(self.stage, Stage::Up(_)) {
            return self.answer(id, Err(NetworkError::StickGone));
        }
        self.process = Some(Process::Reading(id));
        self.out.event(RadioEvent::Stick(StickState::Busy(StickWork::Reading, 0)));
        self.out.stick(Request::ReadBackup);
    }

    /// The memory that is kept is to be written over the network that the stick holds.
    pub(super) fn restore_memory(&mut self, id: CommandId, over: &str, burn_address: bool) {
        if self.stage == Stage::Starting {
            return self.answer(id, Err(NetworkError::Busy));
        }
        let holds = self.stick.as_ref().and_then(|stick| stick.network);
        if over != identity_held(holds) {
            return self.answer(id, Err(NetworkError::WrongNetwork));
        }
        let Some(memory) = self.memory.clone() else { return self.answer(id, Err(NetworkError::NothingKept)) };
        self.write(id, Writing { memory, taken_over: false }, burn_address);
    }

    /// A network of another program's is to be written over the one that the stick holds.
    pub(super) fn take_over(&mut self, id: CommandId, backup: &SecretBytes, over: &str, burn_address: bool) {
        let text = std::str::from_utf8(&backup.0).ok();
        let Some(memory) = text.and_then(|text| NetworkBackup::from_json(text).ok()) else {
            return self.answer(id, Err(NetworkError::UnreadableBackup));
        };
        if self.stage == Stage::Starting {
            return self.answer(id, Err(NetworkError::Busy));
        }
        let holds = self.stick.as_ref().and_then(|stick| stick.network);
        if over != identity_held(holds) {
            return self.answer(id, Err(NetworkError::WrongNetwork));
        }
        self.write(id, Writing { memory, taken_over: true }, burn_address);
    }

    fn write(&mut self, id: CommandId, writing: Writing, burn_address: bool) {
        let memory = writing.memory.clone();
        self.process = Some(Process::Writing(id, Box::new(writing)));
        self.write_to_stick(memory, burn_address);
    }

    /// Whether the owner has said that the kept memory is to be written over this network.
    pub(super) fn is_to_be_written(&self, holds: &str) -> bool {
        self.has_memory() && self.write_over.as_deref() == Some(holds)
    }

    /// Does it. The order stands until it is done, so that one that is broken off is carried out at the next start.
    pub(super) fn write_as_ordered(&mut self) {
        let Some(memory) = self.memory.clone() else { return };
        tracing::warn!("the kept network is written to the stick, as ordered when the backup was restored");
        self.writes_as_ordered = true;
        self.write_to_stick(memory, false);
    }

    fn write_to_stick(&mut self, memory: NetworkBackup, burn_address: bool) {
        self.stage = Stage::Starting;
        self.out.push(NetworkOutput::Withdraw);
        self.out.event(RadioEvent::Stick(StickState::Busy(StickWork::Writing, 0)));
        self.out.stick(Request::WriteBackup { backup: Box::new(memory), burn_address });
    }

    /// The memory was read; or not.
    pub(super) fn memory_read(&mut self, result: &Result<Answer, CoordinatorError>, now: Option<WallTime>) {
        let reading = matches!(self.process, Some(Process::Reading(_)));
        match result {
            Ok(Answer::Backup(backup)) => {
                match record(backup, now) {
                    Some(record) if reading => {
                        self.out.push(NetworkOutput::Keep(record, Some(Then::Answer)));
                        self.memory = Some((**backup).clone());
                    }
                    None if reading => self.finish(Err(NetworkError::StickFailed)),
                    _ => {}
                }
                self.found(backup);
            }
            Err(CoordinatorError::StickGone | CoordinatorError::Restarted) => {}
            _ if reading => self.finish(Err(NetworkError::StickFailed)),
            _ => {}
        }
        if let (true, Some(info)) = (reading && matches!(self.stage, Stage::Up(_)), self.stick_info()) {
            self.out.event(RadioEvent::Stick(StickState::Ready(info)));
        }
    }

    /// The devices that the stick knows of are ours.
    fn found(&mut self, backup: &NetworkBackup) {
        for device in &backup.devices {
            if let Some(nwk) = device.nwk {
                self.out.push(NetworkOutput::Found(device.ieee, nwk));
            }
        }
    }

    /// The stick would take the address of the one before only once, and for ever: it is as it was, and is left so until the
    /// owner says that this is meant.
    pub(super) fn not_written(&mut self) {
        tracing::warn!("{}", NetworkError::AddressForEver);
        self.writes_as_ordered = false;
        self.order_is_over();
        self.finish(Err(NetworkError::AddressForEver));
        self.start();
    }

    fn order_is_over(&mut self) {
        if self.write_over.take().is_some() {
            let done = NetworkRecord { key: RecordKey(WRITE_OVER.to_owned()), value: None };
            self.out.push(NetworkOutput::Keep(done, None));
        }
    }

    /// The memory that was written is up: its network is the one that is kept from now on, with the counters that the stick
    /// was given. To be written again they must be moved forward again.
    pub(super) fn memory_written(&mut self, now: Option<WallTime>) {
        let ordered = std::mem::take(&mut self.writes_as_ordered);
        let asked =
            if let Some(Process::Writing(_, writing)) = &self.process { Some((**writing).clone()) } else { None };
        let taken_over = asked.as_ref().is_some_and(|writing| writing.taken_over);
        let asked_for = asked.is_some();
        let kept = || self.memory.clone().filter(|_| ordered);
        let Some(memory) = asked.map(|writing| writing.memory).or_else(kept).map(|memory| memory.moved_forward())
        else {
            return;
        };
        if taken_over {
            // Of the network before, nothing is left.
            self.begin_anew();
        }
        let kept = Kept::of_backup(&memory);
        self.out.push(NetworkOutput::Keep(kept.record(), None));
        if let Some(record) = record(&memory, now) {
            self.out.push(NetworkOutput::Keep(record, None));
        }
        self.order_is_over();
        (self.kept, self.memory) = (Some(kept), Some(memory.clone()));
        if asked_for {
            self.finish(Ok(NetworkOutcome::Done));
        }
        // Of our own network we know better than the memory where everybody is: they have moved since.
        if taken_over {
            self.found(&memory);
        }
    }

    /// After a network was taken over its devices are asked for.
    pub(super) fn look_for_devices(&mut self) {
        self.out.stick(Request::ReadBackup);
    }
}

/// `None`: it can't be written, which no backup is known for.
fn record(backup: &NetworkBackup, now: Option<WallTime>) -> Option<NetworkRecord> {
    let created = rfc3339(now.unwrap_or(WallTime(0)).civil());
    let text = backup.to_json(&created).ok()?;
    let value = SecretBytes(Zeroizing::new(text.as_bytes().to_vec()));
    Some(NetworkRecord { key: RecordKey(KEY.to_owned()), value: Some(value) })
}

fn rfc3339(at: Civil) -> String {
    let Civil { year, month, day, hour, minute, second, .. } = at;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
