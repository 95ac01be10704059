//! Anything may happen to the driver, in any order: bytes that nobody can read, a wire that spoils them, ports that are
//! lost, sticks that restart and fail, locks that join, leave and go away, a store that is slow, and commands in between.
//! Nothing panics, each command is answered once, no timeout lies in the past, nothing is held that grows, and no code with
//! a window opens outside of it.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

mod bench;

use keyway_virtual::zigbee::Adapter;
use peak_alloc::PeakAlloc;
use proptest::collection::vec;
use proptest::prelude::*;

use bench::{Bench, Step};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u32..20_000).prop_map(Step::Pass),
        2 => vec(any::<u8>(), 0..24).prop_map(Step::Bytes),
        6 => (2u16..6, 0u8..15, 0u16..35).prop_map(|(node, what, slot)| Step::Ask { node, what, slot }),
        5 => (0u8..8, 2u16..6).prop_map(|(what, node)| Step::Network { what, node }),
        1 => (0u8..4).prop_map(Step::Stick),
        1 => any::<bool>().prop_map(Step::Port),
        1 => any::<bool>().prop_map(Step::Deaf),
        1 => any::<bool>().prop_map(Step::SlowStore),
        1 => (0u64..60).prop_map(Step::Garble),
        5 => (2u16..5, 0u8..13).prop_map(|(node, what)| Step::Act { node, what }),
        1 => Just(Step::Reset),
        1 => Just(Step::Fail),
    ]
}

fn whatever_happens(adapter: Adapter, steps: &[Step], again: usize) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(adapter);
    bench.open();
    bench.take(&Step::Pass(5_000));
    for step in steps.iter().cycle().take(steps.len() * again) {
        bench.take(step);
        prop_assert!(!bench.opens_early(), "a code opens before its window");
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
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_command_is_answered_once_and_nothing_grows(
        steps in vec(step(), 1..80),
        again in 1usize..6,
        texas: bool,
    ) {
        // One after the other, as the memory that is held is that of the whole program.
        whatever_happens(if texas { Adapter::Znp } else { Adapter::Ezsp }, &steps, again)?;
    }
}
