//! Keyway lets people in and keeps them out, on time, with no cloud.
