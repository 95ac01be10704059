//! What is read is what was written: devices, slots, people, requests, attempts, radio records.

use keyway_lock::{AutoLock, BoltSettings, KeypadMode, NetworkRecord, RecordKey, SecretBytes, SlotContent, SlotReport};

use super::*;
use crate::model::{ActionAttempt, ActionStatus, ActionType, AdminCodeOrder, UnmanagedCode};

#[test]
fn a_device_comes_back_as_it_was_and_is_found_by_its_address() {
    let store = in_memory();
    let mut device = built(&store, 2, "4711").device;
    device.state = DeviceState {
        online: true,
        locked: Some(false),
        door_open: Some(true),
        battery_percent: Some(100),
        battery_low: true,
        battery_details: Some(keyway_lock::BatteryDetails { is_cold: true, ..Default::default() }),
        jammed: true,
        last_seen: Some(at(5)),
        gone: Some(crate::model::Gone::Reset),
    };
    // A Zigbee address uses all 64 bits.
    device.address.kind = RadioKind::Zigbee;
    device.address.lock = LockId(u64::MAX);
    let written = device.clone();
    run(&store, at(5), move |unit| {
        unit.update_device(&written)?;
        assert_eq!(unit.device_by_address(&written.address)?.as_ref(), Some(&written));
        Ok(())
    })
    .unwrap();
    device.info = None;
    run(&store, at(6), move |unit| {
        unit.update_device(&device)?;
        assert_eq!(unit.device(device.device_id)?, Some(device));
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_update_that_changes_nothing_is_not_told_to_anybody() {
    let store = in_memory();
    let building = built(&store, 2, "4711");
    let mut changes = store.subscribe();
    run(&store, at(5), move |unit| {
        unit.update_device(&building.device)?;
        unit.update_grant(&building.grant)?;
        unit.update_method(&building.method)?;
        unit.update_code(&building.code)
    })
    .unwrap();
    assert!(changes.try_recv().is_err());
}

#[test]
fn a_change_of_what_is_not_there_is_an_error() {
    let store = in_memory();
    let missing = run(&store, at(0), |unit| {
        let building = building(unit, 2, "4711");
        unit.update_device(&building.device)
    });
    assert!(matches!(missing, Err(StoreError::Missing { table: "devices", .. })));
}

#[test]
fn a_slot_has_the_lock_s_last_word_and_when_it_was_said() {
    let store = in_memory();
    let device = built(&store, 2, "4711").device.device_id;
    let contents =
        [SlotContent::Free, SlotContent::Code(Pin::new("0042").unwrap()), SlotContent::Hidden, SlotContent::Unusable];
    for (seconds, content) in (0..).zip(contents) {
        let report = SlotReport { slot: SlotNumber(3), content };
        run(&store, at(seconds), move |unit| {
            unit.put_slot(device, &report)?;
            assert_eq!(unit.slots(device)?, [SlotWord { report, told_at: at(seconds) }]);
            Ok(())
        })
        .unwrap();
    }
    let mut changes = store.subscribe();
    run(&store, at(60), move |unit| {
        unit.put_slot(device, &SlotReport { slot: SlotNumber(3), content: SlotContent::Unusable })?;
        assert_eq!(unit.slots(device)?[0].told_at, at(60));
        Ok(())
    })
    .unwrap();
    assert!(changes.try_recv().is_err(), "the same word again is no news");
    run(&store, at(61), move |unit| {
        unit.forget_slot(device, SlotNumber(3))?;
        assert!(unit.slots(device)?.is_empty());
        Ok(())
    })
    .unwrap();
    assert!(changes.try_recv().is_ok());
}

#[test]
fn a_code_put_in_by_hand_is_kept_once_a_slot() {
    let store = in_memory();
    let device_id = built(&store, 2, "4711").device.device_id;
    run(&store, at(0), move |unit| {
        let mut code = UnmanagedCode {
            access_code_id: unit.id(),
            device_id,
            slot: SlotNumber(9),
            content: SlotContent::Code(Pin::new("0042").unwrap()),
            created_at: unit.now(),
        };
        unit.insert_unmanaged(&code)?;
        code.content = SlotContent::Hidden;
        unit.update_unmanaged(&code)?;
        assert_eq!(unit.unmanaged_codes(device_id)?, vec![code.clone()]);
        code.access_code_id = unit.id();
        unit.insert_unmanaged(&code)?;
        assert_eq!(unit.unmanaged_codes(device_id)?, vec![code.clone()]);
        unit.delete_unmanaged(code.access_code_id)?;
        assert!(unit.unmanaged_codes(device_id)?.is_empty());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_key_an_address_and_a_number_belong_to_one_person_each() {
    let store = in_memory();
    run(&store, at(0), |unit| {
        let mut person = building(unit, 2, "4711").person;
        person.email_address = Some("ada@example.com".to_owned());
        person.phone_number = Some("+4912345".to_owned());
        unit.insert_user_identity(&person)?;
        assert_eq!(unit.user_identity_by_key("guest-2")?.as_ref(), Some(&person));
        assert_eq!(unit.user_identity_by_email("ada@example.com")?.as_ref(), Some(&person));
        assert_eq!(unit.user_identity_by_phone("+4912345")?.as_ref(), Some(&person));
        let nobody = UserIdentity {
            user_identity_id: unit.id(),
            user_identity_key: None,
            email_address: None,
            phone_number: None,
            ..person.clone()
        };
        for other in [
            UserIdentity { user_identity_key: person.user_identity_key.clone(), ..nobody.clone() },
            UserIdentity { email_address: person.email_address.clone(), ..nobody.clone() },
            UserIdentity { phone_number: person.phone_number.clone(), ..nobody.clone() },
        ] {
            assert!(unit.insert_user_identity(&other).is_err());
        }
        unit.insert_user_identity(&nobody)?;
        unit.delete_user_identity(person.user_identity_id)?;
        assert_eq!(unit.user_identities(&PersonFilter::default())?, [nobody]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_answer_is_found_again_by_its_request() {
    let store = in_memory();
    run(&store, at(0), |unit| {
        assert_eq!(unit.answer_of("r1")?, None);
        unit.remember_answer("r1", "access_grants/create {}", "{\"code\":\"0471\"}")?;
        let expected = ("access_grants/create {}".to_owned(), "{\"code\":\"0471\"}".to_owned());
        assert_eq!(unit.answer_of("r1")?, Some(expected));
        assert!(unit.remember_answer("r1", "", "").is_err());
        Ok(())
    })
    .unwrap();
}

#[test]
fn attempts_wait_in_the_order_in_which_they_were_asked_for() {
    let store = in_memory();
    let device_id = built(&store, 2, "4711").device.device_id;
    let ask = |seconds, action_type| {
        run(&store, at(seconds), move |unit| {
            let attempt = ActionAttempt {
                action_attempt_id: unit.id(),
                device_id,
                action_type,
                status: ActionStatus::Pending,
                created_at: unit.now(),
                expires_at: at(seconds + 30),
            };
            unit.insert_action_attempt(&attempt).map(|()| attempt)
        })
        .unwrap()
    };
    let (mut first, mut second) = (ask(0, ActionType::UnlockDoor), ask(1, ActionType::LockDoor));
    run(&store, at(2), move |unit| {
        assert_eq!(unit.pending_action_attempts(device_id)?, [first.clone(), second.clone()]);
        first.status = ActionStatus::Success;
        let (error_type, message) = ("device_offline".to_owned(), "the lock does not answer".to_owned());
        second.status = ActionStatus::Error { error_type, message };
        unit.update_action_attempt(&first)?;
        unit.update_action_attempt(&second)?;
        assert!(unit.pending_action_attempts(device_id)?.is_empty());
        assert_eq!(unit.action_attempt(second.action_attempt_id)?.as_ref(), Some(&second));
        assert_eq!(unit.action_attempts(&AttemptFilter::default())?, [first, second]);
        Ok(())
    })
    .unwrap();
    for seconds in [0, 1, 65_535] {
        let asked = ask(3, ActionType::ConfigureAutoLock(AutoLock::from_seconds(seconds)));
        let kept = run(&store, at(4), move |unit| unit.action_attempt(asked.action_attempt_id)).unwrap();
        assert_eq!(kept.unwrap().action_type, asked.action_type);
    }
    for action_type in [
        ActionType::ConfigureKeypadMode(KeypadMode::Vacation),
        ActionType::ConfigureAdminCode(AdminCodeOrder::Remove),
        ActionType::ConfigureBolt(BoltSettings { timed_seconds: Some(30), ..BoltSettings::default() }),
        ActionType::ReadParameter("beeper".to_owned()),
        ActionType::SetParameter("beeper".to_owned(), -3),
    ] {
        let asked = ask(5, action_type);
        let kept = run(&store, at(6), move |unit| unit.action_attempt(asked.action_attempt_id)).unwrap();
        assert_eq!(kept.unwrap().action_type, asked.action_type);
    }
}

#[test]
fn the_admin_code_of_an_attempt_is_sealed_and_kept_no_longer_than_it_waits() {
    let store = in_memory();
    let device_id = built(&store, 2, "4711").device.device_id;
    let pin = Pin::new("900100").unwrap();
    run(&store, at(0), move |unit| {
        let attempt = ActionAttempt {
            action_attempt_id: unit.id(),
            device_id,
            action_type: ActionType::ConfigureAdminCode(AdminCodeOrder::Set(Some(pin))),
            status: ActionStatus::Pending,
            created_at: unit.now(),
            expires_at: at(30),
        };
        unit.insert_action_attempt(&attempt)?;
        assert_eq!(unit.pending_action_attempts(device_id)?, std::slice::from_ref(&attempt));
        let sealed: Vec<u8> = unit.db.query_row("SELECT pin_sealed FROM action_attempts", [], |row| row.get(0))?;
        assert!(!sealed.windows(6).any(|bytes| bytes == b"900100"));
        unit.update_action_attempt(&ActionAttempt { status: ActionStatus::Success, ..attempt.clone() })?;
        let kept = unit.action_attempt(attempt.action_attempt_id)?.map(|attempt| attempt.action_type);
        assert_eq!(kept, Some(ActionType::ConfigureAdminCode(AdminCodeOrder::Set(None))));
        let sealed: Option<Vec<u8>> =
            unit.db.query_row("SELECT pin_sealed FROM action_attempts", [], |row| row.get(0))?;
        assert_eq!(sealed, None);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_driver_s_records_are_kept_by_stick_replaced_and_forgotten() {
    let store = in_memory();
    let record = |key: &str, value: &[u8]| NetworkRecord {
        key: RecordKey(key.to_owned()),
        value: Some(SecretBytes(Zeroizing::new(value.to_vec()))),
    };
    run(&store, at(0), move |unit| {
        unit.put_record("main", &record("node/2", b"old"))?;
        unit.put_record("main", &record("node/2", b"new"))?;
        unit.put_record("main", &record("node/10", b""))?;
        unit.put_record("other", &record("node/2", b"theirs"))?;
        assert_eq!(unit.records("main")?, [record("node/10", b""), record("node/2", b"new")]);
        unit.put_record("main", &NetworkRecord { value: None, ..record("node/2", b"") })?;
        assert_eq!(unit.records("main")?, [record("node/10", b"")]);
        assert_eq!(unit.records("other")?.len(), 1);
        Ok(())
    })
    .unwrap();
}

#[test]
fn the_workspace_is_made_once() {
    let store = in_memory();
    let first = run(&store, at(0), |unit| unit.workspace_id()).unwrap();
    assert_eq!(run(&store, at(99), |unit| unit.workspace_id()).unwrap(), first);
}
