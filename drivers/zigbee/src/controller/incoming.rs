//! What comes in from devices: whose it is, whether somebody asked for it, and what is answered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyway_lock::{SecretBytes, WallTime};
use zeroize::Zeroizing;

use super::ZigbeeRadio;
use super::dialogue::Dialogue;
use crate::address::{Ieee, Nwk};
use crate::coordinator::{Coordinator, Destination, Incoming, Outgoing};
use crate::transport::exchange::OUR_ENDPOINT;
use crate::transport::queue::Place;
use crate::zcl::foundation::General;
use crate::zcl::poll_control::{self, CheckInResponse, QUARTERS};
use crate::zcl::time::{self, Clock};
use crate::zcl::{Direction, Frame, HOME_AUTOMATION, Scope, Status};
use crate::zdo::{self, Message, Zdo};

/// A device that comes in is told to stay awake for so long, if there is something for it.
const STAY_AWAKE: Duration = Duration::from_secs(10);
/// Strangers that are remembered, and for how long they are not asked again who they are.
const MOST_STRANGERS: usize = 16;
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// Addresses from which somebody was heard that is not ours, and when something was said to them.
#[derive(Default)]
pub(super) struct Strangers(BTreeMap<Nwk, Instant>);

impl Strangers {
    /// Whether something is to be said to one now.
    fn ask(&mut self, now: Instant, nwk: Nwk) -> bool {
        self.0.retain(|_, at| *at + ASK_AGAIN > now);
        let ask = !self.0.contains_key(&nwk) && self.0.len() < MOST_STRANGERS;
        if ask {
            self.0.insert(nwk, now);
        }
        ask
    }
}

impl<C: Coordinator> ZigbeeRadio<C> {
    /// A frame came in from the air.
    pub(super) fn handle_incoming(&mut self, now: Instant, incoming: &Incoming) {
        if self.network.up().is_none() || incoming.source == Nwk::COORDINATOR {
            return;
        }
        let zdo = (incoming.profile == zdo::PROFILE).then(|| Message::decode(incoming.cluster, &incoming.payload.0));
        let zdo = zdo.and_then(Result::ok).map(|message| message.zdo);
        match &zdo {
            Some(Zdo::DeviceAnnounce(nwk, ieee, capability)) if *nwk == incoming.source => {
                self.located(now, *ieee, *nwk);
                if let Some(dialogue) = self.devices.get_mut(ieee) {
                    dialogue.listens(capability.0);
                    self.queue.set_place(*ieee, dialogue.record().place());
                }
            }
            Some(Zdo::IeeeAddrResponse(status, ieee, nwk) | Zdo::NwkAddrResponse(status, ieee, nwk))
                if status.is_success() =>
            {
                self.located(now, *ieee, *nwk);
            }
            _ => {}
        }
        let Some(device) = self.whose(now, incoming) else { return };
        self.network.handle_heard(now, device);
        if let Some(dialogue) = self.devices.get_mut(&device) {
            dialogue.heard(now);
            dialogue.handle_heard(incoming);
        }
        let asked_for = self.queue.handle_message(now, device, incoming);
        if !asked_for
            && incoming.profile != zdo::PROFILE
            && let Ok(frame) = Frame::decode(&incoming.payload.0)
        {
            self.handle_frame(now, device, incoming, &frame);
        }
    }

    /// A device said over which others its frames come.
    pub(super) fn route_recorded(&mut self, nwk: Nwk, ieee: Option<Ieee>, relays: &[Nwk]) {
        let device = ieee.filter(|ieee| ieee.is_real()).or_else(|| self.device_at(nwk));
        if let Some(dialogue) = device.and_then(|device| self.devices.get_mut(&device)) {
            dialogue.handle_route(relays);
        }
    }

    /// The device of ours that sent it. One that nobody knows is asked who it is.
    fn whose(&mut self, now: Instant, incoming: &Incoming) -> Option<Ieee> {
        if let Some(ieee) = incoming.source_ieee.filter(|ieee| ieee.is_real()) {
            self.located(now, ieee, incoming.source);
            return self.devices.contains(&ieee).then_some(ieee);
        }
        let known = self.device_at(incoming.source);
        if known.is_none() && !incoming.was_broadcast && self.strangers.ask(now, incoming.source) {
            self.say(incoming.source, Zdo::IeeeAddrRequest(incoming.source));
        }
        known
    }

    /// The device of ours that is at this address.
    fn device_at(&self, nwk: Nwk) -> Option<Ieee> {
        self.devices.iter().find(|(_, dialogue)| dialogue.nwk() == nwk).map(|(device, _)| device)
    }

    /// A device of the network is at this address. One that is not known is asked what it is.
    pub(super) fn located(&mut self, now: Instant, device: Ieee, nwk: Nwk) {
        if !device.is_real() || !nwk.is_unicast() || Some(device) == self.network.own() {
            return;
        }
        match self.devices.get_mut(&device) {
            Some(dialogue) if dialogue.nwk() != nwk => {
                tracing::info!(%device, %nwk, "a device has another address now");
                dialogue.moved(nwk, &mut self.queue);
            }
            Some(_) => {}
            None if self.removed.contains(device) => {
                if self.turned_away.ask(now, nwk) {
                    tracing::info!(%device, "a device that was taken out comes back: it is told again to leave");
                    self.network.turn_away(device, nwk);
                }
            }
            None => self.drive(now, device, nwk, None),
        }
    }

    /// The stick or a router let a device in, or it came back.
    pub(super) fn device_joined(&mut self, now: Instant, device: Ieee, nwk: Nwk, rejoined: bool) {
        if self.network.up().is_none() || !device.is_real() {
            return;
        }
        let known = self.devices.contains(&device);
        // One that comes back has kept what it was told.
        let waited = !(known && rejoined) && self.network.handle_joined(now, device, nwk);
        if !waited && (known || !self.network.is_joining(device)) {
            self.located(now, device, nwk);
        }
        self.drain_network(now);
    }

    /// A device left, or its parent said so.
    pub(super) fn device_left(&mut self, now: Instant, device: Ieee) {
        let dialogue = self.devices.get_mut(&device);
        let ours = dialogue.is_some();
        if !self.network.handle_left(device, ours)
            && let Some(dialogue) = dialogue
        {
            dialogue.left(now);
        }
    }

    /// A command of a cluster that nobody asked for.
    fn handle_frame(&mut self, now: Instant, device: Ieee, incoming: &Incoming, frame: &Frame) {
        let read = (frame.scope == Scope::General).then(|| General::decode(frame.command, &frame.payload));
        let answer = match (read, incoming.cluster, frame.scope) {
            (Some(Ok(General::Read(ids))), cluster, _) if frame.direction == Direction::ToServer => {
                let clock = self.clock.at(now).and_then(clock).filter(|_| cluster == time::CLUSTER);
                let value = |id| clock.map_or(Err(Status::UNSUPPORTED_ATTRIBUTE), |clock: Clock| clock.attribute(id));
                let values = ids.into_iter().map(|id| (id, value(id))).collect();
                Some(General::ReadResponse(values).answer(frame))
            }
            (None, poll_control::CLUSTER, Scope::Cluster)
                if frame.direction == Direction::ToClient && frame.command == poll_control::CHECK_IN =>
            {
                Some(self.came_in(now, device, frame))
            }
            (Some(Ok(general)), cluster, _) if frame.direction == Direction::ToServer => match general {
                // Nothing of ours can be written, and nothing is reported.
                General::Write(values) => {
                    let ours = if cluster == time::CLUSTER { Clock::attributes() } else { Vec::new() };
                    let status = |id| match ours.iter().any(|(own, _)| *own == id) {
                        true => Status::READ_ONLY,
                        false => Status::UNSUPPORTED_ATTRIBUTE,
                    };
                    let failed = values.into_iter().map(|(id, _)| (status(id), id)).collect();
                    Some(General::WriteResponse(failed).answer(frame))
                }
                General::ConfigureReporting(reports) => {
                    let failed = reports.into_iter().map(|report| (Status::UNREPORTABLE_ATTRIBUTE, report.attribute));
                    Some(General::ConfigureReportingResponse(failed.collect()).answer(frame))
                }
                General::Discover { .. } => {
                    let attributes = if cluster == time::CLUSTER { Clock::attributes() } else { Vec::new() };
                    Some(General::DiscoverResponse { complete: true, attributes }.answer(frame))
                }
                _ => default_response(frame, incoming.was_broadcast),
            },
            // No cluster of ours has a command (ZCL 2.5.12.2: said whether or not that is wanted).
            (None, _, Scope::Cluster) if frame.direction == Direction::ToServer && !incoming.was_broadcast => {
                let status = match frame.manufacturer {
                    Some(_) => Status::UNSUP_MANUF_CLUSTER_COMMAND,
                    None => Status::UNSUP_CLUSTER_COMMAND,
                };
                Some(General::DefaultResponse { command: frame.command, status }.answer(frame))
            }
            _ => default_response(frame, incoming.was_broadcast),
        };
        if let Some(dialogue) = self.devices.get_mut(&device) {
            dialogue.handle_unasked(now, incoming.cluster, frame);
            if let Some(answer) = answer {
                let place = dialogue.record().place();
                self.queue.reply(place.nwk, to_cluster(place, incoming.cluster, incoming.source_endpoint, &answer));
            }
        }
    }

    /// A device that sleeps is awake for a moment.
    fn came_in(&mut self, now: Instant, device: Ieee, check_in: &Frame) -> Frame {
        let busy = self.queue.has_tasks(device);
        if busy {
            self.queue.keep_awake(now, device, STAY_AWAKE);
        }
        let quarters = u16::try_from(STAY_AWAKE.as_secs()).unwrap_or(1) * u16::try_from(QUARTERS).unwrap_or(4);
        CheckInResponse { stay_awake: busy.then_some(quarters) }.answer(check_in)
    }

    /// Devices that were kept awake, and for which there is nothing more, are told to sleep.
    pub(super) fn sleep_on(&mut self) {
        while let Some((device, place)) = self.queue.poll_idle() {
            let record = self.devices.get(&device).map(Dialogue::record);
            let Some(endpoint) = record.and_then(|record| record.endpoint_of(poll_control::CLUSTER)) else { continue };
            let stop = poll_control::fast_poll_stop(self.queue.sequence());
            self.queue.reply(place.nwk, to_cluster(place, poll_control::CLUSTER, endpoint, &stop));
        }
    }
}

/// Whoever does not say that none is wanted is told that the command arrived (ZCL 2.5.12).
fn default_response(frame: &Frame, was_broadcast: bool) -> Option<Frame> {
    let general = (frame.scope == Scope::General).then(|| General::decode(frame.command, &frame.payload));
    let answer = !matches!(
        general,
        Some(Err(_) | Ok(General::DefaultResponse { .. } | General::ReadResponse(_) | General::WriteResponse(_)))
    );
    let wanted = answer && !frame.disable_default_response && !was_broadcast;
    let response = General::DefaultResponse { command: frame.command, status: Status::SUCCESS };
    wanted.then(|| response.answer(frame))
}

fn to_cluster(place: Place, cluster: u16, endpoint: u8, frame: &Frame) -> Outgoing {
    Outgoing {
        destination: Destination::Nwk(place.nwk),
        profile: HOME_AUTOMATION,
        cluster,
        source_endpoint: OUR_ENDPOINT,
        destination_endpoint: endpoint,
        aps_ack: false,
        is_sleepy: place.is_sleepy,
        payload: SecretBytes(Zeroizing::new(frame.encode())),
    }
}

/// The time as locks are told it. Their local time is UTC: a lock knows no calendar of time zones, and a window that it
/// keeps by itself must not move in the night in which the clocks are changed, nor be lost in the hour that comes twice.
fn clock(utc: WallTime) -> Option<Clock> {
    Some(Clock { utc: time::seconds(utc)?, offset: 0 })
}
