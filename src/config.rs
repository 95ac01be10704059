//! The configuration file: TOML in, [`Config`] out; an error names its key and its line and says what would be right.

mod backup;
pub mod credentials;
mod mqtt;
mod raw;
mod unlock;
mod zigbee;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use keyway_zigbee::quirks as zigbee_quirks;
use keyway_zwave::node::NodeId;
use keyway_zwave::quirks::Quirks;
use keyway_zwave::security::{NetworkKeys, SecurityClass};
use toml::Spanned;
use zeroize::Zeroizing;

pub use self::unlock::{Unlock, UnlockRules};
use crate::backup::Shelf;
use crate::clock::ClockPolicy;
use crate::model::Calendar;
use crate::radio::PortAddress;

/// Where `keyway run` looks when no `--config` is given.
pub const DEFAULT_PATH: &str = "/etc/keyway/keyway.toml";

/// Everything the daemon is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The hub's name: the second level of its MQTT topics.
    pub hub_name: String,
    /// Where the database and the vault's key file live.
    pub data_dir: PathBuf,
    /// What is asked for before the clock is trusted.
    pub clock: ClockPolicy,
    /// The broker; `None`: the hub works without one.
    pub mqtt: Option<MqttConfig>,
    /// What Home Assistant is told over MQTT; `None`: nothing.
    pub homeassistant: Option<HomeAssistantConfig>,
    /// The HTTP door; `None`: it stays shut.
    pub http: Option<HttpConfig>,
    /// Backups by a schedule; `None`: they are made by hand only.
    pub backup: Option<BackupConfig>,
    /// Z-Wave sticks.
    pub zwave: Vec<ZwaveStick>,
    /// Zigbee sticks.
    pub zigbee: Vec<ZigbeeStick>,
    /// Things that work but should be known, in plain words.
    pub warnings: Vec<String>,
}

/// How to reach the MQTT broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttConfig {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the two know each other; `None`: no TLS.
    pub tls: Option<MqttTls>,
    /// MQTT within a WebSocket at this path, such as `/mqtt`; `None`: right on TCP or TLS.
    pub websocket: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// Client id; by default `keyway-<hub>`.
    pub client_id: String,
    /// Which locks a message unlocks.
    pub unlock: UnlockRules,
}

/// How hub and broker know each other over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttTls {
    /// Authorities whose word on the broker is taken, in PEM.
    pub authorities: Secret,
    /// The hub's own certificate and its key, in PEM, for brokers that ask for them.
    pub client: Option<(Secret, Secret)>,
}

/// What Home Assistant is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeAssistantConfig {
    /// First level of the topics where it looks for devices.
    pub discovery_prefix: String,
}

/// Where the HTTP door is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Address and port to listen at; with port 0 the system chooses one, which the log tells.
    pub listen: SocketAddr,
    /// The file with the API key of the programs on this machine: `local.key` in the data directory.
    pub local_key: PathBuf,
}

/// Backups by a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupConfig {
    /// When they are made.
    pub calendar: Calendar,
    /// Where, and how many are kept.
    pub shelf: Shelf,
    /// Under what; `None`: none was given, or it is a credential that only the hub gets.
    pub passphrase: Option<Secret>,
}

/// A Z-Wave stick and the locks behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZwaveStick {
    /// Name in logs and in the store; unique.
    pub name: String,
    /// Where it is.
    pub port: PortAddress,
    /// Whether it is restarted by a soft reset when it is opened.
    pub soft_reset: bool,
    /// What is peculiar about models of locks: what is built in, and the user's own over it.
    pub quirks: Quirks,
    /// The network's keys.
    pub keys: NetworkKeys,
    /// The locks to drive.
    pub locks: BTreeMap<NodeId, ZwaveLock>,
}

/// A Zigbee stick. Its locks are those that joined its network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZigbeeStick {
    /// Name in logs and in the store; unique.
    pub name: String,
    /// Where it is.
    pub port: PortAddress,
    /// Whose protocol it speaks; `None`: it is found out.
    pub adapter: Option<ZigbeeAdapter>,
    /// What is peculiar about models of locks: what is built in, and the user's own over it.
    pub quirks: zigbee_quirks::Quirks,
    /// No device is let in without its install code.
    pub install_codes_only: bool,
}

/// What a Zigbee stick speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZigbeeAdapter {
    /// Silicon Labs: EZSP over ASH.
    Ezsp,
    /// Texas Instruments: ZNP.
    Znp,
}

/// A lock in a Z-Wave network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZwaveLock {
    /// The host's name for it.
    pub name: String,
    /// The classes its network granted it at inclusion; empty: none.
    pub security: Vec<SecurityClass>,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes it.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Why a configuration can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error(
        "{path}: {reason}. Give another file with --config, or put one there: config/keyway.toml of the sources explains every key."
    )]
    Unreadable {
        /// Which file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A line is wrong.
    #[error("{path}, line {line}: {message}")]
    Line {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// The key, what is wrong with it, and what would be right. Never the value of a secret.
        message: String,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`], with the file and the line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: shown.clone(), reason: error.to_string() })?;
        let text = Zeroizing::new(text);
        let mut config = Self::parse(&shown, &text)?;
        if config.holds_secrets() && credentials::readable_by_others(path) {
            config.warnings.push(format!("{shown} holds keys or passwords and others may read it: chmod o-r {shown}"));
        }
        Ok(config)
    }

    /// Checks a text; `path` is only shown in errors.
    ///
    /// # Errors
    /// [`ConfigError::Line`].
    pub fn parse(path: &str, text: &str) -> Result<Self, ConfigError> {
        let line_of = |span: Range<usize>| text[..span.start.min(text.len())].matches('\n').count() + 1;
        let error = |span: Option<Range<usize>>, message: String| ConfigError::Line {
            path: path.to_owned(),
            line: line_of(span.unwrap_or(0..0)),
            message,
        };
        let file: raw::File = toml::from_str(text).map_err(|e| error(e.span(), without_value(e.message())))?;
        let mut config =
            file.check().map_err(|wrong| error(Some(wrong.span), format!("`{}` {}", wrong.key, wrong.message)))?;
        if config.zwave.is_empty() && config.zigbee.is_empty() {
            config.warnings.insert(
                0,
                format!(
                    "no stick is configured, so there is no lock: name yours under [[zwave]] or [[zigbee]] in {path} \
                     (`ls /dev/serial/by-id` shows it), and start the hub again"
                ),
            );
        }
        Ok(config)
    }

    fn holds_secrets(&self) -> bool {
        self.mqtt.as_ref().is_some_and(|mqtt| mqtt.password.is_some())
            || self.zwave.iter().any(|stick| stick.keys != NetworkKeys::default())
    }
}

/// The parser's message without the value it quotes, which may be a key or a password.
fn without_value(message: &str) -> String {
    match (message.strip_prefix("invalid "), message.rsplit_once("expected ")) {
        (Some(_), Some((_, expected))) => format!("wrong type or value: expected {expected}"),
        _ => message.to_owned(),
    }
}

/// A value that is well-formed TOML but not right.
struct Wrong {
    span: Range<usize>,
    key: &'static str,
    message: String,
}

fn wrong<T>(value: &Spanned<T>, key: &'static str, message: impl Into<String>) -> Wrong {
    Wrong { span: value.span(), key, message: message.into() }
}

/// Reads a class by its name, in whatever spelling: `s2_access_control`, `S2_AccessControl`.
fn security_class(name: &str) -> Option<SecurityClass> {
    match name.to_ascii_lowercase().replace('_', "").as_str() {
        "s2accesscontrol" => Some(SecurityClass::S2AccessControl),
        "s2authenticated" => Some(SecurityClass::S2Authenticated),
        "s2unauthenticated" => Some(SecurityClass::S2Unauthenticated),
        "s0" | "s0legacy" => Some(SecurityClass::S0),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
