//! How the hub does in numbers, in Prometheus' text format (version 0.0.4). Labels hold ids and names of locks and sticks,
//! never a person or a code.

use std::fmt::{Display, Write};

use keyway_lock::StickState;

use super::Hub;
use super::call::Surroundings;
use crate::store::{StoreError, Unit};

/// The door that events wait for when the broker is away.
const DOOR: &str = "mqtt";

impl Hub {
    /// All of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn metrics(&self) -> Result<String, StoreError> {
        let surroundings = self.surroundings();
        self.read(move |unit| text(unit, &surroundings)).await
    }
}

fn text(unit: &mut Unit<'_>, surroundings: &Surroundings) -> Result<String, StoreError> {
    let mut text = Text::default();
    text.gauge("keyway_build_info", "The release that runs.");
    text.value("keyway_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.gauge("keyway_clock_trusted", "Whether the time may be acted on.");
    text.value("keyway_clock_trusted", &[("why", surroundings.clock.name())], u8::from(surroundings.clock.is_good()));
    text.gauge("keyway_access_grants", "Grants that are neither deleted nor over.");
    text.value("keyway_access_grants", &[], unit.current_grants()?);
    text.gauge("keyway_database_bytes", "Size of the database.");
    text.value("keyway_database_bytes", &[], unit.size()?);
    if let Some(broker) = &surroundings.broker {
        text.gauge("keyway_broker_connected", "Whether there is a connection to the MQTT broker.");
        text.value("keyway_broker_connected", &[], u8::from(broker.connected));
        text.counter("keyway_broker_connections_total", "Connections to the MQTT broker since the hub started.");
        text.value("keyway_broker_connections_total", &[], broker.connections);
        text.gauge("keyway_broker_problems", "Things that the broker refuses.");
        text.value("keyway_broker_problems", &[], broker.problems().count());
        text.gauge("keyway_events_waiting", "Events that the MQTT broker does not have yet.");
        let waiting = unit.newest_event()?.saturating_sub(unit.cursor(DOOR)?);
        text.value("keyway_events_waiting", &[], waiting);
    }
    text.counter("keyway_events_total", "Events since the database was made.");
    text.value("keyway_events_total", &[], unit.newest_event()?);
    text.gauge("keyway_stick_ready", "Whether a stick works.");
    for (name, stick) in &surroundings.sticks {
        let ready = matches!(stick.state, StickState::Ready(_));
        text.value("keyway_stick_ready", &[("stick", name)], u8::from(ready));
    }
    of_locks(unit, &mut text)?;
    Ok(text.0)
}

fn of_locks(unit: &mut Unit<'_>, text: &mut Text) -> Result<(), StoreError> {
    let devices: Vec<_> = unit.devices()?.into_iter().map(|device| (device.device_id.to_string(), device)).collect();
    text.gauge("keyway_lock_online", "Whether a lock answered when last spoken to.");
    for (id, device) in &devices {
        let labels = [("device_id", id.as_str()), ("name", &device.name)];
        text.value("keyway_lock_online", &labels, u8::from(device.state.online));
    }
    text.gauge("keyway_lock_battery_ratio", "Charge of a lock's battery, 0 to 1.");
    for (id, device) in &devices {
        if let Some(percent) = device.state.battery_percent {
            text.value("keyway_lock_battery_ratio", &[("device_id", id)], f32::from(percent) / 100.0);
        }
    }
    text.gauge("keyway_lock_last_seen_timestamp_seconds", "When a lock was last heard.");
    for (id, device) in &devices {
        if let Some(seen) = device.state.last_seen {
            let seconds = seen.as_microsecond() / 1_000_000;
            text.value("keyway_lock_last_seen_timestamp_seconds", &[("device_id", id)], seconds);
        }
    }
    text.gauge("keyway_lock_codes", "Codes that a lock holds or may hold, by what is known of them.");
    for (device, state, codes) in unit.codes_in_locks()? {
        text.value("keyway_lock_codes", &[("device_id", &device.to_string()), ("state", &state)], codes);
    }
    Ok(())
}

/// Families with their samples. Writing into a text can't fail.
#[derive(Default)]
struct Text(String);

impl Text {
    fn gauge(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn counter(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} counter");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

/// As a label's value is written.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotes_and_lines_does_not_break_out_of_its_label() {
        let mut text = Text::default();
        text.value("x", &[("name", "the \"back\"\ndoor\\"), ("id", "7")], 0.5);
        assert_eq!(text.0, "x{name=\"the \\\"back\\\"\\ndoor\\\\\",id=\"7\"} 0.5\n");
    }
}
