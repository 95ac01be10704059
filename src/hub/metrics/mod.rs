//! How the hub does in numbers, for Prometheus. Labels hold ids and names of locks and sticks, and words of which there are
//! few: never a person or a code. docs/metrics.md lists them.

mod locks;
mod text;

use keyway_lock::{StickState, Traffic};

use self::text::Text;
use super::Hub;
use super::call::Surroundings;
use crate::store::{CodeChange, StoreError, Tally, Unit};

/// The door that events wait for when the broker is away.
const DOOR: &str = "mqtt";

impl Hub {
    /// All of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn metrics(&self) -> Result<String, StoreError> {
        let surroundings = self.surroundings();
        let job = move |unit: &mut Unit<'_>| {
            let mut text = Text::default();
            of_hub(unit, &surroundings, &mut text)?;
            of_broker(unit, &surroundings, &mut text)?;
            of_sticks(&surroundings, &mut text);
            locks::of_locks(unit, &mut text)?;
            Ok(text)
        };
        let mut text = self.read(job).await?;
        // Behind the rest: what that shows is counted.
        of_work(&self.store.tally(), &mut text);
        Ok(text.end())
    }
}

fn of_hub(unit: &mut Unit<'_>, surroundings: &Surroundings, text: &mut Text) -> Result<(), StoreError> {
    text.gauge("keyway_build_info", "The release that runs.");
    text.value("keyway_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.gauge("keyway_clock_trusted", "Whether the time may be acted on.");
    text.value("keyway_clock_trusted", &[("why", surroundings.clock.name())], u8::from(surroundings.clock.is_good()));
    text.gauge("keyway_access_grants", "Grants that are neither deleted nor over.");
    text.value("keyway_access_grants", &[], unit.current_grants()?);
    text.gauge("keyway_database_bytes", "Size of the database.");
    text.value("keyway_database_bytes", &[], unit.size()?);
    text.gauge("keyway_backup_failing", "Whether the backups by a schedule fail.");
    text.value("keyway_backup_failing", &[], u8::from(surroundings.backup_problem.is_some()));
    Ok(())
}

fn of_broker(unit: &mut Unit<'_>, surroundings: &Surroundings, text: &mut Text) -> Result<(), StoreError> {
    let Some(broker) = &surroundings.broker else { return Ok(()) };
    text.gauge("keyway_broker_connected", "Whether there is a connection to the MQTT broker.");
    text.value("keyway_broker_connected", &[], u8::from(broker.connected));
    text.counter("keyway_broker_connections_total", "Connections to the MQTT broker since the hub started.");
    text.value("keyway_broker_connections_total", &[], broker.connections);
    text.gauge("keyway_broker_problems", "Things that the broker refuses.");
    text.value("keyway_broker_problems", &[], broker.problems().count());
    text.gauge("keyway_events_waiting", "Events that the MQTT broker does not have yet.");
    let waiting = unit.newest_event()?.saturating_sub(unit.cursor(DOOR)?);
    text.value("keyway_events_waiting", &[], waiting);
    Ok(())
}

/// What a family counts, how it is told, and how it is read.
type Family = (&'static str, &'static str, fn(&Traffic) -> u64);

fn of_sticks(surroundings: &Surroundings, text: &mut Text) {
    text.gauge("keyway_stick_ready", "Whether a stick works.");
    for (name, stick) in &surroundings.sticks {
        let ready = matches!(stick.state, StickState::Ready(_));
        text.value("keyway_stick_ready", &[("stick", name)], u8::from(ready));
    }
    let families: [Family; 4] = [
        ("sent", "Frames whose sending has ended, well or not.", |traffic| traffic.sent),
        ("repeated", "Frames that arrived, but needed another attempt or route.", |traffic| traffic.repeated),
        ("unanswered", "Frames that were not acknowledged.", |traffic| traffic.unanswered),
        ("received", "Frames that came in.", |traffic| traffic.received),
    ];
    for (what, help, count) in families {
        let family = format!("keyway_radio_frames_{what}_total");
        text.counter(&family, help);
        for name in surroundings.sticks.keys() {
            if let Some(traffic) = surroundings.orders.traffic(name) {
                text.value(&family, &[("stick", name)], count(&traffic));
            }
        }
    }
}

/// What was done since the hub started.
fn of_work(tally: &Tally, text: &mut Text) {
    text.counter("keyway_events_total", "Events since the hub started, by their type.");
    for (event, count) in &tally.events {
        text.value("keyway_events_total", &[("event_type", event.name())], count);
    }
    let family = "keyway_code_write_duration_seconds";
    text.histogram(family, "How long a lock took for a change of a code, from the command to its proof or failure.");
    for ((change, proven), spread) in &tally.writes {
        let outcome = if *proven { "proven" } else { "failed" };
        text.spread(family, &[("change", name(*change)), ("outcome", outcome)], spread);
    }
    let family = "keyway_code_delay_seconds";
    text.histogram(family, "How long after its time, or the order for it, a change of a code was proven.");
    for (change, spread) in &tally.delays {
        text.spread(family, &[("change", name(*change))], spread);
    }
}

fn name(change: CodeChange) -> &'static str {
    match change {
        CodeChange::Set => "set",
        CodeChange::Clear => "clear",
    }
}
