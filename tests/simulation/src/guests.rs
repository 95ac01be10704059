//! Guests at the doors, in time and out of it.

use std::time::Duration;

use keyway_virtual::zwave::{Action, Outcome};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::checker::GrantNumber;
use crate::world::World;

/// Comes to a door now and then until a day after the grant's end.
pub(crate) async fn come(world: &World, door: usize, number: GrantNumber, mut random: StdRng) {
    let pin = world.checker.borrow().ledger.grant(number).pin.clone();
    loop {
        let now = world.time.now();
        let edge = world.checker.borrow().ledger.grant(number).next_edge(now);
        let pause = random.random_range(60.0..43_200.0);
        let until_edge = edge.map_or(f64::MAX, |edge| now.until(edge).as_secs_f64());
        // Often just when it begins, or just when it is over.
        let pause = if until_edge < 2.0 * pause && random.random_bool(0.5) {
            until_edge + random.random_range(0.0..300.0)
        } else {
            pause
        };
        tokio::time::sleep(Duration::from_secs_f64(pause)).await;
        let expected = world.checker.borrow().expects(world.time.now(), door, number);
        world.counts.borrow_mut().typed += 1;
        let opened = matches!(world.act(door, &Action::Keypad(pin.clone())), Outcome::Keypad(Some(_)));
        world.note(Some(door), &format!("{pin} typed: {}", if opened { "opens" } else { "does not open" }));
        if expected == Some(false) && opened {
            world.broken("I1", Some(door), &format!("a guest got in by {pin}, and should not"));
        }
        if expected == Some(true) && !opened && !world.is_jammed(door) {
            world.broken("I2", Some(door), &format!("a guest stood before the door with {pin}"));
        }
        if opened {
            tokio::time::sleep(Duration::from_secs(random.random_range(3..90))).await;
            world.act(door, &Action::Turn { locked: true });
        }
        let over = world.checker.borrow().ledger.grant(number).is_over(world.time.now());
        if over && random.random_bool(0.5) {
            return;
        }
    }
}
