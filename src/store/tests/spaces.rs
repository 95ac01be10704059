//! Spaces, the doors that a grant reaches through them, pages, and a door that is forgotten.

use super::*;
use crate::model::{Space, SpaceId};

fn space(unit: &mut Unit<'_>, name: &str, doors: &[&Device]) -> Space {
    Space {
        space_id: unit.id(),
        space_key: Some(name.to_lowercase()),
        name: name.to_owned(),
        device_ids: doors.iter().map(|door| door.device_id).collect(),
        created_at: unit.now(),
    }
}

#[test]
fn a_space_comes_back_as_it_was_with_its_doors_in_their_order() {
    let store = in_memory();
    let (first, second) = (built(&store, 2, "4711").device, built(&store, 3, "0815").device);
    run(&store, at(0), move |unit| {
        let mut written = space(unit, "Flat", &[&second, &first]);
        unit.insert_space(&written)?;
        assert_eq!(unit.space(written.space_id)?, Some(written.clone()));
        written.name = "Top flat".to_owned();
        written.device_ids = vec![first.device_id];
        unit.update_space(&written)?;
        assert_eq!(unit.space_by_key("flat")?, Some(written.clone()));
        let with = |device: &Device| SpaceFilter { device: Some(device.device_id), ..SpaceFilter::default() };
        assert_eq!(unit.spaces(&with(&first))?, vec![written.clone()]);
        assert!(unit.spaces(&with(&second))?.is_empty());
        unit.delete_space(written.space_id)?;
        assert_eq!(unit.space(written.space_id)?, None);
        Ok(())
    })
    .unwrap();
}

#[test]
fn two_spaces_can_t_have_the_same_key() {
    let store = in_memory();
    let refused = run(&store, at(0), |unit| {
        for _ in 0..2 {
            let same = space(unit, "Flat", &[]);
            unit.insert_space(&same)?;
        }
        Ok(())
    });
    assert!(matches!(refused, Err(StoreError::Database(_))));
}

#[test]
fn a_grant_reaches_its_own_doors_and_those_of_its_spaces_each_once() {
    let store = in_memory();
    let (own, other) = (built(&store, 2, "4711"), built(&store, 3, "0815"));
    run(&store, at(0), move |unit| {
        let both = space(unit, "Flat", &[&own.device, &other.device]);
        unit.insert_space(&both)?;
        let grant = AccessGrant { space_ids: vec![both.space_id], ..own.grant.clone() };
        unit.update_grant(&grant)?;
        assert_eq!(unit.grant(grant.access_grant_id)?, Some(grant.clone()));
        assert_eq!(unit.doors(&grant)?, [own.device.device_id, other.device.device_id]);
        let found = unit.grants(&GrantFilter { space: Some(both.space_id), ..GrantFilter::default() })?;
        assert_eq!(found, vec![grant.clone()]);
        let device = Some(other.device.device_id);
        let found = unit.grants(&GrantFilter { device, ..GrantFilter::default() })?;
        assert!(found.len() == 2 && found.contains(&grant) && found.contains(&other.grant));
        unit.delete_space(both.space_id)?;
        assert_eq!(unit.grant(grant.access_grant_id)?, Some(own.grant));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_grant_is_told_to_have_changed_when_a_space_of_it_has() {
    let store = in_memory();
    let building = built(&store, 2, "4711");
    let grant = building.grant.access_grant_id;
    let id: SpaceId = run(&store, at(0), move |unit| {
        let flat = space(unit, "Flat", &[]);
        unit.insert_space(&flat)?;
        unit.update_grant(&AccessGrant { space_ids: vec![flat.space_id], ..building.grant })?;
        Ok(flat.space_id)
    })
    .unwrap();
    let mut changes = store.subscribe();
    run(&store, at(1), move |unit| {
        let mut flat = unit.space(id)?.unwrap();
        flat.device_ids.push(building.device.device_id);
        unit.update_space(&flat)
    })
    .unwrap();
    assert!(changes.try_recv().unwrap().grants.contains(&grant));
}

#[test]
fn a_list_is_given_in_pages_that_miss_nothing_and_repeat_nothing() {
    let store = in_memory();
    // Each a second behind the one before: ids of one moment have no order.
    let make = |node| move |unit: &mut Unit<'_>| build(unit, node, "4711");
    let all: Vec<Building> =
        (2..9).map(|node| run(&store, at(i64::try_from(node).unwrap() - 99), make(node)).unwrap()).collect();
    run(&store, at(0), move |unit| {
        let mut found = Vec::new();
        let mut filter = GrantFilter { limit: Some(3), ..GrantFilter::default() };
        loop {
            let page = unit.grants(&filter)?;
            assert!(page.len() <= 3);
            let Some(last) = page.last() else { break };
            filter.after = Some(last.access_grant_id);
            found.extend(page);
        }
        assert_eq!(found, all.iter().map(|building| building.grant.clone()).collect::<Vec<_>>());
        let limit = Some(2);
        let device = Some(all[4].device.device_id);
        let devices = unit.list_devices(&DeviceFilter { after: device, limit, ..DeviceFilter::default() })?;
        assert_eq!(devices, [all[5].device.clone(), all[6].device.clone()]);
        let code = Some(all[5].code.access_code_id);
        let codes = unit.codes(&CodeFilter { after: code, limit, ..CodeFilter::default() })?;
        assert_eq!(codes, [all[6].code.clone()]);
        let person = Some(all[0].person.user_identity_id);
        let people = unit.user_identities(&PersonFilter { after: person, limit, ..PersonFilter::default() })?;
        assert_eq!(people, [all[1].person.clone(), all[2].person.clone()]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_door_that_is_forgotten_takes_all_about_it_along_and_leaves_its_grants() {
    let store = in_memory();
    let (gone, left) = (built(&store, 2, "4711"), built(&store, 3, "0815"));
    run(&store, at(0), move |unit| {
        let doors = vec![gone.device.device_id, left.device.device_id];
        unit.update_grant(&AccessGrant { device_ids: doors, ..gone.grant.clone() })?;
        let flat = space(unit, "Flat", &[&gone.device, &left.device]);
        unit.insert_space(&flat)?;
        unit.note(gone.code.access_code_id, &JournalEntry::Used)?;
        unit.delete_device(gone.device.device_id)?;
        assert_eq!(unit.devices()?, vec![left.device.clone()]);
        assert_eq!(unit.codes(&CodeFilter::default())?, vec![left.code.clone()]);
        assert!(unit.journal(gone.code.access_code_id)?.is_empty());
        assert_eq!(unit.space(flat.space_id)?.unwrap().device_ids, [left.device.device_id]);
        assert_eq!(unit.grant(gone.grant.access_grant_id)?.unwrap().device_ids, [left.device.device_id]);
        Ok(())
    })
    .unwrap();
}
