//! Backups by themselves, under a passphrase that systemd keeps sealed and hands over.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keyway_test_support::{SOON, wait_until};

use crate::container::Container;
use crate::package::VERSION;

const PASSPHRASE: &str = "correct horse battery staple 7";
const SEALED: &str = "/etc/credstore.encrypted/keyway.backup-passphrase";
const SHELF: &str = "/var/lib/keyway/backups";

/// Whether the hub can be made anew from the newest backup, if this is its passphrase.
fn is_restored(container: &Container, passphrase: &str) -> bool {
    let restore = format!(
        "printf %s '{passphrase}' | runuser --user keyway -- \
        keyway restore \"$(ls {SHELF}/*.backup | tail -n 1)\" --config /etc/keyway/keyway.toml --yes"
    );
    container.tried(&["sh", "-ec", &restore]).success
}

#[test]
fn a_backup_is_made_by_itself_under_the_passphrase_that_systemd_hands_over() {
    let container = Container::with_keyway(VERSION);
    container.configure("[backup]\nschedule = \"0 3 * * *\"");
    wait_until("without a passphrase it says what to do", SOON, || {
        container.journal_text().contains("or the credential backup-passphrase").then_some(())
    });

    // As docs/backup.md has it, but for the question.
    container.shell("mkdir -p /etc/credstore.encrypted");
    container.shell(&format!("printf %s '{PASSPHRASE}' | systemd-creds encrypt --name=backup-passphrase - {SEALED}"));
    container.said(&["systemctl", "restart", "keyway"]);
    let made = wait_until("one is made", SOON * 2, || {
        let files = std::fs::read_dir(container.path(SHELF)).ok()?;
        let mut names = files.filter_map(|file| Some(file.ok()?.file_name().to_string_lossy().into_owned()));
        names.find(|name| name.starts_with("keyway-home-") && name.ends_with(".backup"))
    });
    let made = Path::new(SHELF).join(made);
    let mode = std::fs::metadata(container.path(&made.to_string_lossy())).expect("it was listed").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let told = container.shell(&format!("systemctl show keyway; journalctl --unit=keyway; cat {SEALED}"));
    assert!(!told.contains(PASSPHRASE), "the passphrase can be read");

    container.said(&["systemctl", "stop", "keyway"]);
    assert!(!is_restored(&container, "another horse battery staple"));
    assert!(is_restored(&container, PASSPHRASE));
    container.said(&["systemctl", "start", "keyway"]);
    assert_eq!(container.property("ActiveState"), "active");
}
