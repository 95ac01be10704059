use super::*;
use crate::security::NetworkKeys;
use crate::serial_api::callback::TransmitReport;
use crate::transport::exchange::Awaits;

struct Bench {
    now: Instant,
    queue: Queue,
    security: Security,
    tickets: u64,
}

fn node(id: u16) -> NodeId {
    NodeId::new(id).unwrap()
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn new() -> Self {
        let security = Security::new(node(1), 1, &NetworkKeys::default(), ([1; 32], [2; 32]));
        Self { now: Instant::now(), queue: Queue::default(), security, tickets: 0 }
    }

    fn ask(&mut self, id: u16) {
        let command = Zeroizing::new(vec![0x62, 0x02]);
        self.queue.ask(node(id), Question { command, level: None, awaits: Awaits::Delivery });
    }

    /// The next frame goes out and is acknowledged after so long: to whom it went.
    fn turn(&mut self, takes: Duration) -> Option<u16> {
        let Some(Outgoing::Frame(to, _)) = self.queue.next(self.now, &mut self.security, 46) else { return None };
        self.tickets += 1;
        self.queue.given(self.now, Ticket(self.tickets));
        self.now += takes;
        let report = TransmitReport {
            callback: 1,
            status: TransmitStatus::Ok,
            ticks: None,
            repeaters: Vec::new(),
            ack_rssi: None,
            attempts: None,
        };
        self.queue.handle_completed(self.now, Ticket(self.tickets), Ok(Completed::Sent(report)));
        while self.queue.poll_ended().is_some() {}
        Some(to.get())
    }
}

#[test]
fn a_node_that_takes_long_gets_fewer_turns_and_the_others_the_rest() {
    let mut bench = Bench::new();
    let mut turns = Vec::new();
    for _ in 0..12 {
        // Both always have something to ask.
        bench.ask(2);
        bench.ask(3);
        let slow = bench.queue.lines[&node(2)].used <= bench.queue.lines[&node(3)].used;
        turns.extend(bench.turn(Duration::from_millis(if slow { 500 } else { 50 })));
    }
    let of = |id| turns.iter().filter(|turn| **turn == id).count();
    assert!(of(2) >= 1 && of(3) >= 9, "{turns:?}");
}

#[test]
fn who_was_idle_has_saved_nothing_up() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        bench.ask(2);
        bench.turn(Duration::from_secs(1));
    }
    bench.ask(2);
    for _ in 0..10 {
        bench.ask(3);
    }
    let turns: Vec<u16> = (0..4).filter_map(|_| bench.turn(Duration::from_secs(1))).collect();
    assert!(turns[..2].contains(&2), "{turns:?}");
}

#[test]
fn a_lock_that_a_beam_woke_is_stayed_with_but_not_for_ever() {
    let mut bench = Bench::new();
    bench.queue.set_beamed(node(2), true);
    let mut turns = Vec::new();
    for _ in 0..100 {
        // Node 2 has always the next question ready, node 3 waits.
        bench.ask(2);
        bench.ask(3);
        turns.extend(bench.turn(Duration::from_millis(100)));
    }
    let longest = turns.chunk_by(|a, b| a == b).filter(|run| run[0] == 2).map(<[u16]>::len).max();
    assert!(longest.is_some_and(|longest| (10..=42).contains(&longest)), "{turns:?}");
    assert!(turns.iter().filter(|turn| **turn == 3).count() >= 2, "{turns:?}");
}

#[test]
fn a_lock_to_which_all_is_said_is_soon_left() {
    let mut bench = Bench::new();
    bench.queue.set_beamed(node(2), true);
    bench.ask(2);
    assert_eq!(bench.turn(Duration::from_millis(50)), Some(2));
    bench.ask(3);
    assert_eq!(bench.turn(Duration::ZERO), None, "an afterthought may come");
    assert_eq!(bench.queue.timeout(), Some(bench.now + LINGER_IDLE));
    bench.now += LINGER_IDLE;
    assert_eq!(bench.turn(Duration::ZERO), Some(3));
}

#[test]
fn a_send_that_takes_long_is_given_up_for_what_the_stick_itself_is_wanted_for() {
    let mut bench = Bench::new();
    bench.ask(2);
    assert!(bench.queue.next(bench.now, &mut bench.security, 46).is_some());
    bench.queue.given(bench.now, Ticket(1));
    assert_eq!(bench.queue.timeout(), None, "nobody else waits");
    bench.queue.set_pressed(true);
    assert_eq!(bench.queue.timeout(), Some(bench.now + LONGEST_TURN));
    assert!(!bench.queue.must_abort(bench.now) && bench.queue.must_abort(bench.now + LONGEST_TURN));
}

#[test]
fn answers_to_waiting_nodes_go_first() {
    let mut bench = Bench::new();
    bench.ask(2);
    bench.queue.reply(node(3), None, vec![0x98, 0x80]);
    assert_eq!(bench.turn(Duration::ZERO), Some(3));
    assert_eq!(bench.turn(Duration::ZERO), Some(2));
}

#[test]
fn a_babbling_node_takes_no_more_than_every_other_turn_from_who_waits() {
    let mut bench = Bench::new();
    let mut turns = Vec::new();
    for _ in 0..20 {
        // Node 3 has always told something else, node 2 has always something to ask.
        bench.queue.reply(node(3), None, vec![0x98, 0x80]);
        bench.ask(2);
        turns.extend(bench.turn(Duration::from_millis(30)));
    }
    assert_eq!(turns.iter().filter(|turn| **turn == 2).count(), 10, "{turns:?}");
}

#[test]
fn babbling_nodes_that_sleep_do_not_keep_the_stick_from_another() {
    let mut bench = Bench::new();
    for babbling in [3, 4] {
        bench.queue.set_beamed(node(babbling), true);
    }
    bench.ask(2);
    let mut turns = Vec::new();
    for _ in 0..10 {
        for babbling in [3, 4] {
            bench.queue.reply(node(babbling), None, vec![0x98, 0x80]);
            turns.extend(bench.turn(Duration::from_millis(30)));
        }
    }
    assert!(turns[..4].contains(&2), "{turns:?}");
}

#[test]
fn a_node_that_is_answered_and_is_to_be_asked_is_stayed_with() {
    let mut bench = Bench::new();
    bench.queue.set_beamed(node(3), true);
    bench.queue.reply(node(3), None, vec![0x98, 0x80]);
    assert_eq!(bench.turn(Duration::ZERO), Some(3));
    bench.ask(3);
    bench.ask(2);
    assert_eq!(bench.turn(Duration::ZERO), Some(3), "a beam is saved");
}

#[test]
fn a_door_that_was_turned_all_day_soon_has_its_turn_again() {
    let mut bench = Bench::new();
    for _ in 0..1000 {
        bench.queue.reply(node(3), None, vec![0x98, 0x80]);
        bench.turn(Duration::from_millis(200));
    }
    for _ in 0..100 {
        bench.ask(2);
    }
    bench.ask(3);
    let turns: Vec<u16> = std::iter::from_fn(|| bench.turn(Duration::from_millis(200))).take(101).collect();
    let waited = turns.iter().position(|turn| *turn == 3);
    assert!(waited.is_some_and(|turns| turns <= 31), "{waited:?} turns of 200 ms");
}

#[test]
fn a_send_that_the_node_has_answered_does_not_keep_its_own_next_question_waiting() {
    let mut bench = Bench::new();
    let awaits = Awaits::Report([0x62, 0x03].into());
    let question = || Question { command: Zeroizing::new(vec![0x62, 0x02]), level: None, awaits: awaits.clone() };
    bench.queue.ask(node(2), question());
    assert!(bench.queue.next(bench.now, &mut bench.security, 46).is_some());
    bench.queue.given(bench.now, Ticket(1));
    // The answer comes, and the stick never says that the question was sent.
    assert!(bench.queue.handle_command(bench.now, node(2), None, &[0x62, 0x03, 0xFF]));
    assert!(bench.queue.poll_ended().is_some());
    assert_eq!(bench.queue.timeout(), None, "there is time");
    bench.queue.ask(node(2), question());
    assert!(!bench.queue.must_abort(bench.now) && bench.queue.must_abort(bench.now + LONGEST_TURN));
}

#[test]
fn a_babbling_node_does_not_fill_the_memory() {
    for level in [None, Some(SecurityClass::S0)] {
        let mut bench = Bench::new();
        for _ in 0..1000 {
            bench.queue.reply(node(3), level, vec![0x6C, 0x02]);
        }
        let waiting = bench.queue.lines.get(&node(3)).map_or(0, |line| line.tasks.len());
        let sent = std::iter::from_fn(|| bench.turn(Duration::ZERO)).count();
        assert!((1..=MOST_ANSWERS).contains(&sent.max(waiting)), "{level:?}: {sent} sent, {waiting} wait");
    }
}
