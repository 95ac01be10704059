//! A mosquitto for one test.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Output, Process, SOON, Signal, free_port, wait_until};

/// A broker on a port of its own. It can be stopped and started again at the same port; like a real one it remembers
/// its sessions and its retained messages.
pub struct Broker {
    port: u16,
    folder: TempDir,
    config: String,
    process: Option<Process>,
    output: Output,
}

impl Broker {
    /// A port at which no broker listens yet: [`Self::start`] it. It takes anybody's word.
    pub fn stopped() -> Self {
        let port = free_port();
        let config = format!("listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n");
        Self::configured(port, folder(), &config)
    }

    /// A broker that takes connections over TLS only, from those with a certificate of the authority in `folder`, whose
    /// files are as `tests/end_to_end/tls.rs` makes them, and without TLS on [`Self::port`] for the test itself.
    pub fn with_tls(tls_port: u16, certificates: &Path) -> Self {
        let (port, files) = (free_port(), certificates.display());
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlistener {tls_port} 127.0.0.1\n\
             cafile {files}/ca.pem\ncertfile {files}/broker.pem\nkeyfile {files}/broker.key\nrequire_certificate true\n\
             allow_anonymous true\n"
        );
        let mut broker = Self::configured(port, folder(), &config);
        broker.start();
        broker
    }

    /// A broker that takes WebSockets at `websocket_port`, and MQTT on TCP on [`Self::port`] for the test itself; with
    /// `certificates` it speaks TLS in them, and shows the broker's.
    pub fn with_websockets(websocket_port: u16, certificates: Option<&Path>) -> Self {
        let port = free_port();
        let files = certificates.map(Path::display);
        let tls = files.map(|files| format!("certfile {files}/broker.pem\nkeyfile {files}/broker.key\n"));
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlistener {websocket_port}\n\
             protocol websockets\nallow_anonymous true\n{}",
            tls.unwrap_or_default()
        );
        let mut broker = Self::configured(port, folder(), &config);
        broker.start();
        broker
    }

    /// A broker that takes connections as the configuration in `shipped` has it: `mosquitto.conf` and `mosquitto.acl`,
    /// in which nothing is changed but the port and where the files are. `users` are names and passwords.
    pub fn as_shipped(shipped: &Path, users: &[(&str, &str)]) -> Self {
        let (port, folder) = (free_port(), folder());
        let passwords = folder.path().join("keyway.passwd");
        std::fs::write(&passwords, "").expect("can't write the broker's passwords");
        for (name, password) in users {
            let mut command = Command::new("mosquitto_passwd");
            command.env("PATH", path()).arg("-b").arg(&passwords).args([name, password]);
            assert!(command.status().expect("no mosquitto_passwd").success(), "mosquitto_passwd refuses {name}");
        }
        let acl = shipped.join("mosquitto.acl");
        std::fs::copy(&acl, folder.path().join("keyway.acl")).expect("can't copy the access control list");
        let config = std::fs::read_to_string(shipped.join("mosquitto.conf")).expect("no configuration");
        let listener = format!("listener {port} 127.0.0.1");
        assert!(config.contains("listener 1883 127.0.0.1"), "the configuration listens elsewhere");
        let config = config.replace("listener 1883 127.0.0.1", &listener);
        let config = config.replace("/etc/mosquitto/", &format!("{}/", folder.path().display()));
        let mut broker = Self::configured(port, folder, &config);
        broker.start();
        broker
    }

    fn configured(port: u16, folder: TempDir, config: &str) -> Self {
        let (state, user) = (folder.path().display(), std::env::var("USER").unwrap_or_else(|_| "root".to_owned()));
        let config = format!("{config}\npersistence true\npersistence_location {state}/\nuser {user}\n");
        Self { port, folder, config, process: None, output: Output::default() }
    }

    /// A broker that takes connections.
    pub fn running() -> Self {
        let mut broker = Self::stopped();
        broker.start();
        broker
    }

    /// Starts it and waits until it takes connections.
    pub fn start(&mut self) {
        let config = self.folder.path().join("mosquitto.conf");
        std::fs::write(&config, &self.config).expect("can't write the broker's configuration");
        let mut command = Command::new("mosquitto");
        command.env("PATH", path()).arg("-c").arg(config);
        let mut process = Process::start("mosquitto", &mut command, &self.output);
        wait_until("mosquitto takes connections", SOON, || {
            assert!(!process.has_ended(), "mosquitto ended at once");
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
        self.process = Some(process);
    }

    /// Stops it in order, so that it keeps what it knows.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.end(Signal::Terminate, Duration::from_secs(10));
        }
    }

    /// Stops it, and it forgets all that it knew.
    pub fn forget(&mut self) {
        self.stop();
        let kept = self.folder.path().join("mosquitto.db");
        if kept.exists() {
            std::fs::remove_file(kept).expect("can't delete what the broker keeps");
        }
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("keyway-broker").tempdir().expect("no temporary folder")
}

/// Debian keeps it where only root's PATH looks.
fn path() -> String {
    format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap_or_default())
}
