//! Requests: from a topic and a payload to an operation, and its answer back.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::connection::{Delivery, LARGEST_PAYLOAD, Message, Publisher, Receipt, Unsent};
use super::topics::{Incoming, Topics};
use super::unlocking::{Order, Unlocking};
use crate::hub::{Answer, Caller, Hub, UnderWay};
use crate::model::ApiError;

/// Longest `request_id`, in bytes.
const LONGEST_REQUEST_ID: usize = 256;

/// Requests under way at once: they share the commits of the store, which is what they wait for.
const UNDER_WAY: usize = 64;

/// Carries requests out in the order in which they come in, and answers and acknowledges them in that order too.
pub(super) struct Requests {
    hub: Hub,
    topics: Topics,
    publisher: Publisher,
    recent: Recent,
    unlocking: Unlocking,
}

/// What a request's payload holds.
#[derive(Debug, PartialEq)]
pub struct Question {
    /// The operation's parameters: an object.
    pub body: Value,
    /// By which the request is known again.
    pub request_id: Option<String>,
}

/// Where an answer goes.
struct Address {
    topic: String,
    correlation: Option<Vec<u8>>,
}

/// A request that has its turn.
struct Request {
    what: Incoming,
    work: Work,
    /// `None`: nobody asked for an answer.
    reply: Option<(Address, Option<String>)>,
    receipt: Receipt,
    _room: Option<OwnedSemaphorePermit>,
}

/// What becomes of a request.
enum Work {
    /// Nothing is to be done or said.
    Nothing,
    Refused(ApiError),
    Begun(UnderWay),
}

impl Requests {
    pub(super) fn new(hub: Hub, topics: Topics, publisher: Publisher, unlocking: Unlocking) -> Self {
        Self { hub, topics, publisher, recent: Recent::default(), unlocking }
    }

    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Delivery>) {
        let mut under_way = VecDeque::new();
        loop {
            tokio::select! {
                biased;
                answer = first_answer(&mut under_way), if !under_way.is_empty() => {
                    if let Some(request) = under_way.pop_front() {
                        self.finish(request, answer).await;
                    }
                }
                delivery = asked.recv(), if under_way.len() < UNDER_WAY => match delivery {
                    Some(delivery) => under_way.push_back(self.begin(delivery).await),
                    None => return,
                },
            }
        }
    }

    async fn begin(&mut self, delivery: Delivery) -> Request {
        // An empty retained message is how a retained one is cleared: nobody asks for anything.
        let clearing = delivery.retained && delivery.payload.as_ref().is_ok_and(Vec::is_empty);
        let (work, reply) = match &delivery.what {
            Incoming::Request(operation) if !clearing => self.request(operation, &delivery).await,
            Incoming::Set(device) if !clearing => (self.set(device, &delivery).await, None),
            Incoming::Request(_) | Incoming::Set(_) | Incoming::State | Incoming::Birth | Incoming::Other => {
                (Work::Nothing, None)
            }
        };
        Request { what: delivery.what, work, reply, receipt: delivery.receipt, _room: delivery.room }
    }

    async fn request(&mut self, operation: &str, delivery: &Delivery) -> (Work, Option<(Address, Option<String>)>) {
        let (address, question) = match self.address(operation, delivery) {
            Ok(address) => (address, read(delivery)),
            Err((address, error)) => (address, Err(error)),
        };
        let question = match question {
            Ok(question) => question,
            Err(error) => return (Work::Refused(error), Some((address, None))),
        };
        // With a `request_id` the store itself knows what was carried out already.
        if question.request_id.is_none() && self.recent.repeats(delivery) {
            tracing::debug!(operation, "the broker repeats a request: passed over");
            return (Work::Nothing, None);
        }
        if operation == "locks/unlock_door"
            && let Some(device) = question.body["device_id"].as_str()
            && let Err(error) = self.unlocking.check(device, None)
        {
            return (Work::Refused(error), Some((address, question.request_id)));
        }
        let request_id = question.request_id.clone();
        let work = self.hub.begin(&Caller::mqtt(), operation, question.body, question.request_id).await;
        (Work::Begun(work), Some((address, request_id)))
    }

    /// `LOCK` or `UNLOCK`, as home automation does it: no answer but the door's own state and events.
    async fn set(&mut self, device: &str, delivery: &Delivery) -> Work {
        if delivery.retained {
            tracing::error!(device, "a retained LOCK or UNLOCK is refused: clear it at the broker");
            return Work::Nothing;
        }
        let operation = match delivery.payload.as_deref().ok().and_then(Order::read) {
            Some(Order::Lock) => "locks/lock_door",
            Some(Order::Unlock(code)) => match self.unlocking.check(device, code.as_deref()) {
                Ok(()) => "locks/unlock_door",
                Err(error) => return Work::Refused(error),
            },
            None => {
                tracing::error!(device, "neither LOCK nor UNLOCK was asked of a device: nothing done");
                return Work::Nothing;
            }
        };
        Work::Begun(self.hub.begin(&Caller::mqtt(), operation, json!({"device_id": device}), None).await)
    }

    /// Answers and acknowledges.
    async fn finish(&self, request: Request, answer: Option<Answer>) {
        match (&answer, &request.what) {
            (Some(Answer::Error(error)), Incoming::Set(device)) => {
                tracing::error!(device, "LOCK or UNLOCK refused: {error}");
            }
            (Some(Answer::Error(error)), what) => tracing::info!(?what, "request refused: {error}"),
            (Some(Answer::Ok(_)), what) => tracing::debug!(?what, "request carried out"),
            (None, _) => {}
        }
        if let (Some(answer), Some((address, request_id))) = (&answer, &request.reply) {
            self.answer(address, answer, request_id.as_deref()).await;
        }
        self.publisher.acknowledge(request.receipt).await;
    }

    /// Where the answer goes; if the request asks for a wrong place, the error goes to the usual one.
    fn address(&self, operation: &str, delivery: &Delivery) -> Result<Address, (Address, ApiError)> {
        let correlation = delivery.correlation.clone();
        let usual = self.topics.response(operation);
        match &delivery.response_topic {
            None => Ok(Address { topic: usual, correlation }),
            Some(topic) => match self.topics.check_response(topic) {
                Ok(()) => Ok(Address { topic: topic.clone(), correlation }),
                Err(wrong) => Err((Address { topic: usual, correlation }, ApiError::invalid("response_topic", wrong))),
            },
        }
    }

    async fn answer(&self, address: &Address, answer: &Answer, request_id: Option<&str>) {
        match self.send(address, answer, request_id).await {
            Ok(()) => {}
            Err(Unsent::TooLarge { size }) => {
                let message = format!("the answer has {size} bytes, more than the broker takes: ask with a `limit`");
                let error = Answer::Error(ApiError::new("answer_too_large", message));
                // An error is short; what can't take even that hears nothing.
                let _ = self.send(address, &error, request_id).await;
            }
            Err(error) => tracing::debug!(topic = address.topic, "answer not sent: {error}"),
        }
    }

    async fn send(&self, address: &Address, answer: &Answer, request_id: Option<&str>) -> Result<(), Unsent> {
        let message = Message {
            topic: address.topic.clone(),
            payload: answer.to_json(request_id).to_string().into_bytes(),
            retain: false,
            correlation: address.correlation.clone(),
        };
        self.publisher.publish(message).await.map(drop)
    }
}

/// The answer to the first request, once there is one; to no other before.
async fn first_answer(under_way: &mut VecDeque<Request>) -> Option<Answer> {
    match &mut under_way.front_mut()?.work {
        Work::Nothing => None,
        Work::Refused(error) => Some(Answer::Error(error.clone())),
        Work::Begun(work) => Some(work.answer().await),
    }
}

fn read(delivery: &Delivery) -> Result<Question, ApiError> {
    if delivery.retained {
        let message = "a retained request is refused, since a restart of the broker would repeat it: clear it with an \
                       empty retained message, and send it without the retain flag";
        return Err(ApiError::new("retained_request", message));
    }
    match &delivery.payload {
        Ok(payload) => Question::read(payload),
        Err(size) => {
            let message = format!("the payload has {size} bytes; a request may have up to {LARGEST_PAYLOAD}");
            Err(ApiError::new("payload_too_large", message))
        }
    }
}

impl Question {
    /// Reads a payload: a JSON object, or nothing, which is an empty one.
    ///
    /// # Errors
    /// `invalid_json`, `invalid_input`.
    pub fn read(payload: &[u8]) -> Result<Self, ApiError> {
        let not_json = |message: String| Err(ApiError::new("invalid_json", message));
        let text = match std::str::from_utf8(payload) {
            Ok(text) if text.trim().is_empty() => return Ok(Self { body: json!({}), request_id: None }),
            Ok(text) => text,
            Err(error) => {
                return not_json(format!("the payload is not UTF-8 from byte {} on", error.valid_up_to()));
            }
        };
        let mut body = match serde_json::from_str(text) {
            Ok(Value::Object(body)) => body,
            Ok(_) => return not_json("the payload should be a JSON object: {…}".to_owned()),
            Err(error) => return not_json(format!("the payload is not JSON: {error}")),
        };
        let request_id = match body.remove("request_id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) if (1..=LONGEST_REQUEST_ID).contains(&id.len()) => Some(id),
            Some(Value::String(_)) => {
                let message = format!("expected 1 to {LONGEST_REQUEST_ID} bytes");
                return Err(ApiError::invalid("request_id", message));
            }
            Some(_) => return Err(ApiError::invalid("request_id", "expected string")),
        };
        Ok(Self { body: Value::Object(body), request_id })
    }
}

/// The last requests, to know one again that the broker delivers a second time.
#[derive(Default)]
struct Recent(VecDeque<u64>);

impl Recent {
    const LONGEST: usize = 128;

    /// Notes the request. True: the broker says that it may be a repetition, and it is.
    fn repeats(&mut self, delivery: &Delivery) -> bool {
        let mut hasher = DefaultHasher::new();
        (&delivery.what, &delivery.correlation, &delivery.payload).hash(&mut hasher);
        let digest = hasher.finish();
        if delivery.duplicate && self.0.contains(&digest) {
            return true;
        }
        if self.0.len() == Self::LONGEST {
            self.0.pop_front();
        }
        self.0.push_back(digest);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::Receipt;
    use super::*;

    fn delivery(payload: &str) -> Delivery {
        Delivery {
            what: Incoming::Request("access_grants/create".to_owned()),
            payload: Ok(payload.as_bytes().to_vec()),
            retained: false,
            duplicate: false,
            response_topic: None,
            correlation: None,
            receipt: Receipt::default(),
            room: None,
        }
    }

    fn error_of(payload: &[u8]) -> ApiError {
        Question::read(payload).unwrap_err()
    }

    #[test]
    fn the_request_id_is_taken_out_of_the_body() {
        let question = Question::read(br#"{"request_id": "r1", "device_id": "d"}"#).unwrap();
        assert_eq!(question, Question { body: json!({"device_id": "d"}), request_id: Some("r1".to_owned()) });
    }

    #[test]
    fn an_empty_payload_is_an_empty_object() {
        assert_eq!(Question::read(b" \n").unwrap().body, json!({}));
    }

    #[test]
    fn a_request_id_that_is_a_number_is_refused_by_name() {
        assert_eq!(error_of(br#"{"request_id": 7}"#).fields["request_id"], ["expected string"]);
        assert!(error_of(br#"{"request_id": ""}"#).fields.contains_key("request_id"));
    }

    #[test]
    fn what_is_not_json_is_refused_with_the_place_and_without_its_content() {
        assert_eq!(error_of(b"{\"code\":\xff").message, "the payload is not UTF-8 from byte 8 on");
        let error = error_of(b"{\"code\":\n4711x}");
        assert!(error.message.contains("line 2 column 5"), "{error}");
        assert!(!error.message.contains("4711"), "{error}");
        assert_eq!(error_of(b"[]").message, "the payload should be a JSON object: {…}");
    }

    #[test]
    fn a_retained_or_oversized_request_is_refused() {
        let retained = Delivery { retained: true, ..delivery("{}") };
        assert_eq!(read(&retained).unwrap_err().error_type, "retained_request");
        let large = Delivery { payload: Err(10_000_000), ..delivery("") };
        assert!(read(&large).unwrap_err().message.contains("10000000 bytes"));
    }

    #[test]
    fn only_what_the_broker_itself_calls_a_repetition_is_passed_over() {
        let mut recent = Recent::default();
        assert!(!recent.repeats(&delivery("{}")));
        assert!(!recent.repeats(&delivery("{}")));
        assert!(recent.repeats(&Delivery { duplicate: true, ..delivery("{}") }));
        assert!(!recent.repeats(&Delivery { duplicate: true, ..delivery("{\"limit\":1}") }));
    }
}
