//! A host's program on the broker: asks, and listens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rumqttc::{Event, MqttOptions, NetworkOptions, Packet, PublishOptions, PublishProperties, QoS};
use serde_json::{Value, json};

use crate::{SOON, now, utc, wait_until};

/// Something that came from the broker.
#[derive(Debug, Clone)]
pub struct Message {
    /// When it came.
    pub at: Timestamp,
    /// Its topic.
    pub topic: String,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Whether the broker had kept it.
    pub retained: bool,
    /// MQTT 5 correlation data.
    pub correlation: Option<Vec<u8>>,
}

impl Message {
    /// The payload as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or(Value::Null)
    }
}

/// An MQTT 5 client that remembers all that it has heard of one hub.
pub struct Client {
    base: String,
    answers: String,
    client: rumqttc::Client,
    heard: Arc<Heard>,
    count: AtomicU64,
}

#[derive(Default)]
struct Heard {
    messages: Mutex<Vec<Message>>,
    connects: AtomicU64,
    more: Condvar,
}

impl Client {
    /// Connects and stays connected, also over restarts of the broker.
    pub fn connect(port: u16, hub: &str) -> Self {
        Self::subscribed(port, hub, None, true)
    }

    /// The same, but hears only the answers to what it asks itself.
    pub fn for_answers(port: u16, hub: &str) -> Self {
        Self::subscribed(port, hub, None, false)
    }

    /// The same as somebody whom the broker knows by name and password; it hears what the broker lets him hear.
    pub fn of_user(port: u16, hub: &str, name: &str, password: &str) -> Self {
        Self::subscribed(port, hub, Some((name, password)), true)
    }

    fn subscribed(port: u16, hub: &str, user: Option<(&str, &str)>, hears_all: bool) -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(1);
        let id = format!("test-{}-{}", std::process::id(), CLIENTS.fetch_add(1, Ordering::Relaxed));
        let mut options = MqttOptions::new(&id, ("127.0.0.1", port));
        options.set_keep_alive(30);
        options.set_max_packet_size(Some(64 << 20));
        options.set_clean_start(false);
        options.set_session_expiry_interval(Some(600));
        if let Some((name, password)) = user {
            options.set_credentials(name, password.to_owned());
        }
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        let (client, mut connection) = rumqttc::Client::builder(options).capacity(100).build();
        let base = format!("keyway/{hub}");
        let answers = user.map_or_else(|| format!("answers/{id}"), |(name, _)| format!("reply/{name}/{id}"));
        let heard = Arc::new(Heard::default());
        let all = hears_all.then(|| [format!("{base}/#"), "homeassistant/#".to_owned()]);
        let topics: Vec<String> = all.into_iter().flatten().chain([answers.clone()]).collect();
        let subscriptions = topics.len() as u64;
        let (subscriber, listener) = (client.clone(), heard.clone());
        std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        for topic in &topics {
                            // Fails only when the test is over.
                            let _ = subscriber.try_subscribe(topic.as_str(), QoS::AtLeastOnce);
                        }
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => {
                        listener.connects.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(Event::Incoming(Packet::Publish(publish))) => listener.add(Message {
                        at: utc(),
                        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                        payload: publish.payload.to_vec(),
                        retained: publish.retain,
                        correlation: publish.properties.and_then(|p| p.correlation_data).map(|data| data.to_vec()),
                    }),
                    Ok(_) => {}
                    Err(rumqttc::ConnectionError::RequestsDone) => return,
                    Err(_) => std::thread::sleep(Duration::from_millis(50)),
                }
            }
        });
        let client = Self { base, answers, client, heard, count: AtomicU64::new(0) };
        wait_until("the test's client is subscribed", SOON, || {
            (client.heard.connects.load(Ordering::Relaxed) >= subscriptions).then_some(())
        });
        client
    }

    /// Asks, and gives the answer as it came, with `ok` in it. Panics when there is none.
    pub fn request(&self, operation: &str, body: Value) -> Value {
        self.try_request(operation, body, SOON).unwrap_or_else(|| panic!("no answer to {operation}"))
    }

    /// Asks, and gives the answer; panics unless it is a yes.
    pub fn ask(&self, operation: &str, body: Value) -> Value {
        let answer = self.request(operation, body);
        assert_eq!(answer["ok"], true, "{operation}: {answer}");
        answer
    }

    /// Asks, and gives the error of the answer; panics when it is a yes.
    pub fn refused(&self, operation: &str, body: Value) -> Value {
        let answer = self.request(operation, body);
        assert_eq!(answer["ok"], false, "{operation}: {answer}");
        answer["error"].clone()
    }

    /// Asks; `None`: no answer in time.
    pub fn try_request(&self, operation: &str, body: Value, within: Duration) -> Option<Value> {
        let topic = format!("{}/request/{operation}", self.base);
        self.try_request_raw(&topic, body.to_string().into_bytes(), within)
    }

    /// Publishes any bytes to any topic and waits for the answer to them.
    pub fn try_request_raw(&self, topic: &str, payload: Vec<u8>, within: Duration) -> Option<Value> {
        let question = self.send(topic, payload, false);
        self.answer_to(&question, within)
    }

    /// Publishes with a response topic; gives the correlation data of the answer, for [`Self::answer_to`].
    pub fn send(&self, topic: &str, payload: Vec<u8>, retain: bool) -> Vec<u8> {
        let correlation = format!("question {}", self.count.fetch_add(1, Ordering::Relaxed)).into_bytes();
        let properties = PublishProperties {
            response_topic: Some(self.answers.clone()),
            correlation_data: Some(correlation.clone().into()),
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retain).properties(properties);
        self.client.publish(topic, payload, options).expect("the client's thread has ended");
        correlation
    }

    /// The answer to what was sent; `None`: none in time.
    pub fn answer_to(&self, correlation: &[u8], within: Duration) -> Option<Value> {
        let answers =
            |message: &Message| message.topic == self.answers && message.correlation.as_deref() == Some(correlation);
        self.heard.find(within, answers).map(|message| message.json())
    }

    /// Publishes without asking for an answer.
    pub fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        let options = PublishOptions::new(QoS::AtLeastOnce);
        self.client.publish(topic, payload.into(), options).expect("the client's thread has ended");
    }

    /// `keyway/<hub>`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Waits for an event of this type that fits; events that came before count. Panics when there is none.
    pub fn event(&self, event_type: &str, within: Duration, fits: impl Fn(&Value) -> bool) -> Value {
        let topic = format!("{}/events/{event_type}", self.base);
        self.heard
            .find(within, |message| message.topic == topic && fits(&message.json()))
            .unwrap_or_else(|| panic!("no {event_type} in {within:?}; there were: {:?}", self.event_types()))
            .json()
    }

    /// Every event so far, in the order in which they came, repeated deliveries left out.
    pub fn events(&self) -> Vec<Value> {
        let prefix = format!("{}/events/", self.base);
        let mut events: Vec<Value> = Vec::new();
        for message in self.messages().iter().filter(|message| message.topic.starts_with(&prefix)) {
            let event = message.json();
            if !events.iter().any(|known| known["event_id"] == event["event_id"]) {
                events.push(event);
            }
        }
        events
    }

    /// The types of [`Self::events`].
    pub fn event_types(&self) -> Vec<String> {
        self.events().iter().map(|event| event["event_type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Everything that was heard.
    pub fn messages(&self) -> Vec<Message> {
        self.heard.messages.lock().expect("the listener panicked").clone()
    }

    /// The devices by name; waits until every one of `names` answers and takes codes. Gives their ids in that order.
    pub fn ready_devices(&self, names: &[&str], within: Duration) -> Vec<String> {
        let what = format!("{names:?} are online and interviewed");
        wait_until(&what, within, || {
            let answer = self.try_request("devices/list", json!({}), Duration::from_secs(2))?;
            let devices = answer["devices"].as_array()?.clone();
            let id = |name: &&str| {
                let device = devices.iter().find(|device| device["display_name"] == **name)?;
                let ready = device["properties"]["online"] == true && device["can_program_online_access_codes"] == true;
                device["device_id"].as_str().filter(|_| ready).map(str::to_owned)
            };
            names.iter().map(id).collect()
        })
    }
}

impl Heard {
    fn add(&self, message: Message) {
        self.messages.lock().expect("a waiter panicked").push(message);
        self.more.notify_all();
    }

    fn find(&self, within: Duration, fits: impl Fn(&Message) -> bool) -> Option<Message> {
        let deadline = now() + within;
        let mut messages = self.messages.lock().expect("the listener panicked");
        loop {
            if let Some(message) = messages.iter().find(|message| fits(message)) {
                return Some(message.clone());
            }
            let left = deadline.checked_duration_since(now())?;
            messages = self.more.wait_timeout(messages, left).expect("the listener panicked").0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Broker;

    #[test]
    fn what_is_said_while_the_broker_restarts_is_heard_afterwards() {
        let mut broker = Broker::running();
        let (listener, speaker) = (Client::connect(broker.port(), "test"), Client::connect(broker.port(), "test"));
        let event = |id: u8| json!({"event_id": id, "event_type": "lock.locked"}).to_string();
        speaker.publish("keyway/test/events/lock.locked", event(1));
        listener.event("lock.locked", SOON, |event| event["event_id"] == 1);
        broker.stop();
        speaker.publish("keyway/test/events/lock.locked", event(2));
        broker.start();
        listener.event("lock.locked", SOON, |event| event["event_id"] == 2);
        assert_eq!(listener.event_types(), ["lock.locked", "lock.locked"]);
    }
}
