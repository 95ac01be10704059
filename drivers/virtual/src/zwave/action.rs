//! What can be done to a virtual lock from outside: hands at the door, and faults.

use std::time::Duration;

use keyway_lock::{KeypadMode, Pin, SlotNumber, WallTime};

use super::Way;
use crate::door::DoorError;

/// One thing done to one lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Types digits at the keypad.
    Keypad(String),
    /// Programs a slot at the keypad, or empties it; slot 0 with no code empties all.
    ByHand {
        /// Which slot.
        slot: SlotNumber,
        /// The code; `None`: none.
        code: Option<Pin>,
    },
    /// Another hub of the same network sends this command, and the lock tells its lifeline what came of it.
    AnotherHub(Vec<u8>),
    /// Turns the bolt with the key.
    Turn {
        /// Throws it, or draws it back.
        locked: bool,
    },
    /// Has the keypad let others in, at the keypad.
    KeypadMode(KeypadMode),
    /// Sets its clock.
    Clock(WallTime),
    /// Opens or closes the door leaf.
    Open(bool),
    /// Sets the battery's level in per cent.
    Battery(u8),
    /// Jams the bolt, or frees it.
    Jam(bool),
    /// Out of reach, or back.
    Offline(bool),
    /// Takes no codes and no orders for them, or does again.
    Reject(bool),
    /// Shows asterisks in place of digits, or digits.
    Mask(bool),
    /// Orders take this long, answered WORKING first; zero: no longer.
    Working(Duration),
    /// A frame to or from the lock is under way this long.
    Latency(Duration),
    /// Kept awake, so that no beam is needed to reach it; or sleeping again.
    Awake(bool),
    /// Every n-th frame to or from the lock is lost; 0: none.
    DropEvery(u32),
    /// So many frames more to or from the lock get through, and none behind them; `None`: all.
    DropAfter(Option<u32>),
    /// Every n-th frame to or from the lock that arrives does so twice; 0: none.
    RepeatEvery(u32),
    /// Frames to the lock go this way.
    Way(Way),
    /// Its batteries are taken out and put back: its clock starts anew.
    Restart,
    /// Its clock goes wrong by so many seconds.
    MoveClock(i64),
    /// Its button is pressed for the hub: one that no beam wakes says that it is awake.
    WakeUp,
    /// It asks the hub what day and what time it is.
    AskTime,
    /// It is reset to factory settings: it says so, forgets its codes, and is gone from the network.
    Reset,
}

/// How that went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// The keypad opened the door for the code in this slot, or for none.
    Keypad(Option<SlotNumber>),
    /// The door did not have it.
    Refused(DoorError),
}

impl From<Result<(), DoorError>> for Outcome {
    fn from(result: Result<(), DoorError>) -> Self {
        result.map_or_else(Self::Refused, |()| Self::Done)
    }
}
