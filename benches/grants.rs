//! A thousand grants on fifty doors, made by one host's program over MQTT: `cargo bench --bench grants`.
//!
//! The hub, the broker, the stick and the fifty locks are processes of their own, as in the end-to-end tests. What is
//! answered is on disk, so what it costs is compared with what the disk can do: how often a second this machine appends
//! a page and has it flushed, measured before and after on the same file system. It fails unless every request is
//! answered with a yes and every lock's own table holds the PINs of its own grants and nothing else.
//!
//! `cargo bench --bench grants -- --quick` makes a twentieth of it, to see that it works.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use keyway_test_support::{LockSetup, LockState, SOON, Setup, World, in_seconds, now, wait_until};
use serde_json::{Value, json};

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");
/// The first lock's node; the stick itself is 1.
const FIRST_NODE: u16 = 2;
/// Requests that the program has under way in the second part of the run.
const WINDOW: usize = 64;
/// How long the air may take for all of it.
const LOCKS: Duration = Duration::from_secs(600);
/// What SQLite appends to its log for the least change: a page and its header, in bytes.
const PAGE: usize = 4096 + 24;

/// How much is done.
struct Size {
    doors: u16,
    /// Grants made one after the other, each when the one before is answered.
    alone: usize,
    /// Grants made with [`WINDOW`] requests under way.
    together: usize,
    /// How long the disk is measured, twice.
    disk: Duration,
}

const WHOLE: Size = Size { doors: 50, alone: 200, together: 800, disk: Duration::from_secs(2) };
const QUICK: Size = Size { doors: 5, alone: 20, together: 30, disk: Duration::from_millis(200) };

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let size = if quick { QUICK } else { WHOLE };
    let world = building(size.doors);
    let mut made = Made::default();

    let before = fsyncs_a_second(&world, size.disk)?;
    let alone = made.some(&world, size.alone, 1)?;
    let together = made.some(&world, size.together, WINDOW)?;
    let answered_at = now();
    let after = fsyncs_a_second(&world, size.disk)?;
    made.wait_for_locks(&world)?;
    let settled = (now() - answered_at).as_secs_f64();

    let fsyncs = (before + after) / 2.0;
    say(format_args!("{} grants on {} doors: all answered, all in the right locks", made.count, size.doors))?;
    say(format_args!("fsync, alone on the disk   {fsyncs:8.0} a second ({before:.0} before, {after:.0} after)"))?;
    say(format_args!("one after the other        {alone:8.0} a second, {:.2} for each fsync", alone / fsyncs))?;
    say(format_args!(
        "{WINDOW} under way              {together:8.0} a second, {:.2} for each fsync",
        together / fsyncs
    ))?;
    say(format_args!("the last one in its lock   {:8.1} s after the last answer", settled))
}

/// So many locks, all online, and a hub that logs only what matters.
fn building(doors: u16) -> World {
    let lock = |door: u16| LockSetup::s2(FIRST_NODE + door, format!("Room {}", door + 1).leak());
    World::quiet(KEYWAY, &Setup::of(&(0..doors).map(lock).collect::<Vec<_>>()))
}

/// Appends a page and waits until it is on disk, again and again, beside the hub's database.
fn fsyncs_a_second(world: &World, during: Duration) -> Result<f64> {
    let path = world.hub.data_dir().join("fsync");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let (page, begun_at) = ([0x5A; PAGE], now());
    let mut count = 0.0;
    while now() - begun_at < during {
        file.write_all(&page)?;
        file.sync_data()?;
        count += 1.0;
    }
    let rate = count / (now() - begun_at).as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}

/// The grants so far.
#[derive(Default)]
struct Made {
    count: usize,
    /// The ids of the grants of each door.
    grants: BTreeMap<usize, BTreeSet<String>>,
}

impl Made {
    /// Makes some more, door by door, with so many requests under way. Gives the requests a second.
    fn some(&mut self, world: &World, count: usize, window: usize) -> Result<f64> {
        let begun_at = now();
        let mut under_way = VecDeque::new();
        for _ in 0..count {
            if under_way.len() == window {
                self.take_answer(world, under_way.pop_front())?;
            }
            let door = self.count % world.devices.len();
            under_way.push_back((door, self.ask(world, door)));
        }
        while !under_way.is_empty() {
            self.take_answer(world, under_way.pop_front())?;
        }
        Ok(count as f64 / (now() - begun_at).as_secs_f64())
    }

    /// A grant that begins at once, so that the locks are written while the next ones are made.
    fn ask(&mut self, world: &World, door: usize) -> Vec<u8> {
        self.count += 1;
        let body = json!({
            "access_grant_key": format!("booking {}", self.count),
            "user_identity": {"full_name": format!("Guest {}", self.count)},
            "device_ids": [world.devices[door]],
            "requested_access_methods": [{"mode": "code"}],
            "starts_at": in_seconds(-1.0),
            "ends_at": in_seconds(86_400.0),
        });
        let topic = format!("{}/request/access_grants/create", world.client.base());
        world.client.send(&topic, body.to_string().into_bytes(), false)
    }

    fn take_answer(&mut self, world: &World, question: Option<(usize, Vec<u8>)>) -> Result<()> {
        let (door, question) = question.context("nothing is under way")?;
        let answer = world.client.answer_to(&question, SOON).context("a request was not answered")?;
        let grant = &answer["access_grant"];
        ensure!(grant["device_ids"] == json!([world.devices[door]]), "a grant was not made: {answer}");
        self.grants.entry(door).or_default().insert(text(&grant["access_grant_id"])?);
        Ok(())
    }

    /// Waits until each lock's own table holds the PINs of its grants, each once, and nothing else.
    fn wait_for_locks(&self, world: &World) -> Result<()> {
        let mut wanted = BTreeMap::new();
        for (door, (node, device)) in (FIRST_NODE..).zip(&world.devices).enumerate() {
            let codes = world.client.ask("access_codes/list", json!({"device_id": device}));
            let codes = codes["access_codes"].as_array().context("access_codes/list gives a list")?;
            let grants = codes.iter().map(|code| text(&code["access_grant_id"])).collect::<Result<BTreeSet<_>>>()?;
            ensure!(Some(&grants) == self.grants.get(&door), "the codes of door {door} are of other grants");
            wanted.insert(node, sorted(codes.iter().map(|code| text(&code["code"])).collect::<Result<_>>()?));
        }
        wait_until("every lock holds the PINs of its grants and nothing else", LOCKS, || {
            let pins = |lock: LockState| sorted(lock.codes.into_iter().map(|(_, pin)| pin).collect());
            let held = world.stick.locks().into_iter().map(|(node, lock)| (node, pins(lock)));
            // Not to take the processor from the stick with asking.
            std::thread::sleep(SOON / 40);
            (held.collect::<BTreeMap<_, _>>() == wanted).then_some(())
        });
        Ok(())
    }
}

fn sorted(mut pins: Vec<String>) -> Vec<String> {
    pins.sort();
    pins
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().with_context(|| format!("expected a text, got {value}"))?.to_owned())
}

fn say(line: std::fmt::Arguments<'_>) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
