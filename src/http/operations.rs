//! `POST /access_grants/create` and all others: one path an operation, its name.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method as HttpMethod, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::reply::{self, Refusal};
use super::{Door, request};
use crate::hub::{Answer, Method, Operation, operations};

/// Carries an operation out.
pub(super) async fn call(State(door): State<Arc<Door>>, request: Request) -> Response {
    let name = name_of(request.uri());
    let operation = operations().iter().find(|operation| operation.name == name);
    match operation {
        Some(operation) if *request.method() == HttpMethod::OPTIONS => {
            with_methods(StatusCode::NO_CONTENT.into_response(), operation)
        }
        Some(operation) if !takes(operation, request.method()) => {
            let methods = methods_of(operation);
            let refusal = Refusal::new("method_not_allowed", format!("{} takes {methods}", operation.name));
            with_methods(refusal.into_response(), operation)
        }
        _ => carry_out(&door, operation, request).await.unwrap_or_else(IntoResponse::into_response),
    }
}

/// Nothing is made of it but what it is: `/devices/list/` is another path, which there is not.
fn name_of(address: &Uri) -> &str {
    address.path().strip_prefix('/').unwrap_or_default()
}

/// An operation that is not there is asked for all the same: the hub says what there is instead.
async fn carry_out(door: &Door, operation: Option<&Operation>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let (_, caller) = door.caller(&parts.headers).await?;
    let once = request::idempotency_key(&parts.headers)?;
    let answer = match operation {
        Some(operation) => {
            let parameters = request::parameters(&parts, body, operation.fields(), &door.limits).await?;
            // From here on it is carried out even if the client goes away: the store does not stop a job.
            door.hub.call(&caller, operation.name, Value::Object(parameters), once).await
        }
        None => door.hub.call(&caller, name_of(&parts.uri), Value::Null, once).await,
    };
    let name = operation.map_or("?", |operation| operation.name);
    match &answer {
        Answer::Ok(_) => tracing::debug!(operation = name, caller = caller.name, "request carried out"),
        Answer::Error(error) => tracing::info!(operation = name, caller = caller.name, "request refused: {error}"),
    }
    Ok(reply::answer(answer))
}

/// Whether it can be asked for so. `HEAD` is `GET` without the body, which the layer below leaves out.
fn takes(operation: &Operation, method: &HttpMethod) -> bool {
    let method = if *method == HttpMethod::HEAD { "GET" } else { method.as_str() };
    operation.methods.iter().any(|known| known.name() == method)
}

fn methods_of(operation: &Operation) -> String {
    operation.methods.iter().copied().map(Method::name).collect::<Vec<_>>().join(", ")
}

fn with_methods(mut response: Response, operation: &Operation) -> Response {
    if let Ok(methods) = HeaderValue::from_str(&methods_of(operation)) {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}
