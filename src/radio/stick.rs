//! One stick's actor: owns the port and one driver, and moves bytes, commands and events between them and the hub.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyway_lock::{
    CommandId, LockCommand, LockId, NetworkCommand, NetworkRecord, Output, PersistId, PortState, Radio, RadioEvent,
    SecretBytes, StickCommand, StickState, Traffic,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

use crate::clock::Clock;

use super::port::{OpenPort, PortAddress, Ports};
use super::reconnect::Reconnect;
use super::wall::{LOOK_EVERY, Told};

/// A port that takes no byte for this long is as good as gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// More than any frame; a read brings what is there.
const READ_BUFFER: usize = 1024;

/// What a stick tells the hub.
#[derive(Debug)]
pub struct StickReport {
    /// The stick's name in the configuration.
    pub stick: Arc<str>,
    /// What it tells.
    pub event: RadioEvent,
}

/// What a stick wants kept; answer with [`StickHandle::persisted`].
#[derive(Debug)]
pub struct PersistRequest {
    /// The stick's name in the configuration.
    pub stick: Arc<str>,
    /// Names the request.
    pub id: PersistId,
    /// What to keep.
    pub record: NetworkRecord,
}

enum Request {
    Command(CommandId, LockId, LockCommand),
    Network(CommandId, NetworkCommand),
    Stick(CommandId, StickCommand),
    Persisted(PersistId),
}

/// How the hub speaks to a stick's actor.
#[derive(Clone)]
pub struct StickHandle {
    name: Arc<str>,
    // Unbounded, so that the hub never waits for a radio; bounded in fact by one command in flight a lock.
    requests: mpsc::UnboundedSender<Request>,
    traffic: watch::Receiver<Traffic>,
}

impl StickHandle {
    /// The stick's name in the configuration.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Asks something of a lock; the answer is a [`RadioEvent::CommandDone`]. False: the actor has ended.
    pub fn command(&self, id: CommandId, lock: LockId, command: LockCommand) -> bool {
        self.requests.send(Request::Command(id, lock, command)).is_ok()
    }

    /// Asks something of the network; the answer is a [`RadioEvent::NetworkDone`]. False: the actor has ended.
    pub fn network(&self, id: CommandId, command: NetworkCommand) -> bool {
        self.requests.send(Request::Network(id, command)).is_ok()
    }

    /// Asks something of the stick itself; the answer is a [`RadioEvent::NetworkDone`]. False: the actor has ended.
    pub fn stick(&self, id: CommandId, command: StickCommand) -> bool {
        self.requests.send(Request::Stick(id, command)).is_ok()
    }

    /// How much went over the air so far.
    pub fn traffic(&self) -> Traffic {
        *self.traffic.borrow()
    }

    /// The store has it. False: the actor has ended.
    pub fn persisted(&self, id: PersistId) -> bool {
        self.requests.send(Request::Persisted(id)).is_ok()
    }
}

/// The actor; run it with [`Stick::run`].
pub struct Stick {
    name: Arc<str>,
    address: PortAddress,
    ports: Arc<dyn Ports>,
    radio: Box<dyn Radio + Send>,
    clock: Arc<dyn Clock>,
    requests: mpsc::UnboundedReceiver<Request>,
    reports: mpsc::Sender<StickReport>,
    persists: mpsc::Sender<PersistRequest>,
    traffic: watch::Sender<Traffic>,
    reconnect: Reconnect,
    /// How often the stick did not answer on its line.
    unanswered: usize,
    /// The line is to be tried in another way.
    tries_another: bool,
    told: Told,
    outgoing: Zeroizing<Vec<u8>>,
    deadline: Option<Instant>,
}

struct Port {
    reader: ReadHalf<OpenPort>,
    writer: WriteHalf<OpenPort>,
}

enum Happened {
    Read(std::io::Result<usize>),
    Wrote(std::io::Result<usize>),
    Opened(std::io::Result<OpenPort>),
    Asked(Request),
    Timeout,
    /// The clock is to be looked at, as it is after everything that happens.
    Look,
    Stop,
}

impl Stick {
    /// Makes the actor and its handle.
    pub fn new(
        name: &str,
        (address, ports): (PortAddress, Arc<dyn Ports>),
        radio: Box<dyn Radio + Send>,
        clock: Arc<dyn Clock>,
        reports: mpsc::Sender<StickReport>,
        persists: mpsc::Sender<PersistRequest>,
    ) -> (Self, StickHandle) {
        let name: Arc<str> = name.into();
        let (sender, requests) = mpsc::unbounded_channel();
        let (traffic, traffic_told) = watch::channel(radio.traffic());
        let handle = StickHandle { name: Arc::clone(&name), requests: sender, traffic: traffic_told };
        let stick = Self {
            name,
            address,
            ports,
            radio,
            clock,
            requests,
            reports,
            persists,
            traffic,
            reconnect: Reconnect::default(),
            unanswered: 0,
            tries_another: false,
            told: Told::default(),
            outgoing: Zeroizing::new(Vec::new()),
            deadline: None,
        };
        (stick, handle)
    }

    /// Works until `stop` turns true or the hub is gone.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut port: Option<Port> = None;
        let (mut open_at, mut moves) = (self.clock.now().mono, self.clock.moves());
        let mut look_at = open_at + LOOK_EVERY;
        let mut buffer = Zeroizing::new([0; READ_BUFFER]);
        let mut stopped = pin!(stopped(&mut stop));
        loop {
            let (wake_at, woken) = match self.deadline.filter(|deadline| *deadline <= look_at) {
                Some(deadline) => (deadline, Happened::Timeout),
                None => (look_at, Happened::Look),
            };
            let wake = tokio::time::sleep_until(wake_at.into());
            let happened = match &mut port {
                Some(port) => {
                    let write = async {
                        if self.outgoing.is_empty() {
                            return pending().await;
                        }
                        let write = port.writer.write(&self.outgoing);
                        tokio::time::timeout(WRITE_TIMEOUT, write)
                            .await
                            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
                    };
                    tokio::select! {
                        biased;
                        () = &mut stopped => Happened::Stop,
                        wrote = write => Happened::Wrote(wrote),
                        read = port.reader.read(&mut *buffer) => Happened::Read(read),
                        asked = self.requests.recv() => asked.map_or(Happened::Stop, Happened::Asked),
                        () = wake => woken,
                        () = moves.next() => Happened::Look,
                    }
                }
                None => {
                    let open = async {
                        tokio::time::sleep_until(open_at.into()).await;
                        self.ports.open(&self.address, self.unanswered).await
                    };
                    tokio::select! {
                        biased;
                        () = &mut stopped => Happened::Stop,
                        opened = open => Happened::Opened(opened),
                        asked = self.requests.recv() => asked.map_or(Happened::Stop, Happened::Asked),
                        () = wake => woken,
                        () = moves.next() => Happened::Look,
                    }
                }
            };
            let reading = self.clock.now();
            let now = reading.mono;
            look_at = now + LOOK_EVERY;
            if let Some(utc) = self.told.look(reading) {
                self.radio.handle_wall_time(now, utc);
            }
            match happened {
                Happened::Stop => return,
                // A read of nothing is how a serial port tells that it was unplugged.
                Happened::Read(Ok(0)) => {
                    port = None;
                    open_at = self.lost(now, "the port was closed");
                }
                Happened::Read(Ok(n)) => self.radio.handle_bytes(now, &buffer[..n]),
                Happened::Wrote(Ok(n)) if n > 0 => {
                    self.outgoing.drain(..n);
                }
                Happened::Wrote(Ok(_)) => {
                    port = None;
                    open_at = self.lost(now, "the port takes no more bytes");
                }
                Happened::Read(Err(error)) | Happened::Wrote(Err(error)) => {
                    port = None;
                    open_at = self.lost(now, &error.to_string());
                }
                Happened::Opened(Ok(open)) => {
                    tracing::info!(stick = %self.name, port = %self.address, "port opened");
                    let (reader, writer) = split(open);
                    port = Some(Port { reader, writer });
                    self.reconnect.opened(now);
                    self.radio.handle_port(now, PortState::Opened);
                }
                Happened::Opened(Err(error)) => {
                    open_at = self.reconnect.next_try(now);
                    if self.reconnect.is_news() {
                        let advice = self.address.advice(&error);
                        tracing::warn!(stick = %self.name, port = %self.address, %error, "can't open the port: {advice}");
                    }
                }
                Happened::Asked(Request::Command(id, lock, command)) => {
                    self.radio.handle_command(now, id, lock, command);
                }
                Happened::Asked(Request::Network(id, command)) => self.radio.handle_network(now, id, command),
                Happened::Asked(Request::Stick(id, command)) => self.radio.handle_stick(now, id, command),
                Happened::Asked(Request::Persisted(id)) => self.radio.handle_persisted(now, id),
                Happened::Timeout => self.radio.handle_timeout(now),
                Happened::Look => {}
            }
            if !self.drain(port.is_some()).await {
                return;
            }
            if std::mem::take(&mut self.tries_another) && port.take().is_some() {
                open_at = self.lost(now, "the stick does not answer; it is tried in another way");
                if !self.drain(false).await {
                    return;
                }
            }
        }
    }

    fn lost(&mut self, now: Instant, reason: &str) -> Instant {
        tracing::warn!(stick = %self.name, port = %self.address, reason, "port lost");
        self.outgoing.clear();
        self.radio.handle_port(now, PortState::Lost);
        self.reconnect.next_try(now)
    }

    /// Hands on everything the driver has to say. False: the hub has gone.
    async fn drain(&mut self, open: bool) -> bool {
        loop {
            let sent = match self.radio.poll_output() {
                Output::Transmit(bytes) => {
                    let bytes = SecretBytes(Zeroizing::new(bytes));
                    if open {
                        self.outgoing.extend_from_slice(&bytes.0);
                    }
                    true
                }
                Output::Event(event) => {
                    if matches!(event, RadioEvent::Stick(StickState::Failed(_))) && self.address.has_another_way() {
                        self.unanswered += 1;
                        self.tries_another = true;
                    }
                    let stick = Arc::clone(&self.name);
                    self.reports.send(StickReport { stick, event }).await.is_ok()
                }
                Output::Persist(id, record) => {
                    let stick = Arc::clone(&self.name);
                    self.persists.send(PersistRequest { stick, id, record }).await.is_ok()
                }
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    let traffic = self.radio.traffic();
                    self.traffic.send_if_modified(|told| std::mem::replace(told, traffic) != traffic);
                    return true;
                }
            };
            if !sent {
                return false;
            }
        }
    }
}

/// Ends when `stop` turns true or its sender is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
