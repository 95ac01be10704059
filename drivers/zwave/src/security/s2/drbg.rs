//! CTR_DRBG over AES-128 without derivation function (NIST SP 800-90A section 10.2.1), as Security 2 uses it for its
//! nonces (SDS13783, "SPAN NextNonce generator"). No additional input and no reseed counter: a SPAN is renewed by
//! a new one.

use std::fmt;

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

const BLOCK: usize = 16;

/// Length of seed and personalization string in bytes.
pub const SEED: usize = 32;

/// The generator. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct CtrDrbg {
    key: Zeroizing<[u8; BLOCK]>,
    counter: Zeroizing<[u8; BLOCK]>,
}

impl CtrDrbg {
    /// Instantiates it from full-entropy input and a personalization string (all zero for none).
    pub fn new(entropy: &[u8; SEED], personalization: &[u8; SEED]) -> Self {
        let mut seed = Zeroizing::new(*entropy);
        xor(&mut *seed, personalization);
        let mut drbg = Self { key: Zeroizing::default(), counter: Zeroizing::default() };
        drbg.update(&seed);
        drbg
    }

    /// The next `N` bytes; each call steps the state once, however many bytes are taken.
    pub fn generate<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(BLOCK) {
            let block = self.next_block();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        self.update(&[0; SEED]);
        out
    }

    fn update(&mut self, provided: &[u8; SEED]) {
        let mut state = Zeroizing::new([0; SEED]);
        state[..BLOCK].copy_from_slice(&*self.next_block());
        state[BLOCK..].copy_from_slice(&*self.next_block());
        xor(&mut *state, provided);
        self.key.copy_from_slice(&state[..BLOCK]);
        self.counter.copy_from_slice(&state[BLOCK..]);
    }

    fn next_block(&mut self) -> Zeroizing<[u8; BLOCK]> {
        *self.counter = u128::from_be_bytes(*self.counter).wrapping_add(1).to_be_bytes();
        let mut block = (*self.counter).into();
        Aes128::new((&*self.key).into()).encrypt_block(&mut block);
        Zeroizing::new(block.into())
    }
}

impl fmt::Debug for CtrDrbg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CtrDrbg(redacted)")
    }
}

fn xor(into: &mut [u8], from: &[u8]) {
    for (into, from) in into.iter_mut().zip(from) {
        *into ^= from;
    }
}
