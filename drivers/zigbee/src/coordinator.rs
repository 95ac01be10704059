//! The stick, whoever made it: what EZSP and ZNP both give, and the words for it.

use std::time::Instant;

use keyway_lock::SecretBytes;

use crate::address::{Ieee, Nwk};
use crate::backup::NetworkBackup;
use crate::key::Key;

/// One stick.
///
/// After each `handle_*` call and each [`Coordinator::submit`], drain [`Coordinator::poll_output`] until it returns
/// [`CoordinatorOutput::Timeout`]. `now` never goes back.
pub trait Coordinator {
    /// The port was opened: nothing is known of what the other side remembers.
    fn handle_opened(&mut self, now: Instant);
    /// The port is gone. What was asked is answered with [`CoordinatorError::StickGone`].
    fn handle_lost(&mut self, now: Instant);
    /// Bytes came in from the port, in any pieces.
    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]);
    /// The instant of the last [`CoordinatorOutput::Timeout`] has come.
    fn handle_timeout(&mut self, now: Instant);
    /// Asks for something; answered by exactly one [`CoordinatorEvent::Answered`] with this ticket.
    fn submit(&mut self, now: Instant, ticket: Ticket, request: Request);
    /// The next output.
    fn poll_output(&mut self) -> CoordinatorOutput;
}

impl<C: Coordinator + ?Sized> Coordinator for Box<C> {
    fn handle_opened(&mut self, now: Instant) {
        (**self).handle_opened(now);
    }

    fn handle_lost(&mut self, now: Instant) {
        (**self).handle_lost(now);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        (**self).handle_bytes(now, bytes);
    }

    fn handle_timeout(&mut self, now: Instant) {
        (**self).handle_timeout(now);
    }

    fn submit(&mut self, now: Instant, ticket: Ticket, request: Request) {
        (**self).submit(now, ticket, request);
    }

    fn poll_output(&mut self) -> CoordinatorOutput {
        (**self).poll_output()
    }
}

/// Names a request until it is answered. The caller chooses it, each one once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What is asked of a stick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Forget whatever network it holds and form this one. [`CoordinatorEvent::NetworkUp`] comes before the answer.
    Form {
        /// Where and with which key.
        network: NetworkParameters,
        /// Random: the stick makes each device's own link key from it.
        link_key_seed: Key,
    },
    /// Work with the network that it holds. [`CoordinatorEvent::NetworkUp`] comes before the answer.
    Resume,
    /// Listen how busy each channel is: [`Answer::Energy`]. Takes some seconds, in which nothing else is heard.
    EnergyScan,
    /// Send a frame. Answered when the destination has acknowledged it (where asked for), or when it is on the air.
    Send(Outgoing),
    /// Let devices join at the coordinator itself, for so long; 0 closes. At most 254 (Zigbee R22: 255 is for ever, which
    /// no device of today accepts).
    PermitJoin {
        /// For how long.
        seconds: u8,
        /// Only who has a key of its own by [`Request::AddTransientLinkKey`]: the key that everybody knows opens nothing.
        own_keys_only: bool,
    },
    /// Let this one device join with its own key (of an install code), for some minutes.
    AddTransientLinkKey {
        /// The device.
        ieee: Ieee,
        /// Its key.
        key: Key,
    },
    /// Take a device out of the network: it is told to leave, and its link key is forgotten.
    RemoveDevice {
        /// The device.
        ieee: Ieee,
        /// Its present network address.
        nwk: Nwk,
    },
    /// Read all that makes the stick this network's coordinator: [`Answer::Backup`].
    ReadBackup,
    /// Forget whatever network it holds and be the coordinator of this one, with frame counters moved forward.
    /// [`CoordinatorEvent::NetworkUp`] comes before the answer.
    WriteBackup {
        /// The network, and the stick's address in it.
        backup: Box<NetworkBackup>,
        /// The address may be burnt in, if the stick takes it in no other way; else [`CoordinatorError::OnlyOnce`].
        burn_address: bool,
    },
    /// Leave the network and forget it.
    LeaveNetwork,
    /// Restart the firmware. [`CoordinatorEvent::Restarted`] and [`CoordinatorEvent::Identified`] follow; other requests
    /// that are under way are answered with [`CoordinatorError::Restarted`].
    Restart,
}

/// Where a network is and how it is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkParameters {
    /// Its short name on the air, 0x0001 to 0xFFFE.
    pub pan: u16,
    /// Its long name.
    pub extended_pan: Ieee,
    /// 11 to 26.
    pub channel: u8,
    /// The key that all devices of the network share.
    pub network_key: Key,
}

/// Where a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// A device by its present address.
    Nwk(Nwk),
    /// A device by its address for life; fails where the stick does not know its present one.
    Ieee(Ieee),
    /// Many.
    Broadcast(Broadcast),
}

/// Whom a broadcast is for (Zigbee R22 section 3.6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broadcast {
    /// Every device, sleeping ones too.
    All,
    /// Those whose receiver is always on.
    Awake,
    /// Routers and the coordinator.
    Routers,
}

impl Broadcast {
    /// Its address.
    pub fn address(self) -> u16 {
        match self {
            Self::All => 0xFFFF,
            Self::Awake => 0xFFFD,
            Self::Routers => 0xFFFC,
        }
    }
}

/// A frame for the air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub destination: Destination,
    /// Profile: 0x0000 ZDO, 0x0104 Zigbee Home Automation.
    pub profile: u16,
    /// Cluster.
    pub cluster: u16,
    /// Endpoint of ours.
    pub source_endpoint: u8,
    /// Endpoint of theirs.
    pub destination_endpoint: u8,
    /// Ask for an APS acknowledgement, and send again until it comes or the stick gives up. Broadcasts have none.
    pub aps_ack: bool,
    /// The device sleeps and fetches its frames: wait for it longer.
    pub is_sleepy: bool,
    /// ZDO or ZCL frame, from its first byte on. May hold a PIN.
    pub payload: SecretBytes,
}

/// A frame from the air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Whose it is.
    pub source: Nwk,
    /// Its address for life, where the stick says so.
    pub source_ieee: Option<Ieee>,
    /// Profile: 0x0000 ZDO, 0x0104 Zigbee Home Automation.
    pub profile: u16,
    /// Cluster.
    pub cluster: u16,
    /// Endpoint of theirs.
    pub source_endpoint: u8,
    /// Endpoint of ours.
    pub destination_endpoint: u8,
    /// Link quality of the last hop, 0 to 255.
    pub lqi: u8,
    /// Signal strength of the last hop in dBm, where the stick says so.
    pub rssi: Option<i8>,
    /// Whether it was for more than us.
    pub was_broadcast: bool,
    /// ZDO or ZCL frame, from its first byte on. May hold a PIN.
    pub payload: SecretBytes,
}

/// What a stick is, and which network it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoordinatorInfo {
    /// Whose protocol it speaks.
    pub family: Family,
    /// Its model as it says, or what is known of it.
    pub model: String,
    /// Its firmware, such as `7.4.3.0 build 0` or `Z-Stack 3.30 20230507`.
    pub firmware: String,
    /// Version of the protocol between host and stick.
    pub protocol: u8,
    /// Its own address.
    pub ieee: Ieee,
    /// The network it holds, if any.
    pub network: Option<NetworkInfo>,
}

/// Makers of sticks, by the protocol they speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Silicon Labs: EZSP over ASH.
    Ezsp,
    /// Texas Instruments: ZNP.
    Znp,
}

/// A network as it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkInfo {
    /// Its short name on the air.
    pub pan: u16,
    /// Its long name.
    pub extended_pan: Ieee,
    /// 11 to 26.
    pub channel: u8,
    /// How often it has changed its channel or PAN id.
    pub update_id: u8,
}

/// How loud a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelEnergy {
    /// 11 to 26.
    pub channel: u8,
    /// The loudest that was heard, in dBm: the higher, the busier.
    pub dbm: i8,
}

/// What a request brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done; of a frame: acknowledged, or on the air where no acknowledgement was asked for.
    Done,
    /// Of [`Request::EnergyScan`], by channel.
    Energy(Vec<ChannelEnergy>),
    /// Of [`Request::ReadBackup`].
    Backup(Box<NetworkBackup>),
}

/// Why a request brought nothing. A closed list; callers decide on the variant, never on text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoordinatorError {
    /// The port is lost, or the stick does not answer.
    #[error("the stick is gone")]
    StickGone,
    /// The stick restarted meanwhile: whether a frame went out is not known.
    #[error("the stick restarted")]
    Restarted,
    /// The stick is working on too much; again soon. Nothing was sent.
    #[error("the stick is busy")]
    Busy,
    /// It is neither forming nor holding a network.
    #[error("the stick has no network")]
    NoNetwork,
    /// The destination did not acknowledge, or no route to it was found.
    #[error("the device did not acknowledge")]
    NotDelivered,
    /// The stick does not know the present address of the destination.
    #[error("the stick does not know where {0} is")]
    UnknownDevice(Ieee),
    /// The stick refused; with what it refused and its status.
    #[error("the stick refused {what}: status {status:#04x}")]
    Refused {
        /// The command, in words.
        what: &'static str,
        /// As the stick's protocol numbers it.
        status: u32,
    },
    /// This stick or its firmware can't do that.
    #[error("this stick can't do that: {0}")]
    NotSupported(&'static str),
    /// The stick takes the address of another one once and for ever. Nothing was changed.
    #[error("the stick takes the address of another one once and for ever")]
    OnlyOnce,
    /// The stick answered something that can't be read, or not in time.
    #[error("the stick did not answer sensibly to {0}")]
    NoSense(&'static str),
}

/// What a stick tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoordinatorEvent {
    /// It is known what it is and which network it holds. Nothing of that network is told before [`Request::Resume`].
    Identified(Box<CoordinatorInfo>),
    /// The network is up.
    NetworkUp(NetworkInfo),
    /// The network is down: the stick left it, or restarted.
    NetworkDown,
    /// It can't be worked with, and why, in a sentence that says what to do. It is tried again by itself.
    Failed(String),
    /// It restarted by itself or was restarted; it is being identified again.
    Restarted,
    /// A request has ended.
    Answered(Ticket, Result<Answer, CoordinatorError>),
    /// A frame came in from the air.
    Received(Incoming),
    /// A device joined or joined again, or its parent told of it.
    DeviceJoined {
        /// The device.
        ieee: Ieee,
        /// Its network address from now on.
        nwk: Nwk,
        /// The router (or the coordinator) that let it in, where the stick says so.
        parent: Option<Nwk>,
        /// It had the network's key before.
        rejoined: bool,
        /// It came with the key already, rather than being handed it now.
        secured: bool,
    },
    /// A device left, or its parent said so.
    DeviceLeft {
        /// The device.
        ieee: Ieee,
        /// The network address that it had.
        nwk: Nwk,
    },
    /// A frame found no way to a device; the stick looks for another one.
    RouteFailed {
        /// The device.
        nwk: Nwk,
    },
    /// A device said over which others its frames come.
    RouteRecorded {
        /// The device.
        nwk: Nwk,
        /// Its address for life, where the stick says so.
        ieee: Option<Ieee>,
        /// From the one beside the device to the one beside the coordinator.
        relays: Vec<Nwk>,
    },
    /// Two devices have the same network address; both will take others.
    AddressConflict {
        /// The address.
        nwk: Nwk,
    },
}

/// One output of a coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoordinatorOutput {
    /// Bytes for the port.
    Transmit(Vec<u8>),
    /// See [`CoordinatorEvent`].
    Event(CoordinatorEvent),
    /// Nothing more now. Call [`Coordinator::handle_timeout`] at this instant if nothing happens before.
    Timeout(Option<Instant>),
}
