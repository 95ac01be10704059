//! The broker, as the hub's outbox sees it: there or away, and what it got. And somebody who looks at what the hub tells
//! also while it is away.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use keyway::hub::Hub;
use keyway::model::Timestamp;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::hands;
use crate::world::World;

/// The cursor of the MQTT door.
const DOOR: &str = "mqtt";
/// Events taken at once.
const BATCH: usize = 64;

/// The broker has them so long after they were taken out.
const LATENCY: Duration = Duration::from_millis(40);

/// The broker.
pub(crate) struct Broker {
    there: watch::Sender<bool>,
}

impl Broker {
    pub(crate) fn new() -> Self {
        Self { there: watch::channel(true).0 }
    }

    pub(crate) fn is_there(&self) -> bool {
        *self.there.borrow()
    }

    pub(crate) fn set(&self, there: bool) {
        self.there.send_replace(there);
    }
}

/// What the broker got, and how far the hub's events were looked at.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    got: u64,
    looked_at: u64,
    seen: BTreeSet<(String, String)>,
}

impl Inbox {
    /// Whether an event of this type about this grant came in.
    pub(crate) fn has(&self, event_type: &str, grant: &str) -> bool {
        self.seen.contains(&(event_type.to_owned(), grant.to_owned()))
    }
}

/// Takes the hub's events, for ever.
pub(crate) async fn listen(world: &Rc<World>) {
    let mut there = world.broker.there.subscribe();
    loop {
        let hub = world.machine.some_hub().await;
        let mut changes = hub.changes();
        // It is the hub that sends: what is under way when that is killed gets nowhere.
        let sends = async { while take(world, &hub).await.is_some() {} };
        tokio::select! {
            biased;
            () = world.machine.over() => continue,
            () = sends => {}
        }
        tokio::select! {
            biased;
            () = world.machine.over() => {}
            _ = there.changed() => {}
            () = news(&mut changes) => {}
        }
    }
}

async fn news(changes: &mut tokio::sync::broadcast::Receiver<std::sync::Arc<keyway::hub::Changes>>) {
    loop {
        match changes.recv().await {
            Ok(changes) if !changes.events => {}
            Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        }
    }
}

/// Takes the next events. `None`: there are none, or the hub is gone.
pub(crate) async fn take(world: &Rc<World>, hub: &Hub) -> Option<()> {
    if !world.broker.is_there() {
        let after = world.inbox.borrow().looked_at;
        let events = hub.feed(after, BATCH).await.ok()?;
        let last = events.last()?.0;
        events.iter().for_each(|(number, _, event)| look(world, *number, event));
        world.inbox.borrow_mut().looked_at = last;
        return Some(());
    }
    let events = hub.events_for(DOOR, BATCH).await.ok()?;
    let last = events.last()?.number;
    tokio::time::sleep(LATENCY).await;
    // Nor does what is under way when the broker goes.
    if !world.broker.is_there() {
        return Some(());
    }
    for event in &events {
        look(world, event.number, &event.json);
        got(world, event.number, &event.json);
    }
    // It is told that they came through only now: a hub that is killed before sends them again.
    hub.events_delivered(DOOR, last).await.ok()?;
    Some(())
}

fn got(world: &World, number: u64, event: &Value) {
    let last = world.inbox.borrow().got;
    if number <= last {
        return;
    }
    if number > last + 1 {
        world.broken("I8", None, &format!("events {} to {} were never sent", last + 1, number - 1));
    }
    let mut inbox = world.inbox.borrow_mut();
    inbox.got = number;
    world.counts.borrow_mut().events += 1;
    if let (Some(kind), Some(grant)) = (event["event_type"].as_str(), event["access_grant_id"].as_str())
        && kind.starts_with("access_grant.")
    {
        inbox.seen.insert((kind.to_owned(), grant.to_owned()));
    }
}

fn look(world: &Rc<World>, number: u64, event: &Value) {
    if number <= world.inbox.borrow().looked_at {
        return;
    }
    world.inbox.borrow_mut().looked_at = number;
    let kind = event["event_type"].as_str().unwrap_or_default();
    let door = event["device_id"].as_str().and_then(|id| world.checker.borrow().door_of(id));
    world.note(door, &format!("event {number} {kind}"));
    let (Some(grant), Some(door)) = (event["access_grant_id"].as_str(), door) else { return };
    let now = world.time.now();
    let told_at = event["occurred_at"].as_str().and_then(|text| Timestamp::parse(text).ok());
    let told_at = told_at.expect("each event has its time");
    let broken = match kind {
        "access_code.set_on_device" => world.checker.borrow().told_set(told_at, now, grant, door),
        "access_code.failed_to_set_on_device" => {
            world.checker.borrow().told_refused(told_at, now, grant, door, world.slots(door).into())
        }
        _ => None,
    };
    if let Some((invariant, what)) = broken {
        world.broken(invariant, Some(door), &what);
    }
    if kind == "access_code.delay_in_removing_from_device" {
        hands::told_that_it_stays(world, door, grant);
    }
    if kind == "access_code.failed_to_set_on_device" {
        world.note(Some(door), &format!("refused: {}", event["message"]));
    }
    world.checker.borrow_mut().told(told_at, now, grant, door, kind);
}
