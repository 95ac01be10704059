//! What the hub knows of each network while it changes, and the way by which it asks for changes. Kept in memory: what is
//! under way ends with the process, and the drivers tell the rest anew at each start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyway_lock::{
    CommandId, DeviceLabel, InstallCode, KeyClass, LockId, NetworkCommand, NetworkError, NetworkFailure,
    NetworkOutcome, NetworkStep, RadioEvent, StickState,
};

use tokio::sync::watch;

use super::pairing::Pairing;
use crate::model::RadioKind;

/// What a device's label or its QR code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinCode {
    /// Of a Z-Wave device.
    Label {
        /// Who it is.
        label: DeviceLabel,
        /// Whether it joins by itself; `None`: it does not say.
        joins_by_itself: Option<bool>,
    },
    /// Of a Zigbee device.
    InstallCode(InstallCode),
}

/// How the hub reaches the networks.
pub trait NetworkOrders: Send + Sync + 'static {
    /// Asks something of a network; what comes of it is told to [`Networks::observe`]. False: its driver has ended.
    fn order(&self, network: &str, id: CommandId, command: NetworkCommand) -> bool;

    /// Reads a label or a QR code as devices of this kind have it.
    ///
    /// # Errors
    /// What is wrong with it, without the text.
    fn read_code(&self, kind: RadioKind, text: &str) -> Result<JoinCode, String>;
}

/// What is being done to a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Include,
    Exclude,
    Replace,
    RemoveFailed,
    Reset,
    Leave,
    ImportKeys,
    RebuildRoutes,
    /// A device that was awaited joins by itself.
    SelfJoin,
}

impl Action {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Include => "include",
            Self::Exclude => "exclude",
            Self::Replace => "replace_failed",
            Self::RemoveFailed => "remove_failed",
            Self::Reset => "reset",
            Self::Leave => "leave",
            Self::ImportKeys => "import_keys",
            Self::RebuildRoutes => "rebuild_routes",
            Self::SelfJoin => "self_join",
        }
    }

    /// What a command begins; `None`: it answers, or changes a list.
    fn of(command: &NetworkCommand) -> Option<Self> {
        match command {
            NetworkCommand::Include(_) => Some(Self::Include),
            NetworkCommand::Exclude => Some(Self::Exclude),
            NetworkCommand::ReplaceFailed(..) => Some(Self::Replace),
            NetworkCommand::RemoveFailed(_) => Some(Self::RemoveFailed),
            NetworkCommand::Reset { .. } => Some(Self::Reset),
            NetworkCommand::Leave { .. } => Some(Self::Leave),
            NetworkCommand::TakeKeys(_) => Some(Self::ImportKeys),
            NetworkCommand::RebuildRoutes(_) => Some(Self::RebuildRoutes),
            NetworkCommand::Grant(_)
            | NetworkCommand::Confirm(_)
            | NetworkCommand::Cancel
            | NetworkCommand::Await(_)
            | NetworkCommand::Forget(_) => None,
        }
    }
}

/// Something under way.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// `None`: nobody asked for it.
    id: Option<CommandId>,
    pub(super) action: Action,
    /// The steps so far, oldest first; none: it has not begun yet.
    pub(super) steps: Vec<NetworkStep>,
    /// The new device's number, once it has one; or whose turn it is.
    pub(super) lock: Option<LockId>,
}

impl Task {
    fn end(self, result: Outcome) -> Ended {
        Ended { action: self.action, steps: self.steps, result }
    }
}

/// How the last task ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) action: Action,
    /// All its steps, oldest first.
    pub(super) steps: Vec<NetworkStep>,
    pub(super) result: Outcome,
}

/// What came of a task that ended well.
#[derive(Debug, Clone, Default)]
pub(super) struct Success {
    pub(super) lock: Option<LockId>,
    /// What a new device was granted.
    pub(super) classes: BTreeSet<KeyClass>,
    /// Of several devices, those with which it did not work.
    pub(super) failed: BTreeSet<LockId>,
}

type Outcome = Result<Success, NetworkFailure>;

/// A network as the hub knows it.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) kind: RadioKind,
    /// Its identity, while its stick is ready.
    pub(super) identity: Option<String>,
    pub(super) task: Option<Task>,
    pub(super) ended: Option<Ended>,
    /// Why nothing was begun when somebody last wanted that.
    pub(super) refused: Option<String>,
    pub(super) leftovers: BTreeMap<LockId, String>,
    pub(super) strangers: BTreeMap<LockId, String>,
    pub(super) awaited: Vec<(String, Option<String>)>,
}

/// All networks, by the names of their sticks.
pub struct Networks {
    known: Mutex<BTreeMap<Arc<str>, Network>>,
    orders: Box<dyn NetworkOrders>,
    last: AtomicU64,
    /// Counts what was told and asked.
    changes: watch::Sender<u64>,
}

/// Nobody to give orders to.
struct NoOrders;

impl NetworkOrders for NoOrders {
    fn order(&self, _network: &str, _id: CommandId, _command: NetworkCommand) -> bool {
        false
    }

    fn read_code(&self, _kind: RadioKind, _text: &str) -> Result<JoinCode, String> {
        Err("can't be read: there is no stick".to_owned())
    }
}

impl Networks {
    /// None.
    pub(in crate::hub) fn none() -> Self {
        Self::new([], NoOrders)
    }

    /// Of these sticks.
    pub fn new(sticks: impl IntoIterator<Item = (Arc<str>, RadioKind)>, orders: impl NetworkOrders) -> Self {
        let network = |kind| Network {
            kind,
            identity: None,
            task: None,
            ended: None,
            refused: None,
            leftovers: BTreeMap::new(),
            strangers: BTreeMap::new(),
            awaited: Vec::new(),
        };
        let known = sticks.into_iter().map(|(name, kind)| (name, network(kind))).collect();
        let changes = watch::Sender::new(0);
        Self { known: Mutex::new(known), orders: Box::new(orders), last: AtomicU64::new(0), changes }
    }

    /// Takes note of what a stick tells.
    pub fn observe(&self, stick: &str, event: &RadioEvent) {
        if let Some(network) = self.known().get_mut(stick) {
            network.observe(event);
        }
        self.changes.send_modify(|count| *count += 1);
    }

    /// Turns whenever something may be under way that was not before, or be over.
    pub(in crate::hub) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// How far each is, by the names of their sticks.
    pub(in crate::hub) fn pairings(&self) -> Vec<Pairing> {
        self.known().iter().map(|(name, network)| Pairing::new(name, network)).collect()
    }

    /// Every network, by name.
    pub(super) fn all(&self) -> Vec<(Arc<str>, Network)> {
        self.known().iter().map(|(name, network)| (Arc::clone(name), network.clone())).collect()
    }

    /// Asks something of a network, unless it is plain already that this can't be.
    pub(super) fn order(&self, name: &str, command: NetworkCommand) -> Result<(), NetworkError> {
        let mut known = self.known();
        let network = known.get_mut(name).filter(|network| network.identity.is_some());
        let network = network.ok_or(NetworkError::StickGone)?;
        network.check(&command)?;
        let id = CommandId(self.last.fetch_add(1, Ordering::Relaxed));
        if let Some(action) = Action::of(&command) {
            network.task = Some(Task { id: Some(id), action, steps: Vec::new(), lock: None });
            (network.ended, network.refused) = (None, None);
        }
        drop(known);
        self.changes.send_modify(|count| *count += 1);
        if self.orders.order(name, id, command) { Ok(()) } else { Err(NetworkError::StickGone) }
    }

    /// Reads a label or a QR code for a network. What is wrong with it is shown there too.
    pub(super) fn read_code(&self, name: &str, kind: RadioKind, text: &str) -> Result<JoinCode, String> {
        self.orders.read_code(kind, text).inspect_err(|wrong| {
            if let Some(network) = self.known().get_mut(name) {
                network.refused = Some(format!("The code {wrong}."));
            }
            self.changes.send_modify(|count| *count += 1);
        })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Network>> {
        // Nothing that panics leaves it half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Network {
    fn check(&self, command: &NetworkCommand) -> Result<(), NetworkError> {
        let step = self.task.as_ref().and_then(|task| task.steps.last());
        let fits = match command {
            NetworkCommand::Grant(_) => matches!(step, Some(NetworkStep::GrantNeeded { .. })),
            NetworkCommand::Confirm(_) => matches!(step, Some(NetworkStep::PinNeeded { .. })),
            NetworkCommand::Cancel => self.task.is_some(),
            NetworkCommand::Await(_) | NetworkCommand::Forget(_) => true,
            _ if self.task.is_some() => return Err(NetworkError::Busy),
            _ => true,
        };
        if fits { Ok(()) } else { Err(NetworkError::NotAsked) }
    }

    fn observe(&mut self, event: &RadioEvent) {
        match event {
            RadioEvent::Stick(StickState::Ready(info)) => self.identity = Some(info.network.clone()),
            RadioEvent::Stick(_) => {
                self.identity = None;
                // What was known of it is told again when it is back.
                self.leftovers.clear();
                self.strangers.clear();
                if self.task.as_ref().is_some_and(|task| task.id.is_none()) {
                    self.task = None;
                }
            }
            RadioEvent::Network(NetworkStep::SelfJoinFailed { error, .. }) => {
                self.end_self_join(Err(NetworkFailure::from(*error)));
            }
            RadioEvent::Network(step) => {
                let by_itself = || Task { id: None, action: Action::SelfJoin, steps: Vec::new(), lock: None };
                let task = self.task.get_or_insert_with(by_itself);
                if let NetworkStep::Joined(lock) | NetworkStep::RebuildingRoutes(lock) = step {
                    task.lock = Some(*lock);
                }
                task.steps.push(step.clone());
            }
            RadioEvent::NetworkDone(id, result) => {
                if let Some(task) = self.task.take_if(|task| task.id == Some(*id)) {
                    self.ended = Some(task.end(outcome(result)));
                }
            }
            RadioEvent::LockJoined(lock, joined) => {
                self.leftovers.remove(lock);
                self.strangers.remove(lock);
                let (lock, classes) = (Some(*lock), joined.classes.clone());
                self.end_self_join(Ok(Success { lock, classes, ..Success::default() }));
            }
            RadioEvent::LockLeft(lock) => {
                self.leftovers.remove(lock);
                self.strangers.remove(lock);
            }
            RadioEvent::Stranger(lock, reason) => _ = self.strangers.insert(*lock, reason.clone()),
            RadioEvent::Leftover(lock, reason) => _ = self.leftovers.insert(*lock, reason.clone()),
            RadioEvent::Awaited(awaited) => self.awaited.clone_from(awaited),
            _ => {}
        }
    }

    fn end_self_join(&mut self, result: Outcome) {
        if let Some(task) = self.task.take_if(|task| task.id.is_none()) {
            self.ended = Some(task.end(result));
        }
    }
}

fn outcome(result: &Result<NetworkOutcome, NetworkFailure>) -> Outcome {
    match result {
        Ok(NetworkOutcome::Included(lock, classes)) => {
            Ok(Success { lock: Some(*lock), classes: classes.clone(), ..Success::default() })
        }
        Ok(NetworkOutcome::Excluded(lock)) => Ok(Success { lock: *lock, ..Success::default() }),
        Ok(NetworkOutcome::RoutesRebuilt(lock, failed)) => {
            Ok(Success { lock: *lock, failed: failed.clone(), ..Success::default() })
        }
        Ok(NetworkOutcome::Done | NetworkOutcome::Reset | NetworkOutcome::KeysTaken(_)) => Ok(Success::default()),
        Err(failure) => Err(*failure),
    }
}
