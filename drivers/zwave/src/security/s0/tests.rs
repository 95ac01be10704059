//! Two nodes with Security 0 talking to each other.

use super::*;

const KEY: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

fn id(id: u16) -> NodeId {
    NodeId::new(id).unwrap()
}

fn hub() -> S0 {
    S0::new(id(1), &NetworkKey::new(KEY), [1; 32])
}

fn lock() -> S0 {
    S0::new(id(2), &NetworkKey::new(KEY), [2; 32])
}

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn start() -> Instant {
    Instant::now()
}

fn command(bytes: &[u8]) -> S0Event {
    S0Event::Command(Zeroizing::new(bytes.to_vec()))
}

/// The reply in what a frame meant.
fn reply(events: Vec<S0Event>) -> Vec<u8> {
    events
        .into_iter()
        .find_map(|event| match event {
            S0Event::Reply(frame) => Some(frame),
            _ => None,
        })
        .unwrap()
}

/// Gives `to` a nonce of `from`.
fn fetch_nonce(now: Instant, to: &mut S0, from: &mut S0) {
    let report = reply(from.handle(now, to.own, &S0::nonce_get()));
    assert_eq!(to.handle(now, from.own, &report), [S0Event::NonceReceived]);
}

fn one_part(sender: &mut S0, bytes: &[u8]) -> S0Part {
    let mut parts = sender.split(bytes, 46);
    assert_eq!(parts.len(), 1);
    parts.remove(0)
}

#[test]
fn a_command_arrives_once_and_its_nonce_is_used_up() {
    let (now, mut hub, mut lock) = (start(), hub(), lock());
    let part = one_part(&mut hub, &[0x63, 0x02, 7]);
    assert_eq!(hub.encapsulate(now, lock.own, &part, false), Err(S0Error::NeedsNonce));
    fetch_nonce(now, &mut hub, &mut lock);
    let frame = hub.encapsulate(now, lock.own, &part, false).unwrap();
    assert_eq!(frame.len(), 3 + OVERHEAD);
    assert_eq!(lock.handle(now, hub.own, &frame), [command(&[0x63, 0x02, 7])]);
    assert_eq!(lock.handle(now, hub.own, &frame), [S0Event::Ignored("its nonce is not, or no longer, held")]);
    assert_eq!(hub.encapsulate(now, lock.own, &part, false), Err(S0Error::NeedsNonce));
}

#[test]
fn a_long_command_goes_out_in_two_parts_the_first_of_which_asks_for_the_second_nonce() {
    let (now, mut hub, mut lock) = (start(), hub(), lock());
    let long: Vec<u8> = (0..40).collect();
    let parts = hub.split(&long, 46);
    assert_eq!(parts.len(), 2);
    fetch_nonce(now, &mut hub, &mut lock);
    let first = hub.encapsulate(now, lock.own, &parts[0], true).unwrap();
    assert_eq!((first.len(), &first[..2]), (46, &[0x98, 0xC1][..]));
    let report = reply(lock.handle(now, hub.own, &first));
    assert_eq!(hub.handle(now, lock.own, &report), [S0Event::NonceReceived]);
    let second = hub.encapsulate(now, lock.own, &parts[1], false).unwrap();
    assert_eq!(lock.handle(now, hub.own, &second), [command(&long)]);
}
