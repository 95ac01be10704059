//! Reading the hub's JSON. A field that is missing is an empty one: a hub of another version is read as far as it goes.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A text; empty when it is missing or null.
pub(super) fn text<'a>(resource: &'a Value, field: &str) -> &'a str {
    resource.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of a list.
pub(super) fn texts<'a>(resource: &'a Value, field: &str) -> Vec<&'a str> {
    items(resource, field).iter().filter_map(Value::as_str).collect()
}

/// The items of a list.
pub(super) fn items<'a>(resource: &'a Value, field: &str) -> &'a [Value] {
    resource.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether a field is true.
pub(super) fn is(resource: &Value, field: &str) -> bool {
    resource.get(field).and_then(Value::as_bool).unwrap_or_default()
}

/// A time; `None` when it is missing or null.
pub(super) fn moment(resource: &Value, field: &str) -> Option<Timestamp> {
    text(resource, field).parse().ok()
}

/// What is wrong with a resource, in the hub's words: errors first, then warnings.
pub(super) fn problems(resource: &Value) -> Vec<&str> {
    let of = |field| items(resource, field).iter().map(|problem| text(problem, "message"));
    of("errors").chain(of("warnings")).filter(|message| !message.is_empty()).collect()
}

/// A request's body: the fields that are given.
pub(super) fn body<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}
