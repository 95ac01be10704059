//! Every answer has an id, by which a request can be found in the log.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tracing::Instrument;
use uuid::{Builder, Uuid};

use super::Door;

/// Header with the id, as Seam names it.
const REQUEST_ID: &str = "seam-request-id";

/// Where the ids come from.
pub(super) struct Stamps(Mutex<StdRng>);

impl Stamps {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self(Mutex::new(StdRng::from_seed(seed)))
    }

    fn next(&self) -> Uuid {
        let mut random = [0; 16];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut random);
        Builder::from_random_bytes(random).into_uuid()
    }
}

/// Answers a request under an id of its own.
pub(super) async fn stamp(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let id = door.stamps.next();
    let span = tracing::info_span!("http", %id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
