//! Builds the stage: broker, stick, locks, and the same daemon as `keyway run` between them.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use keyway_virtual::zwave::{StickSetup, demo_setup};
use keyway_zwave::quirks::Quirks;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::say;
use super::super::virtual_stick::{self, Server};
use super::doors::Doors;
use super::host::Host;
use super::story::{Facts, Story};
use super::{Arguments, broker};
use crate::config::{Config, MqttConfig, ZwaveLock, ZwaveStick};
use crate::daemon::{self, DaemonError};
use crate::logging;

/// The hub's name in topics.
const HUB: &str = "demo";

pub(in crate::cli) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // The story is what is to be read; what the log would say stands in it.
    logging::start(arguments.log.as_deref(), "off")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(play(arguments.once));
    runtime.shutdown_background();
    outcome
}

async fn play(once: bool) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("keyway-demo").tempdir().context("no temporary folder")?;
    let port = broker::start().await?;
    let setup = demo_setup();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(any, Some(any), virtual_stick::zwave_stick(setup.clone())).await?;
    let (stick, control) = (server.listening()?, server.controlled()?.context("no control port")?);
    let config = Config {
        hub_name: HUB.to_owned(),
        data_dir: folder.path().to_owned(),
        mqtt: Some(mqtt(port)),
        homeassistant: None,
        // A hub at work may have the port; the story is told over MQTT.
        http: None,
        zwave: vec![zwave(&setup, stick)?],
        zigbee: Vec::new(),
        warnings: Vec::new(),
    };
    say(format_args!(
        "Keyway's demo. In this process: an MQTT broker (127.0.0.1:{port}), a Z-Wave stick in software with three locks\n\
         ({stick}), and the hub between them, with its database in a temporary folder. All else is real: the\n\
         MQTT, the bytes of the stick's Serial API, the Security 2 encryption of the locks.\n"
    ));
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(server.serve());
    let mut hub = tokio::spawn(daemon::run(config, stopped));
    let mut story = Story::new(Host::connect(port, HUB).await?, Doors::connect(control).await?);
    let outcome = tokio::select! {
        facts = story.tell() => facts.map(Some),
        ended = ended(&mut hub) => Err(ended),
        _ = tokio::signal::ctrl_c() => Ok(None),
    };
    let outcome = match outcome {
        Ok(Some(facts)) if !once => {
            say(invitation(port, control, &facts));
            tokio::select! {
                ended = ended(&mut hub) => Err(ended),
                _ = tokio::signal::ctrl_c() => Ok(()),
            }
        }
        outcome => outcome.map(drop),
    };
    stop.send_replace(true);
    if !hub.is_finished() {
        // What it says at its end is of no interest any more.
        let _ = hub.await;
    }
    serving.abort();
    outcome
}

/// Waits for the hub to end, which it should not: why it did.
async fn ended(hub: &mut JoinHandle<Result<(), DaemonError>>) -> anyhow::Error {
    match hub.await {
        Ok(Ok(())) => anyhow::anyhow!("the hub ended"),
        Ok(Err(error)) => error.into(),
        Err(error) => error.into(),
    }
}

fn mqtt(port: u16) -> MqttConfig {
    MqttConfig {
        tls: None,
        host: Ipv4Addr::LOCALHOST.to_string(),
        port,
        username: None,
        password: None,
        client_id: format!("keyway-{HUB}"),
    }
}

fn zwave(setup: &StickSetup, stick: SocketAddr) -> anyhow::Result<ZwaveStick> {
    let lock = |lock: &keyway_virtual::zwave::LockSetup| {
        (lock.node, ZwaveLock { name: lock.name.clone(), security: lock.security.clone() })
    };
    Ok(ZwaveStick {
        name: "zwave".to_owned(),
        port: format!("tcp://{stick}").parse().map_err(anyhow::Error::msg)?,
        soft_reset: false,
        quirks: Quirks::built_in(),
        keys: setup.keys.clone(),
        locks: setup.locks.iter().map(lock).collect(),
    })
}

/// What to do with a hub that runs: lines to be copied.
fn invitation(port: u16, control: SocketAddr, facts: &Facts) -> String {
    let (door, grant) = (&facts.device_id, &facts.access_grant_id);
    let control_port = control.port();
    let pub_ = format!("mosquitto_pub -V mqttv5 -p {port}");
    let until = facts.later;
    format!(
        "\nThe hub runs on until Ctrl-C. To play with it (apt install mosquitto-clients netcat-openbsd;\nthis small broker speaks MQTT 5 only):\n\
         \n# See all that it says, and its answers:\
         \nmosquitto_sub -V mqttv5 -p {port} -v -t 'keyway/{HUB}/#'\n\
         \n# Let somebody in through the front door until {until}; the answer to the second has the PIN:\
         \n{pub_} -t keyway/{HUB}/request/access_grants/create -m '{{\"user_identity\":{{\"full_name\":\"Grace Hopper\"}},\
         \"device_ids\":[\"{door}\"],\"requested_access_methods\":[{{\"mode\":\"code\"}}],\"ends_at\":\"{until}\"}}'\
         \n{pub_} -t keyway/{HUB}/request/access_codes/list -m '{{\"device_id\":\"{door}\"}}'\n\
         \n# Look at what happened, at the grant of the story, and at the doors:\
         \n{pub_} -t keyway/{HUB}/request/events/list -m '{{\"access_grant_id\":\"{grant}\"}}'\
         \n{pub_} -t keyway/{HUB}/request/access_grants/get -m '{{\"access_grant_id\":\"{grant}\"}}'\
         \n{pub_} -t keyway/{HUB}/request/devices/list -m '{{}}'\n\
         \n# Open the door from afar, and lock it:\
         \n{pub_} -t keyway/{HUB}/devices/{door}/set -m UNLOCK\
         \n{pub_} -t keyway/{HUB}/devices/{door}/set -m LOCK\n\
         \n# Be at the door yourself: type a code, turn the bolt, take the lock off the air, see what the locks hold:\
         \necho '{{\"node\":2,\"keypad\":\"4711\"}}' | nc -q1 127.0.0.1 {control_port}\
         \necho '{{\"node\":2,\"turn\":\"lock\"}}' | nc -q1 127.0.0.1 {control_port}\
         \necho '{{\"node\":2,\"fault\":{{\"offline\":true}}}}' | nc -q1 127.0.0.1 {control_port}\
         \necho '{{\"get\":\"state\"}}' | nc -q1 127.0.0.1 {control_port}\n"
    )
}
