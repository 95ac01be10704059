//! The singlecast pre-agreed nonces of two nodes: both run the same generator and take turns with it
//! (SDS13783, "SPAN management").

use std::collections::VecDeque;
use std::fmt;

use super::drbg::CtrDrbg;
use super::keys::{ClassKeys, Entropy, mix_entropy};
use crate::security::SecurityClass;

/// What AES-CCM takes: the first 13 bytes of what the generator gives.
pub(super) type Nonce = [u8; 13];

/// How many messages of the peer may have been lost before the one that is read (SDS13783, "Tolerance of missing
/// frames": up to 5), and how many of ours it may not have read when it sent.
const TOLERANCE: usize = 5;

/// A generator that both sides hold.
pub(super) struct Span {
    /// Class of the keys it was made with, and of every message under it.
    pub(super) class: SecurityClass,
    generator: CtrDrbg,
    /// Nonces we sent with, oldest first. A peer that did not read those messages, or had sent before they came, is
    /// still at one of them. None is ever accepted twice.
    sent: VecDeque<Nonce>,
}

impl Span {
    /// Agrees on a generator. `sender` is the entropy of the side that sends the first message.
    pub(super) fn new(class: SecurityClass, keys: &ClassKeys, sender: &Entropy, receiver: &Entropy) -> Self {
        let generator = CtrDrbg::new(&mix_entropy(sender, receiver), &keys.personalization);
        Self { class, generator, sent: VecDeque::new() }
    }

    /// The nonce that the peer began the SPAN with, if it was the one to begin it.
    pub(super) fn first_nonce(&mut self) -> Nonce {
        step(&mut self.generator)
    }

    /// The nonce for the next message to the peer.
    pub(super) fn next_nonce(&mut self) -> Nonce {
        let nonce = step(&mut self.generator);
        if self.sent.len() == TOLERANCE {
            self.sent.pop_front();
        }
        self.sent.push_back(nonce);
        nonce
    }

    /// Reads a message of the peer, whichever nonce within the tolerance it was sent with. If none fits, nothing has
    /// changed.
    pub(super) fn read<T>(&mut self, mut open: impl FnMut(&Nonce) -> Option<T>) -> Option<(T, Progress)> {
        for behind in 0..self.sent.len() {
            if let Some(opened) = open(&self.sent[behind]) {
                self.sent.drain(..=behind);
                return Some((opened, Progress::Behind));
            }
        }
        let mut ahead = self.generator.clone();
        for _ in 0..=TOLERANCE {
            if let Some(opened) = open(&step(&mut ahead)) {
                self.generator = ahead;
                self.sent.clear();
                return Some((opened, Progress::Level));
            }
        }
        None
    }
}

/// Where the peer was when it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It had not read what we sent last.
    Behind,
    /// It had read all we sent.
    Level,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span").field("class", &self.class).finish_non_exhaustive()
    }
}

fn step(generator: &mut CtrDrbg) -> Nonce {
    let [nonce @ .., _, _, _] = generator.generate::<16>();
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::{NetworkKey, hex_array};

    fn span() -> Span {
        let keys = ClassKeys::expand(&NetworkKey::new([0x53; 16]));
        let sender = hex_array("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
        let receiver = hex_array("101112131415161718191a1b1c1d1e1f");
        Span::new(SecurityClass::S2AccessControl, &keys, &sender, &receiver)
    }

    /// Reads a message that was sent with `nonce`.
    fn read(span: &mut Span, nonce: Nonce) -> Option<Progress> {
        span.read(|tried| (*tried == nonce).then_some(())).map(|((), progress)| progress)
    }

    /// Made with @zwave-js/core 15.29.0: `initializeSPAN`, then `nextNonce` three times.
    #[test]
    fn the_nonces_are_those_that_zwave_js_makes() {
        let mut span = span();
        assert_eq!(span.next_nonce(), hex_array("ed54b0140ecddfe2d6608faa64"));
        assert_eq!(span.next_nonce(), hex_array("403e14b259f7afbc568d56bdb9"));
        assert_eq!(span.next_nonce(), hex_array("9b56ca85c396a9150ded05f529"));
    }

    #[test]
    fn five_lost_messages_are_tolerated_and_six_are_not() {
        let (mut ours, mut theirs) = (span(), span());
        let nonces: Vec<Nonce> = (0..7).map(|_| theirs.next_nonce()).collect();
        assert_eq!(read(&mut ours, nonces[6]), None);
        assert_eq!(read(&mut ours, nonces[5]), Some(Progress::Level));
        assert_eq!(read(&mut ours, nonces[6]), Some(Progress::Level));
    }

    #[test]
    fn messages_that_cross_on_the_air_are_read_by_both_and_no_nonce_is_taken_twice() {
        let (mut ours, mut theirs) = (span(), span());
        let (from_us, from_them) = (ours.next_nonce(), theirs.next_nonce());
        assert_eq!(from_us, from_them);
        assert_eq!(read(&mut ours, from_them), Some(Progress::Behind));
        assert_eq!(read(&mut theirs, from_us), Some(Progress::Behind));
        assert_eq!(read(&mut ours, from_them), None);
        assert_eq!(ours.next_nonce(), theirs.next_nonce());
    }

    #[test]
    fn a_peer_that_missed_our_messages_is_still_read() {
        let (mut ours, mut theirs) = (span(), span());
        for _ in 0..3 {
            ours.next_nonce();
        }
        assert_eq!(read(&mut ours, theirs.next_nonce()), Some(Progress::Behind));
        assert_eq!(read(&mut ours, theirs.next_nonce()), Some(Progress::Behind));
        assert_eq!(read(&mut theirs, ours.next_nonce()), Some(Progress::Level));
        assert_eq!(read(&mut ours, theirs.next_nonce()), Some(Progress::Level));
    }
}
