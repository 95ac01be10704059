//! Keyway between peers that it did not write: on the radio's side zwave-js's own mock controller and mock nodes
//! (`zwave/stick.mjs`), an independent implementation of the Serial API, Security 0 and 2, Supervision, User Code,
//! User Credential and Notification, and a Zigbee stick of bellows' and zigpy's encoding (`zigbee/stick.py`); as hosts of our
//! virtual sticks zwave-js, bellows and zigbee-herdsman; on the host's side Seam's official SDKs, and a judge and a fuzzer of
//! the API's description and Prometheus' own parser (`seam/`), and a real Home Assistant (`homeassistant/`).

#[cfg(test)]
mod backups;
#[cfg(test)]
mod bellows;
#[cfg(test)]
mod homeassistant;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod seam_sdks;
#[cfg(test)]
mod zwave_js;

/// The program under test.
#[cfg(test)]
const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");

/// Where the SDKs and the programs in Python are installed.
#[cfg(test)]
fn seam_folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/seam")
}
