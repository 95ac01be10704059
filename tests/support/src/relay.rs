//! An address that stays while what is behind it changes.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Hands each connection on to whatever is behind it at that moment.
pub struct Relay {
    address: String,
    behind: Arc<Mutex<String>>,
}

impl Relay {
    /// With this address behind it (`host:port`).
    pub fn to(behind: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("no free port");
        let address = listener.local_addr().expect("it listens").to_string();
        let relay = Self { address, behind: Arc::new(Mutex::new(behind.to_owned())) };
        let behind = relay.behind.clone();
        std::thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let behind = behind.lock().expect("nobody panics with it").clone();
                // Refused there is broken here.
                let Ok(there) = TcpStream::connect(behind) else { continue };
                pour(&here, &there);
                pour(&there, &here);
            }
        });
        relay
    }

    /// Its own address, which stays.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// From now on, this is behind it.
    pub fn turn_to(&self, behind: &str) {
        behind.clone_into(&mut self.behind.lock().expect("nobody panics with it"));
    }
}

fn pour(from: &TcpStream, into: &TcpStream) {
    let (mut from, mut into) = (from.try_clone().expect("a handle"), into.try_clone().expect("a handle"));
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut into);
        let _ = into.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}
