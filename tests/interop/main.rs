//! Keyway against locks that it did not write: zwave-js's own mock controller and mock nodes (`zwave/stick.mjs`), an
//! independent implementation of the Serial API, Security 0 and 2, Supervision, User Code and Notification.

#[cfg(test)]
mod zwave_js;
