//! Secrets at rest, and rows that can't be read.

use keyway_lock::{NetworkRecord, RecordKey, SecretBytes, SlotContent, SlotReport};

use super::*;
use crate::model::{ProblemKind, UnmanagedCode};

/// Changes the database behind the store's back.
fn damage(store: &Store, sql: &'static str) {
    run(store, at(0), move |unit| Ok(unit.db.execute_batch(sql)?)).unwrap();
}

#[test]
fn no_pin_and_no_key_is_in_the_files_of_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("keyway.db"));
    let building = built(&store, 2, "8462917305");
    run(&store, at(0), move |unit| {
        let device_id = building.device.device_id;
        let content = SlotContent::Code(Pin::new("7315902846").unwrap());
        unit.put_slot(device_id, &SlotReport { slot: SlotNumber(1), content: content.clone() })?;
        let (access_code_id, created_at) = (unit.id(), unit.now());
        unit.insert_unmanaged(&UnmanagedCode { access_code_id, device_id, slot: SlotNumber(2), content, created_at })?;
        unit.remember_answer("r1", "create 8462917305", "{\"code\":\"8462917305\"}")?;
        let value = Some(SecretBytes(Zeroizing::new(b"network-key-bytes".to_vec())));
        unit.put_record("main", &NetworkRecord { key: RecordKey("keys".to_owned()), value })
    })
    .unwrap();
    let look = || {
        let mut files = 0;
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            for secret in ["8462917305", "7315902846", "network-key-bytes"] {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} is in {}", path.display());
            }
            files += usize::from(bytes.windows(6).any(|window| window == b"Door 2"));
        }
        assert!(files > 0, "what is no secret is found: the search works");
    };
    look();
    close(&store);
    look();
}

#[test]
fn files_of_the_database_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("keyway.db"));
    built(&store, 2, "4711");
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", file.path().display());
    }
}

#[test]
fn a_code_whose_pin_can_t_be_read_stays_in_sight_and_will_be_taken_out() {
    let store = in_memory();
    let mut code = built(&store, 2, "4711").code;
    code.presence = Presence::Proven(keyway_lock::Evidence::ReadBack, at(0));
    let written = code.clone();
    run(&store, at(0), move |unit| unit.update_code(&written)).unwrap();
    damage(&store, "UPDATE access_codes SET pin_sealed = zeroblob(51)");
    let live = run(&store, at(1), move |unit| unit.live_codes(code.device_id)).unwrap();
    let [seen] = live.as_slice() else { panic!("{live:?}") };
    assert_eq!((seen.pin.as_ref(), seen.presence, seen.slot), (None, code.presence, code.slot));
    assert!(!seen.is_wanted(at(1)));
    assert_eq!(seen.problem.as_ref().map(|problem| problem.kind), Some(ProblemKind::FailedToSet));
}

#[test]
fn a_pin_moved_to_another_row_does_not_open_there() {
    let store = in_memory();
    let (first, second) = (built(&store, 2, "4711").code, built(&store, 3, "0815").code);
    damage(&store, "UPDATE access_codes SET pin_sealed = (SELECT max(pin_sealed) FROM access_codes)");
    let pins = run(&store, at(0), move |unit| {
        let codes = [unit.code(first.access_code_id)?, unit.code(second.access_code_id)?];
        Ok(codes.map(|code| code.and_then(|code| code.pin)))
    })
    .unwrap();
    assert_eq!(pins.iter().flatten().count(), 1);
}

#[test]
fn a_code_of_which_it_can_t_be_read_where_it_is_makes_the_slot_be_read() {
    let store = in_memory();
    let code = built(&store, 2, "4711").code;
    damage(&store, "UPDATE access_codes SET presence = 'nonsense'");
    let live = run(&store, at(0), move |unit| unit.live_codes(code.device_id)).unwrap();
    assert_eq!(live, [AccessCode { presence: Presence::Unproven, ..code }]);
}

#[test]
fn one_bad_row_does_not_blind_the_hub_for_all_others() {
    let store = in_memory();
    let (bad, good) = (built(&store, 2, "4711").device, built(&store, 3, "0815").device);
    damage(&store, "UPDATE devices SET radio = 'carrier pigeon' WHERE lock = 2");
    let id = bad.device_id;
    let error = run(&store, at(0), move |unit| unit.device(id)).unwrap_err().to_string();
    assert_eq!(error, format!("table devices, column radio, row {id}: is a word that this release does not know"));
    assert_eq!(run(&store, at(0), |unit| unit.devices()).unwrap(), [good]);
}

#[test]
fn an_interview_that_can_t_be_read_is_asked_for_again() {
    let store = in_memory();
    let device = built(&store, 2, "4711").device;
    damage(&store, "UPDATE devices SET info = '{\"manufacturer\":\"Acme\"}'");
    assert_eq!(run(&store, at(0), |unit| unit.devices()).unwrap(), [Device { info: None, ..device }]);
}

#[test]
fn a_request_whose_answer_can_t_be_read_is_an_error_and_not_a_new_request() {
    let store = in_memory();
    run(&store, at(0), |unit| unit.remember_answer("r1", "q", "a")).unwrap();
    damage(&store, "UPDATE requests SET answer_sealed = x'01'");
    let error = run(&store, at(0), |unit| unit.answer_of("r1")).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { table: "requests", column: "answer_sealed", .. }), "{error}");
    assert!(error.to_string().contains("row r1"), "{error}");
}

#[test]
fn a_slot_or_record_that_can_t_be_read_is_as_one_never_heard_of() {
    let store = in_memory();
    let device = built(&store, 2, "4711").device.device_id;
    run(&store, at(0), move |unit| {
        let content = SlotContent::Code(Pin::new("0042").unwrap());
        unit.put_slot(device, &SlotReport { slot: SlotNumber(1), content })?;
        unit.put_slot(device, &SlotReport { slot: SlotNumber(2), content: SlotContent::Free })?;
        let value = Some(SecretBytes(Zeroizing::new(b"value".to_vec())));
        unit.put_record("main", &NetworkRecord { key: RecordKey("keys".to_owned()), value })
    })
    .unwrap();
    damage(&store, "UPDATE slots SET pin_sealed = zeroblob(51) WHERE slot = 1; UPDATE radio_records SET record = 'x'");
    run(&store, at(0), move |unit| {
        let slots: Vec<u16> = unit.slots(device)?.iter().map(|word| word.report.slot.0).collect();
        assert_eq!(slots, [2]);
        assert!(unit.records("main")?.is_empty());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_code_whose_schedule_can_t_be_read_is_not_wanted_all_the_time_but_not_at_all() {
    let store = in_memory();
    let code = built(&store, 2, "4711").code;
    damage(
        &store,
        "UPDATE access_codes SET schedule = '{\"cron\":\"0 9 * * *\",\"duration\":\"8h\",\"time_zone\":\"X\"}'",
    );
    let seen = run(&store, at(1), move |unit| unit.code(code.access_code_id)).unwrap().unwrap();
    assert!(!seen.is_wanted(at(1)));
    assert_eq!(seen.problem.as_ref().map(|problem| problem.kind), Some(ProblemKind::FailedToSet));
}
