//! A machine for one test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use keyway_test_support::{Output, Process, SOON, Signal, wait_until};
use serde_json::Value;

use crate::package;

/// A container with a systemd of its own, which forgets everything in the end. Dropping it turns it off.
pub(super) struct Container {
    nspawn: Process,
    leader: String,
}

/// What a command in the container said, and how it ended.
pub(super) struct Said {
    pub(super) success: bool,
    pub(super) text: String,
}

impl Container {
    /// Boots one, and waits until all of it has started.
    pub(super) fn booted() -> Self {
        let image = package::folder().join("image");
        assert!(image.join("installed.txt").exists(), "the container's image is missing: run `tests/run service` once");
        let packages = format!("--bind-ro={}:/packages", package::folder().display());
        let mut command = Command::new("systemd-nspawn");
        // Its systemd wants cgroups of the second version, also on a machine that still has the first.
        command.env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
        command.args(["--quiet", "--register=no", "--keep-unit", "--volatile=overlay", "--boot", "--console=pipe"]);
        // As on a machine, the kernel may be asked for its clock.
        command.arg("--system-call-filter=adjtimex clock_adjtime");
        command.arg(packages).arg("--directory").arg(image);
        let mut nspawn = Process::start("systemd-nspawn", &mut command, &Output::default());
        let children = format!("/proc/{0}/task/{0}/children", nspawn.id());
        let leader = wait_until("the container is there", SOON, || {
            assert!(!nspawn.has_ended(), "systemd-nspawn ended at once (is this root?): {:?}", nspawn.output().lines());
            let children = std::fs::read_to_string(&children).ok()?;
            let leader = children.split_whitespace().next()?.to_owned();
            let name = std::fs::read_to_string(format!("/proc/{leader}/comm")).ok()?;
            (name.trim() == "systemd").then_some(leader)
        });
        let container = Self { nspawn, leader };
        wait_until("the container has started", SOON * 3, || {
            let state = container.tried(&["systemctl", "is-system-running"]).text;
            assert_ne!(state, "degraded", "{}", container.said(&["systemctl", "--failed"]));
            (state == "running").then_some(())
        });
        container
    }

    /// One in which the package of this version is installed, as `apt install ./keyway.deb` does it.
    pub(super) fn with_keyway(version: &str) -> Self {
        let container = Self::booted();
        container.install(version);
        container
    }

    /// Installs the package of this version over whatever is there.
    pub(super) fn install(&self, version: &str) {
        let package = package::packed_as(version);
        self.said(&[
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "-y",
            "--allow-downgrades",
            &package,
        ]);
    }

    /// Runs a command as root, whatever comes of it.
    pub(super) fn tried(&self, command: &[&str]) -> Said {
        let mut enter = Command::new("nsenter");
        enter.args(["--all", "--target", &self.leader, "--"]).args(command).stdin(Stdio::null());
        let output = enter.output().expect("nsenter can't be started");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
        Said { success: output.status.success(), text }
    }

    /// Runs a command as root that must succeed; what it said.
    pub(super) fn said(&self, command: &[&str]) -> String {
        let said = self.tried(command);
        assert!(said.success, "{command:?}: {}\n{}", said.text, self.journal_text());
        said.text
    }

    /// Runs a line of shell as root that must succeed; what it said.
    pub(super) fn shell(&self, line: &str) -> String {
        self.said(&["sh", "-ec", line])
    }

    /// A file or folder of the container, as this machine sees it.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        Path::new("/proc").join(&self.leader).join("root").join(path.trim_start_matches('/'))
    }

    /// Adds lines to the configuration and starts the hub again.
    pub(super) fn configure(&self, more: &str) {
        let path = self.path("/etc/keyway/keyway.toml");
        let text = std::fs::read_to_string(&path).expect("no configuration");
        std::fs::write(path, format!("{text}\n{more}")).expect("can't write the configuration");
        self.said(&["systemctl", "restart", "keyway"]);
    }

    /// Overrides lines of the unit's `[Service]` and starts the hub again.
    pub(super) fn override_service(&self, lines: &str) {
        self.shell("mkdir -p /etc/systemd/system/keyway.service.d");
        let path = self.path("/etc/systemd/system/keyway.service.d/test.conf");
        std::fs::write(path, format!("[Service]\n{lines}\n")).expect("can't override the unit");
        self.said(&["systemctl", "daemon-reload"]);
        self.said(&["systemctl", "restart", "keyway"]);
    }

    /// A property of the hub's unit.
    pub(super) fn property(&self, name: &str) -> String {
        self.said(&["systemctl", "show", "--value", "--property", name, "keyway"])
    }

    /// The hub's process, by its number in the container.
    pub(super) fn main_pid(&self) -> String {
        self.property("MainPID")
    }

    /// Waits until the hub runs in another process than this.
    pub(super) fn wait_for_another(&self, than: &str, within: Duration) -> String {
        wait_until("the hub was started again", within, || {
            let pid = self.main_pid();
            (pid != "0" && pid != than && self.property("ActiveState") == "active").then_some(pid)
        })
    }

    /// What the journal has of the hub's unit, an object an entry.
    pub(super) fn journal(&self) -> Vec<Value> {
        let text = self.said(&["journalctl", "--unit=keyway", "--output=json", "--no-pager"]);
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// What the hub itself has said in the journal, an object an entry.
    pub(super) fn of_hub(&self) -> Vec<Value> {
        self.journal().into_iter().filter(|entry| entry["SYSLOG_IDENTIFIER"] == "keyway").collect()
    }

    /// The same as a person reads it.
    pub(super) fn journal_text(&self) -> String {
        self.tried(&["journalctl", "--unit=keyway", "--no-pager", "--lines=60"]).text
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- the journal ---\n{}\n", self.journal_text());
        }
        // The second one means at once.
        for _ in 0..2 {
            if !self.nspawn.has_ended() {
                self.nspawn.signal(Signal::Terminate);
                std::thread::sleep(Duration::from_millis(300));
            }
        }
    }
}
