//! The stick itself: its memory is kept and written back, and another stick is noticed.

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, Evidence, Include, LockCommand, NetworkCommand, NetworkError, NetworkOutcome,
    RadioEvent, StickCommand, StickState, StickWork,
};
use keyway_virtual::zwave::{Action, Series, StickSetup};
use keyway_zwave::memory;
use keyway_zwave::security::SecurityClass;

use crate::world::{World, building};
use crate::{held, lock, set};

const DONE: Result<NetworkOutcome, keyway_lock::NetworkFailure> = Ok(NetworkOutcome::Done);
const OURS: &str = "c0ffee01";
/// What a stick fresh from its box has.
const OTHER: u32 = 0x1234_ABCD;
const OTHERS: &str = "1234abcd";

fn world(series: Series) -> World {
    let locks = vec![lock(2, &[SecurityClass::S2AccessControl]), lock(3, &[SecurityClass::S0]), lock(4, &[])];
    World::new(StickSetup { series, ..building(locks) }).ready()
}

fn restore(over: &str) -> StickCommand {
    StickCommand::RestoreMemory { over: over.to_owned(), burn_address: false }
}

/// The memory is kept, the stick is lost, and another one is put in its place.
fn with_another_stick(series: Series, other: Series) -> World {
    let mut world = world(series);
    assert_eq!(world.stick_command(StickCommand::KeepMemory), DONE);
    world.close();
    world.events.clear();
    world.swap_stick(OTHER, other);
    world.open();
    world.until("it is known", |world| is_foreign(world) || is_ready(world, OURS));
    world
}

fn is_ready(world: &World, network: &str) -> bool {
    world.told(|event| matches!(event, RadioEvent::Stick(StickState::Ready(info)) if info.network == network))
}

fn is_foreign(world: &World) -> bool {
    world.told(|event| matches!(event, RadioEvent::Stick(StickState::Foreign { .. })))
}

fn percents(world: &World, of: StickWork) -> Vec<u8> {
    let percent = |event: &RadioEvent| match event {
        RadioEvent::Stick(StickState::Busy(work, percent)) if *work == of => Some(*percent),
        _ => None,
    };
    world.events.iter().filter_map(|(_, event)| percent(event)).collect()
}

#[test]
fn a_network_moves_to_another_stick_with_its_locks_and_keys_and_a_code_is_set_at_once() {
    for series in [Series::Five, Series::Seven, Series::Eight] {
        let mut world = with_another_stick(series, series);
        let commands = world.command_log(2).len();
        assert_eq!(world.stick_command(restore(OTHERS)), DONE, "{series:?}");
        assert!(is_ready(&world, OURS), "{series:?}");
        for id in [2, 3, 4] {
            let (result, took) = world.command(id, set("0042"));
            assert_eq!(result, Ok(CommandOutput::CodeSet(Evidence::ReadBack)), "{series:?} {id}");
            assert!(took < Duration::from_secs(10), "{series:?} {id}: {took:?}");
            assert_eq!(held(&world, id).as_deref(), Some("0042"));
        }
        assert!(world.command_log(2)[commands..].iter().all(|security| *security == "s2_access_control"));
    }
}

#[test]
fn how_far_it_is_is_told_and_locks_wait_meanwhile() {
    let mut world = world(Series::Seven);
    let frames = world.frames(2);
    let asked = world.ask_stick(StickCommand::KeepMemory);
    let (refused, _) = world.command(2, set("0042"));
    assert_eq!(refused, Err(CommandError::StickGone));
    assert_eq!(world.network(NetworkCommand::Include(Include::default())), Err(NetworkError::Busy.into()));
    assert_eq!(world.stick_command(StickCommand::Restart), Err(NetworkError::Busy.into()));
    assert_eq!(world.ended(asked), DONE);
    let percents = percents(&world, StickWork::Reading);
    assert!(percents.is_sorted() && percents.len() > 50 && percents.len() <= 101, "{percents:?}");
    assert_eq!(world.frames(2), frames, "nothing was said to the lock");
    assert_eq!(memory::kept(&world.records), Some((OURS.to_owned(), 0xC000)));
    world.until("the stick is ready again", |world| {
        matches!(
            world.events.iter().rfind(|(_, event)| matches!(event, RadioEvent::Stick(_))),
            Some((_, RadioEvent::Stick(StickState::Ready(_))))
        )
    });
    assert_eq!(world.command(2, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
}

#[test]
fn a_stick_that_is_another_one_is_left_alone() {
    let mut world = with_another_stick(Series::Seven, Series::Seven);
    let told = |event: &RadioEvent| {
        matches!(event, RadioEvent::Stick(StickState::Foreign { info, expected, kept: true })
            if info.network == OTHERS && expected == OURS)
    };
    assert!(world.told(told) && !is_ready(&world, OTHERS));
    assert!(!world.told(|event| matches!(event, RadioEvent::LockInterviewed(..) | RadioEvent::LockJoined(..))));
    let frames = world.frames(2);
    assert_eq!(world.command(2, set("0042")).0, Err(CommandError::NotReady));
    for refused in [
        world.network(NetworkCommand::Include(Include::default())),
        world.network(NetworkCommand::Reset { network: OTHERS.to_owned() }),
        world.stick_command(StickCommand::KeepMemory),
        world.stick_command(StickCommand::SetRegion { region: "usa".to_owned() }),
    ] {
        assert_eq!(refused, Err(NetworkError::ForeignStick.into()));
    }
    world.act(2, Action::ByHand { slot: keyway_lock::SlotNumber(7), code: None });
    world.pass(Duration::from_secs(600));
    assert_eq!(world.frames(2).from_hub, frames.from_hub);
    assert!(world.lock_events(2).is_empty(), "{:?}", world.lock_events(2));
    // Nor after a restart of the hub.
    world.events.clear();
    world.close();
    world.open();
    world.until("it is known", is_foreign);
}

#[test]
fn the_first_stick_put_back_is_worked_with_as_before() {
    let mut world = with_another_stick(Series::Seven, Series::Seven);
    world.close();
    world.swap_stick(0xC0FF_EE01, Series::Seven);
    world.open();
    world.until("it is known", |world| is_ready(world, OURS));
}

#[test]
fn a_memory_is_written_over_the_network_that_was_named_and_no_other() {
    let mut world = with_another_stick(Series::Seven, Series::Seven);
    for wrong in [OURS, "12345678", ""] {
        assert_eq!(world.stick_command(restore(wrong)), Err(NetworkError::WrongNetwork.into()));
    }
    assert!(percents(&world, StickWork::Writing).is_empty());
    assert_eq!(world.stick_command(restore("1234ABCD")), DONE);
}

#[test]
fn a_memory_fits_sticks_of_its_own_series_only() {
    let mut world = with_another_stick(Series::Five, Series::Seven);
    assert_eq!(world.stick_command(restore(OTHERS)), Err(NetworkError::OtherKind.into()));
    let mut world = with_another_stick(Series::Seven, Series::Eight);
    assert_eq!(world.stick_command(restore(OTHERS)), Err(NetworkError::OtherKind.into()), "of another size");
    world.until("it is known again", is_foreign);
}

#[test]
fn what_was_never_kept_can_not_be_written() {
    let mut world = world(Series::Seven);
    assert_eq!(world.stick_command(restore(OURS)), Err(NetworkError::NothingKept.into()));
}

#[test]
fn another_stick_is_worked_with_when_somebody_says_so() {
    let mut world = with_another_stick(Series::Seven, Series::Seven);
    let adopt = |network: &str| StickCommand::Adopt { network: network.to_owned() };
    assert_eq!(world.stick_command(adopt(OURS)), Err(NetworkError::WrongNetwork.into()));
    assert_eq!(world.stick_command(adopt(OTHERS)), DONE);
    world.until("it is worked with", |world| is_ready(world, OTHERS));
    world.reopen_hub(5);
    assert!(is_ready(&world, OTHERS));
}

#[test]
fn what_was_ordered_before_the_start_is_written_once() {
    let mut world = with_another_stick(Series::Seven, Series::Seven);
    world.close();
    world.records.push(memory::write_over(OTHERS));
    world.reopen_hub(5);
    assert!(is_ready(&world, OURS) && !percents(&world, StickWork::Writing).is_empty());
    assert_eq!(world.command(2, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    world.swap_stick(OTHER, Series::Seven);
    world.reopen_hub_foreign(6);
    assert!(is_foreign(&world) && percents(&world, StickWork::Writing).is_empty());
}

#[test]
fn what_was_ordered_is_not_written_over_another_network_than_that() {
    let mut world = with_another_stick(Series::Seven, Series::Seven);
    world.close();
    world.records.push(memory::write_over("87654321"));
    world.reopen_hub_foreign(5);
    world.pass(Duration::from_secs(60));
    assert!(percents(&world, StickWork::Writing).is_empty());
}

#[test]
fn a_stick_that_is_pulled_out_meanwhile_is_told_and_can_be_written_again() {
    let mut world = with_another_stick(Series::Seven, Series::Seven);
    let asked = world.ask_stick(restore(OTHERS));
    world.until("it is at work", |world| percents(world, StickWork::Writing).last() > Some(&30));
    world.close();
    assert_eq!(world.network_answer(asked), Some(Err(NetworkError::StickGone.into())));
    world.events.clear();
    world.reset_stick();
    world.open();
    // Half of it is written: whatever it is now, it is told.
    world.until("it is known", |world| is_foreign(world) || is_ready(world, OURS));
    let network = world.network_of_stick();
    assert_eq!(world.stick_command(restore(&network)), DONE);
    assert_eq!(world.command(2, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
}

#[test]
fn a_stick_is_restarted_and_its_region_is_set() {
    let mut world = world(Series::Seven);
    assert_eq!(world.stick_command(StickCommand::Restart), DONE);
    assert_eq!(world.command(2, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    let region = |region: &str| StickCommand::SetRegion { region: region.to_owned() };
    assert!(
        matches!(world.stick_command(region("moon")), Err(failure) if matches!(failure.error, NetworkError::NotSupported(_)))
    );
    assert_eq!(world.stick_command(region("australia_new_zealand")), DONE);
    let told = |event: &RadioEvent| {
        matches!(event, RadioEvent::Stick(StickState::Ready(info))
            if info.region.as_deref() == Some("australia_new_zealand") && info.power == Some(0))
    };
    assert!(world.told(told));
    let (read, _) = world.command(2, LockCommand::ReadSlot(crate::SLOT));
    assert!(read.is_ok(), "{read:?}");
}

#[test]
fn a_network_that_is_begun_anew_on_purpose_is_no_other_stick() {
    let mut world = world(Series::Seven);
    assert_eq!(world.network(NetworkCommand::Reset { network: OURS.to_owned() }), Ok(NetworkOutcome::Reset));
    world.until("the new network is told", |world| {
        world.told(|event| matches!(event, RadioEvent::Stick(StickState::Ready(info)) if info.network != OURS))
    });
    assert!(!is_foreign(&world));
}
