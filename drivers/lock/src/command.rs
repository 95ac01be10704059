//! What the hub can ask of a lock.

use crate::{
    AutoLock, BoltSettings, CommandError, Evidence, KeypadMode, LockStatus, LogReading, LogStart, Pin, SlotNumber,
    SlotReport, SlotWindow,
};

/// Names one command between the hub and a driver; chosen by the hub, unique while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// One thing asked of one lock. A driver answers each with exactly one
/// [`crate::RadioEvent::CommandDone`], in its own time, also when the stick is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockCommand {
    /// Ask the lock what is in a slot. Always a question on the air, never a cached answer. What it tells of other slots in
    /// the same answer comes along ([`CommandOutput::Slots`]).
    ReadSlot(SlotNumber),
    /// Ask the lock whether its slots hold this, all of them at once. Only for locks with
    /// [`crate::Capabilities::has_checksum`], and with every slot it has, each free or with a code that it showed.
    CheckSlots(Vec<SlotReport>),
    /// Put a PIN into a slot, and prove it. The hub has made sure that the slot is its own or free.
    SetCode {
        /// Where to.
        slot: SlotNumber,
        /// What.
        pin: Pin,
    },
    /// Have a slot hold a PIN that opens within a window only, by the lock's own clock, and prove both. Only for slots of
    /// which [`crate::Capabilities::keeps_window`] is so. At no time does the PIN open without a window. What is so already
    /// is not written: this is also how the hub makes sure that it is. The hub has made sure that the slot is its own or free.
    SetTimedCode {
        /// Where to.
        slot: SlotNumber,
        /// What.
        pin: Pin,
        /// When it opens.
        window: SlotWindow,
        /// PINs that nobody knows, for the time until the slot has its window: locks take one only for a slot with a code.
        /// Different, and unlike every code of the lock. A slot in which one of them is found is the hub's own.
        stand_ins: [Pin; 2],
    },
    /// Take the code out of a slot, and prove it. The hub has made sure that the slot is its own.
    ClearCode(SlotNumber),
    /// Change several slots in one go, and prove each. Only for locks whose [`crate::Capabilities::changes_at_once`] is so
    /// much. The hub has made sure that each slot is its own or free.
    ChangeCodes {
        /// What, each slot once.
        changes: Vec<SlotChange>,
        /// What every other slot of the lock holds, where that is known and the lock's checksum has agreed with it before:
        /// then the checksum proves them all.
        others: Option<Vec<SlotReport>>,
    },
    /// Throw the bolt.
    Lock,
    /// Draw the bolt back.
    Unlock,
    /// Have it lock by itself, or not, and prove it. Only for locks with [`crate::LockInfo::auto_lock`].
    SetAutoLock(AutoLock),
    /// Have its keypad let in whom the mode says, and prove it. Only for a mode that [`crate::Settings::keypad`] has.
    SetKeypadMode(KeypadMode),
    /// Give it an admin code, or take it away, and prove it. Only for locks with [`crate::Settings::admin_code`].
    SetAdminCode(Option<Pin>),
    /// Have its bolt behave otherwise by itself, and prove it. Only what [`crate::Settings::bolt`] has.
    SetBolt(BoltSettings),
    /// Ask what one of its [`crate::Settings::parameters`] is, by its name.
    ReadParameter(String),
    /// Set one of its [`crate::Settings::parameters`], and prove it.
    SetParameter {
        /// Its name.
        name: String,
        /// To what.
        value: i64,
    },
    /// Have it show which one it is, by blinking or beeping for a moment. Only for locks with
    /// [`crate::Capabilities::can_identify`].
    Identify,
    /// Ask what the lock wrote down of who used it. Only for locks with [`crate::Settings::keeps_log`].
    ReadLog(LogStart),
    /// The least that can be asked of it: whether it is there. Any lock answers that.
    Ping,
    /// Ask for bolt, door and battery.
    ReadStatus,
    /// Ask the lock what time it is, and set its clock if that is wrong. Only for locks that keep a window of some slot.
    CheckClock,
    /// Ask the lock all over again who it is and what it can do.
    Interview,
}

impl LockCommand {
    /// The one slot that it is about.
    pub fn slot(&self) -> Option<SlotNumber> {
        match self {
            Self::ReadSlot(slot)
            | Self::SetCode { slot, .. }
            | Self::SetTimedCode { slot, .. }
            | Self::ClearCode(slot) => Some(*slot),
            Self::CheckSlots(_)
            | Self::ChangeCodes { .. }
            | Self::Lock
            | Self::Unlock
            | Self::SetAutoLock(_)
            | Self::SetKeypadMode(_)
            | Self::SetAdminCode(_)
            | Self::SetBolt(_)
            | Self::ReadParameter(_)
            | Self::SetParameter { .. }
            | Self::Identify
            | Self::ReadLog(_)
            | Self::Ping
            | Self::ReadStatus
            | Self::CheckClock
            | Self::Interview => None,
        }
    }
}

/// What is to become of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotChange {
    /// Which slot.
    pub slot: SlotNumber,
    /// The PIN to put in; `None`: the slot is emptied.
    pub pin: Option<Pin>,
}

/// What a command that worked brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandOutput {
    /// Of [`LockCommand::ReadSlot`].
    Slot(SlotReport),
    /// Of [`LockCommand::ReadSlot`], where the lock told of several slots in one answer.
    Slots {
        /// The slot that was asked for, and the others that the lock told of.
        told: Vec<SlotReport>,
        /// Slots that it passed over, as a lock does with those that are free. Not its word about each: before one is
        /// written, it is asked for.
        passed_over: Vec<SlotNumber>,
    },
    /// Of [`LockCommand::CheckSlots`]: whether they do. If not, which one differs is not known.
    SlotsChecked(bool),
    /// Of [`LockCommand::SetCode`] and [`LockCommand::SetTimedCode`]: the lock holds the PIN, and how it proved that.
    CodeSet(Evidence),
    /// Of [`LockCommand::ClearCode`]: the slot is empty, and how the lock proved that.
    CodeCleared(Evidence),
    /// Of [`LockCommand::ChangeCodes`]: how each of the changes ended, in their order.
    CodesChanged(Vec<Result<Evidence, CommandError>>),
    /// Of [`LockCommand::Lock`], [`LockCommand::Unlock`] and [`LockCommand::ReadStatus`]: what the lock said last.
    Status(LockStatus),
    /// Of [`LockCommand::SetAutoLock`]: the lock says so now. The rest came as [`crate::RadioEvent::LockInterviewed`].
    AutoLockSet(AutoLock),
    /// Of [`LockCommand::SetKeypadMode`], [`LockCommand::SetAdminCode`], [`LockCommand::SetBolt`], [`LockCommand::ReadParameter`] and
    /// [`LockCommand::SetParameter`]: the lock has proven it, or said it. The rest came as
    /// [`crate::RadioEvent::LockInterviewed`].
    SettingTaken,
    /// Of [`LockCommand::ReadLog`].
    Log(LogReading),
    /// Of [`LockCommand::Identify`]: the lock said that it does.
    Identified,
    /// Of [`LockCommand::Ping`]: the lock has acknowledged it.
    Reached,
    /// Of [`LockCommand::CheckClock`]: whether its clock shows the right time, if need be after it was set.
    ClockChecked(bool),
    /// Of [`LockCommand::Interview`]; what was found came as [`crate::RadioEvent::LockInterviewed`].
    Interviewed,
}
