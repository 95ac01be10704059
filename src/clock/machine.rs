//! What the machine knows of the time.

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Made by systemd-timesyncd once it has set the clock since the machine started.
const TIMESYNCD: &str = "/run/systemd/timesync/synchronized";
/// Ours beside systemd's runtime directory, which a start of the machine empties: the kernel was synchronised.
const MARK: &str = "clock-was-right";
/// Clocks that run on while the machine is off; each has its time in `since_epoch` (Linux, ABI/testing/rtc-cdev).
const BATTERY_CLOCKS: &str = "/sys/class/rtc";

/// What the kernel says of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Something better corrects it: the network, or a receiver.
    Synchronized,
    /// Nothing does.
    Alone,
    /// It does not say.
    Silent,
}

/// A clock that runs on while the machine is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatteryClock {
    /// There is one, and it shows this: since 1970-01-01.
    Shows(Duration),
    /// A machine that always has one, though it can't be read: the wall clock was set by it.
    Hidden,
    /// None.
    Missing,
}

/// What is asked of the machine: [`Linux`], or a test's.
pub trait Machine: Send + Sync {
    /// What the wall clock shows: since 1970-01-01.
    fn wall(&self) -> Duration;
    /// Never moved by anybody.
    fn mono(&self) -> Instant;
    /// Whether the kernel's clock is synchronised.
    fn kernel(&self) -> Kernel;
    /// Whether the wall clock was right before, since the machine was started.
    fn was_right(&self) -> bool;
    /// It is right now, for [`Machine::was_right`] in another run of this program.
    fn is_right(&self);
    /// The clock that runs on while the machine is off.
    fn battery_clock(&self) -> BatteryClock;
}

/// The machine that this runs on.
#[derive(Debug)]
pub struct Linux {
    mark: Option<PathBuf>,
}

impl Default for Linux {
    /// As systemd has started us, if it did.
    fn default() -> Self {
        Self { mark: std::env::var_os("RUNTIME_DIRECTORY").map(|folder| Path::new(&folder).join(MARK)) }
    }
}

impl Machine for Linux {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    fn wall(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    fn mono(&self) -> Instant {
        Instant::now()
    }

    fn kernel(&self) -> Kernel {
        kernel()
    }

    fn was_right(&self) -> bool {
        Path::new(TIMESYNCD).exists() || self.mark.as_ref().is_some_and(|mark| mark.exists())
    }

    fn is_right(&self) {
        if let Some(mark) = &self.mark
            && let Err(error) = std::fs::write(mark, [])
        {
            tracing::debug!(mark = %mark.display(), %error, "can't leave a mark that the clock was right");
        }
    }

    fn battery_clock(&self) -> BatteryClock {
        // A PC starts with the time of the clock on its board, or of its host.
        let hidden = if matches!(ARCH, "x86_64" | "x86") { BatteryClock::Hidden } else { BatteryClock::Missing };
        shown_in(Path::new(BATTERY_CLOCKS)).map_or(hidden, BatteryClock::Shows)
    }
}

/// What the first clock in this folder shows that can be read.
fn shown_in(folder: &Path) -> Option<Duration> {
    let mut clocks: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    clocks.sort();
    clocks.iter().find_map(|clock| {
        let text = std::fs::read_to_string(clock.join("since_epoch")).ok()?;
        text.trim().parse().ok().map(Duration::from_secs)
    })
}

/// Asks only: no mode is set.
#[cfg(target_pointer_width = "64")]
fn kernel() -> Kernel {
    use rtime_clock::adjtime::{Timex, adjtimex};
    /// `TIME_ERROR`: the kernel's clock is not synchronised (adjtimex(2)).
    const NOT_SYNCHRONIZED: i32 = 5;
    match adjtimex(&mut Timex::new()) {
        Ok(NOT_SYNCHRONIZED) => Kernel::Alone,
        Ok(_) => Kernel::Synchronized,
        Err(error) => {
            tracing::debug!(%error, "the kernel does not say whether its clock is right");
            Kernel::Silent
        }
    }
}

/// There is no library for it there; timesyncd's word is had all the same.
#[cfg(not(target_pointer_width = "64"))]
fn kernel() -> Kernel {
    Kernel::Silent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_battery_clock_is_read_and_one_that_says_nothing_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(shown_in(&folder.path().join("none")), None);
        std::fs::create_dir(folder.path().join("rtc0")).unwrap();
        assert_eq!(shown_in(folder.path()), None);
        std::fs::create_dir(folder.path().join("rtc1")).unwrap();
        std::fs::write(folder.path().join("rtc1/since_epoch"), "1795478400\n").unwrap();
        assert_eq!(shown_in(folder.path()), Some(Duration::from_secs(1_795_478_400)));
    }

    #[test]
    fn the_kernel_answers_and_a_mark_is_left_where_systemd_gives_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Linux { mark: Some(folder.path().join(MARK)) };
        assert_ne!(machine.kernel(), Kernel::Silent);
        machine.is_right();
        assert!(machine.was_right());
    }
}
