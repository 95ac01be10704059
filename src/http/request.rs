//! Reading a request: who sends it, what is in its query and its body, and the key under which it is carried out once.

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::reply::Refusal;
use super::{Limits, query};
use crate::hub::Field;
use crate::model::ApiError;

/// Header by which a client says that this is the same request again.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Its longest value, as long as a `request_id` over MQTT.
const LONGEST_KEY: usize = 256;

/// The key that the request carries, if it carries one at all.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// What makes a repetition of this request the same request.
///
/// # Errors
/// `invalid_input`.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        Ok(_) | Err(_) => {
            Err(ApiError::invalid(IDEMPOTENCY_KEY, format!("expected 1 to {LONGEST_KEY} characters of ASCII")))
        }
    }
}

/// The parameters of an operation, from the query string and the JSON body alike.
///
/// # Errors
/// What to answer: the body is too large, too slow or no JSON object, or a parameter is in both.
pub(super) async fn parameters(
    parts: &Parts,
    body: Body,
    fields: &[Field],
    limits: &Limits,
) -> Result<Map<String, Value>, Refusal> {
    let mut parameters = query::read(parts.uri.query(), fields)?;
    for (name, value) in read(body, limits).await? {
        if parameters.contains_key(&name) {
            return Err(ApiError::invalid(&name, "is in the query and in the body").into());
        }
        parameters.insert(name, value);
    }
    Ok(parameters)
}

/// An empty body is an empty object whatever its content type, since Seam's older clients send a form of nothing. A
/// content type is not asked for either: what is a JSON object is meant as one.
pub(super) async fn read(body: Body, limits: &Limits) -> Result<Map<String, Value>, Refusal> {
    let not_json = |message: String| Err(Refusal::new("invalid_json", message));
    let bytes = match tokio::time::timeout(limits.body_within, to_bytes(body, limits.body_size)).await {
        Ok(Ok(bytes)) => bytes,
        // Also a client that went away, who hears nothing of it.
        Ok(Err(_)) => {
            let message = format!("a request may have up to {} bytes", limits.body_size);
            return Err(Refusal::new("payload_too_large", message));
        }
        Err(_) => return Err(Refusal::new("request_timeout", "the body did not arrive in time")),
    };
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) if text.trim().is_empty() => return Ok(Map::new()),
        Ok(text) => text,
        Err(error) => return not_json(format!("the body is not UTF-8 from byte {} on", error.valid_up_to())),
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => not_json("the body should be a JSON object: {…}".to_owned()),
        Err(error) => not_json(format!("the body is not JSON: {error}")),
    }
}
