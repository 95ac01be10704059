//! Poll Control (0x0020): a device that sleeps comes in now and then, and can be asked to stay awake (ZCL 3.16).
//! All its times are in quarters of a second.

use keyway_lock::wire::Reader;

use super::{Frame, Scope, ZclError};

/// Cluster id.
pub const CLUSTER: u16 = 0x0020;

/// Check-inInterval; 0: never.
pub const CHECK_IN_INTERVAL: u16 = 0x0000;
/// LongPollInterval: how often it asks its parent for messages while nothing is expected.
pub const LONG_POLL_INTERVAL: u16 = 0x0001;
/// ShortPollInterval: the same while something is.
pub const SHORT_POLL_INTERVAL: u16 = 0x0002;
/// FastPollTimeout: how long it stays awake if not told otherwise.
pub const FAST_POLL_TIMEOUT: u16 = 0x0003;

/// From the device: Check-in.
pub const CHECK_IN: u8 = 0x00;
/// To the device: Check-in Response.
pub const CHECK_IN_RESPONSE: u8 = 0x00;
/// To the device: Fast Poll Stop.
pub const FAST_POLL_STOP: u8 = 0x01;

/// Quarters of a second in a second.
pub const QUARTERS: u32 = 4;

/// The answer to a check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckInResponse {
    /// Stay awake for so many quarters of a second, at once; `None`: sleep on.
    pub stay_awake: Option<u16>,
}

impl CheckInResponse {
    /// As the answer to the device's frame.
    pub fn answer(self, check_in: &Frame) -> Frame {
        let mut payload = vec![self.stay_awake.is_some().into()];
        payload.extend(self.stay_awake.unwrap_or(0).to_le_bytes());
        check_in.answered(Scope::Cluster, CHECK_IN_RESPONSE, payload)
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// [`ZclError`].
    pub fn decode(payload: &[u8]) -> Result<Self, ZclError> {
        let mut reader = Reader::new(payload);
        let start = reader.u8("start fast polling")? != 0;
        let timeout = reader.u16_le("fast poll timeout")?;
        Ok(Self { stay_awake: start.then_some(timeout) })
    }
}

/// Nothing more is to come: sleep.
pub fn fast_poll_stop(sequence: u8) -> Frame {
    Frame::to_server(sequence, FAST_POLL_STOP, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_comes_in_is_told_to_stay_awake_or_to_sleep_on() {
        let check_in = Frame { disable_default_response: false, ..Frame::to_client(7, CHECK_IN, Vec::new()) };
        for (stay_awake, payload) in [(Some(40), [1, 40, 0]), (None, [0, 0, 0])] {
            let response = CheckInResponse { stay_awake };
            let frame = response.answer(&check_in);
            assert_eq!((frame.encode()[..3].to_vec(), &frame.payload[..]), (vec![0x11, 7, 0], &payload[..]));
            assert_eq!(CheckInResponse::decode(&payload), Ok(response));
        }
    }
}
