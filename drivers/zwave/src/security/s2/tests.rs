//! Two nodes with Security 2 talking to each other.

use super::*;
use crate::security::NetworkKey;

const HOME: u32 = 0xC0FF_EE01;
const AC: SecurityClass = SecurityClass::S2AccessControl;
const AUTHENTICATED: SecurityClass = SecurityClass::S2Authenticated;

fn id(id: u16) -> NodeId {
    NodeId::new(id).unwrap()
}

fn keys() -> NetworkKeys {
    NetworkKeys {
        s0: Some(NetworkKey::new([0x50; 16])),
        s2_unauthenticated: Some(NetworkKey::new([0x51; 16])),
        s2_authenticated: Some(NetworkKey::new([0x52; 16])),
        s2_access_control: Some(NetworkKey::new([0x53; 16])),
    }
}

fn node(own: NodeId, peer: NodeId, entropy: u8) -> S2 {
    let mut s2 = S2::new(own, HOME, &keys(), [entropy; 32]);
    s2.add_peer(peer, &[SecurityClass::S0, AUTHENTICATED, AC]);
    s2
}

fn hub(entropy: u8) -> S2 {
    node(id(1), id(2), entropy)
}

fn lock(entropy: u8) -> S2 {
    node(id(2), id(1), entropy)
}

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn start() -> Instant {
    Instant::now()
}

/// What a singlecast frame of `from` means to `to`.
fn give(from: &S2, to: &mut S2, frame: &[u8]) -> S2Event {
    let mut events = to.handle(start(), from.own, frame, false);
    assert_eq!(events.len(), 1);
    events.remove(0)
}

fn reply(event: S2Event) -> Vec<u8> {
    match event {
        S2Event::Reply(frame) => frame,
        other => panic!("{other:?}"),
    }
}

fn command(class: SecurityClass, bytes: &[u8]) -> S2Event {
    S2Event::Command { class, command: Zeroizing::new(bytes.to_vec()) }
}

/// Gives `to` a nonce of `from`.
fn fetch_nonce(to: &mut S2, from: &mut S2) {
    let get = to.nonce_get(from.own);
    let report = reply(give(to, from, &get));
    assert_eq!(give(from, to, &report), S2Event::NonceReceived);
}

#[test]
fn after_one_exchange_of_nonces_both_sides_send_without_asking() {
    let (mut hub, mut lock) = (hub(1), lock(2));
    assert!(!hub.is_ready(lock.own));
    assert_eq!(hub.encapsulate(lock.own, AC, &[1]), Err(S2Error::NeedsNonce));
    fetch_nonce(&mut hub, &mut lock);
    assert!(hub.is_ready(lock.own));
    for round in 0..20 {
        let get = hub.encapsulate(lock.own, AC, &[0x63, 2, round]).unwrap();
        assert_eq!(give(&hub, &mut lock, &get), command(AC, &[0x63, 2, round]));
        let report = lock.encapsulate(hub.own, AC, &[0x63, 3, round]).unwrap();
        assert_eq!(give(&lock, &mut hub, &report), command(AC, &[0x63, 3, round]));
    }
}
