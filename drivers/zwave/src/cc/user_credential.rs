//! User Credential (0x83), version 1 (Z-Wave Application Command Class Specification, "User Credential Command Class";
//! requirements CC:0083.01): users, and the credentials with which each may enter.
//!
//! A credential is found by its type and slot; it belongs to one user. Deleting a user deletes its credentials.

mod capabilities;
mod checksum;
mod credential;
mod events;
mod user;

use keyway_lock::wire::Reader;
use zeroize::Zeroizing;

use super::{CcError, command_of};

pub use capabilities::{CredentialCapabilities, CredentialTypeCapabilities, UserCapabilities};
pub use checksum::{all_users_checksum, credential_checksum, user_checksum};
pub use credential::{Credential, CredentialReport, CredentialReportType};
pub(crate) use events::event_of;
pub use user::{NameEncoding, User, UserReport, UserReportType};

/// Class id.
pub const CLASS: u8 = 0x83;
/// Highest version spoken here.
pub const VERSION: u8 = 1;

/// Credential Type "PIN Code": its data are ASCII digits.
pub const PIN_CODE: u8 = 0x01;
/// User Type "General User".
pub const GENERAL_USER: u8 = 0x00;
/// User Type "Non-Access User": opens no door.
pub const NON_ACCESS_USER: u8 = 0x04;
/// User Type "Remote Only User": opens no door at its keypad.
pub const REMOTE_ONLY_USER: u8 = 0x09;
/// Credential Rule "Single": one credential opens.
pub const SINGLE_RULE: u8 = 0x01;

/// User Report.
pub const USER_REPORT: u8 = 0x07;
/// Credential Report.
pub const CREDENTIAL_REPORT: u8 = 0x0C;

const USER_CAPABILITIES_GET: u8 = 0x01;
const USER_CAPABILITIES_REPORT: u8 = 0x02;
const CREDENTIAL_CAPABILITIES_GET: u8 = 0x03;
const CREDENTIAL_CAPABILITIES_REPORT: u8 = 0x04;
const USER_SET: u8 = 0x05;
const USER_GET: u8 = 0x06;
const CREDENTIAL_SET: u8 = 0x0A;
const CREDENTIAL_GET: u8 = 0x0B;
const ASSOCIATION_SET: u8 = 0x12;
const ASSOCIATION_REPORT: u8 = 0x13;
const ALL_USERS_CHECKSUM_GET: u8 = 0x14;
const ALL_USERS_CHECKSUM_REPORT: u8 = 0x15;
const USER_CHECKSUM_GET: u8 = 0x16;
const USER_CHECKSUM_REPORT: u8 = 0x17;
const CREDENTIAL_CHECKSUM_GET: u8 = 0x18;
const CREDENTIAL_CHECKSUM_REPORT: u8 = 0x19;

/// Operation Type of a Set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// 0: into an empty place only.
    Add,
    /// 1: in place of what is there only.
    Modify,
    /// 2: takes it out.
    Delete,
}

impl Operation {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CcError> {
        Ok(match reader.u8("operation type")? & 0x03 {
            0 => Self::Add,
            1 => Self::Modify,
            2 => Self::Delete,
            other => return Err(reader.invalid("operation type", other).into()),
        })
    }
}

/// By whom something was last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modifier {
    /// 0: there is no such user or credential.
    Nobody,
    /// 1: not known.
    Unknown,
    /// 2: over Z-Wave, by this node.
    ZWave(u16),
    /// 3: at the lock.
    Local,
    /// 4, or what nobody defined: by other means.
    Other(u8),
}

impl Modifier {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let kind = reader.u8("modifier type")?;
        let node = reader.u16_be("modifier node id")?;
        Ok(match kind {
            0 => Self::Nobody,
            1 => Self::Unknown,
            2 => Self::ZWave(node),
            3 => Self::Local,
            other => Self::Other(other),
        })
    }

    fn encode(self) -> [u8; 3] {
        let (kind, node) = match self {
            Self::Nobody => (0, 0),
            Self::Unknown => (1, 0),
            Self::ZWave(node) => (2, node),
            Self::Local => (3, 0),
            Self::Other(kind) => (kind, 0),
        };
        let [high, low] = node.to_be_bytes();
        [kind, high, low]
    }
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserCredentialCommand {
    /// What can you do with users?
    UserCapabilitiesGet,
    /// This.
    UserCapabilitiesReport(UserCapabilities),
    /// What can you do with credentials?
    CredentialCapabilitiesGet,
    /// This.
    CredentialCapabilitiesReport(CredentialCapabilities),
    /// Makes, changes or deletes a user; user 0 with [`Operation::Delete`]: all.
    UserSet(Operation, User),
    /// Asks for a user; 0: the first there is.
    UserGet(u16),
    /// A user, as answer or since it changed.
    UserReport(UserReport),
    /// Makes, changes or deletes a credential; slot, type and user 0 with [`Operation::Delete`]: all there are of it.
    CredentialSet(Operation, Credential),
    /// Asks for a credential; user 0: whoever has it; slot 0, or type and slot 0: the first there is.
    CredentialGet {
        /// User Unique Identifier.
        user: u16,
        /// Credential Type.
        kind: u8,
        /// Credential Slot.
        slot: u16,
    },
    /// A credential, as answer or since it changed.
    CredentialReport(CredentialReport),
    /// Gives a credential to another user.
    AssociationSet {
        /// Credential Type.
        kind: u8,
        /// Credential Slot.
        slot: u16,
        /// Destination User Unique Identifier.
        user: u16,
    },
    /// How that went.
    AssociationReport {
        /// Credential Type.
        kind: u8,
        /// Credential Slot.
        slot: u16,
        /// Destination User Unique Identifier.
        user: u16,
        /// 0: done.
        status: u8,
    },
    /// Asks for the checksum over all users and their credentials.
    AllUsersChecksumGet,
    /// That checksum; 0: no users.
    AllUsersChecksumReport(u16),
    /// Asks for the checksum over a user and its credentials.
    UserChecksumGet(u16),
    /// That checksum; 0: no such user.
    UserChecksumReport {
        /// User Unique Identifier.
        user: u16,
        /// Checksum.
        checksum: u16,
    },
    /// Asks for the checksum over all credentials of a type.
    CredentialChecksumGet(u8),
    /// That checksum; 0: there are none.
    CredentialChecksumReport {
        /// Credential Type.
        kind: u8,
        /// Checksum.
        checksum: u16,
    },
}

impl UserCredentialCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        let with = |command: u8, parameters: &[u8]| [&[CLASS, command], parameters].concat();
        match self {
            Self::UserCapabilitiesGet => with(USER_CAPABILITIES_GET, &[]),
            Self::UserCapabilitiesReport(capabilities) => with(USER_CAPABILITIES_REPORT, &capabilities.encode()),
            Self::CredentialCapabilitiesGet => with(CREDENTIAL_CAPABILITIES_GET, &[]),
            Self::CredentialCapabilitiesReport(capabilities) => {
                with(CREDENTIAL_CAPABILITIES_REPORT, &capabilities.encode())
            }
            Self::UserSet(operation, user) => with(USER_SET, &user.encode_set(*operation)),
            Self::UserGet(user) => with(USER_GET, &user.to_be_bytes()),
            Self::UserReport(report) => with(USER_REPORT, &report.encode()),
            Self::CredentialSet(operation, credential) => {
                with(CREDENTIAL_SET, &Zeroizing::new(credential.encode_set(*operation)))
            }
            Self::CredentialGet { user, kind, slot } => {
                let ([user_high, user_low], [high, low]) = (user.to_be_bytes(), slot.to_be_bytes());
                with(CREDENTIAL_GET, &[user_high, user_low, *kind, high, low])
            }
            Self::CredentialReport(report) => with(CREDENTIAL_REPORT, &Zeroizing::new(report.encode())),
            Self::AssociationSet { kind, slot, user } => with(ASSOCIATION_SET, &association(*kind, *slot, *user)),
            Self::AssociationReport { kind, slot, user, status } => {
                with(ASSOCIATION_REPORT, &[&association(*kind, *slot, *user)[..], &[*status]].concat())
            }
            Self::AllUsersChecksumGet => with(ALL_USERS_CHECKSUM_GET, &[]),
            Self::AllUsersChecksumReport(checksum) => with(ALL_USERS_CHECKSUM_REPORT, &checksum.to_be_bytes()),
            Self::UserChecksumGet(user) => with(USER_CHECKSUM_GET, &user.to_be_bytes()),
            Self::UserChecksumReport { user, checksum } => {
                with(USER_CHECKSUM_REPORT, &[user.to_be_bytes(), checksum.to_be_bytes()].concat())
            }
            Self::CredentialChecksumGet(kind) => with(CREDENTIAL_CHECKSUM_GET, &[*kind]),
            Self::CredentialChecksumReport { kind, checksum } => {
                let [high, low] = checksum.to_be_bytes();
                with(CREDENTIAL_CHECKSUM_REPORT, &[*kind, high, low])
            }
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        let reader = &mut reader;
        Ok(match command {
            USER_CAPABILITIES_GET => Self::UserCapabilitiesGet,
            USER_CAPABILITIES_REPORT => Self::UserCapabilitiesReport(UserCapabilities::decode(reader)?),
            CREDENTIAL_CAPABILITIES_GET => Self::CredentialCapabilitiesGet,
            CREDENTIAL_CAPABILITIES_REPORT => {
                Self::CredentialCapabilitiesReport(CredentialCapabilities::decode(reader)?)
            }
            USER_SET => {
                let operation = Operation::decode(reader)?;
                Self::UserSet(operation, User::decode_set(operation, reader)?)
            }
            USER_GET => Self::UserGet(reader.u16_be("user unique identifier")?),
            USER_REPORT => Self::UserReport(UserReport::decode(reader)?),
            CREDENTIAL_SET => {
                let (operation, credential) = Credential::decode_set(reader)?;
                Self::CredentialSet(operation, credential)
            }
            CREDENTIAL_GET => Self::CredentialGet {
                user: reader.u16_be("user unique identifier")?,
                kind: reader.u8("credential type")?,
                slot: reader.u16_be("credential slot")?,
            },
            CREDENTIAL_REPORT => Self::CredentialReport(CredentialReport::decode(reader)?),
            ASSOCIATION_SET => {
                let (kind, slot, user) = decode_association(reader)?;
                Self::AssociationSet { kind, slot, user }
            }
            ASSOCIATION_REPORT => {
                let (kind, slot, user) = decode_association(reader)?;
                Self::AssociationReport { kind, slot, user, status: reader.u8("association status")? }
            }
            ALL_USERS_CHECKSUM_GET => Self::AllUsersChecksumGet,
            ALL_USERS_CHECKSUM_REPORT => Self::AllUsersChecksumReport(reader.u16_be("all users checksum")?),
            USER_CHECKSUM_GET => Self::UserChecksumGet(reader.u16_be("user unique identifier")?),
            USER_CHECKSUM_REPORT => Self::UserChecksumReport {
                user: reader.u16_be("user unique identifier")?,
                checksum: reader.u16_be("user checksum")?,
            },
            CREDENTIAL_CHECKSUM_GET => Self::CredentialChecksumGet(reader.u8("credential type")?),
            CREDENTIAL_CHECKSUM_REPORT => Self::CredentialChecksumReport {
                kind: reader.u8("credential type")?,
                checksum: reader.u16_be("credential checksum")?,
            },
            _ => return Err(CcError::unknown(payload)),
        })
    }
}

fn association(kind: u8, slot: u16, user: u16) -> [u8; 5] {
    let ([slot_high, slot_low], [high, low]) = (slot.to_be_bytes(), user.to_be_bytes());
    [kind, slot_high, slot_low, high, low]
}

fn decode_association(reader: &mut Reader<'_>) -> Result<(u8, u16, u16), CcError> {
    let kind = reader.u8("credential type")?;
    Ok((kind, reader.u16_be("credential slot")?, reader.u16_be("destination user unique identifier")?))
}

#[cfg(test)]
mod tests;
