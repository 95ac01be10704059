//! The messages themselves: a sequence number, and what is asked or answered.

use keyway_lock::wire::Reader;

use super::descriptor::{Capability, NodeDescriptor, PowerDescriptor, SimpleDescriptor, clusters};
use super::management::{Binding, Neighbour, Route, Table};
use super::{RESPONSE, ZdoError, ZdoStatus, cluster};
use crate::address::{Ieee, Nwk};

/// What is asked, told or answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zdo {
    /// I am here, at this address.
    DeviceAnnounce(Nwk, Ieee, Capability),
    /// Where is this device? A broadcast.
    NwkAddrRequest(Ieee),
    /// Who is at this address?
    IeeeAddrRequest(Nwk),
    /// Both answered: who is where.
    NwkAddrResponse(ZdoStatus, Ieee, Nwk),
    /// See above.
    IeeeAddrResponse(ZdoStatus, Ieee, Nwk),
    /// What are you?
    NodeDescRequest(Nwk),
    /// That.
    NodeDescResponse(Nwk, Result<NodeDescriptor, ZdoStatus>),
    /// How do you have power?
    PowerDescRequest(Nwk),
    /// So.
    PowerDescResponse(Nwk, Result<PowerDescriptor, ZdoStatus>),
    /// What is on this endpoint?
    SimpleDescRequest(Nwk, u8),
    /// That.
    SimpleDescResponse(Nwk, Result<SimpleDescriptor, ZdoStatus>),
    /// Which endpoints have you?
    ActiveEpRequest(Nwk),
    /// These.
    ActiveEpResponse(Nwk, Result<Vec<u8>, ZdoStatus>),
    /// Which of your endpoints have one of these clusters?
    MatchDescRequest {
        /// Who is asked, or all.
        nwk: Nwk,
        /// In which profile.
        profile: u16,
        /// Clusters to have.
        input: Vec<u16>,
        /// Clusters to use.
        output: Vec<u16>,
    },
    /// These.
    MatchDescResponse(Nwk, Result<Vec<u8>, ZdoStatus>),
    /// Tell what this cluster has to tell to that one.
    BindRequest(Binding),
    /// How that went.
    BindResponse(ZdoStatus),
    /// Tell it no longer.
    UnbindRequest(Binding),
    /// How that went.
    UnbindResponse(ZdoStatus),
    /// Whom can you hear? From this entry on.
    LqiRequest(u8),
    /// These.
    LqiResponse(Result<Table<Neighbour>, ZdoStatus>),
    /// Which ways do you know? From this entry on.
    RoutesRequest(u8),
    /// These.
    RoutesResponse(Result<Table<Route>, ZdoStatus>),
    /// To whom do you tell what? From this entry on.
    BindingsRequest(u8),
    /// This.
    BindingsResponse(Result<Table<Binding>, ZdoStatus>),
    /// Have this device leave; the flags are 0x40 with its children, 0x80 and come back.
    LeaveRequest(Ieee, u8),
    /// How that went.
    LeaveResponse(ZdoStatus),
    /// Let devices join for so many seconds; 0: not any more.
    PermitJoiningRequest(u8),
    /// How that went.
    PermitJoiningResponse(ZdoStatus),
}

impl Zdo {
    /// The cluster it goes by.
    pub fn cluster(&self) -> u16 {
        match self {
            Self::DeviceAnnounce(..) => cluster::DEVICE_ANNCE,
            Self::NwkAddrRequest(_) => cluster::NWK_ADDR,
            Self::IeeeAddrRequest(_) => cluster::IEEE_ADDR,
            Self::NwkAddrResponse(..) => cluster::NWK_ADDR | RESPONSE,
            Self::IeeeAddrResponse(..) => cluster::IEEE_ADDR | RESPONSE,
            Self::NodeDescRequest(_) => cluster::NODE_DESC,
            Self::NodeDescResponse(..) => cluster::NODE_DESC | RESPONSE,
            Self::PowerDescRequest(_) => cluster::POWER_DESC,
            Self::PowerDescResponse(..) => cluster::POWER_DESC | RESPONSE,
            Self::SimpleDescRequest(..) => cluster::SIMPLE_DESC,
            Self::SimpleDescResponse(..) => cluster::SIMPLE_DESC | RESPONSE,
            Self::ActiveEpRequest(_) => cluster::ACTIVE_EP,
            Self::ActiveEpResponse(..) => cluster::ACTIVE_EP | RESPONSE,
            Self::MatchDescRequest { .. } => cluster::MATCH_DESC,
            Self::MatchDescResponse(..) => cluster::MATCH_DESC | RESPONSE,
            Self::BindRequest(_) => cluster::BIND,
            Self::BindResponse(_) => cluster::BIND | RESPONSE,
            Self::UnbindRequest(_) => cluster::UNBIND,
            Self::UnbindResponse(_) => cluster::UNBIND | RESPONSE,
            Self::LqiRequest(_) => cluster::MGMT_LQI,
            Self::LqiResponse(_) => cluster::MGMT_LQI | RESPONSE,
            Self::RoutesRequest(_) => cluster::MGMT_RTG,
            Self::RoutesResponse(_) => cluster::MGMT_RTG | RESPONSE,
            Self::BindingsRequest(_) => cluster::MGMT_BIND,
            Self::BindingsResponse(_) => cluster::MGMT_BIND | RESPONSE,
            Self::LeaveRequest(..) => cluster::MGMT_LEAVE,
            Self::LeaveResponse(_) => cluster::MGMT_LEAVE | RESPONSE,
            Self::PermitJoiningRequest(_) => cluster::MGMT_PERMIT_JOINING,
            Self::PermitJoiningResponse(_) => cluster::MGMT_PERMIT_JOINING | RESPONSE,
        }
    }
}

/// One of them with its sequence number: an answer has that of its question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Sequence number.
    pub sequence: u8,
    /// What.
    pub zdo: Zdo,
}

impl Message {
    /// The whole frame; its cluster is [`Zdo::cluster`].
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.sequence];
        let o = &mut out;
        match &self.zdo {
            Zdo::DeviceAnnounce(nwk, ieee, capability) => {
                o.extend(nwk.0.to_le_bytes());
                o.extend(ieee.to_bytes());
                o.push(capability.0);
            }
            // A single device response, from the first index on.
            Zdo::NwkAddrRequest(ieee) => {
                o.extend(ieee.to_bytes());
                o.extend([0, 0]);
            }
            Zdo::IeeeAddrRequest(nwk) => {
                o.extend(nwk.0.to_le_bytes());
                o.extend([0, 0]);
            }
            Zdo::NwkAddrResponse(status, ieee, nwk) | Zdo::IeeeAddrResponse(status, ieee, nwk) => {
                o.push(status.0);
                o.extend(ieee.to_bytes());
                o.extend(nwk.0.to_le_bytes());
            }
            Zdo::NodeDescRequest(nwk) | Zdo::PowerDescRequest(nwk) | Zdo::ActiveEpRequest(nwk) => {
                o.extend(nwk.0.to_le_bytes());
            }
            Zdo::NodeDescResponse(nwk, result) => found(o, Some(*nwk), result, NodeDescriptor::encode),
            Zdo::PowerDescResponse(nwk, result) => found(o, Some(*nwk), result, PowerDescriptor::encode),
            Zdo::SimpleDescRequest(nwk, endpoint) => {
                o.extend(nwk.0.to_le_bytes());
                o.push(*endpoint);
            }
            Zdo::SimpleDescResponse(nwk, result) => {
                found(o, Some(*nwk), result, |descriptor, o| {
                    let mut bytes = Vec::new();
                    descriptor.encode(&mut bytes);
                    counted(o, &bytes);
                });
                if result.is_err() {
                    o.push(0);
                }
            }
            Zdo::ActiveEpResponse(nwk, result) | Zdo::MatchDescResponse(nwk, result) => {
                found(o, Some(*nwk), result, |endpoints, o| counted(o, endpoints));
                if result.is_err() {
                    o.push(0);
                }
            }
            Zdo::MatchDescRequest { nwk, profile, input, output } => {
                o.extend(nwk.0.to_le_bytes());
                o.extend(profile.to_le_bytes());
                for list in [input, output] {
                    o.push(u8::try_from(list.len()).unwrap_or(u8::MAX));
                    list.iter().for_each(|cluster| o.extend(cluster.to_le_bytes()));
                }
            }
            Zdo::BindRequest(binding) | Zdo::UnbindRequest(binding) => binding.encode(o),
            Zdo::BindResponse(status)
            | Zdo::UnbindResponse(status)
            | Zdo::LeaveResponse(status)
            | Zdo::PermitJoiningResponse(status) => o.push(status.0),
            Zdo::LqiRequest(start) | Zdo::RoutesRequest(start) | Zdo::BindingsRequest(start) => o.push(*start),
            Zdo::LqiResponse(result) => found(o, None, result, |table, o| table.encode(o, Neighbour::encode)),
            Zdo::RoutesResponse(result) => found(o, None, result, |table, o| table.encode(o, Route::encode)),
            Zdo::BindingsResponse(result) => found(o, None, result, |table, o| table.encode(o, Binding::encode)),
            Zdo::LeaveRequest(ieee, flags) => {
                o.extend(ieee.to_bytes());
                o.push(*flags);
            }
            // The second byte: the trust centre's policy stays as it is, which since R22 must be said so.
            Zdo::PermitJoiningRequest(seconds) => o.extend([*seconds, 1]),
        }
        out
    }

    /// Reads a frame of a cluster.
    ///
    /// # Errors
    /// [`ZdoError`].
    pub fn decode(id: u16, bytes: &[u8]) -> Result<Self, ZdoError> {
        let r = &mut Reader::new(bytes);
        let sequence = r.u8("sequence number")?;
        let zdo = if id & RESPONSE == 0 { request(id, r)? } else { response(id, r)? };
        Ok(Self { sequence, zdo })
    }
}

fn request(id: u16, r: &mut Reader<'_>) -> Result<Zdo, ZdoError> {
    let nwk = |r: &mut Reader<'_>| r.u16_le("network address").map(Nwk);
    let ieee = |r: &mut Reader<'_>| r.array("IEEE address").map(Ieee::from_bytes);
    Ok(match id {
        cluster::DEVICE_ANNCE => Zdo::DeviceAnnounce(nwk(r)?, ieee(r)?, Capability(r.u8("capability")?)),
        cluster::NWK_ADDR => Zdo::NwkAddrRequest(ieee(r)?),
        cluster::IEEE_ADDR => Zdo::IeeeAddrRequest(nwk(r)?),
        cluster::NODE_DESC => Zdo::NodeDescRequest(nwk(r)?),
        cluster::POWER_DESC => Zdo::PowerDescRequest(nwk(r)?),
        cluster::SIMPLE_DESC => Zdo::SimpleDescRequest(nwk(r)?, r.u8("endpoint")?),
        cluster::ACTIVE_EP => Zdo::ActiveEpRequest(nwk(r)?),
        cluster::MATCH_DESC => Zdo::MatchDescRequest {
            nwk: nwk(r)?,
            profile: r.u16_le("profile")?,
            input: clusters(r)?,
            output: clusters(r)?,
        },
        cluster::BIND => Zdo::BindRequest(Binding::decode(r)?),
        cluster::UNBIND => Zdo::UnbindRequest(Binding::decode(r)?),
        cluster::MGMT_LQI => Zdo::LqiRequest(r.u8("start index")?),
        cluster::MGMT_RTG => Zdo::RoutesRequest(r.u8("start index")?),
        cluster::MGMT_BIND => Zdo::BindingsRequest(r.u8("start index")?),
        cluster::MGMT_LEAVE => Zdo::LeaveRequest(ieee(r)?, r.u8("leave flags")?),
        cluster::MGMT_PERMIT_JOINING => Zdo::PermitJoiningRequest(r.u8("duration")?),
        _ => return Err(ZdoError::UnknownCluster(id)),
    })
}

fn response(id: u16, r: &mut Reader<'_>) -> Result<Zdo, ZdoError> {
    let nwk = |r: &mut Reader<'_>| r.u16_le("network address").map(Nwk);
    let ieee = |r: &mut Reader<'_>| r.array("IEEE address").map(Ieee::from_bytes);
    let status = ZdoStatus(r.u8("status")?);
    let ok = status.is_success();
    Ok(match id & !RESPONSE {
        cluster::NWK_ADDR => Zdo::NwkAddrResponse(status, ieee(r)?, nwk(r)?),
        cluster::IEEE_ADDR => Zdo::IeeeAddrResponse(status, ieee(r)?, nwk(r)?),
        cluster::NODE_DESC => {
            let nwk = nwk(r)?;
            Zdo::NodeDescResponse(nwk, if ok { Ok(NodeDescriptor::decode(r)?) } else { Err(status) })
        }
        cluster::POWER_DESC => {
            let nwk = nwk(r)?;
            Zdo::PowerDescResponse(nwk, if ok { Ok(PowerDescriptor::decode(r)?) } else { Err(status) })
        }
        cluster::SIMPLE_DESC => {
            let nwk = nwk(r)?;
            let descriptor = if ok {
                r.u8("length of the descriptor")?;
                Ok(SimpleDescriptor::decode(r)?)
            } else {
                Err(status)
            };
            Zdo::SimpleDescResponse(nwk, descriptor)
        }
        cluster::ACTIVE_EP => Zdo::ActiveEpResponse(nwk(r)?, if ok { Ok(endpoints(r)?) } else { Err(status) }),
        cluster::MATCH_DESC => Zdo::MatchDescResponse(nwk(r)?, if ok { Ok(endpoints(r)?) } else { Err(status) }),
        cluster::BIND => Zdo::BindResponse(status),
        cluster::UNBIND => Zdo::UnbindResponse(status),
        cluster::MGMT_LQI => Zdo::LqiResponse(if ok { Ok(Table::decode(r, Neighbour::decode)?) } else { Err(status) }),
        cluster::MGMT_RTG => Zdo::RoutesResponse(if ok { Ok(Table::decode(r, Route::decode)?) } else { Err(status) }),
        cluster::MGMT_BIND => {
            Zdo::BindingsResponse(if ok { Ok(Table::decode(r, Binding::decode)?) } else { Err(status) })
        }
        cluster::MGMT_LEAVE => Zdo::LeaveResponse(status),
        cluster::MGMT_PERMIT_JOINING => Zdo::PermitJoiningResponse(status),
        _ => return Err(ZdoError::UnknownCluster(id)),
    })
}

fn endpoints(r: &mut Reader<'_>) -> Result<Vec<u8>, ZdoError> {
    let count = r.u8("number of endpoints")?;
    Ok(r.bytes("endpoints", count.into())?.to_vec())
}

fn counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.extend(bytes);
}

fn found<T: ?Sized>(
    out: &mut Vec<u8>,
    nwk: Option<Nwk>,
    result: &Result<impl std::borrow::Borrow<T>, ZdoStatus>,
    encode: impl Fn(&T, &mut Vec<u8>),
) {
    out.push(result.as_ref().err().copied().unwrap_or(ZdoStatus::SUCCESS).0);
    out.extend(nwk.iter().flat_map(|nwk| nwk.0.to_le_bytes()));
    if let Ok(found) = result {
        encode(found.borrow(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BindingTarget, LogicalType};
    use super::*;

    const NWK: Nwk = Nwk(0x1A2B);
    const IEEE: Ieee = Ieee(0x000D_6F00_0A0B_0C01);

    fn bytes(zdo: Zdo) -> Vec<u8> {
        let (id, message) = (zdo.cluster(), Message { sequence: 9, zdo });
        let bytes = message.encode();
        assert_eq!(Message::decode(id, &bytes), Ok(message));
        for end in 0..bytes.len() {
            let _ = Message::decode(id, &bytes[..end]);
        }
        bytes[1..].to_vec()
    }

    #[test]
    fn a_device_announces_itself_with_its_addresses_and_whether_it_sleeps() {
        let announce = bytes(Zdo::DeviceAnnounce(NWK, IEEE, Capability(0x80)));
        assert_eq!(announce, [0x2B, 0x1A, 1, 0x0C, 0x0B, 0x0A, 0, 0x6F, 0x0D, 0, 0x80]);
        assert!(Capability(0x80).is_sleepy() && !Capability(0x8E).is_sleepy() && Capability(0x8E).is_router());
    }

    #[test]
    fn descriptors_are_read_as_they_were_written() {
        let node = NodeDescriptor {
            logical_type: LogicalType::EndDevice,
            capability: Capability(0x80),
            manufacturer: 0x101D,
            buffer_size: 82,
            incoming_size: 82,
            server_mask: 0x2C00,
            outgoing_size: 82,
        };
        let described = bytes(Zdo::NodeDescResponse(NWK, Ok(node)));
        assert_eq!(described, [0, 0x2B, 0x1A, 2, 0x40, 0x80, 0x1D, 0x10, 82, 82, 0, 0, 0x2C, 82, 0, 0]);
        let lock = SimpleDescriptor {
            endpoint: 1,
            profile: 0x0104,
            device_type: 0x000A,
            device_version: 0,
            input: vec![0x0000, 0x0101],
            output: vec![0x000A],
        };
        let described = bytes(Zdo::SimpleDescResponse(NWK, Ok(lock)));
        assert_eq!(described, [0, 0x2B, 0x1A, 14, 1, 4, 1, 10, 0, 0, 2, 0, 0, 1, 1, 1, 10, 0]);
        bytes(Zdo::SimpleDescResponse(NWK, Err(ZdoStatus::NOT_ACTIVE)));
        bytes(Zdo::PowerDescResponse(NWK, Ok(PowerDescriptor { mode: 1, available: 4, current: 4, level: 12 })));
        assert_eq!(bytes(Zdo::ActiveEpResponse(NWK, Ok(vec![1, 2]))), [0, 0x2B, 0x1A, 2, 1, 2]);
    }

    #[test]
    fn a_cluster_is_bound_to_an_endpoint_of_a_device() {
        let target = BindingTarget::Device(Ieee(1), 1);
        let binding = Binding { source: IEEE, endpoint: 1, cluster: 0x0101, target };
        let expected = [1, 0x0C, 0x0B, 0x0A, 0, 0x6F, 0x0D, 0, 1, 1, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(bytes(Zdo::BindRequest(binding)), expected);
        bytes(Zdo::UnbindRequest(Binding { target: BindingTarget::Group(7), ..binding }));
        assert_eq!(bytes(Zdo::BindResponse(ZdoStatus::TABLE_FULL)), [0x8D]);
        let table = Table { total: 3, start: 1, entries: vec![binding] };
        assert_eq!(table.next(), Some(2));
        bytes(Zdo::BindingsResponse(Ok(table)));
    }

    #[test]
    fn the_other_messages_are_read_as_they_were_written() {
        let neighbour = Neighbour { extended_pan: IEEE, ieee: IEEE, nwk: NWK, flags: 0x12, depth: 1, lqi: 200 };
        let route = Route { destination: NWK, flags: 0, next_hop: Nwk(2) };
        for zdo in [
            Zdo::NwkAddrRequest(IEEE),
            Zdo::IeeeAddrRequest(NWK),
            Zdo::NwkAddrResponse(ZdoStatus::SUCCESS, IEEE, NWK),
            Zdo::IeeeAddrResponse(ZdoStatus::SUCCESS, IEEE, NWK),
            Zdo::NodeDescRequest(NWK),
            Zdo::PowerDescRequest(NWK),
            Zdo::SimpleDescRequest(NWK, 1),
            Zdo::ActiveEpRequest(NWK),
            Zdo::MatchDescRequest { nwk: NWK, profile: 0x0104, input: vec![0x000A], output: vec![] },
            Zdo::MatchDescResponse(NWK, Ok(vec![1])),
            Zdo::LqiRequest(0),
            Zdo::LqiResponse(Ok(Table { total: 1, start: 0, entries: vec![neighbour] })),
            Zdo::RoutesRequest(0),
            Zdo::RoutesResponse(Ok(Table { total: 1, start: 0, entries: vec![route] })),
            Zdo::RoutesResponse(Err(ZdoStatus::NOT_SUPPORTED)),
            Zdo::BindingsRequest(4),
            Zdo::LeaveRequest(IEEE, 0),
            Zdo::LeaveResponse(ZdoStatus::SUCCESS),
            Zdo::PermitJoiningRequest(254),
            Zdo::PermitJoiningResponse(ZdoStatus::SUCCESS),
            Zdo::UnbindResponse(ZdoStatus::SUCCESS),
        ] {
            bytes(zdo);
        }
        assert_eq!(Message::decode(0x0030, &[1]), Err(ZdoError::UnknownCluster(0x0030)));
    }
}
