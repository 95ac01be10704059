//! The topics: parsed and built as types, so that no string of a topic stands anywhere else.

use super::companion::Companion;
use crate::model::{AccessGrantId, DeviceId, EventType};

/// The topic below which everything of a hub is.
pub fn base_topic(hub: &str) -> String {
    format!("keyway/{hub}")
}

/// The topics of one hub: everything under `keyway/<hub>`, and what its companion has.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    base: String,
    companion: Option<CompanionTopics>,
}

#[derive(Debug, Clone)]
struct CompanionTopics {
    birth: String,
    filter: String,
    prefix: String,
}

/// What an incoming topic asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Incoming {
    /// `…/request/<resource>/<action>`: the operation's name, such as `access_grants/create`.
    Request(String),
    /// `…/devices/<device_id>/set`: the id as given.
    Set(String),
    /// `…/devices/<device_id>`, `…/devices/<device_id>/last_use`, `…/access_grants/<access_grant_id>` or `…/networks/<name>`, or
    /// an announcement of the companion: the hub's own retained state, come back.
    State,
    /// The companion has started.
    Birth,
    /// Nothing that is known here.
    Other,
}

impl Topics {
    pub(super) fn new(hub: &str) -> Self {
        Self { base: base_topic(hub), companion: None }
    }

    pub(super) fn with_companion(self, companion: &dyn Companion) -> Self {
        let [birth, filter, prefix] = [companion.birth(), companion.filter(), companion.prefix()].map(str::to_owned);
        Self { companion: Some(CompanionTopics { birth, filter, prefix }), ..self }
    }

    /// Filters for what the hub is asked.
    pub(super) fn asked(&self) -> Vec<String> {
        ["request/#", "devices/+/set"].map(|filter| format!("{}/{filter}", self.base)).into()
    }

    /// Filters for the hub's own state, to find what the broker has kept of it; and for the companion's start.
    pub(super) fn kept(&self) -> Vec<String> {
        let own = ["devices/+", "devices/+/last_use", "access_grants/+", "networks/+"]
            .map(|filter| format!("{}/{filter}", self.base));
        let companion = self.companion.iter().flat_map(|companion| [companion.filter.clone(), companion.birth.clone()]);
        own.into_iter().chain(companion).collect()
    }

    pub(super) fn parse(&self, topic: &str) -> Incoming {
        if let Some(companion) = &self.companion {
            if topic == companion.birth {
                return Incoming::Birth;
            }
            if topic.starts_with(&companion.prefix) {
                return Incoming::State;
            }
        }
        let rest = topic.strip_prefix(&self.base).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        if let Some(operation) = rest.strip_prefix("request/") {
            return Incoming::Request(operation.to_owned());
        }
        match rest.split('/').collect::<Vec<_>>()[..] {
            ["devices", device, "set"] => Incoming::Set(device.to_owned()),
            ["devices" | "access_grants" | "networks", _] | ["devices", _, "last_use"] => Incoming::State,
            _ => Incoming::Other,
        }
    }

    /// Whether an answer may go to this MQTT 5 response topic.
    ///
    /// # Errors
    /// What is wrong with it. Below `keyway/` only the hub's own responses are for answers: whoever may send requests
    /// must not make the hub write where he himself may not.
    pub(super) fn check_response(&self, topic: &str) -> Result<(), &'static str> {
        let own = topic.strip_prefix(&self.base).is_some_and(|rest| rest.starts_with("/response/"));
        match topic {
            "" => Err("is empty"),
            _ if topic.contains(['+', '#', '\0']) => Err("must not hold a wildcard"),
            _ if topic.starts_with('$') => Err("must not be one of the broker's own topics"),
            _ if topic.starts_with("keyway/") && !own => Err("must not be one of Keyway's own topics"),
            _ => Ok(()),
        }
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

    pub(super) fn last_use(&self, id: DeviceId) -> String {
        format!("{}/devices/{id}/last_use", self.base)
    }

    pub(super) fn access_grant(&self, id: AccessGrantId) -> String {
        format!("{}/access_grants/{id}", self.base)
    }

    /// Whose topic this is.
    pub(super) fn grant_of(&self, topic: &str) -> Option<AccessGrantId> {
        let id = topic.strip_prefix(&self.base)?.strip_prefix("/access_grants/")?;
        id.parse().ok().map(AccessGrantId)
    }

    pub(super) fn network(&self, name: &str) -> String {
        format!("{}/networks/{name}", self.base)
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
        let request = |name: &str| Incoming::Request(name.to_owned());
        assert_eq!(topics.parse("keyway/home/request/access_grants/create"), request("access_grants/create"));
        assert_eq!(
            topics.parse("keyway/home/request/access_codes/unmanaged/list"),
            request("access_codes/unmanaged/list")
        );
        assert_eq!(topics.parse("keyway/home/devices/42/set"), Incoming::Set("42".to_owned()));
        assert_eq!(topics.parse("keyway/home/devices/42"), Incoming::State);
        assert_eq!(topics.parse("keyway/home/networks/zwave"), Incoming::State);
        for other in ["keyway/home2/request/devices/list", "keyway/home/devices/4/2/set", "keyway/home/status", ""] {
            assert_eq!(topics.parse(other), Incoming::Other, "{other}");
        }
    }

    #[test]
    fn an_answer_goes_anywhere_but_where_it_would_be_taken_for_something_else() {
        let topics = Topics::new("home");
        assert_eq!(topics.check_response("booking/answers"), Ok(()));
        assert_eq!(topics.check_response("keyway/home/response/booking/7"), Ok(()));
        for wrong in ["", "a/+", "a/#", "$SYS/x", "keyway/home/request/devices/list", "keyway/home2/response/x"] {
            assert!(topics.check_response(wrong).is_err(), "{wrong}");
        }
    }
}
