//! The host's program: orders grants, changes and deletes them, and asks again until it has an answer.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use keyway::hub::{Answer, Caller};
use keyway::model::Timestamp;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

use crate::building::{self, pick};
use crate::checker::{Grant, GrantNumber, Windows};
use crate::guests;
use crate::time::at;
use crate::world::World;

/// Pause before a request without an answer is sent again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// No outage of the hub is as long.
const TOLD_WITHIN_MINUTES: u32 = 12 * 60;
const MINUTE: f64 = 60.0;
const DAY: f64 = 86_400.0;

/// Asks something of the hub, again and again until there is an answer. With a `request_id` it is carried out once.
pub(crate) async fn ask(
    world: &World,
    operation: &str,
    body: &Value,
    request_id: Option<&str>,
) -> Result<Map<String, Value>, String> {
    loop {
        let hub = world.machine.some_hub().await;
        let caller = Caller::mqtt();
        match hub.call(&caller, operation, body.clone(), request_id.map(str::to_owned)).await {
            Answer::Ok(answer) => return Ok(answer),
            Answer::Error(error) if error.error_type == "internal_error" => tokio::time::sleep(AGAIN_AFTER).await,
            Answer::Error(error) => return Err(error.to_string()),
        }
    }
}

/// Waits until the hub knows every lock: its names for the doors, in order.
pub(crate) async fn move_in(world: &World) -> Vec<String> {
    for door in 0..world.doors() {
        join(world, door).await;
    }
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let answer = ask(world, "devices/list", &json!({"limit": 500}), None).await.expect("a list");
        let devices = answer["devices"].as_array().cloned().unwrap_or_default();
        let ready = |device: &&Value| {
            device["warnings"]
                .as_array()
                .is_some_and(|warnings| warnings.iter().all(|w| w["warning_code"] != "interview_incomplete"))
        };
        let of = |door: usize| {
            let named =
                devices.iter().filter(ready).find(|device| device["display_name"] == building::name(door).as_str());
            named.and_then(|device| device["device_id"].as_str()).map(str::to_owned)
        };
        if let Some(all) = (0..world.doors()).map(of).collect::<Option<Vec<_>>>() {
            world.note(None, "moved in");
            return all;
        }
    }
}

/// Lets a lock in that is fresh from its box. Others are in their network, and named in the configuration.
async fn join(world: &World, door: usize) {
    let (site, _) = world.place(door);
    if !site.stick.borrow().is_new() {
        return;
    }
    let body = json!({"network": site.name, "name": building::name(door)});
    // Not while the stick starts, nor while another is let in.
    while ask(world, "networks/include", &body, None).await.is_err() {
        tokio::time::sleep(AGAIN_AFTER).await;
    }
    tokio::time::sleep(AGAIN_AFTER).await;
    world.join(door);
}

/// From now on guests are booked.
pub(crate) fn open(world: &Rc<World>, devices: Vec<String>) {
    let devices = Rc::new(devices);
    for door in 0..world.doors() {
        let (world, devices, mut random) = (Rc::clone(world), Rc::clone(&devices), world.choices());
        tokio::task::spawn_local(async move {
            for count in 0.. {
                tokio::time::sleep(seconds(random.random_range(0.0..0.7 * DAY))).await;
                let booking = Booking { door, name: format!("booking {door}/{count}"), devices: Rc::clone(&devices) };
                let random = world.choices();
                let whole = booking.run(Rc::clone(&world), random);
                let next = tokio::task::spawn_local(whole);
                // Some overlap, most do not.
                if count % 4 != 0 {
                    let _ = next.await;
                }
            }
        });
    }
}

struct Booking {
    door: usize,
    name: String,
    devices: Rc<Vec<String>>,
}

impl Booking {
    /// From the order to the end.
    async fn run(self, world: Rc<World>, mut random: StdRng) {
        let now = world.time.now();
        let lead = [
            0.0,
            random.random_range(0.0..10.0 * MINUTE),
            random.random_range(0.0..0.5 * DAY),
            random.random_range(0.0..3.0 * DAY),
        ];
        let starts_at = whole(now.after(seconds(lead[pick(&mut random, &[1, 2, 4, 3])])));
        let length = [random.random_range(5.0 * MINUTE..120.0 * MINUTE), random.random_range(0.1 * DAY..4.0 * DAY)];
        let ends_at = whole(starts_at.after(seconds(length[pick(&mut random, &[2, 3])])));
        let mut doors = BTreeSet::from([self.door]);
        while doors.len() < world.doors() && random.random_bool(0.2) {
            doors.insert(random.random_range(0..world.doors()));
        }
        let mut body = json!({
            "user_identity": {"full_name": format!("Guest of {}", self.name)},
            "name": self.name,
            "device_ids": doors.iter().map(|door| self.devices[*door].as_str()).collect::<Vec<_>>(),
            "requested_access_methods": [{"mode": "code"}],
            "starts_at": starts_at,
            "ends_at": ends_at,
        });
        let mut windows = vec![(starts_at, Some(ends_at))];
        if random.random_bool(0.1) {
            let ends_at = whole(starts_at.after(seconds(random.random_range(3.0 * DAY..10.0 * DAY))));
            let (schedule, times) = recurring(&mut random, starts_at, ends_at);
            (body["schedule"], body["ends_at"]) = (schedule, json!(ends_at));
            windows = times;
        } else if random.random_bool(0.05) {
            body["ends_at"] = Value::Null;
            windows = vec![(starts_at, None)];
        }
        if random.random_bool(0.2) {
            body["requested_access_methods"][0]["code"] =
                json!(format!("{:06}", random.random_range(100_000..1_000_000)));
        }
        let Some(number) = self.order(&world, &body, doors.clone(), windows.clone(), &mut random).await else { return };
        for door in doors {
            let (world, random) = (Rc::clone(&world), world.choices());
            tokio::task::spawn_local(async move { guests::come(&world, door, number, random).await });
        }
        self.change(&world, number, windows, &mut random).await;
    }

    /// Some hosts' programs send a request twice.
    async fn order(
        &self,
        world: &World,
        body: &Value,
        doors: BTreeSet<usize>,
        windows: Windows,
        random: &mut StdRng,
    ) -> Option<GrantNumber> {
        let request = Some(self.name.as_str());
        let answer = if random.random_bool(0.1) {
            let (one, other) = tokio::join!(
                ask(world, "access_grants/create", body, request),
                ask(world, "access_grants/create", body, request)
            );
            if one != other {
                world.broken("I7", None, &format!("{} was asked for twice and answered in two ways", self.name));
            }
            one
        } else {
            ask(world, "access_grants/create", body, request).await
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                world.counts.borrow_mut().refused += 1;
                world.note(Some(self.door), &format!("{} refused: {error}", self.name));
                return None;
            }
        };
        let id = text(&answer["access_grant"]["access_grant_id"]);
        let methods = ask(world, "access_methods/list", &json!({"access_grant_id": id}), None).await.expect("a list");
        let pin = text(&methods["access_methods"][0]["code"]);
        world.counts.borrow_mut().grants += 1;
        world.note(
            Some(self.door),
            &format!("{} is grant {id}: PIN {pin} for doors {doors:?}, {}", self.name, shown(&windows)),
        );
        let number = world.checker.borrow_mut().granted(world.time.now(), id, pin, doors, windows);
        Some(number)
    }

    /// What becomes of it until it is over.
    async fn change(&self, world: &World, number: GrantNumber, mut windows: Windows, random: &mut StdRng) {
        let last = |windows: &Windows| windows.last().and_then(|(_, end)| *end);
        let start = windows.first().map_or(world.time.now(), |(start, _)| *start);
        for change in 0..random.random_range(0..3_u32) {
            let moment = match pick(random, &[3, 2, 1, 1]) {
                0 => between(random, world.time.now(), last(&windows).unwrap_or(start.after(seconds(5.0 * DAY)))),
                // In the very second of the start, or of the end.
                1 => start.before(seconds(1.0)).after(seconds(random.random_range(0.0..2.0))),
                2 => last(&windows).unwrap_or(start).before(seconds(random.random_range(0.0..3.0))),
                _ => world.time.now().after(seconds(random.random_range(0.0..MINUTE))),
            };
            world.time.wait_until(moment).await;
            let now = world.time.now();
            let request = format!("{} change {change}", self.name);
            let id = world.checker.borrow().ledger.grant(number).id.clone();
            let deletes = windows.len() != 1 || random.random_bool(0.4);
            if deletes {
                self.tell(world, number, &request, "access_grants/delete", &json!({"access_grant_id": id}), Vec::new())
                    .await;
                return;
            }
            let mut body = json!({"access_grant_id": id});
            let (mut starts_at, _) = windows[0];
            let ends_at = whole(now.after(seconds(random.random_range(10.0..2.0 * DAY))));
            if starts_at > now && random.random_bool(0.5) {
                starts_at = whole(now.after(seconds(random.random_range(0.0..DAY))));
                body["starts_at"] = json!(starts_at);
            }
            if ends_at <= starts_at {
                continue;
            }
            body["ends_at"] = json!(ends_at);
            let asked = vec![(starts_at, Some(ends_at))];
            if self.tell(world, number, &request, "access_grants/update", &body, asked.clone()).await {
                windows = asked;
            }
        }
        match last(&windows) {
            Some(end) => world.time.wait_until(end).await,
            None => {
                tokio::time::sleep(seconds(random.random_range(0.0..6.0 * DAY))).await;
                let id = world.checker.borrow().ledger.grant(number).id.clone();
                let request = format!("{} last", self.name);
                self.tell(world, number, &request, "access_grants/delete", &json!({"access_grant_id": id}), Vec::new())
                    .await;
            }
        }
    }

    /// Orders a change. True: it was made.
    async fn tell(
        &self,
        world: &World,
        number: GrantNumber,
        request: &str,
        operation: &str,
        body: &Value,
        asked: Windows,
    ) -> bool {
        world.note(Some(self.door), &format!("{request}: {operation}, {}", shown(&asked)));
        world.checker.borrow_mut().asked(world.time.now(), number, asked);
        let answer = ask(world, operation, body, Some(request)).await;
        world.note(Some(self.door), &format!("{request}: {}", answer.as_ref().err().map_or("done", String::as_str)));
        world.checker.borrow_mut().answered(world.time.now(), number, answer.is_ok());
        answer.is_ok()
    }
}

/// A recurring grant, and its windows reckoned by the calendar and not by the hub.
fn recurring(random: &mut StdRng, starts_at: Timestamp, ends_at: Timestamp) -> (Value, Windows) {
    let (cron, hour, minute, hours) =
        [("0 9 * * *", 9, 0, 3), ("30 2 * * *", 2, 30, 2), ("0 22 * * *", 22, 0, 8)][random.random_range(0..3)];
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").expect("the system has time zones");
    let civil =
        |time: Timestamp| zone.to_datetime(jiff::Timestamp::from_microsecond(time.as_microsecond()).expect("a time"));
    let utc = |time: jiff::civil::DateTime| {
        at(zone.to_ambiguous_timestamp(time).compatible().expect("a time").as_microsecond())
    };
    let mut windows = Windows::new();
    let mut day = civil(starts_at).date().yesterday().expect("a day");
    while day <= civil(ends_at).date() {
        let opens = day.at(hour, minute, 0, 0);
        let closes = opens + jiff::Span::new().hours(hours);
        let (from, until) = (utc(opens).max(starts_at), utc(closes).min(ends_at));
        if from < until {
            windows.push((from, Some(until)));
        }
        day = day.tomorrow().expect("a day");
    }
    (json!({"cron": cron, "duration": format!("{hours}h"), "time_zone": "Europe/Berlin"}), windows)
}

/// At the end: whether every order was carried out once (I7), and told of (I8).
pub(crate) async fn look_back(world: &World) {
    // What is away now comes back: the broker at once, and again, the hub in hours.
    let mut silent = Vec::new();
    for _ in 0..TOLD_WITHIN_MINUTES {
        world.broker_is_back();
        tokio::time::sleep(Duration::from_secs(60)).await;
        silent = untold(world);
        if silent.is_empty() {
            break;
        }
    }
    for grant in silent {
        world.broken("I8", None, &format!("the broker was not told all of grant {grant}"));
    }
    let mut names = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let body = json!({"limit": 500, "page_cursor": cursor});
        let page = ask(world, "access_grants/list", &body, None).await.expect("a list");
        names.extend(page["access_grants"].as_array().into_iter().flatten().map(|grant| text(&grant["name"])));
        cursor = page["pagination"]["next_page_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    names.sort();
    for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        world.broken("I7", None, &format!("{} was ordered once and is there twice", pair[0]));
    }
}

/// Grants that the broker should know all of, and does not.
fn untold(world: &World) -> Vec<String> {
    let (checker, inbox) = (world.checker.borrow(), world.inbox.borrow());
    let told = |grant: &Grant| {
        let deleted = !grant.deleted || inbox.has("access_grant.deleted", &grant.id);
        deleted && inbox.has("access_grant.created", &grant.id)
    };
    checker.ledger.all().filter(|grant| !told(grant)).map(|grant| grant.id.clone()).collect()
}

fn between(random: &mut StdRng, from: Timestamp, to: Timestamp) -> Timestamp {
    let span = from.until(to).as_secs_f64();
    from.after(seconds(random.random_range(0.0..=span)))
}

/// Times are given in whole milliseconds.
fn whole(time: Timestamp) -> Timestamp {
    at(time.as_millisecond() * 1000)
}

fn shown(windows: &Windows) -> String {
    let window = |(start, end): &(Timestamp, Option<Timestamp>)| {
        format!("{start} to {}", end.map_or("ever".to_owned(), |end| end.to_string()))
    };
    windows.iter().take(4).map(window).collect::<Vec<_>>().join(", ")
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}
