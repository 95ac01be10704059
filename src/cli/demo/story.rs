//! The story: what a host does, what the hub does, what the lock sees, what a guest does.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::super::say;
use super::doors::Door;
use super::host::Host;
use crate::clock::{Clock, SystemClock};
use crate::model::Timestamp;

/// How many locks there are in the end.
const LOCKS: usize = 4;
const GUEST: &str = "Ada Lovelace";
/// The grant begins this long after it is asked for …
const BEGINS_AFTER: Duration = Duration::from_secs(4);
/// … and is over this long after that.
const LASTS: Duration = Duration::from_secs(12);
/// How late a code may be in the lock or out of it before the story fails.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the hub may take to begin a network of its own, or to learn what its locks are.
const INTERVIEW: Duration = Duration::from_secs(30);

/// What the story leaves behind.
pub(super) struct Facts {
    /// Of the front door.
    pub(super) device_id: String,
    pub(super) access_grant_id: String,
    /// An hour after the story, for the next grant.
    pub(super) later: Timestamp,
}

pub(super) struct Story {
    host: Host,
    /// The guest's: the first has a Z-Wave lock that the hub knows, the second a Zigbee lock that is new.
    doors: [Door; 2],
    clock: SystemClock,
    begun: Instant,
}

/// A grant and its PIN.
struct Granted {
    access_grant_id: String,
    pin: String,
    starts_at: Timestamp,
    ends_at: Timestamp,
}

impl Story {
    pub(super) fn new(host: Host, doors: [Door; 2]) -> Self {
        let clock = SystemClock::default();
        let begun = clock.now().mono;
        Self { host, doors, clock, begun }
    }

    /// Tells it. An error names the step that was not seen.
    pub(super) async fn tell(&mut self) -> anyhow::Result<Facts> {
        self.let_the_new_lock_in().await.context("step 1, the new lock joins")?;
        let device_ids = self.meet_the_locks().await.context("step 2, the locks are found")?;
        let granted = self.grant(&device_ids).await.context("step 3, a grant is made")?;
        self.code_lands(&granted).await.context("step 4, the PIN is in the locks")?;
        self.guest_comes(&granted).await.context("step 5, the guest comes in")?;
        self.code_goes(&granted).await.context("step 6, the PIN is gone")?;
        let later = self.clock.now().utc.after(Duration::from_secs(3600));
        let [device_id, _] = device_ids;
        Ok(Facts { device_id, access_grant_id: granted.access_grant_id, later })
    }

    async fn let_the_new_lock_in(&mut self) -> anyhow::Result<()> {
        self.host.hub_is_there(INTERVIEW).await?;
        let name = self.doors[1].name;
        let body = json!({"network": "zigbee", "name": name});
        self.tell_that(format_args!("The lock of the {} is new, a Zigbee one. To let it in,", name.to_lowercase()));
        self.show(self.host.topic("networks/include"));
        self.show(&body);
        let deadline = self.clock.now().mono + INTERVIEW;
        // The stick is to get a network first.
        while let Err(refused) = self.host.ask("networks/include", &body).await {
            if self.clock.now().mono > deadline {
                return Err(refused);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        while !self.doors[1].press_button().await? {
            if self.clock.now().mono > deadline {
                bail!("the lock finds no open network");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.tell_that("The hub has begun a network and opened it; the lock's button was pressed, and it is in.");
        Ok(())
    }

    /// Gives the device ids of the guest's doors.
    async fn meet_the_locks(&mut self) -> anyhow::Result<[String; 2]> {
        self.tell_that("The hub asks each lock what it is and what it can do. They sleep, and take a second to wake.");
        let deadline = self.clock.now().mono + INTERVIEW;
        let mut known = BTreeMap::new();
        loop {
            let answer = self.host.ask("devices/list", &json!({})).await;
            let devices = answer.ok().and_then(|answer| answer["devices"].as_array().cloned()).unwrap_or_default();
            for device in devices.iter().filter(|device| is_ready(device)) {
                let name = text(device, "display_name")?;
                if known.insert(name.clone(), text(device, "device_id")?).is_none() {
                    let slots = &device["codes"]["slots"];
                    self.tell_that(format_args!("{name} is ready: it has a keypad, and {slots} slots for codes."));
                }
            }
            if known.len() == LOCKS {
                break;
            }
            if self.clock.now().mono > deadline {
                bail!("only {} of {LOCKS} locks are ready after {} s", known.len(), INTERVIEW.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let mut id = |door: &Door| known.remove(door.name).with_context(|| format!("no {}", door.name));
        Ok([id(&self.doors[0])?, id(&self.doors[1])?])
    }

    async fn grant(&mut self, device_ids: &[String]) -> anyhow::Result<Granted> {
        let starts_at = self.clock.now().utc.after(BEGINS_AFTER);
        let ends_at = starts_at.after(LASTS);
        let body = json!({
            "user_identity": {"full_name": GUEST},
            "device_ids": device_ids,
            "requested_access_methods": [{"mode": "code"}],
            "starts_at": starts_at,
            "ends_at": ends_at,
        });
        self.tell_that(format_args!(
            "A booking program asks: {GUEST} may enter by {}, in {} s from now, for {} s. It publishes to",
            self.names(),
            BEGINS_AFTER.as_secs(),
            LASTS.as_secs()
        ));
        self.show(self.host.topic("access_grants/create"));
        self.show(&body);
        let answer = self.host.ask("access_grants/create", &body).await?;
        let grant = &answer["access_grant"];
        let access_grant_id = text(grant, "access_grant_id")?;
        self.tell_that("The hub has it on disk and answers:");
        self.show(excerpt(
            grant,
            &["access_grant_id", "access_method_ids", "starts_at", "ends_at", "errors", "warnings"],
        ));
        let question = json!({"access_grant_id": access_grant_id});
        let methods = self.host.ask("access_methods/list", &question).await?;
        let pin = text(&methods["access_methods"][0], "code")?;
        self.tell_that(format_args!(
            "The PIN for {GUEST} is {pin}, at both doors: it can be sent to her now. No lock knows it yet."
        ));
        if self.slots_with(&pin).await?.iter().any(Option::is_some) {
            bail!("a lock holds the PIN before the time");
        }
        Ok(Granted { access_grant_id, pin, starts_at, ends_at })
    }

    async fn code_lands(&mut self, granted: &Granted) -> anyhow::Result<()> {
        let slots = self.wait_for_slots(granted, granted.starts_at, true).await?;
        self.tell_that(format_args!("It is time: {}.", granted.starts_at));
        for (door, slot) in self.doors.iter().zip(slots) {
            let slot = slot.context("the slot has no number")?;
            self.tell_that(format_args!(
                "{}: the lock's own memory now says: slot {slot} holds {}.",
                door.name, granted.pin
            ));
        }
        self.tell_that("The hub has the proof of each lock and says so:");
        for _ in &self.doors {
            let event = self.host.event("access_code.set_on_device", PATIENCE).await?;
            self.show_event(&event);
        }
        Ok(())
    }

    async fn guest_comes(&mut self, granted: &Granted) -> anyhow::Result<()> {
        for door in 0..self.doors.len() {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let door = &mut self.doors[door];
            let name = door.name.to_lowercase();
            if !door.type_code(&granted.pin).await? {
                bail!("the lock of the {name} did not take the PIN");
            }
            self.tell_that(format_args!(
                "{GUEST} types {} at the {name}. The bolt turns. The hub hears of it:",
                granted.pin
            ));
            let event = self.host.event("lock.unlocked", PATIENCE).await?;
            self.show_event(&event);
            let question = json!({"user_identity_id": event["user_identity_id"]});
            let answer = self.host.ask("user_identities/get", &question).await?;
            if text(&answer["user_identity"], "full_name")? != GUEST {
                bail!("the event names somebody else");
            }
        }
        self.tell_that(format_args!("So it was {GUEST} who came in."));
        Ok(())
    }

    async fn code_goes(&mut self, granted: &Granted) -> anyhow::Result<()> {
        self.tell_that(format_args!("The grant ends at {}.", granted.ends_at));
        self.wait_for_slots(granted, granted.ends_at, false).await?;
        self.tell_that(format_args!("It is over: no slot of either lock holds {} any more.", granted.pin));
        for _ in &self.doors {
            let event = self.host.event("access_code.removed_from_device", PATIENCE).await?;
            self.show_event(&event);
        }
        for door in &mut self.doors {
            if door.type_code(&granted.pin).await? {
                bail!("the PIN still opens the {}", door.name);
            }
        }
        self.tell_that(format_args!("Typed again, {} opens nothing.", granted.pin));
        Ok(())
    }

    /// Waits until each lock holds the PIN, or holds it no more, which must not be before `due`.
    async fn wait_for_slots(
        &mut self,
        granted: &Granted,
        due: Timestamp,
        held: bool,
    ) -> anyhow::Result<[Option<u64>; 2]> {
        loop {
            let slots = self.slots_with(&granted.pin).await?;
            let now = self.clock.now().utc;
            // The clocks are one, so that there is nothing to forgive.
            if now < due && slots.iter().any(|slot| slot.is_some() == held) {
                bail!("a lock changed before the time");
            }
            if slots.iter().all(|slot| slot.is_some() == held) {
                return Ok(slots);
            }
            if now > due.after(PATIENCE) {
                bail!("a lock did not change within {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn slots_with(&mut self, pin: &str) -> anyhow::Result<[Option<u64>; 2]> {
        let [one, other] = &mut self.doors;
        Ok([one.slot_with(pin).await?, other.slot_with(pin).await?])
    }

    fn names(&self) -> String {
        self.doors.each_ref().map(|door| format!("the {}", door.name.to_lowercase())).join(" and ")
    }

    /// A sentence, with the seconds since the beginning.
    fn tell_that(&self, sentence: impl Display) {
        let seconds = self.clock.now().mono.saturating_duration_since(self.begun).as_secs_f32();
        say(format_args!("{seconds:5.1} s  {sentence}"));
    }

    fn show_event(&self, event: &Value) {
        self.show(self.host.topic_of(event));
        self.show(excerpt(event, &["occurred_at", "device_id", "user_identity_id", "method"]));
    }

    /// What went over the wire, below its sentence.
    fn show(&self, text: impl Display) {
        say(format_args!("           {text}"));
    }
}

/// Whether a device can be given codes.
fn is_ready(device: &Value) -> bool {
    device["can_program_online_access_codes"] == true && device["properties"]["online"] == true
}

/// The named fields of an object, as far as it has them.
fn excerpt(json: &Value, fields: &[&str]) -> Value {
    let kept = fields.iter().filter_map(|field| Some(((*field).to_owned(), json.get(*field)?.clone())));
    Value::Object(kept.collect())
}

fn text(json: &Value, field: &str) -> anyhow::Result<String> {
    json[field].as_str().map(str::to_owned).with_context(|| format!("the answer has no {field}"))
}
