//! What locks and sticks tell by themselves.

use crate::{
    CommandError, CommandId, CommandOutput, InterviewProgress, Joined, LinkReport, LockId, LockInfo, NetworkFailure,
    NetworkOutcome, NetworkStep, SlotNumber,
};

/// By what a bolt was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnlockSource {
    /// A code at the keypad.
    Keypad,
    /// Thumb-turn, key or button.
    Manual,
    /// A command over the radio.
    Remote,
    /// The lock by itself (auto-relock).
    Automatic,
    /// The lock did not say.
    Unknown,
}

/// What a lock tells without being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockEvent {
    /// The bolt was drawn back.
    Unlocked {
        /// By what.
        source: UnlockSource,
        /// Whose code, if by keypad and told.
        slot: Option<SlotNumber>,
    },
    /// The bolt was thrown.
    Locked {
        /// By what.
        source: UnlockSource,
        /// Whose code, if by keypad and told.
        slot: Option<SlotNumber>,
    },
    /// The bolt is stuck.
    Jammed,
    /// A code came into a slot or was changed there. `None`: the lock did not say which.
    CodeAdded(Option<SlotNumber>),
    /// A code went out of a slot. `None`: the lock did not say which.
    CodeDeleted(Option<SlotNumber>),
    /// Every code is gone.
    AllCodesDeleted,
    /// Somebody tried to store a PIN that another slot holds.
    DuplicateCode(Option<SlotNumber>),
    /// A wrong code was typed, or too many wrong codes.
    InvalidCode,
    /// The cover was opened or the lock was forced.
    Tamper,
    /// The door itself.
    DoorOpen(bool),
    /// Battery level in percent, 0 to 100; `low` is the lock's own warning.
    Battery {
        /// 0 to 100.
        percent: Option<u8>,
        /// The lock warns.
        low: bool,
    },
    /// What more a battery tells of itself.
    BatteryDetails(BatteryDetails),
    /// The door stands open for longer than it should.
    DoorLeftOpen,
    /// The bolt's position, as a report without a cause.
    Bolt(bool),
    /// The lock was reset to factory settings by hand and has left the network.
    Reset,
}

/// Bolt, door and battery as the lock last said. `None`: not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LockStatus {
    /// Bolt thrown.
    pub locked: Option<bool>,
    /// Door open.
    pub door_open: Option<bool>,
    /// 0 to 100.
    pub battery_percent: Option<u8>,
    /// The lock warns of its battery.
    pub battery_low: bool,
    /// What more the battery tells.
    pub battery_details: Option<BatteryDetails>,
}

/// What a battery tells of itself beside its level (Z-Wave: Battery versions 2 and 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatteryDetails {
    /// What becomes of its charge; `None`: nobody defined it.
    pub charging: Option<Charging>,
    /// It can be recharged.
    pub is_rechargeable: bool,
    /// It is there for when another supply fails.
    pub is_backup: bool,
    /// It is too hot.
    pub is_overheating: bool,
    /// It lacks fluid.
    pub is_low_on_fluid: bool,
    /// It has to be replaced or recharged.
    pub replace: Option<Replace>,
    /// It is not there, or not connected.
    pub is_disconnected: bool,
    /// It is too cold to give or take much.
    pub is_cold: bool,
    /// What it holds when it is full, in per cent of what it did when it was new.
    pub capacity_percent: Option<u8>,
}

/// What becomes of a battery's charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charging {
    /// It gets less.
    Discharging,
    /// It gets more.
    Charging,
    /// It is kept as it is.
    Maintaining,
}

/// How urgent it is to replace or recharge a battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Soon.
    Soon,
    /// Now.
    Now,
}

/// A stick's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickInfo {
    /// Network identity as text: the Z-Wave home id, 8 hexadecimal digits; the Zigbee extended PAN id.
    pub network: String,
    /// Library or firmware version as the stick names it.
    pub firmware: String,
    /// Chip or product as far as known.
    pub model: String,
    /// The region of the world whose frequencies it uses, such as `europe`, where it tells.
    pub region: Option<String>,
    /// The power it sends with, in tenths of a dBm, where it tells.
    pub power: Option<i16>,
}

/// What a stick is occupied with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StickWork {
    /// Its memory is read.
    Reading,
    /// Its memory is written.
    Writing,
    /// It restarts.
    Restarting,
}

/// How a stick does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StickState {
    /// Being identified.
    Starting,
    /// Identified and at work.
    Ready(StickInfo),
    /// Occupied, and how far it is, in percent: its locks have to wait.
    Busy(StickWork, u8),
    /// Another stick than before, with another network. It is left alone until somebody says what it is: one that the kept
    /// memory is to be written to, or one to be worked with.
    Foreign {
        /// What it is.
        info: StickInfo,
        /// The identity of the network that is looked for.
        expected: String,
        /// Whether a memory of that network is kept.
        kept: bool,
    },
    /// Does not work; the sentence says why and what to do.
    Failed(String),
    /// The port is gone.
    Gone,
}

/// What a driver tells the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RadioEvent {
    /// The stick's state changed.
    Stick(StickState),
    /// A lock is in the network, and this is what it is. Told at each start and whenever it changes.
    LockInterviewed(LockId, LockInfo),
    /// A lock is in the network but its interview is not done yet; the sentence says how far it is or why not.
    LockPending(LockId, String),
    /// How a lock's interview goes, told whenever that changes, and behind one of the two before at each start.
    LockInterview(LockId, InterviewProgress),
    /// How well a lock is reached. Told when something about it turns bad or good, else now and then while it is spoken to.
    LockLink(LockId, LinkReport),
    /// A lock answered, or ceased to answer.
    LockReachable(LockId, bool),
    /// A lock tells.
    Lock(LockId, LockEvent),
    /// A command has ended.
    CommandDone(CommandId, Result<CommandOutput, CommandError>),
    /// A lock was added to the network by this driver. Told before anything else of that lock, when it is added and at each
    /// start.
    LockJoined(LockId, Joined),
    /// A lock is no longer in the network.
    LockLeft(LockId),
    /// A device is in the network that was never finished adding; it has no keys, and nobody drives it. The sentence says
    /// how it came about. Told when it is left and at each start, until it is taken out.
    Leftover(LockId, String),
    /// A lock is in the network that another program added, and can't be driven; the sentence says why, and what helps. Told
    /// at each start, and once for each until it can be.
    Stranger(LockId, String),
    /// Which devices are awaited: their labels as [`crate::DeviceLabel::shown`], and their names. Told at each start and
    /// whenever it changes.
    Awaited(Vec<(String, Option<String>)>),
    /// How far the adding or removing under way is.
    Network(NetworkStep),
    /// A network command has ended.
    NetworkDone(CommandId, Result<NetworkOutcome, NetworkFailure>),
}
