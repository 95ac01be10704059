//! Ways in that a grant made: here always a code, one PIN for all its doors.

use keyway_lock::Pin;

use super::{AccessGrantId, AccessMethodId, Timestamp};

/// One deliverable way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessMethod {
    /// Id.
    pub access_method_id: AccessMethodId,
    /// Of which grant.
    pub access_grant_id: AccessGrantId,
    /// The PIN; `None` once purged (the grant has been over for the retention time).
    pub pin: Option<Pin>,
    /// The PIN was asked for by the host, not chosen by the hub.
    pub requested: bool,
    /// A preferred length was asked for that not all doors take: the length asked for, in digits.
    pub refused_length: Option<u8>,
    /// When it became safe to hand to the guest (I4); `None`: not yet.
    pub issued_at: Option<Timestamp>,
    /// When it was deleted by itself, before its grant: its codes are being taken out, it is not shown any more.
    pub deleted_at: Option<Timestamp>,
    /// When its codes were out of every lock for good, and that was told.
    pub revoked_at: Option<Timestamp>,
    /// When it was told that it was not issued although its grant had begun.
    pub failed_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}
