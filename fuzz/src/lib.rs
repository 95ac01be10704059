//! Everything of Keyway that meets bytes from outside, fed any bytes. Each target is a function of some bytes that panics
//! when something is wrong; the fuzzer's programs in `fuzz_targets` are made of them, and `tests/replayed.rs` gives each what
//! is in `seeds`, without a fuzzer.

pub mod hub;
pub mod text;
mod wire;
pub mod zigbee;
pub mod zwave;

/// A target: what it is called, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("backup_files", text::backup_files),
    ("config", text::config),
    ("http_requests", hub::http_requests),
    ("labels_and_files", text::labels_and_files),
    ("mqtt_requests", hub::mqtt_requests),
    ("virtual_sticks", text::virtual_sticks),
    ("zigbee_ash", zigbee::ash_frames),
    ("zigbee_backups", zigbee::network_backups),
    ("zigbee_ezsp", zigbee::ezsp_frames),
    ("zigbee_ezsp_radio", zigbee::ezsp_radio),
    ("zigbee_zcl", zigbee::zcl_frames),
    ("zigbee_zdo", zigbee::zdo_messages),
    ("zigbee_znp", zigbee::znp_frames),
    ("zigbee_znp_radio", zigbee::znp_radio),
    ("zwave_commands", zwave::commands),
    ("zwave_frames", zwave::frames),
    ("zwave_radio", zwave::radio),
    ("zwave_security", zwave::security_messages),
    ("zwave_transport", zwave::transport),
];

/// A target by its name; one that does nothing where there is none of it.
pub fn target(name: &str) -> fn(&[u8]) {
    TARGETS.iter().find(|(known, _)| *known == name).map_or(|_| {}, |(_, target)| *target)
}
