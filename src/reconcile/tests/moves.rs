//! The reconciler as it runs, and somebody who moves its clock.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keyway_lock::{CommandId, LockCommand, LockId};
use tokio::sync::{mpsc, watch};

use super::world::{FRONT, World, at};
use crate::clock::{Bell, Clock, Moves, Now};
use crate::reconcile::{Air, Reconciler};

struct Hand(Mutex<Now>, Bell);

impl Hand {
    fn set(&self, seconds: i64) {
        self.0.lock().unwrap().utc = at(seconds);
        self.1.ring();
    }
}

impl Clock for Hand {
    fn now(&self) -> Now {
        *self.0.lock().unwrap()
    }

    fn moves(&self) -> Moves {
        self.1.listen()
    }
}

struct Nowhere;

impl Air for Nowhere {
    fn command(&self, _: &str, _: CommandId, _: LockId, _: LockCommand) -> bool {
        true
    }
}

#[tokio::test]
async fn what_is_due_by_a_clock_that_was_moved_is_done_within_a_second() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.offline = true;
    world.grant(&[FRONT], 0, 50).await.unwrap();
    world.run_until(1000).await;
    world.grant(&[FRONT], 20_000, 30_000).await.unwrap();
    world.pump().await;
    let told = world.events("access_code.delay_in_setting").await.len();

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    let mono = Instant::now();
    let clock = Arc::new(Hand(Mutex::new(Now { utc: at(1001), mono, trusted: true }), Bell::default()));
    let reconciler = Reconciler::new(world.store.clone(), Arc::clone(&clock) as _, Arc::new(Nowhere), Vec::new());
    let (_reports, reports) = mpsc::channel(1);
    let (_stop, stop) = watch::channel(false);
    let run = tokio::spawn(reconciler.run(reports, stop));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.events("access_code.delay_in_setting").await.len(), told);
    clock.set(19_000);
    let told_of = async {
        while world.events("access_code.delay_in_setting").await.len() == told {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), told_of).await.expect("within a second");
    run.abort();
}
