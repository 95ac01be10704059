//! The driver above the seam of the sticks: a stick and locks that are no more than their answers.

mod joining;
mod lock;
mod network;
mod stick;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::time::{Duration, Instant};

use keyway_lock::{
    AutoLock, CommandError, CommandOutput, Evidence, Include, KeypadMode, LockCommand, LockEvent, LockStatus,
    NetworkCommand, NetworkOutcome, NetworkStep, RadioEvent, Refusal, SlotContent, SlotNumber, SlotReport,
    UnlockSource,
};
use keyway_zigbee::zcl::door_lock::{
    self, Code, FromLock, OperationCode, OperationEvent, ProgrammingCode, ProgrammingEvent, SetCodeStatus, Source,
    UserStatus, UserType,
};
use keyway_zigbee::zcl::{Frame, poll_control, time};

use super::world::{self, Building, id};
use super::{SLOT, pin, proven, set};
use lock::FakeLock;
use stick::{FakeStick, Stick};

type World = world::World<Stick>;

impl Building for Stick {
    type Stick = Self;

    fn coordinator(&self) -> Self {
        self.clone()
    }
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn around(locks: Vec<FakeLock>) -> Self {
        Self::new(Instant::now(), Stick(Rc::new(RefCell::new(FakeStick::new(locks)))))
    }

    /// A network with nobody in it.
    fn ready() -> Self {
        let mut world = Self::around(Vec::new());
        world.open();
        world.until_ready();
        world
    }

    /// A network with these locks in it, each interviewed.
    fn with(numbers: &[u16]) -> Self {
        let mut world = Self::ready();
        for number in numbers {
            world.include(FakeLock::new(*number));
        }
        for number in numbers {
            world.until("it is interviewed", |world| world.is_interviewed(*number));
        }
        world.events.clear();
        world
    }

    fn include(&mut self, lock: FakeLock) {
        let asked = self.ask_network(NetworkCommand::Include(Include::default()));
        self.until("the network is open", |world| world.steps().contains(&NetworkStep::Ready));
        let now = self.now;
        self.stick().join(now, lock);
        assert!(matches!(self.ended(asked), Ok(NetworkOutcome::Included(..))));
        self.events.retain(|event| *event != RadioEvent::Network(NetworkStep::Ready));
    }

    fn stick(&self) -> RefMut<'_, FakeStick> {
        self.building.0.borrow_mut()
    }

    fn lock(&self, index: usize) -> RefMut<'_, FakeLock> {
        RefMut::map(self.stick(), |stick| stick.lock(index))
    }

    fn restart_stick(&mut self) {
        let now = self.now;
        self.stick().restart(now);
        self.settle();
    }
}

#[test]
fn a_code_is_set_read_and_cleared_with_proof() {
    let mut world = World::with(&[1]);
    assert_eq!(world.command(1, set("0042")), proven(Evidence::ReadBack));
    assert_eq!(world.lock(0).codes.get(&5).map(String::as_str), Some("0042"));
    let report = SlotReport { slot: SLOT, content: SlotContent::Code(pin("0042")) };
    assert_eq!(world.command(1, LockCommand::ReadSlot(SLOT)), Ok(CommandOutput::Slot(report)));
    let cleared = Ok(CommandOutput::CodeCleared(Evidence::ReadBack));
    assert_eq!(world.command(1, LockCommand::ClearCode(SLOT)), cleared);
    let report = SlotReport { slot: SLOT, content: SlotContent::Free };
    assert_eq!(world.command(1, LockCommand::ReadSlot(SLOT)), Ok(CommandOutput::Slot(report)));
}

#[test]
fn a_set_with_its_read_back_costs_the_lock_two_frames() {
    let mut world = World::with(&[1]);
    let before = world.lock(0).heard;
    assert!(world.command(1, set("0042")).is_ok());
    assert_eq!(world.lock(0).heard - before, 2);
}

#[test]
fn a_lock_that_hides_its_codes_proves_them_by_its_answer_and_is_not_read_back_any_more() {
    let mut world = World::with(&[1]);
    world.lock(0).masked = true;
    assert_eq!(world.command(1, set("0042")), proven(Evidence::Supervised));
    let before = world.lock(0).heard;
    assert_eq!(world.command(1, set("0043")), proven(Evidence::Supervised));
    assert_eq!(world.lock(0).heard - before, 1);
    let report = SlotReport { slot: SLOT, content: SlotContent::Hidden };
    assert_eq!(world.command(1, LockCommand::ReadSlot(SLOT)), Ok(CommandOutput::Slot(report)));
}

#[test]
fn a_lock_that_can_not_be_asked_for_a_code_is_asked_whether_there_is_one() {
    let mut world = World::with(&[1]);
    world.lock(0).unreadable = true;
    assert_eq!(world.command(1, set("0042")), proven(Evidence::Supervised));
    let report = SlotReport { slot: SLOT, content: SlotContent::Hidden };
    assert_eq!(world.command(1, LockCommand::ReadSlot(SLOT)), Ok(CommandOutput::Slot(report)));
    let cleared = Ok(CommandOutput::CodeCleared(Evidence::ReadBack));
    assert_eq!(world.command(1, LockCommand::ClearCode(SLOT)), cleared);
    // It is known of it after a restart too.
    world.restart_hub();
    world.until_ready();
    let before = world.lock(0).heard;
    assert!(world.command(1, LockCommand::ReadSlot(SLOT)).is_ok());
    assert_eq!(world.lock(0).heard - before, 1);
}

#[test]
fn what_a_lock_refuses_is_told_with_its_reason_and_what_it_has_already_is_no_duplicate() {
    let mut world = World::with(&[1]);
    let refused = |refusal: Refusal| Err(CommandError::Refused(refusal));
    for (status, refusal) in [
        (SetCodeStatus::Duplicate, Refusal::DuplicatePin),
        (SetCodeStatus::MemoryFull, Refusal::MemoryFull),
        (SetCodeStatus::Failure, Refusal::Rejected),
    ] {
        world.lock(0).status = Some(status);
        assert_eq!(world.command(1, set("0042")), refused(refusal));
    }
    world.lock(0).codes.insert(5, "0042".to_owned());
    world.lock(0).status = Some(SetCodeStatus::Duplicate);
    assert_eq!(world.command(1, set("0042")), proven(Evidence::ReadBack));
    assert_eq!(world.command(1, set("012345678")), refused(Refusal::UnsupportedLength { min: 4, max: 8 }));
    let outside = world.command(1, LockCommand::ReadSlot(SlotNumber(31)));
    assert_eq!(outside, refused(Refusal::NoSuchSlot { first: 1, last: 30 }));
}

#[test]
fn a_lock_is_found_to_count_its_users_from_0_or_from_1_and_what_it_does_not_have_is_not_used() {
    for (first_user, unreadable, last) in [(0, false, 29), (0, true, 29), (1, false, 30), (1, true, 30)] {
        let mut world = World::ready();
        world.include(FakeLock { first_user, unreadable, ..FakeLock::new(1) });
        world.until("it is interviewed", |world| world.is_interviewed(1));
        let slots = |event: &RadioEvent| match event {
            RadioEvent::LockInterviewed(_, info) => info.capabilities.slot_count == last,
            _ => false,
        };
        assert!(world.told(slots), "{first_user}");
    }
}

#[test]
fn a_lock_that_takes_a_code_only_where_there_is_none_is_emptied_first() {
    let mut world = World::with(&[1]);
    world.lock(0).clear_first = true;
    assert_eq!(world.command(1, set("0042")), proven(Evidence::ReadBack));
    assert_eq!(world.command(1, set("0043")), proven(Evidence::ReadBack));
    assert_eq!(world.lock(0).codes.get(&5).map(String::as_str), Some("0043"));
}

#[test]
fn the_bolt_is_moved_and_its_place_told_with_the_battery() {
    let mut world = World::with(&[1]);
    for (command, locked) in [(LockCommand::Unlock, false), (LockCommand::Lock, true)] {
        let moved = world.command(1, command);
        assert!(matches!(moved, Ok(CommandOutput::Status(status)) if status.locked == Some(locked)), "{moved:?}");
        assert_eq!(world.lock(0).locked, locked);
    }
    let status = LockStatus { locked: Some(true), battery_percent: Some(87), ..LockStatus::default() };
    assert_eq!(world.command(1, LockCommand::ReadStatus), Ok(CommandOutput::Status(status)));
}

#[test]
fn a_lock_is_told_to_lock_by_itself_and_to_show_itself() {
    let mut world = World::with(&[1]);
    let after_a_minute = AutoLock::from_seconds(60);
    let set = world.command(1, LockCommand::SetAutoLock(after_a_minute));
    assert_eq!((set, world.lock(0).relock), (Ok(CommandOutput::AutoLockSet(after_a_minute)), 60));
    assert!(
        world.told(
            |event| matches!(event, RadioEvent::LockInterviewed(_, info) if info.auto_lock == Some(after_a_minute))
        )
    );
    assert_eq!(world.command(1, LockCommand::Identify), Ok(CommandOutput::Identified));
    assert_eq!(world.lock(0).identified, 1);
}

#[test]
fn a_lock_that_is_pinged_is_there_or_out_of_reach() {
    let mut world = World::with(&[1]);
    assert_eq!(world.command(1, LockCommand::Ping), Ok(CommandOutput::Reached));
    world.lock(0).offline = true;
    assert_eq!(world.command(1, LockCommand::Ping), Err(CommandError::Offline));
}

#[test]
fn a_keypad_is_told_whom_to_let_in_as_far_as_the_lock_knows_that() {
    let mut world = World::with(&[1]);
    assert_eq!(world.command(1, LockCommand::SetKeypadMode(KeypadMode::Vacation)), Ok(CommandOutput::SettingTaken));
    assert_eq!(world.lock(0).mode, 1);
    let told = |event: &RadioEvent| match event {
        RadioEvent::LockInterviewed(_, info) => {
            info.settings.keypad.as_ref().is_some_and(|k| k.mode == KeypadMode::Vacation)
        }
        _ => false,
    };
    assert!(world.told(told));
    let privacy = world.command(1, LockCommand::SetKeypadMode(KeypadMode::Privacy));
    assert!(matches!(privacy, Err(CommandError::Refused(Refusal::NotSupported(_)))));
}

fn operated(user: u16) -> Frame {
    let (source, code) = (Source::Keypad, OperationCode::Unlock);
    FromLock::Operation(OperationEvent { source, code, user, pin: Code::default(), at: u32::MAX }).frame(77)
}

#[test]
fn a_hand_at_the_keypad_is_told_and_the_lock_is_told_that_it_was_heard() {
    let mut world = World::with(&[1]);
    let now = world.now;
    world.stick().tell(now, 0, door_lock::CLUSTER, &operated(5));
    let (kind, status) = (UserType::Unrestricted, UserStatus::Enabled);
    let (source, code) = (Source::Keypad, ProgrammingCode::PinAdded);
    let added = ProgrammingEvent { source, code, user: 9, pin: Code::new(b"9876"), kind, status, at: u32::MAX };
    world.stick().tell(now, 0, door_lock::CLUSTER, &FromLock::Programming(added).frame(78));
    world.pass(Duration::from_secs(2));
    let unlocked = LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SLOT) };
    assert_eq!(world.lock_events(1), [unlocked, LockEvent::CodeAdded(Some(SlotNumber(9)))]);
    let replies: Vec<u8> = world.stick().replies.iter().map(|(_, frame)| frame.sequence).collect();
    assert_eq!(replies, [77, 78]);
}

#[test]
fn a_lock_that_asks_for_the_time_is_told_once_it_is_known() {
    let mut world = World::with(&[1]);
    let read = keyway_zigbee::zcl::foundation::General::Read(vec![time::TIME]).to_server(9);
    let ask = |world: &mut World| {
        let now = world.now;
        world.stick().tell(now, 0, time::CLUSTER, &read);
        world.pass(Duration::from_secs(1));
        let (_, frame) = world.stick().replies.pop().unwrap();
        frame.payload.to_vec()
    };
    assert_eq!(ask(&mut world), [0, 0, 0x86]);
    world.set_clock(946_684_800 + 1000);
    assert_eq!(ask(&mut world), [0, 0, 0, 0xE2, 0xE8, 3, 0, 0]);
}

#[test]
fn what_a_lock_wants_of_us_that_we_do_not_have_is_refused_by_the_right_name() {
    use keyway_zigbee::zcl::foundation::General;
    use keyway_zigbee::zcl::{DataType, Status, Value};
    let mut world = World::with(&[1]);
    let write = |id| General::Write(vec![(id, Value::number(DataType::UINT16, 1))]).to_server(9);
    let ours = Frame::to_server(9, 0x01, vec![1, 2, 3]);
    let made = Frame { manufacturer: Some(0x101D), ..ours.clone() };
    let mut ask = |cluster, frame: &Frame| {
        let now = world.now;
        world.stick().tell(now, 0, cluster, frame);
        world.pass(Duration::from_secs(1));
        let (_, frame) = world.stick().replies.pop().unwrap();
        (frame.manufacturer, frame.command, frame.payload.to_vec())
    };
    assert_eq!(ask(time::CLUSTER, &write(time::TIME)), (None, 0x04, vec![Status::READ_ONLY.0, 0, 0]));
    assert_eq!(ask(0x0003, &write(0)), (None, 0x04, vec![Status::UNSUPPORTED_ATTRIBUTE.0, 0, 0]));
    // An update is asked for, which is not ours to give; and something of the maker's.
    assert_eq!(ask(0x0019, &ours), (None, 0x0B, vec![1, Status::UNSUP_CLUSTER_COMMAND.0]));
    assert_eq!(ask(0xFC00, &made), (Some(0x101D), 0x0B, vec![1, Status::UNSUP_MANUF_CLUSTER_COMMAND.0]));
}

#[test]
fn a_lock_out_of_reach_is_offline_and_heard_again_when_it_tells_something() {
    let mut world = World::with(&[1]);
    world.lock(0).offline = true;
    assert_eq!(world.command(1, LockCommand::ReadSlot(SLOT)), Err(CommandError::Offline));
    assert!(world.told(|event| *event == RadioEvent::LockReachable(id(1), false)));
    // Its acknowledgement may have been lost.
    assert_eq!(world.command(1, set("0042")), Err(CommandError::Unproven));
    let now = world.now;
    world.lock(0).offline = false;
    world.stick().tell(now, 0, door_lock::CLUSTER, &operated(5));
    world.pass(Duration::from_secs(1));
    assert!(world.told(|event| *event == RadioEvent::LockReachable(id(1), true)));
    assert_eq!(world.command(1, set("0042")), proven(Evidence::ReadBack));
}

#[test]
fn a_lock_that_is_not_heard_for_hours_is_asked_whether_it_is_there() {
    let mut world = World::with(&[1]);
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let before = world.lock(0).heard;
    world.pass(hours(7));
    assert_eq!(world.lock(0).heard - before, 2);
    assert!(!world.told(|event| matches!(event, RadioEvent::LockReachable(..))));
    world.lock(0).offline = true;
    world.pass(hours(4));
    assert!(world.told(|event| *event == RadioEvent::LockReachable(id(1), false)));
    world.lock(0).offline = false;
    world.pass(hours(4));
    assert!(world.told(|event| *event == RadioEvent::LockReachable(id(1), true)));
}

#[test]
fn a_lock_that_acknowledges_and_says_nothing_is_waited_for_and_nothing_is_concluded() {
    let mut world = World::with(&[1]);
    world.lock(0).silent = true;
    assert_eq!(world.command(1, LockCommand::ReadSlot(SLOT)), Err(CommandError::Unproven));
    assert_eq!(world.command(1, set("0042")), Err(CommandError::Unproven));
}

#[test]
fn one_bad_lock_delays_no_other() {
    // As many as the stick has room for, and more.
    let mut world = World::with(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for index in 0..8 {
        world.lock(index).offline = true;
    }
    for number in 1..=8 {
        assert_eq!(world.command(number, LockCommand::ReadSlot(SLOT)), Err(CommandError::Offline));
    }
    let asked: Vec<_> = (1..=8).map(|number| world.ask(number, LockCommand::ReadSlot(SLOT))).collect();
    let begun = world.now;
    assert!(world.command(9, set("0042")).is_ok());
    assert!(world.now - begun < Duration::from_secs(1), "{:?}", world.now - begun);
    assert!(asked.iter().all(|asked| world.answer(*asked).is_none()));
}

#[test]
fn a_lock_that_sleeps_deeply_is_spoken_to_when_it_comes_in_and_told_to_sleep_again() {
    let mut world = World::ready();
    world.include(FakeLock { long_poll: 1200, ..FakeLock::new(1) });
    world.until("it is interviewed", |world| world.is_interviewed(1));
    world.pass(Duration::from_secs(60));
    let heard = world.lock(0).heard;
    let asked = world.ask(1, set("0042"));
    world.pass(Duration::from_secs(600));
    assert_eq!((world.lock(0).heard, world.answer(asked)), (heard, None), "it sleeps");
    let now = world.now;
    let check_in = Frame { disable_default_response: false, ..Frame::to_client(5, poll_control::CHECK_IN, Vec::new()) };
    world.stick().tell(now, 0, poll_control::CLUSTER, &check_in);
    world.pass(Duration::from_secs(3));
    assert_eq!(world.answer(asked), Some(proven(Evidence::ReadBack)));
    let replies: Vec<(u8, Vec<u8>)> =
        world.stick().replies.iter().map(|(_, frame)| (frame.command, frame.payload.to_vec())).collect();
    assert_eq!(replies, [(poll_control::CHECK_IN_RESPONSE, vec![1, 40, 0]), (poll_control::FAST_POLL_STOP, vec![])]);
    // One that never comes in again is given up.
    let asked = world.ask(1, LockCommand::ReadSlot(SLOT));
    world.until("it is given up", |world| world.answer(asked).is_some());
    assert_eq!(world.answer(asked), Some(Err(CommandError::Offline)));
}
