//! Locks that were taken out, and are known again by their labels.

use keyway_lock::{Joined, LockId, RadioEvent};

use super::world::{FRONT, GATE, World};

const LABEL: &str = "22030-39521-00012-57842-10001-63000-00777";

async fn joins(world: &mut World, lock: LockId, label: Option<&str>) {
    let label = label.map(str::to_owned);
    world.report(RadioEvent::LockJoined(lock, Joined { label, ..Joined::default() })).await;
}

async fn number_of_front(world: &World) -> LockId {
    world.device(FRONT).await.address.lock
}

#[tokio::test]
async fn a_lock_that_left_is_by_its_label_what_it_was_whatever_its_number() {
    let mut world = World::new().await;
    joins(&mut world, FRONT, Some(LABEL)).await;
    world.report(RadioEvent::LockLeft(FRONT)).await;
    assert!(!world.device(FRONT).await.is_configured);
    joins(&mut world, LockId(40), None).await;
    assert_eq!(number_of_front(&world).await, FRONT, "one without a label is another");
    joins(&mut world, LockId(41), Some(LABEL)).await;
    let device = world.device(FRONT).await;
    assert_eq!((device.address.lock, device.is_configured), (LockId(41), true));
    assert_eq!(device.address.network, world.device(GATE).await.address.network);
    joins(&mut world, LockId(41), Some(LABEL)).await;
    assert_eq!(number_of_front(&world).await, LockId(41), "told again at each start");
}

#[tokio::test]
async fn a_lock_that_is_still_driven_under_its_old_number_keeps_its_device() {
    let mut world = World::new().await;
    joins(&mut world, FRONT, Some(LABEL)).await;
    joins(&mut world, LockId(40), Some(LABEL)).await;
    assert_eq!(number_of_front(&world).await, FRONT);
}

#[tokio::test]
async fn of_a_place_that_another_lock_has_taken_the_label_is_that_of_the_other() {
    let mut world = World::new().await;
    joins(&mut world, FRONT, Some(LABEL)).await;
    // Put in its place, it has its number.
    joins(&mut world, FRONT, Some("00000-00000-00000-00000-00000-00000-00001")).await;
    world.report(RadioEvent::LockLeft(FRONT)).await;
    joins(&mut world, LockId(40), Some(LABEL)).await;
    assert_eq!(number_of_front(&world).await, FRONT, "the old one is another by now");
}
