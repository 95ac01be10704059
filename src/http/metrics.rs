//! `GET /metrics`: how the hub does in numbers, for Prometheus. It asks for a key, of whichever role: names of doors and how
//! often they are used are nobody else's business.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Door, reply};

/// Of the text format (Prometheus, "Exposition formats").
const FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(super) async fn metrics(State(door): State<Arc<Door>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = door.caller(&headers).await {
        return refusal.into_response();
    }
    match door.hub.metrics().await {
        Ok(text) => {
            let mut response = reply::text(StatusCode::OK, text);
            response.headers_mut().insert(header::CONTENT_TYPE, FORMAT);
            response
        }
        Err(error) => door.failed(&error).into_response(),
    }
}
