//! Query strings, read by what the operation says of its parameters: a query has only text, and one element of a list
//! looks like a text.
//!
//! - A list is its key repeated; a comma is data. `name=` is the empty list.
//! - The members of an object are dotted: `custom_metadata_has.a=b`; or in brackets, `custom_metadata_has[a]=b`, which
//!   is all that a description in OpenAPI can say of them.
//! - Elsewhere `name=` is null.
//! - A number and a boolean are what JSON calls so.
//! - `_strict`, which Seam's clients add, is no parameter.
//!
//! What does not fit stays as it is, so that the operation's own check refuses it in the words in which it refuses a
//! JSON body: a text where a number should be, a list where one value should be, a name that it does not know.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::hub::{Field, Shape};
use crate::model::ApiError;

/// What Seam's clients add to every query that is not empty.
const MARK: &str = "_strict";

/// Reads the query of a request (`None` and empty alike: no parameters) to an operation with these parameters.
///
/// # Errors
/// `invalid_input` where a `%` is followed by no two hexadecimal digits, or what they say is not UTF-8.
pub(super) fn read(query: Option<&str>, fields: &[Field]) -> Result<Map<String, Value>, ApiError> {
    let query = query.unwrap_or_default();
    check(query)?;
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != MARK) {
        given.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    Ok(object(given, fields))
}

/// The decoder would replace what it can't read; a request that was garbled must not be carried out.
pub(super) fn check(query: &str) -> Result<(), ApiError> {
    let digit =
        |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let mut decoded = Vec::with_capacity(query.len());
    let mut bytes = query.as_bytes().iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
            let message = "the query string has a % that is not followed by two hexadecimal digits";
            return Err(ApiError::new("invalid_input", message));
        };
        decoded.push(high << 4 | low);
    }
    // Names and values are separated by ASCII, so the whole is UTF-8 when each of them is.
    match std::str::from_utf8(&decoded) {
        Ok(_) => Ok(()),
        Err(_) => Err(ApiError::new("invalid_input", "the query string is not UTF-8")),
    }
}

fn object(given: BTreeMap<String, Vec<String>>, fields: &[Field]) -> Map<String, Value> {
    let mut object = Map::new();
    let mut members: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for (name, values) in given {
        match (shape(fields, &name), member_of(&name)) {
            (Some(shape), _) => _ = object.insert(name, value(values, shape)),
            (None, Some((outer, inner))) if has_members(fields, outer) => {
                members.entry(outer.to_owned()).or_default().insert(inner.to_owned(), values);
            }
            // Not a parameter, which the operation will say.
            (None, _) => _ = object.insert(name, one(values, Value::String)),
        }
    }
    for (name, members) in members {
        let members = match shape(fields, &name) {
            Some(Shape::Object(fields)) => self::object(members, fields),
            _ => members.into_iter().map(|(name, values)| (name, one(values, Value::String))).collect(),
        };
        // Beside a value of its own the object has two, which the operation will not take.
        let value = match object.remove(&name) {
            Some(value) => Value::Array(vec![value, Value::Object(members)]),
            None => Value::Object(members),
        };
        object.insert(name, value);
    }
    object
}

fn shape<'a>(fields: &'a [Field], name: &str) -> Option<&'a Shape> {
    fields.iter().find(|field| field.name == name).map(|field| &field.shape)
}

/// The object's name and its member's.
fn member_of(name: &str) -> Option<(&str, &str)> {
    let at = name.find(['.', '['])?;
    let (outer, inner) = (&name[..at], &name[at + 1..]);
    if name[at..].starts_with('[') { Some((outer, inner.strip_suffix(']')?)) } else { Some((outer, inner)) }
}

fn has_members(fields: &[Field], name: &str) -> bool {
    matches!(shape(fields, name), Some(Shape::Object(_) | Shape::Map))
}

fn value(values: Vec<String>, shape: &Shape) -> Value {
    let empty = matches!(values.as_slice(), [value] if value.is_empty());
    match shape {
        Shape::List(_) if empty => Value::Array(Vec::new()),
        Shape::List(item) => values.into_iter().map(|value| single(value, item)).collect(),
        _ if empty => Value::Null,
        _ => one(values, |value| single(value, shape)),
    }
}

/// One value, or a list that the operation will not take.
fn one(values: Vec<String>, read: impl Fn(String) -> Value) -> Value {
    let mut values: Vec<Value> = values.into_iter().map(read).collect();
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}

fn single(text: String, shape: &Shape) -> Value {
    match (shape, text.as_str()) {
        (Shape::Boolean, "true") => Value::Bool(true),
        (Shape::Boolean, "false") => Value::Bool(false),
        // Not the spaces that JSON allows around it.
        (Shape::Number, number) if !number.contains(char::is_whitespace) => {
            serde_json::from_str::<serde_json::Number>(number).map_or(Value::String(text), Value::Number)
        }
        _ => Value::String(text),
    }
}

#[cfg(test)]
mod tests;
