//! The decisions as statements.

use std::collections::BTreeMap;

use keyway_lock::{Evidence, KeypadMode, LockCommand, Minute, Pin, SlotContent, SlotNumber, SlotWindow, WallTime};
use keyway_test_support::lock_info;
use rand::{SeedableRng, rngs::StdRng};
use uuid::Uuid;

use super::verdict::judge;
use super::warn::{Health, Reach};
use super::{ClockWord, LockFacts, Memory, Moment, Next, SlotTable, Step, Verdict, Word, diff, pin, slot, wake, warn};
use crate::model::{
    AccessCode, AccessCodeId, ActionAttempt, ActionStatus, ActionType, CodeOrigin, CodeProblem, CodeStatus, Presence,
    ProblemKind, Timestamp, Window,
};

mod properties;

/// Seconds on the tests' clock.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microsecond((1_800_000_000 + seconds) * 1_000_000).unwrap()
}

fn now(seconds: i64) -> Moment {
    Moment { utc: at(seconds), trusted: true }
}

fn id<T: From<Uuid>>(n: u128) -> T {
    T::from(Uuid::from_u128(n))
}

fn digits(text: &str) -> Pin {
    Pin::new(text).unwrap()
}

fn code(n: u128, slot: u16, from: i64, to: i64, presence: Presence) -> AccessCode {
    AccessCode {
        access_code_id: id(n),
        origin: CodeOrigin::Grant { access_grant_id: id(n), access_method_id: id(n), user_identity_id: id(n) },
        device_id: id(1),
        slot: SlotNumber(slot),
        pin: Some(digits(&format!("{}", 731_000 + n))),
        window: Window { starts_at: at(from), ends_at: Some(at(to)) },
        schedule: None,
        deleted_at: None,
        presence,
        kept: None,
        problem: None,
        created_at: at(-100_000),
        ordered_at: at(-100_000),
    }
}

fn proven(seconds: i64) -> Presence {
    Presence::Proven(Evidence::ReadBack, at(seconds))
}

fn table(slots: u16, codes: Vec<AccessCode>) -> SlotTable {
    let capabilities = lock_info(slots).capabilities;
    SlotTable { capabilities, words: BTreeMap::new(), codes }
}

fn says(table: &mut SlotTable, slot: u16, content: SlotContent, told: i64) {
    table.words.insert(SlotNumber(slot), Word { content, told_at: at(told) });
}

/// A lock that has been heard for long, its status known.
fn facts(table: SlotTable) -> LockFacts {
    let clock = ClockWord::Right(at(-400));
    let memory = Memory { heard_since: Some(at(-200_000)), status_known: true, clock, ..Memory::default() };
    let (last_seen, actions) = (Some(at(0)), Vec::new());
    LockFacts {
        is_interviewed: true,
        table: Some(table),
        beyond: None,
        is_managed: true,
        actions,
        last_seen,
        log: None,
        memory,
    }
}

fn unlock(n: u128, expires: i64) -> ActionAttempt {
    ActionAttempt {
        action_attempt_id: id(n),
        device_id: id(1),
        action_type: ActionType::UnlockDoor,
        status: ActionStatus::Pending,
        created_at: at(0),
        expires_at: at(expires),
    }
}

fn own(code: &AccessCode) -> SlotContent {
    SlotContent::Code(code.pin.clone().unwrap())
}

#[test]
fn a_code_whose_grant_has_ended_is_taken_out_before_another_is_put_in() {
    let (over, due) = (code(1, 1, -500, 0, proven(-500)), code(2, 2, 0, 500, Presence::Absent));
    let mut table = table(5, vec![due, over.clone()]);
    says(&mut table, 1, own(&over), -10);
    says(&mut table, 2, SlotContent::Free, -10);
    assert_eq!(diff::next(&facts(table), now(0)), Next::Do(Step::Clear(id(1), SlotNumber(1))));
}

#[test]
fn a_due_code_in_a_slot_just_called_free_costs_one_set() {
    let due = code(2, 2, 0, 500, Presence::Absent);
    let mut table = table(5, vec![due.clone()]);
    says(&mut table, 2, SlotContent::Free, -60);
    assert_eq!(
        diff::next(&facts(table.clone()), now(0)),
        Next::Do(Step::Set(id(2), SlotNumber(2), due.pin.unwrap(), None))
    );
    says(&mut table, 2, SlotContent::Free, -121);
    assert_eq!(diff::next(&facts(table), now(0)), Next::Do(Step::Read(SlotNumber(2))), "an old word is asked again");
}

#[test]
fn the_slot_is_looked_at_when_the_code_is_due_and_not_before_so_that_the_lock_is_woken_once() {
    let upcoming = code(1, 1, 1000, 2000, Presence::Absent);
    let mut before = table(1, vec![upcoming]);
    says(&mut before, 1, SlotContent::Free, 0);
    assert_eq!(diff::next(&facts(before.clone()), now(999)), Next::Wait);
    assert_eq!(wake::next(&facts(before.clone()), now(999)), Some(at(1000)));
    assert_eq!(diff::next(&facts(before), now(1000)), Next::Do(Step::Read(SlotNumber(1))));

    let inside = code(1, 1, 0, 2000, proven(0));
    let mut during = table(1, vec![inside.clone()]);
    says(&mut during, 1, own(&inside), 100);
    assert_eq!(diff::next(&facts(during.clone()), now(1999)), Next::Wait);
    assert_eq!(diff::next(&facts(during), now(2000)), Next::Do(Step::Read(SlotNumber(1))));
}

#[test]
fn slots_that_are_written_together_are_read_first_and_one_that_can_not_be_read_keeps_no_other_in() {
    let over = |slot: u16| code(slot.into(), slot, 0, 500, proven(0));
    let mut table = table(3, vec![over(1), over(2), over(3)]);
    table.capabilities.changes_at_once = 12;
    says(&mut table, 1, own(&over(1)), 500);
    says(&mut table, 3, own(&over(3)), 500);
    let mut facts = facts(table);
    assert_eq!(diff::next(&facts, now(500)), Next::Do(Step::Read(SlotNumber(2))));
    facts.memory.failed_last = true;
    let Next::Do(Step::Together(writes, _)) = diff::next(&facts, now(500)) else { panic!("two can leave") };
    assert_eq!(writes.iter().map(|write| write.slot.0).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn codes_set_shortly_one_after_the_other_are_audited_in_one_go() {
    let codes = [code(1, 1, 0, 2000, proven(0)), code(2, 2, 0, 2000, proven(10))];
    let mut table = table(2, codes.to_vec());
    table.capabilities.has_checksum = true;
    says(&mut table, 1, own(&codes[0]), 0);
    says(&mut table, 2, own(&codes[1]), 10);
    assert_eq!(wake::next(&facts(table.clone()), now(30)), Some(at(60)));
    assert!(matches!(diff::next(&facts(table.clone()), now(60)), Next::Do(Step::Check(..))));
    for code in &codes {
        says(&mut table, code.slot.0, own(code), 60);
    }
    assert_eq!(diff::next(&facts(table), now(70)), Next::Wait);
}

#[test]
fn one_question_for_all_slots_is_asked_also_while_a_code_waits_for_the_slot_of_another() {
    let (out, next) = (code(1, 1, 0, 2000, proven(0)), code(2, 1, 2000, 4000, Presence::Absent));
    let mut table = table(2, vec![out.clone(), next]);
    table.capabilities.has_checksum = true;
    says(&mut table, 1, own(&out), 0);
    says(&mut table, 2, SlotContent::Free, 0);
    assert!(matches!(diff::next(&facts(table), now(60)), Next::Do(Step::Check(..))));
}

#[test]
fn a_slot_reserved_at_creation_that_was_never_read_is_read_at_once() {
    let table = table(1, vec![code(1, 1, 90_000, 99_000, Presence::Absent)]);
    assert_eq!(diff::next(&facts(table), now(0)), Next::Do(Step::Read(SlotNumber(1))));
}

#[test]
fn a_slot_taken_by_somebody_else_is_never_written_and_the_code_moves() {
    let mut table = table(3, vec![code(1, 1, 0, 500, Presence::Absent)]);
    says(&mut table, 1, SlotContent::Code(digits("9999")), 0);
    says(&mut table, 2, SlotContent::Hidden, 0);
    assert_eq!(diff::next(&facts(table.clone()), now(0)), Next::Move(id(1), SlotNumber(3)));
    says(&mut table, 3, SlotContent::Unusable, 0);
    let Next::Refuse(_, reason) = diff::next(&facts(table), now(0)) else { panic!("no slot is left") };
    assert!(reason.contains("full") && reason.contains("3 slots"), "{reason}");
}

#[test]
fn a_lock_shown_another_pin_twice_has_a_code_that_is_not_ours() {
    let ours = code(1, 1, 0, 500, proven(0));
    let other = SlotContent::Code(digits("9999"));
    let before = own(&ours);
    let codes = [ours.clone()];
    assert_eq!(judge(Some(&before), SlotNumber(1), &other, &codes), Verdict::Doubtful(id(1)));
    assert_eq!(judge(Some(&other), SlotNumber(1), &other, &codes), Verdict::Replaced(id(1)));
    let disabled = SlotContent::Unusable;
    assert_eq!(judge(Some(&before), SlotNumber(1), &disabled, &codes), Verdict::Doubtful(id(1)));
    assert_eq!(judge(Some(&disabled), SlotNumber(1), &disabled, &codes), Verdict::Replaced(id(1)), "it opens nothing");
    let masked = SlotContent::Hidden;
    assert_eq!(judge(Some(&masked), SlotNumber(1), &masked, &codes), Verdict::Same, "masked counts as ours");
    assert_eq!(judge(Some(&before), SlotNumber(1), &masked, &codes), Verdict::Same, "its checksum had shown it");
    assert_eq!(judge(None, SlotNumber(1), &masked, &codes), Verdict::Unsure(id(1)), "something happened to the slot");
    assert_eq!(judge(None, SlotNumber(1), &SlotContent::Free, &codes), Verdict::Gone(id(1)));
    assert_eq!(judge(None, SlotNumber(2), &other, &codes), Verdict::Foreign);
    let over = AccessCode { presence: Presence::Absent, ..ours.clone() };
    assert_eq!(
        judge(None, SlotNumber(1), &own(&ours), &[over]),
        Verdict::Proven(id(1)),
        "ours came back: ours to clear"
    );
}

#[test]
fn before_a_doubtful_slot_is_cleared_it_is_asked_again() {
    let over = code(1, 1, -500, 0, proven(-500));
    let mut table = table(1, vec![over]);
    says(&mut table, 1, SlotContent::Code(digits("9999")), 0);
    assert_eq!(diff::next(&facts(table), now(0)), Next::Do(Step::Read(SlotNumber(1))));
}

#[test]
fn an_unproven_slot_is_read_before_anything_is_concluded() {
    let table = table(1, vec![code(1, 1, 0, 500, Presence::Unproven)]);
    assert_eq!(diff::next(&facts(table.clone()), now(1)), Next::Do(Step::Read(SlotNumber(1))));
    let untrusted = Moment { trusted: false, ..now(1) };
    assert_eq!(diff::next(&facts(table), untrusted), Next::Do(Step::Read(SlotNumber(1))));
}

#[test]
fn a_masked_slot_whose_set_was_not_proven_is_written_again() {
    let mut table = table(1, vec![code(1, 1, 0, 500, Presence::Unproven)]);
    says(&mut table, 1, SlotContent::Hidden, 1);
    assert!(matches!(diff::next(&facts(table), now(1)), Next::Do(Step::Set(..))));
}

#[test]
fn while_the_clock_is_not_trusted_nothing_is_written_or_cleared_because_of_time() {
    let (over, due) = (code(1, 1, -500, 0, proven(-500)), code(2, 2, 0, 500, Presence::Absent));
    let mut table = table(2, vec![over.clone(), due]);
    says(&mut table, 1, own(&over), 0);
    says(&mut table, 2, SlotContent::Free, 0);
    let untrusted = Moment { trusted: false, ..now(1) };
    assert_eq!(diff::next(&facts(table.clone()), untrusted), Next::Wait);
    let mut facts = facts(table);
    facts.actions.push(unlock(7, 30));
    assert_eq!(diff::next(&facts, untrusted), Next::Do(Step::Act(id(7), LockCommand::Unlock)));
    facts.actions.clear();
    facts.table.as_mut().unwrap().codes[0].deleted_at = Some(at(0));
    assert_eq!(diff::next(&facts, untrusted), Next::Do(Step::Clear(id(1), SlotNumber(1))), "deleted is deleted");
}

#[test]
fn a_person_at_the_door_goes_first_but_not_twice_before_a_removal() {
    let over = code(1, 1, -500, 0, proven(-500));
    let mut table = table(1, vec![over.clone()]);
    says(&mut table, 1, own(&over), 0);
    let mut facts = facts(table);
    facts.actions = vec![unlock(7, 30), unlock(8, 30)];
    assert_eq!(diff::next(&facts, now(0)), Next::Do(Step::Act(id(7), LockCommand::Unlock)));
    facts.memory.acted_last = true;
    assert_eq!(diff::next(&facts, now(0)), Next::Do(Step::Clear(id(1), SlotNumber(1))));
}

#[test]
fn an_expired_unlock_is_not_carried_out() {
    let mut facts = facts(table(0, vec![]));
    facts.actions.push(unlock(7, 30));
    assert_eq!(diff::next(&facts, now(30)), Next::Wait);
}

#[test]
fn a_set_is_audited_a_minute_later_and_then_every_six_hours() {
    let ours = code(1, 1, 0, 900_000, proven(0));
    let mut table = table(1, vec![ours.clone()]);
    says(&mut table, 1, own(&ours), 0);
    assert_eq!(diff::next(&facts(table.clone()), now(59)), Next::Wait);
    assert_eq!(diff::next(&facts(table.clone()), now(60)), Next::Do(Step::Read(SlotNumber(1))));
    says(&mut table, 1, own(&ours), 61);
    assert_eq!(diff::next(&facts(table.clone()), now(6 * 3600)), Next::Wait);
    assert_eq!(diff::next(&facts(table), now(7 * 3600 + 61)), Next::Do(Step::Read(SlotNumber(1))));
}

#[test]
fn after_a_silence_managed_slots_are_read_again() {
    let ours = code(1, 1, 0, 900_000, proven(0));
    let mut table = table(1, vec![ours.clone()]);
    says(&mut table, 1, own(&ours), 100);
    let mut facts = facts(table);
    assert_eq!(diff::next(&facts, now(200)), Next::Wait);
    facts.memory.heard_since = Some(at(150));
    assert_eq!(diff::next(&facts, now(200)), Next::Do(Step::Read(SlotNumber(1))));
}

#[test]
fn nothing_is_read_for_later_use_just_before_a_start() {
    let mut table = table(2, vec![code(1, 1, 100, 200, Presence::Absent)]);
    says(&mut table, 1, SlotContent::Free, 60);
    assert_eq!(diff::next(&facts(table.clone()), now(94)), Next::Do(Step::Read(SlotNumber(2))));
    assert_eq!(diff::next(&facts(table.clone()), now(95)), Next::Wait);
    table.codes[0].presence = proven(100);
    let shown = own(&table.codes[0]);
    says(&mut table, 1, shown, 100);
    assert_eq!(diff::next(&facts(table.clone()), now(104)), Next::Wait, "nor just after it");
    assert_eq!(diff::next(&facts(table), now(105)), Next::Do(Step::Read(SlotNumber(2))));
}

#[test]
fn a_slot_that_the_lock_told_of_is_read_at_once() {
    let mut table = table(9, vec![]);
    for slot in 1..=9 {
        says(&mut table, slot, SlotContent::Free, 0);
    }
    let mut facts = facts(table);
    facts.memory.told.insert(SlotNumber(9));
    assert_eq!(diff::next(&facts, now(1)), Next::Do(Step::Read(SlotNumber(9))));
    facts.memory.told = [SlotNumber(10)].into();
    assert_eq!(diff::next(&facts, now(1)), Next::Wait, "there is no such slot");
}

#[test]
fn slots_never_read_are_read_one_behind_the_other_and_read_ones_once_an_hour() {
    let mut table = table(2, vec![]);
    says(&mut table, 1, SlotContent::Free, 100);
    assert_eq!(diff::next(&facts(table.clone()), now(100)), Next::Do(Step::Read(SlotNumber(2))));
    says(&mut table, 2, SlotContent::Hidden, 101);
    assert_eq!(diff::next(&facts(table.clone()), now(3700)), Next::Wait);
    assert_eq!(diff::next(&facts(table), now(3701)), Next::Do(Step::Read(SlotNumber(1))));
}

#[test]
fn the_slots_beyond_the_first_fifty_of_a_large_lock_are_read_one_a_minute() {
    let mut table = table(250, vec![]);
    for slot in 1..=50 {
        says(&mut table, slot, SlotContent::Free, 100);
    }
    assert_eq!(diff::next(&facts(table.clone()), now(159)), Next::Wait);
    assert_eq!(diff::next(&facts(table), now(160)), Next::Do(Step::Read(SlotNumber(51))));
}

#[test]
fn the_lowest_slot_known_to_be_free_is_chosen_and_an_unread_one_only_after_it() {
    let mut table = table(4, vec![]);
    says(&mut table, 3, SlotContent::Free, 0);
    says(&mut table, 1, SlotContent::Hidden, 0);
    let window = Window { starts_at: at(10), ends_at: Some(at(20)) };
    assert_eq!(slot::choose(&table, &window, None, at(0)), Ok(SlotNumber(3)));
    table.codes.push(code(1, 3, 0, 11, Presence::Absent));
    assert_eq!(slot::choose(&table, &window, None, at(0)), Ok(SlotNumber(2)));
}

#[test]
fn a_slot_freed_at_eleven_serves_the_guest_of_three_and_a_full_lock_says_until_when() {
    let morning = code(1, 1, 0, 1100, proven(0));
    let mut table = table(1, vec![morning.clone()]);
    says(&mut table, 1, own(&morning), 0);
    let afternoon = Window { starts_at: at(1500), ends_at: None };
    assert_eq!(slot::choose(&table, &afternoon, None, at(0)), Ok(SlotNumber(1)));
    let noon = Window { starts_at: at(1000), ends_at: None };
    let full = slot::choose(&table, &noon, None, at(0)).unwrap_err();
    assert_eq!(full.until, Some(at(1100)));
    let own_end = slot::choose(&table, &noon, Some(morning.access_code_id), at(0)).unwrap_err();
    assert_eq!(own_end.until, None, "its own end frees nothing for a code that must move");
    table.codes.push(code(2, 1, 1200, 2000, Presence::Absent));
    let full = slot::choose(&table, &noon, None, at(0)).unwrap_err();
    assert_eq!(full.until, Some(at(2000)), "at 1100 it is free, and not for so long");
    let short = Window { starts_at: at(1000), ends_at: Some(at(1150)) };
    assert_eq!(slot::choose(&table, &short, None, at(0)).unwrap_err().until, Some(at(1100)));
    assert!(slot::choose(&table, &Window { starts_at: at(1100), ..short }, None, at(0)).is_ok());
}

#[test]
fn a_chosen_pin_suits_all_doors_and_is_unlike_every_other_code() {
    let mut first = table(4, vec![code(1, 1, 0, 100, Presence::Absent)]);
    let second = table(4, vec![]);
    first.capabilities.max_code_length = 5;
    says(&mut first, 2, SlotContent::Code(digits("12345")), 0);
    let window = Window { starts_at: at(50), ends_at: None };
    let doors = [pin::Door::new(&first, &window, None), pin::Door::new(&second, &window, None)];
    let chosen = pin::choose(&mut StdRng::from_seed([1; 32]), &doors, None).unwrap();
    assert_eq!(chosen.digits(), 5, "six is too long for the first door, five is the nearest");
    let refused = |text: &str| pin::check(&digits(text), &doors).unwrap_err().to_string();
    assert!(refused("1234").contains("begins like it"));
    assert_eq!(refused("123456"), "the lock takes PINs of 4 to 5 digits");
    assert!(!refused("123456").contains("123456"));
}

#[test]
fn a_code_of_another_time_does_not_keep_its_pin_from_being_used() {
    let table = table(4, vec![code(1, 1, 0, 100, Presence::Absent)]);
    let same = table.codes[0].pin.clone().unwrap();
    let doors = |from| [pin::Door::new(&table, &Window { starts_at: at(from), ends_at: None }, None)];
    assert!(pin::check(&same, &doors(99)).is_err());
    assert!(pin::check(&same, &doors(100)).is_ok());
}

#[test]
fn a_pin_that_is_still_in_the_lock_is_promised_to_the_next_guest_unless_it_can_t_be_taken_out() {
    let mut leaving = code(1, 1, 0, 100, proven(0));
    let same = leaving.pin.clone().unwrap();
    let next = Window { starts_at: at(100), ends_at: None };
    let asked =
        |leaving: &AccessCode| pin::check(&same, &[pin::Door::new(&table(4, vec![leaving.clone()]), &next, None)]);
    assert!(asked(&leaving).is_ok());
    let message = "no".to_owned();
    leaving.problem = Some(CodeProblem { kind: ProblemKind::FailedToRemove, message, since: at(50) });
    assert!(asked(&leaving).is_err());
}

#[test]
fn the_next_guest_s_code_goes_in_when_the_same_pin_of_the_one_before_is_out() {
    let leaving = code(1, 1, 0, 100, proven(0));
    let next = AccessCode { pin: leaving.pin.clone(), ..code(2, 2, 100, 200, Presence::Absent) };
    let mut table = table(4, vec![leaving.clone(), next]);
    says(&mut table, 1, own(&leaving), 90);
    says(&mut table, 2, SlotContent::Free, 90);
    let mut facts = facts(table);
    assert_eq!(diff::next(&facts, now(100)), Next::Do(Step::Clear(id(1), SlotNumber(1))));
    facts.memory.held.insert(id(1));
    assert_eq!(diff::next(&facts, now(100)), Next::Wait, "not beside it");
    let table = facts.table.as_mut().unwrap();
    table.codes.remove(0);
    says(table, 1, SlotContent::Free, 100);
    assert_eq!(diff::next(&facts, now(100)), Next::Do(Step::Set(id(2), SlotNumber(2), leaving.pin.unwrap(), None)));
}

#[test]
fn doors_without_a_common_length_get_no_pin() {
    let (mut short, mut long) = (table(1, vec![]), table(1, vec![]));
    short.capabilities.max_code_length = 4;
    long.capabilities.min_code_length = 6;
    let window = Window { starts_at: at(0), ends_at: None };
    let doors = [pin::Door::new(&short, &window, None), pin::Door::new(&long, &window, None)];
    assert_eq!(pin::choose(&mut StdRng::from_seed([1; 32]), &doors, None), Err(pin::NoPin::NoCommonLength));
}

fn health(reach: Reach, failing: bool) -> Health {
    Health { reach, failing, closed_to_guests: None }
}

#[test]
fn a_code_is_said_to_open_nothing_while_the_keypad_lets_no_guest_in_also_if_it_is_in_the_lock() {
    let closed =
        Health { closed_to_guests: Some(warn::Closed::Keypad(KeypadMode::Vacation)), ..health(Reach::Online, false) };
    let (waiting, inside) = (code(1, 1, 10_000, 20_000, Presence::Absent), code(2, 2, 0, 20_000, proven(0)));
    for mut code in [waiting, inside] {
        code.problem = warn::problem(&code, closed, now(5));
        let problem = code.problem.clone().unwrap();
        assert_eq!((problem.kind, problem.since), (ProblemKind::WillNotWork, at(5)));
        assert!(problem.message.contains("vacation mode"), "{}", problem.message);
        assert_eq!(warn::problem(&code, closed, now(7)), code.problem, "told once");
        assert_eq!(warn::problem(&code, health(Reach::Online, false), now(8)), None);
    }
    let over = code(3, 3, -500, 0, proven(-500));
    assert_eq!(warn::problem(&over, closed, now(5)), None, "nobody waits for that one");
}

#[test]
fn an_offline_lock_is_told_of_at_creation_again_an_hour_before_and_at_the_start() {
    let offline = health(Reach::Offline, false);
    let mut code = code(1, 1, 10_000, 20_000, Presence::Absent);
    let kind = |code: &AccessCode, seconds| warn::problem(code, offline, now(seconds)).map(|problem| problem.kind);
    assert_eq!(kind(&code, 0), Some(ProblemKind::WillNotWork));
    assert_eq!(kind(&code, 6400), Some(ProblemKind::DelayInSetting));
    code.problem = warn::problem(&code, offline, now(6400));
    assert_eq!(warn::problem(&code, offline, now(7000)), code.problem, "told once");
    assert_eq!(warn::problem(&code, offline, now(10_010)).unwrap().since, at(10_010), "and again at the start");
    assert_eq!(warn::problem(&code, health(Reach::Online, false), now(7000)), None);
}

#[test]
fn what_is_ordered_behind_its_start_is_late_from_the_order_on() {
    let (online, offline) = (Reach::Online, Reach::Offline);
    let told = |code: &AccessCode, (reach, failing), seconds| {
        warn::problem(code, health(reach, failing), now(seconds)).map(|problem| (problem.kind, problem.since))
    };
    let mut code = AccessCode { ordered_at: at(0), ..code(1, 1, -5000, 5000, Presence::Absent) };
    let news = |seconds| Some((ProblemKind::DelayInSetting, at(seconds)));
    let begins = AccessCode { window: Window { starts_at: at(0), ends_at: None }, ..code.clone() };
    assert_eq!(told(&begins, (offline, false), 0), news(0));
    assert_eq!([59, 60].map(|second| told(&code, (online, false), second)), [None, news(60)]);
    assert_eq!([9, 10].map(|second| told(&code, (online, true), second)), [None, news(10)]);
    assert_eq!(told(&code, (offline, false), 0), news(0), "whoever orders it is told at once");
    code.problem = warn::problem(&code, health(offline, false), now(0));
    assert_eq!(told(&code, (offline, false), 500), news(0), "and once");
    code.ordered_at = at(600);
    assert_eq!(told(&code, (offline, false), 600), news(600), "until it is ordered anew");
}

#[test]
fn a_stay_that_is_made_longer_is_told_of_until_the_lock_keeps_the_code_to_the_new_end() {
    let minute = |seconds: i64| Minute::of(WallTime(at(seconds).as_microsecond()));
    let kept = |until| Some(SlotWindow { from: minute(-6000), until: minute(until) });
    let longer = AccessCode { kept: kept(600), ordered_at: at(0), ..code(1, 1, -5000, 5000, proven(-4000)) };
    let told = |code: &AccessCode, reach, seconds| warn::problem(code, health(reach, false), now(seconds));
    let (online, offline) = (Reach::Online, Reach::Offline);
    assert_eq!([59, 60].map(|second| told(&longer, online, second).map(|problem| problem.since)), [None, Some(at(60))]);
    let at_once = told(&longer, offline, 0).unwrap();
    assert_eq!((at_once.kind, at_once.since), (ProblemKind::DelayInSetting, at(0)));
    assert!(at_once.message.starts_with("the lock keeps the code to the time that it had before"), "{at_once:?}");
    assert_eq!(longer.status(at(0)), CodeStatus::Setting);
    let for_ever = AccessCode { window: Window { ends_at: None, ..longer.window }, ..longer.clone() };
    assert_eq!(told(&for_ever, offline, 0), Some(at_once));
    for good in [kept(5040), kept(9000), None] {
        let longer = AccessCode { kept: good, ..longer.clone() };
        assert_eq!((told(&longer, offline, 60), longer.status(at(60))), (None, CodeStatus::Set));
    }
}

#[test]
fn a_code_that_should_leave_since_its_time_was_moved_is_late_from_that_on() {
    let later = AccessCode { ordered_at: at(0), ..code(1, 1, 1000, 2000, proven(-500)) };
    let ended = AccessCode { ordered_at: at(0), ..code(1, 1, -900, -100, proven(-500)) };
    for code in [later, ended] {
        let told = [9, 10].map(|second| warn::problem(&code, health(Reach::Online, false), now(second)));
        assert_eq!(told.map(|problem| problem.map(|problem| problem.kind)), [None, Some(ProblemKind::DelayInRemoving)]);
    }
}

#[test]
fn an_alarm_stands_until_a_code_that_is_over_is_proven_gone() {
    let healthy = health(Reach::Online, false);
    let mut code = code(1, 1, -500, 0, proven(-500));
    assert_eq!(warn::problem(&code, healthy, now(9)), None);
    code.problem = warn::problem(&code, healthy, now(10));
    assert_eq!(code.problem.as_ref().map(|problem| problem.kind), Some(ProblemKind::DelayInRemoving));
    assert_eq!(warn::problem(&code, healthy, now(9999)), code.problem);
    let at_once = warn::problem(&AccessCode { problem: None, ..code.clone() }, health(Reach::Offline, false), now(0));
    assert_eq!(at_once.unwrap().kind, ProblemKind::DelayInRemoving, "a lock that is away can't let it go");
    code.presence = Presence::Absent;
    assert_eq!(warn::problem(&code, healthy, now(9999)), None);
}

#[test]
fn a_refusal_stands_until_the_code_is_changed() {
    let mut code = code(1, 1, 0, 500, Presence::Absent);
    let message = "no".to_owned();
    code.problem = Some(CodeProblem { kind: ProblemKind::FailedToSet, message, since: at(0) });
    assert_eq!(warn::problem(&code, health(Reach::Online, true), now(400)), code.problem);
    let mut table = table(1, vec![code]);
    says(&mut table, 1, SlotContent::Free, 300);
    assert_eq!(diff::next(&facts(table), now(400)), Next::Wait, "and is not tried again");
}

#[test]
fn a_lock_not_heard_yet_is_asked_for_its_status_if_nothing_else_is_to_be_asked() {
    let mut facts = facts(table(0, vec![]));
    facts.memory = Memory::default();
    assert_eq!(diff::next(&facts, now(0)), Next::Do(Step::Status));
    facts.memory.sparing = true;
    assert_eq!(diff::next(&facts, now(0)), Next::Wait);
    let code_id: AccessCodeId = id(1);
    facts.memory.held.insert(code_id);
    assert_eq!(wake::next(&facts, now(0)), None);
}

#[test]
fn a_lock_that_failed_lately_is_asked_for_nothing_but_what_is_due() {
    let over = code(1, 1, 0, 100, proven(0));
    let mut facts = facts(table(2, vec![over]));
    facts.memory.sparing = true;
    assert_eq!(diff::next(&facts, now(99)), Next::Wait);
    assert_eq!(diff::next(&facts, now(100)), Next::Do(Step::Read(SlotNumber(1))));
    facts.memory.resting = true;
    assert_eq!(diff::next(&facts, now(100)), Next::Wait, "but not at once again");
}

#[test]
fn a_pin_that_presses_the_buttons_of_another_is_refused_and_never_chosen() {
    let mut table = table(9, vec![code(1, 1, 0, 500, proven(0))]);
    let taken = table.codes[0].pin.clone().unwrap();
    // Five buttons: 1 and 2, 3 and 4, and so on.
    table.capabilities.alike.buttons = ["12", "34", "56", "78", "90"].map(str::to_owned).to_vec();
    let pressed = digits("842992");
    let doors = [pin::Door::new(&table, &table.codes[0].window, None)];
    assert_eq!(taken, digits("731001"));
    assert!(matches!(pin::check(&pressed, &doors), Err(pin::NoPin::Refused { door: 0, .. })));
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..200 {
        let chosen = pin::choose(&mut rng, &doors, Some(4)).unwrap();
        assert!(!table.capabilities.alike.collide(&chosen, &taken));
    }
}

#[test]
fn slots_that_are_reserved_are_neither_chosen_nor_read() {
    let mut table = table(3, vec![]);
    table.capabilities.reserved_slots = [SlotNumber(1), SlotNumber(3)].into();
    assert_eq!(table.slots().collect::<Vec<_>>(), [SlotNumber(2)]);
    assert_eq!(table.capabilities.guest_slots(), 1);
    let window = code(1, 1, 0, 500, proven(0)).window;
    assert_eq!(slot::choose(&table, &window, None, at(0)), Ok(SlotNumber(2)));
}
