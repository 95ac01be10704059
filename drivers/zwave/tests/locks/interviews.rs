//! An interview tells how far it is, keeps what it found, and goes on where it stood.

use std::time::Duration;

use keyway_lock::{Include, InterviewProgress, InterviewStage, LockCommand, NetworkCommand, NetworkStep, RadioEvent};
use keyway_virtual::door::DoorSetup;
use keyway_virtual::zwave::{Action, LockSetup, Oddities};
use keyway_zwave::security::SecurityClass;

use super::joining::{S2_LOCK, fresh, until_interviewed, with_a_lock};
use super::settings::info;
use super::world::{World, building, node};
use super::{lock, three_locks};

/// A lock that is just being asked for what it does with codes.
const HALF_WAY: &str = "digits of its keypad";

fn told(world: &World) -> Vec<InterviewProgress> {
    let progress = |event: &RadioEvent| match event {
        RadioEvent::LockInterview(lock, progress) if *lock == node(2).into() => Some(progress.clone()),
        _ => None,
    };
    world.events.iter().filter_map(|(_, event)| progress(event)).collect()
}

fn stages(world: &World) -> Vec<InterviewStage> {
    let stage = |progress| match progress {
        InterviewProgress::Asking(stage) => Some(stage),
        InterviewProgress::Idle | InterviewProgress::Waiting(_) => None,
    };
    told(world).into_iter().filter_map(stage).collect()
}

fn asks(world: &World, name: &str) -> bool {
    stages(world).last().is_some_and(|stage| stage.name == name)
}

/// One lock, half-way through its first interview.
fn half_way() -> World {
    let mut world = World::new(building(vec![lock(2, &[SecurityClass::S2AccessControl])]));
    world.open();
    world.until("its interview is half-way", |world| asks(world, HALF_WAY));
    world
}

fn until_idle(world: &mut World) {
    world.until("its interview has ended", |world| told(world).last() == Some(&InterviewProgress::Idle));
}

#[test]
fn each_stage_is_told_in_its_order_and_that_it_is_over() {
    let mut world = half_way();
    until_idle(&mut world);
    let stages = stages(&world);
    assert!(stages.is_sorted_by(|one, next| one.stage < next.stage), "{stages:#?}");
    assert!(stages.iter().all(|stage| (1..=stage.stages).contains(&stage.stage)));
    assert!(stages.len() > 8 && stages[0].name == "protocol information");
}

#[test]
fn what_was_found_is_not_asked_again_when_the_hub_is_restarted_in_the_middle() {
    let mut world = half_way();
    world.restart_hub(2);
    until_idle(&mut world);
    assert_eq!(stages(&world)[0].name, HALF_WAY);
    assert!(!world.records.iter().any(|record| record.key.0 == "node/2/interview" && record.value.is_some()));
}

#[test]
fn a_lock_that_slept_through_its_interview_is_asked_on_as_soon_as_it_is_heard() {
    let mut world = half_way();
    world.act(2, Action::Offline(true));
    world.pass(Duration::from_secs(600));
    let waiting = told(&world).into_iter().last();
    assert!(matches!(waiting, Some(InterviewProgress::Waiting(stage)) if stage.name == HALF_WAY));
    world.events.clear();
    world.act(2, Action::Offline(false));
    world.act(2, Action::Turn { locked: false });
    let heard_at = world.now;
    until_idle(&mut world);
    assert_eq!(stages(&world)[0].name, HALF_WAY);
    assert!(world.now - heard_at < Duration::from_secs(5));
}

#[test]
fn an_interview_that_is_asked_for_again_goes_through_all_of_it() {
    let mut world = three_locks();
    world.events.clear();
    assert!(world.command(2, LockCommand::Interview).0.is_ok());
    assert_eq!(stages(&world)[0].stage, 1);
    assert_eq!(told(&world).last(), Some(&InterviewProgress::Idle));
}

#[test]
fn a_lock_that_gets_the_number_of_another_is_asked_itself() {
    let mut world = with_a_lock();
    until_interviewed(&mut world, 2);
    world.restart_hub(2);
    world.act(2, Action::Offline(true));
    let asked = world.ask_network(NetworkCommand::ReplaceFailed(node(2).into(), Include::default()));
    world.until_step(&NetworkStep::Ready);
    world.events.clear();
    // It is granted the same, and has fewer slots.
    let mut other = fresh(&S2_LOCK);
    other.lock = LockSetup { door: DoorSetup { slots: 7, ..DoorSetup::default() }, ..other.lock };
    let label = world.unbox(other);
    world.until_step(&NetworkStep::PinNeeded { label: label.shown() });
    world.network(NetworkCommand::Confirm(label.pin())).unwrap();
    world.ended(asked).unwrap();
    let slots = |world: &World| {
        let slots = |event: &RadioEvent| match event {
            RadioEvent::LockInterviewed(lock, info) if *lock == node(2).into() => Some(info.capabilities.slot_count),
            _ => None,
        };
        world.events.iter().filter_map(|(_, event)| slots(event)).collect::<Vec<_>>()
    };
    world.until("it is interviewed", |world| !slots(world).is_empty());
    assert_eq!(slots(&world)[0], 7);
}

#[test]
fn a_lock_tells_its_serial_number_if_it_has_one() {
    let told = |number: Option<&str>| {
        let oddities = Oddities { serial_number: number.map(str::to_owned), ..Oddities::default() };
        let lock = LockSetup { oddities, ..lock(2, &[SecurityClass::S2AccessControl]) };
        let mut world = World::new(building(vec![lock])).ready();
        let told = info(&world, 2).serial_number.clone();
        world.restart_hub(5);
        world.pass(Duration::from_secs(10));
        let asked = world.stick.commands(node(2)).filter(|told| told.command.contains("device_specific")).count();
        (told, asked)
    };
    assert_eq!(told(Some("KW-0042")), (Some("KW-0042".to_owned()), 1), "asked once");
    assert_eq!(told(Some("")), (None, 1));
    assert_eq!(told(None), (None, 0));
}
