//! What is peculiar to a model of lock, by name: listed, asked of the lock, and set.

use std::collections::BTreeMap;

use keyway_lock::Parameter as LockParameter;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::action_attempts::OneActionAttempt;
use super::call::Call;
use super::locks::attempt;
use super::outcome::{Failure, no_device, response};
use super::parameter::{Parameter, Wrong};
use super::request::request;
use super::shape::Shape;
use crate::model::{ActionType, ApiError, DeviceId};

request! {
    /// Lists what can be set of a device that is peculiar to its model, and what it is as the device last said. Keyway's own.
    pub(super) struct ListParameters {
        /// Which device.
        device_id: DeviceId,
    }
}

request! {
    /// Asks a device what a parameter of its model is; the answer's action attempt tells what becomes of it, and then
    /// `devices/list_parameters` the value. Keyway's own.
    pub(super) struct ReadParameter {
        /// Which device.
        device_id: DeviceId,
        /// Which of its parameters.
        name: String,
    } accepts {
        /// Of no effect: the answer comes at once, and the action attempt tells the rest.
        sync: Option<bool>,
    }
}

request! {
    /// Sets a parameter of a device's model; the answer's action attempt tells what becomes of it. Keyway's own.
    pub(super) struct SetParameter {
        /// Which device.
        device_id: DeviceId,
        /// Which of its parameters.
        name: String,
        /// To what: one of its words, or a number.
        value: Setting,
    } accepts {
        /// Of no effect: the answer comes at once, and the action attempt tells the rest.
        sync: Option<bool>,
    }
}

response!(Parameters { parameters: Vec<ParameterResource> });

/// A parameter of a device's model.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = DeviceParameter)]
pub(super) struct ParameterResource {
    name: String,
    /// What it does.
    description: String,
    /// Words for values.
    values: BTreeMap<String, i64>,
    /// The least number that it takes beside those.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<i64>,
    /// The most.
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<i64>,
    /// It can be set, and not only read.
    can_be_set: bool,
    /// What it is, as the device last said; null: not asked yet.
    value: Option<i64>,
    /// The word for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_name: Option<String>,
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListParameters) -> Result<Parameters, Failure> {
    let known = known(call, asked.device_id)?;
    Ok(Parameters { parameters: known.iter().map(Into::into).collect() })
}

pub(super) fn read(call: &mut Call<'_, '_>, asked: ReadParameter) -> Result<OneActionAttempt, Failure> {
    find(&known(call, asked.device_id)?, &asked.name)?;
    attempt(call, asked.device_id, ActionType::ReadParameter(asked.name))
}

pub(super) fn set(call: &mut Call<'_, '_>, asked: SetParameter) -> Result<OneActionAttempt, Failure> {
    let known = known(call, asked.device_id)?;
    let parameter = find(&known, &asked.name)?;
    if !parameter.can_be_set {
        return Err(ApiError::invalid("name", "can only be read").into());
    }
    let value = match &asked.value {
        Setting::Word(word) => parameter.values.get(word).copied(),
        Setting::Number(number) => Some(*number).filter(|number| {
            let in_range = parameter.range.is_some_and(|(least, most)| (least..=most).contains(number));
            in_range || parameter.values.values().any(|known| known == number)
        }),
    };
    let value = value.ok_or_else(|| ApiError::invalid("value", expected(parameter)))?;
    attempt(call, asked.device_id, ActionType::SetParameter(asked.name, value))
}

fn known(call: &mut Call<'_, '_>, id: DeviceId) -> Result<Vec<LockParameter>, Failure> {
    let device = call.device(id)?.ok_or_else(no_device)?;
    Ok(device.info.map(|info| info.settings.parameters).unwrap_or_default())
}

fn find<'a>(known: &'a [LockParameter], name: &str) -> Result<&'a LockParameter, ApiError> {
    known.iter().find(|parameter| parameter.name == name).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|parameter| parameter.name.as_str()).collect();
        ApiError::invalid(
            "name",
            match names[..] {
                [] => "no parameters are known of this model: add them in a file of quirks".to_owned(),
                _ => format!("expected one of {}", names.join(", ")),
            },
        )
    })
}

fn expected(parameter: &LockParameter) -> String {
    let mut able: Vec<String> = parameter.values.keys().cloned().collect();
    able.extend(parameter.range.map(|(least, most)| format!("a number from {least} to {most}")));
    format!("expected one of {}", able.join(", "))
}

impl From<&LockParameter> for ParameterResource {
    fn from(parameter: &LockParameter) -> Self {
        let word = parameter.values.iter().find(|(_, value)| Some(**value) == parameter.value);
        Self {
            name: parameter.name.clone(),
            description: parameter.does.clone(),
            values: parameter.values.clone(),
            minimum: parameter.range.map(|(least, _)| least),
            maximum: parameter.range.map(|(_, most)| most),
            can_be_set: parameter.can_be_set,
            value: parameter.value,
            value_name: word.map(|(word, _)| word.clone()),
        }
    }
}

/// A value: a word, or a number, which may also come as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setting {
    Word(String),
    Number(i64),
}

impl Parameter for Setting {
    fn read(value: Value) -> Result<Self, Wrong> {
        match (value.as_i64(), value.as_str()) {
            (Some(number), _) => Ok(Self::Number(number)),
            (_, Some(text)) => Ok(text.parse().map_or_else(|_| Self::Word(text.to_owned()), Self::Number)),
            _ => Err(Wrong::here("expected a word or a whole number")),
        }
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": ["string", "integer"]})
    }
}
