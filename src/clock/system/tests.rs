use std::sync::Arc;

use super::*;

/// A machine whose clocks a test moves.
#[derive(Clone)]
struct Hand(Arc<Mutex<Hands>>);

struct Hands {
    wall: Duration,
    mono: Instant,
    kernel: Kernel,
    battery: BatteryClock,
    was_right: bool,
}

/// A day after the release.
const DAY: Duration = Duration::from_secs(24 * 3600);
const START: Duration = Duration::from_secs(RELEASED.as_secs() + DAY.as_secs());

impl Hand {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn new() -> Self {
        let hands = Hands {
            wall: START,
            mono: Instant::now(),
            kernel: Kernel::Alone,
            battery: BatteryClock::Missing,
            was_right: false,
        };
        Self(Arc::new(Mutex::new(hands)))
    }

    fn change(&self, change: impl FnOnce(&mut Hands)) {
        change(&mut self.0.lock().unwrap());
    }

    /// Time passes for all clocks.
    fn pass(&self, time: Duration) {
        self.change(|hands| {
            (hands.wall, hands.mono) = (hands.wall + time, hands.mono + time);
            if let BatteryClock::Shows(shown) = &mut hands.battery {
                *shown += time;
            }
        });
    }

    fn set(&self, wall: Duration) {
        self.change(|hands| hands.wall = wall);
    }

    fn clock(&self, latest: Duration) -> SystemClock<Self> {
        let latest = Timestamp::from_microsecond(i64::try_from(latest.as_micros()).unwrap());
        SystemClock::of(self.clone(), latest, ClockPolicy::Proof)
    }
}

impl Machine for Hand {
    fn wall(&self) -> Duration {
        self.0.lock().unwrap().wall
    }

    fn mono(&self) -> Instant {
        self.0.lock().unwrap().mono
    }

    fn kernel(&self) -> Kernel {
        self.0.lock().unwrap().kernel
    }

    fn was_right(&self) -> bool {
        self.0.lock().unwrap().was_right
    }

    fn is_right(&self) {
        self.change(|hands| hands.was_right = true);
    }

    fn battery_clock(&self) -> BatteryClock {
        self.0.lock().unwrap().battery
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_machine_without_a_battery_clock_is_not_trusted_before_it_is_synchronised_even_if_it_is_not_behind() {
    let machine = Hand::new();
    let clock = machine.clock(START - DAY / 2);
    assert_eq!(clock.trust(), Trust::Unconfirmed);
    assert!(!clock.now().trusted);
    machine.change(|hands| hands.kernel = Kernel::Synchronized);
    machine.pass(SECOND);
    assert_eq!(clock.trust(), Trust::Synchronized);
}

#[test]
fn a_clock_that_was_right_stays_so_until_it_is_moved_also_for_the_next_run() {
    let machine = Hand::new();
    let clock = machine.clock(START);
    machine.change(|hands| hands.kernel = Kernel::Synchronized);
    assert!(clock.now().trusted);
    machine.change(|hands| hands.kernel = Kernel::Alone);
    machine.pass(DAY);
    assert_eq!(clock.trust(), Trust::Kept);
    let next = machine.clock(START);
    assert_eq!(next.trust(), Trust::Kept);
    for clock in [clock, next] {
        machine.set(START + DAY * 30);
        assert_eq!(clock.trust(), Trust::Unconfirmed, "nobody knows who moved it");
        machine.pass(DAY);
        assert_eq!(clock.trust(), Trust::Unconfirmed);
        machine.set(START + DAY);
    }
}

#[test]
fn a_battery_clock_confirms_what_agrees_with_it_and_is_not_behind() {
    let machine = Hand::new();
    let clock = machine.clock(START);
    machine.change(|hands| hands.battery = BatteryClock::Shows(START + 30 * SECOND));
    assert_eq!(clock.trust(), Trust::Battery);
    machine.set(START - DAY);
    assert_eq!(clock.trust(), Trust::Behind(DAY));
    machine.set(START + DAY);
    assert_eq!(clock.trust(), Trust::Unconfirmed, "moved without it");
    machine.change(|hands| hands.battery = BatteryClock::Shows(START + DAY));
    machine.pass(SECOND);
    assert_eq!(clock.trust(), Trust::Battery);
    machine.change(|hands| hands.battery = BatteryClock::Hidden);
    machine.pass(SECOND);
    assert_eq!(clock.trust(), Trust::Battery);
}

#[test]
fn the_network_is_right_though_the_database_has_seen_a_later_time_and_a_little_behind_is_not_lost() {
    let machine = Hand::new();
    let clock = machine.clock(START + DAY * 900);
    machine.change(|hands| hands.battery = BatteryClock::Hidden);
    assert_eq!(clock.trust(), Trust::Behind(DAY * 900));
    machine.change(|hands| hands.kernel = Kernel::Synchronized);
    machine.pass(SECOND);
    assert_eq!(clock.trust(), Trust::Synchronized);
    machine.change(|hands| hands.kernel = Kernel::Alone);
    machine.set(START - 50 * SECOND);
    assert_eq!(clock.trust(), Trust::Battery, "the wrong time of the database is forgotten");
}

#[test]
fn where_the_kernel_is_silent_who_has_set_the_clock_is_believed() {
    let machine = Hand::new();
    let clock = machine.clock(START);
    machine.change(|hands| hands.kernel = Kernel::Silent);
    assert_eq!(clock.trust(), Trust::Unconfirmed);
    machine.change(|hands| hands.was_right = true);
    machine.set(START + DAY);
    assert_eq!(clock.trust(), Trust::Synchronized);
    let ahead = machine.clock(START + DAY * 900);
    assert_eq!(ahead.trust(), Trust::Synchronized, "also where the database has seen a wrong time");
}

#[test]
fn a_clock_that_is_set_by_hand_is_trusted_when_the_configuration_says_so() {
    let clock = SystemClock::of(Hand::new(), None, ClockPolicy::Always);
    assert_eq!(clock.trust(), Trust::Configured);
}

#[tokio::test]
async fn who_listens_is_told_of_every_move_and_of_every_change_of_trust_but_of_nothing_else() {
    let machine = Hand::new();
    let clock = machine.clock(START);
    clock.now();
    let mut moves = clock.moves();
    let mut rang = || has_rung(&mut moves);
    machine.pass(DAY);
    machine.set(machine.wall() + SECOND / 2);
    clock.now();
    assert!(!rang(), "time passed, and was drawn to the right one");
    machine.set(START);
    clock.now();
    assert!(rang(), "moved back");
    machine.change(|hands| hands.kernel = Kernel::Synchronized);
    clock.now();
    assert!(!rang(), "the machine was asked just now");
    machine.pass(SECOND);
    clock.now();
    assert!(rang(), "it came to be trusted");
}

/// Whether it has rung.
fn has_rung(moves: &mut Moves) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::pin!(moves.next()).poll(&mut context).is_ready()
}
