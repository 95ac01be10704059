//! A mosquitto for one test.

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Output, Process, SOON, Signal, free_port, wait_until};

/// A broker on a port of its own. It can be stopped and started again at the same port; like a real one it remembers
/// its sessions and its retained messages.
pub struct Broker {
    port: u16,
    folder: TempDir,
    process: Option<Process>,
    output: Output,
}

impl Broker {
    /// A port at which no broker listens yet: [`Self::start`] it.
    pub fn stopped() -> Self {
        let folder = tempfile::Builder::new().prefix("keyway-broker").tempdir().expect("no temporary folder");
        Self { port: free_port(), folder, process: None, output: Output::default() }
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
        let state = self.folder.path().display();
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {state}/\n\
             set_tcp_nodelay true\nuser {user}\n",
            self.port
        );
        std::fs::write(&config, text).expect("can't write the broker's configuration");
        let mut command = Command::new("mosquitto");
        // Debian keeps it where only root's PATH looks.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin")).arg("-c").arg(config);
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

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }
}
