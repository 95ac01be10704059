//! Answers and errors as they go over the wire.
//!
//! Whatever went wrong, and wherever: the body is Seam's envelope, `{"ok":false,"error":{"type","message",…}}`, with
//! `content-type: application/json`, and the status follows from the type alone. The message is for whoever wrote the
//! request; what only the owner of the hub should know is in the log, under the same `seam-request-id`. Only what is
//! no HTTP, or has no end of headers, gets a bare status from the layer below.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::hub::Answer;
use crate::model::ApiError;

/// An error on its way out.
pub(super) struct Refusal(ApiError);

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl Refusal {
    pub(super) fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self(ApiError::new(error_type, message))
    }

    /// Nobody that the hub knows. Not told why: Seam's clients drop the body, and who guesses learns nothing.
    pub(super) fn unauthorized() -> Self {
        Self::new("unauthorized", "send a key of this hub: authorization: Bearer seam_…")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = status_of(self.0.error_type);
        let mut response = json(status, &Answer::Error(self.0).to_json(None));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The answer of an operation.
pub(super) fn answer(answer: Answer) -> Response {
    match answer {
        Answer::Ok(_) => json(StatusCode::OK, &answer.to_json(None)),
        Answer::Error(error) => Refusal(error).into_response(),
    }
}

/// A JSON body. It may hold a PIN: nobody on the way should keep it.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    text(status, body.to_string())
}

/// A JSON body that is written already.
pub(super) fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The one place that knows which status goes with which error.
fn status_of(error_type: &str) -> StatusCode {
    match error_type {
        "unauthorized" => StatusCode::UNAUTHORIZED,
        "forbidden" => StatusCode::FORBIDDEN,
        "unknown_operation" => StatusCode::NOT_FOUND,
        "method_not_allowed" => StatusCode::METHOD_NOT_ALLOWED,
        "request_timeout" => StatusCode::REQUEST_TIMEOUT,
        "conflict" => StatusCode::CONFLICT,
        "payload_too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "too_many_streams" => StatusCode::TOO_MANY_REQUESTS,
        "internal_error" => StatusCode::INTERNAL_SERVER_ERROR,
        missing if missing.ends_with("_not_found") => StatusCode::NOT_FOUND,
        // `invalid_input`, `not_supported`, and whatever else is the caller's to change.
        _ => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_from_the_type() {
        for (error_type, status) in [
            ("invalid_input", 400),
            ("not_supported", 400),
            ("invalid_json", 400),
            ("no_code_available", 400),
            ("unauthorized", 401),
            ("forbidden", 403),
            ("device_not_found", 404),
            ("unknown_operation", 404),
            ("conflict", 409),
            ("internal_error", 500),
        ] {
            assert_eq!(status_of(error_type).as_u16(), status, "{error_type}");
        }
    }
}
