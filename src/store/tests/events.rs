//! Events and the outbox.

use serde_json::{Map, json};

use super::*;
use crate::model::{DeviceId, Event, EventSubject, EventType};

fn emit(store: &Store, seconds: i64, event_type: EventType, device_id: Option<DeviceId>) {
    let subject = EventSubject { device_id, ..EventSubject::default() };
    let details = Map::from_iter([("method".to_owned(), json!("keycode"))]);
    run(store, at(seconds), move |unit| unit.emit(event_type, subject, details)).unwrap();
}

fn types(events: &[Event]) -> Vec<EventType> {
    events.iter().map(|event| event.event_type).collect()
}

#[test]
fn an_event_comes_back_as_it_was_told() {
    let store = in_memory();
    let event = run(&store, at(3), |unit| {
        let subject = EventSubject {
            device_id: Some(unit.id()),
            access_code_id: Some(unit.id()),
            access_grant_id: Some(unit.id()),
            access_method_id: Some(unit.id()),
            user_identity_id: Some(unit.id()),
            action_attempt_id: Some(unit.id()),
            space_id: Some(unit.id()),
        };
        unit.set_caller("reception");
        let details = Map::from_iter([("battery_level".to_owned(), json!(0.5))]);
        unit.emit(EventType::DeviceLowBattery, subject.clone(), details.clone())?;
        let (_, event) = unit.outbox_after(0, 1)?.remove(0);
        assert_eq!((event.event_type, event.occurred_at), (EventType::DeviceLowBattery, at(3)));
        assert_eq!((&event.subject, &event.details), (&subject, &details));
        assert_eq!(event.caller.as_deref(), Some("reception"));
        assert_eq!(unit.event(event.event_id)?.as_ref(), Some(&event));
        Ok(event)
    })
    .unwrap();
    let by = |filter: EventFilter| run(&store, at(4), move |unit| unit.events(&filter)).unwrap();
    let subject = event.subject.clone();
    for filter in [
        EventFilter { device_ids: subject.device_id.into_iter().collect(), ..EventFilter::default() },
        EventFilter { access_code_ids: subject.access_code_id.into_iter().collect(), ..EventFilter::default() },
        EventFilter { access_grant_ids: subject.access_grant_id.into_iter().collect(), ..EventFilter::default() },
        EventFilter { access_method_ids: subject.access_method_id.into_iter().collect(), ..EventFilter::default() },
        EventFilter { space_id: subject.space_id, ..EventFilter::default() },
        EventFilter { event_ids: vec![event.event_id], ..EventFilter::default() },
        EventFilter { user_identity_id: subject.user_identity_id, ..EventFilter::default() },
        EventFilter { event_types: vec![EventType::DeviceAdded, event.event_type], ..EventFilter::default() },
    ] {
        assert_eq!(by(filter), vec![event.clone()]);
    }
    assert!(by(EventFilter { event_types: vec![EventType::DeviceAdded], ..EventFilter::default() }).is_empty());
}

#[test]
fn events_are_given_oldest_first_the_first_since_a_time_or_else_the_last() {
    use EventType::{DeviceAdded, DeviceConnected, DeviceDisconnected, DeviceJammed};
    let store = in_memory();
    for (seconds, event_type) in (0..).zip([DeviceAdded, DeviceConnected, DeviceDisconnected, DeviceJammed]) {
        emit(&store, seconds, event_type, None);
    }
    let by = |since, limit| {
        let filter = EventFilter { since, limit, ..EventFilter::default() };
        types(&run(&store, at(9), move |unit| unit.events(&filter)).unwrap())
    };
    assert_eq!(by(Some(at(1)), Some(2)), [DeviceConnected, DeviceDisconnected]);
    assert_eq!(by(None, Some(2)), [DeviceDisconnected, DeviceJammed]);
    assert_eq!(by(Some(at(2)), None), [DeviceDisconnected, DeviceJammed]);
    let until = EventFilter { since: Some(at(1)), until: Some(at(3)), ..EventFilter::default() };
    let between = run(&store, at(9), move |unit| unit.events(&until)).unwrap();
    assert_eq!(types(&between), [DeviceConnected, DeviceDisconnected]);
    let next = EventFilter { after: Some(between[1].event_id), limit: Some(5), ..EventFilter::default() };
    assert_eq!(types(&run(&store, at(9), move |unit| unit.events(&next)).unwrap()), [DeviceJammed]);
}

#[test]
fn each_door_goes_on_where_it_stopped_and_never_goes_back() {
    let store = in_memory();
    for seconds in 0..5 {
        emit(&store, seconds, EventType::LockUnlocked, None);
    }
    run(&store, at(9), |unit| {
        assert_eq!(unit.cursor("mqtt")?, 0);
        let first: Vec<u64> = unit.outbox_after(0, 3)?.iter().map(|(number, _)| *number).collect();
        assert_eq!(first, [1, 2, 3]);
        unit.set_cursor("mqtt", 3)?;
        unit.set_cursor("mqtt", 2)?;
        assert_eq!((unit.cursor("mqtt")?, unit.cursor("http")?), (3, 0));
        let rest: Vec<u64> = unit.outbox_after(3, 99)?.iter().map(|(number, _)| *number).collect();
        assert_eq!(rest, [4, 5]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_event_of_a_job_that_failed_was_never_told() {
    let store = in_memory();
    let failed = run(&store, at(0), |unit| -> Result<(), StoreError> {
        unit.emit(EventType::LockUnlocked, EventSubject::default(), Map::new())?;
        Err(StoreError::Closed)
    });
    assert!(failed.is_err());
    assert!(run(&store, at(0), |unit| unit.outbox_after(0, 9)).unwrap().is_empty());
}
