//! The HTTP door: Seam's API, as its clients speak it, and a stream of events.
//!
//! - `GET|POST|PUT|PATCH|DELETE /<operation>`: every operation of the hub, by each of its methods.
//! - `GET /events/stream`: what happens, as it happens.
//! - `POST /backup`: everything that the hub has, in one encrypted file.
//! - `GET /metrics`: how the hub does in numbers, for Prometheus.
//! - `GET /openapi.json` and `GET /health`: for anybody, since nothing in them is secret.
//!
//! All else needs `authorization: Bearer <key>`. A key is looked up in the store at every request, so one that was
//! deleted opens nothing from then on.

mod backup;
mod listener;
mod local_key;
mod metrics;
mod operations;
mod patience;
mod query;
mod reply;
mod request;
mod stamp;
mod stream;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use self::reply::Refusal;
use self::stamp::Stamps;
use crate::config::HttpConfig;
use crate::hub::{Caller, Hub, StoreError, openapi};
use crate::model::KeyHash;

/// Pause before a port that can't be listened at is tried again.
const LISTEN_RETRY: Duration = Duration::from_secs(2);

/// What anybody may cost us.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Connections at once; who comes then waits.
    connections: usize,
    /// Streams of events at once; who comes then is refused.
    streams: usize,
    /// Bytes of a request's head.
    header_size: usize,
    /// Bytes of a request's body.
    body_size: usize,
    /// How long a head may take to arrive, and a connection may be idle before it does.
    header_within: Duration,
    /// How long a body may take to arrive.
    body_within: Duration,
    /// How long a client may take nothing of an answer.
    write_within: Duration,
    /// How often a stream on which nothing happens shows that it lives.
    keep_alive: Duration,
    /// Pause after a connection could not be taken.
    accept_retry: Duration,
    /// How long those who are being answered when the hub stops may take.
    stop_within: Duration,
}

const LIMITS: Limits = Limits {
    connections: 128,
    streams: 16,
    header_size: 32 * 1024,
    body_size: 1024 * 1024,
    header_within: Duration::from_secs(60),
    body_within: Duration::from_secs(30),
    write_within: Duration::from_secs(30),
    keep_alive: Duration::from_secs(15),
    accept_retry: Duration::from_secs(1),
    stop_within: Duration::from_millis(700),
};

/// Serves the hub over HTTP until `stop` turns true. Works on without its port, and takes it when it is free. `seed`
/// feeds the ids of requests.
pub async fn serve(config: &HttpConfig, seed: [u8; 32], hub: Hub, mut stop: watch::Receiver<bool>) {
    if let Err(error) = local_key::ensure(&hub, &config.local_key).await {
        tracing::error!("programs on this machine have no key to ask with: {error}");
    }
    let listener = tokio::select! {
        listener = listen(config.listen) => listener,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match listener.local_addr() {
        Ok(address) => tracing::info!("listening at http://{address}"),
        Err(error) => tracing::warn!("listening, at an address that the system does not tell: {error}"),
    }
    let door = Door::new(hub, seed, LIMITS, stop.clone());
    listener::serve(listener, LIMITS, router(door), stop).await;
}

/// Takes the port, as soon as it can be had.
async fn listen(address: SocketAddr) -> TcpListener {
    let mut told = String::new();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => {
                // Once: a person must act, but reads it as well when it is said only once.
                let error = error.to_string();
                if told != error {
                    tracing::error!("can't listen at {address} (http.listen): {error}; trying on");
                    told = error;
                }
            }
        }
        tokio::time::sleep(LISTEN_RETRY).await;
    }
}

/// What `/openapi.json` answers: made once, since anybody may ask for it.
static DESCRIPTION: LazyLock<String> = LazyLock::new(|| openapi().to_string());

fn router(door: Door) -> Router {
    let door = Arc::new(door);
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(async || reply::text(StatusCode::OK, DESCRIPTION.as_str())))
        .route("/events/stream", get(stream::stream))
        .route("/backup", post(backup::back_up))
        .fallback(operations::call)
        .method_not_allowed_fallback(async || Refusal::new("method_not_allowed", "this path takes another method"))
        .layer(from_fn_with_state(Arc::clone(&door), stamp::stamp))
        .with_state(door)
}

/// Whether the hub works, through the store and back. Its version is in its description as well.
async fn health(State(door): State<Arc<Door>>) -> Response {
    match door.hub.info().await {
        Ok(info) => {
            let body = json!({"ok": true, "version": info["version"], "clock_trusted": info["clock_trusted"]});
            reply::json(StatusCode::OK, &body)
        }
        Err(error) => door.failed(&error).into_response(),
    }
}

/// What every request needs.
struct Door {
    hub: Hub,
    stamps: Stamps,
    limits: Limits,
    streams: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Door {
    fn new(hub: Hub, seed: [u8; 32], limits: Limits, stop: watch::Receiver<bool>) -> Self {
        Self { hub, stamps: Stamps::new(seed), limits, streams: Arc::new(Semaphore::new(limits.streams)), stop }
    }

    /// Who asks, and the key that he shows.
    async fn caller(&self, headers: &HeaderMap) -> Result<(KeyHash, Caller), Refusal> {
        let key = KeyHash::of(request::bearer(headers).ok_or_else(Refusal::unauthorized)?);
        match self.hub.caller_of(key).await {
            Ok(Some(caller)) => Ok((key, caller)),
            Ok(None) => {
                tracing::info!("a request with a key that this hub does not know is refused");
                Err(Refusal::unauthorized())
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The store failed: the caller learns that it is not his fault, the log learns why.
    fn failed(&self, error: &StoreError) -> Refusal {
        tracing::error!(%error, "the store failed");
        Refusal::new("internal_error", "the hub could not read or write its database; see its log")
    }
}
