//! Signatures as Svix makes them, which Seam's SDKs verify.
//!
//! Source: <https://docs.svix.com/receiving/verifying-payloads/how-manual>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::model::WebhookSecret;

/// Bytes of a block of SHA-256, to which HMAC fills a shorter key up with zeros.
const BLOCK: usize = 64;

/// `v1,` and the base64 of HMAC-SHA-256 over `<id>.<timestamp>.<body>`; the timestamp in seconds since 1970.
pub(super) fn sign(secret: &WebhookSecret, id: &str, timestamp: i64, body: &str) -> String {
    let mut key = Zeroizing::new([0; BLOCK]);
    key[..WebhookSecret::LENGTH].copy_from_slice(secret.expose());
    let mut mac = Hmac::<Sha256>::new((&*key).into());
    for part in [id, ".", &timestamp.to_string(), ".", body] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with the official `svix` 1.99.1 of PyPI and of npm, which agree; the first is in their documentation.
    #[test]
    fn signatures_are_those_of_the_official_library() {
        let secret: [u8; 24] = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap().try_into().unwrap();
        let secret = WebhookSecret::new(secret);
        let vectors = [
            (
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "0193a1b2-0000-7000-8000-000000000001",
                1_800_000_000,
                r#"{"event_type":"access_grant.created","name":"Zoë"}"#,
                "v1,PdlDzZx0g7qyh8L8cc/h/nCnRk2TlA2/M1Q4xjjUnfA=",
            ),
        ];
        for (id, timestamp, body, signature) in vectors {
            assert_eq!(sign(&secret, id, timestamp, body), signature);
        }
    }
}
