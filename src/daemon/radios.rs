//! The radios: one actor a stick, what it wants kept, and the reconciler above them all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keyway_lock::{CommandId, InstallCode, LockCommand, LockId, NetworkCommand, NetworkRecord, RadioEvent, StickState};
use keyway_zwave::inclusion::code;
use tokio::sync::{mpsc, watch};

use super::DaemonError;
use super::drivers::AnyStick;
use super::ground::Ground;
use super::orders::Orders;
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::hub::{self, JoinCode, NetworkOrders, Networks};
use crate::model::RadioKind;
use crate::radio::{PersistRequest, Stick, StickHandle, StickReport};
use crate::reconcile::{Air, Reconciler, StickSeat};
use crate::store::{Store, StoreError, Unit};

/// Reports and persist requests that wait. A stick waits when it is full, which only a store that hangs can bring about.
const QUEUE: usize = 256;
/// Pause before records that could not be kept are tried again; the stick holds back what depends on them.
const KEEP_RETRY: Duration = Duration::from_secs(1);

/// Starts a stick's actor for each of `sticks`, and the reconciler: the networks. None of it waits for a port.
pub(super) async fn start(
    tasks: &mut Tasks,
    sticks: Vec<AnyStick>,
    store: &Store,
    ground: &Ground,
    states: watch::Sender<hub::Sticks>,
) -> Result<(Arc<Networks>, Arc<Orders>), DaemonError> {
    let clock = &ground.clock;
    let gone = |stick: &AnyStick| (stick.name().into(), StickState::Gone.into());
    states.send_modify(|states| states.extend(sticks.iter().map(gone)));
    let (reports_out, reports) = mpsc::channel(QUEUE);
    let (persists_out, persists) = mpsc::channel(QUEUE);
    let (mut handles, mut seats) = (BTreeMap::new(), Vec::new());
    for stick in sticks {
        let (name, port, kind, names) =
            (stick.name().to_owned(), stick.port().clone(), stick.kind(), stick.lock_names());
        let records_of = name.clone();
        let records = store.run(clock.now().utc, move |unit: &mut Unit<'_>| unit.records(&records_of)).await??;
        let (reports, persists) = (reports_out.clone(), persists_out.clone());
        let radio = stick.into_radio(records, ground)?;
        let (actor, handle) =
            Stick::new(&name, (port, Arc::clone(&ground.ports)), radio, Arc::clone(clock), reports, persists);
        seats.push(StickSeat { name: Arc::clone(handle.name()), kind, names });
        handles.insert(Arc::clone(handle.name()), handle);
        tasks.start("a stick", actor.run(tasks.stop.clone()));
    }
    let handles = Arc::new(handles);
    let (named_out, named) = mpsc::channel(QUEUE);
    let kinds: Vec<_> = seats.iter().map(|seat: &StickSeat| (Arc::clone(&seat.name), seat.kind)).collect();
    let networks = Arc::new(Networks::new(kinds, Sticks(Arc::clone(&handles))));
    let orders = Arc::new(Orders::new(Arc::clone(&handles), states));
    let told = pass_on(reports, named_out, Arc::clone(&networks), Arc::clone(&orders), reports_out);
    tasks.start_helper("the reports of the sticks", told);
    let keeper = keep(store.clone(), Arc::clone(clock), Arc::clone(&handles), persists, persists_out);
    tasks.start_helper("the keeper of radio records", keeper);
    let reconciler = Reconciler::new(store.clone(), Arc::clone(clock), Arc::new(Sticks(handles)), seats);
    tasks.start("the reconciler", reconciler.run(named, tasks.stop.clone()));
    Ok((networks, orders))
}

/// What the reconciler and the hub see of the sticks.
struct Sticks(Arc<BTreeMap<Arc<str>, StickHandle>>);

impl Air for Sticks {
    fn command(&self, stick: &str, id: CommandId, lock: LockId, command: LockCommand) -> bool {
        self.0.get(stick).is_some_and(|stick| stick.command(id, lock, command))
    }
}

impl NetworkOrders for Sticks {
    fn order(&self, network: &str, id: CommandId, command: NetworkCommand) -> bool {
        self.0.get(network).is_some_and(|stick| stick.network(id, command))
    }

    fn read_code(&self, kind: RadioKind, text: &str) -> Result<JoinCode, String> {
        match kind {
            RadioKind::Zwave => match code::read(text) {
                Ok(code) => Ok(JoinCode::Label { label: code.label, joins_by_itself: code.joins_by_itself }),
                Err(error) => Err(error.to_string()),
            },
            RadioKind::Zigbee => InstallCode::read(text).map(JoinCode::InstallCode).ok_or_else(|| {
                "should be the device's address and its install code in hexadecimal digits, with a space between them, or \
                 the text of the QR code that has both"
                    .to_owned()
            }),
        }
    }
}

/// `_open` keeps the channel open when there is no stick at all.
async fn pass_on(
    mut reports: mpsc::Receiver<StickReport>,
    named: mpsc::Sender<(Arc<str>, RadioEvent)>,
    networks: Arc<Networks>,
    orders: Arc<Orders>,
    _open: mpsc::Sender<StickReport>,
) {
    while let Some(StickReport { stick, event }) = reports.recv().await {
        networks.observe(&stick, &event);
        orders.observe(&stick, &event);
        if named.send((stick, event)).await.is_err() {
            return;
        }
    }
}

/// Stores what the sticks want kept, in the order in which they asked, and tells them once it is on disk.
async fn keep(
    store: Store,
    clock: Arc<dyn Clock>,
    sticks: Arc<BTreeMap<Arc<str>, StickHandle>>,
    mut persists: mpsc::Receiver<PersistRequest>,
    _open: mpsc::Sender<PersistRequest>,
) {
    let mut requests = Vec::new();
    // All that wait share a transaction.
    while persists.recv_many(&mut requests, QUEUE).await > 0 {
        let records: Vec<(Arc<str>, NetworkRecord)> =
            requests.iter().map(|request| (Arc::clone(&request.stick), request.record.clone())).collect();
        while let Err(error) = put(&store, clock.as_ref(), records.clone()).await {
            tracing::error!(%error, "can't keep what a stick must remember; trying on");
            tokio::time::sleep(KEEP_RETRY).await;
        }
        for request in requests.drain(..) {
            if let Some(stick) = sticks.get(&request.stick) {
                stick.persisted(request.id);
            }
        }
    }
}

async fn put(store: &Store, clock: &dyn Clock, records: Vec<(Arc<str>, NetworkRecord)>) -> Result<(), StoreError> {
    let job = move |unit: &mut Unit<'_>| records.iter().try_for_each(|(stick, record)| unit.put_record(stick, record));
    store.run(clock.now().utc, job).await?
}
