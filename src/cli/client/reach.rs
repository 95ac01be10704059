//! Where the hub is, and with which key it is spoken to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::config::credentials::read_secret;
use crate::config::{Config, DEFAULT_PATH, HttpConfig, Secret};

use super::trouble::Trouble;

/// Where a hub listens that nobody told anything else.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:5399";

/// How to reach the hub. The same for every command that asks it for something.
#[derive(clap::Args)]
#[command(next_help_heading = "The hub")]
pub(in crate::cli) struct Reach {
    /// Where the hub's HTTP API is, such as http://192.168.1.20:5399. Without it: the environment's KEYWAY_ENDPOINT, else
    /// what the configuration says.
    #[arg(long, value_name = "URL", global = true)]
    endpoint: Option<String>,
    /// A file whose first line is an API key (`keyway keys create` makes keys). Without it: the environment's
    /// KEYWAY_API_KEY, else the key that the hub keeps for this machine, beside its database.
    #[arg(long, value_name = "FILE", global = true)]
    key_file: Option<PathBuf>,
    /// The hub's configuration file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH, global = true)]
    config: PathBuf,
}

/// A hub and a key to it.
#[derive(Debug)]
pub(super) struct Target {
    /// Scheme, host and port, with no slash at the end.
    pub(super) endpoint: String,
    pub(super) key: Secret,
    /// Where the key was found, to be told when the hub does not know it.
    pub(super) key_source: String,
    /// What is sent can be read on its way: it goes to another machine without TLS.
    pub(super) exposed: bool,
}

impl Reach {
    /// Where the hub's configuration is.
    pub(in crate::cli) fn config(&self) -> &Path {
        &self.config
    }

    /// Finds hub and key. `environment` reads a variable.
    pub(super) fn target(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Target, Trouble> {
        let variable = |name| environment(name).filter(|value| !value.trim().is_empty());
        let endpoint = self.endpoint.clone().or_else(|| variable("KEYWAY_ENDPOINT"));
        let endpoint = endpoint.map(|text| checked(&text)).transpose()?;
        let key = match (&self.key_file, variable("KEYWAY_API_KEY")) {
            (Some(file), _) => Some((key_in(file)?, file.display().to_string())),
            (None, Some(key)) => Some((Secret::new(key.trim().to_owned()), "KEYWAY_API_KEY".to_owned())),
            (None, None) => None,
        };
        if let (Some(endpoint), None) = (&endpoint, &key)
            && !is_this_machine(endpoint)
        {
            return Err(Trouble::Usage(format!(
                "{endpoint} is another machine, to which the key of this one is not sent: give a key of that hub with \
                 --key-file or KEYWAY_API_KEY (`keyway keys create` makes one there)"
            )));
        }
        let exposed =
            endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http:") && !is_this_machine(endpoint));
        let target = |endpoint, (key, key_source)| Target { endpoint, key, key_source, exposed };
        match (endpoint, key) {
            (Some(endpoint), Some(key)) => Ok(target(endpoint, key)),
            // A key without the right to read the configuration is what other users of this machine have.
            (None, Some(key)) => match self.configuration() {
                Ok(config) => Ok(target(address(&door(&config)?.listen)?, key)),
                Err(_) => Ok(target(DEFAULT_ENDPOINT.to_owned(), key)),
            },
            (endpoint, None) => {
                let config = self.configuration()?;
                let door = door(&config)?;
                let key = (key_in(&door.local_key)?, door.local_key.display().to_string());
                Ok(target(endpoint.map_or_else(|| address(&door.listen), Ok)?, key))
            }
        }
    }

    fn configuration(&self) -> Result<Config, Trouble> {
        Config::read(&self.config).map_err(|error| {
            Trouble::Usage(format!(
                "{error}\n        It is read for the hub's address and key. Run this as root or as the user keyway, or give \
                 KEYWAY_API_KEY, or --key-file."
            ))
        })
    }
}

fn door(config: &Config) -> Result<&HttpConfig, Trouble> {
    config.http.as_ref().ok_or_else(|| {
        Trouble::Usage(
            "the hub's configuration shuts its HTTP door ([http] enabled = false), by which it is asked".to_owned(),
        )
    })
}

/// Where a hub that listens there is asked on its own machine.
fn address(listen: &SocketAddr) -> Result<String, Trouble> {
    let mut address = *listen;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    if address.port() == 0 {
        let port = "the hub's configuration lets the system choose the port ([http] listen): say which with --endpoint";
        return Err(Trouble::Usage(format!("{port}; the hub's log tells it")));
    }
    Ok(format!("http://{address}"))
}

fn key_in(file: &Path) -> Result<Secret, Trouble> {
    let shown = file.display();
    let key = read_secret(file).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::PermissionDenied => "run this as root or as the user keyway, or use a key of your own",
            std::io::ErrorKind::NotFound => "the hub makes its own when it first runs with [http]",
            _ => "give another with --key-file",
        };
        Trouble::Usage(format!("the key {shown}: {error}: {hint}"))
    })?;
    if key.expose().trim().is_empty() {
        return Err(Trouble::Usage(format!("the key {shown}: its first line is empty")));
    }
    Ok(Secret::new(key.expose().trim().to_owned()))
}

/// `http://host:port` or `https://host:port`, and nothing behind it.
fn checked(text: &str) -> Result<String, Trouble> {
    let text = text.trim().trim_end_matches('/');
    let wrong = |what: &str| Trouble::Usage(format!("the hub's address {what}: write such as {DEFAULT_ENDPOINT}"));
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let authority = rest.ok_or_else(|| wrong("should begin with http:// or https://"))?;
    if authority.contains('@') {
        return Err(wrong("should hold no password"));
    }
    if authority.is_empty() || authority.contains(['/', '?', '#', ' ']) {
        return Err(wrong("should be a host and a port, with nothing behind them"));
    }
    Ok(text.to_owned())
}

/// Whether what is sent there stays on this machine.
pub(super) fn is_this_machine(endpoint: &str) -> bool {
    let authority = endpoint.split("//").nth(1).unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
