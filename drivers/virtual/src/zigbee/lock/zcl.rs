//! ZCL frames, and the statuses in them (ZCL revision 8, sections 2.4 to 2.6).

use super::super::put::Put;

/// Statuses.
pub(super) mod status {
    pub(in super::super) const SUCCESS: u8 = 0x00;
    pub(in super::super) const FAILURE: u8 = 0x01;
    pub(in super::super) const MALFORMED: u8 = 0x80;
    pub(in super::super) const UNSUPPORTED_COMMAND: u8 = 0x81;
    pub(in super::super) const INVALID_FIELD: u8 = 0x85;
    pub(in super::super) const UNSUPPORTED_ATTRIBUTE: u8 = 0x86;
    pub(in super::super) const READ_ONLY: u8 = 0x88;
    pub(in super::super) const NOT_FOUND: u8 = 0x8B;
    pub(in super::super) const UNREPORTABLE: u8 = 0x8C;
    pub(in super::super) const INVALID_TYPE: u8 = 0x8D;
    pub(in super::super) const UNSUPPORTED_CLUSTER: u8 = 0xC3;
}

/// Commands that every cluster has.
pub(super) mod global {
    pub(in super::super) const READ: u8 = 0x00;
    pub(in super::super) const READ_RESPONSE: u8 = 0x01;
    pub(in super::super) const WRITE: u8 = 0x02;
    pub(in super::super) const WRITE_UNDIVIDED: u8 = 0x03;
    pub(in super::super) const WRITE_RESPONSE: u8 = 0x04;
    pub(in super::super) const WRITE_NO_RESPONSE: u8 = 0x05;
    pub(in super::super) const CONFIGURE_REPORTING: u8 = 0x06;
    pub(in super::super) const CONFIGURE_REPORTING_RESPONSE: u8 = 0x07;
    pub(in super::super) const READ_REPORTING: u8 = 0x08;
    pub(in super::super) const READ_REPORTING_RESPONSE: u8 = 0x09;
    pub(in super::super) const REPORT: u8 = 0x0A;
    pub(in super::super) const DEFAULT_RESPONSE: u8 = 0x0B;
    pub(in super::super) const DISCOVER: u8 = 0x0C;
    pub(in super::super) const DISCOVER_RESPONSE: u8 = 0x0D;
    pub(in super::super) const DISCOVER_RECEIVED: u8 = 0x11;
    pub(in super::super) const DISCOVER_RECEIVED_RESPONSE: u8 = 0x12;
}

const CLUSTER_COMMAND: u8 = 0x01;
const MANUFACTURER: u8 = 0x04;
const FROM_SERVER: u8 = 0x08;
const NO_DEFAULT_RESPONSE: u8 = 0x10;

/// The head of a ZCL frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// It belongs to one cluster, not to all.
    pub(super) of_cluster: bool,
    /// It has a manufacturer's code.
    pub(super) manufacturer: Option<u16>,
    /// A server sent it to a client.
    pub(super) from_server: bool,
    /// No default response is wanted when all goes well.
    pub(super) no_default_response: bool,
    pub(super) sequence: u8,
    pub(super) command: u8,
}

impl Head {
    /// Reads a frame: its head and what is behind.
    pub(super) fn read(frame: &[u8]) -> Option<(Self, &[u8])> {
        let (control, rest) = frame.split_first()?;
        let (manufacturer, rest) = match rest {
            [low, high, rest @ ..] if control & MANUFACTURER != 0 => (Some(u16::from_le_bytes([*low, *high])), rest),
            rest => (None, rest),
        };
        let [sequence, command, body @ ..] = rest else { return None };
        let head = Self {
            of_cluster: control & 0x03 == CLUSTER_COMMAND,
            manufacturer,
            from_server: control & FROM_SERVER != 0,
            no_default_response: control & NO_DEFAULT_RESPONSE != 0,
            sequence: *sequence,
            command: *command,
        };
        Some((head, body))
    }

    /// The head of an answer to this one.
    pub(super) fn answered_by(self, command: u8) -> Self {
        Self { from_server: !self.from_server, no_default_response: true, command, ..self }
    }

    /// The default response to this one (section 2.5.12).
    pub(super) fn default_response(self, status: u8) -> Vec<u8> {
        let head = Self { of_cluster: false, ..self.answered_by(global::DEFAULT_RESPONSE) };
        head.with(&[self.command, status])
    }

    /// The frame of this head and a body.
    pub(super) fn with(self, body: &[u8]) -> Vec<u8> {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let control = flag(self.of_cluster, CLUSTER_COMMAND)
            | flag(self.manufacturer.is_some(), MANUFACTURER)
            | flag(self.from_server, FROM_SERVER)
            | flag(self.no_default_response, NO_DEFAULT_RESPONSE);
        let mut frame = vec![control];
        if let Some(code) = self.manufacturer {
            frame = frame.u16(code);
        }
        frame.u8(self.sequence).u8(self.command).bytes(body)
    }
}

/// A value of an attribute, with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) kind: u8,
    pub(super) bytes: Vec<u8>,
}

impl Value {
    pub(super) fn bool(value: bool) -> Self {
        Self { kind: 0x10, bytes: vec![value.into()] }
    }

    pub(super) fn map8(value: u8) -> Self {
        Self { kind: 0x18, bytes: vec![value] }
    }

    pub(super) fn i32(value: i32) -> Self {
        Self { kind: 0x2B, bytes: value.to_le_bytes().to_vec() }
    }

    pub(super) fn utc(value: u32) -> Self {
        Self { kind: 0xE2, bytes: value.to_le_bytes().to_vec() }
    }

    pub(super) fn map16(value: u16) -> Self {
        Self { kind: 0x19, bytes: value.to_le_bytes().to_vec() }
    }

    pub(super) fn u8(value: u8) -> Self {
        Self { kind: 0x20, bytes: vec![value] }
    }

    pub(super) fn u16(value: u16) -> Self {
        Self { kind: 0x21, bytes: value.to_le_bytes().to_vec() }
    }

    pub(super) fn u32(value: u32) -> Self {
        Self { kind: 0x23, bytes: value.to_le_bytes().to_vec() }
    }

    pub(super) fn enum8(value: u8) -> Self {
        Self { kind: 0x30, bytes: vec![value] }
    }

    pub(super) fn string(value: &str) -> Self {
        Self { kind: 0x42, bytes: Vec::new().counted(value.as_bytes()) }
    }

    /// As a number; 0 for a text.
    pub(super) fn number(&self) -> u32 {
        self.bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
    }

    /// Takes a value of this type from the front of `bytes` (section 2.6.2); `None`: too short, or a type without a length.
    pub(super) fn take(kind: u8, bytes: &[u8]) -> Option<(Self, &[u8])> {
        let size = match kind {
            0x08 | 0x10 | 0x18 | 0x20 | 0x28 | 0x30 => 1,
            0x09 | 0x19 | 0x21 | 0x29 | 0x31 | 0x38 | 0xE8 | 0xE9 => 2,
            0x0A | 0x1A | 0x22 | 0x2A => 3,
            0x0B | 0x1B | 0x23 | 0x2B | 0x39 | 0xE0..=0xE2 => 4,
            0x0F | 0x1F | 0x27 | 0x2F | 0x3A | 0xF0 => 8,
            0x41 | 0x42 => 1 + usize::from(*bytes.first()?),
            _ => return None,
        };
        let (value, rest) = bytes.split_at_checked(size)?;
        Some((Self { kind, bytes: value.to_vec() }, rest))
    }

    /// Whether reports of such a value have a least change: numbers have, the others are discrete (section 2.6.2).
    pub(super) fn is_analog(&self) -> bool {
        matches!(self.kind, 0x20..=0x2F | 0x38..=0x3A | 0xE0..=0xE2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let frame = [0x05, 0x1D, 0x10, 0x42, 0x00, 0xAA];
        let (head, body) = Head::read(&frame).unwrap();
        assert_eq!((head.of_cluster, head.manufacturer, head.sequence, body), (true, Some(0x101D), 0x42, &[0xAA][..]));
        assert_eq!(head.with(body), frame);
        assert_eq!(head.default_response(0x81), [0x1C, 0x1D, 0x10, 0x42, 0x0B, 0x00, 0x81]);
        assert_eq!(Head::read(&[0x01, 0x02]), None);
    }

    #[test]
    fn a_value_is_taken_with_its_length() {
        let (value, rest) = Value::take(0x23, &[1, 0, 0, 0, 9]).unwrap();
        assert_eq!((value.number(), rest), (1, &[9][..]));
        assert_eq!(Value::take(0x42, &[5, b'a']), None);
    }
}
