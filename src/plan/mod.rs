//! Pure decisions: facts and a moment in, decisions out. No IO, no clock, no randomness of its own.
//!
//! What a lock *should* hold is a function of its codes and the moment ([`desired`]); what it *does* hold is what it
//! last said ([`SlotTable::words`]). [`diff::next`] names the one next step between the two, [`wake::next`] the moment
//! at which that answer changes by itself.

pub mod ahead;
pub mod desired;
pub mod diff;
pub mod facts;
pub mod fit;
pub mod pin;
pub mod slot;
pub mod verdict;
pub mod wake;
pub mod warn;

mod reading;
mod silence;
mod together;

#[cfg(test)]
mod tests;

pub use ahead::Within;
pub use diff::{Next, Step, Write};
pub use facts::{Checksum, ClockWord, HORIZON, LockFacts, Memory, Moment, SlotTable, Word};
pub use verdict::Verdict;
