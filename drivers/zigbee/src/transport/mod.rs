//! Questions to devices and their answers: who has the air next, what is asked again, and how long an answer is waited
//! for.

pub mod exchange;
pub mod question;
pub mod queue;
mod ration;
