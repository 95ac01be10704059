//! Frames of the host link.
