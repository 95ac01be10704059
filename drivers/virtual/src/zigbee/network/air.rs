//! Frames under way: how long they take, which are lost and sent again, and what a parent keeps for a child that sleeps.

use std::time::Instant;

use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::key::Key;

use super::super::frame::Frame;
use super::{ACK_WAIT, Event, Heard, Network, Post, ROUTER, TRIES};
use rand::RngExt;

/// Broadcast to all, sleeping ones too.
const ALL: u16 = 0xFFFF;
/// Broadcast to those whose receiver is always on.
const AWAKE: u16 = 0xFFFD;

/// Whom a frame of the stick is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum To {
    /// One device.
    Device {
        nwk: Nwk,
        /// It is to acknowledge.
        acknowledged: bool,
        /// The stick knows that it sleeps, and waits for as long as a parent keeps frames.
        patient: bool,
    },
    /// All of a kind, by the broadcast address.
    Many(u16),
}

/// Why a frame was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Failure {
    /// No such device is known, or no way to it.
    NoRoute,
    /// It did not acknowledge.
    NoAck,
}

/// Something on its way.
#[derive(Debug)]
pub(super) enum Flight {
    /// The stick is part of its network.
    Started,
    LeftNetwork,
    Closes,
    /// A parcel of the stick reaches a lock.
    ToLock(Ieee, Parcel),
    /// A frame of a lock reaches the stick.
    ToStick(Ieee, Nwk, Upward),
    /// The stick learns that a device has left.
    Gone(Ieee, Nwk),
    /// A lock sends a frame again that was lost.
    Again(Ieee, Upward),
    /// The stick sends a parcel again that was not acknowledged.
    Resend(Ieee, Parcel),
    Sent {
        tag: u32,
        delivered: Result<(), Failure>,
    },
    /// A child that sleeps asks for what is kept for it.
    Poll(Ieee),
    /// A parent has kept this parcel long enough.
    Expires(Ieee, u32),
    /// A lock looks for an open network.
    Seek(Ieee),
    /// A step of joining is due.
    Associates(Ieee),
    /// The network's key, encrypted under this link key, reaches a device.
    NetworkKey(Ieee, Key),
    AsksLinkKey(Ieee),
    LinkKey(Ieee, Key),
}

/// What is sent to one lock.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) content: Content,
    /// Names it for the firmware; 0: nobody waits for it.
    pub(super) tag: u32,
    acknowledged: bool,
    patient: bool,
    tries: u32,
    counter: u32,
}

/// What a lock sends.
#[derive(Debug, Clone)]
pub(super) struct Upward {
    frame: Frame,
    /// The lock's count of its frames.
    counter: u8,
    tries: u32,
}

/// What is in a parcel.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Frame(Frame),
    /// To leave, and whether to come back.
    Leave,
}

impl Flight {
    /// Whether it goes on although the stick restarts.
    pub(super) fn outlives_the_stick(&self) -> bool {
        matches!(self, Self::ToLock(..) | Self::Seek(_) | Self::Again(..) | Self::Poll(_))
    }
}

impl Network {
    /// Sends a frame; [`Event::Sent`] with this tag follows.
    pub(in super::super) fn send(&mut self, now: Instant, tag: u32, to: To, frame: Frame) {
        match to {
            To::Device { nwk, acknowledged, patient } => {
                let parcel =
                    Parcel { content: Content::Frame(frame), tag, acknowledged, patient, tries: 1, counter: 0 };
                match self.ieee_of(nwk).filter(|ieee| self.posts.contains(ieee)) {
                    Some(ieee) => self.dispatch(now, ieee, parcel),
                    None => {
                        let delivered = Err(Failure::NoRoute);
                        self.agenda.put(now + ACK_WAIT, Flight::Sent { tag, delivered });
                    }
                }
            }
            To::Many(address) => {
                self.broadcast(now, address, &frame);
                self.agenda.put(now, Flight::Sent { tag, delivered: Ok(()) });
            }
        }
    }

    /// Takes a device out of the network.
    pub(in super::super) fn remove(&mut self, now: Instant, ieee: Ieee) -> bool {
        let known = self.posts.get(&ieee).is_some_and(|post| self.is_member(post));
        if known {
            let parcel =
                Parcel { content: Content::Leave, tag: 0, acknowledged: true, patient: true, tries: 1, counter: 0 };
            self.dispatch(now, ieee, parcel);
        }
        known
    }

    fn dispatch(&mut self, now: Instant, ieee: Ieee, mut parcel: Parcel) {
        let keeps_for = self.keeps_for;
        let (Some(held), Some(post)) = (&mut self.held, self.posts.get_mut(&ieee)) else { return };
        held.counter += 1;
        parcel.counter = held.counter;
        post.counts.from_hub += 1;
        if post.lock.is_sleepy() {
            let patience = if parcel.patient { keeps_for } else { ACK_WAIT * TRIES };
            self.agenda.put(now + patience.min(keeps_for), Flight::Expires(ieee, parcel.tag));
            post.kept.push_back(parcel);
            self.wake(now, ieee);
        } else {
            self.transmit(now, ieee, parcel);
        }
    }

    fn transmit(&mut self, now: Instant, ieee: Ieee, mut parcel: Parcel) {
        let Some(post) = self.posts.get_mut(&ieee) else { return };
        let tag = parcel.tag;
        if post.reaches() {
            let arrives = post.travel(now);
            let told = if parcel.acknowledged { arrives + post.latency } else { now };
            if let Some(again) = post.comes_again(arrives).filter(|_| matches!(parcel.content, Content::Frame(_))) {
                self.agenda.put(again, Flight::ToLock(ieee, parcel.clone()));
            }
            self.agenda.put(arrives, Flight::ToLock(ieee, parcel));
            self.agenda.put(told, Flight::Sent { tag, delivered: Ok(()) });
        } else if !parcel.acknowledged {
            // From a neighbour the radio itself misses an acknowledgement; what becomes of a frame further away nobody says.
            let delivered = if post.lock.setup().behind_router { Ok(()) } else { Err(Failure::NoAck) };
            self.agenda.put(now + post.latency, Flight::Sent { tag, delivered });
        } else if parcel.tries < TRIES {
            parcel.tries += 1;
            self.agenda.put(now + ACK_WAIT, Flight::Resend(ieee, parcel));
        } else {
            self.give_up(now, ieee, tag);
        }
    }

    fn give_up(&mut self, now: Instant, ieee: Ieee, tag: u32) {
        let Some(post) = self.posts.get(&ieee) else { return };
        if let Some(nwk) = post.nwk().filter(|_| post.lock.setup().behind_router) {
            self.events.push_back(Event::RouteError { nwk });
        }
        self.agenda.put(now + ACK_WAIT, Flight::Sent { tag, delivered: Err(Failure::NoAck) });
    }

    fn broadcast(&mut self, now: Instant, address: u16, frame: &Frame) {
        let Some(held) = &mut self.held else { return };
        held.counter += 1;
        let counter = held.counter;
        let hears = |post: &Post| match address {
            ALL => true,
            AWAKE => !post.lock.is_sleepy(),
            _ => false,
        };
        let hearers: Vec<Ieee> =
            self.posts.iter().filter(|(_, post)| self.is_member(post) && hears(post)).map(|(ieee, _)| ieee).collect();
        for ieee in hearers {
            let content = Content::Frame(frame.clone());
            let parcel = Parcel { content, tag: 0, acknowledged: false, patient: true, tries: TRIES, counter };
            let Some(post) = self.posts.get_mut(&ieee) else { continue };
            if post.lock.is_sleepy() {
                post.kept.push_back(parcel);
                self.wake(now, ieee);
            } else if post.reaches() {
                let arrives = post.travel(now);
                self.agenda.put(arrives, Flight::ToLock(ieee, parcel));
            }
        }
    }

    /// What its parent keeps for a child that is no longer there, nobody fetches any more.
    pub(super) fn let_go(&mut self, now: Instant, ieee: Ieee) {
        let kept = self.posts.get_mut(&ieee).map(|post| std::mem::take(&mut post.kept));
        for parcel in kept.into_iter().flatten() {
            self.agenda.put(now + ACK_WAIT, Flight::Sent { tag: parcel.tag, delivered: Err(Failure::NoAck) });
        }
    }

    /// A child that sleeps will ask again, if something is kept for it.
    pub(super) fn wake(&mut self, now: Instant, ieee: Ieee) {
        let Some(post) = self.posts.get_mut(&ieee) else { return };
        if post.kept.is_empty() || post.polls || post.asleep || post.offline {
            return;
        }
        if let Some(at) = post.lock.next_poll(now) {
            post.polls = true;
            self.agenda.put(at, Flight::Poll(ieee));
        }
    }

    pub(super) fn arrive(&mut self, now: Instant, flight: Flight) {
        match flight {
            Flight::Started => {
                if self.held.is_some() {
                    self.up = true;
                    self.events.push_back(Event::Up);
                }
            }
            Flight::LeftNetwork => self.events.push_back(Event::Down),
            Flight::Closes => {
                if self.permit_until.is_some_and(|until| until <= now) {
                    self.permit_until = None;
                    self.events.push_back(Event::Closed);
                }
            }
            Flight::ToLock(ieee, parcel) => self.deliver(now, ieee, &parcel),
            Flight::ToStick(from, nwk, upward) => self.hear(from, nwk, upward),
            Flight::Gone(ieee, nwk) => self.events.push_back(Event::Left { ieee, nwk }),
            Flight::Again(from, upward) => self.send_up(now, from, upward),
            Flight::Resend(ieee, parcel) => {
                if let Some(post) = self.posts.get_mut(&ieee) {
                    post.counts.from_hub += 1;
                }
                self.transmit(now, ieee, parcel);
            }
            Flight::Sent { tag, delivered } => {
                if tag != 0 {
                    self.events.push_back(Event::Sent { tag, delivered });
                }
            }
            Flight::Poll(ieee) => {
                let Some(post) = self.posts.get_mut(&ieee) else { return };
                post.polls = false;
                if post.asleep || post.offline {
                    return;
                }
                if let Some(parcel) = post.kept.pop_front() {
                    self.transmit(now, ieee, parcel);
                }
                self.wake(now, ieee);
            }
            Flight::Expires(ieee, tag) => {
                let Some(post) = self.posts.get_mut(&ieee) else { return };
                if let Some(at) = post.kept.iter().position(|parcel| parcel.tag == tag && tag != 0) {
                    post.kept.remove(at);
                    self.events.push_back(Event::Sent { tag, delivered: Err(Failure::NoAck) });
                }
            }
            Flight::Seek(_)
            | Flight::Associates(_)
            | Flight::NetworkKey(..)
            | Flight::AsksLinkKey(_)
            | Flight::LinkKey(..) => self.come_nearer(now, flight),
        }
    }

    fn deliver(&mut self, now: Instant, ieee: Ieee, parcel: &Parcel) {
        let Some(post) = self.posts.get_mut(&ieee) else { return };
        let Some(membership) = post.lock.membership_mut() else { return };
        // A counter that does not rise is a replay, or a stick that was restored without its counters.
        if parcel.counter <= membership.counter {
            return;
        }
        membership.counter = parcel.counter;
        match &parcel.content {
            Content::Frame(frame) => post.lock.handle_frame(now, frame, parcel.tag == 0),
            Content::Leave => {
                self.left(now, ieee, false);
                return;
            }
        }
        self.collect(now, ieee);
        let told = self.posts.get_mut(&ieee).and_then(|post| post.lock.take_leave());
        if let Some(comes_back) = told {
            self.left(now, ieee, comes_back);
        }
    }

    /// Puts what a lock has to send on the air, one frame behind the other.
    pub(super) fn collect(&mut self, now: Instant, ieee: Ieee) {
        while let Some(post) = self.posts.get_mut(&ieee)
            && let Some(frame) = post.lock.poll()
        {
            post.sent = post.sent.wrapping_add(1);
            let upward = Upward { frame, counter: post.sent, tries: 1 };
            self.send_up(now, ieee, upward);
        }
    }

    fn send_up(&mut self, now: Instant, from: Ieee, upward: Upward) {
        let up = self.up && self.posts.get(&from).is_some_and(|post| self.is_member(post));
        let Some(post) = self.posts.get_mut(&from) else { return };
        post.counts.to_hub += 1;
        if post.reaches()
            && let Some(nwk) = post.nwk().filter(|_| up)
        {
            let arrives = post.travel(now);
            if let Some(again) = post.comes_again(arrives) {
                self.agenda.put(again, Flight::ToStick(from, nwk, upward.clone()));
            }
            self.agenda.put(arrives, Flight::ToStick(from, nwk, upward));
        } else if upward.tries < TRIES {
            let again = Upward { tries: upward.tries + 1, ..upward };
            self.agenda.put(now + ACK_WAIT, Flight::Again(from, again));
        }
    }

    fn hear(&mut self, from: Ieee, nwk: Nwk, Upward { frame, counter, .. }: Upward) {
        let near = (self.random.random_range(180..=220), self.random.random_range(-70..=-50));
        let Some(post) = self.posts.get(&from).filter(|_| self.up) else { return };
        let (lqi, rssi) = post.signal.map_or(near, |signal| (quality(signal), signal));
        if self.concentrates && post.lock.setup().behind_router {
            self.events.push_back(Event::Route { ieee: from, nwk, relays: vec![ROUTER.0] });
        }
        let broadcast = frame.profile == super::super::frame::ZDO
            && frame.cluster == super::super::lock::zdo::request::DEVICE_ANNOUNCE;
        self.events.push_back(Event::Heard(Heard { from: nwk, ieee: from, frame, counter, lqi, rssi, broadcast }));
    }
}

/// Link quality as sticks make it of a signal: nothing at -100 dBm, all at -40.
fn quality(signal: i8) -> u8 {
    let above = (i16::from(signal) + 100).clamp(0, 60);
    u8::try_from(above * 255 / 60).unwrap_or(u8::MAX)
}
