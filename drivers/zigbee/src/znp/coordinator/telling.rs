//! What the stick tells unasked.

use keyway_lock::wire::{Reader, WireError};

use super::super::command as c;
use super::super::mt::Command;
use super::super::procedures::HOME_AUTOMATION;
use super::Znp;
use crate::address::{Ieee, Nwk};
use crate::coordinator::{CoordinatorEvent, Incoming};
use crate::engine::{Desk, Reaction};

/// Devices whose addresses are remembered.
const MOST_KNOWN: usize = 256;

impl Znp {
    /// Something that nobody awaits.
    pub(super) fn handle_told(&mut self, desk: &mut Desk, command: Command, data: &[u8]) -> Reaction {
        if command == c::SYS_RESET_IND {
            return Reaction::Restarted;
        }
        if desk.resumed
            && let Err(error) = self.told_of_network(desk, command, data)
        {
            tracing::debug!(%error, ?command, "what the stick told can't be read");
        }
        Reaction::None
    }

    fn told_of_network(&mut self, desk: &mut Desk, command: Command, data: &[u8]) -> Result<(), WireError> {
        let mut reader = Reader::new(data);
        match command {
            c::AF_INCOMING => self.received(desk, c::read_incoming(data, HOME_AUTOMATION)?),
            c::AF_INCOMING_EXT => self.received(desk, c::read_incoming_ext(data, HOME_AUTOMATION)?),
            c::ZDO_MSG_CB_INCOMING => self.received(desk, c::read_zdo(data)?),
            c::ZDO_TC_DEVICE => {
                let nwk = Nwk(reader.u16_le("network address")?);
                let ieee = Ieee::from_bytes(reader.array("IEEE address")?);
                let parent = Some(Nwk(reader.u16_le("parent")?)).filter(|parent| parent.is_unicast());
                self.remember(nwk, ieee);
                let (rejoined, secured) = (false, false);
                desk.tell(CoordinatorEvent::DeviceJoined { ieee, nwk, parent, rejoined, secured });
            }
            c::ZDO_LEAVE => {
                let nwk = Nwk(reader.u16_le("network address")?);
                let ieee = Ieee::from_bytes(reader.array("IEEE address")?);
                reader.bytes("request and removal", 2)?;
                if reader.u8("rejoin")? == 0 {
                    desk.tell(CoordinatorEvent::DeviceLeft { ieee, nwk });
                }
            }
            c::ZDO_SOURCE_ROUTE => {
                let nwk = Nwk(reader.u16_le("network address")?);
                let count = reader.u8("relay count")?;
                let relays: Result<Vec<_>, _> = (0..count).map(|_| reader.u16_le("relay").map(Nwk)).collect();
                let ieee = self.known.get(&nwk).copied();
                desk.tell(CoordinatorEvent::RouteRecorded { nwk, ieee, relays: relays? });
            }
            c::ZDO_STATE_CHANGE if reader.u8("state")? != c::STATE_COORDINATOR => {
                desk.resumed = false;
                desk.tell(CoordinatorEvent::NetworkDown);
            }
            _ => {}
        }
        Ok(())
    }

    fn received(&self, desk: &mut Desk, mut incoming: Incoming) {
        incoming.source_ieee = incoming.source_ieee.or_else(|| self.known.get(&incoming.source).copied());
        desk.tell(CoordinatorEvent::Received(incoming));
    }

    fn remember(&mut self, nwk: Nwk, ieee: Ieee) {
        self.known.retain(|_, other| *other != ieee);
        if self.known.len() >= MOST_KNOWN {
            self.known.pop_first();
        }
        self.known.insert(nwk, ieee);
    }
}
