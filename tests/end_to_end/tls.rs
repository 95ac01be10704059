//! A broker that speaks TLS and wants to know who calls.

use std::path::Path;
use std::process::Command;

use keyway_test_support::{Broker, Client, Hub, SOON, Setup, Stick, free_port, wait_until};

use crate::KEYWAY;

/// An authority, and certificates of it for the broker (at 127.0.0.1) and the hub; and an authority that nobody knows.
pub(crate) fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let done = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("no openssl");
        assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    };
    for name in ["ca", "stranger"] {
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} -keyout {name}.key \
             -out {name}.pem -addext basicConstraints=critical,CA:TRUE"
        ));
    }
    std::fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1\n").expect("can't write");
    for name in ["broker", "hub"] {
        openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out {name}.pem"
        ));
    }
}

/// A hub that is told to speak TLS with the broker at this port, and to trust this authority.
fn hub(port: u16, folder: &Path, authority: &str, stick: &Stick, setup: &Setup) -> Hub {
    let hub = Hub::prepared(KEYWAY, port, &stick.port(), setup);
    let text = std::fs::read_to_string(hub.config()).expect("no configuration");
    let file = |name: &str| folder.join(name).display().to_string();
    let tls = format!(
        "url = \"mqtts://127.0.0.1:{port}\"\nca_file = {:?}\ncertificate_file = {:?}\nkey_file = {:?}",
        file(authority),
        file("hub.pem"),
        file("hub.key")
    );
    std::fs::write(hub.config(), text.replace(&format!("url = \"mqtt://127.0.0.1:{port}\""), &tls))
        .expect("can't write");
    hub
}

#[test]
fn the_hub_and_the_broker_know_each_other_by_their_certificates() {
    let folder = tempfile::tempdir().expect("no folder");
    certificates(folder.path());
    let port = free_port();
    let broker = Broker::with_tls(port, folder.path());
    let setup = Setup::two_doors();
    let stick = Stick::ours(KEYWAY, &setup);
    let mut hub = hub(port, folder.path(), "ca.pem", &stick, &setup);
    hub.start();
    Client::connect(broker.port(), Hub::NAME).ready_devices(&setup.names(), SOON * 2);
}

#[test]
fn a_broker_of_an_authority_that_is_not_trusted_is_not_spoken_to_and_the_log_says_what_to_do() {
    let folder = tempfile::tempdir().expect("no folder");
    certificates(folder.path());
    let port = free_port();
    let _broker = Broker::with_tls(port, folder.path());
    let setup = Setup::two_doors();
    let stick = Stick::ours(KEYWAY, &setup);
    let mut hub = hub(port, folder.path(), "stranger.pem", &stick, &setup);
    hub.start();
    wait_until("the log says so", SOON, || {
        let said = |text| hub.log().contains(text);
        (said("TLS with it fails") && said("mqtt.ca_file")).then_some(())
    });
    assert!(hub.runs());
}
