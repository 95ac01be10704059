//! Security 2 (CC 0x9F).

pub mod drbg;
pub mod encapsulation;
pub mod keys;
pub mod span;
