//! Everything together.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Broker, Client, Hub, LockSetup, SOON, Setup, Signal, Stick, wait_until};

/// A building with locks, a stick, a broker, the hub and a host's program, each a process of its own, all connected.
pub struct World {
    /// The host's program. First, so that it is gone before its broker.
    pub client: Client,
    /// The daemon.
    pub hub: Hub,
    /// The stick and the locks behind it.
    pub stick: Stick,
    /// The broker.
    pub broker: Broker,
    /// The device ids, in the order of the setup.
    pub devices: Vec<String>,
}

impl World {
    /// Two S2 locks behind our own virtual stick. `keyway` is the path of the program.
    pub fn new(keyway: &str) -> Self {
        Self::with(keyway, &Setup::two_doors())
    }

    /// Any locks behind our own virtual stick.
    pub fn with(keyway: &str, setup: &Setup) -> Self {
        Self::on(keyway, setup, Stick::ours(keyway, setup))
    }

    /// Around a stick that runs already.
    pub fn on(keyway: &str, setup: &Setup, stick: Stick) -> Self {
        let broker = Broker::running();
        let client = Client::connect(broker.port(), Hub::NAME);
        let hub = Hub::prepared(keyway, broker.port(), &stick.port(), setup);
        Self::of(client, hub, stick, broker, setup)
    }

    /// Any locks behind our own virtual stick, where nothing is done but the hub's work: it logs only what matters, and
    /// the host's program hears its answers and nothing else.
    pub fn quiet(keyway: &str, setup: &Setup) -> Self {
        Self::quiet_on(keyway, setup, Stick::ours(keyway, setup))
    }

    /// The same around a stick that runs already.
    pub fn quiet_on(keyway: &str, setup: &Setup, stick: Stick) -> Self {
        let broker = Broker::running();
        let client = Client::for_answers(broker.port(), Hub::NAME);
        let hub = Hub::prepared(keyway, broker.port(), &stick.port(), setup).quiet();
        Self::of(client, hub, stick, broker, setup)
    }

    /// Two networks in one building, and the stick of the second. The devices are those of the first, and then of the other.
    pub fn of_two(keyway: &str, setup: &Setup, other: &Setup) -> (Self, Stick) {
        let (stick, second) = (Stick::ours(keyway, setup), Stick::ours(keyway, other));
        let broker = Broker::running();
        let client = Client::connect(broker.port(), Hub::NAME);
        let hub = Hub::prepared(keyway, broker.port(), &stick.port(), setup);
        hub.add_stick(&second.port(), other);
        let mut world = Self::of(client, hub, stick, broker, setup);
        world.devices.extend(moved_in(&world.client, &second, &json!({"network": "zigbee"}), other));
        (world, second)
    }

    fn of(client: Client, mut hub: Hub, stick: Stick, broker: Broker, setup: &Setup) -> Self {
        hub.start();
        let devices = moved_in(&client, &stick, &json!({}), setup);
        Self { client, hub, stick, broker, devices }
    }

    /// The same hub at a second stick, of Zigbee, with a lock that is fresh from its box and joins under this name: the
    /// stick, and the device id.
    pub fn with_zigbee(&mut self, keyway: &str, name: &'static str) -> (Stick, String) {
        const NODE: u16 = 2;
        let setup = Setup::of(&[LockSetup::s2(NODE, name)]).on_zigbee(13);
        let stick = Stick::ours(keyway, &setup);
        self.hub.end(Signal::Terminate);
        self.hub.add_stick(&stick.port(), &setup);
        self.restart_hub();
        join(&self.client, &stick, json!({"network": "zigbee"}), NODE, name);
        let device = self.client.ready_devices(&[name], SOON).remove(0);
        (stick, device)
    }

    /// Starts the hub again and waits until it answers.
    pub fn restart_hub(&mut self) {
        self.hub.start();
        self.wait_for_hub();
    }

    /// Waits until the hub answers.
    pub fn wait_for_hub(&self) {
        wait_until("the hub answers", SOON, || {
            self.client.try_request("devices/list", json!({}), Duration::from_secs(1))
        });
    }
}

/// All locks of a network are there and interviewed: their device ids. `request` says which network.
fn moved_in(client: &Client, stick: &Stick, request: &Value, setup: &Setup) -> Vec<String> {
    if setup.is_zigbee() {
        setup.doors().for_each(|(node, name)| join(client, stick, request.clone(), node, name));
    }
    for node in setup.woken_by_button() {
        wait_until("a sleeping lock is asked what it can do", SOON * 3, || {
            stick.order(json!({"node": node, "wake_up": true}));
            stick.was_told(node, "version_command_class_get").then_some(())
        });
    }
    let names = setup.names();
    // One radio interviews them, one after the other.
    let each = if setup.has_sleepers() { SOON } else { SOON / 10 };
    client.ready_devices(&names, SOON * 2 + each * names.len() as u32)
}

/// Lets a Zigbee lock that is fresh from its box into the hub's network, under this name. `request` says which network.
fn join(client: &Client, stick: &Stick, mut request: Value, node: u16, name: &str) {
    request["name"] = json!(name);
    wait_until("joining is begun", SOON * 3, || {
        let answer = client.try_request("networks/include", request.clone(), Duration::from_secs(2))?;
        (answer["ok"] == true).then_some(())
    });
    wait_until("the network is open", SOON, || {
        let answer = stick.try_order(&json!({"node": node, "join": true}));
        (answer["ok"] == true).then_some(())
    });
    client.ready_devices(&[name], SOON * 2);
}
