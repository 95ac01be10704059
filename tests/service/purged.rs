//! Purged, it is gone.

use crate::container::Container;
use crate::package::VERSION;

const SEAL: &str = "mkdir -p /etc/credstore.encrypted; head -c 32 /dev/urandom |
    systemd-creds encrypt --name=vault-key - /etc/credstore.encrypted/keyway.vault-key";

#[test]
fn a_sealed_key_is_used_and_a_purge_asks_nothing_and_leaves_no_key_behind() {
    let container = Container::booted();
    container.shell(SEAL);
    container.install(VERSION);
    assert_eq!(container.property("ActiveState"), "active");
    assert!(container.path("/var/lib/keyway/keyway.db").exists());
    assert!(!container.path("/var/lib/keyway/vault.key").exists(), "the key is the sealed one");

    container.said(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "remove", "-y", "keyway"]);
    assert!(container.path("/var/lib/keyway/keyway.db").exists(), "removed, it keeps what it knew");
    assert_ne!(container.property("ActiveState"), "active");
    container.said(&["dpkg", "--purge", "keyway"]);
    let left = container
        .shell("find / -xdev -ipath '*keyway*' -not -path '/proc/*' -not -path '/packages*' -not -path '/sys/*'");
    assert_eq!(left, "", "left behind");
    assert_eq!(container.said(&["systemctl", "--failed", "--no-legend"]), "");
}
