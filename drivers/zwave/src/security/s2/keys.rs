//! Key derivation with AES-CMAC (SDS13783, "CKDF"): a network key becomes the keys of its class, two entropy inputs
//! become the seed of a nonce generator.

use std::fmt;

use aes::Aes128;
use cmac::{Cmac, KeyInit, Mac};
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use super::drbg::SEED;
use crate::security::NetworkKey;

/// What goes into the seed from each side: "sender's" and "receiver's entropy input", 16 bytes.
pub type Entropy = [u8; 16];

const CONSTANT_NONCE: [u8; 16] = [0x26; 16];
const CONSTANT_ENTROPY: [u8; 15] = [0x88; 15];
const CONSTANT_NETWORK_KEY: [u8; 15] = [0x55; 15];
const CONSTANT_PRK: [u8; 16] = [0x33; 16];
const CONSTANT_TEMPORARY: [u8; 15] = [0x88; 15];

/// A Curve25519 public key.
pub type PublicKey = [u8; 32];

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

    /// CKDF-TempExtract and CKDF-TempExpand: the keys of two nodes that share an ECDH secret while one of them joins.
    /// There is no multicast under them.
    pub fn temporary(secret: &Zeroizing<[u8; 32]>, including: &PublicKey, joining: &PublicKey) -> Self {
        let key = cmac(&CONSTANT_PRK, &[&**secret, including, joining]);
        let t1 = cmac(&key, &[&CONSTANT_TEMPORARY, &[1]]);
        let t2 = cmac(&key, &[&*t1, &CONSTANT_TEMPORARY, &[2]]);
        let t3 = cmac(&key, &[&*t2, &CONSTANT_TEMPORARY, &[3]]);
        Self { ccm: t1, personalization: join(&t2, &t3), mpan: Zeroizing::default() }
    }
}

/// A node's key pair on Curve25519 (RFC 7748).
pub struct KeyPair(StaticSecret);

impl KeyPair {
    /// From 32 random bytes.
    pub fn new(random: &Zeroizing<[u8; 32]>) -> Self {
        Self(StaticSecret::from(**random))
    }

    /// What the other side is told.
    pub fn public(&self) -> PublicKey {
        x25519_dalek::PublicKey::from(&self.0).to_bytes()
    }

    /// The secret shared with the other side; `None`: the other's key is one of those that share nothing (RFC 7748
    /// section 6.1).
    pub fn agree(&self, other: &PublicKey) -> Option<Zeroizing<[u8; 32]>> {
        let shared = self.0.diffie_hellman(&x25519_dalek::PublicKey::from(*other));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair(redacted)")
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

    /// Made with @zwave-js/core 15.29.0: `deriveSharedECDHSecret`, `computePRK`, `deriveTempKeys`.
    #[test]
    fn two_key_pairs_become_one_temporary_key() {
        let pair = |first: u8| KeyPair::new(&Zeroizing::new(std::array::from_fn(|index| first + index as u8)));
        let (including, joining) = (pair(0x10), pair(0x80));
        let (a, b) = (including.public(), joining.public());
        assert_eq!(a, hex_array("d89e3bad79437dbed9f843418304f460ff05c7fe81fe4a9577a804cb9367ff66"));
        assert_eq!(b, hex_array("493e82fc74464a59268817623d2053c5eb8e2cc4a988b4fee179ec6b010d531d"));
        let secret = including.agree(&b).unwrap();
        assert_eq!(*secret, hex_array("e4b59875ffce45128f49137d01565539d24e319ec3796eda598ed17ceccf7c70"));
        assert_eq!(joining.agree(&a), Some(secret.clone()));
        let keys = ClassKeys::temporary(&secret, &a, &b);
        assert_eq!(*keys.ccm, hex_array("9b34bd4333b00ae076c530d2ad539a46"));
        assert_eq!(
            *keys.personalization,
            hex_array("79cb460991842c9d1cc12c6e101c828f7766e715cfa7d327b9db242c57464c37")
        );
    }

    #[test]
    fn a_public_key_that_shares_nothing_is_refused() {
        assert_eq!(KeyPair::new(&Zeroizing::new([7; 32])).agree(&[0; 32]), None);
    }

    /// Made with @zwave-js/core 15.29.0: `deriveMEI(computeNoncePRK(a0 a1 … af, 10 11 … 1f))`.
    #[test]
    fn the_entropy_of_both_sides_becomes_one_seed() {
        let mixed =
            mix_entropy(&hex_array("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"), &hex_array("101112131415161718191a1b1c1d1e1f"));
        assert_eq!(*mixed, hex_array("2dfd5899e42141f37a7ac2c40ba04adf28369d9b0e2a8ede2be444c37aedf496"));
    }
}
