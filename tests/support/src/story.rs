//! The main job from beginning to end, the same whoever made the locks.

use std::time::Duration;

use jiff::Timestamp;

use crate::{SOON, World, utc, wait_until};

const WINDOW: Duration = Duration::from_secs(40);
/// How far from its times a PIN may come and go.
const TOLERANCE_MS: i128 = 1000;

impl World {
    /// A grant from in five seconds until in 25: the PIN is in the lock's own table between those times and not outside
    /// them, a guest opens the door with it, and the host is told of everything in order.
    pub fn tell_the_whole_story(&self, node: u16) {
        let (client, stick) = (&self.client, &self.stick);
        let grant = client.grant(&[&self.devices[0]], 5.0, 25.0);
        let method = client.method_of(&grant.id);
        assert_eq!(method["is_issued"], true, "it can be handed out before it starts: {method}");

        let holds = || !stick.lock(node).slots_of(&grant.pin).is_empty();
        let set_at = wait_until("the PIN is in the lock", WINDOW, || holds().then(utc));
        assert_close("set", set_at, grant.starts_at);
        client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
        assert_eq!(client.codes_of(&grant.id)[0]["status"], "set");

        assert!(stick.type_code(node, &grant.pin));
        let unlocked = client.event("lock.unlocked", SOON, |_| true);
        assert_eq!(unlocked["user_identity_id"], grant.user_identity_id.as_str(), "{unlocked}");
        assert_eq!(unlocked["device_id"], self.devices[0].as_str(), "{unlocked}");
        assert_eq!(unlocked["method"], "keycode", "{unlocked}");

        let gone_at = wait_until("the PIN is out of the lock", WINDOW, || (!holds()).then(utc));
        assert_close("cleared", gone_at, grant.ends_at);
        client.event("access_code.removed_from_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
        assert!(!stick.type_code(node, &grant.pin));

        let trail = [
            "access_grant.created",
            "access_method.issued",
            "access_code.set_on_device",
            "lock.unlocked",
            "access_code.removed_from_device",
        ];
        let told = client.event_types();
        let told: Vec<&str> = told.iter().map(String::as_str).filter(|name| trail.contains(name)).collect();
        assert_eq!(told, trail);
    }
}

fn assert_close(what: &str, at: Timestamp, planned: Timestamp) {
    let late = (at - planned).as_millis();
    assert!(late.abs() <= TOLERANCE_MS, "{what} {late} ms after its time");
}
