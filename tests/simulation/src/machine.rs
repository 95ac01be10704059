//! The machine that the hub runs on: started, stopped, killed, with a disk that may be full or slow.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyway::clock::Clock;
use keyway::daemon::{Ground, Works};
use keyway::hub::Hub;
use keyway::store::{Disk, Store};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::building;
use crate::shown::Shown;
use crate::site::Sockets;
use crate::stick::AnySetup;
use crate::world::World;

/// The machine.
pub(crate) struct Machine {
    data: TempDir,
    sticks: Vec<AnySetup>,
    sockets: Arc<Sockets>,
    key: [u8; 32],
    random: RefCell<StdRng>,
    pub(crate) disk: Arc<DiskState>,
    hub: Shown<Option<Hub>>,
    power: RefCell<Option<Power>>,
}

/// How a run of the hub ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Wherever it is.
    Killed,
    /// In order.
    Stopped,
}

struct Power {
    off: oneshot::Sender<End>,
    is_off: oneshot::Receiver<()>,
}

impl Machine {
    pub(crate) fn new(sticks: Vec<AnySetup>, sockets: Sockets, mut random: StdRng) -> Self {
        let mut key = [0; 32];
        random.fill_bytes(&mut key);
        Self {
            data: tempfile::tempdir().expect("a place for the database"),
            sticks,
            sockets: Arc::new(sockets),
            key,
            random: RefCell::new(random),
            disk: Arc::default(),
            hub: Shown::new(None),
            power: RefCell::default(),
        }
    }

    /// Of each door, whether its lock can keep codes to their times by its own clock.
    pub(crate) fn keep_times(&self) -> impl Iterator<Item = bool> {
        self.sticks.iter().flat_map(AnySetup::keep_times)
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.data.path().join("keyway.db")
    }

    /// Waits until this run of the hub is over.
    pub(crate) async fn over(&self) {
        self.hub.until(Option::is_none).await;
    }

    /// Waits for one that runs.
    pub(crate) async fn some_hub(&self) -> Hub {
        self.hub.until(Option::is_some).await.expect("it was waited for")
    }

    /// Switches it on.
    pub(crate) fn start(&self, world: &Rc<World>) {
        let (off, switched_off) = oneshot::channel();
        let (tell, is_off) = oneshot::channel();
        *self.power.borrow_mut() = Some(Power { off, is_off });
        let world = Rc::clone(world);
        tokio::task::spawn_local(async move {
            world.machine.run(&world, switched_off).await;
            let _ = tell.send(());
        });
    }

    /// Switches it off, and waits until nothing of it is left.
    pub(crate) async fn end(&self, how: End) {
        let power = self.power.borrow_mut().take();
        let Some(Power { off, is_off }) = power else { return };
        let _ = off.send(how);
        let _ = is_off.await;
    }

    async fn run(&self, world: &World, mut switched_off: oneshot::Receiver<End>) {
        let (store, serve) = Store::open_inline(
            &self.database(),
            Zeroizing::new(self.key),
            self.entropy(),
            Box::new(SimulatedDisk(Arc::clone(&self.disk))),
        )
        .expect("the database opens");
        let clock = world.clock.start(store.latest_time());
        let serving = tokio::spawn(serve);
        let how = tokio::select! {
            biased;
            how = &mut switched_off => how.unwrap_or(End::Killed),
            () = self.work(world, &store, clock) => End::Killed,
        };
        self.hub.show(None);
        if how == End::Stopped {
            store.close().await;
        }
        serving.abort();
        let _ = serving.await;
    }

    /// Ends only when something of the hub ends that must not.
    async fn work(&self, world: &World, store: &Store, clock: Arc<dyn Clock>) {
        let random = Mutex::new(StdRng::from_seed(self.entropy()));
        let ground = Ground {
            clock,
            ports: Arc::clone(&self.sockets) as _,
            entropy: Arc::new(move |bytes: &mut [u8]| {
                random.lock().expect("no panic").fill_bytes(bytes);
                Ok(())
            }),
        };
        let mut config = building::config(self.data.path().to_owned(), &self.sticks);
        let mut works = match Works::start(&mut config, store, &ground).await {
            Ok(works) => works,
            Err(error) => return world.broken("start", None, &format!("the hub does not start: {error}")),
        };
        self.hub.show(Some(works.hub().clone()));
        let ended = works.ended().await;
        world.broken("start", None, &format!("{ended} of the hub ended by itself"));
    }

    fn entropy(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.random.borrow_mut().fill_bytes(&mut bytes);
        bytes
    }
}

/// How the disk does.
#[derive(Debug, Default)]
pub(crate) struct DiskState {
    pub(crate) full: AtomicBool,
    /// Milliseconds that a commit waits.
    pub(crate) slow: AtomicU64,
    /// Commits so far.
    pub(crate) commits: AtomicU64,
    /// Those of them that wrote something.
    writes: AtomicU64,
    pub(crate) touched: tokio::sync::Notify,
}

impl DiskState {
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }
}

struct SimulatedDisk(Arc<DiskState>);

impl Disk for SimulatedDisk {
    fn delay(&mut self) -> Duration {
        self.0.commits.fetch_add(1, Ordering::Relaxed);
        self.0.touched.notify_waiters();
        Duration::from_millis(self.0.slow.load(Ordering::Relaxed))
    }

    fn is_full(&mut self) -> bool {
        self.0.writes.fetch_add(1, Ordering::Relaxed);
        self.0.full.load(Ordering::Relaxed)
    }
}
