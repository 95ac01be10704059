//! What the tests that run whole processes stand on.
//!
//! [`Broker`] is a mosquitto of its own on a free port, [`Stick`] anything with a Serial API behind TCP and a control
//! port, [`Hub`] the daemon as a process, [`Client`] a host's program on the broker, [`Http`] one at the other door, and
//! [`World`] all of them together. Nothing here knows the daemon's code: it is driven by its configuration file, MQTT,
//! HTTP and the other side of the stick. [`lock_info`] is for tests of the code itself.

mod broker;
mod client;
mod command_line;
mod golden;
mod grant;
mod http;
mod hub;
mod lock;
mod process;
mod recorded;
mod relay;
mod setup;
mod stick;
mod story;
mod terminal;
mod world;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub use broker::Broker;
pub use client::{Client, Message};
pub use command_line::{CommandLine, Said};
pub use golden::assert_golden;
pub use grant::Grant;
pub use http::{Http, HttpStream};
pub use hub::Hub;
pub use lock::lock_info;
pub use process::{Output, Process, Signal};
pub use recorded::assert_recorded;
pub use relay::Relay;
pub use setup::{LockSetup, Setup};
pub use stick::{Frames, LockState, Stick};
pub use terminal::Terminal;
pub use world::World;

/// How long something that should happen at once may take on a slow machine.
pub const SOON: Duration = Duration::from_secs(20);

/// The system's time.
#[expect(clippy::disallowed_methods, reason = "tests watch the daemon from outside, in real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// The system's time, as the API writes it.
#[expect(clippy::disallowed_methods, reason = "tests watch the daemon from outside, in real time")]
pub fn utc() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// A moment so many seconds from now, as the API writes it.
pub fn in_seconds(seconds: f64) -> String {
    (utc() + jiff::SignedDuration::from_millis((seconds * 1000.0) as i64)).to_string()
}

/// Asks again and again until there is an answer; panics when there is none in time.
pub fn wait_until<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(now() < deadline, "waited {within:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Watches for a while that something stays as it is; panics with its word when it does not.
pub fn always(what: &str, during: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = now() + during;
    while now() < deadline {
        assert!(holds(), "no longer: {what}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// A TCP port of this machine that nobody uses now, and that is given to nobody else: it is below those that the system
/// hands out by itself, and each is named once.
pub fn free_port() -> u16 {
    static NAMED: AtomicU32 = AtomicU32::new(0);
    let somewhere = std::process::id().wrapping_mul(97);
    let next = || somewhere.wrapping_add(NAMED.fetch_add(1, Ordering::Relaxed)) % 12_000;
    let port = || u16::try_from(20_000 + next()).expect("within 16 bits");
    std::iter::repeat_with(port).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}
