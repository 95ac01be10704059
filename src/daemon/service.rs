//! What a service does besides its work: tells systemd how it is, and keeps the house clean.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::clock::Clock;
use crate::faults::{self, Fault};
use crate::store::{Store, StoreError, Unit};

/// When what is over for long is first thrown away.
const HOUSEKEEPING_FIRST: Duration = Duration::from_secs(300);
/// How often what is over for long is thrown away.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(3600);
/// How long ago a grant may have ended to be told of now: longer than a hub is off as a rule.
const OVER_WITHIN: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a new schema must have worked before the database as it was before is deleted.
const SAFETY_COPY_KEPT: Duration = Duration::from_secs(14 * 24 * 3600);
/// How long PINs of grants that are over, old events and old requests are kept.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Tells systemd that the hub works.
pub(super) fn ready() {
    tell(NotifyState::Ready);
    tracing::info!("ready");
}

/// Tells systemd that the hub ends on purpose.
pub(super) fn stopping() {
    tell(NotifyState::Stopping);
}

/// Tells systemd's watchdog that the hub lives, after each round through the store and back, which needs the runtime,
/// the writer's thread and the database. When one of them hangs, systemd starts the hub anew.
pub(super) async fn feed_watchdog(store: Store, clock: Arc<dyn Clock>) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return pending().await };
    let mut tick = tokio::time::interval(limit / 3);
    loop {
        tick.tick().await;
        match store.run(clock.now().utc, |_: &mut Unit<'_>| Ok::<(), StoreError>(())).await {
            // A restart makes no room on a disk that is full, and what was there is still worked with.
            Ok(_) | Err(StoreError::DiskFull) => tell(NotifyState::Watchdog),
            Err(error) => tracing::error!(%error, "the database does not answer; the watchdog is not fed"),
        }
    }
}

/// Tells of what nobody else notices and purges the store, first a while after the start, when the important things are
/// done.
pub(super) async fn keep_house(store: Store, clock: Arc<dyn Clock>) {
    tokio::time::sleep(HOUSEKEEPING_FIRST).await;
    loop {
        if let Err(error) = tell_of_what_is_over(&store, clock.as_ref()).await {
            tracing::error!(%error, "can't look for what is over");
        }
        if let Err(error) = throw_away(&store, clock.as_ref()).await {
            tracing::error!(%error, "can't throw away what is old");
        }
        tokio::time::sleep(HOUSEKEEPING_EVERY).await;
    }
}

/// Grants that ended without a lock's word: each lock was out of reach all the time.
async fn tell_of_what_is_over(store: &Store, clock: &dyn Clock) -> Result<(), StoreError> {
    let now = clock.now();
    if !now.trusted {
        return Ok(());
    }
    let after = now.utc.before(OVER_WITHIN);
    store.run(now.utc, move |unit: &mut Unit<'_>| unit.settle_methods_over(after)).await?
}

/// All that is old, in parts: whoever waits for the store gets his turn between them.
async fn throw_away(store: &Store, clock: &dyn Clock) -> Result<(), StoreError> {
    loop {
        let now = clock.now();
        // By a wrong clock, everything may look old.
        if !now.trusted || faults::is(Fault::PurgeOff) {
            return Ok(());
        }
        if store.run(now.utc, |unit: &mut Unit<'_>| unit.purge(RETENTION)).await?? == 0 {
            return store.drop_safety_copies(now.utc, SAFETY_COPY_KEPT);
        }
    }
}

fn tell(state: NotifyState<'_>) {
    // Does nothing when systemd did not start us.
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd does not listen");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Now;
    use crate::model::Timestamp;

    /// A clock that stands still.
    struct Still(Now);

    impl Clock for Still {
        fn now(&self) -> Now {
            self.0
        }
    }

    #[expect(clippy::disallowed_methods, reason = "an Instant can't be made otherwise")]
    fn at(text: &str, trusted: bool) -> Still {
        Still(Now { utc: Timestamp::parse(text).unwrap(), mono: std::time::Instant::now(), trusted })
    }

    #[tokio::test]
    async fn everything_that_is_old_goes_in_one_round_but_not_by_a_clock_that_may_be_wrong() {
        let store = Store::in_memory(zeroize::Zeroizing::new([1; 32]), [2; 32]).unwrap();
        let then = Timestamp::parse("2026-12-01T12:00:00Z").unwrap();
        let fill = |unit: &mut Unit<'_>| (0..2500).try_for_each(|n| unit.remember_answer(&format!("r{n}"), "q", "a"));
        store.run(then, fill).await.unwrap().unwrap();
        let first = |unit: &mut Unit<'_>| unit.answer_of("r2499").map(|answer| answer.is_some());
        throw_away(&store, &at("2026-12-09T12:00:00Z", false)).await.unwrap();
        assert!(store.run(then, first).await.unwrap().unwrap());
        throw_away(&store, &at("2026-12-09T12:00:00Z", true)).await.unwrap();
        assert!(!store.run(then, first).await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn the_copy_from_before_a_migration_is_kept_for_two_weeks() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("keyway.db");
        let store = Store::open(&database, zeroize::Zeroizing::new([1; 32]), [2; 32]).unwrap();
        let copy = folder.path().join("keyway.db.schema-3.backup");
        let made = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_126_400);
        std::fs::File::create(&copy).unwrap().set_modified(made).unwrap();
        throw_away(&store, &at("2026-12-15T11:00:00Z", true)).await.unwrap();
        assert!(copy.exists());
        throw_away(&store, &at("2026-12-15T13:00:00Z", false)).await.unwrap();
        assert!(copy.exists());
        throw_away(&store, &at("2026-12-15T13:00:00Z", true)).await.unwrap();
        assert!(!copy.exists());
        store.close().await;
    }
}
