//! What can be done to a virtual lock from outside: hands at the door, and faults.

use std::time::Duration;

use keyway_lock::Pin;

use crate::door::DoorError;

/// One thing done to one lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Types digits at the keypad.
    Keypad(String),
    /// Programs a user's code at the keypad, or takes it out.
    ByHand {
        /// Which user.
        user: u16,
        /// The code; `None`: none.
        code: Option<Pin>,
    },
    /// Turns the bolt with the key.
    Turn {
        /// Throws it, or draws it back.
        locked: bool,
    },
    /// Opens or closes the door leaf.
    Open(bool),
    /// Sets the battery's level in per cent.
    Battery(u8),
    /// Jams the bolt, or frees it.
    Jam(bool),
    /// Out of reach, or back.
    Offline(bool),
    /// Does not fetch its frames, or does again.
    Asleep(bool),
    /// Takes no codes and no orders for them, or does again.
    Reject(bool),
    /// Shows no digits, or does again.
    Mask(bool),
    /// Answers every change of a code with this status and does nothing; `None`: no more.
    Status(Option<u8>),
    /// Its clock goes wrong by so many seconds.
    MoveClock(i64),
    /// Its batteries are taken out and put back: its clock is not set any more.
    Restart,
    /// A frame to or from the lock is under way this long.
    Latency(Duration),
    /// Every n-th frame to or from the lock is lost; 0: none.
    DropEvery(u32),
    /// So many frames more to or from the lock get through, and none behind them; `None`: all.
    DropAfter(Option<u32>),
    /// Every n-th frame to or from the lock that arrives does so twice; 0: none.
    RepeatEvery(u32),
    /// Its frames arrive with this strength in dBm; `None`: as those of a lock nearby do.
    Signal(Option<i8>),
    /// Looks for an open network, as one fresh from its box does.
    Join,
    /// Comes back to its network with another short address; without the network key in its memory, or with it.
    Rejoin {
        /// It still has the network key.
        secured: bool,
    },
    /// Leaves the network by itself.
    Leave,
}

/// How that went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// The keypad opened the door for this user's code, or for none.
    Keypad(Option<u16>),
    /// The door did not have it.
    Refused(DoorError),
    /// There is no network to do that in.
    NoNetwork,
}

impl From<Result<(), DoorError>> for Outcome {
    fn from(result: Result<(), DoorError>) -> Self {
        result.map_or_else(Self::Refused, |()| Self::Done)
    }
}
