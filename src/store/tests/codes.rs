//! Grants, methods, codes and their journal.

use keyway_lock::Evidence;
use proptest::prelude::*;

use super::*;
use crate::model::{AccessCodeId, CodeProblem, DeviceCode, ProblemKind, Schedule};
use crate::store::GrantPlace;

/// All times that a row can hold: the years -9999 to 9999.
fn any_time() -> impl Strategy<Value = Timestamp> {
    (-377_000_000_000_000_000..=253_000_000_000_000_000_i64).prop_map(|us| Timestamp::from_microsecond(us).unwrap())
}

fn any_presence() -> impl Strategy<Value = Presence> {
    let evidence = prop_oneof![Just(Evidence::ReadBack), Just(Evidence::Supervised), Just(Evidence::ProgrammingEvent)];
    prop_oneof![
        Just(Presence::Absent),
        Just(Presence::Unproven),
        (evidence, any_time()).prop_map(|(evidence, time)| Presence::Proven(evidence, time)),
    ]
}

fn any_problem() -> impl Strategy<Value = CodeProblem> {
    let kind = prop_oneof![
        Just(ProblemKind::DelayInSetting),
        Just(ProblemKind::FailedToSet),
        Just(ProblemKind::DelayInRemoving),
        Just(ProblemKind::FailedToRemove),
        Just(ProblemKind::WillNotWork),
        Just(ProblemKind::ModifiedExternally),
        Just(ProblemKind::RemovedExternally),
    ];
    (kind, any::<String>(), any_time()).prop_map(|(kind, message, since)| CodeProblem { kind, message, since })
}

/// Whom a code is from; `None`: a grant, the building's.
fn any_origin() -> impl Strategy<Value = Option<CodeOrigin>> {
    let text = || prop::option::of(any::<String>());
    let made =
        (text(), text(), any::<bool>(), prop::option::of(any::<u8>())).prop_map(|(name, key, allowed, length)| {
            CodeOrigin::Device(DeviceCode {
                name,
                common_code_key: key,
                is_external_modification_allowed: allowed,
                refused_length: length,
            })
        });
    let former =
        any::<u128>().prop_map(|id| CodeOrigin::Former { access_code_id: AccessCodeId(uuid::Uuid::from_u128(id)) });
    prop_oneof![Just(None), Just(Some(CodeOrigin::Hand)), former.prop_map(Some), made.prop_map(Some)]
}

fn any_schedule() -> impl Strategy<Value = Option<Schedule>> {
    prop::option::of(Just(Schedule::new("0 9 * * MON-FRI", "8h", "Europe/Berlin").unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_code_comes_back_as_it_was(
        origin in any_origin(),
        schedule in any_schedule(),
        pin in prop::option::of("[0-9]{4,10}"),
        slot: u16,
        starts_at in any_time(),
        ends_at in prop::option::of(any_time()),
        deleted_at in prop::option::of(any_time()),
        presence in any_presence(),
        problem in prop::option::of(any_problem()),
        (created_at, ordered_at) in (any_time(), any_time()),
    ) {
        let store = in_memory();
        let built = built(&store, 2, "4711").code;
        let code = AccessCode {
            origin: origin.unwrap_or(built.origin.clone()),
            schedule,
            slot: SlotNumber(slot),
            pin: pin.map(|pin| Pin::new(&pin).unwrap()),
            window: Window { starts_at, ends_at },
            deleted_at,
            presence,
            problem,
            created_at,
            ordered_at,
            ..built
        };
        let written = code.clone();
        let read = run(&store, at(0), move |unit| {
            unit.update_code(&written)?;
            let ids = Some(vec![written.access_code_id]);
            Ok((unit.code(written.access_code_id)?, unit.codes(&CodeFilter { ids, ..CodeFilter::default() })?))
        });
        prop_assert_eq!(read.unwrap(), (Some(code.clone()), vec![code]));
    }

    #[test]
    fn live_codes_are_all_that_are_not_finished(
        codes in prop::collection::vec((0..90_i64, prop::option::of(0..90_i64), any::<bool>(), any_presence()), 0..20),
        now in 0..90_i64,
        from in 0..90_i64,
        to in prop::option::of(0..90_i64),
    ) {
        const DAY: i64 = 86_400;
        let (now, at) = (now * DAY, |days: i64| at(days * DAY));
        let store = in_memory();
        let building = built(&store, 2, "4711");
        let (device, template) = (building.device.device_id, building.code);
        run(&store, super::at(now), move |unit| {
            let mut expected = vec![template.clone()];
            for (start, end, deleted, presence) in codes {
                let code = AccessCode {
                    access_code_id: unit.id(),
                    window: Window { starts_at: at(start), ends_at: end.map(at) },
                    deleted_at: deleted.then_some(at(0)),
                    presence,
                    ..template.clone()
                };
                unit.insert_code(&code)?;
                expected.push(code);
            }
            expected.retain(|code| !code.is_finished(super::at(now)));
            expected.sort_by_key(|code| (code.window.starts_at, code.access_code_id));
            assert_eq!(unit.live_codes(device)?, expected);
            let window = Window { starts_at: at(from), ends_at: to.map(at) };
            expected.retain(|code| code.is_in_lock() || code.window.overlaps(&window));
            assert_eq!(unit.live_codes_within(device, &window)?, expected);
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn the_count_of_current_grants_is_right_whatever_is_done_to_them_and_to_the_clock(
        steps in prop::collection::vec((0..6_usize, prop::option::of(0..20_i64), 0..20_i64, 0..4_u8), 0..30),
    ) {
        let store = in_memory();
        let template = built(&store, 2, "4711").grant;
        let mut grants = vec![template];
        for (which, end, now, what) in steps {
            let (which, ends_at) = (which % grants.len(), end.map(at));
            let grant = &mut grants[which];
            match what {
                0 => grant.window.ends_at = ends_at,
                1 => grant.deleted_at = Some(at(now)),
                2 => grant.deleted_at = None,
                _ => {
                    let access_grant_id = crate::model::AccessGrantId(uuid::Uuid::from_u128(grants.len() as u128));
                    let window = Window { ends_at, ..grants[0].window };
                    let made = AccessGrant { access_grant_id, access_grant_key: None, window, ..grants[0].clone() };
                    run(&store, at(now), { let made = made.clone(); move |unit| unit.insert_grant(&made) }).unwrap();
                    grants.push(made);
                }
            }
            let changed = grants[which].clone();
            let count = run(&store, at(now), move |unit| {
                unit.update_grant(&changed)?;
                unit.current_grants()
            })
            .unwrap();
            let is_current = |grant: &&AccessGrant| grant.deleted_at.is_none() && !grant.window.is_over(at(now));
            prop_assert_eq!(grants.iter().filter(is_current).count(), count);
        }
    }
}

#[test]
fn deleted_grants_that_are_purged_are_not_counted_twice() {
    let store = in_memory();
    let (first, _) = (built(&store, 2, "4711").grant, built(&store, 3, "0815"));
    run(&store, at(0), move |unit| unit.update_grant(&AccessGrant { deleted_at: Some(at(0)), ..first })).unwrap();
    let left = run(&store, at(1), |unit| {
        assert_eq!(unit.current_grants()?, 1);
        unit.purge(std::time::Duration::ZERO)?;
        unit.current_grants()
    });
    assert_eq!(left.unwrap(), 1);
}

#[test]
fn a_grant_moves_with_time_when_it_begins_and_when_it_ends() {
    let store = in_memory();
    let grant = built(&store, 2, "4711").grant.access_grant_id;
    let moved = |from, to| run(&store, at(0), move |unit| unit.grants_moved(at(from), at(to))).unwrap();
    assert!(moved(-10, -1).is_empty() && moved(0, 3599).is_empty() && moved(3600, 9999).is_empty());
    for (from, to) in [(-1, 0), (3599, 3600), (-10, 9999), (0, -10)] {
        assert_eq!(moved(from, to), [grant].into(), "{from} to {to}");
    }
}

#[test]
fn a_grant_s_key_is_free_again_once_it_is_deleted() {
    let store = in_memory();
    let grant = built(&store, 2, "4711").grant;
    run(&store, at(0), move |unit| {
        let again = AccessGrant { access_grant_id: unit.id(), ..grant.clone() };
        assert!(unit.insert_grant(&again).is_err());
        assert_eq!(unit.grant_by_key("booking-2")?.as_ref(), Some(&grant));
        let deleted = AccessGrant { deleted_at: Some(at(0)), ..grant.clone() };
        unit.update_grant(&deleted)?;
        assert_eq!(unit.grant_by_key("booking-2")?, None);
        assert_eq!(unit.grant(grant.access_grant_id)?, Some(deleted));
        unit.insert_grant(&again)?;
        assert_eq!(unit.grants(&GrantFilter::default())?, [again]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn grants_are_found_by_person_and_door_and_keep_the_order_of_their_doors() {
    let store = in_memory();
    let (first, second) = (built(&store, 3, "4711"), built(&store, 2, "0815"));
    run(&store, at(0), move |unit| {
        let doors = vec![second.device.device_id, first.device.device_id];
        let both = AccessGrant { device_ids: doors, ..second.grant.clone() };
        unit.update_grant(&both)?;
        let by = |user, device| GrantFilter { user, device, ..GrantFilter::default() };
        let (user, door) = (Some(both.user_identity_id), Some(first.device.device_id));
        assert_eq!(unit.grants(&by(None, door))?, [first.grant.clone(), both.clone()]);
        assert_eq!(unit.grants(&by(user, door))?, vec![both.clone()]);
        assert_eq!(unit.grants(&by(user, None))?, vec![both.clone()]);
        assert!(unit.grants(&by(Some(first.person.user_identity_id), Some(second.device.device_id)))?.is_empty());
        let ids = Some(vec![both.access_grant_id]);
        assert_eq!(unit.grants(&GrantFilter { ids, ..GrantFilter::default() })?, vec![both.clone()]);
        let key = Some(both.access_grant_key.clone());
        assert_eq!(unit.grants(&GrantFilter { key, ..GrantFilter::default() })?, vec![both.clone()]);
        assert!(unit.grants(&GrantFilter { key: Some(None), ..GrantFilter::default() })?.is_empty());
        let stay = AccessGrant { reservation_key: Some("stay-7".to_owned()), ..both };
        unit.update_grant(&stay)?;
        let reservation_key = stay.reservation_key.clone();
        assert_eq!(unit.grants(&GrantFilter { reservation_key, ..GrantFilter::default() })?, [stay]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn grants_are_gone_through_in_the_order_of_their_starts_also_of_those_that_begin_at_once() {
    let store = in_memory();
    let mut places: Vec<GrantPlace> = (2..9)
        .map(|slot| {
            let grant = built(&store, slot, "4711").grant;
            let start = at(i64::try_from(slot / 3).unwrap());
            let window = Window { starts_at: start, ..grant.window };
            let id = grant.access_grant_id;
            run(&store, at(0), move |unit| unit.update_grant(&AccessGrant { window, ..grant })).unwrap();
            (start, id)
        })
        .collect();
    places.sort();
    for most in [1, 2, 100] {
        let (mut found, mut last) = (Vec::new(), (at(-1), crate::model::AccessGrantId(uuid::Uuid::nil())));
        loop {
            let next = run(&store, at(0), move |unit| unit.grants_behind(last, most)).unwrap();
            let Some(place) = next.last() else { break };
            last = *place;
            found.extend(next);
        }
        assert_eq!(found, places);
    }
}

#[test]
fn a_grant_is_near_from_the_horizon_on_until_it_is_over() {
    const DAY: i64 = 86_400;
    let store = in_memory();
    let (first, second) = (built(&store, 2, "4711"), built(&store, 3, "0815"));
    let ids = [first.grant.access_grant_id, second.grant.access_grant_id];
    let near = |now, horizon| run(&store, at(now), move |unit| unit.near_grant_ids(at(horizon))).unwrap();
    let window = |from, to: Option<i64>| Window { starts_at: at(from), ends_at: to.map(at) };
    for window in [window(0, Some(3600)), window(0, Some(90 * DAY)), window(0, None)] {
        let (changed, other) = (first.grant.clone(), second.grant.clone());
        run(&store, at(0), move |unit| {
            unit.update_grant(&AccessGrant { deleted_at: Some(at(0)), ..other })?;
            unit.update_grant(&AccessGrant { window, ..changed })
        })
        .unwrap();
        assert!(near(-10, -1).is_empty(), "{window:?}");
        assert_eq!(near(-10, 0), [ids[0]].into(), "{window:?}");
        assert_eq!(near(3599, 9999), [ids[0]].into(), "{window:?}");
        let is_over = window.is_over(at(90 * DAY));
        assert_eq!(near(90 * DAY, 91 * DAY).is_empty(), is_over, "{window:?}");
    }
}

#[test]
fn a_grant_that_is_over_is_near_while_its_code_may_be_in_a_lock() {
    let store = in_memory();
    let code = built(&store, 2, "4711").code;
    let grant = code.access_grant_id().unwrap();
    let near = || run(&store, at(9999), |unit| unit.near_grant_ids(at(9999))).unwrap();
    assert!(near().is_empty());
    run(&store, at(0), move |unit| unit.update_code(&AccessCode { presence: Presence::Unproven, ..code })).unwrap();
    assert_eq!(near(), [grant].into());
}

#[test]
fn a_grant_with_a_door_that_nobody_knows_is_refused_whole() {
    let store = in_memory();
    let refused = run(&store, at(0), |unit| {
        let grant = building(unit, 2, "4711").grant;
        unit.insert_grant(&grant)
    });
    assert!(matches!(refused, Err(StoreError::Database(_))));
    assert!(run(&store, at(0), |unit| unit.grants(&GrantFilter::default())).unwrap().is_empty());
}

#[test]
fn codes_are_found_by_device_grant_and_method() {
    let store = in_memory();
    let (first, second) = (built(&store, 2, "4711").code, built(&store, 3, "0815").code);
    let all = CodeFilter::default;
    let found = move |filter| run(&store, at(0), move |unit| unit.codes(&filter)).unwrap();
    assert_eq!(found(all()), [first.clone(), second.clone()]);
    assert_eq!(found(CodeFilter { device: Some(first.device_id), ..all() }), vec![first.clone()]);
    assert_eq!(found(CodeFilter { grant: second.access_grant_id(), ..all() }), vec![second.clone()]);
    assert_eq!(found(CodeFilter { method: second.access_method_id(), ..all() }), vec![second.clone()]);
    assert!(found(CodeFilter { device: Some(first.device_id), method: second.access_method_id(), ..all() }).is_empty());
}

#[test]
fn a_code_s_history_keeps_its_newest_forty_lines() {
    let store = in_memory();
    let code = built(&store, 2, "4711").code.access_code_id;
    let lines = [
        JournalEntry::Intended(CodeChange::Set),
        JournalEntry::Failed(CodeChange::Set, "the lock does not answer".to_owned()),
        JournalEntry::Confirmed(CodeChange::Set, Evidence::ReadBack),
        JournalEntry::Used,
        JournalEntry::ExternallyChanged,
        JournalEntry::TakenOver,
        JournalEntry::OrderedOut,
        JournalEntry::Confirmed(CodeChange::Clear, Evidence::ProgrammingEvent),
    ];
    for (seconds, line) in (0..60).zip(lines.iter().cycle().cloned()) {
        run(&store, at(seconds), move |unit| unit.note(code, &line)).unwrap();
    }
    let history = run(&store, at(60), move |unit| unit.journal(code)).unwrap();
    let expected: Vec<_> = (0..60).map(at).zip(lines.iter().cycle().cloned()).skip(20).collect();
    assert_eq!(history, expected);
    let stranger = run(&store, at(60), |unit| {
        let stranger: AccessCodeId = unit.id();
        unit.note(stranger, &JournalEntry::Used)
    });
    assert!(stranger.is_err());
}
