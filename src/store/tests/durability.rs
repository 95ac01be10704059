//! What is answered stays; what failed leaves nothing.

use std::sync::Mutex;

use super::*;

#[test]
fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.db");
    let store = open(&path);
    let building = built(&store, 2, "0471");
    close(&store);
    let store = open(&path);
    let expected = building.clone();
    run(&store, at(0), move |unit| {
        assert_eq!(unit.device(building.device.device_id)?, Some(expected.device));
        assert_eq!(unit.user_identity(building.person.user_identity_id)?, Some(expected.person));
        assert_eq!(unit.grant(building.grant.access_grant_id)?, Some(expected.grant));
        assert_eq!(unit.method(building.method.access_method_id)?, Some(expected.method));
        assert_eq!(unit.code(building.code.access_code_id)?, Some(expected.code));
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_was_answered_survives_a_process_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, crashed) = (folder.path().join("keyway.db"), folder.path().join("crashed.db"));
    let store = open(&path);
    let building = built(&store, 2, "4711");
    // What the disk holds at this instant is what a kill would leave: nothing was closed.
    std::fs::copy(&path, &crashed).unwrap();
    std::fs::copy(folder.path().join("keyway.db-wal"), folder.path().join("crashed.db-wal")).unwrap();
    let store = open(&crashed);
    let code = run(&store, at(0), move |unit| unit.code(building.code.access_code_id)).unwrap();
    assert_eq!(code, Some(building.code));
}

#[test]
fn a_store_whose_last_handle_is_dropped_finishes_what_is_queued_and_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.db");
    let store = open(&path);
    built(&store, 2, "4711");
    drop(store);
    assert_eq!(run(&open(&path), at(0), |unit| unit.devices()).unwrap().len(), 1);
}

#[test]
fn a_second_daemon_on_the_same_database_is_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.db");
    let _first = open(&path);
    let refused = try_open(&path, KEY).err().unwrap();
    assert!(matches!(refused, StoreError::InUse { .. }));
    assert!(refused.to_string().contains("in use by another keyway"), "{refused}");
}

#[test]
fn a_lock_file_left_behind_by_a_dead_daemon_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.db");
    std::fs::write(folder.path().join("keyway.db.lock"), "").unwrap();
    assert!(try_open(&path, KEY).is_ok());
}

#[test]
fn another_vault_key_is_noticed_at_once_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.db");
    close(&open(&path));
    let refused = try_open(&path, [8; 32]).err().unwrap();
    assert!(matches!(refused, StoreError::WrongKey));
    assert!(refused.to_string().contains("restore the right key"), "{refused}");
    assert!(try_open(&path, KEY).is_ok());
}

#[test]
fn a_job_that_fails_leaves_nothing_and_its_neighbours_in_the_same_commit_stay() {
    let store = in_memory();
    let jobs = |n: u64| {
        move |unit: &mut Unit<'_>| -> Result<u64, StoreError> {
            build(unit, n, "4711")?;
            if n == 3 { Err(StoreError::Closed) } else { Ok(n) }
        }
    };
    let answers = runtime().block_on(async {
        let (a, b, c) = (store.run(at(0), jobs(2)), store.run(at(0), jobs(3)), store.run(at(0), jobs(4)));
        tokio::join!(a, b, c)
    });
    assert!(matches!(answers, (Ok(Ok(2)), Ok(Err(StoreError::Closed)), Ok(Ok(4)))));
    let network = |unit: &mut Unit<'_>| unit.devices();
    let mut nodes: Vec<u64> = run(&store, at(1), network).unwrap().iter().map(|d| d.address.lock.0).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, [2, 4]);
}

#[test]
fn a_job_that_panics_leaves_nothing_and_the_store_goes_on() {
    let store = in_memory();
    let panicked = run(&store, at(0), |unit| -> Result<(), StoreError> {
        build(unit, 2, "4711")?;
        panic!("a bug");
    });
    assert!(matches!(panicked, Err(StoreError::Panicked)));
    assert!(run(&store, at(1), |unit| unit.devices()).unwrap().is_empty());
}

#[test]
fn jobs_are_carried_out_in_the_order_in_which_they_were_queued() {
    let store = in_memory();
    let order = Arc::new(Mutex::new(Vec::new()));
    runtime().block_on(async {
        let mut waiting = Vec::new();
        for n in 0..200 {
            let (store, order) = (store.clone(), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                store
                    .run(at(0), move |_| -> Result<(), StoreError> {
                        order.lock().map(|mut o| o.push(n)).map_err(|_| StoreError::Closed)
                    })
                    .await
            }));
            // Each hands its job in before the next does.
            tokio::task::yield_now().await;
        }
        for task in waiting {
            task.await.unwrap().unwrap().unwrap();
        }
    });
    assert_eq!(*order.lock().unwrap(), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_is_told_to_every_job_of_the_commit_and_the_store_works_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("keyway.db"));
    let limit = |pages: u32| {
        move |unit: &mut Unit<'_>| -> Result<u32, StoreError> {
            let sql = format!("PRAGMA max_page_count = {pages}");
            Ok(unit.db.query_row(&sql, [], |row| row.get(0))?)
        }
    };
    run(&store, at(0), limit(1)).unwrap();
    let fill = |unit: &mut Unit<'_>| -> Result<(), StoreError> {
        for _ in 0..1000 {
            unit.emit(crate::model::EventType::DeviceAdded, crate::model::EventSubject::default(), Default::default())?;
        }
        Ok(())
    };
    assert!(matches!(run(&store, at(1), fill), Err(StoreError::DiskFull | StoreError::GivenUp)));
    run(&store, at(2), limit(1_000_000)).unwrap();
    run(&store, at(3), fill).unwrap();
    assert_eq!(run(&store, at(4), |unit| unit.outbox_after(0, usize::MAX)).unwrap().len(), 1000);
}

#[test]
fn subscribers_are_told_what_was_kept_and_nothing_else() {
    let store = in_memory();
    let mut changes = store.subscribe();
    let refused = run(&store, at(0), |unit| -> Result<(), StoreError> {
        build(unit, 2, "4711")?;
        Err(StoreError::Closed)
    });
    assert!(refused.is_err());
    let building = built(&store, 3, "4711");
    let told = changes.try_recv().unwrap();
    assert_eq!(told.devices, [building.device.device_id].into());
    assert_eq!(told.grants, [building.grant.access_grant_id].into());
    assert!(!told.events);
    run(&store, at(1), |unit| unit.devices()).unwrap();
    assert!(changes.try_recv().is_err());
}

#[test]
fn the_latest_time_seen_is_kept_even_where_nothing_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.db");
    let store = open(&path);
    assert_eq!(store.latest_time(), None);
    run(&store, at(7), |unit| unit.devices()).unwrap();
    close(&store);
    assert_eq!(open(&path).latest_time(), Some(at(7)));
}

#[test]
fn the_database_syncs_every_commit_holds_its_references_and_wipes_what_it_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("keyway.db"));
    run(&store, at(0), |unit| {
        let pragma = |name| unit.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        assert_eq!((pragma("synchronous")?, pragma("foreign_keys")?, pragma("secure_delete")?), (2, 1, 1));
        let mode: String = unit.db.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        assert_eq!(mode, "wal");
        Ok(())
    })
    .unwrap();
}

#[test]
fn who_comes_after_the_close_is_told_so() {
    let store = in_memory();
    close(&store);
    assert!(matches!(run(&store, at(0), |unit| unit.devices()), Err(StoreError::Closed)));
    close(&store);
}
