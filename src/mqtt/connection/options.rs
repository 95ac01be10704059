//! What the hub asks of a connection: where the broker is, by which way, and how much at once.

use rumqttc::{AckMode, LastWill, MqttOptions, NetworkOptions, QoS, TlsConfiguration, Transport};

use super::Message;
use crate::config::{MqttConfig, MqttTls, Secret};

/// Seconds of silence after which broker and hub give each other up.
const KEEP_ALIVE_SECONDS: u16 = 15;
/// The largest packet taken from the broker, in bytes. Far above any request, so that one that is too large can be
/// answered with an error rather than with silence.
const LARGEST_PACKET: u32 = 32 << 20;
/// Messages that the broker may send before the first of them is acknowledged.
const UNACKNOWLEDGED: u16 = 64;
/// And the hub, if the broker takes so many (mosquitto takes 20). The crate makes room for all of them at once: left to
/// itself, 16 MB for 65535.
const UNDER_WAY: u16 = 256;

/// # Errors
/// The broker's address is none to the MQTT crate.
pub(super) fn options(config: &MqttConfig, will: Option<Message>) -> Result<MqttOptions, String> {
    let mut options = way(config)?;
    options.set_keep_alive(KEEP_ALIVE_SECONDS);
    options.set_max_packet_size(Some(LARGEST_PACKET));
    options.set_receive_maximum(Some(UNACKNOWLEDGED));
    options.set_outgoing_inflight_upper_limit(UNDER_WAY);
    options.set_ack_mode(AckMode::Manual);
    // An answer is small and follows an acknowledgement: it must not wait until the broker has confirmed that.
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    if let Some(will) = will {
        options.set_last_will(LastWill::new(will.topic, will.payload, QoS::AtLeastOnce, will.retain, None));
    }
    match (&config.username, &config.password) {
        (Some(name), Some(password)) => {
            options.set_credentials(name, password.expose().to_owned());
        }
        (Some(name), None) => {
            options.set_username(name);
        }
        (None, _) => {}
    }
    Ok(options)
}

/// TCP or a WebSocket, each also within TLS.
fn way(config: &MqttConfig) -> Result<MqttOptions, String> {
    if let Some(path) = &config.websocket {
        return websocket(config, path);
    }
    let mut options = MqttOptions::new(&config.client_id, (config.host.clone(), config.port));
    if let Some(tls) = &config.tls {
        options.set_transport(Transport::tls_with_config(tls_with(tls)));
    }
    Ok(options)
}

#[cfg(feature = "websocket")]
fn websocket(config: &MqttConfig, path: &str) -> Result<MqttOptions, String> {
    let refused = |url: &str, error: rumqttc::OptionError| format!("mqtt.url {url}: {error}");
    // An IPv6 address stands in brackets in a URL.
    let host = if config.host.contains(':') { format!("[{}]", config.host) } else { config.host.clone() };
    let address = format!("{host}:{}{path}", config.port);
    match &config.tls {
        Some(tls) => {
            let url = format!("wss://{address}");
            MqttOptions::websocket_with_tls_config(&config.client_id, &url, tls_with(tls))
                .map_err(|error| refused(&url, error))
        }
        None => {
            let url = format!("ws://{address}");
            let broker = rumqttc::Broker::websocket(&url).map_err(|error| refused(&url, error))?;
            Ok(MqttOptions::new(&config.client_id, broker))
        }
    }
}

#[cfg(not(feature = "websocket"))]
fn websocket(_: &MqttConfig, _: &str) -> Result<MqttOptions, String> {
    Err("this program was built without WebSockets".to_owned())
}

fn tls_with(tls: &MqttTls) -> TlsConfiguration {
    let bytes = |pem: &Secret| pem.expose().as_bytes().to_vec();
    TlsConfiguration::Simple {
        ca: bytes(&tls.authorities),
        alpn: None,
        client_auth: tls.client.as_ref().map(|(certificate, key)| (bytes(certificate), bytes(key))),
    }
}
