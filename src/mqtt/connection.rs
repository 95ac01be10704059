//! The connection to the broker: the only file that knows the MQTT crate.

use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Packet, PublishNotice,
    PublishOptions, PublishProperties, QoS,
};
use tokio::sync::mpsc;

use crate::config::MqttConfig;

/// Seconds of silence after which broker and hub give each other up.
const KEEP_ALIVE_SECONDS: u16 = 15;
/// Pause before a lost broker is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// The largest packet taken from the broker, in bytes. Far above any request, so that one that is too large can be
/// answered with an error rather than with silence.
const LARGEST_PACKET: u32 = 32 << 20;
/// Publishes queued for the network before a publisher waits.
const QUEUE: usize = 64;

/// A message for the broker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) retain: bool,
    /// MQTT 5 correlation data of the request that this answers.
    pub(super) correlation: Option<Vec<u8>>,
}

/// What comes from the broker.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The hub is connected and subscribed.
    Connected,
    /// The connection is gone.
    Lost,
    /// A message came in.
    Message {
        topic: String,
        payload: Vec<u8>,
        retained: bool,
        response_topic: Option<String>,
        correlation: Option<Vec<u8>>,
    },
}

/// Sends; may be cloned.
#[derive(Clone)]
pub(super) struct Publisher {
    client: AsyncClient,
}

/// A publish that was handed over and is waiting for the broker's word.
pub(super) struct Pending(PublishNotice);

impl Pending {
    /// Waits until the broker has it. False: it never will.
    pub(super) async fn delivered(self) -> bool {
        self.0.wait_completion_async().await.is_ok()
    }
}

impl Publisher {
    /// Hands over a message, QoS 1. `None`: the connection's task has ended.
    pub(super) async fn publish(&self, message: Message) -> Option<Pending> {
        let properties = message
            .correlation
            .map(|data| PublishProperties { correlation_data: Some(data.into()), ..PublishProperties::default() });
        let mut options = PublishOptions::new(QoS::AtLeastOnce).retain(message.retain);
        if let Some(properties) = properties {
            options = options.properties(properties);
        }
        self.client.publish_tracked(message.topic, message.payload, options).await.ok().map(Pending)
    }

    /// Says goodbye, once everything handed over is out.
    pub(super) async fn disconnect(&self, within: Duration) {
        // A broker that is gone needs no goodbye.
        let _ = self.client.disconnect_with_timeout(within).await;
    }
}

/// Connects, stays connected, and hands on what comes in.
pub(super) struct Connection {
    events: EventLoop,
    client: AsyncClient,
    subscriptions: Vec<String>,
    incoming: mpsc::Sender<Incoming>,
    shown: String,
}

impl Connection {
    /// `will` is what the broker says when the hub vanishes.
    pub(super) fn new(
        config: &MqttConfig,
        will: Message,
        subscriptions: Vec<String>,
        incoming: mpsc::Sender<Incoming>,
    ) -> (Self, Publisher) {
        let mut options = MqttOptions::new(&config.client_id, (config.host.clone(), config.port));
        options.set_keep_alive(KEEP_ALIVE_SECONDS);
        options.set_max_packet_size(Some(LARGEST_PACKET));
        options.set_last_will(LastWill::new(will.topic, will.payload, QoS::AtLeastOnce, will.retain, None));
        match (&config.username, &config.password) {
            (Some(name), Some(password)) => {
                options.set_credentials(name, password.expose().to_owned());
            }
            (Some(name), None) => {
                options.set_username(name);
            }
            (None, _) => {}
        }
        let (client, events) = AsyncClient::builder(options).capacity(QUEUE).build();
        let shown = format!("{}:{}", config.host, config.port);
        let publisher = Publisher { client: client.clone() };
        (Self { events, client, subscriptions, incoming, shown }, publisher)
    }

    /// Works until it is disconnected on purpose or nobody listens any more.
    pub(super) async fn run(mut self) {
        let mut connected = false;
        let mut refused = None;
        loop {
            match self.events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    tracing::info!(broker = %self.shown, "connected to the MQTT broker");
                    (connected, refused) = (true, None);
                    for topic in &self.subscriptions {
                        // Fails only when the queue is full, which it is not just after connecting; the connection
                        // would be made anew at the next loss.
                        if self.client.try_subscribe(topic.as_str(), QoS::AtLeastOnce).is_err() {
                            tracing::error!(topic, "can't subscribe");
                        }
                    }
                }
                Ok(Event::Incoming(Packet::SubAck(_))) => {
                    if self.incoming.send(Incoming::Connected).await.is_err() {
                        return;
                    }
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    let properties = publish.properties.unwrap_or_default();
                    let message = Incoming::Message {
                        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                        payload: publish.payload.to_vec(),
                        retained: publish.retain,
                        response_topic: properties.response_topic,
                        correlation: properties.correlation_data.map(|data| data.to_vec()),
                    };
                    if self.incoming.send(message).await.is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(ConnectionError::RequestsDone) => return,
                Err(error) => {
                    if std::mem::take(&mut connected) {
                        tracing::warn!(broker = %self.shown, "connection to the MQTT broker lost");
                        if self.incoming.send(Incoming::Lost).await.is_err() {
                            return;
                        }
                    }
                    // One line a cause, not one a try.
                    let cause = cause(&error);
                    if refused.as_ref() != Some(&cause) {
                        tracing::warn!(broker = %self.shown, "can't reach the MQTT broker: {cause}; trying on");
                        refused = Some(cause);
                    }
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}

/// In plain words, with what to do.
fn cause(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => match code {
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                "it refuses our user name or password (mqtt.username, mqtt.password)".to_owned()
            }
            other => format!("it refuses the connection ({other:?})"),
        },
        ConnectionError::Io(error) => format!("{error} (is it running, is mqtt.url right?)"),
        other => other.to_string(),
    }
}
