//! Security 0 (CC 0x98).
