//! The table of operations: a name and a function. Every door dispatches through it.

use serde_json::{Map, Value};

use crate::model::ApiError;
use crate::store::Unit;

use super::input::Input;
use super::outcome::{Failure, Outcome};
use super::{access_codes, access_grants, access_methods, action_attempts, devices, events, locks, user_identities};

type Function = fn(&mut Unit<'_>, Input) -> Outcome;

/// Whether carrying an operation out twice would matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    Changes,
}

use Effect::{Changes, Reads};

const OPERATIONS: &[(&str, Effect, Function)] = &[
    ("access_codes/get", Reads, access_codes::get),
    ("access_codes/list", Reads, access_codes::list),
    ("access_codes/unmanaged/list", Reads, access_codes::list_unmanaged),
    ("access_grants/create", Changes, access_grants::create),
    ("access_grants/delete", Changes, access_grants::delete),
    ("access_grants/get", Reads, access_grants::get),
    ("access_grants/list", Reads, access_grants::list),
    ("access_grants/update", Changes, access_grants::update),
    ("access_methods/get", Reads, access_methods::get),
    ("access_methods/list", Reads, access_methods::list),
    ("action_attempts/get", Reads, action_attempts::get),
    ("action_attempts/list", Reads, action_attempts::list),
    ("devices/get", Reads, devices::get),
    ("devices/list", Reads, devices::list),
    ("events/get", Reads, events::get),
    ("events/list", Reads, events::list),
    ("locks/lock_door", Changes, locks::lock_door),
    ("locks/unlock_door", Changes, locks::unlock_door),
    ("user_identities/create", Changes, user_identities::create),
    ("user_identities/delete", Changes, user_identities::delete),
    ("user_identities/get", Reads, user_identities::get),
    ("user_identities/list", Reads, user_identities::list),
    ("user_identities/update", Changes, user_identities::update),
];

/// The names of all operations.
pub fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(name, ..)| *name)
}

/// Carries out one operation.
///
/// # Errors
/// What to answer.
pub(super) fn run(
    unit: &mut Unit<'_>,
    name: &str,
    body: Value,
    request_id: Option<&str>,
) -> Result<Map<String, Value>, ApiError> {
    let outcome = dispatch(unit, name, body, request_id);
    outcome.map_err(|failure| match failure {
        Failure::Refused(error) => error,
        Failure::Store(error) => super::internal(name, &error),
    })
}

fn dispatch(unit: &mut Unit<'_>, name: &str, body: Value, request_id: Option<&str>) -> Outcome {
    let Some((_, effect, function)) = OPERATIONS.iter().find(|(known, ..)| *known == name) else {
        return Err(unknown(name).into());
    };
    let Some(request_id) = request_id.filter(|_| *effect == Changes) else {
        return function(unit, Input::new(body)?);
    };
    // The same id with another question is a mistake of the caller, not a repetition.
    let question = format!("{name} {body}");
    if let Some((asked, answer)) = unit.answer_of(request_id)? {
        if asked != question {
            return Err(ApiError::invalid("request_id", "was already used for another request").into());
        }
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        return Ok(answer.as_object().cloned().unwrap_or_default());
    }
    let answer = function(unit, Input::new(body)?)?;
    unit.remember_answer(request_id, &question, &Value::Object(answer.clone()).to_string())?;
    Ok(answer)
}

fn unknown(name: &str) -> ApiError {
    let resource = name.split('/').next().unwrap_or_default();
    let alike: Vec<&str> = names().filter(|known| known.split('/').next() == Some(resource)).collect();
    let hint = if alike.is_empty() {
        let resources: std::collections::BTreeSet<&str> = names().filter_map(|known| known.split('/').next()).collect();
        format!("there are: {}", resources.into_iter().collect::<Vec<_>>().join(", "))
    } else {
        format!("there are: {}", alike.join(", "))
    };
    ApiError::new("unknown_operation", format!("there is no such operation; {hint}"))
}
