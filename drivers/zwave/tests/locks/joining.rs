//! Locks fresh from their boxes: they are added, get their keys, and are driven like any other. What goes wrong is told for
//! what it is, and nothing is left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use keyway_lock::{
    Awaited, CommandOutput, DeviceLabel, Evidence, Grant, Include, JoinPin, Joined, KeyClass, NetworkCommand,
    NetworkError, NetworkFailure, NetworkOutcome, NetworkStep, RadioEvent,
};
use keyway_virtual::zwave::{Action, FreshLock, JoinFaults, LockSetup};
use keyway_zwave::security::SecurityClass;

use super::set;
use super::world::{World, building, node};

pub(crate) const S2_LOCK: [SecurityClass; 3] =
    [SecurityClass::S2Unauthenticated, SecurityClass::S2Authenticated, SecurityClass::S2AccessControl];

pub(crate) fn fresh(security: &[SecurityClass]) -> FreshLock {
    let lock = LockSetup { programming_events: false, ..LockSetup::new(node(99), "New", security) };
    FreshLock { lock, private_key: None, smart_start: false, faults: JoinFaults::default() }
}

/// A stick that has no locks yet.
pub(crate) fn empty() -> World {
    let mut world = World::new(building(Vec::new()));
    world.open();
    world.until("the stick is ready", |world| {
        world.told(|event| matches!(event, RadioEvent::Stick(keyway_lock::StickState::Ready(_))))
    });
    world
}

pub(crate) fn include() -> NetworkCommand {
    NetworkCommand::Include(Include { name: Some("Shed".to_owned()), ..Include::default() })
}

fn default_classes() -> BTreeSet<KeyClass> {
    BTreeSet::from([KeyClass::S2Authenticated, KeyClass::S2AccessControl])
}

pub(crate) fn until_pin(world: &mut World, label: &DeviceLabel) {
    world.until_step(&NetworkStep::PinNeeded { label: label.shown() });
}

pub(crate) fn until_interviewed(world: &mut World, id: u16) {
    world.until("it is interviewed", |world| {
        world.told(|event| matches!(event, RadioEvent::LockInterviewed(lock, info) if *lock == node(id).into() && info.missing.is_empty()))
    });
}

/// Adds an S2 lock, as a host does: its node is 2.
pub(crate) fn with_a_lock() -> World {
    let mut world = empty();
    add(&mut world);
    world
}

/// Adds an S2 lock to a network that has none.
pub(crate) fn add(world: &mut World) {
    let asked = world.ask_network(include());
    let label = world.unbox(fresh(&S2_LOCK));
    until_pin(world, &label);
    world.network(NetworkCommand::Confirm(label.pin())).unwrap();
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Included(node(2).into(), default_classes())));
    until_interviewed(world, 2);
}

/// What is told of the lock that [`add`] adds: with the label that the host was asked to read.
fn shed_joined(world: &World) -> RadioEvent {
    let shown = |step| if let NetworkStep::PinNeeded { label } = step { Some(label) } else { None };
    let label = world.steps().into_iter().find_map(shown);
    assert!(label.is_some(), "it was asked for");
    RadioEvent::LockJoined(node(2).into(), Joined { name: Some("Shed".to_owned()), classes: default_classes(), label })
}

fn in_the_network(world: &World) -> usize {
    (2..=20).filter(|id| world.stick.knows(node(*id))).count()
}

#[test]
fn a_lock_is_added_with_the_digits_of_its_label_and_takes_a_code() {
    let mut world = with_a_lock();
    let steps: Vec<NetworkStep> = world.steps();
    let pin = steps.iter().position(|step| matches!(step, NetworkStep::PinNeeded { .. })).unwrap();
    assert_eq!(steps[..pin], [NetworkStep::Ready, NetworkStep::Found, NetworkStep::Joined(node(2).into())]);
    assert_eq!(steps[pin + 1..], [NetworkStep::Securing]);
    let joined = shed_joined(&world);
    let at = |what: &dyn Fn(&RadioEvent) -> bool| world.events.iter().position(|(_, event)| what(event));
    let told = at(&|event| *event == joined).unwrap();
    assert!(told < at(&|event| matches!(event, RadioEvent::LockPending(..))).unwrap());
    assert_eq!(world.command(2, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    let under = world.stick.commands(node(2)).last().unwrap().security;
    assert_eq!(under, Some("s2_access_control"));
}

#[test]
fn what_was_added_is_driven_after_a_restart_without_being_configured() {
    let mut world = with_a_lock();
    world.command(2, set("0042")).0.unwrap();
    let joined = shed_joined(&world);
    world.restart_hub(9);
    assert!(world.told(|event| *event == joined));
    assert_eq!(world.command(2, set("0043")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
}

#[test]
fn the_keys_and_the_node_are_kept_before_the_lock_is_told_of() {
    let world = with_a_lock();
    let kept =
        |prefix: &str| world.records.iter().any(|record| record.key.0.starts_with(prefix) && record.value.is_some());
    assert!(kept("keys") && kept("member/"));
    assert!(!kept("under_way"), "nothing is under way any more");
}

#[test]
fn a_pin_that_was_given_beforehand_is_not_asked_for() {
    let mut world = empty();
    let mut lock = fresh(&S2_LOCK);
    lock.private_key = Some([5; 32]);
    // The label is known before the lock is taken from its box.
    let label = world.unbox(lock);
    let include = Include { pin: Some(label.pin()), ..Include::default() };
    assert!(world.network(NetworkCommand::Include(include)).is_ok());
    assert!(!world.steps().iter().any(|step| matches!(step, NetworkStep::PinNeeded { .. })));
}

#[test]
fn another_lock_than_the_one_whose_label_was_given_is_turned_away() {
    let mut world = empty();
    let label = Some(DeviceLabel::new([7; 16]));
    let asked = world.ask_network(NetworkCommand::Include(Include { label, ..Include::default() }));
    world.unbox(fresh(&S2_LOCK));
    world.until_step(&NetworkStep::RemovalNeeded(node(2).into()));
    world.press(2);
    assert_eq!(world.ended(asked), Err(NetworkError::WrongDevice.into()));
}

#[test]
fn a_slow_host_is_waited_for_and_the_lock_asks_again_meanwhile() {
    let mut world = empty();
    let asked = world.ask_network(include());
    let label = world.unbox(fresh(&S2_LOCK));
    until_pin(&mut world, &label);
    world.pass(Duration::from_secs(200));
    world.network(NetworkCommand::Confirm(label.pin())).unwrap();
    assert!(world.ended(asked).is_ok());
}

#[test]
fn the_wrong_digits_are_told_and_the_lock_is_taken_out_at_its_button() {
    let mut world = empty();
    let asked = world.ask_network(include());
    let label = world.unbox(fresh(&S2_LOCK));
    until_pin(&mut world, &label);
    let wrong = JoinPin::new("12345").filter(|pin| *pin != label.pin()).unwrap();
    world.network(NetworkCommand::Confirm(wrong)).unwrap();
    world.until_step(&NetworkStep::RemovalNeeded(node(2).into()));
    world.press(2);
    assert_eq!(world.ended(asked), Err(NetworkError::WrongPin.into()));
    assert_eq!(in_the_network(&world), 0);
    assert!(world.told(|event| *event == RadioEvent::LockLeft(node(2).into())));
}

#[test]
fn a_lock_that_nobody_takes_out_is_named_until_it_is() {
    let mut world = empty();
    let asked = world.ask_network(include());
    let label = world.unbox(fresh(&S2_LOCK));
    until_pin(&mut world, &label);
    world.network(NetworkCommand::Cancel).unwrap();
    let leftover = Some(node(2).into());
    assert_eq!(world.ended(asked), Err(NetworkFailure { error: NetworkError::Cancelled, leftover }));
    let named =
        |world: &World| world.told(|event| matches!(event, RadioEvent::Leftover(lock, _) if *lock == node(2).into()));
    assert!(named(&world));
    world.reopen_hub(7);
    assert!(named(&world), "and again at the next start");
    assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
    let excluding = world.ask_network(NetworkCommand::Exclude);
    world.press(2);
    assert_eq!(world.ended(excluding), Ok(NetworkOutcome::Excluded(leftover)));
    world.reopen_hub(8);
    assert!(!named(&world));
}

#[test]
fn a_lock_that_is_gone_in_the_middle_is_taken_out_without_help() {
    // After its KEX Report, its public key, the hub's public key, the first key.
    for commands in [1, 2, 3, 4, 5, 6] {
        let mut world = empty();
        let asked = world.ask_network(include());
        let faults = JoinFaults { gone_after: Some(commands), ..JoinFaults::default() };
        let label = world.unbox(FreshLock { private_key: Some([5; 32]), faults, ..fresh(&S2_LOCK) });
        world.pass(Duration::from_secs(5));
        world.ask_network(NetworkCommand::Confirm(label.pin()));
        assert_eq!(world.ended(asked), Err(NetworkError::DeviceGone.into()), "after {commands} commands");
        assert_eq!(in_the_network(&world), 0, "after {commands} commands");
    }
}

#[test]
fn a_lock_that_ends_it_is_told_with_its_code() {
    let mut world = empty();
    let asked = world.ask_network(include());
    let faults = JoinFaults { fail_with: Some(0x06), ..JoinFaults::default() };
    world.unbox(FreshLock { faults, ..fresh(&S2_LOCK) });
    world.until_step(&NetworkStep::RemovalNeeded(node(2).into()));
    world.press(2);
    assert_eq!(world.ended(asked), Err(NetworkError::EndedByDevice(6).into()));
}

#[test]
fn client_side_authentication_is_refused() {
    let mut world = empty();
    let asked = world.ask_network(include());
    let faults = JoinFaults { client_side_authentication: true, ..JoinFaults::default() };
    world.unbox(FreshLock { faults, ..fresh(&S2_LOCK) });
    world.until_step(&NetworkStep::RemovalNeeded(node(2).into()));
    world.press(2);
    assert_eq!(world.ended(asked), Err(NetworkError::ClientSideAuthentication.into()));
}

#[test]
fn the_host_chooses_what_is_granted() {
    let mut world = empty();
    let asked = world.ask_network(NetworkCommand::Include(Include { ask: true, ..Include::default() }));
    let label = world.unbox(fresh(&S2_LOCK));
    let requested = BTreeSet::from([KeyClass::S2Unauthenticated, KeyClass::S2Authenticated, KeyClass::S2AccessControl]);
    world.until_step(&NetworkStep::GrantNeeded { requested });
    let only = BTreeSet::from([KeyClass::S2AccessControl]);
    world.network(NetworkCommand::Grant(Grant::Classes(only.clone()))).unwrap();
    until_pin(&mut world, &label);
    world.network(NetworkCommand::Confirm(label.pin())).unwrap();
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Included(node(2).into(), only)));
}

#[test]
fn without_a_check_of_the_label_no_digits_are_asked_for() {
    let mut world = empty();
    let classes = BTreeSet::from([KeyClass::S2Unauthenticated]);
    let asked = world.ask_network(NetworkCommand::Include(Include { classes: classes.clone(), ..Include::default() }));
    world.unbox(fresh(&S2_LOCK));
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Included(node(2).into(), classes)));
}

#[test]
fn a_lock_that_knows_no_security_is_never_let_in_without_a_yes() {
    let mut world = empty();
    let asked = world.ask_network(include());
    world.unbox(fresh(&[]));
    world.until_step(&NetworkStep::GrantNeeded { requested: BTreeSet::new() });
    world.network(NetworkCommand::Grant(Grant::Classes(default_classes()))).unwrap();
    world.until_step(&NetworkStep::RemovalNeeded(node(2).into()));
    world.press(2);
    assert_eq!(world.ended(asked), Err(NetworkError::NothingGranted.into()));

    let asked = world.ask_network(include());
    world.events.clear();
    world.unbox(fresh(&[]));
    world.until_step(&NetworkStep::GrantNeeded { requested: BTreeSet::new() });
    world.network(NetworkCommand::Grant(Grant::Insecure)).unwrap();
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Included(node(2).into(), BTreeSet::new())));
    until_interviewed(&mut world, 2);
    assert!(world.command(2, set("0042")).0.is_ok());
}

#[test]
fn an_old_lock_gets_security_0_only_after_a_yes() {
    let s0 = BTreeSet::from([KeyClass::S0]);
    let mut world = empty();
    let asked = world.ask_network(include());
    world.unbox(fresh(&[SecurityClass::S0]));
    world.until_step(&NetworkStep::GrantNeeded { requested: s0.clone() });
    world.network(NetworkCommand::Grant(Grant::Classes(s0.clone()))).unwrap();
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Included(node(2).into(), s0.clone())));
    until_interviewed(&mut world, 2);
    assert!(world.command(2, set("0042")).0.is_ok());
    assert_eq!(world.stick.commands(node(2)).last().unwrap().security, Some("s0"));

    // Said beforehand, nothing is asked.
    let asked = world.ask_network(NetworkCommand::Include(Include { classes: s0.clone(), ..Include::default() }));
    world.unbox(fresh(&[SecurityClass::S0]));
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Included(node(3).into(), s0)));
}

#[test]
fn nobody_who_comes_and_a_host_that_does_not_answer_are_told() {
    let mut world = empty();
    assert_eq!(world.network(include()), Err(NetworkError::NobodyCame.into()));
    let asked = world.ask_network(include());
    world.unbox(fresh(&S2_LOCK));
    world.until_step(&NetworkStep::RemovalNeeded(node(2).into()));
    world.press(2);
    assert_eq!(world.ended(asked), Err(NetworkError::NoAnswer.into()));
    assert_eq!(in_the_network(&world), 0);
}

#[test]
fn one_thing_is_under_way_at_a_time_and_answers_to_nothing_are_refused() {
    let mut world = empty();
    assert_eq!(world.network(NetworkCommand::Cancel), Err(NetworkError::NotAsked.into()));
    assert_eq!(world.network(NetworkCommand::Grant(Grant::Insecure)), Err(NetworkError::NotAsked.into()));
    let first = world.ask_network(include());
    assert_eq!(world.network(NetworkCommand::Exclude), Err(NetworkError::Busy.into()));
    let pin = JoinPin::new("00000").unwrap();
    assert_eq!(world.network(NetworkCommand::Confirm(pin)), Err(NetworkError::NotAsked.into()));
    world.network(NetworkCommand::Cancel).unwrap();
    assert_eq!(world.ended(first), Err(NetworkError::Cancelled.into()));
    world.close();
    assert_eq!(world.network(include()), Err(NetworkError::StickGone.into()));
}

#[test]
fn a_hub_killed_in_the_middle_finds_and_names_what_it_left() {
    for seconds in [0, 1, 2, 5] {
        let mut world = empty();
        world.ask_network(include());
        let label = world.unbox(fresh(&S2_LOCK));
        world.until_step(&NetworkStep::Joined(node(2).into()));
        world.pass(Duration::from_secs(seconds));
        world.reopen_hub(3);
        world.pass(Duration::from_secs(5));
        assert!(world.told(|event| matches!(event, RadioEvent::Leftover(lock, _) if *lock == node(2).into())));
        assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
        // The stick is free for the next.
        let asked = world.ask_network(NetworkCommand::RemoveFailed(node(2).into()));
        assert_eq!(world.ended(asked), Err(NetworkError::StillAnswers.into()));
        drop(label);
    }
}

#[test]
fn a_stick_that_is_unplugged_in_the_middle_ends_it_and_what_is_left_is_found() {
    let mut world = empty();
    let asked = world.ask_network(include());
    let label = world.unbox(fresh(&S2_LOCK));
    until_pin(&mut world, &label);
    world.close();
    assert_eq!(world.network_answer(asked), Some(Err(NetworkError::StickGone.into())));
    world.open();
    world.until("it is found", |world| world.told(|event| matches!(event, RadioEvent::Leftover(..))));
}

#[test]
fn other_locks_are_served_while_a_new_one_is_waited_for() {
    let mut world = with_a_lock();
    let asked = world.ask_network(include());
    world.until("the stick listens", |world| {
        world.steps().iter().filter(|step| **step == NetworkStep::Ready).count() == 2
    });
    let (set, took) = world.command(2, set("0099"));
    assert!(set.is_ok() && took < Duration::from_secs(5), "{took:?}");
    world.network(NetworkCommand::Cancel).unwrap();
    assert!(world.ended(asked).is_err());
}

#[test]
fn over_a_bad_link_a_lock_is_let_in_whole_or_not_at_all() {
    let mut let_in = 0;
    for every in [3, 4, 5, 7, 9, 11] {
        let mut world = empty();
        let asked = world.ask_network(include());
        let label = world.unbox(FreshLock { private_key: Some([5; 32]), ..fresh(&S2_LOCK) });
        world.until_step(&NetworkStep::Joined(node(2).into()));
        world.act(2, Action::DropEvery(every));
        world.pass(Duration::from_secs(20));
        world.ask_network(NetworkCommand::Confirm(label.pin()));
        match world.ended(asked) {
            Ok(_) => {
                let_in += 1;
                world.act(2, Action::DropEvery(0));
                until_interviewed(&mut world, 2);
                assert!(world.command(2, set("0042")).0.is_ok(), "every {every}th");
            }
            Err(NetworkFailure { leftover, .. }) => {
                assert_eq!(world.told(|event| matches!(event, RadioEvent::Leftover(..))), leftover.is_some());
                assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
            }
        }
    }
    assert!(let_in >= 3, "{let_in}");
}

#[test]
fn a_lock_that_is_awaited_joins_by_itself_once_it_has_power() {
    let mut world = empty();
    let asked = Some([8; 32]);
    let lock = FreshLock { private_key: asked, smart_start: true, ..fresh(&S2_LOCK) };
    let label = world.unbox(lock);
    world.pass(Duration::from_secs(60));
    assert_eq!(in_the_network(&world), 0, "nobody awaits it");
    let shown = label.shown();
    let awaited = Awaited { label, name: Some("Shed".to_owned()), classes: default_classes() };
    assert_eq!(world.network(NetworkCommand::Await(awaited)), Ok(NetworkOutcome::Done));
    let joined = Joined { name: Some("Shed".to_owned()), classes: default_classes(), label: Some(shown) };
    let joined = RadioEvent::LockJoined(node(2).into(), joined);
    world.until("it joins", |world| world.told(|event| *event == joined));
    until_interviewed(&mut world, 2);
    assert!(world.command(2, set("0042")).0.is_ok());
    assert!(!world.steps().iter().any(|step| matches!(step, NetworkStep::PinNeeded { .. } | NetworkStep::Ready)));
    // It is awaited no longer.
    let forget = world.network(NetworkCommand::Forget(DeviceLabel::new([0; 16]).shown()));
    assert_eq!(forget, Err(NetworkError::NoSuchDevice.into()));
    assert_eq!(world.records.iter().filter(|record| record.key.0 == "awaited").count(), 1);
}

#[test]
fn what_is_awaited_is_awaited_after_a_restart_and_while_other_things_go_on() {
    let mut world = empty();
    let smart = FreshLock { private_key: Some([8; 32]), smart_start: true, ..fresh(&S2_LOCK) };
    let label = world.unbox(smart);
    let awaited = Awaited { label: label.clone(), name: None, classes: default_classes() };
    let first = world.ask_network(include());
    world.network(NetworkCommand::Await(awaited)).unwrap();
    world.network(NetworkCommand::Cancel).unwrap();
    assert!(world.ended(first).is_err());
    world.reopen_hub(4);
    world.until("it joins", |world| world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
    let unknown = world.network(NetworkCommand::Forget(label.shown()));
    assert_eq!(unknown, Err(NetworkError::NoSuchDevice.into()), "it is awaited no longer");
}

#[test]
fn a_lock_that_fails_to_join_by_itself_leaves_and_is_awaited_on() {
    let mut world = empty();
    let faults = JoinFaults { fail_with: Some(0x06), ..JoinFaults::default() };
    let label = world.unbox(FreshLock { private_key: Some([8; 32]), smart_start: true, faults, ..fresh(&S2_LOCK) });
    let awaited = Awaited { label: label.clone(), name: None, classes: default_classes() };
    world.network(NetworkCommand::Await(awaited)).unwrap();
    world.until_step(&NetworkStep::SelfJoinFailed { label: label.shown(), error: NetworkError::EndedByDevice(6) });
    assert_eq!(in_the_network(&world), 0);
    assert!(world.network(NetworkCommand::Forget(label.shown())).is_ok());
}
