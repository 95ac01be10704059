//! The `[mqtt]` section: where the broker is, and how it and the hub know each other.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::unlock::{self, Unlock};
use super::{MqttConfig, MqttTls, Secret, Wrong, credentials, wrong};

/// Authorities that the system trusts, as Debian keeps them.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where brokers have their WebSocket, unless told otherwise; mosquitto has it everywhere.
const USUAL_PATH: &str = "/mqtt";
const NO_WEBSOCKETS: &str = "asks for WebSockets, and this program was built without them: build it with \
                             `--features websocket`, or use mqtt:// or mqtts://";

/// What `mqtt.url` says.
struct Address {
    host: String,
    port: u16,
    /// Its path, if it is one.
    websocket: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mqtt {
    url: Spanned<String>,
    username: Option<String>,
    password: Option<String>,
    password_file: Option<Spanned<PathBuf>>,
    client_id: Option<String>,
    ca_file: Option<Spanned<PathBuf>>,
    certificate_file: Option<Spanned<PathBuf>>,
    key_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    unlock: Unlock,
    unlock_code: Option<Spanned<String>>,
    unlock_code_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    unlock_of: BTreeMap<Spanned<String>, Unlock>,
}

impl Mqtt {
    pub(super) fn check(self, hub_name: &str) -> Result<MqttConfig, Wrong> {
        let address = self.address()?;
        let tls = self.tls()?;
        let password = match (self.password, self.password_file) {
            (Some(text), None) => Some(Secret::new(text)),
            (None, Some(file)) => Some(
                credentials::read_secret(file.get_ref())
                    .map_err(|reason| wrong(&file, "mqtt.password_file", format!("can't be read: {reason}")))?,
            ),
            (None, None) => credentials::credential("mqtt-password"),
            (Some(_), Some(file)) => {
                return Err(wrong(&file, "mqtt.password_file", "and `mqtt.password` are both given: keep one"));
            }
        };
        let unlock = unlock::Keys {
            unlock: self.unlock,
            code: self.unlock_code,
            file: self.unlock_code_file,
            single: self.unlock_of,
        };
        let unlock = unlock.check(&self.url)?;
        let client_id = self.client_id.unwrap_or_else(|| format!("keyway-{hub_name}"));
        let Address { host, port, websocket } = address;
        Ok(MqttConfig { host, port, tls, websocket, username: self.username, password, client_id, unlock })
    }

    fn is_tls(&self) -> bool {
        ["mqtts://", "wss://"].iter().any(|way| self.url.get_ref().starts_with(way))
    }

    fn address(&self) -> Result<Address, Wrong> {
        const RIGHT: &str = "should be \"mqtt://host:port\", such as \"mqtt://127.0.0.1:1883\", \"mqtts://host:port\" for \
                             TLS, or \"ws://host:port/path\" and \"wss://host:port/path\" for WebSockets";
        let refuse = |message: &str| wrong(&self.url, "mqtt.url", message);
        let (way, rest) = self.url.get_ref().split_once("://").ok_or_else(|| refuse(RIGHT))?;
        let (usual_port, is_websocket) = match way {
            "mqtt" => (1883, false),
            "mqtts" => (8883, false),
            "ws" => (80, true),
            "wss" => (443, true),
            _ => return Err(refuse(RIGHT)),
        };
        let (address, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        if rest.contains('@') {
            return Err(refuse("should not hold the password: use `username` and `password`"));
        }
        let path = path.trim_end_matches('/');
        let is_in_urls = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%?=&".contains(&byte);
        if !path.is_empty() && !is_websocket || !path.bytes().all(is_in_urls) {
            return Err(refuse(RIGHT));
        }
        if is_websocket && !cfg!(feature = "websocket") {
            return Err(refuse(NO_WEBSOCKETS));
        }
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| refuse(RIGHT))?),
            _ => (address, usual_port),
        };
        if host.is_empty() {
            return Err(refuse(RIGHT));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = if path.is_empty() { USUAL_PATH } else { path };
        Ok(Address { host, port, websocket: is_websocket.then(|| path.to_owned()) })
    }

    fn tls(&self) -> Result<Option<MqttTls>, Wrong> {
        const NO_TLS: &str = "is only for TLS: let mqtt.url begin with mqtts:// or wss://";
        let files = [
            (&self.ca_file, "mqtt.ca_file"),
            (&self.certificate_file, "mqtt.certificate_file"),
            (&self.key_file, "mqtt.key_file"),
        ];
        if !self.is_tls() {
            let misplaced = files.iter().find_map(|(file, key)| Some((file.as_ref()?, *key)));
            return misplaced.map_or(Ok(None), |(file, key)| Err(wrong(file, key, NO_TLS)));
        }
        let authorities = match &self.ca_file {
            Some(file) => pem(file, "mqtt.ca_file", "CERTIFICATE")?,
            None => fs::read_to_string(SYSTEM_AUTHORITIES).map(Secret::new).map_err(|reason| {
                let message = format!("asks for TLS, and {SYSTEM_AUTHORITIES} can't be read: {reason}. Give a ca_file");
                wrong(&self.url, "mqtt.url", message)
            })?,
        };
        let client = match (&self.certificate_file, &self.key_file) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                let certificate = pem(certificate, "mqtt.certificate_file", "CERTIFICATE")?;
                Some((certificate, pem(key, "mqtt.key_file", "PRIVATE KEY")?))
            }
            (Some(file), None) => return Err(wrong(file, "mqtt.certificate_file", "needs mqtt.key_file as well")),
            (None, Some(file)) => return Err(wrong(file, "mqtt.key_file", "needs mqtt.certificate_file as well")),
        };
        Ok(Some(MqttTls { authorities, client }))
    }
}

/// A file in PEM with at least one of `what` in it.
fn pem(file: &Spanned<PathBuf>, key: &'static str, what: &str) -> Result<Secret, Wrong> {
    let text = fs::read_to_string(file.get_ref());
    let text = text.map_err(|reason| wrong(file, key, format!("can't be read: {reason}")))?;
    let secret = Secret::new(text);
    if !secret.expose().contains(&format!("{what}-----")) {
        return Err(wrong(file, key, format!("holds no {what} in PEM (-----BEGIN …-----)")));
    }
    Ok(secret)
}
