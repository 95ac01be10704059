//! Why a command could not do what it was told, in words for people, and with which exit code it ends.

use std::collections::BTreeMap;

use serde_json::Value;

/// Why a command ends early.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Trouble {
    /// The hub said no.
    #[error("{0}")]
    Refused(Refusal),
    /// It was carried out, or tried, and did not come out well; what is to be known.
    #[error("{0}")]
    Failed(String),
    /// The command can't be understood, or not without a guess; what to write.
    #[error("{0}")]
    Usage(String),
    /// No hub answers; what to look at.
    #[error("{0}")]
    Unreachable(String),
    /// Nobody reads the answer any more, as after `| head`.
    #[error("nobody reads the answer")]
    Unread,
}

/// The hub's answer when it does not do what it was asked.
#[derive(Debug)]
pub(in crate::cli) struct Refusal {
    /// For programs: which refusal it is.
    kind: String,
    /// For people: what is wrong and what to do.
    pub(super) message: String,
    /// What is wrong by field; empty unless `invalid_input`.
    pub(super) fields: BTreeMap<String, Vec<String>>,
    /// The answer as it came, for `--json`.
    pub(super) json: String,
}

/// The fields of requests that have an option of another name, longest first.
const OPTIONS: &[(&str, &str)] = &[
    ("requested_access_methods[0].preferred_code_length", "--code-length"),
    ("requested_access_methods[0].code", "--code"),
    ("requested_access_methods[0].mode", "PIN"),
    ("user_identity.email_address", "--email"),
    ("user_identity.phone_number", "--phone"),
    ("user_identity.full_name", "--name"),
    ("preferred_code_length", "--code-length"),
    ("user_identity_id", "--user"),
    ("user_identity_key", "--key"),
    ("access_grant_key", "--key"),
    ("email_address", "--email"),
    ("phone_number", "--phone"),
    ("schedule.time_zone", "--time-zone"),
    ("schedule.duration", "--duration"),
    ("schedule.cron", "--cron"),
    ("event_types", "--event"),
    ("event_type", "--type"),
    ("device_ids", "--device"),
    ("space_key", "--key"),
    ("space_ids", "--space"),
    ("starts_at", "--from"),
    ("full_name", "--name"),
    ("device_id", "--device"),
    ("ends_at", "--to"),
    ("code", "--code"),
];

impl Trouble {
    /// The process's exit code: 1 refused or failed, 2 not understood, 3 no hub; 0 when nobody wants to know more.
    pub(in crate::cli) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Unread => 0,
        }
    }

    /// A mistake in a time, named by its option.
    pub(super) fn usage(option: &str, message: impl std::fmt::Display) -> Self {
        Self::Usage(format!("{option}: {message}"))
    }
}

impl Refusal {
    /// Reads an error answer of the API; `None`: it is not one.
    pub(super) fn read(json: &str, answer: &Value) -> Option<Self> {
        let error = answer.get("error").filter(|error| error.get("type").is_some_and(Value::is_string))?;
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        let messages = |errors: &Value| -> Vec<String> {
            let errors = errors.get("_errors").and_then(Value::as_array);
            errors.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let fields = error.get("validation_errors").and_then(Value::as_object);
        let fields = fields.into_iter().flatten().map(|(field, errors)| (field.clone(), messages(errors)));
        Some(Self {
            kind: text("type")?,
            message: text("message")?,
            fields: fields.filter(|(_, messages)| !messages.is_empty()).collect(),
            json: json.to_owned(),
        })
    }

    /// Whether it is of this type.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.fields.is_empty() {
            return f.write_str(&self.message);
        }
        let line = |(field, messages): (&String, &Vec<String>)| {
            let option = OPTIONS.iter().find(|(name, _)| name == field).map_or(field.as_str(), |(_, option)| option);
            format!("{option}: {}", messages.join(", "))
        };
        f.write_str(&self.fields.iter().map(line).collect::<Vec<_>>().join("\n        "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_told_by_the_option_that_was_written() {
        let answer = json!({"ok": false, "error": {"type": "invalid_input", "message": "…", "validation_errors": {
            "_errors": [],
            "ends_at": {"_errors": ["must be after starts_at"]},
            "requested_access_methods[0].code": {"_errors": ["is taken on Front door"]},
        }}});
        let refusal = Refusal::read(&answer.to_string(), &answer).unwrap();
        assert_eq!(refusal.to_string(), "--to: must be after starts_at\n        --code: is taken on Front door");
    }

    #[test]
    fn another_error_is_told_in_the_words_of_the_hub() {
        let answer = json!({"error": {"type": "device_not_found", "message": "there is no device of this id"}});
        let refusal = Refusal::read("", &answer).unwrap();
        assert_eq!(refusal.to_string(), "there is no device of this id");
        assert!(Refusal::read("", &json!({"hello": "world"})).is_none());
    }
}
