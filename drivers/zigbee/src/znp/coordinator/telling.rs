//! What the stick tells unasked.

use std::time::Instant;

use keyway_lock::wire::{Reader, WireError};

use super::super::command as c;
use super::super::mt::Command;
use super::super::procedures::HOME_AUTOMATION;
use super::{State, ZnpCoordinator};
use crate::address::{Ieee, Nwk};
use crate::coordinator::{CoordinatorEvent, Incoming};

/// Devices whose addresses are remembered.
const MOST_KNOWN: usize = 256;

impl ZnpCoordinator {
    /// Something that nobody awaits.
    pub(super) fn told(&mut self, now: Instant, command: Command, data: &[u8]) {
        if command == c::SYS_RESET_IND {
            if matches!(self.state, State::Working(_)) {
                tracing::warn!("the stick restarted by itself");
                self.begin_anew(now);
            }
            return;
        }
        if !self.resumed {
            return;
        }
        if let Err(error) = self.told_of_network(command, data) {
            tracing::debug!(%error, ?command, "what the stick told can't be read");
        }
    }

    fn told_of_network(&mut self, command: Command, data: &[u8]) -> Result<(), WireError> {
        let mut reader = Reader::new(data);
        match command {
            c::AF_INCOMING => self.received(c::read_incoming(data, HOME_AUTOMATION)?),
            c::AF_INCOMING_EXT => self.received(c::read_incoming_ext(data, HOME_AUTOMATION)?),
            c::ZDO_MSG_CB_INCOMING => self.received(c::read_zdo(data)?),
            c::ZDO_TC_DEVICE => {
                let nwk = Nwk(reader.u16_le("network address")?);
                let ieee = Ieee::from_bytes(reader.array("IEEE address")?);
                let parent = Some(Nwk(reader.u16_le("parent")?)).filter(|parent| parent.is_unicast());
                self.remember(nwk, ieee);
                let (rejoined, secured) = (false, false);
                self.outputs.push_back(CoordinatorEvent::DeviceJoined { ieee, nwk, parent, rejoined, secured });
            }
            c::ZDO_LEAVE => {
                let nwk = Nwk(reader.u16_le("network address")?);
                let ieee = Ieee::from_bytes(reader.array("IEEE address")?);
                reader.bytes("request and removal", 2)?;
                if reader.u8("rejoin")? == 0 {
                    self.outputs.push_back(CoordinatorEvent::DeviceLeft { ieee, nwk });
                }
            }
            c::ZDO_SOURCE_ROUTE => {
                let nwk = Nwk(reader.u16_le("network address")?);
                let count = reader.u8("relay count")?;
                let relays: Result<Vec<_>, _> = (0..count).map(|_| reader.u16_le("relay").map(Nwk)).collect();
                let ieee = self.known.get(&nwk).copied();
                self.outputs.push_back(CoordinatorEvent::RouteRecorded { nwk, ieee, relays: relays? });
            }
            c::ZDO_STATE_CHANGE if reader.u8("state")? != c::STATE_COORDINATOR => {
                self.resumed = false;
                self.outputs.push_back(CoordinatorEvent::NetworkDown);
            }
            _ => {}
        }
        Ok(())
    }

    fn received(&mut self, mut incoming: Incoming) {
        incoming.source_ieee = incoming.source_ieee.or_else(|| self.known.get(&incoming.source).copied());
        self.outputs.push_back(CoordinatorEvent::Received(incoming));
    }

    fn remember(&mut self, nwk: Nwk, ieee: Ieee) {
        self.known.retain(|_, other| *other != ieee);
        if self.known.len() >= MOST_KNOWN {
            self.known.pop_first();
        }
        self.known.insert(nwk, ieee);
    }
}
