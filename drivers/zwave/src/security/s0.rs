//! Security 0 (CC 0x98; Z-Wave specification SDS10865, "Security Command Class").
//!
//! Each frame is sealed with a nonce that its receiver made for it: half of the initialisation vector comes from
//! either side. A command too long for one frame goes out as two. The same type serves both sides.

mod including;

pub use including::{IncludingS0, S0Output};

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit, KeyIvInit, StreamCipher};
use cbc_mac::{CbcMac, Mac};
use ofb::Ofb;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::NetworkKey;
use super::s2::drbg::CtrDrbg;
use crate::node::NodeId;

/// Class id.
pub const CLASS: u8 = 0x98;
/// Security Commands Supported Get: which classes do you have under Security 0? (CC:0098.01.02)
pub const COMMANDS_SUPPORTED_GET: [u8; 2] = [CLASS, 0x02];
/// Security Commands Supported Report; how many reports follow, and the classes come behind (CC:0098.01.03).
pub const COMMANDS_SUPPORTED_REPORT: [u8; 2] = [CLASS, 0x03];

/// How long a nonce of ours can be used by the peer (SDS10865, "Nonce Timer": 3 to 20 s, 10 s recommended; the longest,
/// since a sleeping lock takes its time).
pub const OWN_NONCE_LIFETIME: Duration = Duration::from_secs(20);
/// How long a nonce of the peer is worth sending with (SDS10865, "Nonce Timer": most peers keep it for the recommended
/// 10 s; less the time on the way).
pub const PEER_NONCE_LIFETIME: Duration = Duration::from_secs(8);
/// How long the first part of a command waits for the second: each needs a nonce (as [`OWN_NONCE_LIFETIME`]).
pub const PART_LIFETIME: Duration = OWN_NONCE_LIFETIME;

/// What encapsulation adds: class, command, sender's nonce, frame control, nonce id, authentication code.
pub const OVERHEAD: usize = 2 + NONCE + 1 + 1 + MAC;

/// Security Scheme Get: only scheme 0 is offered, which all have (CC:0098.01.04).
pub const SCHEME_GET: [u8; 3] = [CLASS, 0x04, 0x00];
/// Security Scheme Report; the schemes come behind (CC:0098.01.05).
pub const SCHEME_REPORT: [u8; 2] = [CLASS, 0x05];
/// Network Key Set; the key comes behind (CC:0098.01.06).
pub const NETWORK_KEY_SET: [u8; 2] = [CLASS, 0x06];
/// Network Key Verify: the key came and works (CC:0098.01.07).
pub const NETWORK_KEY_VERIFY: [u8; 2] = [CLASS, 0x07];

const NONCE_GET: u8 = 0x40;
const NONCE_REPORT: u8 = 0x80;
const ENCAPSULATION: u8 = 0x81;
const ENCAPSULATION_NONCE_GET: u8 = 0xC1;

const NONCE: usize = 8;
const MAC: usize = 8;

const SEQUENCED: u8 = 0x10;
const SECOND_PART: u8 = 0x20;
const SEQUENCE: u8 = 0x0F;

/// Nonces held for one peer, either way.
const MAX_NONCES: usize = 8;

type Nonce = [u8; NONCE];

/// Why a part can't be encapsulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum S0Error {
    /// Send [`S0::nonce_get`], wait for [`S0Event::NonceReceived`], try again.
    #[error("the node must be asked for a nonce first")]
    NeedsNonce,
    /// Long Range nodes have no Security 0.
    #[error("node {0} is a Long Range node, which has no Security 0")]
    LongRange(NodeId),
    /// A frame's length is one byte.
    #[error("the part is too long for a frame")]
    TooLong,
}

/// What a frame meant.
#[derive(PartialEq, Eq)]
pub enum S0Event {
    /// A command, decrypted and authenticated, both parts of it if there were two. It may hold a PIN.
    Command(Zeroizing<Vec<u8>>),
    /// Send this back in the clear (a Nonce Report).
    Reply(Vec<u8>),
    /// The peer's nonce came: one part can be encapsulated now.
    NonceReceived,
    /// Passed over. The reason, for the debug log.
    Ignored(&'static str),
    /// Another Security 0 command in the clear (scheme, key), for inclusion.
    Other(Vec<u8>),
}

impl fmt::Debug for S0Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => write!(f, "Command({} bytes)", command.len()),
            Self::Reply(frame) => write!(f, "Reply({} bytes)", frame.len()),
            Self::NonceReceived => f.write_str("NonceReceived"),
            Self::Ignored(why) => write!(f, "Ignored({why:?})"),
            Self::Other(frame) => write!(f, "Other({} bytes)", frame.len()),
        }
    }
}

/// What goes into one frame: a command, or half of one.
#[derive(Clone, PartialEq, Eq)]
pub struct S0Part {
    /// Frame control, then the bytes of the command.
    plain: Zeroizing<Vec<u8>>,
}

impl S0Part {
    fn new(control: u8, command: &[u8]) -> Self {
        let mut plain = Zeroizing::new(Vec::with_capacity(1 + command.len()));
        plain.push(control);
        plain.extend_from_slice(command);
        Self { plain }
    }
}

impl fmt::Debug for S0Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S0Part({} bytes)", self.plain.len())
    }
}

/// Security 0 of one node in one network.
pub struct S0 {
    own: NodeId,
    keys: Keys,
    /// A node that joins, to which is sent under the key that everybody knows.
    joining: Option<(NodeId, Keys)>,
    random: CtrDrbg,
    sequence: u8,
    peers: BTreeMap<NodeId, Peer>,
}

impl S0 {
    /// Starts without nonces. `entropy` must be fresh at every start.
    pub fn new(own: NodeId, key: &NetworkKey, entropy: [u8; 32]) -> Self {
        let random = CtrDrbg::new(&Zeroizing::new(entropy), &[0; 32]);
        Self { own, keys: Keys::derive(key), joining: None, random, sequence: 0, peers: BTreeMap::new() }
    }

    /// Nonce Get, to be sent in the clear.
    pub fn nonce_get() -> Vec<u8> {
        vec![CLASS, NONCE_GET]
    }

    /// Whether [`S0::encapsulate`] to this peer works without asking for a nonce first.
    pub fn is_ready(&self, now: Instant, peer: NodeId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.received.iter().any(|nonce| nonce.is_fresh(now)))
    }

    /// Sends to this node under the key of a node that has none yet, all zeros (SDS10865, "Temporary key"); `None`: to
    /// every node under the network's again.
    pub fn set_joining(&mut self, peer: Option<NodeId>) {
        self.joining = peer.map(|peer| (peer, Keys::derive(&NetworkKey::new([0; 16]))));
    }

    /// Forgets a peer, its nonces and the first part of its command.
    pub fn remove_peer(&mut self, peer: NodeId) {
        self.peers.remove(&peer);
    }

    /// Splits a command into the parts to be sent: one, or two when it is too long for one frame of `max_frame` bytes.
    /// Each part needs a nonce of the peer. What does not fit into two frames leaves the second one too long.
    pub fn split(&mut self, command: &[u8], max_frame: usize) -> Vec<S0Part> {
        let room = max_frame.saturating_sub(OVERHEAD);
        match command.split_at_checked(room) {
            Some((first, second)) if !first.is_empty() && !second.is_empty() => {
                self.sequence = self.sequence.wrapping_add(1) & SEQUENCE;
                let control = SEQUENCED | self.sequence;
                vec![S0Part::new(control, first), S0Part::new(control | SECOND_PART, second)]
            }
            _ => vec![S0Part::new(0, command)],
        }
    }

    /// Encapsulates one part with the nonce held for the peer and uses that nonce up. `more`: as 98 C1 (encapsulation
    /// and Nonce Get in one), since another part follows.
    ///
    /// # Errors
    /// [`S0Error`].
    pub fn encapsulate(&mut self, now: Instant, peer: NodeId, part: &S0Part, more: bool) -> Result<Vec<u8>, S0Error> {
        let route = Route::new(self.own, peer).ok_or(S0Error::LongRange(peer))?;
        let length = u8::try_from(part.plain.len()).map_err(|_| S0Error::TooLong)?;
        let nonce = self.peers.get_mut(&peer).and_then(|peer| peer.use_received(now)).ok_or(S0Error::NeedsNonce)?;
        let command = if more { ENCAPSULATION_NONCE_GET } else { ENCAPSULATION };
        let vector = Vector { sender: self.random.generate(), receiver: nonce };
        let joining = self.joining.as_ref().filter(|(joining, _)| *joining == peer);
        let keys = joining.map_or(&self.keys, |(_, keys)| keys);
        Ok(keys.seal(&vector, command, route, length, &part.plain))
    }

    /// Any 0x98 frame from a peer.
    pub fn handle(&mut self, now: Instant, peer: NodeId, frame: &[u8]) -> Vec<S0Event> {
        match frame {
            [CLASS, NONCE_GET, ..] => vec![self.offer_nonce(now, peer)],
            [CLASS, NONCE_REPORT, nonce @ ..] => vec![match nonce.try_into() {
                Ok(nonce) => self.peers.entry(peer).or_default().take_nonce(now, nonce),
                Err(_) => S0Event::Ignored("a Nonce Report that does not have 8 bytes"),
            }],
            [CLASS, command @ (ENCAPSULATION | ENCAPSULATION_NONCE_GET), sealed @ ..] => {
                let plain = match self.open(now, peer, *command, sealed) {
                    Ok(plain) => plain,
                    Err(why) => return vec![S0Event::Ignored(why)],
                };
                let whole = self.peers.entry(peer).or_default().join(now, &plain);
                let reply = (*command == ENCAPSULATION_NONCE_GET).then(|| self.offer_nonce(now, peer));
                whole.into_iter().chain(reply).collect()
            }
            [CLASS, _, ..] => vec![S0Event::Other(frame.to_vec())],
            _ => vec![S0Event::Ignored("not a Security 0 command")],
        }
    }

    fn offer_nonce(&mut self, now: Instant, peer: NodeId) -> S0Event {
        let peer = self.peers.entry(peer).or_default();
        let mut nonce: Nonce = self.random.generate();
        // Its first byte is its name; the peer may hold several.
        while peer.offered.iter().any(|held| held.nonce[0] == nonce[0]) {
            nonce = self.random.generate();
        }
        push(&mut peer.offered, Held { nonce, until: now + OWN_NONCE_LIFETIME });
        S0Event::Reply([&[CLASS, NONCE_REPORT], &nonce[..]].concat())
    }

    /// Opens what follows class and command. The nonce is used up by the message it authenticates.
    fn open(
        &mut self,
        now: Instant,
        node: NodeId,
        command: u8,
        frame: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        const SHORT: &str = "an encapsulation that ends too early";
        let (sender, rest) = frame.split_first_chunk::<NONCE>().ok_or(SHORT)?;
        let (rest, mac) = rest.split_last_chunk::<MAC>().ok_or(SHORT)?;
        let (id, sealed) = rest.split_last().filter(|(_, sealed)| !sealed.is_empty()).ok_or(SHORT)?;
        let length = u8::try_from(sealed.len()).map_err(|_| "an encapsulation that is too long")?;
        let route = Route::new(node, self.own).ok_or("a Long Range node has no Security 0")?;
        let offered = &mut self.peers.entry(node).or_default().offered;
        offered.retain(|nonce| nonce.is_fresh(now));
        let index =
            offered.iter().position(|held| held.nonce[0] == *id).ok_or("its nonce is not, or no longer, held")?;
        let vector = Vector { sender: *sender, receiver: offered[index].nonce };
        if !bool::from(self.keys.authenticate(&vector, command, route, length, sealed).ct_eq(mac)) {
            return Err("it is not authentic");
        }
        offered.remove(index);
        let mut plain = Zeroizing::new(sealed.to_vec());
        self.keys.crypt(&vector, &mut plain);
        Ok(plain)
    }
}

impl fmt::Debug for S0 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S0").field("own", &self.own).finish_non_exhaustive()
    }
}

/// The two keys made from the network key (SDS10865, "Key derivation").
struct Keys {
    encryption: Zeroizing<[u8; 16]>,
    authentication: Zeroizing<[u8; 16]>,
}

impl Keys {
    fn derive(key: &NetworkKey) -> Self {
        let derive = |byte: u8| {
            let mut block = [byte; 16].into();
            Aes128::new(key.expose().into()).encrypt_block(&mut block);
            Zeroizing::new(block.into())
        };
        Self { encryption: derive(0xAA), authentication: derive(0x55) }
    }

    /// A whole frame.
    fn seal(&self, vector: &Vector, command: u8, route: Route, length: u8, plain: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        self.crypt(vector, &mut sealed);
        let mac = self.authenticate(vector, command, route, length, &sealed);
        [&[CLASS, command], &vector.sender[..], &sealed, &vector.receiver[..1], &mac].concat()
    }

    /// AES-OFB, which is its own inverse.
    fn crypt(&self, vector: &Vector, bytes: &mut [u8]) {
        Ofb::<Aes128>::new((&*self.encryption).into(), &vector.bytes().into()).apply_keystream(bytes);
    }

    /// AES-CBC-MAC, padded with zeros, the first half of the last block.
    fn authenticate(&self, vector: &Vector, command: u8, route: Route, length: u8, sealed: &[u8]) -> [u8; MAC] {
        let mut mac = <CbcMac<Aes128> as KeyInit>::new((&*self.authentication).into());
        mac.update(&vector.bytes());
        mac.update(&[command, route.sender, route.receiver, length]);
        mac.update(sealed);
        let block: [u8; 16] = mac.finalize().into_bytes().into();
        let [mac @ .., _, _, _, _, _, _, _, _] = block;
        mac
    }
}

/// The initialisation vector: the sender's nonce, then the receiver's.
struct Vector {
    sender: Nonce,
    receiver: Nonce,
}

impl Vector {
    fn bytes(&self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..NONCE].copy_from_slice(&self.sender);
        out[NONCE..].copy_from_slice(&self.receiver);
        out
    }
}

/// Who sends to whom: authenticated with each message.
#[derive(Clone, Copy)]
struct Route {
    sender: u8,
    receiver: u8,
}

impl Route {
    fn new(sender: NodeId, receiver: NodeId) -> Option<Self> {
        Some(Self { sender: sender.get().try_into().ok()?, receiver: receiver.get().try_into().ok()? })
    }
}

/// A nonce and how long it counts.
struct Held {
    nonce: Nonce,
    until: Instant,
}

impl Held {
    fn is_fresh(&self, now: Instant) -> bool {
        now < self.until
    }
}

fn push<T>(nonces: &mut VecDeque<T>, nonce: T) {
    if nonces.len() == MAX_NONCES {
        nonces.pop_front();
    }
    nonces.push_back(nonce);
}

/// What is held for one peer.
#[derive(Default)]
struct Peer {
    /// Nonces of ours that it may use.
    offered: VecDeque<Held>,
    /// Nonces of its that we may use, oldest first.
    received: VecDeque<Held>,
    /// The nonces we used last: a Nonce Report repeated on its way must not bring one back.
    used: VecDeque<Nonce>,
    /// The first part of a command.
    first: Option<First>,
}

struct First {
    sequence: u8,
    bytes: Zeroizing<Vec<u8>>,
    until: Instant,
}

impl Peer {
    fn take_nonce(&mut self, now: Instant, nonce: Nonce) -> S0Event {
        if self.used.contains(&nonce) || self.received.iter().any(|held| held.nonce == nonce) {
            return S0Event::Ignored("the same nonce again");
        }
        push(&mut self.received, Held { nonce, until: now + PEER_NONCE_LIFETIME });
        S0Event::NonceReceived
    }

    /// The newest one: the peer may have forgotten those before.
    fn use_received(&mut self, now: Instant) -> Option<Nonce> {
        self.received.retain(|nonce| nonce.is_fresh(now));
        let nonce = self.received.pop_back()?.nonce;
        push(&mut self.used, nonce);
        Some(nonce)
    }

    /// Puts the two parts of a command together; `None` after the first one.
    fn join(&mut self, now: Instant, plain: &[u8]) -> Option<S0Event> {
        let (control, bytes) = plain.split_first()?;
        let sequence = control & SEQUENCE;
        if control & SEQUENCED == 0 {
            return Some(S0Event::Command(Zeroizing::new(bytes.to_vec())));
        }
        if control & SECOND_PART == 0 {
            let bytes = Zeroizing::new(bytes.to_vec());
            self.first = Some(First { sequence, bytes, until: now + PART_LIFETIME });
            return None;
        }
        match self.first.take() {
            Some(first) if first.sequence == sequence && now < first.until => {
                Some(S0Event::Command(Zeroizing::new([&first.bytes, bytes].concat())))
            }
            _ => Some(S0Event::Ignored("the second part of a command whose first part is not held")),
        }
    }
}

#[cfg(test)]
mod convergence;
#[cfg(test)]
mod tests;
