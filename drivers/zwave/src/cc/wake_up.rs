//! Wake Up (0x84), versions 1 to 3 (Z-Wave Management Command Class Specification, "Wake Up Command Class"): how a node that
//! no beam wakes is reached all the same.

use keyway_lock::wire::{Reader, WireError};

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x84;
/// "I am awake."
pub const NOTIFICATION: [u8; 2] = [CLASS, 0x07];
/// "Nothing more for you: sleep on."
pub const NO_MORE_INFORMATION: [u8; 2] = [CLASS, 0x08];
/// Longest interval, which has three bytes.
pub const LONGEST: u32 = 0xFF_FFFF;

const INTERVAL_SET: u8 = 0x04;
const INTERVAL_GET: u8 = 0x05;
const INTERVAL_REPORT: u8 = 0x06;
const CAPABILITIES_GET: u8 = 0x09;
const CAPABILITIES_REPORT: u8 = 0x0A;

/// When a node wakes by itself, and whom it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Seconds between two wake-ups, [`LONGEST`] at most; 0: it does not wake by itself.
    pub seconds: u32,
    /// The node that is told.
    pub to: u8,
}

/// The intervals that a node takes (version 2), in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The shortest.
    pub least: u32,
    /// The longest.
    pub most: u32,
    /// The one it had in its box.
    pub usual: u32,
    /// Between two that it takes, counted from the shortest; 0: only that one.
    pub step: u32,
}

impl Limits {
    /// The longest that is not longer than this; the shortest, if all are.
    pub fn fit(&self, seconds: u32) -> u32 {
        let over = seconds.min(self.most).saturating_sub(self.least);
        self.least + over.checked_div(self.step).map_or(0, |steps| steps * self.step)
    }
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WakeUpCommand {
    /// Wake so often, and tell this node.
    IntervalSet(Interval),
    /// How often do you wake?
    IntervalGet,
    /// So often.
    IntervalReport(Interval),
    /// Which intervals do you take?
    CapabilitiesGet,
    /// These. What version 3 adds, whether a beam wakes it, is passed over.
    CapabilitiesReport(Limits),
    /// [`NOTIFICATION`].
    Notification,
    /// [`NO_MORE_INFORMATION`].
    NoMoreInformation,
}

impl WakeUpCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        let interval = |command, it: &Interval| [&[CLASS, command][..], &three_bytes(it.seconds), &[it.to]].concat();
        match self {
            Self::IntervalSet(it) => interval(INTERVAL_SET, it),
            Self::IntervalGet => vec![CLASS, INTERVAL_GET],
            Self::IntervalReport(it) => interval(INTERVAL_REPORT, it),
            Self::CapabilitiesGet => vec![CLASS, CAPABILITIES_GET],
            Self::CapabilitiesReport(Limits { least, most, usual, step }) => {
                let numbers = [*least, *most, *usual, *step].map(three_bytes);
                [&[CLASS, CAPABILITIES_REPORT][..], numbers.as_flattened()].concat()
            }
            Self::Notification => NOTIFICATION.to_vec(),
            Self::NoMoreInformation => NO_MORE_INFORMATION.to_vec(),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        Ok(match [CLASS, command] {
            [_, INTERVAL_SET] => Self::IntervalSet(interval(&mut reader)?),
            [_, INTERVAL_GET] => Self::IntervalGet,
            [_, INTERVAL_REPORT] => Self::IntervalReport(interval(&mut reader)?),
            [_, CAPABILITIES_GET] => Self::CapabilitiesGet,
            [_, CAPABILITIES_REPORT] => Self::CapabilitiesReport(Limits {
                least: number(&mut reader, "minimum interval")?,
                most: number(&mut reader, "maximum interval")?,
                usual: number(&mut reader, "default interval")?,
                step: number(&mut reader, "interval step")?,
            }),
            NOTIFICATION => Self::Notification,
            NO_MORE_INFORMATION => Self::NoMoreInformation,
            _ => return Err(CcError::unknown(payload)),
        })
    }
}

fn interval(reader: &mut Reader<'_>) -> Result<Interval, WireError> {
    Ok(Interval { seconds: number(reader, "interval")?, to: reader.u8("node")? })
}

fn number(reader: &mut Reader<'_>, name: &'static str) -> Result<u32, WireError> {
    let bytes = reader.bytes(name, 3)?;
    Ok(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn three_bytes(number: u32) -> [u8; 3] {
    let [_, high, middle, low] = number.min(LONGEST).to_be_bytes();
    [high, middle, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_three_bytes_each() {
        let set = WakeUpCommand::IntervalSet(Interval { seconds: 3600, to: 1 }).encode();
        assert_eq!(set, [0x84, 0x04, 0x00, 0x0E, 0x10, 1]);
        let limits = Limits { least: 60, most: 86_400, usual: 14_400, step: 60 };
        let report = [0x84, 0x0A, 0, 0, 60, 1, 0x51, 0x80, 0, 0x38, 0x40, 0, 0, 60];
        // Version 3 has a byte more.
        let read = [&report[..], &[1]].concat();
        assert_eq!(WakeUpCommand::decode(&read), Ok(WakeUpCommand::CapabilitiesReport(limits)));
        assert_eq!(WakeUpCommand::CapabilitiesReport(limits).encode(), report);
        assert_eq!(WakeUpCommand::decode(&NOTIFICATION), Ok(WakeUpCommand::Notification));
        assert!(WakeUpCommand::decode(&[0x84, 0x06, 0, 0]).is_err());
    }

    #[test]
    fn an_interval_is_fitted_to_what_the_node_takes() {
        let limits = Limits { least: 600, most: 86_400, usual: 3600, step: 240 };
        assert_eq!([0, 600, 3600, 90_000].map(|seconds| limits.fit(seconds)), [600, 600, 3480, 86_280]);
        assert_eq!(Limits { step: 0, ..limits }.fit(3600), 600);
    }
}
