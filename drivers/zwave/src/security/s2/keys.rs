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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::{hex, hex_array};

    #[test]
    fn cmac_is_that_of_rfc_4493() {
        let key = hex_array("2b7e151628aed2a6abf7158809cf4f3c");
        let message = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
             30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
        let of = |length: usize| *cmac(&key, &[&message[..length]]);
        assert_eq!(of(0), hex_array("bb1d6929e95937287fa37d129b756746"));
        assert_eq!(of(16), hex_array("070a16b46b4d4144f79bdd9dd04a287c"));
        assert_eq!(of(40), hex_array("dfa66747de9ae63030ca32611497c827"));
        assert_eq!(of(64), hex_array("51f0bebf7e3b9d92fc49741779363cfe"));
        assert_eq!(*cmac(&key, &[&message[..7], &message[7..40]]), of(40));
    }

    /// Made with @zwave-js/core 15.29.0: `deriveNetworkKeys(53 53 …)`.
    #[test]
    fn a_network_key_becomes_the_keys_of_its_class() {
        let keys = ClassKeys::expand(&NetworkKey::new([0x53; 16]));
        assert_eq!(*keys.ccm, hex_array("361a227ccc1bcf8a1025a879dd83970f"));
        assert_eq!(*keys.mpan, hex_array("b05d51edfacc00e13b640f0c3d9154ce"));
        assert_eq!(
            *keys.personalization,
            hex_array("1aa5f42178af5d63734665067db0ee1df9e7e25cb80ccdfad6f4dd03965087bd")
        );
        assert_eq!(format!("{keys:?}"), "ClassKeys(redacted)");
    }

    /// Made with @zwave-js/core 15.29.0: `deriveMEI(computeNoncePRK(a0 a1 … af, 10 11 … 1f))`.
    #[test]
    fn the_entropy_of_both_sides_becomes_one_seed() {
        let mixed =
            mix_entropy(&hex_array("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"), &hex_array("101112131415161718191a1b1c1d1e1f"));
        assert_eq!(*mixed, hex_array("2dfd5899e42141f37a7ac2c40ba04adf28369d9b0e2a8ede2be444c37aedf496"));
    }
}
