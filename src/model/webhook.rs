//! Who is told of events over HTTP, and how that goes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;
use zeroize::Zeroizing;

use super::{EventType, Timestamp, WebhookId};

/// An address that events are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Id.
    pub webhook_id: WebhookId,
    /// Where events go: `http://` or `https://`.
    pub url: String,
    /// Which events it wants.
    pub events: EventChoice,
    /// Signs what is sent.
    pub secret: WebhookSecret,
    /// When it was made; it is told of what happened since.
    pub created_at: Timestamp,
    /// How sending goes.
    pub delivery: Delivery,
}

/// Which events a webhook wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventChoice {
    /// Every one, also of types that later releases bring.
    All,
    /// Those of these types.
    Only(Vec<EventType>),
}

impl EventChoice {
    /// Whether it wants events of this type.
    pub fn wants(&self, event_type: EventType) -> bool {
        match self {
            Self::All => true,
            Self::Only(types) => types.contains(&event_type),
        }
    }
}

/// How sending to a webhook goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Attempts that failed in a row; 0: all is well.
    pub failures: u32,
    /// When it is tried again; `None`: as soon as there is something to send.
    pub next_attempt_at: Option<Timestamp>,
    /// When an event was last taken.
    pub last_delivered_at: Option<Timestamp>,
    /// The last failure.
    pub last_failure: Option<DeliveryFailure>,
    /// Events that were given up, over all its life.
    pub given_up: u64,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// When.
    pub at: Timestamp,
    /// Why, in plain words. Never the URL: it may hold a token.
    pub reason: String,
}

/// The key that a webhook's deliveries are signed with, as Svix writes it: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Zeroizing<[u8; Self::LENGTH]>);

impl WebhookSecret {
    /// Bytes of a secret, as many as Svix makes.
    pub const LENGTH: usize = 24;
    const PREFIX: &str = "whsec_";

    /// From its bytes.
    pub fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A fresh one.
    pub fn generate(rng: &mut impl Rng) -> Self {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        rng.fill_bytes(&mut *bytes);
        Self(bytes)
    }

    /// The bytes that are the key.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// As the receiver needs it.
    pub fn expose_text(&self) -> String {
        format!("{}{}", Self::PREFIX, STANDARD.encode(self.0.as_slice()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_secret_is_written_as_svix_writes_it_and_never_shown() {
        let secret = WebhookSecret::generate(&mut StdRng::from_seed([1; 32]));
        let text = secret.expose_text();
        assert_eq!(text.len(), 6 + 32);
        assert_eq!(STANDARD.decode(text.strip_prefix("whsec_").unwrap()).unwrap(), secret.expose());
        assert_eq!(format!("{secret:?}"), "WebhookSecret(redacted)");
    }
}
