//! Secrets at rest: XChaCha20-Poly1305, each bound to the place it is kept in, so that a sealed value copied to another
//! row, column or table does not open there.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use keyway_lock::Pin;
use rand::Rng;
use zeroize::Zeroizing;

use super::StoreError;

/// Version of the key, the first byte of every sealed value: a second key can come beside the first one day.
const KEY_VERSION: u8 = 1;
/// Bytes of the nonce, chosen at random: 192 bits never meet again, so no counter has to survive a crash.
const NONCE: usize = 24;
/// PINs are padded to their greatest length, so that the length of the sealed value tells nothing.
const PADDING: u8 = b' ';

/// Where a sealed value is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    /// The row's key, in bytes.
    pub(super) row: &'a [u8],
}

/// Seals and opens with the vault's key.
pub(super) struct Vault(XChaCha20Poly1305);

impl Vault {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&Key::from(*key)))
    }

    /// Seals: key version, nonce, ciphertext with its tag.
    pub(super) fn seal(&self, rng: &mut impl Rng, place: Place<'_>, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let aad = associated(place, KEY_VERSION);
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad })
            .map_err(|_| StoreError::Vault { table: place.table, column: place.column })?;
        let mut bytes = Vec::with_capacity(1 + NONCE + sealed.len());
        bytes.push(KEY_VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens what [`Vault::seal`] made for the same place; what is wrong with it, if it does not open.
    pub(super) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        let (version, rest) = sealed.split_first().ok_or("the sealed value is empty")?;
        if *version != KEY_VERSION {
            return Err("sealed with a key version that is not known here");
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or("the sealed value is too short")?;
        let aad = associated(place, *version);
        self.0
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| "the seal is broken: damaged, moved from another row, or sealed with another key")
    }

    /// Seals a PIN, its length hidden.
    pub(super) fn seal_pin(&self, rng: &mut impl Rng, place: Place<'_>, pin: &Pin) -> Result<Vec<u8>, StoreError> {
        let mut padded = Zeroizing::new([PADDING; Pin::MAX_LEN]);
        for (to, digit) in padded.iter_mut().zip(pin.expose().bytes()) {
            *to = digit;
        }
        self.seal(rng, place, &*padded)
    }

    /// Opens a PIN.
    pub(super) fn open_pin(&self, place: Place<'_>, sealed: &[u8]) -> Result<Pin, &'static str> {
        let padded = self.open(place, sealed)?;
        let text = std::str::from_utf8(&padded).map_err(|_| "is not a PIN")?;
        Pin::new(text.trim_end_matches(char::from(PADDING))).map_err(|_| "is not a PIN")
    }
}

/// Table, column, row and key version, each with its length before it, so that no two places give the same bytes.
fn associated(place: Place<'_>, key_version: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(b"keyway vault 1");
    for part in [place.table.as_bytes(), place.column.as_bytes(), place.row, &[key_version]] {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const PLACE: Place<'_> = Place { table: "access_codes", column: "pin", row: &[1, 2] };

    #[test]
    fn a_sealed_value_opens_in_its_own_place_only() {
        let vault = Vault::new(&[7; 32]);
        let sealed = vault.seal(&mut StdRng::from_seed([1; 32]), PLACE, b"secret").unwrap();
        assert_eq!(**vault.open(PLACE, &sealed).unwrap(), *b"secret");
        assert!(vault.open(Place { table: "slots", ..PLACE }, &sealed).is_err());
        assert!(vault.open(Place { column: "code", ..PLACE }, &sealed).is_err());
        assert!(vault.open(Place { row: &[1, 3], ..PLACE }, &sealed).is_err());
        assert!(Vault::new(&[8; 32]).open(PLACE, &sealed).is_err());
    }

    #[test]
    fn a_flipped_bit_anywhere_breaks_the_seal() {
        let vault = Vault::new(&[7; 32]);
        let sealed = vault.seal(&mut StdRng::from_seed([1; 32]), PLACE, b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(vault.open(PLACE, &damaged).is_err(), "byte {at}");
            assert!(vault.open(PLACE, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_same_pin_is_never_sealed_the_same_way_and_its_length_does_not_show() {
        let (vault, mut rng) = (Vault::new(&[7; 32]), StdRng::from_seed([1; 32]));
        let (short, long) = (Pin::new("0042").unwrap(), Pin::new("0123456789").unwrap());
        let first = vault.seal_pin(&mut rng, PLACE, &short).unwrap();
        let second = vault.seal_pin(&mut rng, PLACE, &short).unwrap();
        let third = vault.seal_pin(&mut rng, PLACE, &long).unwrap();
        assert_ne!(first, second);
        assert_eq!(first.len(), third.len());
        assert_eq!(vault.open_pin(PLACE, &first).unwrap(), short);
        assert_eq!(vault.open_pin(PLACE, &third).unwrap(), long);
    }
}
