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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::hex_array;

    /// Instantiate, reseed, generate 512 bits twice; the second time is compared (CAVP DRBG test procedure).
    fn drbg_vector(entropy: &str, personalization: &str, reseed: &str, returned: &str) {
        let mut drbg = CtrDrbg::new(&hex_array(entropy), &hex_array(personalization));
        drbg.update(&hex_array(reseed));
        drbg.generate::<64>();
        assert_eq!(drbg.generate(), hex_array::<64>(returned));
    }

    /// NIST CAVP drbgvectors_pr_false, CTR_DRBG.rsp, "AES-128 no df", no additional input.
    #[test]
    fn it_passes_the_vectors_of_nist() {
        let none = "0000000000000000000000000000000000000000000000000000000000000000";
        drbg_vector(
            "ed1e7f21ef66ea5d8e2a85b9337245445b71d6393a4eecb0e63c193d0f72f9a9",
            none,
            "303fb519f0a4e17d6df0b6426aa0ecb2a36079bd48be47ad2a8dbfe48da3efad",
            "f80111d08e874672f32f42997133a5210f7a9375e22cea70587f9cfafebe0f6a
             6aa2eb68e7dd9164536d53fa020fcab20f54caddfab7d6d91e5ffec1dfd8deaa",
        );
        drbg_vector(
            "eab5a9f23ceac9e4195e185c8cea549d6d97d03276225a7452763c396a7f70bf",
            none,
            "4258765c65a03af92fc5816f966f1a6644a6134633aad2d5d19bd192e4c1196a",
            "2915c9fabfbf7c62d68d83b4e65a239885e809ceac97eb8ef4b64df59881c277
             d3a15e0e15b01d167c49038fad2f54785ea714366d17bb2f8239fd217d7e1cba",
        );
        drbg_vector(
            "34cbc2b217f3d907fa2ad6a0d7a813b0fda1e17fbeed94b0e0a0abfbec947146",
            "e8fa4c5de825791e68180f2ba107e829c48299cb01be939cd0be76da120a91f2",
            "8326f8e9cfbd02eb076bbb9819d96a02386f80bf913c8e4a80361d82cafad52e",
            "52f5e718bf48d99e498775c00378e545799bb2059aef0b74be573d8283f02b52
             93917913bc8f26fc23760a1c86c3f5c844857419868eafeb17c9248227d026b8",
        );
        drbg_vector(
            "ba811bf491ac4597d79d0f4473208011c5d48575a156d969f071cd5ae5aa4558",
            "0909e7809f076ed3747625cd2b80615875407a133e77d677fdf8d9d378de4fd9",
            "f556c3afea212ff060ed01b7f7f5dbb73f960ea6a3a93f248ae4d2df2bf49948",
            "96eee34e4cfc905be64cf1dc64c6e07f1ceb3bdb745f42332568873b80b11f1a
             1ac6d0d576afefcdd7c70ce6a882ee940463323b51c1633998a809003b947210",
        );
    }

    #[test]
    fn its_state_is_not_shown() {
        assert_eq!(format!("{:?}", CtrDrbg::new(&[7; SEED], &[0; SEED])), "CtrDrbg(redacted)");
    }
}
