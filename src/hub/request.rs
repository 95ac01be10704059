//! Requests as types: written once, they read a JSON body, name everything that is wrong with it at once, and describe
//! themselves to the doors and to the API's description.

use serde_json::{Map, Value, json};

use super::parameter::{Parameter, Wrong, received};
use super::shape::{Field, Shape};
use crate::model::ApiError;

/// The parameters of an operation, or an object among them. Made by the macro `request!`.
pub(super) trait Request: Sized {
    /// The sentence above it, which is also the operation's.
    const DOC: &'static str;

    /// The names of what it consists of, as the language writes them: see [`plain`].
    const NAMES: &'static [&'static str];

    /// What it consists of, each described.
    fn fields() -> Vec<Field>;

    /// Reads it from an object whose unknown members were refused already.
    fn take(values: &mut Map<String, Value>, wrong: &mut Wrong) -> Option<Self>;
}

/// Reads the body of a request: a JSON object, or nothing.
///
/// # Errors
/// `invalid_input` with everything that is wrong, by parameter: mistyped, missing, or not known here. No value is ever
/// quoted, since it may be a PIN.
pub(super) fn read<Q: Request>(body: Value) -> Result<Q, ApiError> {
    let body = if body.is_null() { Value::Object(Map::new()) } else { body };
    if !body.is_object() {
        return Err(ApiError::new("invalid_input", format!("expected a JSON object, {}", received(&body))));
    }
    object(body).map_err(Wrong::into_error)
}

/// Reads an object.
pub(super) fn object<Q: Request>(value: Value) -> Result<Q, Wrong> {
    let Value::Object(mut values) = value else {
        return Err(Wrong::here(format!("expected object, {}", received(&value))));
    };
    let mut wrong = Wrong::default();
    for name in values.keys().filter(|name| Q::NAMES.iter().all(|known| plain(known) != name.as_str())) {
        wrong.add(name, Wrong::here("not a parameter of this operation"));
    }
    match Q::take(&mut values, &mut wrong) {
        Some(request) if wrong.is_empty() => Ok(request),
        _ => Err(wrong),
    }
}

/// Reads one member; `None` only together with a word in `wrong`.
pub(super) fn member<T: Parameter>(values: &mut Map<String, Value>, name: &str, wrong: &mut Wrong) -> Option<T> {
    let value = values.remove(name);
    let read = match (value, T::absent()) {
        (Some(Value::Null), _) if T::NULLABLE => T::read(Value::Null),
        (None | Some(Value::Null), Some(absent)) => Ok(absent),
        (None, None) => Err(Wrong::here("required")),
        (Some(value), _) => T::read(value),
    };
    read.map_err(|why| wrong.add(name, why)).ok()
}

impl<Q: Request> Parameter for Q {
    fn read(value: Value) -> Result<Self, Wrong> {
        object(value)
    }

    fn shape() -> Shape {
        Shape::Object(Q::fields())
    }

    fn schema() -> Value {
        let fields = Q::fields();
        let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let members: Map<String, Value> =
            fields.iter().map(|field| (field.name.to_owned(), field.described_schema())).collect();
        json!({"type": "object", "properties": members, "required": required, "additionalProperties": false})
    }
}

/// A member's name; one that is a word of the language (`r#type`) without its mark.
pub(super) fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// Declares a request: its documentation is the operation's, that of its members the parameters'. What it `accepts` is
/// checked, and then of no effect: parameters of Seam that mean nothing to a local hub.
macro_rules! request {
    (
        $(#[doc = $doc:literal])+
        $visibility:vis struct $name:ident { $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)* }
        $(accepts { $($(#[doc = $other_doc:literal])+ $other:ident: $other_type:ty,)* })?
    ) => {
        $(#[doc = $doc])+
        $visibility struct $name { $($(#[doc = $field_doc])+ $visibility $field: $type,)* }

        impl $crate::hub::request::Request for $name {
            const DOC: &'static str = concat!($($doc, "\n"),+);

            const NAMES: &'static [&'static str] = &[$(stringify!($field),)* $($(stringify!($other),)*)?];

            fn fields() -> Vec<$crate::hub::Field> {
                vec![
                    $($crate::hub::Field::of::<$type>($crate::hub::request::plain(stringify!($field)), concat!($($field_doc, "\n"),+)),)*
                    $($($crate::hub::Field::of::<$other_type>($crate::hub::request::plain(stringify!($other)), concat!($($other_doc, "\n"),+)),)*)?
                ]
            }

            fn take(
                values: &mut serde_json::Map<String, serde_json::Value>,
                wrong: &mut $crate::hub::parameter::Wrong,
            ) -> Option<Self> {
                $(let $field = $crate::hub::request::member::<$type>(values, $crate::hub::request::plain(stringify!($field)), wrong);)*
                $($($crate::hub::request::member::<$other_type>(values, $crate::hub::request::plain(stringify!($other)), wrong);)*)?
                let _ = (values, wrong);
                Some(Self { $($field: $field?,)* })
            }
        }
    };
}
pub(super) use request;

#[cfg(test)]
mod tests {
    use super::super::parameter::{Nullable, Whole};
    use super::*;
    use crate::model::{DeviceId, Timestamp};

    request! {
        /// An object in a list.
        struct Inner {} accepts {
            /// A number.
            length: Option<Whole<4, 10>>,
        }
    }

    request! {
        /// A request.
        struct Outer {
            /// One.
            device_id: DeviceId,
            /// Many.
            device_ids: Vec<DeviceId>,
            /// A text.
            code: Option<String>,
            /// A word of the language.
            r#type: Option<String>,
            /// A moment.
            starts_at: Option<Timestamp>,
            /// One that may be set to nothing.
            ends_at: Nullable<Timestamp>,
            /// Objects.
            wishes: Option<Vec<Inner>>,
        }
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once_and_no_value_is_quoted() {
        let body = json!({"code": 4711, "device_ids": ["nonsense-4711"], "starts_at": "4711", "surprise": "4711",
            "wishes": [{"length": 4}, {"length": 11, "what": 1}]});
        let error = read::<Outer>(body).err().unwrap();
        assert_eq!(error.fields["code"], ["expected string, received number"]);
        assert_eq!(error.fields["device_ids"], ["item 0: expected a UUID"]);
        assert_eq!(error.fields["device_id"], ["required"]);
        assert_eq!(error.fields["surprise"], ["not a parameter of this operation"]);
        assert_eq!(error.fields["wishes[1].length"], ["expected a whole number from 4 to 10"]);
        assert_eq!(error.fields["wishes[1].what"], ["not a parameter of this operation"]);
        assert!(error.fields.contains_key("starts_at"));
        assert!(!error.message.contains("4711"), "{}", error.message);
    }

    #[test]
    fn null_is_absent_but_can_be_told_from_absent_where_it_means_something() {
        let id = "00000000-0000-0000-0000-000000000001";
        let outer: Outer =
            read(json!({"device_id": id, "device_ids": [id], "ends_at": null, "code": null, "type": "t"}))
                .ok()
                .unwrap();
        assert!(matches!(outer.ends_at, Nullable::Null) && outer.code.is_none());
        assert_eq!(outer.device_ids, [outer.device_id]);
        assert_eq!(outer.r#type.as_deref(), Some("t"));
        let outer: Outer = read(json!({"device_id": id, "device_ids": []})).ok().unwrap();
        assert!(matches!(outer.ends_at, Nullable::Absent) && outer.starts_at.is_none() && outer.wishes.is_none());
        assert_eq!(
            read::<Outer>(json!({"device_id": null, "device_ids": []})).err().unwrap().fields["device_id"],
            ["expected string, received null"]
        );
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        assert_eq!(read::<Outer>(json!([1])).err().unwrap().message, "expected a JSON object, received array");
    }

    #[test]
    fn a_request_describes_itself() {
        let schema = <Outer as Parameter>::schema();
        assert_eq!(schema["required"], json!(["device_id", "device_ids"]));
        assert_eq!(
            schema["properties"]["device_id"],
            json!({"type": "string", "format": "uuid", "description": "One."})
        );
        assert_eq!(schema["properties"]["ends_at"]["type"], json!(["string", "null"]));
        assert_eq!(Outer::DOC.trim(), "A request.");
    }
}
