//! Security 2 (CC 0x9F), messages between nodes that hold the keys (Z-Wave specification SDS13783).
//!
//! Two nodes agree on a generator of nonces, a SPAN, by each giving 16 bytes of entropy: the receiver in a Nonce
//! Report, the sender in an extension of its first message. Each message steps it on both sides. Whoever can't read a
//! message answers with a Nonce Report "SPAN out of sync", and its peer sends again under a new SPAN. None of this is
//! kept over a restart: the side that forgot finds out by asking, or by not being able to read.
//!
//! Both sides of a conversation use the same type. What may cross on the air is tolerated rather than resynchronised
//! where both sides can still read each other (`peer.rs`).

pub mod drbg;
mod encapsulation;
pub mod kex;
pub mod keys;
mod peer;
mod span;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use zeroize::Zeroizing;

use self::drbg::CtrDrbg;
use self::encapsulation::{Envelope, Route, seal};
use self::keys::ClassKeys;
use self::peer::Peer;
use self::span::Span;
use super::{KeyName, NetworkKey, NetworkKeys, SecurityClass};
use crate::node::NodeId;

/// Class id.
pub const CLASS: u8 = 0x9F;
/// S2 Commands Supported Get: which classes do you have under your highest class? (CC:009F.01.0D)
pub const COMMANDS_SUPPORTED_GET: [u8; 2] = [CLASS, 0x0D];
/// S2 Commands Supported Report; the classes come behind (CC:009F.01.0E).
pub const COMMANDS_SUPPORTED_REPORT: [u8; 2] = [CLASS, 0x0E];

const NONCE_GET: u8 = 0x01;
const NONCE_REPORT: u8 = 0x02;
const MESSAGE_ENCAPSULATION: u8 = 0x03;

const SPAN_OUT_OF_SYNC: u8 = 0x01;

/// The classes of Security 2, strongest first.
const CLASSES: [SecurityClass; 4] = [
    SecurityClass::S2AccessControl,
    SecurityClass::S2Authenticated,
    SecurityClass::S2Unauthenticated,
    SecurityClass::Temporary,
];

/// More than Transport Service can carry (11-bit datagram size) less what Security 2 adds.
const MAX_COMMAND: usize = 2047 - 32;

/// Why a command can't be encapsulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum S2Error {
    /// It was never named by [`S2::add_peer`].
    #[error("node {0} was granted no Security 2 class")]
    UnknownPeer(NodeId),
    /// The peer was not granted the class, or we have no key for it.
    #[error("there is no key for {0:?}")]
    NoKey(SecurityClass),
    /// Send [`S2::nonce_get`], wait for [`S2Event::NonceReceived`], try again.
    #[error("the node must be asked for a nonce first")]
    NeedsNonce,
    /// No frame holds that much.
    #[error("the command is too long")]
    TooLong,
}

/// What a frame meant.
#[derive(PartialEq, Eq)]
pub enum S2Event {
    /// A command, decrypted and authenticated under this class.
    Command {
        /// The class whose key it was sent with.
        class: SecurityClass,
        /// It may hold a PIN.
        command: Zeroizing<Vec<u8>>,
    },
    /// Send this back in the clear (a Nonce Report: it asked for one, or could not be decrypted and must
    /// resynchronise).
    Reply(Vec<u8>),
    /// The peer's nonce came, most likely in answer to ours: messages can be encapsulated now.
    NonceReceived,
    /// The peer could not decrypt our last message (unsolicited Nonce Report with SOS): what was sent last must be
    /// sent again, newly encapsulated.
    OutOfSync,
    /// The same frame (sequence number) again, or one that can't be read: passed over. The reason, for the debug log.
    Ignored(&'static str),
    /// Another Security 2 command (KEX …) in the clear, for inclusion.
    Other(Vec<u8>),
    /// A message that begins a SPAN, from a node that joins, and the temporary key does not open it: it is the wrong one.
    WrongKey,
}

impl fmt::Debug for S2Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { class, command } => write!(f, "Command({class:?}, {} bytes)", command.len()),
            Self::Reply(frame) => write!(f, "Reply({} bytes)", frame.len()),
            Self::NonceReceived => f.write_str("NonceReceived"),
            Self::OutOfSync => f.write_str("OutOfSync"),
            Self::Ignored(why) => write!(f, "Ignored({why:?})"),
            Self::Other(frame) => write!(f, "Other({} bytes)", frame.len()),
            Self::WrongKey => f.write_str("WrongKey"),
        }
    }
}

/// The keys of each class.
type Ring = BTreeMap<SecurityClass, ClassKeys>;

/// The keys of nodes that are reached over Long Range, and of those that are not.
struct Rings {
    usual: Ring,
    long_range: Ring,
}

impl Rings {
    fn new(keys: &NetworkKeys) -> Self {
        let expand = |name| Some(ClassKeys::expand(keys.named(name)?));
        let ring = |long_range| {
            let named = |class: SecurityClass| KeyName::of(class.key_class()?, long_range);
            CLASSES.into_iter().filter_map(|class| Some((class, expand(named(class)?)?))).collect()
        };
        Self { usual: ring(false), long_range: ring(true) }
    }

    fn of(&self, node: NodeId) -> &Ring {
        if node.is_long_range() { &self.long_range } else { &self.usual }
    }

    fn of_mut(&mut self, node: NodeId) -> &mut Ring {
        if node.is_long_range() { &mut self.long_range } else { &mut self.usual }
    }

    fn forget_temporary(&mut self) {
        self.usual.remove(&SecurityClass::Temporary);
        self.long_range.remove(&SecurityClass::Temporary);
    }
}

/// Security 2 of one node in one network.
pub struct S2 {
    own: NodeId,
    home_id: u32,
    keys: Rings,
    random: CtrDrbg,
    peers: BTreeMap<NodeId, Peer>,
}

impl S2 {
    /// Starts with no peers. `entropy` must be fresh at every start: nothing else keeps nonces from coming again.
    pub fn new(own: NodeId, home_id: u32, keys: &NetworkKeys, entropy: [u8; 32]) -> Self {
        Self {
            own,
            home_id,
            keys: Rings::new(keys),
            random: CtrDrbg::new(&Zeroizing::new(entropy), &[0; 32]),
            peers: BTreeMap::new(),
        }
    }

    /// Names a peer and the S2 classes it was granted (S0 ignored). Again: replaces and forgets its nonces.
    pub fn add_peer(&mut self, peer: NodeId, classes: &[SecurityClass]) {
        let usable = |class: &SecurityClass| classes.contains(class) && self.keys.of(peer).contains_key(class);
        let classes = CLASSES.into_iter().filter(usable).collect();
        let [sequence] = self.random.generate();
        self.peers.insert(peer, Peer::new(classes, sequence));
    }

    /// Forgets a peer, and the temporary key if it was this peer's.
    pub fn remove_peer(&mut self, peer: NodeId) {
        let removed = self.peers.remove(&peer);
        if removed.is_some_and(|peer| peer.classes.contains(&SecurityClass::Temporary)) {
            self.keys.forget_temporary();
        }
    }

    /// A peer that joins, before the temporary key is known: its Nonce Gets are answered, and its last message is held
    /// until it can be opened. One at a time.
    pub fn expect_peer(&mut self, peer: NodeId) {
        self.keys.forget_temporary();
        let [sequence] = self.random.generate();
        self.peers.insert(peer, Peer::new(vec![SecurityClass::Temporary], sequence));
    }

    /// The temporary key of the peer that joins, which also gets these classes: what the message that was held meant.
    pub fn set_temporary_key(&mut self, peer: NodeId, keys: ClassKeys, classes: &[SecurityClass]) -> Vec<S2Event> {
        self.keys.of_mut(peer).insert(SecurityClass::Temporary, keys);
        let usable = |class: &SecurityClass| classes.contains(class) && self.keys.of(peer).contains_key(class);
        let mut classes: Vec<SecurityClass> = CLASSES.into_iter().filter(usable).collect();
        classes.push(SecurityClass::Temporary);
        let held = self.peers.get_mut(&peer).and_then(|peer| {
            peer.classes = classes;
            peer.held.take()
        });
        held.map(|frame| self.open(peer, &frame)).into_iter().collect()
    }

    /// A key that was handed over, on the side that joins.
    pub fn add_key(&mut self, peer: NodeId, class: SecurityClass, key: &NetworkKey) {
        self.keys.of_mut(peer).insert(class, ClassKeys::expand(key));
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.classes.insert(0, class);
        }
    }

    /// Highest class shared with the peer, for which we have the key.
    pub fn highest_class(&self, peer: NodeId) -> Option<SecurityClass> {
        self.peers.get(&peer)?.classes.first().copied()
    }

    /// Whether [`S2::encapsulate`] to this peer works without asking for a nonce first: a SPAN is established, or the
    /// peer's receiver entropy is held. (A SPAN serves its class only.)
    pub fn is_ready(&self, peer: NodeId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.current.is_some() || peer.remote.is_some())
    }

    /// Whether the next message to this peer needs no SPAN extension (18 bytes): a SPAN is established.
    pub fn is_synchronised(&self, peer: NodeId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.current.is_some() && peer.remote.is_none())
    }

    /// Nonce Get, to be sent in the clear.
    pub fn nonce_get(&mut self, peer: NodeId) -> Vec<u8> {
        let sequence = match self.peers.get_mut(&peer) {
            Some(peer) => peer.ask(),
            None => 0,
        };
        vec![CLASS, NONCE_GET, sequence]
    }

    /// Message Encapsulation of a command.
    ///
    /// # Errors
    /// [`S2Error`].
    pub fn encapsulate(&mut self, peer: NodeId, class: SecurityClass, command: &[u8]) -> Result<Vec<u8>, S2Error> {
        let route = self.route(self.own, peer);
        let ring = self.keys.of(peer);
        let peer = self.peers.get_mut(&peer).ok_or(S2Error::UnknownPeer(peer))?;
        let keys = ring.get(&class).filter(|_| peer.classes.contains(&class)).ok_or(S2Error::NoKey(class))?;
        if command.len() > MAX_COMMAND {
            return Err(S2Error::TooLong);
        }
        let mut own_entropy = None;
        if let Some(receiver) = peer.remote.take() {
            let sender = *own_entropy.insert(self.random.generate());
            peer.keep_current_for_reading();
            peer.current = Some(Span::new(class, keys, &sender, &receiver));
        }
        let span = peer.current.as_mut().filter(|span| span.class == class).ok_or(S2Error::NeedsNonce)?;
        let nonce = span.next_nonce();
        peer.unread = true;
        let sequence = peer.next_sequence();
        seal(keys, &nonce, route, sequence, own_entropy.as_ref(), command).ok_or(S2Error::TooLong)
    }

    /// Any 0x9F frame from a peer. At most one of each kind of thing comes out, in order.
    ///
    /// No MPANs are kept: a multicast or broadcast is passed over, the singlecast that follows it up is read.
    pub fn handle(&mut self, _now: Instant, peer: NodeId, frame: &[u8], multicast: bool) -> Vec<S2Event> {
        let event = match frame {
            [CLASS, NONCE_GET | NONCE_REPORT | MESSAGE_ENCAPSULATION, ..] if multicast => {
                S2Event::Ignored("a multicast, for which no nonces are kept")
            }
            [CLASS, command @ (NONCE_GET | NONCE_REPORT | MESSAGE_ENCAPSULATION), sequence, ..] => {
                self.handle_known(peer, *command, *sequence, frame)
            }
            [CLASS, NONCE_GET | NONCE_REPORT | MESSAGE_ENCAPSULATION] => S2Event::Ignored("no sequence number"),
            [CLASS, _, ..] => S2Event::Other(frame.to_vec()),
            _ => S2Event::Ignored("not a Security 2 command"),
        };
        vec![event]
    }

    fn handle_known(&mut self, node: NodeId, command: u8, sequence: u8, frame: &[u8]) -> S2Event {
        let Some(peer) = self.peers.get_mut(&node).filter(|peer| !peer.classes.is_empty()) else {
            return S2Event::Ignored("no Security 2 class is shared with this node");
        };
        if peer.is_repeated(sequence, frame) {
            return S2Event::Ignored("the same frame again");
        }
        match (command, frame) {
            (NONCE_GET, _) => peer.answer(&mut self.random),
            (NONCE_REPORT, [_, _, _, flags, entropy @ ..]) if flags & SPAN_OUT_OF_SYNC != 0 => {
                match entropy.first_chunk() {
                    Some(entropy) => peer.take_nonce(*entropy),
                    None => S2Event::Ignored("a Nonce Report that ends too early"),
                }
            }
            (NONCE_REPORT, _) => S2Event::Ignored("a Nonce Report without a nonce"),
            _ if !peer.classes.iter().any(|class| self.keys.of(node).contains_key(class)) => {
                peer.held = Some(frame.to_vec());
                S2Event::Ignored("a message that is held until there is a key for it")
            }
            _ => self.open(node, frame),
        }
    }

    /// A Message Encapsulation that is new.
    fn open(&mut self, node: NodeId, frame: &[u8]) -> S2Event {
        let route = self.route(node, self.own);
        let Ok(envelope) = Envelope::parse(frame) else { return S2Event::Ignored("a message that ends too early") };
        let Some(peer) = self.peers.get_mut(&node) else { return S2Event::Ignored("a message of nobody") };
        match peer.read(self.keys.of(node), &envelope, route) {
            Some((class, opened)) => match envelope.command(&opened) {
                Ok(command) if command.is_empty() => S2Event::Ignored("a message without a command"),
                Ok(command) => S2Event::Command { class, command },
                Err(why) => S2Event::Ignored(why),
            },
            None if peer.is_joining() && envelope.extensions.entropy.is_some() => S2Event::WrongKey,
            None => peer.cry_for_help(&mut self.random),
        }
    }

    fn route(&self, sender: NodeId, receiver: NodeId) -> Route {
        Route { sender: sender.get(), receiver: receiver.get(), home_id: self.home_id }
    }
}

impl fmt::Debug for S2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S2").field("own", &self.own).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod convergence;
#[cfg(test)]
mod tests;
