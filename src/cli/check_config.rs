//! `keyway check-config`: what the hub would be told, in a few lines.

use std::path::PathBuf;

use crate::config::{Config, DEFAULT_PATH, MqttConfig, ZwaveLock, ZwaveStick};

use super::say;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config::read(&arguments.config)?;
    for line in summary(&config) {
        say(line);
    }
    for warning in &config.warnings {
        say(format_args!("warning: {warning}"));
    }
    say(format_args!("{} can be used.", arguments.config.display()));
    Ok(())
}

/// Never a secret, only whether there is one.
fn summary(config: &Config) -> Vec<String> {
    let mut lines = vec![format!("hub {}: data in {}", config.hub_name, config.data_dir.display())];
    lines.extend(config.mqtt.as_ref().map(broker));
    lines.extend(config.http.as_ref().map(|http| format!("HTTP at http://{}", http.listen)));
    for stick in &config.zwave {
        lines.extend(lines_of(stick));
    }
    lines
        .extend(config.zigbee.iter().map(|stick| format!("stick {}: {}, {:?}", stick.name, stick.port, stick.adapter)));
    lines
}

fn broker(mqtt: &MqttConfig) -> String {
    let user = match (&mqtt.username, &mqtt.password) {
        (Some(name), Some(_)) => format!("user {name} with a password"),
        (Some(name), None) => format!("user {name} without a password"),
        (None, _) => "no user name".to_owned(),
    };
    format!("broker {}:{}: {user}, client id {}", mqtt.host, mqtt.port, mqtt.client_id)
}

fn lines_of(stick: &ZwaveStick) -> Vec<String> {
    let mut lines = vec![format!("stick {}: {}", stick.name, stick.port)];
    lines.extend(stick.locks.iter().map(|(node, lock)| format!("  lock {node}: {}, {}", lock.name, security(lock))));
    lines
}

fn security(lock: &ZwaveLock) -> String {
    if lock.security.is_empty() {
        return "no encryption".to_owned();
    }
    // The highest class first: that is the one used.
    let names: Vec<String> = lock.security.iter().rev().map(|class| format!("{class:?}")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_of_each_lock_and_shows_no_secret() {
        let text = r#"
            [mqtt]
            url = "mqtt://broker"
            username = "keyway"
            password = "hush"
            [[zwave]]
            port = "tcp://coordinator:6638"
            keys.s2_access_control = "11111111111111111111111111111101"
            locks = [{ node = 2, name = "Front door", security = ["s2_access_control"] }]
        "#;
        let lines = summary(&Config::parse("keyway.toml", text).unwrap());
        assert_eq!(lines[1], "broker broker:1883: user keyway with a password, client id keyway-home");
        assert_eq!(lines[2], "HTTP at http://127.0.0.1:5399");
        assert_eq!(lines[3], "stick zwave: tcp://coordinator:6638");
        assert_eq!(lines[4], "  lock 2: Front door, S2AccessControl");
        assert!(!lines.concat().contains("hush"));
    }
}
