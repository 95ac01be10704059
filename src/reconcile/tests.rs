//! The reconciler against small fake locks, on a clock moved by hand.

mod ahead;
mod checksum;
mod crashes;
mod doors;
mod hands;
mod horizon;
mod labels;
mod lock;
mod log;
mod moves;
mod reach;
mod several;
mod silence;
mod together;
mod wishes;
mod world;
