//! The network around a stick, whatever protocol the stick speaks with its host: who is in it, what goes over the air and when
//! it arrives, who comes and goes.
//!
//! What the stick's firmware decides is not here: whom to let in, and under which key. The firmware hears of all that happens
//! by [`Event`]s.

mod air;
mod joining;
mod own;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_lock::Attended;
use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::key::Key;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use super::action::{Action, Outcome};
use super::frame::Frame;
use super::lock::{Lock, Membership};
use super::setup::{LockSetup, NetworkSetup};
use crate::agenda::Agenda;
use crate::crossing::Crossing;

pub(super) use air::{Failure, To};
use air::{Flight, Parcel};
pub(super) use joining::Arrival;
pub(super) use own::{NodeDescriptor, OwnEndpoint};

/// How long a stick waits for a device to acknowledge before it sends again, and how often it sends (Zigbee R22 section
/// 2.2.8.4: apscAckWaitDuration, about 1.6 s; apscMaxFrameRetries).
const ACK_WAIT: Duration = Duration::from_millis(1600);
const TRIES: u32 = 3;
/// The only router there can be, for locks that are behind one.
pub(super) const ROUTER: (Nwk, Ieee) = (Nwk(0x2A5C), Ieee(0x000B_57FF_FE00_0001));

/// The network a stick holds. It outlives its restarts.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) pan: u16,
    pub(super) extended_pan: Ieee,
    pub(super) channel: u8,
    pub(super) update_id: u8,
    pub(super) network_key: Key,
    pub(super) key_sequence: u8,
    /// The last frame counter sent under the network key.
    pub(super) counter: u32,
}

impl From<&NetworkSetup> for Held {
    fn from(setup: &NetworkSetup) -> Self {
        Self {
            pan: setup.pan,
            extended_pan: setup.extended_pan,
            channel: setup.channel,
            update_id: 0,
            network_key: setup.key.clone(),
            key_sequence: 0,
            counter: 0x1000,
        }
    }
}

/// What the firmware hears.
#[derive(Debug)]
pub(super) enum Event {
    /// The network is up: formed, or taken up again.
    Up,
    /// The network was left.
    Down,
    /// A frame was delivered, or given up.
    Sent { tag: u32, delivered: Result<(), Failure> },
    /// A frame came in.
    Heard(Heard),
    /// A device became a child of the stick.
    Child { nwk: Nwk, ieee: Ieee, sleepy: bool },
    /// A device is at the door: the trust centre has to decide.
    AtTheDoor { ieee: Ieee, nwk: Nwk, parent: Nwk, arrival: Arrival },
    /// A device wants a link key of its own.
    WantsLinkKey { ieee: Ieee },
    /// A device has proven that it has it.
    LinkKeyVerified { ieee: Ieee },
    /// A device has left.
    Left { ieee: Ieee, nwk: Nwk },
    /// Joining is over.
    Closed,
    /// A router on the way says that it can't reach a device.
    RouteError { nwk: Nwk },
    /// The way a frame took, nearest to the stick first.
    Route { ieee: Ieee, nwk: Nwk, relays: Vec<Nwk> },
}

/// A frame as the stick heard it.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) from: Nwk,
    pub(super) ieee: Ieee,
    pub(super) frame: Frame,
    /// The sender's count of its frames, by which a receiver knows one that came twice (APS counter).
    pub(super) counter: u8,
    pub(super) lqi: u8,
    pub(super) rssi: i8,
    pub(super) broadcast: bool,
}

/// Frames on the air between hub and lock, acknowledgements and polls not counted, whether they arrive or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FrameCounts {
    /// From the hub to the lock.
    pub from_hub: u64,
    /// From the lock to the hub.
    pub to_hub: u64,
}

/// The network.
pub(super) struct Network {
    /// The stick's own address.
    pub(super) own: Ieee,
    pub(super) held: Option<Held>,
    /// The stick takes part in the network it holds.
    up: bool,
    pub(super) permit_until: Option<Instant>,
    /// Locks behind a router report their way, when the stick has asked for that.
    pub(super) concentrates: bool,
    /// How long a parent keeps a frame for a child that sleeps.
    pub(super) keeps_for: Duration,
    pub(super) endpoints: Vec<OwnEndpoint>,
    /// What the stick says that it is.
    pub(super) node: NodeDescriptor,
    posts: Attended<Ieee, Post>,
    agenda: Agenda<Flight>,
    events: VecDeque<Event>,
    random: StdRng,
}

/// A lock and its way to the stick.
pub(super) struct Post {
    pub(super) lock: Lock,
    pub(super) offline: bool,
    asleep: bool,
    latency: Duration,
    /// How strong its frames arrive, in dBm; `None`: as from nearby.
    signal: Option<i8>,
    crossing: Crossing,
    /// When the air between the two is free again.
    free: Instant,
    /// What its parent keeps for it until it asks.
    kept: VecDeque<Parcel>,
    polls: bool,
    /// An address it was lent, before it has the network's key.
    lent: Option<Nwk>,
    /// The link key between it and the trust centre, once it has one of its own.
    link_key: Option<Key>,
    /// Its count of the frames it has sent.
    sent: u8,
    pub(super) counts: FrameCounts,
}

impl Network {
    pub(super) fn new(
        now: Instant,
        own: Ieee,
        node: NodeDescriptor,
        held: Option<Held>,
        locks: &[LockSetup],
        entropy: [u8; 32],
    ) -> Self {
        let mut network = Self {
            own,
            held,
            up: false,
            permit_until: None,
            concentrates: false,
            keeps_for: Duration::from_millis(7680),
            endpoints: Vec::new(),
            node,
            posts: Attended::default(),
            agenda: Agenda::default(),
            events: VecDeque::new(),
            random: StdRng::from_seed(entropy),
        };
        for setup in locks {
            network.put_up(now, setup.clone());
        }
        network
    }

    /// Puts up a lock at a door.
    pub(super) fn put_up(&mut self, now: Instant, setup: LockSetup) {
        let (ieee, joined) = (setup.ieee, setup.joined);
        if setup.seeks {
            self.agenda.put(now, Flight::Seek(ieee));
        }
        self.posts.insert(ieee, Post::new(now, setup));
        let nwk = self.free_address();
        if let Some(held) = self.held.as_ref().filter(|_| joined) {
            let membership = Membership::of(held, self.own, nwk);
            if let Some(post) = self.posts.get_mut(&ieee) {
                post.lock.join(now, membership);
            }
        }
    }

    pub(super) fn posts(&self) -> impl Iterator<Item = (Ieee, &Post)> {
        self.posts.iter()
    }

    pub(super) fn post(&self, ieee: Ieee) -> Option<&Post> {
        self.posts.get(&ieee)
    }

    /// The lock of this number.
    pub(super) fn by_node(&self, node: u16) -> Option<Ieee> {
        self.posts.iter().find(|(_, post)| post.lock.setup().node == node).map(|(ieee, _)| ieee)
    }

    pub(super) fn is_up(&self) -> bool {
        self.up
    }

    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.up && self.permit_until.is_some_and(|until| now < until)
    }

    /// Where a device is, as far as the stick has heard of it.
    pub(super) fn nwk_of(&self, ieee: Ieee) -> Option<Nwk> {
        if ieee == self.own {
            return self.up.then_some(Nwk::COORDINATOR);
        }
        let member = self.posts.get(&ieee).filter(|post| self.is_member(post))?;
        member.lock.membership().map(|membership| membership.nwk).or(member.lent)
    }

    pub(super) fn ieee_of(&self, nwk: Nwk) -> Option<Ieee> {
        if nwk == Nwk::COORDINATOR {
            return Some(self.own);
        }
        let mut there = self.posts.iter().filter(|(_, post)| post.nwk() == Some(nwk));
        there.find(|(_, post)| self.is_member(post)).map(|(ieee, _)| ieee)
    }

    /// The devices whose parent the stick is.
    pub(super) fn children(&self) -> impl Iterator<Item = (Nwk, &Post)> {
        let child = |post: &&Post| self.is_member(post) && !post.lock.setup().behind_router;
        self.posts.iter().map(|(_, post)| post).filter(child).filter_map(|post| Some((post.nwk()?, post)))
    }

    /// Forms a network, or takes up the one that is held; [`Event::Up`] follows.
    pub(super) fn start(&mut self, now: Instant) {
        self.agenda.put(now + Duration::from_millis(50), Flight::Started);
    }

    /// Leaves the network and forgets it.
    pub(super) fn leave(&mut self, now: Instant) {
        self.held = None;
        self.up = false;
        self.permit_until = None;
        self.agenda.put(now + Duration::from_millis(50), Flight::LeftNetwork);
    }

    /// The stick restarts. It is out of the network until [`Network::start`]; what was under way is lost.
    pub(super) fn restart(&mut self) {
        self.up = false;
        self.permit_until = None;
        self.concentrates = false;
        self.endpoints.clear();
        self.events.clear();
        self.agenda.retain(Flight::outlives_the_stick);
        self.posts.iter_mut().for_each(|(_, post)| post.kept.clear());
    }

    /// Another stick takes the place of this one, with this address and no network.
    pub(super) fn swap(&mut self, own: Ieee, node: NodeDescriptor) {
        self.restart();
        (self.own, self.node, self.held) = (own, node, None);
    }

    /// Lets devices join for so long; 255 for ever.
    pub(super) fn permit(&mut self, now: Instant, seconds: u8) {
        let until = match seconds {
            0 => None,
            255 => Some(now + Duration::from_secs(u64::from(u32::MAX))),
            seconds => Some(now + Duration::from_secs(seconds.into())),
        };
        self.permit_until = until;
        if let Some(until) = until {
            self.agenda.put(until, Flight::Closes);
        }
    }

    /// How loud a channel is, in dBm: Wi-Fi on its first, quiet around 20.
    pub(super) fn energy(&mut self, channel: u8) -> i8 {
        let base = match channel {
            11..=14 => -55,
            15..=18 => -72,
            19..=21 => -91,
            _ => -80,
        };
        base + self.random.random_range(-3..=3)
    }

    pub(super) fn random_bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.random.random())
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some(flight) = self.agenda.take(now) {
            self.arrive(now, flight);
        }
        self.posts.look_at_touched(|_, post| post.lock.timeout());
        for ieee in self.posts.due(now) {
            if let Some(post) = self.posts.get_mut(&ieee) {
                post.lock.handle_timeout(now);
            }
            self.collect(now, ieee);
        }
    }

    pub(super) fn timeout(&mut self) -> Option<Instant> {
        self.posts.look_at_touched(|_, post| post.lock.timeout());
        [self.posts.next(), self.agenda.timeout()].into_iter().flatten().min()
    }

    /// The next thing the firmware is to hear.
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Does something to a lock; `None`: there is no such lock.
    pub(super) fn act(&mut self, now: Instant, ieee: Ieee, action: &Action) -> Option<Outcome> {
        let post = self.posts.get_mut(&ieee)?;
        match *action {
            Action::Offline(offline) => post.offline = offline,
            Action::Asleep(asleep) => post.asleep = asleep,
            Action::Latency(latency) => post.latency = latency,
            Action::Signal(signal) => post.signal = signal,
            Action::DropEvery(every) => post.crossing.set_drop_every(every),
            Action::DropAfter(frames) => post.crossing.set_drop_after(frames),
            Action::RepeatEvery(every) => post.crossing.set_repeat_every(every),
            Action::Join => return Some(self.seek(now, ieee)),
            Action::Rejoin { secured } => return Some(self.rejoin(now, ieee, secured)),
            Action::Leave => return Some(self.left(now, ieee, false)),
            _ => {}
        }
        let outcome = post.lock.act(now, action);
        // It may fetch what was kept for it again.
        self.wake(now, ieee);
        self.collect(now, ieee);
        Some(outcome)
    }

    /// Whether the device and the stick are in one network: the same place, and the same key.
    fn is_member(&self, post: &Post) -> bool {
        match (post.lock.membership(), &self.held) {
            (Some(theirs), Some(ours)) => {
                theirs.pan == ours.pan
                    && theirs.channel == ours.channel
                    && theirs.network_key == ours.network_key
                    && theirs.coordinator == self.own
            }
            (None, Some(_)) => post.lent.is_some(),
            (_, None) => false,
        }
    }

    fn free_address(&mut self) -> Nwk {
        loop {
            let nwk = Nwk(self.random.random_range(0x0001..=0xFFF7));
            if nwk != ROUTER.0 && self.posts.iter().all(|(_, post)| post.nwk() != Some(nwk)) {
                return nwk;
            }
        }
    }
}

impl Post {
    fn new(now: Instant, setup: LockSetup) -> Self {
        Self {
            offline: false,
            asleep: false,
            latency: setup.latency * if setup.behind_router { 2 } else { 1 },
            signal: None,
            crossing: Crossing::default(),
            free: now,
            kept: VecDeque::new(),
            polls: false,
            lent: None,
            link_key: None,
            sent: 0,
            counts: FrameCounts::default(),
            lock: Lock::new(now, setup),
        }
    }

    pub(super) fn nwk(&self) -> Option<Nwk> {
        self.lock.membership().map(|membership| membership.nwk).or(self.lent)
    }

    fn parent(&self) -> Nwk {
        if self.lock.setup().behind_router { ROUTER.0 } else { Nwk::COORDINATOR }
    }

    /// Whether the next frame gets through.
    fn reaches(&mut self) -> bool {
        let lost = self.crossing.loses_next();
        !self.offline && !lost
    }

    /// When the frame that arrives then does so again, if it does: sent anew since its acknowledgement was lost, which no
    /// stack can tell from another frame once it has forgotten the first.
    fn comes_again(&self, arrives: Instant) -> Option<Instant> {
        self.crossing.repeats_last().then(|| arrives + self.latency)
    }

    /// When a frame that sets out now arrives.
    fn travel(&mut self, now: Instant) -> Instant {
        let arrives = self.free.max(now) + self.latency;
        self.free = arrives;
        arrives
    }
}

impl Membership {
    pub(super) fn of(held: &Held, coordinator: Ieee, nwk: Nwk) -> Self {
        let network_key = held.network_key.clone();
        Self { pan: held.pan, channel: held.channel, network_key, coordinator, nwk, counter: held.counter }
    }
}
