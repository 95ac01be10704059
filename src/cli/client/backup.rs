//! `keyway backup`: everything that the hub has, in one encrypted file.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Session, Task, Trouble};
use crate::backup::{BackupError, Manifest, Part};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The file to write; only you will be able to read it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    overwrite: bool,
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        if session.hub.is_exposed() {
            return Err(Trouble::Usage(
                "a backup is not asked for over a connection that others can read: run this on the hub's own machine, or \
                 reach it by https"
                    .to_owned(),
            ));
        }
        if self.file.exists() && !self.overwrite {
            return Err(Trouble::Usage(format!("{} is there already: say --overwrite", self.file.display())));
        }
        let passphrase = session.console.read_new_secret("A passphrase for the backup, 8 characters at least")?;
        session.console.note("Reading the sticks' memories and the database; locks wait for some seconds …");
        let mut part = Part::new(&self.file).map_err(|error| failed(&self.file, &error))?;
        let mut pieces = session.hub.back_up(&passphrase)?;
        io::copy(&mut pieces, part.file())
            .map_err(|error| Trouble::Failed(format!("the backup broke off ({error}): see the hub's log")))?;
        let broken = |error: BackupError| Trouble::Failed(format!("{error}: see the hub's log, and make it again"));
        let manifest = part.check(&passphrase).map_err(broken)?;
        part.keep().map_err(|error| failed(&self.file, &error))?;
        if session.json {
            let told = json!({"file": self.file, "backup": manifest}).to_string();
            return session.console.json(&told);
        }
        session.console.say(told(&self.file, &manifest).join("\n"))
    }
}

fn told(file: &Path, manifest: &Manifest) -> Vec<String> {
    let mut lines = vec![format!("{}: a backup of the hub {}, read back and whole", file.display(), manifest.hub)];
    for stick in &manifest.sticks {
        lines.push(match (&stick.network, &stick.problem) {
            (Some(network), _) => format!("  Stick {}: the memory of the network {network}", stick.name),
            (None, problem) => format!(
                "  Stick {}: NOT its memory of now: {}",
                stick.name,
                problem.as_deref().unwrap_or("it could not be read")
            ),
        });
    }
    lines.push(
        "Keep it away from this machine, and the passphrase away from it: without it nothing can be read.".to_owned(),
    );
    lines
}

fn failed(path: &Path, error: &io::Error) -> Trouble {
    Trouble::Failed(format!("{}: {error}", path.display()))
}
