//! A stick in the form of the seam, with an air that takes a moment.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use keyway_lock::SecretBytes;
use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::backup::{KnownDevice, NetworkBackup};
use keyway_zigbee::coordinator::{
    Answer, ChannelEnergy, Coordinator, CoordinatorError, CoordinatorEvent, CoordinatorInfo, CoordinatorOutput,
    Destination, Family, Incoming, NetworkInfo, NetworkParameters, Outgoing, Request, Ticket,
};
use keyway_zigbee::zcl::{Frame, HOME_AUTOMATION};
use keyway_zigbee::zdo::{self, Message, Zdo, ZdoStatus};
use zeroize::Zeroizing;

use super::lock::FakeLock;

const OWN: Ieee = Ieee(0x0012_4B00_1CAA_BBCC);
const LATENCY: Duration = Duration::from_millis(15);
const LOST: Duration = Duration::from_secs(5);

pub(crate) struct FakeStick {
    pub(crate) network: Option<NetworkInfo>,
    /// Its network as it was formed, or written.
    parameters: Option<NetworkParameters>,
    pub(crate) open: bool,
    pub(crate) locks: Vec<FakeLock>,
    pub(crate) requests: Vec<Request>,
    /// Replies of ours that reached a lock.
    pub(crate) replies: Vec<(u16, Frame)>,
    /// It takes the address of another only once.
    pub(crate) burns: bool,
    /// How often everybody was asked where a device is.
    pub(crate) looked_for: u32,
    /// The stick says no to everything.
    pub(crate) refuses: bool,
    /// It takes nothing, and answers nothing.
    pub(crate) deaf: bool,
    later: BTreeMap<(Instant, u64), CoordinatorEvent>,
    outputs: VecDeque<CoordinatorEvent>,
    under_way: Vec<Ticket>,
    count: u64,
}

impl FakeStick {
    pub(crate) fn new(locks: Vec<FakeLock>) -> Self {
        Self {
            network: None,
            parameters: None,
            open: false,
            locks,
            requests: Vec::new(),
            replies: Vec::new(),
            burns: false,
            looked_for: 0,
            refuses: false,
            deaf: false,
            later: BTreeMap::new(),
            outputs: VecDeque::new(),
            under_way: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn lock(&mut self, index: usize) -> &mut FakeLock {
        &mut self.locks[index]
    }

    pub(crate) fn after(&mut self, at: Instant, event: CoordinatorEvent) {
        self.count += 1;
        self.later.insert((at, self.count), event);
    }

    /// It restarts, and loses what it was asked.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.later.clear();
        self.outputs.push_back(CoordinatorEvent::Restarted);
        for ticket in std::mem::take(&mut self.under_way) {
            self.outputs.push_back(CoordinatorEvent::Answered(ticket, Err(CoordinatorError::Restarted)));
        }
        self.identify(now);
    }

    fn identify(&mut self, now: Instant) {
        let info = CoordinatorInfo {
            family: Family::Ezsp,
            model: "Fake".to_owned(),
            firmware: "7.4".to_owned(),
            protocol: 13,
            ieee: OWN,
            network: self.network,
        };
        self.after(now + Duration::from_millis(100), CoordinatorEvent::Identified(Box::new(info)));
    }

    fn answer(&mut self, at: Instant, ticket: Ticket, result: Result<Answer, CoordinatorError>) {
        self.after(at, CoordinatorEvent::Answered(ticket, result));
    }

    /// A frame of a lock reaches us.
    pub(crate) fn hear(&mut self, at: Instant, nwk: Nwk, profile: u16, (cluster, bytes): (u16, Vec<u8>)) {
        let endpoint = if profile == zdo::PROFILE { 0 } else { 1 };
        let incoming = Incoming {
            source: nwk,
            source_ieee: None,
            profile,
            cluster,
            source_endpoint: endpoint,
            destination_endpoint: endpoint,
            lqi: 200,
            rssi: Some(-55),
            was_broadcast: false,
            payload: SecretBytes(Zeroizing::new(bytes)),
        };
        self.after(at, CoordinatorEvent::Received(incoming));
    }

    /// A lock tells something by itself.
    pub(crate) fn tell(&mut self, now: Instant, index: usize, cluster: u16, frame: &Frame) {
        let nwk = self.locks[index].nwk;
        self.hear(now + LATENCY, nwk, HOME_AUTOMATION, (cluster, frame.encode()));
    }

    /// A lock that is not in the network joins, if that is open.
    pub(crate) fn join(&mut self, now: Instant, lock: FakeLock) {
        assert!(self.open, "the network is not open");
        let (ieee, nwk, announce) = (lock.ieee, lock.nwk, lock.announce());
        let joined = CoordinatorEvent::DeviceJoined { ieee, nwk, parent: None, rejoined: false, secured: false };
        self.after(now + LATENCY, joined);
        self.hear(now + LATENCY * 2, nwk, zdo::PROFILE, announce);
        self.locks.retain(|other| other.ieee != ieee);
        self.locks.push(lock);
    }

    fn backup(&self) -> Option<NetworkBackup> {
        let known =
            |lock: &FakeLock| KnownDevice { ieee: lock.ieee, nwk: Some(lock.nwk), is_child: true, link_key: None };
        Some(NetworkBackup {
            coordinator: OWN,
            network: self.parameters.clone()?,
            update_id: 0,
            key_sequence: 0,
            frame_counter: 1000,
            link_key_seed: None,
            devices: self.locks.iter().map(known).collect(),
        })
    }

    fn hold(&mut self, at: Instant, network: NetworkParameters) {
        let NetworkParameters { pan, extended_pan, channel, .. } = network;
        let info = NetworkInfo { pan, extended_pan, channel, update_id: 0 };
        (self.network, self.parameters) = (Some(info), Some(network));
        self.after(at, CoordinatorEvent::NetworkUp(info));
    }

    fn send(&mut self, now: Instant, ticket: Ticket, outgoing: &Outgoing) {
        let Destination::Nwk(nwk) = outgoing.destination else {
            self.answer(now + LATENCY, ticket, Ok(Answer::Done));
            return self.broadcast(now, outgoing);
        };
        let Some(lock) = self.locks.iter_mut().find(|lock| lock.nwk == nwk && !lock.offline) else {
            return self.answer(now + LOST, ticket, Err(CoordinatorError::NotDelivered));
        };
        let payload = &outgoing.payload.0;
        if !outgoing.aps_ack && outgoing.profile == HOME_AUTOMATION {
            self.replies.push((outgoing.cluster, Frame::decode(payload).unwrap()));
            return self.answer(now + LATENCY, ticket, Ok(Answer::Done));
        }
        let answer = lock.answer(outgoing.profile, outgoing.cluster, payload);
        self.answer(now + LATENCY, ticket, Ok(Answer::Done));
        if let Some(answer) = answer {
            self.hear(now + LATENCY * 2, nwk, outgoing.profile, answer);
        }
    }

    /// Who is asked where it is says so.
    fn broadcast(&mut self, now: Instant, outgoing: &Outgoing) {
        let Ok(Message { sequence, zdo: Zdo::NwkAddrRequest(asked) }) =
            Message::decode(outgoing.cluster, &outgoing.payload.0)
        else {
            return;
        };
        self.looked_for += 1;
        let Some(lock) = self.locks.iter().find(|lock| lock.ieee == asked && !lock.offline) else { return };
        let (nwk, zdo) = (lock.nwk, Zdo::NwkAddrResponse(ZdoStatus::SUCCESS, asked, lock.nwk));
        self.hear(now + LATENCY * 2, nwk, zdo::PROFILE, (zdo.cluster(), Message { sequence, zdo }.encode()));
    }
}

/// The stick, for the driver and for the test.
#[derive(Clone)]
pub(crate) struct Stick(pub(crate) Rc<RefCell<FakeStick>>);

impl Coordinator for Stick {
    fn handle_opened(&mut self, now: Instant) {
        let mut stick = self.0.borrow_mut();
        stick.later.clear();
        stick.identify(now);
    }

    fn handle_lost(&mut self, _now: Instant) {
        let mut stick = self.0.borrow_mut();
        stick.later.clear();
        for ticket in std::mem::take(&mut stick.under_way) {
            stick.outputs.push_back(CoordinatorEvent::Answered(ticket, Err(CoordinatorError::StickGone)));
        }
    }

    fn handle_bytes(&mut self, _now: Instant, _bytes: &[u8]) {}

    fn handle_timeout(&mut self, now: Instant) {
        let mut stick = self.0.borrow_mut();
        while let Some(entry) = stick.later.first_entry().filter(|entry| entry.key().0 <= now) {
            let event = entry.remove();
            stick.outputs.push_back(event);
        }
    }

    fn submit(&mut self, now: Instant, ticket: Ticket, request: Request) {
        let mut stick = self.0.borrow_mut();
        stick.requests.push(request.clone());
        stick.under_way.push(ticket);
        if stick.deaf {
            return;
        }
        let soon = now + Duration::from_millis(50);
        if stick.refuses {
            let refused = CoordinatorError::Refused { what: "it", status: 1 };
            return stick.answer(soon, ticket, Err(refused));
        }
        match request {
            Request::EnergyScan => {
                let energy = (11..=26).map(|channel| ChannelEnergy { channel, dbm: -70 }).collect();
                stick.answer(soon, ticket, Ok(Answer::Energy(energy)));
            }
            Request::Form { network, .. } => {
                stick.hold(soon, network);
                stick.answer(soon, ticket, Ok(Answer::Done));
            }
            Request::WriteBackup { burn_address: false, .. } if stick.burns => {
                stick.answer(soon, ticket, Err(CoordinatorError::OnlyOnce));
            }
            Request::WriteBackup { backup, .. } => {
                stick.hold(soon, backup.network);
                stick.answer(soon, ticket, Ok(Answer::Done));
            }
            Request::ReadBackup => {
                let backup = stick.backup().ok_or(CoordinatorError::NoNetwork);
                stick.answer(soon, ticket, backup.map(|backup| Answer::Backup(Box::new(backup))));
            }
            Request::Resume => match stick.network {
                Some(info) => {
                    stick.after(soon, CoordinatorEvent::NetworkUp(info));
                    stick.answer(soon, ticket, Ok(Answer::Done));
                }
                None => stick.answer(soon, ticket, Err(CoordinatorError::NoNetwork)),
            },
            Request::LeaveNetwork => {
                stick.network = None;
                stick.answer(soon, ticket, Ok(Answer::Done));
            }
            Request::PermitJoin { seconds, .. } => {
                stick.open = seconds > 0;
                stick.answer(soon, ticket, Ok(Answer::Done));
            }
            Request::Send(outgoing) => stick.send(now, ticket, &outgoing),
            Request::Restart => stick.restart(now),
            Request::AddTransientLinkKey { .. } | Request::RemoveDevice { .. } => {
                stick.answer(soon, ticket, Ok(Answer::Done));
            }
        }
    }

    fn poll_output(&mut self) -> CoordinatorOutput {
        let mut stick = self.0.borrow_mut();
        if let Some(event) = stick.outputs.pop_front() {
            if let CoordinatorEvent::Answered(ticket, _) = &event {
                stick.under_way.retain(|other| other != ticket);
            }
            return CoordinatorOutput::Event(event);
        }
        CoordinatorOutput::Timeout(stick.later.keys().next().map(|(at, _)| *at))
    }
}
