//! What a lock says it can do with users and credentials.

use keyway_lock::wire::Reader;

use super::{GENERAL_USER, NameEncoding, PIN_CODE, SINGLE_RULE};
use crate::cc::CcError;

/// User Capabilities Report (CC:0083.01.02).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserCapabilities {
    /// Users it can have; their identifiers begin with 1.
    pub users: u16,
    /// Bit n: Credential Rule n is supported.
    pub rules: u8,
    /// Longest user name, in bytes.
    pub name_length: u8,
    /// Users can have schedules.
    pub schedules: bool,
    /// Has a checksum over all users.
    pub all_users_checksum: bool,
    /// Has a checksum over each user.
    pub user_checksum: bool,
    /// Bit n: [`NameEncoding`] n is supported; 0: all are.
    pub name_encodings: u8,
    /// Bit n: User Type n is supported.
    pub types: Vec<u8>,
}

impl UserCapabilities {
    /// Whether it knows users that open the door with one credential, as guests do.
    pub fn has_guests(&self) -> bool {
        self.types.first().is_some_and(|types| types & (1 << GENERAL_USER) != 0) && self.rules & (1 << SINGLE_RULE) != 0
    }

    /// The simplest encoding of names that it knows.
    pub fn name_encoding(&self) -> NameEncoding {
        let known = |encoding: &NameEncoding| self.name_encodings & (1 << u8::from(*encoding)) != 0;
        let all = [NameEncoding::Ascii, NameEncoding::ExtendedAscii, NameEncoding::Utf16];
        all.into_iter().find(known).unwrap_or(NameEncoding::Ascii)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let [high, low] = self.users.to_be_bytes();
        let flags = flag(self.schedules, 0x80)
            | flag(self.all_users_checksum, 0x40)
            | flag(self.user_checksum, 0x20)
            | (self.name_encodings & 0x07) << 2;
        let types = u8::try_from(self.types.len()).unwrap_or(0);
        [&[high, low, self.rules, self.name_length, flags, types][..], &self.types].concat()
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let users = reader.u16_be("number of users")?;
        let rules = reader.u8("supported credential rules")?;
        let name_length = reader.u8("maximum user name length")?;
        let flags = reader.u8("user capabilities")?;
        let types = reader.u8("supported user types length")?;
        Ok(Self {
            users,
            rules,
            name_length,
            schedules: flags & 0x80 != 0,
            all_users_checksum: flags & 0x40 != 0,
            user_checksum: flags & 0x20 != 0,
            name_encodings: flags >> 2 & 0x07,
            types: reader.bytes("supported user types", types.into())?.to_vec(),
        })
    }
}

/// Credential Capabilities Report (CC:0083.01.04).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CredentialCapabilities {
    /// Has a checksum over all credentials of a type.
    pub checksum: bool,
    /// Has an admin code.
    pub admin_code: bool,
    /// The admin code may be taken away.
    pub admin_code_deactivation: bool,
    /// The types it has.
    pub types: Vec<CredentialTypeCapabilities>,
}

/// What it can do with one type of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CredentialTypeCapabilities {
    /// Credential Type.
    pub kind: u8,
    /// It can be learned at the lock.
    pub learn: bool,
    /// Slots, numbered from 1.
    pub slots: u16,
    /// Shortest, in bytes.
    pub min_length: u8,
    /// Longest, in bytes.
    pub max_length: u8,
    /// Recommended timeout of learning, in seconds.
    pub learn_timeout: u8,
    /// Steps of learning.
    pub learn_steps: u8,
    /// Longest hash that is told in place of the credential; 0: the credential itself is told.
    pub hash_length: u8,
}

impl CredentialCapabilities {
    /// What it can do with PINs; `None`: nothing.
    pub fn pins(&self) -> Option<&CredentialTypeCapabilities> {
        self.types.iter().find(|of| of.kind == PIN_CODE)
    }

    /// Field by field over all types, not type by type.
    pub(super) fn encode(&self) -> Vec<u8> {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let types = &self.types;
        let flags = flag(self.checksum, 0x80) | flag(self.admin_code, 0x40) | flag(self.admin_code_deactivation, 0x20);
        let mut bytes = vec![flags, u8::try_from(types.len()).unwrap_or(0)];
        bytes.extend(types.iter().map(|of| of.kind));
        bytes.extend(types.iter().map(|of| flag(of.learn, 0x80)));
        bytes.extend(types.iter().flat_map(|of| of.slots.to_be_bytes()));
        bytes.extend(types.iter().map(|of| of.min_length));
        bytes.extend(types.iter().map(|of| of.max_length));
        bytes.extend(types.iter().map(|of| of.learn_timeout));
        bytes.extend(types.iter().map(|of| of.learn_steps));
        bytes.extend(types.iter().map(|of| of.hash_length));
        bytes
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let flags = reader.u8("credential capabilities")?;
        let count = usize::from(reader.u8("number of credential types")?);
        let kinds = reader.bytes("credential types", count)?;
        let learn = reader.bytes("credential learn support", count)?;
        let slots = reader.bytes("numbers of credential slots", 2 * count)?;
        let min_lengths = reader.bytes("minimum credential lengths", count)?;
        let max_lengths = reader.bytes("maximum credential lengths", count)?;
        let timeouts = reader.bytes("credential learn timeouts", count)?;
        let steps = reader.bytes("credential learn steps", count)?;
        let hashes = reader.bytes("maximum credential hash lengths", count)?;
        let slots: Vec<u16> = slots.chunks_exact(2).map(|pair| u16::from(pair[0]) << 8 | u16::from(pair[1])).collect();
        let of = |index: usize| {
            Some(CredentialTypeCapabilities {
                kind: *kinds.get(index)?,
                learn: learn.get(index)? & 0x80 != 0,
                slots: *slots.get(index)?,
                min_length: *min_lengths.get(index)?,
                max_length: *max_lengths.get(index)?,
                learn_timeout: *timeouts.get(index)?,
                learn_steps: *steps.get(index)?,
                hash_length: *hashes.get(index)?,
            })
        };
        Ok(Self {
            checksum: flags & 0x80 != 0,
            admin_code: flags & 0x40 != 0,
            admin_code_deactivation: flags & 0x20 != 0,
            types: (0..count).filter_map(of).collect(),
        })
    }
}
