//! Backups by a schedule: one is due while the newest is older than the calendar's latest moment.

use std::sync::Arc;
use std::time::Duration;

use keyway_lock::StickState;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::backup::Due;
use crate::clock::Clock;
use crate::config::BackupConfig;
use crate::hub::Hub;

/// Pause before one that failed is tried again.
const RETRY: Duration = Duration::from_secs(3600);
/// After a start, the sticks get this long to be ready: their memory belongs into the backup.
const STICKS_WITHIN: Duration = Duration::from_secs(300);

/// Makes them as they come due; `problem` is what is wrong, until the next good one.
pub(super) async fn keep_backups(
    hub: Hub,
    clock: Arc<dyn Clock>,
    config: BackupConfig,
    problem: watch::Sender<Option<String>>,
) {
    let mut moves = clock.moves();
    let mut sticks = hub.sticks();
    let ready = sticks.wait_for(|sticks| sticks.values().all(|stick| matches!(stick.state, StickState::Ready(_))));
    // One that is gone stops no backup.
    let _ = tokio::time::timeout(STICKS_WITHIN, ready).await;
    loop {
        if !clock.now().trusted {
            moves.next().await;
            continue;
        }
        let pause = match round(&hub, clock.as_ref(), &config).await {
            Ok(pause) => {
                problem.send_replace(None);
                pause
            }
            Err(reason) => {
                let told = format!("the last scheduled backup failed: {reason}. It is tried again every hour");
                if problem.send_replace(Some(told.clone())).as_ref() != Some(&told) {
                    hub.backup_failed(&reason).await;
                }
                Some(RETRY)
            }
        };
        tokio::select! {
            () = moves.next() => {}
            () = sleep(pause) => {}
        }
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

/// Makes one if it is due: how long until the next is; `None`: none ever.
async fn round(hub: &Hub, clock: &dyn Clock, config: &BackupConfig) -> Result<Option<Duration>, String> {
    let until_next = |at| Some(clock.now().utc.until(at));
    loop {
        let now = clock.now();
        let shelf = config.shelf.clone();
        let newest = tokio::task::spawn_blocking(move || shelf.newest(now.utc)).await;
        let newest = newest.map_err(|error| error.to_string())?;
        // A shelf that can't be looked at has none; that it can't be written to either is told then.
        match Due::of(&config.calendar, newest.unwrap_or_default(), now.utc) {
            Due::Never => return Ok(None),
            Due::Not(at) => return Ok(until_next(at)),
            Due::Since(_) => {}
        }
        let Some(passphrase) = &config.passphrase else {
            let message = "there is no passphrase: give backup.passphrase_file or the credential backup-passphrase";
            return Err(message.to_owned());
        };
        hub.back_up_onto(config.shelf.clone(), Zeroizing::new(passphrase.expose().to_owned())).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroUsize;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::backup::Shelf;
    use crate::clock::{Bell, Moves, Now};
    use crate::config::Secret;
    use crate::model::{Calendar, Timestamp};
    use crate::store::Store;

    /// A clock that stands still, and rings when it is told to.
    #[derive(Default)]
    struct Still {
        trusted: AtomicBool,
        bell: Bell,
    }

    impl Clock for Still {
        #[expect(clippy::disallowed_methods, reason = "an Instant can't be made otherwise")]
        fn now(&self) -> Now {
            let utc = Timestamp::parse("2026-11-25T22:00:00Z").unwrap();
            Now { utc, mono: std::time::Instant::now(), trusted: self.trusted.load(Ordering::Relaxed) }
        }

        fn moves(&self) -> Moves {
            self.bell.listen()
        }
    }

    fn config(directory: &Path, passphrase: Option<&str>) -> BackupConfig {
        BackupConfig {
            calendar: Calendar::new("0 3 * * *", Some("UTC")).unwrap(),
            shelf: Shelf {
                directory: directory.to_owned(),
                own: false,
                hub: "home".to_owned(),
                keep: NonZeroUsize::MIN,
            },
            passphrase: passphrase.map(|text| Secret::new(text.to_owned())),
        }
    }

    /// Begins with a clock that is not trusted: what is told to be wrong.
    fn begin(folder: &Path, config: BackupConfig) -> (Arc<Still>, watch::Receiver<Option<String>>) {
        let store = Store::open(&folder.join("keyway.db"), Zeroizing::new([1; 32]), [2; 32]).unwrap();
        let clock = Arc::new(Still::default());
        let (_, sticks) = watch::channel(BTreeMap::new());
        let hub = Hub::new("home", store, Arc::clone(&clock) as Arc<dyn Clock>, sticks);
        let (problem, told) = watch::channel(None);
        tokio::spawn(keep_backups(hub, Arc::clone(&clock) as Arc<dyn Clock>, config, problem));
        (clock, told)
    }

    #[tokio::test]
    async fn one_is_made_once_the_clock_is_trusted_and_what_hindered_it_is_told_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("usb");
        let (clock, mut told) = begin(folder.path(), config(&directory, Some("open sesame")));
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!told.has_changed().unwrap(), "by a clock that may be wrong nothing is due");
        clock.trusted.store(true, Ordering::Relaxed);
        clock.bell.ring();
        let problem = told.wait_for(Option::is_some).await.unwrap().clone().unwrap();
        assert!(problem.contains("usb can't be written to") && problem.contains("every hour"), "{problem}");
        std::fs::create_dir(&directory).unwrap();
        clock.bell.ring();
        told.wait_for(Option::is_none).await.unwrap();
        let made = directory.join("keyway-home-20261125T220000Z.backup");
        assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let file = std::io::BufReader::new(std::fs::File::open(&made).unwrap());
        let (manifest, key) = crate::backup::read(file, "open sesame", &mut std::io::sink()).unwrap();
        assert_eq!((manifest.hub.as_str(), *key), ("home", [1; 32]));
    }

    #[tokio::test]
    async fn without_a_passphrase_there_is_none_and_it_is_said_where_to_give_one() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, mut told) = begin(folder.path(), config(folder.path(), None));
        clock.trusted.store(true, Ordering::Relaxed);
        clock.bell.ring();
        let problem = told.wait_for(Option::is_some).await.unwrap().clone().unwrap();
        assert!(problem.contains("backup.passphrase_file"), "{problem}");
    }
}
