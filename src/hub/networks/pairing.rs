//! What is under way in a network, for those who look at it and don't ask: a sentence that says what to do now.

use keyway_lock::NetworkStep;
use serde::Serialize;

use super::desk::{Action, Ended, Network, Success, Task};
use super::resource::step_name;
use crate::model::RadioKind;

/// How far the adding or removing of a lock is. Nothing in it is a secret: of a label the first digits are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pairing {
    /// The name of its stick.
    pub network: String,
    /// `zwave` or `zigbee`.
    pub kind: &'static str,
    /// Whether something can be begun or answered: its stick is there.
    pub ready: bool,
    /// What is under way, as in `networks/get`; `None`: nothing.
    pub action: Option<&'static str>,
    /// How far it is, as in `networks/get`; `idle`: nothing is under way.
    pub step: &'static str,
    /// With `grant_needed`: what the device asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<Vec<&'static str>>,
    /// What to do now, or how it ended.
    pub message: String,
}

impl Pairing {
    pub(super) fn new(name: &str, network: &Network) -> Self {
        let task = network.task.as_ref();
        let last = task.and_then(|task| task.steps.last());
        Self {
            network: name.to_owned(),
            kind: match network.kind {
                RadioKind::Zwave => "zwave",
                RadioKind::Zigbee => "zigbee",
            },
            ready: network.identity.is_some(),
            action: task.map(|task| task.action.name()),
            step: task.map_or("idle", |task| task.steps.last().map_or("starting", step_name)),
            requested: match last {
                Some(NetworkStep::GrantNeeded { requested }) => {
                    Some(requested.iter().map(|class| class.name()).collect())
                }
                _ => None,
            },
            message: message(network),
        }
    }
}

fn message(network: &Network) -> String {
    match (&network.identity, &network.task, &network.ended) {
        (None, ..) => "The stick is not ready: see its state.".to_owned(),
        (_, Some(task), _) => what_to_do(network.kind, task),
        _ if network.refused.is_some() => network.refused.clone().unwrap_or_default(),
        (_, None, Some(ended)) => how_it_ended(network.kind, ended),
        (_, None, None) => "Nothing is being added or taken out.".to_owned(),
    }
}

fn what_to_do(kind: RadioKind, task: &Task) -> String {
    const ADD: &str = "Now do at the lock what its manual says for adding (including) it.";
    const REMOVE: &str = "Now do at the lock what its manual says for removing (excluding) it.";
    let sentence = match task.steps.last() {
        None => "The stick begins.",
        Some(NetworkStep::Ready) => match (task.action, kind) {
            (Action::Exclude, _) => REMOVE,
            (Action::Leave, _) => "Now let the other controller take this stick out of its network.",
            (_, RadioKind::Zwave) => ADD,
            (_, RadioKind::Zigbee) => "The network is open for a while. Now let the lock join, as its manual says.",
        },
        Some(NetworkStep::Found) => "It answers.",
        Some(NetworkStep::Joined(_)) => "It is in the network; now it gets its keys.",
        Some(NetworkStep::GrantNeeded { requested }) if requested.is_empty() => {
            "The lock knows no security: everybody in reach could open it. Cancel; whoever wants it all the same uses `keyway pair`."
        }
        Some(NetworkStep::GrantNeeded { requested }) => {
            let classes: Vec<_> = requested.iter().map(|class| class.name()).collect();
            return format!(
                "The lock offers only {}: who listens while it is added may open it later. Take it with less security, or cancel.",
                classes.join(", ")
            );
        }
        Some(NetworkStep::PinNeeded { label }) => {
            return format!(
                "Read the lock's label (DSK): five digits, and then {label}. Enter the five digits. Is it another label, cancel."
            );
        }
        Some(NetworkStep::Securing) => "The keys are handed over.",
        Some(NetworkStep::RebuildingRoutes(_)) => "Routes are found anew.",
        Some(NetworkStep::CleaningUp(_) | NetworkStep::SelfJoinFailed { .. }) => {
            "That did not work. The lock is taken out of the network again."
        }
        Some(NetworkStep::RemovalNeeded(_)) => {
            "That did not work, and the lock must help: within two minutes do at it what its manual says for removing it."
        }
    };
    sentence.to_owned()
}

fn how_it_ended(kind: RadioKind, ended: &Ended) -> String {
    match (&ended.result, ended.action) {
        (Ok(Success { classes, .. }), Action::Include | Action::Replace | Action::SelfJoin) => {
            let classes: Vec<_> = classes.iter().map(|class| class.name()).collect();
            let with = match (kind, classes.is_empty()) {
                (RadioKind::Zigbee, _) => String::new(),
                (RadioKind::Zwave, true) => ", without security".to_owned(),
                (RadioKind::Zwave, false) => format!(", with {}", classes.join(", ")),
            };
            format!("The lock is in the network{with}. It is asked what it can do, and is ready within two minutes.")
        }
        (Ok(_), Action::Exclude | Action::RemoveFailed) => "The lock is out of the network.".to_owned(),
        (Ok(_), _) => "Done.".to_owned(),
        (Err(failure), _) => match failure.leftover {
            Some(_) => format!(
                "It did not work: {failure}. The lock is in the network without keys, and nobody drives it: take it out."
            ),
            None => format!("It did not work: {failure}."),
        },
    }
}
