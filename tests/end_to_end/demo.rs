//! What a newcomer runs first.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use keyway_test_support::{Output, Process, SOON, Signal, wait_until};

use crate::KEYWAY;

#[test]
fn the_demo_tells_its_whole_story_though_the_usual_port_is_taken_and_stays_until_ctrl_c() {
    // Ours or somebody else's: either way it is taken.
    let _taken = TcpListener::bind(("127.0.0.1", 1883));
    let told = Output::default();
    let mut demo = Process::start("keyway demo", Command::new(KEYWAY).arg("demo"), &told);
    for step in [
        "and it is in",
        "Studio is ready",
        "The PIN for",
        "Front door: the lock's own memory now says",
        "Studio: the lock's own memory now says",
        "access_code.set_on_device",
        "at the studio. The bolt turns",
        "lock.unlocked",
        "opens nothing",
    ] {
        wait_until(step, SOON * 3, || {
            assert!(!demo.has_ended(), "the demo ended before \"{step}\"");
            told.contains(step).then_some(())
        });
    }
    wait_until("it shows how to play with it", SOON, || told.contains("mosquitto_pub").then_some(()));
    assert!(!told.contains("127.0.0.1:1883)"), "the port was taken");
    let (took, status) = demo.end(Signal::Interrupt, SOON);
    assert!(took <= Duration::from_secs(2) && status.success(), "{took:?}, {status}");
}
