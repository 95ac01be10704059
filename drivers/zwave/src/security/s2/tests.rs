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
        ..NetworkKeys::default()
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

/// Both sides with a SPAN that has been used in both directions.
fn pair() -> (S2, S2) {
    let (mut hub, mut lock) = (hub(1), lock(2));
    fetch_nonce(&mut hub, &mut lock);
    say(&mut hub, &mut lock, &[0x20, 0x01, 0]);
    say(&mut lock, &mut hub, &[0x20, 0x03, 0]);
    (hub, lock)
}

/// One side sends, the other one reads.
fn say(from: &mut S2, to: &mut S2, bytes: &[u8]) {
    let frame = from.encapsulate(to.own, AC, bytes).unwrap();
    assert_eq!(give(from, to, &frame), command(AC, bytes));
}

#[test]
fn a_repeated_frame_is_passed_over_and_does_not_step_the_nonces() {
    let (mut hub, mut lock) = pair();
    let frame = hub.encapsulate(lock.own, AC, &[1]).unwrap();
    assert_eq!(give(&hub, &mut lock, &frame), command(AC, &[1]));
    let next = hub.encapsulate(lock.own, AC, &[2]).unwrap();
    for _ in 0..10 {
        assert_eq!(give(&hub, &mut lock, &frame), S2Event::Ignored("the same frame again"));
    }
    assert_eq!(give(&hub, &mut lock, &next), command(AC, &[2]));
    assert_eq!(give(&hub, &mut lock, &frame), S2Event::Ignored("the same frame again"));
    say(&mut lock, &mut hub, &[3]);
}

#[test]
fn another_frame_with_the_number_of_the_last_one_is_a_repetition_too() {
    let (mut hub, mut lock) = pair();
    let get = hub.nonce_get(lock.own);
    reply(give(&hub, &mut lock, &get));
    assert_eq!(
        give(&hub, &mut lock, &[CLASS, MESSAGE_ENCAPSULATION, get[2], 0]),
        S2Event::Ignored("the same frame again")
    );
}

#[test]
fn a_hub_that_forgot_everything_answers_what_it_cannot_read_and_is_sent_it_again() {
    let (_, mut lock) = pair();
    let mut hub = hub(9);
    let lost = lock.encapsulate(hub.own, AC, &[0x71, 5]).unwrap();
    let report = reply(give(&lock, &mut hub, &lost));
    assert_eq!((report.len(), &report[..2], report[3]), (20, &[CLASS, NONCE_REPORT][..], SPAN_OUT_OF_SYNC));
    assert_eq!(give(&hub, &mut lock, &report), S2Event::OutOfSync);
    say(&mut lock, &mut hub, &[0x71, 5]);
    say(&mut hub, &mut lock, &[0x62, 2]);
}

#[test]
fn a_lock_that_forgot_everything_tells_the_hub_that_its_message_was_not_read() {
    let (mut hub, _) = pair();
    let mut lock = lock(9);
    let lost = hub.encapsulate(lock.own, AC, &[0x63, 1]).unwrap();
    let report = reply(give(&hub, &mut lock, &lost));
    assert_eq!(give(&lock, &mut hub, &report), S2Event::OutOfSync);
    say(&mut hub, &mut lock, &[0x63, 1]);
    say(&mut lock, &mut hub, &[0x63, 3]);
}

#[test]
fn a_lock_that_forgot_everything_may_ask_first() {
    let (mut hub, _) = pair();
    let mut lock = lock(9);
    fetch_nonce(&mut lock, &mut hub);
    assert!(!hub.is_ready(lock.own), "the lock has no SPAN");
    say(&mut lock, &mut hub, &[0x71, 5]);
    say(&mut hub, &mut lock, &[0x62, 2]);
}

#[test]
fn nonce_gets_that_cross_lead_to_messages_that_both_can_read() {
    let (mut hub, mut lock) = (hub(1), lock(2));
    let (hub_asks, lock_asks) = (hub.nonce_get(lock.own), lock.nonce_get(hub.own));
    let from_lock = reply(give(&hub, &mut lock, &hub_asks));
    let from_hub = reply(give(&lock, &mut hub, &lock_asks));
    assert_eq!(give(&lock, &mut hub, &from_lock), S2Event::NonceReceived);
    assert_eq!(give(&hub, &mut lock, &from_hub), S2Event::NonceReceived);
    let hub_says = hub.encapsulate(lock.own, AC, &[1]).unwrap();
    let lock_says = lock.encapsulate(hub.own, AC, &[2]).unwrap();
    assert_eq!(give(&hub, &mut lock, &hub_says), command(AC, &[1]));
    assert_eq!(give(&lock, &mut hub, &lock_says), command(AC, &[2]));
    for round in 0..3 {
        say(&mut hub, &mut lock, &[3, round]);
        say(&mut lock, &mut hub, &[4, round]);
    }
}

#[test]
fn messages_that_cross_are_read_by_both() {
    let (mut hub, mut lock) = pair();
    let hub_says = hub.encapsulate(lock.own, AC, &[1]).unwrap();
    let lock_says = lock.encapsulate(hub.own, AC, &[2]).unwrap();
    assert_eq!(give(&hub, &mut lock, &hub_says), command(AC, &[1]));
    assert_eq!(give(&lock, &mut hub, &lock_says), command(AC, &[2]));
    say(&mut hub, &mut lock, &[3]);
    say(&mut lock, &mut hub, &[4]);
}

#[test]
fn lost_messages_within_the_tolerance_cost_nothing() {
    let (mut hub, mut lock) = pair();
    for _ in 0..5 {
        hub.encapsulate(lock.own, AC, &[1]).unwrap();
    }
    say(&mut lock, &mut hub, &[2]);
    say(&mut hub, &mut lock, &[3]);
    say(&mut lock, &mut hub, &[4]);
}

#[test]
fn a_late_answer_to_a_nonce_get_that_was_sent_again_is_not_taken_for_a_cry_for_help() {
    let (mut hub, mut lock) = (hub(1), lock(2));
    let (first, second) = (hub.nonce_get(lock.own), hub.nonce_get(lock.own));
    let answers = [reply(give(&hub, &mut lock, &first)), reply(give(&hub, &mut lock, &second))];
    assert_eq!(give(&lock, &mut hub, &answers[0]), S2Event::NonceReceived);
    let message = hub.encapsulate(lock.own, AC, &[1]).unwrap();
    assert_eq!(give(&lock, &mut hub, &answers[1]), S2Event::NonceReceived);
    assert_eq!(give(&hub, &mut lock, &message), command(AC, &[1]));
    say(&mut lock, &mut hub, &[2]);
    say(&mut hub, &mut lock, &[3]);
}

#[test]
fn a_nonce_get_that_was_lost_is_forgotten_once_the_peer_has_read_us() {
    let (mut hub, mut old) = (hub(1), lock(2));
    hub.nonce_get(old.own);
    fetch_nonce(&mut hub, &mut old);
    say(&mut hub, &mut old, &[1]);
    say(&mut old, &mut hub, &[2]);
    let mut lock = lock(9);
    let lost = hub.encapsulate(lock.own, AC, &[3]).unwrap();
    let report = reply(give(&hub, &mut lock, &lost));
    assert_eq!(give(&lock, &mut hub, &report), S2Event::OutOfSync);
}

#[test]
fn another_class_needs_a_nonce_of_its_own() {
    let (mut hub, mut lock) = pair();
    assert_eq!(hub.encapsulate(lock.own, AUTHENTICATED, &[1]), Err(S2Error::NeedsNonce));
    fetch_nonce(&mut hub, &mut lock);
    let frame = hub.encapsulate(lock.own, AUTHENTICATED, &[1]).unwrap();
    assert_eq!(give(&hub, &mut lock, &frame), command(AUTHENTICATED, &[1]));
    let frame = lock.encapsulate(hub.own, AUTHENTICATED, &[2]).unwrap();
    assert_eq!(give(&lock, &mut hub, &frame), command(AUTHENTICATED, &[2]));
}

#[test]
fn only_classes_that_were_granted_and_have_a_key_are_spoken() {
    let mut hub = hub(1);
    let lock = id(2);
    assert_eq!(hub.highest_class(lock), Some(AC));
    assert_eq!(hub.encapsulate(id(3), AC, &[1]), Err(S2Error::UnknownPeer(id(3))));
    for class in [SecurityClass::S0, SecurityClass::S2Unauthenticated] {
        assert_eq!(hub.encapsulate(lock, class, &[1]), Err(S2Error::NoKey(class)));
    }
    hub.remove_peer(lock);
    assert_eq!(hub.highest_class(lock), None);
    let mut keyless = S2::new(id(1), HOME, &NetworkKeys { s2_access_control: None, ..keys() }, [1; 32]);
    keyless.add_peer(lock, &[AC, AUTHENTICATED]);
    assert_eq!(keyless.highest_class(lock), Some(AUTHENTICATED));
    keyless.add_peer(lock, &[AC]);
    assert_eq!(keyless.highest_class(lock), None);
    let get = [CLASS, NONCE_GET, 1];
    let ignored = S2Event::Ignored("no Security 2 class is shared with this node");
    assert_eq!(keyless.handle(start(), lock, &get, false), [ignored]);
}

#[test]
fn a_message_under_a_class_that_was_not_granted_is_not_read() {
    let (mut hub, mut lock) = (hub(1), lock(2));
    hub.add_peer(lock.own, &[AUTHENTICATED]);
    fetch_nonce(&mut lock, &mut hub);
    let frame = lock.encapsulate(hub.own, AC, &[1]).unwrap();
    reply(give(&lock, &mut hub, &frame));
}

#[test]
fn a_multicast_is_passed_over_and_what_is_not_ours_handed_on() {
    let (mut hub, mut lock) = pair();
    let frame = lock.encapsulate(hub.own, AC, &[1]).unwrap();
    let ignored = S2Event::Ignored("a multicast, for which no nonces are kept");
    assert_eq!(hub.handle(start(), lock.own, &frame, true), [ignored]);
    assert_eq!(give(&lock, &mut hub, &frame), command(AC, &[1]));
    assert_eq!(give(&lock, &mut hub, &[CLASS, 0x04]), S2Event::Other(vec![CLASS, 0x04]));
    assert_eq!(give(&lock, &mut hub, &[0x98, 0x40]), S2Event::Ignored("not a Security 2 command"));
}

#[test]
fn a_message_without_a_command_steps_the_nonces_all_the_same() {
    let (mut hub, mut lock) = pair();
    let empty = hub.encapsulate(lock.own, AC, &[]).unwrap();
    assert_eq!(give(&hub, &mut lock, &empty), S2Event::Ignored("a message without a command"));
    say(&mut lock, &mut hub, &[1]);
}

#[test]
fn a_command_that_no_frame_holds_is_refused_before_a_nonce_is_spent() {
    let (mut hub, mut lock) = pair();
    assert_eq!(hub.encapsulate(lock.own, AC, &[0; 4000]), Err(S2Error::TooLong));
    say(&mut hub, &mut lock, &[1]);
}

#[test]
fn no_key_or_command_is_shown() {
    let (hub, _) = pair();
    assert_eq!(format!("{hub:?}"), "S2 { own: NodeId(1), .. }");
    assert_eq!(format!("{:?}", command(AC, b"4711")), "Command(S2AccessControl, 4 bytes)");
}
