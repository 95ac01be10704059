//! A lock as small as it can be: slots, a bolt, and faults.

use std::collections::BTreeMap;

use keyway_lock::{
    AutoLock, CommandError, CommandOutput, Evidence, LockCommand, LockEvent, LockInfo, LockStatus, LogReading,
    LogRecord, LogStart, Pin, Refusal, SlotChange, SlotContent, SlotNumber, SlotReport, SlotWindow, WallTime,
};
use keyway_test_support::lock_info;

/// What is wrong with a lock.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    /// It does not answer, and does nothing.
    pub(super) offline: bool,
    /// So many commands are carried out, but their answers get lost.
    pub(super) lost_answers: u32,
    /// So many commands are carried out, but not even acknowledged.
    pub(super) lost_acknowledgements: u32,
    /// So many commands find it busy.
    pub(super) busy: u32,
    /// It takes no new code.
    pub(super) refuses_set: bool,
    /// It does not say what is in this slot.
    pub(super) refuses_read: Option<u16>,
    /// It gives no code back.
    pub(super) refuses_clear: bool,
    /// It does not show its codes.
    pub(super) masked: bool,
    /// The bolt is stuck.
    pub(super) jammed: bool,
    /// It tells of each code that we set or clear, before it answers.
    pub(super) tells: bool,
    /// It tells of every taken slot behind the one that is asked for.
    pub(super) tells_several: bool,
    /// And passes over this one, whatever is in it.
    pub(super) passes_over: Option<u16>,
    /// It makes its checksum in its own way.
    pub(super) odd_checksum: bool,
    /// Of the next code with a window only so much is done: a stand-in put in, the window written.
    pub(super) stops_after: Option<u8>,
    /// It does not keep windows, though it said so.
    pub(super) drops_windows: bool,
    /// Its clock is wrong, and can't be set.
    pub(super) clock_stands: bool,
}

pub(super) struct FakeLock {
    pub(super) slots: BTreeMap<u16, String>,
    /// Outside of them the codes of these slots do not open.
    pub(super) windows: BTreeMap<u16, SlotWindow>,
    pub(super) faults: Faults,
    pub(super) locked: bool,
    /// What it wrote down of who used it.
    pub(super) log: Vec<LogRecord>,
    /// Everything that was asked of it, by name.
    pub(super) asked: Vec<String>,
}

impl FakeLock {
    pub(super) const SLOTS: u16 = 4;

    pub(super) fn new() -> Self {
        Self {
            slots: BTreeMap::new(),
            windows: BTreeMap::new(),
            faults: Faults::default(),
            locked: true,
            log: Vec::new(),
            asked: Vec::new(),
        }
    }

    pub(super) fn info(keeps_windows: bool) -> LockInfo {
        let mut info = lock_info(Self::SLOTS);
        info.capabilities.window_slots = if keeps_windows { Self::SLOTS } else { 0 };
        info.auto_lock = Some(AutoLock::Off);
        info.settings.keeps_log = true;
        info
    }

    pub(super) fn obey(&mut self, command: &LockCommand) -> Result<CommandOutput, CommandError> {
        self.asked.push(name(command));
        if self.faults.offline {
            return Err(CommandError::Offline);
        }
        if take_one(&mut self.faults.busy) {
            return Err(CommandError::Busy);
        }
        let result = self.carry_out(command);
        if take_one(&mut self.faults.lost_answers) {
            return Err(CommandError::Unproven);
        }
        if take_one(&mut self.faults.lost_acknowledgements) {
            return Err(CommandError::Offline);
        }
        result
    }

    fn carry_out(&mut self, command: &LockCommand) -> Result<CommandOutput, CommandError> {
        let evidence = if self.faults.masked { Evidence::Supervised } else { Evidence::ReadBack };
        match command {
            LockCommand::ReadSlot(slot) if self.faults.refuses_read == Some(slot.0) => Err(Refusal::Rejected.into()),
            LockCommand::ReadSlot(slot) if self.faults.tells_several => {
                let behind = (slot.0 + 1..=Self::SLOTS).partition::<Vec<u16>, _>(|other| {
                    self.slots.contains_key(other) && self.faults.passes_over != Some(*other)
                });
                let told = std::iter::once(slot.0).chain(behind.0);
                let told =
                    told.map(|slot| SlotReport { slot: SlotNumber(slot), content: self.content(slot) }).collect();
                Ok(CommandOutput::Slots { told, passed_over: behind.1.into_iter().map(SlotNumber).collect() })
            }
            LockCommand::ReadSlot(slot) => {
                Ok(CommandOutput::Slot(SlotReport { slot: *slot, content: self.content(slot.0) }))
            }
            LockCommand::CheckSlots(slots) => {
                let same = slots.iter().all(|report| report.content == self.content(report.slot.0));
                Ok(CommandOutput::SlotsChecked(same && !self.faults.odd_checksum))
            }
            LockCommand::SetCode { .. } if self.faults.refuses_set => Err(Refusal::Rejected.into()),
            LockCommand::SetCode { slot, pin } => {
                let elsewhere = |(other, code): (&u16, &String)| *other != slot.0 && code == pin.expose();
                if self.slots.iter().any(elsewhere) {
                    return Err(Refusal::DuplicatePin.into());
                }
                self.slots.insert(slot.0, pin.expose().to_owned());
                self.windows.remove(&slot.0);
                Ok(CommandOutput::CodeSet(evidence))
            }
            LockCommand::SetTimedCode { .. } if self.faults.refuses_set => Err(Refusal::Rejected.into()),
            LockCommand::SetTimedCode { slot, .. } if self.faults.drops_windows => {
                self.slots.remove(&slot.0);
                Err(Refusal::WindowNotKept.into())
            }
            LockCommand::SetTimedCode { slot, pin, window, stand_ins } => {
                let elsewhere = |(other, code): (&u16, &String)| *other != slot.0 && code == pin.expose();
                if self.slots.iter().any(elsewhere) {
                    return Err(Refusal::DuplicatePin.into());
                }
                let ours = |held: &String| held == pin.expose() || stand_ins.iter().any(|pin| pin.expose() == held);
                if self.slots.get(&slot.0).is_some_and(|held| !ours(held)) {
                    return Err(CommandError::Unproven);
                }
                let stops_after = self.faults.stops_after.take();
                if self.slots.get(&slot.0).is_none_or(|held| held != pin.expose()) {
                    self.windows.remove(&slot.0);
                    self.slots.insert(slot.0, stand_ins[0].expose().to_owned());
                }
                if stops_after == Some(1) {
                    return Err(CommandError::Unproven);
                }
                self.windows.insert(slot.0, *window);
                if stops_after == Some(2) {
                    return Err(CommandError::Unproven);
                }
                self.slots.insert(slot.0, pin.expose().to_owned());
                Ok(CommandOutput::CodeSet(evidence))
            }
            LockCommand::CheckClock => Ok(CommandOutput::ClockChecked(!self.faults.clock_stands)),
            LockCommand::ClearCode(_) if self.faults.refuses_clear => Err(Refusal::Rejected.into()),
            LockCommand::ClearCode(slot) => {
                self.slots.remove(&slot.0);
                self.windows.remove(&slot.0);
                Ok(CommandOutput::CodeCleared(evidence))
            }
            LockCommand::ChangeCodes { changes, .. } => {
                let change = |change: &SlotChange| match &change.pin {
                    Some(pin) => self.carry_out(&LockCommand::SetCode { slot: change.slot, pin: pin.clone() }),
                    None => self.carry_out(&LockCommand::ClearCode(change.slot)),
                };
                let results = changes.iter().map(change).map(|result| result.map(|_| evidence));
                Ok(CommandOutput::CodesChanged(results.collect()))
            }
            LockCommand::Lock | LockCommand::Unlock if self.faults.jammed => Err(CommandError::Jammed),
            LockCommand::Lock | LockCommand::Unlock => {
                self.locked = *command == LockCommand::Lock;
                Ok(CommandOutput::Status(self.status()))
            }
            LockCommand::SetAutoLock(auto_lock) => Ok(CommandOutput::AutoLockSet(*auto_lock)),
            LockCommand::SetKeypadMode(_)
            | LockCommand::SetAdminCode(_)
            | LockCommand::SetBolt(_)
            | LockCommand::ReadParameter(_)
            | LockCommand::SetParameter { .. } => Ok(CommandOutput::SettingTaken),
            LockCommand::Identify => Ok(CommandOutput::Identified),
            LockCommand::ReadLog(start) => Ok(CommandOutput::Log(self.log_behind(*start))),
            LockCommand::Ping => Ok(CommandOutput::Reached),
            LockCommand::ReadStatus => Ok(CommandOutput::Status(self.status())),
            LockCommand::Interview => Ok(CommandOutput::Interviewed),
        }
    }

    /// Whether a PIN opens at this moment, by a clock that is right.
    pub(super) fn opens(&self, pin: &str, now: WallTime) -> bool {
        let slot = self.slots.iter().find(|(_, code)| *code == pin).map(|(slot, _)| slot);
        slot.is_some_and(|slot| self.windows.get(slot).is_none_or(|window| window.contains(now)))
    }

    fn content(&self, slot: u16) -> SlotContent {
        match self.slots.get(&slot) {
            None => SlotContent::Free,
            Some(_) if self.faults.masked => SlotContent::Hidden,
            Some(code) => SlotContent::Code(Pin::new(code).unwrap()),
        }
    }

    fn log_behind(&self, start: LogStart) -> LogReading {
        let behind = match start {
            LogStart::Newest => self.log.len(),
            LogStart::Behind(known) => {
                self.log.iter().rposition(|record| Some(*record) == known).map_or(0, |place| place + 1)
            }
        };
        LogReading { newest: self.log.last().copied(), records: self.log[behind..].to_vec(), has_gap: false }
    }

    fn status(&self) -> LockStatus {
        LockStatus { locked: Some(self.locked), ..LockStatus::default() }
    }
}

/// What a lock tells of what it was just told to do.
pub(super) fn echoes(command: &LockCommand) -> Vec<LockEvent> {
    let change = |change: &SlotChange| match change.pin {
        Some(_) => LockEvent::CodeAdded(Some(change.slot)),
        None => LockEvent::CodeDeleted(Some(change.slot)),
    };
    match command {
        LockCommand::SetCode { slot, .. } | LockCommand::SetTimedCode { slot, .. } => {
            vec![LockEvent::CodeAdded(Some(*slot))]
        }
        LockCommand::ClearCode(slot) => vec![LockEvent::CodeDeleted(Some(*slot))],
        LockCommand::ChangeCodes { changes, .. } => changes.iter().map(change).collect(),
        _ => Vec::new(),
    }
}

fn take_one(count: &mut u32) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}

fn name(command: &LockCommand) -> String {
    match command {
        LockCommand::ReadSlot(slot) => format!("read {slot}"),
        LockCommand::CheckSlots(slots) => format!("check {}", slots.len()),
        LockCommand::SetCode { slot, .. } => format!("set {slot}"),
        LockCommand::SetTimedCode { slot, .. } => format!("timed {slot}"),
        LockCommand::CheckClock => "clock".to_owned(),
        LockCommand::ClearCode(slot) => format!("clear {slot}"),
        LockCommand::ChangeCodes { changes, .. } => format!("change {}", changes.len()),
        LockCommand::Lock => "lock".to_owned(),
        LockCommand::Unlock => "unlock".to_owned(),
        LockCommand::SetAutoLock(auto_lock) => format!("auto-lock {}", auto_lock.seconds()),
        LockCommand::SetKeypadMode(mode) => format!("keypad {}", mode.name()),
        LockCommand::SetAdminCode(code) => format!("admin code {}", if code.is_some() { "set" } else { "removed" }),
        LockCommand::Identify => "identify".to_owned(),
        LockCommand::SetBolt(_) => "bolt".to_owned(),
        LockCommand::ReadParameter(name) => format!("read {name}"),
        LockCommand::SetParameter { name, value } => format!("set {name} to {value}"),
        LockCommand::ReadLog(_) => "log".to_owned(),
        LockCommand::Ping => "ping".to_owned(),
        LockCommand::ReadStatus => "status".to_owned(),
        LockCommand::Interview => "interview".to_owned(),
    }
}
