//! The frame of every command (ZCL 2.4, "Command Frame Formats").

use std::fmt;

use keyway_lock::wire::Reader;
use zeroize::Zeroizing;

use super::ZclError;

const TYPE: u8 = 0x03;
const CLUSTER_TYPE: u8 = 0x01;
const MANUFACTURER: u8 = 0x04;
const TO_CLIENT: u8 = 0x08;
const DISABLE_DEFAULT_RESPONSE: u8 = 0x10;

/// Whose command it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One that every cluster has ([`super::foundation`]).
    General,
    /// One of the cluster itself.
    Cluster,
}

/// Which way a command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From who uses the cluster to who has it.
    ToServer,
    /// Back.
    ToClient,
}

/// A command with its header.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whose command it is.
    pub scope: Scope,
    /// The maker whose extension it belongs to.
    pub manufacturer: Option<u16>,
    /// Which way it goes.
    pub direction: Direction,
    /// Nothing but an error is to be answered where there is no answer of its own.
    pub disable_default_response: bool,
    /// Transaction sequence number: an answer has that of its question.
    pub sequence: u8,
    /// Command id.
    pub command: u8,
    /// What follows. May hold a PIN.
    pub payload: Zeroizing<Vec<u8>>,
}

impl Frame {
    /// A command of a cluster to the device that has it.
    pub fn to_server(sequence: u8, command: u8, payload: Vec<u8>) -> Self {
        Self {
            scope: Scope::Cluster,
            manufacturer: None,
            direction: Direction::ToServer,
            disable_default_response: false,
            sequence,
            command,
            payload: Zeroizing::new(payload),
        }
    }

    /// A command of a cluster from the device that has it.
    pub fn to_client(sequence: u8, command: u8, payload: Vec<u8>) -> Self {
        let disable_default_response = true;
        Self { direction: Direction::ToClient, disable_default_response, ..Self::to_server(sequence, command, payload) }
    }

    /// The header and sender of an answer to this command: the other way, with its sequence number.
    #[must_use]
    pub fn answered(&self, scope: Scope, command: u8, payload: Vec<u8>) -> Self {
        Self {
            scope,
            manufacturer: self.manufacturer,
            direction: match self.direction {
                Direction::ToServer => Direction::ToClient,
                Direction::ToClient => Direction::ToServer,
            },
            disable_default_response: true,
            sequence: self.sequence,
            command,
            payload: Zeroizing::new(payload),
        }
    }

    /// The whole frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut control = if self.scope == Scope::Cluster { CLUSTER_TYPE } else { 0 };
        control |= if self.manufacturer.is_some() { MANUFACTURER } else { 0 };
        control |= if self.direction == Direction::ToClient { TO_CLIENT } else { 0 };
        control |= if self.disable_default_response { DISABLE_DEFAULT_RESPONSE } else { 0 };
        let mut out = Vec::with_capacity(5 + self.payload.len());
        out.push(control);
        out.extend(self.manufacturer.iter().flat_map(|code| code.to_le_bytes()));
        out.extend([self.sequence, self.command]);
        out.extend_from_slice(&self.payload);
        out
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`ZclError::Wire`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ZclError> {
        let mut reader = Reader::new(bytes);
        let control = reader.u8("frame control")?;
        let scope = match control & TYPE {
            0 => Scope::General,
            CLUSTER_TYPE => Scope::Cluster,
            _ => return Err(reader.invalid("frame type", control).into()),
        };
        let manufacturer = if control & MANUFACTURER == 0 { None } else { Some(reader.u16_le("manufacturer code")?) };
        Ok(Self {
            scope,
            manufacturer,
            direction: if control & TO_CLIENT == 0 { Direction::ToServer } else { Direction::ToClient },
            disable_default_response: control & DISABLE_DEFAULT_RESPONSE != 0,
            sequence: reader.u8("transaction sequence number")?,
            command: reader.u8("command")?,
            payload: Zeroizing::new(reader.rest().to_vec()),
        })
    }
}

/// The payload may hold a PIN.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("scope", &self.scope)
            .field("direction", &self.direction)
            .field("sequence", &self.sequence)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        // ZCL 2.4.1: frame control, sequence number, command.
        let lock = Frame::to_server(0x42, 0x00, Vec::new());
        assert_eq!(lock.encode(), [0x01, 0x42, 0x00]);
        let response = lock.answered(Scope::Cluster, 0x00, vec![0]);
        assert_eq!(response.encode(), [0x19, 0x42, 0x00, 0x00]);
        let datek =
            Frame { manufacturer: Some(0x1337), scope: Scope::General, ..Frame::to_server(1, 0, vec![0, 0x40]) };
        assert_eq!(datek.encode(), [0x04, 0x37, 0x13, 1, 0, 0, 0x40]);
        for frame in [lock, response, datek] {
            assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }
    }

    #[test]
    fn what_is_too_short_or_of_a_reserved_type_is_refused_and_no_payload_is_shown() {
        assert!(Frame::decode(&[]).is_err() && Frame::decode(&[0x01, 1]).is_err() && Frame::decode(&[4, 1]).is_err());
        assert!(Frame::decode(&[0x02, 1, 1]).is_err());
        assert!(!format!("{:?}", Frame::to_server(1, 5, b"4711".to_vec())).contains("52"));
    }
}
