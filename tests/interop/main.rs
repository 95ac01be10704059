//! Keyway against radios that it did not write: see `zwave/` for the peer.
