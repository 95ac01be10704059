//! Locks that tell of several slots in one answer.

use super::world::{FRONT, World};
use crate::model::Presence;

async fn world() -> World {
    let mut world = World::new().await;
    world.lock(FRONT).faults.tells_several = true;
    world.lock(FRONT).slots.insert(3, "4711".to_owned());
    world
}

fn reads(world: &mut World) -> Vec<String> {
    world.lock(FRONT).asked.iter().filter(|command| command.starts_with("read")).cloned().collect()
}

#[tokio::test]
async fn all_slots_of_a_new_lock_are_known_by_one_answer() {
    let mut world = world().await;
    let device = world.devices[&FRONT];
    world.read(move |unit| unit.forget_slots(device)).await;
    world.lock(FRONT).asked.clear();
    world.run_until(300).await;
    assert_eq!(reads(&mut world), ["read 1"]);
    assert_eq!(world.read(move |unit| unit.slots(device)).await.len(), 4);
    assert_eq!(world.read(move |unit| unit.unmanaged_codes(device)).await.len(), 1);
}

#[tokio::test]
async fn a_slot_that_was_only_passed_over_is_read_before_it_is_written() {
    let mut world = world().await;
    world.lock(FRONT).slots.extend([(1, "1111".to_owned()), (2, "2222".to_owned())]);
    world.lock(FRONT).faults.passes_over = Some(2);
    let grant = world.grant(&[FRONT], 0, 900).await.unwrap();
    world.run_until(60).await;
    assert_eq!(world.lock(FRONT).slots.get(&2).map(String::as_str), Some("2222"), "somebody's code is left alone");
    assert!(matches!(world.code(&grant).await.presence, Presence::Proven(..)));
    assert!(reads(&mut world).contains(&"read 2".to_owned()) || world.code(&grant).await.slot.0 == 4);
}

#[tokio::test]
async fn a_code_of_ours_that_is_passed_over_is_not_taken_for_gone() {
    let mut world = world().await;
    let grant = world.grant(&[FRONT], 0, 90_000).await.unwrap();
    world.run_until(60).await;
    world.lock(FRONT).faults.passes_over = Some(world.code(&grant).await.slot.0);
    world.run_until(80_000).await;
    assert!(!world.events("access_code").await.contains(&"access_code.deleted_external_to_seam"));
    assert!(matches!(world.code(&grant).await.presence, Presence::Proven(..)));
}
