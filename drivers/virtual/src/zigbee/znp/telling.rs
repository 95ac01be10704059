//! What the firmware tells by itself, and what it decides of what happens in the network.

use std::time::Instant;

use keyway_zigbee::znp::mt::Command;

use super::super::frame::ZDO;
use super::super::network::{Arrival, Event, Network};
use super::super::put::Put;
use super::{Znp, subsystem};

const SRC_RTG_IND: Command = Command(subsystem::ZDO, 0xC4);
const LEAVE_IND: Command = Command(subsystem::ZDO, 0xC9);
const TC_DEVICE_IND: Command = Command(subsystem::ZDO, 0xCA);

impl Znp {
    /// Something happened in the network.
    pub(super) fn told(&mut self, now: Instant, network: &mut Network, event: Event) {
        match event {
            Event::Up => self.up(now, network),
            // The host is told of none of these: a device that joined is at the door next, a way that failed shows in what
            // becomes of a frame, and that joining is over the host knows who said for how long.
            Event::Down | Event::Child { .. } | Event::RouteError { .. } | Event::Closed => {}
            Event::Sent { tag, delivered } => self.told_of_sent(network, tag, delivered),
            Event::Heard(heard) if heard.frame.profile == ZDO => self.heard_zdo(now, network, &heard),
            Event::Heard(heard) => self.told_of_heard(network, &heard),
            Event::AtTheDoor { ieee, nwk, parent, arrival } => {
                if arrival != Arrival::Secured {
                    match self.decide(ieee, arrival) {
                        Some(key) => network.admit(now, ieee, key),
                        None => return network.turn_away(ieee),
                    }
                }
                self.remember_address(ieee, nwk, parent);
                self.tell(TC_DEVICE_IND, &Vec::new().u16(nwk.0).bytes(&ieee.to_bytes()).u16(parent.0));
            }
            Event::WantsLinkKey { ieee } => {
                if let Some(key) = self.make_link_key(network, ieee) {
                    network.send_link_key(now, ieee, key);
                }
            }
            Event::LinkKeyVerified { ieee } => self.link_key_verified(ieee),
            Event::Left { ieee, nwk } => {
                self.forget_device(ieee);
                // No request, nobody behind it, and it does not come back.
                self.tell(LEAVE_IND, &Vec::new().u16(nwk.0).bytes(&ieee.to_bytes()).bytes(&[0, 0, 0]));
            }
            Event::Route { nwk, relays, .. } => {
                let head = Vec::new().u16(nwk.0).u8(u8::try_from(relays.len()).unwrap_or(u8::MAX));
                let body = relays.iter().fold(head, |body, relay| body.u16(relay.0));
                self.tell(SRC_RTG_IND, &body);
            }
        }
    }
}
