//! Notices at once that somebody has moved the wall clock: a timer of the kernel's that is cancelled by it.

use std::future::pending;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::{Bell, Clock, Moves};

/// A clock that is not trusted is looked at this often: it may be any moment.
const WHILE_UNTRUSTED: Duration = Duration::from_secs(1);
/// One that is: trust is lost when the kernel has heard nothing of a better clock for hours.
const WHILE_TRUSTED: Duration = Duration::from_secs(60);
/// Where the kernel does not tell of moves, they are looked for.
const WITHOUT_TIMER: Duration = Duration::from_secs(1);
/// A time that does not come: in the year 2286.
const NEVER: i64 = 9_999_999_999;

/// Looks at the clock whenever it was moved, and often enough to see its trust change; what changed is logged, once.
/// Whoever listens to [`Clock::moves`] is told by that look. Never ends.
pub async fn watch_over(clock: Arc<dyn Clock>) {
    let mut timer = match timer() {
        Ok(timer) => Some(timer),
        Err(error) => {
            tracing::info!(%error, "the kernel does not tell when the clock is moved: it is looked at each second");
            None
        }
    };
    let mut had_problem = false;
    loop {
        let (now, trust) = (clock.now(), clock.trust());
        match trust.problem() {
            Some(problem) if !had_problem => tracing::warn!("{problem}"),
            None if had_problem => tracing::info!(now = %now.utc, why = trust.name(), "the clock is right"),
            Some(_) | None => {}
        }
        had_problem = !trust.is_good();
        let pause = match &timer {
            _ if had_problem => WHILE_UNTRUSTED,
            Some(_) => WHILE_TRUSTED,
            None => WITHOUT_TIMER,
        };
        tokio::select! {
            () = moved(timer.as_mut()) => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn moved(timer: Option<&mut Moves>) {
    match timer {
        Some(timer) => timer.next().await,
        None => pending().await,
    }
}

/// Rings when somebody moves the clock. The read has a thread of its own, since the runtime can wait for no timer of the
/// kernel's without unsafe code; it sleeps until then.
fn timer() -> std::io::Result<Moves> {
    let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC)?;
    let never = Itimerspec { it_interval: seconds(0), it_value: seconds(NEVER) };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET, &never)?;
    let bell = Bell::default();
    let moves = bell.listen();
    std::thread::Builder::new().name("clock".to_owned()).spawn(move || ring(&timer, &bell))?;
    Ok(moves)
}

/// timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`: a read is broken off when the clock is moved.
fn ring(timer: &OwnedFd, bell: &Bell) {
    loop {
        match rustix::io::read(timer, &mut [0; 8]) {
            Err(Errno::CANCELED) if bell.is_heard() => bell.ring(),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

fn seconds(seconds: i64) -> Timespec {
    Timespec { tv_sec: seconds, tv_nsec: 0 }
}
