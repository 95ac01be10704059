//! Builds the stage: broker, stick, locks, and the same daemon as `keyway run` between them.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use keyway_virtual::{zigbee, zwave};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::say;
use super::super::virtual_stick::{MakeStick, Server, zigbee_stick, zwave_stick};
use super::doors::Door;
use super::host::Host;
use super::story::{Facts, Story};
use super::{Arguments, broker};
use crate::clock::ClockPolicy;
use crate::config::{Config, MqttConfig, UnlockRules, ZigbeeStick, ZwaveLock, ZwaveStick};
use crate::daemon::{self, DaemonError};
use crate::logging;

/// The hub's name in topics.
const HUB: &str = "demo";
/// The guest's doors, each by its name and its lock's number: one of those of the Z-Wave stick …
const FRONT_DOOR: (&str, u16) = ("Front door", 2);
/// … and the one of the Zigbee stick.
const STUDIO: (&str, u16) = ("Studio", 5);

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
    let setup = zwave::demo_setup();
    let zwave_stick = serve(zwave_stick(setup.clone())).await?;
    let zigbee_stick = serve(zigbee_stick(zigbee_setup())).await?;
    let config = Config {
        clock: ClockPolicy::Always,
        hub_name: HUB.to_owned(),
        data_dir: folder.path().to_owned(),
        mqtt: Some(mqtt(port)),
        homeassistant: None,
        backup: None,
        // A hub at work may have the port; the story is told over MQTT.
        http: None,
        zwave: vec![zwave(&setup, zwave_stick.port)?],
        zigbee: vec![zigbee(zigbee_stick.port)?],
        warnings: Vec::new(),
    };
    say(format_args!(
        "Keyway's demo. In this process: an MQTT broker (127.0.0.1:{port}), a Z-Wave stick in software with three locks\n\
         ({}), a Zigbee stick with one ({}), and the hub between them, with its database in a\n\
         temporary folder. All else is real: the MQTT, the bytes of the Serial API and of EZSP, the Security 2 encryption.\n",
        zwave_stick.port, zigbee_stick.port
    ));
    let (stop, stopped) = watch::channel(false);
    let mut hub = tokio::spawn(daemon::run(config, stopped));
    let doors = [
        Door::connect(FRONT_DOOR.0, FRONT_DOOR.1, zwave_stick.control).await?,
        Door::connect(STUDIO.0, STUDIO.1, zigbee_stick.control).await?,
    ];
    let mut story = Story::new(Host::connect(port, HUB).await?, doors);
    let outcome = tokio::select! {
        facts = story.tell() => facts.map(Some),
        ended = ended(&mut hub) => Err(ended),
        _ = tokio::signal::ctrl_c() => Ok(None),
    };
    let outcome = match outcome {
        Ok(Some(facts)) if !once => {
            say(invitation(port, [zwave_stick.control, zigbee_stick.control], &facts));
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
    zwave_stick.serving.abort();
    zigbee_stick.serving.abort();
    outcome
}

/// A virtual stick that is served.
struct Served {
    /// Where the hub connects to.
    port: SocketAddr,
    /// Where the locks are handled.
    control: SocketAddr,
    serving: JoinHandle<anyhow::Result<()>>,
}

async fn serve(stick: MakeStick) -> anyhow::Result<Served> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(any, Some(any), stick).await?;
    let (port, control) = (server.listening()?, server.controlled()?.context("no control port")?);
    Ok(Served { port, control, serving: tokio::spawn(server.serve()) })
}

/// A stick without a network, and a lock fresh from its box.
fn zigbee_setup() -> zigbee::StickSetup {
    let (name, node) = STUDIO;
    let lock = zigbee::LockSetup { joined: false, ..zigbee::LockSetup::new(node, name) };
    zigbee::StickSetup { locks: vec![lock], ..zigbee::demo_setup() }
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
        websocket: None,
        host: Ipv4Addr::LOCALHOST.to_string(),
        port,
        username: None,
        password: None,
        client_id: format!("keyway-{HUB}"),
        unlock: UnlockRules::default(),
    }
}

fn zwave(setup: &zwave::StickSetup, stick: SocketAddr) -> anyhow::Result<ZwaveStick> {
    let lock =
        |lock: &zwave::LockSetup| (lock.node, ZwaveLock { name: lock.name.clone(), security: lock.security.clone() });
    Ok(ZwaveStick {
        name: "zwave".to_owned(),
        port: format!("tcp://{stick}").parse().map_err(anyhow::Error::msg)?,
        soft_reset: false,
        quirks: keyway_zwave::quirks::Quirks::built_in(),
        keys: setup.keys.clone(),
        locks: setup.locks.iter().map(lock).collect(),
    })
}

fn zigbee(stick: SocketAddr) -> anyhow::Result<ZigbeeStick> {
    Ok(ZigbeeStick {
        name: "zigbee".to_owned(),
        port: format!("tcp://{stick}").parse().map_err(anyhow::Error::msg)?,
        adapter: None,
        quirks: keyway_zigbee::quirks::Quirks::built_in(),
        install_codes_only: false,
    })
}

/// What to do with a hub that runs: lines to be copied.
fn invitation(port: u16, controls: [SocketAddr; 2], facts: &Facts) -> String {
    let (door, grant) = (&facts.device_id, &facts.access_grant_id);
    let [front_door, studio] = controls.map(|control| control.port());
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
         \necho '{{\"node\":2,\"keypad\":\"4711\"}}' | nc -q1 127.0.0.1 {front_door}\
         \necho '{{\"node\":2,\"turn\":\"lock\"}}' | nc -q1 127.0.0.1 {front_door}\
         \necho '{{\"node\":2,\"fault\":{{\"offline\":true}}}}' | nc -q1 127.0.0.1 {front_door}\
         \necho '{{\"get\":\"state\"}}' | nc -q1 127.0.0.1 {front_door}\
         \necho '{{\"node\":5,\"keypad\":\"4711\"}}' | nc -q1 127.0.0.1 {studio}\n"
    )
}
