//! What goes wrong, when, and for how long.

use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use keyway_virtual::zwave::Action;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::building::pick;
use crate::checker::Trouble;
use crate::hands;
use crate::machine::End;
use crate::time::micros;
use crate::world::World;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;
/// A lock has a misfortune this often, on average.
const OF_A_LOCK: f64 = 2.0 * DAY;
/// A stick has one this often.
const OF_A_STICK: f64 = 1.5 * DAY;
/// Frames that are so long under way, in milliseconds, are no excuse for anything.
const SLOW_FRAMES: u64 = 800;
/// Nor is a disk that takes so long to write, in milliseconds: memory cards do.
const SLOW_DISK: u64 = 200;
/// The machine has one this often.
const OF_THE_MACHINE: f64 = 0.5 * DAY;

/// From now on things go wrong.
pub(crate) fn begin(world: &Rc<World>) {
    for door in 0..world.doors() {
        let (world, mut random) = (Rc::clone(world), world.choices());
        tokio::task::spawn_local(async move {
            loop {
                pause(&mut random, 0.0..2.0 * OF_A_LOCK).await;
                lock(&world, door, &mut random).await;
            }
        });
    }
    for site in 0..world.sites.len() {
        let (world, mut random) = (Rc::clone(world), world.choices());
        tokio::task::spawn_local(async move {
            loop {
                pause(&mut random, 0.0..2.0 * OF_A_STICK).await;
                stick(&world, site, &mut random).await;
            }
        });
    }
    let (this, mut random) = (Rc::clone(world), world.choices());
    tokio::task::spawn_local(async move {
        loop {
            pause(&mut random, 0.0..2.0 * OF_THE_MACHINE).await;
            machine(&this, &mut random).await;
        }
    });
    let (this, mut random) = (Rc::clone(world), world.choices());
    tokio::task::spawn_local(async move {
        loop {
            pause(&mut random, 0.0..4.0 * DAY).await;
            this.count("broker away");
            this.note(None, "the broker goes away");
            this.broker.set(false);
            let minutes = random.random_bool(0.7);
            pause(&mut random, if minutes { 10.0..HOUR } else { HOUR..4.0 * DAY }).await;
            this.broker_is_back();
        }
    });
}

/// What goes wrong with a lock, until it is right again.
async fn lock(world: &Rc<World>, door: usize, random: &mut StdRng) {
    let begins = |trouble| world.begins([door], trouble);
    let ends = |trouble| world.ends([door], trouble);
    match pick(random, &[4, 2, 3, 2, 1, 2, 3, 1]) {
        0 => {
            // Also while a code is on its way in or out.
            let edge = world.checker.borrow().next_edge_at(world.time.now(), door);
            if let Some(edge) = edge.filter(|_| random.random_bool(0.3)) {
                world.time.wait_until(edge).await;
                pause(random, 0.0..2.0).await;
            }
            let minutes = random.random_bool(0.7);
            begins(Trouble::Offline);
            world.suffer(door, "lock offline", Action::Offline(true));
            let whole = if minutes { 5.0..20.0 * MINUTE } else { HOUR..1.5 * DAY };
            pause(random, whole.start / 2.0..whole.end / 2.0).await;
            // Who can't reach it goes there.
            if random.random_bool(0.4) {
                hands::program(world, door, random);
            }
            pause(random, whole.start / 2.0..whole.end / 2.0).await;
            world.recover(door, "lock back", Action::Offline(false));
            ends(Trouble::Offline);
        }
        1 => {
            begins(Trouble::Rejecting);
            world.suffer(door, "lock rejects", Action::Reject(true));
            pause(random, MINUTE..3.0 * HOUR).await;
            world.recover(door, "lock takes codes again", Action::Reject(false));
            // What it refused once is not tried again by itself before ten minutes, and a set not before a person says so.
            pause(random, 11.0 * MINUTE..11.5 * MINUTE).await;
            ends(Trouble::Rejecting);
        }
        2 => {
            let every = random.random_range(2..12);
            begins(Trouble::Lossy);
            world.suffer(door, "frames lost", Action::DropEvery(every));
            pause(random, MINUTE..6.0 * HOUR).await;
            world.recover(door, "no frames lost any more", Action::DropEvery(0));
            ends(Trouble::Lossy);
        }
        3 => {
            let millis = random.random_range(200..4000);
            let excuse = (millis > SLOW_FRAMES).then_some(Trouble::Slow);
            excuse.into_iter().for_each(begins);
            world.suffer(door, "frames slow", Action::Latency(Duration::from_millis(millis)));
            pause(random, MINUTE..3.0 * HOUR).await;
            world.recover(door, "frames fast again", Action::Latency(Duration::from_millis(15)));
            excuse.into_iter().for_each(ends);
        }
        4 => {
            world.jam(door, true);
            world.suffer(door, "lock jammed", Action::Jam(true));
            pause(random, MINUTE..HOUR).await;
            world.recover(door, "lock not jammed any more", Action::Jam(false));
            world.jam(door, false);
        }
        5 => {
            // No excuse for anything.
            world.suffer(door, "frames twice", Action::RepeatEvery(random.random_range(1..6)));
            pause(random, MINUTE..6.0 * HOUR).await;
            world.recover(door, "no frames twice any more", Action::RepeatEvery(0));
        }
        6 => {
            // Any frame of a code on its way in or out may be the last that is heard.
            let edge = world.checker.borrow().next_edge_at(world.time.now(), door);
            let Some(edge) = edge else { return };
            world.time.wait_until(edge).await;
            begins(Trouble::Offline);
            world.suffer(door, "silent in the middle", Action::DropAfter(Some(random.random_range(0..10))));
            pause(random, 1.0..MINUTE).await;
            world.recover(door, "lock back", Action::DropAfter(None));
            ends(Trouble::Offline);
        }
        _ => {
            world.suffer(door, "batteries changed", Action::Restart);
            // The clock of one that keeps times stands at nothing until the hub looks at it.
            let excuse = world.keeps_times(door).then_some(Trouble::Unheard);
            excuse.into_iter().for_each(begins);
            pause(random, 7.0 * HOUR..7.1 * HOUR).await;
            hands::heard_again(world, door).await;
            excuse.into_iter().for_each(ends);
        }
    }
}

/// What goes wrong with a stick.
async fn stick(world: &Rc<World>, site: usize, random: &mut StdRng) {
    let this = &world.sites[site];
    let doors = || this.doors.clone();
    world.begins(doors(), Trouble::StickGone);
    match pick(random, &[2, 1, 2]) {
        0 => {
            world.count("stick reset");
            world.note(None, &format!("stick {site} is reset"));
            this.stick.borrow_mut().reset(tokio::time::Instant::now().into_std());
            this.touch();
        }
        1 => {
            world.count("stick garbles");
            world.note(None, &format!("stick {site} garbles"));
            this.garble(random.random_range(20..400));
            pause(random, 10.0..HOUR).await;
            this.garble(0);
            world.note(None, &format!("stick {site} does not garble any more"));
        }
        _ => {
            world.count("stick unplugged");
            world.note(None, &format!("stick {site} is unplugged"));
            this.unplug();
            let minutes = random.random_bool(0.8);
            pause(random, if minutes { 1.0..10.0 * MINUTE } else { HOUR..DAY }).await;
            this.plug_in();
            world.note(None, &format!("stick {site} is plugged in"));
        }
    }
    pause(random, 30.0..31.0).await;
    world.ends(doors(), Trouble::StickGone);
}

/// What goes wrong with the machine.
async fn machine(world: &Rc<World>, random: &mut StdRng) {
    let doors = || 0..world.doors();
    match pick(random, &[6, 1, 2, 1, 1, 2]) {
        0 => killed(world, random).await,
        1 => {
            world.count("hub stopped");
            world.note(None, "the hub is stopped");
            world.begins(doors(), Trouble::HubDown);
            world.machine.end(End::Stopped).await;
            pause(random, 1.0..10.0 * MINUTE).await;
            world.note(None, "the hub is started");
            world.machine.start(world);
            world.ends(doors(), Trouble::HubDown);
        }
        2 => no_battery_clock(world, random).await,
        3 => {
            world.count("disk full");
            world.note(None, "the disk is full");
            world.begins(doors(), Trouble::DiskFull);
            world.machine.disk.full.store(true, Ordering::Relaxed);
            pause(random, 10.0..HOUR).await;
            world.machine.disk.full.store(false, Ordering::Relaxed);
            world.note(None, "the disk has room again");
            world.ends(doors(), Trouble::DiskFull);
        }
        4 => {
            world.count("disk slow");
            world.note(None, "the disk is slow");
            let millis =
                [random.random_range(20..SLOW_DISK), random.random_range(SLOW_DISK..3000)][random.random_range(0..2)];
            let excuse = (millis > SLOW_DISK).then_some(Trouble::DiskSlow);
            excuse.into_iter().for_each(|trouble| world.begins(doors(), trouble));
            world.machine.disk.slow.store(millis, Ordering::Relaxed);
            pause(random, 10.0..HOUR).await;
            world.machine.disk.slow.store(0, Ordering::Relaxed);
            world.note(None, "the disk is fast again");
            excuse.into_iter().for_each(|trouble| world.ends(doors(), trouble));
        }
        _ => moved_clock(world, random).await,
    }
}

/// Killed, and often again by what killed it, in what it does to make good for that.
async fn killed(world: &Rc<World>, random: &mut StdRng) {
    loop {
        kill(world, random).await;
        if random.random_bool(0.5) {
            return;
        }
    }
}

/// Killed between any two awaits: when a lock has done as it was told, and its answer may be under way; or some commits from
/// now, and then a few turns of the runtime later.
async fn kill(world: &Rc<World>, random: &mut StdRng) {
    // Often while a code goes in or out.
    let edge = world.checker.borrow().ledger.next_edge(world.time.now());
    if let Some(edge) = edge.filter(|_| random.random_bool(0.7)) {
        world.time.wait_until(edge).await;
    }
    if random.random_bool(0.5) {
        let _ = tokio::time::timeout(Duration::from_secs(3600), world.changed_by_radio()).await;
        // In half of all cases nothing of the answer got anywhere.
        let long = random.random_bool(0.5);
        pause(random, 0.0..if long { 0.2 } else { 0.001 }).await;
    } else {
        pause(random, 0.0..3.0).await;
        for _ in 0..random.random_range(0..5) {
            world.machine.disk.touched.notified().await;
        }
    }
    for _ in 0..random.random_range(0..20) {
        tokio::task::yield_now().await;
    }
    world.count("hub killed");
    world.note(None, "the hub is killed");
    world.begins(0..world.doors(), Trouble::HubDown);
    world.machine.end(End::Killed).await;
    let short = random.random_bool(0.8);
    let whole = if short { 0.1..MINUTE } else { MINUTE..6.0 * HOUR };
    pause(random, whole.start / 2.0..whole.end / 2.0).await;
    if random.random_bool(0.3) {
        hands::program(world, random.random_range(0..world.doors()), random);
    }
    pause(random, whole.start / 2.0..whole.end / 2.0).await;
    world.note(None, "the hub is started");
    world.machine.start(world);
    world.ends(0..world.doors(), Trouble::HubDown);
}

/// A power cut on a machine without a battery clock: it starts in the past, and is set right from the network by and by.
async fn no_battery_clock(world: &Rc<World>, random: &mut StdRng) {
    world.count("started in the past");
    world.note(None, "a power cut");
    world.begins(0..world.doors(), Trouble::HubDown);
    world.machine.end(End::Killed).await;
    let off = pause(random, 10.0..2.0 * HOUR).await;
    // As of its last shutdown at best, and of the day it was made at worst.
    let behind =
        [off + random.random_range(120.0..HOUR), random.random_range(DAY..400.0 * DAY)][random.random_range(0..2)];
    world.clock.power_cut();
    world.clock.set(-micros(Duration::from_secs_f64(behind)), false);
    world.begins(0..world.doors(), Trouble::ClockUntrusted);
    world.note(None, &format!("the hub is started, {behind:.0} s in the past"));
    world.machine.start(world);
    world.ends(0..world.doors(), Trouble::HubDown);
    pause(random, 5.0..3.0 * HOUR).await;
    world.clock.set(0, true);
    world.note(None, "the clock is set right");
    world.ends(0..world.doors(), Trouble::ClockUntrusted);
}

/// Somebody moves the clock: of a machine that goes on to be synchronised, as it believes, or not.
async fn moved_clock(world: &Rc<World>, random: &mut StdRng) {
    world.count("clock moved");
    let off = random.random_range(40.0..3.0 * DAY);
    let micros = micros(Duration::from_secs_f64(off));
    let micros = if random.random_bool(0.5) { -micros } else { micros };
    let trouble = if random.random_bool(0.5) { Trouble::ClockWrong } else { Trouble::ClockUntrusted };
    world.note(None, &format!("the clock is moved by {} s", micros / 1_000_000));
    world.begins(0..world.doors(), trouble);
    world.clock.set(micros, trouble == Trouble::ClockWrong);
    pause(random, 1.0..2.0 * HOUR).await;
    world.clock.set(0, true);
    world.note(None, "the clock is moved back");
    world.ends(0..world.doors(), trouble);
}

/// Waits for so many seconds, and tells how many.
async fn pause(random: &mut StdRng, seconds: Range<f64>) -> f64 {
    let seconds = random.random_range(seconds);
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    seconds
}
