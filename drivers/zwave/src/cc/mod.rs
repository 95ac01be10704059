//! Command classes: one file each holds the constants, types, encoding and decoding of one class, both ways.

pub mod association;
pub mod basic;
pub mod battery;
pub mod door_lock;
pub mod manufacturer_specific;
pub mod notification;
pub mod user_code;
pub mod version;
pub mod zwave_plus;
