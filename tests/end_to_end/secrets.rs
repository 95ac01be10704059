//! PINs and keys are nowhere but in answers to the host, in the lock, and sealed in the database (I10).

use std::fmt::Write;

use keyway_test_support::{Hub, SOON, Setup, Signal, World};
use serde_json::json;

use crate::{FRONT_DOOR, KEYWAY};

const REQUESTED: &str = "83916204";
const BY_HAND: &str = "59284716";

#[test]
fn no_pin_and_no_key_is_in_a_log_a_topic_or_a_file() {
    let mut world = World::new(KEYWAY);
    let (client, stick) = (&world.client, &world.stick);
    stick.by_hand(FRONT_DOOR, 20, Some(BY_HAND));
    client.event("access_code.unmanaged.created", SOON, |_| true);
    let chosen = client.grant(&[&world.devices[0], &world.devices[1]], -1.0, 600.0);
    let requested = client.grant_by(&[&world.devices[0]], -1.0, 600.0, json!({"mode": "code", "code": REQUESTED}));
    for grant in [&chosen, &requested] {
        stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
        assert!(stick.type_code(FRONT_DOOR, &grant.pin));
    }
    client.event("lock.unlocked", SOON, |_| true);
    // Errors and bytes that make no sense must not show what they hold either.
    client.refused("access_grants/create", json!({"device_ids": REQUESTED, "code": REQUESTED}));
    let topic = format!("{}/request/access_grants/create", client.base());
    client.try_request_raw(&topic, format!("{{\"code\": \"{REQUESTED}").into_bytes(), SOON);
    stick.order(json!({"stick": {"garble_every": 50}}));
    client.ask("access_grants/delete", json!({"access_grant_id": requested.id}));
    stick.wait_for_no_code(FRONT_DOOR, REQUESTED, SOON * 3);
    let later = client.grant_by(&[&world.devices[0]], -1.0, 600.0, json!({"mode": "code", "code": "70415938"}));
    stick.wait_for_code(FRONT_DOOR, &later.pin, SOON * 3);
    stick.order(json!({"stick": {"garble_every": 0}}));

    let setup = Setup::two_doors();
    let texts = [&chosen.pin, &later.pin, REQUESTED, BY_HAND, Hub::PASSWORD];
    let mut secrets: Vec<Secret> = texts.into_iter().map(Secret::text).collect();
    secrets.extend(setup.keys().map(Secret::key));

    // Running first: what is not yet in the database's main file is in its log. Then at rest.
    no_file_holds(&world, &secrets);
    world.hub.end(Signal::Terminate);
    no_file_holds(&world, &secrets);
    for message in world.client.messages().iter().filter(|message| !message.topic.starts_with("answers/")) {
        // The requests themselves are ours.
        if message.topic.contains("/request/") {
            continue;
        }
        for secret in &secrets {
            assert!(!secret.is_in_text(&String::from_utf8_lossy(&message.payload)), "{} holds a secret", message.topic);
        }
    }
    let lines = world.hub.log().lines();
    assert!(lines.iter().any(|line| line.contains("TRACE")), "the log is at its loudest");
    secrets.push(Secret::text(world.hub.local_key()));
    for line in lines {
        for secret in &secrets {
            assert!(!secret.is_in_text(&line), "a secret is in the log: {line}");
        }
    }
}

fn no_file_holds(world: &World, secrets: &[Secret]) {
    let mut databases = 0;
    for file in world.hub.files() {
        let bytes = std::fs::read(&file).unwrap();
        databases += usize::from(bytes.starts_with(b"SQLite format 3"));
        for secret in secrets {
            assert!(!secret.is_in_bytes(&bytes), "{} holds a secret", file.display());
        }
    }
    assert!(databases > 0, "there is a database");
}

/// A secret, and the ways in which it would show.
struct Secret {
    bytes: Vec<u8>,
    texts: Vec<String>,
}

impl Secret {
    fn text(text: impl AsRef<str>) -> Self {
        let mut secret = Self::of(text.as_ref().as_bytes().to_vec());
        secret.texts.push(text.as_ref().to_owned());
        secret
    }

    fn key(hexadecimal: &str) -> Self {
        let byte = |at: usize| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap();
        Self::of((0..hexadecimal.len()).step_by(2).map(byte).collect())
    }

    /// As `{:?}` of bytes and as hexadecimal, with and without gaps.
    fn of(bytes: Vec<u8>) -> Self {
        let join = |separator: &str, format: fn(&mut String, u8)| {
            let mut text = String::new();
            for (index, byte) in bytes.iter().enumerate() {
                if index > 0 {
                    text.push_str(separator);
                }
                format(&mut text, *byte);
            }
            text
        };
        let decimal = |text: &mut String, byte: u8| _ = write!(text, "{byte}");
        let hexadecimal = |text: &mut String, byte: u8| _ = write!(text, "{byte:02x}");
        let prefixed = |text: &mut String, byte: u8| _ = write!(text, "0x{byte:02x}");
        let texts = vec![
            join(", ", decimal),
            join(" ", decimal),
            join("", hexadecimal),
            join(" ", hexadecimal),
            join(":", hexadecimal),
            join(", ", hexadecimal),
            join(", ", prefixed),
        ];
        Self { bytes, texts }
    }

    fn is_in_text(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.texts.iter().any(|secret| text.contains(secret))
    }

    fn is_in_bytes(&self, bytes: &[u8]) -> bool {
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        holds(&self.bytes) || self.texts.iter().any(|text| holds(text.as_bytes()))
    }
}

#[test]
fn the_search_for_secrets_finds_them() {
    let pin = Secret::text("4711");
    for text in ["code=4711", "[52, 55, 49, 49]", "63 01 34 37 31 31", "0x34, 0x37, 0x31, 0x31"] {
        assert!(pin.is_in_text(text), "{text}");
    }
    let key = Secret::key("9f51c0d3");
    assert!(key.is_in_text("Key(9F51C0D3)") && key.is_in_text("[159, 81, 192, 211]"));
    assert!(key.is_in_bytes(&[1, 0x9f, 0x51, 0xc0, 0xd3, 2]));
    assert!(!key.is_in_text("9f51c0"));
}
