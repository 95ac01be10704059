//! What a hub costs with much in its store: `cargo bench --features demo --bench load` prints a table and puts it into
//! `docs/load.md`.
//!
//! Fifty locks behind one stick; 1,000, 100,000 and 1,000,000 grants, one after the other in the same database: as many
//! guests come within a week each time, some more later, and the rest is long over. For each: how long the hub takes to be
//! ready and to have done what there is to do then, what memory it has, what processor time and reading an event of a lock
//! with its reconciler's turn takes, how many uses of keypads a second it keeps up with, beside 10,000 events an hour, how
//! long a code takes at rest and behind a burst of reports of all locks, what a grant and a page of a list take; and behind
//! each figure how often the first one goes into it. What costs what is due, and not what is stored, has a 1 there.
//!
//! `-- --quick` makes a hundredth of it, to see that it works, and leaves the page alone.

mod burst;
mod fill;
#[path = "../shared/page.rs"]
mod page;
mod rush;
mod table;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use keyway_test_support::{Http, LockSetup, SOON, Setup, Signal, World, in_seconds, now, wait_until};
use serde_json::{Value, json};

use fill::Database;
use table::Row;

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");
/// The first lock's node; the stick itself is 1.
const FIRST_NODE: u16 = 2;
/// A hub that uses less of a processor than this has nothing to do that cannot wait,
const QUIET: f64 = 0.15;
/// or nothing at all.
const SILENT: f64 = 0.05;
/// So many times in a row, half a second each: a lock that was not answered tells it again after three seconds.
const QUIETS: u32 = 7;
/// How long it may take to come to rest.
const REST: Duration = Duration::from_secs(600);
/// Events a second that the hub is to keep up with: 10,000 an hour.
const ASKED: f64 = 10_000.0 / 3600.0;
/// From one event to the next, while each is looked at for itself.
const PACE: Duration = Duration::from_millis(50);
/// Grants in one page: a door has as many of the fewest.
const PAGE: usize = 20;

/// How much is done.
struct Size {
    doors: u16,
    grants: [usize; 3],
    events: u32,
    uses: u32,
    /// Reports of each lock, all at once.
    burst: u32,
    creates: u32,
    pages: u32,
    idle: Duration,
}

const WHOLE: Size = Size {
    doors: 50,
    grants: [1_000, 100_000, 1_000_000],
    events: 200,
    uses: 1_000,
    burst: 10,
    creates: 100,
    pages: 200,
    idle: Duration::from_secs(10),
};
const QUICK: Size = Size {
    doors: 5,
    grants: [100, 1_000, 10_000],
    events: 50,
    uses: 50,
    burst: 10,
    creates: 20,
    pages: 10,
    idle: Duration::from_secs(2),
};

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let size = if quick { QUICK } else { WHOLE };
    let began = now();
    let lock = |door: u16| LockSetup::s2(FIRST_NODE + door, format!("Room {}", door + 1).leak());
    let mut world = World::quiet(KEYWAY, &Setup::of(&(0..size.doors).map(lock).collect::<Vec<_>>()));
    let mut rows: Vec<Row> = Vec::new();
    for grants in size.grants {
        world.hub.end(Signal::Terminate);
        Database::open(&world.hub.data_dir(), &world.devices)?.fill(grants)?;
        for (place, (name, unit, value)) in measured(&mut world, &size)?.into_iter().enumerate() {
            if rows.len() == place {
                rows.push(Row { name, unit, values: Vec::new() });
            }
            rows[place].values.push(value);
        }
        say(format_args!("{grants} grants: {:.1} min so far", (now() - began).as_secs_f64() / 60.0))?;
    }
    let table = table::of(size.doors, &size.grants, &rows);
    say(format_args!("{table}"))?;
    if quick { Ok(()) } else { page::put_into("load.md", "load", &table) }
}

fn measured(world: &mut World, size: &Size) -> Result<Vec<(&'static str, &'static str, f64)>> {
    let starting = now();
    let starts = ready(world);
    world.hub.start();
    wait_until("the hub is ready", SOON * 6, || (ready(world) > starts).then_some(()));
    let started = now() - starting;
    world.wait_for_hub();
    come_to_rest(world, QUIET);
    let start_work = world.hub.processor_time();
    let http = world.hub.http();
    let memory = world.hub.memory();

    let before = world.hub.processor_time();
    std::thread::sleep(size.idle); // the point is what it does when nobody does anything
    let idle = world.hub.processor_time() - before;

    let (before, read) = (world.hub.processor_time(), world.hub.bytes_read());
    for event in 0..size.events {
        let order = turn(world, event);
        let node = FIRST_NODE + (event % u32::from(size.doors)) as u16;
        let (told, before) = (now(), world.stick.lock(node).frames.from_hub);
        world.stick.order(order);
        let what = "the hub answers what a lock tells it";
        wait_until(what, SOON, || (world.stick.lock(node).frames.from_hub > before).then_some(()));
        std::thread::sleep(PACE.saturating_sub(now() - told));
    }
    come_to_rest(world, SILENT);
    let each = |time: Duration, count: u32| time.as_secs_f64() * 1e3 / f64::from(count);
    let event = each(world.hub.processor_time() - before, size.events);
    let event_read = (world.hub.bytes_read() - read) as f64 / 1024.0 / f64::from(size.events);

    let rush = rush::rush(world, size)?;
    let at_rest = burst::code_takes(world, &http, 0)?;
    let behind_burst = burst::code_takes(world, &http, size.burst * u32::from(size.doors))?;
    come_to_rest(world, SILENT);
    let before = world.hub.processor_time();
    for number in 0..size.creates {
        create(&http, &world.devices[number as usize % world.devices.len()], number)?;
    }
    let create = each(world.hub.processor_time() - before, size.creates);
    come_to_rest(world, SILENT);
    let page = pages(world, "access_grants", json!({}), size.pages)?;
    let of_door = pages(world, "access_codes", json!({"device_id": world.devices[0]}), size.pages)?;
    let before = world.hub.processor_time();
    (0..size.pages).for_each(|_| _ = http.ask("health/get", json!({})));
    let health = each(world.hub.processor_time() - before, size.pages);
    Ok(vec![
        ("start to ready", "s", started.as_secs_f64()),
        ("work until all that is due is done", "s of processor", start_work.as_secs_f64()),
        ("memory", "MiB", memory as f64 / 1024.0 / 1024.0),
        ("idle", "ms of processor a second", idle.as_secs_f64() * 1e3 / size.idle.as_secs_f64()),
        ("an event of a lock, with its turn", "ms of processor", event),
        ("the same", "KiB read", event_read),
        ("uses of keypads, as fast as it goes", "events a second", rush.rate),
        ("the same, of what 10,000 events an hour are", "times", rush.rate / ASKED),
        ("the same", "ms of processor an event", rush.work),
        ("memory behind them", "MiB", rush.memory as f64 / 1024.0 / 1024.0),
        ("a code is set at rest", "s", at_rest.as_secs_f64()),
        ("a code is set behind a burst of all locks", "s", behind_burst.as_secs_f64()),
        ("a grant is made", "ms of processor", create),
        ("a page of grants", "ms of processor", page),
        ("a page of a door's codes", "ms of processor", of_door),
        ("how the hub does", "ms of processor", health),
    ])
}

/// All doors are opened by hand, one after the other, and then locked: the order for the so-manieth turn.
fn turn(world: &World, number: u32) -> Value {
    let doors = world.devices.len() as u32;
    let way = if (number / doors).is_multiple_of(2) { "unlock" } else { "lock" };
    json!({"node": u32::from(FIRST_NODE) + number % doors, "turn": way})
}

/// How often the hub has said that it is ready.
fn ready(world: &World) -> usize {
    world.hub.log().lines().iter().filter(|line| line.ends_with(" ready")).count()
}

/// Waits until the hub has done what there was to do: it uses nothing for a while, whatever it waited for in between.
fn come_to_rest(world: &World, quiet: f64) {
    let mut times = 0;
    wait_until("the hub has nothing to do", REST, || {
        let before = (now(), world.hub.processor_time());
        std::thread::sleep(Duration::from_millis(500));
        let used = (world.hub.processor_time() - before.1).as_secs_f64();
        times = if used < quiet * (now() - before.0).as_secs_f64() { times + 1 } else { 0 };
        (times >= QUIETS).then_some(())
    });
}

/// A grant for a time to come, so that no lock is written for it.
fn create(http: &Http, device: &str, number: u32) -> Result<()> {
    let start = 90.0 * 86_400.0 + f64::from(number) * 60.0;
    let body = json!({
        "user_identity": {"full_name": format!("Late guest {number}")},
        "device_ids": [device],
        "requested_access_methods": [{"mode": "code"}],
        "starts_at": in_seconds(start),
        "ends_at": in_seconds(start + 86_400.0),
    });
    let (status, answer) = http.send("POST", "/access_grants/create", &body);
    ensure!(status == 200, "a grant was not made: {answer}");
    Ok(())
}

/// Goes through a list page by page; how many milliseconds of processor time each takes.
fn pages(world: &World, resource: &str, filter: Value, count: u32) -> Result<f64> {
    let (http, before) = (world.hub.http(), world.hub.processor_time());
    let (mut cursor, mut asked) = (Value::Null, 0);
    while asked < count {
        let mut body = filter.clone();
        body["limit"] = json!(PAGE);
        if cursor.is_string() {
            body["page_cursor"] = cursor;
        }
        let answer = http.ask(&format!("{resource}/list"), body);
        answer[resource].as_array().context("a list has a list in it")?;
        cursor = answer["pagination"]["next_page_cursor"].clone();
        asked += 1;
    }
    Ok((world.hub.processor_time() - before).as_secs_f64() * 1e3 / f64::from(count))
}

fn say(line: std::fmt::Arguments<'_>) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
