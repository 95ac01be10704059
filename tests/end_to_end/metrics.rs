//! `/metrics`, read as Prometheus reads it.

use std::collections::BTreeMap;
use std::process::Command;

use keyway_test_support::{Hub, SOON, World, wait_until};

use crate::KEYWAY;

/// The status and the body, as `curl` gets them.
fn get(hub: &Hub, key: Option<&str>) -> (String, String) {
    let http = hub.http();
    let mut command = Command::new("curl");
    command.args(["--silent", "--write-out", "\n%{http_code}", &format!("http://{}/metrics", http.address())]);
    if let Some(key) = key {
        command.args(["--header", &format!("authorization: Bearer {key}")]);
    }
    let output = String::from_utf8(command.output().expect("no curl").stdout).expect("no text");
    let (body, status) = output.rsplit_once('\n').expect("no status");
    (status.to_owned(), body.to_owned())
}

/// Samples by name and labels. Every line is one, or tells of a family before its samples come.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            let (name, kind) = told.split_once(' ').expect("no type");
            assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            family = name;
        } else if !line.starts_with("# HELP ") {
            let (key, value) = line.rsplit_once(' ').expect("no value");
            let name = key.split('{').next().expect("a name");
            let of_histogram = ["_bucket", "_sum", "_count"].iter().any(|end| name.strip_suffix(end) == Some(family));
            assert!(name == family || of_histogram, "{line}");
            assert!(samples.insert(key.to_owned(), value.parse().expect("no number")).is_none(), "twice: {line}");
        }
    }
    samples
}

#[test]
fn what_goes_on_is_counted_for_those_who_have_a_key_and_nobody_is_named() {
    let world = World::new(KEYWAY);
    world.wait_for_hub();
    assert_eq!(get(&world.hub, None).0, "401");
    let key = world.hub.local_key();
    let grant = world.client.grant(&[&world.devices[0]], 0.0, 600.0);
    let codes = format!("keyway_lock_codes{{device_id=\"{}\",state=\"proven\"}}", world.devices[0]);
    let text = wait_until("the code is counted", SOON, || {
        let (status, text) = get(&world.hub, Some(&key));
        assert_eq!(status, "200");
        (samples(&text).get(&codes) == Some(&1.0)).then_some(text)
    });
    let found = samples(&text);
    let device = &world.devices[0];
    for (name, value) in [
        ("keyway_access_grants", 1.0),
        ("keyway_broker_connected", 1.0),
        ("keyway_events_total{event_type=\"access_code.set_on_device\"}", 1.0),
        ("keyway_code_write_duration_seconds_count{change=\"set\",outcome=\"proven\"}", 1.0),
        ("keyway_code_delay_seconds_bucket{change=\"set\",le=\"+Inf\"}", 1.0),
        (&format!("keyway_lock_codes_due{{device_id=\"{device}\",change=\"set\"}}"), 0.0),
        (&format!("keyway_lock_oldest_due_seconds{{device_id=\"{device}\"}}"), 0.0),
    ] {
        assert_eq!(found.get(name), Some(&value), "{text}");
    }
    assert!(found.keys().any(|key| key.starts_with("keyway_build_info{version=")));
    assert!(found["keyway_database_bytes"] > 4096.0);
    for what in ["sent", "received"] {
        let frames = format!("keyway_radio_frames_{what}_total{{stick=\"zwave\"}}");
        assert!(found[&frames] > 0.0, "{text}");
    }
    assert!(!text.contains(&grant.pin) && !text.contains(&grant.id));
}
