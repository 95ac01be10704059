//! The daemon as a process.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Http, Output, Process, SOON, Setup, Signal, wait_until};

/// `keyway run` with a configuration and a database of its own; it logs everything.
pub struct Hub {
    keyway: String,
    log_level: &'static str,
    folder: TempDir,
    process: Option<Process>,
    output: Output,
    starts: usize,
}

impl Hub {
    /// Its name in topics.
    pub const NAME: &'static str = "test";
    /// What it tells the broker, which takes anything: looked for where it must not be.
    pub const PASSWORD: &'static str = "correct-horse-battery";

    /// Writes the configuration, and starts nothing. `stick` is as in the configuration: `tcp://…` or `serial:…`.
    pub fn prepared(keyway: &str, broker_port: u16, stick: &str, setup: &Setup) -> Self {
        let folder = tempfile::Builder::new().prefix("keyway-hub").tempdir().expect("no temporary folder");
        let output = Output::default();
        let hub = Self { keyway: keyway.to_owned(), log_level: "trace", folder, process: None, output, starts: 0 };
        let text = format!(
            "[hub]\nname = \"{}\"\ndata_dir = {:?}\n[clock]\ntrust = \"always\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [mqtt]\nurl = \"mqtt://127.0.0.1:{broker_port}\"\n\
             username = \"keyway\"\npassword = \"{}\"\n{}",
            Self::NAME,
            hub.data_dir(),
            Self::PASSWORD,
            setup.to_toml(stick)
        );
        std::fs::create_dir_all(hub.data_dir()).expect("can't make the data folder");
        std::fs::write(hub.config(), text).expect("can't write the configuration");
        // It holds the network's keys.
        let private = Permissions::from_mode(0o600);
        std::fs::set_permissions(hub.config(), private).expect("can't close the configuration to others");
        hub
    }

    /// Has another stick as well, with its network, from the next start on.
    pub fn add_stick(&self, stick: &str, setup: &Setup) {
        let text = std::fs::read_to_string(self.config()).expect("the configuration is there");
        std::fs::write(self.config(), text + &setup.to_toml(stick)).expect("can't write the configuration");
    }

    /// The same, logging only what matters, when it is ready, and where its HTTP door is.
    pub fn quiet(self) -> Self {
        Self { log_level: "warn,keyway::daemon::service=info,keyway::http=info", ..self }
    }

    /// Starts it.
    pub fn start(&mut self) {
        assert!(self.process.is_none(), "the hub runs already");
        let mut command = Command::new(&self.keyway);
        command.arg("run").arg("--config").arg(self.config()).env("RUST_LOG", self.log_level);
        self.starts += 1;
        self.process = Some(Process::start("keyway", &mut command, &self.output));
    }

    /// Its HTTP door, as soon as it is open, with the key of the programs on its machine. It must log infos.
    pub fn http(&self) -> Http {
        const OPEN: &str = "listening at http://";
        let address = wait_until("the HTTP door is open", SOON, || {
            let lines = self.output.lines();
            let mut told = lines.iter().filter_map(|line| line.split_once(OPEN));
            told.nth(self.starts - 1).map(|(_, address)| address.to_owned())
        });
        Http::new(address, self.local_key())
    }

    /// The key in its `local.key`.
    pub fn local_key(&self) -> String {
        let path = self.data_dir().join("local.key");
        std::fs::read_to_string(path).expect("no local key").trim().to_owned()
    }

    /// The power goes.
    pub fn kill(&mut self) {
        self.end(Signal::Kill);
    }

    /// Asks it to end; how long that took.
    pub fn end(&mut self, signal: Signal) -> (Duration, ExitStatus) {
        let mut process = self.process.take().expect("the hub does not run");
        process.end(signal, SOON)
    }

    /// Whether it runs; false also when it has ended by itself.
    pub fn runs(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| !process.has_ended())
    }

    /// Its process's number, in this run.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the hub does not run").id()
    }

    /// Processor time that it has used, in this run.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("Linux tells of processes");
        // After the name in parentheses, from field 3: utime and stime are fields 14 and 15, in ticks of 10 ms.
        let fields = stat.rsplit_once(')').expect("a name in parentheses").1.split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Memory that it has, in bytes.
    pub fn memory(&self) -> u64 {
        self.told("status", "VmRSS:") * 1024
    }

    /// Bytes that it has read, from files and sockets, in this run.
    pub fn bytes_read(&self) -> u64 {
        self.told("io", "rchar:")
    }

    /// A number that Linux tells of it.
    fn told(&self, file: &str, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.id())).expect("Linux tells of processes");
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it");
        line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
    }

    /// What it logged, over all its runs.
    pub fn log(&self) -> &Output {
        &self.output
    }

    /// The database's files and all others that it has written.
    pub fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.data_dir()).expect("can't read the data folder");
        entries.map(|entry| entry.expect("can't read the data folder").path()).collect()
    }

    /// Where its database is.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        Path::join(self.folder.path(), "keyway.toml")
    }
}
