//! What the hub does costs what is due, and not what is stored: counted in the database's own steps.

use std::time::Duration;

use super::*;

const DAY: i64 = 86_400;

/// A hub that had so many guests, one a day, and expects as many; with the last day that one of them stays.
async fn used_by(guests: i64) -> (World, i64) {
    let world = World::new().await;
    for day in 0..2 * guests {
        world.grant(day * DAY + 60, (day + 1) * DAY, json!({})).await;
    }
    world.set_time(guests * DAY + 30);
    (world, 2 * guests)
}

/// Steps that each of these takes, by its name.
async fn costs(guests: i64) -> Vec<(String, u64)> {
    let (world, last) = used_by(guests).await;
    let today = guests;
    let first = world.grant(today * DAY + 40, today * DAY + 50, json!({})).await;
    let grant = world.request((today + 1) * DAY, (today + 1) * DAY + 60, json!({}));
    let far = world.request((last + 2) * DAY, (last + 3) * DAY, json!({}));
    let ongoing = world.request((last + 2) * DAY, (last + 3) * DAY, json!({"ends_at": null}));
    let of_door = json!({"device_id": world.doors[0], "limit": 5});
    let id = json!({"access_grant_id": first["access_grant_id"]});
    let asked = [
        ("health/get", json!({})),
        ("access_grants/create", grant),
        ("access_grants/create", far),
        ("access_grants/create", ongoing),
        ("access_grants/get", id.clone()),
        ("access_grants/list", json!({"limit": 5})),
        ("access_codes/list", of_door.clone()),
        ("events/list", json!({"since": at(today * DAY + 30), "limit": 5})),
        ("devices/list", json!({})),
        ("access_grants/update", json!({"access_grant_id": first["access_grant_id"], "ends_at": at(today * DAY + 55)})),
        ("access_grants/delete", id),
    ];
    // What is over since it was last asked for is counted once.
    world.ask("health/get", json!({})).await;
    let steps = || world.steps.load(Ordering::Relaxed);
    let mut costs = Vec::new();
    for (operation, body) in asked {
        let (before, name) = (steps(), format!("{operation} {body}"));
        world.ask(operation, body).await;
        costs.push((name, steps() - before));
    }
    let before = steps();
    world.hub.moved_public(at(today * DAY)).await.unwrap();
    costs.push(("what has changed with time".to_owned(), steps() - before));
    let before = steps();
    assert_eq!(world.hub.everything_public().await.unwrap().1.len(), 8, "today's and those of a week");
    costs.push(("what a broker is told of at first".to_owned(), steps() - before));
    while world.write(|unit| unit.purge(30 * Duration::from_secs(86_400))).await > 0 {}
    let purged = steps();
    world.write(|unit| unit.purge(30 * Duration::from_secs(86_400))).await;
    costs.push(("housekeeping with nothing to do".to_owned(), steps() - purged));
    costs
}

#[tokio::test]
async fn an_operation_costs_no_more_because_more_is_stored() {
    // More than is near in either, so that only what is stored differs.
    let (few, many) = (costs(50).await, costs(300).await);
    for ((name, few), (_, many)) in few.iter().zip(&many) {
        assert!(*many <= few + few / 20, "{name}: {few} steps with 50 guests, {many} with 300");
    }
}
