//! `GET /events/stream`: the events of the hub as they happen, as server-sent events. Each is the JSON of `events/get`,
//! and has its `event_id` as id, so that who was away goes on where he was.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument;

use super::reply::Refusal;
use super::{Door, query};
use crate::hub::{Changes, FeedStart, Hub, StoreError};
use crate::model::{ApiError, EventId, KeyHash, Timestamp};

/// Events read at once, and how many may wait for a client that reads slowly.
const BATCH: usize = 64;
/// How soon a client should come back when it lost us.
const COME_BACK_AFTER: Duration = Duration::from_secs(2);

/// Answers with a stream that ends when the hub does, or the key is taken away.
pub(super) async fn stream(State(door): State<Arc<Door>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    match open(&door, &headers, query.as_deref()).await {
        Ok(events) => {
            let events = Sse::new(ReceiverStream::new(events));
            events.keep_alive(KeepAlive::new().interval(door.limits.keep_alive)).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

type Line = Result<Event, Infallible>;

async fn open(door: &Door, headers: &HeaderMap, query: Option<&str>) -> Result<mpsc::Receiver<Line>, Refusal> {
    let (key, _) = door.caller(headers).await?;
    let start = start(headers, query)?;
    let Ok(permit) = Arc::clone(&door.streams).try_acquire_owned() else {
        let message = format!("{} streams are open already, which is the most", door.limits.streams);
        return Err(Refusal::new("too_many_streams", message));
    };
    // First, so that nothing falls between what is read and what is heard of.
    let changes = door.hub.changes();
    let number = door.hub.feed_from(start).await.map_err(|error| door.failed(&error))?;
    let (lines, taken) = mpsc::channel(BATCH);
    let feed = Feed { hub: door.hub.clone(), key, number, changes, lines, _permit: permit };
    // Under the id of the request, so that the log says whose stream failed.
    tokio::spawn(feed.run(door.stop.clone()).in_current_span());
    Ok(taken)
}

/// `Last-Event-ID` is what a client adds that comes back, so it goes before what the address says.
fn start(headers: &HeaderMap, query: Option<&str>) -> Result<FeedStart, ApiError> {
    if let Some(last) = headers.get("last-event-id").filter(|last| !last.is_empty()) {
        let id = last.to_str().ok().and_then(|id| id.parse().ok()).map(EventId);
        return id.map(FeedStart::After).ok_or_else(|| ApiError::invalid("last-event-id", "expected a UUID"));
    }
    let mut start = FeedStart::Now;
    query::check(query.unwrap_or_default())?;
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match (&*name, start) {
            ("since", FeedStart::Now) => {
                start = FeedStart::Since(Timestamp::parse(&value).map_err(|wrong| ApiError::invalid("since", wrong))?);
            }
            ("since", _) => return Err(ApiError::invalid("since", "is given twice")),
            ("_strict", _) => {}
            (other, _) => return Err(ApiError::invalid(other, "not a parameter of this operation")),
        }
    }
    Ok(start)
}

/// Hands one client the events.
struct Feed {
    hub: Hub,
    key: KeyHash,
    number: u64,
    changes: broadcast::Receiver<Arc<Changes>>,
    lines: mpsc::Sender<Line>,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let gone = self.lines.clone();
        tokio::select! {
            outcome = self.feed() => {
                if let Err(error) = outcome {
                    tracing::error!(%error, "a stream of events ends: the store failed");
                }
            }
            () = gone.closed() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn feed(&mut self) -> Result<(), StoreError> {
        if self.lines.send(Ok(Event::default().retry(COME_BACK_AFTER))).await.is_err() {
            return Ok(());
        }
        loop {
            let events = self.hub.feed(self.number, BATCH).await?;
            // Asked before each time that something is told, so that a key that was taken away opens nothing.
            if !events.is_empty() && self.hub.caller_of(self.key).await?.is_none() {
                return Ok(());
            }
            let more = events.len() == BATCH;
            for (number, id, json) in events {
                let event = Event::default().id(id.to_string()).data(json.to_string());
                if self.lines.send(Ok(event)).await.is_err() {
                    return Ok(());
                }
                self.number = number;
            }
            if !more && !self.wait().await {
                return Ok(());
            }
        }
    }

    /// Waits until there may be more. False: never again.
    async fn wait(&mut self) -> bool {
        loop {
            match self.changes.recv().await {
                Ok(changes) if !changes.events => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return true,
                Err(broadcast::error::RecvError::Closed) => return false,
            }
        }
    }
}
