//! The power goes again and again, at random moments of a churn of grants, while the locks live on (I1 to I5).
//!
//! Everything follows from a seed, which is told at a failure; only when each process gets the processor does not. With
//! `KEYWAY_KILLED_SEED` a test begins with another seed, with `KEYWAY_KILLED` it kills so often.

mod churn;
mod dice;
mod promises;

use std::time::Duration;

use keyway_test_support::{Setup, World};

use crate::KEYWAY;
use churn::Churn;
use dice::Dice;

/// How often the power goes in one test.
const CUTS: usize = 100;
/// All is looked at in peace after so many cuts.
const LOOK_EVERY: usize = 10;

#[test]
fn on_zwave_the_power_goes_at_any_moment_and_every_promise_is_kept() {
    kill_again_and_again(&Setup::two_doors(), 0x5EED_0001);
}

#[test]
fn on_masked_zwave_locks_as_well() {
    kill_again_and_again(&Setup::two_doors().masked(), 0x5EED_0002);
}

#[test]
fn on_zigbee_as_well() {
    kill_again_and_again(&Setup::two_doors().on_zigbee(13), 0x5EED_0003);
}

#[test]
fn on_users_and_credentials_as_well() {
    kill_again_and_again(&Setup::two_doors().by_user_credential(), 0x5EED_0004);
}

fn kill_again_and_again(setup: &Setup, seed: u64) {
    let seed = number("KEYWAY_KILLED_SEED").unwrap_or(seed);
    let cuts = number("KEYWAY_KILLED").map_or(CUTS, |cuts| usize::try_from(cuts).unwrap());
    // Shown when the test fails.
    eprintln!("to see this again: KEYWAY_KILLED_SEED={seed} KEYWAY_KILLED={cuts}");
    let mut dice = Dice::new(seed);
    let mut world = World::quiet(KEYWAY, setup);
    let mut churn = Churn::default();
    for cut in 1..=cuts {
        for _ in 0..dice.below(4) {
            churn.stir(&world, &mut dice);
            std::thread::sleep(Duration::from_millis(dice.below(120))); // the moments are the point of this test
        }
        // Most often in the middle of something; now and then while what was begun is being finished.
        std::thread::sleep(Duration::from_millis(if dice.one_in(3) { dice.below(900) } else { dice.below(60) }));
        world.hub.kill();
        churn.check_locks(&world);
        world.hub.start();
        // Now and then again before it is there.
        while dice.one_in(5) {
            std::thread::sleep(Duration::from_millis(dice.below(400)));
            world.hub.kill();
            world.hub.start();
        }
        if cut % LOOK_EVERY == 0 || cut == cuts {
            world.wait_for_hub();
            churn.check_promises(&world);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} has to be a number")))
}
