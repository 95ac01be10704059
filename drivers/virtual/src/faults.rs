//! Faults of a byte stream: loss, flipped bytes, pieces, delay.
