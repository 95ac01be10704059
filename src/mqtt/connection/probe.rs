//! Asks a broker once for what the hub needs of it.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, Packet, PublishOptions, QoS};

use super::{options, refusal};
use crate::config::MqttConfig;

/// All of it takes no longer, or the broker does not answer.
const WITHIN: Duration = Duration::from_secs(10);

/// Logs in under a client id of its own, so that a hub is not thrown out; subscribes to `filter`; publishes nothing of
/// meaning at `topic`.
///
/// # Errors
/// What it refuses, and what to do.
pub(in crate::mqtt) async fn try_broker(config: &MqttConfig, filter: &str, topic: &str) -> Result<(), String> {
    let config = MqttConfig { client_id: format!("{}-doctor", config.client_id), ..config.clone() };
    let shown = format!("{}:{}", config.host, config.port);
    let silent = Err(format!("the broker {shown} does not answer: is mqtt.url right, and is that an MQTT broker?"));
    tokio::time::timeout(WITHIN, ask(&config, filter, topic, &shown)).await.unwrap_or(silent)
}

async fn ask(config: &MqttConfig, filter: &str, topic: &str, shown: &str) -> Result<(), String> {
    let (client, mut events) = AsyncClient::builder(options(config, None)?).capacity(4).build();
    let lost = |error| format!("no connection to the MQTT broker {shown}: {error}");
    let mut published = None;
    loop {
        let event = events.poll().await;
        match event.map_err(|error| lost(refusal::no_connection(&error, &config.client_id)))? {
            Event::Incoming(Packet::ConnAck(_)) => {
                client.subscribe(filter, QoS::AtLeastOnce).await.map_err(|error| lost(error.to_string()))?;
            }
            Event::Incoming(Packet::SubAck(suback)) => {
                if let Some(refused) = suback.return_codes.iter().find_map(|code| refusal::not_subscribed(filter, code))
                {
                    return Err(refused);
                }
                let options = PublishOptions::new(QoS::AtLeastOnce);
                let notice = client.publish_tracked(topic, b"{}".to_vec(), options).await;
                published = Some(notice.map_err(|error| lost(error.to_string()))?);
            }
            Event::Incoming(Packet::PubAck(_)) => {
                let Some(notice) = published.take() else { continue };
                let taken = notice.wait_completion_async().await;
                return taken
                    .map_err(|error| refusal::not_published(topic, &error).unwrap_or_else(|| lost(error.to_string())));
            }
            _ => {}
        }
    }
}
