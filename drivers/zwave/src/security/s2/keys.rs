//! Key derivation with AES-CMAC (SDS13783, "CKDF"): a network key becomes the keys of its class, two entropy inputs
//! become the seed of a nonce generator.

use std::fmt;

use aes::Aes128;
use cmac::{Cmac, KeyInit, Mac};
use zeroize::Zeroizing;

use super::drbg::SEED;
use crate::security::NetworkKey;

/// What goes into the seed from each side: "sender's" and "receiver's entropy input", 16 bytes.
pub type Entropy = [u8; 16];

const CONSTANT_NONCE: [u8; 16] = [0x26; 16];
const CONSTANT_ENTROPY: [u8; 15] = [0x88; 15];
const CONSTANT_NETWORK_KEY: [u8; 15] = [0x55; 15];

/// The keys of one security class. Wiped when dropped; `Debug` shows nothing of them.
#[derive(Clone)]
pub struct ClassKeys {
    /// Encrypts and authenticates messages (AES-CCM).
    pub ccm: Zeroizing<[u8; 16]>,
    /// Personalizes the nonce generators of this class.
    pub personalization: Zeroizing<[u8; SEED]>,
    /// Turns a multicast state into a nonce.
    pub mpan: Zeroizing<[u8; 16]>,
}

impl ClassKeys {
    /// CKDF-NetworkKeyExpand.
    pub fn expand(key: &NetworkKey) -> Self {
        let key = key.expose();
        let t1 = cmac(key, &[&CONSTANT_NETWORK_KEY, &[1]]);
        let t2 = cmac(key, &[&*t1, &CONSTANT_NETWORK_KEY, &[2]]);
        let t3 = cmac(key, &[&*t2, &CONSTANT_NETWORK_KEY, &[3]]);
        let t4 = cmac(key, &[&*t3, &CONSTANT_NETWORK_KEY, &[4]]);
        Self { ccm: t1, personalization: join(&t2, &t3), mpan: t4 }
    }
}

impl fmt::Debug for ClassKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClassKeys(redacted)")
    }
}

/// Mixes both sides' entropy (CKDF-MEI-Extract, then CKDF-MEI-Expand).
pub fn mix_entropy(sender: &Entropy, receiver: &Entropy) -> Zeroizing<[u8; SEED]> {
    let nonce_key = cmac(&CONSTANT_NONCE, &[sender, receiver]);
    let t1 = cmac(&nonce_key, &[&CONSTANT_ENTROPY, &[0], &CONSTANT_ENTROPY, &[1]]);
    let t2 = cmac(&nonce_key, &[&*t1, &CONSTANT_ENTROPY, &[2]]);
    join(&t1, &t2)
}

/// AES-128-CMAC (RFC 4493) over the parts one after the other.
fn cmac(key: &[u8; 16], parts: &[&[u8]]) -> Zeroizing<[u8; 16]> {
    let mut mac = <Cmac<Aes128> as KeyInit>::new(key.into());
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn join(first: &[u8; 16], second: &[u8; 16]) -> Zeroizing<[u8; SEED]> {
    let mut out = Zeroizing::new([0; SEED]);
    out[..16].copy_from_slice(first);
    out[16..].copy_from_slice(second);
    out
}
