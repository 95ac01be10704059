//! What the firmware tells by itself, and what it decides of what it hears.

use std::time::Instant;

use keyway_zigbee::address::{Ieee, Nwk};

use super::super::network::{Arrival, Event, Network};
use super::super::put::Put;
use super::Ezsp;
use super::network::SLEEPY_END_DEVICE;
use super::status::Status;

mod id {
    pub(super) const STACK_STATUS: u16 = 0x0019;
    pub(super) const CHILD_JOIN: u16 = 0x0023;
    pub(super) const TRUST_CENTER_JOIN: u16 = 0x0024;
    pub(super) const ROUTE_RECORD: u16 = 0x0059;
    pub(super) const ROUTE_ERROR: u16 = 0x0080;
    pub(super) const KEY_ESTABLISHMENT: u16 = 0x009B;
    pub(super) const NETWORK_STATUS: u16 = 0x00C4;
}

/// What happened to a device (`EmberDeviceUpdate`).
mod update {
    pub(super) const SECURED_REJOIN: u8 = 0x00;
    pub(super) const UNSECURED_JOIN: u8 = 0x01;
    pub(super) const LEFT: u8 = 0x02;
    pub(super) const UNSECURED_REJOIN: u8 = 0x03;
}

/// What the trust centre decided (`EmberJoinDecision`).
mod decision {
    pub(super) const USE_PRECONFIGURED_KEY: u8 = 0x00;
    pub(super) const DENY: u8 = 0x02;
    pub(super) const NO_ACTION: u8 = 0x03;
}

/// How a link key came about (`EmberKeyStatus`).
mod key {
    pub(super) const RESPONDED: u8 = 0x06;
    pub(super) const VERIFIED: u8 = 0x34;
}

/// Why a way failed: by a source route, and by a many-to-one route.
const SOURCE_ROUTE_FAILURE: u8 = 0x0B;
const END_DEVICE: u8 = 0x03;

impl Ezsp {
    /// Something happened in the network.
    pub(in super::super) fn on_event(&mut self, now: Instant, network: &mut Network, event: Event) {
        match event {
            Event::Up => self.tell_stack_status(Status::NetworkUp),
            Event::Down => self.tell_stack_status(Status::NetworkDown),
            Event::Closed => self.tell_stack_status(Status::NetworkClosed),
            Event::Sent { tag, delivered } => self.told_of_sent(tag, delivered),
            Event::Heard(heard) => self.told_of_heard(network, &heard),
            Event::Child { nwk, ieee, sleepy } => {
                let kind = if sleepy { SLEEPY_END_DEVICE } else { END_DEVICE };
                let index = network.children().count().saturating_sub(1);
                let index = u8::try_from(index).unwrap_or(u8::MAX);
                let body = vec![index, 1].u16(nwk.0).bytes(&ieee.to_bytes()).u8(kind);
                self.callback(id::CHILD_JOIN, &body);
            }
            Event::AtTheDoor { ieee, nwk, parent, arrival } => {
                self.at_the_door(now, network, ieee, nwk, parent, arrival)
            }
            Event::WantsLinkKey { ieee } => {
                if let Some(key) = self.own_link_key(ieee) {
                    self.callback(id::KEY_ESTABLISHMENT, &ieee.to_bytes().to_vec().u8(key::RESPONDED));
                    network.send_link_key(now, ieee, key);
                }
            }
            Event::LinkKeyVerified { ieee } => {
                self.callback(id::KEY_ESTABLISHMENT, &ieee.to_bytes().to_vec().u8(key::VERIFIED));
            }
            Event::Left { ieee, nwk } => {
                self.tell_join(nwk, ieee, update::LEFT, decision::NO_ACTION, Nwk::COORDINATOR);
            }
            Event::RouteError { nwk } => {
                let body = self.status(Status::NoRoute).u16(nwk.0);
                self.callback(id::ROUTE_ERROR, &body);
                self.callback(id::NETWORK_STATUS, &vec![SOURCE_ROUTE_FAILURE].u16(nwk.0));
            }
            Event::Route { ieee, nwk, relays } => {
                let count = u8::try_from(relays.len()).unwrap_or(u8::MAX);
                let head = Vec::new().u16(nwk.0).bytes(&ieee.to_bytes()).bytes(&[200, 0xC8]).u8(count);
                let body = relays.iter().fold(head, |body, relay| body.u16(relay.0));
                self.callback(id::ROUTE_RECORD, &body);
            }
        }
    }

    pub(super) fn tell_stack_status(&mut self, status: Status) {
        let body = self.status(status);
        self.callback(id::STACK_STATUS, &body);
    }

    fn at_the_door(
        &mut self,
        now: Instant,
        network: &mut Network,
        ieee: Ieee,
        nwk: Nwk,
        parent: Nwk,
        arrival: Arrival,
    ) {
        let update = match arrival {
            Arrival::Fresh => update::UNSECURED_JOIN,
            Arrival::Secured => update::SECURED_REJOIN,
            Arrival::Unsecured => update::UNSECURED_REJOIN,
        };
        let decided = match (arrival, self.decide(now, ieee, arrival)) {
            (Arrival::Secured, _) => decision::NO_ACTION,
            (_, Some(key)) => {
                network.admit(now, ieee, key);
                decision::USE_PRECONFIGURED_KEY
            }
            (_, None) => {
                network.turn_away(ieee);
                decision::DENY
            }
        };
        self.tell_join(nwk, ieee, update, decided, parent);
    }

    fn tell_join(&mut self, nwk: Nwk, ieee: Ieee, update: u8, decision: u8, parent: Nwk) {
        let body = Vec::new().u16(nwk.0).bytes(&ieee.to_bytes()).u8(update).u8(decision).u16(parent.0);
        self.callback(id::TRUST_CENTER_JOIN, &body);
    }
}
