//! How a lock comes into the network, comes back, and goes (Zigbee R22 sections 4.6.3 and 4.7.3).

use std::time::{Duration, Instant};

use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::key::Key;

use super::super::action::Outcome;
use super::air::Flight;
use super::{Event, Membership, Network};

/// A scan of the channels, and the handshake of an association.
const ASSOCIATES_AFTER: Duration = Duration::from_millis(60);
/// How often a lock fresh from its box looks again, when it does.
const SEEKS_EVERY: Duration = Duration::from_secs(1);
/// How long after it has announced itself a lock asks for a link key of its own.
const ASKS_KEY_AFTER: Duration = Duration::from_millis(300);

/// How a device stands at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Arrival {
    /// It never was here, as far as it knows.
    Fresh,
    /// It was, and has the network's key still.
    Secured,
    /// It was, and asks for the network's key again.
    Unsecured,
}

impl Network {
    /// A lock looks for an open network.
    pub(super) fn seek(&mut self, now: Instant, ieee: Ieee) -> Outcome {
        let is_member = self.posts.get(&ieee).is_some_and(|post| post.lock.membership().is_some());
        if is_member || !self.is_open(now) {
            return Outcome::NoNetwork;
        }
        self.agenda.put(now + ASSOCIATES_AFTER, Flight::Associates(ieee));
        Outcome::Done
    }

    /// A lock comes back with another short address.
    pub(super) fn rejoin(&mut self, now: Instant, ieee: Ieee, secured: bool) -> Outcome {
        let known = self.posts.get(&ieee).is_some_and(|post| self.is_member(post));
        if !known || !self.up {
            return Outcome::NoNetwork;
        }
        let nwk = self.free_address();
        self.let_go(now, ieee);
        let Some(post) = self.posts.get_mut(&ieee) else { return Outcome::NoNetwork };
        let parent = post.parent();
        if secured {
            if let Some(membership) = post.lock.membership_mut() {
                membership.nwk = nwk;
            }
            self.events.push_back(Event::AtTheDoor { ieee, nwk, parent, arrival: Arrival::Secured });
            if let Some(post) = self.posts.get_mut(&ieee) {
                post.lock.announce();
            }
            self.collect(now, ieee);
        } else {
            post.lent = Some(nwk);
            self.events.push_back(Event::AtTheDoor { ieee, nwk, parent, arrival: Arrival::Unsecured });
        }
        Outcome::Done
    }

    /// A lock goes, told to or by itself; it may come back at once.
    pub(super) fn left(&mut self, now: Instant, ieee: Ieee, comes_back: bool) -> Outcome {
        if comes_back {
            return self.rejoin(now, ieee, true);
        }
        let known = self.posts.get(&ieee).is_some_and(|post| self.is_member(post)) && self.up;
        self.let_go(now, ieee);
        let Some(post) = self.posts.get_mut(&ieee) else { return Outcome::NoNetwork };
        let nwk = post.nwk();
        post.lock.leave();
        (post.lent, post.link_key) = (None, None);
        match nwk.filter(|_| known) {
            Some(nwk) => {
                // Behind its last word.
                let told = post.travel(now);
                self.agenda.put(told, Flight::Gone(ieee, nwk));
                Outcome::Done
            }
            None => Outcome::NoNetwork,
        }
    }

    /// The trust centre lets a device in: the network's key goes to it under this link key.
    pub(in super::super) fn admit(&mut self, now: Instant, ieee: Ieee, link_key: Key) {
        if let Some(post) = self.posts.get_mut(&ieee) {
            let arrives = post.travel(now);
            self.agenda.put(arrives, Flight::NetworkKey(ieee, link_key));
        }
    }

    /// The trust centre turns a device away.
    pub(in super::super) fn turn_away(&mut self, ieee: Ieee) {
        if let Some(post) = self.posts.get_mut(&ieee) {
            post.lent = None;
        }
    }

    /// The trust centre sends a device a link key of its own.
    pub(in super::super) fn send_link_key(&mut self, now: Instant, ieee: Ieee, key: Key) {
        if let Some(post) = self.posts.get_mut(&ieee) {
            let arrives = post.travel(now) + post.latency;
            self.agenda.put(arrives, Flight::LinkKey(ieee, key));
        }
    }

    pub(super) fn come_nearer(&mut self, now: Instant, flight: Flight) {
        match flight {
            Flight::Seek(ieee) => {
                self.seek(now, ieee);
                self.agenda.put(now + SEEKS_EVERY, Flight::Seek(ieee));
            }
            Flight::Associates(ieee) if self.is_open(now) => self.associate(ieee),
            Flight::NetworkKey(ieee, key) => self.take_key(now, ieee, &key),
            Flight::AsksLinkKey(ieee) => self.events.push_back(Event::WantsLinkKey { ieee }),
            Flight::LinkKey(ieee, key) => {
                if let Some(post) = self.posts.get_mut(&ieee) {
                    post.link_key = Some(key);
                    self.events.push_back(Event::LinkKeyVerified { ieee });
                }
            }
            _ => {}
        }
    }

    fn associate(&mut self, ieee: Ieee) {
        let nwk = self.free_address();
        let Some(post) = self.posts.get_mut(&ieee).filter(|post| !post.offline && post.lent.is_none()) else { return };
        if post.lock.membership().is_some() {
            return;
        }
        post.lent = Some(nwk);
        let (parent, sleepy) = (post.parent(), post.lock.is_sleepy());
        if parent == Nwk::COORDINATOR {
            self.events.push_back(Event::Child { nwk, ieee, sleepy });
        }
        self.events.push_back(Event::AtTheDoor { ieee, nwk, parent, arrival: Arrival::Fresh });
    }

    /// The network's key came under a link key. A device that has another can't read it, and gives up.
    fn take_key(&mut self, now: Instant, ieee: Ieee, link_key: &Key) {
        let coordinator = self.own;
        let (Some(held), Some(post)) = (&self.held, self.posts.get_mut(&ieee)) else { return };
        let Some(nwk) = post.lent.take() else { return };
        let well_known = Key::well_known();
        let of_label = post.lock.setup().install_code_key.as_ref();
        let own = post.link_key.as_ref().or(of_label).unwrap_or(&well_known);
        if own != link_key || post.offline {
            return;
        }
        // Of frames under this key it knows those that it has seen itself, if it was here before.
        let seen = post.lock.membership().filter(|before| before.network_key == held.network_key);
        let counter = seen.map_or(0, |before| before.counter);
        post.lock.join(now, Membership { counter, ..Membership::of(held, coordinator, nwk) });
        post.lock.announce();
        self.collect(now, ieee);
        self.agenda.put(now + ASKS_KEY_AFTER, Flight::AsksLinkKey(ieee));
    }
}
