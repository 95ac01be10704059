//! Makes each lock hold what it should: one worker a lock, level-triggered. Intent on disk, command to the radio,
//! proof from the lock, outcome on disk; then the next difference.

mod answers;
mod battery;
mod codes;
mod engine;
mod facts;
mod log;
mod network;
mod observe;
mod outcome;
mod retry;
mod roll;
mod tamper;
mod turn;
mod unwritten;
mod worker;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use keyway_lock::{CommandId, LockCommand, LockId, RadioEvent};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc, watch};

use crate::clock::Clock;
use crate::model::RadioKind;
use crate::store::{Changes, Store};

use engine::Engine;

/// Reports taken before locks get their turns.
const BATCH: usize = 64;

/// Where commands go.
pub trait Air: Send + Sync + 'static {
    /// Asks something of a lock on a stick; the answer comes as a [`RadioEvent::CommandDone`] of that stick. False:
    /// the stick's driver has ended, and no answer will come.
    fn command(&self, stick: &str, id: CommandId, lock: LockId, command: LockCommand) -> bool;
}

/// A stick as the configuration has it.
#[derive(Debug, Clone)]
pub struct StickSeat {
    /// Its name.
    pub name: Arc<str>,
    /// What it speaks.
    pub kind: RadioKind,
    /// Names for locks that are new to the hub.
    pub names: BTreeMap<LockId, String>,
}

/// The reconciler; run it with [`Reconciler::run`].
pub struct Reconciler {
    store: Store,
    clock: Arc<dyn Clock>,
    engine: Engine,
}

impl Reconciler {
    /// Over a store, for these sticks.
    pub fn new(store: Store, clock: Arc<dyn Clock>, air: Arc<dyn Air>, sticks: Vec<StickSeat>) -> Self {
        let engine = Engine::new(store.clone(), air, sticks);
        Self { store, clock, engine }
    }

    /// Works until `stop` turns true, or the store is closed. What is being asked of a lock then is left to the next
    /// run, which reads before it concludes.
    pub async fn run(mut self, reports: mpsc::Receiver<(Arc<str>, RadioEvent)>, mut stop: watch::Receiver<bool>) {
        let mut changes = self.store.subscribe();
        let mut moves = self.clock.moves();
        let mut reports = Some(reports);
        self.engine.start(self.clock.now()).await;
        loop {
            self.catch_up(&mut changes);
            self.engine.turn(self.clock.now()).await;
            let wake = self.engine.wake();
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                report = next(&mut reports) => match report {
                    Some((stick, event)) => {
                        self.engine.observe(self.clock.now(), &stick, event).await;
                        self.observe_more(reports.as_mut()).await;
                    }
                    // No stick is left; requests and warnings go on.
                    None => reports = None,
                },
                change = changes.recv() => match change {
                    Ok(change) => self.engine.changed(&change),
                    Err(RecvError::Lagged(_)) => self.engine.anything_changed(),
                    Err(RecvError::Closed) => return,
                },
                () = moves.next() => {}
                () = at(wake) => {}
            }
        }
    }

    /// What was committed by now is seen by the turn that comes: no lock has another one for it.
    fn catch_up(&mut self, changes: &mut broadcast::Receiver<Arc<Changes>>) {
        loop {
            match changes.try_recv() {
                Ok(change) => self.engine.changed(&change),
                Err(TryRecvError::Lagged(_)) => self.engine.anything_changed(),
                // That it is closed ends the loop outside.
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    async fn observe_more(&mut self, reports: Option<&mut mpsc::Receiver<(Arc<str>, RadioEvent)>>) {
        let Some(reports) = reports else { return };
        for _ in 0..BATCH {
            let Ok((stick, event)) = reports.try_recv() else { return };
            self.engine.observe(self.clock.now(), &stick, event).await;
        }
    }
}

/// Ends when `stop` turns true or its sender is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn at(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake.into()).await,
        None => pending().await,
    }
}

async fn next(reports: &mut Option<mpsc::Receiver<(Arc<str>, RadioEvent)>>) -> Option<(Arc<str>, RadioEvent)> {
    match reports {
        Some(reports) => reports.recv().await,
        None => pending().await,
    }
}
