//! What Prometheus reads, read by its own parser.

use std::process::Command;

use keyway_test_support::{Output, Process, SOON, World, wait_until};

use crate::{KEYWAY, seam_folder};

#[test]
fn prometheus_reads_the_page_of_a_hub_and_finds_no_secret_in_it() {
    let world = World::new(KEYWAY);
    world.wait_for_hub();
    let grant = world.client.grant(&[&world.devices[0]], 0.0, 600.0);
    wait_until("the code is proven", SOON, || {
        world.client.codes_of(&grant.id).iter().all(|code| code["status"] == "set").then_some(())
    });
    let http = world.hub.http();
    let mut command = Command::new(seam_folder().join(".venv/bin/python"));
    let endpoint = format!("http://{}", http.address());
    command.current_dir(seam_folder()).args(["metrics.py", &endpoint, http.key(), &grant.pin, &grant.id]);
    let output = Output::default();
    let status = Process::start("metrics.py", &mut command, &output).wait(SOON);
    assert!(status.success(), "{}", output.lines().join("\n"));
}
