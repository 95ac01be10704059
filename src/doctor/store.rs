//! The database, the vault's key, and the last backup.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Condition, Finding};
use crate::backup::Due;
use crate::clock::{Clock, SystemClock};
use crate::config::credentials::{self, KeyError};
use crate::config::{BackupConfig, Config};
use crate::store::{Examination, StoreError, examine};

/// A backup by hand that is older is a cause to ask why.
const OLD_DAYS: u64 = 35;
/// A scheduled one may take this long, with the start of a hub and its sticks.
const LATE: Duration = Duration::from_secs(3600);

pub(super) fn is_in_use(config: &Config) -> bool {
    crate::store::is_in_use(&database(config))
}

fn database(config: &Config) -> PathBuf {
    config.data_dir.join("keyway.db")
}

pub(super) fn look(config: &Config, hub_runs: bool) -> Vec<Finding> {
    let database = database(config);
    if !database.exists() {
        let message = format!("{} is not there yet: the hub makes it when it first starts", database.display());
        return vec![Finding::new("database", Condition::Notice, message)];
    }
    let (key, of_vault) = match credentials::vault_key(&config.data_dir, &database) {
        Ok(key) => (Some(key), None),
        // It was given to the hub and to nobody else.
        Err(KeyError::Lost { .. }) if hub_runs => {
            let message = "the key is the hub's alone (a systemd credential), and opens its database";
            (None, Some(Finding::new("vault", Condition::Fine, message)))
        }
        Err(KeyError::Lost { path, .. }) => {
            let message = format!(
                "no key at {}: fine if systemd gives it to the hub as the credential vault-key; else restore it from a backup",
                path.display()
            );
            (None, Some(Finding::new("vault", Condition::Unknown, message)))
        }
        Err(error) => {
            let closed = matches!(&error, KeyError::Io { source, .. }
                if source.kind() == std::io::ErrorKind::PermissionDenied);
            let condition = if closed { Condition::Unknown } else { Condition::Problem };
            (None, Some(Finding::new("vault", condition, error.to_string())))
        }
    };
    let examined = examine(&database, key.as_deref());
    let mut findings = vec![of_database(&database, &examined)];
    findings.extend(of_vault.or_else(|| of_key(&examined)));
    findings.extend(match &config.backup {
        Some(backup) => Some(of_schedule(backup, hub_runs)),
        None => examined.as_ref().ok().map(of_backup),
    });
    findings
}

fn of_database(path: &Path, examined: &Result<Examination, StoreError>) -> Finding {
    let shown = path.display();
    let (condition, message) = match examined {
        Ok(found) if !found.damage.is_empty() => (
            Condition::Problem,
            format!("{shown} is damaged ({}): stop the hub and restore a backup", found.damage.join("; ")),
        ),
        Ok(Examination { schema: (schema, newest), size, .. }) => {
            let kilobytes = size / 1024;
            let then = if schema < newest { ", which the next start brings up to date" } else { "" };
            (Condition::Fine, format!("{shown} is whole: {kilobytes} kB, schema {schema} of {newest}{then}"))
        }
        Err(error) => (Condition::Problem, error.to_string()),
    };
    Finding::new("database", condition, message)
}

fn of_key(examined: &Result<Examination, StoreError>) -> Option<Finding> {
    match examined.as_ref().ok()?.key_fits? {
        true => Some(Finding::new("vault", Condition::Fine, "the key fits the database")),
        false => Some(Finding::new("vault", Condition::Problem, StoreError::WrongKey.to_string())),
    }
}

fn of_backup(found: &Examination) -> Finding {
    let now = SystemClock::default().now().utc;
    let Some(made) = found.last_backup else {
        let message = "none was made in the last 30 days: `keyway backup`, or [backup] in the configuration";
        return Finding::new("backup", Condition::Notice, message);
    };
    let days = made.until(now).as_secs() / 86_400;
    let message = format!("the last was made at {made}, {days} days ago");
    Finding::new("backup", if days > OLD_DAYS { Condition::Notice } else { Condition::Fine }, message)
}

fn of_schedule(backup: &BackupConfig, hub_runs: bool) -> Finding {
    let now = SystemClock::default().now().utc;
    let place = backup.shelf.directory.display();
    let (condition, message) = match backup.shelf.newest(now) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            (Condition::Unknown, format!("{place} is closed to you: run this as root or as the user keyway"))
        }
        Err(error) => (Condition::Problem, format!("{place} can't be read ({error}): see that it is there")),
        Ok(None) => {
            (Condition::Notice, format!("none is in {place} yet: the hub makes the first one soon after its start"))
        }
        Ok(Some(made)) => {
            let days = made.until(now).as_secs() / 86_400;
            let message = format!("the newest scheduled one in {place} was made at {made}, {days} days ago");
            match Due::of(&backup.calendar, Some(made), now) {
                Due::Since(due) if due.until(now) > LATE => {
                    let condition = if hub_runs { Condition::Problem } else { Condition::Notice };
                    let why = "the hub makes it when it runs, and tells in `keyway status` why it can't";
                    (condition, format!("{message}, and another is due since {due}: {why}"))
                }
                Due::Since(_) | Due::Not(_) | Due::Never => (Condition::Fine, message),
            }
        }
    };
    Finding::new("backup", condition, message)
}
