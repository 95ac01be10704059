//! The configuration that is shipped is one, with its examples in force too.

use std::path::Path;
use std::process::{Command, Output};

use crate::KEYWAY;

/// Keys whose example is no value (`…`) or names a file of its own.
const LEFT_OUT: [&str; 3] = ["…", "_file", "quirks"];

fn shipped() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/keyway.toml");
    std::fs::read_to_string(file).expect("config/keyway.toml")
}

fn check(text: &str) -> Output {
    let folder = tempfile::tempdir().expect("no temporary folder");
    let file = folder.path().join("keyway.toml");
    std::fs::write(&file, text).expect("can't write the configuration");
    Command::new(KEYWAY).arg("check-config").arg("--config").arg(file).output().expect("keyway can't be started")
}

#[test]
fn the_shipped_configuration_can_be_used_as_it_is() {
    let output = check(&shipped());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn every_example_in_it_can_be_used() {
    let mut shown = 0;
    let uncommented: Vec<String> = shipped()
        .lines()
        .map(|line| {
            let example = line.strip_prefix("# ").filter(|rest| is_setting(rest));
            let example = example.filter(|rest| !LEFT_OUT.iter().any(|part| rest.contains(part)));
            shown += usize::from(example.is_some());
            example.unwrap_or(line).to_owned()
        })
        .collect();
    assert!(shown >= 10, "only {shown} examples were found");
    let output = check(&uncommented.join("\n"));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(told.contains("lock 2: Front door, S2AccessControl"), "{told}");
}

#[test]
fn a_key_that_there_is_not_is_named_with_its_line() {
    let output = check(&shipped().replace("[http]\n", "[http]\nlissen = \"127.0.0.1:5399\"\n"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("lissen"), "{output:?}");
}

/// `name = value`, or `[section]`.
fn is_setting(text: &str) -> bool {
    let name =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    text.starts_with('[') || text.split_once('=').is_some_and(|(before, _)| name(before.trim()))
}
