//! A credential, as set and as reported.

use keyway_lock::wire::Reader;
use keyway_lock::{Pin, SlotContent};

use super::{Modifier, Operation, PIN_CODE};
use crate::cc::CcError;
use crate::cc::user_code::CodeBytes;

/// A credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Whose it is; 0: nobody's, or anybody's.
    pub user: u16,
    /// Credential Type.
    pub kind: u8,
    /// Credential Slot, from 1, each type for itself.
    pub slot: u16,
    /// What it is; of a PIN its digits.
    pub data: CodeBytes,
}

impl Credential {
    /// A PIN.
    pub fn pin(user: u16, slot: u16, pin: &Pin) -> Self {
        Self { user, kind: PIN_CODE, slot, data: pin.into() }
    }

    /// No PIN, as it stands in a deletion, or where there is none.
    pub fn no_pin(user: u16, slot: u16) -> Self {
        Self { user, kind: PIN_CODE, slot, data: CodeBytes::default() }
    }

    pub(super) fn encode_set(&self, operation: Operation) -> Vec<u8> {
        let ([user_high, user_low], [high, low]) = (self.user.to_be_bytes(), self.slot.to_be_bytes());
        let mut bytes = vec![user_high, user_low, self.kind, high, low, operation as u8];
        if operation != Operation::Delete {
            bytes.push(self.length());
            bytes.extend(self.data.expose());
        }
        bytes
    }

    pub(super) fn decode_set(reader: &mut Reader<'_>) -> Result<(Operation, Self), CcError> {
        let user = reader.u16_be("user unique identifier")?;
        let kind = reader.u8("credential type")?;
        let slot = reader.u16_be("credential slot")?;
        let operation = Operation::decode(reader)?;
        let data = if operation == Operation::Delete {
            CodeBytes::default()
        } else {
            let length = reader.u8("credential length")?;
            reader.bytes("credential data", length.into())?.into()
        };
        Ok((operation, Self { user, kind, slot, data }))
    }

    fn length(&self) -> u8 {
        u8::try_from(self.data.expose().len()).unwrap_or(0)
    }
}

/// Why a credential is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialReportType {
    /// 0: it was made.
    Added,
    /// 1: it was changed.
    Modified,
    /// 2: it was deleted; slot, type or user 0: all there were of it.
    Deleted,
    /// 3: it was so already.
    Unchanged,
    /// 4: it was asked for.
    Answer,
    /// 5: there is one in this slot, which is told here.
    AddRejected,
    /// 6: there is none in this slot.
    ModifyRejected,
    /// 7: the same is in the slot that is told here, or in another than it.
    Duplicate,
    /// 8: the maker's rules forbid it.
    SecurityRules,
    /// 9: there is no such user, or the credential in this slot is another's.
    WrongUser,
    /// 10: it is the admin code.
    DuplicateAdminCode,
    /// Any other value: not done.
    Other(u8),
}

impl From<u8> for CredentialReportType {
    fn from(value: u8) -> Self {
        match value {
            0 => Self::Added,
            1 => Self::Modified,
            2 => Self::Deleted,
            3 => Self::Unchanged,
            4 => Self::Answer,
            5 => Self::AddRejected,
            6 => Self::ModifyRejected,
            7 => Self::Duplicate,
            8 => Self::SecurityRules,
            9 => Self::WrongUser,
            10 => Self::DuplicateAdminCode,
            other => Self::Other(other),
        }
    }
}

impl From<CredentialReportType> for u8 {
    fn from(kind: CredentialReportType) -> Self {
        match kind {
            CredentialReportType::Added => 0,
            CredentialReportType::Modified => 1,
            CredentialReportType::Deleted => 2,
            CredentialReportType::Unchanged => 3,
            CredentialReportType::Answer => 4,
            CredentialReportType::AddRejected => 5,
            CredentialReportType::ModifyRejected => 6,
            CredentialReportType::Duplicate => 7,
            CredentialReportType::SecurityRules => 8,
            CredentialReportType::WrongUser => 9,
            CredentialReportType::DuplicateAdminCode => 10,
            CredentialReportType::Other(other) => other,
        }
    }
}

/// Credential Report (CC:0083.01.0C).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialReport {
    /// Why.
    pub kind: CredentialReportType,
    /// The credential; its data are a hash, or nothing, if it is not `shown`.
    pub credential: Credential,
    /// Credential Read Back: the data are the credential itself. The same for all of a type.
    pub shown: bool,
    /// By whom it was last changed; [`Modifier::Nobody`]: there is no such credential.
    pub modifier: Modifier,
    /// Type and slot of the next there is; 0: none. Told in answers only.
    pub next: (u8, u16),
}

impl CredentialReport {
    /// What this says of a PIN's slot. What is there and is no PIN that anybody could type is hidden, not absent.
    pub fn content(&self) -> SlotContent {
        let data = self.credential.data.expose();
        if self.modifier == Modifier::Nobody && data.is_empty() {
            return SlotContent::Free;
        }
        let pin = std::str::from_utf8(data).ok().filter(|_| self.shown).and_then(|text| Pin::new(text).ok());
        pin.map_or(SlotContent::Hidden, SlotContent::Code)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let Credential { user, kind, slot, data } = &self.credential;
        let ([user_high, user_low], [high, low]) = (user.to_be_bytes(), slot.to_be_bytes());
        let shown = if self.shown { 0x80 } else { 0 };
        let length = self.credential.length();
        let mut bytes = vec![self.kind.into(), user_high, user_low, *kind, high, low, shown, length];
        bytes.extend(data.expose());
        bytes.extend(self.modifier.encode());
        bytes.push(self.next.0);
        bytes.extend(self.next.1.to_be_bytes());
        bytes
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let report = reader.u8("credential report type")?.into();
        let user = reader.u16_be("user unique identifier")?;
        let kind = reader.u8("credential type")?;
        let slot = reader.u16_be("credential slot")?;
        let shown = reader.u8("credential read back")? & 0x80 != 0;
        let length = reader.u8("credential length")?;
        let data = reader.bytes("credential data", length.into())?.into();
        let modifier = Modifier::decode(reader)?;
        let next = (reader.u8("next credential type")?, reader.u16_be("next credential slot")?);
        Ok(Self { kind: report, credential: Credential { user, kind, slot, data }, shown, modifier, next })
    }
}
