//! What a hub costs with much in its store: `cargo bench --features demo --bench load`.
//!
//! Fifty locks behind one stick; 1,000, 100,000 and 1,000,000 grants, one after the other in the same database: most are
//! long over, some are on, the rest is to come. For each: how long the hub takes to be ready, what memory it has, what
//! processor time and reading an event of a lock with its reconciler's turn takes, how many uses of keypads a second it keeps
//! up with, beside 10,000 events an hour, how long a grant, a page of a list and a round of housekeeping take; and behind each figure how often the first one goes into it. What costs what is due, and
//! not what is stored, has a 1 there.
//!
//! `cargo bench --features demo --bench load -- --quick` makes a hundredth of it, to see that it works.

mod fill;
mod rush;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use keyway_test_support::{Http, LockSetup, SOON, Setup, Signal, World, in_seconds, now, wait_until};
use serde_json::{Value, json};

use fill::Database;

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");
/// The first lock's node; the stick itself is 1.
const FIRST_NODE: u16 = 2;
/// A hub that uses less of a processor than this has nothing to do.
const QUIET: f64 = 0.05;
/// How long it may take to come to rest.
const REST: Duration = Duration::from_secs(300);
/// Events a second that the hub is to keep up with: 10,000 an hour.
const ASKED: f64 = 10_000.0 / 3600.0;
/// Grants in one page.
const PAGE: usize = 50;

/// How much is done.
struct Size {
    doors: u16,
    grants: [usize; 3],
    events: u32,
    uses: u32,
    creates: u32,
    pages: u32,
    idle: Duration,
}

const WHOLE: Size = Size {
    doors: 50,
    grants: [1_000, 100_000, 1_000_000],
    events: 500,
    uses: 2_000,
    creates: 100,
    pages: 40,
    idle: Duration::from_secs(10),
};
const QUICK: Size = Size {
    doors: 5,
    grants: [100, 1_000, 10_000],
    events: 50,
    uses: 100,
    creates: 20,
    pages: 10,
    idle: Duration::from_secs(2),
};

/// A figure: what it is, its unit, and one value for each number of grants.
type Row = (&'static str, &'static str, Vec<f64>);

fn main() -> Result<()> {
    let size = if std::env::args().any(|argument| argument == "--quick") { QUICK } else { WHOLE };
    let lock = |door: u16| LockSetup::s2(FIRST_NODE + door, format!("Room {}", door + 1).leak());
    let mut world = World::quiet(KEYWAY, &Setup::of(&(0..size.doors).map(lock).collect::<Vec<_>>()));
    let mut rows: Vec<Row> = Vec::new();
    for grants in size.grants {
        world.hub.end(Signal::Terminate);
        let housekeeping = fill(&world, grants)?;
        for (place, (name, unit, value)) in measured(&mut world, &size, housekeeping)?.into_iter().enumerate() {
            if rows.len() == place {
                rows.push((name, unit, Vec::new()));
            }
            rows[place].2.push(value);
        }
    }
    let head = size.grants.iter().map(|grants| format!("{grants:>12} grants")).collect::<String>();
    say(format_args!("{:<52}{head}", format!("{} locks", size.doors)))?;
    for (name, unit, values) in rows {
        // Of nothing there is no ratio.
        let ratio = |value: &f64| match values[0] {
            0.0 => format!("{value:10.2}         "),
            first => format!("{value:10.2} ×{:<6.2} ", value / first),
        };
        say(format_args!("{:<52}{}", format!("{name} [{unit}]"), values.iter().map(ratio).collect::<String>()))?;
    }
    Ok(())
}

/// Fills the stopped hub's database up to so many grants. Gives how many milliseconds a round of housekeeping takes that
/// finds nothing to do.
fn fill(world: &World, grants: usize) -> Result<f64> {
    let mut database = Database::open(&world.hub.data_dir(), &world.devices)?;
    database.fill(grants)?;
    database.housekeeping()
}

fn measured(world: &mut World, size: &Size, housekeeping: f64) -> Result<Vec<(&'static str, &'static str, f64)>> {
    let starting = now();
    let starts = ready(world);
    world.hub.start();
    wait_until("the hub is ready", SOON * 6, || (ready(world) > starts).then_some(()));
    let started = now() - starting;
    world.wait_for_hub();
    come_to_rest(world);
    let start_work = world.hub.processor_time();
    let http = world.hub.http();
    let memory = world.hub.memory();

    let before = world.hub.processor_time();
    std::thread::sleep(size.idle); // the point is what it does when nobody does anything
    let idle = world.hub.processor_time() - before;

    let (before, read) = (world.hub.processor_time(), world.hub.bytes_read());
    for event in 0..size.events {
        let node = FIRST_NODE + (event % u32::from(size.doors)) as u16;
        let turn = if event / u32::from(size.doors) % 2 == 0 { "unlock" } else { "lock" };
        world.stick.order(json!({"node": node, "turn": turn}));
    }
    come_to_rest(world);
    let each = |time: Duration, count: u32| time.as_secs_f64() * 1e3 / f64::from(count);
    let event = each(world.hub.processor_time() - before, size.events);
    let event_read = (world.hub.bytes_read() - read) as f64 / 1024.0 / f64::from(size.events);

    let rush = rush::rush(world, size)?;
    let creating = now();
    for number in 0..size.creates {
        create(&http, &world.devices[number as usize % world.devices.len()], number)?;
    }
    let create = each(now() - creating, size.creates);
    come_to_rest(world);
    let page = pages(&http, "access_grants", json!({}), size.pages)?;
    let of_door = pages(&http, "access_codes", json!({"device_id": world.devices[0]}), size.pages)?;
    let asking = now();
    (0..size.pages).for_each(|_| _ = http.ask("health/get", json!({})));
    let health = each(now() - asking, size.pages);
    Ok(vec![
        ("start to ready", "s", started.as_secs_f64()),
        ("work until all is at rest", "s of processor", start_work.as_secs_f64()),
        ("memory", "MiB", memory as f64 / 1024.0 / 1024.0),
        ("idle", "ms of processor a second", idle.as_secs_f64() * 1e3 / size.idle.as_secs_f64()),
        ("an event of a lock, with its turn", "ms of processor", event),
        ("the same", "KiB read", event_read),
        ("uses of keypads, as fast as it goes", "events a second", rush.rate),
        ("the same, of what 10,000 events an hour are", "times", rush.rate / ASKED),
        ("the same", "ms of processor an event", rush.work),
        ("memory behind them", "MiB", rush.memory as f64 / 1024.0 / 1024.0),
        ("a grant is made", "ms", create),
        ("a page of grants", "ms", page),
        ("a page of a door's codes", "ms", of_door),
        ("how the hub does", "ms", health),
        ("housekeeping with nothing to do", "ms", housekeeping),
    ])
}

/// How often the hub has said that it is ready.
fn ready(world: &World) -> usize {
    world.hub.log().lines().iter().filter(|line| line.ends_with(" ready")).count()
}

/// Waits until the hub has done what there was to do.
fn come_to_rest(world: &World) {
    wait_until("the hub has nothing to do", REST, || {
        let before = (now(), world.hub.processor_time());
        std::thread::sleep(Duration::from_millis(500));
        let used = (world.hub.processor_time() - before.1).as_secs_f64();
        (used < QUIET * (now() - before.0).as_secs_f64()).then_some(())
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

/// Goes through a list page by page; how many milliseconds each takes.
fn pages(http: &Http, resource: &str, filter: Value, count: u32) -> Result<f64> {
    let begun = now();
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
    Ok((now() - begun).as_secs_f64() * 1e3 / f64::from(count))
}

fn say(line: std::fmt::Arguments<'_>) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
