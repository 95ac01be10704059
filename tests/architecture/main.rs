//! Who may know whom: reads the imports of the sources and fails on an arrow that is not in the table.

#[cfg(test)]
mod sources;

use std::collections::BTreeSet;

use sources::{belongs_to, imports_of_this_crate, is_test, root, sources, uses_crate, without_tests};

/// The modules of `src/`, and which others each may import. What is not here may import anything: `daemon.rs`, which
/// ties all, and `main.rs` and `lib.rs`, which hold nothing.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &["model"]),
    ("logging", &[]),
    ("plan", &["model"]),
    ("store", &["model"]),
    ("reconcile", &["model", "plan", "store", "clock"]),
    ("radio", &["clock"]),
    ("config", &["radio", "clock", "model", "backup"]),
    ("backup", &["model", "store"]),
    ("hub", &["model", "plan", "store", "clock", "backup"]),
    ("mqtt", &["hub", "model", "config"]),
    // Words for the MQTT door, which does not know them.
    ("homeassistant", &["hub", "mqtt", "model", "config"]),
    ("http", &["hub", "model", "config"]),
    ("webhooks", &["hub", "model"]),
    // As a client it speaks HTTP: of the hub it knows the table of operations only.
    ("cli/client", &["hub", "model", "config", "clock", "backup", "cli"]),
    ("doctor", &["config", "store", "clock", "radio", "backup", "model"]),
    ("cli", &["doctor", "mqtt", "hub", "model", "config", "clock", "daemon", "logging", "backup", "store"]),
];

/// Crates that only one place may know, so that they can be exchanged there.
const BEHIND_ONE_DOOR: &[(&str, &[&str])] = &[
    // The demo's host is a program of its own, with a client of its own.
    ("rumqttc", &["src/mqtt/connection.rs", "src/mqtt/connection/", "src/cli/demo/host.rs"]),
    ("axum", &["src/http/"]),
    ("hyper", &["src/http/listener.rs"]),
    ("hyper_util", &["src/http/listener.rs"]),
    ("ureq", &["src/webhooks/courier.rs", "src/cli/client/connection.rs"]),
    ("rusqlite", &["src/store/"]),
    ("chacha20poly1305", &["src/store/", "src/backup/file.rs"]),
    ("argon2", &["src/backup/file.rs"]),
    ("tokio_serial", &["src/radio/port.rs"]),
    ("rumqttd", &["src/cli/demo/broker.rs"]),
    ("keyway_virtual", &["src/cli/"]),
];

/// A file longer than this holds more than one idea.
const LONGEST_FILE: usize = 600;

#[test]
fn no_module_imports_what_the_table_does_not_allow() {
    let mut wrong = Vec::new();
    for (file, source) in sources("src") {
        if is_test(&file) {
            continue;
        }
        let Some((module, allowed)) = MAY_IMPORT.iter().find(|(module, _)| belongs_to(&file, module)) else { continue };
        for import in imports_of_this_crate(&source) {
            let known = MAY_IMPORT.iter().any(|(module, _)| *module == import) || import == "daemon";
            if known && import != *module && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{}: {module} may not import {import}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_program_is_in_the_table() {
    // Faults may be planted anywhere.
    let free = ["main", "lib", "daemon", "faults"];
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let known = free.contains(&name) || MAY_IMPORT.iter().any(|(module, _)| *module == name);
        assert!(known, "src/{name}: say in tests/architecture/main.rs what it may import");
    }
}

#[test]
fn crates_that_may_be_exchanged_stand_behind_one_door() {
    let mut wrong = Vec::new();
    for (file, source) in sources("src") {
        for (name, doors) in BEHIND_ONE_DOOR {
            let inside = doors.iter().any(|door| file.to_str().unwrap().starts_with(door));
            if !inside && uses_crate(&source, name) {
                wrong.push(format!("{}: only {} may know {name}", file.display(), doors.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn drivers_do_no_io_and_know_no_runtime() {
    for driver in ["lock", "zwave", "zigbee", "virtual"] {
        let folder = format!("drivers/{driver}");
        let manifest = std::fs::read_to_string(root().join(&folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        let dependencies = manifest["dependencies"].as_table().unwrap();
        for forbidden in ["tokio", "async-std", "smol", "mio", "tokio-serial", "keyway"] {
            assert!(!dependencies.contains_key(forbidden), "{folder} depends on {forbidden}");
        }
        for (file, source) in sources(&folder) {
            for forbidden in ["std::net", "std::fs", "std::thread", "std::env"] {
                assert!(!without_tests(&source).contains(forbidden), "{}: {forbidden}", file.display());
            }
        }
    }
}

#[test]
fn the_vocabulary_of_locks_knows_no_driver() {
    let manifest = std::fs::read_to_string(root().join("drivers/lock/Cargo.toml")).unwrap();
    for driver in ["keyway-zwave", "keyway-zigbee", "keyway-virtual"] {
        assert!(!manifest.contains(driver), "drivers/lock knows {driver}");
    }
}

#[test]
fn no_radio_knows_another() {
    for (driver, other) in [("zwave", "keyway-zigbee"), ("zigbee", "keyway-zwave")] {
        let manifest = std::fs::read_to_string(root().join("drivers").join(driver).join("Cargo.toml")).unwrap();
        assert!(!manifest.contains(other), "drivers/{driver} knows {other}");
    }
}

#[test]
fn no_file_holds_more_than_one_idea() {
    for folder in ["src", "drivers", "tests"] {
        for (file, source) in sources(folder) {
            let lines = source.lines().count();
            assert!(lines <= LONGEST_FILE, "{} has {lines} lines: split it by concern", file.display());
        }
    }
}

#[test]
fn the_reader_of_imports_reads_them() {
    let source = "use crate::model::Pin;\nuse crate::{store::Unit, clock};\nfn f() -> crate::plan::Step {}\n// crate::hub\n#[cfg(test)]\nmod tests { use crate::mqtt; }";
    let expected = ["clock", "model", "plan", "store"].map(str::to_owned);
    assert_eq!(imports_of_this_crate(source), BTreeSet::from(expected));
    assert!(uses_crate("use rumqttc::QoS;", "rumqttc") && !uses_crate("use xrumqttc::QoS;", "rumqttc"));
}
