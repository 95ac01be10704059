//! Writes what happens into the log: one line an event, for whoever looks for it there and has no broker at hand.

use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;

use crate::clock::Clock;
use crate::model::{DeviceId, Event};
use crate::store::{Store, StoreError, Unit};

/// Events read at once.
const BATCH: usize = 64;

/// Works until the store is closed. What happened before this start is in the log already.
pub(super) async fn write(store: Store, clock: Arc<dyn Clock>) {
    let mut changes = store.subscribe();
    let mut written = None;
    loop {
        match next(&store, clock.as_ref(), written).await {
            Ok((number, _)) if written.is_none() => written = Some(number),
            Ok((number, events)) => {
                for (event, device) in &events {
                    line(event, device.as_deref());
                }
                written = Some(number);
                if events.len() == BATCH {
                    continue;
                }
            }
            Err(error) => tracing::error!(%error, "can't read what happened"),
        }
        loop {
            match changes.recv().await {
                Ok(changes) if !changes.events => {}
                Ok(_) | Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }
}

type Events = Vec<(Event, Option<String>)>;

/// The events after a number, with the names of their devices, and the number of the last; without a number, only that
/// of the newest.
async fn next(store: &Store, clock: &dyn Clock, after: Option<u64>) -> Result<(u64, Events), StoreError> {
    let job = move |unit: &mut Unit<'_>| {
        let Some(after) = after else { return Ok((unit.newest_event()?, Vec::new())) };
        let events = unit.outbox_after(after, BATCH)?;
        let number = events.last().map_or(after, |(number, _)| *number);
        let mut named = Vec::with_capacity(events.len());
        for (_, event) in events {
            let name = event.subject.device_id.map(|id| name(unit, id)).transpose()?;
            named.push((event, name));
        }
        Ok((number, named))
    };
    store.run(clock.now().utc, job).await?
}

fn name(unit: &mut Unit<'_>, device: DeviceId) -> Result<String, StoreError> {
    Ok(unit.device(device)?.map_or_else(|| device.to_string(), |device| device.name))
}

fn line(event: &Event, device: Option<&str>) {
    let subject = &event.subject;
    tracing::info!(
        device,
        grant = subject.access_grant_id.map(tracing::field::display),
        person = subject.user_identity_id.map(tracing::field::display),
        attempt = subject.action_attempt_id.map(tracing::field::display),
        method = event.details.get("method").and_then(|method| method.as_str()),
        "{}",
        event.event_type.name()
    );
}
