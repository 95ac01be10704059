//! The `[backup]` section: when backups are made by themselves, where, how many, and under what passphrase.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::{BackupConfig, Secret, Wrong, credentials, wrong};
use crate::backup::{SHORTEST_PASSPHRASE, Shelf};
use crate::model::Calendar;

/// Kept unless it is told otherwise.
const KEEP: usize = 4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Backup {
    schedule: Spanned<String>,
    time_zone: Option<Spanned<String>>,
    directory: Option<Spanned<PathBuf>>,
    keep: Option<Spanned<usize>>,
    passphrase_file: Option<Spanned<PathBuf>>,
}

impl Backup {
    pub(super) fn check(self, hub_name: &str, data_dir: &Path) -> Result<BackupConfig, Wrong> {
        let time_zone = self.time_zone.as_ref().map(|name| name.get_ref().as_str());
        let calendar = Calendar::new(self.schedule.get_ref(), time_zone).map_err(|error| match &self.time_zone {
            Some(name) if error.field == "time_zone" => wrong(name, "backup.time_zone", error.message),
            Some(_) | None => wrong(&self.schedule, "backup.schedule", error.message),
        })?;
        let own = data_dir.join("backups");
        let directory = match &self.directory {
            Some(directory) if !directory.get_ref().is_absolute() => {
                return Err(wrong(
                    directory,
                    "backup.directory",
                    "should be a whole path, such as \"/media/usb/keyway\"",
                ));
            }
            Some(directory) => directory.get_ref().clone(),
            None => own.clone(),
        };
        let keep = match &self.keep {
            Some(keep) => {
                NonZeroUsize::new(*keep.get_ref()).ok_or_else(|| wrong(keep, "backup.keep", "should be 1 or more"))?
            }
            None => NonZeroUsize::new(KEEP).unwrap_or(NonZeroUsize::MIN),
        };
        let passphrase = match &self.passphrase_file {
            Some(file) => Some(passphrase(file)?),
            None => credentials::credential("backup-passphrase"),
        };
        let shelf = Shelf { own: directory == own, directory, hub: hub_name.to_owned(), keep };
        Ok(BackupConfig { calendar, shelf, passphrase })
    }
}

fn passphrase(file: &Spanned<PathBuf>) -> Result<Secret, Wrong> {
    const KEY: &str = "backup.passphrase_file";
    let secret = credentials::read_secret(file.get_ref())
        .map_err(|reason| wrong(file, KEY, format!("can't be read: {reason}")))?;
    if secret.expose().chars().count() < SHORTEST_PASSPHRASE {
        return Err(wrong(
            file,
            KEY,
            format!("should have at least {SHORTEST_PASSPHRASE} characters in its first line"),
        ));
    }
    if credentials::readable_by_others(file.get_ref()) {
        return Err(wrong(file, KEY, format!("may be read by others: chmod o-r {}", file.get_ref().display())));
    }
    Ok(secret)
}
