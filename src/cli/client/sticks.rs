//! `keyway sticks`: the radio sticks, and what is asked of them beside their locks.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::reading::{items, text};
use super::table::Column::{Text, Whole};
use super::table::Table;
use super::{Session, Task, Trouble, pair};

/// How often it is looked how far a stick is.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The sticks, and how they do.
    List,
    /// Write the memory that is kept of a stick to the one that is plugged in now: its locks need not be added again.
    Restore {
        /// The stick's name.
        stick: String,
        /// The network that the stick has now, which is lost: `keyway sticks` shows it.
        network: String,
        /// A Zigbee stick of Silicon Labs with old firmware takes the address of the one before only once, and keeps it for ever:
        /// it may.
        #[arg(long)]
        burn_address: bool,
        /// Don't ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Work with a stick that is another one than before, and with its network.
    Adopt {
        /// The stick's name.
        stick: String,
        /// The network that the stick has: `keyway sticks` shows it.
        network: String,
    },
    /// Let another controller take a stick out of its network, in which the stick may add no locks; it begins a network of its
    /// own then. Every lock that it knew is forgotten.
    Leave {
        /// The stick's name.
        stick: String,
        /// The network that it leaves, as `keyway sticks` shows it.
        network: String,
        /// Don't ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Write a Zigbee stick's network to a file that zigpy (ZHA) and Zigbee2MQTT read. It holds the network's keys.
    Export {
        /// The stick's name.
        stick: String,
        /// Where to; it must not be there yet.
        file: PathBuf,
    },
    /// Write a network that Zigbee2MQTT (coordinator_backup.json) or ZHA has backed up to a Zigbee stick.
    Import {
        /// The stick's name.
        stick: String,
        /// The network that the stick has now, which is lost: `keyway sticks` shows it.
        network: String,
        /// The backup.
        file: PathBuf,
        /// A Zigbee stick of Silicon Labs with old firmware takes the address of the one before only once, and keeps it for ever:
        /// it may.
        #[arg(long)]
        burn_address: bool,
        /// Don't ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Find the ways between a Z-Wave stick and its locks anew: after repeaters were moved, or when a lock is reached badly.
    /// Codes wait while a lock's turn lasts, up to some minutes.
    RebuildRoutes {
        /// The stick's name.
        stick: String,
        /// Only those of this lock, by its name or id.
        #[arg(long, value_name = "DEVICE")]
        device: Option<String>,
    },
    /// Restart a stick's firmware.
    Restart {
        /// The stick's name.
        stick: String,
    },
    /// Set the region of the world whose frequencies a stick uses.
    Region {
        /// The stick's name.
        stick: String,
        /// Such as europe, usa, usa_long_range, australia_new_zealand.
        region: String,
    },
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        match self.command.unwrap_or(Command::List) {
            Command::List => list(session),
            Command::Restore { stick, network, burn_address, yes } => {
                let question =
                    format!("Write the kept memory to the stick {stick}? Its network {network} is lost by it.");
                session.console.confirm(&question, yes)?;
                let body = json!({"name": stick, "network": network, "burn_address": burn_address});
                order(session, "sticks/restore_memory", &body, "has the network of the kept memory now")
            }
            Command::Adopt { stick, network } => {
                let body = json!({"name": stick, "network": network});
                order(session, "sticks/adopt", &body, "is worked with as it is")
            }
            Command::Leave { stick, network, yes } => {
                let question =
                    format!("Let the stick {stick} leave the network {network}? Every lock in it is forgotten.");
                session.console.confirm(&question, yes)?;
                pair::leave(session, &stick, &network)
            }
            Command::Export { stick, file } => export(session, &stick, &file),
            Command::Import { stick, network, file, burn_address, yes } => {
                let text = std::fs::read_to_string(&file).map(Zeroizing::new);
                let text = text.map_err(|error| Trouble::Failed(format!("{}: {error}", file.display())))?;
                let backup: Value = serde_json::from_str(&text)
                    .map_err(|error| Trouble::Failed(format!("{} is no JSON: {error}", file.display())))?;
                let question = format!(
                    "Write the network in {} to the stick {stick}? Its network {network} is lost by it.",
                    file.display()
                );
                session.console.confirm(&question, yes)?;
                let body = json!({
                    "name": stick, "network": network, "network_backup": backup, "burn_address": burn_address,
                });
                order(session, "sticks/import_network", &body, "has the network of the backup now")
            }
            Command::RebuildRoutes { stick, device } => pair::rebuild_routes(session, &stick, device.as_deref()),
            Command::Restart { stick } => order(session, "sticks/restart", &json!({"name": stick}), "has restarted"),
            Command::Region { stick, region } => {
                let body = json!({"name": stick, "region": region});
                order(session, "sticks/set_region", &body, "uses this region now")
            }
        }
    }
}

fn list(session: &mut Session) -> Result<(), Trouble> {
    let reply = session.call("health/get", &json!({}))?;
    let health = &reply.body["health"];
    if session.json {
        return session.console.json(&json!({"sticks": health["sticks"]}).to_string());
    }
    let mut table = Table::new(&[Whole("NAME"), Whole("STATE"), Whole("NETWORK"), Whole("REGION"), Text("FIRMWARE")]);
    let mut problems = Vec::new();
    for stick in items(health, "sticks") {
        let columns = ["name", "state", "network", "region", "firmware"];
        table.row(columns.map(|column| text(stick, column).to_owned()));
        let problem = text(stick, "problem");
        if !problem.is_empty() {
            problems.push(format!("{}: {problem}", text(stick, "name")));
        }
    }
    session.console.table(&table, "No stick is configured.")?;
    problems.extend(undriven(session));
    for problem in problems {
        session.console.note(problem);
    }
    Ok(())
}

/// What is in the networks and can't be driven; nothing for who may not look.
fn undriven(session: &Session) -> Vec<String> {
    let Ok(reply) = session.call("networks/list", &json!({})) else { return Vec::new() };
    let of = |network: &Value| {
        let kinds = ["leftovers", "unknown_locks"].into_iter().flat_map(|kind| items(network, kind));
        let line =
            |lock: &Value| format!("{}: node {}: {}", text(network, "network"), lock["node"], text(lock, "reason"));
        kinds.map(line).collect::<Vec<_>>()
    };
    items(&reply.body, "networks").iter().flat_map(of).collect()
}

/// The network as the stick has it now, into a file for its owner only.
fn export(session: &mut Session, stick: &str, file: &Path) -> Result<(), Trouble> {
    let failed = |error: std::io::Error| Trouble::Failed(format!("{}: {error}", file.display()));
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    let exported = order(session, "sticks/keep_memory", &json!({"name": stick}), "was read")
        .and_then(|()| session.call("sticks/export_network", &json!({"name": stick})))
        .and_then(|reply| {
            let text = Zeroizing::new(format!("{:#}\n", reply.body["network_backup"]));
            out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(failed)
        });
    if exported.is_err() {
        // Nothing is in it.
        let _ = std::fs::remove_file(file);
    }
    exported?;
    session.console.note(format_args!("Its network is in {}, with its keys: keep it safe.", file.display()));
    Ok(())
}

/// Asks, and waits until it is done.
fn order(session: &mut Session, operation: &str, body: &Value, done: &str) -> Result<(), Trouble> {
    let mut reply = session.call(operation, body)?;
    let mut stick = reply.body["stick"].clone();
    let mut told = None;
    while stick["last_order"]["status"] == "pending" {
        std::thread::sleep(LOOK_EVERY);
        reply = session.call("health/get", &json!({}))?;
        let sticks = items(&reply.body["health"], "sticks");
        stick = sticks.iter().find(|stick| stick["name"] == body["name"]).cloned().unwrap_or_default();
        let percent = stick["percent"].as_u64().map(|percent| percent / 10 * 10);
        if percent.is_some() && percent != told {
            told = percent;
            session.console.note(format_args!("{} %", percent.unwrap_or_default()));
        }
    }
    if session.json {
        session.console.json(&json!({"stick": stick}).to_string())?;
    }
    let order = &stick["last_order"];
    if order["status"] != "success" {
        let error = order["error"].as_str().unwrap_or("the hub was restarted meanwhile: look at it again");
        return Err(Trouble::Failed(error.to_owned()));
    }
    if session.json { Ok(()) } else { session.console.say(format_args!("The stick {} {done}.", text(body, "name"))) }
}
