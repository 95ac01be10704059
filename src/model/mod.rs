//! The words: what Keyway speaks of, named as Seam names them. Pure data, no IO, no clock.

pub mod access_code;
pub mod access_grant;
pub mod access_method;
pub mod action_attempt;
pub mod api_key;
pub mod device;
pub mod error;
pub mod event;
pub mod id;
pub mod role;
pub mod schedule;
pub mod space;
pub mod timestamp;
pub mod user_identity;
pub mod webhook;

pub use access_code::{
    AccessCode, CodeOrigin, CodeProblem, CodeStatus, DeviceCode, Presence, ProblemKind, UnmanagedCode,
};
pub use access_grant::AccessGrant;
pub use access_method::AccessMethod;
pub use action_attempt::{ActionAttempt, ActionStatus, ActionType, AdminCodeOrder};
pub use api_key::{ApiKey, ApiToken, KeyHash};
pub use device::{Device, DeviceState, Gone, RadioAddress, RadioKind};
pub use error::ApiError;
pub use event::{Event, EventSubject, EventType};
pub use id::{
    AccessCodeId, AccessGrantId, AccessMethodId, ActionAttemptId, ApiKeyId, DeviceId, EventId, IdSource, SpaceId,
    UserIdentityId, WebhookId, WorkspaceId,
};
pub use role::Role;
pub use schedule::{Calendar, Schedule, WrongSchedule};
pub use space::Space;
pub use timestamp::{Timestamp, Window};
pub use user_identity::UserIdentity;
pub use webhook::{Delivery, DeliveryFailure, EventChoice, Webhook, WebhookSecret};
