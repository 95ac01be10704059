//! Installed, it works as it is.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use keyway_test_support::{SOON, always, wait_until};

use crate::container::Container;
use crate::package::VERSION;

/// What issue and unit promise.
const EXPOSURE: f32 = 1.5;

#[test]
fn it_runs_and_says_in_one_line_what_to_edit() {
    let container = Container::with_keyway(VERSION);
    assert_eq!(container.property("ActiveState"), "active");
    wait_until("it has found the broker", SOON, || {
        container.journal_text().contains("connected to the MQTT").then_some(())
    });
    let warnings: Vec<String> = container.of_hub().iter().filter(|entry| level(entry) < 6).map(message).collect();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("no stick is configured") && warnings[0].contains("/etc/keyway/keyway.toml"));
    let said = container.of_hub().len();
    always("it stays and is quiet", Duration::from_secs(5), || container.of_hub().len() == said);
    assert_eq!(container.property("NRestarts"), "0");
    assert!(container.said(&["keyway", "status"]).contains("Keyway"), "and root may ask it");
}

#[test]
fn its_keys_are_its_own_and_the_configuration_is_for_root_to_write() {
    let container = Container::with_keyway(VERSION);
    let mode = |path: &str| {
        let metadata = std::fs::metadata(container.path(path)).expect(path);
        (metadata.permissions().mode() & 0o777, metadata.uid() == 0)
    };
    assert_eq!(mode("/var/lib/keyway"), (0o700, false));
    assert_eq!(mode("/var/lib/keyway/vault.key"), (0o600, false));
    assert_eq!(mode("/var/lib/keyway/keyway.db"), (0o600, false));
    assert_eq!(mode("/etc/keyway/keyway.toml"), (0o640, true));
    assert_eq!(container.said(&["stat", "--format=%G", "/etc/keyway/keyway.toml"]), "keyway");
    for file in ["man/man1/keyway.1.gz", "bash-completion/completions/keyway", "doc/keyway/copyright"] {
        assert!(container.path("/usr/share").join(file).exists(), "{file}");
    }
}

#[test]
fn systemd_finds_it_locked_in() {
    let container = Container::with_keyway(VERSION);
    let report = container.said(&["systemd-analyze", "security", "--no-pager", "keyway"]);
    let told = report.lines().last().expect("a report");
    println!("{told}");
    let exposure = told.split_whitespace().find_map(|word| word.parse::<f32>().ok()).expect("a number");
    assert!(exposure <= EXPOSURE, "{report}");
}

#[test]
fn it_is_told_when_the_kernel_says_that_the_clock_is_right() {
    let container = Container::with_keyway(VERSION);
    wait_until("somebody asks the kernel, or has its word", SOON, || {
        let asks = container.tried(&["systemctl", "is-active", "keyway-clock"]).success;
        (asks || container.path("/run/keyway/clock-was-right").exists()).then_some(())
    });
}

#[test]
fn a_wrong_configuration_is_told_with_its_line_and_not_tried_again_and_again() {
    let container = Container::with_keyway(VERSION);
    let path = container.path("/etc/keyway/keyway.toml");
    let text = std::fs::read_to_string(&path).expect("no configuration");
    std::fs::write(&path, format!("{text}\n[mqqt]\n")).expect("can't write the configuration");
    assert!(!container.tried(&["systemctl", "restart", "keyway"]).success);
    let entries = container.journal();
    let told = entries.iter().find(|entry| entry["MESSAGE"].as_str().is_some_and(|text| text.contains("mqqt")));
    let told = told.expect("it says what is wrong");
    assert_eq!(level(told), 3, "{told}");
    assert!(message(told).contains("/etc/keyway/keyway.toml, line"), "{told}");
    always("it is left alone", Duration::from_secs(5), || container.property("NRestarts") == "0");
    std::fs::write(&path, text).expect("can't write the configuration");
    container.said(&["systemctl", "restart", "keyway"]);
}

/// Syslog's: 3 is an error, 4 a warning, 6 for information.
pub(super) fn level(entry: &serde_json::Value) -> u8 {
    entry["PRIORITY"].as_str().and_then(|text| text.parse().ok()).expect("an entry has a level")
}

pub(super) fn message(entry: &serde_json::Value) -> String {
    entry["MESSAGE"].as_str().expect("an entry has a message").to_owned()
}
