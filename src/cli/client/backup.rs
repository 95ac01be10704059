//! `keyway backup`: everything that the hub has, in one encrypted file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Session, Task, Trouble};
use crate::backup::{self, BackupError, Manifest};

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
        let part = Part::new(&self.file)?;
        part.fill(session.hub.back_up(&passphrase)?)?;
        // What can't be read is worth nothing: it is found out now, not on the day that it is needed.
        let manifest = part.check(&passphrase)?;
        part.keep(&self.file)?;
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

/// The file while it is being written; gone if it is not kept.
struct Part(PathBuf);

impl Part {
    fn new(file: &Path) -> Result<Self, Trouble> {
        let mut name = file.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        match std::fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&part, &error)),
            Ok(()) | Err(_) => Ok(Self(part)),
        }
    }

    fn fill(&self, mut from: impl Read) -> Result<(), Trouble> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.0);
        let mut file = made.map_err(|error| failed(&self.0, &error))?;
        let copied = io::copy(&mut from, &mut file).and_then(|_| file.flush()).and_then(|()| file.sync_all());
        copied.map_err(|error| Trouble::Failed(format!("the backup broke off ({error}): see the hub's log")))
    }

    fn check(&self, passphrase: &str) -> Result<Manifest, Trouble> {
        let file = File::open(&self.0).map_err(|error| failed(&self.0, &error))?;
        let read = backup::read(BufReader::new(file), passphrase, &mut io::sink());
        let broken = |error: BackupError| Trouble::Failed(format!("{error}: see the hub's log, and make it again"));
        read.map(|(manifest, _)| manifest).map_err(broken)
    }

    fn keep(&self, file: &Path) -> Result<(), Trouble> {
        std::fs::rename(&self.0, file).map_err(|error| failed(file, &error))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is not there any more when it was kept.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn failed(path: &Path, error: &io::Error) -> Trouble {
    Trouble::Failed(format!("{}: {error}", path.display()))
}
