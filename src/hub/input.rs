//! Reading the parameters of a request: every wrong one is named, and no value is ever quoted, since it may be a PIN.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::model::{ApiError, Timestamp};

/// The parameters of one request. Read each by name, then call [`Input::finish`], which refuses what is left over.
///
/// A parameter that is `null` counts as absent, but for [`Input::nullable_time`].
pub(super) struct Input {
    values: Map<String, Value>,
    read: BTreeSet<String>,
    wrong: BTreeMap<String, Vec<String>>,
}

impl Input {
    /// Takes the body of a request: a JSON object, or nothing.
    pub(super) fn new(body: Value) -> Result<Self, ApiError> {
        let values = match body {
            Value::Object(values) => values,
            Value::Null => Map::new(),
            other => {
                return Err(ApiError::new("invalid_input", format!("expected a JSON object, {}", received(&other))));
            }
        };
        Ok(Self { values, read: BTreeSet::new(), wrong: BTreeMap::new() })
    }

    /// Whether the parameter was given and is not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            other => self.refuse(name, format!("expected string, {}", received(&other))),
        }
    }

    /// A text that may be set to nothing: `Some(None)` is an explicit null.
    pub(super) fn nullable_text(&mut self, name: &str) -> Option<Option<String>> {
        if self.values.get(name).is_some_and(Value::is_null) {
            self.read.insert(name.to_owned());
            return Some(None);
        }
        self.text(name).map(Some)
    }

    pub(super) fn id<T: From<Uuid>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        match Uuid::parse_str(&text) {
            Ok(id) => Some(T::from(id)),
            Err(_) => self.refuse(name, "expected a UUID"),
        }
    }

    pub(super) fn required_id<T: From<Uuid>>(&mut self, name: &str) -> Option<T> {
        self.require(name);
        self.id(name)
    }

    pub(super) fn ids<T: From<Uuid>>(&mut self, name: &str) -> Option<Vec<T>> {
        let items = self.list(name)?;
        let mut ids = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item.as_str().map(Uuid::parse_str) {
                Some(Ok(id)) => ids.push(T::from(id)),
                Some(Err(_)) => return self.refuse(name, format!("item {index}: expected a UUID")),
                None => return self.refuse(name, format!("item {index}: expected string, {}", received(item))),
            }
        }
        Some(ids)
    }

    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let items = self.list(name)?;
        let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        match texts {
            Some(texts) => Some(texts),
            None => self.refuse(name, "expected an array of strings"),
        }
    }

    pub(super) fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.take(name)? {
            Value::Array(items) => Some(items),
            other => self.refuse(name, format!("expected array, {}", received(&other))),
        }
    }

    /// A nested object, to be read as an [`Input`] of its own; fold its errors in with [`Input::absorb`].
    pub(super) fn object(&mut self, name: &str) -> Option<Self> {
        let value = self.take(name)?;
        match Self::new(value) {
            Ok(input) => Some(input),
            Err(error) => self.refuse(name, error.message),
        }
    }

    pub(super) fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        match Timestamp::parse(&text) {
            Ok(time) => Some(time),
            Err(message) => self.refuse(name, message),
        }
    }

    /// A time that may be set to nothing: `Some(None)` is an explicit null.
    pub(super) fn nullable_time(&mut self, name: &str) -> Option<Option<Timestamp>> {
        if self.values.get(name).is_some_and(Value::is_null) {
            self.read.insert(name.to_owned());
            return Some(None);
        }
        self.time(name).map(Some)
    }

    /// A whole number within a range.
    pub(super) fn number(&mut self, name: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        match self.take(name)?.as_u64().filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                let message = format!("expected a whole number from {} to {}", range.start(), range.end());
                self.refuse(name, message)
            }
        }
    }

    /// Notes that a parameter is missing, unless it is there.
    pub(super) fn require(&mut self, name: &str) {
        if !self.has(name) {
            self.refuse::<()>(name, "required");
        }
    }

    /// Notes that a parameter is wrong.
    pub(super) fn refuse<T>(&mut self, name: &str, message: impl Into<String>) -> Option<T> {
        self.read.insert(name.to_owned());
        self.wrong.entry(name.to_owned()).or_default().push(message.into());
        None
    }

    /// Takes over the errors of a nested object, as `name.field`.
    pub(super) fn absorb(&mut self, name: &str, nested: Self) {
        if let Err(error) = nested.finish() {
            for (field, messages) in error.fields {
                for message in messages {
                    self.refuse::<()>(&format!("{name}.{field}"), message);
                }
            }
        }
    }

    /// Notes an error that was found elsewhere.
    pub(super) fn take_over(&mut self, error: ApiError) {
        for (field, messages) in error.fields {
            for message in messages {
                self.refuse::<()>(&field, message);
            }
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// `invalid_input` with every wrong parameter: mistyped, missing, or not known here.
    pub(super) fn finish(mut self) -> Result<(), ApiError> {
        let unknown: Vec<String> = self.values.keys().filter(|name| !self.read.contains(*name)).cloned().collect();
        for name in unknown {
            self.refuse::<()>(&name, "not a parameter of this operation");
        }
        if self.wrong.is_empty() {
            return Ok(());
        }
        let sentences: Vec<String> =
            self.wrong.iter().map(|(field, messages)| format!("{field}: {}", messages.join(", "))).collect();
        Err(ApiError { error_type: "invalid_input", message: sentences.join("; "), fields: self.wrong })
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.read.insert(name.to_owned());
        self.values.get_mut(name).map(Value::take).filter(|value| !value.is_null())
    }
}

fn received(value: &Value) -> &'static str {
    match value {
        Value::Null => "received null",
        Value::Bool(_) => "received boolean",
        Value::Number(_) => "received number",
        Value::String(_) => "received string",
        Value::Array(_) => "received array",
        Value::Object(_) => "received object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::DeviceId;

    #[test]
    fn every_wrong_parameter_is_named_at_once_and_no_value_is_quoted() {
        let body = json!({"code": 4711, "device_ids": ["nonsense-4711"], "starts_at": "4711", "surprise": "4711"});
        let mut input = Input::new(body).unwrap();
        input.text("code");
        input.ids::<DeviceId>("device_ids");
        input.time("starts_at");
        input.required_id::<DeviceId>("device_id");
        let error = input.finish().unwrap_err();
        assert_eq!(error.fields["code"], ["expected string, received number"]);
        assert_eq!(error.fields["device_ids"], ["item 0: expected a UUID"]);
        assert_eq!(error.fields["device_id"], ["required"]);
        assert_eq!(error.fields["surprise"], ["not a parameter of this operation"]);
        assert!(error.fields.contains_key("starts_at"));
        assert!(!error.message.contains("4711"), "{}", error.message);
    }

    #[test]
    fn null_is_absent_but_can_be_told_from_absent_where_it_means_something() {
        let mut input = Input::new(json!({"ends_at": null, "name": null})).unwrap();
        assert_eq!(input.nullable_time("ends_at"), Some(None));
        assert_eq!(input.nullable_time("starts_at"), None);
        assert_eq!(input.text("name"), None);
        assert!(input.finish().is_ok());
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        assert_eq!(Input::new(json!([1])).err().unwrap().message, "expected a JSON object, received array");
    }
}
