//! What a host may wish for beyond one time on one door: schedules, codes of its own, doors that are left alone, and
//! codes that were put in by hand taken out for it.

use keyway_lock::SlotContent;

use super::world::{FRONT, GATE, Grant, World};
use crate::model::{
    AccessCode, AccessCodeId, ActionStatus, ActionType, CodeOrigin, CodeStatus, DeviceCode, Presence, ProblemKind,
    Schedule, Window,
};

/// A code of the host's own, made out of a grant's: on this device, from now on, changes by hand allowed or not.
async fn own_code(world: &mut World, allowed: bool) -> Grant {
    let grant = world.grant(&[FRONT], 0, 90_000).await.unwrap();
    let made = DeviceCode { is_external_modification_allowed: allowed, ..DeviceCode::default() };
    world.change(&grant, |code| code.origin = CodeOrigin::Device(made)).await;
    grant
}

#[tokio::test]
async fn a_recurring_code_is_in_the_lock_at_its_times_and_out_of_it_between_them() {
    let mut world = World::new().await;
    // The tests' clock begins at eight.
    let schedule = Schedule::new("10 8,9 * * *", "20m", "UTC").unwrap();
    let grant = world.grant(&[FRONT], 0, 7200).await.unwrap();
    world.change(&grant, |code| code.schedule = Some(schedule)).await;
    for (from, to) in [(600, 1800), (4200, 5400)] {
        world.run_until(from - 1).await;
        assert!(world.pins(FRONT).is_empty(), "before {from}");
        let asked = world.lock(FRONT).asked.len();
        world.run_until(from).await;
        assert_eq!(world.pins(FRONT), [grant.pin.as_str()]);
        assert_eq!(world.lock(FRONT).asked[asked..], ["read 1", "set 1"]);
        world.run_until(to - 1).await;
        assert_eq!(world.pins(FRONT), [grant.pin.as_str()]);
        world.run_until(to).await;
        assert!(world.pins(FRONT).is_empty(), "behind {to}");
        let left = from == 600;
        assert_eq!(world.events("access_method.revoked").await.is_empty(), left, "told when no time is left");
    }
    world.run_until(9000).await;
    let (set, removed) = ("access_code.set_on_device", "access_code.removed_from_device");
    assert_eq!(world.events("access_code").await, [set, removed, set, removed]);
    assert_eq!(world.events("access_method").await, ["access_method.issued", "access_method.revoked"]);
}

#[tokio::test]
async fn between_the_times_of_a_recurring_code_its_slot_stays_reserved() {
    let mut world = World::new().await;
    let schedule = Schedule::new("10 8,9 * * *", "20m", "UTC").unwrap();
    let grant = world.grant(&[FRONT], 0, 7200).await.unwrap();
    world.change(&grant, |code| code.schedule = Some(schedule)).await;
    world.run_until(2000).await;
    let other = world.grant(&[FRONT], 2000, 3000).await.unwrap();
    assert_ne!(world.code(&other).await.slot, world.code(&grant).await.slot);
}

#[tokio::test]
async fn a_lock_that_is_away_at_the_second_time_is_told_of_again() {
    let mut world = World::new().await;
    let schedule = Schedule::new("10 8,9 * * *", "20m", "UTC").unwrap();
    let grant = world.grant(&[FRONT], 0, 7200).await.unwrap();
    world.change(&grant, |code| code.schedule = Some(schedule)).await;
    world.run_until(2000).await;
    world.lock(FRONT).faults.offline = true;
    world.run_until(4215).await;
    assert_eq!(world.code(&grant).await.problem.unwrap().kind, ProblemKind::DelayInSetting);
    assert!(!world.events("access_code.delay_in_setting").await.is_empty());
}

#[tokio::test]
async fn a_code_without_a_grant_is_set_proven_and_removed_like_one_with_a_grant() {
    let mut world = World::new().await;
    let code = own_code(&mut world, false).await;
    world.run_until(10).await;
    assert_eq!(world.pins(FRONT), [code.pin.as_str()]);
    assert!(matches!(world.code(&code).await.presence, Presence::Proven(..)));
    world.delete(&code).await;
    world.run_until(20).await;
    assert!(world.pins(FRONT).is_empty());
    let told = ["access_code.set_on_device", "access_code.removed_from_device"];
    assert_eq!(world.events("access_code").await, told);
}

#[tokio::test]
async fn where_that_is_allowed_a_change_by_hand_is_left_and_told() {
    let mut world = World::new().await;
    let code = own_code(&mut world, true).await;
    world.run_until(1000).await;
    let slot = world.code(&code).await.slot.0;
    world.by_hand(FRONT, slot, Some("13579")).await;
    world.run_until(9000).await;
    assert_eq!(world.pins(FRONT), ["13579"]);
    let left = world.code(&code).await;
    assert_eq!(left.problem.as_ref().map(|problem| problem.kind), Some(ProblemKind::ModifiedExternally));
    assert_eq!(left.status(crate::reconcile::tests::world::at(9000)), CodeStatus::Unset);
    assert_eq!(world.events("access_code.modified_external").await.len(), 1);
    // An update has it tried again, elsewhere: the slot is somebody else's now.
    world.change(&code, |code| code.problem = None).await;
    world.run_until(9010).await;
    assert_eq!(world.pins(FRONT).len(), 2);
}

#[tokio::test]
async fn where_that_is_allowed_a_removal_by_hand_is_left_and_told() {
    let mut world = World::new().await;
    let code = own_code(&mut world, true).await;
    world.run_until(1000).await;
    let slot = world.code(&code).await.slot.0;
    world.by_hand(FRONT, slot, None).await;
    world.run_until(9000).await;
    assert!(world.pins(FRONT).is_empty());
    assert_eq!(world.code(&code).await.problem.unwrap().kind, ProblemKind::RemovedExternally);
    assert_eq!(world.events("access_code.deleted_external").await.len(), 1);
}

#[tokio::test]
async fn where_that_is_allowed_a_lock_that_hides_its_codes_is_not_written_over_either() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.masked = true;
    let code = own_code(&mut world, true).await;
    world.run_until(1000).await;
    let slot = world.code(&code).await.slot.0;
    world.by_hand(FRONT, slot, Some("13579")).await;
    world.run_until(9000).await;
    assert_eq!(world.pins(FRONT), ["13579"]);
    assert_eq!(world.code(&code).await.problem.unwrap().kind, ProblemKind::ModifiedExternally);
}

#[tokio::test]
async fn nothing_is_written_to_a_lock_that_is_not_managed() {
    let mut world = World::new().await;
    let inside = world.grant(&[FRONT], 0, 500).await.unwrap();
    let next = world.grant(&[FRONT], 300, 9000).await.unwrap();
    world.run_until(100).await;
    world.manage(FRONT, false).await;
    let attempt = world.ask_for(FRONT, ActionType::UnlockDoor).await;
    world.run_until(600).await;
    assert_eq!(world.pins(FRONT), [inside.pin.as_str()], "neither set nor cleared");
    assert!(world.lock(FRONT).locked);
    assert!(matches!(world.attempt(attempt).await, ActionStatus::Error { .. }));
    let over = world.code(&inside).await.problem.unwrap();
    assert_eq!(over.kind, ProblemKind::DelayInRemoving);
    assert!(over.message.contains("not to write to this lock"), "{}", over.message);
    assert_eq!(world.code(&next).await.problem.unwrap().kind, ProblemKind::DelayInSetting);
    world.manage(FRONT, true).await;
    world.run_until(700).await;
    assert_eq!(world.pins(FRONT), [next.pin]);
}

/// Somebody puts a PIN into slot 3, and the host orders it out.
async fn ordered_out(world: &mut World, pin: &str) {
    world.run_until(60).await;
    world.by_hand(FRONT, 3, Some(pin)).await;
    world.pump().await;
    let device = world.devices[&FRONT];
    world.lock(FRONT).faults.offline = true;
    world
        .read(move |unit| {
            let found = unit.unmanaged_codes(device)?.remove(0);
            let SlotContent::Code(pin) = found.content else { panic!("it is shown") };
            unit.delete_unmanaged(found.access_code_id)?;
            unit.insert_code(&AccessCode {
                access_code_id: found.access_code_id,
                origin: CodeOrigin::Hand,
                device_id: device,
                slot: found.slot,
                pin: Some(pin),
                window: Window { starts_at: found.created_at, ends_at: None },
                schedule: None,
                deleted_at: Some(unit.now()),
                presence: Presence::Unproven,
                kept: None,
                problem: None,
                created_at: found.created_at,
                ordered_at: unit.now(),
            })
        })
        .await;
    world.pump().await;
}

#[tokio::test]
async fn a_code_put_in_by_hand_is_taken_out_when_that_is_ordered_and_only_once() {
    let mut world = World::new().await;
    ordered_out(&mut world, "13579").await;
    world.lock(FRONT).faults.offline = false;
    world.run_until(200).await;
    assert!(world.pins(FRONT).is_empty());
    let told = ["access_code.unmanaged.created", "access_code.unmanaged.removed"];
    assert_eq!(world.events("access_code.unmanaged").await, told);
    // Whoever puts the same in again meant to.
    world.by_hand(FRONT, 3, Some("13579")).await;
    world.run_until(9000).await;
    assert_eq!(world.pins(FRONT), ["13579"]);
    let device = world.devices[&FRONT];
    let seen = world.read(move |unit| unit.unmanaged_codes(device)).await;
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn an_order_to_take_a_code_out_lapses_when_something_else_is_in_its_slot() {
    let mut world = World::new().await;
    ordered_out(&mut world, "13579").await;
    world.by_hand(FRONT, 3, Some("24680")).await;
    world.lock(FRONT).faults.offline = false;
    world.run_until(9000).await;
    assert_eq!(world.pins(FRONT), ["24680"]);
    let device = world.devices[&FRONT];
    let seen = world.read(move |unit| unit.unmanaged_codes(device)).await;
    let ids: Vec<AccessCodeId> = world.codes(FRONT).await.iter().map(|code| code.access_code_id).collect();
    assert!(seen.len() == 1 && !ids.contains(&seen[0].access_code_id));
}

#[tokio::test]
async fn a_lock_that_no_stick_tells_of_any_more_is_removed_and_one_that_is_back_is_added() {
    let mut world = World::new().await;
    let grant = world.grant(&[GATE], 0, 9000).await.unwrap();
    world.run_until(100).await;
    world.untold = vec![GATE];
    world.restart(false).await;
    world.run_until(130).await;
    assert!(world.device(GATE).await.is_configured, "it may yet be told of");
    world.run_until(9100).await;
    assert!(!world.device(GATE).await.is_configured);
    assert!(world.device(FRONT).await.is_configured);
    assert_eq!(world.events("device.removed").await.len(), 1);
    let left = world.code(&grant).await.problem.unwrap();
    assert!(left.message.contains("does not drive this lock any more"), "{}", left.message);
    world.untold.clear();
    world.restart(false).await;
    world.run_until(9200).await;
    assert!(world.device(GATE).await.is_configured);
    assert_eq!(world.events("device.added").await.len(), 3, "two at the start, one now");
    assert!(world.pins(GATE).is_empty(), "what was left in it is taken out");
}

#[tokio::test]
async fn a_method_deleted_while_its_lock_is_too_busy_to_take_it_is_told_to_be_revoked_once() {
    let mut world = World::new().await;
    world.run_until(10).await;
    world.lock(FRONT).faults.busy = 1;
    let grant = world.grant(&[FRONT], 10, 9000).await.unwrap();
    // The set is on its way when the grant is deleted.
    while world.code(&grant).await.presence != Presence::Unproven {
        assert!(!world.pump_steps(1).await, "it comes to a set");
    }
    world.delete(&grant).await;
    world.run_until(100).await;
    assert!(world.pins(FRONT).is_empty());
    assert_eq!(world.events("access_method").await, ["access_method.revoked"]);
}
