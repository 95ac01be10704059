//! Acknowledgement, retransmission and back-off of the host link.
