//! Everything together.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use keyway::model::Timestamp;
use keyway_virtual::door::By;
use keyway_virtual::zwave::{Action, Outcome};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use tokio::sync::Notify;
use tokio::task::LocalSet;

use crate::broker::{Broker, Inbox};
use crate::building;
use crate::checker::{Checker, Trouble, bounds};
use crate::machine::{End, Machine};
use crate::report::{Counts, Report};
use crate::scenario::Scenario;
use crate::site::{self, Site, Sockets};
use crate::stick::{AnySetup, AnyStick};
use crate::time::{MachineClock, Time};
use crate::trace::Trace;
use crate::{broker, hands, host, misfortune};

/// Everything that there is.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) time: Time,
    pub(crate) clock: MachineClock,
    pub(crate) sites: Vec<Site>,
    pub(crate) machine: Machine,
    pub(crate) checker: RefCell<Checker>,
    pub(crate) trace: RefCell<Trace>,
    pub(crate) counts: RefCell<Counts>,
    pub(crate) broker: Broker,
    pub(crate) inbox: RefCell<Inbox>,
    jammed: Vec<Cell<bool>>,
    is_broken: Notify,
    /// A lock has done what the hub told it, which the hub does not know yet.
    done: Notify,
    /// How often each door's codes were changed when they were last looked at.
    revisions: Vec<Cell<u64>>,
    random: RefCell<StdRng>,
}

/// Runs a scenario to its end.
pub fn run(scenario: Scenario) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without IO");
    LocalSet::new().block_on(&runtime, live(scenario))
}

/// The same with a fault in the hub.
#[cfg(feature = "faults")]
pub fn run_with(scenario: Scenario, fault: keyway::faults::Fault) -> Report {
    keyway::faults::plant(Some(fault));
    let report = run(scenario);
    keyway::faults::plant(None);
    report
}

async fn live(scenario: Scenario) -> Report {
    let mut random = StdRng::seed_from_u64(scenario.seed);
    let setups = building::sticks(scenario.doors, &mut random);
    let (mut sites, mut plugs, mut connections) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (setup, doors)) in setups.iter().enumerate() {
        let (site, plug, connected) = Site::new(building::stick_name(number), stick(setup, &mut random), doors.clone());
        sites.push(site);
        plugs.push(plug);
        connections.push(connected);
    }
    let time = Time::begin(&mut random);
    let world = Rc::new(World {
        scenario,
        time,
        clock: MachineClock::new(time),
        sites,
        machine: Machine::new(
            setups.into_iter().map(|(setup, _)| setup).collect(),
            Sockets::new(plugs),
            fork(&mut random),
        ),
        checker: RefCell::new(Checker::new(scenario.doors)),
        trace: RefCell::new(Trace::new()),
        counts: RefCell::default(),
        broker: Broker::new(),
        inbox: RefCell::default(),
        is_broken: Notify::new(),
        done: Notify::new(),
        jammed: vec![Cell::new(false); scenario.doors],
        revisions: vec![Cell::new(0); scenario.doors],
        random: RefCell::new(random),
    });
    for (number, connected) in connections.into_iter().enumerate() {
        let world = Rc::clone(&world);
        tokio::task::spawn_local(async move { site::run(&world, number, connected).await });
    }
    world.machine.start(&world);
    let devices = host::move_in(&world).await;
    world.checker.borrow_mut().know_devices(&devices);
    let tell = Rc::clone(&world);
    tokio::task::spawn_local(async move { broker::listen(&tell).await });
    let check = Rc::clone(&world);
    tokio::task::spawn_local(async move { check.keep_checking().await });
    let devices = devices.clone();
    if scenario.people {
        host::open(&world, devices);
        hands::begin(&world);
    }
    if scenario.misfortunes {
        misfortune::begin(&world);
    }
    let end = world.time.now().after(Duration::from_secs(u64::from(scenario.days) * 86_400));
    tokio::select! {
        biased;
        () = world.is_broken.notified(), if scenario.until_broken => return world.report(),
        () = world.time.wait_until(end) => {}
    }
    host::look_back(&world).await;
    world.machine.end(End::Killed).await;
    bounds::look_at(&world);
    world.report()
}

fn stick(setup: &AnySetup, random: &mut StdRng) -> AnyStick {
    let mut entropy = [0; 32];
    random.fill_bytes(&mut entropy);
    AnyStick::new(now(), setup, entropy)
}

fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}

fn fork(random: &mut StdRng) -> StdRng {
    StdRng::seed_from_u64(random.random())
}

impl World {
    /// Choices of its own for somebody.
    pub(crate) fn choices(&self) -> StdRng {
        fork(&mut self.random.borrow_mut())
    }

    pub(crate) fn note(&self, door: Option<usize>, what: &str) {
        self.trace.borrow_mut().note(self.time.now(), door, what);
    }

    pub(crate) fn count(&self, misfortune: &'static str) {
        *self.counts.borrow_mut().misfortunes.entry(misfortune).or_default() += 1;
    }

    pub(crate) fn doors(&self) -> usize {
        self.scenario.doors
    }

    /// Does something to a lock, by hand.
    pub(crate) fn act(&self, door: usize, action: &Action) -> Outcome {
        let (site, lock) = self.place(door);
        let outcome = site.stick.borrow_mut().act(now(), lock, action);
        self.look_at_door(door, By::Hand);
        site.touch();
        outcome
    }

    /// Whether a PIN would open a door now.
    pub(crate) fn opens(&self, door: usize, pin: &str) -> bool {
        let (site, lock) = self.place(door);
        site.stick.borrow().opens(now(), lock, pin)
    }

    /// How many slots the lock of a door has.
    pub(crate) fn slots(&self, door: usize) -> u16 {
        let (site, lock) = self.place(door);
        site.stick.borrow().door(lock).setup().slots
    }

    /// Whether the lock of a door can keep codes to their times by its own clock.
    pub(crate) fn keeps_times(&self, door: usize) -> bool {
        self.machine.keep_times().nth(door).expect("there is such a door")
    }

    /// The lock of a door looks for a network.
    pub(crate) fn join(&self, door: usize) {
        let (site, lock) = self.place(door);
        site.stick.borrow_mut().join(now(), lock);
        site.touch();
    }

    /// Where a door is: its stick, and the number of its lock on that.
    pub(crate) fn place(&self, door: usize) -> (&Site, usize) {
        let site = self.sites.iter().find(|site| site.doors.contains(&door)).expect("there is such a door");
        (site, door - site.doors.start)
    }

    /// Something happened between a stick and its locks, or the machine.
    pub(crate) fn look_at_site(&self, site: usize) {
        let Site { stick, doors, .. } = &self.sites[site];
        let known = |door: usize| self.revisions[door].get();
        let stick = stick.borrow();
        let changed = doors.clone().zip(stick.revisions()).filter(|(door, revision)| *revision != known(*door));
        let changed: Vec<usize> = changed.map(|(door, _)| door).collect();
        drop(stick);
        changed.into_iter().for_each(|door| self.look_at_door(door, By::Radio));
    }

    /// A lock suffers something.
    pub(crate) fn suffer(&self, door: usize, what: &'static str, action: Action) {
        self.count(what);
        self.note(Some(door), what);
        self.act(door, &action);
    }

    /// It suffers from that no longer.
    pub(crate) fn recover(&self, door: usize, what: &'static str, action: Action) {
        self.note(Some(door), what);
        self.act(door, &action);
    }

    pub(crate) fn jam(&self, door: usize, jammed: bool) {
        self.jammed[door].set(jammed);
    }

    pub(crate) fn is_jammed(&self, door: usize) -> bool {
        self.jammed[door].get()
    }

    pub(crate) fn broker_is_back(&self) {
        if self.broker.is_there() {
            return;
        }
        self.note(None, "the broker is back");
        self.checker.borrow_mut().untidy(self.time.now());
        self.broker.set(true);
    }

    /// Something is in the hub's way at these doors.
    pub(crate) fn begins(&self, doors: impl IntoIterator<Item = usize>, trouble: Trouble) {
        self.checker.borrow_mut().trouble_begins(self.time.now(), doors, trouble);
    }

    /// It is not any more.
    pub(crate) fn ends(&self, doors: impl IntoIterator<Item = usize>, trouble: Trouble) {
        self.checker.borrow_mut().trouble_ends(self.time.now(), doors, trouble);
    }

    fn look_at_door(&self, door: usize, by: By) {
        let (site, lock) = self.place(door);
        let stick = site.stick.borrow();
        let lock = stick.door(lock);
        if self.revisions[door].replace(lock.revision()) == lock.revision() {
            return;
        }
        let changes = self.checker.borrow_mut().codes_changed(self, door, by, lock);
        drop(stick);
        self.counts.borrow_mut().code_changes += changes.len() as u64;
        if by == By::Radio {
            self.done.notify_waiters();
        }
        if !self.checker.borrow().violations().is_empty() {
            self.is_broken.notify_one();
        }
        for change in changes {
            self.note(Some(door), &change);
        }
        self.check(door);
    }

    /// Waits until the hub has changed a code somewhere.
    pub(crate) async fn changed_by_radio(&self) {
        self.done.notified().await;
    }

    /// Compares a door with the grants; when to do so again.
    pub(crate) fn check(&self, door: usize) {
        let opens = |pin: &str| self.opens(door, pin);
        let broken = self.checker.borrow_mut().check(self.time.now(), door, &opens);
        for (invariant, what) in broken {
            self.broken(invariant, Some(door), &what);
        }
    }

    async fn keep_checking(&self) {
        loop {
            let (door, at) = self.checker.borrow().next_check();
            let woken = self.checker.borrow().sooner();
            tokio::select! {
                biased;
                () = woken.notified() => {}
                () = self.time.wait_until(at) => self.check(door),
            }
        }
    }

    /// A promise was broken.
    pub(crate) fn broken(&self, invariant: &'static str, door: Option<usize>, what: &str) {
        let now: Timestamp = self.time.now();
        self.trace.borrow_mut().note(now, door, &format!("BROKEN {invariant}: {what}"));
        let last = self.trace.borrow().last(door, 60);
        self.checker.borrow_mut().broken(self.scenario.seed, now, invariant, door, what, last);
        self.is_broken.notify_one();
    }

    fn report(&self) -> Report {
        Report {
            scenario: self.scenario,
            counts: Counts { writes: self.machine.disk.writes(), ..self.counts.borrow().clone() },
            violations: self.checker.borrow().violations().to_vec(),
            hash: self.trace.borrow().hash(),
            simulated: self.time.elapsed(),
        }
    }
}
