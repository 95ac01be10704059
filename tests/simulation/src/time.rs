//! Time: the true one, and what the hub's clock makes of it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyway::clock::{BatteryClock, Clock, ClockPolicy, Kernel, Machine, SystemClock};
use keyway::model::Timestamp;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::time::Instant;

/// When a run may begin, in seconds since 1970: on 1 March 2027, and some days before the clocks of Europe go forward, on
/// 28 March, or back, on 31 October.
const BEGINNINGS: [i64; 3] = [1_803_859_200, 1_805_932_800, 1_824_681_600];

/// True time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    start: Instant,
    /// In microseconds since 1970.
    begin: i64,
}

impl Time {
    /// It begins now; to be called on the simulation's runtime.
    pub(crate) fn begin(random: &mut StdRng) -> Self {
        Self { start: Instant::now(), begin: BEGINNINGS[random.random_range(0..BEGINNINGS.len())] * 1_000_000 }
    }

    pub(crate) fn now(self) -> Timestamp {
        at(self.begin + micros(self.start.elapsed()))
    }

    /// When it is `utc`.
    pub(crate) fn instant(self, utc: Timestamp) -> Instant {
        self.start + Duration::from_micros((utc.as_microsecond() - self.begin).max(0).unsigned_abs())
    }

    pub(crate) async fn wait_until(self, utc: Timestamp) {
        tokio::time::sleep_until(self.instant(utc)).await;
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.start.elapsed()
    }
}

/// A moment, in microseconds since 1970.
pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("no simulation is that long")
}

pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).expect("no simulation is that long")
}

/// The machine's clock: what it shows, and what the hub that runs on it now makes of it.
pub(crate) struct MachineClock {
    face: Face,
    hubs: Mutex<Arc<SystemClock<Face>>>,
}

/// What the clock shows, and whether it is kept right.
#[derive(Debug, Clone)]
struct Face(Arc<Shown>);

#[derive(Debug)]
struct Shown {
    time: Time,
    /// How far it goes wrong, in microseconds.
    off: AtomicI64,
    synchronized: AtomicBool,
    was_right: AtomicBool,
}

impl MachineClock {
    pub(crate) fn new(time: Time) -> Self {
        let shown = Shown { time, off: AtomicI64::new(0), synchronized: true.into(), was_right: false.into() };
        let face = Face(Arc::new(shown));
        Self { hubs: Mutex::new(hubs(&face, None)), face }
    }

    /// A hub starts; its database has seen this time.
    pub(crate) fn start(&self, latest: Option<Timestamp>) -> Arc<dyn Clock> {
        let clock = hubs(&self.face, latest);
        *self.hubs.lock().expect("no panic") = Arc::clone(&clock);
        clock
    }

    /// The machine loses its power, and with it the time; it has no battery clock.
    pub(crate) fn power_cut(&self) {
        self.face.0.synchronized.store(false, Ordering::Relaxed);
        self.face.0.was_right.store(false, Ordering::Relaxed);
    }

    /// It is moved to be wrong by so much, and is kept right from now on or is not. The kernel tells at once.
    pub(crate) fn set(&self, off: i64, synchronized: bool) {
        self.face.0.off.store(off, Ordering::Relaxed);
        self.face.0.synchronized.store(synchronized, Ordering::Relaxed);
        self.hubs.lock().expect("no panic").now();
    }
}

fn hubs(face: &Face, latest: Option<Timestamp>) -> Arc<SystemClock<Face>> {
    Arc::new(SystemClock::of(face.clone(), latest, ClockPolicy::Proof))
}

impl Machine for Face {
    fn wall(&self) -> Duration {
        let micros = self.0.time.now().as_microsecond() + self.0.off.load(Ordering::Relaxed);
        Duration::from_micros(micros.unsigned_abs())
    }

    fn mono(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    fn kernel(&self) -> Kernel {
        if self.0.synchronized.load(Ordering::Relaxed) { Kernel::Synchronized } else { Kernel::Alone }
    }

    fn was_right(&self) -> bool {
        self.0.was_right.load(Ordering::Relaxed)
    }

    fn is_right(&self) {
        self.0.was_right.store(true, Ordering::Relaxed);
    }

    fn battery_clock(&self) -> BatteryClock {
        BatteryClock::Missing
    }
}
