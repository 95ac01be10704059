//! The main job as a service: by a serial port, within its sandbox.

use std::time::Duration;

use keyway_test_support::{Client, Grant, SOON, Setup, Stick, always, wait_until};

use crate::container::Container;
use crate::installed::{level, message};
use crate::package::VERSION;

const FRONT_DOOR: u16 = 2;
/// Where Debian's broker listens by itself.
const BROKER: u16 = 1883;

/// A building whose hub is the package in a container, with its stick in a serial port there.
pub(super) struct Building {
    pub(super) container: Container,
    pub(super) stick: Stick,
    pub(super) client: Client,
    pub(super) devices: Vec<String>,
}

impl Building {
    pub(super) fn of(container: Container) -> Self {
        let setup = Setup::two_doors();
        let stick = Stick::ours(env!("CARGO_BIN_EXE_keyway"), &setup);
        let tcp = stick.port().replace("tcp://", "TCP:");
        let port = "PTY,link=/dev/ttyACM9,raw,echo=0,group=dialout,mode=660";
        container.said(&["systemd-run", "--quiet", "--unit=stick", "socat", port, &tcp]);
        wait_until("the serial port is there", SOON, || {
            container.tried(&["test", "-e", "/dev/ttyACM9"]).success.then_some(())
        });
        container.configure(&setup.to_toml("serial:/dev/ttyACM9"));
        let client = Client::connect(BROKER, "home");
        let devices = client.ready_devices(&setup.names(), SOON * 2);
        Self { container, stick, client, devices }
    }

    /// Lets somebody in by the front door for a while, and waits until the lock knows.
    pub(super) fn guest(&self) -> Grant {
        self.wait_for_hub();
        let grant = self.client.grant(&[&self.devices[0]], -1.0, 600.0);
        self.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
        grant
    }

    fn wait_for_hub(&self) {
        wait_until("the hub answers", SOON, || {
            self.client.try_request("devices/list", serde_json::json!({}), Duration::from_secs(1))
        });
    }

    /// Whether this grant is still known, and its PIN in the lock once.
    pub(super) fn still_has(&self, grant: &Grant) {
        self.wait_for_hub();
        assert_eq!(self.client.method_of(&grant.id)["code"], grant.pin.as_str());
        assert_eq!(self.stick.lock(FRONT_DOOR).slots_of(&grant.pin).len(), 1);
    }
}

#[test]
fn a_guest_comes_in_the_journal_tells_of_it_and_is_quiet_at_rest() {
    let building = Building::of(Container::with_keyway(VERSION));
    let container = &building.container;
    let grant = building.guest();
    assert!(building.stick.type_code(FRONT_DOOR, &grant.pin));
    let told = wait_until("the journal tells of it", SOON, || {
        container.of_hub().into_iter().find(|entry| message(entry).starts_with("lock.unlocked"))
    });
    assert_eq!((&told["KEYWAY_DEVICE"], level(&told)), (&"Front door".into(), 6), "{told}");
    assert!(message(&told).contains("device=\"Front door\""), "{told}");
    let entries = container.of_hub();
    let loud: Vec<String> = entries.iter().filter(|entry| level(entry) < 6).map(message).collect();
    // Before the stick was there.
    assert_eq!(loud.iter().filter(|line| !line.contains("no stick is configured")).count(), 0, "{loud:#?}");
    assert!(!entries.iter().any(|entry| entry.to_string().contains(&grant.pin)), "a PIN is in the journal");
    building.stick.wait_until_quiet(FRONT_DOOR);
    let said = container.of_hub().len();
    always("nothing happens and nothing is said", Duration::from_secs(15), || container.of_hub().len() == said);
}

#[test]
fn killed_it_is_back_at_once_with_all_that_it_knew() {
    let building = Building::of(Container::with_keyway(VERSION));
    let grant = building.guest();
    let before = building.container.main_pid();
    building.container.said(&["systemctl", "kill", "--signal=KILL", "keyway"]);
    building.container.wait_for_another(&before, SOON);
    building.still_has(&grant);
    assert_eq!(building.container.property("NRestarts"), "1");
}
