//! An MQTT broker inside the process, on loopback.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context;
use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};
use tokio::net::TcpStream;

/// The port that everybody tries first.
const USUAL: u16 = 1883;
/// How long it may take to listen.
const STARTS_WITHIN: Duration = Duration::from_secs(5);

/// Starts it; it ends with the process. Gives its port, the usual one if that is free.
///
/// It speaks MQTT 5 only: told to speak 3.1.1 as well, it drops those clients at the first message with properties.
pub(super) async fn start() -> anyhow::Result<u16> {
    let port = free_port()?;
    let config = Config {
        router: RouterConfig {
            max_connections: 100,
            max_outgoing_packet_count: 200,
            max_segment_size: 1 << 20,
            max_segment_count: 10,
            ..RouterConfig::default()
        },
        v5: Some(HashMap::from([("demo".to_owned(), server(port))])),
        ..Config::default()
    };
    // Its `start` returns only when it fails.
    std::thread::Builder::new().name("broker".to_owned()).spawn(move || drop(Broker::new(config).start()))?;
    tokio::time::timeout(STARTS_WITHIN, listening(port))
        .await
        .with_context(|| format!("the demo's broker does not listen on port {port}; was it taken just now?"))?;
    Ok(port)
}

/// The broker opens the port by itself and can't tell which it got, so one is tried out here.
fn free_port() -> anyhow::Result<u16> {
    let on = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = on(USUAL).or_else(|_| on(0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

fn server(port: u16) -> ServerSettings {
    let connections = ConnectionSettings {
        connection_timeout_ms: 5000,
        max_payload_size: 1 << 20,
        max_inflight_count: 100,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    ServerSettings {
        name: "demo".to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        tls: None,
        next_connection_delay_ms: 1,
        connections,
    }
}

async fn listening(port: u16) {
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
