//! A lock is added and taken out by what stands on the hub's device in Home Assistant, for each of its networks.

use keyway_test_support::{SOON, wait_until};
use serde_json::{Value, json};

use super::home::HomeAssistant;
use super::{Building, GARDEN_GATE};

const BY_CODE: &str = "add_by_qr_code_or_label";
const DIGITS: &str = "first_five_digits_of_the_label";

/// What a person reads, presses and types there for one network.
struct Desk<'a> {
    home: &'a HomeAssistant,
    network: &'static str,
}

impl Desk<'_> {
    fn says(&self, text: &str) {
        self.home.wait_while(&format!("sensor.keyway_test_pairing_{}", self.network), |told| {
            told["state"].as_str().is_some_and(|state| state.contains(text)).then_some(())
        });
    }

    fn press(&self, button: &str) {
        let id = format!("button.keyway_test_{button}_{}", self.network);
        self.home.call("button.press", json!({"entity_id": id}));
    }

    fn types(&self, field: &str, text: &Value) {
        self.home.call("text.set_value", json!({"entity_id": self.field(field), "value": text}));
    }

    fn field(&self, field: &str) -> String {
        format!("text.keyway_test_{field}_{}", self.network)
    }

    /// Waits until Home Assistant has so many locks.
    fn has_locks(&self, count: usize) {
        wait_until("Home Assistant has all locks, and no more", SOON * 2, || {
            let states = self.home.ask(json!({"type": "get_states"}));
            let ids = states.as_array().into_iter().flatten().filter_map(|state| state["entity_id"].as_str());
            (ids.filter(|id| id.starts_with("lock.")).count() == count).then_some(())
        });
    }
}

#[test]
fn a_lock_is_added_and_taken_out_from_home_assistant() {
    let Building { mut home, world, .. } = Building::new();
    let desk = Desk { home: &home, network: "zwave" };
    desk.says("Nothing is being added");
    desk.has_locks(3);

    desk.press("add_a_lock");
    desk.says("Now do at the lock what its manual says for adding");
    let label = world.stick.order(json!({"unbox": {"name": "Shed", "flirs": false}}));
    desk.says("Read the lock's label (DSK): five digits, and then ");
    desk.types(DIGITS, &label["pin"]);
    desk.says("The lock is in the network, with s2_authenticated, s2_access_control");
    desk.has_locks(4);
    let typed = home.entity(&desk.field(DIGITS)).unwrap_or_default();
    assert_eq!(typed["state"], "unavailable", "what was typed is not kept: {typed}");

    // A lock of old, only after a yes.
    desk.press("add_a_lock");
    desk.says("Now do at the lock");
    world.stick.order(json!({"unbox": {"name": "Cellar", "security": ["s0"], "flirs": false}}));
    desk.says("The lock offers only s0");
    desk.press("take_it_with_less_security");
    desk.says("The lock is in the network, with s0");

    desk.press("take_a_lock_out");
    desk.says("Now do at the lock what its manual says for removing");
    world.stick.order(json!({"node": GARDEN_GATE, "press": true}));
    desk.says("The lock is out of the network");

    desk.types(BY_CODE, &json!("12345"));
    desk.says("The code is neither the digits of a label");
    desk.press("add_a_lock");
    desk.says("Now do at the lock");
    desk.press("cancel_adding");
    desk.says("It did not work: it was cancelled");

    let whole = label["label"].as_str().unwrap_or_default();
    assert!(
        !whole.is_empty()
            && !world.client.messages().iter().any(|m| String::from_utf8_lossy(&m.payload).contains(whole))
    );
    home.assert_content_but(&["No device components to cleanup"]);
}

#[test]
fn a_zigbee_lock_is_let_in_from_home_assistant_by_a_button_or_its_install_code_and_taken_out() {
    let Building { mut home, barn_stick, world: _world, .. } = Building::new();
    let desk = Desk { home: &home, network: "zigbee" };
    let joins = |node: u16| {
        wait_until("it joins", SOON, || {
            let answer = barn_stick.try_order(&json!({"node": node, "join": true}));
            (answer["ok"] == true).then_some(())
        });
    };
    desk.has_locks(3);

    desk.press("add_a_lock");
    desk.says("The network is open for a while");
    barn_stick.order(json!({"unbox": {"node": 9}}));
    joins(9);
    desk.says("The lock is in the network.");
    desk.has_locks(4);

    // The specification's example of a code, and the key that it stands for.
    let (ieee, code) = ("000d6f000a0b0c07", "83FED3407A939723A5C639B26916D505C3B5");
    let key = "66b6900981e1ee3ca4206b6b861c02bb";
    barn_stick.order(json!({"unbox": {"node": 7, "ieee": ieee, "install_code_key": key}}));
    desk.types(BY_CODE, &json!(format!("{ieee} {}", code.replace("83FE", "83FF"))));
    desk.says("It did not work: ");
    desk.types(BY_CODE, &json!(format!("{ieee} {code}")));
    desk.says("The network is open for a while");
    joins(7);
    desk.says("The lock is in the network.");
    desk.has_locks(5);
    let states = home.ask(json!({"type": "get_states"})).to_string();
    assert!(states.contains("keyway_test_pairing_zigbee") && !states.contains(code), "what was typed is not kept");

    desk.press("take_a_lock_out");
    desk.says("Now do at the lock what its manual says for removing");
    barn_stick.order(json!({"node": 9, "leave": true}));
    desk.says("The lock is out of the network");
    desk.has_locks(4);

    desk.press("add_a_lock");
    desk.says("The network is open for a while");
    desk.press("cancel_adding");
    desk.says("It did not work: it was cancelled");
    home.assert_content_but(&["No device components to cleanup"]);
}
