//! What the network wants done, done; who is in it, and who is not any more.

use std::sync::Arc;
use std::time::Instant;

use keyway_lock::{Joined, LockId, NetworkRecord, Output, RadioEvent, SecretBytes};
use zeroize::Zeroizing;

use super::dialogue::Dialogue;
use super::{MOST_DEVICES, ZigbeeRadio};
use crate::address::{Ieee, Nwk};
use crate::backup::{KnownDevice, NetworkBackup};
use crate::coordinator::{Broadcast, Coordinator, Destination, Outgoing};
use crate::device::table::DeviceRecord;
use crate::network::NetworkOutput;
use crate::zdo::{self, Message, Zdo};

impl<C: Coordinator> ZigbeeRadio<C> {
    /// Does what the network wants. False: nothing.
    pub(super) fn drain_network(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while let Some(output) = self.network.poll() {
            moved = true;
            match output {
                NetworkOutput::Stick(request) => {
                    let ticket = self.submit(now, request.clone());
                    self.network.given(ticket, &request);
                }
                NetworkOutput::Routers(zdo) => self.broadcast(Broadcast::Routers, zdo),
                NetworkOutput::Keep(record, then) => {
                    let id = self.persist(record);
                    self.keeping.extend(then.map(|then| (id, then)));
                }
                NetworkOutput::Event(event) => self.outputs.push_back(Output::Event(event)),
                NetworkOutput::Up => self.begin(now),
                NetworkOutput::Withdraw => self.give_up(),
                NetworkOutput::Joined(device, nwk, name) => {
                    let record = self.removed.forgive(device);
                    self.keep(record);
                    self.drive(now, device, nwk, name);
                }
                NetworkOutput::Found(device, nwk) => self.located(now, device, nwk),
                NetworkOutput::Announce(device) => self.announce(device),
                NetworkOutput::Left(device) => {
                    let record = self.removed.add(device);
                    self.keep(record);
                    self.leave_off(device);
                }
                NetworkOutput::AllLeft => {
                    let all: Vec<Ieee> = self.devices.iter().map(|(device, _)| device).collect();
                    all.into_iter().for_each(|device| self.leave_off(device));
                    let record = self.removed.clear();
                    self.keep(record);
                }
            }
        }
        moved
    }

    /// A stick tells of the devices for which it has a key or a line in a table. Whoever gets the network by this backup has
    /// to know where the others are as well.
    pub(super) fn add_known_devices(&self, backup: &mut NetworkBackup) {
        for (ieee, dialogue) in self.devices.iter() {
            match backup.devices.iter_mut().find(|device| device.ieee == ieee) {
                Some(device) => device.nwk = Some(dialogue.nwk()),
                None => backup.devices.push(KnownDevice {
                    ieee,
                    nwk: Some(dialogue.nwk()),
                    is_child: false,
                    link_key: None,
                }),
            }
        }
    }

    fn keep(&mut self, record: Option<NetworkRecord>) {
        if let Some(record) = record {
            self.persist(record);
        }
    }

    /// The network is up: the locks of it are told, then everyone in it is spoken to.
    fn begin(&mut self, now: Instant) {
        let Some(network) = self.network.up() else { return };
        let others = |dialogue: &Dialogue| dialogue.record().network != network.extended_pan.0;
        // What is kept of another network is of no use: the addresses mean others here.
        let others: Vec<Ieee> = self.devices.iter().filter(|(_, d)| others(d)).map(|(device, _)| device).collect();
        others.into_iter().for_each(|device| self.leave_off(device));
        let locks: Vec<Ieee> =
            self.devices.iter().filter(|(_, d)| is_known_lock(d)).map(|(device, _)| device).collect();
        locks.into_iter().for_each(|device| self.announce(device));
        self.devices.iter_mut().for_each(|(_, dialogue)| dialogue.begin(now));
    }

    /// The hub is told of a lock, once.
    pub(super) fn announce(&mut self, device: Ieee) {
        if let Some(dialogue) = self.devices.get_mut(&device).filter(|dialogue| !dialogue.is_announced()) {
            let joined = Joined { name: dialogue.record().name.clone(), ..Joined::default() };
            self.outputs.push_back(Output::Event(RadioEvent::LockJoined(LockId(device.0), joined)));
            dialogue.announce();
        }
    }

    /// Begins to drive a device that is in the network at this address.
    pub(super) fn drive(&mut self, now: Instant, device: Ieee, nwk: Nwk, name: Option<String>) {
        let Some(network) = self.network.up() else { return };
        if self.devices.len() >= MOST_DEVICES && !self.devices.contains(&device) {
            tracing::warn!(%device, "there are too many devices: this one is passed over");
            return;
        }
        // One that joins anew has forgotten what it was bound to.
        let name = name.or_else(|| self.devices.get(&device).and_then(|dialogue| dialogue.record().name.clone()));
        let announced = self.devices.get(&device).is_some_and(Dialogue::is_announced);
        if let Some(mut dialogue) = self.devices.remove(&device) {
            dialogue.dismissed();
            let told = dialogue.take_told();
            told.into_iter().for_each(|told| self.tell_of(device, told));
        }
        self.queue.forget(device);
        let record = DeviceRecord::new(network.extended_pan, nwk, name);
        self.persist(record.to_record(device));
        let mut dialogue = Dialogue::new(device, record, Arc::clone(&self.quirks));
        self.queue.set_place(device, dialogue.record().place());
        if announced {
            dialogue.announce();
        }
        dialogue.begin(now);
        self.devices.insert(device, dialogue);
        self.network.set_has_devices(true);
    }

    /// A device is driven no more: what was asked of it is answered, and what was known of it is forgotten.
    fn leave_off(&mut self, device: Ieee) {
        let Some(mut dialogue) = self.devices.remove(&device) else { return };
        dialogue.dismissed();
        let announced = dialogue.is_announced();
        let told = dialogue.take_told();
        told.into_iter().for_each(|told| self.tell_of(device, told));
        self.queue.forget(device);
        self.persist(NetworkRecord { key: DeviceRecord::key(device), value: None });
        if announced {
            self.outputs.push_back(Output::Event(RadioEvent::LockLeft(LockId(device.0))));
        }
        self.network.set_has_devices(!self.devices.is_empty());
    }

    /// Asks everybody of this kind.
    pub(super) fn broadcast(&mut self, to: Broadcast, zdo: Zdo) {
        let sequence = self.queue.sequence();
        self.queue.broadcast(of_us(Destination::Broadcast(to), sequence, zdo));
    }

    /// Asks or answers one device that is not waited for.
    pub(super) fn say(&mut self, nwk: Nwk, zdo: Zdo) {
        let sequence = self.queue.sequence();
        self.queue.reply(nwk, of_us(Destination::Nwk(nwk), sequence, zdo));
    }
}

fn of_us(destination: Destination, sequence: u8, zdo: Zdo) -> Outgoing {
    let (cluster, payload) = (zdo.cluster(), Message { sequence, zdo }.encode());
    Outgoing {
        destination,
        profile: zdo::PROFILE,
        cluster,
        source_endpoint: zdo::ENDPOINT,
        destination_endpoint: zdo::ENDPOINT,
        aps_ack: false,
        is_sleepy: false,
        payload: SecretBytes(Zeroizing::new(payload)),
    }
}

/// Whether it was found to be a lock, at an earlier start.
fn is_known_lock(dialogue: &Dialogue) -> bool {
    dialogue.record().lock_endpoint().is_some()
}
