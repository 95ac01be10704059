//! What the targets have in common.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use keyway_lock::{Output, Radio};

/// Outputs in a row at most: more are without an end.
const OUTPUTS: usize = 10_000;

/// An instant to count from.
#[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from; nothing depends on which")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

/// So many quarters of a second pass.
pub(crate) fn later(now: &mut Instant, quarters: u8) {
    *now += Duration::from_millis(250) * quarters.into();
}

/// What was read is read again from the bytes that are written of it.
#[track_caller]
pub(crate) fn same<T: PartialEq + Debug, E: Debug>(read: &T, again: Result<T, E>) {
    assert_eq!(again.ok().as_ref(), Some(read), "what is read again from what was written of it");
}

/// Cuts bytes into pieces: each piece's length is in the byte before it.
pub(crate) fn pieces(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first()?;
        let (piece, rest) = rest.split_at(rest.len().min((*length).into()));
        bytes = rest;
        Some(piece)
    })
}

/// Takes what a radio has to say, and keeps what it wants kept.
pub(crate) fn drain(radio: &mut impl Radio, now: Instant) {
    for _ in 0..OUTPUTS {
        match radio.poll_output() {
            Output::Timeout(_) => return,
            Output::Persist(id, _) => radio.handle_persisted(now, id),
            Output::Transmit(_) | Output::Event(_) => {}
        }
    }
    unreachable!("a radio goes on and on by itself");
}
