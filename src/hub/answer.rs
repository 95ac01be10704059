//! What an operation answers, and how it is written.

use serde_json::{Map, Value, json};

use crate::model::ApiError;

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was carried out: the resource under its name, as a JSON object. May hold PINs.
    Ok(Map<String, Value>),
    /// It was not.
    Error(ApiError),
}

impl Answer {
    /// The JSON that goes out: `{"ok":true,…}` or `{"ok":false,"error":{…}}`, with the `request_id` if there was one.
    pub fn to_json(&self, request_id: Option<&str>) -> Value {
        let mut body = match self {
            Self::Ok(body) => {
                let mut body = body.clone();
                body.insert("ok".to_owned(), Value::Bool(true));
                body
            }
            Self::Error(error) => {
                Map::from_iter([("ok".to_owned(), Value::Bool(false)), ("error".to_owned(), error_json(error))])
            }
        };
        if let Some(id) = request_id {
            body.insert("request_id".to_owned(), Value::String(id.to_owned()));
        }
        Value::Object(body)
    }
}

/// As Seam writes errors: type and message always, and for `invalid_input` what is wrong by parameter.
fn error_json(error: &ApiError) -> Value {
    let mut json = json!({"type": error.error_type, "message": error.message});
    if !error.fields.is_empty() {
        let mut fields = Map::from_iter([("_errors".to_owned(), json!([]))]);
        for (field, messages) in &error.fields {
            fields.insert(field.clone(), json!({"_errors": messages}));
        }
        json["validation_errors"] = Value::Object(fields);
        json["data"] = json!({"fields": error.fields});
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_field_as_seam_does() {
        let json = Answer::Error(ApiError::invalid("ends_at", "must be after starts_at")).to_json(Some("r1"));
        assert_eq!(json["ok"], false);
        assert_eq!(json["request_id"], "r1");
        assert_eq!(json["error"]["type"], "invalid_input");
        assert_eq!(json["error"]["validation_errors"]["ends_at"]["_errors"][0], "must be after starts_at");
    }
}
