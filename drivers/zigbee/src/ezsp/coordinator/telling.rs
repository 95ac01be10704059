//! What the stick tells unasked.

use keyway_lock::SecretBytes;
use zeroize::Zeroizing;

use super::super::fields::{Field as F, Fields};
use super::super::status::Status;
use super::super::table::Command;
use super::{Ezsp, real};
use crate::address::Nwk;
use crate::coordinator::{CoordinatorEvent, Incoming};
use crate::engine::{Desk, Reaction};

/// EmberIncomingMessageType.
mod incoming {
    pub(super) const UNICAST: u8 = 0x00;
    pub(super) const UNICAST_REPLY: u8 = 0x01;
    pub(super) const MULTICAST: u8 = 0x02;
    pub(super) const BROADCAST: u8 = 0x04;
}

/// EmberDeviceUpdate.
mod device_update {
    pub(super) const SECURED_REJOIN: u8 = 0x00;
    pub(super) const UNSECURED_JOIN: u8 = 0x01;
    pub(super) const LEFT: u8 = 0x02;
}

/// EmberJoinDecision: it was sent away.
const DENY_JOIN: u8 = 0x02;
/// APS options: a part of a message.
const FRAGMENT: u16 = 0x8000;
/// Status of a route: two devices have this address (EmberStackError).
const ADDRESS_CONFLICT: u8 = 0x0D;
/// The last of the statuses that say that a route failed.
const LAST_ROUTE_ERROR: u8 = 0x0C;

impl Ezsp {
    /// A callback that nobody awaits.
    pub(super) fn handle_callback(&mut self, desk: &mut Desk, command: Command, fields: &Fields) -> Reaction {
        match command {
            Command::StackStatusHandler => return stack_status(desk, fields.status()),
            Command::IncomingMessageHandler => self.message(desk, fields),
            Command::TrustCenterJoinHandler => self.joined(desk, fields),
            Command::ChildJoinHandler => self.remember(fields.nwk(F::Nwk), fields.ieee(F::Ieee)),
            Command::IncomingRouteErrorHandler => {
                desk.tell_of_network(CoordinatorEvent::RouteFailed { nwk: fields.nwk(F::Target) });
            }
            Command::IncomingNetworkStatusHandler => match fields.u8(F::Error) {
                0..=LAST_ROUTE_ERROR => {
                    desk.tell_of_network(CoordinatorEvent::RouteFailed { nwk: fields.nwk(F::Target) });
                }
                ADDRESS_CONFLICT => {
                    desk.tell_of_network(CoordinatorEvent::AddressConflict { nwk: fields.nwk(F::Target) });
                }
                _ => {}
            },
            Command::IdConflictHandler => {
                desk.tell_of_network(CoordinatorEvent::AddressConflict { nwk: fields.nwk(F::Nwk) });
            }
            Command::IncomingRouteRecordHandler => {
                self.remember(fields.nwk(F::Nwk), fields.ieee(F::Ieee));
                desk.tell_of_network(CoordinatorEvent::RouteRecorded {
                    nwk: fields.nwk(F::Nwk),
                    ieee: real(fields),
                    relays: fields.words(F::Relays).iter().copied().map(Nwk).collect(),
                });
            }
            _ => {}
        }
        Reaction::None
    }

    fn message(&self, desk: &mut Desk, fields: &Fields) {
        let kind = fields.u8(F::Kind);
        let was_broadcast = match kind {
            incoming::UNICAST | incoming::UNICAST_REPLY => false,
            incoming::MULTICAST | incoming::BROADCAST => true,
            // What we sent ourselves, or what concerns routing only.
            _ => return,
        };
        let source = fields.nwk(F::Nwk);
        if fields.u16(F::Options) & FRAGMENT != 0 {
            tracing::warn!(%source, cluster = fields.u16(F::Cluster), "a message in parts is passed over");
            return;
        }
        let source_ieee = real(fields).or_else(|| self.known.get(&source).copied());
        desk.tell_of_network(CoordinatorEvent::Received(Incoming {
            source,
            source_ieee,
            profile: fields.u16(F::Profile),
            cluster: fields.u16(F::Cluster),
            source_endpoint: fields.u8(F::SourceEndpoint),
            destination_endpoint: fields.u8(F::DestinationEndpoint),
            lqi: fields.u8(F::Lqi),
            rssi: Some(fields.u8(F::Rssi).cast_signed()),
            was_broadcast,
            payload: SecretBytes(Zeroizing::new(fields.bytes(F::Message).to_vec())),
        }));
    }

    fn joined(&mut self, desk: &mut Desk, fields: &Fields) {
        let (ieee, nwk) = (fields.ieee(F::Ieee), fields.nwk(F::Nwk));
        let kind = fields.u8(F::Kind);
        if kind == device_update::LEFT {
            self.sleepy.remove(&ieee);
            desk.tell_of_network(CoordinatorEvent::DeviceLeft { ieee, nwk });
        } else if fields.u8(F::Decision) == DENY_JOIN {
            tracing::info!(%ieee, "a device asked to join and was sent away: nobody may join now, or its key is wrong");
        } else {
            self.remember(nwk, ieee);
            // It may be known under another address, or as one that does not sleep.
            self.sleepy.remove(&ieee);
            desk.tell_of_network(CoordinatorEvent::DeviceJoined {
                ieee,
                nwk,
                parent: Some(fields.nwk(F::Parent)).filter(|parent| parent.is_unicast()),
                rejoined: kind != device_update::UNSECURED_JOIN,
                secured: kind == device_update::SECURED_REJOIN,
            });
        }
    }
}

fn stack_status(desk: &mut Desk, status: Status) -> Reaction {
    match status {
        Status::NETWORK_DOWN if desk.resumed => {
            desk.tell(CoordinatorEvent::NetworkDown);
            desk.resumed = false;
        }
        Status::NETWORK_UP | Status::PAN_ID_CHANGED | Status::CHANNEL_CHANGED if desk.resumed => return Reaction::Look,
        _ => {}
    }
    Reaction::None
}
