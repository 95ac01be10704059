//! How the model's own types are described in the API's description.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::model::id::every_id;

fn text(format: &str) -> RefOr<Schema> {
    let format = SchemaFormat::Custom(format.to_owned());
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
}

macro_rules! texts {
    ($format:literal: $($type:ident),+) => {$(
        impl PartialSchema for crate::model::$type {
            fn schema() -> RefOr<Schema> {
                text($format)
            }
        }

        impl ToSchema for crate::model::$type {
            fn name() -> Cow<'static, str> {
                stringify!($type).into()
            }
        }
    )+};
}

macro_rules! ids {
    ($($id:ident),+) => {
        texts!("uuid": $($id),+);
    };
}

every_id!(ids);
texts!("date-time": Timestamp);
