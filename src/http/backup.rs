//! `POST /backup`: a backup of the running hub as one encrypted file, for a key with the role admin.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio_stream::wrappers::ReceiverStream;
use zeroize::Zeroizing;

use super::reply::Refusal;
use super::{Door, request};
use crate::model::ApiError;

/// Answers with the file. The body is `{"passphrase": "…"}`: never in the address, which others write down.
pub(super) async fn back_up(State(door): State<Arc<Door>>, request: Request) -> Response {
    answer(&door, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(door: &Door, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let (_, caller) = door.caller(&parts.headers).await?;
    let mut parameters = request::read(body, &door.limits).await?;
    let passphrase = match parameters.remove("passphrase") {
        Some(Value::String(text)) => Zeroizing::new(text),
        _ => return Err(ApiError::invalid("passphrase", "expected string").into()),
    };
    if let Some(other) = parameters.keys().next() {
        return Err(ApiError::invalid(other, "not a parameter of this operation").into());
    }
    let pieces = door.hub.back_up(&caller, passphrase).await?;
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(pieces)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
