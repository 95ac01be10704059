//! Faults that are built in on purpose, each of which breaks a promise, to see that the simulation notices
//! (`tests/simulation`). They can be planted with the feature `faults` only; without it nothing of them is in the program.

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The intent is not on disk before the command goes out.
    IntentForgotten,
    /// A slot is cleared without a look at what is in it.
    ClearedUnread,
    /// A slot that holds a person's own code is taken for a free one.
    ForeignTaken,
    /// A set that nothing proves is told to be proven.
    ProofClaimed,
    /// A clock that can't be trusted is acted on.
    ClockTrusted,
    /// Nobody is woken when the clock is moved.
    MoveUnheard,
    /// The end of a grant has nothing cleared.
    EndIgnored,
    /// The windows of recurring grants are reckoned in UTC.
    TimeZoneIgnored,
    /// A request that is delivered twice is carried out twice.
    RequestRepeated,
    /// Events count as handed on when they were only taken out.
    AcknowledgedUnsent,
    /// Nobody is told that a code is late.
    AlarmSilent,
    /// Locks wait for one another.
    QueueUnfair,
    /// Nothing is ever thrown away.
    PurgeOff,
    /// A code that waits in a lock for its time is put there without its window.
    WindowDropped,
    /// Recurring grants are reckoned by winter time, all year.
    DaylightIgnored,
    /// A slot is written by what its lock said long ago, whatever may have happened since.
    StaleWord,
    /// A code that was set is never looked at again.
    AuditOff,
    /// Nobody is told that a code is set.
    SetUntold,
    /// Nobody is told that a code is out.
    RemovalUntold,
    /// A change of which nothing is known is told to have been refused by the lock.
    RefusalInvented,
    /// A change that failed is not tried again for an hour.
    RetryLate,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 21] = [
        Self::IntentForgotten,
        Self::ClearedUnread,
        Self::ForeignTaken,
        Self::ProofClaimed,
        Self::ClockTrusted,
        Self::MoveUnheard,
        Self::EndIgnored,
        Self::TimeZoneIgnored,
        Self::RequestRepeated,
        Self::AcknowledgedUnsent,
        Self::AlarmSilent,
        Self::QueueUnfair,
        Self::PurgeOff,
        Self::WindowDropped,
        Self::DaylightIgnored,
        Self::StaleWord,
        Self::AuditOff,
        Self::SetUntold,
        Self::RemovalUntold,
        Self::RefusalInvented,
        Self::RetryLate,
    ];
}

#[cfg(feature = "faults")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Fault>> = const { std::cell::Cell::new(None) };
}

/// From now on all that runs on this thread has this fault, or none.
#[cfg(feature = "faults")]
pub fn plant(fault: Option<Fault>) {
    PLANTED.set(fault);
}

/// Whether this fault is to be made.
#[cfg(feature = "faults")]
pub(crate) fn is(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}

/// Whether this fault is to be made.
#[cfg(not(feature = "faults"))]
pub(crate) const fn is(_: Fault) -> bool {
    false
}
