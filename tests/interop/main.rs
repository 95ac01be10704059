//! Keyway between peers that it did not write: on the radio's side zwave-js's own mock controller and mock nodes
//! (`zwave/stick.mjs`), an independent implementation of the Serial API, Security 0 and 2, Supervision, User Code and
//! Notification; on the host's side Seam's official SDKs (`seam/`).

#[cfg(test)]
mod seam_sdks;
#[cfg(test)]
mod zwave_js;
