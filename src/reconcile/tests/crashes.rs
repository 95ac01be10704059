//! The power goes between any two steps, hands are at the keypads, answers get lost: in the end each lock holds what
//! is granted and what a person put in, each once (I1, I3, I5).

use keyway_lock::{LockId, RadioEvent};
use proptest::prelude::*;

use super::world::{FRONT, GATE, Grant, World};
use crate::model::Timestamp;

#[derive(Debug, Clone)]
enum Happening {
    /// A grant for the front door, or for both, from so many seconds on, for so long.
    Grant(bool, i64, i64),
    /// The n-th grant is deleted.
    Delete(usize),
    /// So many seconds pass.
    Wait(i64),
    /// The power goes after so many steps; what was on its way is carried out or not.
    Kill(usize, bool),
    /// A hand puts a code in.
    HandSet(LockId, u16),
    /// A hand takes whatever is there out.
    HandClear(LockId, u16),
    /// A lock is out of reach, or back.
    Offline(LockId, bool),
    /// Of the next code with a window only so many steps are done.
    StopAfter(LockId, u8),
    /// So many answers get lost.
    LoseAnswers(LockId, u32),
    /// So many acknowledgements get lost.
    LoseAcknowledgements(LockId, u32),
}

fn any_lock() -> impl Strategy<Value = LockId> {
    prop_oneof![Just(FRONT), Just(GATE)]
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (any::<bool>(), prop_oneof![-5..90i64, 90..900i64], 5..400i64).prop_map(|(both, from, long)| Happening::Grant(both, from, long)),
        2 => (0..8usize).prop_map(Happening::Delete),
        4 => (0..200i64).prop_map(Happening::Wait),
        5 => (0..9usize, any::<bool>()).prop_map(|(steps, carried_out)| Happening::Kill(steps, carried_out)),
        2 => (any_lock(), 1..=4u16).prop_map(|(lock, slot)| Happening::HandSet(lock, slot)),
        1 => (any_lock(), 1..=4u16).prop_map(|(lock, slot)| Happening::HandClear(lock, slot)),
        1 => (any_lock(), any::<bool>()).prop_map(|(lock, offline)| Happening::Offline(lock, offline)),
        1 => (any_lock(), 1..3u8).prop_map(|(lock, n)| Happening::StopAfter(lock, n)),
        1 => (any_lock(), 1..4u32).prop_map(|(lock, n)| Happening::LoseAnswers(lock, n)),
        1 => (any_lock(), 1..4u32).prop_map(|(lock, n)| Happening::LoseAcknowledgements(lock, n)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_lock_ends_up_with_what_it_should_hold(
        happenings in proptest::collection::vec(any_happening(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { live_through(World::new().await, happenings).await });
    }

    #[test]
    fn and_where_locks_keep_windows_no_pin_opens_before_its_grant_begins(
        happenings in proptest::collection::vec(any_happening(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { live_through(World::keeping_windows().await, happenings).await });
    }
}

async fn live_through(mut world: World, happenings: Vec<Happening>) {
    let mut grants: Vec<Grant> = Vec::new();
    let mut by_hand: Vec<(LockId, u16, String)> = Vec::new();
    for (n, happening) in happenings.into_iter().enumerate() {
        let now = world.seconds();
        match happening {
            Happening::Grant(both, from, long) => {
                let locks: &[LockId] = if both { &[FRONT, GATE] } else { &[FRONT] };
                grants.extend(world.grant(locks, now + from, now + from + long).await);
            }
            Happening::Delete(n) if n < grants.len() => {
                let grant = grants.remove(n);
                world.delete(&grant).await;
            }
            Happening::Delete(_) => {}
            Happening::Wait(seconds) => world.run_until(now + seconds).await,
            Happening::Kill(steps, carried_out) => {
                world.pump_steps(steps).await;
                world.restart(carried_out).await;
            }
            Happening::HandSet(lock, slot) => {
                world.pump().await;
                let code = format!("{}", 4000 + n);
                by_hand.retain(|(l, s, _)| (*l, *s) != (lock, slot));
                by_hand.push((lock, slot, code.clone()));
                world.by_hand(lock, slot, Some(&code)).await;
            }
            Happening::HandClear(lock, slot) => {
                world.pump().await;
                by_hand.retain(|(l, s, _)| (*l, *s) != (lock, slot));
                world.by_hand(lock, slot, None).await;
            }
            Happening::Offline(lock, offline) => {
                // Nothing comes and goes in no time.
                world.run_until(now + 1).await;
                world.lock(lock).faults.offline = offline;
                // If nobody noticed, a hand in those very two minutes could not be noticed either.
                world.report(RadioEvent::LockReachable(lock, !offline)).await;
            }
            Happening::StopAfter(lock, n) => world.lock(lock).faults.stops_after = Some(n),
            Happening::LoseAnswers(lock, n) => world.lock(lock).faults.lost_answers = n,
            Happening::LoseAcknowledgements(lock, n) => world.lock(lock).faults.lost_acknowledgements = n,
        }
        assert_no_pin_twice(&world);
        for (lock, slot, code) in &by_hand {
            let held = world.locks[lock].slots.get(slot);
            assert_eq!(held, Some(code), "a code put in by hand at lock {lock} slot {slot} was touched");
        }
    }
    for lock in [FRONT, GATE] {
        world.lock(lock).faults = super::lock::Faults::default();
    }
    // Long enough for every pause, and for an audit of what no event told of.
    world.run_until(world.seconds() + 8 * 3600).await;
    let now = super::world::at(world.seconds());
    for lock in [FRONT, GATE] {
        assert_holds_what_it_should(&world, lock, &by_hand, now).await;
    }
}

fn assert_no_pin_twice(world: &World) {
    for lock in [FRONT, GATE] {
        let mut pins = world.pins(lock);
        pins.sort();
        let all = pins.len();
        pins.dedup();
        assert_eq!(pins.len(), all, "a PIN is in two slots of lock {lock}");
    }
}

async fn assert_holds_what_it_should(world: &World, lock: LockId, by_hand: &[(LockId, u16, String)], now: Timestamp) {
    let codes = world.codes(lock).await;
    // Refused since every slot is taken by hand: told, and not in.
    let wanted = codes.iter().filter(|code| code.is_wanted(now) && code.problem.is_none());
    let mut expected: Vec<String> = wanted.map(|code| code.pin.as_ref().unwrap().expose().to_owned()).collect();
    expected.extend(by_hand.iter().filter(|(l, ..)| *l == lock).map(|(_, _, code)| code.clone()));
    expected.sort();
    let mut held = world.pins(lock);
    held.sort();
    assert_eq!(held, expected, "lock {lock}");
}
