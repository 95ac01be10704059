//! How the model's own types are described in the API's description.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::model::{
    AccessCodeId, AccessGrantId, AccessMethodId, ActionAttemptId, ApiKeyId, DeviceId, EventId, SpaceId, Timestamp,
    UserIdentityId, WebhookId, WorkspaceId,
};

fn text(format: &str) -> RefOr<Schema> {
    let format = SchemaFormat::Custom(format.to_owned());
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
}

macro_rules! texts {
    ($($type:ident: $format:literal),+ $(,)?) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                text($format)
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                stringify!($type).into()
            }
        }
    )+};
}

texts! {
    AccessCodeId: "uuid",
    AccessGrantId: "uuid",
    AccessMethodId: "uuid",
    ActionAttemptId: "uuid",
    ApiKeyId: "uuid",
    DeviceId: "uuid",
    EventId: "uuid",
    SpaceId: "uuid",
    UserIdentityId: "uuid",
    WebhookId: "uuid",
    WorkspaceId: "uuid",
    Timestamp: "date-time",
}
