//! `keyway import-keys`: the keys of a network that another program began.

use std::path::{Path, PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use super::super::reading::body;
use super::super::{Session, Task, Trouble};
use super::guide::Guide;
use super::{begin, settings};

/// More than any settings.
const MOST: u64 = 16 * 1024 * 1024;

#[derive(clap::Args)]
#[command(after_help = "FILE is one of\n  \
                  settings.json in the store folder of Z-Wave JS UI, or that folder\n  \
                  the options of Home Assistant's Z-Wave JS (its configuration page, \"Edit in YAML\", saved to a file)\n  \
                  core.config_entries in the .storage folder of Home Assistant\n  \
                  the options of zwave-js as JSON (securityKeys, securityKeysLongRange)")]
pub(in crate::cli) struct ImportKeys {
    /// The other program's settings; - reads them from stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The stick, if there are several.
    #[arg(long, value_name = "STICK")]
    network: Option<String>,
}

impl Task for ImportKeys {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        if session.hub.is_exposed() {
            return Err(Trouble::Usage(
                "keys are not sent over a connection that others can read: run this on the hub's own machine, or reach it \
                 by https"
                    .to_owned(),
            ));
        }
        let text = if self.file == Path::new("-") { session.console.read_all()? } else { read(&self.file)? };
        let found =
            settings::read(&text).map_err(|wrong| Trouble::Usage(format!("{}: {wrong}", self.file.display())))?;
        let names: Vec<&str> = found.keys().map(|name| name.name()).collect();
        let mut request = body([("network", self.network.clone().map(Into::into))]);
        for (name, digits) in &found {
            request[name.name()] = Value::String(digits.to_string());
        }
        begin(session, "networks/import_keys", &request)?;
        session.console.note(format_args!("Found: {}.", names.join(", ")));
        Guide::new(self.network).follow(session)?;
        let done = "They are the network's keys now, sealed in the hub's database. (The file still shows them to whoever can \
                    read it.)\nThe locks that the other program added are asked next, and are in `keyway devices` within a few \
                    minutes;\n`keyway sticks` names those that can't be reached.";
        if session.json { Ok(()) } else { session.console.say(done) }
    }
}

fn read(file: &Path) -> Result<Zeroizing<String>, Trouble> {
    let file = if file.is_dir() { file.join("settings.json") } else { file.to_owned() };
    let trouble = |reason: String| Trouble::Usage(format!("{}: {reason}", file.display()));
    let length = std::fs::metadata(&file).map_err(|error| trouble(error.to_string()))?.len();
    if length > MOST {
        return Err(trouble("is too large for settings".to_owned()));
    }
    std::fs::read_to_string(&file).map(Zeroizing::new).map_err(|error| trouble(error.to_string()))
}
