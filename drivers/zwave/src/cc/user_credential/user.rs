//! A user, as set and as reported.

use keyway_lock::wire::Reader;

use super::{GENERAL_USER, Modifier, Operation, SINGLE_RULE};
use crate::cc::CcError;

/// How a user's name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameEncoding {
    /// 0: ASCII.
    Ascii,
    /// 1: ASCII and an extension of it.
    ExtendedAscii,
    /// 2: UTF-16, most significant byte first.
    Utf16,
    /// Any other value.
    Other(u8),
}

impl From<u8> for NameEncoding {
    fn from(value: u8) -> Self {
        match value {
            0 => Self::Ascii,
            1 => Self::ExtendedAscii,
            2 => Self::Utf16,
            other => Self::Other(other),
        }
    }
}

impl From<NameEncoding> for u8 {
    fn from(encoding: NameEncoding) -> Self {
        match encoding {
            NameEncoding::Ascii => 0,
            NameEncoding::ExtendedAscii => 1,
            NameEncoding::Utf16 => 2,
            NameEncoding::Other(other) => other,
        }
    }
}

impl NameEncoding {
    /// An ASCII name in this encoding, `longest` bytes at most.
    pub fn write(self, name: &str, longest: u8) -> Vec<u8> {
        let longest = usize::from(longest);
        match self {
            Self::Utf16 => name.encode_utf16().flat_map(u16::to_be_bytes).take(longest / 2 * 2).collect(),
            Self::Ascii | Self::ExtendedAscii | Self::Other(_) => name.bytes().take(longest).collect(),
        }
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// User Unique Identifier, from 1; 0: none, or all.
    pub id: u16,
    /// User Type.
    pub kind: u8,
    /// User Active State: its credentials are honoured.
    pub active: bool,
    /// Credential Rule: how many of its credentials open.
    pub rule: u8,
    /// Minutes after the first use for which an expiring user lasts; 0 for all others.
    pub expiring_minutes: u16,
    /// How `name` is written.
    pub name_encoding: NameEncoding,
    /// The name's bytes.
    pub name: Vec<u8>,
}

impl User {
    /// An active guest, who opens with one credential.
    pub fn guest(id: u16, name_encoding: NameEncoding, name: Vec<u8>) -> Self {
        Self { id, kind: GENERAL_USER, active: true, rule: SINGLE_RULE, expiring_minutes: 0, name_encoding, name }
    }

    /// Nothing but an identifier, as it stands in a deletion, or where there is no such user.
    pub fn none(id: u16) -> Self {
        Self { active: false, ..Self::guest(id, NameEncoding::Ascii, Vec::new()) }
    }

    pub(super) fn encode_set(&self, operation: Operation) -> Vec<u8> {
        let [high, low] = self.id.to_be_bytes();
        let mut bytes = vec![operation as u8, high, low];
        if operation != Operation::Delete {
            self.encode(&mut bytes);
        }
        bytes
    }

    pub(super) fn decode_set(operation: Operation, reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let id = reader.u16_be("user unique identifier")?;
        if operation == Operation::Delete { Ok(Self::none(id)) } else { Self::decode(id, reader) }
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        let [high, low] = self.expiring_minutes.to_be_bytes();
        let length = u8::try_from(self.name.len()).unwrap_or(0);
        bytes.extend([self.kind, u8::from(self.active), self.rule, high, low, self.name_encoding.into(), length]);
        bytes.extend(self.name.iter().take(length.into()));
    }

    fn decode(id: u16, reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let kind = reader.u8("user type")?;
        let active = reader.u8("user active state")? & 0x01 != 0;
        let rule = reader.u8("credential rule")?;
        let expiring_minutes = reader.u16_be("expiring timeout minutes")?;
        let name_encoding = (reader.u8("user name encoding")? & 0x07).into();
        let length = reader.u8("user name length")?;
        let name = reader.bytes("user name", length.into())?.to_vec();
        Ok(Self { id, kind, active, rule, expiring_minutes, name_encoding, name })
    }
}

/// Why a user is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserReportType {
    /// 0: it was made.
    Added,
    /// 1: it was changed.
    Modified,
    /// 2: it was deleted; user 0: all were.
    Deleted,
    /// 3: it was so already.
    Unchanged,
    /// 4: it was asked for.
    Answer,
    /// 5: there is one of this identifier, which is told here.
    AddRejected,
    /// 6: there is none of this identifier.
    ModifyRejected,
    /// Any other value: not done.
    Other(u8),
}

impl From<u8> for UserReportType {
    fn from(value: u8) -> Self {
        match value {
            0 => Self::Added,
            1 => Self::Modified,
            2 => Self::Deleted,
            3 => Self::Unchanged,
            4 => Self::Answer,
            5 => Self::AddRejected,
            6 => Self::ModifyRejected,
            other => Self::Other(other),
        }
    }
}

impl From<UserReportType> for u8 {
    fn from(kind: UserReportType) -> Self {
        match kind {
            UserReportType::Added => 0,
            UserReportType::Modified => 1,
            UserReportType::Deleted => 2,
            UserReportType::Unchanged => 3,
            UserReportType::Answer => 4,
            UserReportType::AddRejected => 5,
            UserReportType::ModifyRejected => 6,
            UserReportType::Other(other) => other,
        }
    }
}

/// User Report (CC:0083.01.07).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserReport {
    /// Why.
    pub kind: UserReportType,
    /// The next user there is; 0: none. Told in answers only.
    pub next: u16,
    /// By whom it was last changed; [`Modifier::Nobody`]: there is no such user.
    pub modifier: Modifier,
    /// The user.
    pub user: User,
}

impl UserReport {
    pub(super) fn encode(&self) -> Vec<u8> {
        let [high, low] = self.next.to_be_bytes();
        let mut bytes = vec![self.kind.into(), high, low];
        bytes.extend(self.modifier.encode());
        bytes.extend(self.user.id.to_be_bytes());
        self.user.encode(&mut bytes);
        bytes
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let kind = reader.u8("user report type")?.into();
        let next = reader.u16_be("next user unique identifier")?;
        let modifier = Modifier::decode(reader)?;
        let id = reader.u16_be("user unique identifier")?;
        Ok(Self { kind, next, modifier, user: User::decode(id, reader)? })
    }
}
