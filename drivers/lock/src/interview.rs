//! How far a lock is being asked what it is and what it can do.

/// A stage of an interview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterviewStage {
    /// Which one, from 1 on.
    pub stage: u8,
    /// Of how many. Those that do not concern this lock, or are known, are passed over.
    pub stages: u8,
    /// What is asked for in it, in plain words, such as "number of code slots".
    pub name: String,
}

/// How a lock's interview goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum InterviewProgress {
    /// None is under way. What the last one brought was told before this, as [`crate::RadioEvent::LockInterviewed`], or as
    /// [`crate::RadioEvent::LockPending`] if that is not enough yet.
    #[default]
    Idle,
    /// This stage is under way.
    Asking(InterviewStage),
    /// The lock does not answer. What was found is kept, and it is gone on with at this stage when the lock is heard, and
    /// now and then without.
    Waiting(InterviewStage),
}
