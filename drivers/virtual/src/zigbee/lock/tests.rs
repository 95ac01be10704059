//! What a lock tells and does not tell, without a stick between.

use keyway_lock::Pin;

use super::super::tests::start;
use super::zcl::global;
use super::*;

const HUB: Ieee = Ieee(0x0012_4B00_1CAA_BBCC);
const NWK: u16 = 0x1234;

struct Bench {
    now: Instant,
    lock: Lock,
}

impl Bench {
    fn new(setup: LockSetup) -> Self {
        let now = start();
        let mut lock = Lock::new(now, LockSetup { motor: Duration::ZERO, asks_time: false, ..setup });
        let network_key = Key::new([1; 16]);
        lock.join(now, Membership { pan: 1, channel: 15, network_key, coordinator: HUB, nwk: Nwk(NWK), counter: 0 });
        Self { now, lock }
    }

    fn bind(&mut self, cluster: u16) {
        self.lock.bindings.push(Binding { cluster, to: HUB, endpoint: ENDPOINT });
    }

    fn send(&mut self, cluster: u16, of_cluster: bool, command: u8, body: &[u8]) {
        let head = Head {
            of_cluster,
            manufacturer: None,
            from_server: false,
            no_default_response: false,
            sequence: 0x42,
            command,
        };
        let frame = Frame {
            profile: HOME_AUTOMATION,
            cluster,
            source: ENDPOINT,
            destination: ENDPOINT,
            payload: head.with(body),
        };
        self.lock.handle_frame(self.now, &frame, false);
        self.lock.handle_timeout(self.now);
    }

    /// Command and body of all that it sends.
    fn told(&mut self) -> Vec<(u8, Vec<u8>)> {
        let told = |frame: Frame| {
            let (head, body) = Head::read(&frame.payload).unwrap();
            (head.command, body.to_vec())
        };
        std::iter::from_fn(|| self.lock.poll()).map(told).collect()
    }

    fn ask(&mut self, command: u8, body: &[u8]) -> Vec<u8> {
        self.send(cluster::DOOR_LOCK, true, command, body);
        self.told().remove(0).1
    }
}

fn lock() -> LockSetup {
    let code = ("4711", 3);
    LockSetup { codes: [(code.1, Pin::new(code.0).unwrap())].into(), ..LockSetup::new(2, "Front door") }
}

#[test]
fn who_opened_is_told_to_whoever_is_bound_and_to_nobody_else() {
    let mut bench = Bench::new(lock());
    bench.lock.act(bench.now, &Action::Keypad("4711".to_owned()));
    assert_eq!(bench.told(), []);
    bench.bind(cluster::DOOR_LOCK);
    bench.lock.act(bench.now, &Action::Keypad("4711".to_owned()));
    assert_eq!(bench.told(), [(0x20, vec![0, 2, 3, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0])]);
    // The mask of operations at the keypad, without unlocking.
    bench.send(cluster::DOOR_LOCK, false, global::WRITE, &[0x41, 0, 0x19, 0xFB, 0xFF]);
    bench.told();
    bench.lock.act(bench.now, &Action::Keypad("4711".to_owned()));
    assert_eq!(bench.told(), []);
}

#[test]
fn a_lock_that_shows_no_digits_says_how_many_there_are_or_nothing_at_all() {
    let get = |shows, command: &[u8]| Bench::new(LockSetup { shows, ..lock() }).ask(0x06, command);
    assert_eq!(get(Shows::Digits, &[3, 0]), [3, 0, 1, 0, 4, b'4', b'7', b'1', b'1']);
    assert_eq!(get(Shows::Masked, &[3, 0]), [3, 0, 1, 0, 4, 0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(get(Shows::Nothing, &[3, 0]), [3, 0, 1, 0, 0]);
    assert_eq!(get(Shows::Refuses, &[3, 0]), [0x06, 0x81]);
    assert_eq!(get(Shows::Digits, &[4, 0]), [4, 0, 0, 0xFF, 0], "a free one");
    assert_eq!(get(Shows::Digits, &[31, 0]), [0x06, 0x85], "none that there is");
}

#[test]
fn a_user_with_a_schedule_does_not_come_in_beside_it() {
    let mut bench = Bench::new(lock());
    assert_eq!(bench.ask(0x14, &[3, 0, 1]), [0], "a year day user");
    assert_eq!(bench.ask(0x0E, &[0, 3, 0, 100, 0, 0, 0, 200, 0, 0, 0]), [0]);
    assert_eq!(bench.ask(0x0F, &[0, 3, 0]), [0, 3, 0, 0, 100, 0, 0, 0, 200, 0, 0, 0]);
    let mut types = |local: u32| {
        bench.lock.clock.set(bench.now, local);
        bench.lock.act(bench.now, &Action::Keypad("4711".to_owned()))
    };
    assert_eq!(types(99), Outcome::Keypad(None));
    assert_eq!(types(150), Outcome::Keypad(Some(3)));
    assert_eq!(bench.lock.opened_by(bench.now, "4711"), Some(SlotNumber(3)), "without being typed");
    bench.lock.clock.set(bench.now, 201);
    assert_eq!(bench.lock.opened_by(bench.now, "4711"), None);
    assert_eq!(bench.ask(0x10, &[0, 3, 0]), [0]);
    assert_eq!(bench.ask(0x0F, &[0, 3, 0]), [0, 3, 0, 0x8B], "not found");
}

#[test]
fn the_battery_is_reported_when_it_has_changed_enough_and_from_time_to_time() {
    let mut bench = Bench::new(lock());
    bench.bind(cluster::POWER);
    // At most every 10 seconds, at least every minute, from a change of 4 half per cents on.
    let configuration = [0, 0x21, 0, 0x20, 10, 0, 60, 0, 4];
    bench.send(cluster::POWER, false, global::CONFIGURE_REPORTING, &configuration);
    assert_eq!(bench.told(), [(global::CONFIGURE_REPORTING_RESPONSE, vec![0])]);
    bench.lock.act(bench.now, &Action::Battery(99));
    bench.lock.act(bench.now, &Action::Battery(90));
    assert_eq!(bench.told(), [], "too soon");
    bench.now += Duration::from_secs(10);
    bench.lock.handle_timeout(bench.now);
    assert_eq!(bench.told(), [(global::REPORT, vec![0x21, 0, 0x20, 180])]);
    bench.now += Duration::from_secs(60);
    assert_eq!(bench.lock.timeout(), Some(bench.now));
    bench.lock.handle_timeout(bench.now);
    assert_eq!(bench.told(), [(global::REPORT, vec![0x21, 0, 0x20, 180])], "nothing has changed");
}

#[test]
fn the_bolt_turns_for_the_hub_and_is_told_of() {
    let mut bench = Bench::new(LockSetup { requires_pin: true, ..lock() });
    bench.bind(cluster::DOOR_LOCK);
    bench.send(cluster::DOOR_LOCK, true, 0x01, &[4, b'0', b'0', b'0', b'0']);
    let refused = bench.told();
    assert!(refused.contains(&(0x01, vec![1])) && bench.lock.door().locked() == Some(true), "{refused:?}");
    bench.send(cluster::DOOR_LOCK, true, 0x01, &[4, b'4', b'7', b'1', b'1']);
    let told = bench.told();
    assert_eq!(told[0], (0x01, vec![0]));
    assert_eq!(told[1].1[..4], [1, 2, 3, 0], "by radio, unlocked, with the PIN of user 3");
    assert_eq!(bench.lock.door().locked(), Some(false));
}

#[test]
fn a_clock_is_shown_and_set_and_starts_anew_without_its_batteries() {
    let mut bench = Bench::new(LockSetup { shows_clock: true, ..lock() });
    let read = |bench: &mut Bench| {
        bench.send(cluster::TIME, false, global::READ, &[0, 0]);
        bench.told().remove(0).1
    };
    assert_eq!(read(&mut bench), [0, 0, 0, 0xE2, 0xFF, 0xFF, 0xFF, 0xFF]);
    // Time 1000, an hour ahead of UTC.
    bench.send(cluster::TIME, false, global::WRITE, &[0, 0, 0xE2, 0xE8, 3, 0, 0, 2, 0, 0x2B, 0x10, 0x0E, 0, 0]);
    assert_eq!(bench.told(), [(global::WRITE_RESPONSE, vec![0])]);
    bench.now += Duration::from_secs(1);
    assert_eq!((read(&mut bench), bench.lock.local_time(bench.now)), (vec![0, 0, 0, 0xE2, 0xE9, 3, 0, 0], Some(4601)));
    bench.lock.act(bench.now, &Action::MoveClock(-1));
    assert_eq!(read(&mut bench), [0, 0, 0, 0xE2, 0xE8, 3, 0, 0]);
    bench.lock.act(bench.now, &Action::Restart);
    assert_eq!(bench.lock.local_time(bench.now), None);
    // One that does not show its clock has no such cluster.
    let mut other = Bench::new(lock());
    other.send(cluster::TIME, false, global::READ, &[0, 0]);
    assert_eq!(other.told(), [(global::DEFAULT_RESPONSE, vec![0, 0xC3])]);
}
