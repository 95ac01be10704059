//! No Operation (0x00), version 1 (Z-Wave Management Command Class Specification, "No Operation Command Class"): a frame
//! that does nothing, sent for its acknowledgement.

/// Class id, and the whole frame: it has no commands.
pub const CLASS: u8 = 0x00;
