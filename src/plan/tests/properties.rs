//! What holds of the decisions whatever the facts.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::Schedule;

fn any_presence() -> impl Strategy<Value = Presence> {
    let ahead = Presence::Ahead(Evidence::ReadBack, at(-30));
    prop_oneof![Just(Presence::Absent), Just(Presence::Unproven), Just(proven(-30)), Just(proven(5)), Just(ahead)]
}

fn any_content() -> impl Strategy<Value = SlotContent> {
    let pin = (1..4u128).prop_map(|n| SlotContent::Code(digits(&format!("{}", 731_000 + n))));
    prop_oneof![Just(SlotContent::Free), Just(SlotContent::Hidden), Just(SlotContent::Unusable), pin]
}

/// A minute or two a day that is just over, has just begun, or is next.
fn any_schedule() -> impl Strategy<Value = Option<Schedule>> {
    let schedule = |cron: &str, duration: &str| Some(Schedule::new(cron, duration, "UTC").unwrap());
    let (over, now, next) = (schedule("59 7 * * *", "1m"), schedule("0 8 * * *", "1m"), schedule("1 8 * * *", "2m"));
    prop_oneof![3 => Just(None), 1 => Just(over), 1 => Just(now), 1 => Just(next)]
}

prop_compose! {
    fn any_table()(
        codes in proptest::collection::vec((1..5u16, -200..200i64, 1..200i64, any_presence(), any::<bool>(), any_schedule()), 0..4),
        words in proptest::collection::btree_map(1..5u16, (any_content(), -300..0i64), 0..4),
        window_slots in prop_oneof![Just(0u16), Just(4)],
    ) -> SlotTable {
        let mut table = table(4, vec![]);
        table.capabilities.window_slots = window_slots;
        for (n, (slot, from, length, presence, deleted, schedule)) in codes.into_iter().enumerate() {
            let mut code = code(n as u128 + 1, slot, from, from + length, presence);
            code.deleted_at = deleted.then(|| at(-1));
            code.schedule = schedule;
            let alone = table.holder(code.slot).is_none();
            code.presence = if alone { code.presence } else { Presence::Absent };
            let kept = matches!(code.presence, Presence::Ahead(..)) || (window_slots > 0 && code.presence == proven(5));
            code.kept = code.window_for_lock(at(0)).filter(|_| kept);
            table.codes.push(code);
        }
        for (slot, (content, told)) in words {
            says(&mut table, slot, content, told);
        }
        table
    }
}

proptest! {
    /// What a turn leaves unread, by [`HORIZON`].
    #[test]
    fn what_begins_beyond_the_horizon_changes_nothing_but_where_a_place_is_sought(
        table in any_table(),
        far in proptest::collection::vec((1..5u16, 90_001..900_000i64, 1..90_000i64), 1..4),
    ) {
        let mut whole = table.clone();
        for (n, (slot, from, length)) in far.iter().enumerate() {
            whole.codes.push(code(n as u128 + 100, *slot, *from, from + length, Presence::Absent));
        }
        let displaced = |code: &AccessCode| code.access_code_id >= id(100) && table.is_foreign(code.slot);
        let near = LockFacts { beyond: far.iter().map(|(_, from, _)| at(*from)).min(), ..facts(table.clone()) };
        match diff::next(&facts(whole.clone()), now(0)) {
            Next::Move(..) | Next::Refuse(..) => {
                let moves = matches!(diff::next(&near, now(0)), Next::Move(..) | Next::Refuse(..));
                prop_assert!(moves || whole.codes.iter().any(displaced), "a place is sought as well");
            }
            next => prop_assert_eq!(diff::next(&near, now(0)), next),
        }
        let (near, whole) = (wake::next(&near, now(0)), wake::next(&facts(whole), now(0)));
        prop_assert!(near <= whole, "it is woken no later: {:?}, {:?}", near, whole);
    }

    #[test]
    fn a_slot_is_written_only_when_free_or_ours_and_cleared_only_when_ours(table in any_table()) {
        let holder_of = |slot| table.holder(slot).map(|code| code.access_code_id);
        match diff::next(&facts(table.clone()), now(0)) {
            Next::Do(Step::Set(id, slot, ..)) => {
                let free = table.word(slot).is_some_and(|word| word.content == SlotContent::Free);
                prop_assert!(holder_of(slot).map_or(free, |holder| holder == id));
            }
            Next::Do(Step::Clear(id, slot)) => {
                prop_assert_eq!(holder_of(slot), Some(id));
                let code = table.holder(slot).unwrap();
                prop_assert!(!code.is_wanted(at(0)));
                prop_assert!(table.word(slot).is_some_and(|word| word.content == own(code)
                    || !matches!(word.content, SlotContent::Code(_))));
            }
            _ => {}
        }
    }

    #[test]
    fn nothing_changes_between_now_and_the_wake(mut table in any_table(), part in 0.0..1.0f64) {
        obey(&mut table, now(0));
        let facts = facts(table);
        prop_assert_eq!(diff::next(&facts, now(0)), Next::Wait, "it comes to rest");
        let wake = wake::next(&facts, now(0)).unwrap_or(at(100_000));
        let later = at(0).after(Duration::from_micros((at(0).until(wake).as_micros() as f64 * part) as u64));
        prop_assume!(later < wake);
        prop_assert_eq!(diff::next(&facts, Moment { utc: later, trusted: true }), Next::Wait);
    }
}

/// What a host asks for one door: from when, how long, how often, with which PIN if not any, and whether it is deleted
/// before it is over.
#[derive(Debug, Clone)]
struct Order {
    from: i64,
    length: i64,
    schedule: Option<Schedule>,
    pin: Option<String>,
    deleted: bool,
}

fn any_order() -> impl Strategy<Value = Order> {
    let pin = prop::option::weighted(0.3, "[12]{4}");
    (0..20i64, 1..12i64, any_schedule(), pin, any::<bool>()).prop_map(|(from, length, schedule, pin, deleted)| Order {
        from: from * 30 - 300,
        length: length * 30,
        schedule,
        pin,
        deleted,
    })
}

/// A door of few slots and of the PINs that can be made of two digits, and what is promised of these orders. What is to
/// be deleted is deleted before the next is made, if `at_once`.
fn promised(slots: u16, orders: &[Order], at_once: bool) -> SlotTable {
    let mut door = table(slots, vec![]);
    (door.capabilities.max_code_length, door.capabilities.digits) = (4, "12".to_owned());
    let mut rng = StdRng::from_seed([7; 32]);
    for (n, order) in orders.iter().enumerate() {
        let window = Window { starts_at: at(order.from), ends_at: Some(at(order.from + order.length)) };
        let doors = [pin::Door::new(&door, &window, None)];
        let pin = match &order.pin {
            Some(asked) => pin::check(&digits(asked), &doors).map(|()| digits(asked)),
            None => pin::choose(&mut rng, &doors, None),
        };
        let (Ok(pin), Ok(slot)) = (pin, slot::choose(&door, &window, None, at(-400))) else { continue };
        let code = code(n as u128 + 1, slot.0, order.from, order.from + order.length, Presence::Absent);
        let deleted_at = (at_once && order.deleted).then(|| at(-400));
        door.codes.push(AccessCode { pin: Some(pin), schedule: order.schedule.clone(), deleted_at, ..code });
    }
    door
}

fn collides(a: &AccessCode, b: &AccessCode) -> bool {
    let (a, b) = (a.pin.as_ref().unwrap().expose(), b.pin.as_ref().unwrap().expose());
    a.starts_with(b) || b.starts_with(a)
}

proptest! {
    #[test]
    fn of_whatever_grants_no_two_codes_on_a_lock_collide_and_no_slot_is_promised_twice(
        slots in 1..8u16,
        orders in prop::collection::vec(any_order(), 0..30),
    ) {
        let codes = promised(slots, &orders, true).codes;
        for (n, one) in codes.iter().enumerate() {
            for other in codes[..n].iter().filter(|other| other.deleted_at.is_none() && other.window.overlaps(&one.window)) {
                prop_assert!(!collides(one, other), "{one:?} and {other:?}");
                prop_assert_ne!(one.slot, other.slot);
            }
        }
    }

    #[test]
    fn at_every_moment_the_lock_holds_what_it_should_each_in_a_slot_of_its_own(
        slots in 1..8u16,
        orders in prop::collection::vec(any_order(), 0..12),
        keeps_windows in any::<bool>(),
    ) {
        let mut door = promised(slots, &orders, false);
        door.capabilities.window_slots = if keeps_windows { slots } else { 0 };
        for seconds in (-330..700).step_by(30) {
            for (n, order) in orders.iter().enumerate().filter(|(_, order)| order.deleted) {
                // In the middle of its time.
                let over = order.from + order.length / 2;
                let code = door.codes.iter_mut().find(|code| code.access_code_id == id(n as u128 + 1));
                if let Some(code) = code.filter(|_| over <= seconds) {
                    code.deleted_at = Some(at(over));
                }
            }
            door.codes.retain(|code| !code.is_finished(at(seconds)));
            obey(&mut door, now(seconds));
            for code in &door.codes {
                let wanted = code.is_wanted(at(seconds));
                prop_assert_eq!(matches!(code.presence, Presence::Proven(..)), wanted, "{:?} at {}", code, seconds);
                // What else is in it waits for its time, kept to that by the lock.
                let waits = code.presence == Presence::Absent || code.waits_in_lock(at(seconds));
                prop_assert!(wanted || waits, "{:?} at {}", code, seconds);
            }
            for (n, one) in door.codes.iter().enumerate() {
                let rival = |other: &&AccessCode| other.presence != Presence::Absent && collides(one, other);
                prop_assert!(one.presence == Presence::Absent || door.codes[..n].iter().find(rival).is_none());
            }
            let held: Vec<SlotNumber> =
                door.codes.iter().filter(|code| code.presence != Presence::Absent).map(|code| code.slot).collect();
            let distinct: std::collections::BTreeSet<_> = held.iter().collect();
            prop_assert_eq!(distinct.len(), held.len());
        }
    }

    #[test]
    fn what_is_planned_does_not_depend_on_the_order_in_which_codes_are_given(
        (table, shuffled) in any_table().prop_flat_map(|table| {
            let codes = Just(table.codes.clone()).prop_shuffle();
            (Just(table), codes)
        }),
        from in -200..200i64,
    ) {
        let other = SlotTable { codes: shuffled, ..table.clone() };
        let window = Window { starts_at: at(from), ends_at: None };
        prop_assert_eq!(slot::choose(&table, &window, None, at(0)), slot::choose(&other, &window, None, at(0)));
        let door = |table: &SlotTable| pin::Door::new(table, &window, None);
        for pin in ["731001", "731002", "7310", "999999"] {
            let (pin, one, two) = (digits(pin), [door(&table)], [door(&other)]);
            prop_assert_eq!(pin::check(&pin, &one), pin::check(&pin, &two));
        }
        let (one, two) = (facts(table), facts(other));
        prop_assert_eq!(diff::next(&one, now(0)), diff::next(&two, now(0)));
        prop_assert_eq!(wake::next(&one, now(0)), wake::next(&two, now(0)));
    }
}

/// A lock that does at once what it is told.
fn obey(table: &mut SlotTable, now: Moment) {
    for _ in 0..100 {
        let (slot, content) = match diff::next(&facts(table.clone()), now) {
            Next::Wait => return,
            Next::Move(id, slot) => {
                change(table, id, |code| code.slot = slot);
                continue;
            }
            Next::Refuse(id, message) => {
                let problem = CodeProblem { kind: ProblemKind::FailedToSet, message, since: now.utc };
                change(table, id, |code| code.problem = Some(problem));
                continue;
            }
            Next::Do(Step::Set(id, slot, pin, within)) => {
                assert!(table.holder(slot).is_none_or(|holder| holder.access_code_id == id), "two in one slot");
                change(table, id, |code| {
                    code.kept = within.map(|within| within.window);
                    code.presence = match code.kept {
                        Some(_) if !code.is_wanted(now.utc) => Presence::Ahead(Evidence::ReadBack, now.utc),
                        _ => Presence::Proven(Evidence::ReadBack, now.utc),
                    };
                });
                (slot, SlotContent::Code(pin))
            }
            Next::Do(Step::Clear(id, slot)) => {
                change(table, id, |code| (code.presence, code.kept) = (Presence::Absent, None));
                (slot, SlotContent::Free)
            }
            Next::Do(Step::Read(slot)) => {
                let before = table.word(slot).map(|word| word.content.clone());
                let content = before.clone().unwrap_or(SlotContent::Free);
                match judge(before.as_ref(), slot, &content, &table.codes) {
                    Verdict::Proven(id) => {
                        change(table, id, |code| code.presence = Presence::Proven(Evidence::ReadBack, now.utc))
                    }
                    Verdict::Gone(id) | Verdict::Replaced(id) => {
                        change(table, id, |code| code.presence = Presence::Absent)
                    }
                    Verdict::Unsure(id) => change(table, id, |code| code.presence = Presence::Unproven),
                    Verdict::Same | Verdict::Doubtful(_) | Verdict::Foreign => {}
                }
                (slot, content)
            }
            other @ Next::Do(
                Step::Act(..)
                | Step::Together(..)
                | Step::Check(..)
                | Step::CheckClock
                | Step::Status
                | Step::Ping
                | Step::Log(_),
            ) => {
                panic!("nobody asked for {other:?}")
            }
        };
        table.codes.retain(|code| !code.is_finished(now.utc));
        table.words.insert(slot, Word { content, told_at: now.utc });
    }
    panic!("it does not come to rest: {:?}", diff::next(&facts(table.clone()), now));
}

fn change(table: &mut SlotTable, id: AccessCodeId, change: impl FnOnce(&mut AccessCode)) {
    change(table.codes.iter_mut().find(|code| code.access_code_id == id).unwrap());
}
