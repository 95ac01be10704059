//! How the hub and its MQTT broker get on.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// Refusals that are remembered at once.
const REFUSALS: usize = 16;

/// How the broker does, as the MQTT door has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BrokerState {
    /// There is a connection, and what the hub listens to is subscribed.
    pub connected: bool,
    /// How often it came about since the hub started.
    pub connections: u64,
    /// Why there is none.
    pub cause: Option<String>,
    /// What the broker refuses though it is connected, by topic or filter.
    refusals: BTreeMap<String, String>,
}

impl BrokerState {
    /// The broker refuses something about a topic; the sentence says what, and what to do. True: that is news.
    pub fn refuses(&mut self, topic: &str, sentence: String) -> bool {
        if self.refusals.get(topic) == Some(&sentence) || self.refusals.len() >= REFUSALS {
            return false;
        }
        self.refusals.insert(topic.to_owned(), sentence);
        true
    }

    /// It takes it. True: that is news.
    pub fn accepts(&mut self, topic: &str) -> bool {
        self.refusals.remove(topic).is_some()
    }

    /// What is wrong, and what to do.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.cause.iter().chain(self.refusals.values()).map(String::as_str)
    }
}

/// The broker.
#[derive(Serialize, ToSchema)]
#[schema(as = Broker)]
pub(super) struct BrokerResource {
    /// Whether there is a connection now.
    connected: bool,
    /// How often it came about since the hub started.
    connections: u64,
}

impl BrokerResource {
    pub(super) fn new(state: &BrokerState) -> Self {
        Self { connected: state.connected, connections: state.connections }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_news_once_stands_until_it_is_lifted_and_there_are_never_many() {
        let mut state = BrokerState::default();
        assert!(state.refuses("a", "no".to_owned()) && !state.refuses("a", "no".to_owned()));
        assert_eq!(state.problems().collect::<Vec<_>>(), ["no"]);
        assert!(state.accepts("a") && !state.accepts("a"));
        for topic in 0..1000 {
            state.refuses(&topic.to_string(), "no".to_owned());
        }
        assert_eq!(state.problems().count(), REFUSALS);
    }
}
