//! What a receiver sees, over real connections. Pauses pass at once, and the hub's clock with them.

mod receiver;

use std::sync::Mutex;
use std::time::Instant;

use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use self::receiver::{Receiver, Reply};
use super::*;
use crate::clock::{Clock, Now};
use crate::model::{Delivery, Event, EventChoice, EventSubject, EventType, Timestamp, Webhook, WebhookSecret};
use crate::store::{EventFilter, Store, Unit};

const KEY: [u8; 24] = [9; 24];
/// Receivers are waited for so long here: long enough for a busy machine,
const PATIENT: Duration = Duration::from_secs(20);
/// or not, where they say nothing.
const HASTY: Duration = Duration::from_secs(1);

/// The hub's clock: it moves when a pause passes. Longer ones than `patience` do not.
struct Hand {
    now: Mutex<Now>,
    patience: Mutex<Duration>,
}

impl Clock for Hand {
    fn now(&self) -> Now {
        *self.now.lock().unwrap()
    }
}

impl Pauses for Hand {
    fn pass(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if pause > *self.patience.lock().unwrap() {
            return Box::pin(std::future::pending());
        }
        let mut now = self.now.lock().unwrap();
        now.utc = now.utc.after(pause);
        Box::pin(tokio::task::yield_now())
    }
}

/// A hub without locks, whose webhooks are served.
struct World {
    hub: Hub,
    store: Store,
    clock: Arc<Hand>,
    within: Duration,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl World {
    fn new() -> Self {
        Self::who_waits(PATIENT)
    }

    /// One that gives receivers this long.
    #[expect(clippy::disallowed_methods, reason = "an Instant can't be made otherwise; the test never looks at it")]
    fn who_waits(within: Duration) -> Self {
        let store = Store::in_memory(Zeroizing::new([1; 32]), [2; 32]).unwrap();
        let now = Now { utc: Timestamp::UNIX_EPOCH, mono: Instant::now(), trusted: true };
        let clock = Arc::new(Hand { now: Mutex::new(now), patience: Mutex::new(Duration::MAX) });
        let sticks = watch::channel(BTreeMap::new()).1;
        let hub = Hub::new("test", store.clone(), Arc::clone(&clock) as Arc<dyn Clock>, sticks);
        let (stop, serving) = serving(&hub, &clock, within);
        Self { hub, store, clock, within, stop, serving }
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.run(self.clock.now().utc, job).await.unwrap().unwrap()
    }

    /// The webhooks' part ends, as with the hub, and another begins.
    async fn restart(&mut self) {
        self.stop.send_replace(true);
        (&mut self.serving).await.unwrap();
        (self.stop, self.serving) = serving(&self.hub, &self.clock, self.within);
    }

    async fn webhook(&self, url: String, events: EventChoice) -> WebhookId {
        self.write(move |unit| {
            let webhook = Webhook {
                webhook_id: unit.id(),
                url,
                events,
                secret: WebhookSecret::new(KEY),
                created_at: unit.now(),
                delivery: Delivery::default(),
            };
            unit.insert_webhook(&webhook)?;
            Ok(webhook.webhook_id)
        })
        .await
    }

    async fn look_at(&self, id: WebhookId) -> Webhook {
        self.write(move |unit| unit.webhook(id)).await.unwrap()
    }

    /// Waits until sending has come so far.
    async fn settled(&self, id: WebhookId, fits: impl Fn(&Delivery) -> bool) -> Delivery {
        loop {
            let delivery = self.look_at(id).await.delivery;
            if fits(&delivery) {
                return delivery;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until everything up to this event's number in the log is delivered.
    async fn at(&self, id: WebhookId, number: u64) {
        while self.write(move |unit| unit.cursor(&format!("webhook:{id}"))).await < number {
            tokio::task::yield_now().await;
        }
    }

    /// Something happens, of which the number is told.
    async fn emit(&self, event_type: EventType, number: u32) {
        let details: Map<String, Value> = Map::from_iter([("n".to_owned(), json!(number))]);
        self.write(move |unit| unit.emit(event_type, EventSubject::default(), details)).await;
    }

    async fn happen(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.emit(EventType::LockUnlocked, number).await;
        }
    }

    /// Seconds since the beginning.
    fn seconds(&self) -> u64 {
        Timestamp::UNIX_EPOCH.until(self.clock.now().utc).as_secs()
    }

    async fn events(&self, event_type: EventType) -> Vec<Event> {
        let filter = EventFilter { event_types: vec![event_type], ..Default::default() };
        self.write(move |unit| unit.events(&filter)).await
    }
}

fn serving(hub: &Hub, clock: &Arc<Hand>, within: Duration) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (stop, stopped) = watch::channel(false);
    let courier = Courier::with_limit(within);
    (stop, tokio::spawn(serve_with(hub.clone(), courier, Arc::clone(clock) as Arc<dyn Pauses>, stopped)))
}

/// The numbers of the next events.
async fn numbers(receiver: &mut Receiver, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(receiver.next().await.json()["n"].as_u64().unwrap());
    }
    numbers
}

#[tokio::test]
async fn a_receiver_gets_every_event_once_in_order_and_signed() {
    let (world, mut receiver) = (World::new(), Receiver::new(|_| Reply::Status(204)));
    world.happen(0..3).await;
    let id = world.webhook(receiver.url("/hook?token=1"), EventChoice::All).await;
    world.happen(3..103).await;
    for number in 3..103 {
        let post = receiver.next().await;
        assert_eq!(
            (post.line.as_str(), post.header("content-type")),
            ("POST /hook?token=1 HTTP/1.1", "application/json")
        );
        let event = post.json();
        assert_eq!(event["n"], number, "what happened before it was made is not sent");
        assert_eq!(event["event_type"], "lock.unlocked");
        assert_eq!(post.header("svix-id"), event["event_id"]);
        let timestamp = post.header("svix-timestamp").parse().unwrap();
        let secret = WebhookSecret::new(KEY);
        let signature = signature::sign(&secret, post.header("svix-id"), timestamp, &post.body);
        assert_eq!(post.header("svix-signature"), signature);
    }
    let delivery = world.settled(id, |delivery| delivery.last_delivered_at.is_some()).await;
    assert_eq!((delivery.failures, delivery.last_failure, delivery.given_up), (0, None, 0));
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn only_events_of_the_wanted_types_are_sent() {
    let (world, mut receiver) = (World::new(), Receiver::new(|_| Reply::Status(200)));
    let wanted = EventChoice::Only(vec![EventType::LockLocked, EventType::DeviceAdded]);
    let id = world.webhook(receiver.url("/"), wanted).await;
    world.emit(EventType::LockLocked, 1).await;
    // Enough that they are noted as seen.
    world.happen(2..302).await;
    world.emit(EventType::DeviceAdded, 302).await;
    assert_eq!(numbers(&mut receiver, 2).await, [1, 302]);
    // Others from now on.
    world
        .write(move |unit| {
            let webhook = unit.webhook(id)?.unwrap();
            unit.change_webhook(&webhook, &EventChoice::Only(vec![EventType::LockUnlocked]))
        })
        .await;
    world.emit(EventType::LockLocked, 303).await;
    world.happen(304..305).await;
    assert_eq!(numbers(&mut receiver, 1).await, [304]);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_by_plan_until_it_is_and_those_behind_it_wait() {
    // Every way of not taking it: answers, silence, a connection that breaks, things that are not HTTP.
    let answers = [
        Reply::Status(500),
        Reply::Silence,
        Reply::Close,
        Reply::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
        Reply::Bytes([b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'y'; 1 << 20]].concat()),
        Reply::Status(429),
        Reply::Status(404),
    ];
    let mut world = World::who_waits(HASTY);
    *world.clock.patience.lock().unwrap() = Duration::from_secs(1800);
    let mut receiver = Receiver::new(move |number| answers.get(number).cloned().unwrap_or(Reply::Status(200)));
    let id = world.webhook(receiver.url("/"), EventChoice::All).await;
    world.happen(0..2).await;
    let mut attempts = Vec::new();
    for number in 0..8 {
        let post = receiver.next().await;
        assert_eq!(post.json()["n"], 0, "in order");
        attempts.push(world.seconds());
        if number == 3 {
            // It waits for two hours now.
            world.settled(id, |delivery| delivery.failures == 4).await;
            world.restart().await;
            *world.clock.patience.lock().unwrap() = Duration::MAX;
        }
    }
    let pauses: Vec<u64> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
    assert_eq!(numbers(&mut receiver, 1).await, [1]);
    let delivery = world.look_at(id).await.delivery;
    assert_eq!((delivery.failures, delivery.given_up), (0, 0));
    assert_eq!(delivery.last_failure.unwrap().reason, "it answered 404");
    assert!(world.events(EventType::WebhookGivenUp).await.is_empty());
}

#[tokio::test]
async fn a_refused_connection_is_a_failure_in_plain_words_without_the_url() {
    let world = World::new();
    let url = receiver::nobodys_url("/secret-token");
    let id = world.webhook(url, EventChoice::All).await;
    world.happen(0..1).await;
    let failure = world.settled(id, |delivery| delivery.last_failure.is_some()).await.last_failure.unwrap();
    assert!(failure.reason.starts_with("no connection: ") && failure.reason.contains("refused"), "{failure:?}");
    assert!(!failure.reason.contains("token"), "{failure:?}");
}

#[tokio::test]
async fn after_eight_attempts_an_event_is_given_up_which_is_told_once_and_the_next_ones_are_tried() {
    let world = World::new();
    // Takes nothing before its 12th call.
    let mut receiver = Receiver::new(|number| Reply::Status(if number < 11 { 503 } else { 200 }));
    let id = world.webhook(receiver.url("/"), EventChoice::Only(vec![EventType::LockUnlocked])).await;
    world.happen(0..5).await;
    assert_eq!(numbers(&mut receiver, 8).await, [0; 8]);
    assert_eq!(numbers(&mut receiver, 4).await, [1, 2, 3, 4]);
    world.settled(id, |delivery| delivery.failures == 0).await;
    assert_eq!(world.look_at(id).await.delivery.given_up, 4);
    let told = world.events(EventType::WebhookGivenUp).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].details["webhook_id"], json!(id));
    assert_eq!(told[0].details["error_message"], "it answered 503");
}

#[tokio::test]
async fn one_slow_receiver_delays_no_other() {
    let world = World::who_waits(HASTY * 5);
    let mut slow = Receiver::new(|_| Reply::Silence);
    let mut quick = Receiver::new(|_| Reply::Status(200));
    world.webhook(slow.url("/"), EventChoice::All).await;
    world.webhook(quick.url("/"), EventChoice::All).await;
    world.happen(0..50).await;
    slow.next().await;
    assert_eq!(numbers(&mut quick, 50).await, (0..50).collect::<Vec<u64>>());
}

#[tokio::test]
async fn after_a_restart_it_goes_on_where_it_was() {
    let (mut world, mut receiver) = (World::new(), Receiver::new(|_| Reply::Status(200)));
    let id = world.webhook(receiver.url("/"), EventChoice::All).await;
    world.happen(0..3).await;
    assert_eq!(numbers(&mut receiver, 3).await, [0, 1, 2]);
    // The last is noted, or would be sent again.
    world.at(id, 3).await;
    world.restart().await;
    world.happen(3..5).await;
    assert_eq!(numbers(&mut receiver, 2).await, [3, 4]);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_webhook_deleted_while_its_receiver_is_slow_is_gone_and_leaves_no_trace() {
    let world = World::who_waits(HASTY);
    let mut receiver = Receiver::new(|_| Reply::Silence);
    let id = world.webhook(receiver.url("/"), EventChoice::All).await;
    world.happen(0..3).await;
    receiver.next().await;
    world.write(move |unit| unit.delete_webhook(id)).await;
    // Longer than it is waited for.
    tokio::time::sleep(HASTY * 2).await;
    assert!(receiver.is_quiet());
    let cursor = world.write(move |unit| unit.cursor(&format!("webhook:{id}"))).await;
    assert_eq!((cursor, world.hub.webhook_ids().await.unwrap()), (0, Vec::new()));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new();
    let elsewhere = Receiver::new(|_| Reply::Status(200));
    let answer = format!("HTTP/1.1 307 Elsewhere\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url("/"));
    let mut receiver = Receiver::new(move |_| Reply::Bytes(answer.clone().into_bytes()));
    let id = world.webhook(receiver.url("/"), EventChoice::All).await;
    world.happen(0..1).await;
    receiver.next().await;
    receiver.next().await;
    let failure = world.look_at(id).await.delivery.last_failure.unwrap();
    assert_eq!(failure.reason, "it answered 307: redirects are not followed, make a webhook with the final URL");
    assert!(elsewhere.is_quiet());
}

#[tokio::test]
async fn an_endless_answer_takes_no_memory_and_counts_by_its_status() {
    let world = World::new();
    let mut receiver = Receiver::new(|_| Reply::Endless);
    let id = world.webhook(receiver.url("/"), EventChoice::All).await;
    world.happen(0..3).await;
    assert_eq!(numbers(&mut receiver, 3).await, [0, 1, 2]);
    world.at(id, 3).await;
    assert_eq!(world.look_at(id).await.delivery.last_failure, None);
}

#[tokio::test]
async fn a_changed_webhook_is_tried_at_once() {
    let world = World::new();
    *world.clock.patience.lock().unwrap() = Duration::from_secs(1800);
    let mut receiver = Receiver::new(|number| Reply::Status(if number < 4 { 500 } else { 200 }));
    let id = world.webhook(receiver.url("/"), EventChoice::All).await;
    world.happen(0..1).await;
    assert_eq!(numbers(&mut receiver, 4).await, [0, 0, 0, 0]);
    // It now waits for two hours.
    world.settled(id, |delivery| delivery.failures == 4).await;
    world
        .write(move |unit| {
            let webhook = unit.webhook(id)?.unwrap();
            unit.change_webhook(&webhook, &EventChoice::All)
        })
        .await;
    assert_eq!(numbers(&mut receiver, 1).await, [0]);
}
