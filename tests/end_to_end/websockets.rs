//! A broker behind a web server: MQTT within WebSockets.

use std::path::Path;

use keyway_test_support::{Broker, Client, Hub, SOON, Setup, Stick, free_port, wait_until};

use crate::tls::certificates;
use crate::{FRONT_DOOR, KEYWAY};

/// A hub that is told to reach the broker so.
fn hub(way: &str, stick: &Stick, setup: &Setup) -> Hub {
    let hub = Hub::prepared(KEYWAY, 1, &stick.port(), setup);
    let text = std::fs::read_to_string(hub.config()).expect("no configuration");
    let text = text.replace("url = \"mqtt://127.0.0.1:1\"", way);
    std::fs::write(hub.config(), text).expect("can't write");
    hub
}

/// It takes a request, and is back when the broker is.
fn works(mut broker: Broker, way: &str) {
    let setup = Setup::two_doors();
    let stick = Stick::ours(KEYWAY, &setup);
    let mut hub = hub(way, &stick, &setup);
    hub.start();
    let grant = {
        let client = Client::connect(broker.port(), Hub::NAME);
        let devices = client.ready_devices(&setup.names(), SOON * 2);
        client.grant(&[&devices[0]], -1.0, 600.0)
    };
    let slots = || stick.lock(FRONT_DOOR).slots_of(&grant.pin);
    wait_until("the PIN is in the lock", SOON, || (slots().len() == 1).then_some(()));
    broker.stop();
    broker.start();
    let client = Client::connect(broker.port(), Hub::NAME);
    client.ready_devices(&setup.names(), SOON * 2);
    assert_eq!(client.method_of(&grant.id)["is_issued"], true);
}

#[test]
fn the_hub_works_over_a_websocket() {
    let port = free_port();
    works(Broker::with_websockets(port, None), &format!("url = \"ws://127.0.0.1:{port}\""));
}

#[test]
fn the_hub_works_over_a_websocket_within_tls() {
    let folder = tempfile::tempdir().expect("no folder");
    certificates(folder.path());
    let (port, authority) = (free_port(), folder.path().join("ca.pem"));
    let way = format!("url = \"wss://127.0.0.1:{port}/mqtt\"\nca_file = {authority:?}");
    works(Broker::with_websockets(port, Some(Path::new(folder.path()))), &way);
}

#[test]
fn a_web_server_without_a_broker_is_said_to_be_none() {
    let setup = Setup::two_doors();
    let stick = Stick::ours(KEYWAY, &setup);
    // Its own HTTP door is a web server that knows nothing of MQTT.
    let port = free_port();
    let mut hub = hub(&format!("url = \"ws://127.0.0.1:{port}/mqtt\""), &stick, &setup);
    let text = std::fs::read_to_string(hub.config()).expect("no configuration");
    let text = text.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\""));
    std::fs::write(hub.config(), text).expect("can't write");
    hub.start();
    wait_until("the log says so", SOON, || {
        let said = |text| hub.log().contains(text);
        (said("no WebSocket of an MQTT broker") && said("mqtt.url")).then_some(())
    });
    assert!(hub.runs());
}
