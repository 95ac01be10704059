//! The radio-neutral vocabulary of a door lock, and the seam that every radio driver implements.
//!
//! This crate knows nobody: no radio, no clock, no store. A driver turns these words into frames;
//! the hub turns grants into these words.

pub mod attended;
pub mod capability;
pub mod command;
pub mod error;
pub mod event;
pub mod install_code;
pub mod interview;
pub mod keys;
pub mod link;
pub mod log;
pub mod network;
pub mod pin;
pub mod quirks;
pub mod radio;
pub mod replies;
pub mod setting;
pub mod slot;
pub mod stick;
pub mod time;
pub mod timed;
pub mod traffic;
pub mod wire;

pub use attended::Attended;
pub use capability::{Alike, AutoLock, Capabilities, LockInfo, ReadBack};
pub use command::{CommandId, CommandOutput, LockCommand, SlotChange};
pub use error::{CommandError, Refusal, Retry};
pub use event::{
    BatteryDetails, Charging, LockEvent, LockStatus, RadioEvent, Replace, StickInfo, StickState, StickWork,
    UnlockSource,
};
pub use install_code::InstallCode;
pub use interview::{InterviewProgress, InterviewStage};
pub use keys::{KeyName, NetworkKey};
pub use link::{LinkFrame, LinkHistory, LinkReport, LinkTrouble};
pub use log::{LogEntry, LogReading, LogRecord, LogStart};
pub use network::{
    Awaited, DeviceLabel, Grant, Include, JoinPin, Joined, KeyClass, NetworkCommand, NetworkError, NetworkFailure,
    NetworkOutcome, NetworkStep,
};
pub use pin::{Pin, PinError};
pub use quirks::QuirksError;
pub use radio::{LockId, NetworkRecord, Output, PersistId, PortState, Radio, RecordKey, SecretBytes};
pub use replies::Replies;
pub use setting::{AdminCode, BoltSettings, Keypad, KeypadMode, Parameter, Settings};
pub use slot::{Evidence, SlotContent, SlotNumber, SlotReport};
pub use stick::StickCommand;
pub use time::{Civil, Minute, SlotWindow, WallClock, WallTime};
pub use traffic::Traffic;
