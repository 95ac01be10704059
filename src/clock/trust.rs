//! Whether the wall clock may be acted on, and why (I6).

use std::time::Duration;

/// What is asked for before the wall clock is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockPolicy {
    /// A proof: the network's time, or a clock that runs on while the machine is off.
    #[default]
    Proof,
    /// Nothing: whatever it shows is right.
    Always,
}

/// Why the wall clock may be acted on, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The kernel says that it is synchronised with a better clock.
    Synchronized,
    /// It was right before in this run of the machine, and nobody has moved it since.
    Kept,
    /// A clock that runs on while the machine is off confirms it.
    Battery,
    /// The configuration says that it is right.
    Configured,
    /// It is behind the latest time that the database has seen, or behind the day this program was released, by so much.
    Behind(Duration),
    /// Nothing confirms it: the machine may have been off for as long as it likes, and the clock with it.
    Unconfirmed,
}

impl Trust {
    /// Whether it may be acted on.
    pub fn is_good(self) -> bool {
        match self {
            Self::Synchronized | Self::Kept | Self::Battery | Self::Configured => true,
            Self::Behind(_) | Self::Unconfirmed => false,
        }
    }

    /// For programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Synchronized => "synchronized",
            Self::Kept => "kept",
            Self::Battery => "battery",
            Self::Configured => "configured",
            Self::Behind(_) => "behind",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// For people: what is wrong, what follows, and what to do. `None`: nothing is wrong.
    pub fn problem(self) -> Option<String> {
        let what = match self {
            Self::Behind(by) => {
                format!("the clock is behind the last time that the database has seen, by {}", span(by))
            }
            Self::Unconfirmed => "nothing confirms the clock since this machine was started".to_owned(),
            Self::Synchronized | Self::Kept | Self::Battery | Self::Configured => return None,
        };
        Some(format!(
            "{what}: no code is set or removed because of time before it is right. It is once the machine has the time from \
             the network (timedatectl shows it); where that can't be, set it by hand and say clock.trust = \"always\" in the \
             configuration"
        ))
    }
}

/// A span of time in one unit.
fn span(span: Duration) -> String {
    let (count, unit) = match span.as_secs() {
        seconds @ 0..=119 => (seconds, "second"),
        seconds @ 120..=7_199 => (seconds / 60, "minute"),
        seconds @ 7_200..=172_799 => (seconds / 3_600, "hour"),
        seconds => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
