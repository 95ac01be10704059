//! The MQTT door: requests in, answers, events and retained state out.

mod connection;
mod topics;
