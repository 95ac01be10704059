//! What goes wrong on the wire, on the air and in the stick.

use std::time::Duration;

use keyway_lock::{CommandError, Evidence, LockCommand, RadioEvent, StickState};
use keyway_virtual::faults::Garble;
use keyway_virtual::zigbee::{Action, Adapter, LockSetup};

use super::{World, lock};
use crate::world::id;
use crate::{SLOT, proven, set};

#[test]
fn frames_that_are_lost_are_made_up_for_and_nothing_is_claimed_that_is_not_so() {
    let mut world = World::with(vec![lock(2)]);
    world.act(2, &Action::DropEvery(3));
    let mut done = 0;
    for round in 0..20 {
        let digits = format!("{:04}", 5000 + round);
        match world.command(2, set(&digits)) {
            Ok(_) => {
                done += 1;
                assert_eq!(world.held(2), Some(digits));
            }
            Err(error) => assert!(matches!(error, CommandError::Unproven | CommandError::Offline), "{error:?}"),
        }
    }
    assert!(done >= 15, "{done} of 20");
}

#[test]
fn a_garbled_wire_delays_and_no_more() {
    let mut world = World::with(vec![lock(2)]);
    // ASH repeats what was spoilt; ZNP does not, and what is missing is asked for again when its time is over.
    world.building.wire = Garble::every(if super::super::ADAPTER == Adapter::Ezsp { 60 } else { 400 });
    for round in 0..5 {
        let digits = format!("{:04}", 6000 + round);
        assert_eq!(world.command(2, set(&digits)), proven(Evidence::ReadBack));
        assert_eq!(world.held(2), Some(digits));
    }
}

#[test]
fn on_a_wire_that_is_worse_nothing_is_claimed_that_is_not_so() {
    let mut world = World::with(vec![lock(2)]);
    world.building.wire = Garble::every(70);
    let mut done = 0;
    for round in 0..20 {
        let digits = format!("{:04}", 6100 + round);
        if world.command(2, set(&digits)).is_ok() {
            done += 1;
            assert_eq!(world.held(2), Some(digits));
        }
    }
    let least = if super::super::ADAPTER == Adapter::Ezsp { 18 } else { 4 };
    assert!(done >= least, "{done} of 20");
}

#[test]
fn a_stick_that_restarts_in_the_middle_is_identified_again_and_the_command_goes_on() {
    let mut world = World::with(vec![lock(2)]);
    let asked = world.ask(2, set("4711"));
    let now = world.now;
    world.building.stick.reset(now);
    world.until("the command is answered", |world| world.answer(asked).is_some());
    assert_eq!(world.answer(asked), Some(proven(Evidence::ReadBack)));
    let asked = world.ask(2, set("4712"));
    world.building.stick.fail(world.now);
    world.until("the command is answered", |world| world.answer(asked).is_some());
    assert_eq!(world.answer(asked), Some(proven(Evidence::ReadBack)));
}

#[test]
fn an_unplugged_stick_answers_everything_and_works_again_when_it_is_back() {
    let mut world = World::with(vec![lock(2)]);
    let asked = world.ask(2, set("4711"));
    world.close();
    assert_eq!(world.answer(asked), Some(Err(CommandError::StickGone)));
    world.events.clear();
    world.open();
    world.until_ready();
    assert_eq!(world.command(2, set("4711")), proven(Evidence::ReadBack));
}

#[test]
fn a_stick_that_goes_deaf_is_said_to_have_failed_and_everything_is_answered() {
    let mut world = World::with(vec![lock(2), lock(3)]);
    world.building.deaf = true;
    let asked = [world.ask(2, set("4711")), world.ask(3, LockCommand::ReadSlot(SLOT))];
    world.until("all is answered", |world| asked.iter().all(|asked| world.answer(*asked).is_some()));
    world.until("it is said to have failed", |world| {
        world.told(|event| matches!(event, RadioEvent::Stick(StickState::Failed(_))))
    });
    world.building.deaf = false;
    world.events.clear();
    world.until_ready();
    assert!(world.command(2, set("4711")).is_ok());
}

#[test]
fn a_lock_out_of_reach_is_offline_until_it_is_heard_and_delays_no_other() {
    let mut world = World::with(vec![lock(2), lock(3)]);
    world.act(2, &Action::Offline(true));
    let asked = world.ask(2, LockCommand::ReadSlot(SLOT));
    let begun = world.now;
    assert!(world.command(3, set("0042")).is_ok());
    assert!(world.now - begun < Duration::from_secs(3), "{:?}", world.now - begun);
    world.until("it is answered", |world| world.answer(asked).is_some());
    assert_eq!(world.answer(asked), Some(Err(CommandError::Offline)));
    assert!(world.told(|event| *event == RadioEvent::LockReachable(id(2), false)));
    world.act(2, &Action::Offline(false));
    assert!(world.command(2, set("0042")).is_ok());
}

#[test]
fn after_a_restart_of_the_hub_the_network_is_resumed_and_nothing_is_asked_again() {
    let mut world = World::with(vec![lock(2), LockSetup { poll: None, ..lock(3) }]);
    let frames = [2, 3].map(|number| world.frames_to(number));
    world.restart_hub();
    world.until_ready();
    world.pass(Duration::from_secs(30));
    assert_eq!([2, 3].map(|number| world.frames_to(number)), frames);
    assert!(world.is_interviewed(2) && world.is_interviewed(3));
    assert!(world.command(2, set("0042")).is_ok());
}
