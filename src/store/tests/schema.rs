//! Schema, migrations, and what a query reads.

use rusqlite::types::Null;
use rusqlite::{Connection, params_from_iter};

use super::super::access_codes::{NEXT_START, OVERLAPPING};
use super::super::migrate::{MIGRATIONS, check, migrate};
use super::*;

/// Do not change these files: databases in the field look like this. A new schema is a new migration and a new file.
const FROZEN: &[&str] = &[include_str!("../../../tests/golden/schema/0001.sql")];

fn schema(db: &Connection) -> String {
    let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type, name";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|sql| sql.unwrap() + ";\n").collect()
}

#[test]
fn every_schema_is_as_it_was_frozen() {
    assert_eq!(MIGRATIONS.len(), FROZEN.len());
    for (count, frozen) in (1..).zip(FROZEN) {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, None, &MIGRATIONS[..count]).unwrap();
        assert_eq!(&schema(&db), frozen, "schema {count}");
    }
}

#[test]
fn a_database_of_a_newer_keyway_is_refused_untouched_and_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.db");
    close(&open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = try_open(&path, KEY).err().unwrap();
    assert!(matches!(refused, StoreError::Newer { found: 9, known: 1 }));
    assert!(refused.to_string().contains("a newer keyway has used it"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_not_ours_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let (foreign, text) = (folder.path().join("foreign.db"), folder.path().join("text.db"));
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE photos (name TEXT)").unwrap();
    std::fs::write(&text, "dear diary, this is not a database at all, whatever its name says").unwrap();
    for path in [foreign, text] {
        let before = std::fs::read(&path).unwrap();
        let refused = try_open(&path, KEY).err().unwrap();
        assert!(matches!(refused, StoreError::Foreign { .. }), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_database_is_copied_before_it_is_migrated_and_a_step_that_fails_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.db");
    let store = open(&path);
    let device = built(&store, 2, "4711").device;
    close(&store);
    let mut db = Connection::open(&path).unwrap();
    let broken = [MIGRATIONS[0], "CREATE TABLE spaces (id BLOB) STRICT; CREATE TABLE spaces (id BLOB) STRICT;"];
    assert!(migrate(&mut db, Some(&path), &broken).is_err());
    assert_eq!(schema(&db), FROZEN[0]);
    let sound = [MIGRATIONS[0], "CREATE TABLE spaces (id BLOB) STRICT;"];
    migrate(&mut db, Some(&path), &sound).unwrap();
    assert!(schema(&db).contains("CREATE TABLE spaces"));
    assert!(matches!(check(&db, Some(&path), MIGRATIONS), Err(StoreError::Newer { found: 2, known: 1 })));
    // The way back: the copy is a whole database of the older schema.
    let backup = folder.path().join("keyway.db.schema-1.backup");
    assert_eq!(run(&open(&backup), at(0), |unit| unit.devices()).unwrap(), [device]);
}

#[test]
fn what_is_asked_all_the_time_never_reads_what_is_merely_stored() {
    let mut db = Connection::open_in_memory().unwrap();
    migrate(&mut db, None, MIGRATIONS).unwrap();
    for (sql, indexes) in
        [(OVERLAPPING, &["access_codes_in_lock", "access_codes_waiting"][..]), (NEXT_START, &["access_codes_waiting"])]
    {
        let plan = plan(&db, sql);
        let searches: Vec<&String> = plan.iter().filter(|line| line.starts_with("SEARCH access_codes")).collect();
        assert!(!plan.iter().any(|line| line.starts_with("SCAN access_codes")), "{plan:?}");
        assert!(searches.iter().all(|line| indexes.iter().any(|index| line.contains(index))), "{plan:?}");
        assert!(indexes.iter().all(|index| searches.iter().any(|line| line.contains(index))), "{plan:?}");
    }
}

fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let nothing = vec![Null; statement.parameter_count()];
    let rows = statement.query_map(params_from_iter(nothing), |row| row.get::<_, String>("detail")).unwrap();
    rows.map(Result::unwrap).collect()
}
