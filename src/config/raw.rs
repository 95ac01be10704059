//! The file as it is written; [`File::check`] makes a [`Config`] of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use keyway_lock::QuirksError;
use keyway_zwave::node::NodeId;
use keyway_zwave::quirks::Quirks;
use keyway_zwave::security::{NetworkKey, NetworkKeys, SecurityClass};
use serde::Deserialize;
use toml::Spanned;

use crate::clock::ClockPolicy;
use crate::radio::{Line, PortAddress};

use super::backup::Backup;
use super::mqtt::Mqtt;
use super::zigbee::Zigbee;
use super::{Config, HomeAssistantConfig, HttpConfig, Wrong, ZwaveLock, ZwaveStick, security_class, wrong};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    hub: Hub,
    #[serde(default)]
    clock: Clock,
    mqtt: Option<Mqtt>,
    backup: Option<Backup>,
    #[serde(default)]
    homeassistant: HomeAssistant,
    #[serde(default)]
    http: Http,
    #[serde(default)]
    zwave: Vec<Zwave>,
    #[serde(default)]
    zigbee: Vec<Zigbee>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Hub {
    name: Option<Spanned<String>>,
    data_dir: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Clock {
    trust: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct HomeAssistant {
    enabled: Option<bool>,
    discovery_prefix: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Http {
    enabled: Option<bool>,
    listen: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Zwave {
    name: Option<Spanned<String>>,
    port: Spanned<String>,
    baud: Option<Spanned<u32>>,
    #[serde(default)]
    soft_reset: bool,
    quirks: Option<Spanned<PathBuf>>,
    #[serde(default)]
    keys: Keys,
    #[serde(default)]
    locks: Vec<Lock>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Keys {
    s2_access_control: Option<Spanned<String>>,
    s2_authenticated: Option<Spanned<String>>,
    s2_unauthenticated: Option<Spanned<String>>,
    s0: Option<Spanned<String>>,
    long_range_s2_access_control: Option<Spanned<String>>,
    long_range_s2_authenticated: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    node: Spanned<u16>,
    name: Option<String>,
    security: Spanned<Vec<Spanned<String>>>,
}

impl File {
    pub(super) fn check(self) -> Result<Config, Wrong> {
        let hub_name = match self.hub.name {
            Some(name) => topic_level(&name, "hub.name")?,
            None => "home".to_owned(),
        };
        let data_dir = self.hub.data_dir.unwrap_or_else(super::credentials::state_directory);
        let clock = self.clock.check()?;
        let mqtt = self.mqtt.map(|mqtt| mqtt.check(&hub_name)).transpose()?;
        let homeassistant = self.homeassistant.check()?.filter(|_| mqtt.is_some());
        let http = self.http.check(&data_dir)?;
        let backup = self.backup.map(|backup| backup.check(&hub_name, &data_dir)).transpose()?;
        let mut zwave = Vec::new();
        let mut names = BTreeSet::new();
        for (index, stick) in self.zwave.into_iter().enumerate() {
            let span = stick.port.span();
            let stick = stick.check(index)?;
            if !names.insert(stick.name.clone()) {
                let message = format!("is \"{}\" twice: give each stick another name", stick.name);
                return Err(Wrong { span, key: "zwave.name", message });
            }
            zwave.push(stick);
        }
        let mut zigbee = Vec::new();
        for (index, stick) in self.zigbee.into_iter().enumerate() {
            let span = stick.span();
            let stick = stick.check(index)?;
            if !names.insert(stick.name.clone()) {
                let message = format!("is \"{}\" twice: give each stick another name", stick.name);
                return Err(Wrong { span, key: "zigbee.name", message });
            }
            zigbee.push(stick);
        }
        let mut warnings = Vec::new();
        match &http {
            Some(http) if !http.listen.ip().is_loopback() => warnings.push(format!(
                "http.listen {} is open to other machines and this hub speaks no TLS: keys and PINs can be read on the \
                 way; put a proxy with TLS before it",
                http.listen
            )),
            None if mqtt.is_none() => {
                warnings.push("no [mqtt] broker is configured and [http] is off: nobody can ask for grants".to_owned())
            }
            Some(_) | None => {}
        }
        Ok(Config { hub_name, data_dir, clock, mqtt, homeassistant, http, backup, zwave, zigbee, warnings })
    }
}

impl Clock {
    fn check(self) -> Result<ClockPolicy, Wrong> {
        match &self.trust {
            None => Ok(ClockPolicy::default()),
            Some(trust) => match trust.get_ref().as_str() {
                "proof" => Ok(ClockPolicy::Proof),
                "always" => Ok(ClockPolicy::Always),
                _ => Err(wrong(trust, "clock.trust", "should be \"proof\" or \"always\"")),
            },
        }
    }
}

impl HomeAssistant {
    fn check(self) -> Result<Option<HomeAssistantConfig>, Wrong> {
        let discovery_prefix = match &self.discovery_prefix {
            Some(prefix) => topic_level(prefix, "homeassistant.discovery_prefix")?,
            None => "homeassistant".to_owned(),
        };
        Ok(self.enabled.unwrap_or(true).then_some(HomeAssistantConfig { discovery_prefix }))
    }
}

impl Http {
    /// Where the door is unless it is told otherwise: this machine only.
    const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5399);

    fn check(self, data_dir: &Path) -> Result<Option<HttpConfig>, Wrong> {
        const RIGHT: &str = "should be an address and a port, such as \"127.0.0.1:5399\" or \"[::1]:5399\"";
        let listen = match &self.listen {
            Some(text) => text.get_ref().parse().map_err(|_| wrong(text, "http.listen", RIGHT))?,
            None => Self::LISTEN,
        };
        let config = HttpConfig { listen, local_key: data_dir.join("local.key") };
        Ok(self.enabled.unwrap_or(true).then_some(config))
    }
}

impl Zwave {
    fn check(self, index: usize) -> Result<ZwaveStick, Wrong> {
        let name = match &self.name {
            Some(name) => topic_level(name, "zwave.name")?,
            None if index == 0 => "zwave".to_owned(),
            None => format!("zwave{}", index + 1),
        };
        let port = port_of(&self.port, &self.baud, ["zwave.port", "zwave.baud"], &[Line::USUAL])?;
        let quirks = match &self.quirks {
            Some(file) => Quirks::built_in().and(quirks(file, "zwave.quirks", Quirks::parse)?),
            None => Quirks::built_in(),
        };
        let keys = self.keys.check()?;
        let mut locks = BTreeMap::new();
        for lock in self.locks {
            let node = NodeId::new(*lock.node.get_ref()).ok_or_else(|| {
                wrong(&lock.node, "zwave.locks.node", "should be 1 to 232, or 256 to 4000 for Long Range")
            })?;
            let security = lock.classes(&keys.of(node))?;
            let name = lock.name.unwrap_or_else(|| format!("Lock {node}"));
            if locks.insert(node, ZwaveLock { name, security }).is_some() {
                return Err(wrong(&lock.node, "zwave.locks.node", format!("is {node} twice")));
            }
        }
        Ok(ZwaveStick { name, port, soft_reset: self.soft_reset, quirks, keys, locks })
    }
}

/// A stick's port; `keys` are those of port and baud. `lines` are the ways to speak with it if no speed is given.
pub(super) fn port_of(
    port: &Spanned<String>,
    baud: &Option<Spanned<u32>>,
    keys: [&'static str; 2],
    lines: &[Line],
) -> Result<PortAddress, Wrong> {
    let mut address: PortAddress = port.get_ref().parse().map_err(|message: String| wrong(port, keys[0], message))?;
    match (&mut address, baud) {
        (PortAddress::Serial { lines: all, .. }, None) => *all = lines.to_vec(),
        (PortAddress::Serial { lines: all, .. }, Some(baud)) if *baud.get_ref() > 0 => {
            *all = lines.iter().map(|line| Line { baud: *baud.get_ref(), ..*line }).collect();
            all.dedup();
        }
        (PortAddress::Serial { .. }, Some(baud)) => {
            return Err(wrong(baud, keys[1], "should be the speed in bit/s, usually 115200"));
        }
        (PortAddress::Tcp { .. }, Some(baud)) => {
            return Err(wrong(baud, keys[1], "has no meaning for a tcp:// port: leave it out"));
        }
        (PortAddress::Tcp { .. }, None) => {}
    }
    Ok(address)
}

/// A user's own file of quirks.
pub(super) fn quirks<Q>(
    file: &Spanned<PathBuf>,
    key: &'static str,
    parse: fn(&str) -> Result<Q, QuirksError>,
) -> Result<Q, Wrong> {
    let text =
        std::fs::read_to_string(file.get_ref()).map_err(|error| wrong(file, key, format!("can't be read: {error}")))?;
    parse(&text).map_err(|error| wrong(file, key, format!("is not what it should be: {error}")))
}

impl Keys {
    fn check(self) -> Result<NetworkKeys, Wrong> {
        let key = |text: Option<Spanned<String>>, name| {
            text.map(|text| {
                NetworkKey::read(text.get_ref()).ok_or_else(|| wrong(&text, name, "should be 32 hexadecimal digits"))
            })
            .transpose()
        };
        Ok(NetworkKeys {
            s0: key(self.s0, "zwave.keys.s0")?,
            s2_unauthenticated: key(self.s2_unauthenticated, "zwave.keys.s2_unauthenticated")?,
            s2_authenticated: key(self.s2_authenticated, "zwave.keys.s2_authenticated")?,
            s2_access_control: key(self.s2_access_control, "zwave.keys.s2_access_control")?,
            long_range_s2_authenticated: key(
                self.long_range_s2_authenticated,
                "zwave.keys.long_range_s2_authenticated",
            )?,
            long_range_s2_access_control: key(
                self.long_range_s2_access_control,
                "zwave.keys.long_range_s2_access_control",
            )?,
        })
    }
}

impl Lock {
    fn classes(&self, keys: &NetworkKeys) -> Result<Vec<SecurityClass>, Wrong> {
        const KEY: &str = "zwave.locks.security";
        let mut classes = Vec::new();
        for name in self.security.get_ref() {
            let class = security_class(name.get_ref()).ok_or_else(|| {
                let known = "one of s2_access_control, s2_authenticated, s2_unauthenticated, s0";
                wrong(name, KEY, format!("has \"{}\", which should be {known}", name.get_ref()))
            })?;
            if keys.get(class).is_none() {
                let message = format!("has \"{}\", whose key is missing under [zwave.keys]", name.get_ref());
                return Err(wrong(name, KEY, message));
            }
            classes.push(class);
        }
        classes.sort_unstable();
        classes.dedup();
        Ok(classes)
    }
}

/// A name that can be one level of an MQTT topic.
pub(super) fn topic_level(name: &Spanned<String>, key: &'static str) -> Result<String, Wrong> {
    let text = name.get_ref();
    let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if fits { Ok(text.clone()) } else { Err(wrong(name, key, "should be letters, digits, '-', '_' and '.' only")) }
}
