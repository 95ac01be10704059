//! Alarms (0x0009): something is wrong with another cluster of the device (ZCL 3.11).

use keyway_lock::wire::Reader;

use super::{Frame, ZclError};

/// Cluster id.
pub const CLUSTER: u16 = 0x0009;

/// From the device: Alarm.
pub const ALARM: u8 = 0x00;

/// An alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// What is wrong, in the numbers of that cluster.
    pub code: u8,
    /// The cluster it is about.
    pub cluster: u16,
}

impl Alarm {
    /// As a frame from the device.
    pub fn to_client(self, sequence: u8) -> Frame {
        let [low, high] = self.cluster.to_le_bytes();
        Frame { disable_default_response: false, ..Frame::to_client(sequence, ALARM, vec![self.code, low, high]) }
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// [`ZclError`].
    pub fn decode(payload: &[u8]) -> Result<Self, ZclError> {
        let mut reader = Reader::new(payload);
        Ok(Self { code: reader.u8("alarm code")?, cluster: reader.u16_le("cluster")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_names_the_cluster_it_is_about() {
        let jammed = Alarm { code: 0, cluster: 0x0101 };
        let frame = jammed.to_client(9);
        assert_eq!(frame.encode(), [0x09, 9, 0, 0, 1, 1]);
        assert_eq!(Alarm::decode(&frame.payload), Ok(jammed));
    }
}
