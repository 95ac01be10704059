//! Anything may happen to the driver, in any order: bytes that nobody can read, frames at the wrong time, ports that are lost,
//! sticks that restart, locks that go away, a store that is slow, and commands in between. Nothing panics, each command
//! is answered once, no timeout lies in the past, and nothing is held that grows.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

mod bench;

use keyway_zwave::serial_api::function as f;
use peak_alloc::PeakAlloc;
use proptest::collection::vec;
use proptest::prelude::*;

use bench::{Bench, Step};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The functions a stick sends, or answers.
const FUNCTIONS: [u8; 22] = [
    f::GET_INIT_DATA,
    f::SET_APPLICATION_NODE_INFORMATION,
    f::APPLICATION_COMMAND_HANDLER,
    f::GET_CONTROLLER_CAPABILITIES,
    f::GET_CAPABILITIES,
    f::SOFT_RESET,
    f::GET_PROTOCOL_VERSION,
    f::STARTED,
    f::SETUP,
    f::SEND_DATA,
    f::GET_LIBRARY_VERSION,
    f::MEMORY_GET_ID,
    f::GET_NODE_PROTOCOL_INFO,
    f::APPLICATION_UPDATE,
    f::REQUEST_NODE_INFO,
    f::BRIDGE_APPLICATION_COMMAND_HANDLER,
    f::SEND_DATA_BRIDGE,
    f::ADD_NODE_TO_NETWORK,
    f::REMOVE_NODE_FROM_NETWORK,
    f::REMOVE_FAILED_NODE,
    f::REPLACE_FAILED_NODE,
    f::SET_DEFAULT,
];

/// Classes and commands that mean something to the driver.
const COMMANDS: [[u8; 2]; 33] = [
    [0x98, 0x03],
    [0x98, 0x40],
    [0x98, 0x80],
    [0x98, 0x81],
    [0x98, 0xC1],
    [0x9F, 0x01],
    [0x9F, 0x02],
    [0x9F, 0x03],
    [0x9F, 0x0E],
    [0x55, 0xC0],
    [0x55, 0xE0],
    [0x6C, 0x01],
    [0x6C, 0x02],
    [0x56, 0x01],
    [0x60, 0x0D],
    [0x8F, 0x01],
    [0x63, 0x03],
    [0x63, 0x0D],
    [0x83, 0x07],
    [0x83, 0x0C],
    [0x71, 0x05],
    [0x62, 0x03],
    [0x80, 0x03],
    [0x84, 0x07],
    [0x5A, 0x01],
    [0x9F, 0x05],
    [0x9F, 0x06],
    [0x9F, 0x07],
    [0x9F, 0x08],
    [0x9F, 0x09],
    [0x9F, 0x0C],
    [0x98, 0x05],
    [0x98, 0x07],
];

fn step() -> impl Strategy<Value = Step> {
    let bytes = || vec(any::<u8>(), 0..24);
    let command = (prop::sample::select(&COMMANDS[..]), bytes()).prop_map(|(head, rest)| [&head[..], &rest].concat());
    prop_oneof![
        6 => (0u32..20_000).prop_map(Step::Pass),
        2 => bytes().prop_map(Step::Bytes),
        3 => (any::<bool>(), prop::sample::select(&FUNCTIONS[..]), bytes())
            .prop_map(|(response, function, payload)| Step::Frame { response, function, payload }),
        4 => (0u8..7, command).prop_map(|(node, command)| Step::FromNode { node, command }),
        6 => (0u8..7, 0u8..9, 0u16..40).prop_map(|(node, what, slot)| Step::Ask { node, what, slot }),
        1 => any::<bool>().prop_map(Step::Port),
        1 => any::<bool>().prop_map(Step::Deaf),
        1 => any::<bool>().prop_map(Step::SlowStore),
        1 => (0u64..60).prop_map(Step::Garble),
        1 => (2u8..5, 0u8..8).prop_map(|(node, what)| Step::Act { node, what }),
        1 => Just(Step::RestartStick),
        4 => (0u8..16, 0u8..7).prop_map(|(what, node)| Step::Network { what, node }),
        2 => (0u8..7).prop_map(|what| Step::Unbox { what }),
        1 => (0u8..7).prop_map(Step::Press),
    ]
}

/// What the property below found: a message to a lock that was let in without keys was dropped as it became a lock, and
/// the taking out of a later one waited for its end for ever.
#[test]
fn a_lock_that_does_not_join_is_taken_out_also_after_one_that_was_let_in_without_keys() {
    let mut bench = Bench::new();
    bench.open();
    let include = Step::Network { what: 2, node: 0 };
    let insecure = Step::Network { what: 7, node: 0 };
    let other = Step::Network { what: 0, node: 0 };
    let steps = [Step::Pass(3708), include, insecure, other, Step::Unbox { what: 2 }];
    for step in steps.iter().cycle().take(steps.len() * 2) {
        bench.take(step);
    }
    bench.calm_down();
    assert_eq!(bench.unanswered(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_command_is_answered_once_and_nothing_grows(steps in vec(step(), 1..80), again in 1usize..6) {
        let mut bench = Bench::new();
        bench.open();
        for step in steps.iter().cycle().take(steps.len() * again) {
            bench.take(step);
        }
        bench.calm_down();
        prop_assert_eq!(bench.unanswered(), 0, "all is answered once the stick and the locks are there");
        for node in 2..5 {
            bench.take(&Step::Ask { node, what: 0, slot: 5 });
        }
        bench.take(&Step::Port(false));
        prop_assert_eq!(bench.unanswered(), 0, "all is answered when the port is lost");
        let held = bench.held(|| MEMORY.current_usage());
        prop_assert!(held < 64 * 1024, "{held} bytes are held");
    }
}
