//! How the hub does: its version, its clock, its sticks, and counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyway_lock::StickState;
use serde::Serialize;
use utoipa::ToSchema;

use super::call::{Call, Surroundings};
use super::outcome::{Failure, response};
use super::request::request;
use crate::store::{StoreError, Unit};

/// How each configured stick does, by its name.
pub type Sticks = BTreeMap<Arc<str>, StickState>;

request! {
    /// Tells how the hub does: its version, its clock, its sticks, and counts.
    pub(super) struct GetHealth {}
}

response!(OneHealth { health: Health });

pub(super) fn get(call: &mut Call<'_, '_>, _: GetHealth) -> Result<OneHealth, Failure> {
    let surroundings = Arc::clone(call.surroundings());
    Ok(OneHealth { health: health(call, &surroundings)? })
}

/// How the hub does.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    version: &'static str,
    /// Whether the time may be acted on: while it may not, no code is set or cleared because of time.
    clock_trusted: bool,
    sticks: Vec<Stick>,
    devices: usize,
    devices_online: usize,
    /// Those that are neither deleted nor over.
    access_grants: usize,
}

/// How a stick does.
#[derive(Serialize, ToSchema)]
struct Stick {
    name: String,
    /// `starting`, `ready`, `failed` or `gone`.
    state: &'static str,
    /// The network that it is the controller of.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// What is wrong, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub(super) fn health(unit: &mut Unit<'_>, surroundings: &Surroundings) -> Result<Health, StoreError> {
    let devices = unit.devices()?;
    Ok(Health {
        version: env!("CARGO_PKG_VERSION"),
        clock_trusted: surroundings.clock_trusted,
        sticks: surroundings.sticks.iter().map(|(name, state)| stick(name, state)).collect(),
        devices: devices.len(),
        devices_online: devices.iter().filter(|device| device.state.online).count(),
        access_grants: unit.current_grant_ids()?.len(),
    })
}

fn stick(name: &str, state: &StickState) -> Stick {
    let told = |state, problem: Option<&str>| Stick {
        name: name.to_owned(),
        state,
        network: None,
        firmware: None,
        model: None,
        problem: problem.map(str::to_owned),
    };
    match state {
        StickState::Starting => told("starting", None),
        StickState::Ready(info) => Stick {
            network: Some(info.network.clone()),
            firmware: Some(info.firmware.clone()),
            model: Some(info.model.clone()),
            ..told("ready", None)
        },
        StickState::Failed(problem) => told("failed", Some(problem)),
        StickState::Gone => told("gone", Some("its port can't be opened: is it plugged in? see the log")),
    }
}
