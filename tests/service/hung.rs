//! Hung, it is started again: by systemd, which hears no more of it. The program that is hung is the one that is shipped: a
//! debugger's means hold one of its threads still, while the others run on.

use std::process::Command;
use std::time::Duration;

use keyway_test_support::{Output, Process, SOON, always, wait_until};

use crate::container::Container;
use crate::package::VERSION;
use crate::working::Building;

/// In place of a minute.
const PATIENCE: Duration = Duration::from_secs(6);

#[test]
fn a_hub_whose_store_or_runtime_hangs_is_started_again_with_all_that_it_knew() {
    let building = Building::of(Container::with_keyway(VERSION));
    let container = &building.container;
    container.override_service(&format!("WatchdogSec={}", PATIENCE.as_secs()));
    let grant = building.guest();
    let pid = container.main_pid();
    always("one that is well runs on", PATIENCE * 2, || container.main_pid() == pid);
    for thread in ["store", "keyway"] {
        let pid = container.main_pid();
        let _frozen = freeze(thread);
        container.wait_for_another(&pid, PATIENCE * 2 + SOON);
        building.still_has(&grant);
    }
    let watchdogs = container.journal_text().matches("Watchdog timeout").count();
    assert_eq!(watchdogs, 2, "{}", container.journal_text());
}

/// Holds a thread of the hub still, by its name, for as long as the process lives.
fn freeze(thread: &str) -> Process {
    let id = thread_of_the_hub(thread);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/freeze.py");
    let process = Process::start("freeze.py", Command::new("python3").arg(script).arg(id), &Output::default());
    wait_until("the thread stands still", SOON, || process.output().contains("frozen").then_some(()));
    process
}

/// Its number outside the container: the hub is the one program of this name that runs as a service.
fn thread_of_the_hub(name: &str) -> String {
    let is_hub = |process: &std::path::Path| {
        let cgroup = std::fs::read_to_string(process.join("cgroup")).unwrap_or_default();
        let program = std::fs::read_to_string(process.join("comm")).unwrap_or_default();
        cgroup.contains("/keyway.service") && program.trim() == "keyway"
    };
    let entries =
        |folder: &std::path::Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let hub = entries(std::path::Path::new("/proc")).find(|process| is_hub(process)).expect("the hub runs");
    let is_named = |thread: &std::path::PathBuf| {
        std::fs::read_to_string(thread.join("comm")).is_ok_and(|comm| comm.trim() == name)
    };
    let thread = entries(&hub.join("task")).find(is_named).expect("it has such a thread");
    thread.file_name().expect("a number").to_string_lossy().into_owned()
}
