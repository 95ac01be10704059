//! Transport Service (0x55), version 2 (Z-Wave Transport-Encapsulation Command Class Specification, section 3.8): datagrams
//! that are too long for one frame, sent in segments.
//!
//! [`Reassembly`] is the receiver, one session a peer: what is missing when the last segment is in, or when none comes for
//! [`RX_TIMEOUT`], is asked for; a peer that does not answer that is given up. Memory is bounded by [`MAX_PEERS`] and
//! [`MAX_DATAGRAM`], time by [`MAX_SESSION`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use keyway_lock::wire::{Reader, WireError};

use super::crc16::crc_ccitt;
use crate::cc::{CcError, command_of};
use crate::node::NodeId;

/// Class id.
pub const CLASS: u8 = 0x55;
/// How long the receiver waits for the next segment (40 kbit/s).
pub const RX_TIMEOUT: Duration = Duration::from_millis(800);
/// Most bytes of a datagram that one segment carries.
pub const MAX_SEGMENT: usize = 39;
/// Most bytes of a datagram: its size field has 11 bits.
pub const MAX_DATAGRAM: usize = 0x7FF;
/// Most peers that may be sending at once; others are asked to wait.
pub const MAX_PEERS: usize = 16;
/// Longest a session may take, whatever comes in: the longest datagram at the pace of a bad link.
pub const MAX_SESSION: Duration = Duration::from_secs(20);

// The commands; the lower three bits of the byte are the upper bits of the datagram's size.
const COMMAND: u8 = 0xF8;
const FIRST_SEGMENT: u8 = 0xC0;
const SEGMENT_REQUEST: u8 = 0xC8;
const SUBSEQUENT_SEGMENT: u8 = 0xE0;
const SEGMENT_COMPLETE: u8 = 0xE8;
const SEGMENT_WAIT: u8 = 0xF0;
/// A header extension follows.
const EXTENSION: u8 = 0x08;
/// Bytes of the frame check sequence.
const CHECK: usize = 2;

/// What comes out of reassembly. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub enum SegmentEvent {
    /// Send this to the peer.
    Reply(NodeId, Vec<u8>),
    /// A whole datagram of the peer.
    Datagram(NodeId, Vec<u8>),
}

impl fmt::Debug for SegmentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(peer, bytes) => write!(f, "Reply to {peer} ({} bytes)", bytes.len()),
            Self::Datagram(peer, bytes) => write!(f, "Datagram of {peer} ({} bytes)", bytes.len()),
        }
    }
}

/// Puts segments together.
#[derive(Default)]
pub struct Reassembly {
    peers: BTreeMap<NodeId, Session>,
}

/// One datagram of one peer.
struct Session {
    id: u8,
    datagram: Vec<u8>,
    received: Vec<bool>,
    /// Kept for a while when complete, so that a segment which comes again is not taken for a new datagram's.
    complete: bool,
    /// A missing segment was asked for, and has not come yet.
    asked: bool,
    timeout: Instant,
    ends: Instant,
}

impl Reassembly {
    /// Nothing received yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a frame of class 0x55. What can't be read, or has a wrong check sequence, is passed over: the sender is asked
    /// for it when its time is over.
    pub fn handle(&mut self, now: Instant, peer: NodeId, frame: &[u8]) -> Vec<SegmentEvent> {
        match Segment::decode(frame) {
            Ok(segment) if segment.first => self.handle_first(now, peer, &segment),
            Ok(segment) => self.handle_subsequent(now, peer, &segment),
            Err(_) => Vec::new(),
        }
    }

    /// The instant of [`Reassembly::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<SegmentEvent> {
        self.peers.retain(|_, session| {
            let over = session.timeout <= now && (session.complete || session.asked);
            !over && session.ends > now
        });
        let silent = self.peers.iter_mut().filter(|(_, session)| session.timeout <= now);
        silent.map(|(peer, session)| SegmentEvent::Reply(*peer, session.ask(now))).collect()
    }

    /// When [`Reassembly::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        self.peers.values().map(|session| session.timeout.min(session.ends)).min()
    }

    fn handle_first(&mut self, now: Instant, peer: NodeId, segment: &Segment<'_>) -> Vec<SegmentEvent> {
        if let Some(session) = self.peers.get(&peer)
            && session.id == segment.session
            && session.received.len() == segment.size
        {
            return self.handle_subsequent(now, peer, segment);
        }
        if !self.peers.contains_key(&peer) && self.peers.len() >= MAX_PEERS {
            let pending = self.peers.values().map(Session::pending_segments).min().unwrap_or(1);
            return vec![SegmentEvent::Reply(peer, wait(pending))];
        }
        // Another session of the same peer: it has given up the one before.
        self.peers.insert(peer, Session::new(now, segment));
        self.handle_subsequent(now, peer, segment)
    }

    fn handle_subsequent(&mut self, now: Instant, peer: NodeId, segment: &Segment<'_>) -> Vec<SegmentEvent> {
        let session = self.peers.get_mut(&peer).filter(|session| session.id == segment.session);
        let Some(session) = session else {
            // Its first segment was lost: told to wait for nothing, the sender begins again.
            return vec![SegmentEvent::Reply(peer, wait(0))];
        };
        if session.complete {
            return vec![SegmentEvent::Reply(peer, complete(session.id))];
        }
        if !session.store(now, segment) {
            return Vec::new();
        }
        match session.missing() {
            None => {
                session.complete = true;
                let datagram = std::mem::take(&mut session.datagram);
                vec![SegmentEvent::Reply(peer, complete(segment.session)), SegmentEvent::Datagram(peer, datagram)]
            }
            Some(_) if session.asked || session.has_end() => vec![SegmentEvent::Reply(peer, session.ask(now))],
            Some(_) => Vec::new(),
        }
    }
}

impl Session {
    fn new(now: Instant, segment: &Segment<'_>) -> Self {
        Self {
            id: segment.session,
            datagram: vec![0; segment.size],
            received: vec![false; segment.size],
            complete: false,
            asked: false,
            timeout: now + RX_TIMEOUT,
            ends: now + MAX_SESSION,
        }
    }

    /// Whether the segment belongs into this datagram, and was put there.
    fn store(&mut self, now: Instant, segment: &Segment<'_>) -> bool {
        let range = segment.offset..segment.offset + segment.payload.len();
        let (Some(place), Some(received)) = (self.datagram.get_mut(range.clone()), self.received.get_mut(range)) else {
            return false;
        };
        place.copy_from_slice(segment.payload);
        received.fill(true);
        self.timeout = now + RX_TIMEOUT;
        true
    }

    /// The first byte that is missing.
    fn missing(&self) -> Option<usize> {
        self.received.iter().position(|received| !received)
    }

    fn has_end(&self) -> bool {
        self.received.last() == Some(&true)
    }

    fn pending_segments(&self) -> u8 {
        let bytes = self.received.iter().filter(|received| !**received).count();
        u8::try_from(bytes.div_ceil(MAX_SEGMENT)).unwrap_or(u8::MAX)
    }

    fn ask(&mut self, now: Instant) -> Vec<u8> {
        self.asked = true;
        self.timeout = now + RX_TIMEOUT;
        let [high, low] = offset_bytes(self.missing().unwrap_or(0));
        vec![CLASS, SEGMENT_REQUEST, self.id << 4 | high, low]
    }
}

fn complete(session: u8) -> Vec<u8> {
    vec![CLASS, SEGMENT_COMPLETE, session << 4]
}

fn wait(pending_segments: u8) -> Vec<u8> {
    vec![CLASS, SEGMENT_WAIT, pending_segments]
}

/// A size or an offset in its 11 bits.
fn offset_bytes(offset: usize) -> [u8; 2] {
    let [high, low] = u16::try_from(offset).unwrap_or(u16::MAX).to_be_bytes();
    [high & 0x07, low]
}

/// Cuts a datagram into segments, each at most `max` bytes as a whole frame; `session` counts on from datagram to
/// datagram, 0 to 15. Empty when the datagram has nothing in it, or more than [`MAX_DATAGRAM`] bytes.
pub fn split(datagram: &[u8], session: u8, max: usize) -> Vec<Vec<u8>> {
    const OVERHEAD: usize = 5 + CHECK;
    if datagram.len() > MAX_DATAGRAM {
        return Vec::new();
    }
    let [size_high, size_low] = offset_bytes(datagram.len());
    let most = max.saturating_sub(OVERHEAD).clamp(1, MAX_SEGMENT);
    let cut = |(index, payload): (usize, &[u8])| {
        let [offset_high, offset_low] = offset_bytes(index * most);
        let head = match index {
            0 => vec![CLASS, FIRST_SEGMENT | size_high, size_low, session << 4],
            _ => vec![CLASS, SUBSEQUENT_SEGMENT | size_high, size_low, session << 4 | offset_high, offset_low],
        };
        let mut frame = [&head, payload].concat();
        frame.extend(crc_ccitt(&frame).to_be_bytes());
        frame
    };
    datagram.chunks(most).enumerate().map(cut).collect()
}

/// A segment that carries a part of a datagram.
struct Segment<'a> {
    first: bool,
    session: u8,
    size: usize,
    offset: usize,
    payload: &'a [u8],
}

impl<'a> Segment<'a> {
    fn decode(frame: &'a [u8]) -> Result<Self, CcError> {
        let (command, _) = command_of(CLASS, frame)?;
        let first = match command & COMMAND {
            FIRST_SEGMENT => true,
            SUBSEQUENT_SEGMENT => false,
            _ => return Err(CcError::unknown(frame)),
        };
        let end = frame.len().saturating_sub(CHECK);
        let (checked, check) = (&frame[..end], Reader::new(&frame[end..]).u16_be("frame check sequence")?);
        if crc_ccitt(checked) != check {
            return Err(WireError::Invalid { field: "frame check sequence", offset: end, value: check.into() }.into());
        }
        let mut reader = Reader::new(checked);
        reader.u8("class")?;
        let size = usize::from(reader.u16_be("datagram size")?) & MAX_DATAGRAM;
        let head = reader.u8("session id")?;
        let offset = if first { 0 } else { usize::from(head & 0x07) << 8 | usize::from(reader.u8("datagram offset")?) };
        if head & EXTENSION != 0 {
            let length = reader.u8("header extension length")?;
            reader.bytes("header extension", length.into())?;
        }
        let payload = reader.rest();
        if payload.is_empty() || payload.len() > MAX_SEGMENT || offset + payload.len() > size {
            return Err(reader.invalid("payload", payload.last().copied().unwrap_or(0)).into());
        }
        Ok(Self { first, session: head >> 4, size, offset, payload })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn node(id: u16) -> NodeId {
        NodeId::new(id).unwrap()
    }

    fn datagram() -> Vec<u8> {
        (0..100).collect()
    }

    fn request(session: u8, offset: u8) -> SegmentEvent {
        SegmentEvent::Reply(node(5), vec![0x55, 0xC8, session << 4, offset])
    }

    #[test]
    fn segments_are_laid_out_as_the_specification_says() {
        let segments = split(&datagram(), 3, 46);
        assert_eq!(segments.len(), 3);
        assert_eq!(segments[0][..5], [0x55, 0xC0, 100, 0x30, 0]);
        assert_eq!(segments[1][..6], [0x55, 0xE0, 100, 0x30, 39, 39]);
        assert_eq!(segments[2][..6], [0x55, 0xE0, 100, 0x30, 78, 78]);
        let end = segments[0].len() - 2;
        assert_eq!(segments[0][end..], crc_ccitt(&segments[0][..end]).to_be_bytes());
        assert_eq!(split(&[0; 300], 0, 46)[7][..5], [0x55, 0xE1, 44, 0x01, 17]);
    }

    #[test]
    fn a_datagram_is_put_together_and_acknowledged_once_whole() {
        let mut reassembly = Reassembly::new();
        let events: Vec<_> =
            split(&datagram(), 3, 46).iter().flat_map(|frame| reassembly.handle(start(), node(5), frame)).collect();
        let complete = SegmentEvent::Reply(node(5), vec![0x55, 0xE8, 0x30]);
        assert_eq!(events, [complete, SegmentEvent::Datagram(node(5), datagram())]);
    }

    #[test]
    fn what_is_missing_is_asked_for_as_soon_as_the_end_is_in() {
        let (now, segments) = (start(), split(&datagram(), 3, 46));
        let mut reassembly = Reassembly::new();
        assert_eq!(reassembly.handle(now, node(5), &segments[0]), []);
        assert_eq!(reassembly.handle(now, node(5), &segments[2]), [request(3, 39)]);
        assert_eq!(reassembly.handle(now, node(5), &segments[1]).len(), 2);
    }

    #[test]
    fn a_peer_that_falls_silent_is_asked_once_and_then_given_up() {
        let (now, segments) = (start(), split(&datagram(), 3, 46));
        let mut reassembly = Reassembly::new();
        reassembly.handle(now, node(5), &segments[0]);
        let first = reassembly.timeout().unwrap();
        assert_eq!(first, now + RX_TIMEOUT);
        assert_eq!(reassembly.handle_timeout(first), [request(3, 39)]);
        let second = reassembly.timeout().unwrap();
        assert_eq!(reassembly.handle_timeout(second), []);
        assert_eq!(reassembly.timeout(), None);
    }

    #[test]
    fn a_garbled_segment_is_passed_over_and_one_without_a_beginning_makes_the_sender_begin_again() {
        let (now, mut segments) = (start(), split(&datagram(), 3, 46));
        let mut reassembly = Reassembly::new();
        let wait = SegmentEvent::Reply(node(5), vec![0x55, 0xF0, 0]);
        assert_eq!(reassembly.handle(now, node(5), &segments[1]), [wait]);
        segments[0][7] ^= 0x10;
        assert_eq!(reassembly.handle(now, node(5), &segments[0]), []);
        assert_eq!(reassembly.timeout(), None);
    }

    #[test]
    fn a_segment_that_comes_again_after_the_end_is_only_acknowledged() {
        let (now, segments) = (start(), split(&datagram(), 3, 46));
        let mut reassembly = Reassembly::new();
        segments.iter().for_each(|frame| drop(reassembly.handle(now, node(5), frame)));
        let complete = SegmentEvent::Reply(node(5), vec![0x55, 0xE8, 0x30]);
        assert_eq!(reassembly.handle(now, node(5), &segments[2]), [complete]);
        assert_eq!(reassembly.handle_timeout(now + RX_TIMEOUT), []);
        assert_eq!(reassembly.timeout(), None);
    }

    #[test]
    fn more_peers_than_there_is_room_for_are_asked_to_wait() {
        let (now, segments) = (start(), split(&datagram(), 3, 46));
        let mut reassembly = Reassembly::new();
        (1..=16).for_each(|peer| assert_eq!(reassembly.handle(now, node(peer), &segments[0]), []));
        let wait = SegmentEvent::Reply(node(17), vec![0x55, 0xF0, 2]);
        assert_eq!(reassembly.handle(now, node(17), &segments[0]), [wait]);
    }

    #[test]
    fn a_peer_that_keeps_sending_the_same_segment_is_given_up_in_the_end() {
        let (begin, segments) = (start(), split(&datagram(), 3, 46));
        let mut reassembly = Reassembly::new();
        let mut now = begin;
        reassembly.handle(now, node(5), &segments[0]);
        while now < begin + MAX_SESSION {
            now += Duration::from_millis(500);
            reassembly.handle_timeout(now);
            if reassembly.timeout().is_some() {
                reassembly.handle(now, node(5), &segments[1]);
            }
        }
        assert_eq!(reassembly.timeout(), None);
    }

    proptest! {
        #[test]
        fn what_is_split_comes_out_whole_in_any_order(
            datagram in prop::collection::vec(any::<u8>(), 40..400),
            session in 0u8..16,
            max in 10usize..60,
            turns: u8,
        ) {
            let mut segments = split(&datagram, session, max);
            prop_assert!(segments.iter().all(|segment| segment.len() <= max));
            let count = segments.len();
            segments[1..].rotate_left(usize::from(turns) % (count - 1).max(1));
            let mut reassembly = Reassembly::new();
            let events: Vec<_> =
                segments.iter().flat_map(|frame| reassembly.handle(start(), node(9), frame)).collect();
            prop_assert_eq!(events.last(), Some(&SegmentEvent::Datagram(node(9), datagram)));
        }

        #[test]
        fn random_bytes_never_panic(frames: Vec<Vec<u8>>) {
            let mut reassembly = Reassembly::new();
            for mut frame in frames {
                frame.insert(0, CLASS);
                reassembly.handle(start(), node(9), &frame);
                frame.extend(crc_ccitt(&frame).to_be_bytes());
                reassembly.handle(start(), node(9), &frame);
            }
        }
    }
}
