//! What is asked of a stick, as scripts.

use std::time::Duration;

use zeroize::Zeroizing;

use super::command::{self as c, DataRequest, To};
use super::nv::{self, AddressLine, SeededKeyLine, id, shift_of, table};
use super::script::{Awaited, OwnKey, Script, Then, write_line};
use crate::address::{Ieee, Nwk};
use crate::backup::NetworkBackup;
use crate::coordinator::{Destination, NetworkParameters, Outgoing};
use crate::key::Key;

/// Our endpoint, as a Home Automation device of the kind "combined interface", and the clusters it serves (Basic, Identify,
/// Time) and uses (Basic, Power Configuration, Identify, Alarms, Time, Poll Control, Door Lock).
const ENDPOINT: u8 = 1;
pub(super) const HOME_AUTOMATION: u16 = 0x0104;
const DEVICE_ID: u16 = 0x0007;
const INPUTS: [u16; 3] = [0x0000, 0x0003, 0x000A];
const OUTPUTS: [u16; 7] = [0x0000, 0x0001, 0x0003, 0x0009, 0x000A, 0x0020, 0x0101];

/// ZDO: permit joining, and leave.
const MGMT_PERMIT_JOINING: u16 = 0x0036;
const MGMT_LEAVE: u16 = 0x0034;

const RESET_TIMEOUT: Duration = Duration::from_secs(15);
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);
const FORM_TIMEOUT: Duration = Duration::from_secs(100);
/// Forgets settings and network at the next start.
const CLEAR_ALL: u8 = 0x03;
const SOFT_RESET: u8 = 1;
/// Bytes of what the stick says of itself that do not change: of SYS_VERSION all; of UTIL_GET_DEVICE_INFO a status and its
/// address, since behind them are its children, who come and go; of ZDO_EXT_NWK_INFO all.
const VERSION: usize = 5;
const ADDRESS: usize = 9;
const NETWORK: usize = 24;
/// Lines of the table of counters.
const COUNTER_LINES: u16 = 4;

/// Settings that it must have when it starts.
const SETTINGS: [(u16, u8); 5] = [
    (id::LOGICAL_TYPE, 0),
    (id::ZDO_DIRECT_CB, 1),
    (id::CONCENTRATOR_ENABLE, 1),
    (id::CONCENTRATOR_DISCOVERY, 120),
    (id::CONCENTRATOR_RC, 1),
];

fn reset(script: Script) -> Script {
    let awaited = Awaited { command: c::SYS_RESET_IND, is: None, within: RESET_TIMEOUT };
    script.tell("restarting", c::SYS_RESET, &[SOFT_RESET], awaited)
}

fn settings(script: Script) -> Script {
    SETTINGS.into_iter().fold(script, |script, (id, value)| script.ensure(id, &[value]))
}

/// What the stick is, and the network in its memory. It restarts.
///
/// By this it is known again, or left alone as somebody else's; so what it says of itself it says twice: the checksum of its
/// frames is one byte, and lets through one of 256 that are spoilt.
pub(super) fn identify() -> Script {
    let script = reset(settings(Script::default().line("answering", c::SYS_PING, &[], Then::Keep)));
    let script = script.asked_twice("telling its version", c::SYS_VERSION, VERSION);
    itself(script.read_item_twice(id::BDB_NODE_IS_ON_A_NETWORK))
}

/// Who it is, and its network as its memory has it.
fn itself(script: Script) -> Script {
    script.asked_twice("telling its address", c::UTIL_GET_DEVICE_INFO, ADDRESS).read_item_twice(id::NIB)
}

/// Whether the stick is still there.
pub(super) fn ping() -> Script {
    Script::default().line("answering", c::SYS_PING, &[], Then::Ignore)
}

/// Where the network is that is up.
pub(super) fn look() -> Script {
    network_is_up(Script::default())
}

/// Takes up the network of its memory.
pub(super) fn resume() -> Script {
    let is = Some((0, c::STATE_COORDINATOR));
    let up = Awaited { command: c::ZDO_STATE_CHANGE, is, within: STARTUP_TIMEOUT };
    let script = endpoints(Script::default());
    let script = script.line("taking up its network", c::ZDO_STARTUP, &100_u16.to_le_bytes(), Then::Await(up));
    network_is_up(script)
}

fn endpoints(script: Script) -> Script {
    let words = |words: &[u16]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let mut endpoint = vec![ENDPOINT];
    endpoint.extend(HOME_AUTOMATION.to_le_bytes());
    endpoint.extend(DEVICE_ID.to_le_bytes());
    endpoint.extend([0, 0, INPUTS.len() as u8]);
    endpoint.extend(words(&INPUTS));
    endpoint.push(OUTPUTS.len() as u8);
    endpoint.extend(words(&OUTPUTS));
    // 0xB8: it is there.
    script.line("adding an endpoint", c::AF_REGISTER, &endpoint, Then::Require(&[0x00, 0xB8]))
}

fn network_is_up(script: Script) -> Script {
    let script = script
        .line("handing over ZDO messages", c::ZDO_MSG_CB_REGISTER, &[0xFF, 0xFF], Then::Ignore)
        // Locks older than Zigbee 3.0 never ask for a link key of their own.
        .line("letting older devices in", c::CNF_REQUIRE_KEY_EXCHANGE, &[0], Then::Ignore)
        .asked_twice("telling its network", c::ZDO_EXT_NWK_INFO, NETWORK);
    itself(script)
}

/// Forgets settings and network.
fn clear(script: Script) -> Script {
    const NIB_LENGTH: u16 = 116;
    let delete = |script: Script, id: u16, length: u16| {
        let data = [id.to_le_bytes(), length.to_le_bytes()].concat();
        script.line("forgetting the network", c::SYS_NV_DELETE, &data, Then::Ignore)
    };
    let script = delete(script, id::NIB, NIB_LENGTH);
    let script = delete(script, id::BDB_NODE_IS_ON_A_NETWORK, 1);
    let script = delete(script, id::HAS_CONFIGURED, 1);
    let script = reset(script.write_item(id::STARTUP_OPTION, &[CLEAR_ALL]));
    settings(script.write_item(id::STARTUP_OPTION, &[0]))
}

pub(super) fn leave() -> Script {
    clear(Script::default())
}

pub(super) fn form(network: &NetworkParameters, link_key_seed: &Key) -> Script {
    let script = found(Script::default(), network).write_item(id::TCLK_SEED, link_key_seed.expose());
    network_is_up(endpoints(configured(script)))
}

fn configured(script: Script) -> Script {
    script.write_item(id::HAS_CONFIGURED, &[0x55])
}

/// Where the next network is to be.
fn place(script: Script, network: &NetworkParameters) -> Script {
    let extended_pan = network.extended_pan.to_bytes();
    script
        .write_item(id::CHANLIST, &nv::channels(network.channel))
        .write_item(id::PANID, &network.pan.to_le_bytes())
        .write_item(id::EXTENDED_PAN_ID, &extended_pan)
        .write_item(id::APS_USE_EXT_PANID, &extended_pan)
        .write_item(id::PRECFGKEYS_ENABLE, &[0])
        .write_item(id::PRECFGKEY, network.network_key.expose())
}

fn found(script: Script, network: &NetworkParameters) -> Script {
    const NETWORK_FORMATION: u8 = 0x04;
    let channel = |is_primary: u8, mask: [u8; 4]| [&[is_primary][..], &mask].concat();
    let is = Some((0, c::STATE_COORDINATOR));
    let up = Awaited { command: c::ZDO_STATE_CHANGE, is, within: FORM_TIMEOUT };
    place(clear(script), network)
        .line(
            "setting the channel",
            c::CNF_SET_CHANNEL,
            &channel(1, nv::channels(network.channel)),
            Then::Require(&[0]),
        )
        .line("setting the channel", c::CNF_SET_CHANNEL, &channel(0, [0; 4]), Then::Require(&[0]))
        .line("forming a network", c::CNF_START_COMMISSIONING, &[NETWORK_FORMATION], Then::Until(up))
        .read_item(id::NIB, Then::Settle(10))
}

/// How busy each channel is: the stick asks itself, which it can only once it has a network.
pub(super) fn energy_scan() -> Script {
    listen(Script::default())
}

/// The same for a stick without one: it forms one in which nobody is, and forgets it again (as zigpy does).
pub(super) fn energy_scan_without_a_network(spare: &Key) -> Script {
    const ANY_CHANNEL: u8 = 15;
    clear(listen(found(Script::default(), &provisional(spare, ANY_CHANNEL))))
}

fn listen(script: Script) -> Script {
    const ALL_CHANNELS: u32 = 0x07FF_F800;
    const SHORT: u8 = 0x02;
    const DURATION: u8 = 4;
    let heard = Awaited { command: c::ZDO_NWK_UPDATE_NOTIFY, is: None, within: Duration::from_secs(30) };
    let data = [&[0, 0, SHORT][..], &ALL_CHANNELS.to_le_bytes(), &[DURATION, 1, 0, 0]].concat();
    script.line("listening to channels", c::ZDO_NWK_UPDATE, &data, Then::Until(heard))
}

/// Closing it lets the next ones join by the key that everybody knows again, where only install codes were to open it; old
/// firmware has no such switch.
pub(super) fn permit_join(seconds: u8, own_keys_only: bool) -> Script {
    const SHORT: u8 = 0x02;
    let script = if own_keys_only || seconds == 0 {
        let only = [own_keys_only.into()];
        Script::default().line("asking for install codes", c::CNF_ONLY_INSTALL_CODES, &only, Then::Ignore)
    } else {
        Script::default()
    };
    script.line("letting devices join", c::ZDO_PERMIT_JOIN, &[SHORT, 0, 0, seconds, 1], Then::Require(&[0]))
}

pub(super) fn add_transient_key(ieee: Ieee, key: &Key) -> Script {
    const IS_KEY: u8 = 0x02;
    let data = Zeroizing::new([&[IS_KEY][..], &ieee.to_bytes(), key.expose()].concat());
    Script::default().line("adding an install code", c::CNF_ADD_INSTALL_CODE, &data, Then::Require(&[0]))
}

/// The stick has no such function: the device is asked to leave.
pub(super) fn remove_device(ieee: Ieee, nwk: Nwk, transaction: u8) -> Script {
    let payload = [&[transaction][..], &ieee.to_bytes(), &[0]].concat();
    let request = DataRequest {
        to: To::Nwk(nwk),
        destination_endpoint: 0,
        source_endpoint: 0,
        cluster: MGMT_LEAVE,
        transaction,
        aps_ack: false,
        payload: &payload,
    };
    Script::default().line("removing a device", c::AF_DATA_REQUEST_EXT, &request.to_bytes(), Then::Require(&[0]))
}

pub(super) fn send(outgoing: &Outgoing, transaction: u8) -> Script {
    const WITHIN: Duration = Duration::from_secs(15);
    const WITHIN_OF_SLEEPY: Duration = Duration::from_secs(40);
    const SHORT: u8 = 0x02;
    const BROADCAST: u8 = 0x0F;
    let is_zdo = outgoing.profile == 0;
    // The stick hands out the key only if it knows of the permission, which it does by its own command only.
    if is_zdo
        && outgoing.cluster == MGMT_PERMIT_JOINING
        && let [_, seconds, significance] = outgoing.payload.0[..]
    {
        let (mode, address) = match outgoing.destination {
            Destination::Broadcast(whom) => (BROADCAST, whom.address()),
            Destination::Nwk(nwk) => (SHORT, nwk.0),
            Destination::Ieee(_) => (SHORT, Nwk::COORDINATOR.0),
        };
        let [low, high] = address.to_le_bytes();
        let data = [mode, low, high, seconds, significance];
        return Script::default().line("letting devices join", c::ZDO_PERMIT_JOIN, &data, Then::Require(&[0]));
    }
    let (to, is_broadcast) = match outgoing.destination {
        Destination::Nwk(nwk) => (To::Nwk(nwk), false),
        Destination::Ieee(ieee) => (To::Ieee(ieee), false),
        Destination::Broadcast(whom) => (To::Broadcast(whom.address()), true),
    };
    let request = DataRequest {
        to,
        destination_endpoint: outgoing.destination_endpoint,
        source_endpoint: outgoing.source_endpoint,
        cluster: outgoing.cluster,
        transaction,
        aps_ack: outgoing.aps_ack && !is_broadcast,
        payload: &outgoing.payload.0,
    };
    let within = if outgoing.is_sleepy { WITHIN_OF_SLEEPY } else { WITHIN };
    let confirmed = Awaited { command: c::AF_DATA_CONFIRM, is: Some((2, transaction)), within };
    // Of ZDO messages and broadcasts nothing more is told.
    let then = if is_zdo || is_broadcast { Then::Require(&[0]) } else { Then::Until(confirmed) };
    let data = Zeroizing::new(request.to_bytes());
    Script::default().line("sending a frame", c::AF_DATA_REQUEST_EXT, &data, then)
}

/// All that makes the stick its network's coordinator.
pub(super) fn read_backup() -> Script {
    let items = [id::NIB, id::NWK_ACTIVE_KEY_INFO, id::TCLK_SEED, id::APS_LINK_KEY_TABLE];
    let script = items.into_iter().fold(Script::default(), |script, id| script.read_item(id, Then::Item(id)));
    [table::COUNTERS, table::ADDRESSES, table::SEEDED_KEYS, table::KEYS].into_iter().fold(script, Script::read_table)
}

/// The stick becomes the coordinator of that network: it forms another one first, so that its memory is in order, and that
/// one is then renamed (as zigpy-znp and zigbee-herdsman do it). `spare`: random.
pub(super) fn write_backup(backup: &NetworkBackup, seed: &Key, spare: &Key) -> Script {
    let provisional = provisional(spare, backup.network.channel);
    let network = &backup.network;
    let key = Zeroizing::new([&[backup.key_sequence][..], network.network_key.expose()].concat());
    let script = reset(found(Script::default(), &provisional))
        .read_item(id::NIB, Then::Rename(Box::new(network.clone()), backup.update_id))
        .write_item(id::EXTADDR, &backup.coordinator.to_bytes())
        .write_item(id::NWK_ACTIVE_KEY_INFO, &key)
        .write_item(id::NWK_ALTERN_KEY_INFO, &key)
        .write_item(id::TCLK_SEED, seed.expose());
    let script = configured(tables(place(script, network), backup, seed));
    let is = Some((0, c::STATE_COORDINATOR));
    let up = Awaited { command: c::ZDO_STATE_CHANGE, is, within: STARTUP_TIMEOUT };
    let script =
        endpoints(reset(script)).line("taking up its network", c::ZDO_STARTUP, &100_u16.to_le_bytes(), Then::Await(up));
    network_is_up(script)
}

/// A network that is there for a while only. `spare`: random.
fn provisional(spare: &Key, channel: u8) -> NetworkParameters {
    let [a, b, c, d, e, f, g, h, i, j, ..] = *spare.expose();
    NetworkParameters {
        pan: u16::from_le_bytes([i, j]).clamp(0x0001, 0xFFFD),
        extended_pan: Ieee::from_bytes([a, b, c, d, e, f, g, h]),
        channel,
        network_key: spare.clone(),
    }
}

/// Counters, addresses and link keys.
fn tables(script: Script, backup: &NetworkBackup, seed: &Key) -> Script {
    let put = |script: Script, table: u16, line: u16, bytes: &[u8]| {
        script.line("writing its memory", c::SYS_TABLE_WRITE, &write_line(table, line, bytes), Then::Require(&[0]))
    };
    let counter = [&backup.frame_counter.to_le_bytes()[..], &backup.network.extended_pan.to_bytes()].concat();
    let mut script = put(script, table::COUNTERS, 0, &counter);
    for line in 1..COUNTER_LINES {
        script = put(script, table::COUNTERS, line, &[0; 12]);
    }
    let (mut seeded, mut own) = (0, Vec::new());
    for (line, device) in (0_u16..).zip(&backup.devices) {
        let address = AddressLine {
            is_child: device.is_child,
            has_key: device.link_key.is_some(),
            nwk: device.nwk.unwrap_or(AddressLine::NO_NWK),
            ieee: device.ieee,
        };
        script = put(script, table::ADDRESSES, line, &address.to_bytes());
        let Some(link_key) = &device.link_key else { continue };
        let (sent, received) = (link_key.sent, link_key.received);
        if let Some(shift) = shift_of(seed, device.ieee, &link_key.key) {
            let bytes = SeededKeyLine { sent, received, ieee: device.ieee, shift }.to_bytes();
            script = put(script, table::SEEDED_KEYS, seeded, &bytes);
            seeded += 1;
        } else {
            let bytes = [&link_key.key.expose()[..], &sent.to_le_bytes(), &received.to_le_bytes()].concat();
            own.push(OwnKey { address_line: line, bytes: Zeroizing::new(bytes) });
        }
    }
    if own.is_empty() { script } else { script.read_item(id::APS_LINK_KEY_TABLE, Then::OwnKeys(own)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Script as _, Step};

    /// As zigpy-znp encodes them; see `tests/golden/znp.py`.
    const ZIGPY: &str = include_str!("../../tests/golden/znp.txt");

    fn first_frame(mut script: Script) -> Vec<u8> {
        match script.next() {
            Step::Call(frame) => frame.to_bytes(),
            other => panic!("{other:?}"),
        }
    }

    /// All frames of a script to which the stick answers OK. It has room for one link key that is not made from its seed.
    fn frames(mut script: Script) -> Vec<Vec<u8>> {
        let item = |id: u16| if id == id::APS_LINK_KEY_TABLE { [&[0, 8][..], &[0; 8]].concat() } else { vec![0, 1, 1] };
        let mut frames = Vec::new();
        let mut step = script.next();
        loop {
            step = match step {
                Step::Call(frame) => {
                    frames.push(frame.to_bytes());
                    let answer = match (frame.command, &frame.data[..]) {
                        (c::SYS_NV_READ, [low, high, ..]) => item(u16::from_le_bytes([*low, *high])),
                        _ => vec![0, 1, 1],
                    };
                    script.handle_answer(Ok(Zeroizing::new(answer)))
                }
                Step::Wait(_) => {
                    let reset = script.handle_told(&(c::SYS_RESET_IND, Zeroizing::default()));
                    let up = (c::ZDO_STATE_CHANGE, Zeroizing::new(vec![9]));
                    let Some(next) = reset.or_else(|| script.handle_told(&up)) else { break };
                    next
                }
                Step::Restart | Step::End(_) => break,
            };
        }
        frames
    }

    fn hex(name: &str) -> Vec<u8> {
        let line = ZIGPY.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).expect(name);
        (0..line.len() / 2).map(|at| u8::from_str_radix(&line[at * 2..at * 2 + 2], 16).unwrap()).collect()
    }

    #[test]
    fn requests_are_written_as_zigpy_does() {
        let ieee = Ieee(0x000D_6F00_0A0B_0C01);
        assert_eq!(first_frame(permit_join(60, false)), hex("permit_join"));
        assert_eq!(first_frame(add_transient_key(ieee, &Key::well_known())), hex("install_code"));
        assert_eq!(first_frame(reset(Script::default())), hex("reset"));
        assert!(frames(resume()).contains(&hex("startup")));
    }

    #[test]
    fn a_network_is_formed_on_its_channel() {
        let network = NetworkParameters { pan: 1, extended_pan: Ieee(1), channel: 15, network_key: Key::well_known() };
        let frames = frames(form(&network, &Key::well_known()));
        let at = |name: &str| frames.iter().position(|frame| *frame == hex(name)).expect(name);
        assert!(
            at("nv_delete") < at("reset") && at("reset") < at("set_channel") && at("set_channel") < at("commission")
        );
    }

    #[test]
    fn the_stick_is_asked_what_it_hears_as_zigpy_does() {
        // But for how long it listens: zigpy's vector has 2.
        let mut expected = hex("nwk_update");
        (expected[11], expected[15]) = (4, expected[15] ^ 2 ^ 4);
        assert_eq!(first_frame(energy_scan()), expected);
    }

    #[test]
    fn keys_go_where_they_can_be_made_from_the_seed_and_others_by_themselves() {
        let seed = Key::new(*b"0123456789abcdef");
        let (seeded, own, left_out) = (Ieee(0x1111), Ieee(0x2222), Ieee(0x3333));
        let device = |ieee, key| crate::backup::KnownDevice {
            ieee,
            nwk: None,
            is_child: false,
            link_key: Some(crate::backup::LinkKey { key, sent: 1, received: 2 }),
        };
        let backup = NetworkBackup {
            coordinator: Ieee(1),
            network: NetworkParameters { pan: 1, extended_pan: Ieee(2), channel: 15, network_key: Key::well_known() },
            update_id: 0,
            key_sequence: 0,
            frame_counter: 7,
            link_key_seed: None,
            devices: vec![
                device(seeded, nv::seeded_key(&seed, seeded, 5)),
                device(own, Key::well_known()),
                device(left_out, Key::new([7; 16])),
            ],
        };
        let frames = frames(tables(Script::default(), &backup, &seed));
        // System, table, line.
        let line = |table: u16, line: u16| {
            let head = [&[1][..], &table.to_le_bytes(), &line.to_le_bytes()].concat();
            frames.iter().find(|frame| frame[2..4] == [0x21, 0x34] && frame[4..9] == head[..]).cloned()
        };
        assert!(line(table::SEEDED_KEYS, 0).is_some() && line(table::SEEDED_KEYS, 1).is_none());
        assert!(line(table::KEYS, 0).is_some_and(|frame| frame[12..28] == *b"ZigBeeAlliance09"));
        assert!(line(table::KEYS, 1).is_none(), "there is no room for it");
        assert!(line(table::ADDRESSES, 1).is_some() && line(table::ADDRESSES, 2).is_some());
        // The table of owners: one, of the address line 1, key line 0.
        assert!(frames.iter().any(|frame| frame.ends_with(&[1, 0, 1, 0, 0, 0, 1, 0, *frame.last().unwrap()])));
    }
}
