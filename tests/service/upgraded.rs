//! Another version comes over it, a newer or an older one.

use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::container::Container;
use crate::package::{OLDER, VERSION};
use crate::working::Building;

const DATABASE: &str = "/var/lib/keyway/keyway.db";

#[test]
fn an_upgrade_keeps_everything_and_a_downgrade_says_how_to_go_back() {
    let building = Building::of(Container::with_keyway(OLDER));
    let container = &building.container;
    let grant = building.guest();
    container.said(&["systemctl", "stop", "keyway"]);
    let (older, newest) = make_older(container);

    let edited = std::fs::read_to_string(container.path("/etc/keyway/keyway.toml")).unwrap();
    container.install(VERSION);
    building.still_has(&grant);
    container.said(&["systemctl", "stop", "keyway"]);
    assert_eq!(Database::of(container).schema(), newest);
    let copy = format!("{DATABASE}.schema-{older}.backup");
    assert!(container.path(&copy).exists(), "the database as it was before");
    let now = std::fs::read_to_string(container.path("/etc/keyway/keyway.toml")).unwrap();
    assert_eq!(now, edited, "what was edited stays");

    // As if a still newer version had migrated it.
    let database = Database::of(container);
    database.open().pragma_update(None, "user_version", newest + 1).unwrap();
    database.put_into(container);
    container.install(OLDER);
    assert_eq!((container.property("ActiveState"), container.property("NRestarts")), ("failed".into(), "0".into()));
    let told = container.journal_text();
    let order = told.lines().find_map(|line| line.split_once("since: sudo -u keyway ")).expect("it says how").1;
    assert_eq!(order, format!("keyway restore {copy}"));

    let order: Vec<&str> = ["runuser", "-u", "keyway", "--"].into_iter().chain(order.split(' ')).collect();
    container.said(&[order.as_slice(), &["--yes"]].concat());
    container.said(&["systemctl", "start", "keyway"]);
    building.still_has(&grant);
    let kept = container.shell("ls /var/lib/keyway/before-restore-*");
    assert!(kept.contains("keyway.db") && !kept.contains("vault.key"), "{kept}");
}

/// A copy of the database of a hub that is stopped.
struct Database(TempDir);

impl Database {
    fn of(container: &Container) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(container.path(DATABASE), folder.path().join("keyway.db")).unwrap();
        Self(folder)
    }

    fn open(&self) -> Connection {
        Connection::open(self.0.path().join("keyway.db")).unwrap()
    }

    fn schema(&self) -> u32 {
        self.open().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    /// Writes it over the one that is there, which keeps its owner.
    fn put_into(&self, container: &Container) {
        let bytes = std::fs::read(self.0.path().join("keyway.db")).unwrap();
        assert!(!container.path(&format!("{DATABASE}-wal")).exists(), "the hub was stopped in order");
        std::fs::write(container.path(DATABASE), bytes).unwrap();
    }
}

/// Makes the hub's database one of the schema before the newest, with all that has a place in that; the numbers of both.
fn make_older(container: &Container) -> (u32, u32) {
    let (now, older) = (Database::of(container), Database(tempfile::tempdir().unwrap()));
    let newest = now.schema();
    let db = older.open();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations");
    for number in 1..newest {
        db.execute_batch(&std::fs::read_to_string(folder.join(format!("{number:04}.sql"))).unwrap()).unwrap();
    }
    db.execute("ATTACH ?1 AS now", [now.0.path().join("keyway.db").to_str()]).unwrap();
    for table in texts(&db, "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
        let columns = |schema| format!("SELECT name FROM pragma_table_info('{table}', '{schema}')");
        let columns = texts(&db, &format!("{} INTERSECT {}", columns("main"), columns("now"))).join(", ");
        let rows = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}");
        db.execute_batch(&format!("DELETE FROM main.{table}; {rows}")).unwrap();
    }
    let ours: i64 = db.query_row("PRAGMA now.application_id", [], |row| row.get(0)).unwrap();
    db.pragma_update(None, "application_id", ours).unwrap();
    db.pragma_update(None, "user_version", newest - 1).unwrap();
    drop(db);
    older.put_into(container);
    (newest - 1, newest)
}

fn texts(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
