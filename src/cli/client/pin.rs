//! PINs that are given rather than chosen.

use keyway_lock::Pin;

use super::{Session, Trouble};

/// A PIN as it was given; `-`: from stdin, where nobody else sees it.
pub(super) fn read(session: &mut Session, given: &str) -> Result<Pin, Trouble> {
    let pin = if given == "-" { Pin::new(&session.console.read_line("PIN")?) } else { Pin::new(given) };
    pin.map_err(|wrong| Trouble::usage("--code", wrong))
}
