//! Nothing grows without bound, and nothing that is needed is forgotten.

use std::time::Duration;

use keyway_lock::Evidence;
use rusqlite::params;

use super::*;

const DAY: i64 = 24 * 3600;
const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Until there is nothing left to forget.
fn purge(store: &Store, seconds: i64) {
    while run(store, at(seconds), |unit| unit.purge(RETENTION)).unwrap() > 0 {}
}

/// Many at once, so behind the store's back.
fn emit(store: &Store, seconds: i64, count: u32) {
    let sql = "INSERT INTO events (event_id, event_type, occurred_at, details)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        SELECT randomblob(16), 'lock.locked', ?2, '{}' FROM n";
    run(store, at(seconds), move |unit| unit.execute(sql, params![count, unit.now()])).unwrap();
}

fn numbers(store: &Store) -> Vec<u64> {
    let number = |row: &row::Row<'_>| row.number("number");
    run(store, at(0), move |unit| unit.all("events", "SELECT number FROM events ORDER BY number", [], number)).unwrap()
}

#[test]
fn a_pin_is_purged_once_its_grant_has_been_over_for_the_retention_time() {
    let store = in_memory();
    let building = built(&store, 2, "4711");
    let pins = |store: &Store| {
        run(store, at(0), move |unit| {
            let method = unit.method(building.method.access_method_id)?.unwrap();
            let code = unit.code(building.code.access_code_id)?.unwrap();
            Ok((method.pin.is_some(), code.pin.is_some()))
        })
        .unwrap()
    };
    purge(&store, 3600 + 7 * DAY - 1);
    assert_eq!(pins(&store), (true, true));
    purge(&store, 3600 + 7 * DAY);
    assert_eq!(pins(&store), (false, false));
    let grants = run(&store, at(0), |unit| unit.grants(&GrantFilter::default())).unwrap();
    assert_eq!(grants, [building.grant], "the grant itself stays");
}

#[test]
fn a_pin_is_kept_while_its_code_may_still_be_in_a_lock() {
    let store = in_memory();
    let mut code = built(&store, 2, "4711").code;
    code.presence = Presence::Unproven;
    run(&store, at(0), move |unit| {
        unit.update_code(&code)?;
        unit.purge(Duration::ZERO)
    })
    .unwrap();
    purge(&store, 365 * DAY);
    let live = run(&store, at(365 * DAY), |unit| unit.codes(&CodeFilter::default())).unwrap();
    assert!(live[0].pin.is_some());
}

#[test]
fn a_grant_that_was_made_longer_after_its_pin_was_purged_is_purged_again() {
    let store = in_memory();
    let building = built(&store, 2, "4711");
    purge(&store, 30 * DAY);
    let method = building.method.clone();
    run(&store, at(30 * DAY), move |unit| unit.update_method(&method)).unwrap();
    purge(&store, 31 * DAY);
    let method = run(&store, at(0), move |unit| unit.method(building.method.access_method_id)).unwrap().unwrap();
    assert_eq!(method.pin, None);
}

#[test]
fn a_deleted_grant_goes_whole_but_only_once_its_code_is_proven_gone() {
    let store = in_memory();
    let building = built(&store, 2, "4711");
    let (mut grant, mut code) = (building.grant.clone(), building.code.clone());
    grant.deleted_at = Some(at(60));
    code.deleted_at = Some(at(60));
    code.presence = Presence::Proven(Evidence::Supervised, at(0));
    let proven = code.clone();
    run(&store, at(60), move |unit| {
        unit.update_grant(&grant)?;
        unit.update_code(&proven)?;
        unit.note(proven.access_code_id, &JournalEntry::Used)
    })
    .unwrap();
    purge(&store, 365 * DAY);
    let id = building.grant.access_grant_id;
    assert!(run(&store, at(0), move |unit| unit.grant(id)).unwrap().is_some());
    code.presence = Presence::Absent;
    run(&store, at(365 * DAY), move |unit| unit.update_code(&code)).unwrap();
    purge(&store, 365 * DAY);
    run(&store, at(0), move |unit| {
        assert_eq!(unit.grant(id)?, None);
        assert_eq!(unit.method(building.method.access_method_id)?, None);
        assert_eq!(unit.code(building.code.access_code_id)?, None);
        assert!(unit.journal(building.code.access_code_id)?.is_empty());
        assert_eq!(unit.device(building.device.device_id)?, Some(building.device));
        assert_eq!(unit.user_identity(building.person.user_identity_id)?, Some(building.person));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_request_is_known_for_a_day() {
    let store = in_memory();
    run(&store, at(0), |unit| unit.remember_answer("r1", "q", "a")).unwrap();
    let known = |store: &Store| run(store, at(0), |unit| unit.answer_of("r1")).unwrap().is_some();
    purge(&store, DAY);
    assert!(known(&store));
    purge(&store, DAY + 1);
    assert!(!known(&store));
}

#[test]
fn events_are_kept_for_thirty_days() {
    let store = in_memory();
    emit(&store, 0, 2);
    emit(&store, DAY, 1);
    purge(&store, 30 * DAY);
    assert_eq!(numbers(&store), [1, 2, 3]);
    purge(&store, 30 * DAY + 1);
    assert_eq!(numbers(&store), [3]);
    purge(&store, 99 * DAY);
    emit(&store, 99 * DAY, 1);
    assert_eq!(numbers(&store), [4], "a number is never used twice");
}

#[test]
fn beyond_a_hundred_thousand_the_oldest_events_go_unless_a_door_that_is_waited_for_has_not_handed_them_on() {
    let store = in_memory();
    emit(&store, 0, 100_010);
    run(&store, at(0), |unit| unit.set_cursor("mqtt", 4)).unwrap();
    // The broker is away for a week.
    purge(&store, 7 * DAY);
    assert_eq!(numbers(&store).first(), Some(&5));
    // It does not come back.
    purge(&store, 9 * DAY);
    assert_eq!(numbers(&store).first(), Some(&11));
    assert_eq!(numbers(&store).len(), 100_000);
}

#[test]
fn what_was_written_by_a_clock_of_long_ago_is_not_thrown_away_before_its_door_had_it() {
    let store = in_memory();
    emit(&store, 0, 5);
    run(&store, at(0), |unit| unit.set_cursor("mqtt", 2)).unwrap();
    run(&store, at(365 * DAY), |unit| unit.wait_for_doors_anew()).unwrap();
    purge(&store, 365 * DAY + 3600);
    assert_eq!(numbers(&store), [3, 4, 5]);
    purge(&store, 374 * DAY);
    assert!(numbers(&store).is_empty(), "it does not come");
}

#[test]
fn a_door_that_was_quiet_for_long_is_waited_for_when_something_happens_again() {
    let store = in_memory();
    emit(&store, 0, 5);
    run(&store, at(0), |unit| unit.set_cursor("mqtt", 5)).unwrap();
    emit(&store, 20 * DAY, 100_005);
    purge(&store, 21 * DAY);
    assert_eq!(numbers(&store).first(), Some(&6));
}

#[test]
fn a_code_without_a_grant_goes_like_one_with_a_grant() {
    let store = in_memory();
    let template = built(&store, 2, "4711").code;
    let origin = CodeOrigin::Device(crate::model::DeviceCode::default());
    let deleted = AccessCode { origin: origin.clone(), deleted_at: Some(at(0)), ..template.clone() };
    let over = AccessCode { origin, ..template };
    let [deleted, over] = run(&store, at(0), move |unit| {
        let codes = [deleted, over].map(|code| AccessCode { access_code_id: unit.id(), ..code });
        codes.iter().try_for_each(|code| unit.insert_code(code))?;
        Ok(codes)
    })
    .unwrap();
    let purged = |seconds| run(&store, at(seconds), |unit| unit.purge(Duration::from_secs(30 * 86_400))).unwrap();
    assert_eq!(purged(30 * 86_400 - 1), 0);
    assert_eq!(purged(31 * 86_400), 3, "the grant's PIN as well");
    let read = move |unit: &mut Unit<'_>| Ok((unit.code(deleted.access_code_id)?, unit.code(over.access_code_id)?));
    let (deleted, over) = run(&store, at(0), read).unwrap();
    assert_eq!(deleted, None);
    assert_eq!(over.unwrap().pin, None);
    assert_eq!(purged(31 * 86_400), 0, "and not again");
}

#[test]
fn of_a_grant_that_goes_on_the_codes_and_methods_that_were_deleted_go() {
    let store = in_memory();
    let Building { grant, method, code, .. } = built(&store, 2, "4711");
    let present = Presence::Proven(Evidence::ReadBack, at(0));
    run(&store, at(0), move |unit| {
        unit.update_grant(&AccessGrant { window: Window { ends_at: None, ..grant.window }, ..grant })?;
        unit.update_method(&AccessMethod { deleted_at: Some(at(0)), ..method.clone() })?;
        unit.update_code(&AccessCode { deleted_at: Some(at(0)), presence: present, ..code.clone() })
    })
    .unwrap();
    let purged =
        |store: &Store| run(store, at(31 * 86_400), |unit| unit.purge(Duration::from_secs(30 * 86_400))).unwrap();
    assert_eq!(purged(&store), 0, "it may still be in the lock");
    let absent = move |unit: &mut Unit<'_>| {
        let code = unit.codes(&CodeFilter::default())?.remove(0);
        unit.update_code(&AccessCode { presence: Presence::Absent, ..code })
    };
    run(&store, at(1), absent).unwrap();
    assert_eq!(purged(&store), 2);
    run(&store, at(2), |unit| {
        assert!(unit.codes(&CodeFilter::default())?.is_empty());
        assert_eq!(unit.grants(&GrantFilter::default())?.len(), 1);
        Ok(())
    })
    .unwrap();
}
