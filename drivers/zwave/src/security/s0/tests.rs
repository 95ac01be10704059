//! Two nodes with Security 0 talking to each other.

use super::*;
use crate::security::{hex, hex_array};

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

/// A lock that has given the hub this nonce.
fn lock_with(now: Instant, nonce: &str) -> S0 {
    let mut lock = lock();
    offer(now, &mut lock, nonce);
    lock
}

fn offer(now: Instant, lock: &mut S0, nonce: &str) {
    let held = Held { nonce: hex_array(nonce), until: now + OWN_NONCE_LIFETIME };
    lock.peers.entry(id(1)).or_default().offered.push_back(held);
}

/// Made with @zwave-js/core 15.29.0: `generateEncryptionKey`, `generateAuthKey`.
#[test]
fn the_network_key_becomes_two_keys() {
    let keys = Keys::derive(&NetworkKey::new(KEY));
    assert_eq!(*keys.encryption, hex_array("0a75a51776b28912f3ebe5da139f21ee"));
    assert_eq!(*keys.authentication, hex_array("c5fe1ca17d36c992731a0c0c468c1ef9"));
}

/// The authentication code of a frame between real nodes, from zwave-js (`packages/core/src/crypto/operations.test.ts`).
#[test]
fn the_authentication_code_is_that_of_real_nodes() {
    let keys = Keys::derive(&NetworkKey::new(KEY));
    let vector = Vector { sender: hex_array("ddd360c382a43751"), receiver: hex_array("4392826cbba0b312") };
    let sealed = hex("f3fb762d6e82126681c18597");
    let mac = keys.authenticate(&vector, 0x81, Route { sender: 0x14, receiver: 1 }, 12, &sealed);
    assert_eq!(mac, hex_array("2bc20a8aa9bbb371"));
}

/// Made with @zwave-js/cc 15.29.0: `SecurityCCCommandEncapsulation.serialize`, from node 1 to node 2.
const FRAME: &str = "98 81 03f54b267eea325c 0dbce0e6 c0 a8c7629872ce6717";
/// As above, `SecurityCCCommandEncapsulationNonceGet`.
const FRAME_WITH_NONCE_GET: &str = "98 c1 0d1ff771a273e821 be80907f c0 584967d458e274a8";
/// Sealed with the primitives of @zwave-js/core 15.29.0 (which sends no such frames itself), and read and put together
/// by its `SecurityCCCommandEncapsulation`.
const PARTS: [&str; 2] = [
    "98 81 4041424344454647 23b919252af37c69d1ef8789e7487fc419252d17263c4f141c4712 c0 2bdcf0666e4a720a",
    "98 81 5051525354555657 afaa74349b02069066343932e88ca1 d0 d1d6965d643bfef8",
];
const WHOLE: &str = "630b202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445";

#[test]
fn what_we_seal_is_what_zwave_js_seals() {
    let keys = Keys::derive(&NetworkKey::new(KEY));
    let seal = |sender, receiver, command, plain: &[u8]| {
        let vector = Vector { sender: hex_array(sender), receiver: hex_array(receiver) };
        keys.seal(&vector, command, Route { sender: 1, receiver: 2 }, plain.len() as u8, plain)
    };
    let plain = [0, 0x63, 0x02, 7];
    assert_eq!(seal("03f54b267eea325c", "c0c1c2c3c4c5c6c7", 0x81, &plain), hex(FRAME));
    assert_eq!(seal("0d1ff771a273e821", "c0c1c2c3c4c5c6c7", 0xC1, &plain), hex(FRAME_WITH_NONCE_GET));
    let mut hub = hub();
    hub.sequence = 2;
    let parts = hub.split(&hex(WHOLE), 46);
    assert_eq!(seal("4041424344454647", "c0c1c2c3c4c5c6c7", 0x81, &parts[0].plain), hex(PARTS[0]));
    assert_eq!(seal("5051525354555657", "d0d1d2d3d4d5d6d7", 0x81, &parts[1].plain), hex(PARTS[1]));
}

#[test]
fn a_frame_that_zwave_js_sealed_is_read() {
    let now = start();
    let mut lock = lock_with(now, "c0c1c2c3c4c5c6c7");
    assert_eq!(lock.handle(now, id(1), &hex(FRAME)), [command(&[0x63, 0x02, 7])]);
}

#[test]
fn a_frame_of_zwave_js_that_asks_for_a_nonce_too_is_read_and_answered() {
    let now = start();
    let mut lock = lock_with(now, "c0c1c2c3c4c5c6c7");
    let events = lock.handle(now, id(1), &hex(FRAME_WITH_NONCE_GET));
    assert_eq!(events[0], command(&[0x63, 0x02, 7]));
    assert!(matches!(&events[1..], [S0Event::Reply(report)] if report.len() == 10));
}

#[test]
fn two_parts_that_zwave_js_puts_together_are_put_together_here() {
    let now = start();
    let mut lock = lock_with(now, "c0c1c2c3c4c5c6c7");
    assert_eq!(lock.handle(now, id(1), &hex(PARTS[0])), []);
    offer(now, &mut lock, "d0d1d2d3d4d5d6d7");
    assert_eq!(lock.handle(now, id(1), &hex(PARTS[1])), [command(&hex(WHOLE))]);
}

#[test]
fn what_was_changed_on_its_way_is_not_read_and_leaves_the_nonce_to_the_real_frame() {
    let (now, mut hub, mut lock) = (start(), hub(), lock());
    let part = one_part(&mut hub, &[0x63, 0x02, 7]);
    fetch_nonce(now, &mut hub, &mut lock);
    let frame = hub.encapsulate(now, lock.own, &part, false).unwrap();
    for index in 1..frame.len() {
        let mut changed = frame.clone();
        changed[index] ^= 0x40;
        let read = lock.handle(now, hub.own, &changed).into_iter().any(|event| matches!(event, S0Event::Command(_)));
        assert!(!read, "byte {index}");
    }
    assert_eq!(lock.handle(now, id(3), &frame), [S0Event::Ignored("its nonce is not, or no longer, held")]);
    assert_eq!(lock.handle(now, hub.own, &frame), [command(&[0x63, 0x02, 7])]);
}

#[test]
fn nonces_do_not_live_for_ever_on_either_side() {
    let (now, mut hub, mut lock) = (start(), hub(), lock());
    let part = one_part(&mut hub, &[1]);
    fetch_nonce(now, &mut hub, &mut lock);
    let last = now + PEER_NONCE_LIFETIME - Duration::from_millis(1);
    assert!(hub.is_ready(last, lock.own));
    assert!(!hub.is_ready(now + PEER_NONCE_LIFETIME, lock.own));
    let frame = hub.encapsulate(last, lock.own, &part, false).unwrap();
    let late = now + OWN_NONCE_LIFETIME;
    assert_eq!(lock.handle(late, hub.own, &frame), [S0Event::Ignored("its nonce is not, or no longer, held")]);
    fetch_nonce(late, &mut hub, &mut lock);
    assert_eq!(hub.encapsulate(late + PEER_NONCE_LIFETIME, lock.own, &part, false), Err(S0Error::NeedsNonce));
}

#[test]
fn several_nonces_may_be_out_at_once_and_each_serves_one_message() {
    let (now, mut hub, mut lock) = (start(), hub(), lock());
    for _ in 0..3 {
        fetch_nonce(now, &mut hub, &mut lock);
    }
    let part = one_part(&mut hub, &[1]);
    let frames: Vec<_> = (0..3).map(|_| hub.encapsulate(now, lock.own, &part, false).unwrap()).collect();
    for frame in frames.iter().rev() {
        assert_eq!(lock.handle(now, hub.own, frame), [command(&[1])]);
    }
    assert_eq!(hub.encapsulate(now, lock.own, &part, false), Err(S0Error::NeedsNonce));
}

#[test]
fn a_repeated_nonce_report_does_not_bring_a_used_nonce_back() {
    let (now, mut hub, mut lock) = (start(), hub(), lock());
    let report = reply(lock.handle(now, hub.own, &S0::nonce_get()));
    let again = [S0Event::Ignored("the same nonce again")];
    assert_eq!(hub.handle(now, lock.own, &report), [S0Event::NonceReceived]);
    assert_eq!(hub.handle(now, lock.own, &report), again);
    let part = one_part(&mut hub, &[1]);
    hub.encapsulate(now, lock.own, &part, false).unwrap();
    assert_eq!(hub.handle(now, lock.own, &report), again);
    assert!(!hub.is_ready(now, lock.own));
}

#[test]
fn a_second_part_needs_its_first_one() {
    let (now, mut hub, mut lock) = (start(), hub(), lock());
    let orphan = [S0Event::Ignored("the second part of a command whose first part is not held")];
    let (one, other) = (hub.split(&[1; 40], 46), hub.split(&[2; 40], 46));
    let mut say = |now, part| {
        fetch_nonce(now, &mut hub, &mut lock);
        let frame = hub.encapsulate(now, lock.own, part, false).unwrap();
        lock.handle(now, hub.own, &frame)
    };
    assert_eq!(say(now, &one[1]), orphan);
    assert_eq!(say(now, &one[0]), []);
    assert_eq!(say(now, &other[1]), orphan);
    assert_eq!(say(now, &other[0]), []);
    assert_eq!(say(now + PART_LIFETIME, &other[1]), orphan);
    assert_eq!(say(now, &other[0]), []);
    assert_eq!(say(now, &other[1]), [command(&[2; 40])]);
}

#[test]
fn a_long_range_node_has_no_security_0_and_a_frame_has_an_end() {
    let (now, mut hub, mut lock) = (start(), hub(), lock());
    let part = one_part(&mut hub, &[1]);
    assert_eq!(hub.encapsulate(now, id(300), &part, false), Err(S0Error::LongRange(id(300))));
    fetch_nonce(now, &mut hub, &mut lock);
    let huge = hub.split(&[0; 600], 1000).remove(0);
    assert_eq!(hub.encapsulate(now, lock.own, &huge, false), Err(S0Error::TooLong));
    assert!(hub.is_ready(now, lock.own), "the nonce was not spent");
}

#[test]
fn what_is_in_the_clear_is_handed_on() {
    let (now, mut hub) = (start(), hub());
    assert_eq!(hub.handle(now, id(2), &[0x98, 0x05, 0]), [S0Event::Other(vec![0x98, 0x05, 0])]);
    assert_eq!(hub.handle(now, id(2), &[0x9F, 0x05]), [S0Event::Ignored("not a Security 0 command")]);
}

#[test]
fn no_key_or_command_is_shown() {
    let mut hub = hub();
    assert_eq!(format!("{hub:?}"), "S0 { own: NodeId(1), .. }");
    assert_eq!(format!("{:?}", command(b"4711")), "Command(4 bytes)");
    assert_eq!(format!("{:?}", one_part(&mut hub, b"4711")), "S0Part(5 bytes)");
}
