//! What one node holds for another: sequence numbers, entropy on offer both ways, and the SPANs.

use std::collections::{BTreeMap, VecDeque};

use zeroize::Zeroizing;

use super::drbg::CtrDrbg;
use super::encapsulation::{Envelope, Route};
use super::keys::{ClassKeys, Entropy};
use super::span::{Progress, Span};
use super::{CLASS, NONCE_REPORT, S2Event, SPAN_OUT_OF_SYNC, SecurityClass};

/// Entropy handed to one peer and not used yet; more than one only while answers cross.
const MAX_OFFERED: usize = 3;
/// Frames of one peer that are known again when they are repeated.
const MAX_RECENT: usize = 4;
/// Nonce Gets to one peer that may still be answered.
const MAX_ASKED: u8 = 3;

/// What is held for one peer.
pub(super) struct Peer {
    /// Classes it was granted and we have keys for, strongest first.
    pub(super) classes: Vec<SecurityClass>,
    /// Sequence number of our next frame to it.
    sequence: u8,
    last_sequence: Option<u8>,
    recent: VecDeque<Vec<u8>>,
    /// Nonce Gets of ours that it has not answered.
    asked: u8,
    /// We sent a message, and have no sign yet that it was read.
    pub(super) unread: bool,
    /// Receiver entropy we gave it, newest last: what it may begin a SPAN with.
    offered: VecDeque<Entropy>,
    /// Receiver entropy it gave us: our next message begins a SPAN with it.
    pub(super) remote: Option<Entropy>,
    /// What messages are sent with, and read with.
    pub(super) current: Option<Span>,
    /// What messages may still be read with: it was current until we began another one, or one side lost it.
    previous: Option<Span>,
    /// A message that came before there was any key.
    pub(super) held: Option<Vec<u8>>,
}

impl Peer {
    pub(super) fn new(classes: Vec<SecurityClass>, sequence: u8) -> Self {
        Self {
            classes,
            sequence,
            last_sequence: None,
            recent: VecDeque::new(),
            asked: 0,
            unread: false,
            offered: VecDeque::new(),
            remote: None,
            current: None,
            previous: None,
            held: None,
        }
    }

    /// It joins: there is a temporary key, and it has opened nothing yet.
    pub(super) fn is_joining(&self) -> bool {
        self.classes.contains(&SecurityClass::Temporary) && self.current.is_none() && self.previous.is_none()
    }

    pub(super) fn next_sequence(&mut self) -> u8 {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        sequence
    }

    /// The sequence number of a Nonce Get.
    pub(super) fn ask(&mut self) -> u8 {
        self.asked = (self.asked + 1).min(MAX_ASKED);
        self.next_sequence()
    }

    /// A frame with the number of the one before is a repetition by definition; an older one, that came by a longer
    /// way, is known by its bytes (numbers alone would shut out a node that starts anew at a random one).
    pub(super) fn is_repeated(&mut self, sequence: u8, frame: &[u8]) -> bool {
        if self.last_sequence == Some(sequence) || self.recent.iter().any(|recent| recent == frame) {
            return true;
        }
        self.last_sequence = Some(sequence);
        if self.recent.len() == MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(frame.to_vec());
        false
    }

    /// Answers a Nonce Get.
    pub(super) fn answer(&mut self, random: &mut CtrDrbg) -> S2Event {
        let entropy = self.offer(random);
        self.report(entropy)
    }

    /// Answers a message that could not be read. While as much entropy is on offer as is kept, no more is made: were
    /// several messages on the way, each would void what the one before was told, and both sides would go on for ever.
    pub(super) fn cry_for_help(&mut self, random: &mut CtrDrbg) -> S2Event {
        let entropy = match self.offered.back() {
            Some(newest) if self.offered.len() == MAX_OFFERED => *newest,
            _ => self.offer(random),
        };
        self.report(entropy)
    }

    fn offer(&mut self, random: &mut CtrDrbg) -> Entropy {
        let entropy = random.generate();
        if self.offered.len() == MAX_OFFERED {
            self.offered.pop_front();
        }
        self.offered.push_back(entropy);
        entropy
    }

    /// Gives the peer entropy to begin a SPAN with; it has none that we share.
    fn report(&mut self, entropy: Entropy) -> S2Event {
        self.keep_current_for_reading();
        let mut report = vec![CLASS, NONCE_REPORT, self.next_sequence(), SPAN_OUT_OF_SYNC];
        report.extend(entropy);
        S2Event::Reply(report)
    }

    /// The peer gave us entropy: it has no SPAN that we share. An answer that comes late, to a Nonce Get that was sent
    /// again, does not mean that what we sent since could not be read.
    pub(super) fn take_nonce(&mut self, entropy: Entropy) -> S2Event {
        self.keep_current_for_reading();
        self.remote = Some(entropy);
        if self.asked == 0 && self.unread {
            self.unread = false;
            return S2Event::OutOfSync;
        }
        self.asked = self.asked.saturating_sub(1);
        S2Event::NonceReceived
    }

    pub(super) fn keep_current_for_reading(&mut self) {
        self.previous = self.current.take().or(self.previous.take());
    }

    /// Opens a message with whatever the peer may have sealed it with.
    pub(super) fn read(
        &mut self,
        keys: &BTreeMap<SecurityClass, ClassKeys>,
        envelope: &Envelope<'_>,
        route: Route,
    ) -> Option<(SecurityClass, Zeroizing<Vec<u8>>)> {
        if let Some(sender) = &envelope.extensions.entropy
            && let Some(read) = self.read_first(keys, envelope, route, sender)
        {
            return Some(read);
        }
        let open = |span: &mut Span| {
            let keys = keys.get(&span.class)?;
            let (opened, progress) = span.read(|nonce| envelope.open(keys, nonce, route))?;
            Some((span.class, opened, progress))
        };
        let (class, opened) = match self.current.as_mut().and_then(open) {
            Some((class, opened, progress)) => {
                if progress == Progress::Level {
                    // Frames keep their order: a Nonce Get from before has been answered by now, or is lost.
                    (self.unread, self.asked) = (false, 0);
                }
                (class, opened)
            }
            None => {
                let (class, opened, _) = self.previous.as_mut().and_then(open)?;
                self.current = self.previous.take();
                (class, opened)
            }
        };
        // The peer uses this SPAN: what else was on the way to another one is void.
        self.previous = None;
        self.offered.clear();
        self.remote = None;
        Some((class, opened))
    }

    /// Opens a message that begins a SPAN. Which class it is under is found by trying.
    fn read_first(
        &mut self,
        keys: &BTreeMap<SecurityClass, ClassKeys>,
        envelope: &Envelope<'_>,
        route: Route,
        sender: &Entropy,
    ) -> Option<(SecurityClass, Zeroizing<Vec<u8>>)> {
        for (index, receiver) in self.offered.iter().enumerate().rev() {
            for (class, keys) in self.classes.iter().filter_map(|class| keys.get_key_value(class)) {
                let mut span = Span::new(*class, keys, sender, receiver);
                let Some(opened) = envelope.open(keys, &span.first_nonce(), route) else { continue };
                self.offered.drain(..=index);
                self.remote = None;
                self.keep_current_for_reading();
                self.current = Some(span);
                return Some((*class, opened));
            }
        }
        None
    }
}
