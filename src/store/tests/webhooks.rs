//! Webhooks, and what the log keeps for them.

use rusqlite::params;

use super::*;
use crate::model::{
    Delivery, DeliveryFailure, EventChoice, EventSubject, EventType, Webhook, WebhookId, WebhookSecret,
};

const SECRET: [u8; 24] = *b"twenty-four secret bytes";

fn webhook(unit: &mut Unit<'_>, events: EventChoice) -> Result<Webhook, StoreError> {
    let webhook = Webhook {
        webhook_id: unit.id(),
        url: "https://example.com/hook".to_owned(),
        events,
        secret: WebhookSecret::new(SECRET),
        created_at: unit.now(),
        delivery: Delivery::default(),
    };
    unit.insert_webhook(&webhook)?;
    Ok(webhook)
}

fn emit(unit: &mut Unit<'_>, types: &[EventType]) -> Result<(), StoreError> {
    types.iter().try_for_each(|event| unit.emit(*event, EventSubject::default(), serde_json::Map::new()))
}

/// Where it stands, and the number of what is next.
fn ahead(unit: &mut Unit<'_>, webhook: &Webhook) -> Result<(u64, Option<u64>), StoreError> {
    let ahead = unit.ahead_of_webhook(webhook, 0)?;
    Ok((ahead.seen, ahead.event.map(|(number, _)| number)))
}

#[test]
fn a_webhook_is_read_as_it_was_written_and_its_secret_is_sealed() {
    let store = in_memory();
    run(&store, at(0), |unit| {
        let all = webhook(unit, EventChoice::All)?;
        let mut some = webhook(unit, EventChoice::Only(vec![EventType::LockLocked, EventType::DeviceAdded]))?;
        assert_eq!(unit.webhooks()?, [all.clone(), some.clone()]);
        some.delivery = Delivery {
            failures: 3,
            next_attempt_at: Some(at(10)),
            last_delivered_at: Some(at(1)),
            last_failure: Some(DeliveryFailure { at: at(2), reason: "it answered 500".to_owned() }),
            given_up: 7,
        };
        unit.note_delivery(some.webhook_id, &some.delivery, 0)?;
        assert_eq!(unit.webhook(some.webhook_id)?, Some(some));
        let sealed: Option<Vec<u8>> =
            unit.one("webhooks", "SELECT * FROM webhooks", [], |row| row.get("secret_sealed"))?;
        assert!(!sealed.unwrap().windows(8).any(|bytes| SECRET.windows(8).any(|secret| secret == bytes)));
        unit.delete_webhook(all.webhook_id)?;
        assert_eq!(unit.webhook(all.webhook_id)?, None);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_webhook_stands_before_the_next_event_that_it_wants() {
    let store = in_memory();
    run(&store, at(0), |unit| {
        emit(unit, &[EventType::LockLocked; 2])?;
        let some = webhook(unit, EventChoice::Only(vec![EventType::LockLocked]))?;
        let all = webhook(unit, EventChoice::All)?;
        assert_eq!(ahead(unit, &some)?, (2, None), "what was before it does not count");
        emit(unit, &[EventType::LockUnlocked, EventType::LockUnlocked, EventType::LockLocked])?;
        assert_eq!(ahead(unit, &some)?, (4, Some(5)));
        assert_eq!(ahead(unit, &all)?, (2, Some(3)));
        unit.note_delivery(some.webhook_id, &Delivery::default(), 5)?;
        assert_eq!(ahead(unit, &some)?, (5, None));
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_event_that_this_release_can_not_read_is_passed_over() {
    let store = in_memory();
    run(&store, at(0), |unit| {
        let all = webhook(unit, EventChoice::All)?;
        emit(unit, &[EventType::LockLocked; 2])?;
        unit.execute("UPDATE events SET event_type = 'lock.exploded' WHERE number = 1", [])?;
        assert_eq!(ahead(unit, &all)?.1, Some(2));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_webhook_that_is_changed_still_gets_what_it_wanted_and_nothing_older_than_the_change() {
    let store = in_memory();
    run(&store, at(0), |unit| {
        let locked = EventChoice::Only(vec![EventType::LockLocked]);
        let webhook = webhook(unit, locked.clone())?;
        emit(unit, &[EventType::LockUnlocked, EventType::LockLocked])?;
        unit.change_webhook(&webhook, &EventChoice::All)?;
        let changed = unit.webhook(webhook.webhook_id)?.unwrap();
        assert_eq!(ahead(unit, &changed)?, (1, Some(2)));
        Ok(())
    })
    .unwrap();
}

const DAY: i64 = 24 * 3600;

/// Events behind the store's back, all at one time.
fn many(store: &Store, seconds: i64, count: u32) {
    let sql = "INSERT INTO events (event_id, event_type, occurred_at, details)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        SELECT randomblob(16), 'lock.locked', ?2, '{}' FROM n";
    run(store, at(seconds), move |unit| unit.execute(sql, params![count, unit.now()])).unwrap();
}

fn purged_up_to(store: &Store, seconds: i64) -> u64 {
    while run(store, at(seconds), |unit| unit.purge(std::time::Duration::from_secs(0))).unwrap() > 0 {}
    let first = "SELECT min(number) AS number FROM events";
    run(store, at(seconds), move |unit| unit.one("events", first, [], |row| row.number::<u64>("number")))
        .unwrap()
        .unwrap()
        - 1
}

/// The event of this number was tried in vain, or given up.
fn failed(store: &Store, seconds: i64, id: WebhookId, done: u64) {
    run(store, at(seconds), move |unit| unit.note_delivery(id, &Delivery::default(), done)).unwrap();
}

#[test]
fn what_a_webhook_waits_for_is_kept_for_eight_days_and_not_longer_however_busy_it_is_failing() {
    let store = in_memory();
    let id = run(&store, at(0), |unit| webhook(unit, EventChoice::All)).unwrap().webhook_id;
    many(&store, 0, 100_010);
    failed(&store, 7 * DAY, id, 4);
    assert_eq!(purged_up_to(&store, 7 * DAY), 4);
    // It gives up event after event, and all that it has left are old.
    failed(&store, 9 * DAY, id, 5);
    assert_eq!(purged_up_to(&store, 9 * DAY), 10);
}

#[test]
fn a_deleted_webhook_keeps_nothing() {
    let store = in_memory();
    let id = run(&store, at(0), |unit| webhook(unit, EventChoice::All)).unwrap().webhook_id;
    many(&store, 0, 100_010);
    run(&store, at(0), move |unit| unit.delete_webhook(id)).unwrap();
    assert_eq!(purged_up_to(&store, 0), 10);
}
