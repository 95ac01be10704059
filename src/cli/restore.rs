//! `keyway restore`: what `keyway backup` took away, or what there was before a migration, is brought back, while no hub
//! runs.

use std::path::{Path, PathBuf};

use super::client::{Console, Trouble};
use crate::backup::{Restore, RestoreError};
use crate::clock::{self, Clock, SystemClock};
use crate::config::{Config, DEFAULT_PATH, credentials};
use crate::store;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The backup; or `keyway.db.schema-….backup` in the data directory, the copy of the database that a newer keyway made
    /// before it changed its schema, for an older one to go on with.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The hub's configuration file, which says where its data is.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
    /// Write the memory in the backup to this stick when the hub next meets it, if it has this network then, which is lost:
    /// `zwave=1234abcd`, or `zigbee=none` for a Zigbee stick that holds no network. Without it, the hub leaves a stick with another network alone, and says what to do.
    #[arg(long, value_name = "STICK=NETWORK", value_parser = stick)]
    write_stick: Vec<(String, String)>,
    /// Don't ask.
    #[arg(long, short)]
    yes: bool,
}

fn stick(text: &str) -> Result<(String, String), String> {
    let (stick, network) = text.split_once('=').ok_or("write the stick's name, '=', and its network")?;
    let has_digits = matches!(network.len(), 8 | 16) && network.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !has_digits && network != "none" {
        return Err(
            "a network has 8 hexadecimal digits (Z-Wave) or 16 (Zigbee); a Zigbee stick can have none".to_owned()
        );
    }
    Ok((stick.to_owned(), network.to_owned()))
}

pub(super) fn run(arguments: Arguments) -> Result<(), Trouble> {
    let config = Config::read(&arguments.config).map_err(|error| Trouble::Usage(error.to_string()))?;
    let mut console = Console::of_this_process();
    let mut seed = [0; 32];
    clock::entropy(&mut seed).map_err(|error| Trouble::Failed(format!("no randomness: {error}")))?;
    let now = SystemClock::default().now().utc;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| Trouble::Failed(error.to_string()))?;
    let failed = |error: RestoreError| Trouble::Failed(error.to_string());
    let (file, data_dir) = (arguments.file.as_path(), config.data_dir.as_path());
    let restore = if is_database(file)? {
        let key = credentials::vault_key(data_dir, file).map_err(|error| Trouble::Failed(error.to_string()))?;
        Restore::prepare_copy(file, key, data_dir, now, seed)
    } else {
        let passphrase = console.read_secret("The backup's passphrase")?;
        runtime.block_on(Restore::prepare(file, &passphrase, data_dir, now, seed))
    };
    let restore = restore.map_err(failed)?;
    let data = config.data_dir.display().to_string();
    console.note(plan(&restore, &data, &arguments.write_stick).join("\n"));
    console.confirm("Do it?", arguments.yes)?;
    let aside = runtime.block_on(restore.carry_out(arguments.write_stick)).map_err(failed)?;
    if let Some(aside) = aside {
        console.say(format_args!("What was there before is in {}.", aside.display()))?;
    }
    console.say("Restored. Start the hub now; keyway sticks shows how its sticks do.")
}

fn is_database(file: &Path) -> Result<bool, Trouble> {
    store::is_database(file).map_err(|error| Trouble::Failed(format!("{}: {error}", file.display())))
}

/// What will happen, before it happens.
fn plan(restore: &Restore, data: &str, over: &[(String, String)]) -> Vec<String> {
    let now = "Grants, codes and webhooks are as they were then; what the locks hold now is read from them.".to_owned();
    let Some(manifest) = &restore.manifest else {
        let what = "A database as it was before a newer keyway changed its schema.".to_owned();
        return vec![what, format!("The database in {data} is replaced; what is there is kept beside it."), now];
    };
    let mut lines = vec![format!("A backup of the hub {}, of {}.", manifest.hub, manifest.made_at)];
    lines.push(match restore.replaces {
        true => format!("The database and the vault's key in {data} are replaced; what is there is kept beside them."),
        false => format!("The database and the vault's key are put into {data}."),
    });
    for stick in &manifest.sticks {
        let name = &stick.name;
        let memory = restore.memories.iter().find(|memory| memory.stick == *name);
        let ordered = over.iter().find(|(stick, _)| stick == name);
        lines.push(match (memory, ordered) {
            (None, _) => format!("Stick {name}: no memory is in the backup; the stick must be the one that it was."),
            (Some(memory), Some((_, network))) => format!(
                "Stick {name}: the memory of the network {} is WRITTEN to it at the next start, over the network {network}, \
                 which is lost. A stick of any other network is left alone.",
                memory.network
            ),
            (Some(memory), None) => format!(
                "Stick {name}: nothing is written to it. If it is not the one of the network {}, the hub leaves it alone and \
                 says how to write the memory to it.",
                memory.network
            ),
        });
    }
    lines.push(now);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stick_is_named_with_the_network_that_is_written_over() {
        assert_eq!(stick("zwave=1234abcd"), Ok(("zwave".to_owned(), "1234abcd".to_owned())));
        assert_eq!(stick("zigbee=none"), Ok(("zigbee".to_owned(), "none".to_owned())));
        assert!(stick("zigbee=00124b001caabbcc").is_ok());
        assert!(stick("zwave").is_err() && stick("zwave=").is_err() && stick("zwave=1234abcg").is_err());
    }
}
