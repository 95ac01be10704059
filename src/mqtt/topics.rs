//! The topics: parsed and built as types, so that no string of a topic stands anywhere else.

use crate::model::{AccessGrantId, DeviceId, EventType};

/// The topics of one hub: everything under `keyway/<hub>`.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    base: String,
}

/// What an incoming topic asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    /// `…/request/<resource>/<action>`: the operation's name, such as `access_grants/create`.
    Request(String),
    /// `…/devices/<device_id>/set`: the id as given.
    Set(String),
}

impl Topics {
    pub(super) fn new(hub: &str) -> Self {
        Self { base: format!("keyway/{hub}") }
    }

    /// What the hub subscribes to.
    pub(super) fn subscriptions(&self) -> [String; 2] {
        [format!("{}/request/#", self.base), format!("{}/devices/+/set", self.base)]
    }

    pub(super) fn parse(&self, topic: &str) -> Option<Incoming> {
        let rest = topic.strip_prefix(&self.base)?.strip_prefix('/')?;
        if let Some(operation) = rest.strip_prefix("request/") {
            return Some(Incoming::Request(operation.to_owned()));
        }
        let device = rest.strip_prefix("devices/")?.strip_suffix("/set")?;
        (!device.contains('/')).then(|| Incoming::Set(device.to_owned()))
    }

    /// Where the answer to a request goes when the request names no response topic.
    pub(super) fn response(&self, operation: &str) -> String {
        format!("{}/response/{operation}", self.base)
    }

    pub(super) fn status(&self) -> String {
        format!("{}/status", self.base)
    }

    pub(super) fn info(&self) -> String {
        format!("{}/info", self.base)
    }

    pub(super) fn device(&self, id: DeviceId) -> String {
        format!("{}/devices/{id}", self.base)
    }

    pub(super) fn access_grant(&self, id: AccessGrantId) -> String {
        format!("{}/access_grants/{id}", self.base)
    }

    pub(super) fn event(&self, event_type: EventType) -> String {
        format!("{}/events/{}", self.base, event_type.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_sets_are_told_apart_and_nothing_else_is_taken() {
        let topics = Topics::new("home");
        let request = |name: &str| Some(Incoming::Request(name.to_owned()));
        assert_eq!(topics.parse("keyway/home/request/access_grants/create"), request("access_grants/create"));
        assert_eq!(
            topics.parse("keyway/home/request/access_codes/unmanaged/list"),
            request("access_codes/unmanaged/list")
        );
        assert_eq!(topics.parse("keyway/home/devices/42/set"), Some(Incoming::Set("42".to_owned())));
        assert_eq!(topics.parse("keyway/home2/request/devices/list"), None);
        assert_eq!(topics.parse("keyway/home/devices/42"), None);
        assert_eq!(topics.parse("keyway/home/devices/4/2/set"), None);
    }
}
