//! What is wrong with a resource, or about to change: Seam's `errors`, `warnings` and `pending_mutations`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{AccessCodeId, DeviceId, Timestamp};

/// Something is broken now: a person must act.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ErrorEntry {
    /// For programs.
    pub(super) error_code: &'static str,
    /// For people: the cause and what to do.
    pub(super) message: String,
    /// Since when.
    pub(super) created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_device_error: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_access_code_error: Option<bool>,
    /// The code that is in trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_code_id: Option<AccessCodeId>,
}

impl ErrorEntry {
    pub(super) fn new(error_code: &'static str, message: impl Into<String>, created_at: Timestamp) -> Self {
        let message = message.into();
        Self {
            error_code,
            message,
            created_at,
            is_device_error: None,
            is_access_code_error: None,
            access_code_id: None,
        }
    }

    pub(super) fn of_device(self) -> Self {
        Self { is_device_error: Some(true), ..self }
    }

    pub(super) fn of_code(self) -> Self {
        Self { is_access_code_error: Some(true), ..self }
    }

    pub(super) fn about(self, code: AccessCodeId) -> Self {
        Self { access_code_id: Some(code), ..self }
    }
}

/// Something may go wrong, or is not as was asked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct WarningEntry {
    /// For programs.
    pub(super) warning_code: &'static str,
    /// For people: the cause and what to do.
    pub(super) message: String,
    /// Since when.
    pub(super) created_at: Timestamp,
    /// The door that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device_id: Option<DeviceId>,
    /// The doors that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failed_devices: Option<Vec<DeviceId>>,
}

impl WarningEntry {
    pub(super) fn new(warning_code: &'static str, message: impl Into<String>, created_at: Timestamp) -> Self {
        Self { warning_code, message: message.into(), created_at, device_id: None, failed_devices: None }
    }

    pub(super) fn at(self, device: DeviceId) -> Self {
        Self { device_id: Some(device), ..self }
    }

    pub(super) fn at_all(self, devices: Vec<DeviceId>) -> Self {
        Self { failed_devices: Some(devices), ..self }
    }
}

/// A change that is wished for and not carried out yet.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct MutationEntry {
    /// For programs.
    pub(super) mutation_code: &'static str,
    /// For people.
    pub(super) message: &'static str,
    /// Since when.
    pub(super) created_at: Timestamp,
    /// When it will begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scheduled_at: Option<Timestamp>,
    /// What it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<MutationTarget>,
}

/// The doors that a change concerns.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct MutationTarget {
    pub(super) device_ids: Vec<DeviceId>,
}

impl MutationEntry {
    pub(super) fn new(mutation_code: &'static str, message: &'static str, created_at: Timestamp) -> Self {
        Self { mutation_code, message, created_at, scheduled_at: None, to: None }
    }
}
