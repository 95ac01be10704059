//! What parameters can be: how each is read, and how it is described.

use std::collections::BTreeMap;
use std::str::FromStr;

use keyway_lock::Pin;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::shape::Shape;
use crate::model::id::every_id;
use crate::model::{ApiError, EventType, Role, Timestamp};

/// Longest text, in bytes: longer than any name, key or address, and nothing that would hurt the database.
const LONGEST_TEXT: usize = 4096;
/// Most members of a list.
const LONGEST_LIST: usize = 10_000;

/// What is wrong, by the place where it is, seen from here; the empty place is the value itself.
#[derive(Debug, Default)]
pub(super) struct Wrong(Vec<(String, String)>);

impl Wrong {
    /// The value itself is wrong.
    pub(super) fn here(message: impl Into<String>) -> Self {
        Self(vec![(String::new(), message.into())])
    }

    /// What is wrong inside a member is wrong in the object.
    pub(super) fn add(&mut self, member: &str, inner: Self) {
        for (place, message) in inner.0 {
            let dot = if place.is_empty() || place.starts_with('[') { "" } else { "." };
            self.0.push((format!("{member}{dot}{place}"), message));
        }
    }

    fn add_item(&mut self, index: usize, inner: Self) {
        for (place, message) in inner.0 {
            match place.as_str() {
                "" => self.0.push((String::new(), format!("item {index}: {message}"))),
                place => self.0.push((format!("[{index}].{place}"), message)),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_error(self) -> ApiError {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (place, message) in self.0 {
            fields.entry(place).or_default().push(message);
        }
        ApiError::invalid_fields(fields)
    }
}

/// What kind of value was received, never which.
pub(super) fn received(value: &Value) -> &'static str {
    match value {
        Value::Null => "received null",
        Value::Bool(_) => "received boolean",
        Value::Number(_) => "received number",
        Value::String(_) => "received string",
        Value::Array(_) => "received array",
        Value::Object(_) => "received object",
    }
}

/// A value that a request can hold.
pub(super) trait Parameter: Sized {
    /// Whether null is read, rather than counting as absent.
    const NULLABLE: bool = false;

    /// What it is when it is not given; `None`: it must be given.
    fn absent() -> Option<Self> {
        None
    }

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, without the value.
    fn read(value: Value) -> Result<Self, Wrong>;

    /// What it looks like.
    fn shape() -> Shape;

    /// Its JSON schema.
    fn schema() -> Value;
}

impl<T: Parameter> Parameter for Option<T> {
    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        T::read(value).map(Some)
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn schema() -> Value {
        or_null(T::schema())
    }
}

/// A value that may be set to nothing: leaving it out and giving null are two things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Nullable<T> {
    /// Left out: as it was.
    Absent,
    /// Set to nothing.
    Null,
    /// Set to this.
    Given(T),
}

impl<T> Nullable<T> {
    /// The new value of what was `old`.
    pub(super) fn or(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Absent => old,
            Self::Null => None,
            Self::Given(value) => Some(value),
        }
    }

    /// What was given, if it was not left out.
    pub(super) fn given(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Given(value) => Some(Some(value)),
        }
    }
}

impl<T: Parameter> Parameter for Nullable<T> {
    const NULLABLE: bool = true;

    fn absent() -> Option<Self> {
        Some(Self::Absent)
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        if value.is_null() { Ok(Self::Null) } else { T::read(value).map(Self::Given) }
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn schema() -> Value {
        or_null(T::schema())
    }
}

/// The schema that takes null as well.
fn or_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get("type").and_then(Value::as_str).map(str::to_owned) {
        schema["type"] = json!([kind, "null"]);
        if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            words.push(Value::Null);
        }
    }
    schema
}

impl<T: Parameter> Parameter for Vec<T> {
    fn read(value: Value) -> Result<Self, Wrong> {
        let Value::Array(items) = value else {
            return Err(Wrong::here(format!("expected array, {}", received(&value))));
        };
        if items.len() > LONGEST_LIST {
            return Err(Wrong::here(format!("expected at most {LONGEST_LIST} items")));
        }
        let (mut read, mut wrong) = (Self::with_capacity(items.len()), Wrong::default());
        for (index, item) in items.into_iter().enumerate() {
            match T::read(item) {
                Ok(item) => read.push(item),
                Err(inner) => wrong.add_item(index, inner),
            }
        }
        if wrong.is_empty() { Ok(read) } else { Err(wrong) }
    }

    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn schema() -> Value {
        json!({"type": "array", "items": T::schema(), "maxItems": LONGEST_LIST})
    }
}

fn text(value: Value) -> Result<String, Wrong> {
    match value {
        Value::String(text) if text.len() <= LONGEST_TEXT => Ok(text),
        Value::String(_) => Err(Wrong::here(format!("expected at most {LONGEST_TEXT} bytes"))),
        other => Err(Wrong::here(format!("expected string, {}", received(&other)))),
    }
}

impl Parameter for String {
    fn read(value: Value) -> Result<Self, Wrong> {
        text(value)
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string"})
    }
}

/// The host's own name for something, by which it is found again: not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key(pub(super) String);

impl Parameter for Key {
    fn read(value: Value) -> Result<Self, Wrong> {
        let text = text(value)?;
        if text.is_empty() { Err(Wrong::here("must not be empty")) } else { Ok(Self(text)) }
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string", "minLength": 1})
    }
}

impl Parameter for bool {
    fn read(value: Value) -> Result<Self, Wrong> {
        value.as_bool().ok_or_else(|| Wrong::here(format!("expected boolean, {}", received(&value))))
    }

    fn shape() -> Shape {
        Shape::Boolean
    }

    fn schema() -> Value {
        json!({"type": "boolean"})
    }
}

/// Something that only a cloud does: `false` is taken, `true` refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct No;

impl Parameter for No {
    fn read(value: Value) -> Result<Self, Wrong> {
        match bool::read(value)? {
            false => Ok(Self),
            true => Err(Wrong::here("a local hub does not do this: leave it out")),
        }
    }

    fn shape() -> Shape {
        Shape::Boolean
    }

    fn schema() -> Value {
        json!({"type": "boolean", "enum": [false]})
    }
}

/// A whole number within a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole<const LEAST: u64, const MOST: u64>(pub(super) u64);

impl<const LEAST: u64, const MOST: u64> Parameter for Whole<LEAST, MOST> {
    fn read(value: Value) -> Result<Self, Wrong> {
        // As JSON Schema has it, 4.0 is a whole number.
        let whole = value.as_u64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0).and_then(exactly));
        match whole.filter(|number| (LEAST..=MOST).contains(number)) {
            Some(number) => Ok(Self(number)),
            None => Err(Wrong::here(format!("expected a whole number from {LEAST} to {MOST}"))),
        }
    }

    fn shape() -> Shape {
        Shape::Number
    }

    fn schema() -> Value {
        json!({"type": "integer", "minimum": LEAST, "maximum": MOST})
    }
}

fn exactly(number: f64) -> Option<u64> {
    format!("{number:.0}").parse().ok()
}

/// At most so many resources in one answer.
pub(super) type Limit = Whole<1, 10_000>;

impl<const LEAST: u64, const MOST: u64> Whole<LEAST, MOST> {
    /// As a number of things in memory.
    pub(super) fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Parameter for Timestamp {
    fn read(value: Value) -> Result<Self, Wrong> {
        Self::parse(&text(value)?).map_err(Wrong::here)
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string", "format": "date-time"})
    }
}

impl Parameter for Pin {
    fn read(value: Value) -> Result<Self, Wrong> {
        Self::new(&zeroize::Zeroizing::new(text(value)?)).map_err(|error| Wrong::here(error.to_string()))
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string", "pattern": format!("^[0-9]{{{},{}}}$", Self::MIN_LEN, Self::MAX_LEN)})
    }
}

impl Parameter for EventType {
    fn read(value: Value) -> Result<Self, Wrong> {
        Self::parse(&text(value)?).ok_or_else(|| Wrong::here("is not an event type of this hub"))
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": Self::ALL.iter().map(|event| event.name()).collect::<Vec<_>>()})
    }
}

impl Parameter for Role {
    fn read(value: Value) -> Result<Self, Wrong> {
        let names = || Self::ALL.map(Self::name);
        Self::parse(&text(value)?).ok_or_else(|| Wrong::here(format!("expected one of {}", names().join(", "))))
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": Self::ALL.map(Self::name)})
    }
}

/// The host's own key-values: texts and booleans by name; null takes one away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Metadata(pub(super) Map<String, Value>);

impl Metadata {
    /// Names in one map, and bytes in a name or a value, as Seam limits them.
    pub(super) const MOST: usize = 50;
    const LONGEST_NAME: usize = 40;
    const LONGEST_VALUE: usize = 500;
}

impl Parameter for Metadata {
    fn read(value: Value) -> Result<Self, Wrong> {
        let Value::Object(values) = value else {
            return Err(Wrong::here(format!("expected object, {}", received(&value))));
        };
        let mut wrong = Wrong::default();
        if values.len() > Self::MOST {
            wrong.add("", Wrong::here(format!("expected at most {} keys", Self::MOST)));
        }
        for (name, value) in &values {
            let short =
                name.len() <= Self::LONGEST_NAME && value.as_str().is_none_or(|v| v.len() <= Self::LONGEST_VALUE);
            if !(value.is_string() || value.is_boolean() || value.is_null()) {
                wrong.add("", Wrong::here(format!("a value should be string, boolean or null, {}", received(value))));
            } else if !short {
                let (name, value) = (Self::LONGEST_NAME, Self::LONGEST_VALUE);
                wrong.add("", Wrong::here(format!("a key has at most {name} bytes, a value at most {value}")));
            }
        }
        if wrong.is_empty() { Ok(Self(values)) } else { Err(wrong) }
    }

    fn shape() -> Shape {
        Shape::Map
    }

    fn schema() -> Value {
        json!({"type": "object", "maxProperties": Self::MOST,
            "propertyNames": {"maxLength": Self::LONGEST_NAME},
            "additionalProperties": {"type": ["string", "boolean", "null"], "maxLength": Self::LONGEST_VALUE}})
    }
}

/// A Zigbee network in the open format of coordinator backups. It holds keys, and is never shown but to who asked for it.
#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[serde(transparent)]
pub(super) struct NetworkBackup(pub(super) Map<String, Value>);

impl std::fmt::Debug for NetworkBackup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NetworkBackup(redacted)")
    }
}

impl Parameter for NetworkBackup {
    fn read(value: Value) -> Result<Self, Wrong> {
        match value {
            Value::Object(backup) => Ok(Self(backup)),
            // What was given may be a key.
            _ => Err(Wrong::here("expected object")),
        }
    }

    fn shape() -> Shape {
        Shape::Map
    }

    fn schema() -> Value {
        json!({"type": "object"})
    }
}

/// Reads an id.
pub(super) fn id<T: From<Uuid>>(value: Value) -> Result<T, Wrong> {
    Uuid::from_str(&text(value)?).map(T::from).map_err(|_| Wrong::here("expected a UUID"))
}

macro_rules! ids {
    ($($id:ident),+ $(,)?) => {$(
        impl Parameter for crate::model::$id {
            fn read(value: Value) -> Result<Self, Wrong> {
                id(value)
            }

            fn shape() -> Shape {
                Shape::Text
            }

            fn schema() -> Value {
                json!({"type": "string", "format": "uuid"})
            }
        }
    )+};
}

every_id!(ids);

/// A closed list of words.
macro_rules! words {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name { $($(#[$word_doc])* $variant),+ }

        impl $crate::hub::parameter::Parameter for $name {
            fn read(value: serde_json::Value) -> Result<Self, $crate::hub::parameter::Wrong> {
                match <String as $crate::hub::parameter::Parameter>::read(value)?.as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::hub::parameter::Wrong::here(
                        concat!("expected one of", $(" \"", $word, "\""),+),
                    )),
                }
            }

            fn shape() -> $crate::hub::Shape {
                $crate::hub::Shape::Text
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({"type": "string", "enum": [$($word),+]})
            }
        }
    };
}
pub(super) use words;
