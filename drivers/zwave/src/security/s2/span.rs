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
