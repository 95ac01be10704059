//! How the hub does: its version, its clock, its sticks, and counts.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::broker::BrokerResource;
use super::call::{Call, Surroundings};
use super::outcome::{Failure, response};
use super::request::request;
use super::sticks::StickResource;
use crate::model::Timestamp;
use crate::store::{StoreError, Unit};

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
    /// Why: `synchronized`, `kept`, `battery` or `configured`; or why not: `behind` or `unconfirmed`.
    clock: &'static str,
    /// Why the time may not be acted on, and what to do; absent: it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_problem: Option<String>,
    /// The MQTT broker; absent: none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<BrokerResource>,
    /// What is wrong with the hub itself, each with what to do: its clock, its broker, its sticks, its backups.
    problems: Vec<String>,
    sticks: Vec<StickResource>,
    devices: usize,
    devices_online: usize,
    /// Those that are neither deleted nor over.
    access_grants: usize,
    /// When the next guest may come in; absent: none is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_arrival_at: Option<Timestamp>,
    /// When the next grant is over; absent: none will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_departure_at: Option<Timestamp>,
}

pub(super) fn health(unit: &mut Unit<'_>, surroundings: &Surroundings) -> Result<Health, StoreError> {
    let devices = unit.devices()?;
    let next = unit.next_edges()?;
    let sticks = surroundings.sticks.iter().map(|(name, status)| StickResource::new(name, status)).collect::<Vec<_>>();
    Ok(Health {
        version: env!("CARGO_PKG_VERSION"),
        clock_trusted: surroundings.clock.is_good(),
        clock: surroundings.clock.name(),
        clock_problem: surroundings.clock.problem(),
        broker: surroundings.broker.as_ref().map(BrokerResource::new),
        problems: problems(surroundings, &sticks),
        sticks,
        devices: devices.len(),
        devices_online: devices.iter().filter(|device| device.state.online).count(),
        access_grants: unit.current_grants()?,
        next_arrival_at: next.arrival,
        next_departure_at: next.departure,
    })
}

fn problems(surroundings: &Surroundings, sticks: &[StickResource]) -> Vec<String> {
    let of_broker = surroundings.broker.iter().flat_map(|broker| broker.problems().map(str::to_owned));
    let of_sticks = sticks.iter().filter_map(StickResource::named_problem);
    let of_backups = surroundings.backup_problem.clone();
    surroundings.clock.problem().into_iter().chain(of_broker).chain(of_sticks).chain(of_backups).collect()
}
