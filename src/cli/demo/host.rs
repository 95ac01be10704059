//! The host's program: an MQTT client of its own, which knows of the hub what every client can know.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, bail};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, PublishOptions, PublishProperties, QoS};
use serde_json::Value;
use tokio::sync::mpsc;

/// An answer that takes longer than this is none.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Messages heard and not looked at.
const HEARD: usize = 1000;
/// Where the host wants its answers.
const ANSWERS: &str = "host/answers";

struct Message {
    topic: String,
    payload: Vec<u8>,
    correlation: Option<Vec<u8>>,
}

/// The host's program.
pub(super) struct Host {
    client: AsyncClient,
    heard: mpsc::Receiver<Message>,
    events: VecDeque<Value>,
    base: String,
    asked: u32,
}

impl Host {
    pub(super) async fn connect(port: u16, hub: &str) -> anyhow::Result<Self> {
        let mut options = MqttOptions::new("host", ("127.0.0.1", port));
        options.set_max_packet_size(Some(1 << 20));
        let (client, events) = AsyncClient::builder(options).capacity(16).build();
        let (sender, heard) = mpsc::channel(HEARD);
        tokio::spawn(listen(events, sender));
        let base = format!("keyway/{hub}");
        for topic in [ANSWERS.to_owned(), format!("{base}/events/#")] {
            client.subscribe(topic, QoS::AtLeastOnce).await?;
        }
        Ok(Self { client, heard, events: VecDeque::new(), base, asked: 0 })
    }

    /// Waits until the hub says that it is there.
    pub(super) async fn hub_is_there(&mut self, within: Duration) -> anyhow::Result<()> {
        let status = format!("{}/status", self.base);
        self.client.subscribe(status.as_str(), QoS::AtLeastOnce).await?;
        let told = async {
            while let Some(message) = self.heard.recv().await {
                if message.topic == status && message.payload == b"online" {
                    return Ok(());
                }
            }
            bail!("the connection to the broker ended")
        };
        tokio::time::timeout(within, told).await.context("the hub does not come up")??;
        self.client.unsubscribe(status).await?;
        Ok(())
    }

    /// The topic of an operation.
    pub(super) fn topic(&self, operation: &str) -> String {
        format!("{}/request/{operation}", self.base)
    }

    /// The topic by which an event came.
    pub(super) fn topic_of(&self, event: &Value) -> String {
        format!("{}/events/{}", self.base, event["event_type"].as_str().unwrap_or_default())
    }

    /// Asks the hub; an error when it refuses.
    pub(super) async fn ask(&mut self, operation: &str, body: &Value) -> anyhow::Result<Value> {
        self.asked += 1;
        let correlation = self.asked.to_be_bytes().to_vec();
        let properties = PublishProperties {
            response_topic: Some(ANSWERS.to_owned()),
            correlation_data: Some(correlation.clone().into()),
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).properties(properties);
        self.client.publish(self.topic(operation), body.to_string(), options).await?;
        let answer = async {
            loop {
                let message = self.heard.recv().await.context("the connection to the broker ended")?;
                let json: Value = serde_json::from_slice(&message.payload)?;
                match message.topic == ANSWERS {
                    true if message.correlation.as_ref() == Some(&correlation) => return anyhow::Ok(json),
                    true => {}
                    false => self.events.push_back(json),
                }
            }
        };
        let answer = tokio::time::timeout(ANSWER_WITHIN, answer).await;
        let answer = answer.with_context(|| format!("the hub does not answer {operation}"))??;
        if answer["ok"] != true {
            bail!("the hub refuses {operation}: {}", answer["error"]["message"]);
        }
        Ok(answer)
    }

    /// Waits for an event of a type; others before it are passed over.
    pub(super) async fn event(&mut self, event_type: &str, within: Duration) -> anyhow::Result<Value> {
        let event = async {
            loop {
                let event = match self.events.pop_front() {
                    Some(event) => event,
                    None => {
                        let message = self.heard.recv().await.context("the connection to the broker ended")?;
                        serde_json::from_slice(&message.payload)?
                    }
                };
                if event["event_type"] == event_type {
                    return anyhow::Ok(event);
                }
            }
        };
        tokio::time::timeout(within, event).await.with_context(|| format!("no event {event_type}"))?
    }
}

async fn listen(mut events: EventLoop, heard: mpsc::Sender<Message>) {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let message = Message {
                    topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                    payload: publish.payload.to_vec(),
                    correlation: publish.properties.and_then(|p| p.correlation_data).map(|data| data.to_vec()),
                };
                // Full when nobody looks any more, after the story.
                let _ = heard.try_send(message);
            }
            Ok(_) => {}
            Err(_) if heard.is_closed() => return,
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}
