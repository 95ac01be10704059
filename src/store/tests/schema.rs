//! Schema, migrations, and what a query reads.

use std::collections::BTreeSet;

use rusqlite::types::Null;
use rusqlite::{Connection, StatementStatus, params_from_iter};

use super::super::access_grants::{BEHIND, COUNTED, ENDED, MOVED, NEXT_ARRIVAL, NEXT_DEPARTURE, RECURRING, near};
use super::super::live_codes::{
    DELETED_SINCE, DISPLACED, FIRST_BEYOND, IN_LOCK, LIVE, LIVE_UNTIL, OF_SLOT, TROUBLED, Trouble, beyond,
};
use super::super::migrate::{MIGRATIONS, check, migrate};
use super::super::open;
use super::*;

/// Do not change these files: databases in the field look like this. A new schema is a new migration and a new file.
const FROZEN: &[&str] = &[
    include_str!("../../../tests/golden/schema/0001.sql"),
    include_str!("../../../tests/golden/schema/0002.sql"),
    include_str!("../../../tests/golden/schema/0003.sql"),
    include_str!("../../../tests/golden/schema/0004.sql"),
    include_str!("../../../tests/golden/schema/0005.sql"),
    include_str!("../../../tests/golden/schema/0006.sql"),
    include_str!("../../../tests/golden/schema/0007.sql"),
    include_str!("../../../tests/golden/schema/0008.sql"),
    include_str!("../../../tests/golden/schema/0009.sql"),
    include_str!("../../../tests/golden/schema/0010.sql"),
    include_str!("../../../tests/golden/schema/0011.sql"),
    include_str!("../../../tests/golden/schema/0012.sql"),
    include_str!("../../../tests/golden/schema/0013.sql"),
    include_str!("../../../tests/golden/schema/0014.sql"),
    include_str!("../../../tests/golden/schema/0015.sql"),
];
/// A row in every table of schema 1.
const FILLED: &str = include_str!("../../../tests/golden/schema/0001-filled.sql");

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
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = try_open(&path, KEY).err().unwrap();
    assert!(matches!(refused, StoreError::Newer { found: 99, known: 15, copy: None }));
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
    let mut db = Connection::open(&path).unwrap();
    migrate(&mut db, Some(&path), &MIGRATIONS[..1]).unwrap();
    db.execute_batch(FILLED).unwrap();
    let broken = [MIGRATIONS[0], "CREATE TABLE rooms (id BLOB) STRICT; CREATE TABLE rooms (id BLOB) STRICT;"];
    assert!(migrate(&mut db, Some(&path), &broken).is_err());
    assert_eq!(schema(&db), FROZEN[0]);
    let dangling = [MIGRATIONS[0], "DELETE FROM access_codes;"];
    let refused = migrate(&mut db, Some(&path), &dangling).unwrap_err();
    assert!(matches!(&refused, StoreError::Dangling { table } if table == "journal"), "{refused}");
    let sound = [MIGRATIONS[0], "CREATE TABLE rooms (id BLOB) STRICT;", "CREATE TABLE beds (id BLOB) STRICT;"];
    migrate(&mut db, Some(&path), &sound).unwrap();
    assert!(schema(&db).contains("CREATE TABLE rooms"));
    // An older keyway says so, with the copy that it can work with.
    let refused = check(&db, Some(&path), &MIGRATIONS[..2]).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 3, known: 2, .. }));
    assert!(refused.to_string().ends_with("/keyway.db.schema-1.backup"), "{refused}");
    // The way back: the copy is a whole database of the older schema.
    let backup = Connection::open(folder.path().join("keyway.db.schema-1.backup")).unwrap();
    assert_eq!(schema(&backup), FROZEN[0]);
    assert_eq!(rows(&backup, "devices", "name").len(), 1);
}

#[test]
fn a_filled_database_of_schema_1_is_brought_up_to_date_and_nothing_in_it_is_lost() {
    let mut db = Connection::open_in_memory().unwrap();
    db.pragma_update(None, "foreign_keys", true).unwrap();
    migrate(&mut db, None, &MIGRATIONS[..1]).unwrap();
    db.execute_batch(FILLED).unwrap();
    let tables = column(&db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    let columns = |table: &String| column(&db, &format!("SELECT name FROM pragma_table_info('{table}')")).join(", ");
    let columns: Vec<(String, String)> = tables.iter().map(|table| (table.clone(), columns(table))).collect();
    let content = |db: &Connection| -> Vec<Vec<String>> {
        columns.iter().map(|(table, columns)| rows(db, table, columns)).collect()
    };
    let before = content(&db);
    assert!(before.iter().all(|rows| !rows.is_empty()), "the file fills every table");
    migrate(&mut db, None, MIGRATIONS).unwrap();
    assert_eq!(content(&db), before);
    let foreign_keys: bool = db.pragma_query_value(None, "foreign_keys", |row| row.get(0)).unwrap();
    assert!(foreign_keys, "switched on again");
    db.execute("DELETE FROM access_grants", []).unwrap();
    assert!(rows(&db, "journal", "number").is_empty(), "and a grant still takes its codes' histories along");
}

#[test]
fn a_code_of_an_older_database_was_ordered_when_it_was_made() {
    let store = in_memory();
    let code = built(&store, 2, "4711").code;
    let id = code.access_code_id;
    run(&store, at(0), |unit| Ok(unit.db.execute_batch("UPDATE access_codes SET ordered_at = NULL")?)).unwrap();
    let read = run(&store, at(5), move |unit| unit.code(id)).unwrap().unwrap();
    assert_eq!(read, AccessCode { ordered_at: code.created_at, ..code });
}

fn column(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Every row, as a text.
fn rows(db: &Connection, table: &str, columns: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("SELECT {columns} FROM {table} ORDER BY 1")).unwrap();
    let count = statement.column_count();
    let rows = statement.query_map([], |row| {
        let values: rusqlite::Result<Vec<rusqlite::types::Value>> = (0..count).map(|column| row.get(column)).collect();
        Ok(format!("{:?}", values?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn what_is_asked_all_the_time_never_reads_what_is_merely_stored() {
    let mut db = Connection::open_in_memory().unwrap();
    migrate(&mut db, None, MIGRATIONS).unwrap();
    let indexes_of = |sql: &str| {
        let plan = plan(&db, sql);
        let reads = || plan.iter().filter(|line| line.contains("access_codes") || line.contains("access_grants"));
        assert!(!reads().any(|line| line.starts_with("SCAN access_")), "{sql}: {plan:?}");
        let index = |line: &String| line.split("INDEX ").nth(1)?.split(' ').next().map(str::to_owned);
        reads().map(|line| index(line).unwrap_or_else(|| panic!("{sql}: {line}"))).collect::<BTreeSet<String>>()
    };
    let uses = |sql: &str, indexes: &[&str]| {
        let known: BTreeSet<String> = indexes.iter().map(|index| (*index).to_owned()).collect();
        assert_eq!(indexes_of(sql), known, "{sql}");
    };
    let in_lock = "access_codes_in_lock";
    let waiting = ["access_codes_short", "access_codes_long", "access_codes_ongoing"];
    let (untroubled, troubled) = ("access_codes_untroubled", "access_codes_troubled");
    uses(&LIVE, &[&[in_lock], &waiting[..]].concat());
    uses(&LIVE_UNTIL, &[&[in_lock], &waiting[..]].concat());
    uses(IN_LOCK, &[in_lock]);
    uses(OF_SLOT, &[in_lock, "access_codes_of_slot"]);
    uses(TROUBLED, &[in_lock, troubled]);
    uses(DELETED_SINCE, &["access_codes_deleted"]);
    uses(&beyond(Trouble::None), &[untroubled]);
    uses(&beyond(Trouble::Passing), &[troubled]);
    uses(&beyond(Trouble::Any), &[troubled]);
    uses(DISPLACED, &[in_lock, "access_codes_of_slot"]);
    uses(FIRST_BEYOND, &[untroubled, troubled]);
    uses(NEXT_ARRIVAL, &["access_grants_to_come"]);
    uses(NEXT_DEPARTURE, &["access_grants_to_end"]);
    uses(RECURRING, &["access_grants_recurring"]);
    uses(COUNTED, &[]);
    uses(ENDED, &["access_grants_by_end"]);
    uses(MOVED, &["access_grants_to_come", "access_grants_by_end"]);
    uses(BEHIND, &["access_grants_to_come"]);
    uses(&near(), &["access_grants_by_end", "access_grants_long", in_lock]);
}

#[test]
fn a_question_is_planned_once_whatever_is_asked_for() {
    let db = open::in_memory(&[7; 32], [1; 32]).unwrap().db;
    let slots = "SELECT * FROM slots WHERE device_id = ?1 ORDER BY slot";
    for sql in [slots, &LIVE, &LIVE_UNTIL, DISPLACED, OF_SLOT, TROUBLED, &beyond(Trouble::Any), FIRST_BEYOND] {
        let mut statement = db.prepare(sql).unwrap();
        for value in 1..4_i64 {
            let values = vec![value; statement.parameter_count()];
            let mut rows = statement.query(params_from_iter(values)).unwrap();
            while rows.next().unwrap().is_some() {}
            drop(rows);
            statement.clear_bindings();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
    }
}

fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let nothing = vec![Null; statement.parameter_count()];
    let rows = statement.query_map(params_from_iter(nothing), |row| row.get::<_, String>("detail")).unwrap();
    rows.map(Result::unwrap).collect()
}
