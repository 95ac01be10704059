//! The MQTT door: requests in, answers, events and retained state out.

mod companion;
mod connection;
mod publisher;
mod requests;
mod retained;
mod topics;
mod unlocking;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use self::companion::{Announcement, Companion};
use self::connection::{Connection, Ends, Message};
use self::publisher::Events;
pub use self::requests::Question;
use self::requests::Requests;
use self::retained::{OFFLINE, Retained};
use self::topics::Topics;
pub use self::topics::base_topic;
use self::unlocking::Unlocking;
use crate::config::MqttConfig;
use crate::hub::{BrokerState, Hub};

/// The broker gets this long to hear that the hub goes, twice: once for the word, once for the goodbye.
const GOODBYE: Duration = Duration::from_millis(400);

/// Whether a broker does what this hub needs of it, asked beside the hub, or without it.
///
/// # Errors
/// What it refuses, and what to do.
pub async fn try_broker(hub_name: &str, config: &MqttConfig) -> Result<(), String> {
    let topics = Topics::new(hub_name);
    let filter = topics.asked().into_iter().next().unwrap_or_default();
    connection::try_broker(config, &filter, &format!("{}/doctor", base_topic(hub_name))).await
}

/// Serves the hub over MQTT until `stop` turns true. Works on without a broker and comes back when it does.
/// `companion` is told of the hub and its devices in its own words; `state` is kept as the broker does.
pub async fn serve(
    hub_name: &str,
    config: &MqttConfig,
    companion: Option<Arc<dyn Companion>>,
    hub: Hub,
    state: watch::Sender<BrokerState>,
    mut stop: watch::Receiver<bool>,
) {
    let topics = match &companion {
        Some(companion) => Topics::new(hub_name).with_companion(companion.as_ref()),
        None => Topics::new(hub_name),
    };
    let offline =
        Message { topic: topics.status(), payload: OFFLINE.as_bytes().to_vec(), retain: true, correlation: None };
    let (connection, Ends { publisher, link, asked, kept, births }) =
        match Connection::new(config, offline.clone(), topics.clone(), state) {
            Ok(opened) => opened,
            Err(wrong) => return tracing::error!("{wrong}"),
        };
    let events = Events {
        hub: hub.clone(),
        topics: topics.clone(),
        publisher: publisher.clone(),
        changes: hub.changes(),
        link: link.clone(),
    };
    let retained = Retained::new(hub.clone(), topics.clone(), publisher.clone(), link.clone(), births, companion);
    let requests = Requests::new(hub, topics, publisher.clone(), Unlocking::new(config.unlock.clone()));
    // On its own: it alone must never wait for the others.
    let mut connection = tokio::spawn(connection.run());
    tokio::select! {
        () = requests.run(asked) => {}
        () = events.run() => {}
        () = retained.run(kept) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    if link.borrow().is_ready() {
        let told = async {
            if let Ok(pending) = publisher.publish(offline).await {
                let _ = pending.delivered().await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, told).await;
        publisher.disconnect(GOODBYE).await;
        let _ = tokio::time::timeout(GOODBYE, &mut connection).await;
    }
    connection.abort();
}
