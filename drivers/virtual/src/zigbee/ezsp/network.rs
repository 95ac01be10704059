//! Forming, taking up and leaving a network; who may join and for how long; scans.

use std::time::{Duration, Instant};

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::Ieee;

use super::super::network::{Held, Network};
use super::super::put::Put;
use super::status::Status;
use super::{Body, Ezsp};

mod id {
    pub(super) const NETWORK_INIT: u16 = 0x0017;
    pub(super) const NETWORK_STATE: u16 = 0x0018;
    pub(super) const START_SCAN: u16 = 0x001A;
    pub(super) const SCAN_COMPLETE: u16 = 0x001C;
    pub(super) const STOP_SCAN: u16 = 0x001D;
    pub(super) const FORM_NETWORK: u16 = 0x001E;
    pub(super) const LEAVE_NETWORK: u16 = 0x0020;
    pub(super) const PERMIT_JOINING: u16 = 0x0022;
    pub(super) const GET_EUI64: u16 = 0x0026;
    pub(super) const GET_NODE_ID: u16 = 0x0027;
    pub(super) const GET_PARAMETERS: u16 = 0x0028;
    pub(super) const ENERGY_SCAN_RESULT: u16 = 0x0048;
    pub(super) const GET_CHILD: u16 = 0x004A;
    pub(super) const SET_RADIO_POWER: u16 = 0x0099;
    pub(super) const SET_CHILD: u16 = 0x00AC;
    pub(super) const GET_RADIO_PARAMETERS: u16 = 0x00FD;
}

/// Types of nodes.
const COORDINATOR: u8 = 0x01;
const END_DEVICE: u8 = 0x03;
pub(super) const SLEEPY_END_DEVICE: u8 = 0x04;
/// Of a scan: listen how loud it is.
const ENERGY: u8 = 0x00;
/// No short address yet.
const NO_NODE_ID: u16 = 0xFFFE;
const TX_POWER: u8 = 8;
/// Channels 11 to 26.
const ALL_CHANNELS: u32 = 0x07FF_F800;

/// A step of a scan.
#[derive(Debug)]
pub(super) enum Scan {
    /// A channel was listened to.
    Heard(u8),
    Complete,
}

impl Ezsp {
    pub(super) fn on_network(
        &mut self,
        now: Instant,
        network: &mut Network,
        id: u16,
        reader: &mut Reader<'_>,
    ) -> Result<Body, WireError> {
        Ok(Some(match id {
            id::NETWORK_INIT => {
                reader.u16_le("options")?;
                let status = match (&network.held, network.is_up()) {
                    (None, _) => Status::NotJoined,
                    (Some(_), true) => Status::InvalidCall,
                    (Some(_), false) => {
                        network.start(now);
                        Status::Ok
                    }
                };
                self.status(status)
            }
            id::NETWORK_STATE => vec![if network.is_up() { 0x02 } else { 0x00 }],
            id::FORM_NETWORK => self.form(now, network, reader)?,
            id::LEAVE_NETWORK => {
                let status = if network.is_up() { Status::Ok } else { Status::InvalidCall };
                if status == Status::Ok {
                    network.leave(now);
                }
                self.status(status)
            }
            id::PERMIT_JOINING => {
                let seconds = reader.u8("duration")?;
                if !network.is_up() {
                    return Ok(Some(self.status(Status::InvalidCall)));
                }
                network.permit(now, seconds);
                let told = if seconds == 0 { Status::NetworkClosed } else { Status::NetworkOpened };
                self.tell_stack_status(told);
                self.status(Status::Ok)
            }
            id::GET_EUI64 => network.own.to_bytes().to_vec(),
            id::GET_NODE_ID => Vec::new().u16(if network.is_up() { 0x0000 } else { NO_NODE_ID }),
            id::GET_PARAMETERS => match network.held.as_ref().filter(|_| network.is_up()) {
                Some(held) => self.status(Status::Ok).u8(COORDINATOR).bytes(&parameters(held)),
                None => self.status(Status::NotJoined).u8(0).bytes(&[0; 20]),
            },
            id::GET_RADIO_PARAMETERS => {
                let channel = network.held.as_ref().map_or(0, |held| held.channel);
                self.status(Status::Ok).bytes(&[TX_POWER, 0, channel])
            }
            id::SET_RADIO_POWER => {
                let power = reader.u8("power")?.cast_signed();
                self.status(if (-20..=20).contains(&power) { Status::Ok } else { Status::BadArgument })
            }
            id::START_SCAN => {
                let kind = reader.u8("type")?;
                let mask = u32::from_le_bytes(reader.array("channels")?);
                let duration = reader.u8("duration")?;
                self.scan(now, kind, mask, duration)
            }
            id::STOP_SCAN => {
                self.scans.retain(|_| false);
                self.status(Status::Ok)
            }
            id::GET_CHILD => self.child(network, reader.u8("index")?),
            // A child of a restored network speaks up by itself.
            id::SET_CHILD if self.version >= 9 => self.status(Status::Ok),
            _ => return Ok(None),
        }))
    }

    fn form(&mut self, now: Instant, network: &mut Network, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let extended_pan = Ieee::from_bytes(reader.array("extended PAN id")?);
        let pan = reader.u16_le("PAN id")?;
        let (power, channel) = (reader.u8("power")?.cast_signed(), reader.u8("channel")?);
        let (_, _) = (reader.u8("join method")?, reader.u16_le("manager")?);
        let (update_id, _) = (reader.u8("update id")?, reader.bytes("channels", 4)?);
        let fits = (11..=26).contains(&channel) && pan != 0xFFFF && (-20..=20).contains(&power);
        let status = match &self.security.network_key {
            _ if network.is_up() => Status::InvalidCall,
            _ if !fits => Status::BadArgument,
            None => Status::SecurityStateNotSet,
            Some((key, key_sequence)) => {
                let (network_key, key_sequence) = (key.clone(), *key_sequence);
                let counter = if self.security.keeps_counters { self.security.first_counter } else { 0 };
                network.held = Some(Held { pan, extended_pan, channel, update_id, network_key, key_sequence, counter });
                network.start(now);
                Status::Ok
            }
        };
        Ok(self.status(status))
    }

    fn scan(&mut self, now: Instant, kind: u8, mask: u32, duration: u8) -> Vec<u8> {
        if mask & ALL_CHANNELS == 0 || duration > 14 {
            return self.status(Status::BadArgument);
        }
        // So many superframes and one, of 15.36 ms each (IEEE 802.15.4 section 5.1.2.1).
        let each = Duration::from_micros(15_360) * ((1 << duration.min(14)) + 1);
        let mut at = now;
        for channel in (11..=26).filter(|channel| mask & 1 << channel != 0) {
            at += each;
            // There is no other network to be seen.
            if kind == ENERGY {
                self.scans.put(at, Scan::Heard(channel));
            }
        }
        self.scans.put(at, Scan::Complete);
        self.status(Status::Ok)
    }

    pub(super) fn scanned(&mut self, network: &mut Network, scan: &Scan) {
        match scan {
            Scan::Heard(channel) => {
                let loud = network.energy(*channel).cast_unsigned();
                self.callback(id::ENERGY_SCAN_RESULT, &[*channel, loud]);
            }
            Scan::Complete => {
                let body = vec![0].bytes(&self.status(Status::Ok));
                self.callback(id::SCAN_COMPLETE, &body);
            }
        }
    }

    fn child(&self, network: &Network, index: u8) -> Vec<u8> {
        let child = network.children().nth(index.into());
        let status = self.status(if child.is_some() { Status::Ok } else { Status::NotJoined });
        let (ieee, kind, nwk) = match child {
            Some((nwk, post)) => {
                let kind = if post.lock.is_sleepy() { SLEEPY_END_DEVICE } else { END_DEVICE };
                (post.lock.setup().ieee, kind, nwk.0)
            }
            None => (Ieee(0), 0, 0),
        };
        // Phy, power and timeout; since version 10 also what is left of that.
        let entry = status.bytes(&ieee.to_bytes()).u8(kind).u16(nwk).bytes(&[0, 0, 8]);
        if self.version >= 10 { entry.u32(0) } else { entry }
    }
}

/// The network as `EmberNetworkParameters`.
fn parameters(held: &Held) -> Vec<u8> {
    let head = held.extended_pan.to_bytes().to_vec().u16(held.pan).u8(TX_POWER).u8(held.channel);
    head.u8(0).u16(0).u8(held.update_id).u32(ALL_CHANNELS)
}
