//! Networks as the hub's operations see them: what may be asked when, and what is shown.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use keyway_lock::{
    CommandId, DeviceLabel, Grant, Include, Joined, KeyClass, LockId, NetworkCommand, NetworkError, NetworkFailure,
    NetworkOutcome, NetworkStep, RadioEvent, StickInfo, StickState,
};
use serde_json::{Value, json};

use super::World;
use crate::hub::{JoinCode, NetworkOrders, Networks};
use crate::model::RadioKind;

const LABEL: &str = "18750-33532-29766-19033-09864-05986-15648-21445";

type Orders = Arc<Mutex<Vec<(CommandId, NetworkCommand)>>>;

struct Pad(Orders);

impl NetworkOrders for Pad {
    fn order(&self, network: &str, id: CommandId, command: NetworkCommand) -> bool {
        assert_eq!(network, "zwave");
        self.0.lock().unwrap().push((id, command));
        true
    }

    fn read_code(&self, _kind: RadioKind, text: &str) -> Result<JoinCode, String> {
        let label = DeviceLabel::read(text).ok_or("is no label")?;
        Ok(JoinCode::Label { label, joins_by_itself: Some(true) })
    }
}

struct Net {
    world: World,
    networks: Arc<Networks>,
    orders: Orders,
}

impl Net {
    async fn new() -> Self {
        let orders = Orders::default();
        let networks = Arc::new(Networks::new([("zwave".into(), RadioKind::Zwave)], Pad(Arc::clone(&orders))));
        let mut world = World::new().await;
        world.hub = world.hub.with_networks(Arc::clone(&networks));
        let net = Self { world, networks, orders };
        let (firmware, model) = (String::new(), String::new());
        net.told(RadioEvent::Stick(StickState::Ready(StickInfo {
            network: "c0ffee01".to_owned(),
            firmware,
            model,
            region: None,
            power: None,
        })));
        net
    }

    fn told(&self, event: RadioEvent) {
        self.networks.observe("zwave", &event);
    }

    fn step(&self, step: NetworkStep) {
        self.told(RadioEvent::Network(step));
    }

    /// The last order, and its id.
    fn order(&self) -> (CommandId, NetworkCommand) {
        self.orders.lock().unwrap().last().cloned().unwrap()
    }

    async fn ask(&self, action: &str, body: Value) -> Value {
        self.world.ask(&format!("networks/{action}"), body).await["network"].clone()
    }

    async fn refused(&self, action: &str, body: Value) -> Value {
        self.world.refused(&format!("networks/{action}"), body).await["type"].clone()
    }
}

#[tokio::test]
async fn a_lock_is_led_in_step_by_step() {
    let net = Net::new().await;
    let begun = net.ask("include", json!({"name": " Shed "})).await;
    assert_eq!(begun["task"], json!({"action": "include", "step": "starting", "steps": [], "node": null}));
    let (id, order) = net.order();
    assert_eq!(order, NetworkCommand::Include(Include { name: Some("Shed".to_owned()), ..Include::default() }));
    net.step(NetworkStep::Joined(LockId(5)));
    net.step(NetworkStep::PinNeeded { label: "33532-…".to_owned() });
    let task = net.ask("get", json!({})).await["task"].clone();
    let steps = ["device_joined", "pin_needed"];
    let expected = json!({"action": "include", "step": "pin_needed", "steps": steps, "node": 5, "label": "33532-…"});
    assert_eq!(task, expected);
    net.ask("confirm", json!({"pin": "18750"})).await;
    assert!(matches!(net.order().1, NetworkCommand::Confirm(_)));
    let classes = BTreeSet::from([KeyClass::S2AccessControl]);
    net.told(RadioEvent::NetworkDone(id, Ok(NetworkOutcome::Included(LockId(5), classes))));
    let done = net.ask("get", json!({})).await;
    assert_eq!((&done["task"], &done["last_result"]["node"]), (&Value::Null, &json!(5)));
    assert_eq!(done["last_result"]["security"], json!(["s2_access_control"]));
    assert_eq!(done["last_result"]["steps"], json!(steps));
}

#[tokio::test]
async fn routes_are_rebuilt_device_by_device_and_those_are_named_that_did_not_answer() {
    let net = Net::new().await;
    net.ask("rebuild_routes", json!({})).await;
    let (id, order) = net.order();
    assert_eq!(order, NetworkCommand::RebuildRoutes(None));
    net.step(NetworkStep::RebuildingRoutes(LockId(5)));
    net.step(NetworkStep::RebuildingRoutes(LockId(6)));
    let steps = ["rebuilding_routes"; 2];
    let expected = json!({"action": "rebuild_routes", "step": "rebuilding_routes", "steps": steps, "node": 6});
    assert_eq!(net.ask("get", json!({})).await["task"], expected);
    assert_eq!(net.refused("include", json!({})).await, "conflict");
    net.told(RadioEvent::NetworkDone(id, Ok(NetworkOutcome::RoutesRebuilt(None, [LockId(6)].into()))));
    let done = net.ask("get", json!({})).await["last_result"].clone();
    assert_eq!((&done["succeeded"], &done["failed_nodes"]), (&json!(true), &json!([6])));
}

#[tokio::test]
async fn keys_are_handed_on_and_shown_to_nobody() {
    let net = Net::new().await;
    let key = "00112233445566778899aabbccddeeff";
    let shown = net.ask("import_keys", json!({"s2_access_control": key, "long_range_s2_authenticated": key})).await;
    assert!(!shown.to_string().contains(key));
    let (id, NetworkCommand::TakeKeys(keys)) = net.order() else { panic!() };
    assert_eq!(
        keys.keys().map(|name| name.name()).collect::<Vec<_>>(),
        ["s2_access_control", "long_range_s2_authenticated"]
    );
    let failure = NetworkFailure::from(NetworkError::KeyInUse("s2_access_control"));
    net.told(RadioEvent::NetworkDone(id, Err(failure)));
    assert_eq!(net.ask("get", json!({})).await["last_result"]["error"]["type"], "key_in_use");
    assert_eq!(net.refused("import_keys", json!({})).await, "invalid_input");
    let refused = net.world.refused("networks/import_keys", json!({"s0": &key[1..]})).await;
    assert_eq!(refused["type"], "invalid_input");
    assert!(!refused.to_string().contains(&key[1..]));
}

#[tokio::test]
async fn one_thing_at_a_time_and_no_answers_to_what_nobody_asked() {
    let net = Net::new().await;
    for (action, body) in
        [("confirm", json!({"pin": "18750"})), ("grant", json!({"insecure": true})), ("cancel", json!({}))]
    {
        assert_eq!(net.refused(action, body).await, "conflict", "{action}");
    }
    net.ask("exclude", json!({})).await;
    assert_eq!(net.refused("include", json!({})).await, "conflict");
    net.step(NetworkStep::GrantNeeded { requested: BTreeSet::new() });
    assert_eq!(net.refused("grant", json!({"insecure": true, "security": ["s0"]})).await, "invalid_input");
    assert_eq!(net.refused("grant", json!({})).await, "invalid_input");
    net.ask("grant", json!({"insecure": true})).await;
    assert_eq!(net.order().1, NetworkCommand::Grant(Grant::Insecure));
}

#[tokio::test]
async fn a_failure_is_shown_with_what_is_left_until_that_is_gone() {
    let net = Net::new().await;
    net.ask("include", json!({})).await;
    let leftover = Some(LockId(5));
    let failure = NetworkFailure { error: NetworkError::WrongPin, leftover };
    net.told(RadioEvent::Leftover(LockId(5), "adding it did not work".to_owned()));
    net.told(RadioEvent::NetworkDone(net.order().0, Err(failure)));
    let shown = net.ask("get", json!({})).await;
    assert_eq!(shown["last_result"]["error"]["type"], "wrong_pin");
    assert_eq!(shown["last_result"]["error"]["leftover_node"], 5);
    assert_eq!(shown["leftovers"], json!([{"node": 5, "reason": "adding it did not work"}]));
    net.ask("remove_failed", json!({"node": 5})).await;
    assert_eq!(net.order().1, NetworkCommand::RemoveFailed(LockId(5)));
    net.told(RadioEvent::LockLeft(LockId(5)));
    assert_eq!(net.ask("get", json!({})).await["leftovers"], json!([]));
}

#[tokio::test]
async fn a_label_opens_nothing_where_it_is_shown() {
    let net = Net::new().await;
    net.ask("await_device", json!({"code": LABEL, "name": "Shed"})).await;
    let NetworkCommand::Await(awaited) = net.order().1 else { panic!() };
    net.told(RadioEvent::Awaited(vec![(awaited.label.shown(), awaited.name)]));
    let shown = net.ask("get", json!({})).await;
    assert_eq!(shown["awaited"], json!([{"label": LABEL[6..], "name": "Shed"}]));
    assert!(!shown.to_string().contains("18750"));
    assert_eq!(net.refused("forget_device", json!({"label": "33532"})).await, "device_not_found");
    net.ask("forget_device", json!({"label": LABEL[6..]})).await;
    let wrong = net.world.refused("networks/await_device", json!({"code": "18750"})).await;
    assert_eq!(wrong["type"], "invalid_input");
    assert!(!wrong.to_string().contains("18750"));
}

#[tokio::test]
async fn a_network_is_reset_only_by_its_identity_and_none_while_its_stick_is_gone() {
    let net = Net::new().await;
    let reset = |identity: &str| json!({"network": "zwave", "identity": identity});
    assert_eq!(net.refused("reset", reset("c0ffee02")).await, "invalid_input");
    assert_eq!(net.refused("get", json!({"network": "zigbee"})).await, "network_not_found");
    net.told(RadioEvent::Stick(StickState::Gone));
    assert_eq!(net.refused("reset", reset("c0ffee01")).await, "network_unavailable");
    assert_eq!(net.refused("include", json!({})).await, "network_unavailable");
}

#[tokio::test]
async fn a_device_that_joins_by_itself_is_shown_as_what_it_is() {
    let net = Net::new().await;
    net.step(NetworkStep::Found);
    assert_eq!(net.ask("get", json!({})).await["task"]["action"], "self_join");
    assert_eq!(net.refused("include", json!({})).await, "conflict");
    net.told(RadioEvent::LockJoined(LockId(5), Joined::default()));
    let shown = net.ask("get", json!({})).await;
    assert_eq!((&shown["task"], &shown["last_result"]["succeeded"]), (&Value::Null, &json!(true)));
}
