//! Keys of those who ask over HTTP.

use rand::Rng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{ApiKeyId, Role, Timestamp};

/// A key, without its secret: that is only with who was given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Id.
    pub api_key_id: ApiKeyId,
    /// Whose it is, or what for; unique. Stands in the events of what is done with it.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last asked with, to the minute; `None`: never.
    pub last_used_at: Option<Timestamp>,
}

/// A key as it is shown, once, to who will ask with it.
pub struct ApiToken(Zeroizing<String>);

impl ApiToken {
    /// Seam's clients take only keys that begin so, and none that go on with `at`, `cst` or `pk`.
    const PREFIX: &str = "seam_kw_";

    /// A new one, of 160 random bits.
    pub fn generate(rng: &mut impl Rng) -> Self {
        let mut random = Zeroizing::new([0; 20]);
        rng.fill_bytes(&mut *random);
        let mut text = Zeroizing::new(String::with_capacity(Self::PREFIX.len() + 2 * random.len()));
        text.push_str(Self::PREFIX);
        for byte in random.iter() {
            text.extend([byte >> 4, byte & 0xf].iter().filter_map(|digit| char::from_digit((*digit).into(), 16)));
        }
        Self(text)
    }

    /// The text, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A key's SHA-256: all that is kept of it. It needs no salt and no slow hash, since a key is no password: nobody can
/// try 2^160 of them. Nor need it be compared in constant time: who measures how far a look-up got learns digits of
/// the hash of what he sent, and can't choose what hash the next thing that he sends has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// Of a key as a client shows it.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_key_is_one_that_seams_clients_take_and_never_the_same() {
        let mut rng = StdRng::from_seed([1; 32]);
        let (first, second) = (ApiToken::generate(&mut rng), ApiToken::generate(&mut rng));
        assert!(first.expose() != second.expose());
        let rest = first.expose().strip_prefix("seam_").unwrap();
        assert!(["at", "cst", "pk"].iter().all(|wrong| !rest.starts_with(wrong)));
        assert_eq!(rest.len(), "kw_".len() + 40);
        assert!(rest.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()));
        assert!(KeyHash::of(first.expose()) != KeyHash::of(second.expose()));
    }
}
