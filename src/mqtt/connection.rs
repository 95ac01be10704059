//! The connection to the broker: this and the files below alone know the MQTT crate.
//!
//! Messages are acknowledged by hand, once they are dealt with, so that a flood of requests waits at the broker. Not
//! every broker holds to that (mosquitto 2.0.11 does not), so the queue inside has bounds of its own. The task that polls
//! the connection never waits for anybody, since all that is sent goes through it.

mod options;
mod pause;
mod probe;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use rumqttc::mqttbytes::v5::{Publish, SubAck};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, ManualAck, Packet, PublishOptions, PublishProperties, QoS,
    SubscribeFilterInput,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use self::options::options;
use self::pause::Pause;
use super::topics::{Incoming, Topics};
use crate::config::MqttConfig;
use crate::hub::BrokerState;

pub(super) use self::probe::try_broker;

/// The largest payload that is kept, in bytes; of a larger one only the size is handed on.
pub(super) const LARGEST_PAYLOAD: usize = 64 << 10;
/// Requests that wait for their turn, …
const WAITING: usize = 4096;
/// … and the bytes in them.
const WAITING_BYTES: usize = 16 << 20;
/// Publishes queued for the network before a publisher waits.
const QUEUE: usize = 64;
/// Topics that the broker had kept and that wait to be judged.
const KEPT: usize = 10_000;
/// What a publish needs besides topic, payload and correlation data, in bytes, rounded up.
const OVERHEAD: usize = 64;

/// A message for the broker.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) retain: bool,
    /// MQTT 5 correlation data of the request that this answers.
    pub(super) correlation: Option<Vec<u8>>,
}

/// A message from the broker that asks for something.
pub(super) struct Delivery {
    pub(super) what: Incoming,
    /// `Err`: larger than [`LARGEST_PAYLOAD`], and this large.
    pub(super) payload: Result<Vec<u8>, usize>,
    pub(super) retained: bool,
    /// The broker may have sent it before.
    pub(super) duplicate: bool,
    pub(super) response_topic: Option<String>,
    pub(super) correlation: Option<Vec<u8>>,
    /// To be given to [`Publisher::acknowledge`] when it is dealt with.
    pub(super) receipt: Receipt,
    /// Its share of the bytes that may wait.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// Acknowledges one message, on the connection that it came by.
#[derive(Default)]
pub(super) struct Receipt {
    connection: u64,
    ack: Option<ManualAck>,
}

/// How the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Link {
    /// There is none.
    #[default]
    Down,
    /// Connected; the subscriptions are under way.
    Up {
        /// Counts connections.
        connection: u64,
    },
    /// Connected and subscribed.
    Ready {
        /// Counts connections.
        connection: u64,
    },
}

impl Link {
    pub(super) fn is_ready(self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    fn connection(self) -> Option<u64> {
        match self {
            Self::Down => None,
            Self::Up { connection } | Self::Ready { connection } => Some(connection),
        }
    }
}

/// Why a message could not be handed over.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsent {
    /// The broker takes less.
    #[error("the broker takes no message of {size} bytes")]
    TooLarge {
        /// Size in bytes.
        size: usize,
    },
    /// The connection's task has ended, or the topic is none.
    #[error("the connection is closed")]
    Closed,
}

/// Sends; may be cloned.
#[derive(Clone)]
pub(super) struct Publisher {
    client: AsyncClient,
    link: watch::Receiver<Link>,
    largest: watch::Receiver<usize>,
    state: watch::Sender<BrokerState>,
}

/// A publish that was handed over and is waiting for the broker's word.
pub(super) struct Pending(oneshot::Receiver<Result<(), String>>);

impl Pending {
    /// Waits until the broker has it.
    ///
    /// # Errors
    /// Why it never will.
    pub(super) async fn delivered(self) -> Result<(), String> {
        self.0.await.unwrap_or_else(|_| Err("the connection is closed".to_owned()))
    }
}

impl Publisher {
    /// Hands over a message, QoS 1; waits while there is no broker and the queue is full. What the broker refuses is told,
    /// whether anybody waits for its word or not.
    pub(super) async fn publish(&self, message: Message) -> Result<Pending, Unsent> {
        let correlation = message.correlation;
        let size = message.topic.len() + message.payload.len() + correlation.as_ref().map_or(0, Vec::len) + OVERHEAD;
        // Handed over, it would cost the connection, again and again.
        let largest = *self.largest.borrow();
        if size > largest {
            tell(&self.state, &message.topic, Some(refusal::too_large(&message.topic, size, largest)));
            return Err(Unsent::TooLarge { size });
        }
        let mut options = PublishOptions::new(QoS::AtLeastOnce).retain(message.retain);
        if let Some(data) = correlation {
            let data = Some(data.into());
            options = options.properties(PublishProperties { correlation_data: data, ..PublishProperties::default() });
        }
        let (topic, state) = (message.topic.clone(), self.state.clone());
        let notice = self.client.publish_tracked(message.topic, message.payload, options).await;
        let notice = notice.map_err(|_| Unsent::Closed)?;
        let (outcome, pending) = oneshot::channel();
        tokio::spawn(async move {
            let done = notice.wait_completion_async().await;
            match &done {
                Ok(()) => tell(&state, &topic, None),
                Err(error) => {
                    if let Some(refused) = refusal::not_published(&topic, error) {
                        tell(&state, &topic, Some(refused));
                    }
                }
            }
            // Who does not wait does not want to know.
            let _ = outcome.send(done.map_err(|error| error.to_string()));
        });
        Ok(Pending(pending))
    }

    /// Tells the broker that a message was dealt with, so that it sends another.
    pub(super) async fn acknowledge(&self, receipt: Receipt) {
        let Some(ack) = receipt.ack else { return };
        // Another connection knows nothing of it, and would take it for a mistake.
        if self.link.borrow().connection() == Some(receipt.connection) {
            let _ = self.client.manual_ack(ack).await;
        }
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
    topics: Topics,
    asked: mpsc::Sender<Delivery>,
    kept: mpsc::Sender<String>,
    births: watch::Sender<u64>,
    room: Arc<Semaphore>,
    link: watch::Sender<Link>,
    largest: watch::Sender<usize>,
    state: watch::Sender<BrokerState>,
    connections: u64,
    shown: String,
    client_id: String,
}

/// The ends that the rest of the door holds.
pub(super) struct Ends {
    pub(super) publisher: Publisher,
    pub(super) link: watch::Receiver<Link>,
    /// What is asked. Each is to be acknowledged, in the order in which they came (MQTT 5, section 4.6).
    pub(super) asked: mpsc::Receiver<Delivery>,
    /// Topics of the hub's own state that the broker had kept.
    pub(super) kept: mpsc::Receiver<String>,
    /// Counts the starts of the companion.
    pub(super) births: watch::Receiver<u64>,
}

impl Connection {
    /// `will` is what the broker says when the hub vanishes; `state` is kept as the connection is.
    ///
    /// # Errors
    /// The broker's address is none.
    pub(super) fn new(
        config: &MqttConfig,
        will: Message,
        topics: Topics,
        state: watch::Sender<BrokerState>,
    ) -> Result<(Self, Ends), String> {
        let (client, events) = AsyncClient::builder(options(config, Some(will))?).capacity(QUEUE).build();
        let (asked_out, asked) = mpsc::channel(WAITING);
        let (kept_out, kept) = mpsc::channel(KEPT);
        let (births_out, births) = watch::channel(0);
        let (link_out, link) = watch::channel(Link::Down);
        let (largest_out, largest) = watch::channel(usize::MAX);
        let connection = Self {
            events,
            client: client.clone(),
            topics,
            asked: asked_out,
            kept: kept_out,
            births: births_out,
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            link: link_out,
            largest: largest_out,
            state: state.clone(),
            connections: 0,
            shown: format!("{}:{}", config.host, config.port),
            client_id: config.client_id.clone(),
        };
        let publisher = Publisher { client, link: link.clone(), largest, state };
        Ok((connection, Ends { publisher, link, asked, kept, births }))
    }

    /// Works until it is disconnected on purpose.
    pub(super) async fn run(mut self) {
        let (mut refused, mut subscribed, mut pause) = (None, true, Pause::default());
        loop {
            // May have to wait for room in the queue, which is made by polling.
            subscribed = subscribed || self.subscribe();
            match self.events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(connack))) => {
                    tracing::info!(broker = %self.shown, "connected to the MQTT broker");
                    refused = None;
                    let largest = connack.properties.and_then(|properties| properties.max_packet_size);
                    self.largest.send_replace(largest.and_then(|size| size.try_into().ok()).unwrap_or(usize::MAX));
                    self.connections += 1;
                    self.link.send_replace(Link::Up { connection: self.connections });
                    subscribed = false;
                }
                Ok(Event::Incoming(Packet::SubAck(suback))) => {
                    self.tell_refused(&suback);
                    self.state.send_modify(|state| {
                        (state.connected, state.cause) = (true, None);
                        state.connections += 1;
                    });
                    self.link.send_replace(Link::Ready { connection: self.connections });
                }
                // It has held for as long as it is asked for a sign of life: the next loss is another one.
                Ok(Event::Incoming(Packet::PingResp)) => pause.reset(),
                Ok(Event::Incoming(Packet::Publish(publish))) => self.hand_on(publish),
                Ok(_) => {}
                Err(ConnectionError::RequestsDone) => return,
                Err(error) => {
                    subscribed = true;
                    let cause = refusal::no_connection(&error, &self.client_id);
                    let sentence = format!("no connection to the MQTT broker {}: {cause}", self.shown);
                    self.state.send_modify(|state| (state.connected, state.cause) = (false, Some(sentence)));
                    if self.link.send_replace(Link::Down) != Link::Down {
                        tracing::warn!(broker = %self.shown, "connection to the MQTT broker lost: {cause}; trying on");
                    } else if refused.as_ref() != Some(&cause) {
                        // One line a cause, not one a try.
                        tracing::warn!(broker = %self.shown, "can't reach the MQTT broker: {cause}; trying on");
                        refused = Some(cause);
                    }
                    tokio::time::sleep(pause.next(refusal::is_taken_over(&error))).await;
                }
            }
        }
    }

    fn subscribe(&self) -> bool {
        let asked = self.topics.asked().into_iter().map(|filter| {
            // Told also of messages that are published as retained now, not only of those that the broker had kept.
            SubscribeFilterInput::new(filter, QoS::AtLeastOnce).no_local(true).preserve_retain(true)
        });
        // Without acknowledgement, since those are judged in another order.
        let kept = self.topics.kept().into_iter();
        let kept = kept.map(|filter| SubscribeFilterInput::new(filter, QoS::AtMostOnce).no_local(true));
        self.client.try_subscribe_many(asked.chain(kept)).is_ok()
    }

    fn tell_refused(&self, suback: &SubAck) {
        let filters = self.topics.asked().into_iter().chain(self.topics.kept());
        for (filter, code) in filters.zip(&suback.return_codes) {
            tell(&self.state, &filter, refusal::not_subscribed(&filter, code));
        }
    }

    /// Never waits.
    fn hand_on(&self, publish: Publish) {
        let topic = String::from_utf8_lossy(&publish.topic).into_owned();
        let what = self.topics.parse(&topic);
        if what == Incoming::Birth {
            if *publish.payload == *b"online" {
                self.births.send_modify(|births| *births += 1);
            }
            return;
        }
        if what == Incoming::State {
            if publish.retain && !publish.payload.is_empty() {
                // Full: the rest is found at the next connect.
                let _ = self.kept.try_send(topic);
            }
            return;
        }
        let ack = self.client.prepare_ack(&publish);
        let size = publish.payload.len();
        let properties = publish.properties.unwrap_or_default();
        let delivery = Delivery {
            what,
            payload: if size > LARGEST_PAYLOAD { Err(size) } else { Ok(publish.payload.to_vec()) },
            retained: publish.retain,
            duplicate: publish.dup,
            response_topic: properties.response_topic,
            correlation: properties.correlation_data.map(|data| data.to_vec()),
            receipt: Receipt { connection: self.connections, ack },
            room: None,
        };
        if let Err(receipt) = self.queue(delivery) {
            tracing::warn!(topic, "more requests than can be carried out: this one is dropped");
            if let Some(ack) = receipt.ack {
                let _ = self.client.try_manual_ack(ack);
            }
        }
    }

    /// Queues a request, if there is room. Those that ask for no acknowledgement get no more than half of it.
    fn queue(&self, mut delivery: Delivery) -> Result<(), Receipt> {
        let bytes = delivery.payload.as_ref().map_or(0, Vec::len).try_into().unwrap_or(u32::MAX);
        let fits = delivery.receipt.ack.is_some() || self.asked.capacity() > WAITING / 2;
        match Arc::clone(&self.room).try_acquire_many_owned(bytes) {
            Ok(room) if fits => delivery.room = Some(room),
            _ => return Err(delivery.receipt),
        }
        self.asked.try_send(delivery).map_err(|error| error.into_inner().receipt)
    }
}

/// Keeps what the broker refuses about a topic, or that it refuses nothing. What is news is logged.
fn tell(state: &watch::Sender<BrokerState>, topic: &str, refused: Option<String>) {
    state.send_if_modified(|state| match refused {
        Some(refused) => {
            let is_news = state.refuses(topic, refused.clone());
            if is_news {
                tracing::error!("{refused}");
            }
            is_news
        }
        None => state.accepts(topic),
    });
}
