//! How well a lock is reached is told from the stick's transmit reports, before anything has failed.

use std::time::Duration;

use keyway_lock::{CommandError, CommandOutput, LinkReport, LinkTrouble, LockCommand, LockId, RadioEvent};
use keyway_virtual::zwave::{Action, Way};

use super::world::{World, node};
use super::{SLOT, three_locks};

pub(super) fn told(world: &World) -> Vec<LinkReport> {
    let link = |event: &RadioEvent| match event {
        RadioEvent::LockLink(lock, link) if *lock == node(2).into() => Some(link.clone()),
        _ => None,
    };
    world.events.iter().filter_map(|(_, event)| link(event)).collect()
}

/// The lock is spoken to that often, over such a way; what was told meanwhile.
fn speak(world: &mut World, times: u32, way: Way) -> Vec<LinkReport> {
    world.act(2, Action::Way(way));
    world.events.clear();
    for _ in 0..times {
        world.command(2, LockCommand::ReadSlot(SLOT)).0.unwrap();
        world.pass(Duration::from_secs(1));
    }
    told(world)
}

#[test]
fn a_good_link_is_told_once_and_then_now_and_then() {
    let mut world = three_locks();
    let first = told(&world);
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].trouble(), &first[0].repeaters[..], first[0].unanswered), (None, &[][..], 0));
    assert!(speak(&mut world, 30, Way::default()).is_empty());
    world.pass(Duration::from_secs(600));
    assert_eq!(speak(&mut world, 2, Way::default()).len(), 1);
}

#[test]
fn a_weak_signal_and_needless_attempts_are_told_while_all_still_works() {
    let mut world = three_locks();
    let weak = speak(&mut world, 16, Way { signal: Some(-92), ..Way::default() });
    assert_eq!(weak.last().map(|link| (link.trouble(), link.signal)), Some((Some(LinkTrouble::Weak), Some(-92))));
    let laboured = speak(&mut world, 16, Way { attempts: 4, repeaters: vec![17, 9], ..Way::default() });
    let last = laboured.last().unwrap();
    assert_eq!((last.trouble(), &last.repeaters[..]), (Some(LinkTrouble::Laboured), &[LockId(17), LockId(9)][..]));
    let good = speak(&mut world, 16, Way::default());
    assert_eq!(good.last().map(LinkReport::trouble), Some(None));
}

#[test]
fn frames_that_are_not_answered_are_told() {
    let mut world = three_locks();
    world.events.clear();
    world.act(2, Action::Offline(true));
    for _ in 0..4 {
        assert!(world.command(2, LockCommand::ReadSlot(SLOT)).0.is_err());
    }
    assert_eq!(told(&world).last().map(LinkReport::trouble), Some(Some(LinkTrouble::Flaky)));
}

#[test]
fn a_ping_is_one_frame_whatever_the_lock_s_security_and_nothing_comes_of_it() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        let before = world.frames(id);
        assert_eq!(world.command(id, LockCommand::Ping).0, Ok(CommandOutput::Reached));
        let after = world.frames(id);
        assert_eq!((after.from_hub - before.from_hub, after.to_hub - before.to_hub), (1, 0));
    }
}

#[test]
fn a_lock_that_does_not_acknowledge_a_ping_is_out_of_reach_until_it_does() {
    let mut world = three_locks();
    let mut ping = |offline| {
        world.act(2, Action::Offline(offline));
        world.events.clear();
        let result = world.command(2, LockCommand::Ping).0;
        let reach = |event: &RadioEvent| match event {
            RadioEvent::LockReachable(lock, there) if *lock == node(2).into() => Some(*there),
            _ => None,
        };
        (result, world.events.iter().filter_map(|(_, event)| reach(event)).collect::<Vec<bool>>())
    };
    assert_eq!(ping(true), (Err(CommandError::Offline), vec![false]));
    assert_eq!(ping(false), (Ok(CommandOutput::Reached), vec![true]));
}
